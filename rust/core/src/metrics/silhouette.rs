//! Rousseeuw (1987), "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis".
//!
//! s(i) = (b(i) - a(i)) / max(a(i), b(i)), where a(i) is row i's mean distance to the other rows of its cluster and b(i) the
//! smallest of its mean distances to the rows of another. Rows are taken cluster by cluster, so that a mean is a sum over
//! neighbours, and nothing of size n x n, or k x n, is ever kept.

use std::ops::Range;

use super::all_pairs;
use crate::cluster::moments::Moments;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::pair_sums::{AddDistances, Metric, TILE, Tile, total};
use crate::kernels::pair_sums_csr::Columns;
use crate::kernels::simd::Level;
use crate::rows::{Csr, Dense, Rows};
use crate::run::{Pulse, Run};

/// s(i) of the rows `of`, each against all rows. CSR rows know the Euclidean metric only.
pub fn samples<F: Float>(
    rows: &Rows<'_, F>,
    labels: &[i32],
    k: usize,
    of: &[usize],
    metric: Metric,
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    let n = rows.n();
    let groups = Groups::new(labels, k, n)?;
    if let Some(&outside) = of.iter().find(|&&i| i >= n) {
        return Err(Error::Value(format!("row {outside} of {n} does not exist")));
    }
    let level = Level::detect();
    Moments::new(rows, None, level, run)?; // names what is not finite
    let work = of.len().saturating_mul(n).saturating_mul(4 * (rows.size() / n.max(1) + 1));
    let tasks: Vec<&[usize]> = of.chunks(queries_at_a_time(of.len(), rows.d())).collect();
    let parts = match rows {
        Rows::Dense(rows) if of.iter().copied().eq(0..n) => {
            return all_pairs::samples(rows, &groups, metric, level, run);
        }
        Rows::Dense(rows) => {
            run.map_with(tasks, work, |scratch, of, pulse| dense(rows, &groups, of, metric, level, scratch, pulse))
        }
        Rows::Csr(rows) if metric == Metric::Euclidean => {
            let columns = Columns::new(rows, &groups.order);
            run.map_with(tasks, work, |scratch, of, pulse| csr(rows, &columns, &groups, of, scratch, pulse))
        }
        Rows::Csr(_) => Err(Error::Value("CSR rows have Euclidean silhouettes only".into())),
    }?;
    Ok(parts.concat())
}

/// Rows that meet a tile together: enough to make up for its packing, a 64th of all at most so that threads share evenly, and
/// no more than a second-level cache holds.
fn queries_at_a_time(m: usize, d: usize) -> usize {
    const LEAST: usize = 32;
    const CELLS: usize = 1 << 15;
    (m / 64).next_multiple_of(LEAST).min(CELLS / d.max(1)).clamp(LEAST, 256)
}

/// Rows by cluster.
pub(super) struct Groups<'a> {
    labels: &'a [i32],
    /// Rows in the order of their clusters, and within one in their own.
    pub(super) order: Vec<u32>,
    /// Cluster j is `order[starts[j]..starts[j + 1]]`.
    starts: Vec<usize>,
}

impl<'a> Groups<'a> {
    fn new(labels: &'a [i32], k: usize, n: usize) -> Result<Self> {
        if labels.len() != n {
            return Err(Error::Shape { what: "labels", got: labels.len(), want: n });
        }
        if n > u32::MAX as usize {
            return Err(Error::Value(format!("{n} rows are more than a silhouette can take")));
        }
        let mut starts = vec![0; k + 1];
        for &label in labels {
            let Some(count) = usize::try_from(label).ok().and_then(|j| starts.get_mut(j + 1)) else {
                return Err(Error::Value(format!("label {label} does not lie in 0..{k}")));
            };
            *count += 1;
        }
        for j in 0..k {
            starts[j + 1] += starts[j];
        }
        let mut next = starts.clone();
        let mut order = vec![0; n];
        for (i, &label) in labels.iter().enumerate() {
            order[next[label as usize]] = i as u32;
            next[label as usize] += 1;
        }
        Ok(Groups { labels, order, starts })
    }

    /// The places in `order` of cluster j.
    pub(super) fn places(&self, j: usize) -> Range<usize> {
        self.starts[j]..self.starts[j + 1]
    }

    /// The places in `order` of every cluster that has rows.
    pub(super) fn clusters(&self) -> impl Iterator<Item = (usize, Range<usize>)> {
        self.starts.windows(2).map(|pair| pair[0]..pair[1]).enumerate().filter(|(_, places)| !places.is_empty())
    }
}

/// What is known of a row while the clusters pass: a(i), and the smallest mean distance so far.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    own: f64,
    other: f64,
    alone: bool,
}

impl Seen {
    pub(super) const NOTHING: Seen = Seen { own: 0.0, other: f64::INFINITY, alone: false };

    /// `sum` of the distances to the `count` rows of a cluster; a row's distance to itself is zero.
    pub(super) fn cluster(&mut self, sum: f64, count: usize, is_own: bool) {
        if is_own {
            self.alone = count == 1;
            self.own = sum / (count - 1).max(1) as f64;
        } else {
            self.other = self.other.min(sum / count as f64);
        }
    }

    /// Takes over what was seen of other clusters elsewhere.
    pub(super) fn and(&mut self, elsewhere: Seen) {
        self.other = self.other.min(elsewhere.other);
    }

    /// 0 for a cluster of one row, as Rousseeuw has it, and where all rows are equal; None where a sum has overflowed.
    pub(super) fn coefficient(self) -> Option<f64> {
        let larger = self.own.max(self.other);
        if !larger.is_finite() {
            return None;
        }
        Some(if self.alone || larger == 0.0 { 0.0 } else { (self.other - self.own) / larger })
    }
}

/// What a thread keeps from task to task.
#[derive(Default)]
pub(super) struct Packed {
    pub(super) queries: Vec<f64>,
    pub(super) tile: PackedTile,
    pub(super) sums: Vec<f64>,
}

/// Room for a [`Tile`].
#[derive(Default)]
pub(super) struct PackedTile {
    values: Vec<f64>,
    present: [f64; TILE],
}

impl PackedTile {
    /// Transposes up to [`TILE`] rows.
    pub(super) fn pack<F: Float>(&mut self, rows: &Dense<'_, F>, which: &[u32]) -> Tile<'_> {
        self.values.resize(rows.d() * TILE, 0.0);
        self.present.fill(0.0);
        for (lane, &i) in which.iter().enumerate() {
            self.present[lane] = 1.0;
            let row = rows.row(i as usize);
            self.values.chunks_exact_mut(TILE).zip(row).for_each(|(lanes, x)| lanes[lane] = x.to_f64());
        }
        Tile { values: &self.values, present: &self.present }
    }
}

fn dense<F: Float>(
    rows: &Dense<'_, F>,
    groups: &Groups<'_>,
    of: &[usize],
    metric: Metric,
    level: Level,
    scratch: &mut Packed,
    pulse: &Pulse<'_>,
) -> Result<Vec<f64>> {
    let Packed { queries, tile, sums } = scratch;
    queries.clear();
    of.iter().for_each(|&i| queries.extend(rows.row(i).iter().map(|x| x.to_f64())));
    let mut seen = vec![Seen::NOTHING; of.len()];
    for (cluster, places) in groups.clusters() {
        sums.clear();
        sums.resize(of.len() * TILE, 0.0);
        for others in groups.order[places.clone()].chunks(TILE) {
            pulse.check()?;
            let tile = tile.pack(rows, others);
            level.run(AddDistances { queries, tile, metric, sums, columns: &mut [0.0; TILE] });
        }
        for ((seen, &i), sums) in seen.iter_mut().zip(of).zip(sums.as_chunks().0) {
            seen.cluster(total(*sums), places.len(), groups.labels[i] as usize == cluster);
        }
    }
    let coefficient = |(seen, &i): (Seen, &usize)| seen.coefficient().ok_or_else(|| Rows::Dense(*rows).blame(i));
    seen.into_iter().zip(of).map(coefficient).collect()
}

fn csr<F: Float>(
    rows: &Csr<'_, F>,
    columns: &Columns,
    groups: &Groups<'_>,
    of: &[usize],
    distances: &mut Vec<f64>,
    pulse: &Pulse<'_>,
) -> Result<Vec<f64>> {
    let one = |&i: &usize| {
        pulse.check()?;
        columns.distances(rows, &groups.order, i, distances);
        let mut seen = Seen::NOTHING;
        for (cluster, places) in groups.clusters() {
            let sum = distances[places.clone()].iter().sum();
            seen.cluster(sum, places.len(), groups.labels[i] as usize == cluster);
        }
        seen.coefficient().ok_or_else(|| Rows::Csr(*rows).blame(i))
    };
    of.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_points_on_paper() {
        // scikit-learn's test_cluster_size_1: a cluster of one row, one of equal rows.
        let x = [0.0, 1.0, 1.0, 2.0, 3.0, 3.0];
        let rows = Rows::Dense(Dense::new(&x, 6, 1).unwrap());
        let of: Vec<usize> = (0..6).collect();
        for metric in [Metric::Euclidean, Metric::Manhattan] {
            let found = samples(&rows, &[0, 1, 1, 1, 2, 2], 3, &of, metric, &Run::alone()).unwrap();
            assert_eq!(found, [0.0, 0.5, 0.5, 0.0, 1.0, 1.0]);
        }
    }

    #[test]
    fn all_pairs_are_each_row_against_all() {
        // Clusters of 1, 2, 40, 300 and 700 rows: blocks and tiles that are not full.
        let (n, d) = (1043, 3);
        let x: Vec<f64> = (0..n * d).map(|i| (i as f64 * 1.7).sin() * (i % 11) as f64).collect();
        let label = |i: usize| [1, 3, 43, 343].iter().filter(|&&end| (i * 7) % n >= end).count() as i32;
        let labels: Vec<i32> = (0..n).map(label).collect();
        let rows = Rows::Dense(Dense::new(&x, n, d).unwrap());
        for metric in [Metric::Euclidean, Metric::Manhattan] {
            let ask = |of: &[usize]| samples(&rows, &labels, 6, of, metric, &Run::alone()).unwrap();
            let all = ask(&(0..n).collect::<Vec<_>>());
            let backwards = ask(&(0..n).rev().collect::<Vec<_>>());
            for (a, b) in all.iter().zip(backwards.iter().rev()) {
                assert!((a - b).abs() < 1e-13, "{a} is not {b}");
            }
        }
    }

    #[test]
    fn labels_and_rows_are_checked() {
        let x = [0.0, 1.0, 2.0];
        let rows = Rows::Dense(Dense::new(&x, 3, 1).unwrap());
        let ask = |labels: &[i32], of: &[usize]| samples(&rows, labels, 2, of, Metric::Euclidean, &Run::alone());
        assert!(matches!(ask(&[0, 1], &[0]), Err(Error::Shape { .. })));
        assert!(matches!(ask(&[0, 1, 2], &[0]), Err(Error::Value(_))));
        assert!(matches!(ask(&[0, 1, -1], &[0]), Err(Error::Value(_))));
        assert!(matches!(ask(&[0, 1, 1], &[3]), Err(Error::Value(_))));
        assert_eq!(ask(&[0, 1, 1], &[2, 0]).unwrap(), [0.5, 0.0]);
    }
}
