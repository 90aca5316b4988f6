"""scikit-learn's callbacks on our fits: what they see, and that they can stop one."""

import sys
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from fulcra.cluster import KMeans
from fulcra.linear_model import GradientDescentClassifier, GradientDescentRegressor
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

BLOBS, _ = make_blobs(300, n_features=3, centers=5, random_state=0)
HAS_CALLBACKS = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= (1, 9)
with_callbacks = pytest.mark.skipif(
    not HAS_CALLBACKS, reason=f"callbacks need scikit-learn 1.9; this is {sklearn.__version__}"
)


class Recorder:
    """Writes down what it is called with; stops a task named `stop_at` once it has seen `after` of them
    end."""

    def __init__(self, stop_at: str | None = None, after: int = 1, fail_at: str | None = None) -> None:
        self.events: list[tuple[str, str, int]] = []
        self.given: dict[str, Any] = {}
        self.stop_at, self.after, self.fail_at = stop_at, after, fail_at

    def setup(self, estimator: Any, context: Any) -> None:
        self.events.append(("setup", context.task_name, context.task_id))

    def teardown(self, estimator: Any, context: Any) -> None:
        self.events.append(("teardown", context.task_name, context.task_id))

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        self.events.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(
        self,
        estimator: Any,
        context: Any,
        *,
        X: Any = None,
        y: Any = None,
        metadata: Any = None,
        fitted_estimator: Any = None,
    ) -> bool:
        self.events.append(("end", context.task_name, context.task_id))
        self.given = {"X": X, "y": y, "metadata": metadata, "fitted": fitted_estimator}
        if context.task_name == self.fail_at:
            raise RuntimeError("the callback's own")
        return context.task_name == self.stop_at and self.count("end", self.stop_at) >= self.after

    def count(self, what: str, task: str) -> int:
        return sum(event[:2] == (what, task) for event in self.events)


class Propagated(Recorder):
    """One that meta-estimators hand on."""

    max_propagation_depth = None


@with_callbacks
def test_the_tree_of_tasks() -> None:
    recorder = Recorder()
    model = KMeans(5, init="random", n_init=3, random_state=0, tol=0).set_callbacks(recorder).fit(BLOBS)
    assert recorder.events[0] == ("setup", "fit", 0)
    assert recorder.events[1:4] == [("begin", "fit", 0), ("begin", "restart", 0), ("begin", "iteration", 0)]
    assert recorder.events[-3:] == [("end", "restart", 2), ("end", "fit", 0), ("teardown", "fit", 0)]
    assert recorder.count("begin", "restart") == recorder.count("end", "restart") == 3
    assert recorder.count("begin", "iteration") == recorder.count("end", "iteration") >= model.n_iter_ + 4
    assert "_callback_fit_ctx" not in vars(model)


@with_callbacks
def test_one_iteration_is_one_task() -> None:
    recorder = Recorder()
    model = KMeans(5, random_state=0, tol=0).set_callbacks(recorder).fit(BLOBS)
    assert recorder.count("end", "iteration") == model.n_iter_
    recorder = Recorder()
    model = KMeans(5, random_state=0, max_iter=2, tol=0).set_callbacks(recorder).fit(BLOBS)
    assert recorder.count("end", "iteration") == model.n_iter_ == 2


@with_callbacks
def test_callbacks_get_the_data_the_weights_and_at_the_end_the_fitted_estimator() -> None:
    recorder = Recorder()
    weights = np.ones(len(BLOBS))
    model = KMeans(5, random_state=0).set_callbacks(recorder).fit(BLOBS, sample_weight=weights)
    assert recorder.given["X"] is BLOBS
    assert_array_equal(recorder.given["metadata"]["sample_weight"], weights)
    assert_array_equal(recorder.given["fitted"].predict(BLOBS), model.labels_)


@with_callbacks
def test_callbacks_change_no_result() -> None:
    plain = KMeans(5, random_state=0, n_init=2).fit(BLOBS)
    told = KMeans(5, random_state=0, n_init=2).set_callbacks(Recorder()).fit(BLOBS)
    assert_array_equal(plain.cluster_centers_, told.cluster_centers_)
    assert plain.inertia_ == told.inertia_


@with_callbacks
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_a_callback_stops_the_iterations(container: Any) -> None:
    recorder = Recorder(stop_at="iteration", after=3)
    X = container(np.random.default_rng(0).normal(size=(2000, 3)))
    model = KMeans(20, random_state=0, tol=0).set_callbacks(recorder).fit(X)
    assert model.n_iter_ == 3
    assert model.stop_reason_ == "Stopped after 3 iterations by a callback."
    assert_array_equal(model.predict(X), model.labels_)


@with_callbacks
def test_a_callback_stops_the_restarts() -> None:
    recorder = Recorder(stop_at="restart", after=2)
    KMeans(5, init="random", n_init=10, random_state=0, tol=0).set_callbacks(recorder).fit(BLOBS)
    assert recorder.count("end", "restart") == 2


@with_callbacks
@pytest.mark.parametrize("task", ["iteration", "restart", "fit"])
def test_a_callback_that_fails_ends_the_fit_and_leaves_the_estimator_as_it_was(task: str) -> None:
    model = KMeans(5, random_state=0).fit(BLOBS)
    recorder = Recorder(fail_at=task)
    model.set_callbacks(recorder)
    before = dict(vars(model))
    with pytest.raises(RuntimeError, match="the callback's own"):
        model.fit(BLOBS[:, :2])
    assert recorder.events[-1] == ("teardown", "fit", 0)
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())


@with_callbacks
def test_the_progress_bar_works(capsys: pytest.CaptureFixture[str]) -> None:
    from sklearn.callback import ProgressBar  # noqa: PLC0415 - older versions have none

    model = KMeans(5, init="random", n_init=2, random_state=0).set_callbacks(ProgressBar()).fit(BLOBS)
    printed = capsys.readouterr().out
    assert "KMeans - fit" in printed
    assert "KMeans - restart #1" in printed
    assert "100%" in printed
    assert model.n_iter_ > 0


@with_callbacks
def test_callbacks_reach_us_through_pipelines_and_searches() -> None:
    callback = Propagated()
    make_pipeline(StandardScaler(), KMeans(5, random_state=0)).set_callbacks(callback).fit(BLOBS)
    assert callback.count("end", "iteration") > 0
    callback = Propagated()
    GridSearchCV(KMeans(random_state=0), {"n_clusters": [2, 3]}, cv=2).set_callbacks(callback).fit(BLOBS)
    assert callback.count("end", "iteration") > 0


@with_callbacks
@pytest.mark.parametrize("kind", [GradientDescentClassifier, GradientDescentRegressor])
def test_descents_tell_of_every_iteration_and_can_be_stopped(kind: Any) -> None:
    X, y = BLOBS[:, :2] / 10, BLOBS[:, 2] > 0
    recorder = Recorder()
    model = kind(tol=0.1).set_callbacks(recorder).fit(X, y)
    assert recorder.events[:3] == [("setup", "fit", 0), ("begin", "fit", 0), ("begin", "iteration", 0)]
    assert recorder.events[-2:] == [("end", "fit", 0), ("teardown", "fit", 0)]
    assert recorder.count("begin", "iteration") == recorder.count("end", "iteration") == model.n_iter_ > 3
    assert recorder.given["y"] is y
    assert_array_equal(recorder.given["fitted"].predict(X), model.predict(X))
    assert_array_equal(kind(tol=0.1).fit(X, y).coef_, model.coef_)
    before = dict(vars(model))
    model.set_callbacks(Recorder(fail_at="iteration"))
    with pytest.raises(RuntimeError, match="the callback's own"):
        model.fit(X, y)
    assert all(vars(model)[name] is value for name, value in before.items() if name.endswith("_"))
    model.set_callbacks(Recorder(stop_at="iteration", after=3)).fit(X, y)
    assert (model.n_iter_, len(model.history_["loss"])) == (3, 4)
    assert model.stop_reason_ == "A callback stopped the descent after 3 iterations."


@with_callbacks
def test_clones_keep_callbacks_and_none_removes_them() -> None:
    recorder = Recorder()
    model = clone(KMeans(3, random_state=0).set_callbacks(recorder))
    model.fit(BLOBS)
    seen = len(recorder.events)
    assert seen > 0
    model.set_callbacks().fit(BLOBS)
    assert len(recorder.events) == seen


@with_callbacks
def test_what_is_no_callback_is_refused() -> None:
    with pytest.raises(TypeError, match="FitCallback"):
        KMeans().set_callbacks(print)


def test_without_scikit_learns_callbacks_fitting_works_and_setting_them_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)  # importing it fails, as in older versions
    with pytest.raises(ImportError, match=r"Callbacks need scikit-learn 1\.9"):
        KMeans().set_callbacks(Recorder())
    assert KMeans(3, random_state=0).fit(BLOBS).n_iter_ > 0
