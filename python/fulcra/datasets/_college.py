"""College: what 777 colleges ask, spend and achieve."""

from typing import Any

import numpy as np

from fulcra._base import check_function_params
from fulcra.datasets._bunch import bunch, codes
from fulcra.datasets._packages import PackageFile

_FILE = PackageFile("islp==0.6.0", "ISLP", "data/College.csv")
_NUMBERS = (
    "Apps",
    "Accept",
    "Enroll",
    "Top10perc",
    "Top25perc",
    "F.Undergrad",
    "P.Undergrad",
    "Outstate",
    "Room.Board",
    "Books",
    "Personal",
    "PhD",
    "Terminal",
    "S.F.Ratio",
    "perc.alumni",
    "Expend",
)
_COLUMNS = ("Private", *_NUMBERS, "Grad.Rate")
_ANSWERS = ("No", "Yes")

_DESCR = """
College: applications, fees, staff and graduates of 777 colleges of the United States, from the 1995 issue of
U.S. News and World Report. The colleges' names are not among the columns. A graduation rate of 118% and a
staff of whom 103% have a PhD are as they were printed.

Source: James, Witten, Hastie, Tibshirani and Taylor (2023), "An introduction to statistical learning, with
applications in Python", Springer. The file is the one that the package islp 0.6.0 installs.
"""


@check_function_params({"return_X_y": ["boolean"], "as_frame": ["boolean"]})
def load_college(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load the college data: what 777 colleges ask, spend and achieve (regression).

    Colleges of the United States in 1995. The file has no names of colleges.

    =================   ==========================
    Samples total                              777
    Dimensionality                              17
    Features            real, positive, and a code
    Targets             percent, 10 to 118
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

        data : {ndarray, dataframe} of shape (777, 17)
            'Private' (a code: 0 is no, 1 yes); 'Apps', 'Accept' and 'Enroll' (applicants, those accepted and
            those who came); 'Top10perc' and 'Top25perc' (percent of new students who were among the best of
            their school); 'F.Undergrad' and 'P.Undergrad' (students, full and part time); 'Outstate',
            'Room.Board', 'Books' and 'Personal' (dollars a year: fees for students from other states, and
            what they live on); 'PhD' and 'Terminal' (percent of the staff with that degree); 'S.F.Ratio'
            (students for each of the staff); 'perc.alumni' (percent of alumni who donate); 'Expend' (dollars
            spent on each student).
        target : {ndarray, Series} of shape (777,)
            'Grad.Rate': percent of students who graduate; one is given as 118.
        feature_names : list
            The names of the columns.
        categories : dict of str to list
            The levels of the columns that hold codes: level 0 first. Categorical columns in a frame.
        frame : DataFrame of shape (777, 18)
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
    >>> from fulcra.datasets import load_college
    >>> college = load_college()  # doctest: +SKIP
    >>> fees = college.data[:, college.feature_names.index("Outstate")]  # doctest: +SKIP
    >>> float(fees.min()), float(fees.max())  # doctest: +SKIP
    (2340.0, 21700.0)
    """
    private, *numbers, graduated = _FILE.read_columns(_COLUMNS)
    return bunch(
        data=np.column_stack(
            [codes(private, _ANSWERS)] + [np.array(held, dtype=np.float64) for held in numbers]
        ),
        target=np.array(graduated, dtype=np.float64),
        target_name="Grad.Rate",
        feature_names=_COLUMNS[:-1],
        categories={"Private": _ANSWERS},
        descr=_DESCR,
        as_frame=as_frame,
        return_X_y=return_X_y,
    )
