"""The compiled half of fulcra (rust/bindings); signatures are checked against the binary by the tests."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32] | NDArray[np.float64]

class NonFiniteError(ValueError):
    """X holds NaN or infinity (or squares that overflow); args are (row, column, kind).

    `kind` is 'NaN', 'infinity' or 'overflow'; `row` and `column` locate the first one.
    """

class SingularError(ValueError):
    """A covariance matrix has no inverse; args are (cluster, column, whether that column is constant)."""

class Listener(Protocol):
    """Whom a fit tells, from the calling thread."""

    def started(self, restart: int) -> None: ...
    def iterated(
        self, restart: int, iteration: int, inertia: float, shift: float, moved: int, rescored: float
    ) -> bool | None:
        """Return True to stop this fit after the iteration (shift is sum ||C_new - C_old||^2)."""
    def stopped(self, restart: int, iteration: int, reason: str, shift: float) -> bool | None:
        """Return True to do without the restarts that remain."""

@final
class KMeansFit:
    """What `kmeans_fit` found: the restart with the lowest inertia."""

    @property
    def centers(self) -> Floats: ...  # (n_clusters, n_features), dtype of X
    @property
    def labels(self) -> NDArray[np.int32]: ...  # (n_samples,)
    @property
    def inertia(self) -> float: ...
    @property
    def n_iter(self) -> int: ...
    @property
    def n_found(self) -> int: ...  # distinct labels
    @property
    def stop_reason(self) -> str: ...  # unchanged, tol, shift_tol, inertia_tol, max_iter or listener
    @property
    def history(self) -> dict[str, NDArray[Any]]: ...  # moved: int64; else float64
    @property
    def lost(self) -> list[tuple[int, int, int]]:
        """By iteration that found clusters without rows: it, how many, and how many were given some."""
    @property
    def held(self) -> int: ...  # iterations in which a center was held short
    @property
    def trimmed(self) -> NDArray[np.bool_] | None: ...  # (n_samples,)
    @property
    def findings(self) -> Findings: ...  # empty unless asked for

#: Outliers that have a cluster of their own, outliers in a cluster (both: cluster, rows, their share of the
#: weight, how many times the mean distance away), and centers between groups (cluster, rows near it, of how
#: many looked at).
Findings: TypeAlias = tuple[
    list[tuple[int, int, float, float]], list[tuple[int, int, float, float]], list[tuple[int, int, int]]
]

def kmeans_fit(
    X: Any,  # C-contiguous float32 / float64 ndarray, or a scipy CSR matrix / array with 32-bit indices
    sample_weight: NDArray[np.float64] | None,
    # (n_clusters, n_features) arrays, ('k-means++', seed) or ('random_partition', seed)
    starts: Sequence[Floats | tuple[str, int]],
    *,
    n_clusters: int,
    max_iter: int,
    tol: float,
    shift_tol: float | None = None,
    inertia_tol: float | None = None,
    every_distance: bool = False,
    breathing: bool = False,
    on_sphere: bool = False,  # rows are unit vectors, and centers too; the inertia is of 1 - cos
    empty: str = "farthest",  # or "random", "split"
    empty_seed: int = 0,
    trim: float = 0.0,
    max_shift: float | None = None,
    diagnose: bool = False,  # whether to look for findings
    listener: Listener | None = None,
) -> KMeansFit: ...
def kmeans_diagnose(
    X: Any, sample_weight: NDArray[np.float64] | None, centers: Floats, labels: NDArray[np.int32]
) -> Findings: ...
def kmeans_predict(X: Any, centers: Floats) -> NDArray[np.int32]: ...
def kmeans_inertia(X: Any, sample_weight: NDArray[np.float64] | None, centers: Floats) -> float: ...
def kmeans_distances(X: Any, centers: Floats) -> Floats: ...  # (n_samples, n_clusters), Euclidean
def kmeans_plusplus(
    X: Any, sample_weight: NDArray[np.float64] | None, n_clusters: int, n_trials: int | None, seed: int
) -> NDArray[np.int64]: ...  # (n_clusters,) rows
def unit_rows(X: Any) -> tuple[Floats | None, NDArray[np.int64]]:
    """Return the cells of unit vectors, None if they are as they should be; and which rows are zero."""

# centers: unit vectors
def spherical_predict(X: Any, centers: Floats) -> NDArray[np.int32]: ...
def spherical_distances(X: Any, centers: Floats) -> Floats: ...  # (n_samples, n_clusters), 1 - cos
def spherical_loss(X: Any, sample_weight: NDArray[np.float64] | None, centers: Floats) -> float: ...
def kmedians_fit(
    X: Floats,  # C-contiguous
    sample_weight: NDArray[np.float64] | None,
    starts: Sequence[Floats | tuple[str, int]],  # as for kmeans_fit
    *,
    n_clusters: int,
    max_iter: int,
    tol: float,
    listener: Listener | None = None,
) -> KMeansFit: ...  # distances are Manhattan distances
def kmedians_predict(X: Floats, centers: Floats) -> NDArray[np.int32]: ...
def kmedians_distances(X: Floats, centers: Floats) -> Floats: ...  # (n_samples, n_clusters)
def kmedians_loss(X: Floats, sample_weight: NDArray[np.float64] | None, centers: Floats) -> float: ...

@final
class MahalanobisFit:
    """What `mahalanobis_fit` found."""

    @property
    def clusters(self) -> KMeansFit: ...  # its inertia is the objective
    @property
    def covariances(self) -> NDArray[np.float64]: ...  # (1 or n_clusters, n_features, n_features)
    @property
    def precisions_cholesky(self) -> NDArray[np.float64]: ...  # as many
    @property
    def penalties(self) -> NDArray[np.float64]: ...  # (1 or n_clusters,)

def mahalanobis_fit(
    X: Floats,  # C-contiguous
    sample_weight: NDArray[np.float64] | None,
    starts: Sequence[Floats | tuple[str, int]],  # as for kmeans_fit
    *,
    n_clusters: int,
    max_iter: int,
    tol: float,  # on the fall of the objective, for each unit of weight
    shrinkage: float,
    full: bool,  # a covariance for each cluster
    covariances: NDArray[np.float64] | None = None,  # (1 or n_clusters, n_features, n_features)
    listener: Listener | None = None,
) -> MahalanobisFit: ...
def mahalanobis_factors(
    covariances: NDArray[np.float64],  # (n, n_features, n_features)
) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...  # as many factors and log determinants
def mahalanobis_label(
    X: Floats,
    sample_weight: NDArray[np.float64] | None,
    centers: Floats,
    precisions_cholesky: NDArray[np.float64],  # (1 or n_clusters, n_features, n_features)
    penalties: Sequence[float] | NDArray[np.float64],  # as many
    share: float,  # what a squared distance counts
) -> tuple[NDArray[np.int32], float]: ...  # labels, and the sum of weight times cost
def mahalanobis_distances(
    X: Floats, centers: Floats, precisions_cholesky: NDArray[np.float64]
) -> Floats: ...  # (n_samples, n_clusters)

@final
class BisectingFit:
    """What `bisecting_fit` found."""

    @property
    def centers(self) -> Floats: ...  # (n_clusters, n_features), dtype of X
    @property
    def labels(self) -> NDArray[np.int32]: ...  # (n_samples,)
    @property
    def inertia(self) -> float: ...
    @property
    def n_found(self) -> int: ...  # clusters that have rows; the others are the last
    @property
    def tree_centers(self) -> Floats: ...  # (2 * n_forks, n_features), those of each fork side by side
    @property
    def branches(self) -> NDArray[np.int32]: ...  # (2 * n_forks,): j to fork j, -1 - j to cluster j
    @property
    def history(self) -> dict[str, NDArray[Any]]: ...  # size, n_iter: int64; cut_short: bool; else float64

class Guide(Protocol):
    """Who gives the starts of bisections, and is told what became of them; called by the calling thread."""

    def starts(self, members: NDArray[np.uint32] | None) -> Sequence[Floats | tuple[str, int]]:
        """Return starts, as of `kmeans_fit`, for these rows; None stands for all."""
    def parted(self, centers: NDArray[np.float64]) -> None: ...  # (2, n_features)

def bisecting_fit(
    X: Any,
    sample_weight: NDArray[np.float64] | None,
    guide: Guide,
    *,
    n_clusters: int,
    max_iter: int,
    tol: float,
    by_size: bool,
) -> BisectingFit: ...
def bisecting_predict(X: Any, tree_centers: Floats, branches: NDArray[np.int32]) -> NDArray[np.int32]: ...
def cluster_scatter(
    X: Any,
    sample_weight: NDArray[np.float64] | None,
    labels: NDArray[np.int32],  # 0..n_clusters
    n_clusters: int,
    centers: Floats | None = None,  # None: the clusters' means
) -> tuple[
    NDArray[np.float64],  # (n_clusters, n_features), the centers
    NDArray[np.float64],  # (n_clusters,), sums of weights,
    NDArray[np.float64],  # of weight times squared distance,
    NDArray[np.float64],  # of weight times distance
]: ...
def class_centroids(
    X: Any,
    labels: NDArray[np.int32],  # 0..n_classes, none of them empty
    n_classes: int,
    medians: bool,
) -> tuple[
    NDArray[np.float64],  # (n_classes, n_features), means or medians
    NDArray[np.float64],  # (n_classes, n_features), means
    NDArray[np.float64],  # (n_classes,), rows
    NDArray[np.float64],  # (n_features,), sums of squared deviations from the class's centroid
]: ...
def silhouette_samples(
    X: Any,
    labels: NDArray[np.int32],  # 0..n_clusters
    n_clusters: int,
    of: NDArray[np.int64],  # which rows, each against all
    metric: str,  # 'euclidean'; 'manhattan' for dense X
) -> NDArray[np.float64]: ...  # (len(of),)

@final
class KMedoidsFit:
    """What `kmedoids_fit` found."""

    @property
    def medoids(self) -> NDArray[np.int64]: ...  # (n_clusters,)
    @property
    def n_iter(self) -> int: ...
    @property
    def stop_reason(self) -> str: ...  # unchanged or max_iter
    @property
    def history(self) -> dict[str, NDArray[Any]]: ...  # inertia, seconds: float64; swaps: int64

class Lines(Protocol):
    """Distances that are computed when the core asks for them, from the calling thread."""

    dtype: np.dtype[Any]  # float32 or float64
    n_rows: int
    block: int  # lines to ask for at a time

    def lines(self, start: int, stop: int) -> Floats:
        """Return the distances of rows start..stop from all rows, (stop - start, n_rows)."""

def kmedoids_fit(
    distances: Floats | Lines,  # (n_rows, n_rows), C-contiguous, sound
    sample_weight: NDArray[np.float64] | None,  # positive
    start: Sequence[int] | None,  # None: BUILD
    *,
    n_clusters: int,
    method: str,  # fasterpam or alternate
    max_iter: int,
) -> KMedoidsFit: ...
def kmedoids_assign(
    distances: Floats, sample_weight: NDArray[np.float64] | None
) -> tuple[NDArray[np.int32], float]: ...  # (n_samples, n_clusters): labels and the sum of weight times least
def distance_flaw(distances: Floats, tolerance: float) -> tuple[str, int, int] | None: ...
def pairwise_distances(X: Floats, Y: Floats, metric: str) -> Floats: ...  # (n_samples, n_points)
def distinct_rows(
    X: Any, sample_weight: NDArray[np.float64] | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]: ...  # one row of each content, and the weight of its like

@final
class FuzzyFit:
    """What `fuzzy_fit` found."""

    @property
    def centers(self) -> Floats: ...  # (n_clusters, n_features), dtype of X
    @property
    def settled(self) -> bool: ...  # whether tol stopped it
    @property
    def history(self) -> dict[str, NDArray[Any]]: ...  # objective, shift (squared), seconds

def fuzzy_fit(
    X: Any,  # as for kmeans_fit
    sample_weight: NDArray[np.float64] | None,
    centers: Floats,  # (n_clusters, n_features)
    *,
    m: float,
    max_iter: int,
    tol: float,
) -> FuzzyFit: ...
def fuzzy_memberships(
    X: Any, sample_weight: NDArray[np.float64] | None, centers: Floats, m: float
) -> tuple[Floats, float, float]: ...  # (n_samples, n_clusters), the objective, sum of weight times squares

@final
class MiniBatchFit:
    """What `minibatch_fit` found."""

    @property
    def centers(self) -> NDArray[np.float64]: ...  # (n_clusters, n_features)
    @property
    def counts(self) -> NDArray[np.float64]: ...  # (n_clusters,)
    @property
    def since(self) -> int: ...  # rows since low counts were last looked for
    @property
    def n_rows(self) -> int: ...  # learned from
    @property
    def held(self) -> int: ...  # batches in which a center was held short
    @property
    def stop_reason(self) -> str: ...  # tol, no_improvement, max_iter or listener
    @property
    def history(self) -> dict[str, NDArray[Any]]: ...  # reassigned: int64; else float64

class Feed(Protocol):
    """Batches that Python hands over, from the calling thread."""

    rows_in_a_pass: int  # as far as known

    def next_batch(self) -> tuple[Any, NDArray[np.float64] | None] | None:
        """Return rows of the dtype of the fit, with weights, or None where there are no more."""

class StepListener(Protocol):
    """Whom `minibatch_fit` tells, from the calling thread."""

    def stepped(
        self, step: int, inertia: float, smoothed: float, shift: float, reassigned: int
    ) -> bool | None:
        """Return True to stop after this batch (shift is sum ||C_new - C_old||^2)."""

def minibatch_fit(
    X: Any,  # as for kmeans_fit; with a feed, any rows of the same dtype and width
    sample_weight: NDArray[np.float64] | None,
    centers: Floats,  # (n_clusters, n_features)
    counts: NDArray[np.float64],  # (n_clusters,)
    *,
    since: int,
    batch_size: int,
    max_steps: int,
    tol: float,  # on sum ||C_new - C_old||^2
    max_no_improvement: int | None,
    reassignment_ratio: float,
    seed: int,
    max_shift: float | None = None,
    feed: Feed | None = None,
    listener: StepListener | None = None,
) -> MiniBatchFit: ...
def minibatch_step(
    X: Any,
    sample_weight: NDArray[np.float64] | None,
    centers: Floats,
    counts: NDArray[np.float64],
    *,
    since: int,
    reassignment_ratio: float,
    seed: int,
    max_shift: float | None = None,
) -> tuple[
    NDArray[np.float64],  # (n_clusters, n_features), the centers
    NDArray[np.float64],  # (n_clusters,), the counts
    int,  # since
    int,  # centers that were put on rows
]: ...
def minibatch_label(
    X: Any, sample_weight: NDArray[np.float64] | None, centers: Floats
) -> tuple[NDArray[np.int32], float]: ...  # (n_samples,), and the sum of weight times squared distance
def mean_variance(X: Any, sample_weight: NDArray[np.float64] | None) -> float: ...  # over the columns
def online_update(
    X: Any,
    sample_weight: NDArray[np.float64] | None,
    centers: Floats,
    counts: NDArray[np.float64],
    drift: NDArray[np.float64],  # (n_clusters,), how far each center has gone
    rate: str,  # '1/count', 'constant' or 'invscaling'
    eta0: float,
    power_t: float,
    max_shift: float,
    half_life: float,
) -> tuple[
    NDArray[np.float64],  # (n_clusters, n_features), the centers
    NDArray[np.float64],  # (n_clusters,), the counts
    NDArray[np.float64],  # (n_clusters,), the drift
    float,  # sum of weight times squared distance before the move
    float,  # sum of weight
]: ...
def simd_level() -> str: ...  # 'portable', 'avx2', 'avx512' or 'neon'
def get_num_threads() -> int: ...
def set_num_threads(n_threads: int | None) -> None: ...  # None: back to the environment's say

@final
class LogisticL1Fit:
    """What `logistic_l1` found: k = 1 score for two classes, else one for each."""

    @property
    def coef(self) -> NDArray[np.float64]: ...  # (k, n_features)
    @property
    def intercept(self) -> NDArray[np.float64]: ...  # (k,), 0 without
    @property
    def n_iter(self) -> int: ...
    @property
    def converged(self) -> bool: ...
    @property
    def gradient(self) -> float: ...  # the duality gap beside the objective
    @property
    def loss(self) -> float: ...  # the objective
    @property
    def diverged_column(self) -> int | None: ...  # None: with a penalty nothing does

def logistic(
    X: Any,
    y: NDArray[np.int32],
    sample_weight: NDArray[np.float64] | None,
    coef_init: NDArray[np.float64] | None,
    *,
    n_classes: int,
    alpha: float,
    fit_intercept: bool,
    tol: float,
    max_iter: int,
) -> LogisticL1Fit: ...  # as logistic_l1; gradient: max |g| / sqrt(h c); n_features: the intercept
def logistic_l1(
    X: Any,
    y: NDArray[np.int32],
    sample_weight: NDArray[np.float64] | None,
    coef_init: NDArray[np.float64] | None,
    *,
    n_classes: int,
    alpha: float,
    l1_ratio: float,
    fit_intercept: bool,
    tol: float,
    max_iter: int,
) -> LogisticL1Fit: ...  # y: (n_samples,), class indices; coef_init: (k, n_features + fit_intercept)

@final
class PoissonFit:
    """What `poisson_fit` found."""

    @property
    def coef(self) -> NDArray[np.float64]: ...  # (n_features,)
    @property
    def intercept(self) -> float: ...  # 0 without
    @property
    def n_iter(self) -> int: ...
    @property
    def converged(self) -> bool: ...
    @property
    def gradient(self) -> float: ...  # relative: max |g| / sqrt(h c)
    @property
    def loss(self) -> float: ...  # mean half deviance, less what y alone decides, plus the penalty
    @property
    def diverged_column(self) -> int | None: ...  # n_features is the intercept

def poisson_fit(
    X: Any,
    y: NDArray[np.float64],
    sample_weight: NDArray[np.float64] | None,
    start: tuple[NDArray[np.float64], float] | None,
    *,
    alpha: float,
    fit_intercept: bool,
    gradient: float,
    max_iter: int,
) -> PoissonFit: ...  # y: (n_samples,), not negative

class ElasticNetFit:
    coef: NDArray[np.float64]  # (n_targets, n_alphas, n_features)
    intercept: NDArray[np.float64]  # (n_targets, n_alphas)
    gap: NDArray[np.float64]  # (n_targets, n_alphas), divided by n_samples
    n_iter: NDArray[np.int64]  # (n_targets, n_alphas)
    allowed: NDArray[np.float64]  # (n_targets,): what `gap` was to be at most

def elastic_net(
    X: Any,
    y: NDArray[np.float64],
    sample_weight: NDArray[np.float64] | None,
    alphas: NDArray[np.float64],
    start: NDArray[np.float64] | None,
    *,
    transposed: bool,
    l1_ratio: float,
    fit_intercept: bool,
    positive: bool,
    max_iter: int,
    tol: float,
) -> ElasticNetFit: ...  # y: (n_samples, n_targets); start: (n_targets, n_features); X.T where transposed
def lasso_alpha_max(
    X: Any,
    y: NDArray[np.float64],
    sample_weight: NDArray[np.float64] | None,
    *,
    transposed: bool,
    fit_intercept: bool,
    positive: bool,
) -> float: ...

@final
class LinearFit:
    """What `least_squares` and `ridge` found."""

    @property
    def coef(self) -> NDArray[np.float64]: ...  # (n_targets, n_features)
    @property
    def intercept(self) -> NDArray[np.float64]: ...  # (n_targets,), 0 without
    @property
    def rank(self) -> int: ...  # of the (centred) columns
    @property
    def singular(self) -> NDArray[np.float64]:
        """(min(n, d),), of the centred, weighted columns; empty after 'lsqr' and `ridge`.

        Found when first asked for: of many columns that takes a multiple of the fit's time.
        """
    @property
    def method(self) -> str: ...  # 'cholesky', 'qr' or 'lsqr'
    @property
    def n_iter(self) -> int: ...  # of LSQR, the most over the targets; else 0
    @property
    def converged(self) -> bool: ...  # False: LSQR stopped without its certificate

def least_squares(
    X: Any, y: NDArray[np.float64], sample_weight: NDArray[np.float64] | None, *, fit_intercept: bool
) -> LinearFit: ...  # y: (n_samples, n_targets), C-contiguous
def ridge(
    X: Any,
    y: NDArray[np.float64],
    sample_weight: NDArray[np.float64] | None,
    alphas: NDArray[np.float64],
    *,
    fit_intercept: bool,
) -> LinearFit: ...  # alphas: (n_targets,), not negative

@final
class LinearMoments:
    """What `linear_moments` found."""

    @property
    def means(self) -> NDArray[np.float64]: ...  # (n_features,), 0 where nothing is centred
    @property
    def norms(self) -> NDArray[np.float64]: ...  # (n_features,), of the weighted, centred columns
    @property
    def gram(self) -> NDArray[np.float64]: ...  # (n_features, n_features), of these at length 1
    @property
    def cross(self) -> NDArray[np.float64]: ...  # (n_targets, n_features), with the targets, centred too
    @property
    def lost(self) -> bool: ...  # whether rounding has taken digits that only the rows can tell

def linear_moments(
    X: Any, targets: NDArray[np.float64], sample_weight: NDArray[np.float64] | None, *, centred: bool
) -> LinearMoments: ...  # targets: (n_samples, n_targets), C-contiguous
def permuted_squares(
    X: NDArray[np.float64],  # (n_samples, n_features)
    residuals: NDArray[np.float64],  # (n_targets, n_samples)
    coef: NDArray[np.float64],  # (n_targets, n_features)
    weights: NDArray[np.float64] | None,
    orders: NDArray[np.uint32],  # (n_repeats, n_samples)
) -> NDArray[np.float64]: ...  # (n_features, n_repeats, n_targets): sums of weights times squared errors
def ridge_leave_one_out(
    X: Any,
    y: NDArray[np.float64],
    sample_weight: NDArray[np.float64] | None,
    alphas: NDArray[np.float64],
    *,
    fit_intercept: bool,
    keep: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Means of squared errors times weights (n_alphas, n_targets), and the errors if they are kept.

    Those are (n_alphas, n_samples, n_targets): targets less predictions of fits without the row.
    """

def linear_predict(
    X: Any, coef: NDArray[np.float64], intercept: NDArray[np.float64]
) -> Floats: ...  # (n_samples, n_targets), dtype of X

@final
class SgdFit:
    """What `sgd_fit` found."""

    @property
    def coef(self) -> NDArray[np.float64]: ...  # (n_problems, n_features)
    @property
    def intercept(self) -> NDArray[np.float64]: ...  # (n_problems,)
    @property
    def mean_coef(self) -> NDArray[np.float64]: ...  # (n_problems, n_features), or no columns
    @property
    def mean_intercept(self) -> NDArray[np.float64]: ...  # (n_problems,)
    @property
    def epochs(self) -> list[list[tuple[float, float, float]]]: ...  # loss, objective, score
    @property
    def converged(self) -> list[bool]: ...
    @property
    def overflowed(self) -> list[bool]: ...  # in the last epoch

def sgd_fit(
    X: Any,
    y: NDArray[np.float64],
    sample_weight: NDArray[np.float64] | None,
    held_out: NDArray[np.bool_] | None,
    settings: object,  # its attributes are the parameters
    classes: Sequence[float | None],  # the positive one of each problem; None: y as it is
    seeds: Sequence[int],
    class_weights: Sequence[tuple[float, float]],  # of positive rows and of others
    coef: NDArray[np.float64],  # (n_problems, n_features)
    intercept: NDArray[np.float64],
    mean_coef: NDArray[np.float64],  # (n_problems, n_features), or no columns
    mean_intercept: NDArray[np.float64],
    told: Any,  # called with problem, norm, nonzero, intercept, steps, loss, objective, score; or None
) -> SgdFit: ...
def descent_gradient(
    X: Any,
    y: NDArray[np.float64],  # (n_samples, n_targets), or (n_samples, 1) numbers of classes
    sample_weight: NDArray[np.float64] | None,
    chosen: NDArray[np.int64] | None,  # rows; None: all
    coef: NDArray[np.float64],  # (n_targets, n_features)
    intercept: NDArray[np.float64],
    log_loss: bool,
) -> tuple[float, NDArray[np.float64]]: ...  # mean loss and its gradient (n_targets, n_features + 1)
