//! Penalised least squares on the triangle of the rows, for any penalty down to none at all, and any rows.
//!
//! The triangle is triangularised again with the penalty below it, which loses what the data lose and no more. Where columns
//! depend on each other, b is sought among the combinations of rows first: there every direction is one of which the data say
//! something, and as alpha falls b becomes the solution of least norm.

use faer::Par;
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};

use super::cholesky::Cholesky;
use super::least_squares::cutoff;
use super::leave_one_out::Seen;
use super::normal::{Frame, blame};
use super::qr::Householder;
use super::triangle::{self, Triangle};
use crate::error::Result;
use crate::float::Float;
use crate::rows::Rows;
use crate::run::Run;

/// The condition of unit columns beyond which pivoting is asked for their rank.
const DOUBTFUL: f64 = 1e10;

/// min ||A c - q||^2 + alpha ||penalty c||^2, where b follows from c.
pub(super) struct Penalised {
    /// (height, r + t), row after row: A and q.
    values: Vec<f64>,
    height: usize,
    r: usize,
    t: usize,
    /// (r,)
    penalty: Vec<f64>,
    /// Q in b = Q c / unit, where columns depend on each other.
    basis: Option<(Householder, f64)>,
    /// (d + t,), as the frame has them.
    scale: Vec<f64>,
    /// (d + t,), in the user's units.
    means: Vec<f64>,
}

/// For one penalty.
pub(super) struct Solved {
    /// T (r, r) with T^T T = A^T A + alpha.
    upper: faer::Mat<f64>,
    /// (r, t)
    c: faer::Mat<f64>,
}

impl Penalised {
    /// Triangularises the rows.
    pub fn new<F: Float>(
        rows: &Rows<'_, F>,
        targets: &[f64],
        roots: Option<&[f64]>,
        frame: &Frame,
        run: &Run<'_>,
    ) -> Result<Self> {
        let (n, d) = (rows.n(), rows.d());
        let mut triangle = Triangle::new(rows, targets, roots, frame, &vec![1.0; d], run)?;
        if let Some(at) = triangle.values.iter().position(|r| !r.is_finite()) {
            return Err(blame(rows, at % triangle.many));
        }
        let t = triangle.many - d;
        let mean =
            |f: usize| frame.shift[f] + triangle.heads.get(f).map_or(0.0, |head| head / triangle.lead / frame.scale[f]);
        let means = (0..d + t).map(mean).collect();
        let lengths = triangle.lengths(d, cutoff(n, d));
        let scale = frame.scale.clone();
        let (height, many) = (triangle.rows(), triangle.many);
        if height >= d && condition(&triangle, &lengths) <= DOUBTFUL {
            let penalty = scale[..d].to_vec();
            return Ok(Penalised { values: triangle.values, height, r: d, t, penalty, basis: None, scale, means });
        }
        run.check()?;
        let unit_columns =
            (0..d).flat_map(|f| triangle.column(f).into_iter().map(|r| r / lengths[f]).collect::<Vec<_>>());
        let qr = Householder::new(unit_columns.collect(), (height, d), 0, cutoff(n, d), run)?;
        // Of b in the user's units: the largest must not overflow when it is squared.
        let units: Vec<f64> = (0..d).map(|f| lengths[f] / scale[f]).collect();
        let unit = (0..d).filter(|&f| qr.order[..qr.rank].contains(&f)).fold(0.0, |most: f64, f| most.max(units[f]));
        let unit = if unit > 0.0 { unit } else { 1.0 };
        let relative: Vec<f64> = units.iter().map(|u| u / unit).collect();
        let across = qr.across(&relative, run)?;
        let r = qr.rank;
        let mut values = vec![0.0; r * (r + t)];
        for k in 0..r {
            for j in 0..=k {
                values[k * (r + t) + j] = across.upper(j, k); // the transpose
            }
        }
        for s in 0..t {
            let mut turned: Vec<f64> = triangle.values.iter().skip(d + s).step_by(many).copied().collect();
            qr.apply_transposed(&mut turned);
            (0..r).for_each(|k| values[k * (r + t) + r + s] = turned[k]);
        }
        let penalty = vec![1.0 / unit; r];
        Ok(Penalised { values, height: r, r, t, penalty, basis: Some((across, unit)), scale, means })
    }

    /// Means of columns and targets (d + t,).
    pub fn means(&self) -> Vec<f64> {
        self.means.clone()
    }

    /// How many columns do not depend on others.
    pub fn rank(&self) -> usize {
        self.r
    }

    /// With the penalty.
    pub fn solve(&self, alpha: f64) -> Solved {
        /// The square of what is added must be finite; beyond it there is nothing that the data could say.
        const MOST: f64 = 1e150;
        let (height, r, t) = (self.height, self.r, self.t);
        let many = r + t;
        let stacked = faer::Mat::from_fn(height + r, many, |i, j| {
            if i < height {
                self.values[i * many + j]
            } else if i - height == j {
                (alpha.sqrt() * self.penalty[j]).min(MOST)
            } else {
                0.0
            }
        });
        let found = triangle::upper(&stacked);
        let rows = found.len() / many.max(1);
        let at = |i: usize, j: usize| if i < rows { found[i * many + j] } else { 0.0 };
        let upper = faer::Mat::from_fn(r, r, at);
        let mut c = faer::Mat::from_fn(r, t, |i, s| at(i, r + s));
        solve_upper_triangular_in_place(upper.as_ref(), c.as_mut(), Par::Seq);
        Solved { upper, c }
    }

    /// b (d,) of a target.
    pub fn coef(&self, solved: &Solved, s: usize) -> Vec<f64> {
        let d = self.scale.len() - self.t;
        let scale = self.scale[d + s];
        let mut c: Vec<f64> = (0..self.r).map(|k| solved.c[(k, s)]).collect();
        if let Some((basis, unit)) = &self.basis {
            c.resize(d, 0.0);
            basis.apply(&mut c);
            return c.iter().map(|b| b / unit / scale).collect();
        }
        c.iter().zip(&self.scale).map(|(b, own)| b * own / scale).collect()
    }

    /// Of centred rows (many, d) what stands beside c in their predictions: (r, many).
    pub fn coordinates(&self, block: &[f64], many: usize) -> faer::Mat<f64> {
        let d = block.len() / many;
        if let Some((basis, unit)) = &self.basis {
            let turned: Vec<Vec<f64>> = block
                .chunks_exact(d)
                .map(|row| {
                    let mut row: Vec<f64> = row.iter().map(|x| x / unit).collect();
                    basis.apply_transposed(&mut row);
                    row
                })
                .collect();
            return faer::Mat::from_fn(self.r, many, |k, i| turned[i][k]);
        }
        faer::Mat::from_fn(d, many, |f, i| block[i * d + f] * self.scale[f])
    }

    /// What a penalty says of rows, given their coordinates.
    pub fn seen(&self, solved: &Solved, coordinates: &faer::Mat<f64>) -> Seen {
        let (d, many) = (self.scale.len() - self.t, coordinates.ncols());
        let found = solved.c.transpose() * coordinates;
        let predicted = (0..many).flat_map(|i| (0..self.t).map(move |s| (s, i)));
        let predicted = predicted.map(|(s, i)| found[(s, i)] / self.scale[d + s]).collect();
        let mut turned = coordinates.to_owned();
        solve_lower_triangular_in_place(solved.upper.transpose(), turned.as_mut(), Par::Seq);
        let squares = (0..many).map(|i| turned.col(i).iter().map(|x| x * x).sum()).collect();
        Seen { squares, predicted }
    }
}

/// Of the triangle's unit columns; infinite where one is zero.
fn condition(triangle: &Triangle, lengths: &[f64]) -> f64 {
    let d = lengths.len();
    let factor = Cholesky::of_upper(|i, f| triangle.values[i * triangle.many + f] / lengths[f], d);
    // The norm of the products of unit columns is at most their number.
    factor.map_or(f64::INFINITY, |factor| factor.condition(d as f64).sqrt())
}
