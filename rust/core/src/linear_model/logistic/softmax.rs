//! stub
use super::{Fit, Penalty, Rules};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::rows::Rows;
use crate::run::Run;
#[allow(clippy::too_many_arguments)]
pub fn fit<F: Float>(
    _rows: &Rows<'_, F>,
    _classes: &[u32],
    _k: usize,
    _weights: Option<&[f64]>,
    _start: Option<(&[f64], &[f64])>,
    _penalty: Penalty,
    _rules: Rules,
    _run: &Run<'_>,
) -> Result<Fit> {
    Err(Error::Value("not yet".into()))
}
