//! `fulcra_core::linear_model::sgd` for `SGDClassifier` and `SGDRegressor`.

use fulcra_core::linear_model::sgd::{Data, Epoch, Loss, Problem, Rate, Settings, fit};
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::convert::{self, Samples, dispatch};
use crate::run::detached;

/// What `sgd_fit` found; see `_core.pyi`.
#[pyclass(frozen, get_all, module = "fulcra._core")]
pub struct SgdFit {
    /// (n_problems, n_features)
    coef: Py<PyArray2<f64>>,
    /// (n_problems,)
    intercept: Py<PyArray1<f64>>,
    /// (n_problems, n_features), or no columns
    mean_coef: Py<PyArray2<f64>>,
    /// (n_problems,)
    mean_intercept: Py<PyArray1<f64>>,
    /// For each problem (n_epochs, 3): loss, objective, score
    epochs: Vec<Vec<(f64, f64, f64)>>,
    converged: Vec<bool>,
    overflowed: Vec<bool>,
}

/// The parameters of a fit, by scikit-learn's names.
#[derive(FromPyObject)]
pub struct SgdSettings {
    loss: String,
    epsilon: f64,
    l1_ratio: Option<f64>,
    alpha: f64,
    learning_rate: String,
    eta0: f64,
    power_t: f64,
    fit_intercept: bool,
    max_iter: usize,
    tol: Option<f64>,
    n_iter_no_change: usize,
    shuffle: bool,
    average: usize,
    t: f64,
}

impl SgdSettings {
    fn read(self) -> PyResult<Settings> {
        let unknown = |what: &str| PyValueError::new_err(format!("{what} is not known"));
        Ok(Settings {
            loss: Loss::named(&self.loss, self.epsilon).ok_or_else(|| unknown(&self.loss))?,
            l1_ratio: self.l1_ratio,
            alpha: self.alpha,
            rate: Rate::named(&self.learning_rate).ok_or_else(|| unknown(&self.learning_rate))?,
            eta0: self.eta0,
            power_t: self.power_t,
            fit_intercept: self.fit_intercept,
            max_iter: self.max_iter,
            tol: self.tol,
            n_iter_no_change: self.n_iter_no_change,
            shuffle: self.shuffle,
            average: self.average,
            t: self.t,
        })
    }
}

/// One descent for each of `classes`, `seeds`, `class_weights` and rows of `coef`.
#[pyfunction]
#[allow(non_snake_case)] // the signature is Python's
#[allow(clippy::too_many_arguments)]
pub fn sgd_fit(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    y: PyReadonlyArray1<'_, f64>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    held_out: Option<PyReadonlyArray1<'_, bool>>,
    settings: SgdSettings,
    classes: Vec<Option<f64>>,
    seeds: Vec<u32>,
    class_weights: Vec<[f64; 2]>,
    coef: PyReadonlyArray2<'_, f64>,
    intercept: PyReadonlyArray1<'_, f64>,
    mean_coef: PyReadonlyArray2<'_, f64>,
    mean_intercept: PyReadonlyArray1<'_, f64>,
    told: Option<Py<PyAny>>,
) -> PyResult<SgdFit> {
    let k = classes.len();
    let sizes = [
        seeds.len(),
        class_weights.len(),
        coef.shape()[0],
        intercept.len(),
        mean_coef.shape()[0],
        mean_intercept.len(),
    ];
    if sizes.iter().any(|&size| size != k) {
        return Err(PyValueError::new_err(format!("{k} problems are given as {sizes:?}")));
    }
    let (coef, mean_coef) = (coef.as_array(), mean_coef.as_array());
    let (intercept, mean_intercept) = (intercept.as_slice()?, mean_intercept.as_slice()?);
    let problems = (0..k).map(|p| Problem {
        class: classes[p],
        seed: seeds[p],
        class_weights: class_weights[p],
        coef: coef.row(p).to_vec(),
        intercept: intercept[p],
        mean_coef: mean_coef.row(p).to_vec(),
        mean_intercept: mean_intercept[p],
    });
    let (problems, settings): (Vec<Problem>, _) = (problems.collect(), settings.read()?);
    let (targets, held_out) = (y.as_slice()?, held_out.as_ref().map(|out| out.as_slice()).transpose()?);
    let (found, d) = dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let data = Data { rows, targets, weights, held_out };
        let found = detached(py, |interpreter, run| {
            let tell = |p: usize, epoch: Epoch| match &told {
                None => Ok(()),
                Some(told) => interpreter.call(|py| {
                    let Epoch { norm, nonzero, intercept, steps, loss, objective, score } = epoch;
                    told.call1(py, (p, norm, nonzero, intercept, steps, loss, objective, score)).map(drop)
                }),
            };
            fit(&data, &settings, problems, told.is_some().then_some(&tell), run)
        })?;
        (found, rows.d())
    });
    let matrix = |rows: Vec<&[f64]>, d: usize| rows.concat().into_pyarray(py).reshape([k, d]).map(Bound::unbind);
    let column = |of: Vec<f64>| of.into_pyarray(py).unbind();
    let kept = if settings.average > 0 { d } else { 0 };
    Ok(SgdFit {
        coef: matrix(found.iter().map(|f| f.coef.as_slice()).collect(), d)?,
        intercept: column(found.iter().map(|f| f.intercept).collect()),
        mean_coef: matrix(found.iter().map(|f| f.mean_coef.as_slice()).collect(), kept)?,
        mean_intercept: column(found.iter().map(|f| f.mean_intercept).collect()),
        epochs: found.iter().map(|f| f.epochs.iter().map(|e| (e.loss, e.objective, e.score)).collect()).collect(),
        converged: found.iter().map(|f| f.converged).collect(),
        overflowed: found.iter().map(|f| f.overflowed).collect(),
    })
}
