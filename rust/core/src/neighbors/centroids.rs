//! Centroids of labelled rows: means or medians of the classes, and how far rows deviate from them, feature by feature.

use std::ops::Range;

use crate::error::Result;
use crate::float::Float;
use crate::kernels::simd::{Level, Simd, Task};
use crate::metrics::scatter;
use crate::rows::{Csr, Dense, Rows};
use crate::run::{self, Run};

/// Of k classes.
pub struct Centroids {
    /// (k, d), means or medians.
    pub centroids: Vec<f64>,
    /// (k, d), means.
    pub means: Vec<f64>,
    /// Rows of each class.
    pub counts: Vec<f64>,
    /// (d,), sums over the rows of (x - centroid of its class)^2.
    pub squares: Vec<f64>,
}

/// Measures the classes that `labels` put the rows in; each has a row.
pub fn centroids<F: Float>(
    rows: &Rows<'_, F>,
    labels: &[i32],
    k: usize,
    medians: bool,
    run: &Run<'_>,
) -> Result<Centroids> {
    let found = scatter::scatter(rows, None, labels, k, None, run)?;
    let means = found.centers;
    let centroids = match rows {
        _ if !medians => means.clone(),
        Rows::Dense(x) => dense_medians(x, labels, k, run)?,
        Rows::Csr(x) => csr_medians(x, labels, k, run)?,
    };
    let squares = match rows {
        Rows::Dense(x) => dense_squares(x, labels, &centroids, run)?,
        Rows::Csr(x) => csr_squares(x, labels, &centroids, run)?,
    };
    Ok(Centroids { centroids, means, counts: found.weights, squares })
}

/// Squared deviations of the rows of `range`, by feature. Lanes hold features, so the bits are the same on every instruction
/// set.
struct Squares<'a, F> {
    rows: &'a Dense<'a, F>,
    range: Range<usize>,
    labels: &'a [i32],
    /// (k, d)
    centroids: &'a [f64],
}

impl<F: Float> Task<F> for Squares<'_, F> {
    type Out = Vec<f64>;

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Vec<f64> {
        let Squares { rows, range, labels, centroids } = self;
        let d = rows.d();
        let mut sums = vec![0.0; d];
        for i in range {
            let centroid = &centroids[labels[i] as usize * d..][..d];
            for ((sum, x), c) in sums.iter_mut().zip(rows.row(i)).zip(centroid) {
                let difference = x.to_f64() - c;
                *sum += difference * difference;
            }
        }
        sums
    }
}

fn dense_squares<F: Float>(x: &Dense<'_, F>, labels: &[i32], centroids: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    let (n, d) = (x.n(), x.d());
    let level = Level::detect();
    let tasks = run::ranges(n, run::rows_per_task(n, 4 * d));
    let parts = run.map(tasks, n * d, |range, pulse| {
        pulse.check()?;
        Ok(level.run(Squares { rows: x, range, labels, centroids }))
    })?;
    let mut sums = vec![0.0; d];
    for part in parts {
        sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    Ok(sums)
}

/// The cells that are not stored deviate by their centroid: one square each, so that nothing cancels.
fn csr_squares<F: Float>(x: &Csr<'_, F>, labels: &[i32], centroids: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    let d = x.d();
    let mut sums = vec![0.0; d];
    let mut zeros = vec![0_i64; centroids.len()];
    for (i, &label) in labels.iter().enumerate() {
        if i % CHECKED == 0 {
            run.check()?;
        }
        let first = label as usize * d;
        let (columns, values) = x.row(i);
        for (&f, x) in columns.iter().zip(values) {
            let difference = x.to_f64() - centroids[first + f as usize];
            sums[f as usize] += difference * difference;
            zeros[first + f as usize] -= 1;
        }
    }
    let mut counts = vec![0_i64; centroids.len() / d];
    labels.iter().for_each(|&label| counts[label as usize] += 1);
    for ((zeros, centroid), count) in zeros.chunks_exact(d).zip(centroids.chunks_exact(d)).zip(counts) {
        for ((sum, zeros), c) in sums.iter_mut().zip(zeros).zip(centroid) {
            *sum += (count + zeros) as f64 * (c * c);
        }
    }
    Ok(sums)
}

/// Rows between two looks for Ctrl-C.
const CHECKED: usize = 4096;

/// The rows of each class, in order.
fn members(labels: &[i32], k: usize) -> Vec<Vec<u32>> {
    let mut members = vec![Vec::new(); k];
    labels.iter().enumerate().for_each(|(i, &label)| members[label as usize].push(i as u32));
    members
}

fn dense_medians<F: Float>(x: &Dense<'_, F>, labels: &[i32], k: usize, run: &Run<'_>) -> Result<Vec<f64>> {
    /// Features whose values are collected in one pass over the rows: those of a cache line.
    const TOGETHER: usize = 8;
    let (n, d) = (x.n(), x.d());
    let members = members(labels, k);
    let tasks = (0..k).flat_map(|j| run::ranges(d, TOGETHER).into_iter().map(move |features| (j, features))).collect();
    let parts = run.map(tasks, 8 * n * d, |(j, features), pulse| {
        let mut values = vec![Vec::with_capacity(members[j].len()); features.len()];
        for part in members[j].chunks(CHECKED) {
            pulse.check()?;
            for &i in part {
                let row = &x.row(i as usize)[features.clone()];
                values.iter_mut().zip(row).for_each(|(values, &x)| values.push(x.to_f64()));
            }
        }
        let mut medians = Vec::with_capacity(features.len());
        for values in &mut values {
            pulse.check()?;
            medians.push(median(values, members[j].len()));
        }
        Ok(medians)
    })?;
    Ok(parts.concat())
}

fn csr_medians<F: Float>(x: &Csr<'_, F>, labels: &[i32], k: usize, run: &Run<'_>) -> Result<Vec<f64>> {
    let d = x.d();
    let parts = run.map(members(labels, k), 8 * x.stored(), |members, pulse| {
        let mut values = vec![Vec::new(); d];
        for part in members.chunks(CHECKED) {
            pulse.check()?;
            for &i in part {
                let (columns, row) = x.row(i as usize);
                columns.iter().zip(row).for_each(|(&f, x)| values[f as usize].push(x.to_f64()));
            }
        }
        Ok(values.iter_mut().map(|values| median(values, members.len())).collect::<Vec<f64>>())
    })?;
    Ok(parts.concat())
}

/// The median of n values, the mean of the middle two of an even number: of `values`, which are reordered, and else zeros.
fn median(values: &mut [f64], n: usize) -> f64 {
    let zeros = n - values.len();
    let negative = values.iter().filter(|&&x| x < 0.0).count();
    // The value at place `at` of all in order.
    let mut ordered = |at: usize| {
        if (negative..negative + zeros).contains(&at) {
            return 0.0;
        }
        let at = if at < negative { at } else { at - zeros };
        *values.select_nth_unstable_by(at, f64::total_cmp).1
    };
    if n % 2 == 1 {
        return ordered(n / 2);
    }
    f64::midpoint(ordered(n / 2 - 1), ordered(n / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_on_paper() {
        assert_eq!(median(&mut [3.0, 1.0, 100.0, 2.0, 4.0], 5), 3.0);
        assert_eq!(median(&mut [4.0, 1.0], 2), 2.5);
        assert_eq!(median(&mut [-5.0, 4.0, 2.0], 5), 0.0);
        assert_eq!(median(&mut [-5.0, -4.0, -2.0], 4), -3.0);
        assert_eq!(median(&mut [5.0, 4.0, 2.0], 6), 1.0);
        assert_eq!(median(&mut [], 4), 0.0);
        assert_eq!(median(&mut [-0.0, 0.0, 7.0], 3), 0.0);
    }

    #[test]
    fn five_rows_on_paper_dense_and_sparse() {
        let x = [0.0, 0.0, 2.0, 0.0, 7.0, 1.0, 7.0, 3.0, 1.0, 8.0];
        let dense = Rows::Dense(Dense::new(&x, 5, 2).unwrap());
        let (values, columns, starts) =
            ([2.0, 7.0, 1.0, 7.0, 3.0, 1.0, 8.0], [0, 0, 1, 0, 1, 0, 1], [0, 0, 1, 3, 5, 7]);
        let csr = Rows::Csr(Csr::new(&values, &columns, &starts, 2).unwrap());
        for rows in [dense, csr] {
            let found = centroids(&rows, &[0, 0, 1, 1, 1], 2, true, &Run::alone()).unwrap();
            assert_eq!(found.centroids, [1.0, 0.0, 7.0, 3.0]);
            assert_eq!(found.means, [1.0, 0.0, 5.0, 4.0]);
            assert_eq!(found.counts, [2.0, 3.0]);
            assert_eq!(found.squares, [1.0 + 1.0 + 36.0, 4.0 + 25.0]);
        }
    }
}
