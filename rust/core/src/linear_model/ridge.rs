//! Ridge regression: coefficients that minimise sum w (y - X b - b0)^2 + alpha ||b||^2, with an alpha for each target.
//!
//! Of more rows than columns the normal equations with alpha on the diagonal are solved, scaled to ones on it: what is left of
//! the condition is at most that of the columns, usually far less. Where it is beyond 1e3 still, the triangle of the rows is
//! triangularised again with the penalty below it, which loses what the data lose and no more. Of fewer rows than columns, the same
//! is done with rows and columns in each other's places: b is X^T a, with as many unknowns as rows.

use super::cholesky::{self, Cholesky};
use super::least_squares::{self, MOST_SPARSE, intercepts, roots, solve_normal};
use super::normal::{Frame, Normal, blame};
use super::qr::Householder;
use super::triangle::Triangle;
use super::{Fit, Method, checked, lsqr};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::gram::{self, Columns};
use crate::kernels::simd::Level;
use crate::rows::{Dense, Rows};
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
    let roots = roots(weights);
    let roots = roots.as_deref();
    let frame = Frame::new(rows, targets, intercept);
    if n < d {
        return by_few_rows(rows, targets, roots, alphas, &frame, run);
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
    Fit { coef, intercept, rank: d, method, n_iter: 0, converged: true, triangle: Vec::new(), d, many }
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

fn by_triangle<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    roots: Option<&[f64]>,
    alphas: &[f64],
    frame: &Frame,
    run: &Run<'_>,
) -> Result<Fit> {
    let (n, d, t) = (rows.n(), rows.d(), alphas.len());
    let triangle = Triangle::new(rows, targets, roots, frame, &vec![1.0; d], run)?;
    if let Some(at) = triangle.values.iter().position(|r| !r.is_finite()) {
        return Err(blame(rows, at % triangle.many));
    }
    let height = triangle.rows();
    let mut coef = vec![0.0; t * d];
    let mut last: Option<(f64, Householder)> = None;
    for (s, &alpha) in alphas.iter().enumerate() {
        run.check()?;
        if last.as_ref().is_none_or(|(known, _)| *known != alpha) {
            // b = beta * scale, so the penalty of beta is alpha scale^2.
            let columns = (0..d)
                .map(|f| {
                    let mut column = triangle.column(f);
                    column.resize(height + d, 0.0);
                    column[height + f] = alpha.sqrt() * frame.scale[f];
                    column
                })
                .collect();
            last = Some((alpha, Householder::new(columns, height + d, d, 0.0)));
        }
        let Some((_, qr)) = &last else { continue };
        let mut turned = triangle.column(d + s);
        turned.resize(height + d, 0.0);
        qr.apply_transposed(&mut turned);
        qr.solve(&mut turned[..d]);
        let coef = &mut coef[s * d..][..d];
        for (f, b) in coef.iter_mut().enumerate() {
            *b = turned[f] * frame.scale[f] / frame.scale[d + s];
        }
    }
    let intercept = if frame.centred { intercepts(rows, targets, t, roots, &coef, frame, run)? } else { vec![0.0; t] };
    Ok(found(coef, intercept, Method::Qr, n, d))
}

/// With Z (n, d) the centred, weighted rows: b = Z^T a, (Z Z^T + alpha) a = y.
fn by_few_rows<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    roots: Option<&[f64]>,
    alphas: &[f64],
    frame: &Frame,
    run: &Run<'_>,
) -> Result<Fit> {
    let (n, d, t) = (rows.n(), rows.d(), alphas.len());
    let root = |i: usize| roots.map_or(1.0, |roots| roots[i]);
    let weight: f64 = (0..n).map(|i| root(i) * root(i)).sum();
    let mut means = vec![0.0; d + t];
    let mut cells = vec![0.0; d];
    if frame.centred {
        for i in 0..n {
            rows.write_row(i, &mut cells);
            let share = root(i) * root(i) / weight;
            let values = cells.iter().chain(&targets[i * t..][..t]);
            means.iter_mut().zip(values).zip(&frame.shift).for_each(|((mean, x), shift)| *mean += share * (x - shift));
        }
        means.iter_mut().zip(&frame.shift).for_each(|(mean, shift)| *mean += shift);
    }
    // (d, n): products of its columns are those of the rows.
    let mut turned = vec![0.0; d * n];
    for i in 0..n {
        run.check()?;
        rows.write_row(i, &mut cells);
        for f in 0..d {
            turned[f * n + i] = (cells[f] - means[f]) * root(i);
        }
    }
    let targets: Vec<f64> = targets
        .chunks_exact(t)
        .enumerate()
        .flat_map(|(i, row)| row.iter().zip(&means[d..]).map(move |(y, m)| (y - m) * root(i)))
        .collect();
    let (shift, scale) = (vec![0.0; n], vec![1.0; n]);
    let columns = Columns { shift: &shift, scale: &scale, targets: &[], roots: None, ones: false };
    let mut kernel = gram::products::<f64, f64>(&Dense::new(&turned, d, n)?, &columns, Level::detect(), run)?;
    if let Some(f) = (0..n).find(|f| !kernel[f * n + f].is_finite()) {
        let cell = rows.cells(f..f + 1).iter().find(|x| !x.to_f64().is_finite());
        return Err(if cell.is_some() { rows.blame(f) } else { blame(rows, 0) });
    }
    for i in 0..n {
        for j in 0..i {
            kernel[i * n + j] = kernel[j * n + i];
        }
    }
    let mut coef = vec![0.0; t * d];
    let mut method = Method::Cholesky;
    let mut across: Option<Householder> = None;
    let mut last: Option<(f64, Option<Cholesky>)> = None;
    for (s, &alpha) in alphas.iter().enumerate() {
        run.check()?;
        if last.as_ref().is_none_or(|(known, _)| *known != alpha) {
            let mut matrix = kernel.clone();
            (0..n).for_each(|i| matrix[i * n + i] += alpha);
            let factor = Cholesky::new(&matrix, n)
                .filter(|factor| factor.condition(cholesky::norm(&matrix, n)).sqrt() <= CONDITION.0);
            last = Some((alpha, factor));
        }
        let y = (0..n).map(|i| targets[i * t + s]);
        let coef = &mut coef[s * d..][..d];
        if let Some((_, Some(factor))) = &last {
            let mut dual: Vec<f64> = y.collect();
            factor.solve(&mut dual);
            coef.iter_mut().zip(turned.chunks_exact(n)).for_each(|(b, row)| *b = super::dot(row, &dual));
            continue;
        }
        // Z^T = Q R: b = Q c, where c minimises ||R^T c - y||^2 + alpha ||c||^2.
        method = Method::Qr;
        let qr = across.get_or_insert_with(|| {
            let columns = (0..n).map(|i| turned.iter().skip(i).step_by(n).copied().collect()).collect();
            Householder::new(columns, d, n, 0.0)
        });
        let columns = (0..n)
            .map(|k| {
                let mut column: Vec<f64> = (0..n).map(|i| qr.upper(k, i)).collect();
                column.resize(2 * n, 0.0);
                column[n + k] = alpha.sqrt();
                column
            })
            .collect();
        let inner = Householder::new(columns, 2 * n, n, 0.0);
        let mut solved: Vec<f64> = y.collect();
        solved.resize(2 * n, 0.0);
        inner.apply_transposed(&mut solved);
        inner.solve(&mut solved[..n]);
        coef[..n].copy_from_slice(&solved[..n]);
        qr.apply(coef);
    }
    let mut intercept = vec![0.0; t];
    if frame.centred {
        for (s, b) in intercept.iter_mut().enumerate() {
            *b = means[d + s] - super::dot(&coef[s * d..][..d], &means[..d]);
        }
    }
    Ok(found(coef, intercept, method, n, d))
}
