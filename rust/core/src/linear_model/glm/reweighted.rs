//! The Newton step of few columns: the Hessian is the weighted products of the columns, scaled to ones on the diagonal and factored.

use super::super::cholesky::{Cholesky, norm};
use super::super::normal::{Frame, csr_products};
use crate::error::Result;
use crate::float::Float;
use crate::kernels::gram::{self, Columns};
use crate::kernels::simd::Level;
use crate::rows::Rows;
use crate::run::Run;

/// Unknowns for which products of columns are formed: as many as sparse least squares forms.
pub const MOST: usize = 2000;

/// A factored Hessian.
pub struct Reweighted {
    factor: Cholesky,
    /// (d + intercept,), what unknowns are multiplied by in the shifted columns' units: one over the roots of the Hessian's
    /// diagonal, zero where that is.
    pub unit: Vec<f64>,
    /// Whether columns depend on each other as far as the factor can tell.
    pub singular: bool,
}

/// The condition beyond which blocks in f32 do not serve.
const NARROW: f64 = 1e4;
/// Spreads of a column between its mean and zero, from f64 rows in f32.
const FAR: f64 = 64.0;
/// The condition beyond which columns are taken to depend on each other.
const DEPENDENT: f64 = 1e13;

impl Reweighted {
    /// Of rows with curvatures `h` (n,), divided by their `total` weight, and the penalty `alpha`. Blocks are multiplied in f32,
    /// which is enough of a Hessian while columns are well apart, until `wide`; sets it where they are not.
    pub fn new<F: Float>(
        rows: &Rows<'_, F>,
        frame: &Frame,
        h: &[f64],
        total: f64,
        alpha: f64,
        wide: &mut bool,
        run: &Run<'_>,
    ) -> Result<Option<Self>> {
        let roots: Vec<f64> = h.iter().map(|h| (h / total).sqrt()).collect();
        let columns = Columns {
            shift: &frame.shift,
            scale: &frame.scale,
            targets: &[],
            roots: Some(&roots),
            ones: frame.centred,
        };
        // In f32 a shift of f64 rows must leave digits of what varies.
        let near = frame.shift.iter().zip(&frame.scale).all(|(shift, scale)| (shift * scale).abs() <= FAR);
        *wide |= F::UNIT_ROUNDOFF < f64::EPSILON && !near;
        let narrow = match rows {
            Rows::Dense(x) if !*wide => gram::products::<F, f32>(x, &columns, Level::detect(), run).map(Some)?,
            _ => None,
        };
        if let Some(products) = narrow
            && let Some(found) = Reweighted::of(products, frame, alpha, NARROW)
        {
            return Ok(Some(found));
        }
        *wide = true;
        let products = match rows {
            Rows::Dense(x) => gram::products::<F, f64>(x, &columns, Level::detect(), run)?,
            Rows::Csr(x) => csr_products(x, &columns, run)?,
        };
        run.check()?;
        Ok(Reweighted::of(products, frame, alpha, f64::INFINITY))
    }

    /// Factors products of the framed columns; nothing where their condition is above `most`.
    fn of(mut products: Vec<f64>, frame: &Frame, alpha: f64, most: f64) -> Option<Self> {
        let d = frame.shift.len();
        let wide = d + usize::from(frame.centred);
        if products.iter().any(|value| !value.is_finite()) {
            return None;
        }
        // In framed units w is scale times as large, so its penalty is scale^2 times as strong.
        let scale = |f: usize| if f < d { frame.scale[f] } else { 1.0 };
        let penalty: Vec<f64> = (0..wide).map(|f| if f < d { alpha * scale(f) * scale(f) } else { 0.0 }).collect();
        let mut unit: Vec<f64> = (0..wide).map(|f| (products[f * wide + f] + penalty[f]).sqrt().recip()).collect();
        unit.iter_mut().filter(|unit| !unit.is_finite()).for_each(|unit| *unit = 0.0);
        for f in 0..wide {
            products[f * wide + f] += penalty[f];
            for g in f..wide {
                let value = products[f * wide + g] * unit[f] * unit[g];
                products[f * wide + g] = value;
                products[g * wide + f] = value;
            }
            // A column that is constant, and zero in the frame, stays where it is.
            if unit[f] == 0.0 {
                products[f * wide + f] = 1.0;
            }
        }
        unit.iter_mut().enumerate().for_each(|(f, unit)| *unit *= scale(f));
        let size = norm(&products, wide);
        let bearable = if most.is_finite() { most } else { DEPENDENT };
        if let Some(factor) = Cholesky::new(&products, wide)
            && factor.condition(size) <= bearable
        {
            return Some(Reweighted { factor, unit, singular: false });
        }
        if most.is_finite() {
            return None;
        }
        // Dependent columns have no gradient along what cancels, so a little on the diagonal moves nothing there and slows the
        // other directions by no more than it is beside them.
        let mut ridge = 1e-11;
        while ridge < 1.0 {
            let mut firm = products.clone();
            (0..wide).for_each(|f| firm[f * wide + f] += ridge);
            if let Some(factor) = Cholesky::new(&firm, wide) {
                return Some(Reweighted { factor, unit, singular: true });
            }
            ridge *= 100.0;
        }
        None
    }

    /// -H^-1 g, (d + intercept,).
    pub fn step(&self, gradient: &[f64]) -> Vec<f64> {
        let mut step: Vec<f64> = gradient.iter().zip(&self.unit).map(|(g, unit)| -g * unit).collect();
        self.factor.solve(&mut step);
        step.iter_mut().zip(&self.unit).for_each(|(step, unit)| *step *= unit);
        step
    }
}
