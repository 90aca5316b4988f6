"""Silhouettes: worked cases, the table of all pairs as the oracle, and what must not change them."""

import sys
from typing import Any

import fulcra
import numpy as np
import oracles
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.metrics.cluster._unsupervised as theirs
from conftest import Interrupt, RunPython
from fulcra._bench import data
from fulcra.metrics import silhouette_samples, silhouette_score
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.utils._param_validation import InvalidParameterError

RNG = np.random.default_rng(0)


def blobs(n: int, d: int, k: int, kind: Any = np.float64) -> tuple[np.ndarray, np.ndarray]:
    labels = RNG.integers(k, size=n)
    return (RNG.normal(size=(n, d)) + 3 * RNG.normal(size=(k, d))[labels]).astype(kind), labels


# --- by hand ---


def test_four_points_on_paper() -> None:
    # a = 1 for all; b = 10.5 for the outer ones, 9.5 for the inner ones.
    outer, inner = 9.5 / 10.5, 8.5 / 9.5
    assert_allclose(
        silhouette_samples([[0], [1], [10], [11]], [0, 0, 1, 1]), [outer, inner, inner, outer], rtol=1e-15
    )


def test_the_nearest_of_three_clusters_counts() -> None:
    # Row 0: a = 2, means to the others 10 and 5.
    found = silhouette_samples([[0, 0], [2, 0], [10, 0], [-3, 4], [3, 4]], [7, 7, 9, 8, 8])
    assert found[0] == 3 / 5
    assert found[2] == 0  # alone


def test_equal_rows_in_two_clusters_have_no_side() -> None:
    assert_array_equal(silhouette_samples(np.ones((4, 3)), [0, 0, 1, 1]), np.zeros(4))


def test_a_row_that_is_nearer_to_another_cluster_is_negative() -> None:
    found = silhouette_samples([[0.0], [1.0], [9.0], [9.0], [10.0]], [0, 0, 0, 1, 1])
    assert found[2] == (0.5 - 8.5) / 8.5


# --- the oracle ---


@pytest.mark.parametrize("metric", ["euclidean", "l2", "manhattan", "cityblock", "sqeuclidean", "cosine"])
@pytest.mark.parametrize(("n", "d", "k"), [(3, 1, 2), (40, 1, 3), (97, 5, 4), (300, 33, 7), (500, 2, 100)])
def test_dense_rows_follow_the_table_of_all_pairs(
    n: int, d: int, k: int, metric: str, dtype: type[np.floating]
) -> None:
    X, labels = blobs(n, d, k, dtype)
    labels[:2] = 0, 1
    same = {"l2": "euclidean", "cityblock": "manhattan"}.get(metric, metric)
    assert_allclose(
        silhouette_samples(X, labels, metric=metric), oracles.silhouettes(X, labels, same), atol=1e-11
    )


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "sqeuclidean", "cosine"])
def test_csr_rows_follow_the_table_of_all_pairs(metric: str, dtype: type[np.floating]) -> None:
    X = sp.random_array((200, 30), density=0.2, format="csr", rng=0, dtype=dtype)
    X = sp.csr_array(X.multiply((np.arange(200) != 5)[:, np.newaxis]), dtype=dtype)
    X.eliminate_zeros()  # row 5 stores nothing
    labels = RNG.integers(4, size=200)
    assert_allclose(
        silhouette_samples(X, labels, metric=metric), oracles.silhouettes(X, labels, metric), atol=1e-6
    )
    if metric == "euclidean":
        assert_allclose(silhouette_samples(X, labels), silhouette_samples(X.toarray(), labels), atol=1e-9)


def test_rows_of_zeros_have_cosine_distance_1_from_each_other() -> None:
    X = np.array([[0, 0], [0, 0], [1, 0], [2, 0.1], [0, 3], [0, 0]])
    labels = [0, 1, 0, 0, 1, 1]
    expected = theirs.silhouette_samples(X, labels, metric="cosine")
    assert_allclose(silhouette_samples(X, labels, metric="cosine"), expected, atol=1e-12)
    assert_allclose(silhouette_samples(sp.csr_array(X), labels, metric="cosine"), expected, atol=1e-12)


@pytest.mark.parametrize(
    "X",
    [
        data.far_offset(600),
        data.far_offset(600).astype(np.float64) + 1e9,
        data.two_far_blobs(600),
        data.two_far_blobs(600) * np.float32(1e30),
        data.two_far_blobs(600) * np.float32(1e-30),
        np.where(RNG.random((600, 4)) < 0.5, 1e8, 0) + RNG.normal(size=(600, 4)),
        np.repeat(RNG.normal(size=(30, 4)), 20, axis=0),
    ],
    ids=["offset 1e6", "offset 1e9", "two far blobs", "huge", "tiny", "far corners", "duplicates"],
)
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "csr"])
def test_rounding_does_not_mislead(X: np.ndarray, sparse: bool) -> None:
    labels = (np.arange(len(X)) % 3) + (X[:, 0] > X[:, 0].mean())
    expected = oracles.silhouettes(X, labels)
    assert_allclose(silhouette_samples(sp.csr_array(X) if sparse else X, labels), expected, atol=1e-9)


def test_float32_products_would_have_misled() -> None:
    X = data.two_far_blobs(600)
    labels = 2 * (X[:, 0] > 0) + (X[:, 1] > np.sign(X[:, 1]) * 1000)  # both blobs in halves
    expected = oracles.silhouettes(X, labels)
    assert abs(silhouette_score(X, labels) - expected.mean()) < 1e-12
    gram = X.astype(np.float32) @ X.T
    table = np.sqrt(np.maximum(gram.diagonal()[:, None] + gram.diagonal() - 2 * gram, 0))
    np.fill_diagonal(table, 0)
    assert np.abs(silhouette_samples(table, labels, metric="precomputed") - expected).max() > 1e-3


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_shift_scale_order_and_names_change_nothing(drawn: Any) -> None:
    n, d = drawn.draw(st.integers(3, 40)), drawn.draw(st.integers(1, 20))
    whole = st.lists(st.integers(-50, 50), min_size=n * d, max_size=n * d)
    X = np.array(drawn.draw(whole), dtype=np.float64).reshape(n, d)
    labels = np.array(drawn.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
    labels[:3] = 0, 0, 1
    found = silhouette_samples(X, labels)
    assert np.all(np.abs(found) <= 1)
    assert_allclose(found, oracles.silhouettes(X, labels), atol=1e-12)
    assert_array_equal(silhouette_samples(4 * X, labels), found)
    assert_allclose(silhouette_samples(X + 1000, labels), found, atol=1e-12)
    order = drawn.draw(st.permutations(range(n)))
    assert_allclose(silhouette_samples(X[order], labels[order]), found[order], atol=1e-12)
    names = np.array(["d", "a", "c", "b"])[labels]
    assert_allclose(silhouette_samples(X, names), found, atol=1e-12)


# --- scikit-learn's metrics ---


@pytest.mark.parametrize("metric", ["chebyshev", "braycurtis", "correlation", "minkowski"])
def test_other_metrics_are_scikit_learns(metric: str) -> None:
    X, labels = blobs(90, 4, 3)
    kwds = {"p": 3} if metric == "minkowski" else {}
    assert_allclose(
        silhouette_samples(X, labels, metric=metric, working_memory=0.01, **kwds),
        theirs.silhouette_samples(X, labels, metric=metric, **kwds),
        atol=1e-12,
    )


def test_a_callable_and_its_parameters() -> None:
    X, labels = blobs(40, 3, 3)
    found = silhouette_samples(X, labels, metric=lambda x, y, power: np.abs(x - y).max() ** power, power=2)
    table = np.abs(X[:, None] - X).max(axis=2) ** 2
    assert_allclose(found, silhouette_samples(table, labels, metric="precomputed"), atol=1e-12)


def test_parameters_of_the_distance_reach_scikit_learn() -> None:
    X, labels = blobs(60, 3, 3)
    found = silhouette_samples(X, labels, metric="euclidean", squared=True)
    assert_allclose(found, oracles.silhouettes(X, labels, "sqeuclidean"), atol=1e-9)
    assert_array_equal(silhouette_samples(X, labels, n_jobs=1), silhouette_samples(X, labels))


@pytest.mark.parametrize("metric", ["euclidean", "precomputed"])
def test_a_sample_is_drawn_as_scikit_learn_draws_it(metric: str) -> None:
    X, labels = blobs(120, 3, 3)
    X = theirs.pairwise_distances(X) if metric == "precomputed" else X
    asked = {"metric": metric, "sample_size": 50, "random_state": 3}
    assert silhouette_score(X, labels, **asked) == pytest.approx(
        theirs.silhouette_score(X, labels, **asked), abs=1e-12
    )


# --- bad input ---


def test_the_first_value_that_is_not_finite_is_named() -> None:
    X = pd.DataFrame(RNG.normal(size=(30, 3)), columns=["a", "b", "c"])
    labels = np.arange(30) % 3
    for value, kind in [(np.nan, "NaN"), (np.inf, "infinity"), (1e200, "a value too large")]:
        X.iloc[17, 1] = value
        for metric in ("euclidean", "manhattan", "sqeuclidean"):
            with pytest.raises(ValueError, match=f"{kind}.*row 17, column 'b'"):
                silhouette_samples(X, labels, metric=metric)
    X.iloc[17, 1] = np.nan
    with pytest.raises(ValueError, match=r"NaN.*row 17, column 'b'"):
        silhouette_samples(X, labels, metric="cosine")
    X.iloc[17, 1] = 1e200
    assert np.isfinite(silhouette_samples(X, labels, metric="cosine")).all()


@pytest.mark.parametrize(
    ("X", "labels", "message"),
    [
        (np.ones((4, 2)), [0, 0, 0, 0], r"Number of labels is 1\. Valid values are 2 to n_samples - 1"),
        (np.ones((4, 2)), [0, 1, 2, 3], r"Number of labels is 4\."),
        (np.ones((4, 2)), [0, 1, 1], "inconsistent numbers of samples"),
        (np.ones((4, 2)), [0, 1, 1, np.nan], "labels contains NaN"),
        (np.ones((4, 2)), np.zeros((4, 2)), "1d array"),
        (np.ones(4), [0, 0, 1, 1], "Expected 2D array"),
        (np.ones((0, 2)), [], "0 sample"),
        (np.ones((4, 0)), [0, 0, 1, 1], "0 feature"),
        (np.ones((4, 2)) * 1j, [0, 0, 1, 1], "Complex data not supported"),
        (np.ma.masked_greater(np.eye(4), 0.5), [0, 0, 1, 1], "masked array with 4 masked"),
    ],
)
def test_unusable_input_gets_a_clear_error(X: Any, labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        silhouette_samples(X, labels)


def test_unusable_parameters_are_named() -> None:
    X, labels = blobs(10, 2, 2)
    with pytest.raises(InvalidParameterError, match="'metric'"):
        silhouette_samples(X, labels, metric="nearness")
    with pytest.raises(InvalidParameterError, match="'sample_size' parameter of silhouette_score"):
        silhouette_score(X, labels, sample_size=0)


@pytest.mark.parametrize(
    "arrange",
    [np.asfortranarray, np.ndarray.tolist, pd.DataFrame, sp.coo_array, sp.csc_array, lambda X: X[::-1][::-1]],
)
def test_every_layout_gives_the_same(arrange: Any) -> None:
    X, labels = blobs(50, 3, 3)
    assert_allclose(silhouette_samples(arrange(X), labels), silhouette_samples(X, labels), atol=1e-12)


# --- threads, instruction sets, memory, Ctrl-C ---


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "csr"])
def test_any_number_of_threads_gives_the_same_bits(sparse: bool, dtype: type[np.floating]) -> None:
    X, labels = blobs(3001, 7, 5, dtype)
    X = sp.csr_array(np.where(X > 1, X, 0)) if sparse else X
    found = []
    for n_threads in (1, 2, 3, 8):
        fulcra.set_num_threads(n_threads)
        found.append(silhouette_samples(X, labels).tobytes())
    assert len(set(found)) == 1


BITS = """
import hashlib
import numpy as np
from fulcra import _core
from fulcra.metrics import davies_bouldin_score, silhouette_samples, wcss
rng = np.random.default_rng(0)
for d in (1, 3, 16, 50):
    X, labels = rng.normal(size=(400, d)), rng.integers(5, size=400)
    for kind in (np.float32, np.float64):
        for metric in ("euclidean", "manhattan"):
            found = silhouette_samples(X.astype(kind), labels, metric=metric)
            print(d, kind.__name__, metric, hashlib.sha256(found.tobytes()).hexdigest())
"""


def test_every_instruction_set_gives_the_same_bits(run_python: RunPython) -> None:
    levels = ["portable", *(["avx2"] if fulcra._core.simd_level().startswith("avx") else [])]
    printed = {level: run_python(BITS, FULCRA_SIMD=level) for level in levels}
    assert len(set(printed.values())) == 1
    assert run_python(BITS) in printed.values()


PEAK = """
import sys
import numpy as np
from fulcra.metrics import silhouette_samples

def peak():
    with open("/proc/self/status") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

rng = np.random.default_rng(0)
X, labels = rng.normal(size=(20_000, 16)).astype(sys.argv[1]), rng.integers(10, size=20_000)
silhouette_samples(X[:2000], labels[:2000], metric=sys.argv[2])
before = peak()
silhouette_samples(X, labels, metric=sys.argv[2])
print(peak() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peaks are read from Linux's /proc")
@pytest.mark.parametrize(
    ("kind", "metric", "most"),
    [
        ("float32", "euclidean", 10e6),
        ("float64", "manhattan", 10e6),
        ("float32", "cosine", 40e6),
        ("float64", "chebyshev", 250e6),
    ],
)
def test_memory_is_not_quadratic(kind: str, metric: str, most: float, run_python: RunPython) -> None:
    assert int(run_python(PEAK, kind, metric)) < most  # n x n would be 1.6 or 3.2 GB


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "csr"])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c_stops_a_long_silhouette(n_threads: int, sparse: bool, ctrl_c: Interrupt) -> None:
    fulcra.set_num_threads(n_threads)
    X, labels = RNG.normal(size=(200_000, 16)).astype(np.float32), RNG.integers(10, size=200_000)
    rows = sp.csr_array(np.where(X > 1, X, 0)) if sparse else X
    # The machine may be busy: the best of three.
    waits = [ctrl_c(lambda: silhouette_samples(rows, labels)) for _ in range(3)]
    assert min(waits) < 0.2
