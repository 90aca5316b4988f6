"""Threads, processes and Ctrl-C: how many, whose, and what survives."""

import ctypes
import os
import platform
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import fulcra
import joblib
import numpy as np
import pytest
import scipy.sparse as sp
import threadpoolctl
from conftest import Interrupt, RunPython
from fulcra import _core
from fulcra.cluster import BisectingKMeans, FuzzyCMeans, KMeans, KMedoids
from fulcra.linear_model import (
    GradientDescentClassifier,
    GradientDescentRegressor,
    LinearRegression,
    PoissonRegressor,
    SGDClassifier,
    SGDRegressor,
)
from numpy.testing import assert_array_equal

ROWS = np.random.default_rng(0).normal(size=(30_000, 16))  # enough work to be shared among threads


def fit(seed: int) -> np.ndarray:
    centers: np.ndarray = KMeans(16, random_state=seed, max_iter=5).fit(ROWS).cluster_centers_
    return centers


# --- how many ---


def test_set_num_threads_wins_until_it_is_taken_back() -> None:
    default = fulcra.get_num_threads()
    fulcra.set_num_threads(default + 3)
    assert fulcra.get_num_threads() == default + 3
    fulcra.set_num_threads(None)
    assert fulcra.get_num_threads() == default


@pytest.mark.parametrize("n_threads", [0, -1])
def test_fewer_than_one_thread_is_an_error(n_threads: int) -> None:
    with pytest.raises(ValueError, match=f"n_threads={n_threads}; at least 1 thread is needed"):
        fulcra.set_num_threads(n_threads)


def test_a_part_of_a_thread_is_an_error() -> None:
    with pytest.raises(TypeError):
        fulcra.set_num_threads(1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"FULCRA_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "5"}, 5),
        ({"FULCRA_NUM_THREADS": "3", "OMP_NUM_THREADS": "5"}, 3),
        ({"FULCRA_NUM_THREADS": " 4 "}, 4),
        ({"FULCRA_NUM_THREADS": "many", "OMP_NUM_THREADS": "5"}, 5),
        ({"FULCRA_NUM_THREADS": "0"}, None),
        ({"FULCRA_NUM_THREADS": "-2"}, None),
        ({"FULCRA_NUM_THREADS": ""}, None),
        ({}, None),
    ],
)
def test_the_environment_decides_otherwise(
    environment: dict[str, str], expected: int | None, run_python: RunPython
) -> None:
    printed = run_python("import fulcra; print(fulcra.get_num_threads())", **environment)
    # Without a word from the environment: the processors that affinity and control groups leave to us.
    assert int(printed) == expected if expected else 1 <= int(printed) <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this operating system has no affinity")
def test_affinity_limits_the_default(run_python: RunPython) -> None:
    code = "import os, fulcra; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])"
    assert int(run_python(f"{code}; print(fulcra.get_num_threads())")) == 1


# --- threadpoolctl ---


def test_threadpool_limits_limit_us_and_are_taken_back() -> None:
    before = fulcra.get_num_threads()
    for user_api in (None, "openmp"):
        with threadpoolctl.threadpool_limits(limits=1, user_api=user_api):
            assert fulcra.get_num_threads() == 1
            with threadpoolctl.threadpool_limits(limits=2, user_api=user_api):
                assert fulcra.get_num_threads() == 2
            assert fulcra.get_num_threads() == 1
        assert fulcra.get_num_threads() == before


def test_limits_on_blas_are_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fulcra.get_num_threads()
    with threadpoolctl.threadpool_limits(limits=1, user_api="blas"):
        assert fulcra.get_num_threads() == before
    # Setting every library back at the end of the block has not pinned ours.
    monkeypatch.setenv("FULCRA_NUM_THREADS", "7")
    assert fulcra.get_num_threads() == 7


def test_the_last_word_counts() -> None:
    with threadpoolctl.threadpool_limits(limits=1):
        fulcra.set_num_threads(3)
        assert fulcra.get_num_threads() == 3


def test_threadpool_info_lists_us_beside_the_others(tmp_path: Path) -> None:
    # Another library whose file's name begins like ours, and which even exports the same symbol.
    stranger = tmp_path / "_core.stranger.so"
    shutil.copy(_core.__file__, stranger)
    ctypes.CDLL(str(stranger))
    info = threadpoolctl.threadpool_info()
    ours = [entry for entry in info if entry["internal_api"] == "fulcra"]
    assert len(ours) == 1
    assert os.path.samefile(ours[0]["filepath"], _core.__file__)
    assert ours[0]["num_threads"] == fulcra.get_num_threads()
    assert ours[0]["user_api"] == "openmp"
    assert any(entry["user_api"] == "blas" for entry in info)


def test_a_controller_made_by_hand_limits_us() -> None:
    controller = threadpoolctl.ThreadpoolController().select(internal_api="fulcra")
    assert len(controller) == 1
    with controller.limit(limits=1):
        assert fulcra.get_num_threads() == 1


# --- several at once ---


def test_eight_python_threads_fit_at_once() -> None:
    expected = [fit(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for found, alone in zip(pool.map(fit, [*range(8)] * 3), expected * 3, strict=True):
            assert_array_equal(found, alone)


def test_a_fit_lets_other_python_threads_run() -> None:
    done = threading.Event()
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0.001)

    ticking = threading.Thread(target=tick)
    ticking.start()
    began = time.perf_counter()
    while time.perf_counter() - began < 0.5:
        KMeans(64, init=ROWS[:64], n_init=1, tol=0, max_iter=5).fit(ROWS)
    done.set()
    ticking.join()
    assert ticks > 20  # it would be a handful if a fit held the interpreter's lock


def test_joblib_workers_fit_with_their_share_of_the_threads() -> None:
    rows = ROWS

    def work(seed: int) -> tuple[np.ndarray, int, str | None]:
        # Nothing of this module's own, which a worker may not be able to import.
        centers = KMeans(16, random_state=seed, max_iter=5).fit(rows).cluster_centers_
        return centers, fulcra.get_num_threads(), os.environ.get("OMP_NUM_THREADS")

    for backend in ("loky", "threading"):
        results = joblib.Parallel(n_jobs=2, backend=backend)(joblib.delayed(work)(seed) for seed in range(4))
        for seed, (centers, threads, share) in enumerate(results):
            assert_array_equal(centers, fit(seed))
            if backend == "loky":
                assert str(threads) == share


FORK = """
import os, signal, sys, threading, time
import numpy as np
from fulcra.cluster import KMeans

X = np.random.default_rng(0).normal(size=(30_000, 16))
def fit():
    return KMeans(16, random_state=0, max_iter=3).fit(X).cluster_centers_
expected = fit()

def in_a_child():
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # a child that hangs dies
        os._exit(0 if np.array_equal(fit(), expected) else 1)
    return child

computing = threading.Event()
def keep_computing():
    while not computing.is_set():
        fit()
others = [threading.Thread(target=keep_computing) for _ in range(int(sys.argv[1]))]
for other in others:
    other.start()
codes = [os.waitstatus_to_exitcode(os.waitpid(in_a_child(), 0)[1]) for _ in range(int(sys.argv[2]))]
computing.set()
for other in others:
    other.join()
assert np.array_equal(fit(), expected)
print(sorted(set(codes)))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this operating system has no fork")
@pytest.mark.parametrize(("threads", "forks"), [(0, 20), (3, 30)])
def test_a_forked_child_computes(threads: int, forks: int, run_python: RunPython) -> None:
    # After use, and while three threads are computing: the child owns none of the parent's workers.
    assert run_python(FORK, str(threads), str(forks), FULCRA_NUM_THREADS="2") == "[0]\n"


SPAWN = """
import multiprocessing, sys
import numpy as np
from fulcra.cluster import KMeans

def fit(seed):
    X = np.random.default_rng(0).normal(size=(30_000, 16))
    return KMeans(16, random_state=seed, max_iter=3).fit(X).cluster_centers_

if __name__ == "__main__":
    expected = [fit(seed) for seed in range(3)]
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        found = pool.map(fit, range(3))
    print(np.array_equal(found, expected))
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_started_afresh_compute(method: str, run_python: RunPython) -> None:
    assert run_python(SPAWN, method) == "True\n"


# --- Ctrl-C ---

LONG = np.random.default_rng(0).normal(size=(60_000, 32))


@pytest.mark.parametrize("verbose", [0, 1])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c_stops_a_fit_and_leaves_the_estimator_as_it_was(
    n_threads: int, verbose: int, ctrl_c: Interrupt
) -> None:
    fulcra.set_num_threads(n_threads)
    model = KMeans(4, random_state=0).fit(ROWS)
    before = dict(vars(model))
    model.set_params(n_clusters=512, init="random", n_init=1000, tol=0, verbose=verbose)
    waits = []
    for _ in range(3):  # the machine may be busy: the best of three
        waits.append(ctrl_c(lambda: model.fit(LONG)))
        assert vars(model).keys() == before.keys()
        assert all(vars(model)[name] is before[name] for name in before if name.endswith("_"))
        assert model.n_features_in_ == 16
    assert min(waits) < 0.2
    assert_array_equal(model.predict(ROWS), before["labels_"])


@pytest.mark.parametrize(
    "parameters",
    [
        {"init": "build", "n_clusters": 300},
        {"init": "random", "n_clusters": 4000},
        {"init": "random", "max_memory": 0},
        {"metric": "chebyshev", "max_memory": 0},
        {"metric": "correlation", "max_memory": "2GB", "n_clusters": 1000},
        {"method": "clara", "sample_size": 3000, "n_samplings": 1000},
        {"method": "alternate", "init": "random", "max_memory": 0, "n_clusters": 4000},
        {"n_clusters": 30_000},
        None,
    ],
)
def test_ctrl_c_stops_other_clusterers(parameters: dict[str, object] | None, ctrl_c: Interrupt) -> None:
    if parameters == {"n_clusters": 30_000}:
        rows, model = LONG, BisectingKMeans(4, n_init=3)
    elif parameters is None:
        rows, model = LONG, FuzzyCMeans(40, m=1.5, init=LONG[:40], tol=0, max_iter=100_000)
        parameters = {"init": np.repeat(LONG[:40], 10, axis=0), "n_clusters": 400}
    else:
        rows, model = LONG[:12_000], KMedoids(40, random_state=0)
    model.set_params(max_iter=2).fit(rows[:500]).set_params(max_iter=100_000)
    before = dict(vars(model))
    model.set_params(**parameters)
    waits = []
    for _ in range(3):
        waits.append(ctrl_c(lambda: model.fit(rows)))
        assert all(vars(model)[name] is before[name] for name in before if name.endswith("_"))
    assert min(waits) < 0.2


@pytest.mark.parametrize("way", ["cholesky", "qr", "sparse", "copies"])
def test_ctrl_c_stops_least_squares(way: str, ctrl_c: Interrupt) -> None:
    shapes = {"cholesky": (4000, 1500), "qr": (50_000, 120), "sparse": (2000, 4000), "copies": (800, 3000)}
    shape, rng = shapes[way], np.random.default_rng(0)
    X = sp.random(*shape, 0.01, "csr", random_state=0) if way == "sparse" else rng.normal(size=shape)
    if way == "qr":
        X[:, 1] = X[:, 0]
    if way == "copies":
        X[400:] = X[:400]
    y = rng.normal(size=shape[0])
    model = LinearRegression().fit(X[:50], y[:50])
    before = dict(vars(model))
    waits = [ctrl_c(lambda: [model.fit(X, y) for _ in range(1000)]) for _ in range(3)]
    assert vars(model).keys() == before.keys()
    assert min(waits) < 0.2


@pytest.mark.parametrize("way", ["products", "gradients", "sparse"])
def test_ctrl_c_stops_poisson_regression(way: str, ctrl_c: Interrupt) -> None:
    shapes = {"products": (20_000, 200), "gradients": (500, 5000), "sparse": (5000, 10_000)}
    shape, rng = shapes[way], np.random.default_rng(0)
    X = sp.random(*shape, 0.01, "csr", random_state=0) if way == "sparse" else rng.normal(size=shape)
    y = rng.poisson(3, size=shape[0])
    model = PoissonRegressor(alpha=1e-3).fit(X[:50], y[:50])
    before = dict(vars(model))
    waits = [ctrl_c(lambda: [model.fit(X, y) for _ in range(1000)]) for _ in range(3)]
    assert vars(model).keys() == before.keys()
    assert min(waits) < 0.2


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize(
    "model",
    [
        SGDClassifier(max_iter=100_000, tol=None, random_state=0),
        SGDRegressor(max_iter=100_000, tol=None, random_state=0),
        GradientDescentClassifier(max_iter=100_000, tol=0, n_iter_no_change=100_000),
        GradientDescentRegressor(max_iter=100_000, tol=0, n_iter_no_change=100_000),
    ],
)
def test_ctrl_c_stops_descents(model: Any, sparse: bool, ctrl_c: Interrupt) -> None:
    fulcra.set_num_threads(2)
    y = LONG[:, 0] + LONG[:, 1]
    y = np.digitize(y, [-1, 1]) if "Classifier" in type(model).__name__ else y
    X = sp.random(60_000, 500, 0.02, "csr", random_state=0) if sparse else LONG
    tol = model.tol  # at first one that any start meets
    model.set_params(tol=1.0, max_iter=50, n_iter_no_change=1).fit(X[:500], y[:500])
    model.set_params(tol=tol, max_iter=100_000, n_iter_no_change=100_000)
    before = dict(vars(model))
    waits = [ctrl_c(lambda: model.fit(X, y)) for _ in range(3)]
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is before[name] for name in before if name.endswith("_"))
    assert min(waits) < 0.2


@pytest.mark.parametrize("way", ["products", "rows", "sparse"])
def test_ctrl_c_stops_l1_logistic_regression(way: str, ctrl_c: Interrupt) -> None:
    rng = np.random.default_rng(0)
    X: Any = rng.normal(size=(4000, 300))
    if way == "sparse":
        X = sp.random(5000, 20_000, 0.005, "csr", random_state=0)
    y = rng.integers(0, 3 if way == "rows" else 2, size=X.shape[0]).astype(np.int32)

    def fit() -> Any:
        return _core.logistic_l1(
            X,
            y,
            None,
            None,
            n_classes=int(y.max()) + 1,
            alpha=1e-2,
            l1_ratio=1.0,
            fit_intercept=True,
            tol=1e-9,
            max_iter=1000,
        )

    waits = [ctrl_c(lambda: [fit() for _ in range(1000)]) for _ in range(3)]
    assert min(waits) < 0.2


def test_ctrl_c_stops_seeding_and_prediction(ctrl_c: Interrupt) -> None:
    centers = np.random.default_rng(1).normal(size=(4096, 32))
    for call in (
        KMeans(4096, random_state=0, max_iter=1).fit,
        lambda X: [KMeans.from_centers(centers).predict(X) for _ in range(100)],
    ):
        waits = [ctrl_c(partial(call, LONG)) for _ in range(3)]
        assert min(waits) < 0.2


# --- another library's floating-point mode ---

FLUSH = """
#include <immintrin.h>
void set_mode(unsigned mode) { _mm_setcsr(mode); }
unsigned get_mode(void) { return _mm_getcsr(); }
"""

FLUSHED_FIT = """
import ctypes, hashlib, sys
import numpy as np
from fulcra.cluster import KMeans

rng = np.random.default_rng(0)
tiny = rng.normal(size=(50_000, 4))
kinds = {"f32": (tiny * 1e-41).astype(np.float32), "f64": tiny * 1e-161}
library = ctypes.CDLL(sys.argv[1])
flush = sys.argv[2] == "flush"
if flush:
    library.set_mode(library.get_mode() | 0x8040)  # flush to zero, denormals are zero
    assert np.array([1e-310])[0] * 0.5 == 0 and np.array([1e-310]) * np.array([0.5]) == 0
for name, X in kinds.items():
    model = KMeans(9, init=X[:9], n_init=1, tol=0, max_iter=5).fit(X)
    parts = {
        "centers": model.cluster_centers_,
        "labels": model.labels_,
        "inertia": np.array(model.inertia_),
        "predict": model.predict(X),
        "transform": model.transform(X),
    }
    hashes = {part: hashlib.sha256(values.tobytes()).hexdigest()[:8] for part, values in parts.items()}
    print(name, hashes, len(set(model.labels_.tolist())))
if flush:
    assert library.get_mode() & 0x8040 == 0x8040  # ours to use, not to change
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the mode is set with x86's MXCSR")
def test_flush_to_zero_switched_on_elsewhere_changes_nothing(run_python: RunPython, tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler to build a library that sets the floating-point mode")
    (tmp_path / "mode.c").write_text(FLUSH)
    library = tmp_path / "mode.so"
    source = tmp_path / "mode.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    printed = {
        (mode, threads): run_python(FLUSHED_FIT, str(library), mode, FULCRA_NUM_THREADS=threads)
        for mode in ("plain", "flush")
        for threads in ("1", "2")
    }
    assert len(set(printed.values())) == 1, printed
    assert "9\n" in printed["plain", "1"]  # nine clusters: the tiny differences were seen
