"""SGD: scikit-learn's steps, and what is ours: the score of rows held out, errors that name columns."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.linear_model as peer
from fulcra import get_num_threads, set_num_threads
from fulcra.linear_model import SGDClassifier, SGDRegressor
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedShuffleSplit

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 7))
Y = X @ RNG.normal(size=7) + 1 + 0.1 * RNG.normal(size=200)
CLASSES = np.digitize(Y, [-1, 1, 3])
WEIGHTS = RNG.integers(0, 3, 200)
PENALTIES = (None, "l2", "l1", "elasticnet")


@pytest.mark.parametrize("container", [np.asarray, sp.csr_matrix])
@pytest.mark.parametrize("average", [False, 10])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("rate", ["constant", "invscaling", "adaptive"])
def test_the_steps_are_those_of_scikit_learn(container, average, penalty, rate) -> None:
    params = {"penalty": penalty, "learning_rate": rate, "average": average, "random_state": 3}
    params |= {"max_iter": 12, "tol": 1e-3, "alpha": 1e-3}
    found = []
    for room in (peer, None):
        for loss in ("hinge", "log_loss", "squared_hinge", "modified_huber", "perceptron", "huber"):
            for y in (CLASSES > 1, CLASSES):
                kind = room.SGDClassifier if room else SGDClassifier
                found.append(_fit(kind(loss, **params), container(X), y))
        for loss in ("squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"):
            kind = room.SGDRegressor if room else SGDRegressor
            found.append(_fit(kind(loss, **params), container(X), Y))
    for theirs, ours in zip(found[: len(found) // 2], found[len(found) // 2 :], strict=True):
        assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6, atol=1e-9)
        assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-6, atol=1e-9)
        assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_)


def _fit(model, X, y):
    with warnings.catch_warnings():
        # twelve epochs are not many
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y, sample_weight=WEIGHTS)


@pytest.mark.parametrize("rate", ["pa1", "pa2"])
def test_passive_aggressive_steps(rate: str) -> None:
    params = {"learning_rate": rate, "random_state": 0, "penalty": None, "eta0": 0.5}
    ours, theirs = SGDClassifier(**params), peer.SGDClassifier(**params)
    assert_allclose(_fit(ours, X, CLASSES).coef_, _fit(theirs, X, CLASSES).coef_, rtol=1e-8)
    params["loss"] = "epsilon_insensitive"
    ours, theirs = SGDRegressor(**params), peer.SGDRegressor(**params)
    assert_allclose(_fit(ours, X, Y).coef_, _fit(theirs, X, Y).coef_, rtol=1e-8)


def test_float32_rows_are_learned_in_float64() -> None:
    narrow = X.astype(np.float32)
    model = SGDRegressor(random_state=0).fit(narrow, Y)
    wide = SGDRegressor(random_state=0).fit(narrow.astype(np.float64), Y)
    assert model.coef_.dtype == model.predict(narrow).dtype == np.float32
    assert_array_equal(model.coef_, wide.coef_.astype(np.float32))


def test_the_score_is_that_of_the_weights() -> None:
    model = SGDRegressor(early_stopping=True, random_state=0, penalty=None).fit(X, Y)
    assert model.history_["score"][-1] > 0.9
    labels = SGDClassifier("log_loss", early_stopping=True, random_state=0).fit(X, CLASSES > 1)
    assert labels.history_["score"][-1] > 0.8  # of {0, 1} against {-1, 1} it would be a half at most
    assert "rows held out" in labels.stop_reason_


def test_the_rows_held_out_are_scored_with_the_weights_of_scikit_learn_as_they_are() -> None:
    # Its own scores are of weights before their scale, so that it stops by chance: 20 seeds of the test that
    # NOT_DONE names end with an accuracy of 0.87 in the mean there, of 0.91 here.
    X, y = load_iris(return_X_y=True)
    params = {"alpha": 1e-3, "max_iter": 12, "tol": None, "early_stopping": True, "random_state": 0}
    scores = SGDClassifier(**params).fit(X, y).history_["score"]
    splits = StratifiedShuffleSplit(test_size=0.1, random_state=0).split(X, y)
    held = next(splits)[1]
    for epochs in range(1, 13):
        theirs = peer.SGDClassifier(**params | {"max_iter": epochs}).fit(X, y)
        right = (theirs.decision_function(X[held]) > 0) == (y[held, np.newaxis] == theirs.classes_)
        assert_array_equal(scores[epochs - 1], right.mean(axis=0))


@pytest.mark.parametrize("kind", [SGDClassifier, SGDRegressor])
def test_in_the_mean_a_weight_is_a_repetition(kind: type) -> None:
    # Rows in another order are other steps: means over orders agree within what their spread allows.
    params = {"tol": None, "average": True, "learning_rate": "constant", "eta0": 2e-4}
    params["loss"] = "log_loss" if kind is SGDClassifier else "squared_error"
    y = CLASSES > 1 if kind is SGDClassifier else Y
    twice = np.repeat(np.arange(200), WEIGHTS)
    epochs = 300

    def mean_and_error(X, y, weights):
        fits = [
            kind(**params, max_iter=epochs, random_state=seed).fit(X, y, sample_weight=weights).coef_.ravel()
            for seed in range(10)
        ]
        return np.mean(fits, axis=0), np.std(fits, axis=0) / np.sqrt(len(fits) - 1)

    weighted, error = mean_and_error(X, y, WEIGHTS)
    repeated, other = mean_and_error(X[twice], y[twice], None)
    # The mean of all weights since the start has not quite arrived, hence the two thousandths.
    allowed = 4 * np.hypot(error, other) + 2e-3 * np.abs(repeated).max()
    assert (np.abs(weighted - repeated) < allowed).all()
    unweighted, _ = mean_and_error(X, y, None)
    assert not (np.abs(unweighted - repeated) < allowed).all()


def test_known_weights_predict_and_are_learned_further() -> None:
    model = SGDRegressor.from_weights(np.float32([2, -1]), 0.5, feature_names=["a", "b"], alpha=0.1)
    assert (model.coef_.dtype, model.intercept_.shape, model.alpha) == (np.float32, (1,), 0.1)
    assert SGDRegressor.from_weights([2, -1], [0.5]).predict([[3.0, 1.0]]).tolist() == [5.5]
    with pytest.raises(ValueError, match="is needed"):
        SGDRegressor.from_weights([[1.0, 2.0]])
    fitted = SGDClassifier(random_state=0).fit(X, CLASSES)
    known = SGDClassifier.from_weights(fitted.coef_, fitted.intercept_, classes=fitted.classes_)
    assert_array_equal(known.predict(X), fitted.predict(X))
    known.set_params(shuffle=False).partial_fit(X, CLASSES)
    begun = SGDClassifier(shuffle=False, max_iter=1, tol=None)
    begun.fit(X, CLASSES, coef_init=fitted.coef_, intercept_init=fitted.intercept_)
    assert_array_equal(known.coef_, begun.coef_)


def test_threads_change_no_bit() -> None:
    found, before = [], get_num_threads()
    for n_threads in (1, 3):
        set_num_threads(n_threads)
        found.append(SGDClassifier(random_state=0).fit(np.tile(X, (20, 1)), np.tile(CLASSES, 20)).coef_)
    set_num_threads(None)
    assert get_num_threads() == before
    assert_array_equal(*found)


def test_overflow_names_the_column_and_changes_nothing() -> None:
    table = pd.DataFrame(X, columns=list("abcdefg")).assign(c=1e300)
    model = SGDRegressor(random_state=0).fit(X, Y)
    before = vars(model).copy()
    with pytest.raises(ValueError, match=r"epoch #1.*The largest column is 'c'"):
        model.fit(table, Y)
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())


def test_flaws_are_named() -> None:
    for kind in (SGDClassifier, SGDRegressor):
        flawed = X.copy()
        flawed[5, 2] = np.inf
        with pytest.raises(ValueError, match="infinity: the first is in row 5, column 2"):
            kind().fit(flawed, CLASSES)
        with pytest.raises(ValueError, match="infinity: the first is in row 5, column 2"):
            kind().fit(sp.csr_matrix(flawed), CLASSES)


def test_partial_fits_are_a_fit_and_histories_have_every_epoch() -> None:
    model = SGDClassifier(shuffle=False, tol=None, max_iter=3).fit(X, CLASSES)
    parts = SGDClassifier(shuffle=False)
    for _ in range(3):
        parts.partial_fit(X, CLASSES, classes=[0, 1, 2, 3])
    assert_allclose(parts.coef_, model.coef_, rtol=1e-12)
    assert model.history_["objective"].shape == (3, 4)
    assert model.stop_reason_ == "Stopped after max_iter=3 epochs."


def test_verbose_prints_a_line_for_each_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    SGDRegressor(verbose=1, max_iter=2, tol=None).fit(X, Y)
    assert len(capsys.readouterr().out.splitlines()) == 2
