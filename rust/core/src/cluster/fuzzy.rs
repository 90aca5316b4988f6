//! Fuzzy c-means: every row belongs to every cluster, more to the nearer ones.
//!
//! Bezdek (1981), "Pattern Recognition with Fuzzy Objective Function Algorithms". Memberships and centres are found in turns,
//! each the best for the other, so the objective J = sum w u^m d^2 never rises. The memberships (n, k) are never all there
//! while it iterates: a strip of rows adds its part to the sums of the centres and is done.

use std::ops::Range;
use std::time::Instant;

use super::distances::allocate;
use super::moments::Moments;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::memberships::{AddUp, Read, STRIP, Shares, Squares, padded};
use crate::kernels::simd::Level;
use crate::rows::Rows;
use crate::run::{self, Pulse, Run};

/// When to stop, and how fuzzy.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// m, above 1
    pub fuzziness: f64,
    /// At most so many iterations.
    pub max_iter: usize,
    /// Stop once sum ||C_new - C_old||^2 is at most this times the mean variance of the columns.
    pub tol: f64,
}

/// What one iteration showed.
#[derive(Debug, Clone, Copy)]
pub struct Iteration {
    /// J of the centres that it began with.
    pub objective: f64,
    /// sum ||C_new - C_old||^2
    pub shift: f64,
    /// Time that it took.
    pub seconds: f64,
}

/// What a fit found.
#[derive(Debug)]
pub struct Fit {
    /// (k, d), in the user's units, not yet rounded to the data's type.
    pub centers: Vec<f64>,
    /// By iteration.
    pub history: Vec<Iteration>,
    /// Whether `tol` stopped it.
    pub settled: bool,
}

/// Iterates from `centers` (k, d).
pub fn fit<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    centers: &[f64],
    rules: &Rules,
    run: &Run<'_>,
) -> Result<Fit> {
    check(rows, weights, centers, rules.fuzziness)?;
    let d = rows.d();
    let level = Level::detect();
    let moments = Moments::new(rows, weights, level, run)?;
    let pass = Pass { rows, weights, shift: &moments.shift, fuzziness: rules.fuzziness, level };
    let mut centers: Vec<f64> = centers.iter().zip(moments.shift.iter().cycle()).map(|(c, shift)| c - shift).collect();
    let mut history = Vec::new();
    let mut settled = false;
    while history.len() < rules.max_iter && !settled {
        let began = Instant::now();
        let sums = pass.sums(&centers, run)?;
        let mut shift = 0.0;
        for (j, center) in centers.chunks_exact_mut(d).enumerate() {
            // Nobody belongs to a far cluster where m is near 1: its centre stays.
            if sums.masses[j] == 0.0 {
                continue;
            }
            for (c, sum) in center.iter_mut().zip(&sums.pulled[j * padded(d)..]) {
                let mean = sum / sums.masses[j];
                shift += (mean - *c) * (mean - *c);
                *c = mean;
            }
        }
        settled = shift <= rules.tol * moments.variance;
        history.push(Iteration { objective: sums.objective, shift, seconds: began.elapsed().as_secs_f64() });
    }
    centers.iter_mut().zip(moments.shift.iter().cycle()).for_each(|(c, shift)| *c += shift);
    Ok(Fit { centers, history, settled })
}

/// What centres make of rows.
pub struct Memberships<F> {
    /// u, (n, k)
    pub shares: Vec<F>,
    /// J
    pub objective: f64,
    /// Sum of w u^2.
    pub squares: f64,
}

/// Memberships of rows in the clusters around `centers` (k, d), with distances by direct differences in the user's units.
pub fn memberships<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    centers: &[f64],
    fuzziness: f64,
    run: &Run<'_>,
) -> Result<Memberships<F>> {
    check(rows, weights, centers, fuzziness)?;
    let (n, k) = (rows.n(), centers.len() / rows.d());
    let pass = Pass { rows, weights, shift: &vec![0.0; rows.d()], fuzziness, level: Level::detect() };
    let mut shares = allocate(n.saturating_mul(k))?;
    let length = run::rows_per_task(n, pass.work(k));
    let tasks: Vec<_> = run::ranges(n, length).into_iter().zip(shares.chunks_mut(length * k)).collect();
    let work = n.saturating_mul(pass.work(k));
    let parts = run.map_with(tasks, work, |scratch: &mut Scratch, (range, out): (Range<usize>, &mut [F]), pulse| {
        let (mut objective, mut squares) = (0.0, 0.0);
        let mut out = out.chunks_mut(STRIP * k);
        pass.strips(centers, range, scratch, pulse, |strip, scratch| {
            objective += strip_sum(&scratch.objective);
            for (r, row) in out.next().into_iter().flat_map(|out| out.chunks_exact_mut(k)).enumerate() {
                let mut square = 0.0;
                for (j, to) in row.iter_mut().enumerate() {
                    let share = scratch.squares[j * STRIP + r];
                    square += share * share;
                    *to = F::from_f64(share);
                }
                squares += scratch.weights[r] * square;
            }
            let wrong = scratch.objective[..strip.len()].iter().position(|part| !part.is_finite());
            wrong.map_or(Ok(()), |r| Err(rows.blame(strip.start + r)))
        })?;
        Ok((objective, squares))
    })?;
    let (objective, squares) = parts.into_iter().fold((0.0, 0.0), |all, part| (all.0 + part.0, all.1 + part.1));
    Ok(Memberships { shares, objective, squares })
}

/// The sum of a value of each row of a strip, in chains that do not wait for each other.
fn strip_sum(values: &[f64]) -> f64 {
    let mut chains = [0.0; 8];
    for values in values.chunks_exact(8) {
        chains.iter_mut().zip(values).for_each(|(chain, value)| *chain += value);
    }
    chains.iter().sum()
}

fn check<F: Float>(rows: &Rows<'_, F>, weights: Option<&[f64]>, centers: &[f64], fuzziness: f64) -> Result<()> {
    let (n, d) = (rows.n(), rows.d());
    if n == 0 || d == 0 || centers.is_empty() || !centers.len().is_multiple_of(d) {
        return Err(Error::Shape { what: "the array of centers", got: centers.len(), want: d });
    }
    if !(fuzziness > 1.0 && fuzziness < f64::INFINITY) {
        return Err(Error::Value(format!("m={fuzziness} needs to be above 1")));
    }
    if weights.is_some_and(|w| w.len() != n || w.iter().any(|w| !(*w >= 0.0 && w.is_finite()))) {
        return Err(Error::Value("sample_weight needs a value of at least 0 for each row".into()));
    }
    Ok(())
}

/// What every pass over the rows needs.
struct Pass<'a, F> {
    rows: &'a Rows<'a, F>,
    weights: Option<&'a [f64]>,
    /// Taken from each row, (d,).
    shift: &'a [f64],
    fuzziness: f64,
    level: Level,
}

/// Sums over some rows.
struct Sums {
    /// Of w u^m x, (k, `padded(d)`).
    pulled: Vec<f64>,
    /// Of w u^m, (k,).
    masses: Vec<f64>,
    objective: f64,
}

/// What a strip of rows leaves.
struct Scratch {
    rows: Vec<f64>,
    features: Vec<f64>,
    squares: Vec<f64>,
    pulls: Vec<f64>,
    weights: [f64; STRIP],
    objective: [f64; STRIP],
}

impl Default for Scratch {
    fn default() -> Self {
        let empty = Vec::new;
        Scratch {
            rows: empty(),
            features: empty(),
            squares: empty(),
            pulls: empty(),
            weights: [0.0; STRIP],
            objective: [0.0; STRIP],
        }
    }
}

impl<F: Float> Pass<'_, F> {
    /// Multiply-adds for a row and k centres, more or less.
    fn work(&self, k: usize) -> usize {
        k * (4 * self.rows.d() + 16)
    }

    /// What the rows add to centres (k, d) that are shifted.
    fn sums(&self, centers: &[f64], run: &Run<'_>) -> Result<Sums> {
        /// Values in all partial sums together.
        const ROOM: usize = 1 << 25;
        let (n, d) = (self.rows.n(), self.rows.d());
        let (k, stride) = (centers.len() / d, padded(d));
        let few = n.div_ceil((ROOM / (k * stride)).max(2));
        let length = run::rows_per_task(n, self.work(k)).max(few).next_multiple_of(STRIP);
        let work = n.saturating_mul(self.work(k));
        let parts = run.map_with(run::ranges(n, length), work, |scratch: &mut Scratch, range, pulse| {
            let mut part = Sums { pulled: vec![0.0; k * stride], masses: vec![0.0; k], objective: 0.0 };
            self.strips(centers, range, scratch, pulse, |_, scratch| {
                self.level.run(AddUp { rows: &scratch.rows, stride, pulls: &scratch.pulls, sums: &mut part.pulled });
                for (mass, pulls) in part.masses.iter_mut().zip(scratch.pulls.chunks_exact(STRIP)) {
                    *mass += strip_sum(pulls);
                }
                part.objective += strip_sum(&scratch.objective);
                Ok(())
            })?;
            Ok(part)
        })?;
        let mut all = Sums { pulled: vec![0.0; k * stride], masses: vec![0.0; k], objective: 0.0 };
        for part in parts {
            all.pulled.iter_mut().zip(part.pulled).for_each(|(all, part)| *all += part);
            all.masses.iter_mut().zip(part.masses).for_each(|(all, part)| *all += part);
            all.objective += part.objective;
        }
        Ok(all)
    }

    /// Calls `each` for every strip of `range` with its memberships (in `squares`), pulls and objective.
    fn strips(
        &self,
        centers: &[f64],
        range: Range<usize>,
        scratch: &mut Scratch,
        pulse: &Pulse<'_>,
        mut each: impl FnMut(Range<usize>, &Scratch) -> Result<()>,
    ) -> Result<()> {
        let d = self.rows.d();
        let (k, stride) = (centers.len() / d, padded(d));
        scratch.rows.clear();
        scratch.rows.resize(STRIP * stride, 0.0);
        scratch.features.resize(STRIP * stride, 0.0);
        scratch.squares.resize(STRIP * k, 0.0);
        scratch.pulls.resize(STRIP * k, 0.0);
        for first in range.clone().step_by(STRIP) {
            pulse.check()?;
            let strip = first..range.end.min(first + STRIP);
            self.read(strip.clone(), scratch);
            let Scratch { rows, features, squares, pulls, weights, objective } = &mut *scratch;
            self.level.run(Squares { rows, centers, d, features, out: squares });
            self.level.run(Shares { squares, fuzziness: self.fuzziness, weights, pulls, objective });
            each(strip, scratch)?;
        }
        Ok(())
    }

    /// Writes the rows of a strip, shifted, and their weights.
    fn read(&self, strip: Range<usize>, scratch: &mut Scratch) {
        let d = self.rows.d();
        let filled = strip.len();
        match self.rows {
            Rows::Dense(rows) => {
                let values = rows.span(strip.start, strip.end);
                let ahead = rows.span(strip.end, rows.n().min(strip.end + STRIP));
                self.level.run(Read { values, ahead, shift: self.shift, rows: &mut scratch.rows });
            }
            Rows::Csr(_) => {
                for (i, row) in strip.clone().zip(scratch.rows.chunks_exact_mut(padded(d))) {
                    self.rows.write_row(i, &mut row[..d]);
                    row.iter_mut().zip(self.shift).for_each(|(to, shift)| *to -= shift);
                }
            }
        }
        scratch.rows[filled * padded(d)..].fill(0.0);
        scratch.weights.fill(0.0);
        match self.weights {
            Some(weights) => scratch.weights[..filled].copy_from_slice(&weights[strip]),
            None => scratch.weights[..filled].fill(1.0),
        }
    }
}
