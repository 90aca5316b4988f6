"""Run somebody's tests with fulcra under scikit-learn's names: ``pytest -p fulcra.pytest_plugin``."""

from collections.abc import Generator

import pytest

from fulcra._patch import REGISTRY, patch, unpatch


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    """Patch before the first conftest is imported, which may import scikit-learn's names."""
    patch()
    return (yield)


def pytest_unconfigure() -> None:
    """Leave scikit-learn as it was."""
    unpatch()


def pytest_report_header() -> str:
    """Say in the report's head what the tests really ran on."""
    names = [f"{place}.{name}" for place, (_, names) in REGISTRY.items() for name in names]
    return f"fulcra stands in for {', '.join(names)}"
