//! Stochastic gradient descent: one row, one step. Bottou (2012), "Stochastic gradient descent tricks"; the steps, their
//! order and the shuffling are scikit-learn's, so that its results come out, in f64 whatever the rows' type.
//!
//! Rows of a shuffled order lie all over the memory. A block of them is copied first: the copies do not depend on each
//! other, so their cache misses overlap, where those of steps could not.

mod loss;
mod weights;

use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::simd::{Level, Simd, Task};
use crate::rows::Rows;
use crate::run::{self, Pulse, Run};
pub use loss::{Loss, logistic};
use weights::{PADDED, Padded, Sample, Weights};

/// How long a step is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// eta0
    Constant,
    /// 1 / (alpha (t + t0)), t0 by Bottou's rule
    Optimal,
    /// eta0 / t^power_t
    InvScaling,
    /// eta0, a fifth of it whenever nothing improves
    Adaptive,
    /// Crammer et al. (2006), PA-I: at most eta0
    Pa1,
    /// PA-II
    Pa2,
}

impl Rate {
    /// By scikit-learn's name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "constant" => Rate::Constant,
            "optimal" => Rate::Optimal,
            "invscaling" => Rate::InvScaling,
            "adaptive" => Rate::Adaptive,
            "pa1" => Rate::Pa1,
            "pa2" => Rate::Pa2,
            _ => return None,
        })
    }
}

/// What all problems over the same rows share.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Of a row.
    pub loss: Loss,
    /// The share of L1 in the penalty; `None` is no penalty.
    pub l1_ratio: Option<f64>,
    /// How strong it is.
    pub alpha: f64,
    /// The kind of step.
    pub rate: Rate,
    /// Its length at first.
    pub eta0: f64,
    /// How it falls.
    pub power_t: f64,
    /// Whether there is an intercept.
    pub fit_intercept: bool,
    /// The most epochs.
    pub max_iter: usize,
    /// The improvement of an epoch that counts; `None` runs all epochs.
    pub tol: Option<f64>,
    /// So many epochs without end it.
    pub n_iter_no_change: usize,
    /// Whether each epoch has an order of its own.
    pub shuffle: bool,
    /// The step from which weights are averaged; 0 averages none.
    pub average: usize,
    /// Steps taken before, plus 1.
    pub t: f64,
}

/// One vector of weights to learn.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The target that counts as positive, all others as negative; `None` takes targets as they are.
    pub class: Option<f64>,
    /// Of the shuffling.
    pub seed: u32,
    /// Factors of positive and negative rows.
    pub class_weights: [f64; 2],
    /// (d,), where to start
    pub coef: Vec<f64>,
    /// and its intercept
    pub intercept: f64,
    /// (d,), the mean so far; empty where none is kept
    pub mean_coef: Vec<f64>,
    /// and its intercept
    pub mean_intercept: f64,
}

/// What an epoch came to.
#[derive(Debug, Clone, Copy)]
pub struct Epoch {
    /// ||w||
    pub norm: f64,
    /// Weights that are not 0.
    pub nonzero: usize,
    /// As it is.
    pub intercept: f64,
    /// Steps in all.
    pub steps: usize,
    /// Mean over the rows, each with the weights before its step.
    pub loss: f64,
    /// With the penalty.
    pub objective: f64,
    /// Accuracy or R^2 of the rows held out; NaN without.
    pub score: f64,
}

/// What was learned.
#[derive(Debug)]
pub struct Found {
    /// (d,)
    pub coef: Vec<f64>,
    /// Its intercept.
    pub intercept: f64,
    /// (d,) or empty
    pub mean_coef: Vec<f64>,
    /// Its intercept.
    pub mean_intercept: f64,
    /// Of each epoch.
    pub epochs: Vec<Epoch>,
    /// Whether the last of them stopped it.
    pub converged: bool,
    /// Whether the weights left the range of numbers in the last epoch.
    pub overflowed: bool,
}

/// The rows to learn from.
pub struct Data<'a, F> {
    /// (n, d)
    pub rows: Rows<'a, F>,
    /// (n,)
    pub targets: &'a [f64],
    /// (n,)
    pub weights: Option<&'a [f64]>,
    /// (n,), the rows that are held out; `None` holds none out
    pub held_out: Option<&'a [bool]>,
}

/// Who is told of a problem's epochs, on any thread.
pub type Told<'a> = &'a (dyn Fn(usize, Epoch) -> Result<()> + Sync);

/// Learns all problems, side by side. Reads the rows once before, for values that are not finite.
pub fn fit<F: Float>(
    data: &Data<'_, F>,
    settings: &Settings,
    problems: Vec<Problem>,
    told: Option<Told<'_>>,
    run: &Run<'_>,
) -> Result<Vec<Found>> {
    let (n, d) = (data.rows.n(), data.rows.d());
    if n == 0 || d == 0 || u32::try_from(n).is_err() {
        return Err(Error::Value(format!("X has {n} rows of {d} columns; 1 to {} rows can be learned", u32::MAX)));
    }
    let sizes = [Some(data.targets.len()), data.weights.map(<[f64]>::len), data.held_out.map(<[bool]>::len)];
    if let Some(got) = sizes.into_iter().flatten().find(|&size| size != n) {
        return Err(Error::Shape { what: "y, sample_weight or the rows held out", got, want: n });
    }
    for problem in &problems {
        let means = problem.mean_coef.len();
        if problem.coef.len() != d || means != if settings.average > 0 { d } else { 0 } {
            return Err(Error::Shape { what: "coef", got: problem.coef.len().min(means), want: d });
        }
    }
    check_finite(&data.rows, run)?;
    let work = problems.len() * data.rows.size() * settings.max_iter;
    run.map(problems.into_iter().enumerate().collect(), work, |(p, problem), pulse| {
        let told = |epoch| told.map_or(Ok(()), |told| told(p, epoch));
        descend(data, settings, problem, &told, pulse)
    })
}

fn check_finite<F: Float>(rows: &Rows<'_, F>, run: &Run<'_>) -> Result<()> {
    let tasks = run::ranges(rows.n(), run::rows_per_task(rows.n(), rows.d()));
    run.map(tasks, rows.size(), |range, pulse| {
        pulse.check()?;
        // 0 times what is not finite is NaN, and stays so.
        let flaw = Level::detect().run(Vanish { cells: rows.cells(range.clone()) });
        match range.clone().find(|&i| flaw && rows.cells(i..i + 1).iter().any(|x| !x.to_f64().is_finite())) {
            Some(i) => Err(rows.blame(i)),
            None => Ok(()),
        }
    })?;
    Ok(())
}

struct Vanish<'a, F> {
    cells: &'a [F],
}

impl<F: Float> Task<f64> for Vanish<'_, F> {
    type Out = bool;

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> bool {
        let mut sums = [F::default(); 64];
        let chunks = self.cells.chunks_exact(64);
        let rest = chunks.remainder().iter().any(|x| !x.to_f64().is_finite());
        for chunk in chunks {
            for (sum, &x) in sums.iter_mut().zip(chunk) {
                *sum = *sum + x * F::default();
            }
        }
        rest || sums.iter().any(|sum| sum.to_f64() != 0.0)
    }
}

/// One problem on its way.
struct Descent<'a, F> {
    data: &'a Data<'a, F>,
    settings: &'a Settings,
    problem: &'a Problem,
    weights: Weights,
    intercept: f64,
    mean_intercept: f64,
    /// The step now, 1 the first.
    t: f64,
    eta: f64,
    /// Of [`Rate::Optimal`].
    t0: f64,
    /// Of an intercept's steps: those of sparse rows are shorter, since it is in every row and others are not.
    decay: f64,
    l1_ratio: f64,
    /// Whether the loss is asked for.
    watched: bool,
    loss: f64,
    penalty: f64,
    steps: usize,
}

fn descend<F: Float>(
    data: &Data<'_, F>,
    settings: &Settings,
    problem: Problem,
    told: &dyn Fn(Epoch) -> Result<()>,
    pulse: &Pulse<'_>,
) -> Result<Found> {
    let (n, d) = (data.rows.n(), data.rows.d());
    let dense = matches!(data.rows, Rows::Dense(_));
    let width = if dense { d.next_multiple_of(PADDED) } else { d };
    let l1 = settings.l1_ratio.is_some_and(|ratio| ratio > 0.0);
    let typical = (1.0 / settings.alpha.sqrt()).sqrt();
    let first = typical / settings.loss.slope(1.0, -typical).max(1.0);
    let mut descent = Descent {
        data,
        settings,
        problem: &problem,
        weights: Weights::new(&problem.coef, &problem.mean_coef, width, l1),
        intercept: problem.intercept,
        mean_intercept: problem.mean_intercept,
        t: settings.t,
        eta: settings.eta0,
        t0: 1.0 / (first * settings.alpha),
        decay: if dense { 1.0 } else { 0.01 },
        l1_ratio: settings.l1_ratio.unwrap_or(0.0),
        watched: true,
        loss: 0.0,
        penalty: 0.0,
        steps: 0,
    };
    let learned = n - data.held_out.map_or(0, |out| out.iter().filter(|&&out| out).count());
    let mut order: Vec<u32> = (0..n as u32).collect();
    let mut buffer = Vec::new();
    let mut epochs: Vec<Epoch> = Vec::new();
    let (mut best_objective, mut best_score, mut without) = (f64::INFINITY, f64::NEG_INFINITY, 0);
    let (mut converged, mut overflowed) = (false, false);
    while epochs.len() < settings.max_iter && !converged && !overflowed {
        if settings.shuffle {
            shuffle(&mut order, problem.seed);
        }
        (descent.loss, descent.penalty) = (0.0, 0.0);
        // What is copied at a time stays in the first-level cache with the weights: 32 KiB.
        let block = if dense { (4096 / width).max(1) } else { 256 };
        for from in (0..n).step_by(block) {
            pulse.check()?;
            let (rows, later) = order[from..].split_at(block.min(n - from));
            let next = &later[..block.min(later.len())];
            Level::detect().run(Block { descent: &mut descent, rows, next, buffer: &mut buffer, width });
        }
        overflowed = !descent.intercept.is_finite() || !descent.weights.finite();
        let epoch = descent.epoch(d, learned);
        epochs.push(epoch);
        told(epoch)?;
        let Some(tol) = settings.tol else { continue };
        let improved = if data.held_out.is_some() {
            let improved = epoch.score >= best_score + tol;
            best_score = best_score.max(epoch.score);
            improved
        } else {
            let improved = epoch.objective <= best_objective - tol;
            best_objective = best_objective.min(epoch.objective);
            improved
        };
        without = if improved { 0 } else { without + 1 };
        if without >= settings.n_iter_no_change {
            if settings.rate == Rate::Adaptive && descent.eta > 1e-6 {
                descent.eta /= 5.0;
                without = 0;
            } else {
                converged = true;
            }
        }
    }
    let Descent { weights, intercept, mean_intercept, .. } = descent;
    let (coef, mean_coef) = weights.into_parts(d);
    Ok(Found { coef, intercept, mean_coef, mean_intercept, epochs, converged, overflowed })
}

/// Fisher and Yates's, by Marsaglia's (2003) xorshift: scikit-learn's `our_rand_r`.
fn shuffle(order: &mut [u32], seed: u32) {
    let mut state = if seed == 0 { 1 } else { seed };
    let n = order.len();
    for i in 0..n.saturating_sub(1) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        order.swap(i, i + ((state & 0x7FFF_FFFF) % (n - i) as u32) as usize);
    }
}

/// The steps of a few rows.
struct Block<'b, 'a, F> {
    descent: &'b mut Descent<'a, F>,
    rows: &'b [u32],
    /// Those of the next block, to be fetched meanwhile.
    next: &'b [u32],
    buffer: &'b mut Vec<f64>,
    width: usize,
}

impl<F: Float> Task<f64> for Block<'_, '_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Block { descent, rows, next, buffer, width } = self;
        let data = descent.data;
        let learned = |i: usize| data.held_out.is_none_or(|out| !out[i]);
        match &data.rows {
            Rows::Dense(x) => {
                buffer.resize(rows.len() * width, 0.0); // the ends of rows stay 0
                let mut at = 0;
                while at < rows.len() {
                    widen(x.row(rows[at] as usize), &mut buffer[at * width..][..width]);
                    at += 1;
                }
                at = 0;
                while at < rows.len() {
                    let i = rows[at] as usize;
                    if at < next.len() {
                        let next = next[at] as usize;
                        simd.prefetch(x.row(next));
                        simd.prefetch(&data.targets[next..=next]);
                    }
                    if learned(i) {
                        descent.step(Padded { cells: &buffer[at * width..][..width], simd }, i);
                    }
                    at += 1;
                }
            }
            Rows::Csr(x) => {
                for &i in rows {
                    if learned(i as usize) {
                        descent.step(x.row(i as usize), i as usize);
                    }
                }
            }
        }
    }
}

/// A row in f64.
#[inline(always)]
fn widen<F: Float>(from: &[F], to: &mut [f64]) {
    let to = &mut to[..from.len()];
    let mut f = 0;
    while f < from.len() {
        to[f] = from[f].to_f64();
        f += 1;
    }
}

impl<F: Float> Descent<'_, F> {
    #[inline(always)]
    fn target(&self, i: usize) -> f64 {
        let y = self.data.targets[i];
        match self.problem.class {
            None => y,
            Some(class) if y == class => 1.0,
            Some(_) => self.settings.loss.negative(),
        }
    }

    #[inline(always)]
    fn step(&mut self, x: impl Sample, i: usize) {
        /// A slope beyond is cut off.
        const STEEPEST: f64 = 1e12;
        let Settings { loss, alpha, rate, eta0, power_t, .. } = *self.settings;
        let y = self.target(i);
        let p = self.weights.product(x) + self.intercept;
        match rate {
            Rate::Optimal => self.eta = 1.0 / (alpha * (self.t0 + self.t - 1.0)),
            Rate::InvScaling => self.eta = eta0 / power(self.t, power_t),
            _ => {}
        }
        let passive = matches!(rate, Rate::Pa1 | Rate::Pa2);
        if self.watched {
            self.loss += loss.value(y, p);
            if self.settings.l1_ratio.is_some() && !passive {
                self.penalty += self.weights.penalty(alpha, self.l1_ratio);
            }
        }
        let mut update = if passive {
            let squares = x.squares();
            if rate == Rate::Pa1 && squares == 0.0 {
                return;
            }
            let cost = loss.value(y, p);
            let length = if rate == Rate::Pa1 { eta0.min(cost / squares) } else { cost / (squares + 0.5 / eta0) };
            match loss {
                Loss::Hinge(_) => length * y,
                _ if y < p => -length,
                _ => length,
            }
        } else {
            -self.eta * loss.slope(y, p).clamp(-STEEPEST, STEEPEST)
        };
        update *=
            self.problem.class_weights[usize::from(y <= 0.0)] * self.data.weights.map_or(1.0, |weights| weights[i]);
        if self.settings.l1_ratio.is_some_and(|ratio| ratio < 1.0) {
            // Never to the other side of 0, however long the step.
            self.weights.shrink((1.0 - (1.0 - self.l1_ratio) * self.eta * alpha).max(0.0));
        }
        if update != 0.0 {
            self.weights.add(x, update);
            if self.settings.fit_intercept {
                self.intercept += update * self.decay;
            }
        }
        let average = self.settings.average as f64;
        if average > 0.0 && average <= self.t {
            let count = self.t - average + 1.0;
            self.weights.average(x, update, count);
            self.mean_intercept += (self.intercept - self.mean_intercept) / count;
        }
        if self.l1_ratio > 0.0 {
            self.weights.truncate(x, self.l1_ratio * self.eta * alpha);
        }
        self.t += 1.0;
        self.steps += 1;
    }

    fn epoch(&self, d: usize, learned: usize) -> Epoch {
        let (values, scale) = self.weights.scaled();
        let values = &values[..d];
        let rows = learned as f64;
        Epoch {
            norm: scale * values.iter().map(|w| w * w).sum::<f64>().sqrt(),
            nonzero: values.iter().filter(|&&w| w != 0.0).count(),
            intercept: self.intercept,
            steps: self.steps,
            loss: self.loss / rows,
            objective: (self.loss + self.penalty) / rows,
            score: self.data.held_out.map_or(f64::NAN, |out| self.score(out)),
        }
    }

    /// The weighted accuracy of the rows held out, or their R^2. (scikit-learn's is that of weights without their scale, and
    /// of labels that the log loss does not have.)
    fn score(&self, held_out: &[bool]) -> f64 {
        let (rows, (values, scale)) = (&self.data.rows, self.weights.scaled());
        let held = || held_out.iter().enumerate().filter(|&(_, &out)| out).map(|(i, _)| i);
        let weight = |i: usize| self.data.weights.map_or(1.0, |weights| weights[i]);
        let predicted = |i: usize| {
            let mut sum = 0.0;
            rows.for_cells(i, |f, x| sum += x * values[f]);
            scale * sum + self.intercept
        };
        let total: f64 = held().map(weight).sum();
        if self.problem.class.is_some() {
            let right = held().filter(|&i| (predicted(i) > 0.0) == (self.target(i) > 0.0));
            return right.map(weight).sum::<f64>() / total;
        }
        let mean = held().map(|i| weight(i) * self.target(i)).sum::<f64>() / total;
        let around: f64 = held().map(|i| weight(i) * (self.target(i) - mean).powi(2)).sum();
        let left: f64 = held().map(|i| weight(i) * (self.target(i) - predicted(i)).powi(2)).sum();
        match (left == 0.0, around == 0.0) {
            (true, _) => 1.0,
            (false, true) => 0.0,
            (false, false) => 1.0 - left / around,
        }
    }
}

/// t^exponent; the usual exponents by square roots, a tenth of the time and the same bits everywhere.
#[inline(always)]
fn power(t: f64, exponent: f64) -> f64 {
    if exponent == 0.5 {
        t.sqrt()
    } else if exponent == 0.25 {
        t.sqrt().sqrt()
    } else {
        t.powf(exponent)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
