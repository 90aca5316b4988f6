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

/// A stream of random numbers: `SplitMix64` (Steele, Lea and Flood 2014), good for the few draws made here.
struct Stream(u64);

impl Stream {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
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
    let trials = trials.unwrap_or(2 + (k as f64).ln() as usize);
    let mut stream = Stream(seed);
    let mut draw = Draw::new(rows, run)?;
    let mut nearest = Nearest::new(rows, weights, level);

    let mut potential = draw.weigh(|i| weights.map_or(1.0, |w| w[i]), run)?;
    let first = draw.row(stream.uniform() * potential, |i| weights.map_or(1.0, |w| w[i]));
    let mut chosen = vec![first];
    nearest.add(first, run)?;
    while chosen.len() < k {
        let distances = &nearest.distances;
        let weight = |i: usize| weights.map_or(distances[i], |w| w[i] * distances[i]);
        potential = draw.weigh(weight, run)?;
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
    let mut stream = Stream(seed);
    let labels: Vec<i32> = (0..rows.n()).map(|_| (stream.next() % k as u64) as i32).collect();
    let heavy: Vec<usize> = (0..rows.n()).filter(|&i| weights.is_none_or(|w| w[i] > 0.0)).collect();
    let instead: Vec<usize> = (0..k).map(|_| heavy[(stream.next() % heavy.len() as u64) as usize]).collect();
    let mut sums = Sums::new(k, shift, Level::detect());
    sums.take(rows, weights, &labels, run)?;
    let mut means = vec![0.0; k * rows.d()];
    sums.means(&rows_as_centers(rows, &instead), &mut means, run)?;
    Ok(means)
}

/// Draws rows by weight in the order of their content.
struct Draw<'a, F> {
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
    fn new(rows: &'a Rows<'a, F>, run: &Run<'_>) -> Result<Self> {
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
    fn weigh(&mut self, weight: impl Fn(usize) -> f64 + Sync, run: &Run<'_>) -> Result<f64> {
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

    /// The row at which the cumulative weight, which is not all zero, passes `at`.
    fn row(&mut self, mut at: f64, weight: impl Fn(usize) -> f64) -> usize {
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
}
