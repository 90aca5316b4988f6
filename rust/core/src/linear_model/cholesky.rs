//! Cholesky factors of symmetric matrices, by faer, and an estimate of their condition (Hager 1984, Higham 1988).

use super::{add_scaled, dot};

/// L (d, d) with L L^T = A, row after row, zeros above the diagonal.
pub struct Cholesky {
    lower: Vec<f64>,
    d: usize,
}

impl Cholesky {
    /// Factors A (d, d), read below the diagonal; nothing where it is not positive definite.
    pub fn new(matrix: &[f64], d: usize) -> Option<Self> {
        let view = faer::MatRef::from_row_major_slice(matrix, d, d);
        let found = view.llt(faer::Side::Lower).ok()?;
        let from = found.L();
        let mut lower = vec![0.0; d * d];
        for f in 0..d {
            let column = from.col(f).try_as_col_major()?.as_slice();
            for g in f..d {
                lower[g * d + f] = column[g];
            }
        }
        let sound = (0..d).all(|f| lower[f * d + f].is_normal()) && lower.iter().all(|l| l.is_finite());
        sound.then_some(Cholesky { lower, d })
    }

    /// The factor whose transpose's value at row f and column g, on the diagonal and above, is `upper(f, g)`.
    pub fn of_upper(upper: impl Fn(usize, usize) -> f64, d: usize) -> Option<Self> {
        let mut lower = vec![0.0; d * d];
        for g in 0..d {
            (0..=g).for_each(|f| lower[g * d + f] = upper(f, g));
        }
        let sound = (0..d).all(|f| lower[f * d + f].is_normal()) && lower.iter().all(|l| l.is_finite());
        sound.then_some(Cholesky { lower, d })
    }

    /// Row f of L, to the diagonal.
    pub fn row(&self, f: usize) -> &[f64] {
        &self.lower[f * self.d..][..=f]
    }

    /// Solves A x = b in place.
    pub fn solve(&self, b: &mut [f64]) {
        let d = self.d;
        for f in 0..d {
            let row = self.row(f);
            b[f] = (b[f] - dot(&row[..f], &b[..f])) / row[f];
        }
        for f in (0..d).rev() {
            let row = self.row(f);
            b[f] /= row[f];
            let x = b[f];
            add_scaled(&mut b[..f], -x, &row[..f]);
        }
    }

    /// An estimate, rarely less than a third of it and never more, of the condition of A in the 1-norm, which is at least that
    /// in the 2-norm. A bound from the diagonal of L would be cheaper and can be wrong by 2^d.
    pub fn condition(&self, norm: f64) -> f64 {
        let d = self.d;
        let mut x = vec![1.0 / d as f64; d];
        let mut estimate = 0.0_f64;
        let mut visited = usize::MAX;
        for _ in 0..5 {
            self.solve(&mut x);
            let found: f64 = x.iter().map(|x| x.abs()).sum();
            if found <= estimate {
                break;
            }
            estimate = found;
            let mut signs: Vec<f64> = x.iter().map(|&x| if x < 0.0 { -1.0 } else { 1.0 }).collect();
            self.solve(&mut signs);
            let far = signs.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
            let Some((far, _)) = far.filter(|(far, _)| *far != visited) else { break };
            visited = far;
            x.fill(0.0);
            x[far] = 1.0;
        }
        // Higham's second start, for matrices made to deceive the first.
        let mut other: Vec<f64> = (0..d)
            .map(|f| (1.0 + f as f64 / (d as f64 - 1.0).max(1.0)) * if f % 2 == 0 { 1.0 } else { -1.0 })
            .collect();
        self.solve(&mut other);
        let second = 2.0 * other.iter().map(|x| x.abs()).sum::<f64>() / (3.0 * d as f64);
        norm * estimate.max(second)
    }
}

/// The largest column sum of absolute values of a symmetric A (d, d).
pub fn norm(matrix: &[f64], d: usize) -> f64 {
    matrix.chunks_exact(d).map(|row| row.iter().map(|x| x.abs()).sum()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_by_two_on_paper() {
        let matrix = [4.0, 2.0, 2.0, 3.0];
        let factor = Cholesky::new(&matrix, 2).unwrap();
        let mut x = [8.0, 7.0];
        factor.solve(&mut x);
        assert!((x[0] - 1.25).abs() < 1e-15 && (x[1] - 1.5).abs() < 1e-15);
        // The inverse is [3, -2; -2, 4] / 8.
        assert!((factor.condition(norm(&matrix, 2)) - 6.0 * 0.75).abs() < 1e-14);
        assert!(Cholesky::new(&[1.0, 2.0, 2.0, 1.0], 2).is_none());
        assert!(Cholesky::new(&[f64::NAN], 1).is_none());
    }
}
