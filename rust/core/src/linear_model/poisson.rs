//! Poisson regression with the logarithm as link: the mean of y is exp(x . w + b).

use super::glm::{self, Fit, Loss, Problem, Rules, Terms};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::rows::Rows;
use crate::run::Run;

/// Half the Poisson deviance, less what does not depend on the prediction.
pub struct HalfDeviance;

impl Loss for HalfDeviance {
    #[inline(always)]
    fn at(&self, y: f64, eta: f64) -> Terms {
        let mu = eta.exp();
        let product = if y == 0.0 { 0.0 } else { y * eta };
        Terms { value: mu - product, slope: mu - y, curvature: mu, size: mu + product.abs() }
    }
}

/// Fits targets (n,), not negative, from `start` or from the best intercept alone, whichever is better.
#[allow(clippy::too_many_arguments)] // the problem, and how it is solved
pub fn fit<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    weights: Option<&[f64]>,
    start: Option<(&[f64], f64)>,
    alpha: f64,
    intercept: bool,
    rules: Rules,
    run: &Run<'_>,
) -> Result<Fit> {
    if let Some(at) = targets.iter().position(|y| !(0.0..f64::INFINITY).contains(y)) {
        return Err(Error::Value(format!("y holds {} at row {at}, and must not be negative", targets[at])));
    }
    if let Some((coef, _)) = start
        && coef.len() != rows.d()
    {
        return Err(Error::Shape { what: "coef_init", got: coef.len(), want: rows.d() });
    }
    let weight = |i: usize| weights.map_or(1.0, |weights| weights.get(i).copied().unwrap_or(0.0));
    let (mut sum, mut total) = (0.0, 0.0);
    for (i, y) in targets.iter().enumerate() {
        sum += weight(i) * y;
        total += weight(i);
    }
    let mean = sum / total;
    let size = if mean > 0.0 && mean.is_finite() { mean } else { 1.0 };
    let problem = Problem { rows, targets, weights, loss: &HalfDeviance, alpha, intercept, size };
    // The rows' mean is the best constant; of zeros alone there is none.
    let constant = if intercept && mean > 0.0 { size.ln() } else { 0.0 };
    // A start too high costs a step for each unit of the linear predictor, so it must be better than the mean.
    let zeros = vec![0.0; rows.d()];
    let starts: Vec<_> = [(&zeros[..], constant)].into_iter().chain(start).collect();
    glm::fit(&problem, &starts, rules, run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{Csr, Dense};

    const RULES: Rules = Rules { gradient: 1e-10, max_iter: 100 };

    #[test]
    fn two_groups_have_their_means() {
        // exp(b) = 2 where x is 0, exp(w + b) = 6 where it is 1.
        let x = [0.0, 0.0, 1.0, 1.0];
        let y = [1.0, 3.0, 4.0, 8.0];
        let (values, columns, starts) = ([1.0, 1.0], [0, 0], [0, 0, 0, 1, 2]);
        for rows in
            [Rows::Dense(Dense::new(&x, 4, 1).unwrap()), Rows::Csr(Csr::new(&values, &columns, &starts, 1).unwrap())]
        {
            let fit = fit(&rows, &y, None, None, 0.0, true, Rules { gradient: 1e-13, ..RULES }, &Run::alone()).unwrap();
            assert!(fit.converged && fit.diverged.is_none());
            assert!((fit.coef[0] - 3.0_f64.ln()).abs() < 1e-12, "{fit:?}");
            assert!((fit.intercept - 2.0_f64.ln()).abs() < 1e-12, "{fit:?}");
        }
    }

    #[test]
    fn a_column_that_marks_zeros_goes_to_infinity() {
        let x = [0.3, 0.0, 0.1, 0.0, -0.2, 0.0, 0.4, 1.0, -0.3, 1.0];
        let y = [1.0, 3.0, 4.0, 0.0, 0.0];
        let rows = Rows::Dense(Dense::new(&x, 5, 2).unwrap());
        let fit = fit(&rows, &y, None, None, 0.0, true, RULES, &Run::alone()).unwrap();
        assert_eq!(fit.diverged, Some(1));
        assert!(!fit.converged && fit.coef[1] < -10.0 && fit.coef.iter().all(|w| w.is_finite()));
    }

    #[test]
    fn bad_input_is_an_error() {
        let rows = Rows::Dense(Dense::new(&[1.0, 2.0], 2, 1).unwrap());
        let run = Run::alone();
        assert!(fit(&rows, &[1.0, -1.0], None, None, 0.0, true, RULES, &run).is_err());
        assert!(fit(&rows, &[1.0], None, None, 0.0, true, RULES, &run).is_err());
        assert!(fit(&rows, &[1.0, 1.0], None, None, -1.0, true, RULES, &run).is_err());
        assert!(fit(&rows, &[1.0, 1.0], None, Some((&[0.0; 2], 0.0)), 1.0, true, RULES, &run).is_err());
        let rows = Rows::Dense(Dense::new(&[1.0, f64::NAN], 2, 1).unwrap());
        assert!(fit(&rows, &[1.0, 1.0], None, None, 1.0, true, RULES, &run).is_err());
    }
}
