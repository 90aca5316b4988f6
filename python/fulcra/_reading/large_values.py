"""Values whose variances are beyond what a float64 holds, named as estimators name them."""

from collections.abc import Iterator
from contextlib import contextmanager

from fulcra import _core


@contextmanager
def large_values_named() -> Iterator[None]:
    """Say what is wrong where the sums of a description overflow, though the estimator took the values.

    Raises
    ------
    ValueError
        In place of the core's error, whose row and column are not those of the user's table.
    """
    try:
        yield
    except _core.NonFiniteError as error:
        flaw = "values" if error.args[2] == "overflow" else "infinity, or values"
        raise ValueError(
            f"Input X contains {flaw} too large for their variance in float64. Scale the data."
        ) from None
