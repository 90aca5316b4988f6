"""What every measure of a clustering asks of its rows and labels."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite, check_array, check_consistent_length, column_or_1d

from fulcra import _core
from fulcra._base import Data, check_rows, non_finite_error


@dataclass(frozen=True)
class Rows:
    """Checked rows, and who knows the names of their columns."""

    X: Any  # (n_samples, n_features): C-contiguous, or CSR with 32-bit indices; float32 or float64
    namesake: BaseEstimator

    @contextmanager
    def named(self) -> Iterator[None]:
        """Raise the core's error for values that are not finite in the user's names."""
        try:
            yield
        except _core.NonFiniteError as error:
            raise non_finite_error(self.namesake, error) from None


@dataclass(frozen=True)
class Labelled(Rows):
    """Checked rows with the cluster of each."""

    labels: NDArray[np.int32]  # (n_samples,), in 0..n_clusters
    n_clusters: int


def checked(X: Data) -> Rows:
    """Check rows; as `check_rows`, for a function."""
    namesake = BaseEstimator()
    return Rows(check_rows(namesake, X, reset=True), namesake)


def checked_labels(X: Data, labels: Data) -> Labelled:
    """Check rows and number their labels, whatever those are, from 0 in sorted order."""
    rows = checked(X)
    codes, n_clusters = encoded(labels, rows.X)
    return Labelled(rows.X, rows.namesake, codes, n_clusters)


def encoded(labels: Data, X: Any) -> tuple[NDArray[np.int32], int]:
    """Number labels of any kind from 0 in sorted order; also says how many there are."""
    found, codes = np.unique(_one_for_each_row(labels, X), return_inverse=True)
    return codes.astype(np.int32), len(found)


def indices(labels: Data, X: Any, n_clusters: int) -> NDArray[np.int32]:
    """Check labels that say which of `n_clusters` centers is meant."""
    given = _one_for_each_row(labels, X)
    whole = given.astype(np.int32) if given.dtype.kind in "iufb" else None
    if whole is None or not np.array_equal(whole, given):
        raise ValueError("Beside centers, labels must be whole numbers that say which center is meant.")
    if whole.min() < 0 or whole.max() >= n_clusters:
        outside = int(whole.max() if whole.max() >= n_clusters else whole.min())
        raise ValueError(
            f"Labels must lie in 0..{n_clusters - 1} for {n_clusters} centers; one is {outside}."
        )
    return whole


def checked_centers(centers: Data, X: Any) -> NDArray[Any]:
    """Check centers beside rows; (n_clusters, n_features)."""
    points: NDArray[Any] = check_array(
        centers, dtype=[np.float64, np.float32], order="C", input_name="centers"
    )
    if points.shape[1] != X.shape[1]:
        raise ValueError(f"centers have {points.shape[1]} features, X has {X.shape[1]}.")
    return points


def check_number_of_labels(n_labels: int, n_samples: int) -> None:
    """Raise scikit-learn's error where a measure between clusters is not defined."""
    if not 1 < n_labels < n_samples:
        raise ValueError(f"Number of labels is {n_labels}. Valid values are 2 to n_samples - 1 (inclusive)")


def _one_for_each_row(labels: Data, X: Any) -> NDArray[Any]:
    given: NDArray[Any] = column_or_1d(labels, warn=True)
    if given.dtype.kind in "fc":
        assert_all_finite(given, input_name="labels")
    check_consistent_length(X, given)
    return given
