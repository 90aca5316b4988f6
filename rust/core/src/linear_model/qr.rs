//! Householder's triangularisation with column pivoting, of a matrix that memory holds: for its rank, for the solution of least
//! norm, and as the solver inside iterative refinement, which needs Q.
//!
//! Quintana-Ortí, Sun and Bischof (1998), "A BLAS-3 version of the QR factorization with column pivoting": of the columns
//! behind a panel only the row that choosing pivots asks for is kept up to date, and the rest follows once a panel. Their
//! lengths are brought up to date, too, and measured again where that has cancelled (Drmač and Bujanović 2008).

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::{add_scaled, dot};
use crate::error::Result;
use crate::kernels::simd::{Level, Simd, Task};
use crate::run::Run;

/// Columns after which those behind are brought up to date.
const PANEL: usize = 32;

/// A P = Q R.
pub struct Householder {
    /// Column after column, of `n` values each: R above and on the diagonal, the reflectors below, without their leading 1.
    values: Vec<f64>,
    n: usize,
    tau: Vec<f64>,
    /// Which column of A stands at each place.
    pub order: Vec<usize>,
    /// Columns that are not made of those before them.
    pub rank: usize,
}

/// The state of a triangularisation.
struct Work {
    values: Vec<f64>,
    n: usize,
    order: Vec<usize>,
    /// Of what is left of each column: as brought up to date, and as last measured.
    lengths: Vec<(f64, f64)>,
    tau: Vec<f64>,
}

impl Householder {
    /// Triangularises `p` columns of `n` values, one after the other. The first `fixed` keep their places, the largest remaining
    /// one comes next; a remainder of at most `cutoff` times the first free one counts as nothing.
    pub fn new(values: Vec<f64>, (n, p): (usize, usize), fixed: usize, cutoff: f64, run: &Run<'_>) -> Result<Self> {
        let length = |j: usize| dot(&values[j * n..][..n], &values[j * n..][..n]).sqrt();
        let lengths = (0..p).map(length).map(|length| (length, length)).collect();
        let mut work = Work { values, n, order: (0..p).collect(), lengths, tau: Vec::new() };
        let mut first = None;
        while work.tau.len() < n.min(p) {
            if !work.panel(fixed, cutoff, &mut first, run)? {
                break;
            }
        }
        let Work { values, order, tau, .. } = work;
        let rank = tau.len();
        Ok(Householder { values, n, tau, order, rank })
    }

    fn column(&self, j: usize) -> &[f64] {
        &self.values[j * self.n..][..self.n]
    }

    /// Q^T b in place.
    pub fn apply_transposed(&self, b: &mut [f64]) {
        for (k, &tau) in self.tau.iter().enumerate() {
            reflect(self.column(k), tau, k, b);
        }
    }

    /// Q b in place.
    pub fn apply(&self, b: &mut [f64]) {
        for (k, &tau) in self.tau.iter().enumerate().rev() {
            reflect(self.column(k), tau, k, b);
        }
    }

    /// R11 x = b in place, of the first `rank` columns.
    pub fn solve(&self, b: &mut [f64]) {
        for k in (0..self.rank).rev() {
            b[k] /= self.column(k)[k];
            let x = b[k];
            add_scaled(&mut b[..k], -x, &self.column(k)[..k]);
        }
    }

    /// R11^T x = b in place.
    pub fn solve_transposed(&self, b: &mut [f64]) {
        for k in 0..self.rank {
            b[k] = (b[k] - dot(&self.column(k)[..k], &b[..k])) / self.column(k)[k];
        }
    }

    /// Of (R11 R12) P^T D, D = diag(units), which must not be of full rank in its columns: Q and T with Q T its transpose.
    pub fn across(&self, units: &[f64], run: &Run<'_>) -> Result<Householder> {
        let p = self.order.len();
        let mut rows = vec![0.0; self.rank * p];
        for (k, row) in rows.chunks_exact_mut(p).enumerate() {
            for j in k..p {
                row[self.order[j]] = self.column(j)[k] * units[self.order[j]];
            }
        }
        Householder::new(rows, (p, self.rank), self.rank, 0.0, run)
    }

    /// The x that minimises ||A D x - b||, D = diag(units), for columns of full rank and given Q^T b; in the columns' own order.
    pub fn least_squares(&self, turned: &[f64], units: &[f64]) -> Vec<f64> {
        let mut solved = turned[..self.rank].to_vec();
        self.solve(&mut solved);
        let mut x = vec![0.0; self.order.len()];
        self.order.iter().zip(solved).for_each(|(&f, value)| x[f] = value / units[f]);
        x
    }

    /// Of [`Householder::across`]: the x of least norm with T^T Q^T x = b, of which the first values count.
    pub fn least_norm(&self, b: &[f64]) -> Vec<f64> {
        let mut x = b[..self.rank].to_vec();
        self.solve_transposed(&mut x);
        x.resize(self.n, 0.0);
        self.apply(&mut x);
        x
    }

    /// R at row i and place j.
    pub fn upper(&self, i: usize, j: usize) -> f64 {
        if i > j { 0.0 } else { self.column(j)[i] }
    }
}

impl Work {
    /// Triangularises the next columns; false where nothing is left of all that remain.
    fn panel(&mut self, fixed: usize, cutoff: f64, first: &mut Option<f64>, run: &Run<'_>) -> Result<bool> {
        let (n, p, from) = (self.n, self.order.len(), self.tau.len());
        let width = PANEL.min(n.min(p) - from);
        // (p - from, width): what the columns behind are still to lose of each reflector.
        let mut owed = vec![0.0; (p - from) * width];
        let mut again: Vec<usize> = Vec::new();
        let mut more = true;
        for j in 0..width {
            run.check()?;
            let k = from + j;
            if k >= fixed {
                let rest = self.choose(k, from, width, &mut owed);
                if rest <= cutoff * *first.get_or_insert(rest) {
                    more = false;
                    break;
                }
            }
            self.reflector(k, from, &owed[j * width..][..j]);
            self.owe(k, from, width, &mut owed, run)?;
            self.shorten(k, &mut again);
            if !again.is_empty() {
                break;
            }
        }
        if more {
            self.pay(from, width, &owed, run)?;
            let k = self.tau.len();
            for at in again {
                let left = &self.values[at * n + k..(at + 1) * n];
                let length = dot(left, left).sqrt();
                self.lengths[at] = (length, length);
            }
        }
        Ok(more)
    }

    /// Brings the longest of the columns from k on to place k, the first of equals; returns its length.
    fn choose(&mut self, k: usize, from: usize, width: usize, owed: &mut [f64]) -> f64 {
        let (mut largest, mut at) = (-1.0, k);
        for (place, (length, _)) in self.lengths.iter().enumerate().skip(k) {
            if *length > largest {
                (largest, at) = (*length, place);
            }
        }
        if at != k {
            let (before, behind) = self.values.split_at_mut(at * self.n);
            before[k * self.n..][..self.n].swap_with_slice(&mut behind[..self.n]);
            let (before, behind) = owed.split_at_mut((at - from) * width);
            before[(k - from) * width..][..width].swap_with_slice(&mut behind[..width]);
            self.order.swap(k, at);
            self.lengths.swap(k, at);
        }
        largest.max(0.0)
    }

    /// Pays what column k owes to the reflectors of its panel, and makes its own.
    fn reflector(&mut self, k: usize, from: usize, owed: &[f64]) {
        let n = self.n;
        let (before, behind) = self.values.split_at_mut(k * n);
        let column = &mut behind[k..n];
        for (other, owed) in before[from * n..].chunks_exact(n).zip(owed) {
            add_scaled(column, -owed, &other[k..]);
        }
        let norm = dot(column, column).sqrt();
        if norm == 0.0 {
            self.tau.push(0.0);
            return;
        }
        let head = column[0];
        let diagonal = if head > 0.0 { -norm } else { norm };
        let divisor = head - diagonal;
        column[1..].iter_mut().for_each(|v| *v /= divisor);
        column[0] = diagonal;
        self.tau.push(-divisor / diagonal);
    }

    /// Finds what the columns behind k owe to its reflector, and pays it in row k.
    fn owe(&mut self, k: usize, from: usize, width: usize, owed: &mut [f64], run: &Run<'_>) -> Result<()> {
        let (n, p, j, tau) = (self.n, self.order.len(), k - from, self.tau[k]);
        let (before, behind) = self.values.split_at_mut((k + 1) * n);
        let reflector = &before[k * n + k + 1..];
        // The columns behind are as they were before this panel: what it takes of them is seen through its own reflectors.
        let overlaps: Vec<f64> =
            before[from * n..k * n].chunks_exact(n).map(|v| v[k] + dot(&v[k + 1..], reflector)).collect();
        let heads: Vec<f64> = before[from * n..k * n].chunks_exact(n).map(|v| v[k]).collect();
        let chunk = p.div_ceil(8).max(16);
        let tasks: Vec<_> =
            behind.chunks_mut(chunk * n).zip(owed[(j + 1) * width..].chunks_mut(chunk * width)).collect();
        let work = (n - k).saturating_mul(p - k);
        let level = Level::detect();
        let (overlaps, heads) = (&overlaps[..], &heads[..]);
        run.map(tasks, work, |(columns, owed), _| {
            level.run(Owe { columns, owed, n, width, k, tau, reflector, overlaps, heads });
            Ok(())
        })?;
        Ok(())
    }

    /// Brings the lengths up to date after row k; those that cancelled are named.
    fn shorten(&mut self, k: usize, again: &mut Vec<usize>) {
        /// Half of the digits.
        const CANCELLED: f64 = 1.5e-8;
        for (at, (length, measured)) in self.lengths.iter_mut().enumerate().skip(k + 1) {
            if *length == 0.0 {
                continue;
            }
            let left = (1.0 - (self.values[at * self.n + k] / *length).powi(2)).max(0.0);
            if left * (*length / *measured).powi(2) <= CANCELLED {
                again.push(at);
            } else {
                *length *= left.sqrt();
            }
        }
    }

    /// Takes from the columns behind a panel what they owe to its reflectors, below their last row.
    fn pay(&mut self, from: usize, width: usize, owed: &[f64], run: &Run<'_>) -> Result<()> {
        let (n, p, k) = (self.n, self.order.len(), self.tau.len());
        let many = k - from;
        if k == p || k == n || many == 0 {
            return Ok(());
        }
        let (before, behind) = self.values.split_at_mut(k * n);
        let reflectors = MatRef::from_column_major_slice_with_stride(&before[from * n + k..], n - k, many, n);
        let chunk = p.div_ceil(16).max(16);
        let tasks: Vec<_> = behind.chunks_mut(chunk * n).zip(owed[many * width..].chunks(chunk * width)).collect();
        let work = (n - k).saturating_mul(p - k).saturating_mul(many);
        run.map(tasks, work, |(columns, owed), pulse| {
            pulse.check()?;
            let wide = columns.len() / n;
            let columns = MatMut::from_column_major_slice_with_stride_mut(&mut columns[k..], n - k, wide, n);
            let owed = MatRef::from_column_major_slice_with_stride(owed, many, wide, width);
            matmul(columns, Accum::Add, reflectors, owed, -1.0, Par::Seq);
            Ok(())
        })?;
        Ok(())
    }
}

/// b -= tau v (v . b) from place k on, where v is 1 there and `pivot` behind.
#[inline(always)]
fn reflect(pivot: &[f64], tau: f64, k: usize, b: &mut [f64]) {
    let factor = tau * (b[k] + dot(&pivot[k + 1..], &b[k + 1..]));
    b[k] -= factor;
    add_scaled(&mut b[k + 1..], -factor, &pivot[k + 1..]);
}

/// A reflector's dues of some columns behind it.
struct Owe<'a> {
    columns: &'a mut [f64],
    owed: &'a mut [f64],
    n: usize,
    width: usize,
    k: usize,
    tau: f64,
    reflector: &'a [f64],
    overlaps: &'a [f64],
    heads: &'a [f64],
}

impl Task<f64> for Owe<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) {
        let Owe { columns, owed, n, width, k, tau, reflector, overlaps, heads } = self;
        for (column, owed) in columns.chunks_exact_mut(n).zip(owed.chunks_exact_mut(width)) {
            let known = &owed[..heads.len()];
            let product = column[k] + dot(&column[k + 1..], reflector) - dot(known, overlaps);
            column[k] -= dot(known, heads) + tau * product;
            owed[heads.len()] = tau * product;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_three_points() {
        let qr = Householder::new(vec![1.0, 1.0, 1.0, 0.0, 1.0, 2.0], (3, 2), 1, 1e-15, &Run::alone()).unwrap();
        let mut b = vec![1.0, 3.0, 5.0];
        qr.apply_transposed(&mut b);
        let x = qr.least_squares(&b, &[1.0, 1.0]);
        assert!((x[0] - 1.0).abs() < 1e-14 && (x[1] - 2.0).abs() < 1e-14);
        qr.apply(&mut b);
        assert!((b[2] - 5.0).abs() < 1e-14);
        assert!((qr.upper(0, 0) + 3.0_f64.sqrt()).abs() < 1e-15 && qr.upper(1, 0) == 0.0);
    }

    #[test]
    fn twins_share_their_weight() {
        let columns = vec![1.0, 0.0, 2.0, 1.0, 0.0, 2.0, 0.0, 1.0, 0.0];
        let qr = Householder::new(columns, (3, 3), 0, 1e-14, &Run::alone()).unwrap();
        assert_eq!(qr.rank, 2);
        let mut b = vec![2.0, 3.0, 4.0];
        qr.apply_transposed(&mut b);
        let x = qr.across(&[1.0; 3], &Run::alone()).unwrap().least_norm(&b);
        assert!((x[0] - 1.0).abs() < 1e-14 && (x[1] - 1.0).abs() < 1e-14 && (x[2] - 3.0).abs() < 1e-14);
    }

    #[test]
    fn panels_say_what_one_column_at_a_time_says() {
        // More than two panels, columns of falling length and some that are made of others.
        for (n, p) in [(90, 70), (40, 130)] {
            let value = |i: usize, j: usize| ((i * 7 + j * 13) as f64 * 0.37).sin() + ((i * j) as f64 * 0.11).cos();
            let mut columns: Vec<f64> =
                (0..p).flat_map(|j| (0..n).map(move |i| value(i, j) * 0.9_f64.powi(j as i32))).collect();
            for i in 0..n {
                columns[5 * n + i] = columns[i] - 2.0 * columns[n + i];
            }
            let qr = Householder::new(columns.clone(), (n, p), 0, 1e-13, &Run::alone()).unwrap();
            let threads =
                Householder::new(columns.clone(), (n, p), 0, 1e-13, &Run::new(3, &crate::run::Unattended)).unwrap();
            assert_eq!(qr.values, threads.values);
            assert_eq!(qr.rank, if n > p { p - 1 } else { n });
            for (place, &j) in qr.order.iter().enumerate() {
                let mut turned = columns[j * n..][..n].to_vec();
                qr.apply_transposed(&mut turned);
                for (i, x) in turned.iter().enumerate() {
                    let want = if i < qr.rank { qr.upper(i, place) } else { 0.0 };
                    assert!((x - want).abs() < 1e-12, "{n} {p} {place} {i}: {x} {want}");
                }
            }
            let diagonal: Vec<f64> = (0..qr.rank).map(|k| qr.upper(k, k).abs()).collect();
            assert!(diagonal.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-6)));
        }
    }
}
