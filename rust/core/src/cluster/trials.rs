//! Candidates for the next centre of greedy k-means++: what each would leave, and the choice of one.
//!
//! A candidate lowers the sum of w min(nearest, D) by w (nearest - D) for each row that is nearer to it than to its
//! nearest centre, about a share of 1 / j of them after j centres. [`Candidates`], or scores in bytes ([`Rounded`]), leave
//! out nearly all others, and D is computed for the rest alone.

use std::ops::Range;

use super::inertia::{self, norms};
use super::rounded::{BLOCK, Rounded};
use super::seeding::{Change, Potential, rows_as_centers};
use crate::error::Result;
use crate::float::Float;
use crate::kernels::direct::{Ask, DistancesOf, add_up};
use crate::kernels::list::List;
use crate::kernels::nearer::{Candidates, Lanes};
use crate::kernels::nearer_bytes::Packed;
use crate::kernels::simd::Level;
use crate::rows::Rows;
use crate::run::{self, Pulse, Run};

/// Sums of other orders of the rows differ by less than this share.
const ROUNDING: f64 = 1e-12;
/// Where less than this share is left of a sum, the rounding of what went would show in what is left.
const LITTLE: f64 = 0.125;
/// Values of rows that are worked on at a time; they fit a second-level cache.
const STRIP: usize = 1 << 16;

/// Every row's distance to its nearest centre.
pub struct Nearest<'a, F> {
    rows: &'a Rows<'a, F>,
    weights: Option<&'a [f64]>,
    level: Level,
    /// D; infinite before there is a centre.
    distances: Vec<f64>,
    rounding: Rounding,
    /// Of the last candidates; their memory is for the next ones.
    parts: Vec<Part>,
    /// Rows that the last centre is nearer to; none if they were too many.
    changes: Option<Vec<Vec<Change>>>,
}

/// Whether rows are rounded.
enum Rounding {
    NotYet,
    Done(Rounded),
    InVain,
}

/// What a task finds out about a candidate.
#[derive(Default)]
struct Trial {
    /// By how much it lowers the sum.
    gain: f64,
    /// How many rows are nearer to it.
    nearer: usize,
    /// Rows, counted from the first of the task, among which these are, ...
    rows: Vec<u32>,
    /// ... and their distances to it.
    distances: Vec<f64>,
}

impl Trial {
    /// Gives the memory back.
    fn forget(&mut self) {
        (self.rows, self.distances) = Default::default();
    }
}

/// What a task finds out about all candidates.
#[derive(Default)]
struct Part {
    trials: Vec<Trial>,
    /// Distances that were computed.
    computed: usize,
    /// Whether they are more than it is worth to keep in mind.
    too_many: bool,
}

impl<'a, F: Float> Nearest<'a, F> {
    /// No centre yet.
    pub fn new(rows: &'a Rows<'a, F>, weights: Option<&'a [f64]>, level: Level) -> Self {
        let distances = vec![f64::INFINITY; rows.n()];
        Nearest { rows, weights, level, distances, rounding: Rounding::NotYet, parts: Vec::new(), changes: None }
    }
}

impl<F: Float> Potential for Nearest<'_, F> {
    fn distances(&self) -> &[f64] {
        &self.distances
    }

    fn changes(&self) -> Option<&[Vec<Change>]> {
        self.changes.as_deref()
    }

    fn add(&mut self, center: usize, run: &Run<'_>) -> Result<()> {
        self.take(center, 0, &[], self.task_rows(1), run)
    }

    /// The candidate that leaves the lowest sum of w min(nearest, D), which is `potential` now; the first of
    /// equals, where sums that differ by what another order of the rows could have rounded are equal.
    fn add_best(&mut self, candidates: &[usize], potential: f64, run: &Run<'_>) -> Result<usize> {
        /// Of the distances computed, besides a 16th of all, this part must be less, or rounding is in vain.
        const FEW: usize = 4;
        /// Rows are rounded once a step computes less than one distance for so many rows; before, distances are what costs.
        const WHEN_LESS: usize = 8;
        let t = candidates.len();
        let points = Points::new(self.rows, candidates, self.rounded(), self.level);
        let length = self.task_rows(t);
        let ranges = run::ranges(self.rows.n(), length);
        let mut parts = std::mem::take(&mut self.parts);
        parts.resize_with(ranges.len(), Part::default);
        let tasks = ranges.into_iter().zip(&mut parts).collect();
        run.map_with(tasks, t * self.rows.size(), |scratch, (range, part), pulse| {
            self.try_all(&points, range, part, scratch, pulse)
        })?;
        let mut left = vec![potential; t];
        for part in &parts {
            left.iter_mut().zip(&part.trials).for_each(|(left, trial)| *left -= trial.gain);
        }
        if left.iter().any(|&left| left < LITTLE * potential) {
            left = self.left(&points, run)?;
        }
        let best = (1..t).fold(0, |best, c| if left[c] < left[best] * (1.0 - ROUNDING) { c } else { best });
        let computed: usize = parts.iter().map(|part| part.computed).sum();
        let nearer: usize = parts.iter().flat_map(|part| &part.trials).map(|trial| trial.nearer).sum();
        self.take(candidates[best], best, &parts, length, run)?;
        self.parts = parts;
        match (&self.rounding, self.rows) {
            (Rounding::NotYet, Rows::Dense(x)) if computed * WHEN_LESS < x.n() => {
                let rounded = if Rounded::pays(x) { Rounded::new(x, &self.distances, self.level, run)? } else { None };
                self.rounding = rounded.map_or(Rounding::InVain, Rounding::Done);
            }
            (Rounding::Done(_), _) if points.packed.is_some() && computed > t * self.rows.n() / 16 + FEW * nearer => {
                self.rounding = Rounding::InVain;
            }
            _ => {}
        }
        Ok(best)
    }
}

impl<F: Float> Nearest<'_, F> {
    fn rounded(&self) -> Option<&Rounded> {
        if let Rounding::Done(rounded) = &self.rounding { Some(rounded) } else { None }
    }

    /// Takes row `center` as a centre, candidate number `which` of those that `parts`, task by task, know about, if they do.
    fn take(&mut self, center: usize, which: usize, parts: &[Part], length: usize, run: &Run<'_>) -> Result<()> {
        let &mut Nearest { rows, weights, level, .. } = self;
        let center = Points::new(rows, &[center], None, level);
        let (code, limits) = match &mut self.rounding {
            Rounding::Done(Rounded { code, limits, .. }) => (Some(&*code), limits.as_mut_slice()),
            _ => (None, Default::default()),
        };
        let mut limits = limits.chunks_mut(length.next_multiple_of(BLOCK));
        let tasks = self.distances.chunks_mut(length).enumerate();
        let tasks: Vec<_> = tasks.map(|task| (task, limits.next().unwrap_or_default())).collect();
        let changes = run.map_with(tasks, rows.size(), |scratch, ((task, nearest), limits), pulse| {
            let from = task * length;
            let mut lower = |nearest: &mut [f64], row: usize, distance: f64| {
                let before = nearest[row];
                (distance < before).then(|| {
                    nearest[row] = distance;
                    if let Some(code) = code {
                        limits[row] = code.lowered(limits[row], before, distance);
                    }
                    let row = from + row;
                    let w = weights.map_or(1.0, |w| w[row]);
                    Change { row: row as u32, less: w * before - w * distance }
                })
            };
            if let Some(part) = parts.get(task).filter(|part| !part.too_many) {
                let Trial { rows, distances, .. } = &part.trials[which];
                let known = rows.iter().zip(distances);
                return Ok(Some(known.filter_map(|(&r, &distance)| lower(nearest, r as usize, distance)).collect()));
            }
            for strip in strips(rows, from..from + nearest.len()) {
                let first = strip.start - from;
                center.list(strip.clone(), &nearest[first..strip.end - from], None, scratch);
                std::mem::swap(&mut scratch.near, &mut scratch.next);
                center.distances(strip.start, scratch, pulse)?;
                for (&r, &distance) in scratch.near[0].get().iter().zip(&scratch.distances[0]) {
                    lower(nearest, first + r as usize, distance);
                }
            }
            Ok(None)
        })?;
        self.changes = changes.into_iter().collect();
        Ok(())
    }

    /// Writes what the rows of `range` say of the candidates to `part`.
    fn try_all(
        &self,
        points: &Points<'_, F>,
        range: Range<usize>,
        part: &mut Part,
        scratch: &mut Scratch<F>,
        pulse: &Pulse<'_>,
    ) -> Result<()> {
        // 8 bytes a row at most.
        let most = 2 * range.len() / 3;
        (part.computed, part.too_many) = (0, false);
        part.trials.resize_with(points.len(), Trial::default);
        for trial in &mut part.trials {
            (trial.gain, trial.nearer) = (0.0, 0);
            trial.rows.clear();
            trial.distances.clear();
        }
        let mut listed: Option<Range<usize>> = None;
        // While the rows of a strip come from memory, the next strip is listed.
        for next in strips(self.rows, range.clone()).map(Some).chain([None]) {
            if let Some(strip) = &next {
                points.list(strip.clone(), &self.distances[strip.clone()], self.rounded(), scratch);
            }
            if let Some(strip) = std::mem::replace(&mut listed, next) {
                points.distances(strip.start, scratch, pulse)?;
                part.computed += scratch.distances.iter().map(Vec::len).sum::<usize>();
                if part.computed > most {
                    part.too_many = true;
                    part.trials.iter_mut().for_each(Trial::forget);
                }
                for (c, trial) in part.trials.iter_mut().enumerate() {
                    self.add_gains(strip.clone(), c, trial, scratch);
                    if !part.too_many {
                        let first = (strip.start - range.start) as u32;
                        trial.rows.extend(scratch.near[c].get().iter().map(|r| first + r));
                        trial.distances.extend_from_slice(&scratch.distances[c]);
                    }
                }
            }
            std::mem::swap(&mut scratch.near, &mut scratch.next);
        }
        Ok(())
    }

    /// Adds by how much the listed rows of `strip` lower the sum of candidate `c`, and how many they are.
    fn add_gains(&self, strip: Range<usize>, c: usize, trial: &mut Trial, scratch: &mut Scratch<F>) {
        let Scratch { near, distances, nearest, weights, .. } = scratch;
        let (near, distances) = (near[c].get(), distances[c].as_slice());
        nearest.clear();
        nearest.extend(near.iter().map(|&r| self.distances[strip.start + r as usize]));
        trial.nearer += nearest.iter().zip(distances).filter(|(nearest, distance)| distance < nearest).count();
        // Not the product of the difference: where products underflow, these two round as in a sum over all rows.
        trial.gain += match self.weights {
            None => add_up([nearest, distances], |[m, x]| if x < m { m - x } else { 0.0 }),
            Some(all) => {
                weights.clear();
                weights.extend(near.iter().map(|&r| all[strip.start + r as usize]));
                add_up([nearest, distances, weights], |[m, x, w]| if x < m { w * m - w * x } else { 0.0 })
            }
        };
    }

    /// The sum of w min(nearest, D) that each candidate leaves, row by row.
    fn left(&self, points: &Points<'_, F>, run: &Run<'_>) -> Result<Vec<f64>> {
        let t = points.len();
        let tasks = run::ranges(self.rows.n(), self.task_rows(t));
        let parts = run.map_with(tasks, t * self.rows.size(), |scratch, range, pulse| {
            let mut sums = vec![0.0; t];
            for strip in strips(self.rows, range) {
                points.all(strip.clone(), scratch, pulse)?;
                for (sum, distances) in sums.iter_mut().zip(&scratch.distances) {
                    for (i, &distance) in strip.clone().zip(distances) {
                        let nearest = self.distances[i];
                        *sum += self.weight(i) * if distance < nearest { distance } else { nearest };
                    }
                }
            }
            Ok(sums)
        })?;
        let mut sums = vec![0.0; t];
        for part in parts {
            sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        Ok(sums)
    }

    fn weight(&self, i: usize) -> f64 {
        self.weights.map_or(1.0, |w| w[i])
    }

    fn task_rows(&self, targets: usize) -> usize {
        let n = self.rows.n();
        run::rows_per_task(n, 4 * targets * (self.rows.size() / n + 1))
    }
}

/// What a thread needs for a strip of rows.
#[derive(Default)]
struct Scratch<F> {
    lanes: Lanes<F>,
    /// For each point rows, counted from the first of the strip, ...
    near: Vec<List>,
    /// (for the next strip)
    next: Vec<List>,
    /// ... and their distances.
    distances: Vec<Vec<f64>>,
    /// What one point's have to be compared with, and their weights.
    nearest: Vec<f64>,
    weights: Vec<f64>,
}

/// Ranges of rows whose values stay in the cache.
fn strips<F: Float>(rows: &Rows<'_, F>, range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let length = (STRIP / (rows.size() / rows.n()).max(1)).max(1).next_multiple_of(64);
    range.clone().step_by(length).map(move |from| from..(from + length).min(range.end))
}

/// Drawn rows, prepared for distances from other rows.
struct Points<'a, F> {
    rows: &'a Rows<'a, F>,
    /// (t, d)
    values: Vec<f64>,
    norms: Vec<f64>,
    candidates: Candidates<F>,
    /// For rounded rows.
    packed: Option<Packed>,
    level: Level,
}

impl<'a, F: Float> Points<'a, F> {
    fn new(rows: &'a Rows<'a, F>, chosen: &[usize], rounded: Option<&Rounded>, level: Level) -> Self {
        let values = rows_as_centers(rows, chosen);
        let norms = norms(&values, rows.d());
        let candidates = Candidates::new(&values, rows.d());
        let packed = rounded.and_then(|rounded| rounded.code.pack(&values));
        Points { rows, values, norms, candidates, packed, level }
    }

    fn len(&self) -> usize {
        self.norms.len()
    }

    /// Lists the rows of `strip` that may be nearer to each point than `nearest` says as `next`.
    fn list(&self, strip: Range<usize>, nearest: &[f64], rounded: Option<&Rounded>, scratch: &mut Scratch<F>) {
        let Scratch { lanes, next, .. } = scratch;
        next.resize_with(self.len(), List::default);
        let Rows::Dense(x) = self.rows else { return next.iter_mut().for_each(|next| next.fill(strip.len())) };
        let rows = x.span(strip.start, strip.end);
        match (rounded, &self.packed) {
            (Some(rounded), Some(packed)) => {
                rounded.scan(strip, packed, next);
                for next in next {
                    self.level.run(Ask { rows, known: nearest, which: next.get() });
                }
            }
            _ => self.candidates.scan(rows, nearest, next, lanes, self.level),
        }
    }

    /// Computes the distances of all rows of `strip`.
    fn all(&self, strip: Range<usize>, scratch: &mut Scratch<F>, pulse: &Pulse<'_>) -> Result<()> {
        scratch.near.resize_with(self.len(), List::default);
        scratch.near.iter_mut().for_each(|near| near.fill(strip.len()));
        self.distances(strip.start, scratch, pulse)
    }

    /// Computes the distances of the listed rows; `from` is the first row of the strip.
    fn distances(&self, from: usize, scratch: &mut Scratch<F>, pulse: &Pulse<'_>) -> Result<()> {
        let Scratch { near, distances, .. } = scratch;
        distances.resize_with(self.len(), Vec::new);
        let points = self.values.chunks_exact(self.rows.d()).zip(&self.norms);
        for ((point, &norm), (near, distances)) in points.zip(near.iter().zip(distances)) {
            pulse.check()?;
            let near = near.get();
            distances.resize(near.len(), 0.0);
            match self.rows {
                Rows::Dense(x) => {
                    let rows = x.span(from, x.n());
                    self.level.run(DistancesOf { rows, which: near, center: point, out: distances });
                }
                Rows::Csr(_) => {
                    for (&r, distance) in near.iter().zip(distances) {
                        *distance = inertia::distance(self.rows, from + r as usize, point, norm);
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::seeding::Stream;
    use crate::rows::Dense;
    use crate::run::Unattended;

    /// Rows (n, d) of a kind that misleads.
    fn values(kind: &str, n: usize, d: usize) -> Vec<f64> {
        let mut stream = Stream::new((n * d) as u64);
        let mut normal = || (0..12).map(|_| stream.uniform()).sum::<f64>() - 6.0;
        let value = |i: usize, x: f64| match kind {
            "groups" => x + 20.0 * ((i / d % 7 * 31 + i % d * 17) % 11) as f64,
            "offset" => 1e6 + 50.0 * x,
            "pixels" => (128.0 + 40.0 * x).round(),
            "tails" => x * x * x * x * x,
            "outliers" if (i / d).is_multiple_of(97) => 1e4 * x,
            "one column" if i.is_multiple_of(d) => 1e3 * x,
            "small" => 1e-30 * x,
            _ => x,
        };
        (0..n * d).map(|i| value(i, normal())).collect()
    }

    /// Takes the best of some candidates again and again, with rows rounded and without. Returns the share of steps in which
    /// they stayed so.
    fn check<F: Float>(kind: &str, n: usize, d: usize, level: Level, threads: usize) -> f64 {
        const STEPS: usize = 40;
        let x: Vec<F> = values(kind, n, d).into_iter().map(F::from_f64).collect();
        let x = Dense::new(&x, n, d).unwrap();
        let rows = Rows::Dense(x);
        let run = Run::new(threads, &Unattended);
        let mut exact = Nearest::new(&rows, None, level);
        exact.rounding = Rounding::InVain;
        let mut rounded = Nearest::new(&rows, None, level);
        [&mut exact, &mut rounded].into_iter().for_each(|nearest| nearest.add(0, &run).unwrap());
        let code = Rounded::new(&x, rounded.distances(), level, &run).unwrap();
        rounded.rounding = code.map_or(Rounding::InVain, Rounding::Done);
        let mut stream = Stream::new(1);
        let mut steps = 0;
        for step in 0..STEPS {
            let candidates: Vec<usize> = (0..=step % 9).map(|_| stream.below(n)).collect();
            let potential = exact.distances().iter().sum();
            steps += usize::from(rounded.rounded().is_some());
            let best = exact.add_best(&candidates, potential, &run).unwrap();
            let case = format!("{kind}, {n} x {d}, step {step}, {}", level.name());
            assert_eq!(rounded.add_best(&candidates, potential, &run).unwrap(), best, "{case}");
            assert_eq!(rounded.distances(), exact.distances(), "{case}");
        }
        steps as f64 / STEPS as f64
    }

    #[test]
    fn rounding_rows_leaves_no_row_out() {
        for level in Level::available() {
            for kind in ["plain", "groups", "offset", "pixels", "tails", "outliers", "one column", "small"] {
                for (n, d) in [(1, 1), (70, 1), (500, 2), (300, 5), (2000, 16), (700, 33), (90, 130)] {
                    check::<f32>(kind, n, d, level, 1);
                    check::<f64>(kind, n, d, level, 3);
                }
            }
            // Several strips in a task.
            check::<f32>("plain", 20_000, 8, level, 2);
        }
    }

    #[test]
    fn rows_stay_rounded_where_that_helps() {
        let kept = |kind| Level::available().into_iter().map(move |level| check::<f32>(kind, 4000, 16, level, 2));
        // The portable level has no use for bytes.
        assert!(kept("plain").skip(1).all(|share| share == 1.0));
        assert!(kept("pixels").skip(1).all(|share| share == 1.0));
        assert!(kept("offset").skip(1).all(|share| share == 1.0));
    }
}
