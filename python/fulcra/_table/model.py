"""From a table to clusters: a Pipeline that standardises, encodes and clusters, and how many to look for."""

import warnings
from dataclasses import replace
from typing import Any

from fulcra._table.errors import TableError
from fulcra._table.prepare import Prepared
from fulcra.cluster import KMeans

_N_INIT = 10
#: Below, halves of the rows are too few to look for clusters in.
_FEWEST_ROWS = 10


def pipeline(prepared: Prepared, n_clusters: int, seed: int) -> Any:
    """Make the Pipeline that clusters a table.

    Numbers are standardised, unless they are to be used as they are. Levels are columns of 0 and 1 as these
    stand: two rows that differ in a level are then as far apart, sqrt(2), as two rows are on average by one
    standardised number.

    Parameters
    ----------
    prepared : Prepared
        The columns.
    n_clusters : int
        How many clusters.
    seed : int
        Of the starts.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Not fitted; steps 'columns' and 'kmeans'.
    """
    from sklearn.compose import ColumnTransformer  # noqa: PLC0415 - a third of scikit-learn
    from sklearn.impute import SimpleImputer  # noqa: PLC0415
    from sklearn.pipeline import Pipeline, make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import OneHotEncoder, StandardScaler  # noqa: PLC0415

    steps = [SimpleImputer(strategy="median")] + [StandardScaler()] * (not prepared.raw)
    parts: list[Any] = []
    if prepared.numbers:
        parts.append(("numbers", make_pipeline(*steps), list(prepared.numbers)))
    if prepared.levels:
        encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
        parts.append(("levels", encoder, list(prepared.levels)))
    columns = ColumnTransformer(parts, verbose_feature_names_out=False)
    clusterer = KMeans(n_clusters=n_clusters, n_init=_N_INIT, random_state=seed)
    return Pipeline([("columns", columns), ("kmeans", clusterer)])


def check_rows(prepared: Prepared, n_clusters: int | None, name: str) -> None:
    """See that there are rows enough.

    Parameters
    ----------
    prepared : Prepared
        The rows.
    n_clusters : int or None
        How many clusters to make; None is to be found out.
    name : str
        What to call the table.

    Raises
    ------
    TableError
        If there are fewer rows than clusters, or too few, or no numbers, to tell how many there are.
    """
    n_rows = len(prepared.frame)
    if n_clusters is None and n_rows < _FEWEST_ROWS:
        raise TableError(f"-k auto needs at least {_FEWEST_ROWS} rows; {name} has {n_rows}: give -k a number")
    if n_clusters is None and not prepared.numbers:
        raise TableError("-k auto goes by columns of numbers, and only levels are used: give -k a number")
    if n_clusters is not None and n_clusters > n_rows:
        raise TableError(f"-k {n_clusters} needs at least {n_clusters} rows; {name} has {n_rows}")


def fit(prepared: Prepared, n_clusters: int, seed: int) -> tuple[Any, list[str]]:
    """Cluster a table.

    Parameters
    ----------
    prepared : Prepared
        The columns.
    n_clusters : int
        How many clusters.
    seed : int
        Of the starts.

    Returns
    -------
    model : sklearn.pipeline.Pipeline
        Fitted.
    notes : list of str
        What the fit warned of.
    """
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model = pipeline(prepared, n_clusters, seed).fit(prepared.frame)
    return model, [str(one.message) for one in said]


def suggest(prepared: Prepared, seed: int) -> Any:
    """Ask how many clusters the table has, by its numbers.

    Levels take no part: rows without clusters are uniform to `suggest_n_clusters`, and columns of 0 and 1
    never are. With a single column of yes and no beside them, groups six standard deviations apart would not
    be seen.

    Parameters
    ----------
    prepared : Prepared
        The columns.
    seed : int
        Of all that is drawn.

    Returns
    -------
    fulcra.metrics.ClusterCountReport
        The answer; 1 is none.
    """
    from fulcra.metrics import suggest_n_clusters  # noqa: PLC0415 - not needed where -k is a number

    rows = pipeline(replace(prepared, levels=()), 1, seed)["columns"].fit_transform(prepared.frame)
    return suggest_n_clusters(rows, random_state=seed)
