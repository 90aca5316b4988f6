"""The tests behind a `DriftReport`, and what keeps them honest.

Sources: Student's test for means, and Fisher's exact test for shares with room for overdispersion, among each
of which Holm (1979), "A simple sequentially rejective multiple test procedure", keeps one rate of errors.
Alarms, shares and means have a third of alpha each: beside hundreds of means a change of the alarms would go
unseen.

Welch's test, with a variance for each side, is wrong here. A cluster that is small on one side has a mean and
a variance that err together where rows are skewed, and no variance at all where a rare level does not occur:
something is then flagged in up to all of the runs in which nothing moved. So both sides are given the larger
of the two variances. Labels of the rows of the fit are those that it gave them: that rows determined the
centers does not make the test err, while labels by fits without them do, as those find other clusters.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulcra._reading.profile import Moments
from fulcra.cluster._monitor.drift_report import DriftReport
from fulcra.cluster._monitor.reference import Reference

#: Rows that a cluster must have, then and now, for its means to be tested.
_ENOUGH = 5
#: By how much the variances of shares then, and of the rate of alarms, exceed binomial ones. Rows that a fit
#: follows make its fringes too large; the fit to all rows has another rate of alarms than those without a
#: part. In simulations 1.2 with heavy tails, 2 with uniform and 3 with rare values.
_OVERDISPERSION = 2.0
#: Means that differ by less, as a share of the values and of their spread, differ by rounding.
_ROUNDING = 1e-9


def drift_report(
    then: Reference,
    now: Reference,
    spreads: NDArray[np.float64],
    alarms: tuple[float, int],
    alpha: float,
) -> DriftReport:
    """Hold new rows against those of the fit.

    Parameters
    ----------
    then, now : Reference
        By cluster, of the same features.
    spreads : ndarray of shape (n_clusters, n_features)
        The unit of the shifts.
    alarms : tuple of float and int
        Rows beyond the critical level: of those held out then, and of the new ones.
    alpha : float
        The chance of a flag where nothing has moved.

    Returns
    -------
    DriftReport
        The tests' results.
    """
    means_then, means_now = then.sums.means(), now.sums.means()
    p_values = _of_means(then.sums, now.sums, spreads)
    n_then, n_now = then.sizes.sum(), now.sizes.sum()
    share_p_values = _of_shares(then.sizes, n_then, now.sizes, n_now)
    alarm_p_value = _of_shares(np.array([alarms[0]]), n_then, np.array([float(alarms[1])]), n_now)
    return DriftReport(
        features=then.table.names,
        is_share=~then.table.is_number,
        sizes_then=then.sizes,
        sizes_now=now.sizes,
        share_p_values=_of_three(share_p_values),
        means_then=means_then,
        means_now=means_now,
        spreads=spreads,
        shifts=(means_now - means_then) / spreads,
        p_values=_of_three(p_values.ravel()).reshape(p_values.shape),
        n_alarms=alarms[1],
        expected_alarm_rate=float((alarms[0] + 1) / (n_then + 1)),
        alarm_p_value=float(_of_three(alarm_p_value)[0]),
        alpha=alpha,
    )


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p-values for their number.

    Parameters
    ----------
    p_values : ndarray of shape (n,)
        NaN where nothing was tested: stays, and does not count.

    Returns
    -------
    ndarray of shape (n,)
        The chance of any at most alpha, where all hypotheses are true, is at most alpha.
    """
    adjusted = np.full(len(p_values), np.nan)
    tested = np.flatnonzero(~np.isnan(p_values))
    order = tested[np.argsort(p_values[tested], kind="stable")]
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1) if len(order) else steps
    return adjusted


def _of_three(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust the p-values of one of three families."""
    return np.minimum(3 * holm(p_values), 1)


def _of_means(then: Moments, now: Moments, spreads: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return two-sided p-values of Student's test with the larger variance, (n_clusters, n_features).

    Where nothing varies, then or now, the variance is that of `spreads`, which other clusters have a part in.
    """
    from scipy.special import stdtr  # noqa: PLC0415 - slow to load

    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.fmax(then.variances(), now.variances())
        variance = np.where(variance > (_ROUNDING * spreads) ** 2, variance, spreads**2)
        means_then, means_now = then.means(), now.means()
        apart = np.abs(means_now - means_then)
        apart[apart <= _ROUNDING * (np.abs(means_then) + np.abs(means_now) + spreads)] = 0
        t = apart / np.sqrt(variance * (1 / then.weight + 1 / now.weight))
    enough = (then.weight >= _ENOUGH) & (now.weight >= _ENOUGH)
    freedom = np.where(enough, then.weight + now.weight - 2, 1.0)
    tails: NDArray[np.float64] = 2 * stdtr(freedom, -t)
    return np.where(enough, tails, np.nan)


def _of_shares(
    some_then: NDArray[np.float64], all_then: float, some_now: NDArray[np.float64], all_now: float
) -> NDArray[np.float64]:
    """Return two-sided p-values of the numbers now, twice the smaller tail, (n,).

    What so many then leave open is a beta distribution, with which the numbers now are beta-binomial: as in
    Fisher's exact test, were there no overdispersion.
    """
    from scipy.stats import betabinom  # noqa: PLC0415 - slow to load

    def binomial(some: NDArray[np.float64], others: NDArray[np.float64]) -> Any:
        least = np.finfo(np.float64).tiny
        return betabinom(
            round(all_now),
            np.maximum(some / _OVERDISPERSION, least),
            np.maximum(others / _OVERDISPERSION, least),
        )

    others = all_then - some_then
    more = np.where(others > 0, binomial(some_then + 1, others).sf(some_now - 1), 1.0)
    fewer = np.where(some_then > 0, binomial(some_then, others + 1).cdf(some_now), 1.0)
    tails: NDArray[np.float64] = np.minimum(2 * np.minimum(more, fewer), 1)
    return tails
