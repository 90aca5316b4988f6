"""Labels beside the rows they belong to."""

import gzip
import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fulcra._table.errors import TableError
from fulcra._table.read import read_table
from fulcra._table.write import check_out, in_place_of, label_columns, write_labels


def labelled(tmp_path, content, labels, names=("low", "high"), out="out.csv"):
    """Write a table, label its rows, and return the bytes of the result and the notes."""
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    notes = write_labels(read_table(str(path)), np.array(labels), names, tmp_path / out)
    assert path.read_bytes() == content
    return (tmp_path / out).read_bytes(), notes


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\n1,x\n2,y\n", b"a,b,cluster,cluster_name\n1,x,1,high\n2,y,0,low\n"),
        (b"a;b\r\n1,50;x\r\n2;y\r\n", b"a;b;cluster;cluster_name\r\n1,50;x;1;high\r\n2;y;0;low\r\n"),
        (b'a,b\n"1","x\nz"\n\n2,"y"\n', b'a,b,cluster,cluster_name\n"1","x\nz",1,high\n2,"y",0,low\n'),
        (b"5,x\n6,y\n7,x\n,\n", b"c1,c2,cluster,cluster_name\n5,x,1,high\n6,y,0,low\n7,x,1,high\n"),
        (b"x\n1\n2\n", b"x,cluster,cluster_name\n1,1,high\n2,0,low\n"),
        (b"x\n1,5\n2,5\n", b"x;cluster;cluster_name\n1,5;1;high\n2,5;0;low\n"),
        (b"# by hand\n#a\tb\n1\tx\n2\ty\n", b"a\tb\tcluster\tcluster_name\n1\tx\t1\thigh\n2\ty\t0\tlow\n"),
        (b"x y\na 1 2\nb 3 4\n", b"row x y cluster cluster_name\na 1 2 1 high\nb 3 4 0 low\n"),
        (b"x;y\n1;2;\n3;4;\n", b"x;y;;cluster;cluster_name\n1;2;;1;high\n3;4;;0;low\n"),
        (b"a,cluster\n1,x\n2,y\n", b"a,cluster,cluster (2),cluster_name (2)\n1,x,1,high\n2,y,0,low\n"),
        ("a,b\nKöln,5\nUlm,6\n".encode("utf-8-sig"), None),
        ("a,b\nKöln,5\nUlm,6\n".encode("cp1252"), None),
        ("a,b\nKöln,5\nUlm,6\n".encode("utf-16"), None),
    ],
)
def test_rows_stay_as_they_are_written(tmp_path, content, expected):
    if expected is None:
        encoding = next(
            e for e in ("utf-8-sig", "cp1252", "utf-16") if "a,b\nKöln,5\nUlm,6\n".encode(e) == content
        )
        expected = "a,b,cluster,cluster_name\nKöln,5,1,high\nUlm,6,0,low\n".encode(encoding)
    n = 3 if content.startswith(b"5,x") else 2
    found, notes = labelled(tmp_path, content, [1, 0, 1][:n])
    assert found == expected
    assert notes == []


def test_names_are_quoted_where_they_must_be(tmp_path):
    names = ("low a, high b", 'so "called"')
    found, _ = labelled(tmp_path, b"a,b\n1,x\n2,y\n", [0, 1], names)
    assert found == b'a,b,cluster,cluster_name\n1,x,0,"low a, high b"\n2,y,1,"so ""called"""\n'


def test_no_cluster_is_two_empty_cells(tmp_path):
    found, _ = labelled(tmp_path, b"a,b\n1,x\n2,y\n", [-1, 1])
    assert found.splitlines()[1] == b"1,x,,"


def test_letters_that_the_encoding_lacks(tmp_path):
    found, (note,) = labelled(
        tmp_path, "a,b\nKöln,1\nUlm,2\n".encode("cp1252"), [0, 1], ("\u0141\u00f3d\u017a", "x")
    )
    assert found.decode("utf-8-sig").splitlines()[1] == "Köln,1,0,\u0141\u00f3d\u017a"
    assert "UTF-8" in note


def test_gzip(tmp_path):
    found, _ = labelled(tmp_path, b"a,b\n1,x\n2,y\n", [0, 1], out="out.csv.gz")
    assert gzip.decompress(found) == b"a,b,cluster,cluster_name\n1,x,0,low\n2,y,1,high\n"


def test_parquet_in_and_out(tmp_path):
    frame = pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]})
    given = frame.to_parquet()
    found, _ = labelled(tmp_path, given, [1, 0])
    assert found == b"a,b,cluster,cluster_name\n1.5,x,1,high\n2.5,y,0,low\n"
    found, _ = labelled(tmp_path, given, [1, 0], out="out.parquet")
    want = frame.assign(cluster=[1, 0], cluster_name=["high", "low"])
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(found)), want, check_dtype=False)


def test_the_new_columns_have_names_of_their_own():
    assert label_columns(["a"]) == ("cluster", "cluster_name")
    assert label_columns(["cluster_name"]) == ("cluster (2)", "cluster_name (2)")
    assert label_columns(["cluster", "cluster (2)"]) == ("cluster (3)", "cluster_name (3)")


def test_a_file_is_whole_or_not_there(tmp_path):
    path = tmp_path / "out.csv"

    def interrupted():
        with in_place_of(path) as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
    path.write_text("old")
    with in_place_of(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_replaced_keeps_its_mode(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    path.chmod(0o640)
    with in_place_of(path) as part:
        part.write_text("new")
    assert path.stat().st_mode & 0o777 == 0o640


def test_tabs_where_the_name_says_so(tmp_path):
    found, _ = labelled(tmp_path, b'a,b\n1,"x, z"\n2,y\n', [0, 1], out="out.tsv")
    assert found == b"a\tb\tcluster\tcluster_name\n1\tx, z\t0\tlow\n2\ty\t1\thigh\n"


@pytest.mark.parametrize(
    ("name", "content", "ours"),
    [
        ("a.csv", b"a,b,cluster,cluster_name\n1,2,0,low\n", True),
        ("a.csv", b"a;cluster (2);cluster_name (2)\r\n1;0;low\r\n", True),
        ("a.csv", "a\tcluster\tcluster_name\n1\t0\tlow\n".encode("utf-16"), True),
        ("a.csv", b'"a\nb",cluster,cluster_name\n1,0,low\n', True),
        ("a.csv.gz", gzip.compress(b"a,cluster,cluster_name\n1,0,low\n"), True),
        ("a.csv", b"", True),
        ("a.csv", b"a,b\n1,2\n", False),
        ("a.csv", b"cluster,cluster_name,a\n0,low,1\n", False),
        ("a.csv.gz", b"a,cluster,cluster_name\n1,0,low\n", False),
        ("a.parquet", b"PAR1", False),
    ],
)
def test_only_labels_are_overwritten_unasked(tmp_path, name, content, ours):
    path = tmp_path / name
    path.write_bytes(content)
    check_out(path, named=True)
    if ours:
        check_out(path, named=False)
    else:
        with pytest.raises(TableError, match="holds no labels; --out names another file"):
            check_out(path, named=False)


def test_parquet_of_ours_is_known_again(tmp_path):
    path = tmp_path / "a.parquet"
    frame = pd.DataFrame({"a": [1], "cluster": [0], "cluster_name": ["low"]})
    frame.to_parquet(path)
    check_out(path, named=False)
    frame[["a"]].to_parquet(path)
    with pytest.raises(TableError):
        check_out(path, named=False)


def test_what_is_no_file_is_written_to_and_stays_what_it_is():
    nowhere = Path(os.devnull)
    with in_place_of(nowhere) as part:
        part.write_text("x")
    assert nowhere.exists()
    assert not nowhere.is_file()
