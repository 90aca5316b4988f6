"""The sampled silhouette: exact for each row, and an error bar that keeps its word."""

import numpy as np
import pytest
import scipy.sparse as sp
from fulcra.metrics import silhouette_estimate, silhouette_samples, silhouette_score
from sklearn.utils._param_validation import InvalidParameterError

RNG = np.random.default_rng(0)


def clusters(n: int, shares: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    labels = RNG.choice(len(shares), p=shares, size=n)
    return RNG.normal(size=(n, 3)) * (1 + labels[:, np.newaxis]) + 4 * labels[:, np.newaxis], labels


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.09, 0.01)], ids=["even", "uneven"])
@pytest.mark.parametrize("sample_size", [100, 400, 1500])
def test_the_interval_holds_the_truth_19_times_of_20(shares: tuple[float, ...], sample_size: int) -> None:
    X, labels = clusters(2000, shares)
    truth = silhouette_score(X, labels)
    found = [
        silhouette_estimate(X, labels, sample_size=sample_size, random_state=seed) for seed in range(400)
    ]
    held = np.mean([low <= truth <= high for low, high in (estimate.interval for estimate in found)])
    assert 0.92 <= held <= 0.98  # 0.95 give or take 2.5 standard deviations of 400 trials
    scores = np.array([estimate.score for estimate in found])
    assert abs(scores.mean() - truth) < 4 * scores.std() / 20  # unbiased
    errors = np.array([estimate.standard_error for estimate in found])
    assert errors.mean() == pytest.approx(scores.std(), rel=0.12)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_all_rows_give_the_score_itself(metric: str) -> None:
    X, labels = clusters(300, (0.4, 0.6))
    for sample_size in (300, 10_000):
        found = silhouette_estimate(X, labels, sample_size=sample_size, metric=metric, random_state=0)
        assert found.score == silhouette_score(X, labels, metric=metric)
        assert (found.standard_error, found.sample_size, found.n_samples) == (0, 300, 300)


def test_each_sampled_row_meets_all_rows() -> None:
    X, labels = clusters(300, (0.4, 0.6))
    some = np.sort(np.random.RandomState(7).permutation(300)[:40])
    found = silhouette_estimate(X, labels, sample_size=40, random_state=7)
    assert found.score == pytest.approx(silhouette_samples(X, labels)[some].mean(), rel=1e-13)
    sparse = silhouette_estimate(sp.csr_array(X), labels, sample_size=40, random_state=7)
    assert sparse.score == pytest.approx(found.score, rel=1e-9)


def test_a_million_rows() -> None:
    X = RNG.standard_normal((1_000_000, 16), dtype=np.float32)
    labels = RNG.integers(2, size=len(X))
    X += 2 * labels[:, np.newaxis].astype(np.float32)
    found = silhouette_estimate(X, labels, sample_size=200, random_state=0)
    # Of two distances about 5.6 and 9.7: sqrt(2 * 16) and sqrt(2 * 16 + 4 * 16).
    assert found.score == pytest.approx(1 - (32 / 96) ** 0.5, abs=0.02)
    assert 0 < found.standard_error < 0.01
    assert str(found).endswith("(standard error; 200 of 1000000 rows, each against all)")


def test_unusable_input_is_named() -> None:
    X, labels = clusters(30, (0.4, 0.6))
    with pytest.raises(InvalidParameterError, match="'sample_size'"):
        silhouette_estimate(X, labels, sample_size=1)
    with pytest.raises(InvalidParameterError, match="'metric'"):
        silhouette_estimate(X, labels, metric="cosine")
    with pytest.raises(ValueError, match="Number of labels is 1"):
        silhouette_estimate(X, np.zeros(30))
    with pytest.raises(ValueError, match="CSR rows have Euclidean silhouettes only"):
        silhouette_estimate(sp.csr_array(X), labels, metric="manhattan")
