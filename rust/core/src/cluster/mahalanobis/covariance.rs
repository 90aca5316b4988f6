//! Covariances of clusters, and their factors.

use crate::cluster::members::Members;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::power::ln;
use crate::kernels::simd::{Level, Simd, Task};
use crate::rows::Dense;
use crate::run::Run;

/// The upper triangular P with P P^T = S^-1: `(x - c) P` is as long as x is far from c.
#[derive(Clone, Debug)]
pub struct Factor {
    /// P (d, d), zeros below the diagonal.
    pub precision: Vec<f64>,
    /// log det S
    pub log_det: f64,
}

impl Factor {
    /// tr(T S^-1) for a diagonal T (d,).
    pub fn trace_with(&self, diagonal: &[f64]) -> f64 {
        let d = diagonal.len();
        self.precision.chunks_exact(d).zip(diagonal).map(|(row, t)| t * row.iter().map(|p| p * p).sum::<f64>()).sum()
    }
}

/// Factors the covariance (d, d) of `cluster`; an error where it is singular, by the first column at fault.
pub fn factor(covariance: &[f64], d: usize, cluster: usize) -> Result<Factor> {
    /// A column of which less is left, relatively, once the columns before it are known, follows from them.
    const SINGULAR: f64 = 16.0 * f64::EPSILON;
    let mut lower = vec![0.0; d * d]; // L with L L^T = S
    let mut log_det = 0.0;
    for f in 0..d {
        for g in 0..=f {
            let products: f64 = (0..g).map(|h| lower[f * d + h] * lower[g * d + h]).sum();
            let rest = covariance[f * d + g] - products;
            if f > g {
                lower[f * d + g] = rest / lower[g * d + g];
                continue;
            }
            if !(rest > SINGULAR * d as f64 * covariance[f * d + f] && rest.is_normal()) {
                let constant = covariance[f * d + f] <= 0.0;
                return Err(Error::Singular { cluster, column: f, constant });
            }
            lower[f * d + f] = rest.sqrt();
            log_det += ln(rest);
        }
    }
    let mut precision = vec![0.0; d * d]; // P = (L^-1)^T, column by column of L^-1
    for g in 0..d {
        precision[g * d + g] = 1.0 / lower[g * d + g];
        for f in g + 1..d {
            let products: f64 = (g..f).map(|h| lower[f * d + h] * precision[g * d + h]).sum();
            precision[g * d + f] = -products / lower[f * d + f];
        }
    }
    Ok(Factor { precision, log_det })
}

/// Sums over the rows of a cluster, with v = x - c for a point c that is near them.
pub struct Scatter {
    /// Of w.
    pub weight: f64,
    /// Of w v, (d,).
    pub sums: Vec<f64>,
    /// Of w v v^T, (d, d), on the diagonal and above.
    products: Vec<f64>,
}

impl Scatter {
    fn nothing(d: usize) -> Scatter {
        Scatter { weight: 0.0, sums: vec![0.0; d], products: vec![0.0; d * d] }
    }

    fn add(&mut self, other: &Scatter) {
        self.weight += other.weight;
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, part)| *sum += part);
        self.products.iter_mut().zip(&other.products).for_each(|(sum, part)| *sum += part);
    }

    /// Adds `scale` times the sum of w (x - mean) (x - mean)^T to `to` (d, d).
    pub fn add_around_mean(&self, scale: f64, to: &mut [f64]) {
        let d = self.sums.len();
        if self.weight == 0.0 {
            return;
        }
        for g in 0..d {
            for f in g..d {
                let value = scale * (self.products[g * d + f] - self.sums[g] * (self.sums[f] / self.weight));
                to[g * d + f] += value;
                if f > g {
                    to[f * d + g] += value;
                }
            }
        }
    }
}

/// The sums of every cluster around its `centers` (k, d).
pub fn scatter<F: Float>(
    rows: &Dense<'_, F>,
    weights: Option<&[f64]>,
    members: &Members,
    centers: &[f64],
    level: Level,
    run: &Run<'_>,
) -> Result<Vec<Scatter>> {
    /// Parts whose sums are in memory at a time.
    const PARTS: usize = 32;
    let d = rows.d();
    let length = (8 * d).max(1024);
    let k = centers.len() / d;
    let tasks: Vec<(usize, &[u32])> =
        (0..k).flat_map(|j| members.of(j).chunks(length).map(move |part| (j, part))).collect();
    let mut scatters: Vec<Scatter> = (0..k).map(|_| Scatter::nothing(d)).collect();
    for tasks in tasks.chunks(PARTS) {
        let work = tasks.iter().map(|(_, part)| part.len() * d * (d / 2 + 1)).sum();
        let parts = run.map(tasks.to_vec(), work, |(j, members), pulse| {
            let mut part = Scatter::nothing(d);
            for members in members.chunks((1 << 20) / (d * d) + 1) {
                pulse.check()?;
                level.run(AddUp { rows, weights, members, center: &centers[j * d..][..d], to: &mut part });
            }
            Ok((j, part))
        })?;
        parts.iter().for_each(|(j, part)| scatters[*j].add(part));
    }
    Ok(scatters)
}

struct AddUp<'a, F> {
    rows: &'a Dense<'a, F>,
    weights: Option<&'a [f64]>,
    members: &'a [u32],
    center: &'a [f64],
    to: &'a mut Scatter,
}

impl<F: Float> Task<F> for AddUp<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, _: S) {
        let AddUp { rows, weights, members, center, to } = self;
        let d = center.len();
        let mut v = vec![0.0; d];
        for &i in members {
            let w = weights.map_or(1.0, |w| w[i as usize]);
            v.iter_mut().zip(rows.row(i as usize)).zip(center).for_each(|((v, x), c)| *v = x.to_f64() - c);
            to.weight += w;
            for g in 0..d {
                let weighted = w * v[g];
                to.sums[g] += weighted;
                let products = &mut to.products[g * d..][g..d];
                products.iter_mut().zip(&v[g..]).for_each(|(product, v)| *product += weighted * v);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_covariance_of_two_columns_on_paper() {
        // S = [[4, 2], [2, 3]]: L = [[2, 0], [1, sqrt 2]], det 8, S^-1 = [[3, -2], [-2, 4]] / 8.
        let factor = factor(&[4.0, 2.0, 2.0, 3.0], 2, 0).unwrap();
        let root = 2.0_f64.sqrt();
        let want = [0.5, -0.5 / root, 0.0, 1.0 / root];
        assert!(factor.precision.iter().zip(want).all(|(p, want)| (p - want).abs() < 1e-15));
        assert!((factor.log_det - 8.0_f64.ln()).abs() < 1e-15);
        assert!((factor.trace_with(&[8.0, 16.0]) - (3.0 + 8.0)).abs() < 1e-14);
    }

    #[test]
    fn columns_that_say_nothing_are_named() {
        let flaw = |s: &[f64]| factor(s, 2, 7).unwrap_err();
        assert_eq!(flaw(&[1.0, 0.0, 0.0, 0.0]), Error::Singular { cluster: 7, column: 1, constant: true });
        assert_eq!(flaw(&[1.0, 2.0, 2.0, 4.0]), Error::Singular { cluster: 7, column: 1, constant: false });
    }
}
