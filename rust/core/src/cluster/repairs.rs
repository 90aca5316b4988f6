//! What a fit may do about trouble, and what it did.

use super::empty::Empty;

/// What to do about trouble.
#[derive(Clone, Copy, Debug, Default)]
pub struct Repairs {
    /// Where a cluster that lost all its rows gets new ones.
    pub empty: Empty,
    /// Of what is drawn for such clusters.
    pub seed: u64,
    /// The share of the weight that takes no part: see [`super::trimming`].
    pub trim: f64,
    /// How far a centre moves in an iteration, at most. To be put on new rows is no such move.
    pub max_shift: Option<f64>,
}

/// Clusters without rows, as an iteration found them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Counted from 0.
    pub iteration: usize,
    /// How many were without rows.
    pub empty: usize,
    /// How many of these were given some; for the others there were none.
    pub refilled: usize,
}

/// What was done.
#[derive(Clone, Debug, Default)]
pub struct Repaired {
    /// The iterations that found clusters without rows.
    pub lost: Vec<Lost>,
    /// Iterations in which a centre was held short of its mean.
    pub held: usize,
    /// Rows that take no part, where any share of them shall not: (n,).
    pub trimmed: Option<Vec<bool>>,
}

impl Repaired {
    /// Of a fit that went on where another, which took that many iterations, had stopped.
    #[must_use]
    pub fn after(self, before: Repaired, iterations: usize) -> Repaired {
        let mut lost = before.lost;
        lost.extend(self.lost.into_iter().map(|lost| Lost { iteration: lost.iteration + iterations, ..lost }));
        Repaired { lost, held: before.held + self.held, trimmed: self.trimmed }
    }
}
