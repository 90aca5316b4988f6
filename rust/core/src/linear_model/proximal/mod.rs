//! Logistic regression, of two classes or softmax of several, with an L1 or elastic-net penalty: proximal Newton steps over a working
//! set of coordinates (Yuan, Ho and Lin 2012, newGLMNET; Johnson and Guestrin 2015, Blitz).
//!
//! A step minimises the penalised quadratic model of the loss by coordinate descent: over the rows where columns are sparse or
//! classes several, over products of columns where these are dense and few. The working set is what is not zero and what violates its
//! optimality most; it grows until it is all. The model's curvature lies between Newton's and a bound of it (`model.rs`), nearer to
//! the first the better the last step was foretold.
//!
//! Every step starts with the gradient of all coordinates, and with it comes a duality gap, which certifies the objective. A gap
//! falls with the largest violation of the optimality conditions, the objective's excess with their square; so the violation in the
//! problem's own scale certifies too: what a whole Newton step promises (the Newton decrement), where it is a tenth of the gap that
//! is asked for.
//!
//! Scores of classes are eta = X w + b; s are the rows' weights, p the probabilities, r = s (p - y) the derivative of the loss.

mod columns;
mod gram_model;
mod model;
mod objective;
mod step;

use self::columns::Columns;
use self::objective::{Objective, Point};
use self::step::{Patience, Step};
use super::normal::Frame;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::rows::Rows;
use crate::run::Run;

/// What is minimised: `sum s loss + alpha (l1_ratio ||w||_1 + (1 - l1_ratio) / 2 ||w||^2)`.
#[derive(Clone, Copy, Debug)]
pub struct Penalty {
    /// Strength, above 0.
    pub alpha: f64,
    /// Above 0, at most 1.
    pub l1_ratio: f64,
    /// Whether there are intercepts; they carry no penalty.
    pub intercept: bool,
}

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The duality gap, or ten times the gain of the last step, beside the objective.
    pub gap: f64,
    /// Newton steps at most.
    pub max_iter: usize,
}

/// What [`fit`] finds, for k scores: 1 of two classes, else one of each class.
#[derive(Debug, Clone)]
pub struct Fit {
    /// (k, d)
    pub coef: Vec<f64>,
    /// (k,), zero without.
    pub intercept: Vec<f64>,
    /// Newton steps.
    pub n_iter: usize,
    /// Whether the gap is as small as was asked for, or as rounding lets it be.
    pub converged: bool,
    /// The duality gap, or ten times the gain of the last step, beside the objective: by so much of itself is the objective
    /// above the least one, at most.
    pub gap: f64,
    /// The objective.
    pub objective: f64,
}

/// Fits `classes` (n,), indices below `n_classes`, from `start`: weights (k, d) and intercepts (k,).
#[allow(clippy::too_many_arguments)] // the problem, and how it is solved
pub fn fit<F: Float>(
    rows: &Rows<'_, F>,
    classes: &[u32],
    n_classes: usize,
    weights: Option<&[f64]>,
    start: Option<(&[f64], &[f64])>,
    penalty: Penalty,
    rules: Rules,
    run: &Run<'_>,
) -> Result<Fit> {
    let (n, d) = (rows.n(), rows.d());
    let k = if n_classes == 2 { 1 } else { n_classes };
    check(rows, classes, n_classes, weights, penalty)?;
    if let Some((coef, intercept)) = start
        && (coef.len() != k * d || intercept.len() != k)
    {
        return Err(Error::Shape { what: "coef_init", got: coef.len() + intercept.len(), want: k * (d + 1) });
    }
    let frame = Frame::new(rows, &[], penalty.intercept);
    let columns = Columns::new(rows, &frame.shift, run)?;
    let s = weights.map_or_else(|| vec![1.0; n], <[f64]>::to_vec);
    let squares = columns.map(|f| columns.column(f).weighted_square(&s), run)?;
    if let Some(f) = squares.iter().position(|square| !square.is_finite()) {
        return Err(super::normal::blame(rows, f));
    }
    let objective = Objective { columns: &columns, classes, s: &s, k, penalty };
    let zero = objective.at(vec![0.0; d * k], objective.constants(), run)?;
    let given = start.map(|start| objective.start(start, &frame.shift, run)).transpose()?;
    let given = given.filter(|given| given.value.is_finite() && given.value <= zero.value);
    // What was given may be the solution already, where Newton's model is right.
    let from = given.map_or((zero, 1.0), |given| (given, FIRM));
    let ending = descend(&objective, from, &squares, rules, |f| super::normal::blame(rows, f), run)?;
    Ok(finish(ending, &frame, k))
}

/// The caution from which on a model is Newton's: one that is more cautious promises little where much is left, and certifies
/// nothing.
const FIRM: f64 = 1e-6;

/// How [`descend`] ended.
struct Ending {
    point: Point,
    n_iter: usize,
    converged: bool,
    gap: f64,
}

/// Steps from a point, the first with that caution, until the objective is certified; `blame` makes the error for a column whose gradient is not finite.
fn descend<F: Float>(
    objective: &Objective<'_, F>,
    (mut point, mut caution): (Point, f64),
    squares: &[f64],
    rules: Rules,
    blame: impl Fn(usize) -> Error,
    run: &Run<'_>,
) -> Result<Ending> {
    /// A whole step that promises so much of the gap that is asked for is the last: behind it the rest is of second order.
    const PROMISE: f64 = 0.1;
    /// But only where the model foretold what the objective then fell by.
    const FORETOLD: std::ops::RangeInclusive<f64> = 0.5..=2.0;
    /// Of such a promise, what coordinate descent may leave at most; weights are as exact as the root of that, so that it is less
    /// where little is asked to be left.
    const REST: f64 = 0.1;
    /// A promise beside the objective that is rounding.
    const ROUNDING: f64 = 64.0 * f64::EPSILON;
    /// Steps without a gain that can be seen, in which caution still goes.
    const HIDDEN: usize = 10;
    /// A gap beside the objective that counts as none where nothing gains any more.
    const SEEN: f64 = 1e-9;
    let least = f64::EPSILON * objective.size();
    let (mut n_iter, mut room, mut gap, mut hidden) = (0, step::FIRST, f64::INFINITY, 0);
    let mut gained = point.value;
    let converged = loop {
        let gradient = objective.gradient(&point, run)?;
        if let Some(at) = gradient.iter().position(|g| !g.is_finite()) {
            return Err(blame(at / objective.k));
        }
        // The objective never rises, so that an earlier gap holds too.
        gap = objective.gap(&point, &gradient, run)?.min(gap);
        if gap <= (rules.gap * point.value).max(least) {
            break true;
        }
        if n_iter == rules.max_iter {
            break false;
        }
        let enough = ((PROMISE * rules.gap).max(ROUNDING) * point.value).max(least);
        let patience = Patience::new(gained / point.value, (100.0 * rules.gap.sqrt()).min(REST) * enough);
        let Step { next, promised, whole, ratio } =
            step::step(objective, &point, &gradient, squares, room, caution, patience, run)?;
        let gains = next.as_ref().is_some_and(|next| next.value < point.value * (1.0 - 8.0 * f64::EPSILON));
        hidden = if gains { 0 } else { hidden + 1 };
        if let Some(next) = next {
            point = next;
            n_iter += 1;
        }
        gained = promised.max(0.0);
        if whole && gained <= enough && caution <= FIRM && FORETOLD.contains(&ratio) {
            gap = gap.min(gained.max(PROMISE * enough) / PROMISE);
            break true;
        }
        if hidden > HIDDEN {
            break gap <= SEEN * point.value;
        }
        caution = step::next_caution(caution, ratio);
        room = room.saturating_mul(4).max(2 * point.support());
    };
    Ok(Ending { point, n_iter, converged, gap })
}

fn check<F: Float>(
    rows: &Rows<'_, F>,
    classes: &[u32],
    n_classes: usize,
    weights: Option<&[f64]>,
    penalty: Penalty,
) -> Result<()> {
    super::checked(rows, &vec![0.0; rows.n()], 1, weights)?;
    if classes.len() != rows.n() {
        return Err(Error::Shape { what: "y", got: classes.len(), want: rows.n() });
    }
    if n_classes < 2 {
        return Err(Error::Value(format!("n_classes={n_classes} needs to be at least 2")));
    }
    if let Some(at) = classes.iter().position(|&c| c as usize >= n_classes) {
        return Err(Error::Value(format!("y holds {} at row {at}; there are {n_classes} classes", classes[at])));
    }
    let Penalty { alpha, l1_ratio, .. } = penalty;
    if !(alpha > 0.0 && alpha < f64::INFINITY && l1_ratio > 0.0 && l1_ratio <= 1.0) {
        return Err(Error::Value(format!("alpha={alpha} and l1_ratio={l1_ratio} must be above 0, l1_ratio at most 1")));
    }
    Ok(())
}

fn finish(ending: Ending, frame: &Frame, k: usize) -> Fit {
    let Ending { point, n_iter, converged, gap } = ending;
    let d = point.w.len() / k;
    // Coordinate (f, c) stands at f k + c.
    let coef: Vec<f64> = (0..k).flat_map(|c| (0..d).map(move |f| (f, c))).map(|(f, c)| point.w[f * k + c]).collect();
    let mut intercept = point.b;
    if frame.centred {
        for (b, coef) in intercept.iter_mut().zip(coef.chunks_exact(d)) {
            *b -= super::dot(coef, &frame.shift);
        }
        // A constant added to the scores of all classes changes nothing.
        if k > 1 {
            let mean = intercept.iter().sum::<f64>() / k as f64;
            intercept.iter_mut().for_each(|b| *b -= mean);
        }
    }
    let gap = gap.max(0.0) / point.value.max(f64::MIN_POSITIVE);
    Fit { coef, intercept, n_iter, converged, gap, objective: point.value }
}

#[cfg(test)]
mod tests;
