//! Breathing: better clusters from a clustering that no longer improves.
//!
//! Fritzke (2020), "The breathing k-means algorithm": add a few centres where the sum of squares is largest, iterate, take
//! the same number away where that costs least, iterate; keep what is better, and add one fewer where nothing is. What
//! taking a centre away costs is taken from Ward's formula for joining its cluster with the one that suffers least,
//! `W_i W_j / (W_i + W_j) ||c_i - c_j||^2`, which needs no look at the rows; the exact cost reached no better clusters.

use super::inertia;
use super::lloyd::{Fit, Job, Rules};
use super::seeding::Stream;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::direct::{Distances, Panel};
use crate::run;

/// Centres in the first breath.
const DEEPEST: usize = 5;
/// A breath that lowers the inertia by less than this share is the last of its depth.
const LEAST_GAIN: f64 = 1e-4;
/// A new centre starts so far from the one whose cluster it shares, in standard deviations of that cluster.
const APART: f64 = 0.1;
/// With the added centres only the rough outlines matter.
const ROUGH_ITERATIONS: usize = 8;
const ROUGH_TOL: f64 = 1e-3;

/// The fit that breathing goes on to from `best`, whose history it continues with the iterations that led there.
pub(super) fn refine<F: Float>(job: &Job<'_, F>, mut best: Fit, rules: &Rules) -> Result<Fit> {
    let mut stream = Stream::new(0);
    let mut breath = DEEPEST.min(rules.k).min(job.rows.n() - rules.k);
    while breath > 0 {
        let deep = inhale(job, &best, rules, breath, &mut stream)?;
        let next = exhale(job, &deep, rules, breath)?;
        if next.inertia < best.inertia * (1.0 - LEAST_GAIN) {
            let repaired = next.repaired.after(best.repaired, best.n_iter);
            let history = [best.history, next.history].concat();
            best = Fit { n_iter: history.len(), history, repaired, ..next };
        } else {
            breath -= 1;
        }
    }
    Ok(best)
}

/// A clustering with centres added beside those of the clusters with the largest sums of squares.
fn inhale<F: Float>(job: &Job<'_, F>, from: &Fit, rules: &Rules, breath: usize, stream: &mut Stream) -> Result<Fit> {
    let d = job.rows.d();
    let clusters = clusters(job, from, rules.k)?;
    let mut order: Vec<usize> = (0..rules.k).collect();
    order.sort_by(|&i, &j| clusters[j].squares.total_cmp(&clusters[i].squares));
    let mut centers = from.centers.clone();
    for &j in &order[..breath] {
        // A uniform number has a variance of a third.
        let apart = APART * (3.0 * clusters[j].squares / clusters[j].weight.max(f64::MIN_POSITIVE) / d as f64).sqrt();
        for f in 0..d {
            centers.push(from.centers[j * d + f] + apart * (2.0 * stream.uniform() - 1.0));
        }
    }
    let tol = rules.tol.max(ROUGH_TOL);
    let rough = Rules { k: rules.k + breath, max_iter: rules.max_iter.min(ROUGH_ITERATIONS), tol, ..*rules };
    job.fit(centers, from.labels.clone(), &rough, None)
}

/// A clustering without the centres whose loss costs least.
fn exhale<F: Float>(job: &Job<'_, F>, deep: &Fit, rules: &Rules, breath: usize) -> Result<Fit> {
    let d = job.rows.d();
    let k = rules.k + breath;
    let weights: Vec<f64> = clusters(job, deep, k)?.into_iter().map(|cluster| cluster.weight).collect();
    let partners = partners(job, &deep.centers, &weights)?;
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|&i, &j| partners[i].1.total_cmp(&partners[j].1));
    // A centre stays if the rows of one that goes are to find it; where that leaves too few to go, any goes.
    let (mut goes, mut stays) = (vec![false; k], vec![false; k]);
    let mut left = breath;
    for heed in [true, false] {
        for &j in &order {
            if left > 0 && !goes[j] && !(heed && stays[j]) {
                goes[j] = true;
                stays[partners[j].0] = true;
                left -= 1;
            }
        }
    }
    let mut names = vec![-1; k];
    let kept = (0..k).filter(|&j| !goes[j]);
    kept.clone().enumerate().for_each(|(name, j)| names[j] = name as i32);
    let centers = kept.flat_map(|j| &deep.centers[j * d..][..d]).copied().collect();
    let labels = deep.labels.iter().map(|&label| names[label as usize]).collect();
    job.fit(centers, labels, rules, None)
}

#[derive(Clone, Copy, Default)]
struct Cluster {
    /// Sum of w ||x - c||^2.
    squares: f64,
    /// Sum of w.
    weight: f64,
}

fn clusters<F: Float>(job: &Job<'_, F>, fit: &Fit, k: usize) -> Result<Vec<Cluster>> {
    let &Job { rows, level, run, .. } = job;
    let distances =
        inertia::for_distances(rows, &fit.centers, &fit.labels, level, run, |_, distances| distances.to_vec())?;
    let mut clusters = vec![Cluster::default(); k];
    for (i, (distance, &label)) in distances.into_iter().flatten().zip(&fit.labels).enumerate() {
        let out = fit.repaired.trimmed.as_ref().is_some_and(|trimmed| trimmed[i]);
        let w = if out { 0.0 } else { job.weights.map_or(1.0, |w| w[i]) };
        let cluster = &mut clusters[label as usize];
        cluster.squares += w * distance;
        cluster.weight += w;
    }
    Ok(clusters)
}

/// For each of the centres (k, d) the one that its cluster is joined with at the lowest cost, and that cost.
fn partners<F: Float>(job: &Job<'_, F>, centers: &[f64], weights: &[f64]) -> Result<Vec<(usize, f64)>> {
    /// Centres whose distances to all are held at a time.
    const STRIP: usize = 64;
    let (k, d) = (weights.len(), job.rows.d());
    let level = job.level;
    let panel = Panel::new(centers, d, level);
    let parts = job.run.map(run::ranges(k, STRIP), 4 * k * k * d, |strip, pulse| {
        pulse.check()?;
        let mut squares = vec![0.0; strip.len() * k];
        let rows = &centers[strip.start * d..strip.end * d];
        level.run(Distances { rows, panel: &panel, out: &mut squares });
        let partner = |(i, squares): (usize, &[f64])| {
            let mut best = (i, f64::INFINITY);
            for (j, square) in squares.iter().enumerate().filter(|(j, _)| *j != i) {
                let both = weights[i] + weights[j];
                let cost = if both > 0.0 { weights[i] * weights[j] / both * square } else { 0.0 };
                if cost < best.1 {
                    best = (j, cost);
                }
            }
            best
        };
        Ok(strip.zip(squares.chunks_exact(k)).map(partner).collect::<Vec<_>>())
    })?;
    Ok(parts.concat())
}
