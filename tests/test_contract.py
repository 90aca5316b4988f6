"""scikit-learn's common checks, all of them, for every estimator."""

import pytest
from conftest import RunPython

CHECKS = """
import warnings
from sklearn.utils.estimator_checks import check_estimator
from fulcra.cluster import FuzzyCMeans, KMeans, KMedians, KMedoids, MahalanobisKMeans, SphericalKMeans

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
        "FuzzyCMeans()",
        "FuzzyCMeans(n_clusters=3, m=1.3)",
        "KMedoids()",
        "KMedoids(method='alternate', init='build', max_memory=0)",
        "KMedoids(method='clara', metric='manhattan', n_clusters=3)",
        "KMedoids(metric='gower')",
        "KMedians()",
        "KMedians(n_clusters=3, n_init=2)",
        "SphericalKMeans()",
        "SphericalKMeans(n_clusters=3, tol=0)",
        "MahalanobisKMeans()",
        "MahalanobisKMeans(covariance='full', shrinkage=0.2)",
    ],
)
def test_common_checks_pass_with_nothing_expected_to_fail(estimator: str, run_python: RunPython) -> None:
    # In a process of its own: SCIPY_ARRAY_API, without which a check is skipped, is read when scipy is
    # imported.
    assert run_python(CHECKS.format(estimator=estimator), timeout=600, SCIPY_ARRAY_API="1") == ""
