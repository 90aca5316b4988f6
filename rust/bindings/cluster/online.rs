//! `fulcra_core::cluster::online` for `fulcra.cluster.OnlineKMeans`.

use fulcra_core::cluster::online::{self, Rate, Rules, State};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::to_matrix;
use crate::convert::{self, Samples, dispatch};
use crate::run::detached;

/// Centres, counts, drift, and what the rows add to the sum of w D and to that of w.
type Learned<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>, f64, f64);

/// Takes the rows of X one after the other; see `_core.pyi`.
#[pyfunction]
#[pyo3(signature = (X, sample_weight, centers, counts, drift, rate, eta0, power_t, max_shift, half_life))]
#[allow(non_snake_case, clippy::too_many_arguments)] // the state and the rules, by place: names take a microsecond
pub fn online_update<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    centers: &Bound<'py, PyAny>,
    counts: PyReadonlyArray1<'py, f64>,
    drift: PyReadonlyArray1<'py, f64>,
    rate: &str,
    eta0: f64,
    power_t: f64,
    max_shift: f64,
    half_life: f64,
) -> PyResult<Learned<'py>> {
    let rate = match rate {
        "1/count" => Rate::Count,
        "constant" => Rate::Constant(eta0),
        "invscaling" => Rate::InverseScaling { eta0, power: power_t },
        _ => return Err(PyValueError::new_err(format!("unknown rate {rate:?}"))),
    };
    let rules = Rules { rate, max_shift, half_life };
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let mut state = State {
            centers: convert::centers(centers, rows.d())?.0,
            counts: counts.as_slice()?.to_vec(),
            drift: drift.as_slice()?.to_vec(),
            inertia: 0.0,
            weight: 0.0,
        };
        let state = detached(py, |_, run| online::update(&rows, weights, &rules, &mut state, run).map(|()| state))?;
        Ok((
            to_matrix::<f64>(py, &state.centers, rows.d())?,
            state.counts.into_pyarray(py),
            state.drift.into_pyarray(py),
            state.inertia,
            state.weight,
        ))
    })
}
