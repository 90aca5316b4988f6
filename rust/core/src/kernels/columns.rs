//! Columns of dense rows, shifted and scaled: their moments, their products with a vector of the rows, and copies of some.
//!
//! Rows come in tasks of a length that the shape decides; a block of columns of each stays in the first-level cache while the
//! rows of a task pass. Values are widened to f64 on the way, so f32 costs half of the memory traffic and no digits.

use std::ops::Range;

use super::simd::{Level, Simd, Task};
use crate::error::Result;
use crate::float::Float;
use crate::rows::Dense;
use crate::run::{self, Run};

/// Columns in a block: three arrays of f64 stay in the first-level cache beside the rows.
const BLOCK: usize = 512;

/// Where columns are measured from and what they are multiplied by, (d,) each.
#[derive(Clone, Copy)]
pub struct Measure<'a> {
    /// Taken away first.
    pub shift: &'a [f64],
    /// Powers of two.
    pub scale: &'a [f64],
}

/// Weighted sums and sums of squares, (d,) each, of `(x - shift) * scale`.
pub fn moments<F: Float>(
    rows: &Dense<'_, F>,
    measure: Measure<'_>,
    weights: Option<&[f64]>,
    run: &Run<'_>,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let (n, d) = (rows.n(), rows.d());
    let tasks = run::ranges(n, run::rows_per_task(n, d));
    let parts = run.map(tasks, 2 * n * d, |range, _| {
        let (mut sums, mut squares) = (vec![0.0; d], vec![0.0; d]);
        let (to_sums, to_squares) = (&mut sums[..], &mut squares[..]);
        Level::detect().run(Moments { rows, range, measure, weights, sums: to_sums, squares: to_squares });
        Ok((sums, squares))
    })?;
    let (mut sums, mut squares) = (vec![0.0; d], vec![0.0; d]);
    for (part, part_squares) in parts {
        sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        squares.iter_mut().zip(part_squares).for_each(|(sum, part)| *sum += part);
    }
    Ok((sums, squares))
}

struct Moments<'a, F> {
    rows: &'a Dense<'a, F>,
    range: Range<usize>,
    measure: Measure<'a>,
    weights: Option<&'a [f64]>,
    sums: &'a mut [f64],
    squares: &'a mut [f64],
}

impl<F: Float> Task<f64> for Moments<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) {
        let Moments { rows, range, measure, weights, sums, squares } = self;
        for from in (0..rows.d()).step_by(BLOCK) {
            let block = from..(from + BLOCK).min(rows.d());
            let (shift, scale) = (&measure.shift[block.clone()], &measure.scale[block.clone()]);
            let (sums, squares) = (&mut sums[block.clone()], &mut squares[block.clone()]);
            for i in range.clone() {
                let weight = weights.map_or(1.0, |weights| weights[i]);
                let row = &rows.row(i)[block.clone()];
                for f in 0..block.len() {
                    let z = (row[f].to_f64() - shift[f]) * scale[f];
                    sums[f] += weight * z;
                    squares[f] += weight * z * z;
                }
            }
        }
    }
}

/// `sum_i (x_i - shift) v_i`, (d,), for v (n,).
pub fn products<F: Float>(rows: &Dense<'_, F>, shift: &[f64], v: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    let (n, d) = (rows.n(), rows.d());
    let tasks = run::ranges(n, run::rows_per_task(n, d));
    let parts = run.map(tasks, n * d, |range, _| {
        let mut sums = vec![0.0; d];
        Level::detect().run(Products { rows, range, shift, v, sums: &mut sums });
        Ok(sums)
    })?;
    let mut sums = vec![0.0; d];
    for part in parts {
        sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    Ok(sums)
}

struct Products<'a, F> {
    rows: &'a Dense<'a, F>,
    range: Range<usize>,
    shift: &'a [f64],
    v: &'a [f64],
    sums: &'a mut [f64],
}

impl<F: Float> Task<f64> for Products<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) {
        /// Rows that share a look at the sums.
        const TOGETHER: usize = 4;
        let Products { rows, range, shift, v, sums } = self;
        for from in (0..rows.d()).step_by(BLOCK) {
            let block = from..(from + BLOCK).min(rows.d());
            let shift = &shift[block.clone()];
            let sums = &mut sums[block.clone()];
            let mut i = range.start;
            while i + TOGETHER <= range.end {
                let [a, b, c, e] = [0, 1, 2, 3].map(|r| &rows.row(i + r)[block.clone()]);
                let [va, vb, vc, ve] = [v[i], v[i + 1], v[i + 2], v[i + 3]];
                for f in 0..block.len() {
                    let m = shift[f];
                    let first = (a[f].to_f64() - m) * va + (b[f].to_f64() - m) * vb;
                    let second = (c[f].to_f64() - m) * vc + (e[f].to_f64() - m) * ve;
                    sums[f] += first + second;
                }
                i += TOGETHER;
            }
            while i < range.end {
                let (row, factor) = (&rows.row(i)[block.clone()], v[i]);
                for f in 0..block.len() {
                    sums[f] += (row[f].to_f64() - shift[f]) * factor;
                }
                i += 1;
            }
        }
    }
}

/// `(column - shift) . v` for a column that lies in one piece.
pub fn column_product<F: Float>(column: &[F], shift: f64, v: &[f64]) -> f64 {
    Level::detect().run(ColumnProduct { column, shift, v })
}

struct ColumnProduct<'a, F> {
    column: &'a [F],
    shift: f64,
    v: &'a [f64],
}

impl<F: Float> Task<f64> for ColumnProduct<'_, F> {
    type Out = f64;

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> f64 {
        const LANES: usize = 32;
        let ColumnProduct { column, shift, v } = self;
        let mut sums = [0.0; LANES];
        let (columns, others) = (column.chunks_exact(LANES), v.chunks_exact(LANES));
        let mut rest = 0.0;
        for (x, v) in columns.remainder().iter().zip(others.remainder()) {
            rest += (x.to_f64() - shift) * v;
        }
        for (x, v) in columns.zip(others) {
            for l in 0..LANES {
                sums[l] += (x[l].to_f64() - shift) * v[l];
            }
        }
        rest + sums.iter().sum::<f64>()
    }
}

/// `y += factor * x`
pub fn add_scaled(y: &mut [f64], factor: f64, x: &[f64]) {
    Level::detect().run(AddScaled { y, factor, x });
}

struct AddScaled<'a> {
    y: &'a mut [f64],
    factor: f64,
    x: &'a [f64],
}

impl Task<f64> for AddScaled<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) {
        let AddScaled { y, factor, x } = self;
        let many = y.len().min(x.len());
        let (y, x) = (&mut y[..many], &x[..many]);
        for f in 0..many {
            y[f] += factor * x[f];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(i: usize) -> f64 {
        (i as f64 * 0.37).sin() + (i as f64 * 1.7).cos() * 0.3
    }

    #[test]
    fn sums_are_those_of_the_definition() {
        for (n, d) in [(1, 1), (5, 3), (70, 600), (2_000, 40)] {
            let x: Vec<f64> = (0..n * d).map(value).collect();
            let narrow: Vec<f32> = x.iter().map(|&x| x as f32).collect();
            let (shift, scale): (Vec<f64>, Vec<f64>) =
                (0..d).map(|f| (value(f + 99), 2.0_f64.powi(f as i32 % 3))).unzip();
            let measure = Measure { shift: &shift, scale: &scale };
            let v: Vec<f64> = (0..n).map(|i| value(5 * i).abs()).collect();
            let run = Run::alone();
            let rows = Dense::new(&x, n, d).unwrap();
            let (sums, squares) = moments(&rows, measure, Some(&v), &run).unwrap();
            let found = products(&rows, &shift, &v, &run).unwrap();
            let rough = products(&Dense::new(&narrow, n, d).unwrap(), &shift, &v, &run).unwrap();
            for f in 0..d {
                let z = |i: usize| x[i * d + f] - shift[f];
                let want: f64 = (0..n).map(|i| z(i) * v[i]).sum();
                let want_squares: f64 = (0..n).map(|i| (z(i) * scale[f]).powi(2) * v[i]).sum();
                let near = 1e-12 * n as f64;
                assert!((sums[f] - want * scale[f]).abs() < near, "{n} {d} {f}");
                assert!((squares[f] - want_squares).abs() < 9.0 * near, "{n} {d} {f}");
                assert!((found[f] - want).abs() < near, "{n} {d} {f}");
                assert!((rough[f] - want).abs() < 1e-6 * n as f64, "{n} {d} {f}");
                let column: Vec<f64> = (0..n).map(|i| x[i * d + f]).collect();
                assert!((column_product(&column, shift[f], &v) - want).abs() < near, "{n} {d} {f}");
            }
        }
    }
}
