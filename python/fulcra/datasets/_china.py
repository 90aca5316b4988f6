"""China: the pixels of a photograph."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulcra._base import check_function_params
from fulcra._errors import MissingError
from fulcra.datasets._bunch import bunch

_DESCR = """
China: a photograph of a temple, 427 x 640 pixels of red, green and blue from 0 to 255.

Source: "china.jpg", which scikit-learn installs; by Daniel Büchele, Creative Commons Attribution 2.0.
"""


@check_function_params({"as_frame": ["boolean"]})
def load_china(*, as_frame: bool = False) -> Any:
    """Load the pixels of a photograph of a Chinese temple.

    =================   ==============
    Samples total               273280
    Dimensionality                   3
    Features            integers 0-255
    =================   ==============

    Parameters
    ----------
    as_frame : bool, default=False
        If True, data are a pandas DataFrame.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : {ndarray, dataframe} of shape (273280, 3), uint8
            'red', 'green' and 'blue' of each pixel, line by line.
        image : ndarray of shape (427, 640, 3), uint8
            The same numbers as an image.
        feature_names : list
            The names of the columns.
        frame : DataFrame of shape (273280, 3)
            Only with `as_frame`: the data.
        DESCR : str
            What the data are, and where they come from.

    Raises
    ------
    MissingError
        If pillow, which reads the picture, is not installed. If `as_frame` and pandas is not installed.

    Examples
    --------
    >>> from fulcra.datasets import load_china
    >>> china = load_china()
    >>> china.data.shape, china.image[0, 0]
    ((273280, 3), array([174, 201, 231], dtype=uint8))
    """
    from sklearn.datasets import load_sample_image  # noqa: PLC0415 - scikit-learn's datasets load slowly

    try:
        image: NDArray[np.uint8] = load_sample_image("china.jpg").copy()  # it is read-only
    except ImportError as error:
        raise MissingError("Reading china.jpg needs pillow: pip install pillow") from error
    return bunch(
        data=image.reshape(-1, 3),
        feature_names=("red", "green", "blue"),
        image=image,
        descr=_DESCR,
        as_frame=as_frame,
    )
