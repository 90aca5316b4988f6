//! `fulcra_core::cluster` for `fulcra.cluster`: k-means here, every other algorithm in a file of its own.

pub mod bisecting;
pub mod fuzzy;
pub mod mahalanobis;
pub mod medians;
pub mod medoids;
pub mod minibatch;
pub mod online;
pub mod spherical;

use fulcra_core::cluster::diagnosis::{self, Clustering, Diagnosis};
use fulcra_core::cluster::empty::Empty;
use fulcra_core::cluster::lloyd::{self, Fit, Iteration, Listener, Rules, Start, Stop};
use fulcra_core::cluster::moments::Moments;
use fulcra_core::cluster::repairs::Repairs;
use fulcra_core::cluster::{distances, inertia, seeding};
use fulcra_core::kernels::codebook::{self, Codebook};
use fulcra_core::kernels::nearest;
use fulcra_core::kernels::nearest_few::{FEW_ROWS, assign_few};
use fulcra_core::kernels::simd::Level;
use fulcra_core::{Dense, Float, Result, Rows, Run};
use numpy::{Element, IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{self, Centers, Samples, dispatch};
use crate::run::{Interpreter, detached};

/// What `kmeans_fit` found: the restart with the lowest inertia.
#[pyclass(frozen, module = "fulcra._core")]
pub struct KMeansFit {
    /// (n_clusters, n_features), dtype of X
    #[pyo3(get)]
    centers: Py<PyAny>,
    /// (n_samples,), int32
    #[pyo3(get)]
    labels: Py<PyArray1<i32>>,
    #[pyo3(get)]
    inertia: f64,
    #[pyo3(get)]
    n_iter: usize,
    /// Clusters that have a row.
    #[pyo3(get)]
    n_found: usize,
    #[pyo3(get)]
    stop_reason: &'static str,
    /// inertia, shift (sum ||C_new - C_old||^2), seconds, evaluated (share of the distances): float64; moved: int64
    #[pyo3(get)]
    history: Py<PyDict>,
    /// Iteration, clusters that it found without rows, those of them that were given some.
    #[pyo3(get)]
    lost: Vec<(usize, usize, usize)>,
    /// Iterations in which a centre was held short.
    #[pyo3(get)]
    held: usize,
    /// (n_samples,), bool
    #[pyo3(get)]
    trimmed: Option<Py<PyArray1<bool>>>,
    #[pyo3(get)]
    findings: Findings,
}

/// What is wrong with clusters: outliers that have one of their own, outliers in one (cluster, rows, share of the weight, times the mean distance), and
/// centres between groups (cluster, rows near it, of how many).
type Findings = (Vec<Outliers>, Vec<Outliers>, Vec<(usize, usize, usize)>);
type Outliers = (usize, usize, f64, f64);

fn to_findings(found: Diagnosis) -> Findings {
    (
        found.lone.into_iter().map(|lone| (lone.cluster, lone.rows, lone.share, lone.times)).collect(),
        found
            .outlying
            .into_iter()
            .map(|outlying| (outlying.cluster, outlying.rows, outlying.share, outlying.times))
            .collect(),
        found.hollow.into_iter().map(|hollow| (hollow.cluster, hollow.near, hollow.of)).collect(),
    )
}

/// k-means from every start; see `_core.pyi`.
#[pyfunction]
#[pyo3(signature = (X, sample_weight, starts, *, n_clusters, max_iter, tol, shift_tol=None, inertia_tol=None, every_distance=false, breathing=false, on_sphere=false, empty="farthest", empty_seed=0, trim=0.0, max_shift=None, diagnose=false, listener=None))]
#[allow(non_snake_case, clippy::too_many_arguments, clippy::fn_params_excessive_bools)] // the signature is Python's
pub fn kmeans_fit(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    starts: Vec<Bound<'_, PyAny>>,
    n_clusters: usize,
    max_iter: usize,
    tol: f64,
    shift_tol: Option<f64>,
    inertia_tol: Option<f64>,
    every_distance: bool,
    breathing: bool,
    on_sphere: bool,
    empty: &str,
    empty_seed: u64,
    trim: f64,
    max_shift: Option<f64>,
    diagnose: bool,
    listener: Option<Py<PyAny>>,
) -> PyResult<KMeansFit> {
    let repairs = Repairs { empty: to_empty(empty)?, seed: empty_seed, trim, max_shift };
    let rules = Rules { k: n_clusters, max_iter, tol, shift_tol, inertia_tol, every_distance, breathing, on_sphere };
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let starts = starts.iter().map(|start| to_start(start, rows.d())).collect::<PyResult<Vec<_>>>()?;
        let (fit, found) = detached(py, |interpreter, run| {
            let listener = listener.as_ref().map(|listener| PythonListener { listener, interpreter });
            let listener = listener.as_ref().map(|listener| listener as &dyn Listener);
            let fit = lloyd::fit_with(&rows, weights, &starts, &rules, &repairs, listener, run)?;
            let found = if diagnose { diagnosis::of_fit(&rows, weights, &fit, run)? } else { Diagnosis::default() };
            Ok((fit, found))
        })?;
        Ok(KMeansFit { findings: to_findings(found), ..wrap(py, &rows, fit, n_clusters)? })
    })
}

fn to_empty(name: &str) -> PyResult<Empty> {
    match name {
        "farthest" => Ok(Empty::Farthest),
        "random" => Ok(Empty::Random),
        "split" => Ok(Empty::Split),
        _ => Err(pyo3::exceptions::PyValueError::new_err(format!("unknown kind of refill {name:?}"))),
    }
}

/// What is wrong with clusters of which labels and centres are all that is known.
#[pyfunction]
#[allow(non_snake_case)]
pub fn kmeans_diagnose(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    centers: &Bound<'_, PyAny>,
    labels: PyReadonlyArray1<'_, i32>,
) -> PyResult<Findings> {
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let (centers, k) = convert::centers(centers, rows.d())?;
        let labels = labels.as_slice()?;
        if labels.len() != rows.n() || labels.iter().any(|&label| label < 0 || label as usize >= k) {
            return Err(pyo3::exceptions::PyValueError::new_err("labels must name a center for each row"));
        }
        let found = detached(py, |_, run| {
            let level = Level::detect();
            let (_, tallies) = inertia::inertia_and_tallies(&rows, weights, &centers, labels, level, run)?;
            let clustering = Clustering { rows: &rows, weights, centers: &centers, labels, tallies: &tallies, level };
            diagnosis::diagnose(&clustering, run)
        })?;
        Ok(to_findings(found))
    })
}

fn to_start(start: &Bound<'_, PyAny>, d: usize) -> PyResult<Start> {
    if let Ok((how, seed)) = start.extract::<(String, u64)>() {
        return match how.as_str() {
            "k-means++" => Ok(Start::PlusPlus(seed)),
            "random_partition" => Ok(Start::RandomPartition(seed)),
            _ => Err(pyo3::exceptions::PyValueError::new_err(format!("unknown start {how:?}"))),
        };
    }
    Ok(Start::Centers(convert::centers(start, d)?.0))
}

fn wrap<F: Float + Element>(py: Python<'_>, rows: &Rows<'_, F>, fit: Fit, k: usize) -> PyResult<KMeansFit> {
    let n_found = fit.n_found(k);
    let column = |value: fn(&Iteration) -> f64| PyArray1::from_iter(py, fit.history.iter().map(value));
    let history = PyDict::new(py);
    history.set_item("inertia", column(|iteration| iteration.inertia))?;
    history.set_item("shift", column(|iteration| iteration.shift))?;
    history.set_item("seconds", column(|iteration| iteration.seconds))?;
    history.set_item("evaluated", column(|iteration| iteration.evaluated))?;
    let moved = fit.history.iter().map(|iteration| iteration.moved as i64);
    history.set_item("moved", PyArray1::from_iter(py, moved))?;
    Ok(KMeansFit {
        centers: to_matrix::<F>(py, &fit.centers, rows.d())?.into_any().unbind(),
        inertia: fit.inertia,
        n_iter: fit.n_iter,
        n_found,
        stop_reason: fit.stop.name(),
        history: history.unbind(),
        labels: fit.labels.into_pyarray(py).unbind(),
        lost: fit.repaired.lost.iter().map(|lost| (lost.iteration, lost.empty, lost.refilled)).collect(),
        held: fit.repaired.held,
        trimmed: fit.repaired.trimmed.map(|trimmed| trimmed.into_pyarray(py).unbind()),
        findings: Findings::default(),
    })
}

/// (n, d) in the dtype of X.
fn to_matrix<'py, F: Float + Element>(py: Python<'py>, values: &[f64], d: usize) -> PyResult<Bound<'py, PyArray2<F>>> {
    let values: Vec<F> = values.iter().map(|&value| F::from_f64(value)).collect();
    let n = values.len() / d;
    values.into_pyarray(py).reshape([n, d])
}

/// Rows that are not sparse; Python refuses those that are.
fn dense<'a, F: Float>(rows: &Rows<'a, F>) -> PyResult<Dense<'a, F>> {
    match rows {
        Rows::Dense(rows) => Ok(*rows),
        Rows::Csr(_) => Err(pyo3::exceptions::PyTypeError::new_err("X must be dense")),
    }
}

struct PythonListener<'a> {
    listener: &'a Py<PyAny>,
    interpreter: &'a Interpreter,
}

impl Listener for PythonListener<'_> {
    fn started(&self, restart: usize) -> Result<()> {
        self.interpreter.call(|py| self.listener.call_method1(py, "started", (restart,)).map(drop))
    }

    fn iterated(&self, restart: usize, iteration: usize, what: &Iteration) -> Result<bool> {
        self.interpreter.call(|py| {
            let told = (restart, iteration, what.inertia, what.shift, what.moved, what.rescored);
            self.listener.call_method1(py, "iterated", told)?.bind(py).is_truthy()
        })
    }

    fn stopped(&self, restart: usize, iteration: usize, why: Stop, shift: f64) -> Result<bool> {
        let told = (restart, iteration, why.name(), shift);
        self.interpreter.call(|py| self.listener.call_method1(py, "stopped", told)?.bind(py).is_truthy())
    }
}

/// The nearest centre of each row.
#[pyfunction]
#[allow(non_snake_case)]
pub fn kmeans_predict<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    centers: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray1<i32>>> {
    dispatch!(&Samples::new(X)?, |rows| {
        let labels = match &rows {
            Rows::Dense(rows) if rows.n() <= FEW_ROWS => match Centers::new(centers, rows.d())? {
                Centers::F32(centers) => labels_of_few(py, rows, &centers),
                Centers::F64(centers) => labels_of_few(py, rows, &centers),
            }?,
            _ => {
                let (centers, k) = convert::centers(centers, rows.d())?;
                detached(py, |_, run| labels(&rows, centers, k, run).map(|(labels, _)| labels))?
            }
        };
        Ok(labels.into_pyarray(py))
    })
}

/// So little work that preparing the centres would take most of the time.
fn labels_of_few<F: Float, C: Float + Element>(
    py: Python<'_>,
    rows: &Dense<'_, F>,
    centers: &PyReadonlyArray2<'_, C>,
) -> PyResult<Vec<i32>> {
    let centers = convert::in_order(centers);
    let mut labels = vec![0; rows.n()];
    detached(py, |_, run| {
        codebook::check_k(centers.len() / rows.d())?;
        assign_few(rows, 0..rows.n(), &centers, &mut labels, Level::detect(), &run.pulse())
    })?;
    Ok(labels)
}

fn labels<F: Float>(rows: &Rows<'_, F>, centers: Vec<f64>, k: usize, run: &Run<'_>) -> Result<(Vec<i32>, Codebook<F>)> {
    codebook::check_k(k)?;
    let codebook = Codebook::around_mean(centers, k, rows.d(), Level::detect());
    let mut labels = vec![0; rows.n()];
    nearest::assign(rows, &codebook, &mut labels, None, run)?;
    Ok((labels, codebook))
}

/// Sum over rows of w ||x - nearest centre||^2.
#[pyfunction]
#[allow(non_snake_case)]
pub fn kmeans_inertia(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    centers: &Bound<'_, PyAny>,
) -> PyResult<f64> {
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let (centers, k) = convert::centers(centers, rows.d())?;
        detached(py, |_, run| {
            let (labels, codebook) = labels(&rows, centers, k, run)?;
            inertia::inertia(&rows, weights, codebook.centers(), &labels, Level::detect(), run)
        })
    })
}

/// Euclidean distances (n_samples, n_clusters), in the dtype of X.
#[pyfunction]
#[allow(non_snake_case)]
pub fn kmeans_distances<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    centers: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    fn of<'py, F: Float + Element>(
        py: Python<'py>,
        rows: &Rows<'_, F>,
        centers: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (centers, k) = convert::centers(centers, rows.d())?;
        let values = detached(py, |_, run| distances::euclidean(rows, &centers, run))?;
        Ok(values.into_pyarray(py).reshape([rows.n(), k])?.into_any())
    }
    dispatch!(&Samples::new(X)?, |rows| of(py, &rows, centers))
}

/// The rows that greedy k-means++ chooses.
#[pyfunction]
#[pyo3(signature = (X, sample_weight, n_clusters, n_trials, seed))]
#[allow(non_snake_case)]
pub fn kmeans_plusplus<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    n_clusters: usize,
    n_trials: Option<usize>,
    seed: u64,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let chosen = detached(py, |_, run| {
            lloyd::check(&rows, weights, n_clusters)?;
            let level = Level::detect();
            Moments::new(&rows, weights, level, run)?; // names what is not finite
            seeding::plus_plus(&rows, weights, n_clusters, n_trials, seed, level, run)
        })?;
        Ok(PyArray1::from_iter(py, chosen.into_iter().map(|i| i as i64)))
    })
}
