//! Batches of rows for algorithms that see a few rows at a time.
//!
//! [`Drawn`] takes them from rows that are all there, if only in a memory map: each pass takes every row once. Single rows drawn
//! from a file would cost a page each, so short runs of consecutive rows are drawn instead, enough of them together (a window)
//! that the rows of a batch, drawn from the window one by one, come from all over the file. What is drawn depends on the number
//! of rows and columns, the batch size and the seed alone.

use super::content::mix;
use super::seeding::Stream;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::rows::{Csr, Dense, Rows};

/// Some rows of their own memory, dense or CSR as what they come from.
#[derive(Debug, Default)]
pub struct Batch<F> {
    /// (n, d), or the stored ones.
    pub values: Vec<F>,
    /// Of the stored values; only of CSR rows.
    pub columns: Vec<i32>,
    /// (n + 1,) of CSR rows, else empty.
    pub starts: Vec<i64>,
    /// (n,), or empty where all are 1.
    pub weights: Vec<f64>,
    /// What the rows are called where they come from; empty where that is their place here.
    pub names: Vec<usize>,
    /// Number of columns.
    pub d: usize,
}

impl<F: Float> Batch<F> {
    /// Forgets the rows and keeps the memory.
    pub fn clear(&mut self) {
        self.values.clear();
        self.columns.clear();
        self.starts.clear();
        self.weights.clear();
        self.names.clear();
    }

    /// The rows.
    pub fn rows(&self) -> Result<Rows<'_, F>> {
        if self.starts.is_empty() {
            Dense::new(&self.values, self.values.len() / self.d.max(1), self.d).map(Rows::Dense)
        } else {
            Csr::new(&self.values, &self.columns, &self.starts, self.d).map(Rows::Csr)
        }
    }

    /// Their weights.
    pub fn weights(&self) -> Option<&[f64]> {
        (!self.weights.is_empty()).then_some(&self.weights[..])
    }

    /// An error in one of the rows, by the row's name.
    pub fn locate(&self, error: Error) -> Error {
        match error {
            Error::NonFinite { row, column, kind } => {
                Error::NonFinite { row: self.names.get(row).copied().unwrap_or(row), column, kind }
            }
            other => other,
        }
    }

    /// Copies the rows in `names`.
    fn gather(&mut self, rows: &Rows<'_, F>, weights: Option<&[f64]>) {
        self.d = rows.d();
        match rows {
            Rows::Dense(x) => self.names.iter().for_each(|&i| self.values.extend_from_slice(x.row(i))),
            Rows::Csr(x) => {
                self.starts.push(0);
                for &i in &self.names {
                    let (columns, values) = x.row(i);
                    self.columns.extend_from_slice(columns);
                    self.values.extend_from_slice(values);
                    self.starts.push(self.values.len() as i64);
                }
            }
        }
        if let Some(weights) = weights {
            self.weights.extend(self.names.iter().map(|&i| weights[i]));
        }
    }
}

/// Where batches come from.
pub trait Batches<F> {
    /// Puts the next rows into `batch`; false where there are no more.
    fn next(&mut self, batch: &mut Batch<F>) -> Result<bool>;
    /// Rows of a whole pass, as far as that is known.
    fn rows_in_a_pass(&self) -> usize;
}

/// Batches of `size` rows, drawn at random.
pub struct Drawn<'a, F> {
    rows: &'a Rows<'a, F>,
    weights: Option<&'a [f64]>,
    size: usize,
    draws: Draws,
}

impl<'a, F: Float> Drawn<'a, F> {
    /// From `rows`, of which there is at least one.
    pub fn new(rows: &'a Rows<'a, F>, weights: Option<&'a [f64]>, size: usize, seed: u64) -> Self {
        Drawn { rows, weights, size, draws: Draws::new(rows.n(), rows.d(), size, seed) }
    }
}

impl<F: Float> Batches<F> for Drawn<'_, F> {
    fn next(&mut self, batch: &mut Batch<F>) -> Result<bool> {
        batch.clear();
        batch.names.extend(self.draws.by_ref().take(self.size));
        batch.gather(self.rows, self.weights);
        Ok(true)
    }

    fn rows_in_a_pass(&self) -> usize {
        self.rows.n()
    }
}

/// Values of a window: 8 MB of f64, which stay in a third-level cache until all its rows are used.
const WINDOW_VALUES: usize = 1 << 20;
/// More batches in a window mix the rows no better.
const WINDOW_BATCHES: usize = 64;
/// Fewer runs in a window would leave a batch with rows from few places.
const WINDOW_RUNS: usize = 256;
/// Rows in a run: from 16 columns of f32 on a page or more.
const RUN: usize = 64;

/// The rows of pass after pass, without end.
struct Draws {
    n: usize,
    run: usize,
    runs_in_window: usize,
    stream: Stream,
    /// Of the runs of this pass, and how many are taken.
    order: Shuffled,
    taken: usize,
    window: Vec<usize>,
}

impl Draws {
    fn new(n: usize, d: usize, batch: usize, seed: u64) -> Draws {
        let batch = batch.clamp(1, n);
        let window = (WINDOW_VALUES / d.max(1)).clamp(batch, batch.saturating_mul(WINDOW_BATCHES)).min(n);
        let run = (window / WINDOW_RUNS).clamp(1, RUN);
        let mut stream = Stream::new(seed);
        let order = Shuffled::new(n.div_ceil(run), &mut stream);
        Draws { n, run, runs_in_window: window.div_ceil(run), stream, order, taken: 0, window: Vec::new() }
    }

    fn fill(&mut self) {
        if self.taken == self.order.n {
            self.order = Shuffled::new(self.order.n, &mut self.stream);
            self.taken = 0;
        }
        let until = (self.taken + self.runs_in_window).min(self.order.n);
        for run in self.taken..until {
            let first = self.order.at(run) * self.run;
            self.window.extend(first..(first + self.run).min(self.n));
        }
        self.taken = until;
        for i in (1..self.window.len()).rev() {
            self.window.swap(i, self.stream.below(i + 1));
        }
    }
}

impl Iterator for Draws {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.window.is_empty() {
            self.fill();
        }
        self.window.pop()
    }
}

/// 0..n in a random order that is computed where it is asked for: a network of Feistel (Luby and Rackoff 1988) over the next
/// power of 4, gone through again until the outcome is below n.
struct Shuffled {
    n: usize,
    half: u32,
    keys: [u64; 4],
}

impl Shuffled {
    fn new(n: usize, stream: &mut Stream) -> Shuffled {
        let bits = usize::BITS - (n.max(2) - 1).leading_zeros();
        Shuffled { n, half: bits.div_ceil(2), keys: std::array::from_fn(|_| stream.next()) }
    }

    fn at(&self, i: usize) -> usize {
        let low = (1_u64 << self.half) - 1;
        let mut place = i as u64;
        loop {
            let (mut left, mut right) = (place >> self.half, place & low);
            for key in self.keys {
                (left, right) = (right, left ^ (mix(right ^ key) & low));
            }
            place = left << self.half | right;
            if place < self.n as u64 {
                return place as usize;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pass_takes_every_row_once() {
        for (n, d, batch) in [(1, 1, 1), (2, 3, 1), (63, 2, 10), (64, 1, 64), (5000, 40_000, 7), (100_000, 16, 1024)] {
            let mut draws = Draws::new(n, d, batch, 3);
            let mut passes = Vec::new();
            for _ in 0..2 {
                let pass: Vec<usize> = draws.by_ref().take(n).collect();
                let mut sorted = pass.clone();
                sorted.sort_unstable();
                assert!(sorted.into_iter().eq(0..n), "{n} x {d}, batches of {batch}");
                passes.push(pass);
            }
            assert!(n < 60 || passes[0] != passes[1]);
        }
    }

    #[test]
    fn a_batch_comes_from_all_over_the_rows_and_the_reads_are_runs() {
        let n = 1_000_000;
        let window: Vec<usize> = Draws::new(n, 16, 1024, 0).take(64 * 1024).collect();
        for batch in window.chunks(1024) {
            let mut tenths = [0; 10];
            batch.iter().for_each(|&i| tenths[i / (n / 10)] += 1);
            assert!(tenths.iter().all(|&count| (50..170).contains(&count)), "{tenths:?}");
            let mut runs: Vec<usize> = batch.iter().map(|i| i / RUN).collect();
            runs.sort_unstable();
            runs.dedup();
            assert!(runs.len() > 500);
        }
        let mut pages: Vec<usize> = window.iter().map(|i| i * 64 / 4096).collect();
        pages.sort_unstable();
        pages.dedup();
        assert_eq!(pages.len(), 1024);
    }

    #[test]
    fn rows_of_a_batch_keep_their_cells_weights_and_names() {
        let csr = Rows::Csr(Csr::new(&[1.0, 2.0, 3.0], &[0, 0, 1], &[0, 1, 1, 3], 2).unwrap());
        let mut batch = Batch::default();
        Drawn::new(&csr, Some(&[1.0, 2.0, 3.0]), 3, 0).next(&mut batch).unwrap();
        let rows = batch.rows().unwrap();
        for (at, &name) in batch.names.iter().enumerate() {
            let (mut here, mut there) = ([0.0; 2], [0.0; 2]);
            rows.write_row(at, &mut here);
            csr.write_row(name, &mut there);
            assert_eq!(here, there);
            assert_eq!(batch.weights[at], (name + 1) as f64);
        }
    }
}
