"""Weights to start from: one place for linear models and networks."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils import check_random_state

from fulcra._base import Floats, check_function_params

#: The names that `starting_weights` knows.
STARTS = ("zeros", "normal", "xavier_uniform", "he_normal")


@check_function_params({"random_state": ["random_state"]})
def starting_weights(
    shape: tuple[int, int], how: str = "zeros", *, random_state: Any = None, dtype: DTypeLike = np.float64
) -> Floats:
    r"""Return weights to start from.

    Parameters
    ----------
    shape : (int, int)
        Of the matrix: n_in (what comes in) and n_out (what goes out), as X is multiplied by it.
    how : {'zeros', 'normal', 'xavier_uniform', 'he_normal'}, default='zeros'
        'zeros'; 'normal': mean 0 and standard deviation 0.1; 'xavier_uniform': uniform between plus and minus
        sqrt(6 / (n_in + n_out)); 'he_normal': mean 0 and standard deviation sqrt(2 / n_in).
    random_state : int, RandomState instance or None, default=None
        What the weights are drawn by.
    dtype : dtype, default=float64
        float32 or float64; the same seed draws the same numbers for both, rounded.

    Returns
    -------
    ndarray of shape (n_in, n_out)
        The weights.

    Raises
    ------
    ValueError
        If `shape` is not two whole numbers above 0, the name is not known, or `dtype` is another.

    Notes
    -----
    A linear model's loss has one minimum: every start leads there, and zeros are as good as any. A hidden
    layer needs different weights for its units, or they stay the same; their size decides whether signals and
    gradients keep theirs from layer to layer. `xavier_uniform` does for tanh and the logistic function,
    `he_normal` for ReLU, which halves the variance.

    References
    ----------
    Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS, equation 16.
    He, Zhang, Ren and Sun (2015), "Delving deep into rectifiers", ICCV, equation 10.

    Examples
    --------
    >>> from fulcra.linear_model import starting_weights
    >>> W = starting_weights((784, 128), "xavier_uniform", random_state=0)
    >>> W.shape, bool(abs(W).max() < 0.0812)
    ((784, 128), True)
    """
    if len(shape) != 2 or not all(isinstance(size, Integral) and size > 0 for size in shape):
        raise ValueError(f"shape must be two whole numbers above 0, (n_in, n_out); got {shape!r}.")
    if how not in STARTS:
        raise ValueError(f"Weights can start by {', '.join(map(repr, STARTS))}; got {how!r}.")
    if np.dtype(dtype) not in {np.dtype(np.float32), np.dtype(np.float64)}:
        raise ValueError(f"dtype must be float32 or float64; got {np.dtype(dtype)}.")
    n_in, n_out = shape
    random = check_random_state(random_state)
    if how == "zeros":
        weights = np.zeros(shape)
    elif how == "xavier_uniform":
        limit = np.sqrt(6 / (n_in + n_out))
        weights = random.uniform(-limit, limit, size=shape)
    else:
        weights = random.normal(0, 0.1 if how == "normal" else np.sqrt(2 / n_in), size=shape)
    drawn: Floats = weights.astype(dtype, copy=False)
    return drawn
