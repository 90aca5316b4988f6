"""The fast and trustworthy home, on a CPU, for everything in machine learning that is a weight or a centroid.

Examples
--------
>>> import numpy as np
>>> from fulcra.cluster import KMeans
>>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
>>> KMeans(n_clusters=2, random_state=0).fit(X).inertia_
16.0
"""

from fulcra._patch import patch, unpatch
from fulcra._threads import get_num_threads, set_num_threads
from fulcra._versions import show_versions, warn_of_unknown_simd

__all__ = ["get_num_threads", "patch", "set_num_threads", "show_versions", "unpatch"]

warn_of_unknown_simd()


def __getattr__(name: str) -> str:
    if name == "__version__":  # looked up when asked for: importlib.metadata costs more than all of the above
        from importlib.metadata import version  # noqa: PLC0415

        return version("fulcra")
    raise AttributeError(f"module 'fulcra' has no attribute {name!r}")
