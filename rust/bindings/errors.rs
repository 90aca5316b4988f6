//! The one mapping from core errors to Python exceptions. Python words what users see; see `_base.py`.

use fulcra_core::Error;
use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyValueError};
use pyo3::{PyErr, create_exception};

create_exception!(
    fulcra._core,
    NonFiniteError,
    PyValueError,
    "X holds NaN or infinity, or squares that overflow; args are (row, column, kind)."
);

create_exception!(
    fulcra._core,
    SingularError,
    PyValueError,
    "A covariance matrix has no inverse; args are (cluster, column, whether that column is constant)."
);

/// The exception for `error`.
pub fn to_python(error: Error) -> PyErr {
    match error {
        Error::NonFinite { row, column, kind } => NonFiniteError::new_err((row, column, kind.to_string())),
        Error::Singular { cluster, column, constant } => SingularError::new_err((cluster, column, constant)),
        Error::Shape { .. } | Error::Value(_) => PyValueError::new_err(error.to_string()),
        Error::Memory { .. } => PyMemoryError::new_err(error.to_string()),
        Error::Interrupted => PyKeyboardInterrupt::new_err(()),
    }
}
