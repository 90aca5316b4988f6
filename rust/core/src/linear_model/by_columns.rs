//! CSR rows turned into columns: products with a vector over the rows are then a sum for each column, which threads share
//! without partial results, and coordinate descent has its columns.

use crate::error::Result;
use crate::float::Float;
use crate::rows::Csr;
use crate::run::{self, Run};

/// Column f holds `values[s..e]` in the rows `at[s..e]`, where `s..e = starts[f]..starts[f + 1]`, rows rising.
pub struct ByColumns<F> {
    starts: Vec<usize>,
    at: Vec<u32>,
    values: Vec<F>,
}

impl<F: Float> ByColumns<F> {
    /// A copy of `rows`, as large as they are.
    pub fn new(rows: &Csr<'_, F>, run: &Run<'_>) -> Result<Self> {
        /// Rows between two looks for Ctrl-C.
        const CHECKED: usize = 4096;
        let (n, d) = (rows.n(), rows.d());
        let mut starts = vec![0_usize; d + 1];
        for i in 0..n {
            rows.row(i).0.iter().for_each(|&f| starts[f as usize + 1] += 1);
        }
        for f in 0..d {
            starts[f + 1] += starts[f];
        }
        let mut next = starts.clone();
        let (mut at, mut values) = (vec![0_u32; starts[d]], vec![F::default(); starts[d]]);
        for i in 0..n {
            if i % CHECKED == 0 {
                run.check()?;
            }
            let (columns, cells) = rows.row(i);
            for (&f, &x) in columns.iter().zip(cells) {
                let next = &mut next[f as usize];
                at[*next] = i as u32;
                values[*next] = x;
                *next += 1;
            }
        }
        Ok(ByColumns { starts, at, values })
    }

    /// Number of columns.
    pub fn d(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of stored values.
    pub fn stored(&self) -> usize {
        self.values.len()
    }

    /// The rows and values of column f.
    #[inline(always)]
    pub fn column(&self, f: usize) -> (&[u32], &[F]) {
        let stored = self.starts[f]..self.starts[f + 1];
        (&self.at[stored.clone()], &self.values[stored])
    }

    /// `each(f)` for every column, in order.
    pub fn map<T: Send>(&self, each: impl Fn(usize) -> T + Sync, run: &Run<'_>) -> Result<Vec<T>> {
        /// Tasks: columns differ in length, so there are several for a thread.
        const TASKS: usize = 64;
        let tasks = run::ranges(self.d(), self.d().div_ceil(TASKS));
        let parts = run.map(tasks, self.stored() + self.d(), |range, pulse| {
            pulse.check()?;
            Ok(range.map(&each).collect::<Vec<T>>())
        })?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// X^T r, (d,)
    pub fn transposed(&self, r: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let sum = |f: usize| {
            let (at, values) = self.column(f);
            at.iter().zip(values).map(|(&i, x)| x.to_f64() * r[i as usize]).sum()
        };
        self.map(sum, run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_rows_on_paper() {
        // [1 0 2; 0 0 0; 0 0 3]
        let (values, columns, starts) = ([1.0, 2.0, 3.0], [0, 2, 2], [0, 2, 2, 3]);
        let rows = Csr::new(&values, &columns, &starts, 3).unwrap();
        let turned = ByColumns::new(&rows, &Run::alone()).unwrap();
        assert_eq!(turned.column(1), (&[][..], &[][..]));
        assert_eq!(turned.column(2), (&[0, 2][..], &[2.0, 3.0][..]));
        assert_eq!(turned.transposed(&[1.0, 10.0, 100.0], &Run::alone()).unwrap(), [1.0, 0.0, 302.0]);
    }
}
