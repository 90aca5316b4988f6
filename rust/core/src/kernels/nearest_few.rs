//! The nearest centre of a few rows: the centres are read once for each row, where they lie, and nothing is prepared.
//!
//! All centres are held against the row by sums of squared differences that are added up in the fastest order
//! ([`squared_distance`]). Only centres that rounding could have put behind the first are held against it by the
//! definition (see [`super::nearest`]).
//!
//! Let A(c) be such a sum, computed with at most g relative error, and D(c) the definition's, with h. If A is smallest at m
//! and D at c, then D(c) <= D(m) and A(c) <= (1 + g) / (1 - g) * (1 + h) / (1 - h) * A(m), and while g + h is below 1/4
//! A(c) <= (1 + 4 (g + h)) A(m): twice what small g and h need, which pays for the roundings of that limit. What underflow can
//! add is far less than d times the smallest normal number. Where A(c) overflows, the limit does, because it is rounded to
//! the same type; and a centre within a finite limit has a finite D.

use std::ops::{Range, RangeInclusive};

use super::direct::{distance, squared_distance};
use super::simd::{Level, Simd, Task};
use crate::error::Result;
use crate::float::Float;
use crate::rows::{Dense, Rows};
use crate::run::Pulse;

/// Up to this many rows, packing the centres for a filter costs more than reading them anew for each row. With 8 features and
/// 4096 centres they are even at 6 rows, with 16 and 64 at 14, with 768 and 1024 beyond 32.
pub const FEW_ROWS: usize = 6;

/// Features for which f32 rows and centres are compared in f32: with fewer, adding up the chains takes longest; with more,
/// rounding could put many centres in doubt.
const IN_F32: RangeInclusive<usize> = 64..=16_384;

/// Labels the rows of `range` by `centers` (k, d) of either type.
pub fn assign_few<F: Float, C: Float>(
    rows: &Dense<'_, F>,
    range: Range<usize>,
    centers: &[C],
    labels: &mut [i32],
    level: Level,
    pulse: &Pulse<'_>,
) -> Result<()> {
    for (label, i) in labels.iter_mut().zip(range) {
        pulse.check()?;
        let nearest = level.run(Nearest { row: rows.row(i), centers });
        *label = nearest.ok_or_else(|| Rows::Dense(*rows).blame(i))? as i32;
    }
    Ok(())
}

/// The nearest of `centers` (k, d) to `row`; None where no D is finite.
struct Nearest<'a, F, C> {
    row: &'a [F],
    centers: &'a [C],
}

impl<F: Float, C: Float> Task<f64> for Nearest<'_, F, C> {
    type Out = Option<usize>;

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Option<usize> {
        let all_f32 = F::UNIT_ROUNDOFF.min(C::UNIT_ROUNDOFF) > f64::UNIT_ROUNDOFF;
        if all_f32 && IN_F32.contains(&self.row.len()) { self.find::<f32, 16>() } else { self.find::<f64, 8>() }
    }
}

impl<F: Float, C: Float> Nearest<'_, F, C> {
    #[inline(always)]
    fn find<A: Float, const CHAINS: usize>(self) -> Option<usize> {
        let Nearest { row, centers } = self;
        let d = row.len();
        let mut sums = vec![A::INFINITY; centers.len() / d];
        let mut smallest = A::INFINITY;
        for (sum, center) in sums.iter_mut().zip(centers.chunks_exact(d)) {
            *sum = squared_distance::<A, CHAINS>(row, center);
            smallest = if *sum < smallest { *sum } else { smallest };
        }
        let g = (d / CHAINS + CHAINS + 4) as f64 * A::UNIT_ROUNDOFF;
        let h = (d + 2) as f64 * f64::UNIT_ROUNDOFF;
        let limit = A::from_f64(smallest.to_f64() * (1.0 + 4.0 * (g + h)) + d as f64 * A::MIN_NORMAL);
        let candidates: Vec<usize> = (0..sums.len()).filter(|&j| sums[j] <= limit).collect();
        if let [only] = candidates[..]
            && limit < A::INFINITY
        {
            return Some(only);
        }
        let mut nearest = (None, f64::INFINITY);
        for j in candidates {
            let distance = distance(row, &centers[j * d..][..d]);
            if distance < nearest.1 {
                nearest = (Some(j), distance);
            }
        }
        nearest.0
    }
}
