"""The way back through a Pipeline: what the model's columns are made of, and centers in the table's units."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
)


def steps_before(model: Any) -> tuple[list[Any], Any]:
    """Return the fitted transformers in front of a clusterer, and the clusterer.

    Parameters
    ----------
    model : estimator
        A clusterer, a Pipeline that ends in one, or either inside a search or a FrozenEstimator.

    Returns
    -------
    transformers : list of estimator
        In their order.
    clusterer : estimator
        The last step.
    """
    if hasattr(model, "best_estimator_"):
        return steps_before(model.best_estimator_)
    if type(model).__name__ == "FrozenEstimator":
        return steps_before(model.estimator)
    if not isinstance(model, Pipeline):
        return [], model
    before = [step for _, step in model.steps[:-1]]
    more, clusterer = steps_before(model.steps[-1][1])
    return before + more, clusterer


def made_of(transformers: Iterable[Any], n_columns: int) -> sp.csr_matrix:
    """Return which columns of the table each column of the model is made of.

    Parameters
    ----------
    transformers : iterable of estimator
        Fitted, in their order.
    n_columns : int
        Columns of the table.

    Returns
    -------
    CSR matrix of shape (n_model_columns, n_columns)
        Above 0 where it is, as far as can be told: of a step that is not known, every column is made of all.
    """
    made = sp.identity(n_columns, dtype=np.int32, format="csr")
    for transformer in transformers:
        made = step_made_of(transformer, made.shape[0]) @ made
    return made


def undone(transformers: Iterable[Any], centers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return centers in the units of the table.

    Parameters
    ----------
    transformers : iterable of estimator
        Fitted, in their order.
    centers : ndarray of shape (n_clusters, n_model_columns)
        In the model's units.

    Returns
    -------
    ndarray of shape (n_clusters, n_columns)
        NaN in columns that have no way back: text, columns the model does not see, and what was mixed into
        fewer columns.
    """
    for transformer in reversed(list(transformers)):
        centers = _undo(transformer, centers)
    return centers


def column_parts(transformer: ColumnTransformer) -> Iterator[tuple[Any, NDArray[np.intp], slice]]:
    """Yield the parts of a fitted ColumnTransformer: what each does to which columns, and where that goes."""
    names = list(getattr(transformer, "feature_names_in_", ()))
    everything = np.arange(transformer.n_features_in_)
    for name, part, given in transformer.transformers_:
        to = transformer.output_indices_[name]
        if isinstance(part, str) and part == "drop":
            continue
        if callable(given):
            given = given(everything)  # noqa: PLW2901 - fitted ones hold what it returned
        if isinstance(given, slice):
            bounds = [names.index(end) if isinstance(end, str) else end for end in (given.start, given.stop)]
            past = isinstance(given.stop, str)  # slices of names include their end
            picked = everything[bounds[0] : None if bounds[1] is None else bounds[1] + past : given.step]
        else:
            wanted = np.atleast_1d(np.asarray(given, dtype=object if isinstance(given, str) else None))
            if wanted.dtype.kind in "OU":
                wanted = np.array([names.index(column) for column in wanted], dtype=np.intp)
            picked = everything[wanted] if wanted.size else everything[:0]  # an empty list is of floats
        yield part, picked, to


def step_made_of(transformer: Any, n_columns: int) -> sp.csr_matrix:
    """Return which of its input columns each output column of one transformer is made of."""
    if isinstance(transformer, Pipeline):
        return made_of([step for _, step in transformer.steps], n_columns)
    if isinstance(transformer, ColumnTransformer):
        ends = [to.stop for to in transformer.output_indices_.values() if to.stop is not None]
        made = sp.lil_matrix((max(ends, default=0), n_columns), dtype=np.int32)
        for part, picked, to in column_parts(transformer):
            step = step_made_of(part, len(picked)).tocoo()
            made[step.row + (to.start or 0), picked[step.col]] = 1
        return made.tocsr()
    if isinstance(transformer, SelectorMixin):
        return sp.identity(n_columns, dtype=np.int32, format="csr")[transformer.get_support()]
    if isinstance(transformer, OneHotEncoder):
        return _one_each(np.repeat(np.arange(n_columns), _n_levels(transformer)), n_columns)
    if _is_one_to_one(transformer):
        return sp.identity(n_columns, dtype=np.int32, format="csr")
    return sp.csr_matrix(np.ones((_n_out(transformer, n_columns), n_columns), dtype=np.int32))


def _n_levels(encoder: OneHotEncoder) -> list[int]:
    """Return how many columns each categorical column became."""
    dropped = encoder.drop_idx_ if encoder.drop_idx_ is not None else [None] * len(encoder.categories_)
    rare = getattr(encoder, "infrequent_categories_", None) or [None] * len(encoder.categories_)
    return [
        len(levels) - (drop is not None) - (0 if few is None else len(few) - 1)
        for levels, drop, few in zip(encoder.categories_, dropped, rare, strict=True)
    ]


def _one_each(source: NDArray[np.intp], n_columns: int) -> sp.csr_matrix:
    n_out = len(source)
    return sp.csr_matrix(
        (np.ones(n_out, dtype=np.int32), (np.arange(n_out), source)), shape=(n_out, n_columns)
    )


def _passes(transformer: Any) -> bool:
    return transformer is None or isinstance(transformer, str)  # "passthrough"


def _is_one_to_one(transformer: Any) -> bool:
    if _passes(transformer):
        return True
    if isinstance(transformer, SimpleImputer):
        return not transformer.add_indicator and not np.any(_isnan(transformer.statistics_))
    if isinstance(transformer, FunctionTransformer):
        return _keeps_columns(transformer)
    return isinstance(transformer, OneToOneFeatureMixin) and not isinstance(transformer, Normalizer)


def _keeps_columns(transformer: FunctionTransformer) -> bool:
    """Whether a function makes of each column one column, and of nothing else: as far as a few rows show."""
    if transformer.func is None:
        return True
    n = transformer.n_features_in_
    names = getattr(transformer, "feature_names_in_", None)
    probe = np.tile(np.linspace(0.2, 0.8, n), (n + 1, 1))
    probe[np.arange(n), np.arange(n)] += 0.1
    try:
        with np.errstate(all="ignore"):
            made = np.asarray(transformer.transform(_framed(probe, names)), dtype=np.float64)
    except Exception:
        return transformer.inverse_func is not None
    if made.shape != probe.shape:
        return False
    moved = ~np.isclose(made[:-1], made[-1], rtol=1e-12, atol=0)
    return not moved[~np.eye(n, dtype=bool)].any()


def _framed(rows: NDArray[np.float64], names: Any) -> Any:
    if names is None:
        return rows
    try:
        import pandas as pd  # noqa: PLC0415 - not a dependency, but what had the names
    except ImportError:
        return rows
    return pd.DataFrame(rows, columns=names)


def _isnan(statistics: Any) -> NDArray[np.bool_]:
    return np.array([value != value for value in statistics], dtype=bool)  # noqa: PLR0124


def _n_out(transformer: Any, n_columns: int) -> int:
    try:
        return len(transformer.get_feature_names_out())
    except (AttributeError, ValueError):
        return int(getattr(transformer, "n_components", n_columns))


def _undo(transformer: Any, centers: NDArray[np.float64]) -> NDArray[np.float64]:
    if _passes(transformer):
        return centers
    if isinstance(transformer, Pipeline):
        return undone([step for _, step in transformer.steps], centers)
    n_in: Any = getattr(transformer, "n_features_in_", centers.shape[1])
    unknown = np.full((len(centers), n_in), np.nan)
    if isinstance(transformer, ColumnTransformer):
        for part, picked, to in column_parts(transformer):
            back = _undo(part, centers[:, to])
            # Of a column that two parts take, the first that has a way back.
            still = np.isnan(unknown[:, picked]) if back.shape == (len(centers), len(picked)) else False
            unknown[:, picked] = (
                np.where(still, back, unknown[:, picked]) if np.any(still) else unknown[:, picked]
            )
    elif isinstance(transformer, SelectorMixin):
        unknown[:, transformer.get_support()] = centers
    elif isinstance(transformer, SimpleImputer) and _is_one_to_one(transformer):
        return centers
    elif _returns(transformer) and centers.shape == unknown.shape:
        try:
            return np.asarray(transformer.inverse_transform(centers), dtype=np.float64)
        except ValueError:  # it does not take the NaN of a later step that has no way back
            return unknown
    return unknown


def _returns(transformer: Any) -> bool:
    """Whether its `inverse_transform` takes numbers to the numbers that they came from."""
    if isinstance(transformer, OneHotEncoder | OrdinalEncoder | SimpleImputer | KBinsDiscretizer):
        return False
    if isinstance(transformer, FunctionTransformer):
        return transformer.func is None or transformer.inverse_func is not None
    return hasattr(transformer, "inverse_transform")
