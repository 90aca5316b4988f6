//! `fulcra_core::neighbors` for `fulcra.neighbors`.

use fulcra_core::neighbors::centroids::{Centroids, centroids};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::convert::{Samples, dispatch};
use crate::run::detached;

/// Centroids, means, counts and sums of squared deviations.
type OfClasses<'py> =
    (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

/// Means or medians of classes; see `_core.pyi`.
#[pyfunction]
#[allow(non_snake_case)] // the signature is Python's
pub fn class_centroids<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    labels: PyReadonlyArray1<'py, i32>,
    n_classes: usize,
    medians: bool,
) -> PyResult<OfClasses<'py>> {
    let labels = labels.as_slice()?;
    dispatch!(&Samples::new(X)?, |rows| {
        let found = detached(py, |_, run| centroids(&rows, labels, n_classes, medians, run))?;
        let Centroids { centroids, means, counts, squares } = found;
        let matrix = |values: Vec<f64>| values.into_pyarray(py).reshape([n_classes, rows.d()]);
        Ok((matrix(centroids)?, matrix(means)?, counts.into_pyarray(py), squares.into_pyarray(py)))
    })
}
