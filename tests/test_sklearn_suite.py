"""scikit-learn's own tests, as installed, with fulcra in the place of its KMeans, MiniBatchKMeans,
BisectingKMeans, NearestCentroid and measures of a clustering.

They run in a process of their own with ``-p fulcra.pytest_plugin``, for float32 as well (skipped by default)
and for several seeds. What is left out is left out by name, each with its reason.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sklearn

#: Tests of private functions and methods of scikit-learn's.
PRIVATE = {
    "test_relocate_empty_clusters": "_relocate_empty_clusters_dense / _sparse",
    "test_euclidean_distance": "_euclidean_dense_dense_wrapper, _euclidean_sparse_dense_wrapper",
    "test_inertia": "_inertia_dense, _inertia_sparse",
    "test_is_same_clustering": "_is_same_clustering",
    "test_sample_weight_init": "KMeans._init_centroids; see test_the_first_row_is_drawn_by_weight",
    "test_sample_weight_zero": "KMeans._init_centroids; see test_rows_without_weight_are_never_chosen",
}

#: Tests of other estimators of scikit-learn's that call KMeans inside, as a `pytest -k` expression.
DIFFERENT = {
    # Rows of equal content move together into an empty cluster, so that a weight of 2 is the same as the row
    # twice. The test expects one of four copies to move, which leaves two equal centers and an empty bin.
    "sklearn.preprocessing.tests.test_discretization": "not (test_redundant_bins and kmeans)",
}

#: Modules with estimators that call KMeans, MiniBatchKMeans or k_means inside, and the one that checks
#: functions' parameters; and how many tests they have more than.
USERS = {
    "sklearn.cluster.tests.test_bicluster": 20,
    "sklearn.cluster.tests.test_spectral": 30,
    "sklearn.mixture.tests.test_gaussian_mixture": 30,
    "sklearn.preprocessing.tests.test_discretization": 30,
    "sklearn.tests.test_public_functions": 30,
}


def outcomes(folder: Path, module: str, seeds: str, chosen: str, *plugins: str) -> tuple[set[str], int, str]:
    """Run the chosen tests of an installed module; returns which fail, how many pass, and the output."""
    (folder / "pytest.ini").write_text("[pytest]\n")  # not the configuration of this repository
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            *plugins,
            "-p",
            "no:cacheprovider",
            "-c",
            "pytest.ini",
            "--pyargs",
            module,
            "-k",
            chosen,
        ],
        env={
            **os.environ,
            "SKLEARN_RUN_FLOAT32_TESTS": "1",
            "SKLEARN_TESTS_GLOBAL_RANDOM_SEED": seeds,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout[-8000:] + done.stderr[-2000:]
    failed = set(re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE))
    assert done.returncode == bool(failed), printed
    counts = {what: int(number) for number, what in re.findall(r"(\d+) (\w+)", done.stdout.splitlines()[-1])}
    assert not {"error", "errors", "xfailed", "xpassed"} & set(counts), printed
    return failed, counts["passed"], printed


def run_tests(folder: Path, module: str, seeds: str, chosen: str) -> int:
    """Run the chosen tests with our classes, fail unless all pass that pass without; returns how many do."""
    failed, passed, printed = outcomes(folder, module, seeds, chosen, "-p", "fulcra.pytest_plugin")
    if failed:
        # Some tolerances are too narrow for some processors' BLAS.
        failed -= outcomes(folder, module, seeds, chosen)[0]
    assert not failed, printed
    return passed


def test_the_tests_of_kmeans_and_minibatch_kmeans_pass(tmp_path: Path) -> None:
    source = Path(sklearn.__file__).parent / "cluster" / "tests" / "test_k_means.py"
    out_of_date = [name for name in PRIVATE if f"def {name}(" not in source.read_text()]
    assert out_of_date == []
    chosen = " and ".join(f"not {word}" for word in PRIVATE)
    assert run_tests(tmp_path, "sklearn.cluster.tests.test_k_means", "0-4", chosen) >= 800


def test_the_tests_of_bisecting_kmeans_pass(tmp_path: Path) -> None:
    assert run_tests(tmp_path, "sklearn.cluster.tests.test_bisect_k_means", "0-4", "") >= 25


def test_the_tests_of_nearest_centroid_pass(tmp_path: Path) -> None:
    assert run_tests(tmp_path, "sklearn.neighbors.tests.test_nearest_centroid", "0-4", "") >= 15


def test_the_tests_of_measures_pass(tmp_path: Path) -> None:
    # None left out, and with them those that every measure of a clustering shares.
    assert run_tests(tmp_path, "sklearn.metrics.cluster.tests", "0-2", "") > 180


@pytest.mark.parametrize(("module", "more_than"), USERS.items())
def test_the_tests_of_users_of_kmeans_pass(module: str, more_than: int, tmp_path: Path) -> None:
    assert run_tests(tmp_path, module, "0", DIFFERENT.get(module, "")) > more_than
