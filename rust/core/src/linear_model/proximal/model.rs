//! The quadratic model of the loss over the rows: what a change of the scores adds to the gradient.

use super::columns::Column;
use super::objective::{Objective, Point};
use crate::float::Float;

/// A model whose coordinates are columns of scores.
pub trait Model {
    /// What the change so far adds to the gradient of column x of score c.
    fn slope<F: Float>(&self, x: Column<'_, F>, c: usize) -> f64;
    /// What it adds to that of the intercept of score c.
    fn slope_of_ones(&self, c: usize) -> f64;
    /// Changes the weight of column x of score c by `by`.
    fn advance<F: Float>(&mut self, x: Column<'_, F>, c: usize, by: f64);
    /// Changes the intercept of score c by `by`.
    fn advance_ones(&mut self, c: usize, by: f64);
}

/// The diagonal of the model's second derivative, (k, n): Newton's s p (1 - p), and the part `caution` of what lies between it and
/// the bound of Jaakkola and Jordan (2000), whose model of two classes is nowhere below the loss. Where a row is far on
/// one side, Newton's curvature vanishes, the row's loss at a little distance does not, and steps go much too far; near the end
/// Newton's steps are right.
pub fn curvatures<F: Float>(objective: &Objective<'_, F>, point: &Point, caution: f64) -> Vec<f64> {
    let n = objective.s.len();
    let newton = |p: f64| p * (1.0 - p);
    let of = |p: f64| newton(p) + caution * (bound(p) - newton(p)).max(0.0);
    point.p.iter().enumerate().map(|(at, &p)| objective.s[at % n] * of(p)).collect()
}

/// tanh(eta / 2) / (2 eta) of the score eta whose probability is p.
fn bound(p: f64) -> f64 {
    /// Scores beyond +-37 count as that: their probabilities are rounded.
    const LEAST: f64 = 1e-16;
    let p = p.clamp(LEAST, 1.0 - LEAST);
    if (p - 0.5).abs() < 1e-4 { 0.25 } else { (p - 0.5) / (p / (1.0 - p)).ln() }
}

/// d^T H d of a change of the scores (k, n).
pub fn quadratic<F: Float>(objective: &Objective<'_, F>, point: &Point, h: &[f64], change: &[f64]) -> f64 {
    let n = objective.s.len();
    let mut sum: f64 = h.iter().zip(change).map(|(h, change)| h * change * change).sum();
    if objective.k > 1 {
        for i in 0..n {
            // diag p - p p^T, of which h has the diagonal's p (1 - p).
            let terms = (0..objective.k).map(|c| point.p[c * n + i] * change[c * n + i]);
            let (mut mean, mut squares) = (0.0, 0.0);
            for term in terms {
                mean += term;
                squares += term * term;
            }
            sum += objective.s[i] * (squares - mean * mean);
        }
    }
    sum
}

/// Of two classes.
pub struct Two {
    /// (n,)
    h: Vec<f64>,
    /// (n,), h times the change of the score.
    pull: Vec<f64>,
}

impl Two {
    /// Of curvatures (n,).
    pub fn new(h: &[f64]) -> Self {
        Two { h: h.to_vec(), pull: vec![0.0; h.len()] }
    }
}

impl Model for Two {
    #[inline(always)]
    fn slope<F: Float>(&self, x: Column<'_, F>, _: usize) -> f64 {
        x.dot(&self.pull)
    }

    fn slope_of_ones(&self, _: usize) -> f64 {
        self.pull.iter().sum()
    }

    #[inline(always)]
    fn advance<F: Float>(&mut self, x: Column<'_, F>, _: usize, by: f64) {
        let (h, pull) = (&self.h[..], &mut self.pull[..h_len(&self.h)]);
        x.for_cells(|i, x| pull[i] += h[i] * x * by);
    }

    fn advance_ones(&mut self, _: usize, by: f64) {
        self.pull.iter_mut().zip(&self.h).for_each(|(pull, h)| *pull += h * by);
    }
}

#[inline(always)]
fn h_len(h: &[f64]) -> usize {
    h.len()
}

/// Softmax of several classes: the second derivative of a row is s (diag p - p p^T).
pub struct Several<'a> {
    n: usize,
    s: &'a [f64],
    /// (k, n)
    p: &'a [f64],
    /// (k, n), what the least curvatures add to the diagonal.
    extra: Vec<f64>,
    /// (k, n), changes of the scores.
    change: Vec<f64>,
    /// (n,), their means weighted by p.
    mean: Vec<f64>,
}

impl<'a> Several<'a> {
    /// At probabilities (k, n) with the curvatures `h` (k, n).
    pub fn new(s: &'a [f64], p: &'a [f64], h: &[f64]) -> Self {
        let n = s.len();
        let extra = p.iter().zip(h).enumerate().map(|(at, (p, h))| (h - s[at % n] * p * (1.0 - p)).max(0.0)).collect();
        Several { n, s, p, extra, change: vec![0.0; p.len()], mean: vec![0.0; s.len()] }
    }

    #[inline(always)]
    fn pull(&self, i: usize, c: usize) -> f64 {
        let at = c * self.n + i;
        self.s[i] * self.p[at] * (self.change[at] - self.mean[i]) + self.extra[at] * self.change[at]
    }
}

impl Model for Several<'_> {
    #[inline(always)]
    fn slope<F: Float>(&self, x: Column<'_, F>, c: usize) -> f64 {
        let mut sum = 0.0;
        match x {
            Column::Dense(_) => {
                // In one vector of the row's own, so that the products are summed in lanes.
                const LANES: usize = 8;
                let mut sums = [0.0; LANES];
                x.for_cells(|i, x| sums[i % LANES] += x * self.pull(i, c));
                sum += sums.iter().sum::<f64>();
            }
            Column::Sparse(..) => x.for_cells(|i, x| sum += x * self.pull(i, c)),
        }
        sum
    }

    fn slope_of_ones(&self, c: usize) -> f64 {
        (0..self.n).map(|i| self.pull(i, c)).sum()
    }

    #[inline(always)]
    fn advance<F: Float>(&mut self, x: Column<'_, F>, c: usize, by: f64) {
        let (change, mean) = (&mut self.change[c * self.n..][..self.n], &mut self.mean[..]);
        let p = &self.p[c * self.n..][..self.n];
        x.for_cells(|i, x| {
            change[i] += x * by;
            mean[i] += p[i] * x * by;
        });
    }

    fn advance_ones(&mut self, c: usize, by: f64) {
        let p = &self.p[c * self.n..][..self.n];
        self.change[c * self.n..][..self.n].iter_mut().for_each(|change| *change += by);
        self.mean.iter_mut().zip(p).for_each(|(mean, p)| *mean += p * by);
    }
}
