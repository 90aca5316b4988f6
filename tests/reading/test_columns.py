"""Tables in their own columns, and the way back through a Pipeline."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from fulcra._reading.columns import columns
from fulcra._reading.undoing import made_of, steps_before, undone
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    StandardScaler,
)

TABLE = pd.DataFrame(
    {
        "age": [20.0, np.nan, 40.0, 60.0],
        "city": ["Bonn", "Ulm", "Bonn", "Kiel"],
        "student": ["No", "Yes", "No", None],
        "member": [True, False, True, True],
        "joined": pd.to_datetime(["2024-01-01"] * 4),
        "visits": pd.array([1, 2, None, 4], dtype="Int64"),
    },
    index=["a", "b", "c", "d"],
)
NAMES = ("age", "city = Bonn", "city = Kiel", "city = Ulm", "student = Yes", "member = True", "visits")
VALUES = np.array(
    [
        [20, 1, 0, 0, 0, 1, 1],
        [np.nan, 0, 0, 1, 1, 0, 2],
        [40, 1, 0, 0, 0, 1, np.nan],
        [60, 0, 1, 0, np.nan, 1, 4],
    ]
)


def test_a_frame_of_everything() -> None:
    found = columns(TABLE)
    assert found.names == NAMES
    assert_array_equal(found.values, VALUES)
    assert_array_equal(found.source, [0, 1, 1, 1, 2, 3, 5])
    assert found.levels == (None, "Bonn", "Kiel", "Ulm", "Yes", "True", None)
    assert found.opposites == (None, None, None, None, "No", "False", None)
    assert found.index.tolist() == ["a", "b", "c", "d"]


def test_polars_says_the_same() -> None:
    cells = {name: TABLE[name].tolist() for name in ("age", "city", "student", "member")}
    cells["student"][3] = None
    found = columns(pl.DataFrame(cells))
    assert found.names == NAMES[:-1]
    assert_array_equal(found.values, VALUES[:, :-1])
    assert found.index.tolist() == [0, 1, 2, 3]


def test_arrays_of_numbers_and_of_objects() -> None:
    given = np.arange(6, dtype=np.float32).reshape(3, 2)
    found = columns(given)
    assert found.names == ("x0", "x1")
    assert found.values is given
    assert columns(given.astype(int)).values.dtype == np.float64
    mixed = columns(np.array([[1, "a"], [2, "b"], [3, "a"]], dtype=object), ["n", "kind"])
    assert mixed.names == ("n", "kind = b")
    assert_array_equal(mixed.values, [[1, 0], [2, 1], [3, 0]])


def test_columns_of_the_same_name_and_many_levels() -> None:
    twice = pd.DataFrame([[1, 2], [3, 4]], columns=["x", "x"])
    assert columns(twice).names == ("x", "x")
    assert_array_equal(columns(twice).values, [[1, 2], [3, 4]])
    many = columns(pd.DataFrame({"word": [f"w{i:03d}" for i in range(100)] + ["w099"]}))
    assert len(many.names) == 50
    assert "word = w099" in many.names


def test_bad_tables() -> None:
    with pytest.raises(ValueError, match="two dimensions"):
        columns(np.arange(3))
    with pytest.raises(ValueError, match="2 names; X has 3 columns"):
        columns(np.zeros((2, 3)), ["a", "b"])


NUMBERS = TABLE[["age"]].fillna(40.0).assign(income=[1e3, 2e3, 4e3, 8e3])


def means_of(Z: Any) -> np.ndarray:
    return np.asarray(Z.todense() if sp.issparse(Z) else Z)[:2].mean(axis=0, keepdims=True)


@pytest.mark.parametrize(
    "steps",
    [
        [StandardScaler()],
        [MinMaxScaler(), PowerTransformer(), StandardScaler()],
        [FunctionTransformer(np.log, inverse_func=np.exp)],
        ["passthrough", None, StandardScaler()],
        [SimpleImputer(), StandardScaler()],
        [PCA(2)],
        [make_pipeline(StandardScaler(), MinMaxScaler())],
    ],
    ids=str,
)
def test_what_can_be_undone_is(steps: list[Any]) -> None:
    given = NUMBERS.to_numpy()
    rows: Any = given
    for step in steps:
        rows = step.fit_transform(rows) if hasattr(step, "fit") else rows
    # Of one row there is no mean to be bent by a logarithm.
    assert_allclose(undone(steps, rows[2:3]), given[2:3], rtol=1e-12)
    made = made_of(steps, 2).toarray() > 0
    assert_array_equal(made, np.ones((2, 2)) if isinstance(steps[0], PCA) else np.eye(2))


def test_a_column_transformer_part_by_part() -> None:
    table = TABLE.drop(columns=["joined", "visits"])
    whole = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), ["age"]),
            ("levels", OneHotEncoder(drop="if_binary", min_frequency=2), ["city", "member"]),
            ("dropped", "drop", ["student"]),
        ]
    ).fit(table)
    Z = whole.transform(table)
    # age; the infrequent cities together, which leaves two levels; member
    assert Z.shape == (4, 3)
    assert_array_equal(made_of([whole], 4).toarray() > 0, np.eye(4)[[0, 1, 3]])
    back = undone([whole], means_of(Z))
    assert back.shape == (1, 4)
    assert back[0, 0] == pytest.approx((20 + 40) / 2)  # the median stands for the missing age
    assert np.isnan(back[0, 1:]).all()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"drop": "first"},
        {"min_frequency": 2},
        {"max_categories": 2},
        {"sparse_output": False, "drop": ["B", "x"]},
    ],
)
def test_levels_are_traced_to_their_columns(settings: dict[str, Any]) -> None:
    table = np.array([["A", "x"], ["A", "x"], ["B", "y"], ["C", "x"], ["D", "x"]], dtype=object)
    encoder = OneHotEncoder(**settings).fit(table)
    prefixes = [int(name[1]) for name in encoder.get_feature_names_out()]  # x0_A, x0_B, ..., x1_y
    assert_array_equal(made_of([encoder], 2).toarray().argmax(axis=1), prefixes)


@pytest.mark.parametrize(
    "picked", [[1], slice(1, 2), "income", ["income"], slice("income", "income"), [False, True]]
)
def test_columns_picked_in_every_way(picked: Any) -> None:
    whole = make_column_transformer((StandardScaler(), picked if picked != "income" else ["income"]))
    Z = whole.fit_transform(NUMBERS)
    back = undone([whole], Z[:1])
    assert np.isnan(back[0, 0])
    assert back[0, 1] == pytest.approx(1e3)
    assert_array_equal(made_of([whole], 2).toarray(), [[0, 1]])


def test_what_is_left_over_passes_through_and_selectors_leave_gaps() -> None:
    whole = make_column_transformer((StandardScaler(), ["income"]), remainder="passthrough")
    Z = whole.fit_transform(NUMBERS)
    assert_allclose(undone([whole], Z), NUMBERS.to_numpy(), rtol=1e-12)
    best = SelectKBest(k=1).fit(NUMBERS.to_numpy(), [0, 0, 1, 1])
    assert_array_equal(best.get_support(), [False, True])
    assert_array_equal(undone([best], np.array([[5.0]])), [[np.nan, 5.0]])


def test_what_has_no_way_back_is_missing() -> None:
    for step in (FunctionTransformer(np.log), PCA(1), OrdinalEncoder()):
        Z = step.fit_transform(NUMBERS.to_numpy())
        assert np.isnan(undone([step], np.asarray(Z)[:1])).all()
    # A later step without a way back does not stop an earlier one that would not take NaN.
    steps = [PCA(2), FunctionTransformer(np.tanh)]
    Z = steps[1].fit_transform(steps[0].fit_transform(NUMBERS.to_numpy()))
    assert np.isnan(undone(steps, Z[:1])).all()


def test_the_steps_of_nested_models() -> None:
    inner = make_pipeline(MinMaxScaler(), "passthrough")
    before, last = steps_before(make_pipeline(StandardScaler(), make_pipeline(PCA(), inner)))
    assert [type(step).__name__ for step in before] == ["StandardScaler", "PCA", "MinMaxScaler"]
    assert last == "passthrough"
