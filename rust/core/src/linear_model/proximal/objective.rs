//! The penalised loss, its gradient, and how far above the least value it is at most.

use super::Penalty;
use super::columns::Columns;
use crate::error::Result;
use crate::float::Float;
use crate::run::{self, Run};

/// The problem.
pub struct Objective<'a, F> {
    pub columns: &'a Columns<F>,
    /// (n,)
    pub classes: &'a [u32],
    /// (n,)
    pub s: &'a [f64],
    /// Scores of a row: 1 of two classes, else one of each.
    pub k: usize,
    pub penalty: Penalty,
}

/// Weights, and what the rows say at them.
pub struct Point {
    /// (d, k)
    pub w: Vec<f64>,
    /// (k,)
    pub b: Vec<f64>,
    /// (k, n)
    pub eta: Vec<f64>,
    /// (k, n), probabilities; of two classes that of the second.
    pub p: Vec<f64>,
    /// The objective.
    pub value: f64,
}

impl Point {
    /// How many weights are not zero.
    pub fn support(&self) -> usize {
        self.w.iter().filter(|&&w| w != 0.0).count()
    }
}

impl<F: Float> Objective<'_, F> {
    /// Of the L1 norm and of half the squared L2 norm.
    pub fn strengths(&self) -> (f64, f64) {
        let Penalty { alpha, l1_ratio, .. } = self.penalty;
        (alpha * l1_ratio, alpha * (1.0 - l1_ratio))
    }

    /// Of weights.
    pub fn penalty(&self, w: impl Iterator<Item = f64>) -> f64 {
        let (l1, l2) = self.strengths();
        w.map(|w| l1 * w.abs() + 0.5 * l2 * w * w).sum()
    }

    /// The loss where all classes are equally probable.
    pub fn size(&self) -> f64 {
        self.s.iter().sum::<f64>() * (self.k.max(2) as f64).ln()
    }

    /// The best intercepts where all weights are zero: logarithms of the classes' shares.
    pub fn constants(&self) -> Vec<f64> {
        if !self.penalty.intercept {
            return vec![0.0; self.k];
        }
        let mut sums = vec![0.0; self.k.max(2)];
        self.classes.iter().zip(self.s).for_each(|(&class, s)| sums[class as usize] += s);
        // A class that has no weight has no finite one.
        let total: f64 = sums.iter().sum();
        let logs: Vec<f64> = sums.iter().map(|sum| (sum / total).max(1e-12).ln()).collect();
        if self.k == 1 { vec![logs[1] - logs[0]] } else { logs }
    }

    /// The point of weights (k, d) and intercepts (k,) of columns that are not shifted.
    pub fn start(&self, (coef, intercept): (&[f64], &[f64]), shift: &[f64], run: &Run<'_>) -> Result<Point> {
        let (d, k) = (self.columns.d(), self.k);
        let w = (0..d * k).map(|at| coef[at % k * d + at / k]).collect();
        let mut b = vec![0.0; k];
        if self.penalty.intercept {
            (0..k).for_each(|c| b[c] = intercept[c] + crate::linear_model::dot(&coef[c * d..][..d], shift));
        }
        self.at(w, b, run)
    }

    /// The point with these weights.
    pub fn at(&self, w: Vec<f64>, b: Vec<f64>, run: &Run<'_>) -> Result<Point> {
        let (n, k) = (self.columns.n(), self.k);
        let mut eta: Vec<f64> = b.iter().flat_map(|&b| std::iter::repeat_n(b, n)).collect();
        for f in 0..self.columns.d() {
            for c in 0..k {
                let w = w[f * k + c];
                if w != 0.0 {
                    run.check()?;
                    let eta = &mut eta[c * n..][..n];
                    self.columns.column(f).for_cells(|i, x| eta[i] += w * x);
                }
            }
        }
        let (loss, p) = self.probabilities(&eta, run)?;
        let value = loss + self.penalty(w.iter().copied());
        Ok(Point { w, b, eta, p, value })
    }

    /// The loss, and probabilities (k, n), of scores (k, n).
    pub fn probabilities(&self, eta: &[f64], run: &Run<'_>) -> Result<(f64, Vec<f64>)> {
        let (n, k) = (self.columns.n(), self.k);
        let tasks = run::ranges(n, run::rows_per_task(n, 64 * k));
        let parts = run.map(tasks.clone(), 64 * n * k, |range, pulse| {
            pulse.check()?;
            let mut p = vec![0.0; k * range.len()];
            let mut loss = 0.0;
            let many = range.len();
            for (at, i) in range.enumerate() {
                let (s, class) = (self.s[i], self.classes[i] as usize);
                if k == 1 {
                    let score = eta[i];
                    let small = (-score.abs()).exp();
                    let odds = small / (1.0 + small);
                    p[at] = if score >= 0.0 { 1.0 - odds } else { odds };
                    let against = if class == 1 { -score } else { score };
                    if s > 0.0 {
                        loss += s * (against.max(0.0) + small.ln_1p());
                    }
                } else {
                    let most = (0..k).map(|c| eta[c * n + i]).fold(f64::NEG_INFINITY, f64::max);
                    let mut sum = 0.0;
                    for c in 0..k {
                        let odds = (eta[c * n + i] - most).exp();
                        p[c * many + at] = odds;
                        sum += odds;
                    }
                    (0..k).for_each(|c| p[c * many + at] /= sum);
                    if s > 0.0 {
                        loss += s * (sum.ln() + most - eta[class * n + i]);
                    }
                }
            }
            Ok((loss, p))
        })?;
        let (mut loss, mut p) = (0.0, vec![0.0; k * n]);
        for (range, (part, values)) in tasks.into_iter().zip(parts) {
            loss += part;
            for c in 0..k {
                p[c * n..][range.clone()].copy_from_slice(&values[c * range.len()..][..range.len()]);
            }
        }
        Ok((loss, p))
    }

    /// r = s (p - y), (k, n).
    pub fn residuals(&self, p: &[f64]) -> Vec<f64> {
        let n = self.columns.n();
        let mut r: Vec<f64> = p.chunks_exact(n).flat_map(|p| p.iter().zip(self.s).map(|(p, s)| s * p)).collect();
        for (i, (&class, s)) in self.classes.iter().zip(self.s).enumerate() {
            if self.k > 1 {
                r[class as usize * n + i] -= s;
            } else if class == 1 {
                r[i] -= s;
            }
        }
        r
    }

    /// Of the loss alone, (d, k).
    pub fn gradient(&self, point: &Point, run: &Run<'_>) -> Result<Vec<f64>> {
        let (n, k) = (self.columns.n(), self.k);
        let r = self.residuals(&point.p);
        let mut products = Vec::with_capacity(k);
        for r in r.chunks_exact(n) {
            products.push(self.columns.transposed(r, run)?);
        }
        if k == 1 {
            return Ok(products.pop().unwrap_or_default());
        }
        Ok((0..self.columns.d()).flat_map(|f| products.iter().map(move |product| product[f])).collect())
    }

    /// The duality gap: with u = y + scale (p - y), a point of the simplex, the dual value is the entropy of u less the penalty's
    /// conjugate at scale times the gradient. Intercepts whose gradient is not zero yet count as if they were off by as
    /// much as they are, and 1.
    pub fn gap(&self, point: &Point, gradient: &[f64], run: &Run<'_>) -> Result<f64> {
        let n = self.columns.n();
        let (l1, l2) = self.strengths();
        let steepest = gradient.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        let inside = (l1 / steepest).min(1.0);
        let off: f64 = if self.penalty.intercept {
            let r = self.residuals(&point.p);
            r.chunks_exact(n).zip(&point.b).map(|(r, b)| r.iter().sum::<f64>().abs() * (1.0 + b.abs())).sum()
        } else {
            0.0
        };
        let mut best = f64::NEG_INFINITY;
        for scale in [inside, 1.0] {
            let over = |g: &f64| (scale * g.abs() - l1).max(0.0);
            let conjugate = if scale == inside {
                0.0
            } else if l2 > 0.0 {
                gradient.iter().map(|g| over(g) * over(g)).sum::<f64>() / (2.0 * l2)
            } else {
                break;
            };
            best = best.max(self.entropy(&point.p, scale, run)? - conjugate);
        }
        Ok(point.value - best + off)
    }

    /// Sum over the rows of s times the entropy of y + scale (p - y).
    fn entropy(&self, p: &[f64], scale: f64, run: &Run<'_>) -> Result<f64> {
        let (n, k) = (self.columns.n(), self.k);
        let term = |u: f64| if u > 0.0 { -u * u.ln() } else { 0.0 };
        let parts = run.map(run::ranges(n, run::rows_per_task(n, 64 * k)), 64 * n * k, |range, pulse| {
            pulse.check()?;
            let mut sum = 0.0;
            for i in range {
                let class = self.classes[i] as usize;
                let mut entropy = 0.0;
                if k == 1 {
                    let other = scale * if class == 1 { 1.0 - p[i] } else { p[i] };
                    entropy += term(other) - (1.0 - other) * (-other).ln_1p();
                    if other >= 1.0 {
                        entropy = 0.0;
                    }
                } else {
                    let mut others = 0.0;
                    for c in (0..k).filter(|&c| c != class) {
                        let u = scale * p[c * n + i];
                        others += u;
                        entropy += term(u);
                    }
                    if others < 1.0 {
                        entropy -= (1.0 - others) * (-others).ln_1p();
                    }
                }
                sum += self.s[i] * entropy;
            }
            Ok(sum)
        })?;
        Ok(parts.iter().sum())
    }
}
