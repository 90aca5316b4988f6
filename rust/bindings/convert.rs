//! NumPy and SciPy arrays as the core's views: no copies, one dispatch over the dtype.

use std::borrow::Cow;

use fulcra_core::{Csr, Dense, Float, Rows};
use numpy::{Element, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::errors::to_python;

/// X, borrowed for the length of a call.
pub enum Samples<'py> {
    /// float32
    F32(Held<'py, f32>),
    /// float64
    F64(Held<'py, f64>),
}

/// The arrays behind [`Rows`].
pub enum Held<'py, F: Element> {
    /// C-contiguous (n, d)
    Dense(PyReadonlyArray2<'py, F>),
    /// A scipy CSR array or matrix.
    Csr {
        /// data
        values: PyReadonlyArray1<'py, F>,
        /// indices
        columns: PyReadonlyArray1<'py, i32>,
        /// indptr, widened
        starts: Vec<i64>,
        /// shape[1]
        d: usize,
    },
}

impl<'py> Samples<'py> {
    /// Dispatches on the dtype, once.
    pub fn new(x: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(x) = x.cast::<PyArray2<f64>>() {
            return Ok(Samples::F64(Held::dense(x)?));
        }
        if let Ok(x) = x.cast::<PyArray2<f32>>() {
            return Ok(Samples::F32(Held::dense(x)?));
        }
        if x.hasattr("indptr")? {
            let values = x.getattr("data")?;
            if let Ok(values) = values.cast::<PyArray1<f64>>() {
                return Ok(Samples::F64(Held::csr(x, values)?));
            }
            if let Ok(values) = values.cast::<PyArray1<f32>>() {
                return Ok(Samples::F32(Held::csr(x, values)?));
            }
        }
        Err(PyTypeError::new_err("X must be a 2-D float32 or float64 array, or a CSR matrix of either"))
    }
}

impl<'py, F: Element + Float> Held<'py, F> {
    /// Rows of a dtype that is known.
    pub fn new(x: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(x) = x.cast::<PyArray2<F>>() {
            return Held::dense(x);
        }
        Held::csr(x, x.getattr("data")?.cast::<PyArray1<F>>()?)
    }

    fn dense(x: &Bound<'py, PyArray2<F>>) -> PyResult<Self> {
        if !x.is_c_contiguous() {
            return Err(PyValueError::new_err("X must be C-contiguous"));
        }
        Ok(Held::Dense(x.try_readonly()?))
    }

    fn csr(x: &Bound<'py, PyAny>, values: &Bound<'py, PyArray1<F>>) -> PyResult<Self> {
        let indptr = x.getattr("indptr")?;
        let starts = if let Ok(indptr) = indptr.cast::<PyArray1<i32>>() {
            indptr.try_readonly()?.as_array().iter().map(|&start| i64::from(start)).collect()
        } else {
            indptr.cast::<PyArray1<i64>>()?.try_readonly()?.as_array().to_vec()
        };
        let columns = x.getattr("indices")?.cast::<PyArray1<i32>>()?.try_readonly()?;
        let (_, d): (usize, usize) = x.getattr("shape")?.extract()?;
        Ok(Held::Csr { values: values.try_readonly()?, columns, starts, d })
    }

    /// The core's view.
    pub fn rows(&self) -> PyResult<Rows<'_, F>> {
        match self {
            Held::Dense(x) => {
                let shape = x.shape();
                Dense::new(x.as_slice()?, shape[0], shape[1]).map(Rows::Dense)
            }
            Held::Csr { values, columns, starts, d } => {
                Csr::new(values.as_slice()?, columns.as_slice()?, starts, *d).map(Rows::Csr)
            }
        }
        .map_err(to_python)
    }
}

/// Runs `$body` with `$rows` as the rows of `$samples`, in their dtype.
macro_rules! dispatch {
    ($samples:expr, |$rows:ident| $body:expr) => {{
        // For the conversions on the way in and out; `Run` keeps it for the computation.
        let _ieee = fulcra_core::kernels::simd::float_mode::Ieee::enter();
        match $samples {
            $crate::convert::Samples::F32(held) => {
                let $rows = held.rows()?;
                $body
            }
            $crate::convert::Samples::F64(held) => {
                let $rows = held.rows()?;
                $body
            }
        }
    }};
}
pub(crate) use dispatch;

/// Centres (k, d), borrowed for the length of a call.
pub enum Centers<'py> {
    /// float32
    F32(PyReadonlyArray2<'py, f32>),
    /// float64
    F64(PyReadonlyArray2<'py, f64>),
}

impl<'py> Centers<'py> {
    /// Dispatches on the dtype; for rows of `d` features.
    pub fn new(array: &Bound<'py, PyAny>, d: usize) -> PyResult<Self> {
        let centers = if let Ok(array) = array.cast::<PyArray2<f64>>() {
            Centers::F64(array.try_readonly()?)
        } else {
            Centers::F32(array.cast::<PyArray2<f32>>()?.try_readonly()?)
        };
        let shape = match &centers {
            Centers::F32(array) => array.shape(),
            Centers::F64(array) => array.shape(),
        };
        if shape[0] == 0 || shape[1] != d || d == 0 {
            let message = format!("centers of shape ({}, {}) do not fit X with {d} features", shape[0], shape[1]);
            return Err(PyValueError::new_err(message));
        }
        Ok(centers)
    }
}

/// The values (k, d) where they lie, if they do so in C order.
pub fn in_order<'a, C: Element + Float>(centers: &'a PyReadonlyArray2<'_, C>) -> Cow<'a, [C]> {
    let centers = centers.as_array();
    centers.to_slice().map_or_else(|| centers.iter().copied().collect(), Cow::Borrowed)
}

/// Centres (k, d) of either dtype in f64, and k.
pub fn centers(array: &Bound<'_, PyAny>, d: usize) -> PyResult<(Vec<f64>, usize)> {
    let values: Vec<f64> = match Centers::new(array, d)? {
        Centers::F32(array) => array.as_array().iter().map(|&c| f64::from(c)).collect(),
        Centers::F64(array) => array.as_array().iter().copied().collect(),
    };
    let k = values.len() / d;
    Ok((values, k))
}

/// A sample_weight array, checked for its length.
pub fn weights<'a>(weights: Option<&'a PyReadonlyArray1<'_, f64>>, n: usize) -> PyResult<Option<&'a [f64]>> {
    let Some(weights) = weights else { return Ok(None) };
    let weights = weights.as_slice()?;
    if weights.len() != n {
        let message = format!("sample_weight has {} values, X has {n} rows", weights.len());
        return Err(PyValueError::new_err(message));
    }
    Ok(Some(weights))
}
