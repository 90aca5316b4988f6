//! Lloyd's k-means.
//!
//! Lloyd (1982), "Least squares quantization in PCM": rows go to their nearest centre, centres to the mean of their rows,
//! until nothing changes. While iterating, centres are f64; at the end they are rounded once to the data's type, and the
//! last labels, the inertia and every later prediction use exactly those. Stopping rules and their order are
//! scikit-learn's, and two more.

use std::borrow::Borrow;
use std::time::Instant;

use super::inertia::Tally;
use super::moments::Moments;
use super::repairs::{Lost, Repaired, Repairs};
use super::skipping::Skipping;
use super::sums::{self, Sums};
use super::trimming::{self, Trimming};
use super::{breathing, content, empty, inertia, seeding, spherical};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::codebook::{self, Codebook};
use crate::kernels::direct::distance;
use crate::kernels::nearest;
use crate::kernels::simd::Level;
use crate::rows::Rows;
use crate::run::Run;

/// How a restart gets its first centres.
#[derive(Clone, Debug)]
pub enum Start {
    /// Greedy k-means++ with this seed.
    PlusPlus(u64),
    /// Means of rows put into clusters at random with this seed.
    RandomPartition(u64),
    /// These centres (k, d).
    Centers(Vec<f64>),
}

/// When to stop. `None` switches a rule off.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Number of clusters.
    pub k: usize,
    /// At most this many iterations.
    pub max_iter: usize,
    /// On sum ||C_new - C_old||^2, relative to the mean variance of the columns.
    pub tol: f64,
    /// On ||C_new - C_old|| itself.
    pub shift_tol: Option<f64>,
    /// On the relative change of the inertia from one iteration to the next.
    pub inertia_tol: Option<f64>,
    /// Whether to compute every distance of every pass, also those that cannot matter. The clustering is the same.
    pub every_distance: bool,
    /// Whether to go on from the best restart by breathing.
    pub breathing: bool,
    /// Whether rows and centres are unit vectors (see [`super::spherical`]).
    pub on_sphere: bool,
}

/// Why a fit stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// No row changed its cluster.
    Unchanged,
    /// [`Rules::tol`].
    Tol,
    /// [`Rules::shift_tol`].
    ShiftTol,
    /// [`Rules::inertia_tol`].
    InertiaTol,
    /// [`Rules::max_iter`].
    MaxIter,
    /// The listener said so.
    Listener,
}

impl Stop {
    /// A short name.
    pub fn name(self) -> &'static str {
        match self {
            Stop::Unchanged => "unchanged",
            Stop::Tol => "tol",
            Stop::ShiftTol => "shift_tol",
            Stop::InertiaTol => "inertia_tol",
            Stop::MaxIter => "max_iter",
            Stop::Listener => "listener",
        }
    }
}

/// One iteration, as told to listeners and kept in the history.
#[derive(Clone, Copy, Debug)]
pub struct Iteration {
    /// Sum of squared distances (on the sphere, of 1 - cos) to the centres that the iteration began with.
    pub inertia: f64,
    /// Sum ||C_new - C_old||^2.
    pub shift: f64,
    /// Rows that changed their cluster.
    pub moved: usize,
    /// Share of the rows that the first filter left undecided.
    pub rescored: f64,
    /// Share of the n k distances that were computed; the others could not matter.
    pub evaluated: f64,
    /// Wall time.
    pub seconds: f64,
}

/// Whom a fit tells, on the calling thread.
pub trait Listener {
    /// Restart `restart` has its first centres.
    fn started(&self, restart: usize) -> Result<()>;
    /// An iteration is over; true stops the restart.
    fn iterated(&self, restart: usize, iteration: usize, what: &Iteration) -> Result<bool>;
    /// The restart stopped after iteration `iteration`; true does without the restarts that remain.
    fn stopped(&self, restart: usize, iteration: usize, why: Stop, shift: f64) -> Result<bool>;
}

/// A clustering.
#[derive(Clone, Debug)]
pub struct Fit {
    /// (k, d), values of the data's type.
    pub centers: Vec<f64>,
    /// The nearest of `centers` for each row.
    pub labels: Vec<i32>,
    /// Sum over rows, those trimmed left out, of w ||x - c(label)||^2; on the sphere, of w (1 - cos).
    pub inertia: f64,
    /// Iterations run.
    pub n_iter: usize,
    /// Why it stopped.
    pub stop: Stop,
    /// All iterations.
    pub history: Vec<Iteration>,
    /// What was done about trouble.
    pub repaired: Repaired,
    /// Of each cluster's rows, those trimmed left out; none where nobody asks.
    pub tallies: Vec<Tally>,
}

impl Fit {
    /// Whether its inertia is lower than that of `best`, and not by rounding alone.
    fn is_better(&self, best: &Fit, k: usize) -> bool {
        let same = || self.repaired.trimmed == best.repaired.trimmed && same_clustering(self, best, k);
        self.inertia < best.inertia && !same()
    }

    /// Clusters that have a row.
    pub fn n_found(&self, k: usize) -> usize {
        let mut found = vec![false; k];
        self.labels.iter().for_each(|&label| found[label as usize] = true);
        found.into_iter().filter(|&found| found).count()
    }
}

/// Rows, and multiply-adds of a pass, up to which restarts run side by side, a thread each: several threads get in each other's way
/// over so little, and what every restart keeps of the rows is small.
const FEW_ROWS: usize = 1 << 17;
const LITTLE_WORK: usize = 1 << 26;

/// Clusters `rows` from every start and returns the fit with the lowest inertia, the first of equals.
pub fn fit<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    starts: &[Start],
    rules: &Rules,
    listener: Option<&dyn Listener>,
    run: &Run<'_>,
) -> Result<Fit> {
    fit_with(rows, weights, starts, rules, &Repairs::default(), listener, run)
}

/// [`fit`], with other `repairs`.
pub fn fit_with<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    starts: &[Start],
    rules: &Rules,
    repairs: &Repairs,
    listener: Option<&dyn Listener>,
    run: &Run<'_>,
) -> Result<Fit> {
    check(rows, weights, rules.k)?;
    let level = Level::detect();
    let moments = &Moments::new(rows, weights, level, run)?;
    let job = Job { rows, weights, moments, repairs, level, run };
    let small = rows.n() <= FEW_ROWS && rows.size().saturating_mul(rules.k) <= LITTLE_WORK;
    let (best, enough) = match listener {
        None if small && run.threads() > 1 && starts.len() >= run.threads() => {
            (job.side_by_side(starts, rules)?, false)
        }
        _ => job.one_by_one(starts, rules, listener)?,
    };
    let best = best.ok_or_else(|| Error::Value("a fit needs at least one start".into()))?;
    if rules.breathing && !enough { breathing::refine(&job, best, rules) } else { Ok(best) }
}

/// What all restarts share.
pub(super) struct Job<'a, F: Float> {
    pub rows: &'a Rows<'a, F>,
    pub weights: Option<&'a [f64]>,
    pub moments: &'a Moments,
    pub repairs: &'a Repairs,
    pub level: Level,
    pub run: &'a Run<'a>,
}

impl<F: Float> Job<'_, F> {
    fn first_centers(&self, start: &Start, rules: &Rules) -> Result<Vec<f64>> {
        let &Job { rows, weights, moments, repairs, level, run } = self;
        let k = rules.k;
        let mut centers = match start {
            Start::PlusPlus(seed) => {
                let chosen = if repairs.trim > 0.0 {
                    trimming::plus_plus(rows, weights, k, repairs.trim, *seed, level, run)?
                } else {
                    seeding::plus_plus(rows, weights, k, None, *seed, level, run)?
                };
                seeding::rows_as_centers(rows, &chosen)
            }
            Start::RandomPartition(seed) => seeding::random_partition(rows, weights, k, *seed, &moments.shift, run)?,
            Start::Centers(centers) if centers.len() == k * rows.d() => centers.clone(),
            Start::Centers(centers) => {
                return Err(Error::Shape { what: "start", got: centers.len(), want: k * rows.d() });
            }
        };
        if rules.on_sphere {
            for center in centers.chunks_exact_mut(rows.d()) {
                spherical::project(center);
            }
        }
        Ok(centers)
    }

    /// The best fit, if nobody listens.
    fn side_by_side(&self, starts: &[Start], rules: &Rules) -> Result<Option<Fit>> {
        let &Job { rows, weights, moments, repairs, level, run } = self;
        let fits = run.map(starts.iter().collect(), usize::MAX, |start, pulse| {
            let job = Job { rows, weights, moments, repairs, level, run: &Run::new(1, pulse) };
            job.fit(job.first_centers(start, rules)?, vec![-1; rows.n()], rules, None)
        })?;
        Ok(fits.into_iter().reduce(|best, fit| if fit.is_better(&best, rules.k) { fit } else { best }))
    }

    /// The best fit, and whether the listener does without what would come after it.
    fn one_by_one(
        &self,
        starts: &[Start],
        rules: &Rules,
        listener: Option<&dyn Listener>,
    ) -> Result<(Option<Fit>, bool)> {
        let n = self.rows.n();
        let first_centers = |start: &Start| self.first_centers(start, rules);
        best_of(starts, rules.k, listener, first_centers, |centers, told| self.fit(centers, vec![-1; n], rules, told))
    }

    /// Iterates from `centers` (k, d). Rows count as moved where they leave `labels`, -1 being none; `told` hears of every
    /// iteration, as of that restart.
    pub fn fit(&self, centers: Vec<f64>, mut labels: Vec<i32>, rules: &Rules, told: Told<'_>) -> Result<Fit> {
        let &Job { rows, weights, moments, repairs, level, run } = self;
        let Rules { k, max_iter, .. } = *rules;
        let mut sums = Sums::new(k, &moments.shift, level).held_to(repairs.max_shift);
        let mut trimming = Trimming::new(rows.n(), weights, repairs.trim);
        // 1 - cos of unit vectors is half of their squared distance.
        let unit = if rules.on_sphere { 0.5 } else { 1.0 };
        if rules.on_sphere {
            sums = sums.on_sphere();
        }
        let mut history: Vec<Iteration> = Vec::new();
        let mut repaired = Repaired::default();
        let mut codebook = Codebook::new(centers, k, &moments.shift, level);
        // Squared, since the last pass.
        let mut moves = vec![0.0; k];
        let mut skipping = Skipping::new(rows, k, rules.every_distance);
        let mut stop = None;
        while stop.is_none() && history.len() < max_iter {
            let began = Instant::now();
            let drift = skipping.drift(&moves, &codebook, rows, &labels);
            let known = skipping.known(rows.n(), history.last().map(|last| last.moved), drift.as_ref());
            let mut pass = match trimming {
                None => sums.assign(rows, weights, &codebook, &mut labels, known, run),
                Some(_) => sums::label(rows, weights, &codebook, &mut labels, known, run),
            }?;
            let inertia = match &mut trimming {
                None => sums.inertia(moments.total, codebook.centers(), run)?,
                Some(trimming) => {
                    pass.moved += trimming.choose(rows, codebook.centers(), &labels, level, run)?;
                    sums.take(rows, Some(trimming.kept()), &labels, run)?;
                    inertia::inertia(rows, Some(trimming.kept()), codebook.centers(), &labels, level, run)?
                }
            };
            self.refill(&codebook, &labels, trimming.as_ref(), &mut sums, history.len(), &mut repaired)?;
            let was_held = sums.held();
            moves = codebook.move_by(|centers| sums.means(centers, run), run)?;

            let iteration = Iteration {
                inertia: unit * inertia,
                shift: moves.iter().sum(),
                moved: pass.moved,
                rescored: pass.effort.undecided as f64 / rows.n() as f64,
                evaluated: pass.effort.distances as f64 / (rows.n() as f64 * k as f64),
                seconds: began.elapsed().as_secs_f64(),
            };
            let told_to = match told {
                Some((restart, listener)) => listener.iterated(restart, history.len(), &iteration)?,
                None => false,
            };
            let before = history.last().map(|last| last.inertia);
            repaired.held += usize::from(sums.held());
            // Rows may stand still, or the inertia, while centres are on their way.
            let on_the_way = sums.held() || was_held;
            let variance = match &trimming {
                None => moments.variance,
                // That of all rows is mostly that of the outliers.
                Some(trimming) => Moments::new(rows, Some(trimming.kept()), level, run)?.variance,
            };
            let settled = if on_the_way { None } else { rules.stop(&iteration, before, variance) };
            stop = settled.or(told_to.then_some(Stop::Listener));
            history.push(iteration);
            run.check()?;
        }
        let stop = stop.unwrap_or(Stop::MaxIter);
        let centers = codebook.centers();
        let rounded: Vec<f64> = centers.iter().map(|&c| F::from_f64(c).to_f64()).collect();
        // Unchanged labels gave the centres that they were found with, unless rounding or a refilled cluster moves them.
        if stop != Stop::Unchanged || rounded != centers || history.last().is_some_and(|last| last.shift != 0.0) {
            let rounding = centers.chunks_exact(rows.d()).zip(rounded.chunks_exact(rows.d()));
            // Where they differ, if only by numbers whose squares are zero, that shows.
            let further = rounding.map(|(c, r)| if c == r { 0.0 } else { distance(c, r).sqrt() + f64::MIN_POSITIVE });
            let further: Vec<f64> = further.collect();
            let round = |centers: &mut [f64]| {
                centers.copy_from_slice(&rounded);
                Ok(further)
            };
            let further = codebook.move_by(round, run)?;
            moves.iter_mut().zip(further).for_each(|(square, further)| *square = (square.sqrt() + further).powi(2));
            let drift = skipping.drift(&moves, &codebook, rows, &labels);
            let moved = history.last().map(|last| last.moved);
            let known = drift.as_ref().and_then(|drift| skipping.known(rows.n(), moved, Some(drift)));
            nearest::assign(rows, &codebook, &mut labels, known, run)?;
        }
        if let Some(trimming) = &mut trimming {
            trimming.choose(rows, &rounded, &labels, level, run)?;
        }
        let kept = trimming.as_ref().map_or(weights, |trimming| Some(trimming.kept()));
        let (inertia, tallies) = inertia::inertia_and_tallies(rows, kept, &rounded, &labels, level, run)?;
        repaired.trimmed = trimming.map(Trimming::into_trimmed);
        let (inertia, n_iter) = (unit * inertia, history.len());
        Ok(Fit { centers: rounded, labels, inertia, n_iter, stop, history, repaired, tallies })
    }

    /// Gives clusters that lost all their rows others of those that take part.
    fn refill(
        &self,
        codebook: &Codebook<F>,
        labels: &[i32],
        trimming: Option<&Trimming<'_>>,
        sums: &mut Sums,
        iteration: usize,
        repaired: &mut Repaired,
    ) -> Result<()> {
        let empty = sums.empty().count();
        if empty == 0 {
            return Ok(());
        }
        let &Job { rows, weights, repairs, level, run, .. } = self;
        let kept = trimming.map_or(weights, |trimming| Some(trimming.kept()));
        let seed = content::mix(repairs.seed.wrapping_add(iteration as u64));
        let refilled = empty::refill(repairs.empty, seed, rows, kept, codebook.centers(), labels, sums, level, run)?;
        sums.place(&refilled);
        repaired.lost.push(Lost { iteration, empty, refilled: refilled.len() });
        Ok(())
    }
}

/// Who is told of a restart's iterations, and as of which restart.
pub(super) type Told<'a> = Option<(usize, &'a dyn Listener)>;

/// The best of the fits from all `starts`, and whether the listener does without what would come after it.
pub(super) fn best_of<T: Borrow<Fit>>(
    starts: &[Start],
    k: usize,
    listener: Option<&dyn Listener>,
    first_centers: impl Fn(&Start) -> Result<Vec<f64>>,
    fit: impl Fn(Vec<f64>, Told<'_>) -> Result<T>,
) -> Result<(Option<T>, bool)> {
    let mut best: Option<T> = None;
    for (restart, start) in starts.iter().enumerate() {
        let centers = first_centers(start)?;
        if let Some(listener) = listener {
            listener.started(restart)?;
        }
        let found = fit(centers, listener.map(|listener| (restart, listener)))?;
        let fit = found.borrow();
        let enough = match (listener, fit.history.last()) {
            (Some(listener), Some(last)) => listener.stopped(restart, fit.n_iter - 1, fit.stop, last.shift)?,
            _ => false,
        };
        if best.as_ref().is_none_or(|best| fit.is_better(best.borrow(), k)) {
            best = Some(found);
        }
        if enough {
            return Ok((best, true));
        }
    }
    Ok((best, false))
}

impl Rules {
    /// For `k` clusters: until nothing changes.
    pub fn to_the_end(k: usize) -> Rules {
        Rules {
            k,
            max_iter: usize::MAX,
            tol: 0.0,
            shift_tol: None,
            inertia_tol: None,
            every_distance: false,
            breathing: false,
            on_sphere: false,
        }
    }

    /// scikit-learn looks at the labels first, then at `tol`.
    pub(super) fn stop(&self, now: &Iteration, inertia_before: Option<f64>, variance: f64) -> Option<Stop> {
        let settled = inertia_before
            .is_some_and(|before| self.inertia_tol.is_some_and(|tol| (before - now.inertia).abs() <= tol * before));
        if now.moved == 0 {
            Some(Stop::Unchanged)
        } else if now.shift <= self.tol * variance {
            Some(Stop::Tol)
        } else if self.shift_tol.is_some_and(|tol| now.shift.sqrt() <= tol) {
            Some(Stop::ShiftTol)
        } else if settled {
            Some(Stop::InertiaTol)
        } else {
            None
        }
    }
}

/// Whether two fits differ in the numbering of their clusters at most: then a lower inertia is rounding.
fn same_clustering(a: &Fit, b: &Fit, k: usize) -> bool {
    let mut named = vec![-1; k];
    a.labels.iter().zip(&b.labels).all(|(&a, &b)| {
        let name = &mut named[a as usize];
        if *name == -1 {
            *name = b;
        }
        *name == b
    })
}

/// What every use of rows, weights and k needs.
pub fn check<F: Float>(rows: &Rows<'_, F>, weights: Option<&[f64]>, k: usize) -> Result<()> {
    let n = rows.n();
    if n == 0 || rows.d() == 0 {
        return Err(Error::Value(format!("X is empty: {n} rows of {} columns", rows.d())));
    }
    if n > u32::MAX as usize {
        return Err(Error::Value(format!("X has {n} rows; at most {} are supported", u32::MAX)));
    }
    codebook::check_k(k)?;
    if k == 0 || k > n {
        return Err(Error::Shape { what: "X's number of rows", got: n, want: k.max(1) });
    }
    if let Some(weights) = weights {
        if weights.len() != n {
            return Err(Error::Shape { what: "sample_weight", got: weights.len(), want: n });
        }
        if weights.iter().any(|w| !(*w >= 0.0 && w.is_finite())) {
            return Err(Error::Value("sample_weight must not be negative, NaN or infinite".into()));
        }
        if weights.iter().all(|&w| w == 0.0) {
            return Err(Error::Value("sample_weight must not be all zero".into()));
        }
    }
    Ok(())
}
