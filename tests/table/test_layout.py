"""Delimiters, headers, decimal signs, and rows that do not fit."""

import pytest
from fulcra._table.errors import TableError
from fulcra._table.guesses import NO_DELIMITER
from fulcra._table.layout import Wishes, find_layout, records


def layout(text, **wishes):
    return find_layout(text, "t", Wishes(**wishes))


@pytest.mark.parametrize(
    ("text", "delimiter", "width"),
    [
        ("a,b\n1,2\n", ",", 2),
        ("a;b;c\n1,5;2,5;3\n", ";", 3),
        ("1,5;2,5\n3,5;4,5\n", ";", 2),
        ("a\tb\n1,5\t2\n", "\t", 2),
        ("a|b\n1|2\n", "|", 2),
        ("a b\n1 2\n", " ", 2),
        ("a   b\n1 2\n 3    4\n", " ", 2),
        ("a\n1\n2\n", NO_DELIMITER, 1),
        ("a\n1,5\n2,7\n", NO_DELIMITER, 1),
        ("city\nNew York\nBonn\n", NO_DELIMITER, 1),
        ('name,n\n"Doe, J; Roe",1\n"Poe; E",2\n', ",", 2),
        ('a,b\n"1\n2",3\n', ",", 2),
        ("a,b\n1,2\n1,2,3\n", ",", 2),
    ],
)
def test_delimiters(text, delimiter, width):
    found = layout(text)
    assert found.delimiter == delimiter
    assert len(found.names) == width


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("age,city\n41,Bonn\n", ("age", "city")),
        ("41,Bonn\n28,Ulm\n", ("c1", "c2")),
        ("5.1,3.5\n4.9,3.0\n", ("c1", "c2")),
        ("city,kind\nUlm,a\nBonn,b\n", ("city", "kind")),
        ("Ulm,a\nBonn,b\nUlm,b\n", ("c1", "c2")),
        ("land,2019,2020,2021\nA,1.5,2,3\nB,2,3,4\n", ("land", "2019", "2020", "2021")),
        ("2019,2020\n2018,2021\n", ("c1", "c2")),
        (",x,y\n0,5,6\n1,7,8\n", ("c1", "x", "y")),
        ("date,n\n2024-01-02,5\n2024-01-03,6\n", ("date", "n")),
        ("2024-01-01,4\n2024-01-02,5\n2024-01-03,6\n", ("c1", "c2")),
        ("NA,4\n2,5\n3,6\n", ("c1", "c2")),
        ("a,b\n", None),
        ("1,2\n", ("c1", "c2")),
        (' a , "b  c" \n1,2\n', ("a", "b c")),
        ("a,a,a\n1,2,3\n", ("a", "a (2)", "a (3)")),
        ("a,a (2),a\n1,2,3\n", ("a", "a (2)", "a (3)")),
        ("x y\na 1 2\nb 3 4\n", ("row", "x", "y")),
        ("x;y\n1;2;\n3;4;\n", ("x", "y", "c3")),
        ("# made by hand\n# twice\na,b\n1,2\n", ("a", "b")),
        ("#a,b\n1,2\n", ("a", "b")),
        ("#1001,5\n#1002,6\n#1003,7\n", ("c1", "c2")),
        ("#1001,5\n1002,6\n1003,7\n", ("c1", "c2")),
        ("#1001,5\n#1002,6\n1003,7\n", ("c1", "c2")),
        ("#n,m\n#1002,6\n#1003,7\n", ("#n", "m")),
        ("# by hand, 2020\n# in cm, kg\na,b\n1,2\n", ("a", "b")),
        ("a,b\n1,2\na,b\n3,4\n", ("a", "b")),
        ("sep=;\na;b\n1,2;3,4\n", ("a", "b")),
        ("\n\na,b\n1,2\n", ("a", "b")),
    ],
)
def test_headers(text, names):
    if names is None:
        with pytest.raises(TableError, match="no rows"):
            layout(text)
    else:
        assert layout(text).names == names


def test_a_header_can_be_said_to_be_there_or_not():
    assert layout("1,2\n3,4\n", header=True).names == ("1", "2")
    assert layout("a,b\nc,d\n", header=False).names == ("c1", "c2")


@pytest.mark.parametrize(
    ("text", "decimal", "n_notes"),
    [
        ("a;b\n1,5;2\n", ",", 0),
        ("a;b\n1.5;2\n", ".", 0),
        ("a;b\n1.234;0,5\n", ",", 1),
        ('a,b\n"1,234",0.5\n', ".", 1),
        ('a,b\n"0,5","1,5"\n', ",", 0),
        ("a;b\n1,234;2,345\n", ",", 1),
        ("a\tb\n1,234\t2,345\n", ".", 1),
        ("a;b\n1.234;2.345\n", ".", 1),
        ("a;b;c\n1,5;2,5;3.5\n", ",", 0),
        ("a;b\n1;2\n", ".", 0),
    ],
)
def test_decimal_signs_and_a_note_where_they_are_guessed(text, decimal, n_notes):
    found = layout(text)
    assert found.decimal == decimal
    assert len(found.notes) == n_notes


def test_the_note_on_a_guess_shows_both_readings():
    (note,) = layout("a;b\n1,234;2,345\n").notes
    assert "1,234 in a, b" in note
    assert "1.234;" in note
    assert "--decimal . reads it as 1234." in note
    assert layout("a;b\n1,234;2,345\n", decimal=".").notes == ()


def test_the_note_on_a_column_that_another_decides_about_names_both():
    found = layout('lat,rate,price\n48.141,9.670,"0,00"\n48.715,9.167,"50,10"\n')
    assert found.decimal == ","
    (note,) = found.notes
    assert note == (
        "48.141 in lat, rate: read as 48141, by the decimal commas of price; --decimal . reads it as 48.141."
    )


def test_a_decimal_sign_is_obeyed_or_refused():
    open_and_not = 'lat,price\n48.141,"0,00"\n48.715,"50,10"\n'
    (note,) = layout(open_and_not, decimal=".").notes
    assert note.startswith("price: read with decimal commas in spite of --decimal .")
    assert layout(open_and_not, decimal=",").notes == ()
    with pytest.raises(TableError, match=r"--decimal \. does not fit: 1,5 in a"):
        layout("a;b\n1,5;2\n2,5;3\n", decimal=".")


@pytest.mark.parametrize(
    ("text", "delimiter", "fits"),
    [("a;b\n1;2\n3;4\n", ",", '";"'), ("a;b\n1,5;2\n3;4\n", ",", '";"'), ("a\tb\n1\t2\n", ";", "tab")],
)
def test_a_delimiter_that_does_not_cut_is_refused(text, delimiter, fits):
    with pytest.raises(TableError, match=f"--delimiter {fits}$"):
        layout(text, delimiter=delimiter)
    assert layout("a\n1\n2\n", delimiter=";").names == ("a",)


def rows(text):
    found = layout(text)
    return list(records(text, found, "t"))


def test_records_keep_what_is_written_and_count_lines():
    text = '# by hand\na,b\n"1\n2", 3\n\n4,"5,6"\n'
    assert rows(text) == [
        (3, '"1\n2", 3', ["1\n2", "3"]),
        (5, "", []),
        (6, '4,"5,6"', ["4", "5,6"]),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n1,2,3\n1,2\n", "t, line 3 has 3 cells; the table has 2 columns"),
        ('a,b\n"1\n1",2\n1\n1,2\n', "t, line 4 has 1 cell; the table has 2 columns"),
        ('a,b\n1,2\n"1,2\n1,2\n', "t, line 3: a quote is opened and never closed"),
        ('a,b\n1,2\n"1"x,2\n1,2\n', "t, line 3: a quoted cell goes on behind its closing quote"),
        ('a,b\n1,2\n"' + "1\n" * 70_000, "t, line 3: a cell of more than 131,072 characters; is a quote not"),
    ],
)
def test_rows_that_do_not_fit_are_named_by_their_line(text, message):
    with pytest.raises(TableError) as caught:
        rows(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("text", ["", "\n", "# nothing else\n", "sep=;\n"])
def test_nothing_is_no_table(text):
    with pytest.raises(TableError, match="empty"):
        layout(text)
