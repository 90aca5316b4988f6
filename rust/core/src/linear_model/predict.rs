//! Predictions, and what residuals say about a fit: one pass over the rows each, in f64 whatever the rows' type, for both are
//! bound by reading the rows and not by adding up.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::simd::{Level, Simd, Task};
use crate::rows::{Dense, Rows};
use crate::run::{self, Run};

/// X coef^T + intercept, (n, t), for coef (t, d) and intercept (t,).
pub fn predict<F: Float>(rows: &Rows<'_, F>, coef: &[f64], intercept: &[f64], run: &Run<'_>) -> Result<Vec<F>> {
    let (n, d, t) = (rows.n(), rows.d(), intercept.len());
    if coef.len() != t * d {
        return Err(Error::Shape { what: "coef", got: coef.len(), want: t * d });
    }
    let level = Level::detect();
    let tasks = run::ranges(n, run::rows_per_task(n, d * t));
    let parts = run.map(tasks, rows.size() * t, |range, pulse| {
        pulse.check()?;
        let mut found = Vec::with_capacity(range.len() * t);
        match rows {
            Rows::Dense(rows) => level.run(Predict { rows, range, coef, intercept, to: &mut found }),
            Rows::Csr(rows) => {
                for i in range {
                    let (columns, values) = rows.row(i);
                    for (s, b) in intercept.iter().enumerate() {
                        let coef = &coef[s * d..][..d];
                        let sum: f64 = columns.iter().zip(values).map(|(&f, x)| x.to_f64() * coef[f as usize]).sum();
                        found.push(F::from_f64(sum + b));
                    }
                }
            }
        }
        Ok(found)
    })?;
    Ok(parts.concat())
}

struct Predict<'a, F> {
    rows: &'a Dense<'a, F>,
    range: Range<usize>,
    coef: &'a [f64],
    intercept: &'a [f64],
    to: &'a mut Vec<F>,
}

impl<F: Float> Task<f64> for Predict<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) {
        let d = self.rows.d();
        for i in self.range {
            let row = self.rows.row(i);
            for (s, b) in self.intercept.iter().enumerate() {
                self.to.push(F::from_f64(b + product(row, &self.coef[s * d..][..d])));
            }
        }
    }
}

/// Lanes in which a row's products add up, the same on every instruction set.
const LANES: usize = 16;

#[inline(always)]
pub(super) fn product<F: Float>(row: &[F], coef: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (xs, bs) = (row.chunks_exact(LANES), coef.chunks_exact(LANES));
    let rest: f64 = xs.remainder().iter().zip(bs.remainder()).map(|(x, b)| x.to_f64() * b).sum();
    for (x, b) in xs.zip(bs) {
        for l in 0..LANES {
            sums[l] += x[l].to_f64() * b[l];
        }
    }
    let mut half = LANES / 2;
    while half > 0 {
        for l in 0..half {
            sums[l] += sums[l + half];
        }
        half /= 2;
    }
    rest + sums[0]
}

/// For each target the sums of w r x (d,) and of w r, with r = y - prediction: (t, d + 1).
pub fn gradients<F: Float>(
    rows: &Dense<'_, F>,
    targets: &[f64],
    weights: Option<&[f64]>,
    coef: &[f64],
    intercept: &[f64],
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    /// Partial sums in memory.
    const PARTS: usize = 64;
    /// Rows between two looks for Ctrl-C.
    const CHECKED: usize = 1024;
    let (n, d, t) = (rows.n(), rows.d(), intercept.len());
    let level = Level::detect();
    let tasks = run::ranges(n, n.div_ceil(PARTS).max(1024));
    let parts = run.map(tasks, 2 * n * d * t, |range, pulse| {
        let mut sums = vec![0.0; t * (d + 1)];
        for from in range.clone().step_by(CHECKED) {
            pulse.check()?;
            let range = from..(from + CHECKED).min(range.end);
            level.run(AddGradients { rows, range, targets, weights, coef, intercept, sums: &mut sums });
        }
        Ok(sums)
    })?;
    let mut total = vec![0.0; t * (d + 1)];
    for part in parts {
        total.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    Ok(total)
}

struct AddGradients<'a, F> {
    rows: &'a Dense<'a, F>,
    range: Range<usize>,
    targets: &'a [f64],
    weights: Option<&'a [f64]>,
    coef: &'a [f64],
    intercept: &'a [f64],
    sums: &'a mut [f64],
}

impl<F: Float> Task<f64> for AddGradients<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) {
        let AddGradients { rows, range, targets, weights, coef, intercept, sums } = self;
        let (d, t) = (rows.d(), intercept.len());
        for i in range {
            let row = rows.row(i);
            let weight = weights.map_or(1.0, |weights| weights[i]);
            for (s, sums) in sums.chunks_exact_mut(d + 1).enumerate() {
                let residual = targets[i * t + s] - intercept[s] - product(row, &coef[s * d..][..d]);
                let r = residual * weight;
                sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += r * x.to_f64());
                sums[d] += r;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Csr;

    #[test]
    fn a_house_on_paper() {
        let coef = [150.0, 10_000.0, -5000.0];
        let rows = Rows::Dense(Dense::new(&[2000.0, 3.0, 10.0], 1, 3).unwrap());
        assert_eq!(predict(&rows, &coef, &[50_000.0], &Run::alone()).unwrap(), [330_000.0]);
        let (values, columns, starts) = ([2000.0_f32, 10.0], [0, 2], [0, 2]);
        let rows = Rows::Csr(Csr::new(&values, &columns, &starts, 3).unwrap());
        assert_eq!(predict(&rows, &coef, &[50_000.0], &Run::alone()).unwrap(), [300_000.0]);
        assert!(predict(&rows, &coef[..2], &[0.0], &Run::alone()).is_err());
    }
}
