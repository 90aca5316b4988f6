//! Clusters that lost all their rows.
//!
//! [`Empty::Farthest`]: each takes the farthest row from its centre, with all its copies: rows of equal content move together, so
//! that a row with weight 2 is the same as the row twice. Rows without weight are not eligible, ties go to the larger content,
//! and no row that sits on its centre moves. (scikit-learn takes single rows, so copies of one row can seed several clusters.)
//!
//! [`Empty::Random`]: the same with rows drawn by weight, in the order of their content.
//!
//! [`Empty::Split`]: each takes half of the cluster with the largest sum of squares, the rows on the far side of its mean along
//! its principal axis (Boley 1998, "Principal direction divisive partitioning"). A cluster founded by the farthest row has the
//! edge of the other, or an outlier; half of the rows is nearer to what the iterations end with.

use std::cmp::Ordering;

use super::axis::Cloud;
use super::members::Members;
use super::seeding::{Draw, Stream};
use super::sums::Sums;
use super::{content, inertia};
use crate::error::Result;
use crate::float::Float;
use crate::kernels::simd::Level;
use crate::rows::Rows;
use crate::run::Run;

/// Where a cluster that lost all its rows gets new ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Empty {
    /// The row that is farthest from its centre, with its copies.
    #[default]
    Farthest,
    /// A row drawn by weight, with its copies.
    Random,
    /// Half of the cluster with the largest sum of squares.
    Split,
}

/// Moves rows into the empty clusters of `sums` and returns those that got any; `labels` and `centers` (k, d) are those the sums
/// were taken with. `labels` stay: the next iteration finds the new ones.
#[allow(clippy::too_many_arguments)] // what the sums were taken with, and how to go on
pub fn refill<F: Float>(
    how: Empty,
    seed: u64,
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    centers: &[f64],
    labels: &[i32],
    sums: &mut Sums,
    level: Level,
    run: &Run<'_>,
) -> Result<Vec<usize>> {
    let mut empty: Vec<usize> = sums.empty().collect();
    if empty.is_empty() {
        return Ok(empty);
    }
    if how == Empty::Split {
        return split(empty, rows, weights, centers, labels, sums, level, run);
    }
    let distances = own(rows, centers, labels, level, run)?;
    let norms = inertia::norms(centers, rows.d());
    let apart = |i: usize| distances[i] > ROUNDING * norms[labels[i] as usize] && weights.is_none_or(|w| w[i] > 0.0);
    let groups = match how {
        Empty::Random => random_groups(rows, weights, apart, empty.len(), seed, run)?,
        _ => farthest_groups(rows, &distances, apart, empty.len()),
    };
    empty.truncate(groups.len());
    if groups.is_empty() {
        return Ok(empty);
    }
    let mut moved = labels.to_vec();
    for (&into, group) in empty.iter().zip(groups) {
        group.into_iter().for_each(|i| moved[i] = into as i32);
    }
    // Taken anew: what is left after a subtraction is not the sum of what is left.
    sums.take(rows, weights, &moved, run)?;
    Ok(empty)
}

/// Of every row, the squared distance to its centre.
fn own<F: Float>(rows: &Rows<'_, F>, centers: &[f64], labels: &[i32], level: Level, run: &Run<'_>) -> Result<Vec<f64>> {
    Ok(inertia::for_distances(rows, centers, labels, level, run, |_, distances| distances.to_vec())?.concat())
}

/// One cluster after the other takes half of what is the largest by then.
#[allow(clippy::too_many_arguments)] // as for `refill`
fn split<F: Float>(
    empty: Vec<usize>,
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    centers: &[f64],
    labels: &[i32],
    sums: &mut Sums,
    level: Level,
    run: &Run<'_>,
) -> Result<Vec<usize>> {
    let (d, k) = (rows.d(), centers.len() / rows.d());
    let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
    let (mut moved, mut means) = (labels.to_vec(), centers.to_vec());
    let mut filled = Vec::new();
    for into in empty {
        means.chunks_exact_mut(d).enumerate().for_each(|(j, mean)| sums.write_mean(j, mean));
        let (distances, norms) = (own(rows, &means, &moved, level, run)?, inertia::norms(&means, d));
        let mut squares = vec![0.0; k];
        for (i, (distance, &label)) in distances.iter().zip(&moved).enumerate() {
            let j = label as usize;
            squares[j] += if *distance > ROUNDING * norms[j] { weight(i) * distance } else { 0.0 };
        }
        let largest = (0..k).fold(0, |best, j| if squares[j] > squares[best] { j } else { best });
        let all = Members::new(&moved, weights, k);
        let members = all.of(largest);
        let of_members: Vec<f64> = members.iter().map(|&i| weight(i as usize)).collect();
        let cluster = Cloud { rows, members, weights: &of_members, center: &means[largest * d..][..d], level };
        let axis = if squares[largest] > 0.0 { cluster.axis(run)? } else { None };
        let Some(axis) = axis else { break };
        let along = cluster.along(&axis, run)?;
        let beyond = along.iter().filter(|&&along| along > 0.0).count();
        if beyond == 0 || beyond == members.len() {
            break;
        }
        let far = members.iter().zip(along).filter(|(_, along)| *along > 0.0);
        far.for_each(|(&i, _)| moved[i as usize] = into as i32);
        sums.take(rows, weights, &moved, run)?;
        filled.push(into);
    }
    Ok(filled)
}

/// `wanted` groups of equal rows, drawn by the weight of those that are `eligible` without replacement.
fn random_groups<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    eligible: impl Fn(usize) -> bool,
    wanted: usize,
    seed: u64,
    run: &Run<'_>,
) -> Result<Vec<Vec<usize>>> {
    let mut weights: Vec<f64> =
        (0..rows.n()).map(|i| if eligible(i) { weights.map_or(1.0, |w| w[i]) } else { 0.0 }).collect();
    let mut stream = Stream::new(seed);
    let mut draw = Draw::new(rows, run)?;
    let mut groups = Vec::new();
    while groups.len() < wanted {
        let total = draw.weigh(|i| weights[i], run)?;
        if total == 0.0 {
            break;
        }
        let row = draw.row(stream.uniform() * total, |i| weights[i]);
        let group: Vec<usize> = draw.copies(row).into_iter().filter(|&i| weights[i] > 0.0).collect();
        group.iter().for_each(|&i| weights[i] = 0.0);
        groups.push(group);
    }
    Ok(groups)
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
