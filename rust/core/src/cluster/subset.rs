//! Some of the rows, copied side by side: passes over them then cost what they hold, not what X holds.

use std::ops::Range;

use crate::error::Result;
use crate::float::Float;
use crate::kernels::simd::{Level, Simd, Task};
use crate::rows::{Csr, Dense, Rows};
use crate::run::{self, Run};

/// Rows and weights of their own, in the order of `members`.
pub(super) struct Subset<F> {
    /// (n, d), or the stored ones; behind them may be more.
    values: Vec<F>,
    /// Of CSR rows: their columns, and where each row starts.
    sparse: Option<(Vec<i32>, Vec<i64>)>,
    weights: Option<Vec<f64>>,
    n: usize,
    d: usize,
}

impl<F: Float> Subset<F> {
    /// `room` is memory for them, whatever it holds: new memory costs a page fault every few rows.
    pub fn new(
        rows: &Rows<'_, F>,
        weights: Option<&[f64]>,
        members: &[u32],
        room: Vec<F>,
        run: &Run<'_>,
    ) -> Result<Subset<F>> {
        let weights = weights.map(|w| members.iter().map(|&i| w[i as usize]).collect());
        let (n, d) = (members.len(), rows.d());
        let (values, sparse) = match rows {
            Rows::Dense(x) => (copy_dense(x, members, room, run)?, None),
            Rows::Csr(x) => {
                let (values, columns, starts) = copy_csr(x, members, run)?;
                (values, Some((columns, starts)))
            }
        };
        Ok(Subset { values, sparse, weights, n, d })
    }

    pub fn rows(&self) -> Result<Rows<'_, F>> {
        match &self.sparse {
            None => Dense::new(&self.values[..self.n * self.d], self.n, self.d).map(Rows::Dense),
            Some((columns, starts)) => Csr::new(&self.values, columns, starts, self.d).map(Rows::Csr),
        }
    }

    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// Memory for others.
    pub fn into_room(self) -> Vec<F> {
        self.values
    }
}

fn copy_dense<F: Float>(x: &Dense<'_, F>, members: &[u32], room: Vec<F>, run: &Run<'_>) -> Result<Vec<F>> {
    /// Multiply-adds in the time that a row takes to come from memory, out of turn.
    const FETCH: usize = 512;
    let (n, d, level) = (members.len(), x.d(), Level::detect());
    let mut values = if room.len() < n * d { vec![F::default(); n * d] } else { room };
    let length = run::rows_per_task(n, FETCH + 4 * d);
    let tasks: Vec<_> = run::ranges(n, length).into_iter().zip(values[..n * d].chunks_mut(length * d)).collect();
    run.map(tasks, n * (FETCH + 4 * d), |(range, to): (Range<usize>, &mut [F]), pulse| {
        pulse.check()?;
        level.run(Gather { from: x.span(0, x.n()), members: &members[range], d, to });
        Ok(())
    })?;
    Ok(values)
}

/// Copies rows, asking for each some time before.
struct Gather<'a, F> {
    /// X
    from: &'a [F],
    members: &'a [u32],
    d: usize,
    /// (members, d)
    to: &'a mut [F],
}

impl<F: Float> Task<F> for Gather<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        /// Rows ahead.
        const AHEAD: usize = 16;
        let Gather { from, members, d, to } = self;
        for (at, (to, &i)) in to.chunks_exact_mut(d).zip(members).enumerate() {
            if let Some(&next) = members.get(at + AHEAD) {
                // And one value more: rows do not begin where cache lines do.
                let next = next as usize * d;
                simd.prefetch(&from[next..from.len().min(next + d + 1)]);
            }
            to.copy_from_slice(&from[i as usize * d..][..d]);
        }
    }
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
