"""What holds for any data: shapes, dtypes, weights and starts drawn by hypothesis."""

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp
from fulcra.cluster import KMeans
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from oracles import nearest, squared_distances, wcss

TRIALS = settings(max_examples=150, deadline=None, derandomize=True)


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    """Of both dtypes, with ties, copies, offsets and scales from tiny to huge."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    shape = draw(st.tuples(st.integers(1, 80), st.integers(1, 20)))
    numbers = draw(st.sampled_from([st.integers(-3, 3).map(float), st.floats(-1, 1, width=32)]))
    X = draw(arrays(np.float64, shape, elements=numbers))
    scale = 10.0 ** draw(st.integers(-30, 30))
    return (X * scale + draw(st.sampled_from([0.0, 1.0, 1e6])) * scale).astype(dtype)


@st.composite
def fits(draw: st.DrawFn) -> dict[str, Any]:
    X = draw(tables())
    n = len(X)
    weights = draw(st.none() | arrays(np.float64, n, elements=st.integers(0, 3).map(float)))
    if weights is not None:
        weights[draw(st.integers(0, n - 1))] = 1.0
    return {
        "X": X,
        "weights": weights,
        "k": draw(st.integers(1, n)),
        "init": draw(st.sampled_from(["k-means++", "random_partition", "uniform"])),
        "seed": draw(st.integers(0, 1000)),
        "sparse": draw(st.booleans()),
        "max_iter": draw(st.sampled_from([1, 2, 20])),
    }


def fitted(case: dict[str, Any]) -> KMeans:
    model = KMeans(
        case["k"], init=case["init"], n_init=1, tol=0, random_state=case["seed"], max_iter=case["max_iter"]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer distinct rows than clusters
        return model.fit(
            sp.csr_array(case["X"]) if case["sparse"] else case["X"], sample_weight=case["weights"]
        )


@TRIALS
@given(fits())
def test_labels_are_the_nearest_centers_and_inertia_is_theirs(case: dict[str, Any]) -> None:
    X, model = case["X"], fitted(case)
    assert_array_equal(model.labels_, nearest(X, model.cluster_centers_))
    assert model.cluster_centers_.shape == (case["k"], X.shape[1])
    assert model.cluster_centers_.dtype == X.dtype
    expected = wcss(X, model.cluster_centers_, case["weights"])
    # What CSR rows may lose where they cancel with their center.
    lost = 1e-13 * np.square(X, dtype=np.float64).sum() if case["sparse"] else 0.0
    assert_allclose(model.inertia_, expected, rtol=1e-7 if case["sparse"] else 1e-12, atol=lost + 1e-300)


@TRIALS
@given(fits())
def test_wcss_never_rises(case: dict[str, Any]) -> None:
    model = fitted(case)
    inertia = model.history_["inertia"]
    spread = np.square(case["X"] - case["X"].mean(axis=0, dtype=np.float64)).sum()
    weight = 1.0 if case["weights"] is None else max(case["weights"].max(), 1.0)
    rounding = 1e-12 * weight * (spread + np.square(case["X"], dtype=np.float64).sum() * 1e-4)
    assert (np.diff(inertia) <= rounding).all()
    assert model.inertia_ <= inertia[0] + rounding + 1e-6 * abs(inertia[0]) * (case["X"].dtype == np.float32)


@TRIALS
@given(fits())
def test_centers_lie_in_the_box_of_their_rows(case: dict[str, Any]) -> None:
    model, X = fitted(case), case["X"].astype(np.float64)
    if case["weights"] is not None:
        X = X[case["weights"] > 0]
    slack = 1e-6 * np.abs(X).max() if case["X"].dtype == np.float32 else 1e-12 * np.abs(X).max()
    assert (model.cluster_centers_ >= X.min(axis=0) - slack).all()
    assert (model.cluster_centers_ <= X.max(axis=0) + slack).all()


@TRIALS
@given(tables(), tables(), st.booleans())
def test_predict_and_transform_agree_with_their_definitions(
    X: np.ndarray, other: np.ndarray, sparse: bool
) -> None:
    centers = np.resize(other, (len(other), X.shape[1]))
    model = KMeans.from_centers(centers)
    rows = sp.csr_array(X) if sparse else X
    assert_array_equal(model.predict(rows), nearest(X, centers))
    if not sparse:
        assert_array_equal(model.transform(rows), np.sqrt(squared_distances(X, centers)).astype(X.dtype))


@TRIALS
@given(fits())
def test_the_same_call_gives_the_same_bits(case: dict[str, Any]) -> None:
    one, other = fitted(case), fitted(case)
    assert_array_equal(one.cluster_centers_, other.cluster_centers_)
    assert_array_equal(one.labels_, other.labels_)
    assert one.inertia_ == other.inertia_
