"""Short names for clusters, in plain words, of the differences that were found again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra import _core
from fulcra._reading.columns import Columns
from fulcra._reading.profile import Profile

#: What a cluster is called that differs in nothing that was found again.
NOT_DISTINCT = "not distinct"
#: Differences, in standard deviations, that make a name (Cohen 1988: a medium one).
LARGE = 0.5
#: Two groups further apart than two of their standard deviations have two peaks.
_APART = 2.0
_MOST_WORDS = 3
#: Correlation within clusters from which two features say the same, and rows that it is taken from.
_SAME, _ROWS = 0.75, 5_000
_LEVELS = ("low", "medium", "high")
#: Columns whose levels have adjectives of their own.
_ADJECTIVES = {
    ("age",): ("young", "middle-aged", "older"),
    ("recency",): ("recent", "some time ago", "long ago"),
    ("frequency", "visits", "orders", "purchases", "transactions"): (
        "infrequent",
        "occasional",
        "frequent",
    ),
    ("price", "cost"): ("cheap", "mid-priced", "expensive"),
    ("tenure",): ("new", "established", "long-standing"),
    ("temperature",): ("cold", "mild", "hot"),
    ("speed",): ("slow", "medium speed", "fast"),
    ("weight",): ("light", "medium weight", "heavy"),
    ("size", "area"): ("small", "medium-sized", "large"),
}
_WORDS = {name: words for names, words in _ADJECTIVES.items() for name in names}


@dataclass(frozen=True)
class Term:
    """One word of a name: a feature, and which way the cluster goes in it.

    Attributes
    ----------
    feature : int
        Its index.
    level : int
        -1 is low, 0 between others, 1 high.
    """

    feature: int
    level: int


def names(found: Profile, distinct: NDArray[np.bool_], confirmed: NDArray[np.bool_]) -> tuple[str, ...]:
    """Name clusters.

    Parameters
    ----------
    found : Profile
        What they are like.
    distinct : ndarray of shape (n_clusters,)
        Whether a cluster may have a name at all.
    confirmed : ndarray of shape (n_clusters, n_features)
        Which of its differences were found again.

    Returns
    -------
    tuple of str
        "not distinct", or words in order of their differences; of those no name comes twice.
    """
    terms = [
        _telling(_terms(j, found, confirmed), found) if distinct[j] else [] for j in range(len(distinct))
    ]
    shown = [some[:_MOST_WORDS] for some in terms]
    for group in _alike(shown):
        # More words, until they differ.
        for length in range(_MOST_WORDS + 1, max(len(terms[j]) for j in group) + 1):
            longer = [terms[j][:length] for j in group]
            if len({tuple(some) for some in longer}) == len(group):
                for j, some in zip(group, longer, strict=True):
                    shown[j] = some
                break
    said = [", ".join(word(term, found.table) for term in some) if some else NOT_DISTINCT for some in shown]
    for group in _alike(said):
        _tell_apart(said, group, found)
    return tuple(said)


def word(term: Term, table: Columns) -> str:
    """Say in a word or two which way a cluster goes in a feature."""
    f = term.feature
    level, opposite = table.levels[f], table.opposites[f]
    plain = called(table)[f]
    if level is not None:
        if (level, opposite) == ("True", "False"):
            return plain if term.level > 0 else f"not {plain}"
        if term.level < 0:
            return f"not {plain} {level}" if opposite is None else f"{plain} {opposite}"
        return f"{plain} {level}"
    own = _WORDS.get(plain.lower())
    # Two columns with the same adjectives, price and cost, would contradict each other.
    if own and sum(_WORDS.get(other.lower()) == own for other in called(table)) == 1:
        return own[term.level + 1]
    return f"{_LEVELS[term.level + 1]} {plain}"


def called(table: Columns) -> tuple[str, ...]:
    """Return what the column of each feature is called: as words, without its unit where that is enough."""
    bare = [_plain(name) for name in table.table]
    names = [plain if bare.count(plain) == 1 else name for plain, name in zip(bare, table.table, strict=True)]
    return tuple(names[source] for source in table.source)


def _plain(name: str) -> str:
    """Write a column's name as words, without its unit."""
    return name.partition("(")[0].partition("[")[0].replace("_", " ").strip() or name


def _terms(j: int, found: Profile, confirmed: NDArray[np.bool_]) -> list[Term]:
    """Return all words for cluster j, the largest difference first, then where it is between others."""
    differences = np.where(confirmed, found.differences, 0)
    own = differences[j]
    order = np.argsort(-np.abs(own), kind="stable")
    said = [Term(int(f), int(np.sign(own[f]))) for f in order if abs(own[f]) >= LARGE]
    for f in np.flatnonzero(np.abs(np.nan_to_num(found.differences[j])) < LARGE):
        gaps = found.scores[:, f] - found.scores[j, f]
        width = np.sqrt((found.within[:, f] ** 2 + found.within[j, f] ** 2) / 2)
        apart = np.abs(gaps) > _APART * width
        above = apart & (gaps > 0) & (differences[:, f] >= LARGE)
        below = apart & (gaps < 0) & (differences[:, f] <= -LARGE)
        if above.any() and below.any():
            said.append(Term(int(f), 0))
    if not said and own[order[0]] != 0:
        said.append(Term(int(order[0]), int(np.sign(own[order[0]]))))
    return said


def _telling(terms: list[Term], found: Profile) -> list[Term]:
    """Put words behind that say nearly the same as one before: a name has few."""
    some = np.unique([term.feature for term in terms]).astype(np.intp)
    if len(some) < 2 or sp.issparse(found.measured):
        return terms
    rows = np.flatnonzero(found.labels >= 0)
    rows = rows[:: max(1, len(rows) // _ROWS)]
    values = found.measured[np.ix_(rows, some)]
    # Within clusters: between them, all that tells these clusters apart goes together.
    centers, _, _, _ = _core.cluster_scatter(
        np.nan_to_num(values), None, found.labels[rows].astype(np.int32), len(found.sizes)
    )
    rest = np.nan_to_num(values) - centers[found.labels[rows]]
    lengths = np.linalg.norm(rest, axis=0)
    alike = np.abs(rest.T @ rest) >= _SAME * np.outer(lengths, lengths)
    place = {int(f): at for at, f in enumerate(some)}
    first: list[Term] = []
    for term in terms:
        at = place[term.feature]
        if not any(alike[at, place[other.feature]] and lengths[at] > 0 for other in first):
            first.append(term)
    return first + [term for term in terms if term not in first]


def _alike(things: Sequence[object]) -> list[list[int]]:
    """Return groups of clusters that are called the same, but for those that are not distinct."""
    groups: dict[object, list[int]] = {}
    for j, thing in enumerate(things):
        groups.setdefault(tuple(thing) if isinstance(thing, list) else thing, []).append(j)
    return [group for name, group in groups.items() if len(group) > 1 and name not in ((), NOT_DISTINCT)]


def _tell_apart(said: list[str], group: list[int], found: Profile) -> None:
    """Add to names that are the same how these clusters differ from each other, or else a number."""
    numbers = np.flatnonzero(found.table.is_number)
    spans = np.ptp(np.nan_to_num(found.scores[group][:, numbers]), axis=0)
    width = np.sqrt(np.nan_to_num(found.within[group][:, numbers] ** 2).mean(axis=0))
    spans[spans < np.minimum(LARGE, _APART * width)] = 0
    if len(group) == 2 and spans.max(initial=0) > 0:
        f = int(numbers[np.argmax(spans)])
        lower, higher = sorted(group, key=lambda j: float(found.scores[j, f]))
        for level, far in ((-1, lower), (1, higher)):
            said_so = word(Term(f, level), found.table)
            if said_so in said[far].split(", "):
                # Both are low, or high, in what tells them apart: one of them is more so.
                parts = [f"very {part}" if part == said_so else part for part in said[far].split(", ")]
                said[far] = ", ".join(parts)
                return
        plain = called(found.table)[f]
        said[lower] += f", lower {plain}"
        said[higher] += f", higher {plain}"
        return
    for number, j in enumerate(group, start=1):
        said[j] += f" ({number})"
