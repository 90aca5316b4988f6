"""From bytes to text."""

import pytest
from fulcra._table.encoding import decode
from fulcra._table.errors import TableError

TEXT = "Ort;Preis\nKöln;5 €\n"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8-sig"),
        (TEXT.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_encodings_are_recognised(data, encoding):
    assert decode(data, "t") == (TEXT, encoding, [])


def test_windows_is_assumed_with_a_note_that_names_the_line():
    text, encoding, (note,) = decode(TEXT.encode("cp1252"), "t")
    assert (text, encoding) == (TEXT, "cp1252")
    assert "Line 2 " in note


def test_a_named_encoding_is_used():
    assert decode(TEXT.encode("cp1252"), "t", "cp1252") == (TEXT, "cp1252", [])
    assert decode(b"\xa4", "t", "iso-8859-15")[0] == "€"


@pytest.mark.parametrize(
    ("data", "encoding", "mentions"),
    [
        (b"a\n\xff", "utf-8", ["utf-8", "line 2"]),
        (b"a\nb\n\x81\xff", None, ["line 3", "--encoding"]),
        (b"a", "klingon", ["klingon"]),
        (b"ab\x00\x00cdefgh", None, ["zero bytes"]),
        (b"\xff\xfea", None, ["utf-16"]),
    ],
)
def test_what_is_no_text(data, encoding, mentions):
    with pytest.raises(TableError) as caught:
        decode(data, "t", encoding)
    assert all(mention in str(caught.value) for mention in mentions)
