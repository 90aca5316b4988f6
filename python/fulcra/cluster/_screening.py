"""Screening: which rows are far from their centers."""

from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra._base import Data, Interval, check_function_params

#: Numbers in a block of distances.
_BLOCK = 1 << 22


@check_function_params(
    {
        "X": ["array-like", "sparse matrix"],
        "quantile": [Interval(Real, 0, 1, closed="both")],
    }
)
def screen_outliers(model: Any, X: Data, *, quantile: float = 0.99) -> NDArray[np.bool_]:
    """Say which rows are far from their center, by a quantile of the distances.

    A row's distance from its center is divided by the median distance of the rows of its cluster, or by their
    mean where more than half of them sit on the center, so that rows of tight and of wide clusters compare.
    The quantile is of all rows together: of a small cluster alone it would be the farthest row, however near.

    Parameters
    ----------
    model : estimator
        A fitted clusterer with `predict` and `transform`, of fulcra or scikit-learn; the distances are those
        of its `transform`.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        The rows, those of the fit or others.
    quantile : float, default=0.99
        A row is marked if more than this share of all rows is nearer to its center, as scaled. From 0 to 1;
        1 marks none.

    Returns
    -------
    ndarray of shape (n_samples,), bool
        True for the rows that are far; at most ``1 - quantile`` of them, rounded up.

    Raises
    ------
    TypeError
        If the model has no `predict` or no `transform`.
    NotFittedError
        If the model is not fitted.
    ValueError
        If `quantile` is out of range, or X does not suit the model.

    See Also
    --------
    KMeans : Its `trim` leaves the farthest rows out of the fit itself; its `diagnostics_` name outliers.

    Notes
    -----
    Some rows are marked whether they are outliers or not: a quantile has no opinion. A row that has a cluster
    of its own sits on its center and is not marked; `KMeans.diagnostics_` names it.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.cluster import KMeans, screen_outliers
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0], [10.0], [11.0], [12.0], [18.0]])
    >>> model = KMeans(2, init=[[1.5], [11.0]]).fit(X)
    >>> np.flatnonzero(screen_outliers(model, X, quantile=0.9))
    array([7])
    """
    if not (hasattr(model, "predict") and hasattr(model, "transform")):
        raise TypeError(
            f"model must be a fitted clusterer with predict and transform; got {type(model).__name__}."
        )
    labels = np.asarray(model.predict(X))
    distances = _own_distances(model, X, labels)
    scaled = np.zeros_like(distances)
    order = np.argsort(labels, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        own = distances[members]
        scale = np.median(own) or own.mean()
        if scale > 0:
            scaled[members] = own / scale
    far: NDArray[np.bool_] = scaled > np.quantile(
        scaled, quantile, method="higher" if quantile == 1 else "linear"
    )
    return far


def _own_distances(model: Any, X: Data, labels: NDArray[Any]) -> NDArray[np.float64]:
    """Return each row's distance from the center of its label, a block of rows at a time."""
    n_samples = len(labels)
    rows: Any = X if sp.issparse(X) or hasattr(X, "iloc") else np.asarray(X)
    if sp.issparse(rows):
        rows = rows.tocsr()
    own = np.empty(n_samples)
    length = max(1, _BLOCK // (int(labels.max()) + 1))
    for start in range(0, n_samples, length):
        part = slice(start, start + length)
        block = np.asarray(model.transform(rows.iloc[part] if hasattr(rows, "iloc") else rows[part]))
        own[part] = np.take_along_axis(block, labels[part, np.newaxis].astype(np.intp), axis=1)[:, 0]
    return own
