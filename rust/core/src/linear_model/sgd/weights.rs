//! A weight vector that is cheap to shrink: `scale` times `values`, with its norms, the mean of all that it has been, and
//! how much of the L1 penalty each weight has paid.

use crate::kernels::simd::Simd;

/// Rows are padded to a multiple of the longest vector.
pub const PADDED: usize = 8;

/// A row to learn from.
pub trait Sample: Copy {
    /// x . w
    fn product(self, w: &[f64]) -> f64;
    /// w += factor x; returns the sum of squares of the weights of its columns.
    fn add(self, w: &mut [f64], factor: f64) -> f64;
    /// ||x||^2
    fn squares(self) -> f64;
    /// Calls `each` for the columns that it has.
    fn columns(self, each: impl FnMut(usize));
}

/// A dense row, as long as the weights: a multiple of [`PADDED`], zeros at the end.
#[derive(Clone, Copy)]
pub struct Padded<'a, S> {
    /// The cells.
    pub cells: &'a [f64],
    /// What adds them up.
    pub simd: S,
}

impl<S: Simd<f64>> Padded<'_, S> {
    // Loops over places, for those of iterators are not always inlined into code of an instruction set.
    #[inline(always)]
    fn dot(self, w: &[f64]) -> f64 {
        let (simd, x) = (self.simd, self.cells);
        let w = &w[..x.len()];
        let (mut even, mut odd) = (simd.splat(0.0), simd.splat(0.0));
        let mut at = 0;
        while at + 2 * S::LANES <= x.len() {
            even = simd.fma(simd.load(&x[at..]), simd.load(&w[at..]), even);
            odd = simd.fma(simd.load(&x[at + S::LANES..]), simd.load(&w[at + S::LANES..]), odd);
            at += 2 * S::LANES;
        }
        // With 8 lanes one vector may be left.
        if at < x.len() {
            even = simd.fma(simd.load(&x[at..]), simd.load(&w[at..]), even);
        }
        simd.sum(simd.add(even, odd))
    }
}

impl<S: Simd<f64>> Sample for Padded<'_, S> {
    #[inline(always)]
    fn product(self, w: &[f64]) -> f64 {
        self.dot(w)
    }

    #[inline(always)]
    fn add(self, w: &mut [f64], factor: f64) -> f64 {
        let (simd, x) = (self.simd, self.cells);
        let w = &mut w[..x.len()];
        let (factor, mut squares) = (simd.splat(factor), simd.splat(0.0));
        let mut at = 0;
        while at < x.len() {
            let moved = simd.fma(simd.load(&x[at..]), factor, simd.load(&w[at..]));
            simd.store(moved, &mut w[at..]);
            squares = simd.fma(moved, moved, squares);
            at += S::LANES;
        }
        simd.sum(squares)
    }

    #[inline(always)]
    fn squares(self) -> f64 {
        self.dot(self.cells)
    }

    #[inline(always)]
    fn columns(self, mut each: impl FnMut(usize)) {
        let mut f = 0;
        while f < self.cells.len() {
            each(f);
            f += 1;
        }
    }
}

/// A sparse row: its columns and their values.
impl<F: crate::Float> Sample for (&[i32], &[F]) {
    #[inline(always)]
    fn product(self, w: &[f64]) -> f64 {
        self.0.iter().zip(self.1).map(|(&f, x)| x.to_f64() * w[f as usize]).sum()
    }

    #[inline(always)]
    fn add(self, w: &mut [f64], factor: f64) -> f64 {
        let mut squares = 0.0;
        for (&f, x) in self.0.iter().zip(self.1) {
            let w = &mut w[f as usize];
            *w += x.to_f64() * factor;
            squares += *w * *w;
        }
        squares
    }

    #[inline(always)]
    fn squares(self) -> f64 {
        self.1.iter().map(|x| x.to_f64() * x.to_f64()).sum()
    }

    #[inline(always)]
    fn columns(self, mut each: impl FnMut(usize)) {
        self.0.iter().for_each(|&f| each(f as usize));
    }
}

/// `scale * values`.
pub struct Weights {
    values: Vec<f64>,
    scale: f64,
    /// ||w||^2 and |w|_1 as of the last step. As scikit-learn's, of the columns of the last row only: where rows are sparse
    /// they are too small, but only the objective has them, and fits then end after as many epochs.
    squares: f64,
    sizes: f64,
    /// Bottou (2012), "Stochastic gradient descent tricks", section 5.1: the mean is (mean + a values) / b.
    mean: Vec<f64>,
    a: f64,
    b: f64,
    /// Tsuruoka, Tsujii and Ananiadou (2009): what each weight has paid, and could have had to.
    paid: Vec<f64>,
    due: f64,
}

impl Weights {
    pub fn new(coef: &[f64], mean: &[f64], width: usize, l1: bool) -> Self {
        let wide = |from: &[f64]| {
            let mut values = from.to_vec();
            values.resize(width, 0.0);
            values
        };
        Weights {
            values: wide(coef),
            scale: 1.0,
            squares: coef.iter().map(|w| w * w).sum(),
            sizes: coef.iter().map(|w| w.abs()).sum(),
            mean: if mean.is_empty() { Vec::new() } else { wide(mean) },
            a: 0.0,
            b: 1.0,
            paid: if l1 { vec![0.0; width] } else { Vec::new() },
            due: 0.0,
        }
    }

    #[inline(always)]
    pub fn product(&self, x: impl Sample) -> f64 {
        x.product(&self.values) * self.scale
    }

    /// alpha ((1 - l1_ratio) ||w||^2 / 2 + l1_ratio |w|_1)
    #[inline(always)]
    pub fn penalty(&self, alpha: f64, l1_ratio: f64) -> f64 {
        alpha * ((1.0 - l1_ratio) * 0.5 * self.squares + l1_ratio * self.sizes)
    }

    #[inline(always)]
    pub fn shrink(&mut self, factor: f64) {
        /// Below this, digits would be lost.
        const SMALL: f64 = 1e-9;
        self.scale *= factor;
        self.squares *= factor * factor;
        self.sizes *= factor;
        if self.scale < SMALL {
            self.settle();
        }
    }

    #[inline(always)]
    pub fn add(&mut self, x: impl Sample, factor: f64) {
        self.squares = x.add(&mut self.values, factor / self.scale) * self.scale * self.scale;
        // Only where there is an L1 penalty does anybody ask.
        if !self.paid.is_empty() {
            let mut sizes = 0.0;
            x.columns(|f| sizes += self.values[f].abs());
            self.sizes = sizes * self.scale;
        }
    }

    /// Takes the weights, `factor` x just added, into the mean of `count` of them.
    #[inline(always)]
    pub fn average(&mut self, x: impl Sample, factor: f64, count: f64) {
        if factor != 0.0 && self.a != 0.0 {
            x.add(&mut self.mean, -self.a * factor / self.scale);
        }
        let share = 1.0 / count;
        if count > 1.0 {
            self.b /= 1.0 - share;
        }
        self.a += share * self.b * self.scale;
    }

    /// Draws the weights of x's columns towards 0 by what they owe, no further.
    #[inline(always)]
    pub fn truncate(&mut self, x: impl Sample, due: f64) {
        self.due += due;
        let (due, scale, values, paid) = (self.due, self.scale, &mut self.values, &mut self.paid);
        x.columns(|f| {
            let w = values[f];
            if w > 0.0 {
                values[f] = (w - (due + paid[f]) / scale).max(0.0);
            } else if w < 0.0 {
                values[f] = (w + (due - paid[f]) / scale).min(0.0);
            }
            paid[f] += scale * (values[f] - w);
        });
    }

    /// Values and their scale.
    pub fn scaled(&self) -> (&[f64], f64) {
        (&self.values, self.scale)
    }

    pub fn finite(&self) -> bool {
        self.values.iter().all(|w| w.is_finite())
    }

    /// Makes the scale 1, and the mean what it says.
    pub fn settle(&mut self) {
        for (mean, w) in self.mean.iter_mut().zip(&self.values) {
            *mean = (*mean + self.a * w) / self.b;
        }
        (self.a, self.b) = (0.0, 1.0);
        self.values.iter_mut().for_each(|w| *w *= self.scale);
        self.scale = 1.0;
    }

    /// Weights and their mean, of d columns.
    pub fn into_parts(mut self, d: usize) -> (Vec<f64>, Vec<f64>) {
        self.settle();
        self.values.truncate(d);
        self.mean.truncate(d);
        (self.values, self.mean)
    }
}
