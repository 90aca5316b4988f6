"""Fit many times and print a hash of each result; test_determinism.py runs this in processes of its own."""

import hashlib
import json
import sys
import warnings

import numpy as np
import scipy.sparse as sp
from fulcra import _core
from fulcra.cluster import KMeans, MiniBatchKMeans, OnlineKMeans, kmeans_plusplus

warnings.simplefilter("ignore")  # empty clusters warn


def digest(*parts: object) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(np.ascontiguousarray(part).tobytes())
    return total.hexdigest()[:16]


def main() -> None:
    # Large enough for several chunks each (rust/core/src/run.rs: 4 million multiply-adds, or 65,536 rows),
    # few iterations.
    rng = np.random.default_rng(0)
    long = rng.normal(size=(150_000, 3))
    plain = rng.normal(size=(9_000, 5))
    far = rng.normal(size=(20_000, 16)) + np.where(rng.random((20_000, 1)) < 0.5, -1000, 1000)
    copies = np.repeat(rng.integers(0, 9, size=(60, 3)), 100, axis=0).astype(float)
    weights = rng.random(len(long)) * rng.integers(0, 2, size=len(long))
    cases = {
        "long": (long, {"n_clusters": 9, "max_iter": 4}, None),
        "weights": (long, {"n_clusters": 9, "max_iter": 4}, weights),
        "restarts": (plain, {"n_clusters": 20, "init": "random", "n_init": 3}, None),
        "partition": (plain, {"n_clusters": 6, "init": "random_partition", "n_init": 3}, None),
        "uniform leaves clusters empty": (plain, {"n_clusters": 90, "init": "uniform", "n_init": 2}, None),
        "two far blobs": (far, {"n_clusters": 33, "max_iter": 3}, None),
        "more clusters than rows": (copies, {"n_clusters": 64}, None),
        "wide": (rng.normal(size=(900, 300)), {"n_clusters": 40, "max_iter": 5}, None),
        "many clusters": (plain, {"n_clusters": 300, "max_iter": 2}, None),
        "breathing": (plain, {"n_clusters": 30, "refine": "breathing", "max_iter": 8}, None),
        "elkan": (plain, {"n_clusters": 13, "algorithm": "elkan"}, None),
        "trim": (plain, {"n_clusters": 13, "trim": 0.1}, None),
        "trim by weight": (long, {"n_clusters": 5, "trim": 0.1, "max_iter": 4}, weights),
        "max_shift": (plain, {"n_clusters": 13, "max_shift": 0.05}, None),
        "split": (plain, {"n_clusters": 90, "init": "uniform", "empty_clusters": "split"}, None),
        "drawn": (plain, {"n_clusters": 90, "init": "uniform", "empty_clusters": "random"}, None),
    }
    prints = {}
    for name, (X, parameters, sample_weight) in cases.items():
        for kind in (np.float32, np.float64):
            for container in (np.asarray, sp.csr_array):
                rows = container(X.astype(kind))
                model = KMeans(random_state=3, tol=0, **{"max_iter": 15, **parameters})
                model.fit(rows, sample_weight=sample_weight)
                case = f"{name}, {np.dtype(kind).name}, {container.__name__}"
                prints[case] = digest(model.cluster_centers_, model.labels_, model.inertia_)
                prints[f"{case}, after the fit"] = digest(
                    model.predict(rows), model.transform(rows[:500]), model.score(rows), model.n_iter_
                )
                history = model.history_
                prints[f"{case}, diagnostics"] = digest(model.diagnostics_)
                prints[f"{case}, history"] = digest(history["inertia"], history["shift"], history["moved"])
                chosen = kmeans_plusplus(rows, 9, sample_weight=sample_weight, random_state=1)[1]
                prints[f"{case}, kmeans_plusplus"] = digest(chosen)
    streams = {
        "small batches": MiniBatchKMeans(9, random_state=3, max_iter=2),
        "a few large batches": MiniBatchKMeans(
            40, random_state=3, batch_size=60_000, max_no_improvement=None, max_iter=3
        ),
        "online": OnlineKMeans(9, random_state=3, learning_rate="invscaling", half_life=500.0, max_shift=0.5),
    }
    for name, model in streams.items():
        for kind in (np.float32, np.float64):
            for container in (np.asarray, sp.csr_array):
                model.fit(container(long.astype(kind)), sample_weight=weights)
                case = f"{name}, {np.dtype(kind).name}, {container.__name__}"
                prints[case] = digest(model.cluster_centers_, model.labels_, model.inertia_, model.counts_)
    json.dump({"level": _core.simd_level(), "threads": _core.get_num_threads(), "prints": prints}, sys.stdout)


if __name__ == "__main__":
    main()
