"""Which columns take part."""

import io

import numpy as np
import pandas as pd
import pytest
from fulcra._table.errors import TableError
from fulcra._table.prepare import prepare
from fulcra._table.read import Table


def prepared(columns, **options):
    frame = pd.DataFrame(columns) if isinstance(columns, dict) else pd.read_csv(io.StringIO(columns))
    frame.index = pd.RangeIndex(2, len(frame) + 2, name="line")
    return prepare(Table("t", frame, "by hand", ()), **options)


N = 30
X = np.random.default_rng(0).normal(size=N)
TEAM = ["red", "blue", "green"] * 10


def test_numbers_and_levels_are_used():
    made = prepared({"x": X, "team": TEAM})
    assert (made.numbers, made.levels, made.left_out) == (("x",), ("team",), {})
    assert made.frame.index.tolist() == list(range(2, N + 2))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("id", [5, 5, 7] * 10),
        ("customer_id", ["a7", "a7", "b9"] * 10),
        ("StoreID", [1, 2, 3] * 10),
        ("ID", [1, 2, 3] * 10),
        ("customerid", [1, 2, 3] * 10),
        ("USERID", [1, 2, 3] * 10),
        ("user_id_2", [1, 2, 3] * 10),
        ("uuid", [f"{i:x}" for i in range(N)]),
        ("key", [f"k{i}" for i in range(N)]),
        ("Kundennr", [1000 + i * i for i in range(N)]),
        ("Invoice No.", [1000 + i * i for i in range(N)]),
        ("name", [f"Mrs {i}" for i in range(N)]),
        ("c1", range(100, 100 + N)),
        ("c1", np.random.default_rng(0).permutation(N)),
    ],
)
def test_what_names_rows_takes_no_part(name, values):
    made = prepared({name: list(values), "x": X})
    assert made.numbers == ("x",)
    assert made.levels == ()
    assert (made.id == name) == (len(set(values)) == N)
    if made.id:
        assert made.frame.index.tolist() == list(values)
        assert made.left_out == {}
    else:
        assert list(made.left_out) == [name]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("paid", [1, 0, 1] * 10),
        ("GRID", [1, 2, 3] * 10),
        ("humid", [1, 2, 3] * 10),
        ("phone", [0, 1, 1] * 10),
        ("sales_phone", [900, 1200, 1500] * 10),
        ("zip", [1.5, 2.5, 3.5] * 10),
        ("grid", X),
        ("key", [1, 2, 3] * 10),
        ("nr", [1, 2, 3] * 10),
        ("year", [2019, 2020, 2021] * 10),
        ("index", X),
        ("c1", [i * i for i in range(N)]),
    ],
)
def test_what_only_sounds_like_an_id_is_used(name, values):
    assert prepared({name: list(values), "x": X}).numbers == (name, "x")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("zip", [2138, 2139, 94016] * 10),
        ("ZIP Code", [2138, 2139, 94016] * 10),
        ("PLZ", ["01067", "80331", "10115"] * 10),
        ("ship_postcode", ["EC1A 1BB", "W1A 0AX", "N16 100"] * 10),
        ("Phone", ["+49 711 1234567", "+49 711 1234568", "0711 765432"] * 10),
        ("sku", ["A-1001", "A-1002", "B-2001"] * 10),
        ("Artikelnummer", [10001, 10002, 20001] * 10),
        ("Product Number", [10001, 10002, 20001] * 10),
        ("code", [100, 200, 300] * 10),
    ],
)
def test_codes_are_no_quantities_unless_they_are_asked_for(name, values):
    made = prepared({name: values, "x": X})
    assert (made.numbers, made.levels) == (("x",), ())
    assert made.left_out == {name: "a code, not a quantity; --columns uses it all the same"}
    asked = prepared({name: values, "x": X}, chosen=[name])
    assert asked.numbers + asked.levels == (name,)


def test_levels_of_a_code_by_name_only_are_used():
    assert prepared({"x": X, "phone": ["yes", "no", "yes"] * 10}).levels == ("phone",)


def test_codes_with_leading_zeros_that_are_asked_for_are_levels_or_numbers_and_it_is_said():
    few = prepared({"PLZ": ["01067", "80331", "10115"] * 10}, chosen=["PLZ"])
    assert few.levels == ("PLZ",)
    assert few.notes == ("PLZ: codes with leading zeros; used by its 3 levels.",)
    many = prepared({"PLZ": [f"0{1000 + i}" for i in range(N)]}, chosen=["PLZ"])
    assert many.numbers == ("PLZ",)
    assert many.frame["PLZ"].tolist() == [1000 + i for i in range(N)]
    assert many.notes == ("PLZ: codes with leading zeros, used as numbers.",)


def test_an_odd_cell_among_numbers_is_said_whatever_becomes_of_the_column():
    levels = prepared({"x": X, "w": ["1", "2", "3", "4", "5"] * 5 + ["1", "2", "3", "4", "ten"]})
    assert levels.levels == ("w",)
    assert levels.notes == ("w: not all are numbers, as 'ten' is not; used by its 6 levels.",)
    unique = prepared({"w no": [*(str(i * i) for i in range(N - 1)), "ten"], "x": X})
    assert unique.id is None
    assert unique.left_out == {"w no": "not all are numbers, as 'ten' is not"}
    named = prepared({"order_id": [*(str(i * i) for i in range(N - 1)), "A3"], "x": X})
    assert named.id == "order_id"


@pytest.mark.parametrize(
    ("values", "notes"),
    [
        ([*range(1, N), -999], ["-999 in 1 row, "]),
        ([*range(1, N - 1), 9999, 9999], ["9999 in 2 rows, "]),
        ([*range(1, N - 1), 9999, -9999], ["9999 in 1 row, ", "-9999 in 1 row, "]),
        ([*(90 * i for i in range(N - 1)), 999], []),
        ([*range(1, N), -998], []),
    ],
)
def test_numbers_that_stand_for_nothing_are_pointed_to(values, notes):
    made = prepared({"p": values, "x": X})
    assert len(made.notes) == len(notes)
    assert all(
        any(note.startswith(f"p: {start}far from all others") for note in made.notes) for start in notes
    )
    assert made.filled == {}


def test_lists_are_left_out():
    made = prepared({"tags": [[1, 2]] * N, "x": X})
    assert made.left_out == {"tags": "lists or records, not single values"}
    for options in ({"chosen": ["tags"]}, {"id_column": "tags"}):
        with pytest.raises(TableError, match="lists or records"):
            prepared({"tags": [[1, 2]] * N, "x": X}, **options)


def test_a_paragraph_for_a_name_is_cut():
    with pytest.raises(TableError) as caught:
        prepared({"once upon a time " * 9: [f"no {i}" for i in range(N)]})
    assert len(str(caught.value)) < 150


def test_few_rows_that_happen_to_count_are_no_id():
    assert prepared({"x": [1, 2, 3, 4], "y": [5.5, 6, 7, 9]}).numbers == ("x", "y")


def test_the_first_unique_id_names_rows_and_the_others_are_said():
    made = prepared({"shop_id": [1, 2] * 15, "name": [f"Mrs {i}" for i in range(N)], "id": range(N), "x": X})
    assert made.id == "name"
    assert list(made.left_out) == ["shop_id", "id"]


def test_an_id_can_be_named():
    made = prepared({"x": X, "y": X * 2}, id_column="y")
    assert (made.id, made.numbers) == ("y", ("x",))
    assert made.frame.index.name == "y"


def test_what_is_left_out_has_a_reason():
    made = prepared(
        {
            "x": X,
            "same": [5] * N,
            "same text": ["a"] * N,
            "nothing": [np.nan] * N,
            "city": [f"city {i}" for i in range(25)] + ["city 0"] * 5,
            "when": ["2024-01-02"] * 15 + ["2024-02-03"] * 15,
        }
    )
    assert made.numbers == ("x",)
    assert list(made.left_out) == ["same", "same text", "nothing", "city", "when"]
    assert "25 different" in made.left_out["city"]
    assert "--dates days" in made.left_out["when"]
    assert all(name in str(made) for name in made.left_out)


def test_missing_cells_are_counted():
    made = prepared({"x": [*X[:-2], np.nan, np.nan], "team": [*TEAM[:-1], None], "half": [1.0, None] * 15})
    assert made.filled == {"x": (2, float(np.median(X[:-2])))}
    assert made.missing_levels == {"team": 1}
    assert made.frame["team"].iloc[-1] == "(missing)"
    assert made.left_out == {"half": "the same in every row that has it"}


def test_a_level_and_nothing_are_two_levels():
    assert prepared({"x": X, "answered": ["yes", None] * 15}).levels == ("answered",)


def test_dates_as_days_before_the_latest():
    columns = {"x": [1.0, 2.5, 9.0], "seen": ["2024-02-29", "2024-03-01", None]}
    made = prepared(columns, dates="days")
    (name,) = set(made.numbers) - {"x"}
    assert name == "seen (days before 2024-03-01)"
    assert made.frame[name].tolist()[:2] == [1.0, 0.0]
    assert made.filled == {name: (1, 0.5)}


def test_chosen_columns_are_all_that_is_used():
    made = prepared({"id": range(N), "x": X, "y": X * 2, "team": TEAM}, chosen=["team", "id"])
    assert (made.numbers, made.levels, made.id) == (("id",), ("team",), None)
    assert made.left_out == {"x": "not in --columns", "y": "not in --columns"}


@pytest.mark.parametrize(
    ("options", "mentions"),
    [
        ({"chosen": ["X1"]}, ["'X1'", "did you mean x1?"]),
        ({"chosen": ["incme"]}, ["did you mean Income?"]),
        ({"id_column": "zzz"}, ["'zzz'", "it has x1, Income"]),
        ({"chosen": ["x1"], "id_column": "x1"}, ["--columns", "--id"]),
        ({"chosen": ["city"]}, ["--columns city", "30 different"]),
        ({"chosen": ["when"]}, ["--columns when", "--dates days"]),
    ],
)
def test_columns_that_cannot_be(options, mentions):
    columns = {
        "x1": X,
        "Income": X,
        "city": [f"c{i}" for i in range(N)],
        "when": ["2024-01-02", "2024-01-03"] * 15,
    }
    with pytest.raises(TableError) as caught:
        prepared(columns, **options)
    assert all(mention in str(caught.value) for mention in mentions)


def test_no_column_to_cluster_by():
    with pytest.raises(TableError) as caught:
        prepared({"id": range(N), "same": [1] * N})
    assert "no column to cluster by" in str(caught.value)
    assert "same: the same in every row" in str(caught.value)


def test_labels_of_an_earlier_call_take_no_part():
    made = prepared({"x": X, "cluster": [0, 1, 2] * 10, "cluster_name": TEAM})
    assert (made.numbers, made.levels) == (("x",), ())
    assert prepared({"x": X, "cluster": [0, 1, 2] * 10}).numbers == ("x", "cluster")


def test_units_are_said():
    made = prepared(
        {
            "x": X,
            "price": [f"${i + 1 + i % 7},000" for i in range(N)],
            "share": [f"{i % 9}%" for i in range(N)],
        }
    )
    assert made.numbers == ("x", "price", "share")
    assert made.read_as == {"price": "$", "share": "percent: 45% is 45"}
    assert made.frame["price"].tolist()[:2] == [1000.0, 3000.0]


def test_a_unit_that_the_name_has_is_said_once():
    made = prepared({"Umsatz (€)": [f"{1 + i % 7} €" for i in range(N)]})
    assert "Read as numbers: Umsatz (€)." in str(made)


def test_many_names_are_counted():
    made = prepared({f"x{j}": X + j for j in range(40)})
    assert "x11, and 28 more" in str(made).replace("\n", " ")
    assert len(made.to_dict()["numbers"]) == 40
