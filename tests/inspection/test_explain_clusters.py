"""Reports: right on planted clusters, silent on noise, the same by whoever made the model."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import fulcra
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from conftest import Interrupt
from fulcra._reading.numbers import human
from fulcra._reading.profile import profile
from fulcra.cluster import FuzzyCMeans, KMeans, KMedians, KMedoids, MahalanobisKMeans, SphericalKMeans
from fulcra.inspection import ClusterReport, explain_clusters
from fulcra.inspection._naming import Term, names, word
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.cluster import AgglomerativeClustering
from sklearn.cluster import KMeans as TheirKMeans
from sklearn.cluster import MiniBatchKMeans as TheirMiniBatchKMeans
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris, load_wine
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, scale

#: The text's three segments: age, income, spending, visits; and how far people scatter.
SEGMENTS = np.array([[27.5, 40000, 77.7, 13.7], [45.2, 65000, 55.3, 8.2], [62.8, 55000, 35.1, 4.5]])
SCATTER = np.array([4.0, 4500, 6, 1.3])


def customers(n_samples: int = 600, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    segment = rng.integers(3, size=n_samples)
    rows = SEGMENTS[segment] + SCATTER * rng.normal(size=(n_samples, 4))
    frame = pd.DataFrame(rows, columns=["age", "annual_income", "spending_score", "visits"])
    frame["member"] = segment == 0
    frame["city"] = rng.choice(["Bonn", "Kiel", "Ulm"], size=n_samples)
    frame.index = [f"customer {i}" for i in range(n_samples)]
    return frame


def pipeline(clusterer: Any) -> Any:
    numbers = ["age", "annual_income", "spending_score", "visits"]
    encode = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(), ["member", "city"]))
    return make_pipeline(encode, clusterer)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return customers()


@pytest.fixture(scope="module")
def report(table: pd.DataFrame) -> ClusterReport:
    return explain_clusters(pipeline(KMeans(3, random_state=0)).fit(table), table)


def test_the_segments_of_the_text_get_their_names(report: ClusterReport) -> None:
    order = np.argsort(report.centers[:, 0])
    young, middle, senior = (report.names[j] for j in order)
    # "Young High Spenders", "Middle-aged Moderate Spenders", "Senior Conservative Spenders"
    assert set(young.split(", ")) == {"member", "young", "frequent"}
    assert middle.startswith("high annual income")
    assert set(senior.split(", ")) == {"older", "low spending score", "infrequent"}
    assert_allclose(report.centers[order, :4], SEGMENTS, rtol=0.03)
    assert_array_equal(report.centers[order, report.features.index("member = True")], [1, 0, 0])
    assert (report.stability > 0.95).all()


def test_centers_shares_and_differences_by_hand(table: pd.DataFrame, report: ClusterReport) -> None:
    for j in range(3):
        inside = report.labels == j
        assert report.sizes[j] == inside.sum()
        assert report.shares[j] == pytest.approx(inside.mean())
        f = report.features.index("city = Kiel")
        kiel = (table["city"] == "Kiel").to_numpy()
        assert report.centers[j, f] == pytest.approx(kiel[inside].mean())
        gap = kiel[inside].mean() - kiel[~inside].mean()
        assert report.differences[j, f] == pytest.approx(gap / kiel.std(ddof=1))
        assert report.low[j, f] < report.differences[j, f] < report.high[j, f]
        assert not report.confirmed[j, f]
        f = report.features.index("age")
        age = table["age"].to_numpy()
        assert report.centers[j, f] == pytest.approx(age[inside].mean())
        assert f in report.drivers(j) or abs(report.differences[j, f]) < 0.5


def test_typical_borderline_and_outlying_rows_by_hand() -> None:
    X = np.array([[0.0], [1.0], [3.0], [-3.0], [4.0], [49.0], [100.0], [101.0], [102.0], [90.0]])
    report = explain_clusters(KMeans.from_centers([[0.0], [100.0]]), X, n_examples=2)
    assert report.typical == ([0, 1], [6, 7])
    # 49 from its own center, 51 from the other: a tenth farther at most.
    assert report.borderline == ([5], [])
    assert report.n_borderline.tolist() == [1, 0]
    rows = np.concatenate([np.random.default_rng(0).normal(size=500), [60.0, -80.0]])[:, np.newaxis]
    frame = pd.DataFrame({"x": rows[:, 0]}, index=[f"row {i}" for i in range(502)])
    model = KMeans.from_centers([[0.0]], feature_names=["x"])
    report = explain_clusters(model, frame)
    assert report.outliers == (["row 501", "row 500"],)
    assert report.names == ("not distinct",)
    quiet = explain_clusters(model, frame.iloc[:500])
    assert quiet.outliers == ([],)


def planted(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three to five groups, each shifted by 4 in one to three of 4 to 8 features, unit noise."""
    rng = np.random.default_rng(seed)
    k, d = int(rng.integers(3, 6)), int(rng.integers(4, 9))
    while True:
        centers = np.zeros((k, d))
        for center in centers:
            features = rng.choice(d, size=rng.integers(1, 4), replace=False)
            center[features] = rng.choice([-4.0, 4.0], size=len(features))
        gaps = np.linalg.norm(centers[:, np.newaxis] - centers, axis=2)
        if gaps[~np.eye(k, dtype=bool)].min() >= 4:
            break
    group = rng.integers(k, size=int(rng.integers(100 * k, 250 * k)))
    return centers[group] + rng.normal(size=(len(group), d)), group, centers


def is_right(seed: int) -> bool:
    """Whether drivers are all of the large true differences, no false ones, and names say the same."""
    X, group, centers = planted(seed)
    k = len(centers)
    model = KMeans(k, n_init=5, random_state=seed).fit(X)
    report = explain_clusters(model, X)
    share = np.bincount(group, minlength=k)[:, np.newaxis] / len(group)
    rest = (share * centers).sum(axis=0) - share * centers
    spread = np.sqrt(1 + (share * (centers - (share * centers).sum(axis=0)) ** 2).sum(axis=0))
    true = (centers - rest / (1 - share)) / spread
    partner = [np.bincount(group[model.labels_ == j], minlength=k).argmax() for j in range(k)]
    right = len(set(partner)) == k and len(set(report.names)) == k
    for j in range(k):
        own, drivers = true[partner[j]], report.drivers(j)
        right &= all(np.sign(report.differences[j, f]) == np.sign(own[f]) for f in drivers)
        right &= all(abs(own[f]) > 0.05 for f in drivers)
        right &= set(np.flatnonzero(np.abs(own) >= 0.8)) <= set(drivers)
        said = report.names[j].split(", ")
        strongest = int(np.argmax(np.abs(report.differences[j])))
        right &= said[0] == f"{'high' if report.differences[j, strongest] > 0 else 'low'} x{strongest}"
        for level, name in (part.split() for part in said):
            place = int(name[1:])
            want = {"high": own[place] > 0.4, "low": own[place] < -0.4, "medium": abs(own[place]) < 0.6}
            right &= want.get(level, False)
    return bool(right)


def test_names_and_drivers_are_right_on_planted_clusters() -> None:
    fulcra.set_num_threads(1)
    assert sum(is_right(seed) for seed in range(200)) >= 190


def noise(seed: int) -> tuple[np.ndarray, int]:
    rng = np.random.default_rng(1000 + seed)
    n, d, k = int(rng.integers(100, 800)), int(rng.integers(1, 7)), int(rng.integers(2, 6))
    kinds = (
        lambda: rng.normal(size=(n, d)),
        lambda: rng.uniform(size=(n, d)),
        lambda: rng.normal(size=(n, d)) @ rng.normal(size=(d, d)),
        lambda: rng.standard_t(3, size=(n, d)),
        lambda: rng.exponential(size=(n, d)),
    )
    return kinds[seed % len(kinds)](), k


def test_names_and_drivers_are_silent_on_noise() -> None:
    fulcra.set_num_threads(1)
    silent = 0
    for seed in range(200):
        X, k = noise(seed)
        report = explain_clusters(KMeans(k, random_state=seed).fit(X), X)
        silent += set(report.names) == {"not distinct"} and not report.confirmed.any()
    assert silent >= 190


def test_our_k_means_and_scikit_learns_get_the_same_report() -> None:
    X = load_iris(as_frame=True).data
    start = X.iloc[[0, 60, 120]].to_numpy()
    settings = {"n_clusters": 3, "init": start, "n_init": 1, "tol": 0}
    ours = explain_clusters(KMeans(**settings).fit(X), X)
    theirs = explain_clusters(TheirKMeans(**settings).fit(X), X)
    assert ours.names == theirs.names
    assert str(ours) == str(theirs)
    for name in ("sizes", "centers", "differences", "low", "high", "stability"):
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9)
    pd.testing.assert_frame_equal(ours.to_frame(), theirs.to_frame())
    batches = explain_clusters(TheirMiniBatchKMeans(3, random_state=0).fit(X), X)
    assert_allclose(batches.shares.sum(), 1)


class _Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_text_page_dict_and_frame_carry_the_same_numbers(report: ClusterReport) -> None:
    page = _Cells()
    page.feed(report.to_html())
    text, cells = str(report), page.texts
    features, clusters = report.to_frame("features"), report.to_frame()
    told = report.to_dict()
    assert json.loads(json.dumps(told)) == told
    for j, cluster in enumerate(told["clusters"]):
        assert clusters.loc[j, "name"] == cluster["name"] == report.names[j]
        assert f"{j}  {cluster['name']}: {cluster['size']:,.0f} rows" in text
        assert f"stability {cluster['stability']:.2f}" in text
        assert any(f"stability {cluster['stability']:.2f}" in cell for cell in cells)
        for f in report.drivers(j)[:5]:
            name = report.features[f]
            row, figures = features.loc[(j, name)], cluster["features"][name]
            assert dict(row) == figures
            assert figures["center"] == clusters.loc[j, name]
            difference = re.escape(f"{row['difference']:+.2f}")
            line = re.search(rf"^     {re.escape(name)} .* {difference} .*$", text, re.MULTILINE)
            assert line is not None
            written = human(row["center"], report.spread[f], is_share=bool(report.is_share[f]))
            interval = f"{row['low']:+.2f} to {row['high']:+.2f}"
            assert line[0].split()[-3:] == interval.split()
            assert f" {written} " in line[0]
            assert {name, written, f"{row['difference']:+.2f}", interval} <= set(cells)
        for row in cluster["typical"]:
            assert str(row) in text


def test_the_page_stands_alone_and_escapes_names() -> None:
    frame = pd.DataFrame({"<b>x</b>": [0.0, 0.1, 9.0, 9.1] * 10})
    page = explain_clusters(KMeans(2, random_state=0).fit(frame), frame).to_html(
        "a < b", pictures=[b"\x89PNG"]
    )
    assert page.startswith("<!doctype html>")
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "data:image/png;base64,iVBORw==" in page
    assert "http" not in page


def test_the_same_report_every_time_on_any_number_of_threads(table: pd.DataFrame) -> None:
    model = pipeline(KMeans(3, random_state=0)).fit(table)
    found = []
    for threads in (1, 2):
        fulcra.set_num_threads(threads)
        found.append(explain_clusters(model, table, random_state=7).to_dict())
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "model",
    [
        KMedians(3, random_state=0),
        KMedoids(3, random_state=0),
        FuzzyCMeans(3, random_state=0),
        MahalanobisKMeans(3, random_state=0),
        SphericalKMeans(3, random_state=0),
        AgglomerativeClustering(3),
        KMeans.from_centers([[-1, -1], [8, 0], [0, 8]]),
        TheirKMeans(3, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_every_kind_of_clusterer_is_explained(model: Any, dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(3)
    X = (rng.normal(size=(150, 2)) + 9 * np.array([[-1, -1], [1, 0], [0, 1]])[np.arange(150) % 3]).astype(
        dtype
    )
    if model.get_params().get("init") is None or isinstance(model.init, str):
        model = clone(model).fit(X)
    report = explain_clusters(model, X)
    assert "not distinct" not in report.names
    assert len(set(report.names)) == 3
    assert (report.stability > 0.9).all()


def test_frames_of_every_library_and_what_a_model_may_be_inside_of() -> None:
    frame = load_iris(as_frame=True).data
    fitted = KMeans(3, random_state=0).fit(frame)
    want = explain_clusters(fitted, frame)
    assert want.features == tuple(frame.columns)
    theirs = pl.from_pandas(frame)
    assert explain_clusters(KMeans(3, random_state=0).fit(theirs), theirs).to_dict() == want.to_dict()
    assert explain_clusters(FrozenEstimator(fitted), frame).to_dict() == want.to_dict()
    search = GridSearchCV(KMeans(random_state=0), {"n_clusters": [3]}, cv=2).fit(frame)
    assert explain_clusters(search, frame).to_dict() == want.to_dict()
    framed = make_pipeline(StandardScaler().set_output(transform="pandas"), KMeans(3, random_state=0))
    assert explain_clusters(framed.fit(frame), frame).features == want.features
    known = KMeans.from_centers(fitted.cluster_centers_, feature_names=list("abcd"))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        array = explain_clusters(known, frame.to_numpy())
    assert array.features == ("a", "b", "c", "d")


def test_rows_of_numbers_and_words_by_gower() -> None:
    table = customers().drop(columns="city")
    report = explain_clusters(KMedoids(3, metric="gower", random_state=0).fit(table), table, n_resamples=5)
    assert "not distinct" not in report.names
    assert "member" in " ".join(report.names)


def test_sparse_rows_say_what_dense_rows_say() -> None:
    X = sp.random(300, 20, density=0.2, random_state=0, format="csr")
    X = (X + sp.csr_matrix(np.eye(3)[np.arange(300) % 3] @ np.eye(3, 20) * 3)).tocsr()
    model = KMeans(3, random_state=0).fit(X)
    sparse, dense = explain_clusters(model, X), explain_clusters(model, X.toarray())
    assert sparse.names == dense.names
    assert_allclose(sparse.differences, dense.differences, rtol=1e-9)
    assert_allclose(sparse.high, dense.high, rtol=1e-6)
    assert {name.split(", ")[0] for name in sparse.names} == {"high x0", "high x1", "high x2"}


def test_weights_count_rows() -> None:
    X = load_wine().data
    model = make_pipeline(StandardScaler(), KMeans(3, random_state=0)).fit(X)
    weights = np.random.default_rng(0).integers(1, 4, size=len(X))
    weighted = explain_clusters(model, X, sample_weight=weights)
    assert_array_equal(weighted.sizes, np.bincount(weighted.labels, weights))
    assert weighted.names == explain_clusters(model, np.repeat(X, weights, axis=0)).names


def test_large_tables_are_looked_at_through_a_sample() -> None:
    X = np.tile(load_iris().data, (400, 1))
    report = explain_clusters(KMeans(2, random_state=0).fit(X), X, max_samples=300, n_resamples=5)
    assert report.sizes.sum() == 60_000
    assert "not distinct" not in report.names


def test_few_rows_one_cluster_and_empty_clusters() -> None:
    one = explain_clusters(KMeans(1).fit([[1.0, 2.0], [3.0, 4.0]]), [[1.0, 2.0], [3.0, 4.0]])
    assert one.names == ("not distinct",)
    assert "1 cluster of 2 rows" in str(one)
    single = explain_clusters(KMeans.from_centers([[0.0], [9.0]]), [[0.1]])
    assert single.names == ("not distinct", "not distinct")
    assert single.sizes.tolist() == [1, 0]
    assert str(single)
    assert json.dumps(single.to_dict())
    assert single.to_html()
    same = explain_clusters(KMeans.from_centers([[0.0], [9.0]]), np.ones((20, 1)))
    assert same.names == ("not distinct", "not distinct")


def test_names_are_never_the_same_twice() -> None:
    rng = np.random.default_rng(0)
    corners = np.array([[0, 0], [0, 0], [20, 0], [24, 0], [28, 0]], dtype=float)
    corners[1, 1] = 6
    X = corners[np.arange(500) % 5] + 0.3 * rng.normal(size=(500, 2))
    report = explain_clusters(KMeans.from_centers(corners), X)
    assert "not distinct" not in report.names
    assert len(set(report.names)) == 5


def test_words_for_columns() -> None:
    found = profile(KMeans.from_centers(customers().iloc[:2, :4]), customers().iloc[:, :4])
    assert [word(Term(0, level), found.table) for level in (-1, 0, 1)] == ["young", "middle-aged", "older"]
    assert word(Term(1, 1), found.table) == "high annual income"
    everything = explain_clusters(pipeline(KMeans(3, random_state=0)).fit(customers()), customers())
    table = profile(pipeline(KMeans(3, random_state=0)).fit(customers()), customers()).table
    member, bonn = everything.features.index("member = True"), everything.features.index("city = Bonn")
    assert [word(Term(member, level), table) for level in (-1, 1)] == ["not member", "member"]
    assert [word(Term(bonn, level), table) for level in (-1, 1)] == ["not city Bonn", "city Bonn"]


def test_nothing_confirmed_is_not_distinct() -> None:
    X = np.random.default_rng(0).normal(size=(100, 2))
    found = profile(KMeans(2, random_state=0).fit(X), X)
    nothing = np.zeros((2, 2), dtype=bool)
    assert names(found, np.array([True, False]), nothing) == ("not distinct", "not distinct")


def test_wrong_calls() -> None:
    X = load_iris().data
    model = KMeans(2, random_state=0).fit(X)
    with pytest.raises(ValueError, match="confidence"):
        explain_clusters(model, X, confidence=1.5)
    with pytest.raises(ValueError, match="n_resamples"):
        explain_clusters(model, X, n_resamples=0)
    with pytest.raises(ValueError, match="X has 3 features"):
        explain_clusters(model, X[:, :3])
    with pytest.raises(ValueError, match="kind must be 'clusters' or 'features'; got 'rows'"):
        explain_clusters(model, X).to_frame("rows")
    broken = X.copy()
    broken[3, 1] = np.nan
    with pytest.raises(ValueError, match="row 3, column 1"):
        explain_clusters(model, broken)


def test_ctrl_c_stops_it(ctrl_c: Interrupt) -> None:
    X = np.random.default_rng(0).normal(size=(20_000, 20))
    model = KMeans(30, random_state=0).fit(X[:1000])
    assert ctrl_c(lambda: explain_clusters(model, X, n_resamples=1000, max_samples=20_000)) < 1.0


def test_real_groups_are_seen_beside_scaled_columns_of_noise() -> None:
    for n, d in ((120, 1), (300, 2), (300, 4)):
        for seed in range(4):
            rng = np.random.default_rng(seed)
            X = scale(np.c_[rng.normal(size=n) + 10 * (np.arange(n) % 2), rng.normal(size=(n, d))])
            report = explain_clusters(KMeans(2, n_init=5, random_state=0).fit(X), X)
            assert set(report.names) == {"low x0", "high x0"}
            assert report.parted > 0.5


def test_ties_are_no_clusters() -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X = scale(rng.exponential(size=(1000, 5)) * (rng.random((1000, 5)) < 0.2))
        report = explain_clusters(KMeans(5, random_state=0).fit(X), X)
        assert set(report.names) == {"not distinct"}
        assert not report.is_structured


def test_names_keep_the_unit_where_it_tells_columns_apart() -> None:
    frame = pd.DataFrame(np.eye(2)[np.arange(200) % 2] * 20, columns=["income (EUR)", "income (USD)"])
    frame += np.random.default_rng(0).normal(size=(200, 2))
    report = explain_clusters(KMeans(2, random_state=0).fit(frame), frame)
    assert set(", ".join(report.names).split(", ")) == {
        f"{level} income ({unit})" for level in ("high", "low") for unit in ("EUR", "USD")
    }
    prices = frame.set_axis(["price", "cost"], axis=1)
    said = ", ".join(explain_clusters(KMeans(2, random_state=0).fit(prices), prices).names)
    assert "expensive" not in said


def test_two_that_are_low_in_the_same_column_are_told_apart_by_it() -> None:
    X = np.repeat([[1.0], [2.0], [8.0], [9.0]], 60, axis=0)
    X = X + 0.1 * np.random.default_rng(0).normal(size=X.shape)
    frame = pd.DataFrame(X, columns=["score"])
    report = explain_clusters(KMeans(4, n_init=5, random_state=0).fit(frame), frame)
    order = np.argsort(report.centers[:, 0])
    assert [report.names[j] for j in order] == [
        "very low score",
        "low score",
        "high score",
        "very high score",
    ]


def test_a_swap_of_model_and_table_is_seen() -> None:
    X = load_iris().data
    model = KMeans(2, random_state=0).fit(X)
    with pytest.raises(TypeError, match="got a ndarray: were model and X swapped"):
        explain_clusters(X, model)
    with pytest.raises(TypeError, match="got a LogisticRegression"):
        explain_clusters(LogisticRegression().fit(X, np.arange(150) % 2), X)


def test_weights_where_the_model_takes_none() -> None:
    X = load_iris().data
    model = GaussianMixture(3, random_state=0).fit(X)
    assert explain_clusters(model, X, sample_weight=np.full(150, 2.0)).sizes.sum() == 300


def test_a_frame_of_columns_called_like_figures() -> None:
    frame = pd.DataFrame(load_iris().data[:, :2], columns=["size", "name"])
    found = explain_clusters(KMeans(2, random_state=0).fit(frame), frame).to_frame()
    assert found.columns.is_unique
    assert {"size", "size (center)", "name (center)"} <= set(found.columns)


def test_one_row() -> None:
    assert explain_clusters(KMeans(1).fit([[1.0, 2.0]]), [[1.0, 2.0]]).sizes.tolist() == [1]
