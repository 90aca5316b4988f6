"""screen_outliers: by hand, with every kind of model, and on blocks."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from fulcra.cluster import (
    FuzzyCMeans,
    KMeans,
    KMedians,
    KMedoids,
    MiniBatchKMeans,
    SphericalKMeans,
    _screening,
    screen_outliers,
)
from numpy.testing import assert_array_equal
from sklearn.cluster import KMeans as TheirKMeans
from sklearn.exceptions import NotFittedError

RNG = np.random.default_rng(0)
#: A tight group, a wide one, and a row far from each as its own distances go.
X = np.vstack(
    [RNG.normal(size=(200, 2)), 50 * RNG.normal(size=(200, 2)) + 2000, [[15.0, 0.0], [2700.0, 2000.0]]]
)


def test_rows_are_held_against_their_own_cluster() -> None:
    # Distances 1 1 1 4 and 10 10 10 20: their medians are 1 and 10.
    rows = np.array([[-1.0], [1.0], [1.0], [4.0], [990.0], [1010.0], [1010.0], [1020.0]])
    model = KMeans.from_centers([[0.0], [1000.0]])
    assert_array_equal(np.flatnonzero(screen_outliers(model, rows, quantile=0.9)), [3])
    assert_array_equal(np.flatnonzero(screen_outliers(model, rows, quantile=0.8)), [3, 7])
    assert not screen_outliers(model, rows, quantile=1).any()


@pytest.mark.parametrize(
    "model",
    [
        KMeans(2, random_state=0),
        TheirKMeans(2, random_state=0, n_init=3),
        MiniBatchKMeans(2, random_state=0),
        KMedians(2, random_state=0),
        KMedoids(2, random_state=0),
    ],
    ids=lambda model: f"{type(model).__module__.split('.')[0]} {type(model).__name__}",
)
def test_any_clusterer_with_centers(model: Any) -> None:
    far = screen_outliers(model.fit(X), X, quantile=0.995)
    assert far.dtype == bool
    assert far[-2:].all()
    assert far.sum() <= 3


def test_the_metric_is_the_models() -> None:
    rows = np.abs(RNG.normal(size=(100, 3))) + 0.1
    for model in (SphericalKMeans(3, random_state=0), FuzzyCMeans(3, random_state=0)):
        assert screen_outliers(model.fit(rows), rows, quantile=0.95).sum() == 5


def test_blocks_containers_and_scale_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = KMeans(2, random_state=0).fit(X)
    far = screen_outliers(model, X)
    assert_array_equal(screen_outliers(model, sp.csr_array(X)), far)
    assert_array_equal(screen_outliers(model, X.tolist()), far)
    monkeypatch.setattr(_screening, "_BLOCK", 64)
    assert_array_equal(screen_outliers(model, X), far)
    frame = pd.DataFrame(X, columns=["a", "b"])
    named = KMeans(2, random_state=0).fit(frame)
    assert_array_equal(screen_outliers(named, frame), far)


def test_rows_on_their_center_are_never_far() -> None:
    rows = np.repeat([[0.0], [5.0]], 10, axis=0)
    assert not screen_outliers(KMeans(2, random_state=0).fit(rows), rows, quantile=0).any()
    rows[0] = 1.0  # more than half of the distances are 0
    far = screen_outliers(KMeans.from_centers([[0.0], [5.0]]), rows, quantile=0.9)
    assert_array_equal(np.flatnonzero(far), [0])


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError, match="predict and transform; got int"):
        screen_outliers(3, X)
    with pytest.raises(NotFittedError):
        screen_outliers(KMeans(2), X)
    with pytest.raises(ValueError, match="quantile"):
        screen_outliers(KMeans(2, random_state=0).fit(X), X, quantile=1.5)
