//! `fulcra_core::cluster::bisecting` for `fulcra.cluster.BisectingKMeans`.

use fulcra_core::cluster::bisecting::{self, Bisection, Clustering, Guide, Rules, Worst};
use fulcra_core::cluster::lloyd::Start;
use fulcra_core::kernels::descent::Tree;
use fulcra_core::{Float, Result, Rows};
use numpy::{Element, IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{to_matrix, to_start};
use crate::convert::{self, Samples, dispatch};
use crate::errors::to_python;
use crate::run::{Interpreter, detached};

/// What `bisecting_fit` found.
#[pyclass(frozen, module = "fulcra._core")]
pub struct BisectingFit {
    /// (n_clusters, n_features), dtype of X
    #[pyo3(get)]
    centers: Py<PyAny>,
    /// (n_samples,), int32
    #[pyo3(get)]
    labels: Py<PyArray1<i32>>,
    #[pyo3(get)]
    inertia: f64,
    /// Clusters that have a row.
    #[pyo3(get)]
    n_found: usize,
    /// (2 * n_forks, n_features), dtype of X: the two centers of each fork
    #[pyo3(get)]
    tree_centers: Py<PyAny>,
    /// (2 * n_forks,), int32: j leads to fork j, -1 - j to cluster j
    #[pyo3(get)]
    branches: Py<PyArray1<i32>>,
    /// inertia, seconds: float64; size, n_iter: int64; cut_short: bool
    #[pyo3(get)]
    history: Py<PyDict>,
}

/// Bisecting k-means; see `_core.pyi`.
#[pyfunction]
#[pyo3(signature = (X, sample_weight, guide, *, n_clusters, max_iter, tol, by_size))]
#[allow(non_snake_case, clippy::too_many_arguments)] // the signature is Python's
pub fn bisecting_fit(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    guide: Py<PyAny>,
    n_clusters: usize,
    max_iter: usize,
    tol: f64,
    by_size: bool,
) -> PyResult<BisectingFit> {
    let worst = if by_size { Worst::Size } else { Worst::Inertia };
    let rules = Rules { k: n_clusters, max_iter, tol, worst };
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let found = detached(py, |interpreter, run| {
            let guide = PythonGuide { guide: &guide, interpreter, d: rows.d() };
            bisecting::fit(&rows, weights, &rules, &guide, run)
        })?;
        wrap(py, &rows, found)
    })
}

fn wrap<F: Float + Element>(py: Python<'_>, rows: &Rows<'_, F>, found: Clustering) -> PyResult<BisectingFit> {
    let floats = |value: fn(&Bisection) -> f64| PyArray1::from_iter(py, found.history.iter().map(value));
    let counts = |value: fn(&Bisection) -> usize| {
        PyArray1::from_iter(py, found.history.iter().map(|bisection| value(bisection) as i64))
    };
    let history = PyDict::new(py);
    history.set_item("inertia", floats(|bisection| bisection.inertia))?;
    history.set_item("seconds", floats(|bisection| bisection.seconds))?;
    history.set_item("size", counts(|bisection| bisection.size))?;
    history.set_item("n_iter", counts(|bisection| bisection.n_iter))?;
    let cut_short = found.history.iter().map(|bisection| bisection.cut_short);
    history.set_item("cut_short", PyArray1::from_iter(py, cut_short))?;
    Ok(BisectingFit {
        centers: to_matrix::<F>(py, &found.centers, rows.d())?.into_any().unbind(),
        inertia: found.inertia,
        n_found: found.n_found,
        tree_centers: to_matrix::<F>(py, found.tree.centers(), rows.d())?.into_any().unbind(),
        branches: found.tree.branches().to_vec().into_pyarray(py).unbind(),
        history: history.unbind(),
        labels: found.labels.into_pyarray(py).unbind(),
    })
}

struct PythonGuide<'a> {
    guide: &'a Py<PyAny>,
    interpreter: &'a Interpreter,
    d: usize,
}

impl Guide for PythonGuide<'_> {
    fn starts(&self, members: Option<&[u32]>) -> Result<Vec<Start>> {
        self.interpreter.call(|py| {
            let members = members.map(|members| PyArray1::from_slice(py, members));
            let starts: Vec<Bound<'_, PyAny>> = self.guide.bind(py).call_method1("starts", (members,))?.extract()?;
            starts.iter().map(|start| to_start(start, self.d)).collect()
        })
    }

    fn parted(&self, centers: &[f64]) -> Result<()> {
        self.interpreter.call(|py| {
            let centers = PyArray1::from_slice(py, centers).reshape([2, self.d])?;
            self.guide.call_method1(py, "parted", (centers,)).map(drop)
        })
    }
}

/// The cluster that each row comes to in a tree as `bisecting_fit` returns it.
#[pyfunction]
#[allow(non_snake_case)]
pub fn bisecting_predict<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    tree_centers: &Bound<'py, PyAny>,
    branches: PyReadonlyArray1<'py, i32>,
) -> PyResult<Bound<'py, PyArray1<i32>>> {
    dispatch!(&Samples::new(X)?, |rows| {
        let (centers, _) = convert::centers(tree_centers, rows.d())?;
        let tree = Tree::from_parts(rows.d(), centers, branches.as_slice()?).map_err(to_python)?;
        Ok(detached(py, |_, run| tree.leaves(&rows, run))?.into_pyarray(py))
    })
}
