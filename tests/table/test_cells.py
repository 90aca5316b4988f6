"""Text that means a number, and what stands for nothing."""

import math

import pytest
from fulcra._table.cells import is_code, is_missing, read_number, read_numbers
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "point", "comma", "unit"),
    [
        ("7", 7, 7, ""),
        ("-7", -7, -7, ""),
        ("\u22127", -7, -7, ""),
        ("+0.5", 0.5, None, ""),
        ("0,5", None, 0.5, ""),
        (".5", 0.5, None, ""),
        ("5.", 5, None, ""),
        ("1e3", 1000, 1000, ""),
        ("1.5E-3", 0.0015, None, ""),
        ("1,234.5", 1234.5, None, ""),
        ("1.234,5", None, 1234.5, ""),
        ("1,234", 1234, 1.234, ""),
        ("1.234", 1.234, 1234, ""),
        ("0.123", 0.123, None, ""),
        ("0,123", None, 0.123, ""),
        ("1234,567", None, 1234.567, ""),
        ("1,234,567", 1234567, None, ""),
        ("1.234.567", None, 1234567, ""),
        ("1 234 567", 1234567, 1234567, ""),
        ("1\u202f234,5", None, 1234.5, ""),
        ("1'234.50", 1234.5, None, ""),
        ("1\u2019234", 1234, 1234, ""),
        ("$1,200", 1200, 1.2, "$"),
        ("-$12", -12, -12, "$"),
        ("$-12", -12, -12, "$"),
        ("(1,200.00)", -1200, None, ""),
        ("1.234,56-", None, -1234.56, ""),
        ("99,90 €", None, 99.9, "€"),
        ("CHF 5", 5, 5, "CHF"),
        ("45%", 45, 45, "%"),
        ("4,5 %", None, 4.5, "%"),
    ],
)
def test_a_cell_is_read_both_ways(text, point, comma, unit):
    found = read_number(text)
    assert (found.point, found.comma, found.unit) == (point, comma, unit)


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "-", "1.2.3", "12.03.2024", "1,23,456", "1.23.456,7", "1,234 567", "--5", "-(5)", "+5-"),
        *("$5€", "5 5", "1e", "e5", "0x1f", "nan", "inf", "10:30", "1/2", "$", "%", "5%%", "192.168.0.1"),
    ],
)
def test_what_is_no_number(text):
    assert read_number(text) is None


@given(st.floats(-1e12, 1e12), st.sampled_from([0, 1, 2, 4]))
def test_numbers_written_in_english_and_in_german_are_the_same(value, digits):
    english = f"{value:,.{digits}f}"
    german = english.translate(str.maketrans(".,", ",."))
    assert read_number(english).point == float(f"{value:.{digits}f}")
    assert read_number(german).comma == float(f"{value:.{digits}f}")


def test_one_cell_settles_a_column():
    found = read_numbers(["1,234", "0,5", "12"], ".")
    assert (found.values, found.decimal, found.open) == ({"1,234": 1.234, "0,5": 0.5, "12": 12.0}, ",", "")
    found = read_numbers(["1,234", "0.5", "12"], ",")
    assert (found.values, found.decimal, found.open) == ({"1,234": 1234.0, "0.5": 0.5, "12": 12.0}, ".", "")


def test_an_open_column_follows_its_table():
    for decimal, value in ((".", 1234.0), (",", 1.234)):
        found = read_numbers(["12", "1,234"], decimal)
        assert (found.values["1,234"], found.decimal, found.open) == (value, "", "1,234")
    assert read_numbers(["12", "13"], ".").open == ""


@pytest.mark.parametrize(
    ("texts", "mentions"),
    [
        (["1.5", "2,5"], ["'1.5'", "'2,5'"]),
        (["$5", "6 €"], ["$", "€"]),
        (["45%", "0.5"], ["%"]),
        (["007", "110"], ["leading zeros"]),
        (["1", "2", "3", "4", "many"], ["'many'"]),
    ],
)
def test_what_keeps_a_column_from_being_numbers_is_said(texts, mentions):
    found = read_numbers(texts, ".")
    assert found.values == {}
    assert all(mention in found.problem for mention in mentions)


def test_text_is_no_problem_but_text():
    assert read_numbers(["Ulm", "Köln", "5"], ".").problem == ""


def test_units():
    assert read_numbers(["$5", "0", "$1,200.50"], ".").unit == "$"
    assert read_numbers(["45%", "0", "30 %"], ".").unit == "%"
    assert read_numbers(["$5", "6"], ".").values == {"$5": 5.0, "6": 6.0}


def test_missing_and_codes():
    assert all(map(is_missing, ["", "  ", "NA", " N/A ", "NaN", "null", "-", "?", ".", "#N/A", "\u2014"]))
    assert not any(map(is_missing, ["0", "no", "Nan Jing", "x"]))
    assert [is_code(text) for text in ("007", "01067", "0", "0.7", "70", "0x7")] == [True, True, *[False] * 4]


def test_zero_is_a_number_with_its_sign():
    assert math.copysign(1, read_number("-0").point) == -1
