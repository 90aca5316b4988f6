"""What every loader returns: scikit-learn's Bunch, a pair, or data frames."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from fulcra._errors import MissingError


def bunch(
    *,
    data: NDArray[Any],
    feature_names: Sequence[str],
    descr: str,
    as_frame: bool,
    target: NDArray[Any] | None = None,
    target_name: str = "target",
    categories: Mapping[str, Sequence[str]] | None = None,
    return_X_y: bool = False,
    **others: Any,
) -> Any:
    """Return what scikit-learn's loaders return.

    Parameters
    ----------
    data : ndarray of shape (n_samples, n_features)
        One row a sample.
    feature_names : sequence of str
        Names of the columns.
    descr : str
        What the data are, and where they come from.
    as_frame : bool
        Whether data and target are pandas objects.
    target : ndarray of shape (n_samples,), default=None
        What belongs to each row; None where there is nothing.
    target_name : str, default='target'
        Its column in the frame.
    categories : mapping of str to sequence of str, default=None
        The levels of columns that hold codes: categorical columns in a frame.
    return_X_y : bool, default=False
        Return data and target alone.
    **others
        More attributes.

    Returns
    -------
    Bunch or tuple
        With `data`, `target` (if there is one), `feature_names`, `frame` (None unless `as_frame`), `DESCR`.

    Raises
    ------
    MissingError
        If `as_frame` and pandas is not installed.
    """
    frame = None
    X: Any = data
    y: Any = target
    if as_frame:
        frame = _frame(data, feature_names, categories or {})
        X = frame
        if target is not None:
            frame = frame.assign(**{target_name: target})
            X, y = frame[list(feature_names)], frame[target_name]
    if return_X_y:
        return X, y
    if categories:
        others["categories"] = {name: list(levels) for name, levels in categories.items()}
    if target is not None:
        others["target"] = y
    return Bunch(data=X, feature_names=list(feature_names), frame=frame, DESCR=descr, **others)


def codes(values: Sequence[str], levels: Sequence[str]) -> NDArray[np.float64]:
    """Return each value's place among the levels.

    Parameters
    ----------
    values : sequence of str
        All of them levels.
    levels : sequence of str
        Each of them once.

    Returns
    -------
    ndarray of shape (n_values,), float64
        From 0.
    """
    place = {level: float(code) for code, level in enumerate(levels)}
    return np.array([place[value] for value in values])


def _frame(data: NDArray[Any], feature_names: Sequence[str], categories: Mapping[str, Sequence[str]]) -> Any:
    try:
        import pandas as pd  # noqa: PLC0415 - not a dependency
    except ImportError as error:
        raise MissingError("as_frame=True needs pandas: pip install pandas") from error
    frame = pd.DataFrame(data, columns=list(feature_names))
    for name, levels in categories.items():
        frame[name] = pd.Categorical.from_codes(frame[name].astype(int), list(levels))
    return frame
