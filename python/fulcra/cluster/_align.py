"""Labels that stay what they were: next month's segment 2 is this month's."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array, column_or_1d

from fulcra._base import Data


def align_labels(old: Data, new: Data) -> NDArray[np.int64]:
    """Rename new labels so that they are the old ones for as many rows as possible; or order new centers.

    Each new cluster takes the name of at most one old one, and no two the same: those pairs are chosen that
    share the most rows in all (Kuhn 1955, the "Hungarian method"). A new cluster that shares no row with what
    is left of the old ones gets the next whole number above all old labels.

    Parameters
    ----------
    old : array-like of shape (n_samples,), or of shape (n_old_clusters, n_features)
        Labels of the rows as they were, whole numbers; or centers.
    new : array-like of shape (n_samples,), or of shape (n_new_clusters, n_features)
        Labels of the same rows now, of any kind; or centers.

    Returns
    -------
    ndarray of shape (n_samples,) or (n_new_clusters,), int64
        For labels: the new ones, renamed. For centers: the name of each new center, which is the index of an
        old one, such that the squared Euclidean distances of the pairs are smallest in all; what has no
        partner is numbered on from ``n_old_clusters``. ``align_labels(old_centers, new_centers)[labels]`` are
        labels that keep their meaning where the rows are others.

    Raises
    ------
    ValueError
        If labels differ in number, old labels are not whole numbers, or centers differ in their columns.

    References
    ----------
    Kuhn (1955), "The Hungarian method for the assignment problem", Naval Research Logistics Quarterly 2.

    Examples
    --------
    >>> from fulcra.cluster import align_labels
    >>> align_labels([0, 0, 1, 1, 2, 2], [2, 2, 0, 0, 1, 1])
    array([0, 0, 1, 1, 2, 2])
    >>> align_labels([0, 0, 0, 0, 1, 1], ["b", "b", "b", "c", "a", "a"])
    array([0, 0, 0, 2, 1, 1])
    >>> align_labels([[0.0, 0.0], [9.0, 9.0]], [[8.0, 9.0], [5.0, 0.0], [0.0, 1.0]])
    array([1, 2, 0])
    """
    if np.ndim(old) != np.ndim(new):
        raise ValueError(f"old has {np.ndim(old)} dimensions and new {np.ndim(new)}: give labels or centers.")
    if np.ndim(old) == 2:
        return _of_centers(check_array(old, input_name="old"), check_array(new, input_name="new"))
    old, new = column_or_1d(old), column_or_1d(new)
    if len(old) != len(new):
        raise ValueError(f"old has {len(old)} labels and new has {len(new)}; they must be of the same rows.")
    if len(old) == 0:
        raise ValueError("there are no labels to align.")
    if old.dtype.kind not in "iub" and not (old.dtype.kind == "f" and np.array_equal(old, np.trunc(old))):
        raise ValueError(f"old labels must be whole numbers; got {old.dtype}.")
    kept = np.unique(old).astype(np.int64)
    _, positions = np.unique(new, return_inverse=True)
    # Half of SciPy and of scikit-learn: loaded when they are used.
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415
    from sklearn.metrics.cluster import contingency_matrix  # noqa: PLC0415

    shared = contingency_matrix(old, new)
    ones, others = linear_sum_assignment(shared, maximize=True)
    overlap = shared[ones, others] > 0
    return _named(shared.shape[1], others[overlap], kept[ones[overlap]], int(kept[-1]) + 1)[positions]


def _of_centers(old: NDArray[Any], new: NDArray[Any]) -> NDArray[np.int64]:
    if old.shape[1] != new.shape[1]:
        raise ValueError(f"old centers have {old.shape[1]} columns and new ones {new.shape[1]}.")
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415
    from scipy.spatial.distance import cdist  # noqa: PLC0415

    ones, others = linear_sum_assignment(cdist(old, new, metric="sqeuclidean"))
    return _named(len(new), others, ones, len(old))


def _named(n: int, partnered: NDArray[Any], names: NDArray[Any], fresh: int) -> NDArray[np.int64]:
    """Return the names of n clusters: those of the partnered ones, and numbers from `fresh` on."""
    named = np.empty(n, dtype=np.int64)
    alone = np.ones(n, dtype=bool)
    alone[partnered] = False
    named[partnered] = names
    named[alone] = np.arange(fresh, fresh + np.count_nonzero(alone))
    return named
