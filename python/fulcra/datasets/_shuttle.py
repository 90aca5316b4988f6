"""Shuttle: sensor readings of a space shuttle, some of them out of order."""

from typing import Any

import numpy as np

from fulcra._base import check_function_params
from fulcra.datasets._bunch import bunch
from fulcra.datasets._packages import PackageFile

_FILE = PackageFile("river==0.26.1", "river", "datasets/shuttle.csv.gz")
_NAMES = tuple(f"f{place}" for place in range(1, 10))

_DESCR = """
Shuttle: readings of nine sensors of a space shuttle, 45,586 of them in normal operation and 3,511 not.

The "Statlog (Shuttle)" data of NASA, whose commonest class is taken as normal; the second commonest is left
out, and the five rare ones are the anomalies. The rows are in no order of time.

Source: Liu, Ting and Zhou (2008), "Isolation forest", ICDM, prepared them so. The file is the one that the
package river 0.26.1 installs.
"""


@check_function_params({"return_X_y": ["boolean"], "as_frame": ["boolean"]})
def load_shuttle(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load the shuttle data: sensor readings, normal or not (classification).

    =================   ==============
    Classes                          2
    Samples per class   [45586, 3511]
    Samples total                49097
    Dimensionality                   9
    Features                  integral
    =================   ==============

    The data come with a package, which is not imported: ``pip install --no-deps river==0.26.1``.

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

        data : {ndarray, dataframe} of shape (49097, 9)
            The sensors, 'f1' to 'f9', in units that are not known.
        target : {ndarray, Series} of shape (49097,)
            'anomaly': 0 for normal, 1 for not.
        feature_names : list
            The names of the columns.
        target_names : list
            'normal' and 'anomaly'.
        frame : DataFrame of shape (49097, 10)
            Only with `as_frame`: data and target.
        DESCR : str
            What the data are, and where they come from.

    (data, target) : tuple if ``return_X_y`` is True
        The two alone.

    Raises
    ------
    MissingError
        If the package is not installed; names the pip line. If `as_frame` and pandas is not installed.

    References
    ----------
    Liu, Ting and Zhou (2008), "Isolation forest", IEEE International Conference on Data Mining.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.datasets import load_shuttle
    >>> X, y = load_shuttle(return_X_y=True)  # doctest: +SKIP
    >>> X.shape, np.bincount(y)  # doctest: +SKIP
    ((49097, 9), array([45586,  3511]))
    """
    table = np.loadtxt(_FILE.gunzipped(), delimiter=",", skiprows=1)
    return bunch(
        data=np.ascontiguousarray(table[:, :-1]),
        target=table[:, -1].astype(np.int64),
        target_name="anomaly",
        target_names=["normal", "anomaly"],
        feature_names=_NAMES,
        descr=_DESCR,
        as_frame=as_frame,
        return_X_y=return_X_y,
    )
