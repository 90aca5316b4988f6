"""Tables of installed packages: which of their columns take part."""

import importlib.util
from pathlib import Path

import pytest
from fulcra._table.prepare import prepare
from fulcra._table.read import read_table

DATES, SAME = "dates; --dates days uses them", "the same in every row"
# rows, numbers, levels, id, left out, filled
TABLES = {
    "ISLP/data/Auto.csv": (
        392,
        8,
        0,
        None,
        {"name": "text with 301 different values; 20 at most can be used"},
        {},
    ),
    "ISLP/data/Bikeshare.csv": (8645, 13, 2, None, {}, {}),
    "ISLP/data/BrainCancer.csv": (88, 4, 4, None, {}, {}),
    "ISLP/data/Caravan.csv": (5822, 85, 1, None, {}, {}),
    "ISLP/data/College.csv": (777, 17, 1, None, {}, {}),
    "ISLP/data/Credit.csv": (400, 7, 4, "ID", {}, {}),
    "ISLP/data/Default.csv": (10_000, 2, 2, None, {}, {}),
    "ISLP/data/Hitters.csv": (322, 17, 3, None, {}, {"Salary": (59, 425.0)}),
    "ISLP/data/NYSE.csv": (6051, 3, 2, None, {"date": DATES}, {}),
    "ISLP/data/OJ.csv": (1070, 15, 2, None, {"StoreID": "named like an id"}, {}),
    "ISLP/data/Wage.csv": (3000, 4, 6, None, {"region": SAME}, {}),
    "lifetimes/datasets/cdnow_customers_summary.csv": (2357, 3, 0, "ID", {}, {}),
    "lifetimes/datasets/donations.csv": (22, 3, 0, None, {"periods": SAME}, {}),
    "sklearn/datasets/data/digits.csv.gz": (1797, 62, 0, None, dict.fromkeys(["c1", "c33", "c40"], SAME), {}),
    "sklearn/datasets/data/linnerud_exercise.csv": (20, 3, 0, None, {}, {}),
    "sklearn/datasets/data/diabetes_data_raw.csv.gz": (442, 10, 0, None, {}, {}),
}


def _folder(package: str) -> Path | None:
    found = importlib.util.find_spec(package)
    return None if found is None or found.origin is None else Path(found.origin).parent.parent


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(
            table,
            marks=pytest.mark.skipif(
                _folder(table.split("/")[0]) is None, reason=f"{table.split('/')[0]} is not installed"
            ),
        )
        for table in TABLES
    ],
)
def test_columns_of_real_tables(table):
    read = read_table(str(_folder(table.split("/")[0]) / table))
    made = prepare(read)
    found = (len(made.frame), len(made.numbers), len(made.levels), made.id, made.left_out, made.filled)
    assert found == TABLES[table]
