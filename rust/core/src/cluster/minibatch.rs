//! Mini-batch k-means.
//!
//! Sculley (2010), "Web-scale k-means clustering", as scikit-learn has it: the rows of a batch go to their nearest centres, and a
//! centre moves to the mean of all rows that it ever got, by the share `weight / seen` of the way to the mean of the batch's.
//! Centres that got next to nothing are put on rows of the batch. A fit stops when the smoothed inertia of the batches falls no
//! more. A batch is added up in order, whatever the number of threads.

use std::time::Instant;

use super::batches::{Batch, Batches};
use super::inertia;
use super::seeding::Stream;
use super::sums::Sums;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::codebook::{self, Codebook};
use crate::kernels::nearest::{self, Scratch};
use crate::kernels::simd::Level;
use crate::rows::Rows;
use crate::run::{self, Run};

/// What is known of the clusters from one batch to the next.
#[derive(Clone, Debug)]
pub struct State {
    /// (k, d), not rounded to the data's type.
    pub centers: Vec<f64>,
    /// Weight of the rows that each centre got, (k,).
    pub seen: Vec<f64>,
    /// Rows since it was last asked which centres get too little.
    pub since: usize,
}

/// What one batch showed.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Sum over its rows of w D(x, nearest centre), before those moved.
    pub inertia: f64,
    /// Sum of its rows' weights.
    pub weight: f64,
    /// Sum of the centres' squared moves.
    pub shift: f64,
    /// Centres that were put on rows.
    pub reassigned: usize,
    /// Whether a centre would have gone farther than it may.
    pub held: bool,
}

/// Centres that learn from batches.
pub struct Learner<F: Float> {
    state: State,
    /// Centres that got less than this share of what the busiest got are put elsewhere.
    ratio: f64,
    stream: Stream,
    codebook: Codebook<F>,
    sums: Sums,
    labels: Vec<i32>,
    level: Level,
}

impl<F: Float> Learner<F> {
    /// For dense rows, or sparse ones, of `d` columns.
    /// No batch moves a centre farther than `max_shift`; to be put on a row is no such move.
    pub fn new(state: State, d: usize, dense: bool, ratio: f64, max_shift: Option<f64>, seed: u64) -> Result<Self> {
        let k = state.seen.len();
        codebook::check_k(k)?;
        if k == 0 || d == 0 || state.centers.len() != k * d {
            return Err(Error::Shape { what: "the array of centers", got: state.centers.len(), want: k.max(1) * d });
        }
        let level = Level::detect();
        let mut shift = vec![0.0; d];
        if dense {
            for center in state.centers.chunks_exact(d) {
                shift.iter_mut().zip(center).for_each(|(m, c)| *m += c / k as f64);
            }
            shift.iter_mut().for_each(|m| *m = F::from_f64(*m).to_f64());
        }
        let codebook = Codebook::new(state.centers.clone(), k, &shift, level);
        let sums = Sums::new(k, &shift, level).held_to(max_shift);
        Ok(Learner { state, ratio, stream: Stream::new(seed), codebook, sums, labels: Vec::new(), level })
    }

    /// What has been learned.
    pub fn into_state(self) -> State {
        self.state
    }

    /// Learns from one batch.
    pub fn step(&mut self, rows: &Rows<'_, F>, weights: Option<&[f64]>, run: &Run<'_>) -> Result<Step> {
        if rows.d() != self.codebook.d() {
            return Err(Error::Shape { what: "the number of columns", got: rows.d(), want: self.codebook.d() });
        }
        self.state.since += rows.n();
        let due = self.state.seen.contains(&0.0) || self.state.since >= 10 * self.codebook.k();
        self.labels.resize(rows.n(), 0);
        nearest::assign(rows, &self.codebook, &mut self.labels, None, run)?;
        let inertia = inertia::inertia(rows, weights, self.codebook.centers(), &self.labels, self.level, run)?;
        self.sums.take(rows, weights, &self.labels, run)?;
        let State { centers, seen, since } = &mut self.state;
        let mut moves = self.sums.blend(centers, seen);
        let mut reassigned = 0;
        if due {
            *since = 0;
            reassigned = reassign(rows, weights, self.ratio, centers, seen, &mut moves, &mut self.stream);
        }
        let follow = |to: &mut [f64]| {
            to.copy_from_slice(centers);
            Ok(moves)
        };
        let moves = self.codebook.move_by(follow, run)?;
        let weight = weights.map_or(rows.n() as f64, |w| w.iter().sum());
        Ok(Step { inertia, weight, shift: moves.iter().sum(), reassigned, held: self.sums.held() })
    }
}

/// Puts centres that have seen little on rows that have weight, half as many as there are rows at most; returns how many. They
/// count from then on as the least of the others, or the next batch would put them elsewhere again.
fn reassign<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    ratio: f64,
    centers: &mut [f64],
    seen: &mut [f64],
    moves: &mut [f64],
    stream: &mut Stream,
) -> usize {
    let most = seen.iter().copied().fold(0.0, f64::max);
    let mut low: Vec<usize> = (0..seen.len()).filter(|&j| seen[j] < ratio * most).collect();
    low.sort_by(|&a, &b| seen[a].total_cmp(&seen[b]));
    low.truncate(rows.n() / 2);
    let mut eligible: Vec<usize> = (0..rows.n()).filter(|&i| weights.is_none_or(|w| w[i] > 0.0)).collect();
    low.truncate(eligible.len());
    let others = (0..seen.len()).filter(|j| !low.contains(j)).map(|j| seen[j]);
    let least = others.reduce(f64::min).unwrap_or(most);
    let mut row = vec![0.0; rows.d()];
    for (taken, &j) in low.iter().enumerate() {
        let at = taken + stream.below(eligible.len() - taken);
        eligible.swap(taken, at);
        rows.write_row(eligible[taken], &mut row);
        let center = &mut centers[j * row.len()..][..row.len()];
        let square: f64 = center.iter().zip(&row).map(|(c, x)| (c - x) * (c - x)).sum();
        // So small a move squares to nothing, and is one all the same.
        moves[j] += square.max(f64::MIN_POSITIVE);
        center.copy_from_slice(&row);
        seen[j] = least;
    }
    low.len()
}

/// When to stop. `None` switches a rule off.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// At most this many batches.
    pub max_steps: usize,
    /// On sum ||C_new - C_old||^2; 0 is never reached.
    pub tol: f64,
    /// On the number of batches in a row whose smoothed inertia is not the lowest so far.
    pub max_no_improvement: Option<usize>,
}

/// Why a fit stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// [`Rules::tol`].
    Tol,
    /// [`Rules::max_no_improvement`].
    NoImprovement,
    /// [`Rules::max_steps`], or no more batches.
    MaxIter,
    /// The listener said so.
    Listener,
}

impl Stop {
    /// A short name.
    pub fn name(self) -> &'static str {
        match self {
            Stop::Tol => "tol",
            Stop::NoImprovement => "no_improvement",
            Stop::MaxIter => "max_iter",
            Stop::Listener => "listener",
        }
    }
}

/// One batch, as told to listeners and kept in the history.
#[derive(Clone, Copy, Debug)]
pub struct Iteration {
    /// Mean over the batch's weight of the squared distances to the centres that it met.
    pub inertia: f64,
    /// The same, smoothed over batches; NaN for the first one, whose centres are the start.
    pub smoothed: f64,
    /// Sum ||C_new - C_old||^2.
    pub shift: f64,
    /// Centres that were put on rows.
    pub reassigned: usize,
    /// Whether a centre would have gone farther than it may.
    pub held: bool,
    /// Wall time.
    pub seconds: f64,
}

/// Whom a fit tells, on the calling thread.
pub trait Listener {
    /// A batch is learned; true stops the fit.
    fn stepped(&self, step: usize, what: &Iteration) -> Result<bool>;
}

/// What a fit found.
pub struct Fit {
    /// The centres and what they have seen.
    pub state: State,
    /// Rows learned from.
    pub rows: usize,
    /// Why it stopped.
    pub stop: Stop,
    /// All batches.
    pub history: Vec<Iteration>,
}

/// Learns from batch after batch until a rule stops it.
pub fn fit<F: Float>(
    batches: &mut dyn Batches<F>,
    mut learner: Learner<F>,
    rules: &Rules,
    listener: Option<&dyn Listener>,
    run: &Run<'_>,
) -> Result<Fit> {
    let mut batch = Batch::default();
    let mut progress = Progress::default();
    let mut history: Vec<Iteration> = Vec::new();
    let (mut seen, mut stop) = (0, None);
    while stop.is_none() && history.len() < rules.max_steps {
        run.check()?;
        let began = Instant::now();
        if !batches.next(&mut batch)? {
            break;
        }
        let rows = batch.rows()?;
        let step = learner.step(&rows, batch.weights(), run).map_err(|error| batch.locate(error))?;
        seen += rows.n();
        stop = progress.stop(&step, rows.n(), batches.rows_in_a_pass(), history.is_empty(), rules);
        let iteration = Iteration {
            inertia: step.inertia / step.weight,
            smoothed: progress.smoothed.unwrap_or(f64::NAN),
            shift: step.shift,
            reassigned: step.reassigned,
            held: step.held,
            seconds: began.elapsed().as_secs_f64(),
        };
        if let Some(listener) = listener
            && listener.stepped(history.len(), &iteration)?
        {
            stop = stop.or(Some(Stop::Listener));
        }
        history.push(iteration);
    }
    Ok(Fit { state: learner.into_state(), rows: seen, stop: stop.unwrap_or(Stop::MaxIter), history })
}

/// Batches after which the smoothed inertia may be judged, if half a pass is more: on 2,000,000 x 16 rows in 64 groups, ten
/// seeds, the inertia of the whole is then 0.5 to 1.6% above that of a full fit; after 64 batches up to 2.0%.
const ENOUGH_BATCHES: usize = 256;

/// The smoothed inertia, and how long it has not fallen.
#[derive(Default)]
struct Progress {
    smoothed: Option<f64>,
    lowest: Option<f64>,
    batches: usize,
    no_improvement: usize,
}

impl Progress {
    /// scikit-learn smooths with 2 b / (n + 1), over half a pass, from the second batch on. Where that is many batches, the
    /// smoothed inertia would hold on to where the first few have been, and fall long after the centres have settled: until
    /// there are as many, they count by how recent they are (2 / (t + 1)), and as the first few say little, nothing is
    /// concluded from them.
    fn stop(&mut self, step: &Step, batch: usize, pass: usize, first: bool, rules: &Rules) -> Option<Stop> {
        if first || step.weight == 0.0 {
            return None;
        }
        let mean = step.inertia / step.weight;
        self.batches += 1;
        let share = (2.0 * batch as f64 / (pass as f64 + 1.0)).max(2.0 / (self.batches as f64 + 1.0)).min(1.0);
        let smoothed = self.smoothed.map_or(mean, |smoothed| smoothed * (1.0 - share) + mean * share);
        self.smoothed = Some(smoothed);
        let few = self.batches < (pass / (2 * batch.max(1))).min(ENOUGH_BATCHES);
        // A centre on its way takes as many batches as it needs.
        if few || step.held || self.lowest.is_none_or(|lowest| smoothed < lowest) {
            self.lowest = Some(smoothed);
            self.no_improvement = 0;
        } else {
            self.no_improvement += 1;
        }
        if rules.tol > 0.0 && step.shift <= rules.tol && !step.held {
            Some(Stop::Tol)
        } else if rules.max_no_improvement.is_some_and(|most| self.no_improvement >= most) {
            Some(Stop::NoImprovement)
        } else {
            None
        }
    }
}

/// The nearest of `centers` (k, d) for each row, and the sum over the rows of w D, in one pass.
pub fn label<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    centers: &[f64],
    run: &Run<'_>,
) -> Result<(Vec<i32>, f64)> {
    /// Rows whose distances are taken while they are in the cache.
    const STRIP: usize = 1536;
    let (n, d) = (rows.n(), rows.d());
    let (k, level) = (centers.len() / d, Level::detect());
    codebook::check_k(k)?;
    let codebook = Codebook::around_mean(centers.to_vec(), k, d, level);
    let norms = inertia::norms(centers, d);
    let mut labels = vec![0; n];
    let work = (rows.size() / n.max(1) + 2) * k;
    let length = run::rows_per_task(n, work);
    let tasks = run::ranges(n, length).into_iter().zip(labels.chunks_mut(length)).collect();
    let parts = run.map_with(tasks, n.saturating_mul(work), |scratch: &mut Scratch<F>, (range, labels), pulse| {
        let mut sum = 0.0;
        for (strip, labels) in run::ranges(range.len(), STRIP).into_iter().zip(labels.chunks_mut(STRIP)) {
            let strip = range.start + strip.start..range.start + strip.end;
            nearest::assign_range(rows, strip.clone(), &codebook, labels, None, scratch, pulse)?;
            let distances = inertia::own_distances(rows, strip.clone(), centers, &norms, labels, level);
            sum += match weights {
                None => distances.iter().sum::<f64>(),
                Some(w) => w[strip].iter().zip(distances).map(|(w, distance)| w * distance).sum(),
            };
        }
        Ok(sum)
    })?;
    Ok((labels, parts.into_iter().sum()))
}
