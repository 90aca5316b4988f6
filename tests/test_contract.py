"""scikit-learn's common checks, all of them, for every estimator."""

import pytest
from conftest import RunPython

CHECKS = """
import warnings
from sklearn.utils.estimator_checks import check_estimator
from fulcra.cluster import BisectingKMeans, FuzzyCMeans, KMeans, KMedoids, NearestCentroid

warnings.simplefilter("ignore")  # check_estimator fits on data that deserve warnings
results = check_estimator({estimator}, on_fail=None)
for result in results:
    if result["status"] != "passed":
        print(result["check_name"], result["status"], repr(result["exception"]))
assert len(results) > 50
"""


@pytest.mark.parametrize(
    "estimator",
    [
        "KMeans()",
        "KMeans(algorithm='elkan', n_clusters=3, n_init=2)",
        "KMeans(shift_tol=1e-6, inertia_tol=1e-9, copy_x=False)",
        "KMeans(refine='breathing')",
        "BisectingKMeans(init='k-means++')",
        "BisectingKMeans(init='k-means++', n_init=2, n_clusters=3, bisecting_strategy='largest_cluster')",
        "FuzzyCMeans()",
        "FuzzyCMeans(n_clusters=3, m=1.3)",
        "KMedoids()",
        "KMedoids(method='alternate', init='build', max_memory=0)",
        "KMedoids(method='clara', metric='manhattan', n_clusters=3)",
        "KMedoids(metric='gower')",
        "NearestCentroid()",
        "NearestCentroid('manhattan', shrink_threshold=0.1, priors='empirical')",
    ],
)
def test_common_checks_pass_with_nothing_expected_to_fail(estimator: str, run_python: RunPython) -> None:
    # In a process of its own: SCIPY_ARRAY_API, without which a check is skipped, is read when scipy is
    # imported.
    assert run_python(CHECKS.format(estimator=estimator), timeout=600, SCIPY_ARRAY_API="1") == ""


def test_the_default_start_of_bisections_draws_rows_by_position(run_python: RunPython) -> None:
    # scikit-learn expects these checks to fail for its own; see test_a_weight_is_a_repetition_in_any_order.
    failed = run_python(CHECKS.format(estimator="BisectingKMeans()"), timeout=600, SCIPY_ARRAY_API="1")
    assert {line.split()[0] for line in failed.splitlines()} <= {
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    }
