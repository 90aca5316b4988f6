"""Bad and unusual input: a clear error that names what was given, or the right answer; nothing lost, nothing
copied."""

import tracemalloc
from functools import partial
from pathlib import Path
from typing import Any

import fulcra.cluster._centers as centers_module
import fulcra.cluster._kmeans as kmeans_module
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from fulcra import _core
from fulcra.cluster import (
    FuzzyCMeans,
    KMeans,
    KMedians,
    KMedoids,
    MahalanobisKMeans,
    SphericalKMeans,
    k_means,
    kmeans_plusplus,
)
from fulcra.linear_model import (
    ElasticNet,
    GradientDescentRegressor,
    Lasso,
    LinearRegression,
    Ridge,
    RidgeCV,
    SGDClassifier,
    SGDRegressor,
)
from oracles import nearest
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

RNG = np.random.default_rng(0)
ROWS = np.concatenate([RNG.normal(size=(30, 3)), RNG.normal(size=(30, 3)) + 10])
FITTED = KMeans(2, random_state=0).fit(ROWS)
#: Beside KMeans.
OTHERS = (KMedoids, FuzzyCMeans, KMedians, SphericalKMeans, MahalanobisKMeans)
DENSE = (FuzzyCMeans, KMedians, MahalanobisKMeans)
WEIGHTS = (
    ElasticNet,
    partial(GradientDescentRegressor, learning_rate=0.005, tol=0.1),
    Lasso,
    LinearRegression,
    Ridge,
    RidgeCV,
)
#: Of one target only; the intercept of sparse rows takes shorter steps, as scikit-learn's.
ROW_BY_ROW = partial(SGDRegressor, eta0=1e-4, fit_intercept=False, max_iter=5, tol=None, random_state=0)
VALUES = ROWS @ [1.0, -2.0, 3.0] + RNG.normal(size=60)


class Spy:
    """Stands in for `_core` and remembers the data that reached it."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        original = getattr(_core, name)
        if not name.startswith("kmeans_"):
            return original

        def call(X: Any, *args: Any, **kwargs: Any) -> Any:
            self.seen.append(X)
            return original(X, *args, **kwargs)

        return call


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    watching = Spy()
    for module in (centers_module, kmeans_module):
        monkeypatch.setattr(module, "_core", watching)
    return watching


# --- what is not copied ---


@pytest.mark.parametrize("copy_x", [True, False])
def test_a_contiguous_array_reaches_the_core_as_it_is(
    dtype: type[np.floating], copy_x: bool, spy: Spy
) -> None:
    X = ROWS.astype(dtype)
    before = X.copy()
    model = KMeans(2, random_state=0, copy_x=copy_x).fit(X)
    model.predict(X)
    model.transform(X)
    model.score(X)
    assert len(spy.seen) == 4
    assert all(seen.dtype == dtype and np.shares_memory(seen, X) for seen in spy.seen)
    np.testing.assert_array_equal(X, before)


def test_a_memory_map_is_read_where_it_is(tmp_path: Path, spy: Spy, dtype: type[np.floating]) -> None:
    ROWS.astype(dtype).tofile(tmp_path / "rows")
    X = np.memmap(tmp_path / "rows", dtype=dtype, mode="r", shape=ROWS.shape)
    KMeans(2, random_state=0).fit(X)
    assert np.shares_memory(spy.seen[0], X)


def test_a_read_only_array_is_used_where_it_is(spy: Spy) -> None:
    X = ROWS.copy()
    X.flags.writeable = False
    KMeans(2, random_state=0).fit(X).predict(X)
    assert all(np.shares_memory(seen, X) for seen in spy.seen)


@pytest.mark.parametrize("container", [sp.csr_matrix, sp.csr_array])
def test_a_sound_csr_reaches_the_core_as_it_is(container: Any, spy: Spy) -> None:
    X = container(ROWS)
    KMeans(2, random_state=0).fit(X)
    assert spy.seen[0].data is X.data
    assert spy.seen[0].indices is X.indices


def test_fit_and_predict_allocate_no_second_x_in_python() -> None:
    X = np.random.default_rng(0).random((200_000, 16), dtype=np.float32)
    KMeans(2, random_state=0, max_iter=1).fit(X[:100])
    tracemalloc.start()
    try:
        model = KMeans(4, random_state=0, max_iter=2).fit(X)
        model.predict(X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 * len(X) + 1_000_000  # X itself: 64 bytes a row


# --- layouts and types that work ---


def _fortran(X: np.ndarray) -> np.ndarray:
    return np.asfortranarray(X)


def _strided(X: np.ndarray) -> np.ndarray:
    wide = np.full((2 * len(X), 2 * X.shape[1]), 77.0)
    wide[::2, ::2] = X
    return wide[::2, ::2]


def _backwards(X: np.ndarray) -> np.ndarray:
    return X[::-1][::-1][:, ::-1][:, ::-1]


def _byte_swapped(X: np.ndarray) -> np.ndarray:
    return X.astype(X.dtype.newbyteorder())


def _unaligned(X: np.ndarray) -> np.ndarray:
    buffer = np.zeros(X.nbytes + 1, dtype=np.uint8)
    view = buffer[1:].view(np.float64).reshape(X.shape)
    view[...] = X
    return view


def _objects(X: np.ndarray) -> np.ndarray:
    return X.astype(object)


def _masked_nowhere(X: np.ndarray) -> np.ndarray:
    return np.ma.masked_array(X, mask=False)


LAYOUTS = (
    _fortran,
    _strided,
    _backwards,
    _byte_swapped,
    _unaligned,
    _objects,
    _masked_nowhere,
    np.ndarray.tolist,
    pd.DataFrame,
    pl.DataFrame,
    sp.coo_array,
    sp.csc_matrix,
    sp.lil_array,
    sp.csr_matrix,
)


def _arranged(arrange: Any) -> Any:
    names = {"columns": ["a", "b", "c"]} if arrange is pd.DataFrame else {}
    names = {"schema": ["a", "b", "c"]} if arrange is pl.DataFrame else names
    return arrange(ROWS, **names)


@pytest.mark.parametrize("arrange", LAYOUTS)
def test_every_layout_gives_the_same_clusters(arrange: Any) -> None:
    X = _arranged(arrange)
    model = KMeans(2, random_state=0).fit(X)
    np.testing.assert_allclose(model.cluster_centers_, FITTED.cluster_centers_, rtol=1e-12)
    np.testing.assert_array_equal(model.labels_, FITTED.labels_)
    np.testing.assert_array_equal(model.predict(X), FITTED.labels_)


@pytest.mark.parametrize("arrange", LAYOUTS)
@pytest.mark.parametrize("kind", OTHERS)
def test_every_layout_gives_the_same_clusters_of_every_kind(kind: Any, arrange: Any) -> None:
    X = _arranged(arrange)
    if kind in DENSE and sp.issparse(X):
        with pytest.raises(TypeError, match="Sparse data was passed, but dense data is required"):
            kind(2).fit(X)
        return
    want, model = kind(2, random_state=0).fit(ROWS), kind(2, random_state=0).fit(X)
    np.testing.assert_allclose(model.cluster_centers_, want.cluster_centers_, rtol=1e-12)
    np.testing.assert_array_equal(model.labels_, want.labels_)
    np.testing.assert_array_equal(model.predict(X), want.labels_)


@pytest.mark.parametrize("arrange", LAYOUTS)
@pytest.mark.parametrize("kind", [*WEIGHTS, ROW_BY_ROW])
def test_every_layout_gives_the_same_weights(kind: Any, arrange: Any) -> None:
    X = _arranged(arrange)
    want, model = kind().fit(ROWS, VALUES), kind().fit(X, VALUES)
    np.testing.assert_allclose(model.coef_, want.coef_, rtol=1e-11)
    np.testing.assert_allclose(model.predict(X), want.predict(ROWS), rtol=1e-11)


@pytest.mark.parametrize("arrange", [np.ndarray.tolist, pd.Series, pl.Series, _objects])
def test_every_layout_of_targets_and_labels_is_learned_row_by_row(arrange: Any) -> None:
    want = ROW_BY_ROW().fit(ROWS, VALUES)
    np.testing.assert_array_equal(ROW_BY_ROW().fit(ROWS, arrange(VALUES)).coef_, want.coef_)
    labels, model = (VALUES > 0).astype(int), SGDClassifier(random_state=0)
    coef = model.fit(ROWS, labels).coef_
    if arrange is _objects:
        labels = np.where(labels, "yes", "no")
    np.testing.assert_array_equal(model.fit(ROWS, arrange(labels)).coef_, coef)


@pytest.mark.parametrize("arrange", [np.ndarray.tolist, pd.Series, pl.Series, np.asfortranarray, _objects])
@pytest.mark.parametrize("kind", WEIGHTS)
def test_every_layout_of_targets_gives_the_same_weights(kind: Any, arrange: Any) -> None:
    want = kind().fit(ROWS, VALUES)
    np.testing.assert_array_equal(kind().fit(ROWS, arrange(VALUES)).coef_, want.coef_)
    both = np.column_stack([VALUES, VALUES[::-1]])
    if arrange in {pd.Series, pl.Series}:
        arrange = pd.DataFrame if arrange is pd.Series else pl.DataFrame
    np.testing.assert_array_equal(kind().fit(ROWS, arrange(both)).coef_, kind().fit(ROWS, both).coef_)


@pytest.mark.parametrize("kind", [*WEIGHTS, ROW_BY_ROW])
def test_weights_are_learned_without_a_second_x_in_python(kind: Any, tmp_path: Path) -> None:
    np.random.default_rng(0).random((200_000, 16), dtype=np.float32).tofile(tmp_path / "rows")
    X = np.memmap(tmp_path / "rows", dtype=np.float32, mode="r", shape=(200_000, 16))
    y = np.arange(200_000.0)
    kind().fit(X[:100], y[:100]).predict(X[:100])
    tracemalloc.start()
    try:
        kind().fit(X, y).predict(X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 * len(X) + 1_000_000  # X itself: 64 bytes a row


@pytest.mark.parametrize("kind", [*WEIGHTS, ROW_BY_ROW])
@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros((0, 3)), ValueError, "0 sample"),
        (np.zeros((60, 0)), ValueError, "0 feature"),
        (np.zeros(60), ValueError, "Expected 2D array, got 1D array"),
        (np.ones((60, 2)) * 1j, ValueError, "Complex data not supported"),
        (np.full((60, 2), "a"), ValueError, "could not convert string"),
        (np.ma.masked_array(ROWS, mask=ROWS > 9), ValueError, "masked array with"),
    ],
)
def test_what_is_no_table_of_numbers_has_no_weights(kind: Any, X: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        kind().fit(X, VALUES)


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((0, 3)), "0 sample"),
        (np.zeros((3, 0)), "0 feature"),
        (np.zeros(3), "Expected 2D array, got 1D array"),
        (np.ones((4, 2)) * 1j, "Complex data not supported"),
        (np.array([["a", "b"], ["c", "d"]]), "could not convert string"),
        (np.ma.masked_array(ROWS, mask=ROWS > 9), "masked array with"),
    ],
)
def test_what_is_no_table_of_numbers_has_no_clusters_of_any_kind(kind: Any, X: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(1).fit(X)


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.r_[np.ones(59), -1.0], r"sample_weight\[59\] is -1.0"),
        (np.zeros(60), "zero"),
        (np.ones(59), "sample_weight"),
        (np.full(60, np.nan), "NaN"),
    ],
)
def test_weights_that_are_none_for_any_kind(kind: Any, weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(2).fit(ROWS, sample_weight=weights)


@pytest.mark.parametrize(
    "kind", [np.int8, np.uint8, np.int16, np.int64, np.uint64, np.float16, np.longdouble]
)
def test_other_numbers_are_computed_in_float64(kind: Any) -> None:
    whole = np.round(np.abs(ROWS) * 5).astype(kind)
    model = KMeans(2, random_state=0).fit(whole)
    assert model.cluster_centers_.dtype == np.float64
    np.testing.assert_array_equal(
        model.labels_, KMeans(2, random_state=0).fit(whole.astype(np.float64)).labels_
    )


def test_booleans_are_zeros_and_ones() -> None:
    X = np.array([[True, False], [True, True], [False, False], [False, True]])
    model = KMeans(2, init=[[1.0, 0.5], [0.0, 0.5]], n_init=1).fit(X)
    np.testing.assert_array_equal(model.labels_, [0, 0, 1, 1])


def test_float32_stays_float32_and_predicts_either_dtype() -> None:
    single = KMeans(2, random_state=0).fit(ROWS.astype(np.float32))
    assert single.cluster_centers_.dtype == np.float32
    assert single.transform(ROWS.astype(np.float32)).dtype == np.float32
    for model in (single, FITTED):
        for kind in (np.float32, np.float64):
            rows = ROWS.astype(kind)
            np.testing.assert_array_equal(model.predict(rows), nearest(rows, model.cluster_centers_))
            np.testing.assert_array_equal(
                model.predict(sp.csr_array(rows)), nearest(rows, model.cluster_centers_)
            )
            assert model.transform(rows).dtype == kind


def test_one_row_one_column_one_cluster() -> None:
    model = KMeans(1).fit([[7.5]])
    assert model.cluster_centers_.tolist() == [[7.5]]
    assert model.inertia_ == 0.0
    assert model.labels_.tolist() == [0]


# --- scikit-learn's errors ---


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros((0, 3)), ValueError, "0 sample"),
        (np.zeros((3, 0)), ValueError, "0 feature"),
        (np.zeros(3), ValueError, "Expected 2D array, got 1D array"),
        (np.zeros((3, 2, 2)), ValueError, "dim 3"),
        (np.float64(3), ValueError, "Expected 2D array, got scalar"),
        (np.ones((4, 2)) * 1j, ValueError, "Complex data not supported"),
        (sp.csr_array(np.ones((4, 2)) * 1j), ValueError, "Complex data not supported"),
        (np.array([["a", "b"], ["c", "d"]]), ValueError, "could not convert string"),
        (np.array([[1, "b"], [2, 3]], dtype=object), ValueError, "could not convert string"),
        (None, ValueError, "Expected 2D array"),
        (sp.csr_array((0, 3)), ValueError, "0 sample"),
        (sp.csr_array((3, 0)), ValueError, "0 feature"),
    ],
)
def test_what_is_no_table_of_numbers_gets_scikit_learns_error(X: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        KMeans(1).fit(X)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_numpy_matrix_gets_scikit_learns_error() -> None:
    with pytest.raises(TypeError, match=r"np\.matrix is not supported"):
        KMeans(2).fit(np.asmatrix(ROWS))


def test_masked_entries_are_not_taken_for_values() -> None:
    X = np.ma.masked_array(ROWS, mask=False)
    X[3, 1] = np.ma.masked
    with pytest.raises(ValueError, match="masked array with 1 masked"):
        KMeans(2).fit(X)
    with pytest.raises(ValueError, match="masked array with 1 masked"):
        FITTED.predict(X)


def test_names_of_columns_are_forgotten_and_missed_with_plain_arrays_as_with_others() -> None:
    frame = pd.DataFrame(ROWS, columns=["a", "b", "c"])
    for array in (ROWS, ROWS[::-1]):  # the first needs no check by scikit-learn
        model = KMeans(2, random_state=0).fit(frame)
        with pytest.warns(UserWarning, match="X does not have valid feature names"):
            model.predict(array)
        model.fit(array)
        assert not hasattr(model, "feature_names_in_")
        assert model.n_features_in_ == 3
        with pytest.warns(UserWarning, match="X has feature names, but KMeans was fitted without"):
            model.predict(frame)


def test_another_number_of_columns_than_in_fit() -> None:
    for method in (FITTED.predict, FITTED.transform, FITTED.score):
        with pytest.raises(ValueError, match="X has 2 features, but KMeans is expecting 3 features"):
            method(ROWS[:, :2])


def test_nothing_works_before_fit() -> None:
    for name in ("predict", "transform", "score"):
        with pytest.raises(NotFittedError):
            getattr(KMeans(), name)(ROWS)
    with pytest.raises(NotFittedError):
        KMeans().get_feature_names_out()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clusters": 0}, "n_clusters"),
        ({"n_clusters": 2.5}, "n_clusters"),
        ({"init": "kmeans"}, "init"),
        ({"init": 3}, "init"),
        ({"n_init": 0}, "n_init"),
        ({"n_init": "often"}, "n_init"),
        ({"max_iter": 0}, "max_iter"),
        ({"tol": -1e-4}, "tol"),
        ({"tol": np.nan}, "tol"),
        ({"verbose": -1}, "verbose"),
        ({"random_state": "x"}, "random_state"),
        ({"copy_x": "yes"}, "copy_x"),
        ({"algorithm": "full"}, "algorithm"),
        ({"shift_tol": -1.0}, "shift_tol"),
        ({"inertia_tol": "small"}, "inertia_tol"),
        ({"refine": "hold"}, "refine"),
    ],
)
def test_unusable_parameters_are_named(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidParameterError, match=f"The '{message}' parameter of KMeans must be"):
        KMeans(**parameters).fit(ROWS)


# --- NaN, infinity, overflow ---

WAYS_IN = [
    "fit",
    "predict",
    "transform",
    "score",
    "random",
    "random_partition",
    "uniform",
    "array",
    "callable",
]
KINDS = [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")]


def _send(way: str, X: Any) -> None:
    if way in ("predict", "transform", "score"):
        getattr(FITTED, way)(X)
    elif way == "fit":
        KMeans(2, random_state=0).fit(X)
    elif way == "array":
        KMeans(2, init=ROWS[:2], n_init=1).fit(X)
    elif way == "callable":
        KMeans(2, init=lambda X, k, random_state: 1 / 0, n_init=1).fit(X)  # is never asked
    else:
        KMeans(2, init=way, n_init=1, random_state=0).fit(X)


@pytest.mark.parametrize("way", WAYS_IN)
@pytest.mark.parametrize(("value", "kind"), KINDS)
def test_the_first_value_that_is_not_finite_is_named(
    way: str, value: float, kind: str, dtype: type[np.floating]
) -> None:
    X = ROWS.astype(dtype)
    X[17, 2] = value
    X[17, 1] = value
    X[40, 0] = value
    with pytest.raises(ValueError, match=f"Input X contains {kind}: the first is in row 17, column 1"):
        _send(way, X)


@pytest.mark.parametrize("way", WAYS_IN)
def test_the_first_value_that_is_not_finite_is_named_in_csr(way: str) -> None:
    X = ROWS.copy()
    X[17, 0] = 0.0
    X[17, 2] = np.nan
    X[40, 0] = np.inf
    with pytest.raises(ValueError, match="Input X contains NaN: the first is in row 17, column 2"):
        _send(way, sp.csr_matrix(X))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_the_column_is_named_as_the_user_named_it(frame: Any) -> None:
    X = ROWS.copy()
    X[5, 1] = np.nan
    names = ["age", "income", "visits"]
    named = {"columns": names} if frame is pd.DataFrame else {"schema": names}
    model = KMeans(2).fit(frame(ROWS, **named))
    # scikit-learn before 1.7 cannot read the names of today's polars.
    column = "column 'income'" if hasattr(model, "feature_names_in_") else "column 1"
    assert column == "column 'income'" or frame is pl.DataFrame
    for method in (KMeans(2).fit, model.predict):
        with pytest.raises(ValueError, match=f"row 5, {column}"):
            method(frame(X, **named))


def test_missing_values_of_data_frames_are_nan() -> None:
    table = pd.DataFrame({"a": pd.array([1, 2, None, 4], dtype="Int64"), "b": [0.0, 1.0, 2.0, 3.0]})
    with pytest.raises(ValueError, match="NaN: the first is in row 2, column 'a'"):
        KMeans(2).fit(table)


@pytest.mark.parametrize("place", [0, 63, 64, 191, 192, 5_000, 70_001])
def test_a_lone_nan_is_found_wherever_it_stands(place: int, dtype: type[np.floating]) -> None:
    X = np.random.default_rng(0).normal(size=(70_002, 2)).astype(dtype)
    X[place, 1] = np.nan
    for call in (KMeans(3, random_state=0).fit, KMeans.from_centers([[0.0, 0.0], [1.0, 1.0]]).predict):
        with pytest.raises(ValueError, match=f"row {place}, column 1"):
            call(X)


def test_a_nan_hidden_by_an_infinity_elsewhere_or_of_weight_zero_is_still_an_error() -> None:
    X = ROWS.copy()
    X[50, 2] = np.nan
    weights = np.ones(len(X))
    weights[50] = 0
    with pytest.raises(ValueError, match="NaN: the first is in row 50, column 2"):
        KMeans(2, random_state=0).fit(X, sample_weight=weights)


def test_values_near_1e30_in_float32_are_computed() -> None:
    X = (ROWS * 1e30).astype(np.float32)  # the squares overflow float32
    model = KMeans(2, random_state=0).fit(X)
    np.testing.assert_array_equal(model.labels_, nearest(X, model.cluster_centers_))
    assert np.isfinite(model.inertia_)
    assert np.unique(model.labels_[:30]).size == 1
    assert model.labels_[0] != model.labels_[-1]


@pytest.mark.parametrize("way", ["fit", "predict", "transform", "score", "uniform"])
def test_squares_that_overflow_float64_are_an_error_that_names_the_cell(way: str) -> None:
    X = ROWS.copy()
    X[9, 1] = 1e200
    with pytest.raises(
        ValueError, match="too large to be squared in float64: the first is in row 9, column 1"
    ):
        _send(way, X)


# --- weights ---


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.r_[np.ones(59), -1.0], r"sample_weight\[59\] is -1.0"),
        (np.zeros(60), "zero"),
        (np.ones(59), r"sample_weight.shape == \(59,\), expected \(60,\)"),
        (np.ones((60, 1)), "1D array"),
        (np.r_[np.ones(59), np.nan], "Input sample_weight contains NaN"),
        (np.r_[np.ones(59), np.inf], "Input sample_weight contains infinity"),
        (np.full(60, 1e308), "not finite"),
        (["a"] * 60, "could not convert"),
    ],
)
def test_unusable_weights(weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        KMeans(2).fit(ROWS, sample_weight=weights)
    with pytest.raises(ValueError, match=message):
        FITTED.score(ROWS, sample_weight=weights)
    with pytest.raises(ValueError, match=message):
        kmeans_plusplus(ROWS, 2, sample_weight=weights)


@pytest.mark.parametrize("weights", [2.0, [1] * 60, np.ones(60, dtype=np.float32), pd.Series(np.ones(60))])
def test_usable_weights(weights: Any) -> None:
    model = KMeans(2, random_state=0).fit(ROWS, sample_weight=weights)
    np.testing.assert_array_equal(model.labels_, FITTED.labels_)


def test_tiny_and_huge_weights_scale_the_inertia_and_nothing_else() -> None:
    for scale in (1e-300, 1e300):
        model = KMeans(2, random_state=0).fit(ROWS, sample_weight=np.full(60, scale))
        np.testing.assert_allclose(model.cluster_centers_, FITTED.cluster_centers_, rtol=1e-12)
        assert model.inertia_ == pytest.approx(FITTED.inertia_ * scale, rel=1e-12)


# --- numbers of clusters and rows ---


def test_more_clusters_than_rows() -> None:
    with pytest.raises(ValueError, match="n_samples=3 should be >= n_clusters=4"):
        KMeans(4).fit(ROWS[:3])
    with pytest.raises(ValueError, match="n_samples=3 should be >= n_clusters=4"):
        kmeans_plusplus(ROWS[:3], 4)


@pytest.mark.parametrize("init", ["k-means++", "random", "random_partition", "uniform"])
def test_more_clusters_than_distinct_rows_warns_with_the_number_found(
    init: str, dtype: type[np.floating]
) -> None:
    X = np.repeat(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]], dtype=dtype), 20, axis=0)
    with pytest.warns(
        ConvergenceWarning, match=r"distinct clusters \(3\) found smaller than n_clusters \(5\)"
    ):
        model = KMeans(5, init=init, random_state=0).fit(X)
    assert model.inertia_ == pytest.approx(0, abs=1e-25)  # a mean of equal values may round
    np.testing.assert_array_equal(model.labels_, nearest(X, model.cluster_centers_))


def test_as_many_clusters_as_rows_is_a_perfect_fit() -> None:
    model = KMeans(60, random_state=0).fit(ROWS)
    assert model.inertia_ == pytest.approx(0, abs=1e-25)
    assert np.unique(model.labels_).size == 60


def test_all_rows_the_same() -> None:
    with pytest.warns(ConvergenceWarning, match=r"\(1\) found smaller than n_clusters \(2\)"):
        model = KMeans(2, random_state=0).fit(np.full((50, 3), 0.1))
    assert model.inertia_ == pytest.approx(0, abs=1e-25)
    np.testing.assert_array_equal(model.labels_, np.zeros(50))


def test_fewer_rows_of_weight_than_clusters_can_not_be_drawn() -> None:
    weights = np.zeros(60)
    weights[:2] = 1
    with pytest.raises(ValueError, match=r"[Ff]ewer non-zero entries in p than size"):
        KMeans(3, init="random", random_state=0).fit(ROWS, sample_weight=weights)


# --- centers that are given ---


@pytest.mark.parametrize(
    ("init", "message"),
    [
        (ROWS[:3], r"initial centers \(3, 3\) does not match the number of clusters 2"),
        (ROWS[:2, :2], r"initial centers \(2, 2\) does not match the number of features of the data 3"),
        (ROWS[0], "Expected 2D array"),
        (np.full((2, 3), np.nan), "contains NaN"),
        (
            lambda X, k, random_state: X[:3],
            r"initial centers \(3, 3\) does not match the number of clusters 2",
        ),
        (lambda X, k, random_state: np.full((2, 3), np.inf), "contains infinity"),
    ],
)
def test_unusable_starting_centers(init: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        KMeans(2, init=init, n_init=1).fit(ROWS)


def test_starting_centers_far_outside_of_the_data() -> None:
    model = KMeans(2, init=np.full((2, 3), 1e9), n_init=1, tol=0).fit(ROWS)
    assert model.inertia_ == pytest.approx(FITTED.inertia_, rel=1e-12)


def test_from_centers_checks_what_it_is_given() -> None:
    with pytest.raises(ValueError, match="centers contains NaN"):
        KMeans.from_centers([[np.nan, 1.0]])
    with pytest.raises(ValueError, match="feature_names has 3 names; the centers have 2 columns"):
        KMeans.from_centers([[0.0, 1.0]], feature_names=["a", "b", "c"])


# --- CSR ---


def _csr(container: Any = sp.csr_array) -> Any:
    return container(np.where(np.abs(ROWS) > 0.5, ROWS, 0.0))


@pytest.mark.parametrize("container", [sp.csr_array, sp.csr_matrix])
def test_csr_with_unsorted_indices_is_sorted_in_a_copy(container: Any) -> None:
    X = _csr(container)
    expected = KMeans(2, random_state=0).fit(X)
    for i in range(X.shape[0]):
        span = slice(X.indptr[i], X.indptr[i + 1])
        X.indices[span], X.data[span] = X.indices[span][::-1].copy(), X.data[span][::-1].copy()
    X.has_sorted_indices = X.has_canonical_format = False
    before = X.indices.copy()
    model = KMeans(2, random_state=0).fit(X)
    np.testing.assert_array_equal(model.cluster_centers_, expected.cluster_centers_)
    np.testing.assert_array_equal(X.indices, before)


def test_csr_with_duplicate_entries_adds_them_in_a_copy() -> None:
    data, columns, starts = np.array([1.0, 2.0, 4.0, 9.0]), np.array([0, 0, 1, 1]), np.array([0, 2, 3, 4])
    X = sp.csr_array((data, columns.astype(np.int32), starts.astype(np.int32)), shape=(3, 2))
    np.testing.assert_array_equal(KMeans.from_centers([[3.0, 0.0], [0.0, 5.0]]).predict(X), [0, 1, 1])
    assert X.nnz == 4


def test_csr_with_stored_zeros_is_the_same_rows(dtype: type[np.floating]) -> None:
    X = sp.csr_array(ROWS.astype(dtype))
    X.data[::3] = 0
    clean = X.copy()
    clean.eliminate_zeros()
    one, other = (KMeans(3, random_state=0).fit(rows) for rows in (X, clean))
    np.testing.assert_array_equal(one.labels_, other.labels_)
    np.testing.assert_allclose(one.cluster_centers_, other.cluster_centers_, rtol=1e-6)


def test_csr_with_64_bit_indices_that_fit_is_narrowed() -> None:
    X = _csr()
    wide = sp.csr_array(X.shape, dtype=X.dtype)
    wide.data, wide.indices, wide.indptr = X.data, X.indices.astype(np.int64), X.indptr.astype(np.int64)
    model = KMeans(2, random_state=0).fit(wide)
    np.testing.assert_array_equal(model.labels_, KMeans(2, random_state=0).fit(X).labels_)
    assert wide.indices.dtype == np.int64


def test_csr_whose_indices_do_not_fit_32_bits() -> None:
    X = sp.csr_array((3, 2**31 + 5), dtype=np.float64)
    X.data, X.indptr = np.ones(1), np.array([0, 1, 1, 1], dtype=np.int64)
    X.indices = np.array([2**31 + 1], dtype=np.int64)
    with pytest.raises(ValueError, match="32-bit indices allow 2147483647"):
        KMeans(1).fit(X)


@pytest.mark.parametrize("bad", [-1, 3, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_csr_with_a_column_out_of_range_is_never_read(bad: int, kind: Any) -> None:
    for method in ("fit", "predict", "transform", "score"):
        X = _csr()
        X.indices = X.indices.astype(kind)
        X.indptr = X.indptr.astype(kind)
        X.indices[7] = bad
        with pytest.raises(ValueError, match=r"0\.\.(2|3)"):
            getattr(KMeans(2, random_state=0) if method == "fit" else FITTED, method)(X)


@pytest.mark.parametrize("wrong", ["beyond the end", "falling", "not from 0", "too short"])
def test_csr_with_damaged_indptr_is_never_read(wrong: str) -> None:
    X = _csr()
    starts = X.indptr.copy()
    if wrong == "beyond the end":
        starts[-1] += 1000
    elif wrong == "falling":
        starts[5] = starts[-1]
    elif wrong == "not from 0":
        starts[0] = 1
    else:
        starts = starts[:-1]
    X.indptr = starts
    with pytest.raises(ValueError, match="damaged: its indptr must hold 61 values that rise from 0"):
        KMeans(2).fit(X)


def test_csr_with_more_storage_than_rows_use_is_fine() -> None:
    X = _csr()
    padded = sp.csr_array(X.shape, dtype=X.dtype)
    padded.data = np.r_[X.data, np.nan]
    padded.indices = np.r_[X.indices, np.int32(99)]
    padded.indptr = X.indptr
    np.testing.assert_array_equal(
        KMeans(2, random_state=0).fit(padded).labels_, KMeans(2, random_state=0).fit(X).labels_
    )


def test_more_memory_than_there_is_is_an_error_with_the_figure() -> None:
    model = KMeans.from_centers(np.arange(200_000.0).reshape(-1, 1))
    with pytest.raises(MemoryError, match="distances needs 4800000000000 bytes"):
        model.transform(np.zeros((3_000_000, 1)))


# --- nothing is lost ---


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda: {"X": np.full((60, 4), np.nan)},
        lambda: {"X": pd.DataFrame(ROWS[:3, :2], columns=["p", "q"])},
        lambda: {"X": ROWS, "sample_weight": -np.ones(60)},
        lambda: {"X": ROWS[:, :1] * 1e200},
    ],
)
def test_a_failed_fit_leaves_the_estimator_as_it_was(fitted: bool, spoil: Any) -> None:
    model = KMeans(5, random_state=0)
    if fitted:
        model.fit(pd.DataFrame(ROWS, columns=["a", "b", "c"]))
    before = dict(vars(model))
    with pytest.raises(ValueError, match=r"."):
        model.fit(**spoil())
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())


def test_a_fit_whose_callable_fails_leaves_the_estimator_as_it_was() -> None:
    def broken(X: Any, k: int, random_state: Any) -> Any:
        raise RuntimeError("mine")

    model = KMeans(2, random_state=0).fit(ROWS)
    before = dict(vars(model))
    with pytest.raises(RuntimeError, match="mine"):
        model.set_params(init=broken).fit(ROWS[:, :2])
    assert all(vars(model)[name] is value for name, value in before.items() if name != "init")
    assert model.n_features_in_ == 3


def test_warnings_as_errors_leave_the_estimator_as_it_was() -> None:
    model = KMeans(2, random_state=0)
    with pytest.raises(ConvergenceWarning):  # pytest makes them errors
        model.fit(np.zeros((5, 2)))
    assert not hasattr(model, "cluster_centers_")
    assert not hasattr(model, "n_features_in_")


def test_weights_and_starting_centers_are_not_written_to() -> None:
    weights, init = np.linspace(1, 2, 60), ROWS[[0, 59]].copy()
    kept = weights.copy(), init.copy()
    centers, _, _ = k_means(ROWS, 2, init=init, n_init=1, sample_weight=weights)
    np.testing.assert_array_equal(weights, kept[0])
    np.testing.assert_array_equal(init, kept[1])
    assert not np.shares_memory(centers, init)
