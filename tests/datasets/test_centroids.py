"""The known centroids: their numbers, and rows that they claim."""

import numpy as np
import pytest
from fulcra.cluster import KMeans
from fulcra.datasets import load_centroids
from fulcra.datasets._centroids import _TABLES

#: The sum of all numbers of each table, added up by hand.
SUMS = {
    "customers": 160_330.0,
    "colours": 1_290.0,
    "products": 752.4,
    "retail": 4_393.0,
    "diabetes": 1_769.0,
    "campaigns": 122.45,
    "process": 3_757.6,
    "credit": 173_935.68,
}


def test_every_table_is_tested():
    assert set(SUMS) == set(_TABLES)


@pytest.mark.parametrize("name", SUMS)
def test_tables(name):
    table = load_centroids(name)
    assert table.data.shape == (len(table.target_names), len(table.feature_names))
    assert table.data.dtype == np.float64
    assert table.data.sum() == pytest.approx(SUMS[name])
    assert "not fitted to any data" in table.DESCR
    framed = load_centroids(name, as_frame=True)
    assert list(framed.frame.index) == table.target_names
    assert list(framed.data.columns) == table.feature_names
    np.testing.assert_array_equal(framed.data.to_numpy(), table.data)
    model = KMeans.from_centers(framed.data)
    assert model.feature_names_in_.tolist() == table.feature_names
    np.testing.assert_array_equal(model.predict(framed.data), range(len(table.data)))


def test_rows_that_the_text_lists_are_young_high_spenders():
    customers = load_centroids("customers")
    listed = [[25, 35_000, 75, 12], [30, 45_000, 80, 15], [28, 40_000, 78, 14]]
    # Their mean is the text's first centroid, to its one decimal and, of the age, to one half.
    np.testing.assert_allclose(np.mean(listed, axis=0), customers.data[0], atol=0.2)
    assert set(KMeans.from_centers(customers.data).predict(listed)) == {0}


def test_what_is_changed_stays_out_of_the_next_table():
    load_centroids("colours").data[:] = 0
    assert load_centroids("colours").data.sum() == SUMS["colours"]


def test_no_such_table():
    with pytest.raises(ValueError, match="'name' parameter of load_centroids"):
        load_centroids("colors")
