//! Spherical k-means: rows and centres as unit vectors, by cosine.
//!
//! Dhillon and Modha (2001), "Concept decompositions for large sparse text data using clustering". For unit vectors
//! ||u - c||^2 = 2 (1 - cos), so the centre at the smallest distance is the one at the largest cosine, and of all unit vectors the
//! one towards a cluster's mean is best for it: [`super::lloyd`] with centres on the sphere, over rows that are unit vectors.
//!
//! A row is divided by its norm in f64 and rounded once to its type; one that is a unit vector already, but for rounding, stays as
//! it is. A row of zeros has no direction: it weighs nothing, is at distance 1 from every centre, and its label is 0.

use std::ops::Range;

use super::distances::{self, allocate};
use super::inertia;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::codebook::{self, Codebook};
use crate::kernels::nearest;
use crate::kernels::simd::{Level, Simd, Task};
use crate::rows::Rows;
use crate::run::{self, Run};

/// Divides by the norm; false where there is no direction to keep.
pub fn project(vector: &mut [f64]) -> bool {
    let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    if !(norm >= f64::MIN_POSITIVE.sqrt() && norm < f64::INFINITY) {
        return false;
    }
    vector.iter_mut().for_each(|x| *x /= norm);
    true
}

/// Rows as unit vectors.
pub struct Units<F> {
    /// In the places of [`Rows::cells`]; None where all rows are unit vectors, or zero, as they are.
    pub cells: Option<Vec<F>>,
    /// Rows of zeros.
    pub zeros: Vec<usize>,
}

/// Divides every row by its norm.
pub fn units<F: Float>(rows: &Rows<'_, F>, run: &Run<'_>) -> Result<Units<F>> {
    let (n, level) = (rows.n(), Level::detect());
    let per_row = 4 * (rows.size() / n.max(1) + 1);
    let work = n.saturating_mul(per_row);
    let ranges = run::ranges(n, run::rows_per_task(n, per_row));
    // Where a copy is needed, the first row usually shows it.
    let looked = run.map(ranges.clone(), work, |range, pulse| {
        pulse.check()?;
        level.run(Normalize { rows, range, to: None })
    })?;
    if looked.iter().all(|part| !part.changed) {
        return Ok(Units { cells: None, zeros: looked.into_iter().flat_map(|part| part.zeros).collect() });
    }
    let mut cells = allocate(rows.size())?;
    let mut rest = &mut cells[..];
    let mut tasks = Vec::with_capacity(ranges.len());
    for range in ranges {
        let (part, behind) = std::mem::take(&mut rest).split_at_mut(rows.cells(range.clone()).len());
        rest = behind;
        tasks.push((range, part));
    }
    let parts = run.map(tasks, work, |(range, to): (Range<usize>, &mut [F]), pulse| {
        pulse.check()?;
        level.run(Normalize { rows, range, to: Some(to) })
    })?;
    Ok(Units { cells: Some(cells), zeros: parts.into_iter().flat_map(|part| part.zeros).collect() })
}

/// Writes the cells of unit vectors, or only looks, up to the first row that is none.
struct Normalize<'a, F> {
    rows: &'a Rows<'a, F>,
    range: Range<usize>,
    to: Option<&'a mut [F]>,
}

struct Normalized {
    zeros: Vec<usize>,
    /// Whether any row was not a unit vector.
    changed: bool,
}

impl<F: Float> Task<F> for Normalize<'_, F> {
    type Out = Result<Normalized>;

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Self::Out {
        let Normalize { rows, range, to } = self;
        let looking = to.is_none();
        let mut rest = to.unwrap_or_default();
        let mut done = Normalized { zeros: Vec::new(), changed: false };
        for i in range {
            let cells = rows.cells(i..i + 1);
            let (out, behind) = std::mem::take(&mut rest).split_at_mut(if looking { 0 } else { cells.len() });
            rest = behind;
            let mut scale = 1.0;
            let mut norm = norm(cells, scale);
            if !SAFE.contains(&norm) {
                // Squares of tiny values vanish, and of large ones overflow: divided by the largest first.
                scale = cells.iter().fold(0.0, |most: f64, x| most.max(x.to_f64().abs()));
                if cells.iter().any(|x| !x.to_f64().is_finite()) {
                    return Err(rows.blame(i));
                }
                if scale == 0.0 {
                    out.fill(F::default());
                    done.zeros.push(i);
                    continue;
                }
                norm = self::norm(cells, scale);
            }
            let rounding = (4.0 * F::UNIT_ROUNDOFF).max((cells.len() + 16) as f64 * f64::UNIT_ROUNDOFF);
            let unit = scale == 1.0 && (norm - 1.0).abs() <= rounding;
            done.changed |= !unit;
            if looking {
                if done.changed {
                    break;
                }
            } else if unit {
                out.copy_from_slice(cells);
            } else {
                out.iter_mut().zip(cells).for_each(|(out, x)| *out = F::from_f64(x.to_f64() / scale / norm));
            }
        }
        Ok(done)
    }
}

/// Norms whose squares are far from both ends of f64.
const SAFE: std::ops::Range<f64> = 1e-100..1e100;

/// ||x / scale||, added up in chains that do not wait for each other.
#[inline(always)]
fn norm<F: Float>(cells: &[F], scale: f64) -> f64 {
    const CHAINS: usize = 8;
    let mut sums = [0.0; CHAINS];
    let whole = cells.chunks_exact(CHAINS);
    let rest = whole.remainder().iter().fold(0.0, |sum, x| sum + (x.to_f64() / scale) * (x.to_f64() / scale));
    for cells in whole {
        for (sum, x) in sums.iter_mut().zip(cells) {
            let x = x.to_f64() / scale;
            *sum += x * x;
        }
    }
    sums.into_iter().fold(rest, |total, sum| total + sum).sqrt()
}

/// Calls `each(range, unit rows, which of them are zero)` for consecutive ranges of rows, a few unit vectors in memory at a time.
fn in_parts<F: Float, I: Send, T: Send>(
    rows: &Rows<'_, F>,
    out: impl FnOnce(&[Range<usize>]) -> Vec<I>,
    k: usize,
    run: &Run<'_>,
    each: impl Fn(I, &Rows<'_, F>, Range<usize>, &[usize], &Run<'_>) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let (n, level) = (rows.n(), Level::detect());
    let work = (rows.size() / n.max(1) + 2) * (k + 4);
    let ranges = run::ranges(n, run::rows_per_task(n, work));
    let out = out(&ranges);
    let tasks: Vec<_> = ranges.into_iter().zip(out).collect();
    run.map_with(tasks, n.saturating_mul(work), |scratch: &mut (Vec<F>, Vec<i64>), (range, out), pulse| {
        let (cells, starts) = scratch;
        cells.resize(rows.cells(range.clone()).len(), F::default());
        let done = level.run(Normalize { rows, range: range.clone(), to: Some(&mut cells[..]) })?;
        let zeros: Vec<usize> = done.zeros.iter().map(|i| i - range.start).collect();
        let units = rows.with_cells(range.clone(), cells, starts)?;
        each(out, &units, range, &zeros, &Run::new(1, pulse))
    })
}

/// Chunks of `values`, `k` to a row, as long as the ranges.
fn chunks<'a, T>(mut values: &'a mut [T], k: usize, ranges: &[Range<usize>]) -> Vec<&'a mut [T]> {
    let cut = |range: &Range<usize>| values.split_off_mut(..range.len() * k).expect("a value for each row");
    ranges.iter().map(cut).collect()
}

/// For each row the centre (unit vectors, (k, d)) at the largest cosine.
pub fn labels<F: Float>(rows: &Rows<'_, F>, centers: &[f64], run: &Run<'_>) -> Result<Vec<i32>> {
    let k = centers.len() / rows.d();
    codebook::check_k(k)?;
    let codebook = Codebook::around_mean(centers.to_vec(), k, rows.d(), Level::detect());
    let mut labels = vec![0; rows.n()];
    in_parts(
        rows,
        |ranges| chunks(&mut labels, 1, ranges),
        k,
        run,
        |labels, units, _, zeros, run| {
            nearest::assign(units, &codebook, labels, None, run)?;
            zeros.iter().for_each(|&i| labels[i] = 0);
            Ok(())
        },
    )?;
    Ok(labels)
}

/// 1 - cos (n, k) of rows and centres (unit vectors, (k, d)), rounded once to the data's type: half of the squared distance, so
/// that nearly parallel vectors keep their digits.
pub fn cosine_distances<F: Float>(rows: &Rows<'_, F>, centers: &[f64], run: &Run<'_>) -> Result<Vec<F>> {
    let k = centers.len() / rows.d();
    let mut out = allocate(rows.n().saturating_mul(k))?;
    in_parts(
        rows,
        |ranges| chunks(&mut out, k, ranges),
        k,
        run,
        |out, units, _, zeros, run| {
            distances::squared(units, centers, out, |square| 0.5 * square, run)?;
            zeros.iter().for_each(|&i| out[i * k..][..k].fill(F::from_f64(1.0)));
            Ok(())
        },
    )?;
    Ok(out)
}

/// Sum over rows, those of zeros apart, of w (1 - cos) to the nearest of the centres (unit vectors, (k, d)).
pub fn loss<F: Float>(rows: &Rows<'_, F>, weights: Option<&[f64]>, centers: &[f64], run: &Run<'_>) -> Result<f64> {
    let (k, level) = (centers.len() / rows.d(), Level::detect());
    codebook::check_k(k)?;
    let codebook = Codebook::around_mean(centers.to_vec(), k, rows.d(), level);
    let nothing = |ranges: &[Range<usize>]| vec![(); ranges.len()];
    let parts = in_parts(rows, nothing, k, run, |(), units, range, zeros, run| {
        let mut labels = vec![0; units.n()];
        nearest::assign(units, &codebook, &mut labels, None, run)?;
        let mut weights = weights.map_or_else(|| vec![1.0; labels.len()], |w| w[range].to_vec());
        zeros.iter().for_each(|&i| weights[i] = 0.0);
        inertia::inertia(units, Some(&weights), centers, &labels, level, run)
    })?;
    Ok(0.5 * parts.into_iter().sum::<f64>())
}
