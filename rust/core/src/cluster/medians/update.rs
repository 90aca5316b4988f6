//! Medians of clusters, feature by feature, by selection; only of clusters whose rows changed.

use std::cmp::Ordering;
use std::ops::Range;

use crate::cluster::members::Members;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::nearest_manhattan::slack;
use crate::rows::Dense;
use crate::run::{self, Pulse, Run};

/// Features of a cluster that are worked on together: a line of the cache of f32.
const FEATURES: usize = 16;

/// How far an update moved the centres.
pub struct Moves {
    /// At least each one's move by Manhattan distance.
    pub manhattan: Vec<f64>,
    /// Sum ||C_new - C_old||^2.
    pub squared: f64,
}

/// Which clusters have changed, and what is known of the others.
pub struct Update {
    changed: Vec<bool>,
    /// The sum of w times distance of each cluster's rows from its median.
    pub losses: Vec<f64>,
}

impl Update {
    /// All of k clusters are new.
    pub fn new(k: usize) -> Update {
        Update { changed: vec![true; k], losses: vec![0.0; k] }
    }

    /// Marks the clusters that rows left, or came to, since their medians were taken.
    pub fn touch(&mut self, before: &[i32], now: &[i32], weights: Option<&[f64]>) {
        for (i, (&before, &now)) in before.iter().zip(now).enumerate() {
            if before != now && weights.is_none_or(|w| w[i] > 0.0) {
                self.changed[now as usize] = true;
                if before >= 0 {
                    self.changed[before as usize] = true;
                }
            }
        }
    }

    /// Moves `centers` (k, d) to the medians of the clusters that have changed; one without rows keeps its own.
    pub fn medians<F: Float>(
        &mut self,
        rows: &Dense<'_, F>,
        weights: Option<&[f64]>,
        members: &Members,
        centers: &mut [f64],
        run: &Run<'_>,
    ) -> Result<Moves> {
        let (d, k) = (rows.d(), self.losses.len());
        let mut tasks = Vec::new();
        let mut work = 0;
        for j in (0..k).filter(|&j| self.changed[j]) {
            self.losses[j] = 0.0;
            if !members.of(j).is_empty() {
                tasks.extend(run::ranges(d, FEATURES).into_iter().map(|features| (j, features)));
                work += 8 * d * members.of(j).len();
            }
        }
        let named = tasks.clone();
        let found = run.map_with(tasks, work, |scratch: &mut Scratch<F>, (j, features), pulse| {
            scratch.medians(rows, weights, members.of(j), features, pulse)
        })?;
        let mut moves = Moves { manhattan: vec![0.0; k], squared: 0.0 };
        for ((j, features), (medians, loss)) in named.into_iter().zip(found) {
            self.losses[j] += loss;
            for (center, median) in centers[j * d..][features].iter_mut().zip(medians) {
                let move_by = (median - *center).abs();
                moves.manhattan[j] += move_by;
                moves.squared += move_by * move_by;
                *center = median;
            }
        }
        moves.manhattan.iter_mut().for_each(|by| *by *= 1.0 + slack(d));
        self.changed.fill(false);
        Ok(moves)
    }
}

/// Memory that a thread hands from cluster to cluster.
#[derive(Default)]
struct Scratch<F> {
    /// [feature][row]
    values: Vec<F>,
    weighted: Vec<(F, f64)>,
}

impl<F: Float> Scratch<F> {
    /// The median of each of `features` over the rows `members`, and the sum of w |x - median| of all.
    fn medians(
        &mut self,
        rows: &Dense<'_, F>,
        weights: Option<&[f64]>,
        members: &[u32],
        features: Range<usize>,
        pulse: &Pulse<'_>,
    ) -> Result<(Vec<f64>, f64)> {
        /// Rows between looks at whether to stop.
        const LOOK: usize = 1 << 16;
        let m = members.len();
        self.values.resize(m * features.len(), F::default());
        for (place, &i) in members.iter().enumerate() {
            if place % LOOK == 0 {
                pulse.check()?;
            }
            for (f, &x) in rows.row(i as usize)[features.clone()].iter().enumerate() {
                self.values[f * m + place] = x;
            }
        }
        let mut loss = 0.0;
        let mut medians = Vec::with_capacity(features.len());
        for values in self.values.chunks_exact_mut(m) {
            pulse.check()?;
            let median = if let Some(w) = weights {
                self.weighted.clear();
                self.weighted.extend(values.iter().zip(members).map(|(&x, &i)| (x, w[i as usize])));
                let median = weighted_median(&mut self.weighted);
                loss += self.weighted.iter().map(|&(x, w)| w * (x.to_f64() - median).abs()).sum::<f64>();
                median
            } else {
                let median = lower_median(values);
                loss += spread(values, median);
                median
            };
            medians.push(median);
        }
        Ok((medians, loss))
    }
}

fn order<F: Float>(a: &F, b: &F) -> Ordering {
    a.partial_cmp(b).unwrap_or(Ordering::Equal)
}

/// The least value that half of all are at or below. Never -0.0, which is equal to 0.0 and could stand before or behind it.
fn lower_median<F: Float>(values: &mut [F]) -> f64 {
    let (_, median, _) = values.select_nth_unstable_by((values.len() - 1) / 2, order);
    median.to_f64() + 0.0
}

/// The least value that half of the weight is at or below: halves are looked for in the half that has it.
fn weighted_median<F: Float>(pairs: &mut [(F, f64)]) -> f64 {
    let half = 0.5 * pairs.iter().map(|pair| pair.1).sum::<f64>();
    let mut below = 0.0;
    let mut left = pairs;
    while left.len() > 1 {
        let middle = (left.len() - 1) / 2;
        left.select_nth_unstable_by(middle, |a, b| order(&a.0, &b.0));
        let (low, high) = left.split_at_mut(middle + 1);
        let weight: f64 = low.iter().map(|pair| pair.1).sum();
        if below + weight >= half {
            left = low;
        } else {
            below += weight;
            left = high;
        }
    }
    left[0].0.to_f64() + 0.0
}

/// Sum of |x - median|, in chains that do not wait for each other.
fn spread<F: Float>(values: &[F], median: f64) -> f64 {
    let mut chains = [0.0; 8];
    for values in values.chunks(8) {
        chains.iter_mut().zip(values).for_each(|(chain, x)| *chain += (x.to_f64() - median).abs());
    }
    chains.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_the_lower() {
        assert_eq!(lower_median(&mut [4.0, 1.0, 3.0, 2.0]), 2.0);
        assert_eq!(lower_median(&mut [4.0_f32, 1.0, 3.0]), 3.0);
        assert_eq!(lower_median(&mut [7.0]), 7.0);
    }

    #[test]
    fn a_weight_is_a_repetition() {
        for seed in 0..200_usize {
            let value = |i: usize| ((seed * 31 + i * 17) % 7) as f64;
            let weight = |i: usize| ((seed + i * 5) % 4) as f64;
            let mut pairs: Vec<(f64, f64)> = (0..=seed % 9).map(|i| (value(i), weight(i))).collect();
            pairs.retain(|pair| pair.1 > 0.0);
            let mut repeated: Vec<f64> = pairs.iter().flat_map(|&(x, w)| vec![x; w as usize]).collect();
            if !pairs.is_empty() {
                assert_eq!(weighted_median(&mut pairs), lower_median(&mut repeated));
            }
        }
    }
}
