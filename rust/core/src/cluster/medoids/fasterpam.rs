//! FasterPAM: Schubert and Rousseeuw (2021), "Fast and eager k-medoids clustering through O(k) runtime improvement of the PAM,
//! CLARA, and CLARANS algorithms".
//!
//! Candidates are taken in the order of the rows, over and over; one that lowers the loss in place of some medoid replaces, at
//! once, the medoid for which it lowers it most. When none of n candidates in a row does, no single swap improves the
//! clustering. What a candidate is worth depends on the swaps before it, but those are rare: candidates are looked at ahead,
//! several at a time, and the first that improves is taken, whoever found it.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Job;
use super::clustering::Clustering;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::swaps::{BestSwap, Scratch};
use crate::run::{self, Pulse};

/// Candidates in one task, after whose first improvement it ends.
const CANDIDATES: usize = 8;
/// Candidates that are looked at by the caller alone, right after a swap: often the next one is not far.
const ALONE: usize = 16;
/// The most candidates that are looked at ahead: handing them out takes time even where one of the first improves.
const AHEAD: usize = 1024;

/// How far the search is.
#[derive(Default)]
pub struct Swaps {
    /// Candidates since the last swap.
    calm: usize,
}

/// A swap that lowers the loss.
struct Swap {
    candidate: usize,
    out: usize,
}

impl Swaps {
    /// One pass over the candidates: the number of swaps, and whether no swap is left that improves.
    pub fn pass<F: Float>(&mut self, job: &Job<'_, F>, clustering: &mut Clustering<'_, F>) -> Result<(usize, bool)> {
        let n = job.source.n();
        let mut swaps = 0;
        let mut room = Vec::new();
        for block in run::ranges(n, job.source.block()) {
            let lines = job.source.lines(block.clone(), &mut room)?;
            let line = |c: usize| &lines[(c - block.start) * n..][..n];
            let mut next = block.start;
            while next < block.end {
                if self.calm >= n {
                    return Ok((swaps, true));
                }
                let ahead = if self.calm < ALONE { ALONE } else { self.calm.min(AHEAD) };
                let range = next..block.end.min(next + ahead);
                next = range.end;
                self.calm += range.len();
                if let Some(Swap { candidate, out }) = first_improving(job, clustering, range, &line)? {
                    clustering.swap(out, candidate, line(candidate));
                    swaps += 1;
                    (next, self.calm) = (candidate + 1, 0);
                }
            }
        }
        Ok((swaps, self.calm >= n))
    }
}

/// The first candidate of `range` that improves the clustering, and the medoid that it should replace.
fn first_improving<'a, F: Float>(
    job: &Job<'_, F>,
    clustering: &Clustering<'_, F>,
    range: Range<usize>,
    line: &(impl Fn(usize) -> &'a [F] + Sync),
) -> Result<Option<Swap>> {
    let &Job { source, level, run, .. } = job;
    let found = AtomicUsize::new(usize::MAX);
    let look = |scratch: &mut Scratch, candidates: Range<usize>, pulse: &Pulse<'_>| {
        for candidate in candidates {
            if candidate > found.load(Ordering::Relaxed) {
                break;
            }
            pulse.check()?;
            if clustering.is_medoid(candidate) {
                continue;
            }
            let distances = line(candidate);
            let (out, change) = level.run(BestSwap { medoids: clustering.view(), distances, scratch });
            // The change is rounded; the loss itself must fall, or swaps could go around in circles.
            if change < 0.0 && clustering.loss_after(out, distances) < clustering.loss() {
                found.fetch_min(candidate, Ordering::Relaxed);
                return Ok(Some(Swap { candidate, out }));
            }
        }
        Ok(None)
    };
    if range.len() <= ALONE {
        return look(&mut Scratch::default(), range, &run.pulse());
    }
    let work = range.len() * source.n();
    let tasks = (range.start..range.end).step_by(CANDIDATES).map(|from| from..(from + CANDIDATES).min(range.end));
    let improving = run.map_with(tasks.collect(), work, look)?;
    Ok(improving.into_iter().flatten().next())
}
