//! k-means by Mahalanobis distance: clusters are ellipsoids, all of one shape or each of its own.
//!
//! With d_S(x, c)^2 = (x - c)^T S^-1 (x - c), the sum that is made small is
//!
//! `J = sum over rows of w ((1 - a) d_S(x, c)^2 + a tr(T S^-1) + log det S)`
//!
//! for the centre c and the covariance S of the row's cluster. Without shrinkage (a = 0) it is, but for constants, the classification
//! likelihood of Gaussian clusters (Symons 1981, "Clustering criteria and multivariate normal mixtures"): the determinant is what
//! keeps an estimated S from growing until all distances vanish. Given the labels, J is least at the means and at S = (1 - a) E + a T,
//! with E the covariance of the cluster's rows, or of all rows around their centres: shrinkage by a towards T, which is the
//! diagonal of the covariance of all rows, is the exact minimum of J, so no step raises it. With a > 0 it is bounded from below, also
//! where a cluster has fewer rows than features.

mod assign;
mod covariance;

use std::borrow::Borrow;
use std::time::Instant;

use self::assign::Shape;
pub use self::assign::{distances, label};
use self::covariance::Scatter;
pub use self::covariance::{Factor, factor};
use super::lloyd::{self, Fit, Iteration, Listener, Start, Stop, Told};
use super::members::Members;
use super::moments::Moments;
use super::repairs::Repaired;
use super::{empty, seeding};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::power::ln;
use crate::kernels::simd::Level;
use crate::rows::{Dense, Rows};
use crate::run::Run;

/// What is fitted, and when to stop.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Number of clusters.
    pub k: usize,
    /// At most this many iterations.
    pub max_iter: usize,
    /// On how much an iteration lowers J, for each unit of weight.
    pub tol: f64,
    /// a, from 0 to below 1.
    pub shrinkage: f64,
    /// Whether each cluster has a covariance of its own.
    pub full: bool,
    /// Covariances (1 or k, d, d) that are known; they are not shrunk.
    pub given: Option<Vec<f64>>,
}

/// A clustering and its covariances.
pub struct Ellipsoids {
    /// Its `inertia` is J.
    pub fit: Fit,
    /// (1 or k, d, d)
    pub covariances: Vec<f64>,
    /// As many.
    pub factors: Vec<Factor>,
    /// What each of a cluster's rows adds to J beside its distance, as many.
    pub penalties: Vec<f64>,
}

impl Borrow<Fit> for Ellipsoids {
    fn borrow(&self) -> &Fit {
        &self.fit
    }
}

/// Clusters `rows` from every start and returns the fit with the lowest J, the first of equals.
pub fn fit<F: Float>(
    rows: &Dense<'_, F>,
    weights: Option<&[f64]>,
    starts: &[Start],
    rules: &Rules,
    listener: Option<&dyn Listener>,
    run: &Run<'_>,
) -> Result<Ellipsoids> {
    let all = &Rows::Dense(*rows);
    lloyd::check(all, weights, rules.k)?;
    let (n, d) = (rows.n(), rows.d());
    let many = if rules.full { rules.k } else { 1 };
    if rules.given.as_ref().is_some_and(|given| given.len() != many * d * d) {
        return Err(Error::Value(format!("covariances for {many} clusters of {d} features are needed")));
    }
    let level = Level::detect();
    let moments = Moments::new(all, weights, level, run)?;
    let together = Members::new(&vec![0; n], weights, 1);
    let scatter = &covariance::scatter(rows, weights, &together, &moments.shift, level, run)?[0];
    let mut total = vec![0.0; d * d];
    scatter.add_around_mean(1.0 / scatter.weight, &mut total);
    let target: Vec<f64> = (0..d).map(|f| total[f * d + f]).collect();
    let job = Job { rows, all, weights, rules, moments: &moments, total, target, mass: scatter.weight, level, run };
    let first_centers = |start: &Start| job.first_centers(start);
    let (best, _) = lloyd::best_of(starts, rules.k, listener, first_centers, |centers, told| job.fit(centers, told))?;
    best.ok_or_else(|| Error::Value("a fit needs at least one start".into()))
}

struct Job<'a, F: Float> {
    rows: &'a Dense<'a, F>,
    /// The same.
    all: &'a Rows<'a, F>,
    weights: Option<&'a [f64]>,
    rules: &'a Rules,
    moments: &'a Moments,
    /// The covariance of all rows (d, d).
    total: Vec<f64>,
    /// The diagonal of T.
    target: Vec<f64>,
    /// The sum of all weights.
    mass: f64,
    level: Level,
    run: &'a Run<'a>,
}

impl<F: Float> Job<'_, F> {
    /// Those that shrinkage acts on: none, where covariances are given.
    fn shrinkage(&self) -> f64 {
        if self.rules.given.is_some() { 0.0 } else { self.rules.shrinkage }
    }

    /// The covariances (1 or k, d, d) to begin with.
    fn first_covariances(&self) -> Vec<f64> {
        match &self.rules.given {
            Some(given) => given.clone(),
            None => self.shrunk(&self.total).repeat(if self.rules.full { self.rules.k } else { 1 }),
        }
    }

    /// (1 - a) E + a T.
    fn shrunk(&self, estimate: &[f64]) -> Vec<f64> {
        let (a, d) = (self.shrinkage(), self.rows.d());
        let mut shrunk: Vec<f64> = estimate.iter().map(|e| (1.0 - a) * e).collect();
        (0..d).for_each(|f| shrunk[f * d + f] += a * self.target[f]);
        shrunk
    }

    fn first_centers(&self, start: &Start) -> Result<Vec<f64>> {
        let &Job { rows, all, weights, rules: Rules { k, .. }, moments, level, run, .. } = self;
        let d = rows.d();
        match start {
            Start::PlusPlus(seed) => {
                // In units in which the first covariance is the unit matrix.
                let factor = factor(&self.first_covariances()[..d * d], d, 0)?;
                let whitened = assign::whitened(rows, &moments.shift, &factor, level, run)?;
                let whitened = Rows::Dense(Dense::new(&whitened, rows.n(), d)?);
                let chosen = seeding::plus_plus(&whitened, weights, *k, None, *seed, level, run)?;
                Ok(seeding::rows_as_centers(all, &chosen))
            }
            Start::RandomPartition(seed) => seeding::random_partition(all, weights, *k, *seed, &moments.shift, run),
            Start::Centers(centers) if centers.len() == k * d => Ok(centers.clone()),
            Start::Centers(centers) => Err(Error::Shape { what: "start", got: centers.len(), want: k * d }),
        }
    }

    fn shape(&self, centers: &[f64], covariances: &[f64]) -> Result<(Shape, Vec<Factor>, Vec<f64>)> {
        let d = self.rows.d();
        let tasks: Vec<_> = covariances.chunks_exact(d * d).enumerate().collect();
        let factors = self.run.map(tasks, covariances.len() * d, |(j, covariance), _| factor(covariance, d, j))?;
        let a = self.shrinkage();
        let penalties: Vec<f64> =
            factors.iter().map(|factor| factor.log_det + a * factor.trace_with(&self.target)).collect();
        Ok((Shape::new(centers.to_vec(), &factors, penalties.clone(), 1.0 - a, self.level), factors, penalties))
    }

    fn fit(&self, mut centers: Vec<f64>, told: Told<'_>) -> Result<Ellipsoids> {
        let &Job { rows, weights, rules, level, run, .. } = self;
        let (n, d, k) = (rows.n(), rows.d(), rules.k);
        let mut covariances = self.first_covariances();
        let (mut labels, mut costs) = (vec![-1; n], vec![0.0; n]);
        let mut history: Vec<Iteration> = Vec::new();
        let mut stop = None;
        while stop.is_none() && history.len() < rules.max_iter {
            let began = Instant::now();
            let (shape, _, penalties) = self.shape(&centers, &covariances)?;
            let (moved, inertia) = assign::assign(rows, weights, &shape, &mut labels, &mut costs, run)?;
            let mut members = Members::new(&labels, weights, k);
            if let Some(refilled) = self.refill(&members, &labels, &costs, &penalties) {
                members = Members::new(&refilled, weights, k);
            }
            let scatters = covariance::scatter(rows, weights, &members, &centers, level, run)?;
            let shift = move_to_means(&mut centers, &scatters, d);
            if rules.given.is_none() {
                self.estimate(&scatters, &mut covariances);
            }
            let seconds = began.elapsed().as_secs_f64();
            let iteration = Iteration { inertia, shift, moved, rescored: 0.0, evaluated: 1.0, seconds };
            let told_to = match told {
                Some((restart, listener)) => listener.iterated(restart, history.len(), &iteration)?,
                None => false,
            };
            let fell = history.last().map(|last| last.inertia - inertia);
            stop = if moved == 0 {
                Some(Stop::Unchanged)
            } else if rules.tol > 0.0 && fell.is_some_and(|fell| fell <= rules.tol * self.mass) {
                Some(Stop::Tol)
            } else {
                told_to.then_some(Stop::Listener)
            };
            history.push(iteration);
            run.check()?;
        }
        centers.iter_mut().for_each(|c| *c = F::from_f64(*c).to_f64());
        let (shape, factors, penalties) = self.shape(&centers, &covariances)?;
        let (_, inertia) = assign::assign(rows, weights, &shape, &mut labels, &mut costs, run)?;
        let stop = stop.unwrap_or(Stop::MaxIter);
        let fit = Fit {
            centers,
            labels,
            inertia,
            n_iter: history.len(),
            stop,
            history,
            repaired: Repaired::default(),
            tallies: Vec::new(),
        };
        Ok(Ellipsoids { fit, covariances, factors, penalties })
    }

    /// The covariances that make J least; a cluster without rows keeps its own.
    fn estimate(&self, scatters: &[Scatter], covariances: &mut [f64]) {
        let d = self.rows.d();
        if self.rules.full {
            for (scatter, covariance) in scatters.iter().zip(covariances.chunks_exact_mut(d * d)) {
                if scatter.weight > 0.0 {
                    let mut estimate = vec![0.0; d * d];
                    scatter.add_around_mean(1.0 / scatter.weight, &mut estimate);
                    covariance.copy_from_slice(&self.shrunk(&estimate));
                }
            }
        } else {
            let mut within = vec![0.0; d * d];
            scatters.iter().for_each(|scatter| scatter.add_around_mean(1.0 / self.mass, &mut within));
            covariances.copy_from_slice(&self.shrunk(&within));
        }
    }

    /// Labels with the rows that cost most, and their copies, in the clusters that have none, if that lowers J: a row alone
    /// costs what its cluster adds for it, which for a covariance of its own is that of a T.
    fn refill(&self, members: &Members, labels: &[i32], costs: &[f64], penalties: &[f64]) -> Option<Vec<i32>> {
        let empty: Vec<usize> = (0..self.rules.k).filter(|&j| members.of(j).is_empty()).collect();
        if empty.is_empty() {
            return None;
        }
        let a = self.shrinkage();
        let alone = if self.rules.full && self.rules.given.is_none() {
            let log_det: f64 = self.target.iter().map(|t| ln(a * t)).sum();
            if a > 0.0 { self.rows.d() as f64 + log_det } else { f64::INFINITY }
        } else {
            penalties.iter().fold(f64::NEG_INFINITY, |most, &penalty| most.max(penalty))
        };
        let dear = |i: usize| costs[i] - alone > ROUNDING * (1.0 + alone.abs());
        let eligible = |i: usize| dear(i) && self.weights.is_none_or(|w| w[i] > 0.0);
        let groups = empty::farthest_groups(self.all, costs, eligible, empty.len());
        let mut moved = labels.to_vec();
        for (into, group) in empty.into_iter().zip(groups) {
            group.into_iter().for_each(|i| moved[i] = into as i32);
        }
        Some(moved)
    }
}

/// Costs that differ by less, relatively, are equal.
const ROUNDING: f64 = 1e-9;

/// Moves `centers` (k, d) to the means; one without rows stays. Returns sum ||C_new - C_old||^2.
fn move_to_means(centers: &mut [f64], scatters: &[Scatter], d: usize) -> f64 {
    let mut shift = 0.0;
    for (center, scatter) in centers.chunks_exact_mut(d).zip(scatters) {
        if scatter.weight > 0.0 {
            for (c, sum) in center.iter_mut().zip(&scatter.sums) {
                let step = sum / scatter.weight;
                shift += step * step;
                *c += step;
            }
        }
    }
    shift
}
