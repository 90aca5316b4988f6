//! What is wrong with clusters, as far as rows and centres show it.
//!
//! Each finding is a test against the same hypothesis: the rows of a cluster have a log-concave density. Gaussian groups of any
//! covariance and uniform ones have, and so has what k-means cuts out of either, since its cells are convex. Two facts about
//! such densities are used.
//!
//! - Their tails are no heavier than that of the exponential distribution (Lovasz and Vempala 2007, "The geometry of logconcave
//!   functions"), of all covariances heaviest where all variance is in one direction. A one-sided exponential variable of mean 1
//!   is further from it than t with probability e^-(1 + t), and 2/e from it on average. Of the mean of c such distances the
//!   next exceeds x with probability (1 + x / c)^-c, which is e^-x for many. So of n rows none is expected at more than
//!   [`Bounds::times`] the mean distance, but with probability [`ALPHA`] (Bonferroni).
//! - In every direction (marginals are log-concave) at least a quarter of the rows is less than half of the mean distance
//!   from the mean: exactly a quarter for the uniform distribution, and more for all others that were tried (exponential, cut off,
//!   with a flat top, with two slopes, and Gaussian pieces, computed on a grid).
//!
//! Weights say how rows compare with each other, not how many they are. What is few is asked of weights scaled to the number of
//! rows that have any; a mean of c rows is, where their weights differ, one of fewer, (sum w)^2 / sum w^2 (Kish 1965).

use super::axis::Cloud;
use super::inertia::{self, Tally, ToPoint};
use super::lloyd::Fit;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::direct::distance;
use crate::kernels::simd::Level;
use crate::rows::Rows;
use crate::run::{Pulse, Run};

/// What a clustering without flaws may be accused of, by each kind of finding.
const ALPHA: f64 = 0.01;
/// Rows for each cluster that directions are taken from.
const SAMPLE: usize = 64;

/// A few rows, far from everything, that are a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Lone {
    /// Which.
    pub cluster: usize,
    /// How many rows it has.
    pub rows: usize,
    /// Their share of all weight.
    pub share: f64,
    /// How far it is from the nearest centre of a larger cluster, in mean distances of that one's rows.
    pub times: f64,
}

/// A few rows of a cluster that are far from the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlying {
    /// Which.
    pub cluster: usize,
    /// How many rows are far.
    pub rows: usize,
    /// Their share of all weight.
    pub share: f64,
    /// How far the nearest of them is from the mean of the others, in mean distances of the others.
    pub times: f64,
}

/// A cluster whose centre is between its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Hollow {
    /// Which.
    pub cluster: usize,
    /// Rows, of those looked at, that are near the centre along the principal axis.
    pub near: usize,
    /// Rows that were looked at.
    pub of: usize,
}

/// All findings, clusters in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnosis {
    /// Outliers that have a cluster of their own.
    pub lone: Vec<Lone>,
    /// Outliers in a cluster.
    pub outlying: Vec<Outlying>,
    /// Centres in a sparse region.
    pub hollow: Vec<Hollow>,
}

/// A clustering to be looked at.
pub struct Clustering<'a, F> {
    /// X
    pub rows: &'a Rows<'a, F>,
    /// 0 for rows that take no part.
    pub weights: Option<&'a [f64]>,
    /// (k, d)
    pub centers: &'a [f64],
    /// (n,)
    pub labels: &'a [i32],
    /// (k,)
    pub tallies: &'a [Tally],
    /// For the arithmetic.
    pub level: Level,
}

/// How far rows may be.
struct Bounds {
    /// Rows with weight.
    n: f64,
    /// What a row weighs on average.
    unit: f64,
    /// So few rows, and what is less than a tenth of an equal share, are no cluster: up to ln n, as many as may well be
    /// outliers.
    few: f64,
}

impl Bounds {
    fn new(tallies: &[Tally]) -> Bounds {
        let n = tallies.iter().map(|tally| tally.rows).sum::<usize>() as f64;
        let unit = tallies.iter().map(|tally| tally.weight).sum::<f64>() / n;
        let few = (n / (10 * tallies.len()) as f64).min(n.ln()).max(1.0);
        Bounds { n, unit, few }
    }

    /// Of all weight.
    fn share(&self, weight: f64) -> f64 {
        weight / (self.n * self.unit)
    }

    fn is_few(&self, weight: f64) -> bool {
        weight <= self.few * self.unit * (1.0 + 1e-9)
    }

    /// How many times the mean distance of c rows, from their mean, none of all rows is away from it.
    fn times(&self, c: f64) -> f64 {
        let x = c * ((self.n / ALPHA).ln() / c).exp_m1();
        std::f64::consts::E / 2.0 * (x - 1.0)
    }

    /// Whether no row of the cluster can be an outlier, so that it is not worth a look at each. Without rows that weigh at most
    /// `few`, the centre moves by no more than s of the farthest distance, s being what these weigh to the others; what it can
    /// move is added to that distance, and taken off the mean of the others, like what those rows may have added to it.
    fn is_plain(&self, tally: &Tally) -> bool {
        let (few, far) = ((self.few * self.unit).min(tally.weight / 2.0), tally.farthest.sqrt());
        let moved = few / (tally.weight - few) * far;
        let mean = (tally.spread - few * far) / tally.weight - moved;
        far + moved <= self.least() * mean
    }

    /// What [`Bounds::times`] falls to where there are many rows.
    fn least(&self) -> f64 {
        std::f64::consts::E / 2.0 * ((self.n / ALPHA).ln() - 1.0)
    }
}

/// Looks for outliers and for centres between groups.
pub fn diagnose<F: Float>(clustering: &Clustering<'_, F>, run: &Run<'_>) -> Result<Diagnosis> {
    let bounds = Bounds::new(clustering.tallies);
    if clustering.tallies.iter().all(|tally| tally.spread == 0.0) {
        return Ok(Diagnosis::default());
    }
    Ok(Diagnosis {
        lone: clustering.lone(&bounds, run)?,
        outlying: clustering.outlying(&bounds, run)?,
        hollow: clustering.hollow(&bounds, run)?,
    })
}

/// [`diagnose`], of what a fit of `rows` has found.
pub fn of_fit<F: Float>(rows: &Rows<'_, F>, weights: Option<&[f64]>, fit: &Fit, run: &Run<'_>) -> Result<Diagnosis> {
    let trimmed = fit.repaired.trimmed.as_ref();
    let kept: Option<Vec<f64>> = trimmed.map(|trimmed| {
        let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
        trimmed.iter().enumerate().map(|(i, &out)| if out { 0.0 } else { weight(i) }).collect()
    });
    let weights = kept.as_deref().or(weights);
    let (centers, labels, tallies) = (&fit.centers[..], &fit.labels[..], &fit.tallies[..]);
    diagnose(&Clustering { rows, weights, centers, labels, tallies, level: Level::detect() }, run)
}

impl<F: Float> Clustering<'_, F> {
    fn weight(&self, i: usize) -> f64 {
        self.weights.map_or(1.0, |w| w[i])
    }

    fn center(&self, j: usize) -> &[f64] {
        let d = self.rows.d();
        &self.centers[j * d..][..d]
    }

    /// A small cluster is held against the rows of the nearest larger one, or of all larger ones if those are wider.
    fn lone(&self, bounds: &Bounds, run: &Run<'_>) -> Result<Vec<Lone>> {
        let k = self.tallies.len();
        let found = (0..k).filter(|&j| self.tallies[j].rows > 0);
        let (few, large): (Vec<usize>, Vec<usize>) = found.partition(|&j| bounds.is_few(self.tallies[j].weight));
        // Where so many are small, to be small is nothing.
        if large.is_empty() || few.len() * k > bounds.n as usize {
            return Ok(Vec::new());
        }
        let sum = |what: fn(&Tally) -> f64| large.iter().map(|&j| what(&self.tallies[j])).sum::<f64>();
        let pooled = sum(|tally| tally.spread) / sum(|tally| tally.weight);
        let work = few.len() * large.len() * self.rows.d();
        let lone = run.map(few, work, |j, pulse| {
            pulse.check()?;
            let squares = large.iter().map(|&i| (i, distance(self.center(j), self.center(i))));
            let Some((nearest, square)) = squares.reduce(|a, b| if b.1 < a.1 { b } else { a }) else { return Ok(None) };
            let near = &self.tallies[nearest];
            let times = square.sqrt() / (near.spread / near.weight).max(pooled);
            let found = times.is_finite() && times > bounds.times(near.weight * near.weight / near.squares);
            let Tally { rows, weight, .. } = self.tallies[j];
            Ok(found.then(|| Lone { cluster: j, rows, share: bounds.share(weight), times }))
        })?;
        Ok(lone.into_iter().flatten().collect())
    }

    fn outlying(&self, bounds: &Bounds, run: &Run<'_>) -> Result<Vec<Outlying>> {
        let suspect = |tally: &Tally| !bounds.is_few(tally.weight) && tally.spread > 0.0 && !bounds.is_plain(tally);
        let members = self.members(1, suspect);
        let work = members.iter().map(|(_, members)| members.len()).sum::<usize>() * 4 * self.rows.d();
        let found = run.map(members, work, |(j, members), pulse| self.far_members(j, members, bounds, pulse))?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The clusters that are `wanted`, and every `step`th row of theirs that has weight.
    fn members(&self, step: usize, wanted: impl Fn(&Tally) -> bool) -> Vec<(usize, Vec<u32>)> {
        let wanted: Vec<bool> = self.tallies.iter().map(wanted).collect();
        if !wanted.contains(&true) {
            return Vec::new();
        }
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); wanted.len()];
        for i in (0..self.labels.len()).step_by(step) {
            let j = self.labels[i] as usize;
            if wanted[j] && self.weight(i) > 0.0 {
                members[j].push(i as u32);
            }
        }
        members.into_iter().enumerate().filter(|&(j, _)| wanted[j]).collect()
    }

    /// The members of cluster j that are too far from the others to be of their kind. What is far draws the centre, so the
    /// distances are from the mean of those that remain without the few farthest, taken a few times.
    fn far_members(&self, j: usize, members: Vec<u32>, bounds: &Bounds, pulse: &Pulse<'_>) -> Result<Option<Outlying>> {
        const STEPS: usize = 3;
        const STRIP: usize = 1 << 12;
        let weight = |i: u32| self.weight(i as usize);
        let total: f64 = members.iter().map(|&i| weight(i)).sum();
        let most = (bounds.few * bounds.unit).min(total / 2.0);
        let mut center = self.center(j).to_vec();
        let mut far: Vec<(f64, u32)> = members.into_iter().map(|i| (0.0, i)).collect();
        let nearer = |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        let mut core = 0;
        for step in 0..STEPS {
            let norm = inertia::norms(&center, center.len())[0];
            for strip in far.chunks_mut(STRIP) {
                pulse.check()?;
                let members: Vec<u32> = strip.iter().map(|&(_, i)| i).collect();
                let squares = self.level.run(ToPoint { rows: self.rows, members: &members, point: &center, norm });
                strip.iter_mut().zip(squares).for_each(|((r, _), square)| *r = square.sqrt());
            }
            // The others need no order. Rows lighter than others may be more than these: then some stay.
            let sorted = far.len() - (4 * bounds.few as usize).min(far.len());
            if sorted > 0 {
                far.select_nth_unstable_by(sorted, nearer);
            }
            far[sorted..].sort_unstable_by(nearer);
            let mut left = total;
            core = far.len();
            while core > sorted && total - (left - weight(far[core - 1].1)) <= most * (1.0 + 1e-9) {
                core -= 1;
                left -= weight(far[core].1);
            }
            if step + 1 < STEPS {
                center.fill(0.0);
                for strip in far[..core].chunks(STRIP) {
                    pulse.check()?;
                    for &(_, i) in strip {
                        self.rows.for_cells(i as usize, |f, x| center[f] += weight(i) * x);
                    }
                }
                center.iter_mut().for_each(|sum| *sum /= left);
            }
        }
        let (mut all, mut squares, mut spread) = (0.0, 0.0, 0.0);
        for (c, &(r, i)) in far.iter().enumerate() {
            if c >= core && spread > 0.0 && r > bounds.times(all * all / squares) * (spread / all) {
                let (rows, share) = (far.len() - c, bounds.share(total - all));
                return Ok(Some(Outlying { cluster: j, rows, share, times: r / (spread / all) }));
            }
            all += weight(i);
            squares += weight(i) * weight(i);
            spread += weight(i) * r;
        }
        Ok(None)
    }

    /// Tests the share of rows near the mean along the principal axis, by the bound of Chernoff and Hoeffding on the tail of a
    /// binomial distribution, which takes weights as well.
    fn hollow(&self, bounds: &Bounds, run: &Run<'_>) -> Result<Vec<Hollow>> {
        const SHARE: f64 = 0.25;
        let k = self.tallies.len();
        let step = (self.labels.len() / (SAMPLE * k)).max(1);
        let sampled = self.members(step, |tally| !bounds.is_few(tally.weight) && tally.spread > 0.0);
        let alone = ((k as f64 / ALPHA).ln() / -(1.0 - SHARE).ln()) as usize;
        let sampled: Vec<_> = sampled.into_iter().filter(|(_, members)| members.len() >= alone).collect();
        let work = sampled.iter().map(|(_, members)| members.len()).sum::<usize>() * 8 * self.rows.d();
        let hollow = run.map(sampled, work, |(j, members), pulse| {
            let run = &Run::new(1, pulse);
            let weights: Vec<f64> = members.iter().map(|&i| self.weight(i as usize)).collect();
            let (rows, center, level) = (self.rows, self.center(j), self.level);
            let cluster = Cloud { rows, members: &members, weights: &weights, center, level };
            let Some(axis) = cluster.axis(run)? else { return Ok(None) };
            let along = cluster.along(&axis, run)?;
            let total: f64 = weights.iter().sum();
            let mean =
                |of: &dyn Fn(f64) -> f64| along.iter().zip(&weights).map(|(z, w)| w * of(*z)).sum::<f64>() / total;
            let middle = mean(&|z| z);
            let half = mean(&|z| (z - middle).abs()) / 2.0;
            let is_near = |z: f64| (z - middle).abs() < half;
            let share = mean(&|z| f64::from(is_near(z)));
            let rows = total * total / weights.iter().map(|w| w * w).sum::<f64>();
            let found = share < SHARE && rows * divergence(share, SHARE) > (k as f64 / ALPHA).ln();
            let near = along.iter().filter(|&&z| is_near(z)).count();
            Ok(found.then_some(Hollow { cluster: j, near, of: members.len() }))
        })?;
        Ok(hollow.into_iter().flatten().collect())
    }
}

/// Of the outcomes with probabilities p and 1 - p from those with q and 1 - q (Kullback and Leibler).
fn divergence(p: f64, q: f64) -> f64 {
    let part = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    part(p, q) + part(1.0 - p, 1.0 - q)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Dense;

    /// One cluster of 2 j - 41 for j = 1..=40, and `more` rows.
    fn one_cluster(more: &[f64], weights: Option<&[f64]>) -> Diagnosis {
        let x: Vec<f64> = (1..=40).map(|j| f64::from(2 * j - 41)).chain(more.iter().copied()).collect();
        let rows = Rows::Dense(Dense::new(&x, x.len(), 1).unwrap());
        let labels = vec![0; x.len()];
        let centers = [x.iter().sum::<f64>() / x.len() as f64];
        let level = Level::detect();
        let run = Run::alone();
        let (_, tallies) = inertia::inertia_and_tallies(&rows, weights, &centers, &labels, level, &run).unwrap();
        let (rows, labels, tallies) = (&rows, &labels[..], &tallies[..]);
        diagnose(&Clustering { rows, weights, centers: &centers, labels, tallies, level }, &run).unwrap()
    }

    #[test]
    fn evenly_spaced_rows_are_without_flaw() {
        assert_eq!(one_cluster(&[], None), Diagnosis::default());
        assert_eq!(one_cluster(&[60.0], None), Diagnosis::default());
    }

    #[test]
    fn far_rows_are_counted_and_do_not_hide_each_other() {
        // The mean distance of the others is 20, and the bound e / 2 (40 (4100^(1/40) - 1) - 1), about 11 of those.
        assert_eq!(one_cluster(&[200.0], None).outlying, []);
        let found = one_cluster(&[260.0, 270.0, -265.0], None).outlying;
        assert_eq!((found.len(), found[0].rows), (1, 3));
        assert!(found[0].times > 12.0 && found[0].times < 14.0, "{found:?}");
        assert!((found[0].share - 3.0 / 43.0).abs() < 1e-12);
    }

    #[test]
    fn rows_without_weight_are_nothing() {
        let mut weights = [1.0; 42];
        weights[40] = 0.0;
        assert_eq!(one_cluster(&[1e6, 3.0], Some(&weights)), Diagnosis::default());
    }
}
