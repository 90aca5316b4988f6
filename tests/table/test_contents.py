"""What a column holds."""

import numpy as np
import pandas as pd
import pytest
from fulcra._table.contents import content


def found(values, decimal=".", **options):
    return content(pd.Series(values, **options), decimal)


def test_numbers_stay_numbers():
    one = found([1, 2, 2])
    assert (one.kind, one.n_different, one.n_missing, one.values.dtype) == ("numbers", 2, 0, np.float64)


def test_text_that_is_numbers():
    one = found(["1.234,50 €", "99,90 €", None, "-"], ",")
    assert (one.kind, one.unit, one.n_missing) == ("numbers", "€", 2)
    assert one.values.tolist()[:2] == [1234.5, 99.9]


def test_infinity_is_missing_with_a_note():
    one = found([1.0, np.inf, 3.0])
    assert one.n_missing == 1
    assert one.note.startswith("1 infinite")


def test_booleans_categories_and_yes_no_are_levels():
    assert found([True, False, True, False]).values.tolist() == ["True", "False", "True", "False"]
    assert found(["yes", "no", "yes", "no"]).kind == "levels"
    assert found(["x", "y", "x", "y"], dtype="category").kind == "levels"


def test_levels_come_twice_on_average_and_are_20_at_most():
    twenty = [f"level {i % 20}" for i in range(60)]
    assert found(twenty).kind == "levels"
    assert found([*twenty, "another"]).kind == "text"
    assert found([f"level {i}" for i in range(10)]).kind == "text"


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (["2024-03-01", "2024-03-12"], "2024-03-01"),
        (["2024-03-01 10:30", "2024-03-12 11:00"], "2024-03-01 10:30"),
        (["2024-03-01T10:30:00Z", "2024-03-12T11:00:00Z"], "2024-03-01 10:30"),
        (["2024-03-01T10:30:00+02:00", "2024-03-12T11:00:00+02:00"], "2024-03-01 08:30"),
        (["01.03.2024", "31.12.2023"], "2024-03-01"),
        (["3/1/2024", "12/31/2023"], "2024-03-01"),
        (["1/3/2024", "31/12/2023"], "2024-03-01"),
        (["1 Mar 2024", "12 Apr 2024"], "2024-03-01"),
        (["March 1, 2024", "May 12, 2024"], "2024-03-01"),
        ([20240301, 20231231, 20240101], "2024-03-01"),
        ([pd.Timestamp("2024-03-01"), pd.NaT], "2024-03-01"),
    ],
)
def test_dates(texts, first):
    one = found(texts)
    assert one.kind == "dates"
    assert one.values.iloc[0] == pd.Timestamp(first)


def test_days_or_months_first_is_a_guess_by_the_decimal_sign():
    for decimal, day in ((".", "2024-03-04"), (",", "2024-04-03")):
        one = found(["03/04/2024", "05/06/2024"], decimal)
        assert one.values.iloc[0] == pd.Timestamp(day)
        assert "first" in one.note
    assert found(["03/03/2024", "05/05/2024"]).note == ""
    assert found(["03/14/2024", "05/06/2024"]).note == ""


@pytest.mark.parametrize(
    "values", [["2024-13-45", "2024-03-01"], ["10.0.0.1", "10.0.0.2"], [20240301, 20241301, 20240101]]
)
def test_what_is_no_date(values):
    assert found(values).kind != "dates"


def test_nothing_at_all():
    assert found(["", "NA", None]).kind == "empty"
    assert found([np.nan, np.nan]).kind == "empty"


def test_what_is_nearly_numbers_says_what_is_not():
    one = found([*map(str, range(50)), "lots"])
    assert one.kind == "text"
    assert "'lots'" in one.note


def test_answers_are_the_same_however_they_are_spelt():
    assert (
        found(["true", "TRUE", "True", "False"] * 3).values.tolist() == ["true", "true", "true", "False"] * 3
    )
    assert found(["Yes", "no", "NO", "yes"] * 3).n_different == 2
    assert found(["red", "Red"] * 3).n_different == 2


@pytest.mark.parametrize("values", [[[1, 2], [3]], [{"a": 1}, None], [np.arange(2), np.arange(3)]])
def test_lists_and_records_are_nested(values):
    assert found(values).kind == "nested"


@pytest.mark.parametrize(
    ("name", "values", "latest"),
    [
        ("created", [1_700_000_000, 1_700_086_400, 1_700_172_800], "2023-11-16 22:13:20"),
        ("TS", [1_700_000_000_000, 1_700_086_400_000, 1_700_172_800_000], "2023-11-16 22:13:20"),
        ("Month", [202401, 202412, 202403], "2024-12-01"),
        ("x", [202401, 202402, 202403, 202404, 202405, 202406], "2024-06-01"),
        ("income", [1_700_000_000, 1_700_086_400, 1_700_172_800], None),
        ("x", [202401, 202402, 202403], None),
        ("month", [202401, 202413, 202403], None),
    ],
)
def test_whole_numbers_that_are_moments(name, values, latest):
    one = found(values, name=name)
    assert one.kind == ("numbers" if latest is None else "dates")
    if latest is not None:
        assert one.values.max() == pd.Timestamp(latest)
        assert one.note.startswith("whole numbers read as dates")


def test_late_numbers_do_not_make_text_numbers():
    assert found([f"name {i}" for i in range(2000)] + ["5"]).note == ""
