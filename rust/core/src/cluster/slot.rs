//! Sums by cluster over consecutive rows, added up while the rows are in the cache.

use std::ops::Range;

use crate::float::Float;
use crate::kernels::simd::{Simd, Task};

/// A share of the rows' sums: of w (x - shift) (k, d), of w and of rows with weight (k,).
pub(super) struct Slot {
    pub sums: Vec<f64>,
    pub weights: Vec<f64>,
    pub counts: Vec<i64>,
}

impl Slot {
    /// For `k` clusters of `d` features.
    pub fn new(k: usize, d: usize) -> Slot {
        Slot { sums: vec![0.0; k * d], weights: vec![0.0; k], counts: vec![0; k] }
    }

    /// Without rows.
    pub fn clear(&mut self) {
        self.sums.fill(0.0);
        self.weights.fill(0.0);
        self.counts.fill(0);
    }
}

/// Adds labelled rows to a slot, those of a cluster in their order.
pub(super) struct Accumulate<'a, F> {
    /// (n, d)
    pub values: &'a [F],
    /// (n,)
    pub weights: Option<&'a [f64]>,
    /// (n,)
    pub labels: &'a [i32],
    /// (d,)
    pub shift: &'a [f64],
    pub slot: &'a mut Slot,
}

impl<F: Float> Task<F> for Accumulate<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, _: S) {
        match self.shift.len() {
            1 => self.narrow::<1>(),
            2 => self.narrow::<2>(),
            3 => self.narrow::<3>(),
            4 => self.narrow::<4>(),
            _ if self.slot.counts.len() == 2 => self.pair(),
            d => {
                let Accumulate { values, weights, labels, shift, slot } = self;
                for (i, (row, &label)) in values.chunks_exact(d).zip(labels).enumerate() {
                    let j = label as usize;
                    let sums = &mut slot.sums[j * d..][..d];
                    if let Some(w) = weights {
                        slot.weights[j] += w[i];
                        slot.counts[j] += i64::from(w[i] > 0.0);
                        for ((sum, x), m) in sums.iter_mut().zip(row).zip(shift) {
                            *sum += w[i] * (x.to_f64() - m);
                        }
                    } else {
                        slot.counts[j] += 1;
                        for ((sum, x), m) in sums.iter_mut().zip(row).zip(shift) {
                            *sum += x.to_f64() - m;
                        }
                    }
                }
                if weights.is_none() {
                    slot.weights.iter_mut().zip(&slot.counts).for_each(|(w, &count)| *w = count as f64);
                }
            }
        }
    }
}

impl<F: Float> Accumulate<'_, F> {
    /// Rows of a constant, small width.
    #[inline(always)]
    fn narrow<const D: usize>(self) {
        let Accumulate { values, weights, labels, shift, slot } = self;
        let shift: [f64; D] = std::array::from_fn(|f| shift[f]);
        let (all_sums, _) = slot.sums.as_chunks_mut::<D>();
        for (i, (row, &label)) in values.as_chunks::<D>().0.iter().zip(labels).enumerate() {
            let j = label as usize;
            let w = weights.map_or(1.0, |w| w[i]);
            slot.counts[j] += i64::from(w > 0.0);
            slot.weights[j] += w;
            for f in 0..D {
                all_sums[j][f] += w * (row[f].to_f64() - shift[f]);
            }
        }
    }

    /// Two clusters, whose sums stay in registers: a row is added to the one and zeros to the other, which changes nothing.
    #[inline(always)]
    fn pair(mut self) {
        let Accumulate { weights, labels, shift, slot, .. } = &mut self;
        for (i, &label) in labels.iter().enumerate() {
            let w = weights.map_or(1.0, |w| w[i]);
            slot.weights[label as usize] += w;
            slot.counts[label as usize] += i64::from(w > 0.0);
        }
        let (mut f, d) = (0, shift.len());
        while d - f >= 16 {
            self.columns::<16>(f..f + 16);
            f += 16;
        }
        while f < d {
            self.columns::<8>(f..d.min(f + 8));
            f += 8;
        }
    }

    /// So many columns of two clusters at most.
    #[inline(always)]
    fn columns<const WIDTH: usize>(&mut self, columns: Range<usize>) {
        let Accumulate { values, weights, labels, shift, slot } = self;
        let (d, width) = (shift.len(), columns.len());
        let (left_sums, right_sums) = slot.sums.split_at_mut(d);
        let [mut left, mut right, mut m] = [[0.0; WIDTH]; 3];
        left[..width].copy_from_slice(&left_sums[columns.clone()]);
        right[..width].copy_from_slice(&right_sums[columns.clone()]);
        m[..width].copy_from_slice(&shift[columns.clone()]);
        for (i, (row, &label)) in values.chunks_exact(d).zip(*labels).enumerate() {
            let mut x = [F::default(); WIDTH];
            if width == WIDTH {
                x.copy_from_slice(&row[columns.start..][..WIDTH]);
            } else {
                x[..width].copy_from_slice(&row[columns.clone()]);
            }
            let w = weights.map_or(1.0, |w| w[i]);
            // A branch would be mispredicted.
            let is_right = u64::MAX * label as u64;
            for c in 0..WIDTH {
                let y = (w * (x[c].to_f64() - m[c])).to_bits();
                left[c] += f64::from_bits(y & !is_right);
                right[c] += f64::from_bits(y & is_right);
            }
        }
        left_sums[columns.clone()].copy_from_slice(&left[..width]);
        right_sums[columns].copy_from_slice(&right[..width]);
    }
}

/// Moves rows of two clusters from the one to the other, in order.
pub(super) struct Exchange<'a, F> {
    /// (n, d)
    pub values: &'a [F],
    /// (n,)
    pub weights: Option<&'a [f64]>,
    /// Which rows, and the clusters that they leave.
    pub moves: &'a [(u32, i32)],
    /// (d,)
    pub shift: &'a [f64],
    pub slot: &'a mut Slot,
}

impl<F: Float> Task<F> for Exchange<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(mut self, simd: S) {
        let Exchange { weights, moves, shift, slot, .. } = &mut self;
        for &(i, before) in *moves {
            let w = weights.map_or(1.0, |w| w[i as usize]);
            let (from, to) = (before as usize, 1 - before as usize);
            slot.weights[from] -= w;
            slot.weights[to] += w;
            slot.counts[from] -= i64::from(w > 0.0);
            slot.counts[to] += i64::from(w > 0.0);
        }
        let (mut f, d) = (0, shift.len());
        while d - f >= 16 {
            self.columns::<S, 16>(simd, f..f + 16);
            f += 16;
        }
        while f < d {
            self.columns::<S, 8>(simd, f..d.min(f + 8));
            f += 8;
        }
    }
}

impl<F: Float> Exchange<'_, F> {
    /// So many columns at most.
    #[inline(always)]
    fn columns<S: Simd<F>, const WIDTH: usize>(&mut self, simd: S, columns: Range<usize>) {
        /// Rows ahead.
        const AHEAD: usize = 8;
        let Exchange { values, weights, moves, shift, slot } = self;
        let (d, width) = (shift.len(), columns.len());
        let (left_sums, right_sums) = slot.sums.split_at_mut(d);
        let [mut left, mut right, mut m] = [[0.0; WIDTH]; 3];
        left[..width].copy_from_slice(&left_sums[columns.clone()]);
        right[..width].copy_from_slice(&right_sums[columns.clone()]);
        m[..width].copy_from_slice(&shift[columns.clone()]);
        for (at, &(i, before)) in moves.iter().enumerate() {
            if let Some(&(next, _)) = moves.get(at + AHEAD) {
                simd.prefetch(&values[next as usize * d + columns.start..][..width]);
            }
            let row = &values[i as usize * d + columns.start..][..width];
            let mut x = [F::default(); WIDTH];
            if width == WIDTH {
                x.copy_from_slice(&row[..WIDTH]);
            } else {
                x[..width].copy_from_slice(row);
            }
            let w = weights.map_or(1.0, |w| w[i as usize]);
            // What goes to the right is taken from the left, and what goes to the left is minus that.
            let sign = (before as u64) << 63;
            for c in 0..WIDTH {
                let y = f64::from_bits((w * (x[c].to_f64() - m[c])).to_bits() ^ sign);
                left[c] -= y;
                right[c] += y;
            }
        }
        left_sums[columns.clone()].copy_from_slice(&left[..width]);
        right_sums[columns].copy_from_slice(&right[..width]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::simd::Level;

    #[test]
    fn sums_are_those_of_rows_in_order_to_the_bit() {
        const N: usize = 77;
        for (k, d) in [(2, 1), (2, 4), (2, 5), (2, 8), (2, 16), (2, 19), (3, 2), (3, 19)] {
            let value = |i: usize| ((i * 7919) % 1013) as f32 / 7.0 - 70.0;
            let values: Vec<f32> = (0..N * d).map(value).collect();
            let shift: Vec<f64> = (0..d).map(|f| 0.1 * f as f64).collect();
            let labels: Vec<i32> = (0..N).map(|i| (i * i % 7) as i32 % k as i32).collect();
            let heavy: Vec<f64> = (0..N).map(|i| (i % 5) as f64 / 3.0).collect();
            for weights in [None, Some(&heavy[..])] {
                let mut want = Slot::new(k, d);
                for i in 0..N {
                    let (j, w) = (labels[i] as usize, weights.map_or(1.0, |w| w[i]));
                    want.weights[j] += w;
                    want.counts[j] += i64::from(w > 0.0);
                    for f in 0..d {
                        want.sums[j * d + f] += w * (f64::from(values[i * d + f]) - shift[f]);
                    }
                }
                for level in Level::available() {
                    let mut slot = Slot::new(k, d);
                    for part in [0..40, 40..N] {
                        level.run(Accumulate {
                            values: &values[part.start * d..part.end * d],
                            weights: weights.map(|w| &w[part.clone()]),
                            labels: &labels[part],
                            shift: &shift,
                            slot: &mut slot,
                        });
                    }
                    let bits =
                        |slot: &Slot| slot.sums.iter().chain(&slot.weights).map(|x| x.to_bits()).collect::<Vec<_>>();
                    assert!(bits(&slot) == bits(&want) && slot.counts == want.counts, "k {k}, d {d}, {}", level.name());
                }
            }
        }
    }

    #[test]
    fn exchanging_rows_is_taking_away_and_adding_in_order_to_the_bit() {
        const N: usize = 61;
        for d in [1, 5, 8, 16, 19, 40] {
            let values: Vec<f32> = (0..N * d).map(|i| ((i * 7919) % 1013) as f32 / 7.0 - 70.0).collect();
            let shift: Vec<f64> = (0..d).map(|f| 0.1 * f as f64).collect();
            let heavy: Vec<f64> = (0..N).map(|i| (i % 5) as f64 / 3.0).collect();
            let moves: Vec<(u32, i32)> =
                (0..N as u32).filter(|i| i % 3 > 0).map(|i| (i, (i * i % 7) as i32 % 2)).collect();
            for weights in [None, Some(&heavy[..])] {
                let mut want = Slot::new(2, d);
                want.sums.iter_mut().enumerate().for_each(|(f, sum)| *sum = 1.0 / (f + 3) as f64);
                let before = want.sums.clone();
                for &(i, before) in &moves {
                    let (i, w) = (i as usize, weights.map_or(1.0, |w| w[i as usize]));
                    for (j, w) in [(before as usize, -w), (1 - before as usize, w)] {
                        want.weights[j] += w;
                        want.counts[j] += if w == 0.0 { 0 } else { w.signum() as i64 };
                        for f in 0..d {
                            want.sums[j * d + f] += w * (f64::from(values[i * d + f]) - shift[f]);
                        }
                    }
                }
                for level in Level::available() {
                    let mut slot = Slot::new(2, d);
                    slot.sums.copy_from_slice(&before);
                    let (values, moves, shift) = (&values[..], &moves[..], &shift[..]);
                    level.run(Exchange { values, weights, moves, shift, slot: &mut slot });
                    let bits =
                        |slot: &Slot| slot.sums.iter().chain(&slot.weights).map(|x| x.to_bits()).collect::<Vec<_>>();
                    assert!(bits(&slot) == bits(&want) && slot.counts == want.counts, "d {d}, {}", level.name());
                }
            }
        }
    }
}
