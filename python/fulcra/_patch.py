"""fulcra's classes and functions under scikit-learn's names, for code that cannot be changed."""

import importlib
import sys
from types import ModuleType, TracebackType

#: What is replaced: the same names stand in both modules.
REGISTRY: dict[str, tuple[str, tuple[str, ...]]] = {
    "sklearn.cluster": (
        "fulcra.cluster",
        ("BisectingKMeans", "KMeans", "MiniBatchKMeans", "k_means", "kmeans_plusplus"),
    ),
    "sklearn.inspection": ("fulcra.inspection", ("permutation_importance",)),
    "sklearn.linear_model": (
        "fulcra.linear_model",
        (
            "ElasticNet",
            "ElasticNetCV",
            "Lasso",
            "LassoCV",
            "LinearRegression",
            "LogisticRegression",
            "PoissonRegressor",
            "Ridge",
            "RidgeCV",
            "SGDClassifier",
            "SGDRegressor",
            "enet_path",
            "lasso_path",
        ),
    ),
    "sklearn.metrics": (
        "fulcra.metrics",
        ("calinski_harabasz_score", "davies_bouldin_score", "silhouette_samples", "silhouette_score"),
    ),
    "sklearn.neighbors": ("fulcra.neighbors", ("NearestCentroid",)),
}

#: scikit-learn's own objects, by where they come from; empty while nothing is patched.
_originals: dict[tuple[str, str], object] = {}


class Patched:
    """What `patch` returns: leaving its ``with`` block undoes the patch."""

    def __enter__(self) -> "Patched":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        unpatch()


def patch() -> Patched:
    """Put fulcra's estimators and functions in place of scikit-learn's.

    Every loaded module of scikit-learn that holds one of them holds ours from now on; modules of scikit-learn
    that are imported later find ours where they look. Names that other code has already imported (``from
    sklearn.cluster import KMeans`` before the patch) keep scikit-learn's. Patching twice is patching once.

    Returns
    -------
    Patched
        A context manager whose end calls `unpatch`; it may be ignored.

    Notes
    -----
    An instance of scikit-learn's own class cannot be pickled while its class's name stands for ours.

    Examples
    --------
    >>> import fulcra, sklearn.cluster
    >>> with fulcra.patch():
    ...     print(sklearn.cluster.KMeans.__module__)
    fulcra.cluster._kmeans
    >>> print(sklearn.cluster.KMeans.__module__)
    sklearn.cluster._kmeans
    """
    for place, (home, names) in REGISTRY.items():
        theirs, ours = importlib.import_module(place), importlib.import_module(home)
        for name in names:
            original = _originals.setdefault((place, name), getattr(theirs, name))
            _swap(original, getattr(ours, name))
    return Patched()


def unpatch() -> None:
    """Give scikit-learn its own classes and functions back; does nothing when nothing is patched."""
    for (place, name), original in _originals.items():
        _swap(getattr(importlib.import_module(REGISTRY[place][0]), name), original)
    _originals.clear()


def _swap(old: object, new: object) -> None:
    """Let every attribute of a loaded scikit-learn module that is `old` be `new`."""
    for module in _sklearn_modules():
        for attribute in [key for key, value in vars(module).items() if value is old]:
            setattr(module, attribute, new)


def _sklearn_modules() -> list[ModuleType]:
    return [
        module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] == "sklearn" and isinstance(module, ModuleType)
    ]
