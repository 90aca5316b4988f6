"""BisectingKMeans: by hand, against scikit-learn's, down the tree by definition, and what must hold for any
data."""

from typing import Any

import fulcra
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.cluster
from conftest import SIMD_LEVELS, RunPython
from fulcra import _core
from fulcra.cluster import BisectingKMeans
from numpy.testing import assert_allclose, assert_array_equal
from oracles import nearest, wcss
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError

IRIS = load_iris().data
RNG = np.random.default_rng(0)
ROWS = np.concatenate([RNG.normal(size=(60, 3)) + shift for shift in (0, 7, 15, 40)])


def down_the_tree(model: BisectingKMeans, X: Any) -> list[int]:
    """Where each row comes out, by the definition: at each fork to the nearer center, the first on a tie."""
    centers, branches = model._tree
    rows = X.toarray() if sp.issparse(X) else np.asarray(X)
    leaves = []
    for row in rows:
        to = 0
        while to >= 0:
            to = branches[2 * to + nearest(row[np.newaxis], centers[2 * to : 2 * to + 2])[0]]
        leaves.append(-1 - to)
    return leaves


# --- by hand ---


def test_three_groups_on_a_line(dtype: type[np.floating]) -> None:
    # All: parted between 3 and 20, wherever it starts. Then 20, 21, 30, 31 are the worse half.
    X = np.array([[1], [2], [3], [20], [21], [30], [31]], dtype=dtype)
    model = BisectingKMeans(3, random_state=0).fit(X)
    groups = [model.labels_[:3], model.labels_[3:5], model.labels_[5:]]
    assert all(len(set(group)) == 1 for group in groups)
    centers = model.cluster_centers_[[group[0] for group in groups]]
    assert_array_equal(centers, [[2], [20.5], [30.5]])
    assert centers.dtype == dtype
    assert model.inertia_ == 2 + 0.5 + 0.5
    assert model.history_["size"].tolist() == [7, 4]
    assert_allclose(model.history_["inertia"], [2 + 2 * (5.5**2 + 4.5**2), 3])
    assert model.stop_reason_ == "Stopped after 2 bisections with 3 clusters."


def test_the_worst_cluster_is_the_widest_or_the_largest() -> None:
    wide, large = [[0.0], [10.0]], [[100.0 + 0.1 * i] for i in range(6)]
    X = np.array([*wide, *large])
    widest = BisectingKMeans(3, random_state=0).fit(X)
    assert len({*widest.labels_[:2]}) == 2
    largest = BisectingKMeans(3, random_state=0, bisecting_strategy="largest_cluster").fit(X)
    assert len({*largest.labels_[:2]}) == 1
    # By weight: then the two are the largest.
    weights = [3, 4, 1, 1, 1, 1, 1, 1]
    heaviest = BisectingKMeans(3, random_state=0, bisecting_strategy="largest_cluster")
    assert len({*heaviest.fit(X, sample_weight=weights).labels_[:2]}) == 2


def test_a_row_goes_down_the_tree_and_not_to_the_nearest_center() -> None:
    model = BisectingKMeans(3, random_state=0).fit([[0.0], [1.0], [13.0], [14.0], [30.0], [31.0], [32.0]])
    new = np.linspace(-5, 40, 400)[:, np.newaxis]
    assert_array_equal(model.predict(new), down_the_tree(model, new))
    assert (model.predict(new) != nearest(new, model.cluster_centers_)).any()


# --- against scikit-learn ---


@pytest.mark.parametrize("strategy", ["biggest_inertia", "largest_cluster"])
@pytest.mark.parametrize("n_init", [1, 3])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_same_draws_give_scikit_learns_clusters(
    strategy: str, n_init: int, container: Any, weighted: bool
) -> None:
    X = np.random.default_rng(3).random((500, 4))
    weights = np.random.default_rng(4).random(500) + 0.5 if weighted else None
    if weighted and strategy == "largest_cluster":
        weights = np.full(500, 0.25)  # scikit-learn's size is the number of rows
    parameters = {"n_init": n_init, "bisecting_strategy": strategy, "random_state": 5, "tol": 0}
    ours = BisectingKMeans(7, **parameters).fit(container(X), sample_weight=weights)
    theirs = sklearn.cluster.BisectingKMeans(7, **parameters).fit(container(X), sample_weight=weights)
    assert_array_equal(ours.labels_, theirs.labels_)
    assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-10)
    assert_allclose(ours.inertia_, theirs.inertia_, rtol=1e-10)
    new = np.random.default_rng(6).random((200, 4)) * 1.5
    assert_array_equal(ours.predict(container(new)), theirs.predict(container(new)))
    assert_allclose(ours.transform(new), theirs.transform(new), rtol=1e-9)
    assert_allclose(ours.score(new), theirs.score(new), rtol=1e-9)


def test_the_parameters_and_their_defaults_are_scikit_learns() -> None:
    assert BisectingKMeans().get_params() == sklearn.cluster.BisectingKMeans().get_params()


# --- what must hold ---


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("strategy", ["biggest_inertia", "largest_cluster"])
def test_labels_are_where_the_tree_leads(container: Any, strategy: str, dtype: type[np.floating]) -> None:
    X = container((ROWS * (np.abs(ROWS) > 1)).astype(dtype))
    model = BisectingKMeans(17, init="k-means++", bisecting_strategy=strategy, random_state=1).fit(X)
    assert_array_equal(np.unique(model.labels_), range(17))
    assert_array_equal(model.labels_, model.predict(X))
    assert_array_equal(model.labels_, down_the_tree(model, X))
    own = model.transform(X)[np.arange(X.shape[0]), model.labels_].astype(np.float64)
    assert model.inertia_ == pytest.approx((own**2).sum(), rel=1e-5)
    assert (np.diff(model.history_["inertia"]) < 0).all()
    assert model.inertia_ == model.history_["inertia"][-1]
    assert model.n_iter_ == model.history_["n_iter"].sum()
    assert_array_equal(model.fit_predict(X), model.labels_)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("offset", [0.0, 1e7])
def test_rows_half_way_between_two_centers_go_left(container: Any, offset: float) -> None:
    X = np.array([[0.0, 1], [0, 3], [4, 1], [4, 3], [104, 3], [104, 1]]) + offset
    model = BisectingKMeans(3, init="k-means++", random_state=0, tol=0).fit(X)
    grid = offset + np.stack(np.meshgrid(np.arange(0, 108, 0.5), np.arange(0, 5, 0.5)), axis=-1).reshape(
        -1, 2
    )
    assert_array_equal(model.predict(container(grid)), down_the_tree(model, grid))


@pytest.mark.parametrize("strategy", ["biggest_inertia", "largest_cluster"])
def test_a_weight_is_a_repetition_in_any_order(strategy: str) -> None:
    counts = np.random.default_rng(1).integers(0, 4, size=150)
    model = BisectingKMeans(6, init="k-means++", bisecting_strategy=strategy, random_state=2)
    weighted = model.fit(IRIS, sample_weight=counts).cluster_centers_
    repeated = model.fit(np.random.default_rng(3).permutation(np.repeat(IRIS, counts, axis=0)))
    assert_allclose(repeated.cluster_centers_, weighted, rtol=1e-10)


def test_sparse_rows_are_the_same_rows(dtype: type[np.floating]) -> None:
    X = (
        np.random.default_rng(0).random((400, 30)) * (np.random.default_rng(1).random((400, 30)) < 0.2)
    ).astype(dtype)
    for init in ("k-means++", "random"):
        dense = BisectingKMeans(9, init=init, random_state=0, tol=0).fit(X)
        sparse = BisectingKMeans(9, init=init, random_state=0, tol=0).fit(sp.csr_matrix(X))
        assert_array_equal(dense.labels_, sparse.labels_)
        assert_allclose(dense.cluster_centers_, sparse.cluster_centers_, rtol=1e-6)
        assert_array_equal(dense.predict(sp.csr_array(X)), sparse.predict(X))


def test_clusters_do_not_depend_on_unit_or_offset() -> None:
    model = BisectingKMeans(8, random_state=0)
    labels = model.fit(IRIS).labels_
    for scale, offset in ((2.0**-30, 0), (2.0**30, 0), (1, 2.0**20)):
        assert_array_equal(model.fit(IRIS * scale + offset).labels_, labels)


def test_one_cluster_is_the_mean(dtype: type[np.floating]) -> None:
    X = IRIS.astype(dtype)
    weights = np.arange(150.0)
    for container in (np.asarray, sp.csr_array):
        model = BisectingKMeans(1).fit(container(X), sample_weight=weights)
        assert_allclose(model.cluster_centers_[0], np.average(X, axis=0, weights=weights), rtol=1e-6)
        assert model.inertia_ == pytest.approx(wcss(X, model.cluster_centers_, weights))
        assert_array_equal(model.predict(container(X)), np.zeros(150))
    assert model.stop_reason_ == "Stopped after 0 bisections with 1 cluster."
    assert BisectingKMeans(1).fit([[3.0]]).cluster_centers_.tolist() == [[3.0]]


def test_as_many_clusters_as_rows() -> None:
    model = BisectingKMeans(30, random_state=0).fit(ROWS[:30])
    assert sorted(model.labels_) == list(range(30))
    assert_array_equal(model.cluster_centers_[model.labels_], ROWS[:30])
    assert model.inertia_ == 0


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize("strategy", ["biggest_inertia", "largest_cluster"])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_fewer_distinct_rows_than_clusters(init: str, strategy: str, container: Any) -> None:
    X = container(np.repeat([[0.1, 0.7], [0.3, 0.9], [5.3, 0.1]], [40, 1, 3], axis=0))
    with pytest.warns(ConvergenceWarning, match=r"clusters \(3\) found smaller than n_clusters \(6\)"):
        model = BisectingKMeans(6, init=init, bisecting_strategy=strategy, random_state=0).fit(X)
    assert model.cluster_centers_.shape == (6, 2)
    assert_array_equal(np.unique(model.labels_), [0, 1, 2])
    assert model.inertia_ == pytest.approx(0, abs=1e-28)
    assert_array_equal(model.predict(X), model.labels_)
    assert model.stop_reason_ == (
        "Stopped after 2 bisections with 3 clusters, since no cluster has rows that differ."
    )


def test_rows_without_weight_cannot_be_parted() -> None:
    weights = np.zeros(len(ROWS))
    weights[[3, 100]] = 1, 2
    for init in ("k-means++", "random"):
        with pytest.warns(ConvergenceWarning, match=r"clusters \(2\) found smaller than n_clusters \(4\)"):
            model = BisectingKMeans(4, init=init, random_state=0).fit(ROWS, sample_weight=weights)
        assert sorted(model.cluster_centers_[:2].tolist()) == sorted(ROWS[[3, 100]].tolist())
        assert_array_equal(model.labels_, model.predict(ROWS))


def test_max_iter_is_kept_to_and_said() -> None:
    model = BisectingKMeans(5, max_iter=1, random_state=0).fit(ROWS)
    assert model.history_["n_iter"].tolist() == [1] * 4
    assert model.history_["cut_short"].all()
    assert model.stop_reason_ == (
        "Stopped after 4 bisections with 5 clusters. 4 of them stopped at max_iter=1, before converging."
    )
    assert_array_equal(model.labels_, model.predict(ROWS))


def test_a_callable_gets_the_rows_of_the_cluster() -> None:
    seen = []

    def first_and_last(X: Any, n_clusters: int, random_state: np.random.RandomState) -> Any:
        assert n_clusters == 2
        seen.append(X)
        return X[[0, -1]]

    model = BisectingKMeans(4, init=first_and_last).fit(ROWS)
    assert [len(X) for X in seen] == model.history_["size"].tolist()
    assert all((X[:, np.newaxis] == ROWS).all(axis=2).any(axis=1).all() for X in seen)
    wrong = BisectingKMeans(3, init=lambda X, k, random_state: X[:3])
    with pytest.raises(ValueError, match=r"initial centers \(3, 3\) does not match the number of clusters 2"):
        wrong.fit(ROWS)
    broken = BisectingKMeans(3, init=lambda X, k, random_state: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        broken.fit(ROWS)
    with pytest.raises(ValueError, match="NaN: the first is in row 0, column 0"):
        broken.fit(np.full((4, 1), np.nan))  # is never asked


def test_verbose_prints_the_centers(capsys: pytest.CaptureFixture[str]) -> None:
    BisectingKMeans(3, random_state=0, verbose=1).fit(ROWS)
    assert capsys.readouterr().out.count("New centroids from bisection: [[") == 2


def test_known_centers_have_no_tree() -> None:
    frame = pd.DataFrame([[0.0, 0], [5, 5], [9, 0]], columns=["a", "b"])
    model = BisectingKMeans.from_centers(frame, random_state=0)
    X = pd.DataFrame(np.random.default_rng(0).random((100, 2)) * 10, columns=["a", "b"])
    assert_array_equal(model.predict(X), nearest(X, frame))
    model.fit(X)
    assert_array_equal(model.predict(X), down_the_tree(model, X))
    with pytest.raises(NotFittedError):
        BisectingKMeans().predict(X)


# --- the same bits ---


def test_any_number_of_threads_gives_the_bits_of_one(dtype: type[np.floating]) -> None:
    X = np.random.default_rng(0).normal(size=(40_000, 8)).astype(dtype)
    found = []
    for threads in (1, 2, 3):
        fulcra.set_num_threads(threads)
        model = BisectingKMeans(9, random_state=0, max_iter=8).fit(X)
        found.append((model.cluster_centers_.tobytes(), model.labels_.tobytes(), model.inertia_))
    assert found[1:] == found[:1] * 2


LEVELS = """
import hashlib
import numpy as np
import scipy.sparse as sp
from fulcra.cluster import BisectingKMeans
rng = np.random.default_rng(0)
for kind in (np.float32, np.float64):
    X = rng.normal(size=(3000, 11)).astype(kind)
    for rows in (X, sp.csr_array(X * (X > 1))):
        for init in ("k-means++", "random"):
            model = BisectingKMeans(20, init=init, random_state=0).fit(rows, sample_weight=np.arange(3000.0))
            parts = model.cluster_centers_, model.labels_, model.predict(rows * 2)
            print(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest(), model.inertia_)
"""


@pytest.mark.parametrize("level", SIMD_LEVELS)
def test_every_instruction_set_gives_the_bits_of_the_portable_code(level: str, run_python: RunPython) -> None:
    best = _core.simd_level()
    if best not in SIMD_LEVELS or SIMD_LEVELS.index(level) > SIMD_LEVELS.index(best):
        pytest.skip(f"this processor has no {level}; its best level is {best}")
    assert run_python(LEVELS, FULCRA_SIMD=level) == run_python(LEVELS, FULCRA_SIMD="portable")


# --- bad input ---


@pytest.mark.parametrize(
    ("parameters", "X", "message"),
    [
        ({"n_clusters": 0}, ROWS, "n_clusters"),
        ({"init": ROWS[:2]}, ROWS, "init"),
        ({"n_init": "auto"}, ROWS, "n_init"),
        ({"algorithm": "auto"}, ROWS, "algorithm"),
        ({"bisecting_strategy": "smallest"}, ROWS, "bisecting_strategy"),
        ({"tol": -1.0}, ROWS, "tol"),
        ({"n_clusters": 4}, ROWS[:3], "n_samples=3 should be >= n_clusters=4"),
    ],
)
def test_unusable_input_is_named_and_nothing_is_lost(parameters: Any, X: Any, message: str) -> None:
    model = BisectingKMeans(2, random_state=0).fit(IRIS)
    before = {**vars(model), **parameters}
    with pytest.raises(ValueError, match=message):
        model.set_params(**parameters).fit(X)
    assert vars(model) == before


@pytest.mark.parametrize("way", ["fit", "predict", "transform", "score"])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_what_is_not_finite_is_named(way: str, container: Any, dtype: type[np.floating]) -> None:
    model = BisectingKMeans(5, random_state=0).fit(ROWS)
    for value, kind in ((np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")):
        X = ROWS.astype(dtype)
        X[117, 2] = X[200, 0] = value
        with pytest.raises(ValueError, match=f"Input X contains {kind}: the first is in row 117, column 2"):
            getattr(model, way)(container(X))
    X = ROWS.copy()
    X[9, 1] = 1e200
    with pytest.raises(
        ValueError, match="too large to be squared in float64: the first is in row 9, column 1"
    ):
        getattr(model, way)(container(X))


def test_values_near_1e30_in_float32_are_computed() -> None:
    X = (ROWS * 1e30).astype(np.float32)  # the squares overflow float32
    model = BisectingKMeans(4, init="k-means++", random_state=0).fit(X)
    assert_array_equal(model.labels_, down_the_tree(model, X))
    apart = X.astype(np.float64) - model.cluster_centers_[model.labels_]
    assert model.inertia_ == pytest.approx((apart**2).sum())


def test_a_damaged_tree_is_an_error() -> None:
    centers = np.zeros((2, 3))
    for branches in ([0, -1], [-1, -3], [1, -1], [-1], [-1, -2, -1, -2], [-(2**31), -1]):
        with pytest.raises(ValueError, match="damaged"):
            _core.bisecting_predict(ROWS, centers, np.array(branches, dtype=np.int32))
