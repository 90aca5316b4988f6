//! When bounds on distances pay: late in a fit, where few rows still change cluster; of two centres always.

use crate::float::Float;
use crate::kernels::bounds::{self, Bounds, Known};
use crate::kernels::codebook::Codebook;
use crate::kernels::sides::{Plane, Projections};
use crate::rows::Rows;

/// Bounds on the distances of all rows, kept from pass to pass while they spare work. Labels are the same with and without.
pub struct Skipping {
    bounds: Vec<Bounds>,
    /// Looking at a row's bounds costs less than its scores.
    worth_it: bool,
    /// The bounds hold for the centres of the last pass.
    valid: bool,
    /// Passes to let go by before bounds are taken again, and how many after the next disappointment.
    wait: usize,
    patience: usize,
    /// Of rows between two centres, where these pay.
    projections: Option<Projections>,
}

/// What became of the centres since the last pass.
pub enum Drift<F: Float> {
    /// How far they moved.
    Centers(Box<bounds::Drift<F>>),
    /// Where the plane between the only two is.
    Plane(Plane<F>),
}

/// Multiply-adds for a row from which on its bounds cost less.
const WORTH_BOUNDS: usize = 1024;
/// With fewer centres than this, reading a row takes longer than scoring it.
const WORTH_CENTERS: usize = 8;
/// With fewer features than this, scoring a row takes no longer than looking up what is known of it.
const WORTH_FEATURES: usize = 5;
/// While more of the rows than one in this many change cluster, bounds would not hold.
const FEW_MOVED: usize = 8;
/// Most passes between two attempts.
const MOST_PATIENCE: usize = 4;

impl Skipping {
    /// For `k` centres of `rows`; never, where that is asked.
    pub fn new<F: Float>(rows: &Rows<'_, F>, k: usize, never: bool) -> Skipping {
        let possible = !never && matches!(rows, Rows::Dense(_));
        let worth_it = possible && k >= WORTH_CENTERS && k * (rows.d() + 2) >= WORTH_BOUNDS;
        let projections = (possible && k == 2 && rows.d() >= WORTH_FEATURES).then(Projections::default);
        Skipping { bounds: Vec::new(), worth_it, valid: false, wait: 0, patience: 1, projections }
    }

    /// What the squared `moves` of the centres since the last pass mean for the rows, if that is of use.
    pub fn drift<F: Float>(
        &self,
        moves: &[f64],
        after: &Codebook<F>,
        rows: &Rows<'_, F>,
        labels: &[i32],
    ) -> Option<Drift<F>> {
        match (rows, &self.projections) {
            (_, Some(projections)) => projections.plane(after).map(Drift::Plane),
            (Rows::Dense(rows), None) if self.valid => bounds::Drift::new(moves, after, rows, labels, &self.bounds)
                .map(|drift| Drift::Centers(Box::new(drift))),
            _ => None,
        }
    }

    /// What the next pass over `n` rows is told, after one in which `moved` of them changed cluster.
    pub fn known<'a, F: Float>(
        &'a mut self,
        n: usize,
        moved: Option<usize>,
        drift: Option<&'a Drift<F>>,
    ) -> Option<Known<'a, F>> {
        let drift = match (drift, &mut self.projections) {
            (Some(Drift::Plane(plane)), Some(projections)) => return Some(Known::Sides(projections.sides(n, plane))),
            (None, Some(_)) => return None,
            (Some(Drift::Centers(drift)), None) => Some(&**drift),
            _ => None,
        };
        if self.valid && drift.is_none() {
            self.wait = self.patience;
            self.patience = (2 * self.patience).min(MOST_PATIENCE);
        }
        self.valid = self.worth_it && self.wait == 0 && moved.is_some_and(|moved| moved <= n / FEW_MOVED);
        self.wait = self.wait.saturating_sub(1);
        if !self.valid {
            return None;
        }
        self.bounds.resize(n, Bounds::UNKNOWN);
        Some(Known::Distances { bounds: &mut self.bounds, drift })
    }
}
