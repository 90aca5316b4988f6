//! Sparse rows with many columns: LSQR (Paige and Saunders 1982; their u, v, alpha, beta, phi, rho) of the centred, weighted
//! rows, which are never formed. It starts at zero and stays among combinations of rows, so that what it finds is the fit of
//! least norm. Columns are scaled to length one where rows outnumber them: the fit is then thought unique, and least norm says nothing.

use super::{Fit, Method};
use crate::error::Result;
use crate::float::Float;
use crate::rows::{Csr, Rows};
use crate::run::{self, Run};

/// Stops where the gradient is at most so small beside the sizes of the matrix and of the residuals.
const GRADIENT: f64 = 1e-11;
/// Or the residuals, beside the targets.
const RESIDUAL: f64 = 1e-13;

/// Centred, weighted, scaled rows, as an operator.
struct Operator<'a, F> {
    rows: &'a Csr<'a, F>,
    roots: Option<&'a [f64]>,
    means: Vec<f64>,
    scale: Vec<f64>,
}

impl<F: Float> Operator<'_, F> {
    fn root(&self, i: usize) -> f64 {
        self.roots.map_or(1.0, |roots| roots[i])
    }

    /// u = A v - factor u
    fn apply(&self, v: &[f64], factor: f64, u: &mut [f64], run: &Run<'_>) -> Result<()> {
        let scaled: Vec<f64> = v.iter().zip(&self.scale).map(|(v, scale)| v * scale).collect();
        let offset = super::dot(&scaled, &self.means);
        let tasks = run::ranges(u.len(), u.len().div_ceil(64).max(256));
        let parts = run.map(tasks, self.rows.stored(), |range, pulse| {
            pulse.check()?;
            Ok(range
                .map(|i| {
                    let (columns, values) = self.rows.row(i);
                    let sum: f64 = columns.iter().zip(values).map(|(&f, x)| x.to_f64() * scaled[f as usize]).sum();
                    self.root(i) * (sum - offset)
                })
                .collect::<Vec<f64>>())
        })?;
        u.iter_mut().zip(parts.into_iter().flatten()).for_each(|(u, found)| *u = found - factor * *u);
        Ok(())
    }

    /// v = A^T u - factor v
    fn apply_transposed(&self, u: &[f64], factor: f64, v: &mut [f64], run: &Run<'_>) -> Result<()> {
        let n = u.len();
        // Few sums of d values: no more of them than the stored values pay for.
        let parts = (self.rows.stored() / (4 * v.len())).clamp(1, 16);
        let parts = run.map(run::ranges(n, n.div_ceil(parts)), self.rows.stored(), |range, pulse| {
            pulse.check()?;
            let (mut sums, mut total) = (vec![0.0; v.len()], 0.0);
            for i in range {
                let u = u[i] * self.root(i);
                total += u;
                let (columns, values) = self.rows.row(i);
                columns.iter().zip(values).for_each(|(&f, x)| sums[f as usize] += u * x.to_f64());
            }
            Ok((sums, total))
        })?;
        let (mut sums, mut total) = (vec![0.0; v.len()], 0.0);
        for (part, part_total) in parts {
            sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            total += part_total;
        }
        for (f, v) in v.iter_mut().enumerate() {
            *v = (sums[f] - self.means[f] * total) * self.scale[f] - factor * *v;
        }
        Ok(())
    }
}

/// Length, after which x has length one (or is zero).
fn normalize(x: &mut [f64]) -> f64 {
    let length = super::dot(x, x).sqrt();
    if length > 0.0 {
        x.iter_mut().for_each(|x| *x /= length);
    }
    length
}

/// Fits targets (n, t) with penalties `alphas` (t,).
pub fn fit<F: Float>(
    rows: &Csr<'_, F>,
    targets: &[f64],
    t: usize,
    weights: Option<&[f64]>,
    alphas: &[f64],
    intercept: bool,
    run: &Run<'_>,
) -> Result<Fit> {
    let (n, d) = (rows.n(), rows.d());
    let roots = super::least_squares::roots(weights);
    let weight: f64 = weights.map_or(n as f64, |weights| weights.iter().sum());
    let (mut means, mut squares) = (vec![0.0; d], vec![0.0; d]);
    for i in 0..n {
        if i % 1024 == 0 {
            run.check()?;
        }
        let w = weights.map_or(1.0, |weights| weights[i]);
        let (columns, values) = rows.row(i);
        for (&f, x) in columns.iter().zip(values) {
            let x = x.to_f64();
            means[f as usize] += w * x / weight;
            squares[f as usize] += w * x * x;
        }
    }
    if let Some(f) = squares.iter().position(|square| !square.is_finite()) {
        return Err(super::normal::blame(&Rows::Csr(*rows), f));
    }
    if !intercept {
        means.fill(0.0);
    }
    let scaled = n > d && alphas.iter().all(|&alpha| alpha == 0.0);
    let scale = (0..d)
        .map(|f| {
            let square = squares[f] - weight * means[f] * means[f];
            if scaled && square > 1e-12 * squares[f] { 1.0 / square.sqrt() } else { 1.0 }
        })
        .collect();
    let operator = Operator { rows, roots: roots.as_deref(), means, scale };
    let mut fit = Fit {
        coef: Vec::with_capacity(t * d),
        intercept: Vec::with_capacity(t),
        rank: d.min(n),
        method: Method::Lsqr,
        n_iter: 0,
        converged: true,
        triangle: Vec::new(),
        wide: d,
        many: d.min(n),
    };
    for (s, &alpha) in alphas.iter().enumerate() {
        let y = |i: usize| targets[i * t + s];
        let first = y(0);
        let w = |i: usize| weights.map_or(1.0, |weights| weights[i]);
        let mean = first + (0..n).map(|i| w(i) * (y(i) - first)).sum::<f64>() / weight;
        let mean = if intercept { mean } else { 0.0 };
        let target = (0..n).map(|i| operator.root(i) * (y(i) - mean)).collect();
        let (mut coef, n_iter, converged) = solve(&operator, target, alpha.sqrt(), run)?;
        coef.iter_mut().zip(&operator.scale).for_each(|(b, scale)| *b *= scale);
        fit.intercept.push(mean - super::dot(&coef, &operator.means));
        fit.coef.extend(coef);
        fit.n_iter = fit.n_iter.max(n_iter);
        fit.converged &= converged;
    }
    Ok(fit)
}

/// The x that minimises ||A x - b||^2 + damp^2 ||x||^2, the iterations, and whether the gradient says so.
fn solve<F: Float>(a: &Operator<'_, F>, b: Vec<f64>, damp: f64, run: &Run<'_>) -> Result<(Vec<f64>, usize, bool)> {
    let d = a.means.len();
    let most = 20 * d.min(b.len()).max(50);
    let mut x = vec![0.0; d];
    let mut u = b;
    let size = normalize(&mut u);
    let mut v = vec![0.0; d];
    a.apply_transposed(&u, 0.0, &mut v, run)?;
    let mut alpha = normalize(&mut v);
    if size == 0.0 || alpha == 0.0 {
        return Ok((x, 0, true));
    }
    let mut w = v.clone();
    let (mut phi_bar, mut rho_bar) = (size, alpha);
    let (mut norm, mut damped) = (alpha * alpha, 0.0_f64);
    for iteration in 1..=most {
        a.apply(&v, alpha, &mut u, run)?;
        let beta = normalize(&mut u);
        a.apply_transposed(&u, beta, &mut v, run)?;
        let next_alpha = normalize(&mut v);
        norm += beta * beta + damp * damp;
        // The damping first, then the next column of the bidiagonal matrix.
        let rho_damped = rho_bar.hypot(damp);
        let psi = damp / rho_damped * phi_bar;
        phi_bar *= rho_bar / rho_damped;
        damped = damped.hypot(psi);
        let rho = rho_damped.hypot(beta);
        let (cosine, sine) = (rho_damped / rho, beta / rho);
        let theta = sine * next_alpha;
        rho_bar = -cosine * next_alpha;
        let phi = cosine * phi_bar;
        phi_bar *= sine;
        alpha = next_alpha;
        let (step, turn) = (phi / rho, theta / rho);
        for ((x, w), v) in x.iter_mut().zip(&mut w).zip(&v) {
            *x += step * *w;
            *w = v - turn * *w;
        }
        norm += alpha * alpha;
        let residual = phi_bar.hypot(damped);
        let gradient = alpha * (sine * phi).abs();
        if gradient <= GRADIENT * norm.sqrt() * residual || residual <= RESIDUAL * size || alpha == 0.0 {
            return Ok((x, iteration, true));
        }
    }
    Ok((x, most, false))
}
