"""How many threads fulcra uses, and threadpoolctl's hand on it.

The compiled module holds one slot: what `set_num_threads` or a threadpoolctl limit said last. While it is
empty the environment decides: ``FULCRA_NUM_THREADS``, else ``OMP_NUM_THREADS`` (joblib sets it in its
workers), else the CPUs that this process may use. Results never depend on the number.
"""

import operator
import os

import threadpoolctl

from fulcra import _core


def set_num_threads(n_threads: int | None) -> None:
    """Set how many threads every following call uses.

    Parameters
    ----------
    n_threads : int or None
        At least 1; None goes back to what the environment says.

    Raises
    ------
    ValueError
        If `n_threads` is below 1.
    TypeError
        If it is neither an integer nor None.

    Examples
    --------
    >>> import fulcra
    >>> fulcra.set_num_threads(1)
    >>> fulcra.get_num_threads()
    1
    >>> fulcra.set_num_threads(None)
    """
    if n_threads is not None:
        n_threads = operator.index(n_threads)
        if n_threads < 1:
            raise ValueError(f"n_threads={n_threads}; at least 1 thread is needed, or None for the default.")
    _core.set_num_threads(n_threads)


def get_num_threads() -> int:
    """Return how many threads the next call would use.

    Returns
    -------
    int
        At least 1.
    """
    return _core.get_num_threads()


class _FulcraController(threadpoolctl.LibController):  # type: ignore[misc]
    """threadpoolctl's view of us, under "openmp" as the pool that its users mean to limit.

    threadpoolctl finds libraries by the beginning of their file's name, and many packages call theirs
    `_core`: whatever is not our file gets no `dynlib`, so that `check_symbols` turns it away (raising instead
    would end the search for every library in threadpoolctl before 3.8).
    """

    user_api = "openmp"
    internal_api = "fulcra"
    filename_prefixes = ("_core",)
    check_symbols = ("PyInit__core",)

    def set_additional_attributes(self) -> None:
        if self.filepath is None or os.path.realpath(self.filepath) != os.path.realpath(_core.__file__):
            self.dynlib = None

    def get_num_threads(self) -> int:
        return get_num_threads()

    def set_num_threads(self, num_threads: int) -> None:
        # A limit on another kind of library ends by setting every library back to what it was. Writing that
        # into the slot would pin the environment's answer of today.
        if num_threads != get_num_threads():
            set_num_threads(num_threads)

    def get_version(self) -> None:
        return None


threadpoolctl.register(_FulcraController)
