//! Means and sums of squares of the columns, in one pass.

use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::simd::{Level, Simd, Task};
use crate::rows::{Dense, Rows};
use crate::run::{self, Run};

/// What a fit needs to know of the data before it starts.
pub struct Moments {
    /// The point that filters and sums are shifted by: the weighted means, rounded to a fraction of the spread; zero for
    /// CSR.
    pub shift: Vec<f64>,
    /// The mean over the columns of their weighted variances, which `tol` is relative to.
    pub variance: f64,
    /// Sum over rows of w ||x - shift||^2.
    pub total: f64,
}

/// Weight, means and sums of squared deviations from the means, of some rows.
struct Part {
    weight: f64,
    means: Vec<f64>,
    squares: Vec<f64>,
}

impl Part {
    /// Chan, Golub and LeVeque (1979): the parts' deviations plus those of their means.
    fn merge(mut self, other: &Part) -> Part {
        let weight = self.weight + other.weight;
        if other.weight == 0.0 && other.means.iter().all(|mean| mean.is_finite()) {
            return self;
        }
        let share = other.weight / weight;
        let columns = self.means.iter_mut().zip(&mut self.squares).zip(other.means.iter().zip(&other.squares));
        for ((mean, squares), (other_mean, other_squares)) in columns {
            let step = other_mean - *mean;
            *squares += other_squares + step * step * self.weight * share;
            *mean += step * share;
        }
        self.weight = weight;
        self
    }
}

impl Moments {
    /// Reads all rows once. Errors name the first cell that is not finite, or too large to square.
    pub fn new<F: Float>(rows: &Rows<'_, F>, weights: Option<&[f64]>, level: Level, run: &Run<'_>) -> Result<Moments> {
        let d = rows.d();
        let mut all = match rows {
            Rows::Dense(dense) => dense_moments(dense, weights, level, run)?,
            Rows::Csr(_) => csr_moments(rows, weights, run)?,
        };
        if !all.means.iter().chain(&all.squares).all(|value| value.is_finite()) {
            return Err(blame(rows, &all));
        }
        let variance = all.squares.iter().sum::<f64>() / (all.weight * d as f64);
        let mut total = all.squares.iter().sum::<f64>();
        if let Rows::Csr(_) = rows {
            total += all.weight * all.means.iter().map(|mean| mean * mean).sum::<f64>();
            all.means.fill(0.0);
        }
        for (mean, squares) in all.means.iter_mut().zip(&all.squares) {
            let shift = F::from_f64(round_to_spread(*mean, (squares / all.weight).sqrt())).to_f64();
            total += all.weight * (*mean - shift) * (*mean - shift);
            *mean = shift;
        }
        Ok(Moments { shift: all.means, variance, total })
    }
}

/// `mean` on a grid of powers of two a quarter to an eighth of the standard deviation wide: near enough for a shift, and
/// whole numbers (or eighths) less such a number, and sums of them, are exact. So means of whole numbers are rounded once,
/// and ties among them stay ties whatever the order of the rows.
fn round_to_spread(mean: f64, deviation: f64) -> f64 {
    // The exponent alone is the power of two below.
    let grid = f64::from_bits(deviation.to_bits() & f64::INFINITY.to_bits()) / 4.0;
    if grid.is_normal() { (mean / grid).round() * grid } else { mean }
}

/// The first row with a cell that is not finite; if there is none, the row with the largest cell of an overflowed column.
fn blame<F: Float>(rows: &Rows<'_, F>, all: &Part) -> Error {
    let mut largest = (0, 0.0_f64);
    for i in 0..rows.n() {
        let mut finite = true;
        rows.for_cells(i, |f, value| {
            finite &= value.is_finite();
            let overflowed = !(all.means[f].is_finite() && all.squares[f].is_finite());
            if overflowed && value.abs() > largest.1 {
                largest = (i, value.abs());
            }
        });
        if !finite {
            return rows.blame(i);
        }
    }
    rows.blame(largest.0)
}

fn dense_moments<F: Float>(x: &Dense<'_, F>, weights: Option<&[f64]>, level: Level, run: &Run<'_>) -> Result<Part> {
    /// Values of a part that stay in a second-level cache between the two looks at them.
    const PART: usize = 1 << 15;
    /// Parts in a task, at least, merged in order.
    const PARTS: usize = 4;
    /// Few enough to keep their means.
    const TASKS: usize = 64;
    let (n, d) = (x.n(), x.d());
    let part_rows = (PART / d).max(16);
    let tasks = run::ranges(n, part_rows * n.div_ceil(part_rows * TASKS).max(PARTS));
    let merge = |parts: Part, part: Part| parts.merge(&part);
    let parts = run.map(tasks, n.saturating_mul(d), |range, pulse| {
        let mut parts = Vec::new();
        for part in run::ranges(range.len(), part_rows) {
            pulse.check()?;
            let (from, to) = (range.start + part.start, range.start + part.end);
            let weights = weights.map(|w| &w[from..to]);
            parts.push(level.run(DensePart { values: x.span(from, to), d, weights }));
        }
        Ok(parts.into_iter().reduce(merge).expect("no task is empty"))
    })?;
    Ok(parts.into_iter().reduce(merge).expect("there are rows"))
}

struct DensePart<'a, F> {
    values: &'a [F],
    d: usize,
    weights: Option<&'a [f64]>,
}

impl<F: Float> Task<F> for DensePart<'_, F> {
    type Out = Part;

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Part {
        let DensePart { values, d, weights } = self;
        let n = values.len() / d;
        // Several rows side by side, so that short rows fill vectors too; the order of additions is part of the result.
        let together = (64 / d).max(1);
        let weight = weights.map_or(n as f64, |w| w.iter().sum());
        let (mut means, squares);
        match weights {
            None => {
                means = sum_columns(values, d, together, |_, x| x);
                means.iter_mut().for_each(|mean| *mean /= weight);
                let tiled = means.repeat(together);
                squares = sum_columns(values, d, together, |position, x| (x - tiled[position]) * (x - tiled[position]));
            }
            Some(w) => {
                means = vec![0.0; d];
                let mut deviations = vec![0.0; d];
                for (row, &w) in values.chunks_exact(d).zip(w) {
                    means.iter_mut().zip(row).for_each(|(mean, x)| *mean += w * x.to_f64());
                }
                // Rows without weight leave the means alone, but a cell that is not finite must be seen.
                if weight > 0.0 {
                    means.iter_mut().for_each(|mean| *mean /= weight);
                }
                for (row, &w) in values.chunks_exact(d).zip(w) {
                    for ((squares, x), mean) in deviations.iter_mut().zip(row).zip(&means) {
                        let deviation = x.to_f64() - mean;
                        *squares += w * (deviation * deviation);
                    }
                }
                squares = deviations;
            }
        }
        Part { weight, means, squares }
    }
}

/// Sums of `term(position, x)` over the rows for each column, `together` rows at a time.
#[inline(always)]
fn sum_columns<F: Float>(values: &[F], d: usize, together: usize, term: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let mut sums = vec![0.0; together * d];
    for cells in values.chunks(together * d) {
        for (position, (sum, x)) in sums.iter_mut().zip(cells).enumerate() {
            *sum += term(position, x.to_f64());
        }
    }
    (0..d).map(|f| sums.iter().skip(f).step_by(d).sum()).collect()
}

/// Two passes over the stored cells, the first for the means; cells that are not stored deviate by the mean.
fn csr_moments<F: Float>(rows: &Rows<'_, F>, weights: Option<&[f64]>, run: &Run<'_>) -> Result<Part> {
    const ROWS: usize = 1024;
    let (n, d) = (rows.n(), rows.d());
    let mut part = Part { weight: 0.0, means: vec![0.0; d], squares: vec![0.0; d] };
    let mut stored_weight = vec![0.0; d];
    for i in 0..n {
        if i % ROWS == 0 {
            run.check()?;
        }
        let w = weights.map_or(1.0, |w| w[i]);
        part.weight += w;
        rows.for_cells(i, |f, x| {
            part.means[f] += w * x;
            stored_weight[f] += w;
        });
    }
    part.means.iter_mut().for_each(|mean| *mean /= part.weight);
    for i in 0..n {
        if i % ROWS == 0 {
            run.check()?;
        }
        let w = weights.map_or(1.0, |w| w[i]);
        rows.for_cells(i, |f, x| {
            let deviation = x - part.means[f];
            part.squares[f] += w * (deviation * deviation);
        });
    }
    for ((squares, mean), stored) in part.squares.iter_mut().zip(&part.means).zip(&stored_weight) {
        *squares += (part.weight - stored) * mean * mean;
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(x: &[f64], d: usize, weights: Option<&[f64]>) -> Moments {
        let rows = Rows::Dense(Dense::new(x, x.len() / d, d).unwrap());
        Moments::new(&rows, weights, Level::detect(), &Run::alone()).unwrap()
    }

    #[test]
    fn four_points_on_paper() {
        let m = moments(&[1.0, 10.0, 3.0, 10.0, 5.0, 10.0, 7.0, 10.0], 2, None);
        assert_eq!(m.shift, [4.0, 10.0]);
        assert_eq!(m.variance, 2.5); // of 5 and 0
        assert_eq!(m.total, 20.0); // the mean is on the grid
    }

    #[test]
    fn whole_numbers_are_shifted_exactly() {
        let m = moments(&[0.0, 1.0, 5.0], 1, None);
        assert_eq!(m.shift[0] * 8.0, (m.shift[0] * 8.0).round());
        assert!((m.shift[0] - 2.0).abs() <= 0.25);
    }

    #[test]
    fn an_offset_of_1e9_costs_no_digits() {
        let x: Vec<f64> = (0..100_000).map(|i| 1e9 + f64::from(i % 7)).collect();
        let variance = moments(&x, 1, None).variance;
        let near: Vec<f64> = x.iter().map(|x| x - 1e9).collect();
        assert!((variance / moments(&near, 1, None).variance - 1.0).abs() < 1e-12);
    }

    #[test]
    fn weight_two_is_the_row_twice() {
        let weighted = moments(&[1.0, 4.0, 9.0], 1, Some(&[2.0, 1.0, 0.0]));
        let repeated = moments(&[1.0, 1.0, 4.0], 1, None);
        assert_eq!(weighted.shift, repeated.shift);
        assert!((weighted.variance - repeated.variance).abs() < 1e-15);
    }
}
