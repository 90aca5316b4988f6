"""The worked examples of the text that fulcra grew from."""

import numpy as np
import pandas as pd
import pytest
from fulcra import linear_model
from fulcra.cluster import (
    FuzzyCMeans,
    KMeans,
    KMedians,
    KMedoids,
    MahalanobisKMeans,
    MiniBatchKMeans,
    OnlineKMeans,
    SphericalKMeans,
)
from fulcra.inspection import explain_weights
from fulcra.linear_model import (
    GradientDescentRegressor,
    LinearRegression,
    gradient_step,
    magnitude,
    starting_weights,
    weighted_sum,
)
from oracles import means, nearest, squared_distances, wcss
from sklearn.linear_model import LogisticRegression

CUSTOMERS = np.array(
    [[25, 35000, 75, 12], [30, 45000, 80, 15], [28, 40000, 78, 14]]
)  # age, income, spending, visits


def test_the_centroid_of_a_set_is_the_mean_of_each_coordinate() -> None:
    points = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    model = KMeans(n_clusters=1, n_init=1).fit(points)
    np.testing.assert_array_equal(model.cluster_centers_, [[3.0, 4.0]])


def test_three_customers() -> None:
    # The text prints 27.5 and 77.7: rounded, and the age by more than it says.
    model = KMeans(n_clusters=1).fit(CUSTOMERS)
    np.testing.assert_allclose(model.cluster_centers_, [[27.67, 40000, 77.67, 13.67]], atol=0.005)


def test_euclidean_distance_of_3_4_and_1_2() -> None:
    model = KMeans.from_centers([[1.0, 2.0]])
    assert model.transform([[3.0, 4.0]])[0, 0] == np.sqrt(8)
    assert round(model.transform([[3.0, 4.0]])[0, 0], 2) == 2.83


def test_assignment_step_takes_the_closest_centroid(dtype: type[np.floating]) -> None:
    rows = np.array([[3, 4], [1, 2], [9, 9], [5, 5]], dtype=dtype)
    centers = np.array([[1, 2], [8, 8]], dtype=dtype)
    # d(x, C) by hand: sqrt(8) and sqrt(41); 0 and sqrt(85); sqrt(113) and sqrt(2); 5 and sqrt(18).
    np.testing.assert_array_equal(KMeans.from_centers(centers).predict(rows), [0, 0, 1, 1])


def test_update_step_takes_the_mean_of_the_assigned_points() -> None:
    rows = np.array([[0.0, 0.0], [0.0, 2.0], [10.0, 0.0], [10.0, 4.0], [10.0, 8.0]])
    model = KMeans(2, init=[[1.0, 1.0], [9.0, 1.0]], n_init=1, max_iter=1).fit(rows)
    np.testing.assert_array_equal(model.cluster_centers_, [[0.0, 1.0], [10.0, 4.0]])


def test_wcss_is_the_sum_of_squared_distances_to_the_own_centroid() -> None:
    rows = np.array([[0.0, 0.0], [0.0, 2.0], [10.0, 0.0], [10.0, 4.0], [10.0, 8.0]])
    model = KMeans(2, init=[[1.0, 1.0], [9.0, 1.0]], n_init=1).fit(rows)
    # Cluster 0: 1 + 1. Cluster 1: 16 + 0 + 16.
    assert model.inertia_ == 34.0
    assert model.score(rows) == -34.0


def test_iterations_stop_when_the_centroids_move_less_than_a_threshold() -> None:
    rows = np.random.default_rng(0).normal(size=(400, 3))
    model = KMeans(5, tol=0, shift_tol=0.05, random_state=0).fit(rows)
    assert model.history_["shift"][-1] <= 0.05
    assert (model.history_["shift"][:-1] > 0.05).all()


def test_weights_3_2_1_draw_the_centroid_towards_the_heavy_points() -> None:
    points = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 12.0]])
    model = KMeans(1).fit(points, sample_weight=[3, 2, 1])
    np.testing.assert_array_equal(
        model.cluster_centers_, [[2.0, 2.0]]
    )  # (3 * 0 + 2 * 6 + 1 * 0) / 6 and 12 / 6


def test_a_fuzzy_centroid_is_the_mean_weighted_by_memberships_to_the_power_m() -> None:
    points = np.array([[0.0], [1.0], [4.0]])
    model = FuzzyCMeans(2, init=[[0.0], [3.0]], m=2.0, max_iter=1).fit(points)
    # Memberships in the first cluster: 1, 4 / 5 and 1 / 17; their squares weigh 0, 1 and 4.
    want = (0.64 + 4 / 289) / (1.64 + 1 / 289)
    assert model.cluster_centers_[0, 0] == pytest.approx(want, rel=1e-14)


def test_the_medoid_of_1_2_3_4_100_is_3_where_the_centroid_is_22() -> None:
    points = np.array([[1.0], [2.0], [3.0], [4.0], [100.0]])
    np.testing.assert_array_equal(KMeans(1).fit(points).cluster_centers_, [[22.0]])
    for method in ("fasterpam", "alternate", "clara"):
        model = KMedoids(1, method=method, random_state=0).fit(points)
        np.testing.assert_array_equal(model.cluster_centers_, [[3.0]])


def test_manhattan_distance_of_3_4_and_1_2_is_4() -> None:
    for model in (
        KMedoids.from_centers([[1.0, 2.0]], metric="manhattan"),
        KMedians.from_centers([[1.0, 2.0]]),
    ):
        assert model.transform([[3.0, 4.0]])[0, 0] == 4.0


def test_cosine_distance_of_3_4_and_1_2() -> None:
    # 1 - (3 * 1 + 4 * 2) / (5 * sqrt(5)).
    model = SphericalKMeans.from_centers([[1.0, 2.0]])
    assert model.transform([[3.0, 4.0]])[0, 0] == pytest.approx(1 - 11 / (5 * np.sqrt(5)), rel=1e-14)


def test_mahalanobis_distance_of_3_4_and_1_2() -> None:
    # S = [[4, 0], [0, 1]]: sqrt(2**2 / 4 + 2**2 / 1). With correlation, S^-1 = [[2, -1], [-1, 2]] / 3.
    for s, want in (([[4, 0], [0, 1]], np.sqrt(5)), ([[2, 1], [1, 2]], np.sqrt(8 / 3))):
        model = MahalanobisKMeans.from_centers([[1.0, 2.0]], covariance=s)
        assert model.transform([[3.0, 4.0]])[0, 0] == pytest.approx(want, rel=1e-15)


def test_the_centroid_of_customers_by_medians_is_the_middle_customer() -> None:
    assert KMedians(1).fit(CUSTOMERS).cluster_centers_.tolist() == [[28, 40000, 78, 14]]


def test_each_kind_of_start_of_the_text_leads_to_centroids_of_their_own_clusters() -> None:
    rows = np.random.default_rng(1).normal(size=(300, 2))
    for init in ("uniform", "k-means++", "random", "random_partition"):
        model = KMeans(4, init=init, tol=0, random_state=0).fit(rows)
        np.testing.assert_allclose(model.cluster_centers_, means(rows, model.labels_, 4), rtol=0, atol=1e-12)


def test_an_online_centroid_moves_by_eta_times_the_way_to_the_row() -> None:
    # C = (1, 2), x = (3, 4), eta = 0.1: C + 0.1 (x - C)
    model = OnlineKMeans.from_centers([[1.0, 2.0], [9.0, 9.0]], learning_rate="constant", eta0=0.1)
    model.partial_fit([[3.0, 4.0]])
    np.testing.assert_allclose(model.cluster_centers_, [[1.2, 2.2], [9.0, 9.0]], rtol=1e-15)


def test_a_mini_batch_moves_centroids_to_the_mean_of_all_that_they_got() -> None:
    model = MiniBatchKMeans.from_centers([[0.0], [10.0]], reassignment_ratio=0)
    model.partial_fit([[1.0], [3.0], [8.0]])
    np.testing.assert_array_equal(model.cluster_centers_, [[2.0], [8.0]])
    model.partial_fit([[5.0], [9.0]])  # 5 is as far from 2 as from 8: the first
    np.testing.assert_array_equal(model.cluster_centers_, [[3.0], [8.5]])


def test_a_house_price_by_weights() -> None:
    # 50000 + 150 x 2000 + 30000 x 3 - 2000 x 5 - 5000 x 10
    price = LinearRegression.from_weights([150, 30000, -2000, -5000], 50000)
    assert price.predict([[2000, 3, 5, 10]]).tolist() == [380_000]


def test_what_the_weights_of_a_house_price_mean() -> None:
    names = ["square feet", "bedrooms", "age", "miles"]
    price = LinearRegression.from_weights([150, 30000, -2000, -5000], 50000, feature_names=names)
    assert explain_weights(price).sentences == (
        "each extra unit of bedrooms adds 30,000 to y",
        "each extra unit of miles takes 5,000 from y",
        "each extra unit of age takes 2,000 from y",
        "each extra unit of square feet adds 150 to y",
    )
    # Beside houses: what this one's price is made of.
    houses = pd.DataFrame([[2000, 3, 5, 10], [1000, 1, 15, 20], [3000, 2, 40, 0]], columns=names)
    one = explain_weights(price, houses).prediction(0)
    assert one.score == 380_000
    # From the average house, which has 2000 square feet, 2 bedrooms, 20 years and 10 miles.
    assert dict(zip(one.columns, one.contributions, strict=True)) == pytest.approx(
        {"square feet": 0, "bedrooms": 30_000, "age": 30_000, "miles": 0}, abs=1e-9
    )
    assert one.baseline == pytest.approx(320_000)


def test_what_the_weights_of_spam_mean() -> None:
    spam = LogisticRegression()
    spam.coef_, spam.intercept_ = np.array([[0.8, 0.3, -0.6, 0.1]]), np.zeros(1)
    spam.classes_ = np.array(["ham", "spam"])
    spam.feature_names_in_ = np.array(["money", "exclamations", "sender reputation", "length"], dtype=object)
    assert explain_weights(spam).sentences == (
        "money pushes strongly towards spam (+0.8)",
        "sender reputation pushes strongly away from spam (-0.6)",
        "exclamations pushes towards spam (+0.3)",
        "length hardly matters: it pushes towards spam (+0.1)",
    )


def test_a_credit_score_by_weights() -> None:
    # 600 + 150 - 60 + 142.5 - 75
    score = LinearRegression.from_weights([0.002, -200, 150, -300], 600)
    assert score.predict([[75000, 0.3, 0.95, 0.25]]).tolist() == [757.5]


def test_salaries_by_years_of_experience() -> None:
    # The text says 25 + 7 x years and 67 for six of them, which is not the line of least squares: its squared
    # differences add up to 30, those of 21.5 + 7.5 x years to 7.5.
    years, salary = np.array([[1], [2], [3], [4], [5]]), np.array([30, 35, 45, 50, 60])
    model = LinearRegression().fit(years, salary)
    np.testing.assert_allclose([model.intercept_, *model.coef_], [21.5, 7.5], rtol=1e-13)
    assert model.predict([[6]])[0] == pytest.approx(66.5, rel=1e-13)
    assert ((salary - model.predict(years)) ** 2).sum() == pytest.approx(7.5)
    of_the_text = LinearRegression.from_weights([7], 25)
    assert of_the_text.predict([[6]]).tolist() == [67]
    assert ((salary - of_the_text.predict(years)) ** 2).sum() == 30


def test_salaries_by_gradient_descent() -> None:
    years, salary = np.array([[1], [2], [3], [4], [5]]), np.array([30, 35, 45, 50, 60])
    model = GradientDescentRegressor(tol=1e-12, max_iter=3000).fit(years, salary)
    np.testing.assert_allclose([model.intercept_, *model.coef_], [21.5, 7.5], rtol=1e-8)
    assert model.predict([[6]])[0] == pytest.approx(66.5, rel=1e-8)
    assert model.history_["loss"][0] == pytest.approx((salary**2).mean() / 2)  # 1/2 (y - 0)^2
    assert model.history_["loss"][-1] == pytest.approx(7.5 / 5 / 2)


def test_a_step_against_the_gradient() -> None:
    moved = gradient_step([0.1, 0.2, 0.3], [0.05, -0.03, 0.08], 0.1)
    np.testing.assert_allclose(moved, [0.095, 0.203, 0.292], rtol=1e-15)


def test_weighted_sums_with_their_terms() -> None:
    price = weighted_sum([150, 30000, -2000, -5000], [2000, 3, 5, 10], 50000)
    assert price.value == 380_000
    assert price.terms.tolist() == [300_000, 90_000, -10_000, -50_000]
    score = weighted_sum([0.002, -200, 150, -300], [75000, 0.3, 0.95, 0.25], 600)
    assert score.value == 757.5
    assert score.terms.tolist() == [150, -60, 142.5, -75]


def test_the_magnitude_of_weights() -> None:
    weights = [0.1, 0.2, 0.3]
    assert magnitude(weights) == pytest.approx(np.sqrt(0.01 + 0.04 + 0.09), rel=1e-15)


def test_ten_thousand_weights_take_40_kb() -> None:
    assert starting_weights((1000, 10), "normal", random_state=0, dtype=np.float32).nbytes == 40_000


def test_starting_weights_of_784_to_128() -> None:
    # sqrt(6 / 912) = 0.081 and sqrt(2 / 784) = 0.051, as the text prints them
    uniform = starting_weights((784, 128), "xavier_uniform", random_state=0)
    assert round(float(np.abs(uniform).max()), 3) == 0.081
    spread = starting_weights((784, 128), "he_normal", random_state=0).std()
    assert round(np.sqrt(2 / 784), 3) == 0.051
    assert spread == pytest.approx(np.sqrt(2 / 784), rel=0.01)


def test_centroids_take_k_times_n_times_4_bytes() -> None:
    centers = np.zeros((100, 1000), dtype=np.float32)
    assert KMeans.from_centers(centers).cluster_centers_.nbytes == 400_000


def test_the_oracles_themselves_on_paper() -> None:
    rows, centers = [[3.0, 4.0], [0.0, 0.0]], [[1.0, 2.0], [3.0, 0.0]]
    np.testing.assert_array_equal(squared_distances(rows, centers), [[8.0, 16.0], [5.0, 9.0]])
    np.testing.assert_array_equal(
        nearest([[1.0], [3.0]], [[0.0], [2.0], [2.0]]), [0, 1]
    )  # ties: the lowest index
    assert wcss(rows, centers, [2.0, 1.0]) == pytest.approx(21.0, abs=0)


def test_spam_probabilities_by_weights() -> None:
    spam = linear_model.LogisticRegression.from_weights([0.5, 1.2, -0.8], -0.3, classes=["ham", "spam"])
    X = [[3, 1, 0], [1, 0, 1]]
    by_hand = 1 / (1 + np.exp([-2.4, 0.6]))
    np.testing.assert_allclose(spam.predict_proba(X)[:, 1], by_hand, rtol=1e-14)
    assert spam.predict(X).tolist() == ["spam", "ham"]


def test_a_cat_a_dog_or_a_bird_by_weights() -> None:
    weights = [[0.8, 0.6, -0.9, 0.2], [0.7, 0.4, -0.8, 0.5], [-0.5, -0.3, 0.9, -0.2]]
    animals = linear_model.LogisticRegression.from_weights(weights, classes=["cat", "dog", "bird"])
    assert animals.classes_.tolist() == ["bird", "cat", "dog"]
    scores = animals.decision_function([[1, 1, 0, 0.2], [0, 0, 1, 0.1]])
    np.testing.assert_allclose(scores, [[-0.84, 1.44, 1.2], [0.88, -0.88, -0.75]], rtol=1e-12)
    assert animals.predict([[1, 1, 0, 0.2], [0, 0, 1, 0.1]]).tolist() == ["cat", "bird"]
