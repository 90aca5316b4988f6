"""Credit: what 400 holders of credit cards earn, may borrow and owe."""

from typing import Any

import numpy as np

from fulcra._base import check_function_params
from fulcra.datasets._bunch import bunch, codes
from fulcra.datasets._packages import PackageFile

_FILE = PackageFile("islp==0.6.0", "ISLP", "data/Credit.csv")
_NUMBERS = ("Income", "Limit", "Rating", "Cards", "Age", "Education")
_LEVELS = {
    "Gender": ("Male", "Female"),
    "Student": ("No", "Yes"),
    "Married": ("No", "Yes"),
    "Ethnicity": ("African American", "Asian", "Caucasian"),
}
_COLUMNS = ("ID", *_NUMBERS, *_LEVELS, "Balance")

_DESCR = """
Credit: income, limits, rating and balance of 400 holders of credit cards. The people are made up.

Source: James, Witten, Hastie, Tibshirani and Taylor (2023), "An introduction to statistical learning, with
applications in Python", Springer. The file is the one that the package islp 0.6.0 installs.
"""


@check_function_params({"return_X_y": ["boolean"], "as_frame": ["boolean"]})
def load_credit(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load the credit data: holders of credit cards and what they owe (regression).

    The people are made up, by the authors of the book that the data are from.

    =================   ==============================
    Samples total                                  400
    Dimensionality                                  10
    Features            real, positive, and four codes
    Targets             dollars, 0 to 1,999
    =================   ==============================

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

        data : {ndarray, dataframe} of shape (400, 10)
            'Income' (1,000 dollars a year), 'Limit' (dollars), 'Rating' (points), 'Cards' (how many), 'Age'
            and 'Education' (years); then 'Gender', 'Student', 'Married' and 'Ethnicity' as codes: places in
            `categories`.
        target : {ndarray, Series} of shape (400,)
            'Balance': dollars owed, on average.
        feature_names : list
            The names of the columns.
        categories : dict of str to list
            The levels of the columns that hold codes: level 0 first. Categorical columns in a frame.
        frame : DataFrame of shape (400, 11)
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
    >>> from fulcra.datasets import load_credit
    >>> credit = load_credit()  # doctest: +SKIP
    >>> credit.data[0].round(1).tolist(), float(credit.target[0])  # doctest: +SKIP
    ([14.9, 3606.0, 283.0, 2.0, 34.0, 11.0, 0.0, 0.0, 1.0, 2.0], 333.0)
    """
    found = dict(zip(_COLUMNS, _FILE.read_columns(_COLUMNS), strict=True))
    numbers = [np.array(found[name], dtype=np.float64) for name in _NUMBERS]
    return bunch(
        data=np.column_stack(numbers + [codes(found[name], levels) for name, levels in _LEVELS.items()]),
        target=np.array(found["Balance"], dtype=np.float64),
        target_name="Balance",
        feature_names=(*_NUMBERS, *_LEVELS),
        categories=_LEVELS,
        descr=_DESCR,
        as_frame=as_frame,
        return_X_y=return_X_y,
    )
