//! `fulcra_core::cluster::spherical` for `fulcra.cluster.SphericalKMeans`; its fit is that of `kmeans_fit`, on the sphere.

use fulcra_core::cluster::spherical::{self, Units};
use fulcra_core::{Float, Rows};
use numpy::{Element, IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::convert::{self, Samples, dispatch};
use crate::run::detached;

/// Cells, and which rows are zero.
type UnitRows<'py> = (Option<Bound<'py, PyAny>>, Bound<'py, PyArray1<i64>>);

/// The cells of X, all rows divided by their norms, or None where they are unit vectors already; and which rows are zero.
#[pyfunction]
#[allow(non_snake_case)]
pub fn unit_rows<'py>(py: Python<'py>, X: &Bound<'py, PyAny>) -> PyResult<UnitRows<'py>> {
    fn of<'py, F: Float + Element>(py: Python<'py>, rows: &Rows<'_, F>) -> PyResult<UnitRows<'py>> {
        let Units { cells, zeros } = detached(py, |_, run| spherical::units(rows, run))?;
        let cells = match (cells, rows) {
            (None, _) => None,
            (Some(cells), Rows::Csr(_)) => Some(cells.into_pyarray(py).into_any()),
            (Some(cells), Rows::Dense(_)) => Some(cells.into_pyarray(py).reshape([rows.n(), rows.d()])?.into_any()),
        };
        Ok((cells, PyArray1::from_iter(py, zeros.into_iter().map(|i| i as i64))))
    }
    dispatch!(&Samples::new(X)?, |rows| of(py, &rows))
}

/// For each row the centre, all of them unit vectors, at the largest cosine.
#[pyfunction]
#[allow(non_snake_case)]
pub fn spherical_predict<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    centers: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray1<i32>>> {
    dispatch!(&Samples::new(X)?, |rows| {
        let (centers, _) = convert::centers(centers, rows.d())?;
        Ok(detached(py, |_, run| spherical::labels(&rows, &centers, run))?.into_pyarray(py))
    })
}

/// 1 - cos (n_samples, n_clusters), in the dtype of X.
#[pyfunction]
#[allow(non_snake_case)]
pub fn spherical_distances<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    centers: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    dispatch!(&Samples::new(X)?, |rows| {
        let (centers, k) = convert::centers(centers, rows.d())?;
        let values = detached(py, |_, run| spherical::cosine_distances(&rows, &centers, run))?;
        Ok(values.into_pyarray(py).reshape([rows.n(), k])?.into_any())
    })
}

/// Sum over rows, those of zeros apart, of w (1 - cos) to the nearest centre.
#[pyfunction]
#[allow(non_snake_case)]
pub fn spherical_loss(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    centers: &Bound<'_, PyAny>,
) -> PyResult<f64> {
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let (centers, _) = convert::centers(centers, rows.d())?;
        detached(py, |_, run| spherical::loss(&rows, weights, &centers, run))
    })
}
