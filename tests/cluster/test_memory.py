"""How much memory a fit takes beside X: peaks of a process of its own, in bytes a sample."""

import sys

import pytest
from conftest import RunPython

MEASURE = """
import sys
import numpy as np
from fulcra.cluster import KMeans

def peak():
    with open("/proc/self/status") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

kind, n, d, k, what = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
KMeans(2, random_state=0).fit(np.random.default_rng(0).random((5000, d)).astype(kind))
if what == "memmap":
    X = np.memmap(sys.argv[6], dtype=kind, mode="w+", shape=(n, d))
    np.random.default_rng(0).random(out=X, dtype=kind)
else:
    X = np.empty((n, d), dtype=kind)
    np.random.default_rng(0).random(out=X, dtype=kind)
model = KMeans.from_centers(X[:k].copy())
weights = np.ones(n) if what == "weights" else None
before = peak()
if what == "predict":
    model.predict(X)
else:
    KMeans(k, random_state=0, max_iter=3).fit(X, sample_weight=weights)
print(peak() - before)
"""

if not sys.platform.startswith("linux"):
    pytest.skip("peaks are read from Linux's /proc", allow_module_level=True)


def allowed(n: int, d: int, what: str) -> int:
    """24 bytes a sample; and while a start is drawn, a byte for each value, if 256 MB hold them."""
    rounded = n * (d + 8)
    return 24 * n + 16_000_000 + (rounded if what != "predict" and d >= 8 and rounded <= 1 << 28 else 0)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("float32", (2_000_000, 4, 8)), ("float64", (1_000_000, 16, 16)), ("float32", (300_000, 64, 32))],
)
@pytest.mark.parametrize("what", ["fit", "weights", "predict"])
def test_a_fit_takes_at_most_24_bytes_a_sample(
    kind: str, shape: tuple[int, int, int], what: str, run_python: RunPython
) -> None:
    taken = int(run_python(MEASURE, kind, *map(str, shape), what))
    n, d, _ = shape
    assert taken <= allowed(n, d, what), f"{taken / n:.1f} bytes a sample"


def test_many_rows_are_not_rounded(run_python: RunPython) -> None:
    n, d = 17_000_000, 8
    taken = int(run_python(MEASURE, "float32", str(n), str(d), "16", "fit"))
    assert taken <= allowed(n, d, "fit") == 24 * n + 16_000_000, f"{taken / n:.1f} bytes a sample"


def test_a_memory_map_is_not_read_into_memory_as_a_copy(run_python: RunPython, tmp_path: object) -> None:
    n, d = 1_000_000, 64
    taken = int(run_python(MEASURE, "float32", str(n), str(d), "4", "memmap", f"{tmp_path}/rows"))
    assert taken <= allowed(n, d, "memmap"), f"{taken / n:.1f} bytes a sample; X has {4 * d}"


MEASURE_BISECTIONS = """
import numpy as np
from fulcra.cluster import BisectingKMeans

def peak():
    with open("/proc/self/status") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

rng = np.random.default_rng(0)
BisectingKMeans(3, init="k-means++", random_state=0).fit(rng.random((5000, 16)))
X = rng.random((1_000_000, 16))
X[::2] += 5
before = peak()
BisectingKMeans(4, init="k-means++", random_state=0, max_iter=3).fit(X)
print(peak() - before)
"""


def test_bisections_hold_one_copy_of_the_cluster_that_is_parted(run_python: RunPython) -> None:
    # Half of the rows, of 128 bytes each, and what a fit of them takes.
    assert int(run_python(MEASURE_BISECTIONS)) <= (128 + 24) / 2 * 1_000_000 + 8 * 1_000_000 + 16_000_000
