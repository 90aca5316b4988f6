//! The Hessian's blocks on the diagonal, one a class: `Z^T diag(s p (1 - p)) Z`. Of many rows a part says enough of them, for they
//! precondition only; the diagonals, by which gradients are measured, are of all rows.

use super::passes::Passes;
use super::softmax::centre;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::gram::{self, Columns};
use crate::kernels::simd::Level;
use crate::linear_model::cholesky::Cholesky;
use crate::rows::{Dense, Rows};
use crate::run::Run;

/// Of a point.
pub struct Curvature {
    /// Factors of the blocks, scaled to ones on their diagonals; none where columns are many or sparse.
    factors: Vec<Cholesky>,
    /// (wide, k), one over the roots of the blocks' diagonals with their penalties; zero where that is.
    unit: Vec<f64>,
    mean: f64,
    k: usize,
}

/// Columns of which blocks are formed.
const MOST: usize = 1200;
/// Rows that they are formed of, for each column.
const ROWS: usize = 3;

impl Curvature {
    /// At probabilities `p` (n, k) of rows with weights `s` (n,), and penalties `alphas` (wide,).
    pub fn new<F: Float>(
        rows: &Rows<'_, F>,
        passes: &Passes<'_, F>,
        p: &[f64],
        s: &[f64],
        k: usize,
        alphas: &[f64],
        run: &Run<'_>,
    ) -> Result<Self> {
        let wide = passes.wide;
        let h: Vec<f64> = p.iter().enumerate().map(|(at, p)| s[at / k] * p * (1.0 - p)).collect();
        let mean = h.iter().sum::<f64>() / k as f64;
        let mut diagonal = passes.squares(&h, run)?;
        diagonal.iter_mut().enumerate().for_each(|(at, sum)| *sum += alphas[at / k]);
        let unit = diagonal.iter().map(|&h| if h > 0.0 { h.sqrt().recip() } else { 0.0 }).collect();
        let mut found = Curvature { factors: Vec::new(), unit, mean, k };
        let Rows::Dense(rows) = rows else { return Ok(found) };
        if wide > MOST {
            return Ok(found);
        }
        let (n, d) = (rows.n(), rows.d());
        let many = n.min((ROWS * wide).max(2048));
        let picked: Vec<usize> = (0..many).map(|j| (j as u128 * n as u128 / many as u128) as usize).collect();
        let held: Vec<F> = picked.iter().flat_map(|&i| rows.row(i).iter().copied()).collect();
        let part = Dense::new(&held, many, d)?;
        let frame = passes.frame();
        for c in 0..k {
            let share = n as f64 / many as f64;
            let roots: Vec<f64> = picked.iter().map(|&i| (share * h[i * k + c]).sqrt()).collect();
            let columns = Columns {
                shift: &frame.shift,
                scale: &frame.scale,
                targets: &[],
                roots: Some(&roots),
                ones: frame.centred,
            };
            let block = if many < n {
                gram::products::<F, f32>(&part, &columns, Level::detect(), run)?
            } else {
                gram::products::<F, f64>(&part, &columns, Level::detect(), run)?
            };
            run.check()?;
            let Some(factor) = found.factor(block, alphas, c, wide) else {
                found.factors.clear();
                break;
            };
            found.factors.push(factor);
        }
        Ok(found)
    }

    /// Of the block of class c, with little on the diagonal where columns depend on each other.
    fn factor(&self, mut block: Vec<f64>, alphas: &[f64], c: usize, wide: usize) -> Option<Cholesky> {
        let unit = |f: usize| self.unit[f * self.k + c];
        for f in 0..wide {
            block[f * wide + f] += alphas[f];
            for g in f..wide {
                let value = block[f * wide + g] * unit(f) * unit(g);
                block[f * wide + g] = value;
                block[g * wide + f] = value;
            }
            if block[f * wide + f] <= 0.0 {
                block[f * wide + f] = 1.0;
            }
        }
        if block.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mut ridge = 1e-12;
        while ridge < 1.0 {
            let mut firm = block.clone();
            (0..wide).for_each(|f| firm[f * wide + f] += ridge);
            if let Some(factor) = Cholesky::new(&firm, wide) {
                return Some(factor);
            }
            ridge *= 100.0;
        }
        None
    }

    /// (wide, k), a step in a coordinate that changes the scores by one in root mean square, beside the root of the mean curvature.
    pub fn unit(&self) -> Vec<f64> {
        self.unit.clone()
    }

    /// See [`super::Fit::gradient`].
    pub fn relative(&self, gradient: &[f64]) -> f64 {
        let most = gradient.iter().zip(&self.unit).map(|(g, unit)| (g * unit).abs()).fold(0.0, f64::max);
        if most == 0.0 { 0.0 } else { most / self.mean.sqrt() }
    }

    /// The blocks' solution for `r` (wide, k), adding up to zero over the classes.
    pub fn solve(&self, r: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let k = self.k;
        let mut z: Vec<f64> = r.iter().zip(&self.unit).map(|(r, unit)| r * unit).collect();
        if !self.factors.is_empty() {
            let wide = r.len() / k;
            let solve = |c: usize| {
                let mut column: Vec<f64> = (0..wide).map(|f| z[f * k + c]).collect();
                self.factors[c].solve(&mut column);
                column
            };
            let columns = run.map((0..k).collect(), k * wide * wide, |c, _| Ok(solve(c)))?;
            for (c, column) in columns.into_iter().enumerate() {
                column.into_iter().enumerate().for_each(|(f, value)| z[f * k + c] = value);
            }
        }
        z.iter_mut().zip(&self.unit).for_each(|(z, unit)| *z *= unit);
        centre(&mut z, k);
        Ok(z)
    }
}
