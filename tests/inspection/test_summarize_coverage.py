"""95% intervals hold the true weight in 93 to 97% of simulations, for each model and each covariance."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sklearn.linear_model as peer
from fulcra.inspection import summarize
from fulcra.linear_model import LinearRegression
from scipy import stats
from threadpoolctl import threadpool_limits

N, D, N_GROUPS = 480, 6, 160
SLOPES = np.array([0.5, -0.4, 0.3, 0.0, 0.2, -0.1])
#: What standard errors meet that do not allow for it.
PLAIN, UNEVEN, CLUSTERED = "plain", "uneven", "clustered"
HOLD_FOR = {"nonrobust": PLAIN, "HC0": UNEVEN, "HC1": UNEVEN, "HC2": UNEVEN, "HC3": UNEVEN} | {
    "cluster": CLUSTERED
}
GROUPS = np.arange(N) % N_GROUPS


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):  # thousands of small products
        yield


def draw(kind: str, trouble: str, rng: np.random.Generator) -> tuple[np.ndarray, Any]:
    """Rows and targets whose means have `SLOPES`, and whose spread is as `trouble` says."""
    X = rng.normal(size=(N, D))
    chance = rng.uniform(size=N)
    if trouble == CLUSTERED:  # rows of a cluster share what moves them
        X = 0.6 * X + 0.8 * rng.normal(size=(N_GROUPS, D))[GROUPS]
        chance = rng.uniform(size=N_GROUPS)[GROUPS]
    eta = 0.3 + X @ SLOPES
    if kind == "linear":
        return X, eta + stats.norm.ppf(chance) * (np.exp(0.5 * X[:, 0]) if trouble == UNEVEN else 1)
    if kind == "logistic":
        return X, chance < 1 / (1 + np.exp(-eta))
    if kind == "poisson":  # a gamma factor of mean 1 spreads counts more, and leaves their means
        factor = rng.gamma(2, 0.5, size=N) if trouble == UNEVEN else 1
        return X, stats.poisson.ppf(chance, factor * np.exp(eta)).astype(int)
    # Classes of three; the weights of the third are those of the second doubled.
    odds = np.column_stack([np.ones(N), np.exp(eta), np.exp(0.1 + 2 * X @ SLOPES)])
    bounds = np.cumsum(odds / odds.sum(axis=1, keepdims=True), axis=1)
    return X, (chance[:, np.newaxis] > bounds[:, :2]).sum(axis=1)


MODELS = {
    "linear": LinearRegression(),
    "logistic": peer.LogisticRegression(C=np.inf, solver="newton-cholesky"),
    "multinomial": peer.LogisticRegression(C=np.inf, solver="newton-cholesky"),
    "poisson": peer.PoissonRegressor(alpha=0, solver="newton-cholesky"),
}
TRUTH = dict.fromkeys(MODELS, SLOPES) | {"multinomial": np.array([SLOPES, 2 * SLOPES])}


def coverage(kind: str, trouble: str, covs: list[str], times: int) -> dict[str, np.ndarray]:
    """The share of intervals that hold the true weight, by covariance and slope."""
    rng = np.random.default_rng(11)
    hits: dict[str, list[np.ndarray]] = {cov: [] for cov in covs}
    for _ in range(times):
        X, y = draw(kind, trouble, rng)
        model = MODELS[kind].fit(X, y)
        for cov in covs:
            found = summarize(model, X, y, cov=cov, groups=GROUPS if cov == "cluster" else None)
            low, high = found.conf_int[..., 1:, 0], found.conf_int[..., 1:, 1]
            hits[cov].append((low <= TRUTH[kind]) & (TRUTH[kind] <= high))
    return {cov: np.mean(found, axis=0) for cov, found in hits.items()}


@pytest.mark.parametrize("trouble", [PLAIN, UNEVEN, CLUSTERED])
@pytest.mark.parametrize("kind", list(MODELS))
def test_intervals_hold_the_true_weight(kind: str, trouble: str) -> None:
    covs = [cov for cov, meets in HOLD_FOR.items() if meets == trouble]
    found = coverage(kind, trouble, covs, times=200)
    assert all(0.93 <= share.mean() <= 0.97 for share in found.values()), found


@pytest.mark.parametrize(
    ("kind", "trouble"),
    [("linear", UNEVEN), ("poisson", UNEVEN), *((kind, CLUSTERED) for kind in MODELS)],
)
def test_nonrobust_intervals_do_not_where_that_is_not_allowed_for(kind: str, trouble: str) -> None:
    # Or the test above would pass whatever `cov` did.
    assert coverage(kind, trouble, ["nonrobust"], times=60)["nonrobust"].min() < 0.9
