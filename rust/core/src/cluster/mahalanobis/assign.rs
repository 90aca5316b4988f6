//! Rows to the cluster at which they cost least.
//!
//! With one covariance for all, rows are whitened a strip at a time and `nearest` labels them; its definition of a label, on the
//! whitened rows, is the definition here. With one for each cluster, the differences from each centre are whitened by its
//! own factor: `y_f = sum of (x_g - c_g) P_gf`, g in order up to f, and d^2 is the sum of their squares.

use std::ops::Range;

use super::covariance::Factor;
use crate::cluster::distances::allocate;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::codebook::{self, Codebook};
use crate::kernels::direct::squared_distance;
use crate::kernels::nearest;
use crate::kernels::simd::{Level, Simd, Task};
use crate::rows::{Dense, Rows};
use crate::run::{self, Pulse, Run};

/// Centres and covariances, prepared.
pub struct Shape {
    /// (k, d)
    centers: Vec<f64>,
    /// One, or k.
    factors: Vec<Factor>,
    /// As many.
    penalties: Vec<f64>,
    /// What a squared distance counts: 1 - a.
    share: f64,
    /// The centres whitened by the only factor.
    codebook: Option<Codebook<f64>>,
    /// Rows are whitened around this point (d,).
    origin: Vec<f64>,
    level: Level,
}

impl Shape {
    /// `centers` (k, d), one factor or k, and what each adds for a row.
    pub fn new(centers: Vec<f64>, factors: &[Factor], penalties: Vec<f64>, share: f64, level: Level) -> Shape {
        let d = factors[0].precision.len().isqrt();
        let k = centers.len() / d;
        let mut origin = vec![0.0; d];
        for center in centers.chunks_exact(d) {
            origin.iter_mut().zip(center).for_each(|(o, c)| *o += c / k as f64);
        }
        let codebook = (factors.len() == 1).then(|| {
            let mut whitened = vec![0.0; k * d];
            level.run(Whiten { values: &centers, center: &origin, factor: &factors[0], out: &mut whitened });
            Codebook::around_mean(whitened, k, d, level)
        });
        Shape { centers, factors: factors.to_vec(), penalties, share, codebook, origin, level }
    }

    fn k(&self) -> usize {
        self.centers.len() / self.origin.len()
    }
}

/// Rows that are whitened at a time.
const STRIP: usize = 256;

#[derive(Default)]
struct Scratch {
    whitened: Vec<f64>,
    scanning: nearest::Scratch<f64>,
}

/// Labels every row and writes what it costs; returns how many rows with weight changed their label, and the sum of w times cost.
pub fn assign<F: Float>(
    rows: &Dense<'_, F>,
    weights: Option<&[f64]>,
    shape: &Shape,
    labels: &mut [i32],
    costs: &mut [f64],
    run: &Run<'_>,
) -> Result<(usize, f64)> {
    let (n, d, k) = (rows.n(), rows.d(), shape.k());
    codebook::check_k(k)?;
    let work = if shape.codebook.is_some() { d * (k + d) } else { k * d * (d + 2) };
    let length = run::rows_per_task(n, work);
    let tasks = run::ranges(n, length).into_iter().zip(labels.chunks_mut(length)).zip(costs.chunks_mut(length));
    let parts = run.map_with(tasks.collect(), n.saturating_mul(work), |scratch, ((range, labels), costs), pulse| {
        let (mut moved, mut total) = (0, 0.0);
        for strip in run::ranges(range.len(), STRIP) {
            pulse.check()?;
            let from = range.start + strip.start;
            let (labels, costs) = (&mut labels[strip.clone()], &mut costs[strip]);
            let before = labels.to_vec();
            label_strip(rows, from, shape, labels, costs, scratch, pulse)?;
            for (r, (&now, before)) in labels.iter().zip(before).enumerate() {
                let w = weights.map_or(1.0, |w| w[from + r]);
                moved += usize::from(now != before && w > 0.0);
                total += w * costs[r];
            }
        }
        Ok((moved, total))
    })?;
    Ok(parts.into_iter().fold((0, 0.0), |all, part| (all.0 + part.0, all.1 + part.1)))
}

fn label_strip<F: Float>(
    rows: &Dense<'_, F>,
    from: usize,
    shape: &Shape,
    labels: &mut [i32],
    costs: &mut [f64],
    scratch: &mut Scratch,
    pulse: &Pulse<'_>,
) -> Result<()> {
    let d = rows.d();
    let values = rows.span(from, from + labels.len());
    let Scratch { whitened, scanning } = scratch;
    whitened.resize(values.len(), 0.0);
    if let Some(codebook) = &shape.codebook {
        let factor = &shape.factors[0];
        shape.level.run(Whiten { values, center: &shape.origin, factor, out: whitened });
        let local = Rows::Dense(Dense::new(&whitened[..], labels.len(), d)?);
        nearest::assign_range(&local, 0..labels.len(), codebook, labels, None, scanning, pulse).map_err(|error| {
            match error {
                Error::NonFinite { row, .. } => Rows::Dense(*rows).blame(from + row),
                other => other,
            }
        })?;
        for ((cost, row), &label) in costs.iter_mut().zip(whitened.chunks_exact(d)).zip(labels.iter()) {
            let center = &codebook.centers()[label as usize * d..][..d];
            *cost = shape.share * squared_distance::<f64, 8>(row, center) + shape.penalties[0];
        }
        return Ok(());
    }
    costs.fill(f64::INFINITY);
    for (j, center) in shape.centers.chunks_exact(d).enumerate() {
        shape.level.run(Whiten { values, center, factor: &shape.factors[j], out: whitened });
        for ((cost, row), label) in costs.iter_mut().zip(whitened.chunks_exact(d)).zip(labels.iter_mut()) {
            let here = shape.share * square(row) + shape.penalties[j];
            if here < *cost {
                (*cost, *label) = (here, j as i32);
            }
        }
    }
    costs.iter().position(|cost| !cost.is_finite()).map_or(Ok(()), |r| Err(Rows::Dense(*rows).blame(from + r)))
}

fn square(row: &[f64]) -> f64 {
    row.iter().map(|y| y * y).sum()
}

/// Labels of `rows`, and the sum of w times cost, for centres (k, d), factors (1 or k) and what each adds for a row.
pub fn label<F: Float>(
    rows: &Dense<'_, F>,
    weights: Option<&[f64]>,
    centers: Vec<f64>,
    factors: &[Factor],
    penalties: Vec<f64>,
    share: f64,
    run: &Run<'_>,
) -> Result<(Vec<i32>, f64)> {
    let shape = Shape::new(centers, factors, penalties, share, Level::detect());
    let (mut labels, mut costs) = (vec![-1; rows.n()], vec![0.0; rows.n()]);
    let (_, total) = assign(rows, weights, &shape, &mut labels, &mut costs, run)?;
    Ok((labels, total))
}

/// Mahalanobis distances (n, k) of rows from centres (k, d), rounded once to the data's type.
pub fn distances<F: Float>(rows: &Dense<'_, F>, centers: &[f64], factors: &[Factor], run: &Run<'_>) -> Result<Vec<F>> {
    let (n, d, level) = (rows.n(), rows.d(), Level::detect());
    let k = centers.len() / d;
    let mut out = allocate(n.saturating_mul(k))?;
    let work = k * d * (d + 2);
    let length = run::rows_per_task(n, work);
    let tasks: Vec<_> = run::ranges(n, length).into_iter().zip(out.chunks_mut(length * k)).collect();
    run.map_with(
        tasks,
        n.saturating_mul(work),
        |whitened: &mut Vec<f64>, (range, out): (Range<usize>, &mut [F]), pulse| {
            for (strip, out) in run::ranges(range.len(), STRIP).into_iter().zip(out.chunks_mut(STRIP * k)) {
                pulse.check()?;
                let from = range.start + strip.start;
                let values = rows.span(from, from + strip.len());
                whitened.resize(values.len(), 0.0);
                for (j, center) in centers.chunks_exact(d).enumerate() {
                    level.run(Whiten { values, center, factor: &factors[j % factors.len()], out: whitened });
                    for (r, (row, out)) in whitened.chunks_exact(d).zip(out.chunks_exact_mut(k)).enumerate() {
                        let square = square(row);
                        if !square.is_finite() {
                            return Err(Rows::Dense(*rows).blame(from + r));
                        }
                        out[j] = F::from_f64(square.sqrt());
                    }
                }
            }
            Ok(())
        },
    )?;
    Ok(out)
}

/// All rows (n, d), whitened around a point.
pub(super) fn whitened<F: Float>(
    rows: &Dense<'_, F>,
    center: &[f64],
    factor: &Factor,
    level: Level,
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    let (n, d) = (rows.n(), rows.d());
    let mut out = allocate(n.saturating_mul(d))?;
    let length = run::rows_per_task(n, d * d);
    let tasks: Vec<_> = run::ranges(n, length).into_iter().zip(out.chunks_mut(length * d)).collect();
    run.map(tasks, n.saturating_mul(d * d), |(range, out): (Range<usize>, &mut [f64]), pulse| {
        pulse.check()?;
        level.run(Whiten { values: rows.span(range.start, range.end), center, factor, out });
        Ok(())
    })?;
    Ok(out)
}

/// (x - c) P for rows (n, d).
struct Whiten<'a, F> {
    values: &'a [F],
    center: &'a [f64],
    factor: &'a Factor,
    out: &'a mut [f64],
}

impl<F: Float> Task<F> for Whiten<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, _: S) {
        let Whiten { values, center, factor, out } = self;
        let d = center.len();
        for (row, out) in values.chunks_exact(d).zip(out.chunks_exact_mut(d)) {
            out.fill(0.0);
            for (g, (x, c)) in row.iter().zip(center).enumerate() {
                let difference = x.to_f64() - c;
                let factors = &factor.precision[g * d..][g..d];
                out[g..].iter_mut().zip(factors).for_each(|(y, p)| *y += difference * p);
            }
        }
    }
}
