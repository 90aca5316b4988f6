"""Centroids that are known beforehand: small tables of typical customers, colours, products and states."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import Bunch

from fulcra._base import StrOptions, check_function_params
from fulcra.datasets._bunch import bunch

_NOTE = (
    "These centroids are the illustrations of a text about centroids, not fitted to any data. The text names "
    "no units; those given here are the likely ones."
)


class _Table(NamedTuple):
    title: str
    features: tuple[str, ...]
    segments: dict[str, tuple[float, ...]]


_TABLES = {
    "customers": _Table(
        "Customers of an online shop: years, dollars a year, points of 100, orders a year",
        ("age", "income", "spending_score", "frequency"),
        {
            "young high spenders": (27.5, 40_000, 77.7, 13.7),
            "middle-aged moderate spenders": (45.2, 65_000, 55.3, 8.2),
            "senior conservative spenders": (62.8, 55_000, 35.1, 4.5),
        },
    ),
    "colours": _Table(
        "Regions of a photograph: red, green and blue, 0 to 255",
        ("red", "green", "blue"),
        {"sky": (135, 206, 235), "grass": (34, 139, 34), "building": (169, 169, 169)},
    ),
    "products": _Table(
        "Positions of products in a market: dollars, and three scores of 10",
        ("price", "quality", "brand", "innovation"),
        {
            "luxury": (450, 9.2, 8.8, 7.5),
            "mid-market": (180, 7.1, 6.2, 5.8),
            "budget": (65, 5.5, 4.1, 3.2),
        },
    ),
    "retail": _Table(
        "Customers of a shop: days since the last purchase, purchases, dollars in all, years",
        ("recency", "frequency", "money", "age"),
        {
            "champions": (15, 25, 2_500, 35),
            "loyal": (45, 18, 1_200, 42),
            "at risk": (180, 5, 300, 28),
        },
    ),
    "diabetes": _Table(
        "Subtypes of type 2 diabetes: years, kg/m2, mmHg, mg/dl, mg/dl",
        ("age", "bmi", "blood_pressure", "cholesterol", "glucose"),
        {
            "severe insulin-deficient": (55, 24, 145, 180, 180),
            "severe insulin-resistant": (48, 34, 160, 220, 165),
            "mild obesity-related": (52, 31, 140, 190, 145),
        },
    ),
    "campaigns": _Table(
        "Advertising campaigns: percent of views, percent of clicks, dollars a click, seconds",
        ("click_rate", "conversion_rate", "cost_per_click", "engagement"),
        {
            "high performers": (12.5, 8.2, 0.85, 45),
            "average performers": (6.1, 3.4, 1.20, 28),
            "poor performers": (2.3, 0.8, 2.10, 12),
        },
    ),
    "process": _Table(
        "States of a machine: degrees Celsius, bar, percent, turns a minute, millimetres",
        ("temperature", "pressure", "humidity", "speed", "vibration"),
        {
            "normal": (75, 2.1, 45, 1_200, 0.3),
            "warning": (82, 2.8, 52, 1_180, 0.7),
            "critical": (95, 3.5, 38, 980, 1.2),
        },
    ),
    "credit": _Table(
        "Borrowers: points, debt as a share of income, dollars a year, years in work",
        ("credit_score", "debt_ratio", "income", "employment_years"),
        {
            "low risk": (750, 0.15, 85_000, 8.5),
            "medium risk": (650, 0.35, 55_000, 4.2),
            "high risk": (520, 0.68, 32_000, 1.8),
        },
    ),
}


@check_function_params({"name": [StrOptions(set(_TABLES))], "as_frame": ["boolean"]})
def load_centroids(name: str, *, as_frame: bool = False) -> Any:
    """Load a small table of centroids that are known beforehand.

    They are the illustrations of a text about centroids, not fitted to any data: centers to begin with,
    through `from_centers`.

    ============  ====  ============================================================
    name          rows  columns
    ============  ====  ============================================================
    'customers'      3  age, income, spending_score, frequency
    'colours'        3  red, green, blue
    'products'       3  price, quality, brand, innovation
    'retail'         3  recency, frequency, money, age
    'diabetes'       3  age, bmi, blood_pressure, cholesterol, glucose
    'campaigns'      3  click_rate, conversion_rate, cost_per_click, engagement
    'process'        3  temperature, pressure, humidity, speed, vibration
    'credit'         3  credit_score, debt_ratio, income, employment_years
    ============  ====  ============================================================

    Parameters
    ----------
    name : {'customers', 'colours', 'products', 'retail', 'diabetes', 'campaigns', 'process', 'credit'}
        Which table.
    as_frame : bool, default=False
        If True, data are a pandas DataFrame, with the names of the segments as index.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : {ndarray, dataframe} of shape (n_clusters, n_features)
            The centroids.
        feature_names : list
            The names of the columns.
        target_names : list
            The name of each centroid's segment.
        frame : DataFrame of shape (n_clusters, n_features)
            Only with `as_frame`: the data.
        DESCR : str
            What they are, in which units, and what they are not.

    Raises
    ------
    ValueError
        If there is no table of that name. InvalidParameterError, as scikit-learn has it.
    MissingError
        If `as_frame` and pandas is not installed.

    Notes
    -----
    Columns of unlike units weigh as their numbers do: 10,000 dollars outweigh any age. Scale the rows and the
    centroids alike before distances are taken. The text names no units; those in `DESCR` are the likely ones.

    Examples
    --------
    >>> from fulcra.cluster import KMeans
    >>> from fulcra.datasets import load_centroids
    >>> colours = load_centroids("colours")
    >>> model = KMeans.from_centers(colours.data)
    >>> [colours.target_names[label] for label in model.predict([[120, 190, 240], [150, 160, 155]])]
    ['sky', 'building']
    """
    table = _TABLES[name]
    found: Bunch = bunch(
        data=np.array(list(table.segments.values()), dtype=np.float64),
        feature_names=table.features,
        target_names=list(table.segments),
        descr=f"{table.title}.\n\n{_NOTE}",
        as_frame=as_frame,
    )
    if as_frame:
        found.frame.index = found.target_names
    return found
