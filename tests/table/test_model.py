"""From a table to clusters."""

import numpy as np
import pandas as pd
import pytest
from fulcra._table import model
from fulcra._table.errors import TableError
from fulcra._table.prepare import prepare
from fulcra._table.read import Table
from sklearn.metrics import adjusted_rand_score


def prepared(columns, **options):
    frame = pd.DataFrame(columns)
    frame.index = pd.RangeIndex(2, len(frame) + 2, name="line")
    return prepare(Table("t", frame, "by hand", ()), **options)


def rows(made):
    return model.pipeline(made, 2, 0)["columns"].fit_transform(made.frame)


def test_numbers_are_filled_and_standardised_and_levels_are_0_and_1():
    made = prepared({"x": [1.0, 2.0, np.nan, 3.0], "t": ["a", "b", "a", None]})
    # (1, 2, 2, 3) has mean 2 and standard deviation sqrt(1/2); levels "(missing)", "a", "b"
    expected = [[-(2**0.5), 0, 1, 0], [0, 0, 0, 1], [0, 0, 1, 0], [2**0.5, 1, 0, 0]]
    np.testing.assert_allclose(rows(made), expected, atol=1e-15)


def test_raw_numbers_are_filled_only():
    made = prepared({"x": [1.0, 2.0, np.nan, 9.0]}, raw=True)
    np.testing.assert_array_equal(rows(made), [[1], [2], [2], [9]])


def groups(n_levels=0, seed=0):
    """Three groups six standard deviations apart, beside columns of yes and no that have none."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, size=300)
    columns = {f"x{j}": rng.normal(size=300) + 6 * (truth == j) for j in range(2)}
    columns |= {f"level{j}": rng.choice(["yes", "no"], 300) for j in range(n_levels)}
    return columns, truth


@pytest.mark.parametrize("n_levels", [0, 1, 3])
def test_groups_are_found_and_counted_whatever_levels_there_are(n_levels):
    columns, truth = groups(n_levels)
    made = prepared(columns)
    assert model.suggest(made, 0).n_clusters == 3
    fitted, notes = model.fit(made, 3, 0)
    assert notes == []
    assert adjusted_rand_score(truth, fitted["kmeans"].labels_) > 0.95


def test_the_seed_is_used():
    columns = {"x": np.random.default_rng(0).normal(size=200), "y": np.random.default_rng(1).normal(size=200)}
    first, again, other = (model.fit(prepared(columns), 12, seed)[0]["kmeans"].inertia_ for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_fewer_different_rows_than_clusters_is_a_note():
    _, (note,) = model.fit(prepared({"x": [1.0, 1.0, 2.0]}), 3, 0)
    assert "(2)" in note


@pytest.mark.parametrize(
    ("columns", "k", "mention"),
    [
        ({"x": [1.0, 2.5, 4.0]}, 4, "-k 4 needs at least 4 rows; t has 3"),
        ({"x": [1.0, 2.5, 4.0]}, None, "at least 10 rows; t has 3"),
        ({"x": ["a", "b", "a"] * 5}, None, "columns of numbers"),
    ],
)
def test_too_little_to_work_with(columns, k, mention):
    with pytest.raises(TableError, match=mention):
        model.check_rows(prepared(columns), k, "t")
    model.check_rows(prepared(columns), 3, "t")
