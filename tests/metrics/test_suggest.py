"""How many clusters: on data without any, on groups that are plain to see, and on real tables."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from fulcra.metrics import suggest_n_clusters
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.preprocessing import scale
from sklearn.utils._param_validation import InvalidParameterError

Draw = Callable[[np.random.Generator], np.ndarray]


def rotated(rng: np.random.Generator) -> np.ndarray:
    turn: np.ndarray = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return rng.normal(size=(200, 3)) * [5, 1, 0.3] @ turn


def disc(rng: np.random.Generator) -> np.ndarray:
    angle, radius = 2 * np.pi * rng.random(200), np.sqrt(rng.random(200))
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


WITHOUT: dict[str, Draw] = {
    "uniform": lambda rng: rng.random((200, 2)),
    "uniform, 8 features": lambda rng: rng.random((200, 8)),
    "uniform, 30 rows": lambda rng: rng.random((30, 2)),
    "disc": disc,
    "Gaussian, 1 feature": lambda rng: rng.normal(size=(200, 1)),
    "Gaussian": lambda rng: rng.normal(size=(200, 2)),
    "Gaussian, 10 features": lambda rng: rng.normal(size=(200, 10)),
    "Gaussian, correlated": rotated,
    "heavy tails": lambda rng: rng.standard_t(3, size=(200, 3)),
    "exponential": lambda rng: rng.exponential(size=(200, 2)),
}


@pytest.mark.parametrize("kind", WITHOUT)
def test_rows_without_clusters_have_none(kind: str) -> None:
    n_seeds = 12
    found = [
        suggest_n_clusters(
            WITHOUT[kind](np.random.default_rng(seed)), range(2, 7), n_splits=2, random_state=seed
        )
        for seed in range(n_seeds)
    ]
    assert sum(report.n_clusters == 1 for report in found) == n_seeds
    assert "no more clustered than uniform rows" in found[0].reasons[0]
    assert str(found[0]).startswith("No clusters.")


def groups(rng: np.random.Generator, n: int, n_groups: int, n_features: int) -> np.ndarray:
    """Unit Gaussians whose means are at least 8 apart."""
    while True:
        means = 8 * rng.normal(size=(n_groups, n_features))
        apart = np.linalg.norm(means[:, np.newaxis] - means, axis=2)
        if apart[~np.eye(n_groups, dtype=bool)].min() >= 8:
            return rng.normal(size=(n, n_features)) + means[rng.integers(n_groups, size=n)]


@pytest.mark.parametrize("n_groups", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("n_features", [2, 10])
def test_groups_that_are_plain_to_see_are_counted(n_groups: int, n_features: int) -> None:
    found = []
    for seed in range(5):
        X = groups(np.random.default_rng(seed), 300, n_groups, n_features)
        found.append(suggest_n_clusters(X, range(2, 9), n_splits=2, random_state=seed).n_clusters)
    assert found == [n_groups] * 5


def test_two_groups_five_deviations_apart_are_two() -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(200, 2)) + [5, 0] * rng.integers(2, size=(200, 1))
        assert suggest_n_clusters(X, range(2, 7), random_state=seed).n_clusters == 2


@pytest.mark.parametrize(
    ("X", "right"),
    [
        (load_iris().data, {2, 3}),
        (scale(load_wine().data), {3}),
        (load_digits().data, {8, 9, 10, 11}),
    ],
    ids=["iris", "wine", "digits"],
)
def test_real_tables(X: np.ndarray, right: set[int]) -> None:
    found = [suggest_n_clusters(X, range(2, 13), n_references=8, random_state=seed) for seed in range(2)]
    assert {report.n_clusters for report in found} <= right


def test_float32_and_offsets_change_nothing() -> None:
    X = groups(np.random.default_rng(0), 200, 4, 3)
    expected = suggest_n_clusters(X, range(2, 7), random_state=0)
    for other in (X.astype(np.float32), X + 1e6, 1e-9 * X):
        found = suggest_n_clusters(other, range(2, 7), random_state=0)
        assert (found.n_clusters, found.votes) == (expected.n_clusters, expected.votes)


# --- the report ---


@pytest.fixture(scope="module")
def report() -> Any:
    return suggest_n_clusters(groups(np.random.default_rng(1), 200, 3, 2), range(2, 6), random_state=0)


def test_the_report_says_what_and_why(report: Any) -> None:
    assert report.n_clusters == 3
    assert report.votes == dict.fromkeys(["elbow", "silhouette", "gap", "davies_bouldin", "stability"], 3)
    assert report.reasons[0].startswith("The rows are more clustered than uniform rows")
    assert report.reasons[1] == "3 clusters: elbow, silhouette, gap, davies_bouldin, stability."
    lines = str(report).splitlines()
    assert lines[0] == "3 clusters."
    assert [line.split()[0] for line in lines[-5:]] == ["1", "2", "3", "4", "5"]
    assert lines[-3].count("*") == 5


def test_the_report_as_data(report: Any) -> None:
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert plain["n_clusters"] == 3
    assert plain["table"]["n_clusters"] == [1, 2, 3, 4, 5]
    assert plain["table"]["silhouette"][0] is None
    frame = report.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame.index.name == "n_clusters"
    assert frame["silhouette"].idxmax() == 3
    assert set(frame.columns) == set(report.table) - {"n_clusters"}
    html = report._repr_html_()
    assert html.count("<tr>") == 6
    assert "3 clusters." in html


def test_the_figures_are_what_the_measures_say(report: Any) -> None:
    from fulcra.cluster import KMeans  # noqa: PLC0415
    from fulcra.metrics import davies_bouldin_score, silhouette_score  # noqa: PLC0415

    X = groups(np.random.default_rng(1), 200, 3, 2)
    labels = KMeans(3, n_init=10, random_state=0).fit(X).labels_
    frame = report.to_frame()
    assert frame.loc[3, "silhouette"] == pytest.approx(silhouette_score(X, labels), rel=1e-9)
    assert frame.loc[3, "davies_bouldin"] == pytest.approx(davies_bouldin_score(X, labels), rel=1e-9)
    assert frame.loc[3, "silhouette_error"] == 0
    falls = -np.diff(np.log(frame["wcss"]))
    assert frame.loc[3, "bend"] == pytest.approx(falls[1] - falls[2], rel=1e-12)
    assert frame.loc[1, "wcss"] == pytest.approx(((X - X.mean(axis=0)) ** 2).sum(), rel=1e-12)


def test_many_rows_are_sampled_where_it_says_so() -> None:
    X = groups(np.random.default_rng(0), 12_000, 3, 2)
    found = suggest_n_clusters(X, range(2, 5), max_samples=500, n_references=5, random_state=0)
    assert found.n_clusters == 3
    assert found.reasons[-1] == "Gap and stability look at 500 of the 12000 rows, drawn at random."
    assert (found.table["silhouette_error"][1:] > 0).all()


def test_the_seed_decides() -> None:
    X = np.random.default_rng(0).normal(size=(60, 2))
    first, second = (str(suggest_n_clusters(X, [2, 3], random_state=5)) for _ in range(2))
    assert first == second


# --- little and bad input ---


def test_equal_and_few_rows() -> None:
    equal = suggest_n_clusters(np.ones((20, 2)))
    assert (equal.n_clusters, equal.reasons[-1], equal.votes) == (1, "All rows are equal.", {})
    assert suggest_n_clusters(np.ones((1, 1)) * [[1], [2]]).n_clusters == 1
    # Values that come again and again are no clusters by themselves; that they go together is.
    one = suggest_n_clusters(np.repeat([[0.0], [1.0], [7.0]], 10, axis=0), random_state=0)
    assert one.n_clusters == 1
    assert "1 of 1 columns have few values" in one.reasons[-1]
    few = suggest_n_clusters(np.repeat([[0.0, 5.0], [1.0, 1.0], [7.0, 8.0]], 10, axis=0), random_state=0)
    assert few.n_clusters == 3
    assert "X has fewer than 4 distinct rows." in few.reasons
    assert suggest_n_clusters(np.arange(20.0)[:, np.newaxis], [1]).reasons == (
        "No other number of clusters was tried.",
    )
    for made in (equal, few):
        assert str(made)
        assert json.dumps(made.to_dict(), allow_nan=False)


def test_unusable_input_is_named() -> None:
    X = pd.DataFrame(np.random.default_rng(0).random((20, 2)), columns=["a", "b"])
    with pytest.raises(InvalidParameterError, match="must be an array-like"):
        suggest_n_clusters(sp.csr_array(X))
    with pytest.raises(ValueError, match="goes from 2 to 30; X with 20 rows allows 1 to 19"):
        suggest_n_clusters(X, range(2, 31))
    with pytest.raises(InvalidParameterError, match="'n_splits'"):
        suggest_n_clusters(X, n_splits=1)
    X.iloc[3, 1] = np.inf
    with pytest.raises(ValueError, match="infinity: the first is in row 3, column 'b'"):
        suggest_n_clusters(X)


def test_answers_on_a_scale_are_no_clusters() -> None:
    rng = np.random.default_rng(0)
    for X in (
        rng.integers(1, 6, size=(300, 1)),
        rng.integers(0, 2, size=(300, 4)),
        rng.exponential(size=(500, 4)) * (rng.random((500, 4)) < 0.3),
    ):
        assert suggest_n_clusters(scale(X.astype(float)), random_state=0).n_clusters == 1


def test_two_groups_are_seen_beside_scaled_columns_of_noise() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(300, 4))
        X[:, 0] += 10 * (np.arange(300) % 2)
        found = suggest_n_clusters(scale(X), random_state=0)
        assert found.n_clusters == 2
        assert found.table["parted"][1] > 0.5
