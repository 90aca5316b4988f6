"""What every clusterer with centers shares: centers that are known, and what follows from them."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from fulcra import _core
from fulcra._base import Data, Floats, check_rows, check_weights, non_finite_error, require_fitted

if TYPE_CHECKING:
    from collections.abc import Iterator


class CenterClusterer(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    ClusterMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """A clusterer that has `cluster_centers_`, of shape (n_clusters, n_features), once it is fitted.

    A subclass adds `fit`. Rows belong to the center at the smallest Euclidean distance, unless it says
    otherwise in `_nearest`, `_distances` and `_loss`.
    """

    #: Whether CSR rows are taken.
    _takes_sparse: ClassVar[bool] = True

    cluster_centers_: Any

    @classmethod
    def from_centers(cls, centers: Data, *, feature_names: Data = None, **params: Any) -> Self:
        """Return a fitted estimator with known centers.

        It predicts, transforms and scores. A later `fit` starts from these centers, unless `params` say
        otherwise.

        Parameters
        ----------
        centers : array-like or data frame of shape (n_clusters, n_features)
            The centers; float32 is kept, everything else becomes float64.
        feature_names : array-like of shape (n_features,) of str, default=None
            Names of the columns; None takes those of a data frame.
        **params
            Parameters of the estimator, apart from `n_clusters`.

        Returns
        -------
        estimator
            With `cluster_centers_`, `n_features_in_` and, where there are names, `feature_names_in_`.

        Raises
        ------
        ValueError
            If the centers are not finite, or the names do not match them in number.

        Examples
        --------
        >>> from fulcra.cluster import KMeans
        >>> palette = KMeans.from_centers([[135, 206, 235], [34, 139, 34]])
        >>> palette.cluster_centers_.shape
        (2, 3)
        >>> palette.predict([[120, 200, 250], [20, 120, 20]])
        array([0, 1], dtype=int32)
        """
        model = cls(**{**cls._params_of_known(centers), **params})
        checked = check_array(
            centers,
            dtype=[np.float64, np.float32],
            order="C",
            copy=True,
            input_name="centers",
            ensure_all_finite=not model.__sklearn_tags__().input_tags.allow_nan,
        )
        validate_data(model, centers, reset=True, skip_check_array=True)  # the features' names and number
        if feature_names is not None:
            names = np.asarray(feature_names, dtype=object)
            if names.shape != (checked.shape[1],):
                raise ValueError(
                    f"feature_names has {names.size} names; the centers have {checked.shape[1]} columns."
                )
            model.feature_names_in_ = names
        model.n_clusters = checked.shape[0]
        model.cluster_centers_ = checked
        return model

    def fit_predict(self, X: Data, y: object = None, sample_weight: Data = None) -> NDArray[np.int32]:
        """Find the centers and return the labels; the same as ``fit(X).labels_``.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows to cluster; sparse where `fit` takes that.
        y : object
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.

        Returns
        -------
        ndarray of shape (n_samples,), int32
            The index of each row's nearest center.
        """
        labels: NDArray[np.int32] = self.fit(X, sample_weight=sample_weight).labels_
        return labels

    def predict(self, X: Data) -> NDArray[np.int32]:
        """Return the index of the nearest center for each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows; sparse where `fit` takes that.

        Returns
        -------
        ndarray of shape (n_samples,), int32
            The argmin of the distances in float64, the lowest index on a tie.

        Raises
        ------
        NotFittedError
            If there are no centers yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        rows = self._checked(X)
        with self._flaws_named(rows):
            return self._nearest(rows)

    def fit_transform(self, X: Data, y: object = None, sample_weight: Data = None) -> Floats:
        """Find the centers and return the distances; the same as ``fit(X).transform(X)``.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows to cluster; sparse where `fit` takes that.
        y : object
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.

        Returns
        -------
        ndarray of shape (n_samples, n_clusters)
            Distances from the centers.
        """
        fitted: Self = self.fit(X, sample_weight=sample_weight)
        return fitted._transformed(X)

    def transform(self, X: Data) -> Floats:
        """Return the distance of each row from each center.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows; sparse where `fit` takes that.

        Returns
        -------
        ndarray of shape (n_samples, n_clusters)
            Distances in the estimator's own metric, from direct differences in float64, rounded to the dtype
            of X; dense for sparse X as well.

        Raises
        ------
        NotFittedError
            If there are no centers yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        return self._transformed(X)

    def score(self, X: Data, y: object = None, sample_weight: Data = None) -> float:
        """Return minus the estimator's objective on X.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows; sparse where `fit` takes that.
        y : object
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, not negative; None: all equal.

        Returns
        -------
        float
            Minus what `fit` makes small, of these rows and the centers as they are, in float64.

        Raises
        ------
        NotFittedError
            If there are no centers yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite, or the weights are unusable.
        """
        rows = self._checked(X)
        with self._flaws_named(rows):
            return -self._loss(rows, check_weights(sample_weight, rows))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._takes_sparse
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        """How many columns `transform` returns; scikit-learn's mixin asks for it by this name."""
        return len(self.cluster_centers_)

    @classmethod
    def _params_of_known(cls, centers: Data) -> dict[str, Any]:
        """Return the parameters that make a later `fit` start from known `centers`."""
        return {"init": centers}

    def _rows(self, X: Data, *, reset: bool) -> Any:
        """Return X as the core reads it; `reset` in `fit`."""
        if not self._takes_sparse and sp.issparse(X):
            raise TypeError("Sparse data was passed, but dense data is required: use X.toarray().")
        return check_rows(self, X, reset=reset)

    def _checked(self, X: Data) -> Any:
        require_fitted(self, "cluster_centers_")
        return self._rows(X, reset=False)

    def _transformed(self, X: Data) -> Floats:
        rows = self._checked(X)
        with self._flaws_named(rows):
            return self._distances(rows)

    def _nearest(self, rows: Any) -> NDArray[np.int32]:
        return _core.kmeans_predict(rows, self.cluster_centers_)

    def _distances(self, rows: Any) -> Floats:
        return _core.kmeans_distances(rows, self.cluster_centers_)

    def _loss(self, rows: Any, weights: NDArray[np.float64] | None) -> float:
        return _core.kmeans_inertia(rows, weights, self.cluster_centers_)

    @contextmanager
    def _flaws_named(self, rows: Any) -> "Iterator[None]":
        """Raise the user's error, by the user's names, for a value that the core finds in `rows`."""
        try:
            yield
        except _core.NonFiniteError as error:
            raise self._named_flaw(rows, error) from None

    def _named_flaw(self, rows: Any, error: _core.NonFiniteError) -> ValueError:
        return non_finite_error(self, error)


def last_exact(estimator: CenterClusterer) -> Floats:
    """Return the centers as they were learned, in float64, or as somebody has set them since."""
    centers: Floats = estimator.cluster_centers_
    exact: Floats | None = vars(estimator).get("_exact_centers")
    if exact is None or centers.dtype == np.float64:
        return centers
    return exact if np.array_equal(exact.astype(centers.dtype), centers) else centers
