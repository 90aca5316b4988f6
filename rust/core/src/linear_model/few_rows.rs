//! Fewer rows than columns, in which rows and columns take each other's places: with Z (n, d) the centred, weighted rows the
//! coefficients are b = Z^T a, with as many unknowns as rows, and K = Z Z^T (n, n) is all that they ask of the data.

use faer::Par;
use faer::linalg::triangular_solve::solve_upper_triangular_in_place;

use super::cholesky::{self, Cholesky};
use super::normal::{Frame, blame};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::gram::{self, Columns};
use crate::kernels::simd::Level;
use crate::memory;
use crate::rows::{Csr, Dense, Rows};
use crate::run::{self, Run};

/// The largest condition of K, the square of that of the rows, for which its factor serves.
const CONDITION: f64 = 1e3;

/// Z, its targets and K.
pub(super) struct FewRows {
    /// Z^T (d, n), row after row; empty for CSR rows until somebody asks.
    turned: Vec<f64>,
    /// (n, n), both halves.
    kernel: Vec<f64>,
    /// (n, t), centred and weighted.
    pub targets: Vec<f64>,
    /// (d + t,), zero where nothing is centred.
    pub means: Vec<f64>,
    /// (n,), roots of the weights, of length one: what centring takes from the rows; empty where nothing is centred.
    taken: Vec<f64>,
    n: usize,
    d: usize,
    t: usize,
}

impl FewRows {
    /// Multiplies all out.
    pub fn new<F: Float>(
        rows: &Rows<'_, F>,
        targets: &[f64],
        roots: Option<&[f64]>,
        frame: &Frame,
        run: &Run<'_>,
    ) -> Result<Self> {
        let (n, d) = (rows.n(), rows.d());
        let t = targets.len() / n;
        memory::require("the products of the rows", n.saturating_mul(n).saturating_mul(3 * 8))?;
        let root = |i: usize| roots.map_or(1.0, |roots| roots[i]);
        let weight: f64 = (0..n).map(|i| root(i) * root(i)).sum();
        let mut means = vec![0.0; d + t];
        if frame.centred {
            for i in 0..n {
                let share = root(i) * root(i) / weight;
                // Zeros that sparse rows do not store add nothing: their columns' shift is zero.
                let mut add = |f: usize, x: f64| means[f] += share * (x - frame.shift[f]);
                rows.for_cells(i, &mut add);
                targets[i * t..][..t].iter().enumerate().for_each(|(s, &y)| add(d + s, y));
            }
            means.iter_mut().zip(&frame.shift).for_each(|(mean, shift)| *mean += shift);
        }
        let taken = if frame.centred { (0..n).map(|i| root(i) / weight.sqrt()).collect() } else { Vec::new() };
        let targets: Vec<f64> = targets
            .chunks_exact(t)
            .enumerate()
            .flat_map(|(i, row)| row.iter().zip(&means[d..]).map(move |(y, m)| (y - m) * root(i)))
            .collect();
        let mut few = FewRows { turned: Vec::new(), kernel: Vec::new(), targets, means, taken, n, d, t };
        match rows {
            Rows::Dense(_) => {
                few.turn(rows, roots, run)?;
                let (shift, scale) = (vec![0.0; n], vec![1.0; n]);
                let columns = Columns { shift: &shift, scale: &scale, targets: &[], roots: None, ones: false };
                let turned = Dense::new(&few.turned, d, n)?;
                few.kernel = gram::products::<f64, f64>(&turned, &columns, Level::detect(), run)?;
            }
            Rows::Csr(csr) => few.kernel = csr_kernel(csr, roots, &few.means[..d], run)?,
        }
        if let Some(f) = (0..n).find(|f| !few.kernel[f * n + f].is_finite()) {
            let cell = rows.cells(f..f + 1).iter().find(|x| !x.to_f64().is_finite());
            return Err(if cell.is_some() { rows.blame(f) } else { blame(rows, 0) });
        }
        for i in 0..n {
            for j in 0..i {
                few.kernel[i * n + j] = few.kernel[j * n + i];
            }
        }
        Ok(few)
    }

    /// Sees that Z^T is in memory.
    pub fn turn<F: Float>(&mut self, rows: &Rows<'_, F>, roots: Option<&[f64]>, run: &Run<'_>) -> Result<()> {
        /// Rows at a time, as many f64 as two cache lines hold.
        const ROWS: usize = 16;
        if !self.turned.is_empty() {
            return Ok(());
        }
        let (n, d) = (self.n, self.d);
        self.turned = memory::zeros("the rows as columns", d.saturating_mul(n))?;
        let mut block = vec![0.0; ROWS * d];
        for from in (0..n).step_by(ROWS) {
            run.check()?;
            let many = ROWS.min(n - from);
            for (i, cells) in block.chunks_exact_mut(d).take(many).enumerate() {
                rows.write_row(from + i, cells);
            }
            for (f, mean) in self.means[..d].iter().enumerate() {
                let to = &mut self.turned[f * n + from..][..many];
                for (i, to) in to.iter_mut().enumerate() {
                    *to = (block[i * d + f] - mean) * roots.map_or(1.0, |roots| roots[from + i]);
                }
            }
        }
        Ok(())
    }

    /// The factor of K + alpha; nothing where digits would be lost.
    pub fn factor(&self, alpha: f64) -> Option<Cholesky> {
        let n = self.n;
        let mut matrix = self.kernel.clone();
        (0..n).for_each(|i| matrix[i * n + i] += alpha);
        self.well(&matrix)
    }

    /// The factor of K where the rows depend on each other in nothing but their centre, towards which K is made whole: of what
    /// stands for the rows' means no equation says anything.
    pub fn factor_of_all(&self) -> Option<Cholesky> {
        self.well(&self.whole())
    }

    fn well(&self, matrix: &[f64]) -> Option<Cholesky> {
        let factor = Cholesky::new(matrix, self.n)?;
        (factor.condition(cholesky::norm(matrix, self.n)).sqrt() <= CONDITION).then_some(factor)
    }

    /// K, and in the direction that centring took as much as the mean of its diagonal.
    fn whole(&self) -> Vec<f64> {
        let n = self.n;
        let mut matrix = self.kernel.clone();
        if !self.taken.is_empty() {
            let size = (0..n).map(|i| self.kernel[i * n + i]).sum::<f64>() / n as f64;
            for (i, row) in matrix.chunks_exact_mut(n).enumerate() {
                row.iter_mut().zip(&self.taken).for_each(|(k, other)| *k += size * self.taken[i] * other);
            }
        }
        matrix
    }

    /// b = Z^T a (d,) of a (n,).
    pub fn across(&self, dual: &[f64]) -> Vec<f64> {
        self.turned.chunks_exact(self.n).map(|row| super::dot(row, dual)).collect()
    }

    /// Z b (n,).
    pub fn along(&self, coef: &[f64]) -> Vec<f64> {
        let mut found = vec![0.0; self.n];
        self.turned.chunks_exact(self.n).zip(coef).for_each(|(row, b)| super::add_scaled(&mut found, *b, row));
        found
    }

    /// R (n, n) with R^T R = K, of the factor that [`FewRows::factor_of_all`] found.
    pub fn triangle(&self, factor: &Cholesky) -> Vec<f64> {
        let n = self.n;
        let mut upper = vec![0.0; n * n];
        for i in 0..n {
            factor.row(i).iter().enumerate().for_each(|(k, l)| upper[k * n + i] = *l);
        }
        if !self.taken.is_empty() {
            for row in upper.chunks_exact_mut(n) {
                let part = super::dot(row, &self.taken);
                super::add_scaled(row, -part, &self.taken);
            }
        }
        upper
    }

    /// y of a target (n,).
    pub fn target(&self, s: usize) -> Vec<f64> {
        self.targets.iter().skip(s).step_by(self.t).copied().collect()
    }

    /// Intercepts for coefficients (t, d).
    pub fn intercepts(&self, coef: &[f64]) -> Vec<f64> {
        let (d, means) = (self.d, &self.means);
        (0..self.t).map(|s| means[d + s] - super::dot(&coef[s * d..][..d], &means[..d])).collect()
    }
}

/// K of CSR rows, on the diagonal and above.
fn csr_kernel<F: Float>(rows: &Csr<'_, F>, roots: Option<&[f64]>, means: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    /// Rows spread out at a time.
    const ROWS: usize = 16;
    let n = rows.n();
    let product = |i: usize, dense: &[f64]| -> f64 {
        let (columns, values) = rows.row(i);
        columns.iter().zip(values).map(|(&f, x)| x.to_f64() * dense[f as usize]).sum()
    };
    // (x - m) . (z - m) = x . (z - m) - m . (z - m)
    let parts = run.map(run::ranges(n, ROWS), n.saturating_mul(rows.stored()), |range, pulse| {
        let mut found = vec![0.0; range.len() * n];
        let mut dense = vec![0.0; means.len()];
        for (i, found) in range.clone().zip(found.chunks_exact_mut(n)) {
            pulse.check()?;
            dense.iter_mut().zip(means).for_each(|(x, mean)| *x = -mean);
            let (columns, values) = rows.row(i);
            columns.iter().zip(values).for_each(|(&f, x)| dense[f as usize] += x.to_f64());
            let own = super::dot(means, &dense);
            for (j, found) in found.iter_mut().enumerate().skip(i) {
                *found = (product(j, &dense) - own) * roots.map_or(1.0, |roots| roots[i] * roots[j]);
            }
        }
        Ok(found)
    })?;
    Ok(parts.concat())
}

/// K = U diag(values) U^T, and beside its own values one above them all in the direction that centring took.
pub(super) struct Eigen {
    /// (n, kept)
    vectors: faer::Mat<f64>,
    /// (kept,), rising.
    values: Vec<f64>,
    /// (kept, t), of the targets.
    targets: faer::Mat<f64>,
}

impl Eigen {
    /// Decomposes.
    pub fn new(rows: &FewRows) -> Result<Self> {
        let (n, t) = (rows.n, rows.t);
        // At least twice the largest value, so that it is the last one.
        let above = 2.0 * cholesky::norm(&rows.kernel, n).max(f64::MIN_POSITIVE);
        let extra =
            |i: usize, j: usize| if rows.taken.is_empty() { 0.0 } else { above * rows.taken[i] * rows.taken[j] };
        let matrix = faer::Mat::from_fn(n, n, |i, j| rows.kernel[i * n + j] + extra(i, j));
        let found = matrix.self_adjoint_eigen(faer::Side::Lower);
        let found = found.map_err(|_| Error::Value("the eigenvalues were not found".into()))?;
        let kept = n - usize::from(!rows.taken.is_empty());
        let vectors = found.U().get(.., ..kept).to_owned();
        let values = (0..kept).map(|k| found.S()[k].max(0.0)).collect();
        let targets = vectors.transpose() * faer::MatRef::from_row_major_slice(&rows.targets, n, t);
        Ok(Eigen { vectors, values, targets })
    }

    /// The ratio of the largest value to the smallest, a penalty on both.
    pub fn ratio(&self, alpha: f64) -> f64 {
        let (first, last) = (self.values.first().copied(), self.values.last().copied());
        last.unwrap_or(0.0) / (first.unwrap_or(1.0) + alpha)
    }

    /// (K + alpha)^-1 y (n, t), and the diagonal of that inverse (n,), off the direction that centring took.
    pub fn inverse(&self, alpha: f64) -> (Vec<f64>, Vec<f64>) {
        let (n, t) = (self.vectors.nrows(), self.targets.ncols());
        let inverse: Vec<f64> = self.values.iter().map(|value| 1.0 / (value + alpha)).collect();
        let scaled = faer::Mat::from_fn(self.values.len(), t, |k, s| self.targets[(k, s)] * inverse[k]);
        let solved = &self.vectors * scaled;
        let mut diagonal = vec![0.0; n];
        for (k, inverse) in inverse.iter().enumerate() {
            diagonal.iter_mut().zip(self.vectors.col(k).iter()).for_each(|(sum, u)| *sum += inverse * u * u);
        }
        ((0..n * t).map(|at| solved[(at / t, at % t)]).collect(), diagonal)
    }
}

/// R of Z^T = Q R, for rows whose products would lose digits: R^T R is K.
pub(super) struct Across {
    /// (rows, n)
    upper: Vec<f64>,
    /// The longest row.
    size: f64,
}

impl Across {
    /// Triangularises.
    pub fn new(rows: &FewRows) -> Self {
        let matrix = faer::Mat::from_fn(rows.d, rows.n, |f, i| rows.turned[f * rows.n + i]);
        let size = (0..rows.n).fold(0.0, |most: f64, i| most.max(rows.kernel[i * rows.n + i]));
        Across { upper: super::triangle::upper(&matrix), size: size.sqrt() }
    }

    /// As [`Eigen::inverse`].
    pub fn inverse(&self, rows: &FewRows, alpha: f64) -> (Vec<f64>, Vec<f64>) {
        /// Of the longest row: what is left out below it changes nothing that f64 shows, and rows that are the same keep digits.
        const LEAST: f64 = 1e-10;
        let (n, t) = (rows.n, rows.t);
        let above = self.upper.len() / n;
        let size = if self.size > 0.0 { self.size } else { 1.0 };
        let alpha = alpha.max((LEAST * size).powi(2));
        // (K + alpha + size^2 taken taken^T) = T^T T
        let stacked = faer::Mat::from_fn(above + n + 1, n, |i, j| {
            if i < above {
                self.upper[i * n + j]
            } else if i < above + n {
                if i - above == j { alpha.sqrt() } else { 0.0 }
            } else {
                rows.taken.get(j).map_or(0.0, |taken| size * taken)
            }
        });
        let upper = super::triangle::upper(&stacked);
        let upper = faer::MatRef::from_row_major_slice(&upper, n, n);
        let mut inverse = faer::Mat::<f64>::identity(n, n);
        solve_upper_triangular_in_place(upper, inverse.as_mut(), Par::Seq);
        let solved = &inverse * (inverse.transpose() * faer::MatRef::from_row_major_slice(&rows.targets, n, t));
        let own = |i: usize| rows.taken.get(i).map_or(0.0, |taken| taken * taken / (alpha + size * size));
        let mut diagonal = vec![0.0; n];
        for k in 0..n {
            diagonal.iter_mut().zip(inverse.col(k).iter()).for_each(|(sum, x)| *sum += x * x);
        }
        diagonal.iter_mut().enumerate().for_each(|(i, sum)| *sum -= own(i));
        ((0..n * t).map(|at| solved[(at / t, at % t)]).collect(), diagonal)
    }
}
