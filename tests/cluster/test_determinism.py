"""The same bits on any number of threads, with every instruction set, twice in a row."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from conftest import SIMD_LEVELS, RunPython
from fulcra import _core

FINGERPRINT = (Path(__file__).parent / "fingerprint.py").read_text()


@pytest.fixture(scope="module")
def known() -> dict[tuple[str, int], Any]:
    return {}


def prints(
    run_python: RunPython, known: dict[tuple[str, int], Any], level: str, threads: int
) -> dict[str, str]:
    if (level, threads) not in known:
        printed = run_python(FINGERPRINT, timeout=600, FULCRA_SIMD=level, FULCRA_NUM_THREADS=str(threads))
        told = json.loads(printed)
        assert (told["level"], told["threads"]) == (level, threads)
        known[level, threads] = told["prints"]
    return known[level, threads]


@cache
def best_level() -> str:
    return _core.simd_level()


def assert_same(one: dict[str, str], other: dict[str, str]) -> None:
    assert len(one) == 332
    assert [case for case in one if one[case] != other[case]] == []


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_any_number_of_threads_gives_the_bits_of_one(threads: int, run_python: RunPython, known: Any) -> None:
    one = prints(run_python, known, best_level(), 1)
    assert_same(one, prints(run_python, known, best_level(), threads))


@pytest.mark.parametrize("level", SIMD_LEVELS)
def test_every_instruction_set_gives_the_bits_of_the_portable_code(
    level: str, run_python: RunPython, known: Any
) -> None:
    if best_level() not in SIMD_LEVELS or SIMD_LEVELS.index(level) > SIMD_LEVELS.index(best_level()):
        pytest.skip(f"this processor has no {level}; its best level is {best_level()}")
    assert_same(prints(run_python, known, "portable", 2), prints(run_python, known, level, 2))
