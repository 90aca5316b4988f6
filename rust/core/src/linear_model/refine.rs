//! Iterative refinement with residuals in twice the digits (Björck 1967): what brings the certified data sets to as many digits as
//! their f64 values hold. For small problems, where it costs less than a caller notices.
//!
//! A number is the sum of two f64 that do not overlap; `mul_add` is exact on every CPU, so the bits are the same everywhere.

use super::normal::{Frame, Normal};
use super::qr::Householder;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::simd::{Level, Simd, Task};
use crate::rows::Rows;
use crate::run::Run;

/// high + low
#[derive(Clone, Copy, Default, Debug, PartialEq)]
pub struct Double {
    high: f64,
    low: f64,
}

impl Double {
    #[inline(always)]
    fn new(high: f64) -> Self {
        Double { high, low: 0.0 }
    }

    #[inline(always)]
    fn plus(self, other: Double) -> Self {
        let sum = self.high + other.high;
        let part = sum - self.high;
        let error = (self.high - (sum - part)) + (other.high - part);
        let low = error + (self.low + other.low);
        let high = sum + low;
        Double { high, low: low - (high - sum) }
    }

    #[inline(always)]
    fn times(self, x: f64) -> Self {
        let product = self.high * x;
        let low = f64::mul_add(self.high, x, -product) + self.low * x;
        let high = product + low;
        Double { high, low: low - (high - product) }
    }

    #[inline(always)]
    fn value(self) -> f64 {
        self.high + self.low
    }
}

/// One target's residuals, their own estimate taken off, and then what that leaves of the columns.
struct Residuals<'a, F> {
    rows: &'a Rows<'a, F>,
    targets: &'a [f64],
    /// Which target of how many.
    target: (usize, usize),
    roots: Option<&'a [f64]>,
    /// (d,), and the intercept.
    coef: (&'a [Double], Double),
    /// (n,), times the roots; none is the residuals themselves.
    estimate: Option<&'a [Double]>,
    pulse: &'a Run<'a>,
}

/// (n,) and (d + 1,)
struct Found {
    /// root (y - prediction) - estimate
    left: Vec<f64>,
    /// Sums of root x (d,), and of the root, times the estimate, or where there is none times the residuals.
    sums: Vec<Double>,
}

impl<F: Float> Task<f64> for Residuals<'_, F> {
    type Out = Result<Found>;

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Result<Found> {
        let Residuals { rows, targets, target: (s, t), roots, coef: (coef, intercept), estimate, pulse } = self;
        let (n, d) = (rows.n(), rows.d());
        let (mut left, mut sums) = (Vec::with_capacity(n), vec![Double::default(); d + 1]);
        let mut cells = vec![0.0; d];
        for i in 0..n {
            if i % 256 == 0 {
                pulse.check()?;
            }
            rows.write_row(i, &mut cells);
            let mut residual = Double::new(targets[i * t + s]).plus(intercept.times(-1.0));
            for (x, b) in cells.iter().zip(coef) {
                residual = residual.plus(b.times(-x));
            }
            let root = roots.map_or(1.0, |roots| roots[i]);
            let residual = residual.times(root);
            let estimate = estimate.map_or(residual, |estimate| estimate[i]);
            left.push(residual.plus(estimate.times(-1.0)).value());
            let pull = estimate.times(root);
            for (sum, x) in sums.iter_mut().zip(&cells) {
                *sum = sum.plus(pull.times(*x));
            }
            sums[d] = sums[d].plus(pull);
        }
        Ok(Found { left, sums })
    }
}

/// Most steps; three bring Longley and Wampler to the last digit, Filip takes five.
const STEPS: usize = 8;

/// Refines coefficients (t, d) and intercepts (t,), found with penalties `alphas` (t,); `solve` solves the normal equations of
/// the unit columns for a target.
#[allow(clippy::too_many_arguments)] // the problem, and how it is solved
pub fn by_cholesky<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    roots: Option<&[f64]>,
    normal: &Normal,
    alphas: &[f64],
    solve: impl Fn(usize, &mut [f64]),
    (coef, intercept): (&mut [f64], &mut [f64]),
    run: &Run<'_>,
) -> Result<()> {
    let (d, t) = (rows.d(), intercept.len());
    let frame = &normal.frame;
    for s in 0..t {
        let coef = &mut coef[s * d..][..d];
        let mut beta: Vec<Double> = coef.iter().map(|&b| Double::new(b)).collect();
        let mut constant = Double::new(intercept[s]);
        let mut last = f64::INFINITY;
        for _ in 0..STEPS {
            let task =
                Residuals { rows, targets, target: (s, t), roots, coef: (&beta, constant), estimate: None, pulse: run };
            let Found { sums, .. } = Level::detect().run(task)?;
            let unit = |f: usize| frame.scale[f] / normal.norms[f];
            let mut step: Vec<f64> = (0..d)
                .map(|f| {
                    let offset = if frame.centred { sums[d].times(-normal.mean(f)) } else { Double::default() };
                    sums[f].plus(offset).plus(beta[f].times(-alphas[s])).value() * unit(f)
                })
                .collect();
            solve(s, &mut step);
            let size = step.iter().fold(0.0, |most: f64, b| most.max(b.abs()));
            if size.is_nan() || size >= last * 0.5 {
                break;
            }
            last = size;
            let mut shift = Double::new(if frame.centred { sums[d].value() / normal.weight } else { 0.0 });
            for f in 0..d {
                let step = step[f] * unit(f);
                beta[f] = beta[f].plus(Double::new(step));
                if frame.centred {
                    shift = shift.plus(Double::new(step).times(-normal.mean(f)));
                }
            }
            constant = constant.plus(shift);
        }
        coef.iter_mut().zip(&beta).for_each(|(b, found)| *b = found.value());
        intercept[s] = constant.value();
    }
    Ok(())
}

/// The rows' columns in memory, one after the other, with ones in front where `frame` centres, for a [`Householder`] whose Q serves refinement.
pub fn columns<F: Float>(rows: &Rows<'_, F>, roots: Option<&[f64]>, frame: &Frame, norms: &[f64]) -> Vec<f64> {
    let (n, d) = (rows.n(), rows.d());
    let root = |i: usize| roots.map_or(1.0, |roots| roots[i]);
    let mut columns = vec![vec![0.0; n]; d];
    (0..n).for_each(|i| rows.for_cells(i, |f, x| columns[f][i] = x));
    for (f, column) in columns.iter_mut().enumerate() {
        let (shift, factor) = (frame.shift[f], frame.scale[f] / norms[f]);
        column.iter_mut().enumerate().for_each(|(i, x)| *x = (*x - shift) * factor * root(i));
    }
    if frame.centred {
        columns.insert(0, (0..n).map(root).collect());
    }
    columns.concat()
}

/// Solves by `qr`, of full rank, of [`columns`], and refines residuals and coefficients together, which converges as long as the
/// condition (not its square) is below 1e15. Returns (t, d) and (t,).
pub fn by_qr<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    roots: Option<&[f64]>,
    (frame, norms): (&Frame, &[f64]),
    qr: &Householder,
    run: &Run<'_>,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let (n, d) = (rows.n(), rows.d());
    let t = targets.len() / n;
    let ones = usize::from(frame.centred);
    let many = ones + d;
    let (mut coef, mut intercepts) = (Vec::with_capacity(t * d), Vec::with_capacity(t));
    for s in 0..t {
        let mut beta = vec![Double::default(); d];
        let mut constant = Double::default();
        let mut estimate = vec![Double::default(); n];
        let mut last = f64::INFINITY;
        for _ in 0..STEPS {
            let task = Residuals {
                rows,
                targets,
                target: (s, t),
                roots,
                coef: (&beta, constant),
                estimate: Some(&estimate),
                pulse: run,
            };
            let Found { left: mut turned, sums } = Level::detect().run(task)?;
            qr.apply_transposed(&mut turned);
            // What the columns, as qr has them, still find in the estimate of the residuals.
            let mut found = vec![0.0; many];
            if ones == 1 {
                found[0] = -sums[d].value();
            }
            for f in 0..d {
                let rest = sums[f].plus(sums[d].times(-frame.shift[f]));
                found[ones + f] = -rest.value() * frame.scale[f] / norms[f];
            }
            let mut dual: Vec<f64> = qr.order.iter().map(|&f| found[f]).collect();
            qr.solve_transposed(&mut dual);
            let mut step: Vec<f64> = turned.iter().zip(&dual).map(|(a, b)| a - b).collect();
            qr.solve(&mut step);
            let size = step.iter().fold(0.0, |most: f64, b| most.max(b.abs()));
            if size.is_nan() || size >= last * 0.5 {
                break;
            }
            last = size;
            let mut shift = Double::default();
            for (&place, &step) in qr.order.iter().zip(&step) {
                if place < ones {
                    shift = shift.plus(Double::new(step));
                    continue;
                }
                let f = place - ones;
                let step = Double::new(step * (frame.scale[f] / norms[f]));
                beta[f] = beta[f].plus(step);
                shift = shift.plus(step.times(-frame.shift[f]));
            }
            if ones == 1 {
                constant = constant.plus(shift);
            }
            turned[..many].copy_from_slice(&dual);
            qr.apply(&mut turned);
            estimate.iter_mut().zip(&turned).for_each(|(r, &step)| *r = r.plus(Double::new(step)));
        }
        coef.extend(beta.iter().map(|b| b.value()));
        intercepts.push(constant.value());
    }
    Ok((coef, intercepts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_digits() {
        let third = Double::new(1.0 / 3.0);
        assert_eq!(third.times(3.0).plus(Double::new(-1.0)).value(), -(2.0_f64.powi(-54)));
        let sum = Double::new(1e16).plus(Double::new(1.0)).plus(Double::new(1e-3)).plus(Double::new(-1e16));
        assert!((sum.value() - 1.001).abs() < 1e-15);
    }
}
