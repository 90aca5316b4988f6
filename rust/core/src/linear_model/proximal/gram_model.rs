//! The quadratic model over products of columns: a change of a weight costs as many operations as there are coordinates, however
//! many rows there are.

use super::columns::{Column, Columns};
use crate::error::Result;
use crate::float::Float;
use crate::kernels::gram::{self, Columns as Products};
use crate::kernels::simd::Level;
use crate::rows::Dense;
use crate::run::Run;

/// X^T H X of some columns, and of ones behind them.
pub struct GramModel {
    /// (wide, wide)
    products: Vec<f64>,
    wide: usize,
    /// (wide,), products times the change.
    pub pull: Vec<f64>,
}

impl GramModel {
    /// Of `chosen` columns with curvatures `h` (n,).
    pub fn new<F: Float>(
        columns: &Columns<F>,
        chosen: &[usize],
        h: &[f64],
        intercept: bool,
        run: &Run<'_>,
    ) -> Result<Self> {
        /// Rows that are turned at a time.
        const BLOCK: usize = 64;
        let (n, many) = (columns.n(), chosen.len());
        let mut rows = vec![F::default(); n * many];
        for from in (0..n).step_by(BLOCK) {
            run.check()?;
            let to = (from + BLOCK).min(n);
            for (at, &f) in chosen.iter().enumerate() {
                if let Column::Dense(x) = columns.column(f) {
                    (from..to).for_each(|i| rows[i * many + at] = x[i]);
                }
            }
        }
        let roots: Vec<f64> = h.iter().map(|h| h.sqrt()).collect();
        let (shift, scale) = (vec![0.0; many], vec![1.0; many]);
        let of = Products { shift: &shift, scale: &scale, targets: &[], roots: Some(&roots), ones: intercept };
        let mut products = gram::products::<F, f64>(&Dense::new(&rows, n, many)?, &of, Level::detect(), run)?;
        let wide = of.many();
        for f in 0..wide {
            for g in 0..f {
                products[f * wide + g] = products[g * wide + f];
            }
        }
        Ok(GramModel { products, wide, pull: vec![0.0; wide] })
    }

    /// The second derivative of coordinate `at`.
    pub fn curvature(&self, at: usize) -> f64 {
        self.products[at * self.wide + at]
    }

    /// Changes coordinate `at` by `by`.
    #[inline(always)]
    pub fn advance(&mut self, at: usize, by: f64) {
        let row = &self.products[at * self.wide..][..self.wide];
        self.pull.iter_mut().zip(row).for_each(|(pull, product)| *pull += by * product);
    }
}
