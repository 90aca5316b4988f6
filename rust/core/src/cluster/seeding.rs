//! First centres.
//!
//! Greedy k-means++ (Arthur and Vassilvitskii 2007, "k-means++: the advantages of careful seeding", with the trials of
//! their implementation): each new centre is the best of several rows drawn with probability proportional to
//! w D(x, nearest centre so far). Draws go by cumulative weight over the rows in the order of their content
//! ([`super::content`]), so that neither the rows' order nor their repetition matters. That order is not sorted out in
//! full: rows are put into buckets by the top bits of their hash, a bucket is drawn by the sums of the buckets, and only
//! the drawn bucket is sorted.

use super::content;
use super::sums::Sums;
use super::trials::Nearest;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::simd::Level;
use crate::rows::Rows;
use crate::run::{self, Run};

/// Where less than this share is left of a sum, what rounding did to it is not small any more.
const LITTLE: f64 = 0.5;

/// A stream of random numbers: `SplitMix64` (Steele, Lea and Flood 2014), good for the few draws made here.
pub(super) struct Stream(u64);

impl Stream {
    pub fn new(seed: u64) -> Stream {
        Stream(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in 0..n, but for one part in 2^64 / n.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }
}

/// The rows chosen by greedy k-means++; `trials` is 2 + log k unless given.
pub fn plus_plus<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    k: usize,
    trials: Option<usize>,
    seed: u64,
    level: Level,
    run: &Run<'_>,
) -> Result<Vec<usize>> {
    plus_plus_by(Nearest::new(rows, weights, level), rows, weights, k, trials, seed, run)
}

/// What greedy k-means++ needs of a distance.
pub(super) trait Potential {
    /// Of each row from the nearest centre so far.
    fn distances(&self) -> &[f64];
    /// Rows whose distance the last centre lowered, if they are known.
    fn changes(&self) -> Option<&[Vec<Change>]> {
        None
    }
    /// Takes row `center` as a centre.
    fn add(&mut self, center: usize, run: &Run<'_>) -> Result<()>;
    /// Takes the best of the `candidates` as a centre, where the sum of weight times distance is `potential` now, and says which.
    fn add_best(&mut self, candidates: &[usize], potential: f64, run: &Run<'_>) -> Result<usize>;
}

/// A row whose nearest centre is another now.
#[derive(Clone, Copy)]
pub(super) struct Change {
    pub row: u32,
    /// By how much weight times distance is less.
    pub less: f64,
}

/// [`plus_plus`] by any distance.
pub(super) fn plus_plus_by<F: Float>(
    mut nearest: impl Potential,
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    k: usize,
    trials: Option<usize>,
    seed: u64,
    run: &Run<'_>,
) -> Result<Vec<usize>> {
    let trials = trials.unwrap_or(2 + (k as f64).ln() as usize);
    let mut stream = Stream(seed);
    let mut draw = Draw::new(rows, run)?;

    let mut potential = draw.weigh(|i| weights.map_or(1.0, |w| w[i]), run)?;
    let first = draw.row(stream.uniform() * potential, |i| weights.map_or(1.0, |w| w[i]));
    let mut chosen = vec![first];
    nearest.add(first, run)?;
    // As last added up in full.
    let mut whole = 0.0;
    while chosen.len() < k {
        let distances = nearest.distances();
        let weight = |i: usize| weights.map_or(distances[i], |w| w[i] * distances[i]);
        potential = nearest.changes().map_or(0.0, |changes| draw.lighten(changes));
        if potential < LITTLE * whole || whole == 0.0 {
            potential = draw.weigh(weight, run)?;
            whole = potential;
        }
        if potential == 0.0 {
            // Every row with weight sits on a centre (fewer distinct rows than centres): any of them will do.
            chosen.push(first);
            continue;
        }
        let candidates: Vec<usize> = (0..trials).map(|_| draw.row(stream.uniform() * potential, weight)).collect();
        let best = nearest.add_best(&candidates, potential, run)?;
        chosen.push(candidates[best]);
    }
    Ok(chosen)
}

/// The rows (k, d) in f64.
pub fn rows_as_centers<F: Float>(rows: &Rows<'_, F>, chosen: &[usize]) -> Vec<f64> {
    let d = rows.d();
    let mut centers = vec![0.0; chosen.len() * d];
    for (center, &i) in centers.chunks_exact_mut(d).zip(chosen) {
        rows.write_row(i, center);
    }
    centers
}

/// Means (k, d) of a random partition of the rows; a cluster that gets no row with weight takes one at random.
pub fn random_partition<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    k: usize,
    seed: u64,
    shift: &[f64],
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    let (labels, instead) = random_labels(rows.n(), weights, k, seed);
    let mut sums = Sums::new(k, shift, Level::detect());
    sums.take(rows, weights, &labels, run)?;
    let mut means = rows_as_centers(rows, &instead);
    sums.means(&mut means, run)?;
    Ok(means)
}

/// A cluster for each of n rows, and a row with weight for each cluster.
pub(super) fn random_labels(n: usize, weights: Option<&[f64]>, k: usize, seed: u64) -> (Vec<i32>, Vec<usize>) {
    let mut stream = Stream(seed);
    let labels = (0..n).map(|_| (stream.next() % k as u64) as i32).collect();
    let heavy: Vec<usize> = (0..n).filter(|&i| weights.is_none_or(|w| w[i] > 0.0)).collect();
    let instead = (0..k).map(|_| heavy[(stream.next() % heavy.len() as u64) as usize]).collect();
    (labels, instead)
}

/// Draws rows by weight in the order of their content.
pub(super) struct Draw<'a, F> {
    rows: &'a Rows<'a, F>,
    /// Each row's bucket.
    bucket: Vec<u16>,
    /// Rows by bucket; `starts[b]..starts[b + 1]` is bucket b.
    by_bucket: Vec<u32>,
    starts: Vec<usize>,
    sorted: Vec<bool>,
    /// The buckets' weights, as last weighed.
    sums: Vec<f64>,
}

impl<'a, F: Float> Draw<'a, F> {
    pub fn new(rows: &'a Rows<'a, F>, run: &Run<'_>) -> Result<Self> {
        let n = rows.n();
        // About 64 rows a bucket: quick to sort, and few enough sums to add up.
        let bits = (n / 64).max(1).ilog2().min(12);
        let per_row = rows.size() / n + 1;
        let parts = run.map(run::ranges(n, run::rows_per_task(n, 8 * per_row)), n * per_row, |range, pulse| {
            pulse.check()?;
            // The product keeps the hash's top bits; a shift by 64 would not.
            Ok(range.map(|i| ((u128::from(content::hash(rows, i)) << bits) >> 64) as u16).collect::<Vec<u16>>())
        })?;
        let bucket = parts.concat();
        let n_buckets = 1 << bits;
        let mut starts = vec![0; n_buckets + 1];
        bucket.iter().for_each(|&b| starts[b as usize + 1] += 1);
        (0..n_buckets).for_each(|b| starts[b + 1] += starts[b]);
        let mut next = starts.clone();
        let mut by_bucket = vec![0; n];
        for (i, &b) in bucket.iter().enumerate() {
            by_bucket[next[b as usize]] = i as u32;
            next[b as usize] += 1;
        }
        Ok(Draw { rows, bucket, by_bucket, starts, sorted: vec![false; n_buckets], sums: vec![0.0; n_buckets] })
    }

    /// Takes the buckets' sums of `weight(row)` and returns their total.
    pub fn weigh(&mut self, weight: impl Fn(usize) -> f64 + Sync, run: &Run<'_>) -> Result<f64> {
        // Parts from the shape alone, and few, since each has sums for all buckets.
        let parts = run::ranges(self.bucket.len(), self.bucket.len().div_ceil(32).max(4096));
        let bucket = &self.bucket;
        let n_buckets = self.sums.len();
        let sums = run.map(parts, 4 * bucket.len(), |range, pulse| {
            pulse.check()?;
            let mut sums = vec![0.0; n_buckets];
            for i in range {
                sums[bucket[i] as usize] += weight(i);
            }
            Ok(sums)
        })?;
        self.sums.fill(0.0);
        for part in sums {
            self.sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        Ok(self.sums.iter().sum())
    }

    /// Takes off what rows have less, and returns the total.
    pub fn lighten(&mut self, changes: &[Vec<Change>]) -> f64 {
        for change in changes.iter().flatten() {
            self.sums[self.bucket[change.row as usize] as usize] -= change.less;
        }
        self.sums.iter().sum()
    }

    /// The row at which the cumulative weight, which is not all zero, passes `at`.
    pub fn row(&mut self, mut at: f64, weight: impl Fn(usize) -> f64) -> usize {
        let heavy = |sum: f64| sum > 0.0;
        let last = self.sums.iter().rposition(|&sum| heavy(sum)).unwrap_or(self.sums.len() - 1);
        let mut chosen = last;
        for (b, &sum) in self.sums[..last].iter().enumerate() {
            if at < sum {
                chosen = b;
                break;
            }
            at -= sum;
        }
        let members = &mut self.by_bucket[self.starts[chosen]..self.starts[chosen + 1]];
        if !self.sorted[chosen] {
            content::sort(self.rows, members);
            self.sorted[chosen] = true;
        }
        let mut row = None;
        for &i in members.iter() {
            let w = weight(i as usize);
            if heavy(w) {
                row = Some(i);
                if at < w {
                    break;
                }
                at -= w;
            }
        }
        row.unwrap_or(members[0]) as usize
    }

    /// The rows that hold what row i holds, itself among them.
    pub fn copies(&self, i: usize) -> Vec<usize> {
        let b = self.bucket[i] as usize;
        let members = self.by_bucket[self.starts[b]..self.starts[b + 1]].iter().map(|&member| member as usize);
        members.filter(|&member| content::compare_cells(self.rows, member, i).is_eq()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::inertia::{distance, norms};
    use crate::rows::{Csr, Dense};
    use crate::run::Unattended;

    /// Greedy k-means++ with all distances, one after the other.
    fn plain<F: Float>(rows: &Rows<'_, F>, weights: Option<&[f64]>, k: usize, trials: usize, seed: u64) -> Vec<usize> {
        let run = Run::alone();
        let mut stream = Stream(seed);
        let mut draw = Draw::new(rows, &run).unwrap();
        let w = |i: usize| weights.map_or(1.0, |w| w[i]);
        let total = draw.weigh(w, &run).unwrap();
        let first = draw.row(stream.uniform() * total, w);
        let mut chosen = vec![first];
        let mut nearest = vec![f64::INFINITY; rows.n()];
        let lowered = |nearest: &[f64], center: usize| -> Vec<f64> {
            let center = rows_as_centers(rows, &[center]);
            let norm = norms(&center, rows.d())[0];
            nearest.iter().enumerate().map(|(i, nearest)| nearest.min(distance(rows, i, &center, norm))).collect()
        };
        nearest = lowered(&nearest, first);
        while chosen.len() < k {
            let weight = |i: usize| w(i) * nearest[i];
            let potential = draw.weigh(weight, &run).unwrap();
            if potential == 0.0 {
                chosen.push(first);
                continue;
            }
            let mut best = (0, f64::INFINITY, Vec::new());
            for candidate in (0..trials).map(|_| draw.row(stream.uniform() * potential, weight)).collect::<Vec<_>>() {
                let after = lowered(&nearest, candidate);
                let sum: f64 = after.iter().enumerate().map(|(i, nearest)| w(i) * nearest).sum();
                if sum < best.1 * (1.0 - 1e-12) {
                    best = (candidate, sum, after);
                }
            }
            chosen.push(best.0);
            nearest = best.2;
        }
        chosen
    }

    fn values(kind: &str, n: usize, d: usize, seed: u64) -> Vec<f64> {
        let mut stream = Stream(seed);
        let mut normal = || (0..12).map(|_| stream.uniform()).sum::<f64>() - 6.0;
        let value = |i: usize, x: f64| match kind {
            "groups" => x + 20.0 * ((i / d % 7 * 31 + i % d * 17) % 11) as f64,
            "offset" => 1e6 + 50.0 * x,
            "blobs" => x + if (i / d).is_multiple_of(2) { 1000.0 } else { -1000.0 },
            "copies" => ((i / d % 40 * 13 + i % d * 7) % 23) as f64,
            "pixels" => (128.0 + 40.0 * x).round(),
            "sparse" if (i * 2_654_435_761) % 100 < 80 => 0.0,
            "tiny" => 1e-160 * x,
            "large" => 1e120 * x,
            "f32 tiny" => 1e-30 * x,
            "f32 large" => 1e30 * x,
            _ => x,
        };
        (0..n * d).map(|i| value(i, normal())).collect()
    }

    fn check<F: Float>(kind: &str, n: usize, d: usize, k: usize, trials: usize) {
        let x: Vec<F> = values(kind, n, d, (n + d + k) as u64).into_iter().map(F::from_f64).collect();
        let (mut cells, mut columns, mut starts) = (Vec::new(), Vec::new(), vec![0]);
        for row in x.chunks_exact(d) {
            for (f, value) in row.iter().enumerate().filter(|(_, value)| value.to_f64() != 0.0) {
                cells.push(*value);
                columns.push(f as i32);
            }
            starts.push(cells.len() as i64);
        }
        let mut stream = Stream(5);
        let weights: Vec<f64> = (0..n).map(|_| (6.0 * stream.uniform() - 2.0).max(0.0)).collect();
        for rows in
            [Rows::Dense(Dense::new(&x, n, d).unwrap()), Rows::Csr(Csr::new(&cells, &columns, &starts, d).unwrap())]
        {
            for weights in [None, Some(weights.as_slice())] {
                let wanted = plain(&rows, weights, k, trials, 3);
                for level in Level::available() {
                    for threads in [1, 3] {
                        let run = Run::new(threads, &Unattended);
                        let chosen = plus_plus(&rows, weights, k, Some(trials), 3, level, &run).unwrap();
                        assert_eq!(chosen, wanted, "{kind}, {n} x {d}, k {k}, {trials} trials, {}", level.name());
                    }
                }
            }
        }
    }

    #[test]
    fn the_rows_chosen_are_those_of_the_plain_form() {
        let shapes =
            [(900, 1, 12, 3), (3000, 2, 8, 4), (700, 3, 90, 6), (400, 7, 30, 5), (2000, 16, 40, 5), (150, 90, 60, 6)];
        for kind in ["plain", "groups", "offset", "blobs", "copies", "pixels", "sparse"] {
            for (n, d, k, trials) in shapes {
                check::<f32>(kind, n, d, k, trials);
                check::<f64>(kind, n, d, k, trials);
            }
        }
        for kind in ["tiny", "large"] {
            check::<f64>(kind, 500, 5, 20, 4);
            check::<f64>(kind, 300, 5, 290, 7);
        }
        for kind in ["f32 tiny", "f32 large"] {
            check::<f32>(kind, 500, 5, 20, 4);
        }
    }

    #[test]
    fn rows_longer_than_a_strip() {
        check::<f32>("groups", 150, 9000, 5, 3);
        check::<f64>("plain", 70, 9000, 4, 2);
    }

    #[test]
    fn one_trial_many_trials_and_nearly_all_rows() {
        for kind in ["plain", "copies", "pixels"] {
            check::<f32>(kind, 300, 4, 30, 1);
            check::<f64>(kind, 300, 4, 30, 19);
            check::<f32>(kind, 60, 3, 58, 6);
            check::<f64>(kind, 60, 2, 60, 4);
        }
    }
}
