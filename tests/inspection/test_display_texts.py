"""Texts in pictures can be read: no two overlap, none leaves the figure, with 2 clusters and with 20."""

import functools
import itertools

import numpy as np
import pytest
from fulcra import cluster
from fulcra.inspection import (
    CentroidProfileDisplay,
    ClusterDisplay,
    ConvergenceDisplay,
    ElbowDisplay,
    SilhouetteDisplay,
)
from fulcra.inspection._drawing import shortened, told_apart, wrapped
from fulcra.inspection._side_table import spread_out
from fulcra.metrics import suggest_n_clusters
from legible import assert_legible
from matplotlib.figure import Figure
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pytestmark = pytest.mark.usefixtures("tidy")

TABLES = {
    "iris": load_iris(as_frame=True).data,
    "wine": load_wine(as_frame=True).data,
    "digits": load_digits(as_frame=True).data,
    "breast cancer": load_breast_cancer(as_frame=True).data,
}
TABLES_AND_K = list(itertools.product(TABLES, (2, 20)))


@functools.cache
def fitted(table, k):
    model = make_pipeline(StandardScaler(), cluster.KMeans(k, n_init=1, random_state=0))
    return model.fit(TABLES[table])


@pytest.mark.parametrize(("table", "k"), TABLES_AND_K)
def test_maps(table, k):
    names = [f"high {name}, low {name}"[:40] for name in (f"column number {j}" for j in range(k))]
    display = ClusterDisplay.from_estimator(fitted(table, k), TABLES[table], names=names, borders=k == 2)
    assert_legible(display.figure_)
    assert sum(text.get_visible() for text in display.texts_) >= 0.9 * k


@pytest.mark.parametrize("table", ["iris", "digits"])
def test_maps_with_numbers(table):
    display = ClusterDisplay.from_estimator(fitted(table, 20), TABLES[table])
    assert_legible(display.figure_)
    assert all(text.get_visible() for text in display.texts_)


@pytest.mark.parametrize("table", ["iris", "breast cancer"])
@pytest.mark.parametrize("k", [2, 20])
def test_knives(table, k):
    names = [f"cluster {j} that has a name of some length" for j in range(k)]
    display = SilhouetteDisplay.from_estimator(fitted(table, k), TABLES[table], names=names, max_samples=600)
    assert_legible(display.figure_)
    assert all(text.get_visible() for text in display.texts_)


@pytest.mark.parametrize(
    ("table", "k", "kind"),
    [
        *((table, k, "heatmap") for table, k in TABLES_AND_K),
        *((table, k, "parallel") for table in ("wine", "breast cancer") for k in (2, 20)),
    ],
)
def test_profiles(table, k, kind):
    names = [f"high something, low something else {j}" for j in range(k)]
    display = CentroidProfileDisplay.from_estimator(fitted(table, k), TABLES[table], names=names, kind=kind)
    texts = assert_legible(display.figure_)
    columns = [text for text in texts if text in display.ax_.get_xticklabels()]
    assert len(columns) == min(30, TABLES[table].shape[1])


@pytest.mark.parametrize("most", [2, 20])
def test_criteria(most):
    report = suggest_n_clusters(
        StandardScaler().fit_transform(TABLES["wine"]),
        range(1, most + 1),
        n_references=2,
        n_splits=2,
        random_state=0,
    )
    assert_legible(ElbowDisplay.from_report(report).figure_)


@pytest.mark.parametrize(
    "name", [name for name in cluster.__all__ if name.endswith(("Means", "ians", "oids"))]
)
def test_histories(name):
    model = getattr(cluster, name)(5, random_state=0).fit(TABLES["wine"])
    assert_legible(ConvergenceDisplay.from_estimator(model).figure_)


def test_small_axes_of_the_user():
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    ClusterDisplay.from_estimator(fitted("wine", 20), TABLES["wine"], ax=left)
    SilhouetteDisplay.from_estimator(fitted("wine", 20), TABLES["wine"], ax=right)
    assert_legible(figure)
    figure = Figure(figsize=(9, 9), layout="constrained")
    top, bottom = figure.subplots(2, 1)
    CentroidProfileDisplay.from_estimator(fitted("wine", 20), TABLES["wine"], ax=top)
    ConvergenceDisplay.from_estimator(fitted("wine", 5), ax=bottom)
    assert_legible(figure)


def test_names_are_text_and_not_formulas():
    X = TABLES["iris"].set_axis(["$a$", "b_$", "$", "c"], axis=1)
    model = cluster.KMeans(2, random_state=0).fit(X)
    names = ["$5 to $10", "$_$"]
    displays = [
        display.from_estimator(model, X, names=names) for display in (ClusterDisplay, SilhouetteDisplay)
    ]
    displays += [
        CentroidProfileDisplay.from_estimator(model, X, names=names, kind=k) for k in ("heatmap", "parallel")
    ]
    for display in displays:
        texts = [text.get_text() for text in assert_legible(display.figure_)]
        assert any(text.startswith("$5 to $10") for text in texts)
    assert "$a$" in texts


def test_heights_move_as_little_as_they_must():
    rng = np.random.default_rng(0)
    for n in (1, 2, 7, 15):
        wanted = rng.uniform(0, 100, n)
        found = spread_out(wanted, 5.0, 0.0, 100.0)
        order = np.argsort(wanted)
        assert (np.diff(found[order]) >= 5 - 1e-9).all()
        assert found.min() >= -1e-9
        assert found.max() <= 100 + 1e-9
        best = minimize(
            lambda heights, wanted=wanted: ((heights - wanted) ** 2).sum(),
            np.linspace(0, 100, n)[np.argsort(order)],
            bounds=[(0, 100)] * n,
            constraints=[{"type": "ineq", "fun": lambda heights, order=order: np.diff(heights[order]) - 5}]
            if n > 1
            else (),
        )
        assert ((found - wanted) ** 2).sum() <= best.fun + 1e-4
    np.testing.assert_array_equal(spread_out(np.array([30.0, 10.0]), 5.0, 0.0, 100.0), [30, 10])


def test_long_names_are_cut_between_words():
    assert shortened("short", 10) == "short"
    assert shortened("a rather long name of it all", 12) == "a rather lo…"
    assert shortened("a rather long name of it all", 12, 2) == "a rather\nlong name o…"
    assert wrapped("one two three\nfour", 8) == "one two\nthree\nfour"


def test_cut_names_can_still_be_told_apart():
    assert told_apart(["short", "a rather long name of it all"], 12) == ["short", "a rather lo…"]
    levels = [
        f"Petrol is too cheap = {level}" for level in ("strongly agree", "strongly disagree", "neither")
    ]
    assert told_apart(levels, 24) == [
        "Petrol… = strongly agree",
        "Pet… = strongly disagree",
        "Petrol is too… = neither",
    ]
    assert told_apart([f"feature_with_long_name_{j}" for j in (0, 12)], 18) == [
        "feature_…ng_name_0",
        "feature_…g_name_12",
    ]
    families = [
        [f"feature_with_a_long_name_{j:02d}" for j in range(20)],
        [f"feature_with_a_long_name_{j:02d}_and_the_same_long_end_of_it" for j in range(20)],
        [f"feature with a long name {j:02d} and the same long end of it" for j in range(20)],
        [
            f"Public transport is too {how} = {level} a"
            for how in ("dear", "slow")
            for level in ("most", "least")
        ],
        [f"{a * 30}{b * 30}" for a in "abc" for b in "abc"],
        ["feature_with_a_long_name", "feature_with_a_long_name_too", "feature_with_a_long_name_too"],
    ]
    for names in families:
        for width, n_lines in ((24, 1), (18, 1), (22, 2), (12, 3)):
            cut = told_apart(names, width, n_lines)
            assert len(set(cut)) == len(set(names))
            lines = [text.split("\n") for text in cut]
            assert max(map(len, lines)) <= n_lines
            assert max(len(line) for text in lines for line in text) <= width


@pytest.mark.parametrize("kind", ["heatmap", "parallel"])
def test_long_names_of_features_and_clusters_are_legible_and_different(kind):
    X = TABLES["wine"].set_axis([f"feature_with_a_long_name_number_{f}" for f in range(13)], axis=1)
    names = [f"Petrol is too cheap = somewhat {word}" for word in ("agreed", "disagreed", "neither")]
    display = CentroidProfileDisplay.from_estimator(
        cluster.KMeans(3, random_state=0).fit(X), X, kind=kind, names=names
    )
    assert_legible(display.figure_)
    features = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert len(set(features)) == 13
    rows = display.texts_[:3] if kind == "parallel" else display.ax_.get_yticklabels()
    assert len({text.get_text() for text in rows}) == 3


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_names_are_cut_however_narrow_a_column_is(width):
    assert len(told_apart([f"mean smoothness {j}" for j in range(3)], width, 3)) == 3
