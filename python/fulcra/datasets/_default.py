"""Default: who of 10,000 holders of credit cards did not pay."""

from typing import Any

import numpy as np

from fulcra._base import check_function_params
from fulcra.datasets._bunch import bunch, codes
from fulcra.datasets._packages import PackageFile

_FILE = PackageFile("islp==0.6.0", "ISLP", "data/Default.csv")
_COLUMNS = ("default", "student", "balance", "income")
_ANSWERS = ("No", "Yes")

_DESCR = """
Default: which of 10,000 holders of credit cards did not pay their debt, by what they owed and earned. The
people are made up.

Source: James, Witten, Hastie, Tibshirani and Taylor (2023), "An introduction to statistical learning, with
applications in Python", Springer. The file is the one that the package islp 0.6.0 installs.
"""


@check_function_params({"return_X_y": ["boolean"], "as_frame": ["boolean"]})
def load_default(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load the default data: who did not pay the debt on a credit card (classification).

    The people are made up, by the authors of the book that the data are from.

    =================   ==========================
    Classes                                      2
    Samples per class                  [9667, 333]
    Samples total                            10000
    Dimensionality                               3
    Features            real, positive, and a code
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

        data : {ndarray, dataframe} of shape (10000, 3)
            'student' (a code: 0 is no, 1 yes), 'balance' (dollars owed, on average after the monthly
            payment) and 'income' (dollars a year).
        target : {ndarray, Series} of shape (10000,)
            'default': 0 for those who paid, 1 for those who did not.
        feature_names : list
            The names of the columns.
        categories : dict of str to list
            The levels of the columns that hold codes: level 0 first. Categorical columns in a frame.
        target_names : list
            'No' and 'Yes'.
        frame : DataFrame of shape (10000, 4)
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
    James, Witten, Hastie, Tibshirani and Taylor (2023), "An introduction to statistical learning, with
    applications in Python", Springer.

    Examples
    --------
    >>> from fulcra.datasets import load_default
    >>> X, y = load_default(return_X_y=True)  # doctest: +SKIP
    >>> X[0].round().tolist(), int(y.sum())  # doctest: +SKIP
    ([0.0, 730.0, 44362.0], 333)
    """
    default, student, balance, income = _FILE.read_columns(_COLUMNS)
    return bunch(
        data=np.column_stack(
            (codes(student, _ANSWERS), np.array(balance, np.float64), np.array(income, np.float64))
        ),
        target=codes(default, _ANSWERS).astype(np.int64),
        target_name="default",
        target_names=list(_ANSWERS),
        feature_names=_COLUMNS[1:],
        categories={"student": _ANSWERS},
        descr=_DESCR,
        as_frame=as_frame,
        return_X_y=return_X_y,
    )
