"""OnlineKMeans: by hand, against the definition in NumPy, and what must hold for any stream."""

import copy
import pickle
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from conftest import Interrupt
from fulcra.cluster import KMeans, OnlineKMeans
from numpy.testing import assert_allclose, assert_array_equal
from oracles import means, nearest, online, wcss
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=(500, 4))
WEIGHTS = RNG.integers(0, 4, size=500).astype(float)
RATES: dict[str, dict[str, Any]] = {
    "1/count": {},
    "constant": {"learning_rate": "constant", "eta0": 0.2},
    "invscaling": {"learning_rate": "invscaling", "eta0": 0.7, "power_t": 0.6},
    "half-life": {"half_life": 30.0},
    "bounded": {"max_shift": 0.1},
    "all": {"learning_rate": "invscaling", "half_life": 30.0, "max_shift": 0.1},
}


# --- by hand ---


def test_the_center_is_the_mean_of_the_rows_that_it_got() -> None:
    model = OnlineKMeans(2, init=[[0.0], [10.0]]).partial_fit([[2.0], [4.0], [9.0], [0.0]])
    assert_array_equal(model.cluster_centers_, [[2.0], [9.0]])
    assert_array_equal(model.counts_, [3, 1])
    assert model.n_samples_seen_ == 4
    # A row of weight 3 is three rows.
    model.partial_fit([[4.0]], sample_weight=[3.0])
    assert_array_equal(model.cluster_centers_, [[3.0], [9.0]])
    assert_array_equal(model.counts_, [6, 1])


def test_a_constant_rate_goes_its_share_of_the_way() -> None:
    model = OnlineKMeans.from_centers([[0.0, 0.0]], learning_rate="constant", eta0=0.25)
    assert_array_equal(model.partial_fit([[4.0, 8.0]]).cluster_centers_, [[1.0, 2.0]])
    # Weight 2, twice in succession: 1 + (1 - 0.75**2) * 3
    model.partial_fit([[4.0, 2.0]], sample_weight=[2.0])
    assert_allclose(model.cluster_centers_, [[1 + 0.4375 * 3, 2.0]], rtol=1e-14)


def test_inverse_scaling_by_hand() -> None:
    model = OnlineKMeans.from_centers([[0.0]], learning_rate="invscaling", eta0=0.5, power_t=0.5)
    model.partial_fit([[8.0]])
    assert_array_equal(model.cluster_centers_, [[4.0]])  # 0.5 / sqrt(1)
    model.partial_fit([[8.0]])
    assert_allclose(model.cluster_centers_, [[4 + 0.5 / np.sqrt(2) * 4]], rtol=1e-14)


def test_no_row_moves_a_center_farther_than_max_shift() -> None:
    model = OnlineKMeans.from_centers([[0.0, 0.0]], max_shift=2.5)
    model.partial_fit([[30.0, 40.0]])
    assert_allclose(model.cluster_centers_, [[1.5, 2.0]], rtol=1e-15)
    model.partial_fit([[1.5, 4.0]])  # half of the way, as the second row: 1 long
    assert_allclose(model.cluster_centers_, [[1.5, 3.0]], rtol=1e-15)


def test_a_half_life_halves_what_counts_after_so_many_rows() -> None:
    model = OnlineKMeans.from_centers([[0.0], [100.0]], half_life=2.0)
    model.counts_ = np.array([4.0, 8.0])
    model.partial_fit([[1.0], [1.0]])
    fade = np.sqrt(0.5)
    count = (4 * fade + 1) * fade + 1
    assert_allclose(model.counts_, [count, 4.0], rtol=1e-14)
    assert_allclose(model.cluster_centers_[0], 1 - 4 * 0.5 / count, rtol=1e-14)


def test_a_short_half_life_follows_a_stream_that_changes() -> None:
    stream = np.r_[RNG.normal(size=2000), RNG.normal(size=500) + 5][:, np.newaxis]
    old, new = (OnlineKMeans(1, init=[[0.0]], half_life=life).fit(stream) for life in (None, 50.0))
    assert abs(old.cluster_centers_[0, 0] - 1) < 0.2
    assert abs(new.cluster_centers_[0, 0] - 5) < 0.5


# --- against the definition ---


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_rows_are_learned_as_in_numpy(container: Any, dtype: type[np.floating]) -> None:
    X = NOISE.astype(dtype)
    for name, eta in (
        ("1/count", lambda count: 1 / count),
        ("constant", lambda _: 0.2),
        ("invscaling", lambda count: 0.7 / count**0.6),
    ):
        model = OnlineKMeans(6, init=X[:6], **RATES[name]).fit(container(X))
        tolerance = 1e-6 if dtype == np.float32 else 1e-12
        assert_allclose(model.cluster_centers_, online(X, X[:6], eta), rtol=tolerance, atol=tolerance)
        assert model.cluster_centers_.dtype == dtype
        assert_array_equal(model.labels_, nearest(X, model.cluster_centers_))
        assert model.inertia_ == pytest.approx(wcss(X, model.cluster_centers_), rel=1e-12)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_chunks_are_the_rows_one_by_one_to_the_last_bit(
    rate: str, weights: Any, container: Any, dtype: type[np.floating]
) -> None:
    X = container(NOISE.astype(dtype))
    models = []
    for cuts in ([], [3, 4, 100, 130, 300], range(1, 500)):
        model = OnlineKMeans(5, init=NOISE[:5].astype(dtype), **RATES[rate])
        for start, stop in zip([0, *cuts], [*cuts, 500], strict=True):
            share = None if weights is None else weights[start:stop]
            if share is None or share.any():  # rows without weight alone are refused, and change nothing
                model.partial_fit(X[start:stop], sample_weight=share)
        models.append(model)
    for other in models[1:]:
        assert_array_equal(other.cluster_centers_, models[0].cluster_centers_)
        assert_array_equal(other.counts_, models[0].counts_)
        if weights is None:
            assert other.n_samples_seen_ == 500
            for name, values in models[0].history_.items():
                assert_allclose(other.history_[name], values, rtol=1e-12, err_msg=name)
    if weights is None:
        fitted = OnlineKMeans(5, init=NOISE[:5].astype(dtype), **RATES[rate]).fit(X)
        assert_array_equal(fitted.cluster_centers_, models[0].cluster_centers_)


@pytest.mark.parametrize("rate", ["1/count", "constant", "half-life"])
def test_weight_two_is_the_row_twice(rate: str) -> None:
    weighted = OnlineKMeans(5, init=NOISE[:5], **RATES[rate]).fit(NOISE, sample_weight=WEIGHTS)
    repeated = OnlineKMeans(5, init=NOISE[:5], **RATES[rate]).fit(
        np.repeat(NOISE, WEIGHTS.astype(int), axis=0)
    )
    assert_allclose(weighted.cluster_centers_, repeated.cluster_centers_, rtol=1e-11)
    assert_allclose(weighted.counts_, repeated.counts_, rtol=1e-11)


# --- what must hold ---


def test_the_means_of_groups_far_apart_are_fixed() -> None:
    X, groups = make_blobs(300, centers=[[0, 0], [50, 0], [0, 50]], random_state=0)
    model = OnlineKMeans(3, random_state=0).fit(X)
    order = model.predict([[0, 0], [50, 0], [0, 50]])
    assert_allclose(model.cluster_centers_[order], means(X, groups, 3), rtol=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_one_pass_comes_near_a_full_fit(seed: int) -> None:
    X, _ = make_blobs(5000, n_features=5, centers=8, random_state=seed)
    rows = np.random.default_rng(seed).permutation(X)
    full = min(KMeans(8, random_state=start).fit(rows).inertia_ for start in range(3))
    model = min(
        (OnlineKMeans(8, random_state=start).fit(rows) for start in range(3)), key=lambda m: m.inertia_
    )
    assert model.inertia_ < 1.02 * full


@pytest.mark.parametrize("init", ["k-means++", "random", "random_partition", "uniform"])
def test_the_first_rows_of_the_first_chunk_are_the_start(init: str) -> None:
    X, _ = make_blobs(3000, n_features=3, centers=4, random_state=0)
    fitted = OnlineKMeans(4, init=init, random_state=0).fit(X)
    chunks = OnlineKMeans(4, init=init, random_state=0)
    for chunk in np.array_split(X[:2000], 1) + np.array_split(X[2000:], 7):
        chunks.partial_fit(chunk)
    assert_array_equal(chunks.cluster_centers_, fitted.cluster_centers_)
    sample = OnlineKMeans(4, init=init, init_size=50, random_state=0).fit(X)
    assert_array_equal(
        sample.cluster_centers_,
        OnlineKMeans(4, init=init, random_state=0).partial_fit(X[:50]).partial_fit(X[50:]).cluster_centers_,
    )


def test_a_callable_may_start_it() -> None:
    model = OnlineKMeans(3, init=lambda X, k, random_state: X[:k], random_state=0).partial_fit(NOISE)
    assert_array_equal(model.cluster_centers_, OnlineKMeans(3, init=NOISE[:3]).fit(NOISE).cluster_centers_)


def test_known_centers_go_on_learning_and_one_row_is_enough_for_them() -> None:
    model = OnlineKMeans(2, init=[[0.0], [1.0]]).partial_fit([[0.2]])
    assert_array_equal(model.cluster_centers_, [[0.2], [1.0]])
    known = OnlineKMeans.from_centers([[0.0], [1.0]])
    known.counts_ = np.array([9.0, 1.0])
    assert_allclose(known.partial_fit([[0.2]]).cluster_centers_, [[0.02], [1.0]])
    assert known.predict([[0.4]])[0] == 0


def test_float32_centers_are_learned_in_float64() -> None:
    model = OnlineKMeans(1, init=np.float32([[1000.0]]))
    model.partial_fit(np.full((100_000, 1), 1000, dtype=np.float32))
    for _ in range(500):
        model.partial_fit(np.full((1, 1), 1001, dtype=np.float32))  # far less than float32 resolves
    assert model.cluster_centers_.dtype == np.float32
    assert model._exact_centers[0, 0] == pytest.approx(1000 + 500 / 100_500, rel=1e-12)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_learn_alike(again: Any) -> None:
    model = OnlineKMeans(5, random_state=0, half_life=10.0).partial_fit(NOISE[:100])
    other = again(model)
    assert_array_equal(
        model.partial_fit(NOISE[100:]).cluster_centers_, other.partial_fit(NOISE[100:]).cluster_centers_
    )
    assert_array_equal(model.history_["drift"], other.history_["drift"])


# --- the history ---


def test_drift_is_the_way_that_each_center_went() -> None:
    model = OnlineKMeans.from_centers([[0.0], [10.0]], learning_rate="constant", eta0=0.5)
    model.partial_fit([[2.0], [0.0], [11.0]])
    history = model.history_
    assert_array_equal(history["n_samples"], [1, 2, 3])
    assert_array_equal(history["drift"], [[1.0, 0.0], [0.5, 0.0], [0.0, 0.5]])
    assert_array_equal(history["inertia"], [4.0, 1.0, 1.0])


def test_the_history_of_a_long_stream_is_bounded_and_adds_up() -> None:
    X = np.random.default_rng(0).normal(size=(40_000, 2))
    model = OnlineKMeans(3, init=X[:3]).fit(X[:127])
    way = model.history_["drift"].sum(axis=0)
    model.partial_fit(X[127:128])
    assert len(model.history_["drift"]) == 64
    assert_allclose(model.history_["drift"].sum(axis=0), way, rtol=0.1)
    for chunk in np.array_split(X[128:], 9):
        model.partial_fit(chunk)
        history = model.history_
        assert 64 <= len(history["drift"]) < 128
        lengths = np.diff(history["n_samples"], prepend=0)
        assert (lengths == lengths[0]).all()
    assert model.n_samples_seen_ == 40_000
    assert 0 <= 40_000 - history["n_samples"][-1] < lengths[0]
    assert history["drift"][0].sum() > history["drift"][-1].sum()


def test_there_is_no_history_before_the_first_row() -> None:
    assert not hasattr(OnlineKMeans(), "history_")
    assert not hasattr(OnlineKMeans.from_centers([[0.0]]), "history_")


# --- bad input ---


@pytest.mark.parametrize("way", ["fit", "partial_fit", "partial_fit again", "predict"])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "Input X contains NaN: the first is"),
        (np.inf, "Input X contains infinity: the first is"),
        (1e200, "too large to be squared in float64: the first is"),
    ],
)
def test_the_first_value_that_cannot_be_used_is_named(
    way: str, container: Any, value: float, message: str
) -> None:
    X = NOISE.copy()
    X[[400, 217], [0, 2]] = value
    model = OnlineKMeans(3, init=NOISE[:3])
    if way in ("partial_fit again", "predict"):
        model.partial_fit(NOISE)
    before = {name: copy.deepcopy(value) for name, value in vars(model).items()}
    with pytest.raises(ValueError, match=f"{message} in row 217, column 2"):
        getattr(model, way.removesuffix(" again"))(container(X))
    assert vars(model).keys() == before.keys()
    if way == "partial_fit again":
        assert_array_equal(model.cluster_centers_, before["cluster_centers_"])
        assert_array_equal(model.counts_, before["counts_"])
        assert model.n_samples_seen_ == 500


def test_columns_are_named_as_the_user_named_them_and_their_order_is_checked() -> None:
    X = pd.DataFrame(NOISE, columns=["a", "b", "c", "d"])
    model = OnlineKMeans(3, random_state=0).partial_fit(X)
    with pytest.raises(ValueError, match="feature names"):
        model.partial_fit(X[["b", "a", "c", "d"]])
    X.loc[5, "c"] = np.nan
    with pytest.raises(ValueError, match="row 5, column 'c'"):
        model.partial_fit(X)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.partial_fit(NOISE)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"n_clusters": 0}, "n_clusters"),
        ({"init": "kmeans"}, "init"),
        ({"learning_rate": "optimal"}, "learning_rate"),
        ({"eta0": 0.0}, "eta0"),
        ({"eta0": 1.5}, "eta0"),
        ({"power_t": 0.0}, "power_t"),
        ({"max_shift": 0.0}, "max_shift"),
        ({"half_life": -1.0}, "half_life"),
        ({"init_size": 0}, "init_size"),
        ({"random_state": "x"}, "random_state"),
    ],
)
def test_unusable_parameters_are_named(parameters: dict[str, Any], name: str) -> None:
    message = f"The '{name}' parameter of OnlineKMeans must be"
    for learn in (OnlineKMeans(**parameters).fit, OnlineKMeans(**parameters).partial_fit):
        with pytest.raises(InvalidParameterError, match=message):
            learn(NOISE)
    if name in ("learning_rate", "eta0", "power_t", "max_shift", "half_life"):
        with pytest.raises(InvalidParameterError, match=message):  # set between two calls
            OnlineKMeans(3, random_state=0).partial_fit(NOISE).set_params(**parameters).partial_fit(NOISE)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((0, 3)), "0 sample"),
        (np.zeros((3, 0)), "0 feature"),
        (np.zeros(3), "Expected 2D array, got 1D array"),
        (np.ones((4, 2)) * 1j, "Complex data not supported"),
        (np.ones((4, 2)), "n_samples=4 should be >= n_clusters=5"),
        (np.ma.masked_array(NOISE, mask=NOISE > 2), "masked array with"),
    ],
)
@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_what_is_no_table_of_numbers(way: str, X: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(OnlineKMeans(5), way)(X)


@pytest.mark.parametrize("X", [np.zeros((0, 4)), np.zeros(4), np.zeros((3, 5)), NOISE * 1j])
def test_what_is_no_table_of_numbers_later_on(X: Any) -> None:
    model = OnlineKMeans(5, random_state=0).partial_fit(NOISE)
    with pytest.raises(ValueError, match=r"0 sample|1D array|5 features|Complex"):
        model.partial_fit(X)
    assert model.n_samples_seen_ == 500


@pytest.mark.parametrize(
    "arrange", [np.asfortranarray, np.ndarray.tolist, lambda X: X[::-1][::-1], lambda X: X.astype(">f8")]
)
def test_every_layout_is_learned_alike(arrange: Any) -> None:
    want = OnlineKMeans(5, random_state=0).partial_fit(NOISE).partial_fit(NOISE)
    model = OnlineKMeans(5, random_state=0).partial_fit(arrange(NOISE)).partial_fit(arrange(NOISE))
    assert_array_equal(model.cluster_centers_, want.cluster_centers_)


def test_what_was_labelled_by_other_centers_is_forgotten() -> None:
    model = OnlineKMeans(3, random_state=0).fit(NOISE)
    assert len(model.labels_) == 500
    assert not hasattr(model.partial_fit(NOISE[:1]), "labels_")
    with pytest.raises(NotFittedError):
        OnlineKMeans().predict(NOISE)


def test_fewer_rows_with_weight_than_clusters_start_all_the_same() -> None:
    weights = np.r_[1.0, np.zeros(499)]
    model = OnlineKMeans(3, random_state=0).fit(NOISE, sample_weight=weights)
    assert model.counts_.sum() == 1
    assert (model.cluster_centers_ == NOISE[0]).all(axis=1).any()


def test_ctrl_c_stops_it_and_leaves_the_estimator_as_it_was(ctrl_c: Interrupt) -> None:
    X = np.random.default_rng(0).normal(size=(200_000, 32))
    model = OnlineKMeans(8192, init=X[:8192]).fit(X[:600])
    before = dict(vars(model))
    waits = []
    for learn in (model.fit, model.partial_fit, model.partial_fit):
        waits.append(ctrl_c(partial(learn, X)))
        assert vars(model).keys() == before.keys()
        assert all(vars(model)[name] is value for name, value in before.items())
    assert min(waits) < 0.2
