//! k-medians: rows to the centre at the smallest Manhattan distance, centres to the medians of their rows.
//!
//! Bradley, Mangasarian and Street (1996), "Clustering via concave minimization". Of all points the one with the (weighted) median
//! of each feature has the least sum of Manhattan distances, so neither step raises the sum. Of the medians of an even number of
//! rows the lowest is taken: the least value that half of the weight is at or below. A centre's coordinates are values of the data,
//! held exactly by their type, and nothing is rounded at the end.

mod assign;
mod seeding;
mod update;

use std::ops::Range;
use std::time::Instant;

use self::assign::{Bounds, Drift};
use self::update::Update;
use super::distances::allocate;
use super::empty;
use super::lloyd::{self, Fit, Iteration, Listener, Rules, Start, Stop, Told};
use super::members::Members;
use super::moments::Moments;
use super::repairs::Repaired;
use super::seeding::{plus_plus_by, random_labels, rows_as_centers};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::codebook::check_k;
use crate::kernels::nearest_manhattan::{Codebook, distance};
use crate::kernels::simd::{Level, Simd, Task};
use crate::rows::{Dense, Rows};
use crate::run::{self, Run};

/// Clusters `rows` from every start and returns the fit with the lowest sum of distances, the first of equals. An iteration's
/// `inertia` is that of its labels and the medians that it ends with.
pub fn fit<F: Float>(
    rows: &Dense<'_, F>,
    weights: Option<&[f64]>,
    starts: &[Start],
    rules: &Rules,
    listener: Option<&dyn Listener>,
    run: &Run<'_>,
) -> Result<Fit> {
    let all = &Rows::Dense(*rows);
    lloyd::check(all, weights, rules.k)?;
    let level = Level::detect();
    let variance = Moments::new(all, weights, level, run)?.variance;
    let job = Job { rows, all, weights, rules, variance, level, run };
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
    variance: f64,
    level: Level,
    run: &'a Run<'a>,
}

impl<F: Float> Job<'_, F> {
    fn first_centers(&self, start: &Start) -> Result<Vec<f64>> {
        let &Job { rows, all, weights, rules: Rules { k, .. }, level, run, .. } = self;
        match start {
            Start::PlusPlus(seed) => {
                let nearest = seeding::Nearest::new(rows, weights, level);
                let chosen = plus_plus_by(nearest, all, weights, *k, None, *seed, run)?;
                Ok(rows_as_centers(all, &chosen))
            }
            Start::RandomPartition(seed) => {
                let (labels, instead) = random_labels(rows.n(), weights, *k, *seed);
                let mut centers = rows_as_centers(all, &instead);
                let members = Members::new(&labels, weights, *k);
                Update::new(*k).medians(rows, weights, &members, &mut centers, run)?;
                Ok(centers)
            }
            Start::Centers(centers) if centers.len() == k * rows.d() => Ok(centers.clone()),
            Start::Centers(centers) => Err(Error::Shape { what: "start", got: centers.len(), want: k * rows.d() }),
        }
    }

    fn fit(&self, mut centers: Vec<f64>, told: Told<'_>) -> Result<Fit> {
        let &Job { rows, weights, rules, level, run, .. } = self;
        let (n, d, k) = (rows.n(), rows.d(), rules.k);
        let mut labels = vec![-1; n];
        // Those that the medians were taken with.
        let mut taken = vec![-1; n];
        let mut bounds = vec![Bounds::UNKNOWN; n];
        let mut update = Update::new(k);
        let mut codebook = Codebook::new(centers.clone(), d, level);
        let mut drift: Option<Drift<F>> = None;
        let mut history: Vec<Iteration> = Vec::new();
        let mut stop = None;
        while stop.is_none() && history.len() < rules.max_iter {
            let began = Instant::now();
            let pass = assign::assign(rows, weights, &codebook, &mut labels, &mut bounds, drift.as_ref(), run)?;
            let mut members = Members::new(&labels, weights, k);
            let refilled = self.refill(&members, codebook.centers(), &labels)?;
            let now = refilled.as_ref().unwrap_or(&labels);
            if refilled.is_some() {
                members = Members::new(now, weights, k);
            }
            update.touch(&taken, now, weights);
            taken.copy_from_slice(now);
            let moves = update.medians(rows, weights, &members, &mut centers, run)?;
            codebook = Codebook::new(centers.clone(), d, level);
            drift = Some(Drift::new(moves.manhattan, &codebook, d));
            let iteration = Iteration {
                inertia: update.losses.iter().sum(),
                shift: moves.squared,
                moved: pass.moved,
                rescored: pass.rescored as f64 / n as f64,
                evaluated: pass.distances as f64 / (n as f64 * k as f64),
                seconds: began.elapsed().as_secs_f64(),
            };
            let told_to = match told {
                Some((restart, listener)) => listener.iterated(restart, history.len(), &iteration)?,
                None => false,
            };
            let before = history.last().map(|last| last.inertia);
            stop = rules.stop(&iteration, before, self.variance).or(told_to.then_some(Stop::Listener));
            history.push(iteration);
            run.check()?;
        }
        let stop = stop.unwrap_or(Stop::MaxIter);
        if history.last().is_some_and(|last| last.shift != 0.0) {
            assign::assign(rows, weights, &codebook, &mut labels, &mut bounds, drift.as_ref(), run)?;
        }
        let inertia = self.loss(&centers, &labels)?;
        Ok(Fit {
            centers,
            labels,
            inertia,
            n_iter: history.len(),
            stop,
            history,
            repaired: Repaired::default(),
            tallies: Vec::new(),
        })
    }

    /// Labels with the farthest rows, and their copies, in the clusters that have none (see [`super::empty`]).
    fn refill(&self, members: &Members, centers: &[f64], labels: &[i32]) -> Result<Option<Vec<i32>>> {
        let empty: Vec<usize> = (0..self.rules.k).filter(|&j| members.of(j).is_empty()).collect();
        if empty.is_empty() {
            return Ok(None);
        }
        let distances = own_distances(self.rows, centers, labels, self.level, self.run)?.concat();
        let apart = |i: usize| distances[i] > 0.0 && self.weights.is_none_or(|w| w[i] > 0.0);
        let groups = empty::farthest_groups(self.all, &distances, apart, empty.len());
        let mut moved = labels.to_vec();
        for (into, group) in empty.into_iter().zip(groups) {
            group.into_iter().for_each(|i| moved[i] = into as i32);
        }
        Ok(Some(moved))
    }

    fn loss(&self, centers: &[f64], labels: &[i32]) -> Result<f64> {
        sum(self.rows, self.weights, centers, labels, self.level, self.run)
    }
}

/// The nearest centre (k, d) of each row.
pub fn labels<F: Float>(rows: &Dense<'_, F>, centers: Vec<f64>, run: &Run<'_>) -> Result<Vec<i32>> {
    let (n, d) = (rows.n(), rows.d());
    check_k(centers.len() / d)?;
    let codebook = Codebook::new(centers, d, Level::detect());
    let (mut labels, mut bounds) = (vec![-1; n], vec![Bounds::UNKNOWN; n]);
    assign::assign(rows, None, &codebook, &mut labels, &mut bounds, None, run)?;
    Ok(labels)
}

/// Sum over rows of w times the distance from the nearest centre (k, d).
pub fn loss<F: Float>(rows: &Dense<'_, F>, weights: Option<&[f64]>, centers: &[f64], run: &Run<'_>) -> Result<f64> {
    let labels = labels(rows, centers.to_vec(), run)?;
    sum(rows, weights, centers, &labels, Level::detect(), run)
}

/// Manhattan distances (n, k) by the definition, rounded once to the data's type.
pub fn distances<F: Float>(rows: &Dense<'_, F>, centers: &[f64], run: &Run<'_>) -> Result<Vec<F>> {
    let (n, d) = (rows.n(), rows.d());
    let k = centers.len() / d;
    let codebook = Codebook::<F>::new(centers.to_vec(), d, Level::detect());
    let mut out = allocate(n.saturating_mul(k))?;
    let length = run::rows_per_task(n, 4 * k * d);
    let tasks: Vec<_> = run::ranges(n, length).into_iter().zip(out.chunks_mut(length * k)).collect();
    run.map(tasks, n.saturating_mul(4 * k * d), |(range, out): (Range<usize>, &mut [F]), pulse| {
        let (mut row, mut distances) = (vec![0.0; d], vec![0.0; k]);
        for (i, out) in range.zip(out.chunks_exact_mut(k)) {
            pulse.check()?;
            Rows::Dense(*rows).write_row(i, &mut row);
            codebook.distances(&row, &mut distances);
            out.iter_mut().zip(&distances).for_each(|(out, &distance)| *out = F::from_f64(distance));
            if !distances.iter().all(|distance| distance.is_finite()) {
                return Err(Rows::Dense(*rows).blame(i));
            }
        }
        Ok(())
    })?;
    Ok(out)
}

fn sum<F: Float>(
    rows: &Dense<'_, F>,
    weights: Option<&[f64]>,
    centers: &[f64],
    labels: &[i32],
    level: Level,
    run: &Run<'_>,
) -> Result<f64> {
    let mut from = 0;
    let mut total = 0.0;
    for distances in own_distances(rows, centers, labels, level, run)? {
        total += match weights {
            None => distances.iter().sum::<f64>(),
            Some(w) => w[from..].iter().zip(&distances).map(|(w, distance)| w * distance).sum(),
        };
        from += distances.len();
    }
    Ok(total)
}

/// Distances of consecutive rows from the centres that they are labelled with.
fn own_distances<F: Float>(
    rows: &Dense<'_, F>,
    centers: &[f64],
    labels: &[i32],
    level: Level,
    run: &Run<'_>,
) -> Result<Vec<Vec<f64>>> {
    struct Own<'a, F> {
        rows: &'a Dense<'a, F>,
        range: Range<usize>,
        centers: &'a [f64],
        labels: &'a [i32],
    }
    impl<F: Float> Task<F> for Own<'_, F> {
        type Out = Vec<f64>;
        #[inline(always)]
        fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Vec<f64> {
            let d = self.rows.d();
            let center = |i: usize| &self.centers[self.labels[i] as usize * d..][..d];
            self.range.map(|i| distance(self.rows.row(i), center(i))).collect()
        }
    }
    let (n, d) = (rows.n(), rows.d());
    run.map(run::ranges(n, run::rows_per_task(n, 4 * d)), n.saturating_mul(d), |range, pulse| {
        pulse.check()?;
        Ok(level.run(Own { rows, range, centers, labels }))
    })
}
