"""`fit`: Lloyd iterations from the same centres, and one more assignment unless labels stopped changing."""

from functools import partial
from typing import Any

import numpy as np
from fulcra._bench import data
from fulcra._bench.cases import Case
from fulcra._bench.contenders import TO_CONVERGENCE
from numpy.typing import NDArray
from sklearn.datasets import load_iris

from benches import command


def _mixture(
    name: str, shape: tuple[int, int, int], n_iter: int, asked: float | None, dtype: type = np.float32
) -> Case:
    n_samples, n_features, n_clusters = shape
    kind = ", float64" if dtype is np.float64 else ""
    label = f"{n_iter} iterations {n_samples:,} x {n_features}, k {n_clusters}{kind}"
    return Case(name, partial(data.mixture, *shape, dtype), n_clusters, n_iter, asked, label)


CASES = (
    _mixture("1e6x2_k8_25", (1_000_000, 2, 8), 25, 3.5),
    _mixture("1e6x16_k64_25", (1_000_000, 16, 64), 25, 2.5),
    _mixture("1e6x16_k64_25_f64", (1_000_000, 16, 64), 25, 2, np.float64),
    _mixture("2e5x128_k256_25", (200_000, 128, 256), 25, 2),
    _mixture("1e5x128_k4096_5", (100_000, 128, 4096), 5, 2),
    _mixture("5e4x768_k1024_5", (50_000, 768, 1024), 5, 1.4),
    Case(
        "china_k64_25", data.china_pixels, 64, 25, 3.5, "25 iterations, pixels of a photo 273,280 x 3, k 64"
    ),
    Case("china_k256_25", data.china_pixels, 256, 25, 4, "25 iterations, the same, k 256"),
    Case("mnist_k10_25", data.mnist, 10, 25, 1.4, "25 iterations, MNIST 5,000 x 784, k 10"),
    Case("mnist_k100_25", data.mnist, 100, 25, 1.2, "25 iterations, the same, k 100"),
)


def _noise() -> NDArray[np.float32]:
    return np.random.default_rng(0).random((100_000, 32), dtype=np.float32)


# Fits in which most distances can be left out, and one in which hardly any can.
LONG = (
    _mixture("2e5x2_k64_60", (200_000, 2, 64), 60, 4),
    _mixture("1e5x16_k256_60", (100_000, 16, 256), 60, 3),
    _mixture("2e4x128_k256_60", (20_000, 128, 256), 60, 2),
    Case("noise_1e5x32_k512_25", _noise, 512, 25, 1.4, "25 iterations, uniform noise 100,000 x 32, k 512"),
    Case("mnist_k100_all", data.mnist, 100, TO_CONVERGENCE, 2, "to convergence, MNIST 5,000 x 784, k 100"),
    Case("mnist_k1024_all", data.mnist, 1024, TO_CONVERGENCE, 2.5, "to convergence, the same, k 1024"),
    Case(
        "china_k256_all",
        data.china_pixels,
        256,
        TO_CONVERGENCE,
        6,
        "to convergence, pixels of a photo 273,280 x 3, k 256",
    ),
)


def _iris() -> NDArray[Any]:
    measurements: NDArray[Any] = load_iris().data
    return measurements


def _small(name: str, shape: tuple[int, int, int], n_iter: int) -> Case:
    return Case(name, partial(data.mixture, *shape), shape[2], n_iter)


# Plain NumPy has no validation to pay for, so small arrays are where it could win.
SMALL = (
    Case("iris_150x4_k3_5", _iris, 3, 5),
    _small("1e3x2_k8_10", (1_000, 2, 8), 10),
    _small("1e4x2_k8_10", (10_000, 2, 8), 10),
    _small("1e3x16_k64_5", (1_000, 16, 64), 5),
    _small("1e4x16_k64_10", (10_000, 16, 64), 10),
    _small("1e3x128_k64_5", (1_000, 128, 64), 5),
    _small("1e4x128_k256_5", (10_000, 128, 256), 5),
)


def run(options: command.Options) -> command.Section:
    return command.measured("Fit (the last number is the most iterations)", CASES, options)


def run_long(options: command.Options) -> command.Section:
    return command.measured("Fit for long (60 iterations, or to convergence)", LONG, options)


def run_small(options: command.Options) -> command.Section:
    return command.measured("Fit small arrays", SMALL, options)


BENCHES = (run, run_long, run_small)

if __name__ == "__main__":
    command.main(BENCHES)
