//! A proximal Newton step: a working set, coordinate descent on the model of it, and a line search over the scores.

use super::columns::Columns;
use super::gram_model::GramModel;
use super::model::{self, Model, Several, Two};
use super::objective::{Objective, Point};
use crate::error::Result;
use crate::float::Float;
use crate::kernels::simd::{Level, Simd, Task};
use crate::run::{Pulse, Run};

/// Coordinates in the first working set.
pub const FIRST: usize = 512;
/// Coordinates of which products are formed at most.
const PRODUCTS: usize = 1024;
/// Passes over the working set at most.
const EPOCHS: usize = 300;

/// A coordinate of the working set.
struct Coordinate {
    column: usize,
    score: usize,
    /// Of the loss.
    gradient: f64,
    /// The model's second derivative, penalty included.
    curvature: f64,
    weight: f64,
    change: f64,
}

impl Coordinate {
    /// Minimises the model along this coordinate with `slope`, the loss' gradient at the change so far; returns by how much the
    /// weight goes.
    #[inline(always)]
    fn descend(&mut self, slope: f64, l1: f64, l2: f64) -> f64 {
        let now = self.weight + self.change;
        let aim = now - (slope + l2 * now) / self.curvature;
        let far = (aim.abs() - l1 / self.curvature).max(0.0);
        let next = if far == 0.0 { 0.0 } else { far.copysign(aim) };
        let by = next - now;
        // Exactly minus the weight where that becomes zero.
        self.change = if next == 0.0 { -self.weight } else { self.change + by };
        by
    }
}

/// Where a step leads.
pub struct Step {
    /// Nothing where no part of the way lowers the objective.
    pub next: Option<Point>,
    /// By how much the model said that the objective would fall.
    pub promised: f64,
    /// Whether it was the minimum of the model over all coordinates that are not optimal.
    pub whole: bool,
    /// What the objective fell by at the model's minimum, beside what the model said.
    pub ratio: f64,
}

/// The caution of the step behind one whose model foretold `ratio`: it rises at once and falls the faster
/// the better the model is.
pub fn next_caution(caution: f64, ratio: f64) -> f64 {
    /// Enough to leave no curvature at zero.
    const LEAST: f64 = 1e-12;
    if ratio < 0.25 {
        (10.0 * caution).clamp(0.1, 1.0)
    } else if (0.9..=1.1).contains(&ratio) {
        (0.01 * caution).max(LEAST)
    } else if ratio > 0.75 {
        (0.1 * caution).max(LEAST)
    } else {
        caution
    }
}

/// The step from `point` with the model of that `caution`. `room` coordinates are in the working set at most, `squares` (d,)
/// are the columns' lengths.
#[allow(clippy::too_many_arguments)] // the point, and how far the model of it goes
pub fn step<F: Float>(
    objective: &Objective<'_, F>,
    point: &Point,
    gradient: &[f64],
    squares: &[f64],
    room: usize,
    caution: f64,
    patience: Patience,
    run: &Run<'_>,
) -> Result<Step> {
    let (n, k) = (objective.columns.n(), objective.k);
    let (_, l2) = objective.strengths();
    let h = model::curvatures(objective, point, caution);
    let (mut chosen, all) = choose(objective, point, gradient, squares, room);
    let by_products = k == 1 && matches!(objective.columns, Columns::Dense(..)) && chosen.len() <= PRODUCTS.min(n);
    let mut shifts = vec![0.0; k];
    if by_products {
        let columns: Vec<usize> = chosen.iter().map(|coordinate| coordinate.column).collect();
        let model = GramModel::new(objective.columns, &columns, &h, objective.penalty.intercept, run)?;
        for (at, coordinate) in chosen.iter_mut().enumerate() {
            coordinate.curvature = model.curvature(at) + l2;
        }
        chosen = settle_products(objective, point, chosen, model, &mut shifts, patience, run)?;
    } else {
        let find = |coordinate: &Coordinate| {
            let h = &h[coordinate.score * n..][..n];
            objective.columns.column(coordinate.column).weighted_square(h) + l2
        };
        let tasks: Vec<&mut [Coordinate]> = chosen.chunks_mut(64).collect();
        let work = tasks.len() * 64 * n.min(4096);
        run.map(tasks, work, |part, pulse| {
            pulse.check()?;
            part.iter_mut().for_each(|coordinate| coordinate.curvature = find(coordinate));
            Ok(())
        })?;
        chosen.retain(|coordinate| coordinate.curvature > 0.0);
        let r = objective.residuals(&point.p);
        let totals: Vec<(f64, f64)> =
            (0..k).map(|c| (r[c * n..][..n].iter().sum(), h[c * n..][..n].iter().sum())).collect();
        let level = Level::detect();
        let pulse = run.pulse();
        let (chosen, shifts) = (&mut chosen[..], &mut shifts[..]);
        if k == 1 {
            level.run(Settle { objective, model: Two::new(&h), chosen, shifts, totals: &totals, patience, pulse })?;
        } else {
            let model = Several::new(objective.s, &point.p, &h);
            level.run(Settle { objective, model, chosen, shifts, totals: &totals, patience, pulse })?;
        }
    }
    let Found { next, promised, part, ratio } = search(objective, point, &chosen, &shifts, &h, run)?;
    let whole = all && (part == 1.0 || next.is_none());
    Ok(Step { next, promised, whole, ratio })
}

/// What is not zero, and the worst of what violates its optimality, in order; and whether that is all.
fn choose<F: Float>(
    objective: &Objective<'_, F>,
    point: &Point,
    gradient: &[f64],
    squares: &[f64],
    room: usize,
) -> (Vec<Coordinate>, bool) {
    let k = objective.k;
    let (l1, l2) = objective.strengths();
    let mut chosen = Vec::new();
    let mut others: Vec<(f64, usize)> = Vec::new();
    for (at, (&g, &w)) in gradient.iter().zip(&point.w).enumerate() {
        if w != 0.0 {
            chosen.push(at);
        } else if g.abs() > l1 && squares[at / k] > 0.0 {
            // The gain that coordinate alone promises, whatever its column's unit.
            others.push(((g.abs() - l1).powi(2) / (0.25 * squares[at / k] + l2), at));
        }
    }
    let room = room.saturating_sub(chosen.len()).max(FIRST / 4);
    let all = others.len() <= room;
    if !all {
        others.select_nth_unstable_by(room, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        others.truncate(room);
    }
    chosen.extend(others.into_iter().map(|(_, at)| at));
    chosen.sort_unstable();
    let coordinate = |at: usize| Coordinate {
        column: at / k,
        score: at % k,
        gradient: gradient[at],
        curvature: 0.0,
        weight: point.w[at],
        change: 0.0,
    };
    (chosen.into_iter().map(coordinate).collect(), all)
}

/// When coordinate descent has come near enough to the model's minimum.
pub struct Patience {
    /// What the last pass gained.
    last: f64,
    /// What all passes gained.
    total: f64,
    /// Of all that was gained.
    part: f64,
    /// A gain that no longer matters.
    least: f64,
}

impl Patience {
    /// After a step that promised to gain the part `gained` of the objective, and with a rest of `least` that does not matter: near
    /// the end, where models are right, they are minimised more closely.
    pub fn new(gained: f64, least: f64) -> Self {
        Patience { last: f64::MIN_POSITIVE, total: 0.0, part: gained.sqrt().clamp(1e-6, 5e-2), least }
    }

    /// Whether what later passes would gain does not matter, if each gains the part of the one before that this one did.
    fn enough(&mut self, gained: f64) -> bool {
        let rate = (gained / self.last).min(0.999);
        self.last = gained;
        self.total += gained;
        gained == 0.0 || gained * rate / (1.0 - rate) <= (self.part * self.total).max(self.least)
    }
}

/// Coordinate descent over the rows: passes over all coordinates, and between them over those that are not zero.
struct Settle<'a, 'b, F, M> {
    objective: &'a Objective<'a, F>,
    model: M,
    chosen: &'a mut [Coordinate],
    /// (k,), changes of the intercepts.
    shifts: &'a mut [f64],
    /// For each score the sums of r and of h.
    totals: &'a [(f64, f64)],
    patience: Patience,
    pulse: Pulse<'b>,
}

impl<F: Float, M: Model> Task<f64> for Settle<'_, '_, F, M> {
    type Out = Result<()>;

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Result<()> {
        let Settle { objective, mut model, chosen, shifts, totals, mut patience, pulse } = self;
        let (l1, l2) = objective.strengths();
        let mut all = true;
        for _ in 0..EPOCHS {
            let mut gained = 0.0;
            if objective.penalty.intercept {
                for (c, &(r, h)) in totals.iter().enumerate().filter(|(_, (_, h))| *h > 0.0) {
                    let by = -(r + model.slope_of_ones(c)) / h;
                    model.advance_ones(c, by);
                    shifts[c] += by;
                    gained += by * by * h;
                }
            }
            for (at, coordinate) in chosen.iter_mut().enumerate() {
                if at % 64 == 0 {
                    pulse.check()?;
                }
                if !all && coordinate.weight + coordinate.change == 0.0 {
                    continue;
                }
                let x = objective.columns.column(coordinate.column);
                let slope = coordinate.gradient + model.slope(x, coordinate.score);
                let by = coordinate.descend(slope, l1, l2);
                if by != 0.0 {
                    model.advance(x, coordinate.score, by);
                    gained += by * by * coordinate.curvature;
                }
            }
            match (patience.enough(gained), all) {
                (true, true) => break,
                (true, false) => all = true,
                (false, _) => all = false,
            }
        }
        Ok(())
    }
}

/// Coordinate descent over products of columns.
fn settle_products<F: Float>(
    objective: &Objective<'_, F>,
    point: &Point,
    mut chosen: Vec<Coordinate>,
    model: GramModel,
    shifts: &mut [f64],
    patience: Patience,
    run: &Run<'_>,
) -> Result<Vec<Coordinate>> {
    struct Passes<'a, 'b> {
        chosen: &'a mut [Coordinate],
        model: GramModel,
        strengths: (f64, f64),
        /// The sum of r, and the change of the intercept.
        ones: Option<(f64, &'a mut f64)>,
        patience: Patience,
        pulse: Pulse<'b>,
    }
    impl Task<f64> for Passes<'_, '_> {
        type Out = Result<()>;

        #[inline(always)]
        fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Result<()> {
            let Passes { chosen, mut model, strengths: (l1, l2), mut ones, mut patience, pulse } = self;
            let (last, mut all) = (chosen.len(), true);
            for _ in 0..10 * EPOCHS {
                let mut gained = 0.0;
                if let Some((r, shift)) = &mut ones {
                    let h = model.curvature(last);
                    if h > 0.0 {
                        let by = -(*r + model.pull[last]) / h;
                        model.advance(last, by);
                        **shift += by;
                        gained += by * by * h;
                    }
                }
                pulse.check()?;
                for (at, coordinate) in chosen.iter_mut().enumerate() {
                    if coordinate.curvature == 0.0 || !all && coordinate.weight + coordinate.change == 0.0 {
                        continue;
                    }
                    let by = coordinate.descend(coordinate.gradient + model.pull[at], l1, l2);
                    if by != 0.0 {
                        model.advance(at, by);
                        gained += by * by * coordinate.curvature;
                    }
                }
                match (patience.enough(gained), all) {
                    (true, true) => break,
                    (true, false) => all = true,
                    (false, _) => all = false,
                }
            }
            Ok(())
        }
    }
    let r: f64 = objective.residuals(&point.p).iter().sum();
    let ones = objective.penalty.intercept.then_some((r, &mut shifts[0]));
    let strengths = objective.strengths();
    Level::detect().run(Passes { chosen: &mut chosen, model, strengths, ones, patience, pulse: run.pulse() })?;
    Ok(chosen)
}

/// How a search ended.
struct Found {
    next: Option<Point>,
    /// By the model's slope.
    promised: f64,
    /// Of the way.
    part: f64,
    ratio: f64,
}

/// The first point on the way that lowers the objective by a part of what the model's slope promises.
fn search<F: Float>(
    objective: &Objective<'_, F>,
    point: &Point,
    chosen: &[Coordinate],
    shifts: &[f64],
    h: &[f64],
    run: &Run<'_>,
) -> Result<Found> {
    /// Of the decrease that the slope promises.
    const ENOUGH: f64 = 1e-4;
    /// Halvings.
    const MOST: usize = 60;
    let (n, k) = (objective.columns.n(), objective.k);
    let mut way: Vec<f64> = shifts.iter().flat_map(|&by| std::iter::repeat_n(by, n)).collect();
    let moving: Vec<&Coordinate> = chosen.iter().filter(|coordinate| coordinate.change != 0.0).collect();
    for (at, coordinate) in moving.iter().enumerate() {
        if at % 64 == 0 {
            run.check()?;
        }
        let (way, by) = (&mut way[coordinate.score * n..][..n], coordinate.change);
        objective.columns.column(coordinate.column).for_cells(|i, x| way[i] += by * x);
    }
    let r = objective.residuals(&point.p);
    let of = |t: f64| objective.penalty(moving.iter().map(|coordinate| after(coordinate, t)));
    let (loss, before) = (point.value - objective.penalty(point.w.iter().copied()), of(0.0));
    let promised = super::super::dot(&r, &way) + of(1.0) - before;
    let noise = 32.0 * f64::EPSILON * point.value;
    if promised.is_nan() || promised >= 0.0 {
        return Ok(Found { next: None, promised: -promised, part: 1.0, ratio: 1.0 });
    }
    let modelled = promised + 0.5 * model::quadratic(objective, point, h, &way);
    let (mut t, mut ratio) = (1.0, 1.0);
    for _ in 0..MOST {
        let mut eta = point.eta.clone();
        super::super::add_scaled(&mut eta, t, &way);
        let (found, p) = objective.probabilities(&eta, run)?;
        let change = found - loss + of(t) - before;
        if t == 1.0 {
            ratio = (change - noise) / modelled.min(-noise);
        }
        if change <= ENOUGH * t * promised + noise {
            let (mut w, mut b) = (point.w.clone(), point.b.clone());
            moving.iter().for_each(|coordinate| w[coordinate.column * k + coordinate.score] = after(coordinate, t));
            b.iter_mut().zip(shifts).for_each(|(b, by)| *b += t * by);
            let value = found + objective.penalty(w.iter().copied());
            return Ok(Found { next: Some(Point { w, b, eta, p, value }), promised: -promised, part: t, ratio });
        }
        if -promised * t <= noise {
            break;
        }
        t *= 0.5;
    }
    Ok(Found { next: None, promised: -promised, part: t, ratio })
}

/// The weight after a part of the change; zero exactly where it became so.
fn after(coordinate: &Coordinate, t: f64) -> f64 {
    if t == 1.0 && coordinate.change == -coordinate.weight { 0.0 } else { coordinate.weight + t * coordinate.change }
}
