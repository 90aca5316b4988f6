"""What a summary prints, and the same figures as data."""

import json

import numpy as np
import pytest
import sklearn.linear_model as peer
from fulcra.inspection import summarize
from fulcra.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 2))
Y = 10 + X @ [1.0, 2.0] + RNG.normal(size=200)
THREE = np.array(["a", "b", "c"])[np.digitize(Y + RNG.logistic(size=200), [9, 11])]


def test_the_text_holds_a_line_for_each_weight() -> None:
    model = make_pipeline(StandardScaler(), LinearRegression()).fit(X, Y)
    summary = summarize(model, X, Y, alpha=0.1)
    lines = str(summary).splitlines()
    assert lines[0].startswith("Linear regression of y (LinearRegression after StandardScaler): 200 rows")
    assert [line.split()[0] for line in lines[3:6]] == ["intercept", "x0", "x1"]
    assert "90% interval" in lines[2]
    assert len({len(line) for line in lines[2:6]}) == 1  # columns stand below each other
    assert "R² 0.8" in str(summary)


def test_several_classes_have_a_table_each() -> None:
    summary = summarize(peer.LogisticRegression(C=np.inf).fit(X, THREE), X, THREE)
    text = str(summary)
    assert "b rather than a" in text
    assert "c rather than a" in text
    assert text.count("intercept") == 2
    frame = summary.to_frame()
    assert frame.index.names == ["class", "term"]
    np.testing.assert_array_equal(frame.loc["c", "coef"], summary.coef[1])


def test_what_is_written_as_html_is_escaped() -> None:
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(X, columns=["<b>", "&"])
    html = summarize(LinearRegression().fit(table, Y), table, Y)._repr_html_()
    assert "&lt;b&gt;" in html
    assert "&amp;" in html
    assert "<b></td>" not in html


@pytest.mark.parametrize("penalised", [False, True])
def test_frame_and_dict_hold_the_arrays(penalised: bool) -> None:
    model = Ridge() if penalised else LinearRegression()
    summary = summarize(model.fit(X, Y), X, Y, n_resamples=5)
    frame = summary.to_frame()
    assert frame.index.tolist() == ["intercept", "x0", "x1"]
    np.testing.assert_array_equal(frame["coef"], summary.coef)
    np.testing.assert_array_equal(frame["std_error"], summary.std_errors)
    np.testing.assert_array_equal(frame[["low", "high"]], summary.conf_int)
    assert ("stability" in frame) == penalised
    held = json.loads(json.dumps(summary.to_dict(), allow_nan=False))
    assert held["weights"][1]["coef"] == summary.coef[1]
    assert held["r_squared"] == summary.r_squared
    assert (held["weights"][1]["std_error"] is None) == penalised
    assert held["notes"] == list(summary.notes)


def test_notes_say_when_other_errors_are_called_for() -> None:
    uneven = X @ [1.0, 2.0] + RNG.normal(size=200) * np.exp(X[:, 0])
    model = LinearRegression().fit(X, uneven)
    assert any("cov='HC3'" in note for note in summarize(model, X, uneven).notes)
    assert not any("cov='HC3'" in note for note in summarize(model, X, uneven, cov="HC3").notes)
    counts = RNG.poisson(np.exp(X[:, 0]) * RNG.gamma(1, 1, size=200))
    spread = peer.PoissonRegressor(alpha=0).fit(X, counts)
    assert any("times as much as Poisson's" in note for note in summarize(spread, X, counts).notes)
    weights = RNG.uniform(1, 5, size=200)
    weighted = LinearRegression().fit(X, Y, sample_weight=weights)
    assert any("precisions" in note for note in summarize(weighted, X, Y, sample_weight=weights).notes)


def test_many_weights_are_cut_short() -> None:
    rows = RNG.normal(size=(300, 250))
    y = RNG.normal(size=300)
    assert "51 more weights" in str(summarize(LinearRegression().fit(rows, y), rows, y))
