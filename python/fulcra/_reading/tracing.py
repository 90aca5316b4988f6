"""What each column of a model is, as a sum over columns and levels of the table: through a Pipeline."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectorMixin
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

from fulcra._reading.columns import column_cells
from fulcra._reading.undoing import column_parts, step_made_of

#: Columns of a mixture that its name lists.
_MOST_NAMES = 3
#: What stands for an input's name when a step is asked how it names what it makes.
_TOKEN = "\N{WHITE SQUARE}{}\N{BLACK SQUARE}"


@dataclass(frozen=True)
class Trace:
    """The columns of a model as sums over features of the table: ``offset + matrix @ feature``.

    A feature is a column of numbers, a level of a column ("region = South"), or what a step without a formula
    made of some columns ("log1p(income)").

    Attributes
    ----------
    features : tuple of str
        Their names.
    levels : tuple
        For each feature its level as text; None for numbers.
    column : ndarray of shape (n_features,), intp
        Which of `columns` each feature is of.
    columns : tuple of str
        Columns of the table, and mixtures of several ("a, b").
    references : tuple
        For each of `columns` the level that the encoder left out, as text; None where there is none.
    matrix : CSR matrix of shape (n_model_columns, n_features)
        By how much a model's column rises with a feature.
    offset : ndarray of shape (n_model_columns,)
        What the model's columns are where all features are 0.
    values : {ndarray, CSR matrix} of shape (n_samples, n_features), float64, or None
        The rows' features; None where no table was given.
    """

    features: tuple[str, ...]
    levels: tuple[str | None, ...]
    column: NDArray[np.intp]
    columns: tuple[str, ...]
    references: tuple[str | None, ...]
    matrix: sp.csr_matrix
    offset: NDArray[np.float64]
    values: Any


@dataclass(frozen=True)
class _Stage:
    """The columns between two steps."""

    matrix: sp.csr_matrix  # (n_columns, features so far)
    offset: NDArray[np.float64]
    names: list[str]
    table: Any  # the rows at this stage, as the next step takes them

    def at(self, picked: NDArray[np.intp]) -> "_Stage":
        return _Stage(
            self.matrix[picked],
            self.offset[picked],
            [self.names[place] for place in picked],
            _columns_at(self.table, picked),
        )


def trace(transformers: Sequence[Any], X: Any, names: Sequence[str]) -> Trace:
    """Walk through the steps in front of a model.

    Parameters
    ----------
    transformers : sequence of estimator
        Fitted, in their order.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_columns), iterable of str, or None
        The table, as the first step takes it; None where there is none.
    names : sequence of str
        The names of its columns; none for texts.

    Returns
    -------
    Trace
        The model's columns.
    """
    walk = _Walk(list(names))
    stage = walk.start(X)
    for transformer in transformers:
        stage = walk.through(transformer, stage)
    return walk.finished(stage)


class _Walk:
    """The features found so far."""

    def __init__(self, names: list[str]) -> None:
        self.table = names  # names of the table's columns; words of texts are added
        self.features: list[str] = []
        self.levels: list[str | None] = []
        self.sources: list[frozenset[int]] = []  # columns of the table
        self.references: dict[frozenset[int], str] = {}
        self.blocks: list[tuple[int, Any]] = []  # where each block of values begins

    def start(self, X: Any) -> _Stage:
        d = len(self.table)
        sources = [frozenset([place]) for place in range(d)]
        return self._anew(list(self.table), sources, [None] * d, X)

    def _anew(
        self, names: list[str], sources: list[frozenset[int]], levels: list[str | None], values: Any
    ) -> _Stage:
        """Begin again with features that have no formula."""
        first, m = len(self.features), len(names)
        self.features += names
        self.sources += sources
        self.levels += levels
        self.blocks.append((first, values))
        matrix = sp.csr_matrix((np.ones(m), first + np.arange(m), np.arange(m + 1)), shape=(m, first + m))
        return _Stage(matrix, np.zeros(m), list(names), values)

    def through(self, transformer: Any, stage: _Stage) -> _Stage:
        if isinstance(transformer, Pipeline):
            for _, step in transformer.steps:
                stage = self.through(step, stage)
        elif isinstance(transformer, ColumnTransformer):
            parts = sorted(
                ((to.start or 0, part, picked) for part, picked, to in column_parts(transformer)),
                key=lambda found: found[0],
            )
            made = [self.through(part, stage.at(picked)) for _, part, picked in parts if len(picked)]
            stage = self._joined(made, transformer, stage)
        elif isinstance(transformer, FeatureUnion):
            parts = [part for _, part in transformer.transformer_list if part != "drop"]
            stage = self._joined([self.through(part, stage) for part in parts], transformer, stage)
        elif isinstance(transformer, SelectorMixin):
            picked = np.flatnonzero(transformer.get_support())
            stage = replace(stage.at(picked), table=_transformed(transformer, stage.table))
        elif not _passes(transformer):
            groups = _levels_of(transformer)
            if groups is not None:
                return self._of_levels(transformer, stage, groups)
            stage = self._by_formula(transformer, stage)
        return stage

    def _by_formula(self, transformer: Any, stage: _Stage) -> _Stage:
        formula = _formula(transformer, len(stage.names))
        if formula is None:
            return self._unknown(transformer, stage)
        matrix, offset = formula
        return _Stage(
            (matrix @ stage.matrix).tocsr(),
            matrix @ stage.offset + offset,
            stage.names if matrix.shape[0] == len(stage.names) else [""] * matrix.shape[0],
            _transformed(transformer, stage.table),
        )

    def _joined(self, made: list[_Stage], transformer: Any, before: _Stage) -> _Stage:
        width = len(self.features)
        wide = [
            sp.csr_matrix((s.matrix.data, s.matrix.indices, s.matrix.indptr), (len(s.names), width))
            for s in made
        ]
        return _Stage(
            sp.vstack(wide, format="csr") if wide else sp.csr_matrix((0, width)),
            np.concatenate([stage.offset for stage in made]) if made else np.empty(0),
            [name for stage in made for name in stage.names],
            _transformed(transformer, before.table),
        )

    def _source(self, stage: _Stage, place: int) -> frozenset[int]:
        """Return which columns of the table a column of a stage is made of."""
        used = stage.matrix.indices[stage.matrix.indptr[place] : stage.matrix.indptr[place + 1]]
        return frozenset().union(*(self.sources[f] for f in used))

    def _of_levels(self, encoder: Any, stage: _Stage, groups: list[tuple[list[str], str | None]]) -> _Stage:
        names, sources, levels = [], [], []
        for place, (kept, dropped) in enumerate(groups):
            source = self._source(stage, place)
            names += [f"{stage.names[place]} = {level}" for level in kept]
            sources += [source] * len(kept)
            levels += kept
            if dropped is not None:
                self.references[source] = dropped
        return self._anew(names, sources, list(levels), _transformed(encoder, stage.table))

    def _unknown(self, transformer: Any, stage: _Stage) -> _Stage:
        table = _transformed(transformer, stage.table)
        if hasattr(transformer, "vocabulary_") or not hasattr(transformer, "n_features_in_"):
            words = [str(word) for word in _words(transformer, table)]
            before = f"{stage.names[0]}: " if len(stage.names) == 1 else ""
            names = [f"{before}{word}" for word in words]
            first = len(self.table)
            self.table += names
            return self._anew(
                names, [frozenset([first + place]) for place in range(len(names))], [None] * len(names), table
            )
        names, made = _named(transformer, stage.names)
        own = [self._source(stage, place) for place in range(len(stage.names))]
        sources = [frozenset().union(*(own[place] for place in places)) for places in made]
        return self._anew(names, sources, [None] * len(names), table)

    def finished(self, stage: _Stage) -> Trace:
        used = np.unique(stage.matrix.indices)
        order: dict[frozenset[int], int] = {}
        for f in used:
            order.setdefault(self.sources[f], len(order))
        return Trace(
            tuple(self.features[f] for f in used),
            tuple(self.levels[f] for f in used),
            np.array([order[self.sources[f]] for f in used], dtype=np.intp),
            tuple(self._listed(source) for source in order),
            tuple(self.references.get(source) for source in order),
            stage.matrix[:, used] if len(used) else stage.matrix[:, :0],
            stage.offset,
            self._values(used),
        )

    def _listed(self, source: frozenset[int]) -> str:
        names = [self.table[place] for place in sorted(source)]
        if len(names) > _MOST_NAMES + 1:
            return f"{', '.join(names[:_MOST_NAMES])} and {len(names) - _MOST_NAMES} more"
        return ", ".join(names) or "a constant"

    def _values(self, used: NDArray[np.intp]) -> Any:
        ends = [first for first, _ in self.blocks[1:]] + [len(self.features)]
        found = []
        for (first, block), end in zip(self.blocks, ends, strict=True):
            picked = used[(used >= first) & (used < end)] - first
            if len(picked):
                if block is None:
                    return None
                found.append(_numbers(_columns_at(block, picked)))
        if any(sp.issparse(block) for block in found):
            return sp.hstack(found, format="csr")
        if found:
            return found[0] if len(found) == 1 else np.column_stack(found)
        return None


def _columns_at(table: Any, picked: NDArray[np.intp]) -> Any:
    if table is None or not hasattr(table, "shape"):  # texts
        return table
    if hasattr(table, "iloc"):
        return table.iloc[:, picked]
    if hasattr(table, "columns"):
        return table[[table.columns[place] for place in picked]]
    if len(picked) == table.shape[1] and (picked == np.arange(len(picked))).all():
        return table
    return table.tocsc()[:, picked].tocsr() if sp.issparse(table) else table[:, picked]


def _numbers(table: Any) -> Any:
    """Return columns of numbers, CSR or (n_samples, n_columns), float64."""
    if sp.issparse(table):
        return table.tocsr().astype(np.float64)
    if hasattr(table, "columns"):
        return np.column_stack([cells.astype(np.float64) for cells in column_cells(table)])
    return np.asarray(table, dtype=np.float64)


def _transformed(transformer: Any, table: Any) -> Any:
    if table is None:
        return None
    if not hasattr(transformer, "n_features_in_") and getattr(table, "ndim", 1) == 2 and table.shape[1] == 1:
        table = next(iter(column_cells(table)))  # a step that takes texts, in a ColumnTransformer
    made = transformer.transform(table)
    return made if hasattr(made, "columns") or sp.issparse(made) else np.asarray(made)


def _passes(transformer: Any) -> bool:
    if isinstance(transformer, FunctionTransformer):
        return transformer.func is None
    return transformer is None or isinstance(transformer, str)  # "passthrough"


def _levels_of(encoder: Any) -> list[tuple[list[str], str | None]] | None:
    """Return for each input the levels that became columns, and the one that was left out; None of others."""
    if not isinstance(encoder, OneHotEncoder | KBinsDiscretizer):
        return None
    if isinstance(encoder, KBinsDiscretizer):
        if not encoder.encode.startswith("onehot"):
            return None
        return [
            ([f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)], None)
            for edges in encoder.bin_edges_
        ]
    n = len(encoder.categories_)
    dropped = encoder.drop_idx_ if encoder.drop_idx_ is not None else [None] * n
    rare = getattr(encoder, "infrequent_categories_", None) or [None] * n
    groups = []
    for levels, drop, few in zip(encoder.categories_, dropped, rare, strict=True):
        rarely = set() if few is None else set(few)
        kept = [str(level) for level in levels if level not in rarely]
        if rarely:
            kept.append("a rare level")
        out = None
        if drop is not None:
            out = "a rare level" if levels[drop] in rarely else str(levels[drop])
            kept.remove(out)
        groups.append((kept, out))
    return groups


def _formula(transformer: Any, n: int) -> tuple[sp.csr_matrix, NDArray[np.float64]] | None:
    """Return matrix and offset of a step that is affine, exactly; None of others."""
    # By name: to import them takes a tenth of a second.
    kind = {ancestor.__name__ for ancestor in type(transformer).__mro__}
    if kind & {"PCA", "IncrementalPCA", "TruncatedSVD"}:
        axes = np.asarray(transformer.components_, dtype=np.float64)
        if "TruncatedSVD" in kind:
            return sp.csr_matrix(axes), np.zeros(len(axes))
        if transformer.whiten:
            axes = axes / np.sqrt(transformer.explained_variance_)[:, np.newaxis]
        return sp.csr_matrix(axes), -axes @ transformer.mean_
    scaled = _scaling(transformer)
    if scaled is None:
        return None
    factor, offset = (np.broadcast_to(np.asarray(part, dtype=np.float64), n) for part in scaled)
    return sp.diags(factor, format="csr"), offset.copy()


def _scaling(transformer: Any) -> tuple[Any, Any] | None:
    """Return factors and offsets of a step that scales each column; None of others."""
    if isinstance(transformer, StandardScaler | RobustScaler):
        standard = isinstance(transformer, StandardScaler)
        scale = 1.0 if transformer.scale_ is None else transformer.scale_
        middle = transformer.mean_ if standard and transformer.with_mean else None
        middle = middle if standard else transformer.center_
        return 1 / np.asarray(scale), 0.0 if middle is None else -np.asarray(middle) / scale
    if isinstance(transformer, MinMaxScaler) and not transformer.clip:
        return transformer.scale_, transformer.min_
    if isinstance(transformer, MaxAbsScaler) and not getattr(transformer, "clip", False):
        return 1 / transformer.scale_, 0.0
    return None


def _words(transformer: Any, table: Any) -> Sequence[str]:
    try:
        found: Sequence[str] = transformer.get_feature_names_out()
        return found
    except (AttributeError, ValueError):
        n = transformer.n_features if hasattr(transformer, "n_features") else table.shape[1]
        return [f"x{place}" for place in range(n)]


def _named(transformer: Any, names: list[str]) -> tuple[list[str], list[list[int]]]:
    """Name what a step without a formula makes, and say which inputs each is made of."""
    n = len(names)
    kind = type(transformer).__name__
    marks = [_TOKEN.format(place) for place in range(n)]
    asked = copy(transformer)
    vars(asked).pop("feature_names_in_", None)
    try:
        out = [str(name) for name in asked.get_feature_names_out(np.array(marks, dtype=object))]
    except (AttributeError, TypeError, ValueError):
        out = []
    places = [[place for place, mark in enumerate(marks) if mark in name] for name in out]
    if not any(places):
        made = step_made_of(transformer, n)
        places = [made.indices[a:b].tolist() for a, b in zip(made.indptr[:-1], made.indptr[1:], strict=True)]
        if len(out) == len(places):
            return out, places
        if [those for those in places if len(those) != 1] or len(places) != n:
            return [f"{kind}[{place}]" for place in range(len(places))], places
        return [_changed(transformer, names[those[0]]) for those in places], places
    said_out = []
    for name, those in zip(out, places, strict=True):
        said = name
        for place in those:
            said = said.replace(marks[place], names[place])
        if len(those) == 1 and name == marks[those[0]]:
            said = _changed(transformer, names[those[0]])
        said_out.append(said)
    return said_out, places


def _changed(transformer: Any, name: str) -> str:
    """Name a column that a step has changed without a formula that could be undone."""
    kind = type(transformer).__name__
    if kind.endswith("Imputer") or kind in ("PolynomialFeatures", "TfidfTransformer"):
        return name
    if isinstance(transformer, FunctionTransformer):
        function = getattr(transformer.func, "__name__", "f")
        return f"{'f' if function.startswith('<') else function}({name})"
    return f"{name} ({kind})"
