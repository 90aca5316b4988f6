//! The normal equations: products of the centred, weighted columns and the targets, scaled so that nothing overflows.

use super::predict;
use crate::error::{Error, NonFinite, Result};
use crate::float::Float;
use crate::kernels::gram::{self, Columns};
use crate::kernels::simd::Level;
use crate::rows::{Csr, Dense, Rows};
use crate::run::{self, Run};

/// Where columns and targets are measured from, and by what power of two they are multiplied: found from a few rows.
pub struct Frame {
    /// (d + t,), near the means; zero where nothing is centred, and for CSR columns.
    pub shift: Vec<f64>,
    /// (d + t,)
    pub scale: Vec<f64>,
    /// Whether there is an intercept.
    pub centred: bool,
}

impl Frame {
    /// Looks at every n/256-th row.
    pub fn new<F: Float>(rows: &Rows<'_, F>, targets: &[f64], centred: bool) -> Frame {
        /// Rows that are looked at.
        const PILOTS: usize = 256;
        let (n, d) = (rows.n(), rows.d());
        let t = targets.len() / n;
        let (mut shift, mut spread) = (vec![0.0; d + t], vec![0.0_f64; d + t]);
        let sparse = matches!(rows, Rows::Csr(_));
        let pilots = n.min(PILOTS);
        let mut cells = vec![0.0; if sparse { 0 } else { d }];
        let mut each = |see: &mut dyn FnMut(usize, f64)| {
            for pilot in 0..pilots {
                let i = (pilot as u128 * n as u128 / pilots as u128) as usize;
                if !sparse {
                    rows.write_row(i, &mut cells);
                    cells.iter().enumerate().for_each(|(f, &x)| see(f, x));
                }
                targets[i * t..][..t].iter().enumerate().for_each(|(f, &y)| see(d + f, y));
            }
        };
        if centred {
            // Around the first row, so that the mean of equal values is exactly their value.
            let mut first = vec![f64::NAN; d + t];
            each(&mut |f, x| {
                if first[f].is_nan() {
                    first[f] = x;
                }
                shift[f] += (x - first[f]) / pilots as f64;
            });
            for (f, (shift, first)) in shift.iter_mut().zip(first).enumerate() {
                let middle = if first.is_nan() { 0.0 } else { *shift + first };
                // Exact in the rows' own type, so that the difference is, too.
                *shift = if f < d { F::from_f64(middle).to_f64() } else { middle };
                if !shift.is_finite() {
                    *shift = 0.0;
                }
            }
        }
        each(&mut |f, x| spread[f] = spread[f].max((x - shift[f]).abs()));
        if let Rows::Csr(x) = rows {
            for i in 0..n {
                let (columns, values) = x.row(i);
                columns.iter().zip(values).for_each(|(&f, x)| {
                    let f = f as usize;
                    spread[f] = spread[f].max(x.to_f64().abs());
                });
            }
        }
        Frame { scale: spread.into_iter().map(reciprocal_power).collect(), shift, centred }
    }
}

/// The power of two that brings `spread` near one, within what f32 holds; 1 for what has no size.
pub fn reciprocal_power(spread: f64) -> f64 {
    /// Of f64; blocks in f32 clamp it further by overflowing, after which they are multiplied in f64.
    const MOST: i64 = 1000;
    if !spread.is_normal() {
        return 1.0;
    }
    let exponent = ((spread.to_bits() >> 52) & 0x7FF) as i64 - 1023;
    f64::from_bits(((1023 - exponent.clamp(-MOST, MOST)) as u64) << 52)
}

/// Of n rows.
pub struct Normal {
    /// As given to [`Normal::new`].
    pub frame: Frame,
    /// Sum of the weights.
    pub weight: f64,
    /// (d + t,), of the framed columns and targets; zero where nothing is centred.
    pub means: Vec<f64>,
    /// (d, d), both halves, divided by `norms` on both sides: ones on the diagonal.
    pub gram: Vec<f64>,
    /// (t, d), divided by `norms`.
    pub cross: Vec<f64>,
    /// (d,), lengths of the framed, centred columns; 1 for those that are constant.
    pub norms: Vec<f64>,
    /// (d,)
    pub constant: Vec<bool>,
    /// Whether centring cancelled so many digits of a column that only the rows can tell.
    pub cancelled: bool,
}

impl Normal {
    /// Multiplies all out; `K` is what blocks of dense rows are multiplied in.
    pub fn new<F: Float, K: Float>(
        rows: &Rows<'_, F>,
        targets: &[f64],
        roots: Option<&[f64]>,
        frame: Frame,
        run: &Run<'_>,
    ) -> Result<Normal> {
        let (n, d) = (rows.n(), rows.d());
        let t = targets.len() / n;
        let columns = Columns { shift: &frame.shift, scale: &frame.scale, targets, roots, ones: frame.centred };
        let wide = columns.many();
        let products = match rows {
            Rows::Dense(x) => gram::products::<F, K>(x, &columns, Level::detect(), run)?,
            Rows::Csr(x) => csr_products(x, &columns, run)?,
        };
        if let Some(f) = (0..wide).find(|f| !products[f * wide + f].is_finite()) {
            return Err(blame(rows, f));
        }
        let weight = roots.map_or(n as f64, |roots| roots.iter().map(|root| root * root).sum());
        let mut means = vec![0.0; d + t];
        if frame.centred {
            means.iter_mut().enumerate().for_each(|(f, mean)| *mean = products[f * wide + wide - 1] / weight);
        }
        let centred = |f: usize, g: usize| products[f * wide + g] - means[f] * means[g] * weight;
        let (mut constant, mut cancelled) = (vec![false; d], false);
        let norms: Vec<f64> = (0..d)
            .map(|f| {
                let (raw, square) = (products[f * wide + f], centred(f, f));
                cancelled |= frame.centred && raw > 0.0 && square < 1e-6 * raw;
                constant[f] = raw == 0.0;
                if square > 0.0 { square.sqrt() } else { 1.0 }
            })
            .collect();
        let mut gram = vec![0.0; d * d];
        for f in 0..d {
            for g in f..d {
                let value = centred(f, g) / (norms[f] * norms[g]);
                gram[f * d + g] = value;
                gram[g * d + f] = value;
            }
        }
        let cross =
            (0..t).flat_map(|s| (0..d).map(move |f| (f, s))).map(|(f, s)| centred(f, d + s) / norms[f]).collect();
        Ok(Normal { frame, weight, means, gram, cross, norms, constant, cancelled })
    }

    /// Coefficients (d,) in the user's units from those of the unit columns.
    pub fn in_units(&self, unit: &[f64], target: usize) -> Vec<f64> {
        let d = self.norms.len();
        let scale = self.frame.scale[d + target];
        (0..d).map(|f| unit[f] / self.norms[f] * self.frame.scale[f] / scale).collect()
    }

    /// Mean of a column or target in the user's units.
    pub fn mean(&self, f: usize) -> f64 {
        self.frame.shift[f] + self.means[f] / self.frame.scale[f]
    }

    /// The intercept for coefficients (d,) of a target.
    pub fn intercept(&self, coef: &[f64], target: usize) -> f64 {
        if !self.frame.centred {
            return 0.0;
        }
        let d = self.norms.len();
        // What the means say beyond the shift, and then the shift: two sums, each of like sizes.
        let beyond = |f: usize| self.means[f] / self.frame.scale[f];
        let rest = beyond(d + target) - coef.iter().enumerate().map(|(f, b)| b * beyond(f)).sum::<f64>();
        rest + (self.frame.shift[d + target] - super::dot(coef, &self.frame.shift[..d]))
    }

    /// One step of refinement, of a fit with penalties `alphas` (t,), with residuals of the rows in f64: coefficients (t, d) and intercepts (t,) become better by
    /// about as much as the products were wrong. Returns the largest change relative to a target's coefficients, both as the unit
    /// columns have them.
    #[allow(clippy::too_many_arguments)] // the problem, and how it is solved
    pub fn refine<F: Float>(
        &self,
        rows: &Dense<'_, F>,
        targets: &[f64],
        weights: Option<&[f64]>,
        alphas: &[f64],
        solve: impl Fn(usize, &mut [f64]),
        (coef, intercept): (&mut [f64], &mut [f64]),
        run: &Run<'_>,
    ) -> Result<f64> {
        let d = self.norms.len();
        let gradients = predict::gradients(rows, targets, weights, coef, intercept, run)?;
        let mut most = 0.0_f64;
        for (s, gradient) in gradients.chunks_exact(d + 1).enumerate() {
            let scale = self.frame.scale[d + s];
            let (gradient, sum) = (&gradient[..d], gradient[d]);
            let mut step: Vec<f64> = (0..d)
                .map(|f| {
                    let offset = if self.frame.centred { self.mean(f) * sum } else { 0.0 };
                    let pull = gradient[f] - offset - alphas[s] * coef[s * d + f];
                    if self.constant[f] { 0.0 } else { pull * self.frame.scale[f] * scale / self.norms[f] }
                })
                .collect();
            solve(s, &mut step);
            let coef = &mut coef[s * d..][..d];
            let (mut change, mut size) = (0.0, 0.0);
            let step = self.in_units(&step, s);
            for f in 0..d {
                let unit = self.norms[f] / self.frame.scale[f];
                change += (step[f] * unit).powi(2);
                size += (coef[f] * unit).powi(2);
                coef[f] += step[f];
            }
            if self.frame.centred {
                intercept[s] += sum / self.weight - (0..d).map(|f| self.mean(f) * step[f]).sum::<f64>();
            }
            if change > 0.0 {
                most = most.max((change / size.max(f64::MIN_POSITIVE)).sqrt());
            }
        }
        Ok(most)
    }
}

/// The first cell that is not finite, or overflow in column f.
pub fn blame<F: Float>(rows: &Rows<'_, F>, f: usize) -> Error {
    for i in 0..rows.n() {
        if rows.cells(i..i + 1).iter().any(|x| !x.to_f64().is_finite()) {
            return rows.blame(i);
        }
    }
    Error::NonFinite { row: 0, column: f.min(rows.d() - 1), kind: NonFinite::Overflow }
}

/// As [`gram::products`], over the values that CSR rows store.
pub(super) fn csr_products<F: Float>(rows: &Csr<'_, F>, columns: &Columns<'_>, run: &Run<'_>) -> Result<Vec<f64>> {
    /// Rows between two looks for Ctrl-C.
    const CHECKED: usize = 512;
    /// Partial results in memory: more where they are small.
    const BYTES: usize = 1 << 26;
    let (n, d, wide) = (rows.n(), rows.d(), columns.many());
    let t = columns.shift.len() - d;
    let parts = (BYTES / (8 * wide * wide)).clamp(2, 16).min(n.div_ceil(64));
    let work = rows.stored() * (rows.stored() / n.max(1) + t + 1);
    let parts = run.map(run::ranges(n, n.div_ceil(parts)), work, |range, pulse| {
        let mut sums = vec![0.0; wide * wide];
        let (mut at, mut cells) = (Vec::new(), Vec::new());
        for i in range.clone() {
            if (i - range.start) % CHECKED == 0 {
                pulse.check()?;
            }
            let root = columns.roots.map_or(1.0, |roots| roots[i]);
            at.clear();
            cells.clear();
            let (stored, values) = rows.row(i);
            for (&f, x) in stored.iter().zip(values) {
                at.push(f as usize);
                cells.push(x.to_f64() * columns.scale[f as usize] * root);
            }
            for s in 0..t {
                at.push(d + s);
                cells.push((columns.targets[i * t + s] - columns.shift[d + s]) * columns.scale[d + s] * root);
            }
            if columns.ones {
                at.push(wide - 1);
                cells.push(root);
            }
            for (a, &z) in cells.iter().enumerate() {
                let sums = &mut sums[at[a] * wide..][..wide];
                at[a..].iter().zip(&cells[a..]).for_each(|(&g, other)| sums[g] += z * other);
            }
        }
        Ok(sums)
    })?;
    let mut total = vec![0.0; wide * wide];
    for part in parts {
        total.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    Ok(total)
}
