"""Files of every form, and files that are none."""

import csv
import gzip
import importlib.util
import io
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from fulcra._errors import MissingError
from fulcra._table.errors import TableError
from fulcra._table.layout import Wishes
from fulcra._table.read import read_table
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def table(tmp_path):
    """Write a file, and read it as a table."""

    def read(content, name="t.csv", **wishes):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(str(path), Wishes(**wishes))

    return read


def columns(read):
    return {name: cells.tolist() for name, cells in read.frame.items()}


def test_numbers_and_text(table):
    read = table("age,city\n41,Bonn\n28.5,Ulm\n")
    assert columns(read) == {"age": [41.0, 28.5], "city": ["Bonn", "Ulm"]}
    assert read.frame.index.tolist() == [2, 3]
    assert read.notes == ()


def test_a_german_spreadsheet(table):
    read = table('Alter;Umsatz\r\n41;1234,5\r\n28;"99,9"\r\n'.encode("cp1252"))
    assert columns(read) == {"Alter": [41, 28], "Umsatz": [1234.5, 99.9]}
    assert (read.newline, read.layout.decimal) == ("\r\n", ",")


@pytest.mark.parametrize("mark", ["", "NA", "N/A", "NaN", "null", "-", "?", ".", " "])
def test_missing_values(table, mark):
    found = columns(table(f"a,b,c\n1,x,5\n{mark},{mark},6\n3,y,7\n"))
    assert np.isnan(found["a"]).tolist() == [False, True, False]
    assert pd.isna(pd.Series(found["b"])).tolist() == [False, True, False]


def test_old_line_ends_and_none_at_the_end(table):
    assert columns(table("a,b\r1,2\r3,4")) == {"a": [1, 3], "b": [2, 4]}


def test_quoted_cells_hold_anything(table):
    read = table('a,b\n1,"x, ""y""\nz"\n2,w\n')
    assert columns(read) == {"a": [1, 2], "b": ['x, "y"\nz', "w"]}
    assert read.frame.index.tolist() == [2, 4]


def test_rows_without_any_value_are_left_out_and_counted(table):
    read = table("a,b\n1,2\n,\n\n3,NA\n , -\n\n\n")
    assert read.frame.index.tolist() == [2, 5]
    assert read.notes == ("3 rows without any value: left out.",)


def test_a_late_surprise_turns_a_column_to_text_with_all_its_cells(table):
    lines = [f"{i},{i}" for i in range(3000)] + ["many,5", "3001,$6"]
    read = table("a,b\n" + "\n".join(lines) + "\n")
    assert read.frame["a"].tolist()[-3:] == ["2999", "many", "3001"]
    assert read.frame["b"].tolist()[-3:] == ["2999", "5", "$6"]


def test_codes_keep_their_zeros(table):
    assert columns(table("zip,n\n01067,1\n80331,2\n"))["zip"] == ["01067", "80331"]


def test_a_header_that_comes_again_is_no_row(table):
    first = "a,b\n1,2.5\n3,4.5\n"
    read = table(first + first + first)
    assert columns(read) == {"a": [1, 3] * 3, "b": [2.5, 4.5] * 3}
    assert read.frame.index.tolist() == [2, 3, 5, 6, 8, 9]
    assert read.notes == ("The header comes again in lines 4, 7: left out.",)


def test_rows_that_begin_with_a_hash_are_rows(table):
    assert columns(table("#a1,5\n#a2,6\n#a3,7\n")) == {"c1": ["#a1", "#a2", "#a3"], "c2": [5, 6, 7]}


def test_one_column(table):
    assert columns(table("x\n1\n2\n")) == {"x": [1, 2]}
    assert columns(table("x\n1,5\n2,25\n")) == {"x": [1.5, 2.25]}


def test_gzip(table):
    assert columns(table(gzip.compress(b"a,b\n1,2\n"), "t.csv.gz")) == {"a": [1], "b": [2]}


def test_utf16_with_tabs_as_a_spreadsheet_writes_unicode_text(table):
    read = table("Stra\u00dfe\tn\r\nAm M\u00fchlbach\t5\r\n".encode("utf-16"))
    assert columns(read) == {"Stra\u00dfe": ["Am M\u00fchlbach"], "n": [5]}


def test_wishes_are_obeyed(table):
    assert columns(table("a;b\n1,234;2\n", decimal=".")) == {"a": ["1,234"], "b": [2]}
    assert columns(table("a:b\n1:2\n", delimiter=":")) == {"a": [1], "b": [2]}


def test_the_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n1,2\n")))
    assert columns(read_table("-")) == {"a": [1], "b": [2]}


@pytest.mark.parametrize(
    ("content", "mention"),
    [
        (b"", "empty"),
        (b"a,b\n", "no rows"),
        (b"a,b\n,\n", "all of them empty"),
        (b"a,b\n1,2\n1,2,3\n", "line 3"),
        (b"PK\x03\x04....", "workbook"),
        (b"\xd0\xcf\x11\xe0....", "workbook"),
        (b"\x1f\x8b....", "damaged"),
        (b"ab\x00\x00cdefgh", "zero bytes"),
        (b"Report of 2024\na,b,c\n1,2,3\n", "first line has 1 cell, those below 3"),
    ],
)
def test_what_is_no_table(table, content, mention):
    with pytest.raises(TableError, match=mention) as caught:
        table(content)
    assert "\n" not in str(caught.value)


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(TableError, match="there is no such file"):
        read_table(str(tmp_path / "none.csv"))
    with pytest.raises(TableError, match="is a folder"):
        read_table(str(tmp_path))


def test_without_pandas_the_pip_line_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r'pip install "fulcra\[table\]"'):
        read_table("t.csv")


def test_parquet(table):
    frame = pd.DataFrame({"a": [1.5, 2.5, np.nan], "b": ["x", "y", None]}, index=[7, 8, 9])
    read = table(frame.to_parquet(), "t.parquet")
    assert read.frame.columns.tolist() == ["index", "a", "b"]
    assert read.frame["index"].tolist() == [7, 8, 9]
    assert read.frame.index.tolist() == [1, 2, 3]


def test_parquet_of_another_library(table):
    content = io.BytesIO()
    pl.DataFrame({"a": [1, 2, None], "b": ["x", None, "y"], "c": [True, False, True]}).write_parquet(content)
    read = table(content.getvalue(), "t.parquet")
    assert read.frame["a"].tolist()[:2] == [1, 2]
    assert pd.isna(read.frame["b"]).tolist() == [False, True, False]
    assert read.frame["c"].tolist() == [True, False, True]


def test_parquet_that_is_none(table):
    with pytest.raises(TableError, match=r"t\.parquet"):
        table(b"PAR1....", "t.parquet")


def test_parquet_without_what_reads_it(table, monkeypatch):
    def lacking(file):
        raise ImportError("no engine")

    monkeypatch.setattr(pd, "read_parquet", lacking)
    with pytest.raises(MissingError, match="pip install pyarrow"):
        table(b"PAR1....", "t.parquet")


@pytest.mark.parametrize("storage", ["python", "pyarrow"])
def test_texts_are_texts_with_pyarrow_and_without(table, storage):
    with pd.option_context("mode.string_storage", storage):
        read = table("id,plan,spent\na1,gold,10\nb2,,20\nc3,basic,30\n")
        assert read.frame["plan"].tolist()[::2] == ["gold", "basic"]
        assert pd.isna(read.frame["plan"]).tolist() == [False, True, False]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\x1f"), max_size=8)


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), CELLS), min_size=3, max_size=20),
    st.sampled_from([(",", "."), (";", ","), (";", "."), ("\t", ","), ("|", ".")]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_whatever_stands_in_a_cell_rows_and_numbers_are_those_that_were_written(
    tmp_path_factory, rows, signs, encoding
):
    delimiter, decimal = signs
    held = io.StringIO()
    writer = csv.writer(held, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["number", "text"])
    for number, text in rows:
        writer.writerow([f"{number:.4f}".replace(".", decimal), text])
    path = tmp_path_factory.mktemp("any") / "t.csv"
    path.write_bytes(held.getvalue().encode(encoding))
    read = read_table(str(path))
    assert read.layout.names == ("number", "text")
    assert read.frame["number"].tolist() == [float(f"{number:.4f}") for number, _ in rows]
