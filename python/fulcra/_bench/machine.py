"""What the machine is and what it can do at best: names, matrix products, memory traffic."""

import importlib.metadata
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fulcra import _core

_INSTRUCTION_SETS = ("avx2", "fma", "avx512f", "avx512bw", "avx512_vnni", "asimd")
_PACKAGES = ("fulcra", "numpy", "scipy", "scikit-learn", "scikit-learn-intelex", "faiss-cpu", "superkmeans")


def describe() -> dict[str, str]:
    """Name the processor, its instruction sets, the CPUs this process may use, and the versions that count.

    Returns
    -------
    facts : dict of str to str
        In the order in which a reader wants them.
    """
    name, flags = _processor()
    facts = {
        "CPU": name,
        "instruction sets": ", ".join(flag for flag in _INSTRUCTION_SETS if flag in flags) or "unknown",
        "fulcra uses": _core.simd_level(),
        "CPUs": str(usable_cpus()),
        "Python": platform.python_version(),
    }
    for package in _PACKAGES:
        try:
            facts[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            facts[package] = "not installed"
    return facts


def usable_cpus() -> int:
    """Count the CPUs that this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity call
        return os.cpu_count() or 1


def _processor() -> tuple[str, frozenset[str]]:
    """Model name and flags from Linux; elsewhere what `platform` knows."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine(), frozenset()
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = fields.get("flags", fields.get("Features", ""))
    name = fields.get("model name", platform.machine())
    if "cpu family" in fields:
        name += f" (family {fields['cpu family']}, model {fields.get('model', '?')})"
    return name, frozenset(flags.split())


def gemm_rate(dtype: type[np.floating[Any]], size: int = 1536) -> float:
    """Best rate of NumPy's matrix product under the current thread limit.

    Parameters
    ----------
    dtype : type
        numpy.float32 or numpy.float64.
    size : int
        Rows and columns of the square matrices.

    Returns
    -------
    rate : float
        Operations a second; a multiplication and an addition count as two.
    """
    rng = np.random.default_rng(0)
    left = rng.standard_normal((size, size)).astype(dtype)
    out = np.empty_like(left)
    return 2.0 * size**3 / _best(lambda: np.matmul(left, left, out=out))


def read_rate(megabytes: int = 256) -> float:
    """Best rate at which one long vector is read (a dot product with itself), in bytes a second.

    Parameters
    ----------
    megabytes : int
        Length of the vector; it must not fit any cache.

    Returns
    -------
    rate : float
        Bytes a second, under the current thread limit.
    """
    vector = np.ones(megabytes * 2**20 // 4, np.float32)
    return vector.nbytes / _best(lambda: np.dot(vector, vector))


def _best(call: Callable[[], object], tries: int = 7) -> float:
    """Shortest of a few runs: a limit is what the machine can do, not what it does on average."""
    seconds = []
    for _ in range(tries):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
