"""The arithmetic of weights in the open: a weighted sum with its terms, a step, a size."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

from fulcra._base import Data, Floats, StrOptions, check_function_params

__all__ = ["WeightedSum", "gradient_step", "magnitude", "weighted_sum"]


def _numbers(values: Data, name: str) -> Floats:
    checked: Floats = check_array(
        values, dtype=[np.float64, np.float32], ensure_2d=False, allow_nd=True, input_name=name
    )
    return checked


def gradient_step(W: Data, gradient: Data, learning_rate: float) -> Floats:
    """Return the weights after one step against the gradient: W - learning_rate * gradient.

    Parameters
    ----------
    W : array-like of any shape
        The weights.
    gradient : array-like of the shape of W
        The gradient of the loss at W.
    learning_rate : float
        How far to go, above 0.

    Returns
    -------
    ndarray of the shape of W
        The new weights.

    Raises
    ------
    ValueError
        If the shapes differ, something is not finite, or the rate is not above 0.

    References
    ----------
    Cauchy (1847), "Methode generale pour la resolution des systemes d'equations simultanees".

    Examples
    --------
    >>> from fulcra.linear_model import gradient_step
    >>> gradient_step([0.1, 0.2, 0.3], [0.05, -0.03, 0.08], 0.1).round(6).tolist()
    [0.095, 0.203, 0.292]
    """
    weights, slope = _numbers(W, "W"), _numbers(gradient, "gradient")
    if weights.shape != slope.shape:
        raise ValueError(f"gradient has shape {slope.shape}; W has {weights.shape}, and they must agree.")
    if not 0 < learning_rate < np.inf:
        raise ValueError(f"learning_rate must be above 0 and finite; got {learning_rate!r}.")
    moved: Floats = weights - weights.dtype.type(learning_rate) * slope
    return moved


@check_function_params({"norm": [StrOptions({"l2", "l1", "max"})]})
def magnitude(W: Data, norm: str = "l2") -> float:
    """Return how large weights are, all of them together.

    Parameters
    ----------
    W : array-like of any shape
        The weights.
    norm : {'l2', 'l1', 'max'}, default='l2'
        The root of the sum of squares; the sum of absolute values; the largest absolute value.

    Returns
    -------
    float
        The size. Squares neither overflow nor vanish: the weights are divided by the largest first.

    Raises
    ------
    ValueError
        If W is empty or not finite, or the norm is not known.

    References
    ----------
    Blue (1978), "A portable Fortran program to find the Euclidean norm of a vector", ACM TOMS 4.

    Examples
    --------
    >>> from fulcra.linear_model import magnitude
    >>> magnitude([3.0, 4.0]), magnitude([3.0, -4.0], "l1"), magnitude([3.0, -4.0], "max")
    (5.0, 7.0, 4.0)
    """
    sizes = np.abs(_numbers(W, "W").astype(np.float64)).ravel()
    largest = float(sizes.max())
    if norm == "max" or largest == 0:
        return largest
    # A power of two divides without rounding.
    scale = float(2.0 ** min(np.floor(np.log2(largest)), 1023))
    parts = sizes / scale
    return scale * float(parts.sum() if norm == "l1" else np.sqrt(parts @ parts))


@dataclass(frozen=True)
class WeightedSum:
    """A weighted sum and what it is made of.

    Attributes
    ----------
    value : float
        The sum: the dot product and the intercept.
    terms : ndarray of shape (n_features,)
        Each weight times its feature.
    intercept : float
        What is added.
    """

    value: float
    terms: NDArray[np.float64]
    intercept: float
    _weights: NDArray[np.float64]
    _features: NDArray[np.float64]

    def __str__(self) -> str:
        products = (
            f"{w:g}\N{MULTIPLICATION SIGN}{x:g}" for w, x in zip(self._weights, self._features, strict=True)
        )
        written = [f"{self.intercept:g}", *(f"({product})" for product in products)]
        worth = [f"{self.intercept:g}", *(f"{term:g}" for term in self.terms)]
        return f"{' + '.join(written)}\n= {' + '.join(worth)}\n= {self.value:,.10g}".replace("+ -", "- ")


def weighted_sum(weights: Data, features: Data, intercept: float = 0.0) -> WeightedSum:
    """Return the dot product of weights and features, with its terms.

    Parameters
    ----------
    weights : array-like of shape (n_features,)
        One for each feature.
    features : array-like of shape (n_features,)
        One row.
    intercept : float, default=0.0
        What is added.

    Returns
    -------
    WeightedSum
        Its value and its terms; printed, the whole calculation.

    Raises
    ------
    ValueError
        If there are not as many weights as features, or something is not finite.

    References
    ----------
    Golub and Van Loan (2013), "Matrix Computations", section 1.1.

    Examples
    --------
    >>> from fulcra.linear_model import weighted_sum
    >>> print(weighted_sum([150, 30000, -2000, -5000], [2000, 3, 5, 10], 50000))
    50000 + (150×2000) + (30000×3) + (-2000×5) + (-5000×10)
    = 50000 + 300000 + 90000 - 10000 - 50000
    = 380,000
    """
    w, x = (
        _numbers(part, name).astype(np.float64)
        for part, name in ((weights, "weights"), (features, "features"))
    )
    if w.ndim != 1 or w.shape != x.shape:
        raise ValueError(f"weights have shape {w.shape}, features {x.shape}: one weight a feature is needed.")
    constant: Any = float(intercept)
    if not np.isfinite(constant):
        raise ValueError(f"intercept must be finite; it is {intercept!r}.")
    terms = w * x
    return WeightedSum(float(constant + terms.sum()), terms, constant, w, x)
