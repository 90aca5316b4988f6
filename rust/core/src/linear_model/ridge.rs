//! Ridge regression: coefficients that minimise sum w (y - X b - b0)^2 + alpha ||b||^2, with an alpha for each target.
//!
//! Of more rows than columns the normal equations with alpha on the diagonal are solved, scaled to ones on it: what is left of
//! the condition is at most that of the columns, usually far less. Of fewer rows than columns, the same is done with rows and
//! columns in each other's places. Where the condition is beyond 1e3 still, the triangle of the rows takes over.

use super::cholesky::{self, Cholesky};
use super::few_rows::FewRows;
use super::least_squares::{self, MOST_SPARSE, intercepts, roots, solve_normal};
use super::normal::{Frame, Normal};
use super::penalised::{Penalised, Solved};
use super::{Fit, Method, checked, lsqr};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::memory;
use crate::rows::Rows;
use crate::run::Run;

/// The largest condition of the scaled, penalised columns for which the normal equations serve, in f64 and in f32.
const CONDITION: (f64, f64) = (1e3, 300.0);

/// Fits targets (n, t) with weights (n,) and penalties `alphas` (t,).
pub fn fit<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    weights: Option<&[f64]>,
    alphas: &[f64],
    intercept: bool,
    run: &Run<'_>,
) -> Result<Fit> {
    let t = alphas.len();
    checked(rows, targets, t, weights)?;
    if let Some(alpha) = alphas.iter().find(|alpha| !(0.0..f64::INFINITY).contains(*alpha)) {
        return Err(Error::Value(format!("alpha={alpha} must not be negative")));
    }
    let free: Vec<usize> = (0..t).filter(|&s| alphas[s] == 0.0).collect();
    if free.len() == t {
        return least_squares::fit(rows, targets, t, weights, intercept, run);
    }
    if !free.is_empty() {
        return with_some_free(rows, targets, weights, alphas, &free, intercept, run);
    }
    let (n, d) = (rows.n(), rows.d());
    if let Rows::Csr(csr) = rows
        && d > MOST_SPARSE
    {
        return lsqr::fit(csr, targets, t, weights, alphas, intercept, run);
    }
    memory::require("the products of the columns or rows", n.min(d).saturating_mul(n.min(d)).saturating_mul(3 * 8))?;
    let roots = roots(weights);
    let roots = roots.as_deref();
    let frame = Frame::new(rows, targets, intercept);
    if n < d {
        return match by_few_rows(rows, targets, roots, alphas, &frame, run)? {
            Some(fit) => Ok(fit),
            None => by_triangle(rows, targets, roots, alphas, &frame, run),
        };
    }
    let narrow = F::UNIT_ROUNDOFF > f64::EPSILON && matches!(rows, Rows::Dense(_));
    let mut frame = frame;
    if narrow {
        let again = Frame { shift: frame.shift.clone(), scale: frame.scale.clone(), centred: frame.centred };
        match Normal::new::<F, F>(rows, targets, roots, frame, run) {
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Ok(normal) => {
                if let Some(factors) = Factors::new(&normal, alphas, CONDITION.1, run)? {
                    return by_factors(rows, targets, weights, roots, &normal, alphas, &factors, run);
                }
            }
            Err(_) => {}
        }
        frame = again;
    }
    let normal = Normal::new::<F, f64>(rows, targets, roots, frame, run)?;
    if let Some(factors) = Factors::new(&normal, alphas, CONDITION.0, run)? {
        return by_factors(rows, targets, weights, roots, &normal, alphas, &factors, run);
    }
    by_triangle(rows, targets, roots, alphas, &normal.frame, run)
}

/// Some targets by least squares, the others with their penalties.
fn with_some_free<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    weights: Option<&[f64]>,
    alphas: &[f64],
    free: &[usize],
    intercept: bool,
    run: &Run<'_>,
) -> Result<Fit> {
    let (d, t) = (rows.d(), alphas.len());
    let pick = |chosen: &[usize]| -> Vec<f64> {
        targets.chunks_exact(t).flat_map(|row| chosen.iter().map(|&s| row[s])).collect()
    };
    let held: Vec<usize> = (0..t).filter(|s| !free.contains(s)).collect();
    let penalties: Vec<f64> = held.iter().map(|&s| alphas[s]).collect();
    let first = least_squares::fit(rows, &pick(free), free.len(), weights, intercept, run)?;
    let second = fit(rows, &pick(&held), weights, &penalties, intercept, run)?;
    let (mut coef, mut intercepts) = (vec![0.0; t * d], vec![0.0; t]);
    for (part, chosen) in [(&first, free), (&second, &held[..])] {
        for (at, &s) in chosen.iter().enumerate() {
            coef[s * d..][..d].copy_from_slice(&part.coef[at * d..][..d]);
            intercepts[s] = part.intercept[at];
        }
    }
    let (n_iter, converged) = (first.n_iter.max(second.n_iter), first.converged && second.converged);
    Ok(Fit { coef, intercept: intercepts, n_iter, converged, ..first })
}

/// A factor for each distinct alpha.
struct Factors {
    /// And what its unknowns are multiplied by.
    factors: Vec<(Cholesky, Vec<f64>)>,
    /// Which is whose, (t,).
    of: Vec<usize>,
}

impl Factors {
    /// Nothing where the condition of one is above `most`.
    fn new(normal: &Normal, alphas: &[f64], most: f64, run: &Run<'_>) -> Result<Option<Self>> {
        let d = normal.norms.len();
        if normal.cancelled {
            return Ok(None);
        }
        let (mut factors, mut of, mut seen): (Vec<_>, Vec<_>, Vec<f64>) = Default::default();
        for &alpha in alphas {
            if let Some(at) = seen.iter().position(|&known| known == alpha) {
                of.push(at);
                continue;
            }
            run.check()?;
            let mut matrix = normal.gram.clone();
            let scale: Vec<f64> = (0..d)
                .map(|f| {
                    let unit = normal.norms[f] / normal.frame.scale[f];
                    matrix[f * d + f] += alpha / unit / unit;
                    1.0 / matrix[f * d + f].sqrt()
                })
                .collect();
            for (f, row) in matrix.chunks_exact_mut(d).enumerate() {
                row.iter_mut().zip(&scale).for_each(|(value, other)| *value *= scale[f] * other);
            }
            let Some(factor) = Cholesky::new(&matrix, d) else { return Ok(None) };
            let condition = factor.condition(cholesky::norm(&matrix, d)).sqrt();
            if condition.is_nan() || condition > most {
                return Ok(None);
            }
            of.push(factors.len());
            seen.push(alpha);
            factors.push((factor, scale));
        }
        Ok(Some(Factors { factors, of }))
    }

    fn solve(&self, target: usize, b: &mut [f64]) {
        let (factor, scale) = &self.factors[self.of[target]];
        b.iter_mut().zip(scale).for_each(|(b, scale)| *b *= scale);
        factor.solve(b);
        b.iter_mut().zip(scale).for_each(|(b, scale)| *b *= scale);
    }
}

/// A fit whose singular values nobody asks for.
fn found(coef: Vec<f64>, intercept: Vec<f64>, method: Method, n: usize, d: usize) -> Fit {
    let many = n.min(d);
    Fit { coef, intercept, rank: d, method, n_iter: 0, converged: true, triangle: Vec::new(), wide: d, many }
}

#[allow(clippy::too_many_arguments)] // the problem, and how it is solved
fn by_factors<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    weights: Option<&[f64]>,
    roots: Option<&[f64]>,
    normal: &Normal,
    alphas: &[f64],
    factors: &Factors,
    run: &Run<'_>,
) -> Result<Fit> {
    let solve = |target: usize, b: &mut [f64]| factors.solve(target, b);
    let (coef, intercept) = solve_normal(rows, targets, weights, roots, normal, alphas, solve, run)?;
    Ok(found(coef, intercept, Method::Cholesky, rows.n(), rows.d()))
}

/// By the triangle of the rows, with no digits lost but those that the data lose.
fn by_triangle<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    roots: Option<&[f64]>,
    alphas: &[f64],
    frame: &Frame,
    run: &Run<'_>,
) -> Result<Fit> {
    let (n, d, t) = (rows.n(), rows.d(), alphas.len());
    let penalised = Penalised::new(rows, targets, roots, frame, run)?;
    let mut coef = Vec::with_capacity(t * d);
    let mut last: Option<(f64, Solved)> = None;
    for (s, &alpha) in alphas.iter().enumerate() {
        run.check()?;
        let solved = match last.take() {
            Some((known, solved)) if known == alpha => solved,
            _ => penalised.solve(alpha),
        };
        coef.extend(penalised.coef(&solved, s));
        last = Some((alpha, solved));
    }
    let intercept = if frame.centred { intercepts(rows, targets, t, roots, &coef, frame, run)? } else { vec![0.0; t] };
    Ok(Fit { rank: penalised.rank(), ..found(coef, intercept, Method::Qr, n, d) })
}

/// With Z (n, d) the centred, weighted rows: b = Z^T a, (Z Z^T + alpha) a = y; nothing where that would lose digits.
fn by_few_rows<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    roots: Option<&[f64]>,
    alphas: &[f64],
    frame: &Frame,
    run: &Run<'_>,
) -> Result<Option<Fit>> {
    let (n, d, t) = (rows.n(), rows.d(), alphas.len());
    let mut few = FewRows::new(rows, targets, roots, frame, run)?;
    few.turn(rows, roots, run)?;
    let mut coef = Vec::with_capacity(t * d);
    let mut last: Option<(f64, Cholesky)> = None;
    for (s, &alpha) in alphas.iter().enumerate() {
        run.check()?;
        let factor = match last.take() {
            Some((known, factor)) if known == alpha => factor,
            _ => match few.factor(alpha) {
                Some(factor) => factor,
                None => return Ok(None),
            },
        };
        let mut dual = few.target(s);
        factor.solve(&mut dual);
        coef.extend(few.across(&dual));
        last = Some((alpha, factor));
    }
    let intercept = if frame.centred { few.intercepts(&coef) } else { vec![0.0; t] };
    Ok(Some(found(coef, intercept, Method::Cholesky, n, d)))
}
