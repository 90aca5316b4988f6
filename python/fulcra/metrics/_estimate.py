"""The mean silhouette of rows that are too many to take all pairs of."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from fulcra._base import Data, Interval, StrOptions, check_function_params
from fulcra.metrics._checks import check_number_of_labels, checked_labels
from fulcra.metrics._silhouette import of_rows

#: Of the normal distribution, for intervals that hold 19 times of 20.
_TWO_SIDED_95 = 1.959964


@dataclass(frozen=True)
class SilhouetteEstimate:
    """An estimate of the mean silhouette.

    Attributes
    ----------
    score : float
        The mean over the sample; its expectation is the mean over all rows.
    standard_error : float
        The standard deviation of `score` over samples of this size, estimated from this one.
    sample_size : int
        Rows whose silhouette was computed.
    n_samples : int
        Rows that each of them was held against.
    """

    score: float
    standard_error: float
    sample_size: int
    n_samples: int

    @property
    def interval(self) -> tuple[float, float]:
        """What holds the mean over all rows 19 times of 20, for a sample of a hundred rows or more."""
        reach = _TWO_SIDED_95 * self.standard_error
        return self.score - reach, self.score + reach

    def __str__(self) -> str:
        return (
            f"{self.score:.4f} ± {self.standard_error:.4f} (standard error; {self.sample_size} of "
            f"{self.n_samples} rows, each against all)"
        )


@check_function_params(
    {
        "X": ["array-like", "sparse matrix"],
        "labels": ["array-like"],
        "sample_size": [Interval(Integral, 2, None, closed="left")],
        "metric": [StrOptions({"euclidean", "manhattan"})],
        "random_state": ["random_state"],
    }
)
def silhouette_estimate(
    X: Data,
    labels: Data,
    *,
    sample_size: int = 1000,
    metric: str = "euclidean",
    random_state: int | np.random.RandomState | None = None,
) -> SilhouetteEstimate:
    """Estimate the mean silhouette from a sample of the rows, each against all rows.

    The sample is simple: drawn uniformly, without replacement. The silhouettes in it are exact, not those
    within the sample (as `silhouette_score` with `sample_size` has them, whose expectation is another one),
    so their mean is unbiased, and its standard error is ``s / sqrt(m) * sqrt(1 - m / n)`` for a sample of m
    of n rows with standard deviation s (Cochran 1977, section 2.6). Takes O(sample_size * n_samples *
    n_features).

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows.
    labels : array-like of shape (n_samples,)
        The cluster of each row.
    sample_size : int, default=1000
        Rows to draw; with n_samples or more the score is exact and its standard error 0.
    metric : {'euclidean', 'manhattan'}, default='euclidean'
        'manhattan' for arrays only.
    random_state : int, RandomState instance or None, default=None
        Draws the sample.

    Returns
    -------
    SilhouetteEstimate
        `score`, `standard_error`, `interval` (of 95%), `sample_size` and `n_samples`.

    Raises
    ------
    ValueError
        As `silhouette_samples`.

    References
    ----------
    Cochran (1977), "Sampling techniques", 3rd edition.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.metrics import silhouette_estimate
    >>> labels = np.arange(20_000) % 2
    >>> X = np.random.default_rng(0).normal(size=(20_000, 2)) + 6 * labels[:, np.newaxis]
    >>> print(silhouette_estimate(X, labels, sample_size=500, random_state=0))
    0.7894 ± 0.0029 (standard error; 500 of 20000 rows, each against all)
    """
    rows = checked_labels(X, labels)
    n = rows.X.shape[0]
    check_number_of_labels(rows.n_clusters, n)
    m = min(sample_size, n)
    # The order of the rows keeps neighbours in memory together.
    which = np.sort(check_random_state(random_state).permutation(n)[:m]).astype(np.int64)
    found = of_rows(rows, which, metric)
    error = float(found.std(ddof=1)) / np.sqrt(m) * np.sqrt(1 - m / n)
    return SilhouetteEstimate(float(found.mean()), float(error), m, n)
