"""FuzzyCMeans: by hand, against the definition in NumPy, and what must hold for any data."""

from typing import Any

import fulcra
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from conftest import SIMD_LEVELS, RunPython
from fulcra import _core
from fulcra.cluster import FuzzyCMeans, KMeans
from numpy.testing import assert_allclose, assert_array_equal
from oracles import fuzzy_c_means, fuzzy_memberships, fuzzy_objective
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

IRIS = load_iris().data
RNG = np.random.default_rng(0)
ROWS = np.concatenate([RNG.normal(size=(70, 3)) + 8 * side for side in (0, 1, 3)])


# --- by hand ---


def test_memberships_on_paper(dtype: type[np.floating]) -> None:
    model = FuzzyCMeans.from_centers(np.array([[0], [3]], dtype=dtype))
    # Squared distances 1 and 4: (1 / 1) / (1 / 1 + 1 / 4) = 0.8. Half way: equal. On a center: there alone.
    u = model.predict_proba(np.array([[1], [1.5], [3], [-3]], dtype=dtype))
    assert_allclose(u, [[0.8, 0.2], [0.5, 0.5], [0, 1], [0.8, 0.2]], rtol=1e-6)
    assert u.dtype == dtype
    # m = 3: ratios of distances, not of their squares. m = 1.5: of their fourth powers.
    assert_allclose(FuzzyCMeans.from_centers([[0], [3]], m=3).predict_proba([[1]]), [[2 / 3, 1 / 3]])
    assert_allclose(FuzzyCMeans.from_centers([[0], [3]], m=1.5).predict_proba([[1]]), [[16 / 17, 1 / 17]])


def test_one_update_on_paper() -> None:
    X = np.array([[0.0], [1.0], [4.0]])
    model = FuzzyCMeans(2, init=[[0.0], [3.0]], max_iter=1).fit(X)
    # Memberships in the first: 1; 0.8; (1 / 16) / (1 / 16 + 1) = 1 / 17. Their squares weigh the rows.
    first, second = np.array([1, 0.64, 1 / 289]), np.array([0, 0.04, 256 / 289])
    want = [[first @ X[:, 0] / first.sum()], [second @ X[:, 0] / second.sum()]]
    assert_allclose(model.cluster_centers_, want, rtol=1e-14)
    objective = first @ [0, 1, 16] + second @ [9, 4, 1]
    assert_allclose(model.history_["objective"], [objective], rtol=1e-14)
    assert model.stop_reason_ == "Stopped at max_iter=1, before converging."


@pytest.mark.parametrize("m", [1.0001, 1.2, 2.0, 5.0])
def test_a_row_on_a_center_belongs_to_it_alone_and_on_several_equally(m: float) -> None:
    model = FuzzyCMeans.from_centers([[1.0, 2.0], [5.0, 5.0], [1.0, 2.0]], m=m)
    assert_array_equal(model.predict_proba([[5.0, 5.0], [1.0, 2.0]]), [[0, 1, 0], [0.5, 0, 0.5]])
    assert FuzzyCMeans(3, m=m, init=model.cluster_centers_).fit(ROWS[:, :2]).u_.sum(axis=1) == pytest.approx(
        1
    )


# --- against the definition ---


@pytest.mark.parametrize("m", [1.1, 1.5, 2.0, 2.7, 4.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_fits_are_those_of_the_definition(m: float, weighted: bool) -> None:
    weights = np.random.default_rng(1).random(150) if weighted else None
    start = IRIS[[0, 60, 120, 30]]
    centers = fuzzy_c_means(IRIS, start, m, 40, weights)
    model = FuzzyCMeans(4, m=m, init=start, max_iter=40, tol=0).fit(IRIS, sample_weight=weights)
    assert_allclose(model.cluster_centers_, centers, rtol=1e-9)
    u = fuzzy_memberships(IRIS, model.cluster_centers_, m)
    assert_allclose(model.u_, u, rtol=1e-9, atol=1e-14)
    assert_allclose(model.objective_, fuzzy_objective(IRIS, model.cluster_centers_, m, weights), rtol=1e-12)
    assert_allclose(model.partition_coefficient_, np.average((u**2).sum(axis=1), weights=weights), rtol=1e-12)
    assert_array_equal(model.predict_proba(IRIS), model.u_)
    assert_array_equal(model.labels_, model.predict(IRIS))
    assert_allclose(model.score(IRIS, sample_weight=weights), -model.objective_, rtol=1e-15)
    assert (np.diff(model.history_["objective"]) <= 1e-12 * model.objective_).all()
    assert model.objective_ <= model.history_["objective"][-1] * (1 + 1e-12)


@pytest.mark.parametrize(
    ("n", "d", "k"), [(2, 1, 1), (63, 7, 2), (64, 8, 3), (65, 9, 5), (1000, 33, 11), (130, 1, 4)]
)
def test_any_shape(n: int, d: int, k: int, dtype: type[np.floating]) -> None:
    X = np.random.default_rng(n).normal(size=(n, d)).astype(dtype)
    start = X[:k] + dtype(0.25)
    model = FuzzyCMeans(k, init=start, max_iter=5, tol=0).fit(X)
    rounding = 1e-9 if dtype == np.float64 else 1e-5
    assert_allclose(model.cluster_centers_, fuzzy_c_means(X, start, 2.0, 5), rtol=rounding, atol=rounding)
    assert_allclose(model.u_, fuzzy_memberships(X, model.cluster_centers_, 2.0), atol=1e-6)
    assert model.cluster_centers_.dtype == model.u_.dtype == model.transform(X).dtype == dtype


def test_a_fixed_point_stays() -> None:
    model = FuzzyCMeans(3, tol=0, max_iter=3000, random_state=0).fit(ROWS)
    assert model.stop_reason_.startswith("Converged after") or model.history_["shift"][-1] < 1e-13
    assert_allclose(fuzzy_c_means(ROWS, model.cluster_centers_, 2.0, 1), model.cluster_centers_, rtol=1e-12)


@pytest.mark.parametrize("m", [1.01, 1.0001, 1 + 1e-9])
def test_m_near_1_is_k_means(m: float) -> None:
    start = ROWS[[0, 80, 160]]
    hard = KMeans(3, init=start, n_init=1, tol=0).fit(ROWS)
    soft = FuzzyCMeans(3, m=m, init=start, tol=0).fit(ROWS)
    assert_allclose(soft.cluster_centers_, hard.cluster_centers_, rtol=1e-9)
    assert_array_equal(soft.u_.round(9), np.eye(3)[hard.labels_])
    assert_allclose(soft.objective_, hard.inertia_, rtol=1e-9)
    assert soft.partition_coefficient_ == pytest.approx(1)


def test_large_m_makes_all_memberships_equal() -> None:
    model = FuzzyCMeans.from_centers(ROWS[[0, 80, 160]], m=1e6)
    assert_allclose(model.predict_proba(ROWS[5:6]), [[1 / 3] * 3], rtol=1e-4)


# --- what must not matter ---


@pytest.mark.parametrize("init", ["k-means++", "uniform"])
def test_a_weight_is_a_repetition_in_any_order(init: str) -> None:
    weights = np.random.default_rng(0).integers(0, 4, size=len(ROWS))
    order = np.random.default_rng(1).permutation(weights.sum())
    repeated = np.repeat(ROWS, weights, axis=0)[order]
    weighted = FuzzyCMeans(3, init=init, random_state=5).fit(ROWS, sample_weight=weights)
    plain = FuzzyCMeans(3, init=init, random_state=5).fit(repeated)
    assert_allclose(weighted.cluster_centers_, plain.cluster_centers_, rtol=1e-9)
    assert_allclose(weighted.partition_coefficient_, plain.partition_coefficient_, rtol=1e-9)


def test_an_offset_does_not_blur_the_centers() -> None:
    start = ROWS[[0, 80, 160]]
    near = FuzzyCMeans(3, init=start, tol=0, max_iter=30).fit(ROWS)
    far = FuzzyCMeans(3, init=start + 2**20, tol=0, max_iter=30).fit(ROWS + 2**20)
    assert_allclose(far.cluster_centers_ - 2**20, near.cluster_centers_, atol=1e-8)


def test_every_kind_of_start_leads_to_a_sound_clustering() -> None:
    for init in ("k-means++", "random", "uniform", lambda X, k, random_state: X[[0, 80, 160]]):
        model = FuzzyCMeans(3, init=init, random_state=0).fit(ROWS)
        assert model.stop_reason_.startswith(f"Converged after {model.n_iter_} iterations: the squared shift")
        assert_allclose(model.u_.sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("m", [2.0, 1.7])
def test_any_number_of_threads_gives_the_bits_of_one(m: float, dtype: type[np.floating]) -> None:
    X = np.random.default_rng(0).normal(size=(30_000, 9)).astype(dtype)
    weights = np.random.default_rng(1).random(len(X))
    found = []
    for n_threads in (1, 2, 3, 8):
        fulcra.set_num_threads(n_threads)
        model = FuzzyCMeans(7, m=m, max_iter=4, random_state=0).fit(X, sample_weight=weights)
        found.append(
            [model.cluster_centers_.tobytes(), model.u_.tobytes(), model.objective_, model.labels_.tobytes()]
        )
    assert all(one == found[0] for one in found)


LEVELS = """
import hashlib
import numpy as np
from fulcra.cluster import FuzzyCMeans, KMedoids
rng = np.random.default_rng(0)
for kind in (np.float32, np.float64):
    X = rng.normal(size=(3000, 11)).astype(kind)
    for m in (2.0, 1.7):
        model = FuzzyCMeans(7, m=m, max_iter=6, random_state=0).fit(X, sample_weight=np.arange(3000.0))
        print(hashlib.sha256(model.cluster_centers_.tobytes() + model.u_.tobytes()).hexdigest())
        print(model.objective_)
    for metric in ("euclidean", "manhattan", "cosine"):
        model = KMedoids(20, metric=metric, random_state=0).fit(X[:800], sample_weight=np.linspace(0, 1, 800))
        print(hashlib.sha256(model.transform(X).tobytes()).hexdigest())
        print(model.inertia_, model.medoid_indices_)
"""


@pytest.mark.parametrize("level", SIMD_LEVELS)
def test_every_instruction_set_gives_the_bits_of_the_portable_code(level: str, run_python: RunPython) -> None:
    best = _core.simd_level()
    if best not in SIMD_LEVELS or SIMD_LEVELS.index(level) > SIMD_LEVELS.index(best):
        pytest.skip(f"this processor has no {level}; its best level is {best}")
    assert run_python(LEVELS, FULCRA_SIMD=level) == run_python(LEVELS, FULCRA_SIMD="portable")


# --- bad input ---

PLACES = np.arange(ROWS.size).reshape(ROWS.shape)


@pytest.mark.parametrize(
    ("parameters", "X", "message"),
    [
        ({"m": 1.0}, ROWS, "'m' parameter of FuzzyCMeans must be"),
        ({"m": np.inf}, ROWS, "'m' parameter of FuzzyCMeans must be"),
        ({"init": "random_partition"}, ROWS, "'init' parameter of FuzzyCMeans must be"),
        ({"init": ROWS[:2]}, ROWS, "does not match the number of clusters 3"),
        ({"n_clusters": 211}, ROWS, "n_samples=210 should be >= n_clusters=211"),
        ({}, np.where(PLACES == 52, np.nan, ROWS), "NaN: the first is in row 17, column 1"),
        ({}, np.where(PLACES == 52, 1e200, ROWS), "too large .* row 17, column 1"),
    ],
)  # fmt: skip
def test_unusable_input_is_named_and_nothing_is_lost(parameters: Any, X: Any, message: str) -> None:
    model = FuzzyCMeans(3, random_state=0).fit(ROWS)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.set_params(**parameters).fit(X)
    assert all(vars(model)[name] is value for name, value in before.items() if name not in parameters)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "transform", "score"])
def test_new_rows_are_checked(method: str) -> None:
    with pytest.raises(NotFittedError):
        getattr(FuzzyCMeans(), method)(ROWS)
    model = FuzzyCMeans.from_centers(ROWS[:2], feature_names=["a", "b", "c"])
    spoilt = pd.DataFrame(ROWS, columns=["a", "b", "c"])
    spoilt.loc[70, "c"] = np.inf
    with pytest.raises(ValueError, match="infinity: the first is in row 70, column 'c'"):
        getattr(model, method)(spoilt)
    with pytest.raises(ValueError, match="X has 2 features, but FuzzyCMeans is expecting 3"):
        getattr(FuzzyCMeans.from_centers(ROWS[:2]), method)(ROWS[:, :2])


def test_values_near_1e30_in_float32_are_computed() -> None:
    start = ROWS[[0, 80, 160]]
    model = FuzzyCMeans(3, init=start * 1e30).fit((ROWS * 1e30).astype(np.float32))
    assert_allclose(model.u_, FuzzyCMeans(3, init=start).fit(ROWS).u_, atol=1e-3)


def test_sparse_rows_are_refused_in_python_and_read_by_the_core() -> None:
    X = sp.csr_array(np.where(RNG.random((100, 9)) < 0.4, RNG.random((100, 9)), 0))
    with pytest.raises(TypeError, match="Sparse data was passed, but dense data is required"):
        FuzzyCMeans(3).fit(X)
    start = X.toarray()[:3] + 0.1
    sparse, dense = (
        _core.fuzzy_fit(rows, None, start, m=2.0, max_iter=9, tol=0.0) for rows in (X, X.toarray())
    )
    assert_allclose(sparse.centers, dense.centers, rtol=1e-12)


def test_equal_rows_are_one_center() -> None:
    model = FuzzyCMeans(2, random_state=0).fit(np.ones((9, 2)))
    assert_array_equal(model.cluster_centers_, np.ones((2, 2)))
    assert_array_equal(model.u_, np.full((9, 2), 0.5))
    assert model.objective_ == 0.0
