"""From bytes to text: byte-order marks, UTF-8, UTF-16, and Windows-1252 where nothing else fits."""

from fulcra._table.errors import TableError

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def decode(data: bytes, name: str, encoding: str | None = None) -> tuple[str, str, list[str]]:
    r"""Turn bytes into text.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        What to call it.
    encoding : str or None, default=None
        None: by its byte-order mark, else UTF-8, else Windows-1252.

    Returns
    -------
    text, encoding : str
        The text without byte-order mark, and its encoding as Python names it.
    notes : list of str
        What was assumed.

    Raises
    ------
    TableError
        If the bytes are no text, or not in that encoding.

    Examples
    --------
    >>> from fulcra._table.encoding import decode
    >>> decode(b"\xef\xbb\xbfage;city\n", "table.csv")
    ('age;city\n', 'utf-8-sig', [])
    """
    found = encoding or next((known for mark, known in _MARKS if data.startswith(mark)), None) or _wide(data)
    if found is None and b"\0" in data[:4096]:
        raise TableError(f"{name} is not a table of text: it holds zero bytes")
    notes = []
    try:
        text = data.decode(found or "utf-8")
    except LookupError:
        raise TableError(f"--encoding {encoding} is not known; utf-8, utf-16 and cp1252 are") from None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        if found is not None:
            raise TableError(f"{name} is not text in {found}: line {line} cannot be read") from None
        try:
            text, found = data.decode("cp1252"), "cp1252"
        except UnicodeDecodeError:
            raise TableError(
                f"{name} is not text in UTF-8 or Windows-1252 (line {line}); --encoding names another"
            ) from None
        notes.append(f"Line {line} is not UTF-8: read as Windows-1252 (--encoding names another).")
    if "\0" in text:
        raise TableError(f"{name} is not a table of text: it holds zero bytes")
    return text.removeprefix("\ufeff"), found or "utf-8", notes


def _wide(data: bytes) -> str | None:
    """Recognise UTF-16 without a byte-order mark: every other byte of Western text is 0."""
    some = data[:4096]
    for place, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = some[place::2], some[1 - place :: 2]
        if len(some) >= 4 and zeros.count(0) > 0.7 * len(zeros) and not others.count(0):
            return encoding
    return None
