"""diagnostics_: silent on clean data, and naming what was planted."""

from collections.abc import Iterator
from typing import Any

import fulcra
import numpy as np
import pytest
import scipy.sparse as sp
from fulcra.cluster import KMeans, MiniBatchKMeans, OnlineKMeans
from sklearn.exceptions import ConvergenceWarning

N_SIMULATIONS = 200
FAULTS = ("outliers", "lost", "max_iter", "sparse")
#: What the sentence on each fault says.
NAMED = {
    "outliers": "outlier",
    "lost": "lost all rows",
    "max_iter": "max_iter",
    "sparse": "sparse region",
}


# --- simulations ---


def groups(
    rng: np.random.Generator, d: int, n_groups: int, apart: float, least: int = 40
) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian groups of any covariance and unequal sizes, at least `apart` of their deviations apart."""
    places: list[np.ndarray] = []
    while len(places) < n_groups:
        place = rng.uniform(-1, 1, size=d) * apart * (1 + n_groups)
        if all(np.linalg.norm(place - other) >= apart for other in places):
            places.append(place)
    parts = []
    for place in places:
        shape = rng.normal(size=(d, d)) * rng.uniform(0.1, 1, size=d)
        shape /= np.linalg.norm(shape, 2)  # the largest deviation is 1
        parts.append(place + rng.normal(size=(rng.integers(least, 400), d)) @ shape)
    labels = np.repeat(np.arange(n_groups), [len(part) for part in parts])
    return np.vstack(parts), labels


def clean(seed: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Data without a flaw, and parameters under which nothing goes wrong.

    Groups with as many centers or with more, one Gaussian or a uniform box with any number. Fewer centers than
    groups, or two groups that share one by bad luck, would be a center between groups: a fault, not clean.
    """
    rng = np.random.default_rng(seed)
    d = int(rng.choice([1, 2, 3, 5, 10, 30]))
    kind = seed % 4
    parameters: dict[str, Any] = {"random_state": seed, "n_init": 3, "refine": "breathing"}
    if kind < 2:
        n_groups = int(rng.integers(2, 7))
        X, _ = groups(rng, d, n_groups, apart=8.0)
        return X, {**parameters, "n_clusters": n_groups if kind == 0 else n_groups + int(rng.integers(1, 5))}
    n = int(rng.integers(50, 3000))
    if kind == 2:
        X = rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
    else:
        X = rng.uniform(size=(n, d)) * rng.uniform(0.1, 10, size=d)
    return X, {**parameters, "n_clusters": int(rng.integers(1, 11))}


def planted(fault: str, seed: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Groups, and one fault."""
    rng = np.random.default_rng(seed)
    d, n_groups = int(rng.choice([1, 2, 3, 5, 10])), int(rng.integers(3, 7))
    # A group of 40 rows draws the center of 400 no farther than where their density is still high.
    X, labels = groups(rng, d, n_groups, apart=10.0, least=100 if fault == "sparse" else 40)
    starts = np.array([X[labels == j].mean(axis=0) for j in range(n_groups)])
    parameters: dict[str, Any] = {"n_clusters": n_groups, "random_state": seed}
    if fault == "outliers":
        n_outliers = int(rng.integers(1, 5))
        directions = rng.normal(size=(n_outliers, d))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        far = rng.choice(X, n_outliers) + directions * rng.uniform(60, 400, size=(n_outliers, 1))
        extra = int(rng.integers(0, 3))
        return np.vstack([X, far]), {**parameters, "n_clusters": n_groups + extra, "n_init": 3}
    if fault == "lost":
        starts[rng.integers(n_groups)] = 1e4 * (1 + rng.uniform(size=d))
        return X, {**parameters, "init": starts}
    if fault == "max_iter":
        crowd = rng.choice(X[labels == 0], n_groups, replace=False)  # all centers start in one group
        return X, {**parameters, "init": crowd, "max_iter": 2, "tol": 0}
    # One center between the first two groups, close ones.
    X[labels == 1] += starts[0] - starts[1] + rng.choice([-1, 1]) * 10 * np.eye(d)[0]
    between = np.vstack([X[labels < 2].mean(axis=0)[np.newaxis], starts[2:]])
    far_off = np.array([j > 1 for j in labels])
    X[far_off] += 1000 * np.eye(d)[-1] * labels[far_off, np.newaxis]
    between[1:] += 1000 * np.eye(d)[-1] * np.arange(2, n_groups)[:, np.newaxis]
    return X, {**parameters, "n_clusters": n_groups - 1, "init": between}


def test_clean_data_raise_few_findings() -> None:
    accused = []
    for seed in range(N_SIMULATIONS):
        X, parameters = clean(seed)
        said = KMeans(**parameters).fit(X).diagnostics_
        if said:
            accused.append((seed, said))
    assert len(accused) <= 0.05 * N_SIMULATIONS, accused


def test_planted_faults_are_named() -> None:
    silent = []
    for seed in range(N_SIMULATIONS):
        fault = FAULTS[seed % len(FAULTS)]
        X, parameters = planted(fault, seed)
        said = KMeans(**parameters).fit(X).diagnostics_
        if not any(NAMED[fault] in sentence for sentence in said):
            silent.append((fault, seed, said))
    assert len(silent) <= 0.05 * N_SIMULATIONS, silent
