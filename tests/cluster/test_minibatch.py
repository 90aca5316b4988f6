"""MiniBatchKMeans: against the definition in NumPy, and what must hold for any data."""

import copy
import itertools
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fulcra
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from conftest import Interrupt, RunPython
from fulcra.cluster import KMeans, MiniBatchKMeans
from numpy.testing import assert_allclose, assert_array_equal
from oracles import lloyd, minibatch, nearest, wcss
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

BLOBS, GROUPS = make_blobs(900, n_features=3, centers=5, random_state=0)
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=(1000, 4))
WEIGHTS = RNG.integers(0, 4, size=1000).astype(float)
#: Learns as the oracle does: from the centers given, no center put elsewhere, to the end.
PLAIN: dict[str, Any] = {"reassignment_ratio": 0.0, "max_no_improvement": None}


def batches_of(X: Any, weights: Any = None, size: int = 130) -> list[Any]:
    cuts = range(0, X.shape[0], size)
    return [(X[i : i + size], None if weights is None else weights[i : i + size]) for i in cuts]


# --- against the definition ---


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_batches_are_learned_as_in_numpy(container: Any, weights: Any, dtype: type[np.floating]) -> None:
    X = NOISE.astype(dtype)
    want, counts = minibatch(batches_of(X, weights) * 2, X[:7])
    batches = batches_of(container(X), weights)
    model = MiniBatchKMeans(7, init=X[:7], max_iter=2, **PLAIN).fit_batches(lambda: batches)
    tolerance = 1e-6 if dtype == np.float32 else 1e-12
    assert_allclose(model.cluster_centers_, want, rtol=tolerance, atol=tolerance)
    assert_allclose(model.counts_, counts, rtol=1e-14)
    assert model.cluster_centers_.dtype == dtype
    assert (model.n_steps_, model.n_iter_) == (2 * len(batches), 2)
    assert_array_equal(model.labels_, nearest(X, model.cluster_centers_))
    assert model.inertia_ == pytest.approx(wcss(X, model.cluster_centers_, weights), rel=1e-12)
    step_by_step = MiniBatchKMeans(7, init=X[:7], **PLAIN)
    for rows, share in batches * 2:
        step_by_step.partial_fit(rows, sample_weight=share)
    assert_allclose(step_by_step.cluster_centers_, model.cluster_centers_, rtol=tolerance, atol=tolerance)
    assert_allclose(step_by_step.counts_, model.counts_, rtol=1e-14)
    assert step_by_step.n_steps_ == 2 * len(batches)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_a_batch_of_all_rows_is_all_rows_once(weights: Any) -> None:
    model = MiniBatchKMeans(7, init=NOISE[:7], batch_size=5000, max_iter=4, **PLAIN)
    model.fit(NOISE, sample_weight=weights)
    want, counts = minibatch([(NOISE, weights)] * 4, NOISE[:7])
    assert_allclose(model.cluster_centers_, want, rtol=0, atol=1e-12)
    assert_allclose(model.counts_, counts, rtol=1e-12)
    assert (model.n_steps_, model.n_iter_) == (4, 4)
    assert model.stop_reason_ == "Stopped at max_iter=4, before converging."


def test_the_history_holds_each_batch() -> None:
    batches = batches_of(NOISE)
    model = MiniBatchKMeans(7, init=NOISE[:7], max_iter=1, **PLAIN).fit_batches(lambda: batches)
    centers = [NOISE[:7], *(minibatch(batches[: i + 1], NOISE[:7])[0] for i in range(len(batches)))]
    inertia = [wcss(X, centers[i]) / len(X) for i, (X, _) in enumerate(batches)]
    shift = [np.linalg.norm(after - before) for before, after in itertools.pairwise(centers)]
    assert_allclose(model.history_["inertia"], inertia, rtol=1e-12)
    assert_allclose(model.history_["shift"], shift, rtol=1e-9)
    assert_array_equal(model.history_["reassigned"], 0)
    assert np.isnan(model.history_["smoothed"][0])
    # The first weighs nothing, the second all; the third 2 / 3, as there are two.
    assert model.history_["smoothed"][1] == pytest.approx(inertia[1])
    assert model.history_["smoothed"][2] == pytest.approx((inertia[1] + 2 * inertia[2]) / 3)
    assert all(len(values) == model.n_steps_ for values in model.history_.values())


# --- what must hold ---


def test_the_clusters_of_a_full_fit_are_fixed() -> None:
    centers, _ = lloyd(BLOBS, BLOBS[[0, 1, 2, 5, 9]], 100)
    model = MiniBatchKMeans(5, init=centers, batch_size=900, max_iter=3, **PLAIN).fit(BLOBS)
    assert_allclose(model.cluster_centers_, centers, rtol=1e-12)


def test_equal_rows_are_their_center_exactly(dtype: type[np.floating]) -> None:
    X = np.repeat(RNG.normal(size=(3, 4)).astype(dtype), 100, axis=0)
    model = MiniBatchKMeans(3, random_state=0, batch_size=32, max_iter=5).fit(X)
    assert_array_equal(np.unique(model.cluster_centers_, axis=0), np.unique(X, axis=0))
    assert model.inertia_ == 0


@pytest.mark.parametrize("seed", range(10))
def test_within_2_percent_of_the_full_fit(seed: int) -> None:
    means = np.random.default_rng(seed).normal(size=(20, 8))
    X = (np.random.default_rng(seed).normal(size=(60_000, 8)) + np.repeat(means, 3000, axis=0)).astype(
        np.float32
    )
    full = KMeans(20, random_state=seed).fit(X)
    model = MiniBatchKMeans(20, random_state=seed).fit(X)
    assert model.inertia_ < 1.02 * full.inertia_
    # Sorted by group as they are, and mixed.
    assert MiniBatchKMeans(20, random_state=seed).fit(X[::-1]).inertia_ < 1.02 * full.inertia_
    streamed = MiniBatchKMeans(20, random_state=seed, compute_labels=False)
    mixed = np.random.default_rng(seed).permutation(X)
    streamed.fit_batches(lambda: np.array_split(mixed, 60))
    assert -streamed.score(X) < 1.02 * full.inertia_


def test_weight_two_is_the_row_twice_within_a_batch() -> None:
    whole = WEIGHTS.astype(int)
    weighted, repeated = (MiniBatchKMeans(6, init=NOISE[:6], **PLAIN) for _ in range(2))
    for part in np.array_split(np.arange(1000), 5):
        weighted.partial_fit(NOISE[part], sample_weight=WEIGHTS[part])
        repeated.partial_fit(np.repeat(NOISE[part], whole[part], axis=0))
    assert_allclose(weighted.cluster_centers_, repeated.cluster_centers_, rtol=1e-12)
    assert_allclose(weighted.counts_, repeated.counts_)


def test_weights_count_on_average_as_repetition() -> None:
    # In place of the common check that scikit-learn expects to fail: the draws differ, the clusters hardly.
    X = make_blobs(3000, centers=4, n_features=2, random_state=1)[0]
    weights = np.random.default_rng(0).integers(0, 5, size=3000)
    repeated = np.repeat(X, weights, axis=0)
    for seed in range(5):
        a = MiniBatchKMeans(4, random_state=seed).fit(X, sample_weight=weights)
        b = MiniBatchKMeans(4, random_state=seed).fit(repeated)
        assert a.inertia_ == pytest.approx(b.inertia_, rel=0.01)


def test_rows_without_weight_change_nothing_but_the_draws() -> None:
    weights = np.where(GROUPS == 4, 0.0, 1.0)
    for seed in range(5):
        model = MiniBatchKMeans(4, random_state=seed, batch_size=100).fit(BLOBS, sample_weight=weights)
        want = np.array([BLOBS[j == GROUPS].mean(axis=0) for j in range(4)])
        apart = np.linalg.norm(model.cluster_centers_[:, np.newaxis] - want, axis=2).min(axis=0)
        assert apart.max() < 0.5


@pytest.mark.parametrize("init", ["k-means++", "random", "random_partition", "uniform"])
def test_every_start_finds_plain_groups(init: str) -> None:
    X, groups = make_blobs(2000, centers=[[0, 0], [20, 0], [0, 20]], random_state=3)
    model = MiniBatchKMeans(3, init=init, random_state=0, n_init=5).fit(X)
    assert all(len(np.unique(model.labels_[groups == j])) == 1 for j in range(3))


def test_a_callable_starts_with_a_sample_and_the_best_of_three_goes_on() -> None:
    asked = []

    def init(X: np.ndarray, k: int, random_state: np.random.RandomState) -> np.ndarray:
        asked.append(X.shape)
        return X[random_state.permutation(len(X))[:k]]

    MiniBatchKMeans(5, init=init, batch_size=50, random_state=0).fit(BLOBS)
    assert asked == [(150, 3)] * 3


def test_centers_that_get_little_are_put_on_rows() -> None:
    far = np.concatenate([BLOBS[:5], np.full((3, 3), 1e6)])
    kept = MiniBatchKMeans(8, init=far, reassignment_ratio=0, random_state=0).fit(BLOBS)
    assert (kept.cluster_centers_ == 1e6).all(axis=1).sum() == 3
    moved = MiniBatchKMeans(8, init=far, random_state=0).fit(BLOBS)
    assert np.abs(moved.cluster_centers_).max() < 100
    assert moved.history_["reassigned"][0] == 3
    assert moved.counts_.min() > 0
    # Half as many as the batch has rows, at most.
    few = MiniBatchKMeans(8, init=np.arange(24.0).reshape(8, 3) + 1e6, random_state=0).partial_fit(BLOBS[:8])
    assert (few.cluster_centers_ < 1e5).all(axis=1).sum() == 5  # one had all rows; 4 of the others


def test_a_reassigned_center_is_a_row_that_has_weight() -> None:
    X, weights = np.arange(20.0)[:, np.newaxis], np.r_[np.zeros(19), 1.0]
    model = MiniBatchKMeans(3, init=[[0.0], [100.0], [200.0]], random_state=0)
    model.partial_fit(X, sample_weight=weights)
    assert 19.0 in model.cluster_centers_[1:]
    assert set(model.cluster_centers_[:, 0]) <= {0.0, 19.0, 100.0, 200.0}


# --- stopping ---


def test_tol_stops_it() -> None:
    model = MiniBatchKMeans(5, random_state=0, tol=1e-3, max_no_improvement=None).fit(BLOBS)
    limit = 1e-3 * BLOBS.var(axis=0).mean()
    assert model.history_["shift"][-1] ** 2 <= limit
    # The first batch does not count.
    assert (model.history_["shift"][1:-1] ** 2 > limit).all()
    assert model.n_steps_ > 1
    assert model.stop_reason_.startswith(f"Converged after {model.n_steps_} batches: the squared shift")


def test_an_inertia_that_falls_no_more_stops_it() -> None:
    model = MiniBatchKMeans(5, random_state=0, batch_size=100, max_no_improvement=4).fit(BLOBS)
    smoothed = model.history_["smoothed"]
    assert smoothed[-4:].min() >= smoothed[1:-4].min()
    assert model.stop_reason_.endswith("max_no_improvement=4 in a row.")
    assert model.n_iter_ == np.ceil(model.n_steps_ * 100 / 900)


def test_without_labels_the_inertia_is_estimated() -> None:
    X = np.random.default_rng(0).normal(size=(20_000, 2))
    weights = np.random.default_rng(1).random(20_000)
    model = MiniBatchKMeans(5, random_state=0).fit(X, sample_weight=weights)
    quick = MiniBatchKMeans(5, random_state=0, compute_labels=False).fit(X, sample_weight=weights)
    assert_array_equal(quick.cluster_centers_, model.cluster_centers_)
    assert not hasattr(quick, "labels_")
    assert quick.inertia_ == pytest.approx(model.inertia_, rel=0.03)
    assert not hasattr(model.set_params(compute_labels=False).fit(X), "labels_")


# --- batches from anywhere ---


def test_batches_may_be_of_any_kind_that_fit_takes() -> None:
    want = MiniBatchKMeans(5, random_state=0).fit_batches(lambda: np.array_split(BLOBS, 6))
    kinds = (np.asarray, pd.DataFrame, np.asfortranarray, np.ndarray.tolist)

    def mixed() -> Iterator[Any]:
        for i, part in enumerate(np.array_split(BLOBS, 6)):
            yield kinds[i % 3 + i % 2](part)

    model = MiniBatchKMeans(5, random_state=0).fit_batches(mixed)
    assert_array_equal(model.cluster_centers_, want.cluster_centers_)
    assert_array_equal(model.labels_, want.labels_)


def test_the_factory_is_called_once_a_pass() -> None:
    calls = []

    def factory() -> Iterator[np.ndarray]:
        calls.append(1)
        yield from np.array_split(BLOBS, 4)

    model = MiniBatchKMeans(5, random_state=0, max_iter=3, max_no_improvement=None, compute_labels=False)
    assert model.fit_batches(factory).n_iter_ == len(calls) == 3
    assert model.n_steps_ == 12
    model.set_params(compute_labels=True).fit_batches(factory)
    assert len(calls) == 7


def test_the_rows_of_a_pass_are_known_after_it() -> None:
    # The smoothing counts them: from the second pass on over half of 8 batches.
    model = MiniBatchKMeans(5, random_state=0, max_iter=2, max_no_improvement=None)
    history = model.fit_batches(lambda: np.array_split(BLOBS[:800], 8)).history_
    share = max(200 / 801, 2 / 16)
    want = (1 - share) * history["smoothed"][-2] + share * history["inertia"][-1]
    assert history["smoothed"][-1] == pytest.approx(want)


@pytest.mark.parametrize(
    ("factory", "error", "message"),
    [
        (list, ValueError, "factory\\(\\) returned no batch"),
        (lambda: 3, TypeError, "must return an iterable of batches; it returned int"),
        (lambda: BLOBS, TypeError, "it returned ndarray"),
        (lambda: [BLOBS[:3]], ValueError, "n_samples=3 should be >= n_clusters=5"),
        (lambda: [BLOBS, BLOBS[:, :2]], ValueError, "X has 2 features, but MiniBatchKMeans is expecting 3"),
        (lambda: [BLOBS, sp.csr_array(BLOBS)], ValueError, "all must be of one kind"),
        (lambda: [BLOBS, BLOBS[:0]], ValueError, "0 sample"),
        (lambda: [(BLOBS, -np.ones(900))], ValueError, r"sample_weight\[0\] is -1.0"),
        (
            lambda: [BLOBS, np.where(BLOBS > 5, np.nan, 0)],
            ValueError,
            "Batch 2 of pass 1: Input X contains NaN",
        ),
    ],
)
def test_batches_that_cannot_be_learned(factory: Any, error: Any, message: str) -> None:
    model = MiniBatchKMeans(5, random_state=0, init_size=100)
    with pytest.raises(error, match=message):
        model.fit_batches(factory)
    assert not hasattr(model, "cluster_centers_")
    assert not hasattr(model, "n_features_in_")


def test_an_iterator_that_is_used_up_is_noticed() -> None:
    used_up = iter(np.array_split(BLOBS, 3))
    with pytest.raises(ValueError, match="called once for each pass and must start anew"):
        MiniBatchKMeans(5, max_no_improvement=None).fit_batches(lambda: used_up)


def test_an_error_of_the_users_own_comes_through() -> None:
    def factory() -> Iterator[np.ndarray]:
        yield BLOBS
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        MiniBatchKMeans(5, max_no_improvement=None).fit_batches(factory)


# --- partial_fit ---


def test_learning_goes_on_after_a_fit_and_from_known_centers() -> None:
    model = MiniBatchKMeans(5, random_state=0).fit(BLOBS)
    before, steps = model.counts_.sum(), model.n_steps_
    model.partial_fit(BLOBS[:50])
    assert model.counts_.sum() == pytest.approx(before + 50)
    assert model.n_steps_ == steps + 1
    assert len(model.labels_) == 50
    known = MiniBatchKMeans.from_centers(BLOBS[:5], reassignment_ratio=0).partial_fit(NOISE[:, :3])
    assert_allclose(known.cluster_centers_, minibatch([(NOISE[:, :3], None)], BLOBS[:5])[0], rtol=1e-12)


def test_float32_centers_are_learned_in_float64() -> None:
    # Each row moves the center by far less than float32 resolves.
    model = MiniBatchKMeans(1, init=[[1000.0]], n_init=1, compute_labels=False)
    model.partial_fit(np.full((100_000, 1), 1000.0, dtype=np.float32))
    for _ in range(50):
        model.partial_fit(np.full((10, 1), 1001.0, dtype=np.float32))
    assert model.cluster_centers_.dtype == np.float32
    assert model._exact_centers[0, 0] == pytest.approx(1000 + 500 / 100_500, rel=1e-12)
    model.cluster_centers_ = np.array([[0.0]], dtype=np.float32)  # somebody's own: heard
    assert model.partial_fit(np.zeros((1, 1), dtype=np.float32)).cluster_centers_[0, 0] == 0


@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_learn_alike(again: Any) -> None:
    model = MiniBatchKMeans(5, random_state=0).partial_fit(BLOBS[:100])
    other = again(model)
    assert_array_equal(
        model.partial_fit(BLOBS[100:]).cluster_centers_, other.partial_fit(BLOBS[100:]).cluster_centers_
    )


# --- bad input ---

WAYS = {
    "fit": lambda model, X: model.fit(X),
    "partial_fit": lambda model, X: model.partial_fit(X),
    "partial_fit again": lambda model, X: model.partial_fit(NOISE).partial_fit(X),
    "fit_batches": lambda model, X: model.fit_batches(lambda: [X]),
    "predict": lambda model, X: model.fit(NOISE).predict(X),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize(("value", "kind"), [(np.nan, "NaN"), (-np.inf, "infinity")])
def test_the_first_value_that_is_not_finite_is_named(
    way: str, container: Any, value: float, kind: str
) -> None:
    X = NOISE.copy()
    X[[700, 17, 40], [0, 2, 1]] = value
    with pytest.raises(ValueError, match=f"Input X contains {kind}: the first is in row 17, column 2"):
        WAYS[way](MiniBatchKMeans(3, random_state=0, batch_size=50), container(X))


@pytest.mark.parametrize("way", WAYS)
def test_a_value_too_large_to_square_is_named(way: str) -> None:
    X = NOISE.copy()
    X[17, 2] = 1e200
    with pytest.raises(
        ValueError, match="too large to be squared in float64: the first is in row 17, column 2"
    ):
        WAYS[way](MiniBatchKMeans(3, random_state=0, batch_size=50, init=NOISE[:3], n_init=1), X)


def test_columns_are_named_as_the_user_named_them() -> None:
    X = pd.DataFrame(NOISE, columns=["a", "b", "c", "d"])
    X.loc[5, "c"] = np.nan
    with pytest.raises(ValueError, match="row 5, column 'c'"):
        MiniBatchKMeans(3).fit(X)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"n_clusters": 0}, "n_clusters"),
        ({"init": "kmeans"}, "init"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"max_iter": 0}, "max_iter"),
        ({"compute_labels": "yes"}, "compute_labels"),
        ({"tol": -1.0}, "tol"),
        ({"max_no_improvement": -1}, "max_no_improvement"),
        ({"init_size": 0}, "init_size"),
        ({"n_init": 0}, "n_init"),
        ({"reassignment_ratio": -0.1}, "reassignment_ratio"),
    ],
)
@pytest.mark.parametrize("way", ["fit", "partial_fit", "fit_batches"])
def test_unusable_parameters_are_named(way: str, parameters: dict[str, Any], name: str) -> None:
    with pytest.raises(InvalidParameterError, match=f"The '{name}' parameter of MiniBatchKMeans must be"):
        WAYS[way](MiniBatchKMeans(**parameters), NOISE)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((0, 3)), "0 sample"),
        (np.zeros((3, 0)), "0 feature"),
        (np.zeros(3), "Expected 2D array, got 1D array"),
        (np.ones((4, 2)) * 1j, "Complex data not supported"),
        (np.ones((4, 2)), "n_samples=4 should be >= n_clusters=5"),
        (np.ma.masked_array(BLOBS, mask=BLOBS > 9), "masked array with"),
    ],
)
@pytest.mark.parametrize("way", ["fit", "partial_fit", "fit_batches"])
def test_what_is_no_table_of_numbers(way: str, X: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WAYS[way](MiniBatchKMeans(5), X)


def test_nothing_works_before_fit_and_a_failure_leaves_no_trace() -> None:
    with pytest.raises(NotFittedError):
        MiniBatchKMeans().predict(NOISE)
    model = MiniBatchKMeans(3, random_state=0).fit(NOISE)
    before = dict(vars(model))
    bad = NOISE[:, :2].copy()
    bad[3, 1] = np.nan
    for learn in (model.fit, lambda X: model.fit_batches(lambda: [X])):
        with pytest.raises(ValueError, match="NaN"):
            learn(bad)
        assert vars(model).keys() == before.keys()
        assert all(vars(model)[name] is value for name, value in before.items())


@pytest.mark.parametrize("n_rows", [1, 2, 70])
def test_one_cluster_of_a_few_rows(n_rows: int, dtype: type[np.floating]) -> None:
    X = NOISE[:n_rows].astype(dtype)
    model = MiniBatchKMeans(1, random_state=0, max_iter=2).fit(X)
    assert_allclose(model.cluster_centers_[0], X.mean(axis=0), rtol=1e-5, atol=1e-6)
    assert_array_equal(model.labels_, 0)


# --- verbose, callbacks, Ctrl-C ---


def test_verbose_prints_a_line_a_batch(capsys: pytest.CaptureFixture[str]) -> None:
    model = MiniBatchKMeans(5, random_state=0, batch_size=100, verbose=1).fit(BLOBS)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Minibatch step 1/900: mean batch inertia: ")
    assert lines[-1] == f"Converged (lack of improvement in inertia) at step {model.n_steps_}/900"
    model.fit_batches(lambda: [BLOBS])
    assert capsys.readouterr().out.startswith("Minibatch step 1: mean batch inertia: ")


def test_callbacks_see_every_batch_and_may_stop() -> None:
    pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")

    class Recorder:
        def __init__(self) -> None:
            self.ended: list[str] = []

        def setup(self, estimator: Any, context: Any) -> None: ...
        def teardown(self, estimator: Any, context: Any) -> None: ...
        def on_fit_task_begin(self, estimator: Any, context: Any) -> None: ...
        def on_fit_task_end(self, estimator: Any, context: Any, **given: Any) -> bool:
            self.ended.append(context.task_name)
            return self.ended.count("step") >= 3

    for learn in (MiniBatchKMeans.fit, lambda model, X: model.fit_batches(lambda: np.array_split(X, 9))):
        recorder = Recorder()
        model = MiniBatchKMeans(5, random_state=0, batch_size=100).set_callbacks(recorder)
        assert learn(model, BLOBS).n_steps_ == 3
        assert recorder.ended == ["step"] * 3 + ["fit"]
        assert model.stop_reason_ == "Stopped after 3 batches by a callback."


@pytest.mark.parametrize("way", ["fit", "large batches", "fit_batches"])
def test_ctrl_c_stops_it_and_leaves_the_estimator_as_it_was(way: str, ctrl_c: Interrupt) -> None:
    X = np.random.default_rng(0).normal(size=(60_000, 32))
    model = MiniBatchKMeans(256, random_state=0, init="random", max_iter=2).fit(X[:600])
    model.set_params(max_iter=100_000, max_no_improvement=None, n_init=1)
    if way == "large batches":
        model.set_params(batch_size=60_000)
    before = dict(vars(model))
    waits = []
    for _ in range(3):  # the machine may be busy: the best of three
        waits.append(ctrl_c(lambda: WAYS["fit_batches" if way == "fit_batches" else "fit"](model, X)))
        assert all(vars(model)[name] is value for name, value in before.items())
    assert min(waits) < 0.2


# --- memory ---

MEASURE = """
import sys
import numpy as np
from fulcra.cluster import MiniBatchKMeans

def peak():
    with open("/proc/self/status") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

n, d, what, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
X = np.memmap(path, dtype="float32", mode="w+", shape=(n, d))
np.random.default_rng(0).random(out=X, dtype="float32")
model = MiniBatchKMeans(16, random_state=0, compute_labels=what == "labels", max_iter=1)
model.fit(X[:5000])
model.fit_batches(lambda: (X[i : i + 1024] for i in range(0, 5000, 1024)))
X.sum()  # its pages are in memory, and count, before
before = peak()
if what == "batches":
    model.fit_batches(lambda: (X[i : i + 1024] for i in range(0, n, 1024)))
else:
    model.fit(X)
print(peak() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peaks are read from Linux's /proc")
@pytest.mark.parametrize("what", ["labels", "none", "batches"])
def test_a_fit_takes_the_memory_of_some_batches(what: str, run_python: RunPython, tmp_path: Path) -> None:
    n, d = 2_000_000, 32  # 256 MB
    taken = int(run_python(MEASURE, str(n), str(d), what, f"{tmp_path}/rows"))
    batch = 1024 * d * 8
    assert taken <= 16 * batch + (4 * n if what == "labels" else 0) + 4_000_000


def test_a_fit_on_a_memory_map_copies_no_rows(tmp_path: Path) -> None:
    X = np.memmap(tmp_path / "rows", dtype=np.float32, mode="w+", shape=(5000, 3))
    X[:] = np.random.default_rng(0).random((5000, 3))
    fulcra.set_num_threads(2)
    model = MiniBatchKMeans(4, random_state=0).fit(X)
    assert_array_equal(
        model.cluster_centers_, MiniBatchKMeans(4, random_state=0).fit(np.array(X)).cluster_centers_
    )
