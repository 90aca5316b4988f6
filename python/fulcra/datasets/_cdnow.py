"""CDNOW: who bought how many records when, in an online shop of 1997."""

from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulcra._base import check_function_params
from fulcra.datasets._bunch import bunch
from fulcra.datasets._packages import PackageFile

_FILE = PackageFile("Lifetimes==0.11.3", "lifetimes", "datasets/CDNOW_master.txt")
_FIRST, _LAST = date(1997, 1, 1), date(1998, 6, 30)

_SOURCE = """
Everybody who bought for the first time in the first quarter of 1997 at CDNOW, an online shop for music, and
all that they bought until 30 June 1998: 69,659 purchases of 23,570 customers.

Source: Fader and Hardie (2001), "Forecasting repeat sales at CDNOW: a case study", Interfaces 31. The file is
the one that the package Lifetimes 0.11.3 installs.
"""


@check_function_params({"return_X_y": ["boolean"], "as_frame": ["boolean"]})
def load_cdnow(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load the purchases of the CDNOW customers (regression).

    Everybody who bought for the first time in the first quarter of 1997, and all that they bought until 30
    June 1998.

    =================   ===================
    Samples total                    69,659
    Dimensionality                        3
    Features            integral
    Targets             dollars, 0 to 1,286
    =================   ===================

    The data come with a package, which is not imported: ``pip install --no-deps Lifetimes==0.11.3``.

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

        data : {ndarray, dataframe} of shape (69659, 3)
            'customer' (1 to 23,570), 'day' (days since 1 January 1997, which is 0) and 'records' (how many
            were bought), one row a purchase.
        target : {ndarray, Series} of shape (69659,)
            'dollars' paid.
        feature_names : list
            The names of the columns.
        frame : DataFrame of shape (69659, 4)
            Only with `as_frame`: data and target.
        DESCR : str
            What the data are, and where they come from.

    (data, target) : tuple if ``return_X_y`` is True
        The two alone.

    Raises
    ------
    MissingError
        If the package is not installed; names the pip line. If `as_frame` and pandas is not installed.

    See Also
    --------
    load_cdnow_rfm : The same purchases as a table of customers.

    References
    ----------
    Fader and Hardie (2001), "Forecasting repeat sales at CDNOW: a case study", Interfaces 31.

    Examples
    --------
    >>> from fulcra.datasets import load_cdnow
    >>> cdnow = load_cdnow()  # doctest: +SKIP
    >>> cdnow.data[:3].astype(int), cdnow.target[:3]  # doctest: +SKIP
    (array([[ 1,  0,  1],
           [ 2, 11,  1],
           [ 2, 11,  5]]), array([11.77, 12.  , 77.  ]))
    """
    purchases = _purchases()
    return bunch(
        data=purchases[:, :3].copy(),
        target=purchases[:, 3].copy(),
        target_name="dollars",
        feature_names=("customer", "day", "records"),
        descr="CDNOW: purchases\n" + _SOURCE,
        as_frame=as_frame,
        return_X_y=return_X_y,
    )


@check_function_params({"until": [str, date], "return_X_y": ["boolean"], "as_frame": ["boolean"]})
def load_cdnow_rfm(
    *, until: str | date = "1997-09-30", return_X_y: bool = False, as_frame: bool = False
) -> Any:
    """Load the CDNOW customers by recency, frequency and money, and what they spent afterwards (regression).

    The purchases up to a day are the features, and those after it the target: what a shop knows of its
    customers on that day, and what it would have liked to know. The default day is the one that the
    literature cuts at: 39 weeks before it, 39 weeks after it.

    =================   ===================
    Samples total                    23,570
    Dimensionality                        3
    Features            real, positive
    Targets             dollars, 0 to 5,763
    =================   ===================

    The data come with a package, which is not imported: ``pip install --no-deps Lifetimes==0.11.3``.

    Parameters
    ----------
    until : str (YYYY-MM-DD) or datetime.date, default='1997-09-30'
        The last day that the features know of, 1997-01-01 to 1998-06-30. Customers who had not bought by then
        are left out; from 1997-03-31 on there are none of these. On the last day the target is 0 for all.
    return_X_y : bool, default=False
        If True, returns ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        If True, data and target are a pandas DataFrame and Series; 'customer' is their index.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : {ndarray, dataframe} of shape (n_customers, 3)
            'recency' (days from the last purchase to `until`), 'frequency' (purchases) and 'money' (dollars
            in all). 70 customers paid
            nothing by the default day: their money is 0.
        target : {ndarray, Series} of shape (n_customers,)
            'later': dollars spent after `until`.
        customer : ndarray of shape (n_customers,)
            Their numbers, ascending.
        feature_names : list
            The names of the columns.
        frame : DataFrame of shape (n_customers, 4)
            Only with `as_frame`: data and target.
        DESCR : str
            What the data are, and where they come from.

    (data, target) : tuple if ``return_X_y`` is True
        The two alone.

    Raises
    ------
    MissingError
        If the package is not installed; names the pip line. If `as_frame` and pandas is not installed.
    ValueError
        If `until` is not a day, or out of range.

    References
    ----------
    Fader and Hardie (2001), "Forecasting repeat sales at CDNOW: a case study", Interfaces 31.
    Fader, Hardie and Lee (2005), "RFM and CLV: using iso-value curves for customer base analysis", Journal of
    Marketing Research 42.

    Examples
    --------
    >>> from fulcra.datasets import load_cdnow_rfm
    >>> customers = load_cdnow_rfm()  # doctest: +SKIP
    >>> customers.data[:2], customers.target[:2]  # doctest: +SKIP
    (array([[272.  ,   1.  ,  11.77],
           [261.  ,   2.  ,  89.  ]]), array([0., 0.]))
    """
    day = _day(until)
    customer, when, _, dollars = _purchases().T
    known = when <= day
    number, row = np.unique(customer[known].astype(int), return_inverse=True)
    last = np.zeros(len(number))
    np.maximum.at(last, row, when[known])
    money = np.bincount(row, weights=dollars[known])
    data = np.column_stack((day - last, np.bincount(row), money.round(2)))  # whole cents, as they were
    spent = np.bincount(customer[~known].astype(int), weights=dollars[~known], minlength=number[-1] + 1)
    shown = (_FIRST + timedelta(days=day)).isoformat()
    found = bunch(
        data=data,
        target=spent[number].round(2),
        target_name="later",
        feature_names=("recency", "frequency", "money"),
        descr=f"CDNOW: customers on {shown}, and the dollars that they spent afterwards\n" + _SOURCE,
        as_frame=as_frame,
        customer=number,
    )
    if as_frame:
        for part in (found.data, found.target, found.frame):
            part.index = number
            part.index.name = "customer"
    return (found.data, found.target) if return_X_y else found


@cache
def _purchases() -> NDArray[np.float64]:
    """Return customer, day, records and dollars of every purchase, read once."""
    table = np.loadtxt(_FILE.read_bytes().decode().splitlines(), skiprows=1)
    days, which = np.unique(table[:, 1].astype(int), return_inverse=True)
    table[:, 1] = np.array([(date.fromisoformat(str(day)) - _FIRST).days for day in days])[which]
    table.setflags(write=False)
    return table


def _day(until: str | date) -> int:
    try:
        day = date.fromisoformat(until) if isinstance(until, str) else until
    except ValueError as error:
        raise ValueError(f"until={until!r} is not a day; give YYYY-MM-DD.") from error
    if not _FIRST <= day <= _LAST:
        raise ValueError(f"until={until!r} is out of range: the purchases are of {_FIRST} to {_LAST}.")
    return (day - _FIRST).days
