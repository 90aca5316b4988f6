//! `fulcra_core::cluster::minibatch` for `fulcra.cluster.MiniBatchKMeans`.

use fulcra_core::cluster::batches::{Batch, Batches, Drawn};
use fulcra_core::cluster::minibatch::{self, Fit, Iteration, Learner, Listener, Rules, State};
use fulcra_core::cluster::moments::Moments;
use fulcra_core::kernels::simd::Level;
use fulcra_core::{Float, Result, Rows};
use numpy::{Element, IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::to_matrix;
use crate::convert::{self, Held, Samples, dispatch};
use crate::run::{Interpreter, detached};

/// What `minibatch_fit` found.
#[pyclass(frozen, module = "fulcra._core")]
pub struct MiniBatchFit {
    /// (n_clusters, n_features), float64
    #[pyo3(get)]
    centers: Py<PyArray2<f64>>,
    /// (n_clusters,), float64
    #[pyo3(get)]
    counts: Py<PyArray1<f64>>,
    /// Rows since low counts were last looked for.
    #[pyo3(get)]
    since: usize,
    /// Rows learned from.
    #[pyo3(get)]
    n_rows: usize,
    /// Batches in which a centre was held short.
    #[pyo3(get)]
    held: usize,
    #[pyo3(get)]
    stop_reason: &'static str,
    /// inertia, smoothed, shift (sum ||C_new - C_old||^2), seconds: float64; reassigned: int64
    #[pyo3(get)]
    history: Py<PyDict>,
}

fn to_state(centers: &Bound<'_, PyAny>, counts: &PyReadonlyArray1<'_, f64>, since: usize, d: usize) -> PyResult<State> {
    Ok(State { centers: convert::centers(centers, d)?.0, seen: counts.as_slice()?.to_vec(), since })
}

/// Learns from batches drawn from X, or handed over by a feed; see `_core.pyi`.
#[pyfunction]
#[pyo3(signature = (X, sample_weight, centers, counts, *, since, batch_size, max_steps, tol, max_no_improvement, reassignment_ratio, seed, max_shift=None, feed=None, listener=None))]
#[allow(non_snake_case, clippy::too_many_arguments)] // the signature is Python's
pub fn minibatch_fit(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    centers: &Bound<'_, PyAny>,
    counts: PyReadonlyArray1<'_, f64>,
    since: usize,
    batch_size: usize,
    max_steps: usize,
    tol: f64,
    max_no_improvement: Option<usize>,
    reassignment_ratio: f64,
    seed: u64,
    max_shift: Option<f64>,
    feed: Option<Py<PyAny>>,
    listener: Option<Py<PyAny>>,
) -> PyResult<MiniBatchFit> {
    let rules = Rules { max_steps, tol, max_no_improvement };
    dispatch!(&Samples::new(X)?, |rows| {
        if rows.n() == 0 || batch_size == 0 {
            return Err(PyValueError::new_err("X and its batches need a row at least"));
        }
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let state = to_state(centers, &counts, since, rows.d())?;
        let fit = detached(py, |interpreter, run| {
            let dense = matches!(rows, Rows::Dense(_));
            let learner = Learner::new(state, rows.d(), dense, reassignment_ratio, max_shift, seed)?;
            let listener = listener.as_ref().map(|listener| PythonListener { listener, interpreter });
            let listener = listener.as_ref().map(|listener| listener as &dyn Listener);
            if let Some(feed) = &feed {
                let mut batches = Fed { feed, interpreter, rows_in_a_pass: 0 };
                return minibatch::fit(&mut batches, learner, &rules, listener, run);
            }
            minibatch::fit(&mut Drawn::new(&rows, weights, batch_size, seed), learner, &rules, listener, run)
        })?;
        wrap(py, fit, rows.d())
    })
}

fn wrap(py: Python<'_>, fit: Fit, d: usize) -> PyResult<MiniBatchFit> {
    let column = |value: fn(&Iteration) -> f64| PyArray1::from_iter(py, fit.history.iter().map(value));
    let history = PyDict::new(py);
    history.set_item("inertia", column(|step| step.inertia))?;
    history.set_item("smoothed", column(|step| step.smoothed))?;
    history.set_item("shift", column(|step| step.shift))?;
    history.set_item("seconds", column(|step| step.seconds))?;
    let reassigned = fit.history.iter().map(|step| step.reassigned as i64);
    history.set_item("reassigned", PyArray1::from_iter(py, reassigned))?;
    let held = fit.history.iter().filter(|step| step.held).count();
    Ok(MiniBatchFit {
        centers: to_matrix::<f64>(py, &fit.state.centers, d)?.unbind(),
        counts: fit.state.seen.into_pyarray(py).unbind(),
        since: fit.state.since,
        n_rows: fit.rows,
        held,
        stop_reason: fit.stop.name(),
        history: history.unbind(),
    })
}

/// Batches that Python hands over: `next_batch()` returns (rows, weights or None), or None where there are no more.
struct Fed<'a> {
    feed: &'a Py<PyAny>,
    interpreter: &'a Interpreter,
    rows_in_a_pass: usize,
}

impl<F: Float + Element> Batches<F> for Fed<'_> {
    fn next(&mut self, batch: &mut Batch<F>) -> Result<bool> {
        batch.clear();
        self.interpreter.call(|py| {
            let given = self.feed.bind(py).call_method0("next_batch")?;
            if given.is_none() {
                return Ok(false);
            }
            let (rows, weights) = given.extract::<(Bound<'_, PyAny>, Option<PyReadonlyArray1<'_, f64>>)>()?;
            copy(&rows, batch)?;
            if let Some(weights) = weights {
                batch.weights.extend_from_slice(weights.as_slice()?);
            }
            self.rows_in_a_pass = self.feed.bind(py).getattr("rows_in_a_pass")?.extract()?;
            Ok(true)
        })
    }

    fn rows_in_a_pass(&self) -> usize {
        self.rows_in_a_pass
    }
}

/// Rows of the same dtype as those of the fit: what Python hands over may be gone before the batch is learned.
fn copy<F: Float + Element>(rows: &Bound<'_, PyAny>, batch: &mut Batch<F>) -> PyResult<()> {
    match Held::<F>::new(rows)? {
        Held::Dense(rows) => {
            batch.d = rows.shape()[1];
            batch.values.extend_from_slice(rows.as_slice()?);
        }
        Held::Csr { values, columns, starts, d } => {
            batch.d = d;
            let stored = starts.last().map_or(0, |&end| end as usize);
            batch.values.extend_from_slice(values.as_slice()?.get(..stored).unwrap_or_default());
            batch.columns.extend_from_slice(columns.as_slice()?.get(..stored).unwrap_or_default());
            batch.starts = starts;
        }
    }
    Ok(())
}

struct PythonListener<'a> {
    listener: &'a Py<PyAny>,
    interpreter: &'a Interpreter,
}

impl Listener for PythonListener<'_> {
    fn stepped(&self, step: usize, what: &Iteration) -> Result<bool> {
        self.interpreter.call(|py| {
            let told = (step, what.inertia, what.smoothed, what.shift, what.reassigned);
            self.listener.call_method1(py, "stepped", told)?.bind(py).is_truthy()
        })
    }
}

/// One step: X is the batch.
#[pyfunction]
#[pyo3(signature = (X, sample_weight, centers, counts, *, since, reassignment_ratio, seed, max_shift=None))]
#[allow(non_snake_case, clippy::type_complexity, clippy::too_many_arguments)] // a state
pub fn minibatch_step<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    centers: &Bound<'py, PyAny>,
    counts: PyReadonlyArray1<'py, f64>,
    since: usize,
    reassignment_ratio: f64,
    seed: u64,
    max_shift: Option<f64>,
) -> PyResult<(Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<f64>>, usize, usize)> {
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let state = to_state(centers, &counts, since, rows.d())?;
        let (state, step) = detached(py, |_, run| {
            let dense = matches!(rows, Rows::Dense(_));
            let mut learner = Learner::new(state, rows.d(), dense, reassignment_ratio, max_shift, seed)?;
            let step = learner.step(&rows, weights, run)?;
            Ok((learner.into_state(), step))
        })?;
        let centers = to_matrix::<f64>(py, &state.centers, rows.d())?;
        Ok((centers, state.seen.into_pyarray(py), state.since, step.reassigned))
    })
}

/// The nearest centre of each row and the sum of weight times squared distance, in one pass.
#[pyfunction]
#[pyo3(signature = (X, sample_weight, centers))]
#[allow(non_snake_case)]
pub fn minibatch_label<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    centers: &Bound<'py, PyAny>,
) -> PyResult<(Bound<'py, PyArray1<i32>>, f64)> {
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let (centers, _) = convert::centers(centers, rows.d())?;
        let (labels, inertia) = detached(py, |_, run| minibatch::label(&rows, weights, &centers, run))?;
        Ok((labels.into_pyarray(py), inertia))
    })
}

/// The mean over the columns of their weighted variances.
#[pyfunction]
#[pyo3(signature = (X, sample_weight))]
#[allow(non_snake_case)]
pub fn mean_variance(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
) -> PyResult<f64> {
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        if rows.n() == 0 || rows.d() == 0 {
            return Err(PyValueError::new_err("no rows have no variance"));
        }
        Ok(detached(py, |_, run| Moments::new(&rows, weights, Level::detect(), run))?.variance)
    })
}
