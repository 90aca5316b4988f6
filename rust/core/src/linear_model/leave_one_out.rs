//! Leave-one-out residuals of ridge regression for many penalties, without a single fit that leaves a row out.
//!
//! Rifkin and Lippert (2007), "Notes on Regularized Least Squares". With Z (n, d) the centred rows, w their weights, W the sum
//! of these and H = Z^T diag(w) Z + alpha, what a row leaves of a fit without it is
//!
//! r_i / (1 - w_i z_i^T H^-1 z_i - w_i / W), where r_i is what it leaves of the fit with it; w_i / W is the intercept's.
//!
//! Of more rows than columns one decomposition of Z^T diag(w) Z serves all penalties: in the coordinates of its
//! eigenvectors H is diagonal. Where that would lose digits, the triangle of the rows takes its place, penalty by penalty. Of
//! no more rows than columns the same is done with the products of the rows, K = Z Z^T (each row times the root of its
//! weight): the residual is c_i / (d_i root w_i), c = (K + alpha)^-1 y and d the diagonal of that inverse, on the rows that
//! are orthogonal to the roots of the weights.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::few_rows::FewRows;
use super::least_squares::roots;
use super::normal::{Frame, Normal};
use super::penalised::Penalised;
use super::{checked, few_rows, ridge};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::memory;
use crate::rows::Rows;
use crate::run::{self, Run};

/// The largest ratio of eigenvalues, penalties included, at which their own rounding leaves eight digits.
const RATIO: f64 = 1e8;
/// What is left of 1 where a row all but decides its own prediction: eight digits are, and the row is left out indeed.
const DECISIVE: f64 = 1e-8;
/// Rows in a block, which stays in the second-level cache with its products.
const BLOCK: usize = 128;

/// For each penalty.
#[derive(Debug)]
pub struct LeftOut {
    /// (a, t): means over the rows of the squares of the residuals, times the weights.
    pub errors: Vec<f64>,
    /// (a, n, t): targets less what fits without the row predict; empty unless asked for.
    pub residuals: Vec<f64>,
}

/// The problem, with targets (n, t), weights (n,) and penalties (a,) above zero.
struct Problem<'a, F> {
    rows: &'a Rows<'a, F>,
    targets: &'a [f64],
    weights: Option<&'a [f64]>,
    alphas: &'a [f64],
    intercept: bool,
    t: usize,
}

/// Residuals of all rows for all penalties, (a, n, t), kept where `keep`.
#[allow(clippy::too_many_arguments)] // the problem
pub fn leave_one_out<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    t: usize,
    weights: Option<&[f64]>,
    alphas: &[f64],
    intercept: bool,
    keep: bool,
    run: &Run<'_>,
) -> Result<LeftOut> {
    checked(rows, targets, t, weights)?;
    if let Some(alpha) = alphas.iter().find(|&&alpha| alpha <= 0.0 || !alpha.is_finite()) {
        return Err(Error::Value(format!("alpha={alpha} must be above zero")));
    }
    let (n, a) = (rows.n(), alphas.len());
    if n < 1 + usize::from(intercept) {
        return Err(Error::Value("leaving one row out needs another one".into()));
    }
    let problem = Problem { rows, targets, weights, alphas, intercept, t };
    let mut residuals = memory::zeros("the residuals of all penalties", a.saturating_mul(n).saturating_mul(t))?;
    let decisive = if n <= rows.d() {
        problem.by_products_of_rows(&mut residuals, run)?
    } else {
        problem.by_columns(&mut residuals, run)?
    };
    for (at, i) in decisive {
        run.check()?;
        let found = problem.without(i, alphas[at], run)?;
        residuals[(at * n + i) * t..][..t].copy_from_slice(&found);
    }
    let mut errors = vec![0.0; a * t];
    for (errors, residuals) in errors.chunks_exact_mut(t).zip(residuals.chunks_exact(n * t)) {
        for (i, row) in residuals.chunks_exact(t).enumerate() {
            let weight = weights.map_or(1.0, |weights| weights[i]);
            errors.iter_mut().zip(row).for_each(|(error, r)| *error += weight * r * r / n as f64);
        }
    }
    if !keep {
        residuals = Vec::new();
    }
    Ok(LeftOut { errors, residuals })
}

/// Penalty and row where the short form has no digits left.
type Decisive = Vec<(usize, usize)>;

impl<F: Float> Problem<'_, F> {
    fn weight(&self, i: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[i])
    }

    /// What row i leaves of a fit without it.
    fn without(&self, i: usize, alpha: f64, run: &Run<'_>) -> Result<Vec<f64>> {
        let (n, d, t) = (self.rows.n(), self.rows.d(), self.t);
        let mut weights = self.weights.map_or_else(|| vec![1.0; n], <[f64]>::to_vec);
        weights[i] = 0.0;
        let target = &self.targets[i * t..][..t];
        if weights.iter().all(|&w| w == 0.0) {
            return Ok(target.to_vec());
        }
        let fit = ridge::fit(self.rows, self.targets, Some(&weights), &vec![alpha; t], self.intercept, run)?;
        let mut cells = vec![0.0; d];
        self.rows.write_row(i, &mut cells);
        let predicted = |s: usize| fit.intercept[s] + super::dot(&fit.coef[s * d..][..d], &cells);
        Ok((0..t).map(|s| target[s] - predicted(s)).collect())
    }

    /// Of more rows than columns.
    fn by_columns(&self, residuals: &mut [f64], run: &Run<'_>) -> Result<Decisive> {
        let d = self.rows.d();
        memory::require("the products of the columns", d.saturating_mul(d).saturating_mul(4 * 8))?;
        let roots = roots(self.weights);
        let roots = roots.as_deref();
        let frame = Frame::new(self.rows, self.targets, self.intercept);
        let normal = Normal::new::<F, f64>(self.rows, self.targets, roots, frame, run)?;
        if !normal.cancelled
            && let Some(turned) = Eigen::new(&normal, self.alphas, self.t)?
        {
            let middle = turned.middle.clone();
            return self.in_blocks(&middle, residuals, run, |block, many| turned.squares(block, many));
        }
        let penalised = Penalised::new(self.rows, self.targets, roots, &normal.frame, run)?;
        let middle: Vec<f64> = if self.intercept { penalised.means() } else { vec![0.0; d + self.t] };
        let solved: Vec<_> =
            self.alphas.iter().map(|&alpha| run.check().map(|()| penalised.solve(alpha))).collect::<Result<_>>()?;
        self.in_blocks(&middle, residuals, run, |block, many| {
            let coordinates = penalised.coordinates(block, many);
            solved.iter().map(|solved| penalised.seen(solved, &coordinates)).collect()
        })
    }

    /// Residuals from what `squares` says of blocks of centred rows: for each penalty z^T H^-1 z and predictions (t,) of each row.
    fn in_blocks(
        &self,
        middle: &[f64],
        residuals: &mut [f64],
        run: &Run<'_>,
        squares: impl Fn(&[f64], usize) -> Vec<Seen> + Sync,
    ) -> Result<Decisive> {
        let (n, d, t, a) = (self.rows.n(), self.rows.d(), self.t, self.alphas.len());
        let total: f64 = (0..n).map(|i| self.weight(i)).sum();
        let parts =
            run.map(run::ranges(n, BLOCK), n.saturating_mul(d).saturating_mul(d), |range: Range<usize>, pulse| {
                pulse.check()?;
                let many = range.len();
                let mut block = vec![0.0; many * d];
                for (i, row) in range.clone().zip(block.chunks_exact_mut(d)) {
                    self.rows.write_row(i, row);
                    row.iter_mut().zip(middle).for_each(|(x, mean)| *x -= mean);
                }
                let (mut found, mut decisive) = (Vec::with_capacity(a * many * t), Vec::new());
                for (at, seen) in squares(&block, many).into_iter().enumerate() {
                    for (at_row, i) in range.clone().enumerate() {
                        let weight = self.weight(i);
                        let own = if self.intercept { weight / total } else { 0.0 };
                        let left = 1.0 - weight * seen.squares[at_row] - own;
                        if left < DECISIVE {
                            decisive.push((at, i));
                        }
                        for s in 0..t {
                            let rest = self.targets[i * t + s] - middle[d + s] - seen.predicted[at_row * t + s];
                            found.push(rest / left.max(DECISIVE));
                        }
                    }
                }
                Ok((range, found, decisive))
            })?;
        let mut all = Vec::new();
        for (range, found, decisive) in parts {
            let length = range.len() * t;
            for (at, found) in found.chunks_exact(length).enumerate() {
                residuals[(at * n + range.start) * t..][..length].copy_from_slice(found);
            }
            all.extend(decisive);
        }
        Ok(all)
    }

    /// Of no more rows than columns.
    fn by_products_of_rows(&self, residuals: &mut [f64], run: &Run<'_>) -> Result<Decisive> {
        let (n, t) = (self.rows.n(), self.t);
        let roots = roots(self.weights);
        let roots = roots.as_deref();
        let frame = Frame::new(self.rows, self.targets, self.intercept);
        let mut rows = FewRows::new(self.rows, self.targets, roots, &frame, run)?;
        let root = |i: usize| roots.map_or(1.0, |roots| roots[i]);
        let heavy: f64 = (0..n).map(|i| root(i) * root(i)).sum();
        run.check()?;
        let least = self.alphas.iter().fold(f64::INFINITY, |least: f64, &alpha| least.min(alpha));
        let eigen = few_rows::Eigen::new(&rows)?;
        let across = if eigen.ratio(least) > RATIO {
            rows.turn(self.rows, roots, run)?;
            Some(few_rows::Across::new(&rows))
        } else {
            None
        };
        let mut decisive = Vec::new();
        for (at, &alpha) in self.alphas.iter().enumerate() {
            run.check()?;
            let (solved, diagonal) = match &across {
                Some(across) => across.inverse(&rows, alpha),
                None => eigen.inverse(alpha),
            };
            for i in 0..n {
                let to = &mut residuals[(at * n + i) * t..][..t];
                if root(i) == 0.0 || (self.intercept && root(i) * root(i) > heavy * (1.0 - DECISIVE)) {
                    decisive.push((at, i));
                    continue;
                }
                to.iter_mut().zip(&solved[i * t..][..t]).for_each(|(r, c)| *r = c / diagonal[i] / root(i));
            }
        }
        Ok(decisive)
    }
}

/// Of the rows of a block: z^T H^-1 z, (rows,), and what a penalty's coefficients predict beyond the means, (rows, t).
pub(super) struct Seen {
    /// (rows,)
    pub squares: Vec<f64>,
    /// (rows, t)
    pub predicted: Vec<f64>,
}

/// Z^T diag(w) Z = V diag(values) V^T, both sides divided by the square of the longest column.
struct Eigen {
    /// (d + t,), means in the user's units.
    middle: Vec<f64>,
    vectors: faer::Mat<f64>,
    /// (d, a), of the inverse of H.
    inverse: faer::Mat<f64>,
    /// (d, a t), coefficients in the eigenvectors' coordinates.
    coef: faer::Mat<f64>,
    unit: f64,
    t: usize,
}

impl Eigen {
    /// Nothing where the eigenvalues' own rounding would show.
    fn new(normal: &Normal, alphas: &[f64], t: usize) -> Result<Option<Self>> {
        let d = normal.norms.len();
        let lengths: Vec<f64> = (0..d).map(|f| normal.norms[f] / normal.frame.scale[f]).collect();
        let varies = |f: usize| normal.gram[f * d + f] > 0.0;
        let longest = (0..d).filter(|&f| varies(f)).fold(0.0, |most: f64, f| most.max(lengths[f]));
        let unit = if longest > 0.0 { longest } else { 1.0 };
        let size = |f: usize| if varies(f) { lengths[f] / unit } else { 0.0 };
        let matrix = faer::Mat::from_fn(d, d, |f, g| normal.gram[f * d + g] * size(f) * size(g));
        let found = matrix.self_adjoint_eigen(faer::Side::Lower);
        let found = found.map_err(|_| Error::Value("the eigenvalues were not found".into()))?;
        let values: Vec<f64> = found.S().column_vector().iter().map(|value| value.max(0.0)).collect();
        let least = alphas.iter().fold(f64::INFINITY, |least: f64, &alpha| least.min(alpha)) / unit / unit;
        let (smallest, largest) =
            values.iter().fold((f64::INFINITY, 0.0), |(least, most): (f64, f64), &v| (least.min(v), most.max(v)));
        if largest > RATIO * (smallest + least) {
            return Ok(None);
        }
        let inverse = faer::Mat::from_fn(d, alphas.len(), |k, at| 1.0 / (values[k] + alphas[at] / unit / unit));
        let cross = faer::Mat::from_fn(d, t, |f, s| normal.cross[s * d + f] * size(f));
        let turned = found.U().transpose() * &cross;
        let coef = faer::Mat::from_fn(d, alphas.len() * t, |k, column| {
            let (at, s) = (column / t, column % t);
            turned[(k, s)] * inverse[(k, at)] / normal.frame.scale[d + s]
        });
        let middle = (0..d + t).map(|f| normal.mean(f)).collect();
        Ok(Some(Eigen { middle, vectors: found.U().to_owned(), inverse, coef, unit, t }))
    }

    fn squares(&self, block: &[f64], many: usize) -> Vec<Seen> {
        let (d, a, t) = (self.vectors.nrows(), self.inverse.ncols(), self.t);
        let block: Vec<f64> = block.iter().map(|x| x / self.unit).collect();
        let mut turned = vec![0.0; many * d];
        let multiply = |to: &mut [f64], columns: usize, left: &[f64], right: MatRef<'_, f64>| {
            let to = MatMut::from_row_major_slice_mut(to, many, columns);
            let left = MatRef::from_row_major_slice(left, many, d);
            matmul(to, Accum::Replace, left, right, 1.0, Par::Seq);
        };
        multiply(&mut turned, d, &block, self.vectors.as_ref());
        let (mut predicted, mut squares) = (vec![0.0; many * a * t], vec![0.0; many * a]);
        multiply(&mut predicted, a * t, &turned, self.coef.as_ref());
        turned.iter_mut().for_each(|x| *x *= *x);
        multiply(&mut squares, a, &turned, self.inverse.as_ref());
        let of = |at: usize| Seen {
            squares: (0..many).map(|i| squares[i * a + at]).collect(),
            predicted: (0..many).flat_map(|i| predicted[(i * a + at) * t..][..t].iter().copied()).collect(),
        };
        (0..a).map(of).collect()
    }
}
