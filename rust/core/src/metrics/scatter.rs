//! How far rows lie from the means of their clusters, or from centres that are given: what within- and between-cluster sums
//! of squares, Calinski-Harabasz and Davies-Bouldin are made of.

use crate::cluster::inertia;
use crate::cluster::moments::Moments;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::simd::Level;
use crate::rows::Rows;
use crate::run::{self, Run};

/// By cluster.
pub struct Scatter {
    /// (k, d), weighted means unless given; zero for a cluster without weight.
    pub centers: Vec<f64>,
    /// Sums of w.
    pub weights: Vec<f64>,
    /// Sums of w ||x - c||^2.
    pub squares: Vec<f64>,
    /// Sums of w ||x - c||.
    pub distances: Vec<f64>,
}

/// Measures all rows by direct differences in f64; `centers` (k, d) are the clusters' means where they are not given.
pub fn scatter<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    labels: &[i32],
    k: usize,
    centers: Option<Vec<f64>>,
    run: &Run<'_>,
) -> Result<Scatter> {
    if labels.len() != rows.n() {
        return Err(Error::Shape { what: "labels", got: labels.len(), want: rows.n() });
    }
    if let Some(label) = labels.iter().find(|&&label| usize::try_from(label).map_or(true, |j| j >= k)) {
        return Err(Error::Value(format!("label {label} does not lie in 0..{k}")));
    }
    let level = Level::detect();
    Moments::new(rows, weights, level, run)?; // names what is not finite
    let (means, totals) = means(rows, weights, labels, k, run)?;
    let centers = centers.unwrap_or(means);
    let parts = inertia::for_distances(rows, &centers, labels, level, run, |range, found| {
        let mut sums = vec![(0.0, 0.0); k];
        for (i, square) in range.zip(found) {
            let w = weights.map_or(1.0, |w| w[i]);
            let (squares, distances) = &mut sums[labels[i] as usize];
            *squares += w * square;
            *distances += w * square.sqrt();
        }
        sums
    })?;
    let (mut squares, mut distances) = (vec![0.0; k], vec![0.0; k]);
    for part in parts {
        for (j, (square, distance)) in part.into_iter().enumerate() {
            squares[j] += square;
            distances[j] += distance;
        }
    }
    if let Some(i) = squares.iter().position(|square: &f64| !square.is_finite()) {
        let row = labels.iter().position(|&label| label as usize == i).unwrap_or(0);
        return Err(rows.blame(row));
    }
    Ok(Scatter { centers, weights: totals, squares, distances })
}

/// Weighted means (k, d) and weights. Dense rows are added up around the first of their cluster, so that the mean of equal
/// rows is that row, and an offset costs no digits; CSR rows around zero.
fn means<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    labels: &[i32],
    k: usize,
    run: &Run<'_>,
) -> Result<(Vec<f64>, Vec<f64>)> {
    /// Rows between two looks for Ctrl-C.
    const STRIP: usize = 4096;
    let (n, d) = (rows.n(), rows.d());
    let mut firsts = vec![0.0; k * d];
    if let Rows::Dense(_) = rows {
        let mut found = vec![false; k];
        for (i, &label) in labels.iter().enumerate() {
            let j = label as usize;
            if !std::mem::replace(&mut found[j], true) {
                rows.write_row(i, &mut firsts[j * d..][..d]);
            }
        }
    }
    // As many sums as threads may want, but no more than a part of the rows.
    let tasks = (n / (8 * k.max(1))).clamp(1, 16);
    let parts = run.map(run::ranges(n, n.div_ceil(tasks)), 4 * rows.size(), |range, pulse| {
        let (mut sums, mut totals) = (vec![0.0; k * d], vec![0.0; k]);
        for i in range {
            if i % STRIP == 0 {
                pulse.check()?;
            }
            let (j, w) = (labels[i] as usize, weights.map_or(1.0, |w| w[i]));
            totals[j] += w;
            let (sums, first) = (&mut sums[j * d..][..d], &firsts[j * d..][..d]);
            rows.for_cells(i, |f, x| sums[f] += w * (x - first[f]));
        }
        Ok((sums, totals))
    })?;
    let (mut means, mut totals) = (vec![0.0; k * d], vec![0.0; k]);
    for (part, weights) in parts {
        means.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        totals.iter_mut().zip(weights).for_each(|(total, part)| *total += part);
    }
    for ((means, firsts), &weight) in means.chunks_exact_mut(d).zip(firsts.chunks_exact(d)).zip(&totals) {
        let share = if weight > 0.0 { 1.0 / weight } else { 0.0 };
        means.iter_mut().zip(firsts).for_each(|(mean, first)| *mean = first + *mean * share);
    }
    Ok((means, totals))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{Csr, Dense};

    #[test]
    fn five_points_on_paper() {
        let x = [0.0, 0.0, 2.0, 0.0, 7.0, 1.0, 7.0, 3.0, 7.0, 5.0];
        let labels = [0, 0, 2, 2, 2];
        let rows = Rows::Dense(Dense::new(&x, 5, 2).unwrap());
        let found = scatter(&rows, None, &labels, 3, None, &Run::alone()).unwrap();
        assert_eq!(found.centers, [1.0, 0.0, 0.0, 0.0, 7.0, 3.0]);
        assert_eq!(found.weights, [2.0, 0.0, 3.0]);
        assert_eq!(found.squares, [2.0, 0.0, 8.0]);
        assert_eq!(found.distances, [2.0, 0.0, 4.0]);
        let given = scatter(&rows, Some(&[1.0, 3.0, 1.0, 1.0, 0.0]), &labels, 3, Some(vec![0.0; 6]), &Run::alone());
        assert_eq!(given.unwrap().squares, [12.0, 0.0, 50.0 + 58.0]);
    }

    #[test]
    fn sparse_rows_are_dense_rows() {
        let (values, columns, starts) = ([2.0, 7.0, 1.0], [0, 0, 1], [0, 0, 1, 3]);
        let rows = Rows::Csr(Csr::new(&values, &columns, &starts, 2).unwrap());
        let found = scatter(&rows, None, &[0, 0, 1], 2, None, &Run::alone()).unwrap();
        assert_eq!(found.centers, [1.0, 0.0, 7.0, 1.0]);
        assert_eq!(found.squares, [2.0, 0.0]);
    }

    #[test]
    fn labels_are_checked() {
        let x = [0.0, 1.0];
        let rows = Rows::Dense(Dense::new(&x, 2, 1).unwrap());
        assert!(scatter(&rows, None, &[0, 2], 2, None, &Run::alone()).is_err());
        assert!(scatter(&rows, None, &[0, -1], 2, None, &Run::alone()).is_err());
        assert!(scatter(&rows, None, &[0], 2, None, &Run::alone()).is_err());
    }
}
