"""What the tests share: the oracles' place, a clean number of threads, Ctrl-C, and a process of its own."""

import _thread
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import fulcra
import numpy as np
import pytest

# `import oracles` from every folder of tests: pytest's importlib mode puts none of them on the path.
sys.path.insert(0, str(Path(__file__).parent))

#: The instruction sets that kernels exist for, each one including those before it.
SIMD_LEVELS = ("portable", "avx2", "avx512")


class RunPython(Protocol):
    def __call__(self, code: str, *arguments: str, timeout: float = 120, **environment: str) -> str: ...


@pytest.fixture
def run_python(tmp_path: Path) -> RunPython:
    """Run code as a script in a new process and return what it printed."""

    def run(code: str, *arguments: str, timeout: float = 120, **environment: str) -> str:
        script = tmp_path / "script.py"
        script.write_text(code)
        inherited = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
        done = subprocess.run(
            [sys.executable, str(script), *arguments],
            env={**inherited, **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


#: Makes a call, presses Ctrl-C in the midst of it, and returns the seconds that it still took.
Interrupt = Callable[[Callable[[], object]], float]


@pytest.fixture
def ctrl_c() -> Iterator[Interrupt]:
    def interrupt(call: Callable[[], object]) -> float:
        pressed = []

        def press() -> None:
            pressed.append(time.perf_counter())
            _thread.interrupt_main()

        timer = threading.Timer(0.4, press)
        timer.start()
        try:
            with pytest.raises(KeyboardInterrupt):
                call()
            return time.perf_counter() - pressed[0]
        finally:
            timer.cancel()  # of a call that was over before: the next test is not to be interrupted
            timer.join()

    # Shells start background jobs with SIGINT ignored, and Python then leaves it so.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield interrupt
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    yield
    fulcra.set_num_threads(None)


@pytest.fixture(params=[np.float32, np.float64], ids=["f32", "f64"])
def dtype(request: pytest.FixtureRequest) -> type[np.floating]:
    chosen: type[np.floating] = request.param
    return chosen
