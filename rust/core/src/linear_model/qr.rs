//! Householder's triangularisation with column pivoting, of a matrix that memory holds: for its rank, for the solution of least
//! norm, and as the solver inside iterative refinement, which needs Q.

use super::{add_scaled, dot};

/// Columns, each of `n` values: A P = Q R.
pub struct Householder {
    /// Column after column: R above and on the diagonal, the reflectors below; the diagonal of reflectors is 1.
    columns: Vec<Vec<f64>>,
    tau: Vec<f64>,
    /// Which column of A stands at each place.
    pub order: Vec<usize>,
    /// Columns that are not made of those before them.
    pub rank: usize,
}

impl Householder {
    /// Triangularises. The first `fixed` columns keep their places, the largest remaining one comes next; a remainder of at
    /// most `cutoff` times the first free one counts as nothing.
    pub fn new(mut columns: Vec<Vec<f64>>, n: usize, fixed: usize, cutoff: f64) -> Self {
        let p = columns.len();
        let mut order: Vec<usize> = (0..p).collect();
        let mut tau = Vec::new();
        let mut first = None;
        for k in 0..n.min(p) {
            let size = |column: &Vec<f64>| dot(&column[k..], &column[k..]);
            if k >= fixed {
                // The first of equals.
                let (mut largest, mut at) = (-1.0, k);
                for (j, column) in columns.iter().enumerate().skip(k) {
                    let size = size(column);
                    if size > largest {
                        (largest, at) = (size, j);
                    }
                }
                columns.swap(k, at);
                order.swap(k, at);
                let rest = largest.max(0.0).sqrt();
                let first = *first.get_or_insert(rest);
                if rest <= cutoff * first {
                    break;
                }
            }
            let (done, todo) = columns.split_at_mut(k + 1);
            let pivot = &mut done[k];
            let norm = dot(&pivot[k..], &pivot[k..]).sqrt();
            if norm == 0.0 {
                tau.push(0.0);
                continue;
            }
            let head = pivot[k];
            let diagonal = if head > 0.0 { -norm } else { norm };
            let divisor = head - diagonal;
            pivot[k + 1..].iter_mut().for_each(|v| *v /= divisor);
            pivot[k] = diagonal;
            tau.push(-divisor / diagonal);
            for column in todo {
                reflect(pivot, tau[k], k, column);
            }
        }
        let rank = tau.len();
        Householder { columns, tau, order, rank }
    }

    /// Q^T b in place.
    pub fn apply_transposed(&self, b: &mut [f64]) {
        for (k, &tau) in self.tau.iter().enumerate() {
            reflect(&self.columns[k], tau, k, b);
        }
    }

    /// Q b in place.
    pub fn apply(&self, b: &mut [f64]) {
        for (k, &tau) in self.tau.iter().enumerate().rev() {
            reflect(&self.columns[k], tau, k, b);
        }
    }

    /// R11 x = b in place, of the first `rank` columns.
    pub fn solve(&self, b: &mut [f64]) {
        for k in (0..self.rank).rev() {
            b[k] /= self.columns[k][k];
            let x = b[k];
            add_scaled(&mut b[..k], -x, &self.columns[k][..k]);
        }
    }

    /// R11^T x = b in place.
    pub fn solve_transposed(&self, b: &mut [f64]) {
        for k in 0..self.rank {
            b[k] = (b[k] - dot(&self.columns[k][..k], &b[..k])) / self.columns[k][k];
        }
    }

    /// The x of least norm among those that minimise ||A D x - b|| with D = diag(units), given Q^T b; in the columns' own order.
    pub fn least_norm(&self, turned: &[f64], units: &[f64]) -> Vec<f64> {
        let (p, rank) = (self.columns.len(), self.rank);
        let mut x = vec![0.0; p];
        if rank == p {
            let mut solved = turned[..p].to_vec();
            self.solve(&mut solved);
            self.order.iter().zip(solved).for_each(|(&f, value)| x[f] = value / units[f]);
            return x;
        }
        // (R11 R12) P^T D x = c, as rows of length p: x = Q (T^T)^-1 c where their transpose is Q T.
        let rows = (0..rank)
            .map(|k| {
                let mut row = vec![0.0; p];
                for j in k..p {
                    row[self.order[j]] = self.columns[j][k] * units[self.order[j]];
                }
                row
            })
            .collect();
        let across = Householder::new(rows, p, rank, 0.0);
        x[..rank].copy_from_slice(&turned[..rank]);
        across.solve_transposed(&mut x[..rank]);
        across.apply(&mut x);
        x
    }

    /// R at row i and place j.
    pub fn upper(&self, i: usize, j: usize) -> f64 {
        if i > j { 0.0 } else { self.columns[j][i] }
    }
}

/// b -= tau v (v . b) from place k on, where v is 1 there and `pivot` behind.
#[inline(always)]
fn reflect(pivot: &[f64], tau: f64, k: usize, b: &mut [f64]) {
    let factor = tau * (b[k] + dot(&pivot[k + 1..], &b[k + 1..]));
    b[k] -= factor;
    add_scaled(&mut b[k + 1..], -factor, &pivot[k + 1..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_three_points() {
        let columns = vec![vec![1.0, 1.0, 1.0], vec![0.0, 1.0, 2.0]];
        let qr = Householder::new(columns, 3, 1, 1e-15);
        let mut b = vec![1.0, 3.0, 5.0];
        qr.apply_transposed(&mut b);
        let x = qr.least_norm(&b, &[1.0, 1.0]);
        assert!((x[0] - 1.0).abs() < 1e-14 && (x[1] - 2.0).abs() < 1e-14);
        qr.apply(&mut b);
        assert!((b[2] - 5.0).abs() < 1e-14);
        assert!((qr.upper(0, 0) + 3.0_f64.sqrt()).abs() < 1e-15 && qr.upper(1, 0) == 0.0);
    }

    #[test]
    fn twins_share_their_weight() {
        let columns = vec![vec![1.0, 0.0, 2.0], vec![1.0, 0.0, 2.0], vec![0.0, 1.0, 0.0]];
        let qr = Householder::new(columns, 3, 0, 1e-14);
        assert_eq!(qr.rank, 2);
        let mut b = vec![2.0, 3.0, 4.0];
        qr.apply_transposed(&mut b);
        let x = qr.least_norm(&b, &[1.0; 3]);
        assert!((x[0] - 1.0).abs() < 1e-14 && (x[1] - 1.0).abs() < 1e-14 && (x[2] - 3.0).abs() < 1e-14);
    }
}
