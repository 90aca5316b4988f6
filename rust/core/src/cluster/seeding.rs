//! First centres.
//!
//! Greedy k-means++ (Arthur and Vassilvitskii 2007, "k-means++: the advantages of careful seeding", with the trials of
//! their implementation): each new centre is the best of several rows drawn with probability proportional to
//! w D(x, nearest centre so far). Draws go by cumulative weight over the rows in the order of their content
//! ([`super::content`]), so that neither the rows' order nor their repetition matters. That order is not sorted out in
//! full: rows are put into buckets by the top bits of their hash, a bucket is drawn by the sums of the buckets, and only
//! the drawn bucket is sorted.

use std::ops::Range;

use super::content;
use super::inertia::norms;
use super::sums::Sums;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::direct::{Distances, Panel};
use crate::kernels::simd::Level;
use crate::rows::Rows;
use crate::run::{self, Pulse, Run};

/// A stream of random numbers: `SplitMix64` (Steele, Lea and Flood 2014), good for the few draws made here.
pub(super) struct Stream(u64);

impl Stream {
    pub fn new(seed: u64) -> Stream {
        Stream(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
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
    let scorer = Scorer { rows, weights, level };

    let mut potential = draw.weigh(|i| weights.map_or(1.0, |w| w[i]), run)?;
    let first = draw.row(stream.uniform() * potential, |i| weights.map_or(1.0, |w| w[i]));
    let mut chosen = vec![first];
    let mut nearest = vec![f64::INFINITY; rows.n()];
    scorer.add_center(first, &mut nearest, run)?;
    while chosen.len() < k {
        let weight = |i: usize| weights.map_or(nearest[i], |w| w[i] * nearest[i]);
        potential = draw.weigh(weight, run)?;
        if potential == 0.0 {
            // Every row with weight sits on a centre (fewer distinct rows than centres): any of them will do.
            chosen.push(first);
            continue;
        }
        let candidates: Vec<usize> = (0..trials).map(|_| draw.row(stream.uniform() * potential, weight)).collect();
        let best = match candidates.as_slice() {
            [only] => *only,
            _ => scorer.best(&candidates, &nearest, run)?,
        };
        scorer.add_center(best, &mut nearest, run)?;
        chosen.push(best);
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
            let rows = self.rows;
            members.sort_by(|&a, &b| content::compare(rows, a as usize, b as usize));
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

/// Sums of other orders of the rows differ by less than this share.
const ROUNDING: f64 = 1e-12;

/// Squared distances from rows to drawn rows.
struct Scorer<'a, F> {
    rows: &'a Rows<'a, F>,
    weights: Option<&'a [f64]>,
    level: Level,
}

/// Drawn rows, prepared for distances from all rows.
enum Targets {
    Dense(Panel),
    /// (k, d) and their squared norms.
    Sparse(Vec<f64>, Vec<f64>),
}

impl<F: Float> Scorer<'_, F> {
    /// Lowers `nearest` to the distances from row `center`.
    fn add_center(&self, center: usize, nearest: &mut [f64], run: &Run<'_>) -> Result<()> {
        let targets = self.targets(&[center]);
        let length = self.task_rows(1);
        let tasks: Vec<_> = run::ranges(nearest.len(), length).into_iter().zip(nearest.chunks_mut(length)).collect();
        run.map(tasks, self.rows.size(), |(range, nearest): (Range<usize>, &mut [f64]), pulse| {
            let mut i = 0;
            self.for_distances(&targets, 1, range, pulse, |distances| {
                nearest[i] = if distances[0] < nearest[i] { distances[0] } else { nearest[i] };
                i += 1;
            })
        })?;
        Ok(())
    }

    /// The candidate that leaves the lowest sum of w min(nearest, D); the first of equals, where sums that differ by what
    /// another order of the rows could have rounded are equal.
    fn best(&self, candidates: &[usize], nearest: &[f64], run: &Run<'_>) -> Result<usize> {
        let t = candidates.len();
        let targets = self.targets(candidates);
        let ranges = run::ranges(nearest.len(), self.task_rows(t));
        let parts = run.map(ranges, t * self.rows.size(), |range, pulse| {
            let mut sums = vec![0.0; t];
            let mut i = range.start;
            self.for_distances(&targets, t, range, pulse, |distances| {
                let w = self.weights.map_or(1.0, |w| w[i]);
                for (sum, &distance) in sums.iter_mut().zip(distances) {
                    *sum += w * if distance < nearest[i] { distance } else { nearest[i] };
                }
                i += 1;
            })?;
            Ok(sums)
        })?;
        let mut sums = vec![0.0; t];
        for part in parts {
            sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        let best = (1..t).fold(0, |best, c| if sums[c] < sums[best] * (1.0 - ROUNDING) { c } else { best });
        Ok(candidates[best])
    }

    fn task_rows(&self, targets: usize) -> usize {
        let n = self.rows.n();
        run::rows_per_task(n, 4 * targets * (self.rows.size() / n + 1))
    }

    fn targets(&self, chosen: &[usize]) -> Targets {
        let centers = rows_as_centers(self.rows, chosen);
        match self.rows {
            Rows::Dense(x) => Targets::Dense(Panel::new(&centers, x.d(), self.level)),
            Rows::Csr(x) => {
                let norms = norms(&centers, x.d());
                Targets::Sparse(centers, norms)
            }
        }
    }

    /// Calls `each` with the distances of each row of `range` to the targets.
    #[inline(always)]
    fn for_distances(
        &self,
        targets: &Targets,
        n_targets: usize,
        range: Range<usize>,
        pulse: &Pulse<'_>,
        mut each: impl FnMut(&[f64]),
    ) -> Result<()> {
        /// Values of rows converted to f64 at a time.
        const STRIP: usize = 1 << 12;
        let d = self.rows.d();
        let mut out = Vec::new();
        match (self.rows, targets) {
            (Rows::Dense(x), Targets::Dense(panel)) => {
                let mut values = Vec::new();
                for strip in run::ranges(range.len(), (STRIP / d).max(4)) {
                    pulse.check()?;
                    values.clear();
                    let strip = x.span(range.start + strip.start, range.start + strip.end);
                    values.extend(strip.iter().map(|x| x.to_f64()));
                    out.resize(values.len() / d * n_targets, 0.0);
                    self.level.run(Distances { rows: &values, panel, out: &mut out });
                    out.chunks_exact(n_targets).for_each(&mut each);
                }
            }
            (rows, Targets::Sparse(centers, norms)) => {
                out.resize(n_targets, 0.0);
                for i in range {
                    pulse.check()?;
                    for ((out, center), norm) in out.iter_mut().zip(centers.chunks_exact(d)).zip(norms) {
                        *out = super::inertia::distance(rows, i, center, *norm);
                    }
                    each(&out);
                }
            }
            (Rows::Csr(_), Targets::Dense(_)) => {}
        }
        Ok(())
    }
}
