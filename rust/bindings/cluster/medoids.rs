//! `fulcra_core::cluster::medoids` for `fulcra.cluster.KMedoids`.

use std::ops::Range;

use fulcra_core::cluster::content;
use fulcra_core::cluster::dissimilarity::{self, Metric};
use fulcra_core::cluster::medoids::flaws::{self, Flaw};
use fulcra_core::cluster::medoids::{self, Fit, Matrix, Method, Source, Start, Stop};
use fulcra_core::{Error, Float, Result, Rows};
use numpy::{
    Element, IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{self, Samples, dispatch};
use crate::run::{Interpreter, detached};

/// What `kmedoids_fit` found.
#[pyclass(frozen, module = "fulcra._core")]
pub struct KMedoidsFit {
    /// (n_clusters,), int64
    #[pyo3(get)]
    medoids: Py<PyArray1<i64>>,
    #[pyo3(get)]
    n_iter: usize,
    #[pyo3(get)]
    stop_reason: &'static str,
    /// inertia, seconds: float64; swaps: int64
    #[pyo3(get)]
    history: Py<PyDict>,
}

/// k-medoids from one start; see `_core.pyi`.
#[pyfunction]
#[pyo3(signature = (distances, sample_weight, start, *, n_clusters, method, max_iter))]
pub fn kmedoids_fit(
    py: Python<'_>,
    distances: &Bound<'_, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    start: Option<Vec<usize>>,
    n_clusters: usize,
    method: &str,
    max_iter: usize,
) -> PyResult<KMedoidsFit> {
    let method = match method {
        "fasterpam" => Method::FasterPam,
        "alternate" => Method::Alternate,
        _ => return Err(PyValueError::new_err(format!("unknown method {method:?}"))),
    };
    let start = start.map_or(Start::Build, Start::Rows);
    let weights = sample_weight.as_ref().map(|weights| weights.as_slice()).transpose()?;
    let rules = Rules { weights, start: &start, k: n_clusters, method, max_iter };
    if distances.hasattr("lines")? {
        let single = distances.getattr("dtype")?.getattr("itemsize")?.extract::<usize>()? == size_of::<f32>();
        if single { fit_asked::<f32>(py, distances, &rules) } else { fit_asked::<f64>(py, distances, &rules) }
    } else if let Ok(matrix) = distances.cast::<PyArray2<f64>>() {
        fit_matrix(py, &matrix.try_readonly()?, &rules)
    } else if let Ok(matrix) = distances.cast::<PyArray2<f32>>() {
        fit_matrix(py, &matrix.try_readonly()?, &rules)
    } else {
        Err(PyTypeError::new_err("distances must be a 2-D float32 or float64 array, or have lines"))
    }
}

struct Rules<'a> {
    weights: Option<&'a [f64]>,
    start: &'a Start,
    k: usize,
    method: Method,
    max_iter: usize,
}

fn fit_matrix<F: Float + Element>(
    py: Python<'_>,
    matrix: &PyReadonlyArray2<'_, F>,
    rules: &Rules<'_>,
) -> PyResult<KMedoidsFit> {
    let (values, n) = (matrix.as_slice()?, matrix.shape()[0]);
    let fit = detached(py, |_, run| {
        let matrix = Matrix::new(values, n)?;
        medoids::fit(&matrix, rules.weights, rules.start, rules.k, rules.method, rules.max_iter, run)
    })?;
    wrap(py, fit)
}

fn fit_asked<F: Float + Element>(
    py: Python<'_>,
    distances: &Bound<'_, PyAny>,
    rules: &Rules<'_>,
) -> PyResult<KMedoidsFit> {
    let n = distances.getattr("n_rows")?.extract()?;
    let block = distances.getattr("block")?.extract::<usize>()?.max(1);
    let asked = distances.clone().unbind();
    let fit = detached(py, |interpreter, run| {
        let asked = Asked { lines: &asked, interpreter, n, block };
        medoids::fit::<F>(&asked, rules.weights, rules.start, rules.k, rules.method, rules.max_iter, run)
    })?;
    wrap(py, fit)
}

fn wrap(py: Python<'_>, fit: Fit) -> PyResult<KMedoidsFit> {
    let history = PyDict::new(py);
    history.set_item("inertia", PyArray1::from_iter(py, fit.history.iter().map(|pass| pass.loss)))?;
    history.set_item("swaps", PyArray1::from_iter(py, fit.history.iter().map(|pass| pass.swaps as i64)))?;
    history.set_item("seconds", PyArray1::from_iter(py, fit.history.iter().map(|pass| pass.seconds)))?;
    Ok(KMedoidsFit {
        medoids: PyArray1::from_iter(py, fit.medoids.into_iter().map(|i| i as i64)).unbind(),
        n_iter: fit.history.len(),
        stop_reason: match fit.stop {
            Stop::Unchanged => "unchanged",
            Stop::MaxIter => "max_iter",
        },
        history: history.unbind(),
    })
}

/// Distances that Python computes when they are asked for.
struct Asked<'a> {
    lines: &'a Py<PyAny>,
    interpreter: &'a Interpreter,
    n: usize,
    block: usize,
}

impl<F: Float + Element> Source<F> for Asked<'_> {
    fn n(&self) -> usize {
        self.n
    }

    fn block(&self) -> usize {
        self.block
    }

    fn lines<'a>(&'a self, range: Range<usize>, room: &'a mut Vec<F>) -> Result<&'a [F]> {
        let want = range.len() * self.n;
        room.clear();
        self.interpreter.call(|py| {
            let lines = self.lines.call_method1(py, "lines", (range.start, range.end))?;
            let lines = lines.bind(py).cast::<PyArray2<F>>()?.try_readonly()?;
            room.extend_from_slice(lines.as_slice()?);
            Ok(())
        })?;
        if room.len() != want {
            return Err(Error::Shape { what: "a block of distances", got: room.len(), want });
        }
        Ok(room)
    }
}

/// The nearest medoid of each row, and the sum of weight times distance, from distances (n_samples, n_clusters).
#[pyfunction]
#[pyo3(signature = (distances, sample_weight))]
pub fn kmedoids_assign<'py>(
    py: Python<'py>,
    distances: &Bound<'py, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
) -> PyResult<(Bound<'py, PyArray1<i32>>, f64)> {
    dispatch!(&Samples::new(distances)?, |rows| {
        let Rows::Dense(rows) = rows else { return Err(PyTypeError::new_err("distances must be dense")) };
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        if rows.d() == 0 {
            return Err(PyValueError::new_err("distances from no medoid"));
        }
        let (labels, loss) = detached(py, |_, _| Ok(medoids::assign(rows.span(0, rows.n()), rows.d(), weights)))?;
        Ok((labels.into_pyarray(py), loss))
    })
}

/// What keeps a square matrix from being one of distances: None, or 'not finite', 'negative' or 'asymmetric' and where.
#[pyfunction]
pub fn distance_flaw(
    py: Python<'_>,
    distances: &Bound<'_, PyAny>,
    tolerance: f64,
) -> PyResult<Option<(&'static str, usize, usize)>> {
    dispatch!(&Samples::new(distances)?, |rows| {
        let Rows::Dense(rows) = rows else { return Err(PyTypeError::new_err("distances must be dense")) };
        let flaw = detached(py, |_, run| {
            let values = rows.span(0, rows.n());
            Matrix::new(values, rows.n())?;
            flaws::find(values, rows.n(), tolerance, run)
        })?;
        Ok(flaw.map(|flaw| match flaw {
            Flaw::NotFinite(i, j) => ("not finite", i, j),
            Flaw::Negative(i, j) => ("negative", i, j),
            Flaw::Asymmetric(i, j) => ("asymmetric", i, j),
        }))
    })
}

fn distances_of<'py, F: Float + Element>(
    py: Python<'py>,
    rows: &Rows<'_, F>,
    points: &Bound<'py, PyAny>,
    metric: Metric,
) -> PyResult<Bound<'py, PyAny>> {
    let points = points.cast::<PyArray2<F>>()?.try_readonly()?;
    let (k, d) = (points.shape()[0], points.shape()[1]);
    let (Rows::Dense(rows), true) = (rows, d == rows.d() && d > 0 && k > 0) else {
        return Err(PyValueError::new_err("X and Y must be dense, with the same number of columns"));
    };
    let points = fulcra_core::Dense::new(points.as_slice()?, k, d).map_err(crate::errors::to_python)?;
    let values = detached(py, |_, run| dissimilarity::pairwise(rows, &points, metric, run))?;
    Ok(values.into_pyarray(py).reshape([rows.n(), k])?.into_any())
}

/// Distances (n_samples, n_points) of the rows of X from those of Y; both dense and of one dtype.
#[pyfunction]
#[allow(non_snake_case)]
pub fn pairwise_distances<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    Y: &Bound<'py, PyAny>,
    metric: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let metric = Metric::named(metric).ok_or_else(|| PyValueError::new_err(format!("unknown metric {metric:?}")))?;
    dispatch!(&Samples::new(X)?, |rows| distances_of(py, &rows, Y, metric))
}

/// One row of each content, in an order that depends on content alone, and the weight of all rows like it. Rows without
/// weight do not count.
#[pyfunction]
#[pyo3(signature = (X, sample_weight))]
#[allow(non_snake_case)]
#[allow(clippy::type_complexity)] // two arrays
pub fn distinct_rows<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
) -> PyResult<(Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<f64>>)> {
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let distinct = detached(py, |_, run| content::distinct(&rows, weights, run))?;
        let (rows, weights): (Vec<i64>, Vec<f64>) = distinct.into_iter().unzip();
        Ok((rows.into_pyarray(py), weights.into_pyarray(py)))
    })
}
