//! Euclidean distances from one CSR row to all others, over the values that both store.
//!
//! `||x - y||^2 = ||x||^2 + ||y||^2 - 2 x.y`, where x.y of all rows y comes from the columns that x stores. The
//! difference errs by some roundings of the norms; where that is not small against it, the two rows are walked side by
//! side and their differences added up.

use crate::float::Float;
use crate::rows::{Csr, Rows};

/// The rows' cells by column, their rows counted in `order`.
pub struct Columns {
    /// Column f is `starts[f]..starts[f + 1]`.
    starts: Vec<usize>,
    places: Vec<u32>,
    values: Vec<f64>,
    /// ||y||^2 by place.
    norms: Vec<f64>,
}

impl Columns {
    /// Transposes `rows`, taken in `order`.
    pub fn new<F: Float>(rows: &Csr<'_, F>, order: &[u32]) -> Columns {
        let mut starts = vec![0; rows.d() + 1];
        for &i in order {
            rows.row(i as usize).0.iter().for_each(|&f| starts[f as usize + 1] += 1);
        }
        for f in 0..rows.d() {
            starts[f + 1] += starts[f];
        }
        let mut next = starts.clone();
        let stored = starts[rows.d()];
        let (mut places, mut values) = (vec![0; stored], vec![0.0; stored]);
        let mut norms = vec![0.0; order.len()];
        for (place, &i) in order.iter().enumerate() {
            Rows::Csr(*rows).for_cells(i as usize, |f, value| {
                places[next[f]] = place as u32;
                values[next[f]] = value;
                next[f] += 1;
                norms[place] += value * value;
            });
        }
        Columns { starts, places, values, norms }
    }

    /// Writes the distance of row i to every row of `order`.
    pub fn distances<F: Float>(&self, rows: &Csr<'_, F>, order: &[u32], i: usize, distances: &mut Vec<f64>) {
        distances.clear();
        distances.resize(order.len(), 0.0);
        let mut norm = 0.0;
        Rows::Csr(*rows).for_cells(i, |f, x| {
            norm += x * x;
            let column = self.starts[f]..self.starts[f + 1];
            for (&place, value) in self.places[column.clone()].iter().zip(&self.values[column]) {
                distances[place as usize] += x * value;
            }
        });
        // Each of the norms and the product errs by at most a rounding a term and one for the sum.
        let roundings = 4.0 * (rows.row(i).0.len() as f64 + 4.0) * f64::UNIT_ROUNDOFF;
        for ((distance, &other), other_norm) in distances.iter_mut().zip(order).zip(&self.norms) {
            let norms = norm + other_norm;
            let square = norms - 2.0 * *distance;
            *distance = if roundings * norms <= 1e-10 * square {
                square.sqrt()
            } else if other as usize == i {
                0.0
            } else {
                squared_difference(rows.row(i), rows.row(other as usize)).sqrt()
            };
        }
    }
}

/// ||x - y||^2, column by column.
fn squared_difference<F: Float>(x: (&[i32], &[F]), y: (&[i32], &[F])) -> f64 {
    let (mut a, mut b, mut sum) = (0, 0, 0.0);
    while a < x.0.len() || b < y.0.len() {
        let column = |cells: &[i32], at: usize| cells.get(at).copied().unwrap_or(i32::MAX);
        let (f, g) = (column(x.0, a), column(y.0, b));
        let mut difference = 0.0;
        if f <= g {
            difference = x.1[a].to_f64();
            a += 1;
        }
        if g <= f {
            difference -= y.1[b].to_f64();
            b += 1;
        }
        sum += difference * difference;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancellation_is_seen() {
        // Rows 0 and 1 differ by 1e-7 beside a norm of 1e16; row 2 shares no column with them; row 3 is empty.
        let values = [1e8, 1.0, 1e8, 1.0 + 1e-7, 3.0];
        let columns = [0, 2, 0, 2, 1];
        let starts = [0, 2, 4, 5, 5];
        let rows = Csr::new(&values, &columns, &starts, 3).unwrap();
        let order = [3, 1, 2, 0];
        let index = Columns::new(&rows, &order);
        let mut found = Vec::new();
        index.distances(&rows, &order, 0, &mut found);
        let want = [1e16_f64.hypot(1.0).min(1e8), 1.0 + 1e-7 - 1.0, (1e16_f64 + 10.0).sqrt(), 0.0];
        for (found, want) in found.iter().zip(want) {
            assert!((found - want).abs() <= 1e-12 * want, "{found} is not {want}");
        }
        index.distances(&rows, &order, 3, &mut found);
        assert_eq!(found[0], 0.0);
        assert_eq!(found[2], 3.0);
    }
}
