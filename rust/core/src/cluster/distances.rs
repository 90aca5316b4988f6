//! Distances of all rows to all centres.

use std::ops::Range;

use super::inertia::{distance, norms};
use crate::error::Result;
use crate::float::Float;
use crate::kernels::direct::{Distances, Panel};
use crate::kernels::simd::Level;
use crate::memory;
use crate::rows::Rows;
use crate::run::{self, Run};

/// Euclidean distances (n, k): the root of the f64 direct difference, rounded once to the data's type.
pub fn euclidean<F: Float>(rows: &Rows<'_, F>, centers: &[f64], run: &Run<'_>) -> Result<Vec<F>> {
    let mut out = allocate(rows.n().saturating_mul(centers.len() / rows.d()))?;
    squared(rows, centers, &mut out, f64::sqrt, run)?;
    Ok(out)
}

/// Writes to `out` (n, k) what `of` makes of the squared distances, which are f64 direct differences.
pub(super) fn squared<F: Float>(
    rows: &Rows<'_, F>,
    centers: &[f64],
    out: &mut [F],
    of: impl Fn(f64) -> f64 + Sync,
    run: &Run<'_>,
) -> Result<()> {
    let (n, d) = (rows.n(), rows.d());
    let k = centers.len() / d;
    let level = Level::detect();
    let panel = match rows {
        Rows::Dense(_) => Some(Panel::new(centers, d, level)),
        Rows::Csr(_) => None,
    };
    let norms = norms(centers, d);
    let work = (rows.size() / n.max(1) + 1) * 4 * k;
    let length = run::rows_per_task(n, work);
    let tasks: Vec<_> = run::ranges(n, length).into_iter().zip(out.chunks_mut(length * k)).collect();
    run.map(tasks, n.saturating_mul(work), |(range, out): (Range<usize>, &mut [F]), pulse| {
        /// Rows converted to f64 at a time.
        const STRIP: usize = 64;
        let mut values = vec![0.0; STRIP * d];
        let mut squares = vec![0.0; STRIP * k];
        for (strip, out) in run::ranges(range.len(), STRIP).into_iter().zip(out.chunks_mut(STRIP * k)) {
            pulse.check()?;
            let (first, m) = (range.start + strip.start, strip.len());
            let squares = &mut squares[..m * k];
            if let Some(panel) = &panel {
                values.chunks_exact_mut(d).zip(strip).for_each(|(row, i)| rows.write_row(range.start + i, row));
                level.run(Distances { rows: &values[..m * d], panel, out: squares });
            } else {
                for (i, squares) in squares.chunks_exact_mut(k).enumerate() {
                    for ((square, center), norm) in squares.iter_mut().zip(centers.chunks_exact(d)).zip(&norms) {
                        *square = distance(rows, first + i, center, *norm);
                    }
                }
            }
            if let Some(at) = squares.iter().position(|square| !square.is_finite()) {
                return Err(rows.blame(first + at / k));
            }
            out.iter_mut().zip(squares).for_each(|(out, square)| *out = F::from_f64(of(*square)));
        }
        Ok(())
    })?;
    Ok(())
}

/// Zeros, or an error where the machine cannot hold them.
pub(super) fn allocate<F: Float>(n: usize) -> Result<Vec<F>> {
    memory::zeros("the matrix of distances", n)
}
