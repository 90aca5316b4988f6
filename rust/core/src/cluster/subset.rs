//! Some of the rows, copied side by side: passes over them then cost what they hold, not what X holds.

use std::ops::Range;

use crate::error::Result;
use crate::float::Float;
use crate::rows::{Csr, Dense, Rows};
use crate::run::{self, Run};

/// Rows and weights of their own, in the order of `members`.
pub(super) struct Subset<F> {
    values: Vec<F>,
    /// Of CSR rows: their columns, and where each row starts.
    sparse: Option<(Vec<i32>, Vec<i64>)>,
    weights: Option<Vec<f64>>,
    n: usize,
    d: usize,
}

impl<F: Float> Subset<F> {
    pub fn new(rows: &Rows<'_, F>, weights: Option<&[f64]>, members: &[u32], run: &Run<'_>) -> Result<Subset<F>> {
        let weights = weights.map(|w| members.iter().map(|&i| w[i as usize]).collect());
        let (n, d) = (members.len(), rows.d());
        let (values, sparse) = match rows {
            Rows::Dense(x) => (copy_dense(x, members, run)?, None),
            Rows::Csr(x) => {
                let (values, columns, starts) = copy_csr(x, members, run)?;
                (values, Some((columns, starts)))
            }
        };
        Ok(Subset { values, sparse, weights, n, d })
    }

    pub fn rows(&self) -> Result<Rows<'_, F>> {
        match &self.sparse {
            None => Dense::new(&self.values, self.n, self.d).map(Rows::Dense),
            Some((columns, starts)) => Csr::new(&self.values, columns, starts, self.d).map(Rows::Csr),
        }
    }

    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }
}

fn copy_dense<F: Float>(x: &Dense<'_, F>, members: &[u32], run: &Run<'_>) -> Result<Vec<F>> {
    let d = x.d();
    let mut values = vec![F::default(); members.len() * d];
    let length = run::rows_per_task(members.len(), 4 * d);
    let tasks: Vec<_> = run::ranges(members.len(), length).into_iter().zip(values.chunks_mut(length * d)).collect();
    run.map(tasks, members.len() * d, |(range, values): (Range<usize>, &mut [F]), pulse| {
        pulse.check()?;
        for (to, &i) in values.chunks_exact_mut(d).zip(&members[range]) {
            to.copy_from_slice(x.row(i as usize));
        }
        Ok(())
    })?;
    Ok(values)
}

fn copy_csr<F: Float>(x: &Csr<'_, F>, members: &[u32], run: &Run<'_>) -> Result<(Vec<F>, Vec<i32>, Vec<i64>)> {
    let stored = members.iter().map(|&i| x.row(i as usize).0.len()).sum();
    let (mut values, mut columns) = (Vec::with_capacity(stored), Vec::with_capacity(stored));
    let mut starts = vec![0];
    for part in members.chunks(1 << 14) {
        run.check()?;
        for &i in part {
            let (row_columns, row_values) = x.row(i as usize);
            columns.extend_from_slice(row_columns);
            values.extend_from_slice(row_values);
            starts.push(columns.len() as i64);
        }
    }
    Ok((values, columns, starts))
}
