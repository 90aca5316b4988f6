//! Distances between rows, by several measures.

use std::ops::Range;

use super::distances::allocate;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::direct::{Distances, Panel};
use crate::kernels::manhattan::{Manhattan, by_feature};
use crate::kernels::simd::Level;
use crate::rows::{Dense, Rows};
use crate::run::{self, Run};

/// How far apart two rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// ||x - y||
    Euclidean,
    /// ||x - y||^2
    SquaredEuclidean,
    /// Sum of |x_f - y_f|
    Manhattan,
    /// 1 - x.y / (||x|| ||y||), and 1 where either is zero
    Cosine,
}

impl Metric {
    /// By scikit-learn's name.
    pub fn named(name: &str) -> Option<Metric> {
        match name {
            "euclidean" => Some(Metric::Euclidean),
            "sqeuclidean" => Some(Metric::SquaredEuclidean),
            "manhattan" => Some(Metric::Manhattan),
            "cosine" => Some(Metric::Cosine),
            _ => None,
        }
    }
}

/// The points, packed for the kernel of a metric.
enum Packed {
    Panel(Panel),
    ByFeature { features: Vec<f64>, stride: usize },
}

/// Distances (n, k) of `rows` from `points`: computed by direct differences in f64, rounded once to the rows' type.
///
/// Cosine distances are half of the squared distances of the unit vectors, so that those of nearly parallel rows keep their
/// digits.
pub fn pairwise<F: Float>(rows: &Dense<'_, F>, points: &Dense<'_, F>, metric: Metric, run: &Run<'_>) -> Result<Vec<F>> {
    let (n, k, d) = (rows.n(), points.n(), rows.d());
    let level = Level::detect();
    let mut values = vec![0.0; k * d];
    let zero_points = read(points, 0..k, metric, &mut values);
    let packed = match metric {
        Metric::Manhattan => {
            let (features, stride) = by_feature(&values, d);
            Packed::ByFeature { features, stride }
        }
        _ => Packed::Panel(Panel::new(&values, d, level)),
    };
    drop(values);
    let mut out = allocate(n.saturating_mul(k))?;
    let length = run::rows_per_task(n, 4 * k * d);
    let tasks: Vec<_> = run::ranges(n, length).into_iter().zip(out.chunks_mut(length * k)).collect();
    run.map(tasks, n.saturating_mul(4 * k * d), |(range, out): (Range<usize>, &mut [F]), pulse| {
        /// Rows at a time.
        const STRIP: usize = 8;
        let (mut values, mut distances) = (vec![0.0; STRIP * d], vec![0.0; STRIP * k]);
        for (strip, out) in run::ranges(range.len(), STRIP).into_iter().zip(out.chunks_mut(STRIP * k)) {
            pulse.check()?;
            let (first, m) = (range.start + strip.start, strip.len());
            let (values, distances) = (&mut values[..m * d], &mut distances[..m * k]);
            let zero_rows = read(rows, first..first + m, metric, values);
            match &packed {
                Packed::Panel(panel) => level.run(Distances { rows: values, panel, out: distances }),
                Packed::ByFeature { features, stride } => {
                    level.run(Manhattan { rows: values, features, stride: *stride, out: distances, k });
                }
            }
            match metric {
                Metric::Euclidean => distances.iter_mut().for_each(|distance| *distance = distance.sqrt()),
                Metric::Cosine => {
                    distances.iter_mut().for_each(|distance| *distance = (0.5 * *distance).min(2.0));
                    zero_rows.iter().for_each(|i| distances[i * k..][..k].fill(1.0));
                    zero_points.iter().for_each(|j| (0..m).for_each(|i| distances[i * k + j] = 1.0));
                }
                Metric::SquaredEuclidean | Metric::Manhattan => {}
            }
            for (at, (out, &distance)) in out.iter_mut().zip(distances.iter()).enumerate() {
                *out = F::from_f64(distance);
                if !out.to_f64().is_finite() {
                    return Err(blame(rows, first + at / k, points, at % k));
                }
            }
        }
        Ok(())
    })?;
    Ok(out)
}

/// Whichever of two rows is unusable, or has the larger values.
#[cold]
fn blame<F: Float>(rows: &Dense<'_, F>, i: usize, points: &Dense<'_, F>, j: usize) -> crate::error::Error {
    let finite = |row: &[F]| row.iter().all(|value| value.to_f64().is_finite());
    let largest = |row: &[F]| row.iter().fold(0.0, |most: f64, value| most.max(value.to_f64().abs()));
    let point_is_worse = finite(rows.row(i)) && largest(points.row(j)) > largest(rows.row(i));
    if point_is_worse || finite(rows.row(i)) && !finite(points.row(j)) {
        Rows::Dense(*points).blame(j)
    } else {
        Rows::Dense(*rows).blame(i)
    }
}

/// Writes rows `range` in f64, as unit vectors if the metric is cosine; returns those, counted from the first, that are zero
/// and the metric is cosine.
fn read<F: Float>(rows: &Dense<'_, F>, range: Range<usize>, metric: Metric, to: &mut [f64]) -> Vec<usize> {
    to.iter_mut().zip(rows.span(range.start, range.end)).for_each(|(to, value)| *to = value.to_f64());
    let mut zeros = Vec::new();
    if metric == Metric::Cosine {
        for (i, row) in to.chunks_exact_mut(rows.d()).enumerate() {
            // Divided by the largest value first: squares of tiny ones would vanish.
            let largest = row.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
            if largest == 0.0 {
                zeros.push(i);
                continue;
            }
            row.iter_mut().for_each(|value| *value /= largest);
            let norm = row.iter().map(|value| value * value).sum::<f64>().sqrt();
            row.iter_mut().for_each(|value| *value /= norm);
        }
    }
    zeros
}
