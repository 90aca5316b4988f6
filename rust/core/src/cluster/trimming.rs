//! Trimmed k-means: the farthest rows take no part.
//!
//! Cuesta-Albertos, Gordaliza and Matran (1997), "Trimmed k-means: an attempt to robustify quantizers". In every iteration
//! the share `trim` of the weight that is farthest from its nearest centre is left out of the means and of the inertia.
//! Rows of equal content are left out together or not at all, so that a weight of 2 is the row twice: from the farthest
//! content on, as many as weigh no more than the share, and none that sits on its centre. For n rows without copies and
//! weights these are floor(trim n).
//!
//! Neither step raises the objective: means are best for the rows that stay, and the farthest rows are the best to leave out
//! where they fill the share. Where weights leave a gap, those left out before may be better by now; then they stay out.

use super::content;
use super::inertia;
use super::seeding::{Draw, Potential, Stream};
use super::sums::Sums;
use super::trials::Nearest;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::simd::Level;
use crate::rows::Rows;
use crate::run::{self, Run};

/// Sums of weights, and of weighted distances, in other orders differ by less than this share.
const ROUNDING: f64 = 1e-12;
/// Rows between two looks at whether to stop.
const STRIP: usize = 1 << 16;

/// Which rows take part.
pub struct Trimming<'a> {
    weights: Option<&'a [f64]>,
    /// What the rows that are left out may weigh.
    room: f64,
    /// (n,)
    trimmed: Vec<bool>,
    /// Of the rows that take part; 0 for the others, (n,).
    kept: Vec<f64>,
}

impl<'a> Trimming<'a> {
    /// For n rows, of whose weight `share` is left out; None where that is nothing.
    pub fn new(n: usize, weights: Option<&'a [f64]>, share: f64) -> Option<Trimming<'a>> {
        (share > 0.0).then(|| {
            let kept = weights.map_or_else(|| vec![1.0; n], <[f64]>::to_vec);
            Trimming { weights, room: room(n, weights, share), trimmed: vec![false; n], kept }
        })
    }

    /// Leaves out the rows farthest from the `centers` (k, d) that `labels` name. Returns how many rows with weight take part
    /// now and did not, or the other way round.
    pub fn choose<F: Float>(
        &mut self,
        rows: &Rows<'_, F>,
        centers: &[f64],
        labels: &[i32],
        level: Level,
        run: &Run<'_>,
    ) -> Result<usize> {
        let distances =
            inertia::for_distances(rows, centers, labels, level, run, |_, distances| distances.to_vec())?.concat();
        let trimmed = farthest(rows, self.weights, &distances, self.room, run)?;
        let weight = |i: usize| self.weights.map_or(1.0, |w| w[i]);
        let left_out = |trimmed: &[bool]| -> f64 {
            (0..trimmed.len()).filter(|&i| trimmed[i]).map(|i| weight(i) * distances[i]).sum()
        };
        if left_out(&self.trimmed) > left_out(&trimmed) * (1.0 + ROUNDING) {
            return Ok(0);
        }
        let changed = (0..rows.n()).filter(|&i| trimmed[i] != self.trimmed[i] && weight(i) > 0.0).count();
        for (i, kept) in self.kept.iter_mut().enumerate() {
            *kept = if trimmed[i] { 0.0 } else { weight(i) };
        }
        self.trimmed = trimmed;
        Ok(changed)
    }

    /// Of the rows that take part; 0 for the others.
    pub fn kept(&self) -> &[f64] {
        &self.kept
    }

    /// Which rows are left out.
    pub fn into_trimmed(self) -> Vec<bool> {
        self.trimmed
    }
}

/// What may be left out, give or take rounding.
fn room(n: usize, weights: Option<&[f64]>, share: f64) -> f64 {
    share * weights.map_or(n as f64, |w| w.iter().sum()) * (1.0 + ROUNDING)
}

/// The rows with the largest of the squared `distances` whose weights fit into `room`, whole groups of equal content only.
///
/// The leading bits of a positive number order it: weights are summed by these, and only the rows at the edge are sorted.
fn farthest<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    distances: &[f64],
    mut room: f64,
    run: &Run<'_>,
) -> Result<Vec<bool>> {
    /// Leaves the sign, the exponent and four bits of the fraction.
    const SHIFT: u32 = 48;
    let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
    let bin = |i: usize| (distances[i].to_bits() >> SHIFT) as usize;
    let mut sums = vec![0.0; 1 << (u64::BITS - SHIFT)];
    for range in run::ranges(rows.n(), STRIP) {
        run.check()?;
        range.for_each(|i| sums[bin(i)] += weight(i));
    }
    let mut edge = sums.len();
    while edge > 0 && sums[edge - 1] <= room {
        edge -= 1;
        room -= sums[edge];
    }
    let apart = |i: usize| distances[i] > 0.0;
    let mut trimmed: Vec<bool> = (0..rows.n()).map(|i| bin(i) >= edge && apart(i)).collect();
    if edge == 0 {
        return Ok(trimmed);
    }
    let mut last: Vec<usize> = (0..rows.n()).filter(|&i| bin(i) == edge - 1 && apart(i)).collect();
    let farther =
        |&a: &usize, &b: &usize| distances[b].total_cmp(&distances[a]).then_with(|| content::compare_cells(rows, b, a));
    last.sort_by(farther);
    run.check()?;
    for group in last.chunk_by(|a, b| farther(a, b).is_eq()) {
        room -= group.iter().map(|&i| weight(i)).sum::<f64>();
        if room < 0.0 {
            break;
        }
        group.iter().for_each(|&i| trimmed[i] = true);
    }
    Ok(trimmed)
}

/// Rows chosen by greedy k-means++, which outliers would draw: the share that is farthest from the centres so far is not drawn
/// from, and the first is, of a few drawn by weight, the one nearest to the mean.
pub fn plus_plus<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    k: usize,
    share: f64,
    seed: u64,
    level: Level,
    run: &Run<'_>,
) -> Result<Vec<usize>> {
    let trials = 2 + (k as f64).ln() as usize;
    let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
    let mut stream = Stream::new(seed);
    let mut draw = Draw::new(rows, run)?;
    let total = draw.weigh(weight, run)?;
    let candidates: Vec<usize> = (0..trials).map(|_| draw.row(stream.uniform() * total, weight)).collect();
    let first = nearest_to_mean(rows, weights, &candidates, level, run)?;
    let mut nearest = Nearest::new(rows, weights, level);
    nearest.add(first, run)?;
    let mut chosen = vec![first];
    while chosen.len() < k {
        let distances = nearest.distances();
        let far = farthest(rows, weights, distances, room(rows.n(), weights, share), run)?;
        let drawn = |i: usize| if far[i] { 0.0 } else { weight(i) * distances[i] };
        let potential = draw.weigh(drawn, run)?;
        if potential == 0.0 {
            // Every row that may be drawn sits on a centre: any of them will do.
            chosen.push(first);
            continue;
        }
        let candidates: Vec<usize> = (0..trials).map(|_| draw.row(stream.uniform() * potential, drawn)).collect();
        let all = draw.weigh(|i| weight(i) * distances[i], run)?;
        let best = nearest.add_best(&candidates, all, run)?;
        chosen.push(candidates[best]);
    }
    Ok(chosen)
}

/// Of rows that were drawn, the nearest to the mean of all, the first of equals.
fn nearest_to_mean<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    candidates: &[usize],
    level: Level,
    run: &Run<'_>,
) -> Result<usize> {
    let mut sums = Sums::new(1, &vec![0.0; rows.d()], level);
    sums.take(rows, weights, &vec![0; rows.n()], run)?;
    let mut mean = vec![0.0; rows.d()];
    sums.means(&mut mean, run)?;
    let norm = inertia::norms(&mean, rows.d())[0];
    let square = |i: usize| inertia::distance(rows, i, &mean, norm);
    Ok(candidates.iter().copied().reduce(|a, b| if square(b) < square(a) { b } else { a }).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Dense;

    fn far(x: &[f64], weights: Option<&[f64]>, share: f64) -> Vec<usize> {
        let rows = Rows::Dense(Dense::new(x, x.len(), 1).unwrap());
        let distances: Vec<f64> = x.iter().map(|x| x * x).collect();
        let found = farthest(&rows, weights, &distances, room(x.len(), weights, share), &Run::alone()).unwrap();
        (0..x.len()).filter(|&i| found[i]).collect()
    }

    #[test]
    fn the_share_is_rounded_down_but_for_rounding() {
        let x: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(far(&x, None, 0.25), [8, 9]);
        assert_eq!(far(&x, None, 0.3), [7, 8, 9]);
        assert_eq!(far(&x, None, 0.09), [0_usize; 0]);
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(far(&hundred, None, 0.29).len(), 29); // 0.29 * 100 < 29
    }

    #[test]
    fn copies_go_together_and_rows_without_weight_count_nothing() {
        assert_eq!(far(&[1.0, 9.0, 2.0, 9.0], None, 0.25), [0_usize; 0]);
        assert_eq!(far(&[1.0, 9.0, 2.0, 9.0], None, 0.5), [1, 3]);
        assert_eq!(far(&[1.0, 9.0, 2.0], Some(&[1.0, 2.0, 1.0]), 0.25), [0_usize; 0]);
        assert_eq!(far(&[1.0, 9.0, 2.0, 99.0], Some(&[1.0, 2.0, 1.0, 0.0]), 0.5), [1, 3]);
    }

    #[test]
    fn of_rows_equally_far_the_larger_content_goes_and_none_that_sits_on_its_centre() {
        assert_eq!(far(&[-3.0, 3.0, 1.0, 0.0], None, 0.25), [1]);
        assert_eq!(far(&[0.0, 0.0, 0.0, 1.0], None, 0.9), [3]);
    }
}
