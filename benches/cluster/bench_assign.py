"""`predict`: every row to its nearest centre, beside NumPy in chunks and the peers."""

from collections.abc import Callable
from functools import partial

import numpy as np
from fulcra._bench import contenders, data, plain, report, timing
from fulcra._bench.cases import Case
from fulcra._errors import WrongAnswerError
from fulcra.cluster import KMeans
from numpy.typing import NDArray
from sklearn.cluster import KMeans as SklearnKMeans

from benches import command


def _mixture(name: str, shape: tuple[int, int, int], asked: float | None, dtype: type = np.float32) -> Case:
    n_samples, n_features, n_clusters = shape
    kind = ", float64" if dtype is np.float64 else ""
    label = f"assign {n_samples:,} x {n_features}, k {n_clusters}{kind}"
    return Case(name, partial(data.mixture, *shape, dtype), n_clusters, asked=asked, label=label)


CASES = (
    _mixture("1e6x2_k8", (1_000_000, 2, 8), 3),
    _mixture("1e6x16_k64", (1_000_000, 16, 64), 2),
    _mixture("2e5x128_k256", (200_000, 128, 256), 1.1),
    _mixture("1e5x128_k4096", (100_000, 128, 4096), 2.5),
    _mixture("5e4x768_k1024", (50_000, 768, 1024), 1.6),
    _mixture("1e6x16_k64_f64", (1_000_000, 16, 64), 1.5, np.float64),
    _mixture("2e5x128_k256_f64", (200_000, 128, 256), 1.1, np.float64),
    Case("china_k64", data.china_pixels, 64),
    Case("mnist_k100", data.mnist, 100),
)


def run(options: command.Options) -> command.Section:
    return command.measured("Assign (`predict`)", CASES, options)


def _huge_column() -> NDArray[np.float32]:
    X = data.mixture(200_000, 16, 33)
    X[:, 5] *= 1e6
    return X


HARD: dict[str, Callable[[], NDArray[np.float32]]] = {
    "ordinary": partial(data.mixture, 200_000, 16, 33),
    "two far blobs": partial(data.two_far_blobs, 200_000, 16),
    "offset 1e6": partial(data.far_offset, 200_000, 16),
    "one column x 1e6": _huge_column,
}
HARD_COLUMNS = (
    "200,000 x 16, k 33, f32", "threads", "fulcra", "the same in f64", "scikit-learn",
    "labels of scikit-learn's not nearest",
)  # fmt: skip


def run_hard(options: command.Options) -> command.Section:
    """Rows on which float32 products decide little: what does a right answer cost, what do others give?"""
    section = command.Section("Assign rows on which float32 misleads", HARD_COLUMNS)
    for name, make in HARD.items():
        if options.case not in {None, name}:
            continue
        X = make()
        wide = X.astype(np.float64)
        centers = X[np.random.default_rng(1).permutation(len(X))[:33]]
        nearest, _ = plain.true_nearest(X, centers)
        ours = KMeans.from_centers(centers)
        ours_wide = KMeans.from_centers(centers.astype(np.float64))
        theirs = contenders.holding(SklearnKMeans, centers)
        for n_threads in options.threads:
            with timing.threads(n_threads):
                if (ours.predict(X) != nearest).any():
                    raise WrongAnswerError(f"{name}: a label is not the nearest centre")
                wrong = float((theirs.predict(X) != nearest).mean())
                seconds = timing.interleave(
                    {
                        "fulcra": partial(ours.predict, X),
                        "f64": partial(ours_wide.predict, wide),
                        "scikit-learn": partial(theirs.predict, X),
                    },
                    rounds=options.rounds,
                    budget=options.budget,
                )
            times = map(report.milliseconds, seconds.values())
            section.rows.append((name, str(n_threads), *times, f"{wrong:.1%}"))
    return section


BENCHES = (run, run_hard)

if __name__ == "__main__":
    command.main(BENCHES)
