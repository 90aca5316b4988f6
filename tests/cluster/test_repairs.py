"""empty_clusters, trim and max_shift: by hand, against enumeration, and by what may not matter."""

import itertools
import warnings
from typing import Any

import fulcra
import numpy as np
import pytest
import scipy.sparse as sp
from fulcra.cluster import KMeans, MiniBatchKMeans, k_means
from numpy.testing import assert_allclose, assert_array_equal
from oracles import lloyd, means, nearest, squared_distances
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning

BLOBS, _ = make_blobs(400, n_features=3, centers=5, cluster_std=1.5, random_state=0)
EMPTY = ("farthest", "random", "split")
#: Starts of which some lose their rows at once.
LOSING = np.vstack([BLOBS[:3], np.full((3, 3), 500.0) * [[1], [-1], [2]]])
#: Everything at once, and each alone.
REPAIRS = (
    {"empty_clusters": "random", "init": LOSING},
    {"empty_clusters": "split", "init": LOSING},
    {"trim": 0.1},
    {"trim": 0.1, "empty_clusters": "split", "init": LOSING},
    {"max_shift": 0.3, "init": BLOBS[:6]},
    {"trim": 0.05, "max_shift": 0.5, "empty_clusters": "random", "init": LOSING},
)


def same_centers(a: KMeans, b: KMeans) -> None:
    assert_allclose(a.cluster_centers_, b.cluster_centers_, rtol=1e-7, atol=1e-9)


# --- what may not matter ---


@pytest.mark.parametrize("parameters", REPAIRS)
@pytest.mark.parametrize("sparse", [False, True])
def test_the_same_bits_on_any_number_of_threads(
    parameters: dict[str, Any], sparse: bool, dtype: type[np.floating]
) -> None:
    X = np.tile(BLOBS, (40, 1)) + np.random.default_rng(0).normal(size=(16_000, 3))
    rows = sp.csr_array(X.astype(dtype)) if sparse else X.astype(dtype)
    before = fulcra.get_num_threads()
    seen = set()
    try:
        for threads in (1, 2, 3, 8):
            fulcra.set_num_threads(threads)
            model = KMeans(6, random_state=0, max_iter=12, **parameters).fit(rows)
            parts = [model.cluster_centers_, model.labels_, model.inertia_, model.history_["inertia"]]
            parts += [model.trimmed_] if "trim" in parameters else []
            seen.add((b"".join(np.asarray(part).tobytes() for part in parts), tuple(model.diagnostics_)))
    finally:
        fulcra.set_num_threads(before)
    assert len(seen) == 1


@pytest.mark.parametrize("parameters", REPAIRS)
def test_order_repetition_and_rows_without_weight_do_not_matter(parameters: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    weights = rng.integers(0, 4, size=len(BLOBS))
    X = BLOBS.copy()
    X[weights == 0] *= 50  # would be the farthest rows of all
    model = KMeans(6, random_state=0, **parameters).fit(X, sample_weight=weights)
    order = rng.permutation(len(X))
    shuffled = KMeans(6, random_state=0, **parameters).fit(X[order], sample_weight=weights[order])
    repeated = KMeans(6, random_state=0, **parameters).fit(np.repeat(X, weights, axis=0))
    sparse = KMeans(6, random_state=0, **parameters).fit(sp.csr_array(X), sample_weight=weights)
    for other in (shuffled, repeated, sparse):
        same_centers(model, other)
        assert_allclose(other.inertia_, model.inertia_, rtol=1e-9)
    if "trim" in parameters:
        assert_array_equal(shuffled.trimmed_, model.trimmed_[order])
        assert_array_equal(repeated.trimmed_, np.repeat(model.trimmed_, weights))
        assert_array_equal(sparse.trimmed_, model.trimmed_)


# --- empty clusters ---


def test_farthest_is_the_default_bit_for_bit() -> None:
    default, named = (
        KMeans(6, init=LOSING, **how).fit(BLOBS) for how in ({}, {"empty_clusters": "farthest"})
    )
    assert_array_equal(default.cluster_centers_, named.cluster_centers_)
    assert default.inertia_ == named.inertia_


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_split_halves_the_cluster_with_the_largest_sum_of_squares(container: Any) -> None:
    # Rows 0 to 3 have a sum of squares of 5, 20 and 26 of 18 around 23; the third center is nobody's nearest.
    X = container(np.array([[0.0], [1.0], [2.0], [3.0], [20.0], [26.0]]))
    start = [[1.5], [23.0], [1000.0]]
    model = KMeans(3, init=start, empty_clusters="split", max_iter=1).fit(X)
    assert sorted(model.cluster_centers_[:, 0].tolist()) == [1.5, 20.0, 26.0]
    # Along the diagonal, not along a feature; the farthest row would be alone.
    X = container(np.array([[0.0, 0.0], [1.0, 1.0], [5.0, 5.0], [6.0, 6.0], [2.0, 4.0]]))
    model = KMeans(2, init=[[3.0, 3.0], [1e3, 1e3]], empty_clusters="split", max_iter=1).fit(X)
    assert sorted(model.labels_.tolist()) == [0, 0, 0, 1, 1]


def test_split_leaves_an_outlier_with_others_where_farthest_founds_a_cluster_of_it() -> None:
    X = np.vstack([np.linspace(-5, 5, 100)[:, np.newaxis], [[9.0]]])
    start = [[0.0], [1e4]]
    counts = {
        how: np.bincount(KMeans(2, init=start, empty_clusters=how, max_iter=1).fit(X).labels_)
        for how in EMPTY
    }
    assert counts["split"].min() > counts["farthest"].min()


def test_random_draws_by_weight_and_never_a_row_that_sits_on_its_center() -> None:
    X = np.array([[0.0], [1.0], [2.0], [7.0], [8.0]])
    # The first center has the row 0 alone and sits on it; the second has the others, 8 without weight.
    start = np.array([[0.0], [4.5], [1e6]])
    drawn = []
    for seed in range(300):
        model = KMeans(3, init=start, empty_clusters="random", max_iter=1, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            drawn.append(model.fit(X, sample_weight=[100, 1, 1, 8, 0]).cluster_centers_[2, 0])
    found, counts = np.unique(drawn, return_counts=True)
    assert_array_equal(found, [1.0, 2.0, 7.0])
    assert_allclose(counts / 300, [0.1, 0.1, 0.8], atol=0.06)


@pytest.mark.parametrize("how", EMPTY)
def test_clusters_stay_empty_for_want_of_distinct_rows(how: str) -> None:
    X = np.repeat([[1.0, 1.0], [2.0, 0.0], [4.0, 4.0]], 4, axis=0)
    with pytest.warns(ConvergenceWarning, match="Number of distinct clusters"):
        model = KMeans(5, empty_clusters=how, random_state=0).fit(X)
    assert model.inertia_ == 0
    assert any("have no rows" in sentence for sentence in model.diagnostics_)


@pytest.mark.parametrize("how", EMPTY)
def test_a_refill_lowers_the_inertia(how: str) -> None:
    history = KMeans(6, init=LOSING, empty_clusters=how, random_state=0).fit(BLOBS).history_["inertia"]
    assert (np.diff(history) <= 1e-9 * history[:-1]).all()


# --- trimming ---


def best_trimmed(X: np.ndarray, k: int, n_trimmed: int) -> float:
    """The least inertia of all partitions of all choices of rows that stay."""
    least = np.inf
    for kept in itertools.combinations(range(len(X)), len(X) - n_trimmed):
        rows = X[list(kept)]
        # The first row is in the first cluster.
        for rest in itertools.product(range(k), repeat=len(rows) - 1):
            labels = np.array((0, *rest))
            if len(set(labels)) < k:
                continue
            centers = means(rows, labels, k)
            least = min(least, float(((rows - centers[labels]) ** 2).sum()))
    return least


@pytest.mark.parametrize("seed", range(6))
def test_restarts_reach_the_optimum_and_every_fit_is_a_fixed_point(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, k, share = 9, 2, 0.25
    X = np.round(rng.normal(size=(n, 2)) + 4 * rng.integers(0, 2, size=(n, 1)), 3)
    X[0] = 60 * rng.normal(size=2)
    model = KMeans(k, trim=share, n_init=20, tol=0, random_state=seed).fit(X)
    assert model.trimmed_.sum() == 2  # floor(0.25 * 9)
    assert_allclose(model.inertia_, best_trimmed(X, k, 2), rtol=1e-12)
    once = KMeans(k, trim=share, tol=0, random_state=seed).fit(X)
    assert once.inertia_ >= model.inertia_ * (1 - 1e-12)
    kept = ~once.trimmed_
    assert_allclose(once.cluster_centers_, means(X[kept], once.labels_[kept], k), rtol=1e-12)
    own = squared_distances(X, once.cluster_centers_).min(axis=1)
    assert own[once.trimmed_].min() >= own[kept].max()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_the_trimmed_objective_never_rises(seed: int, weighted: bool) -> None:
    rng = np.random.default_rng(seed)
    X = np.round(rng.standard_t(2, size=(200, 2)), 1)  # with copies
    weights = rng.integers(0, 9, size=200) ** 2.0 if weighted else None
    model = KMeans(7, init=X[rng.choice(200, 7)], trim=0.13, tol=0).fit(X, sample_weight=weights)
    history = np.append(model.history_["inertia"], model.inertia_)
    assert (np.diff(history) <= 1e-12 * history[:-1]).all()
    w = np.ones(200) if weights is None else weights
    assert w[model.trimmed_].sum() <= 0.13 * w.sum() * (1 + 1e-9)


def test_labels_inertia_and_mask_belong_to_the_centers(dtype: type[np.floating]) -> None:
    X = BLOBS.astype(dtype)
    model = KMeans(5, trim=0.2, max_iter=2, random_state=0).fit(X)
    assert_array_equal(model.labels_, nearest(X, model.cluster_centers_))
    assert_array_equal(model.labels_, model.predict(X))
    own = squared_distances(X, model.cluster_centers_).min(axis=1)
    assert model.trimmed_.dtype == bool
    assert_array_equal(np.sort(np.flatnonzero(model.trimmed_)), np.sort(np.argsort(own)[-80:]))
    assert_allclose(model.inertia_, own[~model.trimmed_].sum(), rtol=1e-12)
    assert model.cluster_centers_.dtype == dtype


def test_outliers_take_no_part_even_if_the_start_could_draw_them() -> None:
    rng = np.random.default_rng(0)
    truth, _, centers = make_blobs(600, centers=4, cluster_std=0.5, random_state=4, return_centers=True)
    X = np.vstack([truth, rng.uniform(-300, 300, size=(30, 2))])
    found = 0
    for seed in range(20):
        model = KMeans(4, trim=0.05, random_state=seed).fit(X)
        offsets = squared_distances(centers, model.cluster_centers_).min(axis=1)
        found += bool((offsets < 0.25).all())
    assert found >= 18  # one start each
    assert not (
        squared_distances(centers, KMeans(4, random_state=0).fit(X).cluster_centers_).min(axis=1) < 0.25
    ).all()


def test_tol_does_not_grow_with_what_is_trimmed() -> None:
    far = np.vstack([BLOBS, [[1e9, 0.0, 0.0]]])
    model = KMeans(5, init=BLOBS[:5], trim=1 / 401).fit(far)
    assert_array_equal(np.flatnonzero(model.trimmed_), [400])
    assert_allclose(model.cluster_centers_, KMeans(5, init=BLOBS[:5]).fit(BLOBS).cluster_centers_, rtol=1e-6)


def test_trim_is_rounded_down_to_whole_rows_and_their_copies() -> None:
    X = np.array([[0.0], [1.0], [2.0], [30.0], [30.0]])
    model = KMeans(1, init=[[1.0]], trim=0.3).fit(X)
    assert not model.trimmed_.any()  # 1.5 rows, but the farthest is there twice
    model = KMeans(1, init=[[1.0]], trim=0.4).fit(X)
    assert_array_equal(model.trimmed_, [False, False, False, True, True])
    model = KMeans(1, init=[[1.0]], trim=0.2).fit(X)
    assert "No rows are trimmed" in model.diagnostics_[0]
    model.set_params(trim=0).fit(X)
    assert not hasattr(model, "trimmed_")


def test_breathing_goes_on_from_a_trimmed_fit() -> None:
    rng = np.random.default_rng(0)
    X = np.vstack(
        [make_blobs(800, centers=20, cluster_std=0.4, random_state=1)[0], rng.uniform(-200, 200, (20, 2))]
    )
    plain = KMeans(20, trim=0.025, random_state=0).fit(X)
    refined = KMeans(20, trim=0.025, random_state=0, refine="breathing").fit(X)
    assert refined.inertia_ <= plain.inertia_
    assert refined.trimmed_.sum() == 20


# --- max_shift ---


def test_no_center_goes_farther_than_max_shift_in_an_iteration() -> None:
    path: list[np.ndarray] = [BLOBS[:5]]
    for n_iter in range(1, 8):
        model = KMeans(5, init=BLOBS[:5], max_shift=0.25, max_iter=n_iter, tol=0).fit(BLOBS)
        path.append(model.cluster_centers_)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=2)
    assert steps.max() <= 0.25 * (1 + 1e-9)
    assert_allclose(steps.max(), 0.25)


def test_the_first_steps_by_hand() -> None:
    X = np.array([[0.0], [2.0], [10.0], [12.0]])
    model = KMeans(2, init=[[3.0], [9.0]], max_shift=0.75, max_iter=2).fit(X)
    assert_array_equal(model.cluster_centers_, [[1.5], [10.5]])
    assert_allclose(model.history_["shift"], np.sqrt(2) * 0.75)


@pytest.mark.parametrize("rule", [{"tol": 1.0}, {"shift_tol": 10.0}, {"inertia_tol": 0.5}, {}])
def test_a_center_held_short_is_no_convergence(rule: dict[str, float]) -> None:
    # No row changes cluster after the first iteration, and all steps are small.
    X = np.array([[0.0], [2.0], [10.0], [12.0]])
    model = KMeans(2, init=[[4.0], [8.0]], max_shift=0.25, **rule).fit(X)
    assert_allclose(model.cluster_centers_, [[1.0], [11.0]])
    assert model.n_iter_ >= 12
    assert "Converged" in model.stop_reason_
    assert any("max_shift=0.25" in sentence for sentence in model.diagnostics_)


@pytest.mark.parametrize("seed", range(4))
def test_a_fit_held_short_ends_in_a_fixed_point_of_lloyd(seed: int) -> None:
    rng = np.random.default_rng(seed)
    start = BLOBS[rng.choice(len(BLOBS), 5, replace=False)]
    model = KMeans(5, init=start, max_shift=0.4, max_iter=2000, tol=0).fit(BLOBS)
    again, _ = lloyd(BLOBS, model.cluster_centers_, 1)
    assert_allclose(model.cluster_centers_, again, rtol=1e-9)
    history = model.history_["inertia"]
    assert (np.diff(history) <= 1e-12 * history[:-1]).all()


def test_a_bound_that_no_center_reaches_changes_no_bit() -> None:
    free, bounded = (KMeans(5, random_state=0, max_shift=bound).fit(BLOBS) for bound in (None, 1e9))
    assert_array_equal(free.cluster_centers_, bounded.cluster_centers_)
    assert_array_equal(free.history_["inertia"], bounded.history_["inertia"])


def test_a_cluster_that_lost_its_rows_goes_where_it_is_sent_at_once() -> None:
    X = np.array([[0.0], [1.0], [2.0], [9.0]])
    model = KMeans(2, init=[[1.0], [100.0]], max_shift=0.01, max_iter=1).fit(X)
    assert_array_equal(model.cluster_centers_, [[1.0], [9.0]])


def test_many_centers_and_skipped_distances_with_max_shift() -> None:
    # Bounds on distances are in use here: the labels are those of every distance.
    X = np.random.default_rng(0).normal(size=(4000, 16))
    fits = [
        KMeans(64, init=X[:64], max_shift=0.05, max_iter=60, algorithm=algorithm).fit(X)
        for algorithm in ("auto", "lloyd")
    ]
    assert_array_equal(fits[0].cluster_centers_, fits[1].cluster_centers_)
    assert fits[0].history_["evaluated"].min() < 1


def test_no_batch_moves_a_center_farther_than_max_shift() -> None:
    start = BLOBS[:5]
    model = MiniBatchKMeans(
        5, init=start, n_init=1, batch_size=50, max_shift=0.1, random_state=0, reassignment_ratio=0
    )
    before = start
    for part in np.array_split(BLOBS, 8):
        model.partial_fit(part)
        steps = np.linalg.norm(model.cluster_centers_ - before, axis=1)
        assert steps.max() <= 0.1 * (1 + 1e-9)
        before = model.cluster_centers_
    whole = clone(model).set_params(max_iter=2).fit(BLOBS)
    assert any("max_shift=0.1" in sentence for sentence in whole.diagnostics_)
    assert whole.history_["shift"].max() <= np.sqrt(5) * 0.1 * (1 + 1e-9)


# --- parameters ---


@pytest.mark.parametrize(
    "wrong",
    [{"empty_clusters": "nearest"}, {"trim": 1.0}, {"trim": -0.1}, {"max_shift": 0}, {"max_shift": "far"}],
)
def test_wrong_parameters_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"'{next(iter(wrong))}' parameter of KMeans"):
        KMeans(2, **wrong).fit(BLOBS)


def test_parameters_are_kept_and_reach_the_function() -> None:
    parameters = {"empty_clusters": "split", "trim": 0.1, "max_shift": 2.0}
    model = KMeans(4, random_state=0, **parameters)
    assert clone(model).get_params().items() >= parameters.items()
    model.fit(BLOBS)
    centers, labels, inertia = k_means(BLOBS, 4, random_state=0, **parameters)[:3]
    assert_array_equal(centers, model.cluster_centers_)
    assert_array_equal(labels, model.labels_)
    assert inertia == model.inertia_
