//! The Newton step of many columns: conjugate gradients (Hestenes and Stiefel 1952), preconditioned by the Hessian's diagonal
//! and stopped early while the model is far off (Dembo, Eisenstat and Steihaug 1982).

use super::design::Design;
use crate::error::Result;
use crate::float::Float;
use crate::run::Run;

/// Curvatures (n,) of the rows, and what they make of the columns, all divided by the rows' total weight.
pub struct Conjugate {
    h: Vec<f64>,
    /// The mean curvature.
    mean: f64,
    /// (d,), means of the columns weighted by curvature; zero without intercept.
    means: Vec<f64>,
    /// (d,), the Hessian's without the penalty.
    pub diagonal: Vec<f64>,
    alpha: f64,
    preconditioned: bool,
}

/// Products with the Hessian for a step at most.
const MOST: usize = 500;

impl Conjugate {
    /// Of rows with curvatures `h`, divided by their `total` weight.
    pub fn new<F: Float>(
        design: &Design<'_, F>,
        h: &[f64],
        total: f64,
        alpha: f64,
        intercept: bool,
        preconditioned: bool,
        run: &Run<'_>,
    ) -> Result<Self> {
        let h: Vec<f64> = h.iter().map(|h| h / total).collect();
        let mean: f64 = h.iter().sum();
        let (first, diagonal) = design.moments(&h, run)?;
        let share = if intercept && mean > 0.0 { 1.0 / mean } else { 0.0 };
        let means = first.iter().map(|sum| sum * share).collect();
        Ok(Conjugate { h, mean, means, diagonal, alpha, preconditioned })
    }

    /// The mean curvature.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// About -H^-1 g, (d + intercept,), to a residual of `precision` beside g. The intercept is eliminated: columns are centred
    /// by curvature, without being formed.
    pub fn step<F: Float>(
        &self,
        design: &Design<'_, F>,
        gradient: &[f64],
        precision: f64,
        run: &Run<'_>,
    ) -> Result<Vec<f64>> {
        let d = self.diagonal.len();
        let intercept = gradient.len() > d;
        let pull = if intercept { gradient[d] } else { 0.0 };
        let inverse: Vec<f64> = (0..d)
            .map(|f| {
                let left = self.diagonal[f] - self.mean * self.means[f] * self.means[f] + self.alpha;
                let enough = left > 1e-10 * self.diagonal[f] && left > 0.0;
                if !self.preconditioned {
                    1.0
                } else if enough {
                    1.0 / left
                } else {
                    0.0
                }
            })
            .collect();
        let mut r: Vec<f64> = (0..d).map(|f| self.means[f] * pull - gradient[f]).collect();
        let mut x = vec![0.0; d];
        let mut z: Vec<f64> = r.iter().zip(&inverse).map(|(r, m)| r * m).collect();
        let mut p = z.clone();
        let mut rho = super::super::dot(&r, &z);
        let goal = precision * precision * rho;
        for _ in 0..MOST {
            if rho <= goal || rho == 0.0 {
                break;
            }
            let h = &self.h;
            let sums = design.pass(&p, 0.0, [], |i, u, []: [&mut f64; 0]| (h[i] * u, [0.0; 2]), run)?;
            let q: Vec<f64> = (0..d).map(|f| sums.columns[f] - self.means[f] * sums.ones + self.alpha * p[f]).collect();
            let curvature = super::super::dot(&p, &q);
            if curvature.is_nan() || curvature <= 0.0 {
                break;
            }
            let step = rho / curvature;
            super::super::add_scaled(&mut x, step, &p);
            super::super::add_scaled(&mut r, -step, &q);
            z.iter_mut().zip(&r).zip(&inverse).for_each(|((z, r), m)| *z = r * m);
            let next = super::super::dot(&r, &z);
            let turn = next / rho;
            rho = next;
            p.iter_mut().zip(&z).for_each(|(p, z)| *p = z + turn * *p);
        }
        if intercept {
            let share = if self.mean > 0.0 { pull / self.mean } else { 0.0 };
            x.push(-share - super::super::dot(&x[..d], &self.means));
        }
        Ok(x)
    }
}
