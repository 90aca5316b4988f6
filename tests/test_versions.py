"""What fulcra says of itself, and what importing it costs."""

import re

import fulcra
import pytest
from conftest import RunPython
from fulcra import _core


def test_show_versions_says_what_a_bug_report_needs(capsys: pytest.CaptureFixture[str]) -> None:
    fulcra.show_versions()
    printed = capsys.readouterr().out
    for name in ("fulcra", "python", "numpy", "scipy", "scikit-learn", "threadpoolctl", "matplotlib"):
        assert re.search(rf"^ *{name}:? \d+\.\d+", printed, re.MULTILINE), name
    assert f"SIMD level: {_core.simd_level()}" in printed
    assert f"threads: {fulcra.get_num_threads()}" in printed


def test_an_unknown_simd_level_is_not_taken_silently(run_python: RunPython) -> None:
    code = """
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import fulcra
print(*(warning.message for warning in caught))
"""
    used = _core.simd_level()
    assert run_python(code, FULCRA_SIMD="avx3").strip() == (
        f"FULCRA_SIMD='avx3' is not a level of this CPU; using {used!r}."
    )
    assert run_python(code, FULCRA_SIMD="portable").strip() == ""


def test_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", fulcra.__version__)
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        _ = fulcra.missing


def test_import_loads_nothing_heavy(run_python: RunPython) -> None:
    code = """
import sys
import sklearn.base, sklearn.utils.validation, sklearn.utils.sparsefuncs
before = set(sys.modules)
import fulcra, fulcra.cluster
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""
    assert set(run_python(code).split()) - {"numpy"} == {"fulcra"}
