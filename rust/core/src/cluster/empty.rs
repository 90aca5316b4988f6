//! Clusters that lost all their rows.
//!
//! Each takes the farthest row from its centre, with all its copies: rows of equal content move together, so that a row
//! with weight 2 is the same as the row twice. Rows without weight are not eligible, ties go to the larger content, and no
//! row that sits on its centre moves. (scikit-learn takes single rows, so copies of one row can seed several clusters.)

use std::cmp::Ordering;

use super::sums::Sums;
use super::{content, inertia};
use crate::error::Result;
use crate::float::Float;
use crate::kernels::simd::Level;
use crate::rows::Rows;
use crate::run::Run;

/// Moves rows into the empty clusters of `sums`; `labels` and `centers` (k, d) are those the sums were taken with.
/// `labels` stay: the next iteration finds the new ones.
pub fn refill<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    centers: &[f64],
    labels: &[i32],
    sums: &mut Sums,
    level: Level,
    run: &Run<'_>,
) -> Result<()> {
    let empty: Vec<usize> = sums.empty().collect();
    if empty.is_empty() {
        return Ok(());
    }
    let distances =
        inertia::for_distances(rows, centers, labels, level, run, |_, distances| distances.to_vec())?.concat();
    let norms = inertia::norms(centers, rows.d());
    let apart = |i: usize| distances[i] > ROUNDING * norms[labels[i] as usize] && weights.is_none_or(|w| w[i] > 0.0);
    let groups = farthest_groups(rows, &distances, apart, empty.len());
    if groups.is_empty() {
        return Ok(());
    }
    let mut moved = labels.to_vec();
    for (into, group) in empty.into_iter().zip(groups) {
        group.into_iter().for_each(|i| moved[i] = into as i32);
    }
    // Taken anew: what is left after a subtraction is not the sum of what is left.
    sums.take(rows, weights, &moved, run)
}

/// The mean of equal rows may differ from them in its last bits. A squared distance below this share of the centre's
/// squared norm is no more than that.
const ROUNDING: f64 = 1e-28;

/// The `wanted` groups of equal rows that are farthest, of those that are `eligible`.
pub(super) fn farthest_groups<F: Float>(
    rows: &Rows<'_, F>,
    distances: &[f64],
    eligible: impl Fn(usize) -> bool,
    wanted: usize,
) -> Vec<Vec<usize>> {
    let mut eligible: Vec<usize> = (0..rows.n()).filter(|&i| eligible(i)).collect();
    let farther = |a: &usize, b: &usize| {
        distances[*b]
            .total_cmp(&distances[*a])
            .then_with(|| content::compare_cells(rows, *b, *a))
            .then_with(|| a.cmp(b))
    };
    let mut groups: Vec<Vec<usize>> = Vec::new();
    // Enough of the farthest rows are sorted for all groups, unless copies fill them: then twice as many.
    let mut taken = 2 * wanted;
    loop {
        let sorted = taken.min(eligible.len());
        if sorted < eligible.len() {
            eligible.select_nth_unstable_by(sorted, farther);
        }
        eligible[..sorted].sort_unstable_by(farther);
        groups.clear();
        for &i in &eligible[..sorted] {
            match groups.last_mut() {
                Some(group)
                    if distances[group[0]] == distances[i]
                        && content::compare_cells(rows, group[0], i) == Ordering::Equal =>
                {
                    group.push(i);
                }
                _ => groups.push(vec![i]),
            }
        }
        // The last group may go on among the unsorted rows.
        if groups.len() > wanted || sorted == eligible.len() {
            groups.truncate(wanted);
            return groups;
        }
        taken *= 2;
    }
}
