//! Least squares: of all coefficients that minimise sum w (y - X b - b0)^2 those of least norm, in the user's units.
//!
//! Columns are centred and scaled to length one, which no coefficient minds and the condition does. At a condition of at most
//! 1e3, as Cholesky's factor of the normal equations is seen to have, their 1e-16 times its square leaves ten digits; beyond
//! it the rows themselves are triangularised, and rank is what pivoting finds. What f32 blocks cost is brought back by
//! refinement with residuals in f64; small problems are refined with residuals in twice the digits.

use super::cholesky::{self, Cholesky};
use super::few_rows::FewRows;
use super::normal::{Frame, Normal};
use super::qr::Householder;
use super::triangle::Triangle;
use super::{Fit, Method, checked, lsqr, refine};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::memory;
use crate::rows::Rows;
use crate::run::Run;

/// The largest condition of the scaled columns for which the normal equations serve.
const CONDITION: f64 = 1e3;
/// The same where blocks are multiplied in f32: a step of refinement then leaves a hundredth of the error, or less.
const CONDITION_F32: f64 = 300.0;
/// CSR rows of more columns than this are iterated over: their products would no longer be sparse.
pub(super) const MOST_SPARSE: usize = 2000;
/// Cells up to which double-double residuals are worth their time: about a millisecond by Cholesky, tens beside QR.
const SMALL: usize = 100_000;
const SMALL_FOR_QR: usize = 1_000_000;

/// Fits targets (n, t) with weights (n,).
pub fn fit<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    t: usize,
    weights: Option<&[f64]>,
    intercept: bool,
    run: &Run<'_>,
) -> Result<Fit> {
    checked(rows, targets, t, weights)?;
    let (n, d) = (rows.n(), rows.d());
    if let Rows::Csr(csr) = rows
        && d > MOST_SPARSE
    {
        return lsqr::fit(csr, targets, t, weights, &vec![0.0; t], intercept, run);
    }
    memory::require("the products of the columns or rows", n.min(d).saturating_mul(n.min(d)).saturating_mul(3 * 8))?;
    let roots = roots(weights);
    let roots = roots.as_deref();
    let frame = Frame::new(rows, targets, intercept);
    if n < d + usize::from(intercept) {
        if let Some(fit) = by_few_rows(rows, targets, roots, &frame, run)? {
            return Ok(fit);
        }
        return by_rows(rows, targets, roots, frame, vec![1.0; d], run);
    }
    let normal = match normal(rows, targets, roots, frame, run)? {
        (normal, Some(factor)) => return by_factor(rows, targets, weights, roots, &normal, &factor, run),
        (normal, None) => normal,
    };
    let Normal { frame, norms, .. } = normal;
    by_rows(rows, targets, roots, frame, norms, run)
}

/// Roots of the weights.
pub(super) fn roots(weights: Option<&[f64]>) -> Option<Vec<f64>> {
    weights.map(|weights| weights.iter().map(|w| w.sqrt()).collect())
}

/// The normal equations, and their factor where their condition allows it: first in the rows' type, then in f64.
fn normal<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    roots: Option<&[f64]>,
    frame: Frame,
    run: &Run<'_>,
) -> Result<(Normal, Option<Cholesky>)> {
    let narrow = F::UNIT_ROUNDOFF > f64::EPSILON && matches!(rows, Rows::Dense(_));
    let mut frame = frame;
    if narrow {
        let again = Frame { shift: frame.shift.clone(), scale: frame.scale.clone(), centred: frame.centred };
        if let Ok(normal) = unless_interrupted(Normal::new::<F, F>(rows, targets, roots, frame, run))?
            && let Some(factor) = factor(&normal, CONDITION_F32)
        {
            return Ok((normal, Some(factor)));
        }
        frame = again;
    }
    let normal = Normal::new::<F, f64>(rows, targets, roots, frame, run)?;
    let factor = factor(&normal, CONDITION);
    Ok((normal, factor))
}

/// An interruption stops all; other errors are for the caller to look at.
fn unless_interrupted<T>(result: Result<T>) -> Result<Result<T>> {
    if matches!(result, Err(Error::Interrupted)) { result.map(Ok) } else { Ok(result) }
}

/// Cholesky's factor of the normal equations, if the rows' condition is at most `most`.
fn factor(normal: &Normal, most: f64) -> Option<Cholesky> {
    let d = normal.norms.len();
    if normal.cancelled || normal.constant.iter().any(|&constant| constant) {
        return None;
    }
    let factor = Cholesky::new(&normal.gram, d)?;
    (factor.condition(cholesky::norm(&normal.gram, d)).sqrt() <= most).then_some(factor)
}

fn by_factor<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    weights: Option<&[f64]>,
    roots: Option<&[f64]>,
    normal: &Normal,
    factor: &Cholesky,
    run: &Run<'_>,
) -> Result<Fit> {
    let (n, d) = (rows.n(), rows.d());
    let t = targets.len() / n;
    let solve = |_: usize, b: &mut [f64]| factor.solve(b);
    let alphas = vec![0.0; t];
    let (coef, intercept) = solve_normal(rows, targets, weights, roots, normal, &alphas, solve, run)?;
    let mut triangle = vec![0.0; d * d];
    for f in 0..d {
        let unit = normal.norms[f] / normal.frame.scale[f];
        factor.row(f).iter().enumerate().for_each(|(g, l)| triangle[g * d + f] = l * unit);
    }
    Ok(Fit {
        coef,
        intercept,
        rank: d,
        method: Method::Cholesky,
        n_iter: 0,
        converged: true,
        triangle,
        wide: d,
        many: n.min(d),
    })
}

/// By the products of rows that do not depend on each other, the coefficients of least norm.
fn by_few_rows<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    roots: Option<&[f64]>,
    frame: &Frame,
    run: &Run<'_>,
) -> Result<Option<Fit>> {
    let (n, d) = (rows.n(), rows.d());
    let t = targets.len() / n;
    let mut few = FewRows::new(rows, targets, roots, frame, run)?;
    let Some(factor) = few.factor_of_all() else { return Ok(None) };
    few.turn(rows, roots, run)?;
    let mut coef = Vec::with_capacity(t * d);
    for s in 0..t {
        run.check()?;
        let target = few.target(s);
        let mut dual = target.clone();
        factor.solve(&mut dual);
        let mut found = few.across(&dual);
        // What the squared condition has cost: the residuals say it.
        let predicted = few.along(&found);
        let mut step: Vec<f64> = target.iter().zip(predicted).map(|(y, p)| y - p).collect();
        factor.solve(&mut step);
        found.iter_mut().zip(few.across(&step)).for_each(|(b, more)| *b += more);
        coef.extend(found);
    }
    let intercept = if frame.centred { few.intercepts(&coef) } else { vec![0.0; t] };
    let rank = n - usize::from(frame.centred);
    let (method, triangle) = (Method::Cholesky, few.triangle(&factor));
    Ok(Some(Fit { coef, intercept, rank, method, n_iter: 0, converged: true, triangle, wide: n, many: n.min(d) }))
}

/// Coefficients (t, d) and intercepts (t,) of normal equations that `solve` solves for a target, refined as far as their sizes
/// and the rows' type ask for.
#[allow(clippy::too_many_arguments)] // the problem, and how it is solved
pub(super) fn solve_normal<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    weights: Option<&[f64]>,
    roots: Option<&[f64]>,
    normal: &Normal,
    alphas: &[f64],
    solve: impl Fn(usize, &mut [f64]),
    run: &Run<'_>,
) -> Result<(Vec<f64>, Vec<f64>)> {
    /// Steps for f32 at most; one is usual.
    const STEPS: usize = 6;
    /// A step leaves about its own relative size, squared: below f32's digits.
    const ENOUGH: f64 = 3e-5;
    let (n, d) = (rows.n(), rows.d());
    let t = targets.len() / n;
    let (mut coef, mut intercept) = (Vec::with_capacity(t * d), Vec::with_capacity(t));
    for s in 0..t {
        let mut unit = normal.cross[s * d..][..d].to_vec();
        solve(s, &mut unit);
        let found = normal.in_units(&unit, s);
        intercept.push(normal.intercept(&found, s));
        coef.extend(found);
    }
    if n * d * t <= SMALL {
        refine::by_cholesky(rows, targets, roots, normal, alphas, solve, (&mut coef, &mut intercept), run)?;
    } else if let Rows::Dense(dense) = rows
        && F::UNIT_ROUNDOFF > f64::EPSILON
    {
        for _ in 0..STEPS {
            if normal.refine(dense, targets, weights, alphas, &solve, (&mut coef, &mut intercept), run)? < ENOUGH {
                break;
            }
        }
    }
    Ok((coef, intercept))
}

/// Size, beside columns of length one, of what rounding leaves of a column that follows from others: LAPACK's customary
/// max(n, d) eps times the largest singular value, here by its bound. The 100 is for few rows: 2,800 eps were left of
/// 205 x 150 whose rows are repeated, 29 eps of 21 x 20.
pub(super) fn cutoff(n: usize, d: usize) -> f64 {
    /// Where n and d say too little.
    const FEW: usize = 100;
    (n.max(d) + FEW) as f64 * (d as f64).sqrt() * f64::EPSILON
}

fn by_rows<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    roots: Option<&[f64]>,
    frame: Frame,
    mut norms: Vec<f64>,
    run: &Run<'_>,
) -> Result<Fit> {
    let (n, d) = (rows.n(), rows.d());
    let t = targets.len() / n;
    let ones = usize::from(frame.centred);
    let mut triangle = Triangle::new(rows, targets, roots, &frame, &norms, run)?;
    let cutoff = cutoff(n, d);
    if let Some(at) = triangle.values.iter().position(|r| !r.is_finite()) {
        return Err(super::normal::blame(rows, at % triangle.many));
    }
    // Lengths as the triangle has them: the products' may have cancelled.
    let lengths = triangle.lengths(d, cutoff);
    norms.iter_mut().zip(&lengths).for_each(|(norm, length)| *norm *= length);
    run.check()?;
    let columns = (0..d).flat_map(|f| triangle.column(f).into_iter().map(|r| r / lengths[f]).collect::<Vec<f64>>());
    let qr = Householder::new(columns.collect(), (triangle.rows(), d), 0, cutoff, run)?;
    let units: Vec<f64> = (0..d).map(|f| norms[f] / frame.scale[f]).collect();
    let in_units = (0..d).map(|f| units[f] / lengths[f]).collect::<Vec<f64>>();
    let fit = |coef, intercept| Fit {
        coef,
        intercept,
        rank: qr.rank,
        method: Method::Qr,
        n_iter: 0,
        converged: true,
        triangle: if triangle.rows() == 0 { vec![0.0; d] } else { triangle.in_units(&in_units) },
        wide: d,
        many: n.min(d),
    };
    if qr.rank == d && n * d * t <= SMALL_FOR_QR {
        let columns = refine::columns(rows, roots, &frame, &norms);
        let full = Householder::new(columns, (n, ones + d), ones, cutoff, run)?;
        if full.rank == ones + d {
            let (coef, intercept) = refine::by_qr(rows, targets, roots, (&frame, &norms), &full, run)?;
            return Ok(fit(coef, intercept));
        }
    }
    let across = if qr.rank < d { Some(qr.across(&units, run)?) } else { None };
    let (mut coef, mut intercept) = (Vec::with_capacity(t * d), Vec::with_capacity(t));
    for s in 0..t {
        run.check()?;
        let mut turned = triangle.column(d + s);
        qr.apply_transposed(&mut turned);
        let mut found = match &across {
            Some(across) => across.least_norm(&turned),
            None => qr.least_squares(&turned, &units),
        };
        found.iter_mut().for_each(|b| *b /= frame.scale[d + s]);
        intercept.push(0.0);
        coef.extend(found);
    }
    if frame.centred {
        intercept = intercepts(rows, targets, t, roots, &coef, &frame, run)?;
    }
    Ok(fit(coef, intercept))
}

/// Means of what the coefficients (t, d) leave of the targets, around the frame's shift.
pub(super) fn intercepts<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    t: usize,
    roots: Option<&[f64]>,
    coef: &[f64],
    frame: &Frame,
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    let d = rows.d();
    let starts: Vec<f64> =
        (0..t).map(|s| frame.shift[d + s] - super::dot(&coef[s * d..][..d], &frame.shift[..d])).collect();
    let (mut sums, mut weight) = (vec![0.0; t], 0.0);
    for i in 0..rows.n() {
        if i % 1024 == 0 {
            run.check()?;
        }
        let w = roots.map_or(1.0, |roots| roots[i] * roots[i]);
        weight += w;
        for s in 0..t {
            let mut rest = targets[i * t + s] - frame.shift[d + s];
            if let Rows::Dense(_) = rows {
                rows.for_cells(i, |f, x| rest -= coef[s * d + f] * (x - frame.shift[f]));
            } else {
                rows.for_cells(i, |f, x| rest -= coef[s * d + f] * x);
            }
            sums[s] += w * rest;
        }
    }
    Ok(sums.iter().zip(starts).map(|(sum, start)| sum / weight + start).collect())
}

#[cfg(test)]
#[path = "least_squares_tests.rs"]
mod tests;
