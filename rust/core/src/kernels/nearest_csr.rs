//! [`super::nearest`] for CSR rows: k x stored values of work, nothing densified but what stays undecided.
//!
//! Scores are ||c_j||^2 - 2 sum over stored cells of x_f c_jf in f64, with the bounds of `nearest` (the sum has at most as
//! many terms as the row has stored cells, but ||c_j||^2 has d). Centres lie transposed, (d, k), so that a cell adds to all
//! scores of a row at once.

use std::ops::Range;

use super::nearest::Codebook;
use super::simd::{Simd, Task};
use crate::error::Result;
use crate::float::Float;
use crate::rows::{Csr, Rows};
use crate::run::Pulse;

/// Rows between two looks at whether to stop.
const STRIP: usize = 64;

/// As [`super::nearest::assign_range`].
pub(super) fn assign_range<F: Float>(
    rows: &Csr<'_, F>,
    range: Range<usize>,
    codebook: &Codebook<F>,
    labels: &mut [i32],
    pulse: &Pulse<'_>,
) -> Result<usize> {
    let columns = codebook.columns();
    let d = codebook.d();
    let mut scores = vec![0.0; columns.k_padded];
    let mut dense = vec![0.0; d];
    let mut rescored = 0;
    for (label, i) in labels.iter_mut().zip(range) {
        if i % STRIP == 0 {
            pulse.check()?;
        }
        let (features, values) = rows.row(i);
        let near = codebook.level().run(Score { features, values, columns, scores: &mut scores });
        if let Some(j) = near.decided {
            *label = j as i32;
            continue;
        }
        rescored += 1;
        Rows::Csr(*rows).write_row(i, &mut dense);
        let mut nearest = (0, f64::INFINITY);
        for (j, center) in codebook.centers().chunks_exact(d).enumerate() {
            // A NaN compares false, so it is rescored.
            if scores[j] > near.limit {
                continue;
            }
            let distance = super::direct::distance(&dense, center);
            if distance < nearest.1 {
                nearest = (j, distance);
            }
        }
        super::nearest::check(nearest.1, || Rows::Csr(*rows).blame(i))?;
        *label = nearest.0 as i32;
    }
    Ok(rescored)
}

/// Centres (d, k), each row padded to whole vectors.
pub(super) struct Columns {
    values: Vec<f64>,
    k: usize,
    k_padded: usize,
    /// (1 - B) ||c_j||^2
    starts: Vec<f64>,
    norms: Vec<f64>,
    d: usize,
    finite: bool,
}

impl Columns {
    pub(super) fn new(centers: &[f64], d: usize) -> Columns {
        /// Lanes of the widest level.
        const LANES: usize = 8;
        /// Features whose columns stay in the cache while they are filled.
        const TOGETHER: usize = 128;
        let k = centers.len() / d;
        let k_padded = k.next_multiple_of(LANES);
        let mut values = vec![0.0; d * k_padded];
        let norms: Vec<f64> = centers.chunks_exact(d).map(|c| c.iter().map(|x| x * x).sum()).collect();
        for (b, block) in values.chunks_mut(TOGETHER * k_padded).enumerate() {
            for (j, center) in centers.chunks_exact(d).enumerate() {
                let features = block.iter_mut().skip(j).step_by(k_padded);
                features.zip(&center[b * TOGETHER..]).for_each(|(value, &c)| *value = c);
            }
        }
        let b = norm_error(d, d);
        let mut starts: Vec<f64> = norms.iter().map(|norm| norm * (1.0 - b)).collect();
        starts.resize(k_padded, f64::INFINITY);
        let finite = norms.iter().all(|&norm| norm < f64::NORM_LIMIT);
        Columns { values, k, k_padded, starts, norms, d, finite }
    }
}

/// B of `nearest` for a sum of `terms` products and a norm of d.
fn norm_error(terms: usize, d: usize) -> f64 {
    (terms as f64 + 2.0 * d as f64 + 16.0) * f64::UNIT_ROUNDOFF * 1.01
}

struct Near {
    decided: Option<usize>,
    /// Centres with higher scores are not the nearest.
    limit: f64,
}

/// Scores one row against all centres and decides it if the bound allows.
struct Score<'a, F> {
    features: &'a [i32],
    values: &'a [F],
    columns: &'a Columns,
    scores: &'a mut [f64],
}

impl<F: Float> Task<f64> for Score<'_, F> {
    type Out = Near;

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) -> Near {
        let Score { features, values, columns, scores } = self;
        scores.copy_from_slice(&columns.starts);
        let mut norm = 0.0;
        for (&f, value) in features.iter().zip(values) {
            let x = value.to_f64();
            norm += x * x;
            let column = &columns.values[f as usize * columns.k_padded..][..columns.k_padded];
            let scale = simd.splat(-2.0 * x);
            for (scores, column) in scores.chunks_exact_mut(S::LANES).zip(column.chunks_exact(S::LANES)) {
                simd.store(simd.fma(scale, simd.load(column), simd.load(scores)), scores);
            }
        }
        let mut best = (0, f64::INFINITY);
        let mut second = f64::INFINITY;
        for (j, &score) in scores[..columns.k].iter().enumerate() {
            if score < best.1 {
                second = best.1;
                best = (j, score);
            } else if score < second {
                second = score;
            }
        }
        let terms = features.len();
        let definition = 4.04 * (columns.d as f64 + 3.0) * f64::UNIT_ROUNDOFF;
        let a = (terms as f64 + 6.0) * f64::UNIT_ROUNDOFF * 1.01;
        let b = norm_error(columns.d, columns.d);
        let floor = 2.0 * (columns.d as f64 + 8.0) * f64::MIN_NORMAL;
        let bound = (2.0 * a + definition) * norm + (2.0 * b + definition) * columns.norms[best.0] + floor;
        let usable = columns.finite && norm < f64::NORM_LIMIT;
        let limit = if usable { best.1 + bound } else { f64::INFINITY };
        Near { decided: (usable && second - best.1 > bound).then_some(best.0), limit }
    }
}
