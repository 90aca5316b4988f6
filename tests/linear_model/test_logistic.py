"""LogisticRegression: by hand, against scikit-learn and statsmodels, and what must hold of any fit."""

import warnings

import fulcra
import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from fulcra.linear_model import LogisticRegression
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning


def data(n: int = 400, d: int = 6, k: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    scores = X @ rng.normal(size=(d, k)) + rng.gumbel(size=(n, k))
    return X, scores.argmax(axis=1)


def test_two_groups_have_their_log_odds() -> None:
    # One in four where x is 0, three in four where it is 1.
    model = LogisticRegression(C=np.inf, tol=1e-8).fit([[0]] * 4 + [[1]] * 4, list("aaababbb"))
    assert model.classes_.tolist() == ["a", "b"]
    np.testing.assert_allclose(model.intercept_, [-np.log(3)], rtol=1e-10)
    np.testing.assert_allclose(model.coef_, [[2 * np.log(3)]], rtol=1e-10)
    np.testing.assert_allclose(model.predict_proba([[0], [1]]), [[0.75, 0.25], [0.25, 0.75]], rtol=1e-10)
    assert model.predict([[0], [1]]).tolist() == ["a", "b"]


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_weights_are_scikit_learns(k: int, C: float, fit_intercept: bool) -> None:
    X, y = data(k=k)
    weights = np.random.default_rng(1).integers(0, 4, len(y))
    given = {"C": C, "fit_intercept": fit_intercept, "class_weight": "balanced"}
    ours = LogisticRegression(**given, tol=1e-8).fit(X, y, weights)
    theirs = sklearn.linear_model.LogisticRegression(
        **given, solver="newton-cholesky", tol=1e-12, max_iter=500
    )
    theirs.fit(X, y, weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-6, atol=1e-12)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def test_weights_without_a_penalty_are_statsmodels() -> None:
    import statsmodels.api as sm  # noqa: PLC0415 - a second

    for k in (2, 4):
        X, y = data(n=2000, k=k)
        model = LogisticRegression(C=np.inf, tol=1e-9).fit(X, y)
        kind = sm.Logit if k == 2 else sm.MNLogit
        want = kind(y, sm.add_constant(X)).fit(disp=0, method="newton", maxiter=100, tol=1e-14).params
        coef, constant = model.coef_, model.intercept_
        if k > 2:  # statsmodels' first class has no weights
            coef, constant = coef[1:] - coef[0], constant[1:] - constant[0]
        want = want.reshape(X.shape[1] + 1, -1)
        np.testing.assert_allclose(coef, want[1:].T, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(constant, want[0], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("k", [2, 3])
def test_the_default_is_within_a_millionth_of_the_least(k: int) -> None:
    X, y = data(n=1000, d=20, k=k)

    def objective(model: LogisticRegression) -> float:
        loss = -model.predict_log_proba(X)[np.arange(len(y)), y].sum()
        return float(loss + (model.coef_**2).sum() / 2)

    best = objective(LogisticRegression(tol=1e-10).fit(X, y))
    assert objective(LogisticRegression().fit(X, y)) <= best * (1 + 1e-9)


@pytest.mark.parametrize("k", [2, 3])
def test_a_weight_of_two_is_the_row_twice(k: int) -> None:
    X, y = data(n=120, k=k)
    many = np.random.default_rng(2).integers(0, 4, len(y))
    weighted = LogisticRegression(tol=1e-8).fit(X, y, many)
    repeated = LogisticRegression(tol=1e-8).fit(X.repeat(many, axis=0), y.repeat(many))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("k", [2, 3])
def test_sparse_and_narrow_rows_are_the_same_rows(k: int) -> None:
    X, y = data(k=k)
    X[np.abs(X) < 0.7] = 0
    dense = LogisticRegression(tol=1e-8).fit(X, y)
    for form in (sp.csr_matrix, sp.csc_matrix, sp.csr_array):
        sparse = LogisticRegression(tol=1e-8).fit(form(X), y)
        np.testing.assert_allclose(sparse.coef_, dense.coef_, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(sparse.predict_proba(form(X)), dense.predict_proba(X), rtol=1e-7)
    narrow = LogisticRegression().fit(X.astype(np.float32), y)
    assert narrow.coef_.dtype == narrow.predict_proba(X.astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(narrow.coef_, dense.coef_, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("k", [2, 3])
def test_columns_of_any_scale_converge_to_the_same_predictions(k: int) -> None:
    X, y = data(k=k)
    scale = 10.0 ** np.array([-8, -4, 0, 2, 4, 8])
    plain = LogisticRegression(C=np.inf, tol=1e-9).fit(X, y)
    scaled = LogisticRegression(C=np.inf, tol=1e-9).fit(X * scale, y)
    np.testing.assert_allclose(scaled.coef_ * scale, plain.coef_, rtol=1e-7)
    far = LogisticRegression(C=np.inf, tol=1e-6).fit(X + 1e6, y)
    np.testing.assert_allclose(far.coef_, plain.coef_, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("k", [2, 3])
def test_dependent_columns_without_a_penalty_have_the_shortest_weights(k: int) -> None:
    X, y = data(k=k)
    plain = LogisticRegression(C=np.inf, tol=1e-8).fit(X, y)
    twice = LogisticRegression(C=np.inf, tol=1e-8).fit(np.column_stack([X, X[:, 0], np.ones(len(X))]), y)
    np.testing.assert_allclose(twice.coef_[:, 0], plain.coef_[:, 0] / 2, rtol=1e-6)
    np.testing.assert_allclose(twice.coef_[:, 6], plain.coef_[:, 0] / 2, rtol=1e-6)
    np.testing.assert_allclose(twice.coef_[:, 7], 0, atol=1e-8)


@pytest.mark.parametrize("k", [2, 3])
def test_more_columns_than_rows(k: int) -> None:
    X, y = data(n=30, d=200, k=k)
    ours = LogisticRegression(tol=1e-8).fit(X, y)
    theirs = sklearn.linear_model.LogisticRegression(tol=1e-10, solver="newton-cg", max_iter=1000).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-5, atol=1e-7)


def test_the_column_that_separates_is_named() -> None:
    pd = pytest.importorskip("pandas")
    X, _ = data(n=60, d=3)
    frame = pd.DataFrame(X, columns=["height", "age", "weight"])
    with pytest.warns(ConvergenceWarning, match="'age' goes to infinity"):
        model = LogisticRegression(C=np.inf).fit(frame, X[:, 1] > 0.1)
    assert np.isfinite(model.coef_).all()
    assert model.score(frame, X[:, 1] > 0.1) == 1
    X, y = load_iris(return_X_y=True)  # the first kind stands apart by its petals
    with pytest.warns(ConvergenceWarning, match="column [23] goes to infinity"):
        model = LogisticRegression(C=np.inf).fit(X, y)
    assert np.isfinite(model.coef_).all()


def test_steps_that_do_not_suffice_are_said() -> None:
    X, y = data()
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        model = LogisticRegression(max_iter=1).fit(X, y)
    assert model.n_iter_.tolist() == [1]


@pytest.mark.parametrize("k", [2, 3])
def test_a_warm_start_from_the_end_takes_a_step_at_most(k: int) -> None:
    X, y = data(k=k)
    model = LogisticRegression(warm_start=True).fit(X, y)
    assert model.n_iter_[0] > 1
    assert model.fit(X, y).n_iter_[0] <= 1


@pytest.mark.parametrize("k", [2, 3])
def test_bits_do_not_depend_on_threads(k: int) -> None:
    X, y = data(n=30_000, d=10, k=k)
    before = fulcra.get_num_threads()
    found = []
    for threads in (1, 2, 3):
        fulcra.set_num_threads(threads)
        found.append(LogisticRegression().fit(X, y).coef_)
    fulcra.set_num_threads(before)
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()


def test_the_intercept_of_liblinear_is_penalised() -> None:
    X, y = data()
    y = (y + (X[:, 0] > 0) > 0).astype(int)
    given = {"solver": "liblinear", "intercept_scaling": 2.5}
    ours = LogisticRegression(**given, tol=1e-8).fit(X, y)
    theirs = sklearn.linear_model.LogisticRegression(**given, tol=1e-12, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-5)


@pytest.mark.parametrize("k", [2, 3])
def test_l1_makes_zeros(k: int) -> None:
    X, y = data(d=12, k=k)
    squares = LogisticRegression(C=0.02).fit(X, y)
    sizes = LogisticRegression(C=0.02, l1_ratio=1, solver="saga").fit(X, y)
    assert (squares.coef_ != 0).all()
    assert 0 < (sizes.coef_ == 0).mean() < 1
    scores = sizes.decision_function(X)
    sizes.sparsify()
    assert sp.issparse(sizes.coef_)
    np.testing.assert_array_equal(sizes.decision_function(X), scores)
    assert isinstance(sizes.densify().coef_, np.ndarray)


def test_logarithms_of_tiny_probabilities_are_finite() -> None:
    model = LogisticRegression.from_weights([1.0])
    assert model.predict_log_proba([[-2000.0]]).tolist() == [[0.0, -2000.0]]
    several = LogisticRegression.from_weights([[1.0], [0.0], [-1.0]])
    assert several.predict_log_proba([[2000.0]]).tolist() == [[0.0, -2000.0, -4000.0]]


def test_known_weights_are_sorted_by_label() -> None:
    model = LogisticRegression.from_weights([2.0], 1.0, classes=["yes", "no"])  # the log-odds of "no"
    assert model.classes_.tolist() == ["no", "yes"]
    assert model.decision_function([[1.0]]).tolist() == [-3.0]
    assert model.predict([[1.0]]).tolist() == ["no"]
    with pytest.raises(ValueError, match="ambiguous"):
        LogisticRegression.from_weights([[1.0], [2.0]])
    with pytest.raises(ValueError, match="needs 3"):
        LogisticRegression.from_weights([[1.0], [2.0], [3.0]], classes=["a", "b"])
    with pytest.raises(ValueError, match="different"):
        LogisticRegression.from_weights([1.0], classes=["a", "a"])


def test_bad_input_is_named_and_leaves_the_estimator_as_it_was() -> None:
    X, y = data()
    model = LogisticRegression().fit(X, y)
    before = model.coef_
    hurt = X.copy()
    hurt[7, 3] = np.nan
    for k in (2, 3):
        with pytest.raises(ValueError, match="row 7, column 3"):
            model.fit(hurt, data(k=k)[1])
    with pytest.raises(ValueError, match="only one class: 1"):
        model.fit(X, np.ones(len(X), dtype=int))
    with pytest.raises(ValueError, match=r"sample_weight\[2\]"):
        model.fit(X, y, [1, 1, -1] + [1] * (len(y) - 3))
    with pytest.raises(ValueError, match="supports only 'l2'"):
        LogisticRegression(l1_ratio=1).fit(X, y)
    with pytest.raises(ValueError, match="OneVsRest"):
        LogisticRegression(solver="liblinear").fit(*data(k=3))
    assert model.coef_ is before


def test_the_old_names_of_penalties_warn_and_work() -> None:
    X, y = data()
    with pytest.warns(FutureWarning, match="penalty"):
        old = LogisticRegression(penalty=None).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new = LogisticRegression(C=np.inf).fit(X, y)
    np.testing.assert_array_equal(old.coef_, new.coef_)
