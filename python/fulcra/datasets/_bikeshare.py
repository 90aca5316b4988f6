"""Bikeshare: how many people rode a shared bicycle in each hour of a year."""

from typing import Any

import numpy as np

from fulcra._base import check_function_params
from fulcra.datasets._bunch import bunch, codes
from fulcra.datasets._packages import PackageFile

_FILE = PackageFile("islp==0.6.0", "ISLP", "data/Bikeshare.csv")
_COLUMNS = (
    "season",
    "mnth",
    "day",
    "hr",
    "holiday",
    "weekday",
    "workingday",
    "weathersit",
    "temp",
    "atemp",
    "hum",
    "windspeed",
    "casual",
    "registered",
    "bikers",
)
_LEVELS = {
    "mnth": ("Jan", "Feb", "March", "April", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec"),
    "weathersit": ("clear", "cloudy/misty", "light rain/snow", "heavy rain/snow"),
}
_FEATURES = _COLUMNS[:-3]

_DESCR = """
Bikeshare: how many people rode a shared bicycle in Washington, in each of 8,645 hours of 2011, and the
weather. Left out are casual and registered riders: they add up to the target.

Source: James, Witten, Hastie, Tibshirani and Taylor (2023), "An introduction to statistical learning, with
applications in Python", Springer. The file is the one that the package islp 0.6.0 installs.
Collected by Fanaee-T and Gama (2014), "Event labeling combining ensemble detectors and background
knowledge", Progress in Artificial Intelligence 2.
"""


@check_function_params({"return_X_y": ["boolean"], "as_frame": ["boolean"]})
def load_bikeshare(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load the bicycle data: how many people rode in each hour of a year (counts).

    Washington, 2011.

    =================   ==========================
    Samples total                             8645
    Dimensionality                              12
    Features                       real, and codes
    Targets                        counts, 1 - 651
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

        data : {ndarray, dataframe} of shape (8645, 12)
            'season' (1 is winter), 'mnth' (a code), 'day' (of the year), 'hr' (of the day, 0 to 23),
            'holiday' (1 or 0), 'weekday' (0 is Sunday), 'workingday' (1 or 0), 'weathersit' (a code), 'temp'
            and 'atemp' (temperature, and as it feels, scaled to lie from 0 to 1), 'hum' (humidity, 0 to 1),
            'windspeed' (scaled to lie from 0 to 1).
        target : {ndarray, Series} of shape (8645,)
            'bikers': how many rode.
        feature_names : list
            The names of the columns.
        categories : dict of str to list
            The levels of the columns that hold codes: level 0 first. Categorical columns in a frame.
        frame : DataFrame of shape (8645, 13)
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
    Fanaee-T and Gama (2014), "Event labeling combining ensemble detectors and background knowledge",
    Progress in Artificial Intelligence 2.

    Examples
    --------
    >>> from fulcra.datasets import load_bikeshare
    >>> X, y = load_bikeshare(return_X_y=True)  # doctest: +SKIP
    >>> X.shape, int(y.sum())  # doctest: +SKIP
    ((8645, 12), 1243103)
    """
    columns = dict(zip(_COLUMNS, _FILE.read_columns(_COLUMNS), strict=True))
    return bunch(
        data=np.column_stack(
            [
                codes(columns[name], _LEVELS[name])
                if name in _LEVELS
                else np.array(columns[name], dtype=np.float64)
                for name in _FEATURES
            ]
        ),
        target=np.array(columns["bikers"], dtype=np.float64),
        target_name="bikers",
        feature_names=_FEATURES,
        categories=_LEVELS,
        descr=_DESCR,
        as_frame=as_frame,
        return_X_y=return_X_y,
    )
