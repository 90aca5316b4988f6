"""CentroidMonitor: whether rows still belong to the clusters that are known, and whether these have moved."""

import warnings
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, OutlierMixin
from sklearn.utils import get_tags

from fulcra._base import Data, Interval, check_weights, estimator_fit, require_fitted
from fulcra._reading.clustering import clustering
from fulcra._reading.large_values import large_values_named
from fulcra._reading.profile import seen_table
from fulcra._reading.undoing import steps_before, undone
from fulcra.cluster._monitor.calibration import level
from fulcra.cluster._monitor.cross_fitting import Sample, fitted, held_out, measurable, usual
from fulcra.cluster._monitor.drift_report import DriftReport
from fulcra.cluster._monitor.drift_significance import drift_report
from fulcra.cluster._monitor.own_spread import (
    measures_euclidean,
    own_spread,
    spread_around,
    table_of,
)
from fulcra.cluster._monitor.reference import Reference, reference
from fulcra.cluster._monitor.row_report import RowReport


class CentroidMonitor(
    OutlierMixin,  # type: ignore[misc]
    MetaEstimatorMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Tell rows that belong to none of the known clusters, and clusters that have moved.

    A row's distance from its nearest center is measured in the own spread of that center's cluster; what is
    farther than a level that normal rows cross at a stated rate is an alarm. The level is found on rows that
    the fit did not see, all of them in turn.

    Parameters
    ----------
    estimator : estimator
        A clusterer with `predict` and `transform`, of fulcra or scikit-learn, or a Pipeline that ends in one.
        Inside a `sklearn.frozen.FrozenEstimator` it is one that is fitted already, such as
        ``KMeans.from_centers``: then `fit` measures spreads and levels only.
    false_alarm_rate : float, default=0.01
        The share of normal rows that `predict` may call outliers, above 0 and below 1.
    warning_rate : float, default=None
        The share of normal rows beyond the warning level, alarms among them; above `false_alarm_rate`. None:
        five times `false_alarm_rate`, at most halfway between that and 1.
    n_splits : int, default=10
        Parts of the rows, at least 2; `fit` fits once without each, and once to all.

    Attributes
    ----------
    estimator_ : estimator
        Fitted to all rows.
    critical_level_, warning_level_ : float
        Distances beyond which rows are in these zones.
    offset_ : float
        ``-critical_level_``, as `score_samples` has it.
    false_alarm_rate_, warning_rate_ : float
        The rates that the levels have: the largest multiples of 1 / (n_samples + 1) that are at most those
        asked for.
    features_ : tuple of str
        A column of numbers of X by its name, or "column = level" for each level of one of texts; of those
        columns that reach the clusterer.
    sizes_ : ndarray of shape (n_clusters,)
        Rows of each cluster, or the sums of their weights.
    centers_ : ndarray of shape (n_clusters, n_table_features)
        The centers in the units of X; where there is no way back to these, means of the clusters' rows.
    spreads_ : ndarray of shape (n_clusters, n_table_features)
        How far the rows of each cluster are from these: root mean squares, in the units of X.
    n_features_in_ : int
        The number of columns of X in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    screen_outliers : Which rows of a table are far from their center; a quantile, without a rate that holds.
    sklearn.ensemble.IsolationForest : Outliers without clusters.

    Notes
    -----
    *Distance.* Where the estimator's distances are Euclidean ones from its `cluster_centers_`, that of row x
    from center c of a cluster whose columns spread by s is ``sqrt(mean(((x - c) / s)**2))``, in the columns
    that the estimator sees. Any other estimator keeps its own metric: the distance that its `transform`
    returns, divided by the root mean square of those of the cluster's rows. Both are 1 for a row that is as
    far as the cluster's rows are. The spread of a cluster is mixed with that of all clusters as if ten more
    rows had it, so that a cluster of a few rows has one too.

    *Levels.* Each row is measured from centers that were found without it, relative to the distance that the
    stated share of that fit's own rows exceed; the level is a quantile of these, times the same distance of
    the fit to all rows. That keeps a rate where fits end in different optima.

    *What is guaranteed.* Where normal rows to come and rows of the fit are independent draws from one
    distribution, of any shape, a new row is an alarm with a probability of about `false_alarm_rate_`. It is
    not a theorem: held-out rows meet centers from somewhat fewer rows than new ones do. In simulations with
    normal, heavy-tailed, skewed and discrete rows false alarms were 0.75 to 1.0 of the rate for 10 to 40 rows
    a cluster and 0.9 to 1.0 of it from 125 on; with many columns of rare levels, 1.2 for 40 rows a cluster.
    (A level from distances of the rows of the fit themselves: 1.2 to 20 times the rate.) It is the rate over
    all clusters, not of each, and that of one fit varies, with a standard deviation of about 1.1 to 1.7 times
    ``sqrt(false_alarm_rate / n_samples)``.

    With fewer than ``1 / false_alarm_rate - 1`` rows no level has the rate asked for. The critical level is
    then that of the farthest row that was held out, `false_alarm_rate_` is 1 / (n_samples + 1), and a warning
    says so.

    Rows are dealt out to the parts by what they hold: their order changes nothing, and a weight of 2 is the
    same as the row twice if it is so for the estimator.

    Memory beside the estimator's own: a copy of most of X at a time, and some 100 bytes a row.

    References
    ----------
    Vovk (2015), "Cross-conformal predictors", Annals of Mathematics and Artificial Intelligence 74.
    Laxhammar and Falkman (2010), "Conformal prediction for distribution-independent anomaly detection in
    streaming vessel data", StreamKDD.
    Shewhart (1931), "Economic Control of Quality of Manufactured Product", for limits of warning and action.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.cluster import CentroidMonitor, KMeans
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(0, 1, (300, 2)), rng.normal(20, 3, (300, 2))])
    >>> monitor = CentroidMonitor(KMeans(2, random_state=0)).fit(X)
    >>> monitor.predict([[5, 0], [20, 25], [20, 0]])
    array([-1,  1, -1])
    >>> monitor.zones([[0, 0], [2.7, 0.7], [5, 0]]).tolist()
    ['normal', 'warning', 'critical']
    >>> print(monitor.explain([5, 1]))
    critical: 3.46 from the center of cluster 1, in its own spread (warning above 1.76, critical above 2.18)
          value  center  spread  deviation  contribution
      x0   5.00   -0.08    1.06       +4.8           96%
      x1   1.00    0.04    1.05       +0.9            4%
    >>> monitor.drift(rng.normal(0, 1, (200, 2))).emptied
    (0,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": "no_validation",  # type: ignore[dict-item] # in fit: it says which methods are needed
        "false_alarm_rate": [Interval(Real, 0, 1, closed="neither")],
        "warning_rate": [Interval(Real, 0, 1, closed="neither"), None],
        "n_splits": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        false_alarm_rate: float = 0.01,
        warning_rate: float | None = None,
        n_splits: int = 10,
    ) -> None:
        self.estimator = estimator
        self.false_alarm_rate = false_alarm_rate
        self.warning_rate = warning_rate
        self.n_splits = n_splits

    @estimator_fit
    def fit(self, X: Data, y: object = None, sample_weight: Data = None) -> Self:
        """Fit the estimator, and find the levels that normal rows cross at the rates asked for.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Normal rows, such as the estimator takes.
        y : object
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            How many rows each row is, not negative; None: one.

        Returns
        -------
        self
            The fitted monitor. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        TypeError
            If the estimator has no `predict` or no `transform`, or takes no weights where there are some.
        ValueError
            If a parameter or the weights are unusable, there are fewer than 2 rows, or the estimator cannot
            be fitted to X, or to X without one part.

        Warns
        -----
        UserWarning
            If there are too few rows for `false_alarm_rate`.
        """
        warning_rate = self._rates()
        rows = table_of(X)
        given = check_weights(sample_weight, rows)
        weights = np.ones(rows.shape[0]) if given is None else given
        model = fitted(self.estimator, rows, given)
        table, _ = seen_table(model, steps_before(model)[0], rows)
        n_folds = min(self.n_splits, int(weights.sum()))
        if n_folds < 2:
            raise ValueError(
                f"n_samples={rows.shape[0]}, of weight {weights.sum():g}: at least 2 rows are needed, one to "
                "fit and one to hold against it."
            )
        rates = (float(self.false_alarm_rate), warning_rate)
        shares = measurable(rates, weights.sum())
        sample = Sample(rows, table.values, weights, given is not None)
        with large_values_named():
            spread = own_spread(model, rows, weights)
            held = held_out(self.estimator, sample, n_folds, shares)
            self._set_levels(held, usual(spread.measured(rows)[1], weights, shares), rates)
            self.estimator_ = model
            self._spread = spread
            self._describe(rows, table, weights)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(model, name):
                setattr(self, name, getattr(model, name))
            elif name in vars(self):
                delattr(self, name)
        return self

    def score_samples(self, X: Data) -> NDArray[np.float64]:
        """Return minus the distance of each row from its nearest center, in that cluster's own spread.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            At most 0; the higher, the more normal.

        Raises
        ------
        NotFittedError
            If there are no levels yet.
        ValueError
            If X does not suit the estimator.
        """
        return -self._measured(X)[1]

    def decision_function(self, X: Data) -> NDArray[np.float64]:
        """Return by how much each row stays below the critical level.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            ``score_samples(X) - offset_``; below 0 for an alarm.

        Raises
        ------
        NotFittedError
            If there are no levels yet.
        ValueError
            If X does not suit the estimator.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: Data) -> NDArray[np.int64]:
        """Say which rows belong to a known cluster.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,), int64
            1, or -1 beyond the critical level.

        Raises
        ------
        NotFittedError
            If there are no levels yet.
        ValueError
            If X does not suit the estimator.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def zones(self, X: Data) -> NDArray[np.str_]:
        """Return the zone of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,) of str
            'normal', 'warning' (beyond the warning level) or 'critical' (beyond the critical level too).

        Raises
        ------
        NotFittedError
            If there are no levels yet.
        ValueError
            If X does not suit the estimator.
        """
        distances = self._measured(X)[1]
        levels = (distances > self.warning_level_).astype(int) + (distances > self.critical_level_)
        named: NDArray[np.str_] = np.array(["normal", "warning", "critical"])[levels]
        return named

    def deviations(self, X: Data) -> NDArray[np.float64]:
        """Return how far each row is from its nearest center in every feature of the table.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_table_features)
            Value less center in the own spread of its cluster, for each of `features_`; dense. For a
            Euclidean estimator without other steps, `score_samples` is minus their root mean square.

        Raises
        ------
        NotFittedError
            If there are no levels yet.
        ValueError
            If X does not suit the estimator.
        """
        labels = self._measured(X)[0]
        values = self._reference.values(X)
        values = values.toarray() if sp.issparse(values) else values
        scaled: NDArray[np.float64] = (values - self.centers_[labels]) / self.spreads_[labels]
        return scaled

    def explain(self, row: Data) -> RowReport:
        """Say where a row stands, and which features put it there.

        Parameters
        ----------
        row : {array-like, sparse matrix, data frame, series} of shape (1, n_features) or (n_features,)
            One row.

        Returns
        -------
        RowReport
            Its zone, cluster and distance, and value, center, spread, deviation and contribution of each
            feature in the units of X.

        Raises
        ------
        NotFittedError
            If there are no levels yet.
        ValueError
            If it is not one row, or does not suit the estimator.
        """
        require_fitted(self, "critical_level_")
        row = _one_row(row)
        labels, distances = self._measured(row)
        values = self._reference.values(row)
        values = values.toarray() if sp.issparse(values) else values
        j = int(labels[0])
        return RowReport(
            zone=str(self.zones(row)[0]),
            cluster=j,
            distance=float(distances[0]),
            warning_level=self.warning_level_,
            critical_level=self.critical_level_,
            features=self.features_,
            values=np.asarray(values[0], dtype=np.float64),
            centers=self.centers_[j],
            spreads=self.spreads_[j],
            is_share=~self._reference.table.is_number,
        )

    def drift(self, X: Data, *, alpha: float = 0.05) -> DriftReport:
        """Hold new rows against those of the fit, and say which clusters and features have moved.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows, independent of each other.
        alpha : float, default=0.05
            The chance that anything is flagged where nothing has moved.

        Returns
        -------
        DriftReport
            For each cluster its share of the rows then and now, for each of its features the mean then and
            now, the rate of alarms, and what of it is more than chance.

        Raises
        ------
        NotFittedError
            If there are no levels yet.
        ValueError
            If alpha is not in (0, 1), or X does not suit the estimator.

        Notes
        -----
        Means are compared by Student's test with the larger of the two variances, then and now: Welch's test
        takes skewed rows and rare levels for drift. Clusters with fewer than 5 rows then or now are not
        tested. Shares of clusters and of alarms are compared by Fisher's exact test, as if there had been
        half as many rows then: fits follow their rows. Means, shares and alarms have a third of `alpha` each,
        divided among the many by Holm's method, so that the chance of any flag is at most `alpha` while
        nothing moves: in simulations it was 0 to 0.03 for alpha 0.05, from 30 rows on and for skewed,
        heavy-tailed and rare values.

        A cluster that has moved far is alarms, too, and neighbours may be given some of its rows.

        References
        ----------
        Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
        Statistics 6.
        """
        require_fitted(self, "critical_level_")
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must be above 0 and below 1; got {alpha!r}.")
        table = replace(self._reference.table, values=self._reference.values(X))
        labels, distances = self._measured(X)
        with large_values_named():
            now = reference(table, labels, np.ones(len(labels)), len(self.sizes_))
        n_alarms = int(np.count_nonzero(distances > self.critical_level_))
        return drift_report(self._reference, now, self.spreads_, (self._held_alarms, n_alarms), alpha)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if hasattr(self.estimator, "__sklearn_tags__"):
            given = get_tags(self.estimator).input_tags
            tags.input_tags.sparse, tags.input_tags.allow_nan = given.sparse, given.allow_nan
        return tags

    def _rates(self) -> float:
        """Check the estimator and the rates, and return that of warnings."""
        if isinstance(self.estimator, type) or not (
            hasattr(self.estimator, "fit")
            and hasattr(self.estimator, "predict")
            and hasattr(self.estimator, "transform")
        ):
            is_class = isinstance(self.estimator, type)
            given = self.estimator if is_class else type(self.estimator)
            raise TypeError(
                f"estimator must be a clusterer with fit, predict and transform, or a Pipeline that ends in "
                f"one; got {'the class ' if is_class else ''}{given.__name__}."
            )
        rate = float(self.false_alarm_rate)
        if self.warning_rate is None:
            return min(5 * rate, (1 + rate) / 2)
        if self.warning_rate <= rate:
            raise ValueError(
                f"warning_rate={self.warning_rate} must be above false_alarm_rate={rate}: alarms are "
                "among the warnings."
            )
        return float(self.warning_rate)

    def _set_levels(
        self,
        held: tuple[NDArray[np.float64], NDArray[np.float64]],
        unit: NDArray[np.float64],
        rates: tuple[float, float],
    ) -> None:
        relative, weights = held
        critical, self.false_alarm_rate_ = level(relative[:, 0], weights, rates[0])
        warning, self.warning_rate_ = level(relative[:, 1], weights, rates[1])
        self.critical_level_ = critical * float(unit[0])
        self.warning_level_ = min(warning * float(unit[1]), self.critical_level_)
        self.offset_ = -self.critical_level_
        self._held_alarms = float(weights[relative[:, 0] > critical].sum())
        if self.false_alarm_rate_ > rates[0]:
            needed = int(np.ceil(1 / rates[0] - 1e-9)) - 1
            warnings.warn(
                f"false_alarm_rate={rates[0]} needs at least {needed} rows; X has {weights.sum():g}. The "
                "critical level is that of the farthest of these, and the rate of false alarms "
                f"{self.false_alarm_rate_:.2g}.",
                stacklevel=4,
            )

    def _describe(self, rows: Any, table: Any, weights: NDArray[np.float64]) -> None:
        """Remember what the clusters' rows are like in the columns of the table."""
        found = clustering(self.estimator_, rows)
        names = getattr(self.estimator_, "feature_names_in_", None)
        self._reference: Reference = reference(
            table, found.labels, weights, found.n_clusters, has_names=names is not None
        )
        centers = self._reference.sums.means()
        if measures_euclidean(found) and found.centers is not None:
            back = undone(found.transformers, found.centers)
            if back.shape[1] == len(table.table):
                known = back[:, table.source]
                known[:, ~table.is_number] = np.nan
                centers = np.where(np.isnan(known), centers, known)
        self.features_ = table.names
        self.sizes_ = self._reference.sizes
        self.centers_ = centers
        self.spreads_ = spread_around(self._reference.sums, centers)

    def _measured(self, X: Data) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        require_fitted(self, "critical_level_")
        return self._spread.measured(X)


def _one_row(row: Data) -> Any:
    """Return a table of one row."""
    if hasattr(row, "to_frame") and hasattr(row, "index"):  # a pandas series: a row of a frame
        row = row.to_frame().T.infer_objects()
    rows = table_of(row)
    if isinstance(rows, np.ndarray) and rows.ndim == 1:
        rows = rows[np.newaxis]
    if rows.shape[0] != 1:
        raise ValueError(f"explain takes one row; got {rows.shape[0]}: deviations takes many.")
    return rows
