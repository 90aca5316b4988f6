"""What a bug report needs to say."""

import os
import platform
import sys
import warnings

from fulcra import _core
from fulcra._threads import get_num_threads

REQUIRED = ("numpy", "scipy", "scikit-learn", "threadpoolctl")
OPTIONAL = (
    "matplotlib",
    "pillow",
    "rich",
    "pandas",
    "polars",
    "joblib",
    "scikit-learn-intelex",
    "faiss-cpu",
    "superkmeans",
)


def show_versions() -> None:
    """Print the processor's level, the number of threads and the versions that matter.

    Packages that are not installed are said to be so; none of them is imported.

    Examples
    --------
    >>> import fulcra
    >>> fulcra.show_versions()  # doctest: +ELLIPSIS
    fulcra ...
    """
    print(f"fulcra {_version_of('fulcra')}")
    print(f"  SIMD level: {_core.simd_level()}")
    print(f"  threads: {get_num_threads()}")
    print(f"python {sys.version.split()[0]}, {platform.platform()}, {platform.machine()}")
    for package in (*REQUIRED, *OPTIONAL):
        print(f"  {package}: {_version_of(package)}")


def warn_of_unknown_simd() -> None:
    """Warn if `FULCRA_SIMD` asks for a level that this CPU, or fulcra, does not have."""
    asked, level = os.environ.get("FULCRA_SIMD", ""), _core.simd_level()
    if asked not in {"", level}:
        message = f"FULCRA_SIMD={asked!r} is not a level of this CPU; using {level!r}."
        warnings.warn(message, RuntimeWarning, stacklevel=3)


def _version_of(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow, and rarely needed

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
