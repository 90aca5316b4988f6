"""`_core.pyi` says what the compiled module has."""

import ast
import inspect
from pathlib import Path

import fulcra
import numpy as np
import pytest
from fulcra import _core

STUB = ast.parse((Path(fulcra.__file__).parent / "_core.pyi").read_text())
FUNCTIONS = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}
#: Protocols are for the reader of the stub; the module has no such object.
CLASSES = {
    node.name: node
    for node in STUB.body
    if isinstance(node, ast.ClassDef)
    and not any(getattr(base, "id", "") == "Protocol" for base in node.bases)
}


def test_the_stub_lists_all_that_the_module_has() -> None:
    public = {name for name in dir(_core) if not name.startswith("_")}
    assert public == set(FUNCTIONS) | set(CLASSES)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signatures_agree(name: str) -> None:
    arguments = FUNCTIONS[name].args
    found = inspect.signature(getattr(_core, name)).parameters.values()
    positional = [p.name for p in found if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    named = [p.name for p in found if p.kind is inspect.Parameter.KEYWORD_ONLY]
    assert positional == [argument.arg for argument in arguments.args]
    assert named == [argument.arg for argument in arguments.kwonlyargs]
    optional = {p.name for p in found if p.default is not inspect.Parameter.empty}
    in_stub = {
        a.arg for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default
    }
    assert optional == in_stub | {
        a.arg for a in arguments.args[len(arguments.args) - len(arguments.defaults) :]
    }


def test_classes_have_the_attributes_of_the_stub() -> None:
    for name, node in CLASSES.items():
        wanted = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
        assert wanted <= set(dir(getattr(_core, name)))
    fit = _core.kmeans_fit(np.eye(3), None, [("k-means++", 0)], n_clusters=2, max_iter=3, tol=0.0)
    assert fit.labels.dtype == np.int32
    assert {name: values.dtype for name, values in fit.history.items()} == {
        "inertia": np.float64,
        "shift": np.float64,
        "seconds": np.float64,
        "evaluated": np.float64,
        "moved": np.int64,
    }


def test_the_core_checks_for_itself_what_memory_safety_needs() -> None:
    X = np.ones((4, 3))
    for centers in (np.ones((2, 2)), np.ones((0, 3)), np.ones((2, 4), dtype=np.float32)):
        with pytest.raises(ValueError, match="centers of shape"):
            _core.kmeans_predict(X, centers)
    with pytest.raises(ValueError, match="C-contiguous"):
        _core.kmeans_predict(np.asfortranarray(np.ones((4, 3))), np.ones((2, 3)))
    for wrong in (np.ones((4, 3), dtype=np.int64), np.ones(3), [[1.0, 2.0, 3.0]]):
        with pytest.raises(TypeError):
            _core.kmeans_predict(wrong, np.ones((2, 3)))
    for weights in (np.ones(3), -np.ones(4), np.zeros(4), np.full(4, np.nan)):
        with pytest.raises(ValueError, match="sample_weight"):
            _core.kmeans_fit(X, weights, [("k-means++", 0)], n_clusters=2, max_iter=3, tol=0.0)
    with pytest.raises(ValueError, match="unknown start"):
        _core.kmeans_fit(X, None, [("best", 0)], n_clusters=2, max_iter=3, tol=0.0)
    for start in (np.ones((3, 3)), np.ones((2, 2))):
        with pytest.raises(ValueError, match=r"start|centers of shape"):
            _core.kmeans_fit(X, None, [start], n_clusters=2, max_iter=3, tol=0.0)
    for k in (0, 5):
        with pytest.raises(ValueError, match="rows"):
            _core.kmeans_fit(X, None, [("k-means++", 0)], n_clusters=k, max_iter=3, tol=0.0)
    with pytest.raises(ValueError, match="at least one start"):
        _core.kmeans_fit(X, None, [], n_clusters=2, max_iter=3, tol=0.0)
