"""What is read from fitted linear models."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model as peer
from fulcra._reading.linear import linear
from fulcra.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3))
Y = X @ [1.0, 2.0, 3.0] + RNG.normal(size=90)
WORDS = np.array(["no", "yes"])[(Y > 0).astype(int)]


@pytest.mark.parametrize(
    ("model", "y", "kind", "shape", "targets"),
    [
        (LinearRegression(), Y, "linear", (1, 3), ("y",)),
        (LinearRegression(), np.column_stack([Y, -Y]), "linear", (2, 3), ("y0", "y1")),
        (peer.LogisticRegression(), WORDS, "logistic", (1, 3), ("yes",)),
        (peer.LogisticRegression(), np.arange(90) % 3, "multinomial", (3, 3), ("0", "1", "2")),
        (peer.PoissonRegressor(), np.abs(Y), "poisson", (1, 3), ("y",)),
    ],
    ids=["one target", "two targets", "two classes", "three classes", "counts"],
)
def test_kinds(model: Any, y: Any, kind: str, shape: tuple[int, int], targets: tuple[str, ...]) -> None:
    found = linear(model.fit(X, y), X, y)
    assert (found.kind, found.coef.shape, found.targets) == (kind, shape, targets)
    assert found.names == ("x0", "x1", "x2")
    assert found.has_intercept
    expected = model.decision_function(X) if kind in {"logistic", "multinomial"} else model.predict(X)
    expected = np.log(expected) if kind == "poisson" else expected
    np.testing.assert_allclose(found.scores(), np.reshape(expected, (90, -1)), rtol=1e-12)
    if found.classes is not None:
        np.testing.assert_array_equal(found.classes[found.y], y)


def test_known_weights_need_no_rows() -> None:
    found = linear(LinearRegression.from_weights([1.0, -2.0], 3.0, feature_names=["size", "age"]))
    assert (found.names, found.rows, found.y) == (("size", "age"), None, None)
    np.testing.assert_array_equal(found.coef, [[1.0, -2.0]])
    assert not found.penalised


def test_searches_and_steps_are_looked_through() -> None:
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(X, columns=["a", "b", "c"])
    search = GridSearchCV(make_pipeline(StandardScaler(), peer.Ridge()), {"ridge__alpha": [0.5]}, cv=2)
    found = linear(search.fit(table, Y), table[["c", "a", "b"]], pd.Series(Y, name="price"))
    assert (found.names, found.targets) == (("a", "b", "c"), ("price",))
    np.testing.assert_allclose(found.rows, StandardScaler().fit_transform(X))
    assert "alpha=0.5" in found.restraint.why


@pytest.mark.parametrize(
    ("model", "l1", "l2", "per_weight"),
    [
        (peer.Ridge(2.0), 0, 2, False),
        (peer.Lasso(0.1), 0.1, 0, True),
        (peer.ElasticNet(0.1, l1_ratio=0.25), 0.025, 0.075, True),
        (peer.LogisticRegression(C=0.5), 0, 2, False),
        (peer.LogisticRegression(C=0.5, l1_ratio=1.0, solver="saga"), 2, 0, False),
    ],
)
def test_penalties(model: Any, l1: float, l2: float, per_weight: bool) -> None:
    y = WORDS if hasattr(model, "C") else Y
    restraint = linear(model.set_params(max_iter=5000).fit(X, y)).restraint
    np.testing.assert_allclose([restraint.l1, restraint.l2], [[l1], [l2]])
    assert restraint.per_weight == per_weight


@pytest.mark.parametrize("labels", [np.array(["no", 1], dtype=object), np.array([True, False])])
def test_labels_of_another_kind_are_told_apart(labels: Any) -> None:
    model = peer.LogisticRegression().fit(X, WORDS)
    with pytest.raises(ValueError, match="the model knows the classes 'no', 'yes'"):
        linear(model, X, np.resize(labels, 90))


def test_rows_that_cannot_be_read_in_place_still_are() -> None:
    model = LinearRegression().fit(X, Y)
    odd = sp.csr_matrix(X)
    odd.indices, odd.indptr = odd.indices.astype(np.int64), odd.indptr.astype(np.int64)
    for rows in (np.asfortranarray(X), X[::-1][::-1], odd, X.astype(np.float32)):
        np.testing.assert_allclose(linear(model, rows, Y).scores()[:, 0], model.predict(X), rtol=1e-5)


def test_one_model_for_each_class_is_not_a_softmax() -> None:
    model = peer.SGDClassifier(loss="log_loss", random_state=0).fit(X, np.arange(90) % 3)
    with pytest.raises(TypeError, match="one model for each"):
        linear(model, X)
    with pytest.raises(TypeError, match="loss='hinge'"):
        linear(peer.SGDClassifier(random_state=0).fit(X, WORDS), X)
