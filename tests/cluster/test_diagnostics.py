"""diagnostics_: silent on clean data, and naming what was planted."""

import warnings
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

    Groups with as many centers or with more, one Gaussian or a uniform box with any number. Fewer centers
    than groups, or two groups that share one by bad luck, would be a center between groups: a fault.
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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # max_iter=2 may leave a cluster without rows
            said = KMeans(**parameters).fit(X).diagnostics_
        if not any(NAMED[fault] in sentence for sentence in said):
            silent.append((fault, seed, said))
    assert len(silent) <= 0.05 * N_SIMULATIONS, silent


# --- by hand ---


def two_groups(*more: float) -> np.ndarray:
    """40 evenly spaced rows around 0, as many around 1000, and `more`."""
    grid = np.arange(-39.0, 40.0, 2.0)
    return np.concatenate([grid, grid + 1000, more])[:, np.newaxis]


START = [[0.0], [1000.0]]


def test_nothing_is_said_where_nothing_is_to_say() -> None:
    assert KMeans(2, init=START).fit(two_groups()).diagnostics_ == []
    assert KMeans(2, init=START, max_shift=5000).fit(two_groups()).diagnostics_ == []


def test_an_outlier_with_a_cluster_of_its_own() -> None:
    X = two_groups(30_000.0)
    (said,) = KMeans(3, init=[*START, [30_000.0]]).fit(X).diagnostics_
    assert said == (
        "Cluster 2 holds 1 row, 1450 times its neighbors' spread (the mean distance from their center) away "
        "from the center of any larger cluster: an outlier has a cluster of its own; trim=0.013 leaves as "
        "many out, and KMedians and KMedoids are not drawn to it."
    )
    (said,) = KMeans(2, init=START, trim=0.013).fit(X).diagnostics_
    assert said == (
        "1 of 81 rows, the farthest from the centers, takes no part in the means and the inertia "
        "(trim=0.013)."
    )


def test_outliers_in_a_cluster() -> None:
    (said,) = KMeans(2, init=START).fit(two_groups(400.0, -400.0)).diagnostics_
    assert said.startswith(
        "Cluster 0 has 2 outliers: 2 rows at least 20 times the mean distance of the others;"
    )
    assert "trim=0.025" in said


def test_a_center_between_two_groups() -> None:
    (said,) = KMeans(1).fit(two_groups()).diagnostics_
    assert said.startswith(
        "The center of cluster 0 is in a sparse region, between groups: 0 of 80 rows are near it, where one "
        "group would have 20 or more; a larger n_clusters,"
    )


def test_clusters_that_lost_their_rows() -> None:
    start = [[0.0], [1000.0], [1e6], [2e6]]
    said = KMeans(4, init=start).fit(two_groups()).diagnostics_
    assert said[0] == (
        "2 clusters lost all rows in iteration 1 and were given the farthest rows "
        "(empty_clusters='farthest')."
    )
    said = KMeans(3, init=start[:3], empty_clusters="split").fit(two_groups()).diagnostics_
    assert said[0].startswith("1 cluster lost all rows in iteration 1 and was given halves")


def test_too_few_distinct_rows() -> None:
    with pytest.warns(ConvergenceWarning):
        said = KMeans(4, random_state=0).fit(np.repeat([[1.0], [5.0]], 6, axis=0)).diagnostics_
    assert len(said) == 1
    assert "have no rows: X has fewer distinct rows than n_clusters=4" in said[0]
    assert "n_clusters=2 would do" in said[0]


def test_a_fit_that_did_not_converge() -> None:
    X = np.random.default_rng(0).normal(size=(3000, 2))
    said = KMeans(8, init=X[:8], max_iter=3, tol=0).fit(X).diagnostics_
    assert said[0].startswith("The fit stopped at max_iter=3, before converging: ")
    assert said[0].endswith("rows changed cluster in the last iteration; a larger max_iter goes on.")


def test_a_fit_that_goes_back_and_forth() -> None:
    # The last rows move for long, and bring next to nothing.
    X = np.random.default_rng(4).normal(size=(100_000, 2))
    full = KMeans(8, init=X[:8], tol=0, max_iter=1000).fit(X)
    inertia = full.history_["inertia"]
    slow = int(np.flatnonzero(inertia[:-5] - inertia[5:] < 1e-7 * inertia[5:])[0]) + 6
    assert slow < full.n_iter_
    said = KMeans(8, init=X[:8], tol=0, max_iter=slow).fit(X).diagnostics_
    assert said[0].startswith(f"The fit oscillates: at max_iter={slow}, ")
    assert "inertia_tol=1e-06" in said[0]


# --- what may not matter ---


@pytest.mark.parametrize("seed", range(3))
def test_threads_containers_and_rows_without_weight_change_no_word(seed: int) -> None:
    X, parameters = planted("outliers", 4 * seed)
    said = KMeans(**parameters).fit(X).diagnostics_
    assert said
    for threads in (1, 3):
        fulcra.set_num_threads(threads)
        assert KMeans(**parameters).fit(X).diagnostics_ == said
    assert KMeans(**parameters).fit(sp.csr_array(X)).diagnostics_ == said
    assert KMeans(**parameters).fit(X, sample_weight=np.full(len(X), 0.001)).diagnostics_ == said
    junk = np.vstack([X, np.full((5, X.shape[1]), 1e7)])
    weights = np.repeat([1.0, 0.0], [len(X), 5])
    assert KMeans(**parameters).fit(junk, sample_weight=weights).diagnostics_ == said


def test_uneven_weights_accuse_nobody() -> None:
    rng = np.random.default_rng(0)
    accused = 0
    for seed in range(40):
        X, parameters = clean(seed)
        weights = rng.exponential(size=len(X)) ** 2
        accused += bool(KMeans(**parameters).fit(X, sample_weight=weights).diagnostics_)
    assert accused <= 2


def test_trimming_as_much_as_is_said_silences_the_finding() -> None:
    X = two_groups(30_000.0, 400.0, -400.0)
    said = KMeans(3, init=[*START, [30_000.0]]).fit(X).diagnostics_
    shares = {sentence.split("trim=")[1].split()[0] for sentence in said}
    assert len(said) == 2
    assert len(shares) == 1
    again = KMeans(2, init=START, trim=float(shares.pop())).fit(X).diagnostics_
    assert again == [
        "3 of 83 rows, the farthest from the centers, take no part in the means and the inertia (trim=0.037)."
    ]


# --- batches and streams ---


def test_mini_batches_and_streams_have_the_same_findings() -> None:
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(3000, 2)), rng.normal(size=(3000, 2)) + 30, [[900.0, 900.0]]])
    start = np.array([[0.0, 0.0], [30.0, 30.0], [900.0, 900.0]])
    batches = MiniBatchKMeans(3, init=start, n_init=1, random_state=0, reassignment_ratio=0).fit(X)
    assert any("an outlier has a cluster of its own" in sentence for sentence in batches.diagnostics_)
    rows = OnlineKMeans(3, init=start).fit(X)
    assert any("an outlier has a cluster of its own" in sentence for sentence in rows.diagnostics_)
    rows.partial_fit(X[:1])
    assert not hasattr(rows, "diagnostics_")


def test_clean_batches_and_streams_say_nothing() -> None:
    X = np.random.default_rng(0).normal(size=(5000, 2))
    start = [[-1.0, 0.0], [1.0, 0.0], [0.0, 2.0]]
    assert MiniBatchKMeans(3, init=start, n_init=1, random_state=0).fit(X).diagnostics_ == []
    assert OnlineKMeans(3, init=start).fit(X).diagnostics_ == []


def test_centers_put_on_rows_of_a_batch_are_told() -> None:
    X = two_groups()
    start = [[0.0], [1000.0], [1e6]]
    said = MiniBatchKMeans(3, init=start, n_init=1, random_state=0, batch_size=40).fit(X).diagnostics_
    assert said[0].startswith("Centers that got next to no rows were put on rows of the batch")
