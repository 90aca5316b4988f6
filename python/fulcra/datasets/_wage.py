"""Wage: what 3,000 men earn, and what they are."""

from typing import Any

import numpy as np

from fulcra._base import check_function_params
from fulcra.datasets._bunch import bunch, codes
from fulcra.datasets._packages import PackageFile

_FILE = PackageFile("islp==0.6.0", "ISLP", "data/Wage.csv")
_COLUMNS = (
    "year",
    "age",
    "maritl",
    "race",
    "education",
    "region",
    "jobclass",
    "health",
    "health_ins",
    "logwage",
    "wage",
)
#: As the file numbers them.
_LEVELS = {
    "maritl": ("1. Never Married", "2. Married", "3. Widowed", "4. Divorced", "5. Separated"),
    "race": ("1. White", "2. Black", "3. Asian", "4. Other"),
    "education": (
        "1. < HS Grad",
        "2. HS Grad",
        "3. Some College",
        "4. College Grad",
        "5. Advanced Degree",
    ),
    "jobclass": ("1. Industrial", "2. Information"),
    "health": ("1. <=Good", "2. >=Very Good"),
    "health_ins": ("1. Yes", "2. No"),
}
_FEATURES = ("year", "age", *_LEVELS)

_DESCR = """
Wage: what 3,000 men of the Mid-Atlantic region of the United States earned, 2003 to 2009. Left out are the
region, which is one, and the logarithm of the wage.

Source: James, Witten, Hastie, Tibshirani and Taylor (2023), "An introduction to statistical learning, with
applications in Python", Springer. The file is the one that the package islp 0.6.0 installs.
Collected by the Bureau of Labor Statistics' Current Population Survey.
"""


@check_function_params({"return_X_y": ["boolean"], "as_frame": ["boolean"]})
def load_wage(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load the wage data: what 3,000 men earn, by age, education and work (regression).

    Men of the Mid-Atlantic region of the United States, 2003 to 2009.

    =================   ==========================
    Samples total                             3000
    Dimensionality                               8
    Features             real, positive, and codes
    Targets             thousands of dollars a year
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

        data : {ndarray, dataframe} of shape (3000, 8)
            'year' (when the wage was recorded), 'age', and six codes: 'maritl' (marital status), 'race',
            'education', 'jobclass', 'health' and 'health_ins' (health insurance).
        target : {ndarray, Series} of shape (3000,)
            'wage': thousands of dollars a year.
        feature_names : list
            The names of the columns.
        categories : dict of str to list
            The levels of the columns that hold codes: level 0 first. Categorical columns in a frame.
        frame : DataFrame of shape (3000, 9)
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
    >>> from fulcra.datasets import load_wage
    >>> wage = load_wage(as_frame=True)  # doctest: +SKIP
    >>> wage.frame.groupby("education", observed=True)["wage"].median().round(1).tolist()  # doctest: +SKIP
    [81.3, 94.1, 104.9, 118.9, 141.8]
    """
    columns = dict(zip(_COLUMNS, _FILE.read_columns(_COLUMNS), strict=True))
    return bunch(
        data=np.column_stack(
            [np.array(columns[name], dtype=np.float64) for name in ("year", "age")]
            + [codes(columns[name], levels) for name, levels in _LEVELS.items()]
        ),
        target=np.array(columns["wage"], dtype=np.float64),
        target_name="wage",
        feature_names=_FEATURES,
        categories={name: [level.split(". ", 1)[1] for level in levels] for name, levels in _LEVELS.items()},
        descr=_DESCR,
        as_frame=as_frame,
        return_X_y=return_X_y,
    )
