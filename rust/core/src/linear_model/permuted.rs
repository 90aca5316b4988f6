//! What a linear model's squared errors become when the values of one column are handed to other rows: nothing is predicted
//! anew, since y - y' changes by no more than the coefficient times what the column's values have changed by.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::simd::{Level, Simd, Task};
use crate::memory;
use crate::rows::Dense;
use crate::run::{self, Run};

/// A regression's residuals (t, n), coefficients (t, d), and what counts how much (n,).
#[derive(Clone, Copy)]
pub struct Fitted<'a> {
    /// (t, n)
    pub residuals: &'a [f64],
    /// (t, d)
    pub coef: &'a [f64],
    /// (n,)
    pub weights: Option<&'a [f64]>,
}

/// Sums of the squares times the weights, (d, repeats, t): for each column, with its values in each of the `orders`
/// (repeats, n), the places that rows take them from.
pub fn squares<F: Float>(
    rows: &Dense<'_, F>,
    fitted: Fitted<'_>,
    t: usize,
    orders: &[u32],
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    /// Columns side by side, as many f64 as a cache line of the rows has.
    const COLUMNS: usize = 8;
    let (n, d) = (rows.n(), rows.d());
    let sizes = [
        ("residuals", fitted.residuals.len(), n.saturating_mul(t)),
        ("coef", fitted.coef.len(), t.saturating_mul(d)),
        ("weights", fitted.weights.map_or(n, <[f64]>::len), n),
        ("orders", if n == 0 { 1 } else { orders.len() % n }, 0),
    ];
    if let Some(&(what, got, want)) = sizes.iter().find(|(_, got, want)| got != want) {
        return Err(Error::Shape { what, got, want });
    }
    if orders.iter().any(|&at| at as usize >= n) {
        return Err(Error::Value(format!("orders must lie in 0..{n}")));
    }
    let level = Level::detect();
    memory::require("the columns", n.saturating_mul(COLUMNS).saturating_mul(8 * run.threads()))?;
    let work = orders.len().saturating_mul(d).saturating_mul(1 + t);
    let parts = run.map(run::ranges(d, COLUMNS), work, |range: Range<usize>, pulse| {
        let mut columns = vec![0.0; range.len() * n];
        for i in 0..n {
            for (at, x) in rows.row(i)[range.clone()].iter().enumerate() {
                columns[at * n + i] = x.to_f64();
            }
        }
        let (mut change, mut sums) = (vec![0.0; n], Vec::new());
        for (f, column) in range.zip(columns.chunks_exact(n)) {
            for order in orders.chunks_exact(n) {
                pulse.check()?;
                for ((change, &at), x) in change.iter_mut().zip(order).zip(column) {
                    *change = column[at as usize] - x;
                }
                for (s, residuals) in fitted.residuals.chunks_exact(n).enumerate() {
                    let (coef, weights) = (fitted.coef[s * d + f], fitted.weights);
                    sums.push(level.run(Sum { residuals, change: &change, coef, weights }));
                }
            }
        }
        Ok(sums)
    })?;
    Ok(parts.concat())
}

struct Sum<'a> {
    residuals: &'a [f64],
    change: &'a [f64],
    coef: f64,
    weights: Option<&'a [f64]>,
}

impl Task<f64> for Sum<'_> {
    type Out = f64;

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> f64 {
        /// The same on every instruction set.
        const LANES: usize = 16;
        let mut sums = [0.0; LANES];
        let whole = self.residuals.len() / LANES * LANES;
        let square = |i: usize| {
            let rest = self.residuals[i] - self.coef * self.change[i];
            rest * rest * self.weights.map_or(1.0, |weights| weights[i])
        };
        match self.weights {
            None => {
                let pairs = self.residuals.chunks_exact(LANES).zip(self.change.chunks_exact(LANES));
                for (residuals, change) in pairs {
                    for l in 0..LANES {
                        let rest = residuals[l] - self.coef * change[l];
                        sums[l] += rest * rest;
                    }
                }
            }
            Some(_) => {
                for from in (0..whole).step_by(LANES) {
                    sums.iter_mut().enumerate().for_each(|(l, sum)| *sum += square(from + l));
                }
            }
        }
        sums.iter().sum::<f64>() + (whole..self.residuals.len()).map(square).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rows_change_places() {
        // y' = 2 a + b, residuals 1 and -1. With a = (1, 4) the other way round the first is 1 - 2 * 3, the second -1 + 2 * 3.
        let x = [1.0, 5.0, 4.0, 5.0];
        let rows = Dense::new(&x, 2, 2).unwrap();
        let fitted = Fitted { residuals: &[1.0, -1.0], coef: &[2.0, 1.0], weights: None };
        assert_eq!(squares(&rows, fitted, 1, &[1, 0, 0, 1], &Run::alone()).unwrap(), [50.0, 2.0, 2.0, 2.0]);
        let fitted = Fitted { weights: Some(&[3.0, 0.0]), ..fitted };
        assert_eq!(squares(&rows, fitted, 1, &[1, 0], &Run::alone()).unwrap(), [75.0, 3.0]);
        assert!(squares(&rows, fitted, 1, &[1, 2], &Run::alone()).is_err());
        assert!(squares(&rows, fitted, 1, &[1], &Run::alone()).is_err());
        assert!(squares(&rows, fitted, 2, &[1, 0], &Run::alone()).is_err());
    }
}
