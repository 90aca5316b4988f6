//! When bounds on distances pay: late in a fit, where few rows still change cluster.

use crate::float::Float;
use crate::kernels::bounds::{Bounds, Drift, Known};
use crate::kernels::nearest::Effort;
use crate::rows::Rows;

/// Bounds on the distances of all rows, kept from pass to pass while they spare work. Labels are the same with and without.
pub struct Skipping {
    bounds: Vec<Bounds>,
    /// Looking at a row's bounds must cost less than its scores.
    worth_it: bool,
    /// The bounds hold for the centres of the last pass.
    valid: bool,
    /// Passes to let go before bounds are tried, and how many next time.
    wait: usize,
    patience: usize,
    last_moved: usize,
}

/// Multiply-adds for a row from which on its bounds cost less: they are some 2 ns, as much as these.
const WORTH_BOUNDS: usize = 128;
/// While more of the rows than one in this many change cluster, bounds would not hold.
const FEW_MOVED: usize = 8;
/// Passes that must scan fewer of the rows than this share, in percent.
const MOST_SCANNED: usize = 60;

impl Skipping {
    /// For `k` centres of `rows`; never, where that is asked.
    pub fn new<F: Float>(rows: &Rows<'_, F>, k: usize, never: bool) -> Skipping {
        let worth_it = !never && matches!(rows, Rows::Dense(_)) && k * (rows.d() + 2) >= WORTH_BOUNDS;
        Skipping { bounds: Vec::new(), worth_it, valid: false, wait: 0, patience: 1, last_moved: usize::MAX }
    }

    /// How far the centres (k, d) have moved since the last pass, if that is of use.
    pub fn drift(&self, before: &[f64], after: &[f64], d: usize) -> Option<Drift> {
        self.valid.then(|| Drift::new(before, after, d))
    }

    /// What the next pass over `n` rows is told.
    pub fn known<'a>(&'a mut self, n: usize, drift: Option<&'a Drift>) -> Option<Known<'a>> {
        if drift.is_none() {
            if !self.worth_it || self.last_moved > n / FEW_MOVED {
                return None;
            }
            if self.wait > 0 {
                self.wait -= 1;
                return None;
            }
            self.bounds.resize(n, Bounds::UNKNOWN);
            self.valid = true;
        }
        Some(Known { bounds: &mut self.bounds, drift })
    }

    /// What came of it, with a drift or without.
    pub fn learn(&mut self, n: usize, drifted: bool, moved: usize, effort: &Effort) {
        self.last_moved = moved;
        if drifted && effort.scanned > n / 100 * MOST_SCANNED {
            self.valid = false;
            self.wait = self.patience;
            self.patience *= 2;
        }
    }
}
