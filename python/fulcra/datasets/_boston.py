"""Boston: what homes cost in 506 districts, and why."""

from typing import Any

import numpy as np

from fulcra._base import check_function_params
from fulcra.datasets._bunch import bunch
from fulcra.datasets._packages import PackageFile

_FILE = PackageFile("islp==0.6.0", "ISLP", "data/Boston.csv")
_FEATURES = (
    "crim",
    "zn",
    "indus",
    "chas",
    "nox",
    "rm",
    "age",
    "dis",
    "rad",
    "tax",
    "ptratio",
    "lstat",
)

_DESCR = """
Boston: the median value of homes in 506 districts of Boston in 1970, and what the districts are like. Values
above 50,000 dollars were recorded as 50,000. The book leaves a column on race out of the original table.

Source: James, Witten, Hastie, Tibshirani and Taylor (2023), "An introduction to statistical learning, with
applications in Python", Springer. The file is the one that the package islp 0.6.0 installs.
Collected by Harrison and Rubinfeld (1978), "Hedonic housing prices and the demand for clean air", Journal of
Environmental Economics and Management 5.
"""


@check_function_params({"return_X_y": ["boolean"], "as_frame": ["boolean"]})
def load_boston(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load the Boston data: what homes cost in 506 districts (regression).

    Census districts of Boston, 1970. Values above 50,000 dollars were recorded as 50,000: 16 of them.

    =================   ==========================
    Samples total                              506
    Dimensionality                              12
    Features                real, and a code: 0, 1
    Targets             thousands of dollars, 5-50
    =================   ==========================

    The data come with a package, which is not imported: ``pip install --no-deps islp==0.6.0``.

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, returns ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        If True, data and target are a pandas DataFrame and Series.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : {ndarray, dataframe} of shape (506, 12)
            'crim' (crimes per head), 'zn' (percent of land for large lots), 'indus' (percent of land for
            businesses other than shops), 'chas' (1 beside the river Charles, else 0), 'nox' (nitric oxides,
            parts per 10 million), 'rm' (rooms of a home, on average), 'age' (percent of homes built before
            1940), 'dis' (distance to five centres of employment), 'rad' (index of access to highways), 'tax'
            (dollars per 10,000 of value), 'ptratio' (pupils to a teacher), 'lstat' (percent of people of
            lower status).
        target : {ndarray, Series} of shape (506,)
            'medv': the median value of homes, thousands of dollars.
        feature_names : list
            The names of the columns.
        frame : DataFrame of shape (506, 13)
            Only with `as_frame`: data and target.
        DESCR : str
            What the data are, and where they come from.

    (data, target) : tuple if ``return_X_y`` is True
        The two alone.

    Raises
    ------
    MissingError
        If the package is not installed, or another release's columns are; names the pip line. If `as_frame`
        and pandas is not installed.

    References
    ----------
    Harrison and Rubinfeld (1978), "Hedonic housing prices and the demand for clean air", Journal of
    Environmental Economics and Management 5.

    Examples
    --------
    >>> from fulcra.datasets import load_boston
    >>> X, y = load_boston(return_X_y=True)  # doctest: +SKIP
    >>> X.shape, float(y.max())  # doctest: +SKIP
    ((506, 12), 50.0)
    """
    *numbers, value = _FILE.read_columns((*_FEATURES, "medv"))
    return bunch(
        data=np.column_stack([np.array(held, dtype=np.float64) for held in numbers]),
        target=np.array(value, dtype=np.float64),
        target_name="medv",
        feature_names=_FEATURES,
        descr=_DESCR,
        as_frame=as_frame,
        return_X_y=return_X_y,
    )
