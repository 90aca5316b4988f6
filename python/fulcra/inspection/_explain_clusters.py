"""What clusters are, in words and figures that somebody who has to decide can read.

Sources: Hennig (2007), "Cluster-wise assessment of cluster stability", Computational Statistics & Data
Analysis 52; Tibshirani, Walther and Hastie (2001), "Estimating the number of clusters in a data set via the
gap statistic".
"""

from itertools import pairwise
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from fulcra._base import Data, Interval, check_function_params, check_weights
from fulcra._reading.profile import Profile, as_repetitions, profile
from fulcra.inspection import _naming
from fulcra.inspection._cluster_report import STABLE, ClusterReport, is_structure
from fulcra.inspection._resampling import Evidence, evidence

#: The share of looks in which a difference must be found again.
_CONFIRMED = 0.9
#: Another center at most a tenth farther than the own one.
_BORDERLINE = 1 / 1.1
#: The probability with which a clustering without outliers is said to have some.
_ALPHA = 0.01


@check_function_params(
    {
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Integral, 10, None, closed="left")],
        "n_examples": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    }
)
def explain_clusters(
    model: Any,
    X: Data,
    *,
    sample_weight: Data = None,
    confidence: float = 0.95,
    n_resamples: int = 20,
    max_samples: int = 5_000,
    n_examples: int = 3,
    random_state: int | np.random.RandomState | None = 0,
) -> ClusterReport:
    """Say what each cluster of a fitted model is, whether it is real, and who is typical of it.

    Three questions are asked before a cluster gets a name. Are there clusters at all: does WCSS fall further
    than in uniform rows in a box along the principal axes, by 4 standard errors, or is there, in most looks
    at rows that the clusters were not made of, a gap between one of them and its nearest neighbour? Is this
    cluster found again: when random halves of the rows are clustered anew, and each labels the other, are the
    rows found in its place the same (mean Jaccard similarity of 0.75)? And is this difference found again: of
    the rows that the fit has not seen, is the cluster on the same side of the others, beyond its simultaneous
    interval, in nine of ten looks? A cluster that fails is called "not distinct"; its figures are there all
    the same.

    Parameters
    ----------
    model : estimator
        A fitted clusterer, ours or scikit-learn's, or a Pipeline that ends in one. What its steps do to the
        columns is undone: scaling and other steps with an inverse, imputation, encoding of levels, selection.
        One without `predict` is taken at its `labels_`.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        The table, as it is given to the model's `predict`; the rows of the fit, or others. Texts, where the
        first step makes columns of them.
    sample_weight : array-like of shape (n_samples,), default=None
        How many rows each stands for; None: one. Weights that sum to less than so many rows are worth are
        taken for shares. Halves are clustered with them by models that take weights.
    confidence : float, default=0.95
        That of each interval.
    n_resamples : int, default=20
        Random halvings of the rows.
    max_samples : int, default=5000
        Rows, drawn at random, that the halvings are made of.
    n_examples : int, default=3
        Typical and borderline rows to name for each cluster.
    random_state : int, RandomState instance or None, default=0
        Draws rows, halves and starts.

    Returns
    -------
    ClusterReport
        Prints as text; `to_html()`, `to_dict()`, `to_frame()`.

    Raises
    ------
    TypeError
        If the model is not a clusterer.
    NotFittedError
        If it is not fitted.
    ValueError
        If X does not suit the model, or weights or parameters are unusable.

    See Also
    --------
    fulcra.metrics.suggest_n_clusters : How many clusters there are.
    fulcra.cluster.screen_outliers : Rows far from their centers, as many as are asked for.

    Notes
    -----
    A difference is the mean of the cluster less that of all other rows, in standard deviations of all rows,
    with Welch's interval. It is taken on the scale on which the model measures (after a logarithm, say) where
    one of its columns is this one, else in the table's units. It says how these groups differ; that groups
    made by k-means differ is no evidence that they exist, which is what the three questions are for.

    The uniform rows keep what has no range to be uniform in: levels, columns of few values, and those of
    which many rows share a value, are dealt out among the rows anew, each by itself, and the others spread as
    much as they do in X. A gap is one between thirds of the line from center to center, in columns of many
    values (binomial test, 0.001): where the density has one peak, the middle is not the emptiest.

    Halves are clustered by a model with the parameters of this one, from fresh starts (k-means++ where it was
    given centers, 3 starts where it makes one), scikit-learn's k-means by ours. Steps of a Pipeline stay as
    they are fitted.

    Outliers are rows much farther from their center than rows of one group with a log-concave density are, as
    in `KMeans.diagnostics_`: with probability 0.01 there is one at all in a clustering without any.

    References
    ----------
    Hennig (2007), "Cluster-wise assessment of cluster stability", Computational Statistics & Data Analysis
    52.
    Tibshirani, Walther and Hastie (2001), "Estimating the number of clusters in a data set via the gap
    statistic", Journal of the Royal Statistical Society B 63.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.cluster import KMeans
    >>> from fulcra.inspection import explain_clusters
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2)) + 8 * np.array([[0, 0], [1, 0], [0, 1]])[np.arange(300) % 3]
    >>> report = explain_clusters(KMeans(3, random_state=0).fit(X), X)
    >>> report.names
    ('low x0, low x1', 'high x0, low x1', 'high x1, low x0')
    >>> noise = rng.normal(size=(300, 2))
    >>> explain_clusters(KMeans(3, random_state=0).fit(noise), noise).names
    ('not distinct', 'not distinct', 'not distinct')
    """
    found = profile(model, X, sample_weight=sample_weight, confidence=confidence)
    weights = as_repetitions(check_weights(sample_weight, found.found.rows), len(found.labels))
    seen = evidence(
        found,
        weights,
        n_resamples=n_resamples,
        max_samples=max_samples,
        draw=check_random_state(random_state),
    )
    distinct, confirmed = _distinct(seen)
    members = _Members(found, n_examples)
    return ClusterReport(
        names=_naming.names(found, distinct, confirmed),
        features=found.features,
        is_share=~found.table.is_number,
        labels=found.labels,
        sizes=found.sizes,
        centers=found.centers,
        means=found.means,
        mean=found.mean,
        spread=found.spread,
        differences=found.differences,
        low=found.low,
        high=found.high,
        scores=found.scores,
        confirmed=confirmed,
        stability=seen.stability,
        excess=seen.excess,
        parted=seen.parted,
        typical=members.typical(),
        borderline=members.borderline(),
        outliers=members.outliers(),
        n_borderline=members.n_borderline(),
        confidence=float(confidence),
    )


def _distinct(seen: Evidence) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which clusters may have a name, and which of their differences are confirmed."""
    distinct = (seen.stability >= STABLE) & is_structure(seen.excess, seen.parted)
    return distinct, (seen.confirmed >= _CONFIRMED) & distinct[:, np.newaxis]


class _Members:
    """Who is near a center, who is between two, and who is far from all."""

    def __init__(self, found: Profile, n_examples: int) -> None:
        self._own, self._other = found.found.nearest_two()
        self._index, self._n_examples = found.table.index, n_examples
        known = np.flatnonzero(~np.isnan(self._own))
        order = known[np.lexsort((self._own[known], found.labels[known]))]
        bounds = np.searchsorted(found.labels[order], np.arange(found.found.n_clusters + 1))
        #: The rows of each cluster, the nearest first.
        self._rows = [order[start:end] for start, end in pairwise(bounds)]

    def typical(self) -> tuple[list[Any], ...]:
        return self._called(rows[: self._n_examples] for rows in self._rows)

    def borderline(self) -> tuple[list[Any], ...]:
        return self._called(rows[: self._n_examples] for rows in self._doubtful())

    def n_borderline(self) -> NDArray[np.int64]:
        return np.array([len(rows) for rows in self._doubtful()], dtype=np.int64)

    def outliers(self) -> tuple[list[Any], ...]:
        """Return rows that are too far for a group with a log-concave density; see `diagnosis.rs`."""
        n, k = sum(len(rows) for rows in self._rows), len(self._rows)
        most = int(max(1.0, min(n / (10 * k), np.log(n)))) if n else 0
        found = []
        for rows in self._rows:
            distances = self._own[rows]
            # How many of the farthest are too far, the nearest of them as well.
            far = 0
            for m in range(1, min(most, len(rows) - 1) + 1):
                rest = len(rows) - m
                times = np.e / 2 * (rest * np.expm1(np.log(n / _ALPHA) / rest) - 1)
                if distances[rest] > times * distances[:rest].mean():
                    far = m
            found.append(rows[len(rows) - far :][::-1])
        return self._called(found)

    def _doubtful(self) -> list[NDArray[np.intp]]:
        """Return the rows with another center nearly as near, the most doubtful first."""
        doubtful = []
        for rows in self._rows:
            with np.errstate(invalid="ignore", divide="ignore"):
                near = np.nan_to_num(self._own[rows] / self._other[rows])
            some = np.flatnonzero(near >= _BORDERLINE)
            doubtful.append(rows[some[np.argsort(-near[some], kind="stable")]])
        return doubtful

    def _called(self, groups: Any) -> tuple[list[Any], ...]:
        return tuple(self._index[rows].tolist() for rows in groups)
