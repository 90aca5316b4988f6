//! Dense rows in bytes, for one pass after the other over candidates for a centre.

use std::ops::Range;

use crate::error::Result;
use crate::float::Float;
use crate::kernels::list::List;
use crate::kernels::nearer_bytes::{Code, Packed};
use crate::kernels::simd::Level;
use crate::rows::Dense;
use crate::run::{self, Run};

/// Tasks are of whole blocks of all kernels.
pub(super) const BLOCK: usize = 64;

/// All rows in bytes.
pub(super) struct Rounded {
    pub code: Code,
    /// [block][column][lane]
    whole: Vec<f32>,
    /// Of each row, and of those that fill the last block up.
    pub limits: Vec<f32>,
}

impl Rounded {
    /// Whether scores in bytes make up for distances to rows that then come from memory one by one.
    pub fn pays<F: Float>(x: &Dense<'_, F>) -> bool {
        const LEAST_ROWS: usize = 4096;
        const LEAST_FEATURES: usize = 8;
        /// That rounded rows may take.
        const MOST_BYTES: usize = 1 << 28;
        let (n, d) = (x.n(), x.d());
        n >= LEAST_ROWS && d >= LEAST_FEATURES && n * (d + 8) <= MOST_BYTES
    }

    /// None where no code suits the rows.
    pub fn new<F: Float>(x: &Dense<'_, F>, nearest: &[f64], level: Level, run: &Run<'_>) -> Result<Option<Rounded>> {
        /// Rows that say how to round the others.
        const SAMPLE: usize = 2048;
        let (n, d) = (x.n(), x.d());
        let some: Vec<f64> =
            (0..n).step_by(n.div_ceil(SAMPLE)).flat_map(|i| x.row(i).iter().map(|x| x.to_f64())).collect();
        let Some(code) = Code::new(&some, d, level) else { return Ok(None) };
        let (values, padded) = code.room(n);
        let (mut whole, mut limits) = (vec![0.0; values], vec![0.0; padded]);
        let length = run::rows_per_task(n, 8 * d).next_multiple_of(BLOCK);
        let tasks = run::ranges(n, length).into_iter();
        let tasks = tasks.zip(whole.chunks_mut(code.room(length).0)).zip(limits.chunks_mut(length)).collect();
        run.map(tasks, 8 * n * d, |((range, whole), limits): ((Range<usize>, &mut [f32]), &mut [f32]), pulse| {
            pulse.check()?;
            code.put(x.span(range.start, range.end), &nearest[range], whole, limits);
            Ok(())
        })?;
        Ok(Some(Rounded { code, whole, limits }))
    }

    /// Lists the rows of `strip` that may be nearer to each candidate.
    pub fn scan(&self, strip: Range<usize>, candidates: &Packed, near: &mut [List]) {
        let ((from, first), (to, last)) = (self.code.room(strip.start), self.code.room(strip.end));
        self.code.scan(candidates, &self.whole[from..to], &self.limits[first..last], near);
    }
}
