"""MahalanobisKMeans: by hand, against the definition in NumPy, and against optima that are known."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from fulcra.cluster import KMeans, MahalanobisKMeans
from numpy.testing import assert_allclose, assert_array_equal
from oracles import best_partition
from sklearn.datasets import load_iris
from sklearn.mixture import GaussianMixture

IRIS = load_iris().data
RNG = np.random.default_rng(0)


def squares(X: Any, centers: Any, covariances: Any) -> np.ndarray:
    X, centers = np.asarray(X, dtype=np.float64), np.asarray(centers, dtype=np.float64)
    covariances = np.broadcast_to(covariances, (len(centers), X.shape[1], X.shape[1]))
    table = np.zeros((len(X), len(centers)))
    for j, (c, s) in enumerate(zip(centers, covariances, strict=True)):
        table[:, j] = np.einsum("if,fg,ig->i", X - c, np.linalg.inv(s), X - c)
    return table


def test_distances_on_paper() -> None:
    # S^-1 of [[2, 1], [1, 2]] is [[2, -1], [-1, 2]] / 3.
    model = MahalanobisKMeans.from_centers([[1.0, 2.0], [0.0, 0.0]], covariance=[[2, 1], [1, 2]])
    want = np.sqrt([[8 / 3, 26 / 3], [0, 2]])
    assert_allclose(model.transform([[3.0, 4.0], [1.0, 2.0]]), want, rtol=1e-15)
    assert_allclose(model.score([[3.0, 4.0]]), -(8 / 3 + np.log(3)), rtol=1e-14)
    own = MahalanobisKMeans.from_centers(
        [[0.0, 0.0], [10.0, 0.0]], covariance=[[[100, 0], [0, 1]], [[1, 0], [0, 1]]]
    )
    assert_allclose(own.transform([[7.0, 0.0]]), [[0.7, 3.0]])
    # 0.49 + log 100 against 9; at 8.5: 0.7225 + 4.605 against 2.25.
    assert_array_equal(own.predict([[7.0, 0.0], [8.5, 0.0]]), [0, 1])
    assert_allclose(own.penalties_, [np.log(100), 0])


def test_the_unit_matrix_is_k_means(dtype: type[np.floating]) -> None:
    X = IRIS.astype(dtype)
    plain = KMeans(3, init=X[[0, 60, 120]], n_init=1, tol=0).fit(X)
    model = MahalanobisKMeans(3, covariance=np.eye(4), init=X[[0, 60, 120]], tol=0).fit(X)
    assert_array_equal(model.labels_, plain.labels_)
    assert_allclose(model.cluster_centers_, plain.cluster_centers_, rtol=1e-6)
    assert_allclose(model.inertia_, plain.inertia_, rtol=1e-6)
    assert model.shrinkage_ == 0


@pytest.mark.parametrize("covariance", ["shared", "full"])
@pytest.mark.parametrize("shrinkage", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_iteration_is_that_of_the_definition(
    covariance: str, shrinkage: float, weighted: bool, dtype: type[np.floating]
) -> None:
    X = (RNG.normal(size=(400, 3)) @ RNG.normal(size=(3, 3)) + 3 * RNG.integers(0, 3, (400, 1))).astype(dtype)
    w = RNG.random(400) if weighted else np.ones(400)
    total = np.cov(X.T.astype(np.float64), aweights=w, ddof=0)
    target = np.diag(np.diag(total))
    centers = X[:4].astype(np.float64)
    s = np.array([(1 - shrinkage) * total + shrinkage * target] * 4)
    want = []
    for _ in range(5):
        penalties = np.array(
            [np.linalg.slogdet(one)[1] + shrinkage * np.trace(target @ np.linalg.inv(one)) for one in s]
        )
        table = (1 - shrinkage) * squares(X, centers, s) + penalties
        labels = table.argmin(axis=1)
        want.append(w @ table.min(axis=1))
        centers = np.array([np.average(X[labels == j], axis=0, weights=w[labels == j]) for j in range(4)])
        own = [np.cov(X[labels == j].T.astype(np.float64), aweights=w[labels == j], ddof=0) for j in range(4)]
        if covariance == "shared":
            within = sum(w[labels == j].sum() * own[j] for j in range(4)) / w.sum()
            own = [within] * 4
        s = np.array([(1 - shrinkage) * one + shrinkage * target for one in own])
    model = MahalanobisKMeans(4, covariance=covariance, shrinkage=shrinkage, init=X[:4], max_iter=5, tol=0)
    model.fit(X, sample_weight=w)
    assert_allclose(model.history_["inertia"], want, rtol=1e-9)
    assert_allclose(model.cluster_centers_, centers, rtol=1e-6 if dtype == np.float32 else 1e-9)
    assert_allclose(np.broadcast_to(model.covariances_, s.shape), s, rtol=1e-9, atol=1e-12)
    assert model.covariances_.shape == ((3, 3) if covariance == "shared" else (4, 3, 3))
    p = np.broadcast_to(model.precisions_cholesky_, s.shape)
    assert_allclose(p @ np.swapaxes(p, 1, 2), np.linalg.inv(s), rtol=1e-8, atol=1e-8)
    assert_allclose(np.tril(p, -1), 0)
    table = squares(X, model.cluster_centers_, model.covariances_)
    assert_allclose(model.transform(X), np.sqrt(table), rtol=1e-5 if dtype == np.float32 else 1e-9)
    assert_array_equal(model.labels_, ((1 - shrinkage) * table + model.penalties_).argmin(axis=1))


@pytest.mark.parametrize("covariance", ["shared", "full"])
@pytest.mark.parametrize("seed", range(6))
def test_an_affine_map_changes_nothing(covariance: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(300, 3)) + 4 * rng.integers(0, 3, size=(300, 1))
    by, shift = rng.normal(size=(3, 3)) + 2 * np.eye(3), 100 * rng.normal(size=3)
    fits = [
        MahalanobisKMeans(3, covariance=covariance, shrinkage=0, init=rows[:3], tol=0).fit(rows)
        for rows in (X, X @ by + shift)
    ]
    assert_array_equal(fits[0].labels_, fits[1].labels_)
    assert_allclose(fits[1].cluster_centers_, fits[0].cluster_centers_ @ by + shift, rtol=1e-9, atol=1e-9)
    assert_allclose(fits[0].transform(X), fits[1].transform(X @ by + shift), rtol=1e-7)
    log_det = 300 * 2 * np.log(abs(np.linalg.det(by)))
    assert_allclose(fits[1].inertia_, fits[0].inertia_ + log_det, rtol=1e-9)


@pytest.mark.parametrize("covariance", ["shared", "full"])
def test_units_of_features_change_nothing_with_shrinkage(covariance: str) -> None:
    units = np.array([1e-3, 1.0, 1e4, 2.5])
    fits = [
        MahalanobisKMeans(3, covariance=covariance, shrinkage=0.3, init=rows[[0, 60, 120]], tol=0).fit(rows)
        for rows in (IRIS, IRIS * units)
    ]
    assert_array_equal(fits[0].labels_, fits[1].labels_)
    assert_allclose(fits[1].cluster_centers_, fits[0].cluster_centers_ * units, rtol=1e-10)


@pytest.mark.parametrize("seed", range(8))
def test_the_best_of_many_starts_is_the_optimum_of_all_partitions(seed: int) -> None:
    X = np.random.default_rng(seed).normal(size=(10, 2))

    def loss(labels: np.ndarray) -> float:
        own = [X[labels == j] - X[labels == j].mean(axis=0) for j in range(2)]
        return float(10 * (2 + np.linalg.slogdet(sum(v.T @ v for v in own) / 10)[1]))

    pairs = itertools.combinations(range(10), 2)
    found = min(
        MahalanobisKMeans(2, shrinkage=0, init=X[list(pair)], tol=0).fit(X).inertia_ for pair in pairs
    )
    assert found == pytest.approx(best_partition(10, 2, loss), rel=1e-10)


def test_strips_that_k_means_cuts_across_are_found() -> None:
    X = np.concatenate([RNG.normal(size=(300, 2)) * [30, 1] + [0, 10 * side] for side in (0, 1)])
    truth = np.repeat([0, 1], 300)
    turn = np.array([[1, 0.5], [-0.5, 1]])
    agree = {}
    for model in (KMeans(2, n_init=10, random_state=0), MahalanobisKMeans(2, n_init=10, random_state=0)):
        same = (model.fit(X @ turn).labels_ == truth).mean()
        agree[type(model).__name__] = max(same, 1 - same)
    assert agree["MahalanobisKMeans"] > 0.99
    assert agree["KMeans"] < 0.7


def test_a_wide_cluster_around_a_small_one_is_found_with_covariances_of_their_own() -> None:
    X = np.concatenate([RNG.normal(size=(500, 2)) * 10, RNG.normal(size=(500, 2)) * 0.3])
    model = MahalanobisKMeans(2, covariance="full", n_init=10, random_state=0).fit(X)
    mixed = GaussianMixture(2, random_state=0).fit(X)
    same = (model.labels_ == mixed.predict(X)).mean()
    assert max(same, 1 - same) > 0.98


def test_clusters_that_a_column_tells_apart_do_not_collapse() -> None:
    X = np.array([[side, value] for side in (1.0, 2.0) for value in (1.0, 2.0, 3.0, 4.0)])
    model = MahalanobisKMeans(2, random_state=0).fit(X)
    assert np.isfinite(model.inertia_)
    with pytest.raises(ValueError, match="cluster 0 is singular: column 0 is constant"):
        MahalanobisKMeans(2, shrinkage=0, init=X[[0, 4]]).fit(X)


@pytest.mark.parametrize("n", [12, 20])
def test_clusters_of_fewer_rows_than_features_do_not_collapse(n: int) -> None:
    X = RNG.normal(size=(n, 8))
    model = MahalanobisKMeans(5, covariance="full", random_state=0).fit(X)
    assert np.isfinite(model.inertia_)
    assert (np.linalg.eigvalsh(model.covariances_) > 1e-4).all()
    with pytest.raises(ValueError, match=r"covariance of cluster \d is singular: column \d"):
        MahalanobisKMeans(5, covariance="full", shrinkage=0, random_state=0).fit(X)


@pytest.mark.parametrize("covariance", ["shared", "full"])
def test_columns_that_say_nothing_are_named(covariance: str) -> None:
    constant, double = IRIS.copy(), IRIS.copy()
    constant[:, 2] = 7
    double[:, 3] = 2 * double[:, 1] - double[:, 0]
    with pytest.raises(ValueError, match="column 2 is constant"):
        MahalanobisKMeans(2, covariance=covariance, random_state=0).fit(constant)
    with pytest.raises(ValueError, match="column 3 follows from the columns before it"):
        MahalanobisKMeans(2, covariance=covariance, shrinkage=0, random_state=0).fit(double)
    MahalanobisKMeans(2, covariance=covariance, shrinkage=0.1, random_state=0).fit(double)
    named = pd.DataFrame(double, columns=["sepal", "width", "petal", "both"])
    with pytest.raises(ValueError, match="column 'both' follows from the columns before it"):
        MahalanobisKMeans(2, covariance=covariance, shrinkage=0, random_state=0).fit(named)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"shrinkage": 1.0}, "'shrinkage' parameter of MahalanobisKMeans must be"),
        ({"covariance": "diag"}, "'covariance' parameter of MahalanobisKMeans must be"),
        ({"covariance": np.eye(3)}, r"covariance has shape \(3, 3\); \(4, 4\) or \(2, 4, 4\) is needed"),
        ({"covariance": np.arange(16.0).reshape(4, 4)}, "covariance must be symmetric"),
        ({"covariance": np.ones((4, 4))}, "covariance of cluster 0 is singular: column 1 follows"),
        ({"covariance": -np.eye(4)}, "covariance of cluster 0 is singular"),
        ({"covariance": np.full((4, 4), np.nan)}, "NaN"),
    ],
)
def test_unusable_covariances(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MahalanobisKMeans(2, **parameters).fit(IRIS)
    if "covariance" in parameters:
        with pytest.raises(ValueError, match=r"."):
            MahalanobisKMeans.from_centers(IRIS[:2], **parameters)
    with pytest.raises(ValueError, match="needs a covariance that is known, as an array; it is 'shared'"):
        MahalanobisKMeans.from_centers(IRIS[:2])


def test_given_covariances_stay(dtype: type[np.floating]) -> None:
    X = IRIS.astype(dtype)
    given = np.array([np.eye(4), 2 * np.eye(4), np.diag([1.0, 2, 3, 4])])
    model = MahalanobisKMeans(3, covariance=given, random_state=0, tol=0).fit(X)
    assert_array_equal(model.covariances_, given)
    known = MahalanobisKMeans.from_centers(model.cluster_centers_, covariance=given)
    assert_array_equal(known.predict(X), model.labels_)
    assert known.score(X) == model.score(X)


def test_sparse_rows_are_refused() -> None:
    with pytest.raises(TypeError, match="Sparse data was passed, but dense data is required"):
        MahalanobisKMeans(2).fit(sp.csr_array(np.eye(5)))
