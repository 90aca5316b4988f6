//! Lasso and elastic net: coefficients that minimise 1/(2n) sum w (y - X b - b0)^2 + alpha (l1_ratio |b|_1 + (1 - l1_ratio)/2 |b|^2),
//! with weights that add up to n, for one alpha after the other.
//!
//! Most coefficients are zero, so a small problem is solved again and again: that in a working set of columns (Massias, Gramfort and
//! Salmon 2018, "Celer"), which grows by the columns that pull hardest at the residual until the duality gap of all columns is
//! small enough. What solves it is `quadratic` (products of columns), for sparse columns `residual`. Where paths of many alphas go
//! through fewer columns than rows, products of all columns are formed at once, and X is read no more. A path's next working
//! set is guessed by the strong rule (Tibshirani et al. 2012); the gap of all columns decides.

mod design;
mod objective;
mod quadratic;
mod residual;
#[cfg(test)]
mod tests;
mod working_set;

use design::Design;
pub use design::Layout;
use objective::Penalty;
use quadratic::Quadratic;
use residual::ByResidual;
use working_set::{MOST, WorkingSet};

use super::dot;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::run::Run;

/// Products of so few columns take no longer than reading them.
const FEW: usize = 256;
/// Of the gap allowed, where products are known: the last Newton steps cost next to nothing, and rows that are repeated,
/// weighted or sparse then end alike.
const EXACT: f64 = 1e-10;
/// Of the targets' squares: what rounding may leave of a gap.
const ROUNDING: f64 = 1e-15;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// (m,), one after the other.
    pub alphas: &'a [f64],
    /// Share of the penalty on absolute values.
    pub l1_ratio: f64,
    /// Whether there is an intercept.
    pub intercept: bool,
    /// Whether coefficients must not be negative.
    pub positive: bool,
    /// Most passes over the coefficients, for each alpha.
    pub max_iter: usize,
    /// Of ||y||^2: the largest duality gap.
    pub tol: f64,
}

/// What was found, for t targets and m alphas.
#[derive(Debug)]
pub struct Path {
    /// (t, m, d)
    pub coef: Vec<f64>,
    /// (t, m)
    pub intercept: Vec<f64>,
    /// (t, m), divided by n, in squared units of the target.
    pub gap: Vec<f64>,
    /// (t, m), passes.
    pub n_iter: Vec<usize>,
    /// (t,), what the gap was to be at most, as `gap`.
    pub allowed: Vec<f64>,
}

/// Fits targets (n, t) for each alpha, from `start` (t, d) or zero.
pub fn path<F: Float>(
    layout: Layout<'_, F>,
    targets: &[f64],
    t: usize,
    weights: Option<&[f64]>,
    settings: &Settings<'_>,
    start: Option<&[f64]>,
    run: &Run<'_>,
) -> Result<Path> {
    let (n, d) = layout.shape();
    checked(n, d, targets, t, settings, start)?;
    let design = Design::new(layout, weights, settings.intercept, run)?;
    let mut set = if works_on_products(&design, settings) {
        WorkingSet::all(&design, &layout, run)?
    } else {
        WorkingSet::new(n, d, !design.is_sparse() || d <= FEW)
    };
    let m = settings.alphas.len();
    let (coef, intercept) = (Vec::with_capacity(t * m * d), Vec::with_capacity(t * m));
    let mut found = Path { coef, intercept, gap: Vec::new(), n_iter: Vec::new(), allowed: Vec::new() };
    for s in 0..t {
        let target = Target::new(targets.iter().skip(s).step_by(t).copied(), &design, settings.intercept);
        let start = start.map(|start| &start[s * d..][..d]);
        target_path(&design, &mut set, &target, settings, start, &mut found, run)?;
    }
    Ok(found)
}

/// The smallest alpha for which all coefficients of a target are zero, with all of the penalty on absolute values.
pub fn alpha_max<F: Float>(
    layout: Layout<'_, F>,
    targets: &[f64],
    weights: Option<&[f64]>,
    intercept: bool,
    positive: bool,
    run: &Run<'_>,
) -> Result<f64> {
    let (n, d) = layout.shape();
    let settings = Settings { alphas: &[], l1_ratio: 1.0, intercept, positive, max_iter: 0, tol: 0.0 };
    checked(n, d, targets, 1, &settings, None)?;
    let design = Design::new(layout, weights, intercept, run)?;
    let target = Target::new(targets.iter().copied(), &design, intercept);
    let q = design.products(&target.y, run)?;
    let sizes = q.iter().zip(&design.scale).map(|(q, scale)| (if positive { q.max(0.0) } else { q.abs() }) / scale);
    Ok(sizes.fold(0.0, f64::max) / target.unit / n as f64)
}

fn checked(
    n: usize,
    d: usize,
    targets: &[f64],
    t: usize,
    settings: &Settings<'_>,
    start: Option<&[f64]>,
) -> Result<()> {
    if n.checked_mul(t) != Some(targets.len()) || t == 0 {
        return Err(Error::Shape { what: "y", got: targets.len(), want: n * t.max(1) });
    }
    if let Some(at) = targets.iter().position(|y| !y.is_finite()) {
        return Err(Error::Value(format!("y holds {} at row {}", targets[at], at / t)));
    }
    if let Some(alpha) = settings.alphas.iter().find(|alpha| !(0.0..f64::INFINITY).contains(*alpha)) {
        return Err(Error::Value(format!("alpha={alpha} must not be negative, and finite")));
    }
    if !(0.0..=1.0).contains(&settings.l1_ratio) {
        return Err(Error::Value(format!("l1_ratio={} must lie between 0 and 1", settings.l1_ratio)));
    }
    let bytes = t.saturating_mul(d).saturating_mul(settings.alphas.len()).saturating_mul(8);
    if bytes > isize::MAX as usize {
        return Err(Error::Memory { what: "the coefficients of the path", bytes });
    }
    let Some(start) = start else { return Ok(()) };
    if start.len() != t * d {
        return Err(Error::Shape { what: "the start", got: start.len(), want: t * d });
    }
    if start.iter().any(|b| !b.is_finite()) {
        return Err(Error::Value("the start must be finite".into()));
    }
    Ok(())
}

/// Whether products of all columns pay: n d^2 of them at the rate of a matrix product, against passes over X at that of memory.
fn works_on_products<F: Float>(design: &Design<'_, F>, settings: &Settings<'_>) -> bool {
    /// A path of that many alphas meets most columns.
    const MANY: usize = 10;
    let (n, d) = (design.n, design.d);
    let dense_solution = settings.l1_ratio == 0.0 || settings.alphas.iter().all(|&alpha| alpha == 0.0);
    !design.is_sparse() && d <= MOST && n >= d && (d <= FEW || dense_solution || settings.alphas.len() >= MANY)
}

/// A target as the columns are: centred, by the roots, of a size near one.
struct Target {
    y: Vec<f64>,
    /// A power of two that it was multiplied by.
    unit: f64,
    /// In the user's units.
    mean: f64,
    /// ||y||^2
    total: f64,
}

impl Target {
    fn new<F: Float>(values: impl Iterator<Item = f64> + Clone, design: &Design<'_, F>, centred: bool) -> Self {
        let weight = |i: usize| design.roots.as_ref().map_or(1.0, |roots| roots[i] * roots[i]);
        let first = if centred { values.clone().next().unwrap_or(0.0) } else { 0.0 };
        // Halves, whose difference cannot overflow.
        let spread = values.clone().fold(0.0_f64, |most, y| most.max((0.5 * y - 0.5 * first).abs()));
        let unit = super::normal::reciprocal_power(spread);
        let scaled = values.map(|y| y * unit - first * unit);
        let mean = if centred {
            scaled.clone().enumerate().map(|(i, y)| weight(i) * y).sum::<f64>() / design.n as f64
        } else {
            0.0
        };
        let root = |i: usize| design.roots.as_ref().map_or(1.0, |roots| roots[i]);
        let y: Vec<f64> = scaled.enumerate().map(|(i, y)| (y - mean) * root(i)).collect();
        let total = dot(&y, &y);
        Target { y, unit, mean: first + mean / unit, total }
    }
}

/// Where the search stands: coefficients of all columns, as scaled, and what they leave.
struct State {
    /// (d,)
    b: Vec<f64>,
    /// (d,), Z^T r
    q: Vec<f64>,
    /// ||r||^2
    square: f64,
}

fn target_path<F: Float>(
    design: &Design<'_, F>,
    set: &mut WorkingSet,
    target: &Target,
    settings: &Settings<'_>,
    start: Option<&[f64]>,
    found: &mut Path,
    run: &Run<'_>,
) -> Result<()> {
    let (n, d) = (design.n as f64, design.d);
    let in_units = |f: usize| design.scale[f] / target.unit;
    let mut b: Vec<f64> = start.map_or_else(|| vec![0.0; d], |start| (0..d).map(|f| start[f] / in_units(f)).collect());
    for (b, &square) in b.iter_mut().zip(&design.squares) {
        let usable = square > 0.0 && !(settings.positive && *b < 0.0);
        *b = if usable { *b } else { 0.0 };
    }
    let cross = design.products(&target.y, run)?;
    let mut state = State { b, q: cross.clone(), square: target.total };
    let new: Vec<usize> = (0..d).filter(|&f| state.b[f] != 0.0 && !set.has(f)).collect();
    set.extend(design, &new, run)?;
    if state.b.iter().any(|&b| b != 0.0) {
        refresh(design, set, target, &cross, &mut state, run)?;
    }
    let allowed = settings.tol * target.total;
    let mut before = f64::INFINITY;
    for &alpha in settings.alphas {
        let (l1, l2) = (alpha * settings.l1_ratio * n, alpha * (1.0 - settings.l1_ratio) * n);
        let penalty = Penalty::new(l1, l2, settings.positive, design.scale.iter().copied(), target.unit);
        // The strong rule: what pulls less than 2 alpha - the alpha before will hardly come in.
        let strong = if before.is_finite() && alpha > 0.0 { (2.0 - before / alpha).clamp(0.5, 1.0) } else { 1.0 };
        before = alpha;
        let problem = Problem { design, target, cross: &cross, penalty: &penalty, allowed, strong };
        let (gap, passes) = problem.solve(set, &mut state, settings.max_iter, run)?;
        let coef: Vec<f64> = (0..d).map(|f| state.b[f] * in_units(f)).collect();
        found.intercept.push(if settings.intercept { target.mean - design.offset(&coef) } else { 0.0 });
        found.coef.extend(coef);
        found.gap.push(gap / target.unit / target.unit / n);
        found.n_iter.push(passes);
    }
    found.allowed.push(allowed / target.unit / target.unit / n);
    Ok(())
}

/// q and ||r||^2 of b, from the rows or from products of all columns.
fn refresh<F: Float>(
    design: &Design<'_, F>,
    set: &WorkingSet,
    target: &Target,
    cross: &[f64],
    state: &mut State,
    run: &Run<'_>,
) -> Result<()> {
    if set.full {
        state.q = cross.to_vec();
        for (place, &f) in set.columns.iter().enumerate().filter(|(_, f)| state.b[**f] != 0.0) {
            let row = &set.gram[place * set.stride..][..set.len()];
            set.columns.iter().zip(row).for_each(|(&g, product)| state.q[g] -= state.b[f] * product);
        }
        let explained: f64 = (0..design.d).map(|f| state.b[f] * (state.q[f] + cross[f])).sum();
        state.square = (target.total - explained).max(0.0);
        return Ok(());
    }
    let r = residual(design, set, target, &state.b, run)?;
    state.square = dot(&r, &r);
    state.q = design.products(&r, run)?;
    Ok(())
}

/// y less all columns times b (d,).
fn residual<F: Float>(
    design: &Design<'_, F>,
    set: &WorkingSet,
    target: &Target,
    b: &[f64],
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    if !design.is_sparse() {
        return set.residual(&target.y, &set.pick(b), run);
    }
    let mut r = target.y.clone();
    let mut taken = 0.0;
    for f in (0..b.len()).filter(|&f| b[f] != 0.0) {
        let (rows, values) = design.sparse_column(f);
        rows.iter().zip(values).for_each(|(&i, z)| r[i as usize] -= b[f] * z);
        taken += b[f] * design.mean(f);
    }
    let root = |i: usize| design.roots.as_ref().map_or(1.0, |roots| roots[i]);
    r.iter_mut().enumerate().for_each(|(i, r)| *r += taken * root(i));
    Ok(r)
}

/// One target and one alpha.
struct Problem<'a, 'd, F> {
    design: &'a Design<'d, F>,
    target: &'a Target,
    /// (d,), Z^T y
    cross: &'a [f64],
    penalty: &'a Penalty,
    allowed: f64,
    /// Of l1: columns that pull harder may come in.
    strong: f64,
}

impl<F: Float> Problem<'_, '_, F> {
    /// Until the gap is at most what is allowed, or there were `most` passes; returns both.
    fn solve(&self, set: &mut WorkingSet, state: &mut State, most: usize, run: &Run<'_>) -> Result<(f64, usize)> {
        let mut passes = 0;
        loop {
            let gap = self.penalty.gap(&state.b, &state.q, state.square, |f| self.design.scale[f]);
            if gap <= self.allowed || passes >= most {
                return Ok((gap, passes));
            }
            let grown = self.grow(set, state, run)?;
            // What is left to the other columns is not worth more digits; where there are none, all of it is.
            let share = if grown || passes == 0 { 0.3 } else { 0.01 };
            // Nor, while the set grows, is a small part of what the others may change.
            let enough = (share * self.allowed).max(if grown { 0.01 * gap } else { 0.0 });
            let inner = if set.has_gram {
                (EXACT * self.allowed).max(ROUNDING * self.target.total).min(share * self.allowed)
            } else {
                enough
            };
            passes += self.solve_inside(set, state, inner, most - passes, run)?.max(1);
            refresh(self.design, set, self.target, self.cross, state, run)?;
        }
    }

    /// Takes in the columns that promise most; whether there were any.
    fn grow(&self, set: &mut WorkingSet, state: &State, run: &Run<'_>) -> Result<bool> {
        /// Columns that come in at least, if so many pull.
        const FEWEST: usize = 64;
        if set.full {
            return Ok(false);
        }
        let (design, penalty) = (self.design, self.penalty);
        let mut promising: Vec<(f64, usize)> = Vec::new();
        for f in (0..design.d).filter(|&f| design.squares[f] > 0.0 && !set.has(f)) {
            let pull = penalty.pull(f, 0.0, state.q[f]);
            if pull > self.strong * penalty.l1[f] {
                // What the objective would fall by at least for a column that pulls hard enough, and in the same order below that.
                let beyond = (pull - self.strong * penalty.l1[f]).powi(2) / (design.squares[f] + penalty.l2[f]);
                promising.push((beyond, f));
            }
        }
        let support = state.b.iter().filter(|&&b| b != 0.0).count();
        let many = if penalty.l1.iter().all(|&l1| l1 == 0.0) { design.d } else { (2 * support).max(FEWEST) };
        if promising.len() > many {
            promising.select_nth_unstable_by(many - 1, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            promising.truncate(many);
        }
        let mut new: Vec<usize> = promising.into_iter().map(|(_, f)| f).collect();
        new.sort_unstable();
        set.extend(design, &new, run)?;
        Ok(!new.is_empty())
    }

    /// Solves the problem in the columns of the set.
    fn solve_inside(
        &self,
        set: &mut WorkingSet,
        state: &mut State,
        tol: f64,
        most: usize,
        run: &Run<'_>,
    ) -> Result<usize> {
        /// Passes with a residual after which products pay: then columns depend on each other, and passes alone crawl.
        const PATIENCE: usize = 60;
        let penalty = self.penalty.of(&set.columns);
        let mut b = set.pick(&state.b);
        let mut passes = 0;
        if !set.has_gram {
            let problem = ByResidual { design: self.design, set, penalty: &penalty };
            let mut r = self.residual(set, state, run)?;
            let most = if set.len() <= MOST { most.min(PATIENCE) } else { most };
            let (took, done) = problem.solve(&mut b, &mut r, tol, most, run)?;
            passes = took;
            set.columns.iter().zip(&b).for_each(|(&f, &b)| state.b[f] = b);
            if done || !set.keep_products(self.design, run)? {
                return Ok(passes);
            }
            state.q = self.design.products(&self.residual(set, state, run)?, run)?;
        }
        let (cross, units) = (set.pick(self.cross), set.pick(&self.design.scale));
        let problem = Quadratic {
            gram: &set.gram,
            stride: set.stride,
            penalty: &penalty,
            total: self.target.total,
            cross: &cross,
            units: &units,
        };
        passes += problem.solve(&mut b, &mut set.pick(&state.q), tol, most - passes.min(most), run)?;
        set.columns.iter().zip(b).for_each(|(&f, b)| state.b[f] = b);
        Ok(passes)
    }

    fn residual(&self, set: &WorkingSet, state: &State, run: &Run<'_>) -> Result<Vec<f64>> {
        residual(self.design, set, self.target, &state.b, run)
    }
}
