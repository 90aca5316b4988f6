//! What the lowest two scores of a row prove: its label, or nothing; and how far the centres are.

use super::bounds::Learned;
use super::scores::BestTwo;
use super::simd::Simd;
use crate::float::Float;

/// Samples in the widest block: 4 vectors of 16.
const MOST_LANES: usize = 64;

/// How far scores may be from what they stand for, twice: `row * Y + center * n_j + floor`. A label is decided where the
/// second lowest score is farther than that from the lowest.
pub(super) struct Bound<'a, T> {
    pub row: T,
    pub center: T,
    pub floor: T,
    /// n_j
    pub norms: &'a [T],
    pub largest_norm: T,
    pub d: usize,
}

impl<T: Float> Bound<'_, T> {
    /// Writes the labels of a block, whose first row is row `from`; lists the rows within the bound.
    #[inline(always)]
    pub fn decide<S: Simd<T>, const VECTORS: usize>(
        &self,
        simd: S,
        norms: [S::V; VECTORS],
        nearest: [BestTwo<S::V>; VECTORS],
        labels: &mut [i32],
        from: usize,
        undecided: &mut Vec<u32>,
    ) {
        let width = VECTORS * S::LANES;
        let mut index = [T::default(); MOST_LANES];
        for v in 0..VECTORS {
            simd.store(nearest[v].index, &mut index[v * S::LANES..]);
        }
        // By way of an array whose length the compiler knows.
        let mut names = [0; MOST_LANES];
        for (name, j) in names[..width].iter_mut().zip(&index) {
            *name = j.to_index() as i32;
        }
        labels.copy_from_slice(&names[..labels.len()]);

        let (row, floor) = (simd.splat(self.row), simd.splat(self.floor));
        let (of_center, largest) = (simd.splat(self.center), simd.splat(self.largest_norm));
        let limit = simd.splat(T::from_f64(T::NORM_LIMIT));
        // The largest centre bounds them all; only where that is not enough is each row's own looked up.
        let mut decided = simd.lt(norms[0], limit);
        for v in 0..VECTORS {
            let bound = simd.fma(of_center, largest, simd.fma(row, norms[v], floor));
            let clear = simd.lt(bound, simd.sub(nearest[v].second, nearest[v].best));
            decided = simd.and(decided, simd.and(clear, simd.lt(norms[v], limit)));
        }
        if simd.all(decided) {
            return;
        }
        let (yes, no) = (simd.splat(T::from_index(1)), simd.splat(T::default()));
        for v in 0..VECTORS {
            let mut own = [T::default(); MOST_LANES];
            let mut decided = [T::default(); MOST_LANES];
            let from = from + v * S::LANES;
            for (own, j) in own.iter_mut().zip(&index[v * S::LANES..][..S::LANES]) {
                *own = self.norms[j.to_index() as usize];
            }
            let bound = simd.fma(of_center, simd.load(&own), simd.fma(row, norms[v], floor));
            let clear = simd.lt(bound, simd.sub(nearest[v].second, nearest[v].best));
            let clear = simd.and(clear, simd.lt(norms[v], limit));
            simd.store(simd.select(clear, yes, no), &mut decided);
            let rows = labels.len().saturating_sub(v * S::LANES).min(S::LANES);
            for (l, decided) in decided[..rows].iter().enumerate() {
                if decided.to_index() == 0 {
                    undecided.push((from + l) as u32);
                }
            }
        }
    }

    /// Writes what the scores of a block say of the distances themselves, which are T + ||x - m||^2; the computed Y errs by
    /// no more than `(d + 8) u` of that.
    #[inline(always)]
    pub fn learn<S: Simd<T>, const VECTORS: usize>(
        &self,
        simd: S,
        norms: [S::V; VECTORS],
        nearest: [BestTwo<S::V>; VECTORS],
        learned: Option<&mut [Learned]>,
    ) {
        let Some(learned) = learned else { return };
        let u = T::UNIT_ROUNDOFF;
        // 16 u more, of the norms, for the roundings below.
        let of_norm = simd.splat(T::from_f64(self.row.to_f64() + (self.d + 24) as f64 * u));
        let of_center = simd.splat(T::from_f64(self.center.to_f64() + 16.0 * u));
        let (floor, zero) = (simd.splat(self.floor), simd.splat(T::default()));
        for (v, learned) in learned.chunks_mut(S::LANES).enumerate() {
            let [mut index, mut own, mut upper, mut lower, mut others] = [[T::default(); 16]; 5];
            simd.store(nearest[v].index, &mut index);
            for (own, j) in own[..S::LANES].iter_mut().zip(&index) {
                *own = self.norms[j.to_index() as usize];
            }
            let own = simd.mul(of_center, simd.load(&own));
            let slack = simd.add(simd.fma(of_norm, norms[v], floor), own);
            let best = simd.add(norms[v], nearest[v].best);
            let second = simd.add(norms[v], nearest[v].second);
            // `max` gives its second argument where the first is NaN: nothing is known then.
            simd.store(simd.sqrt(simd.max(simd.add(best, slack), zero)), &mut upper);
            simd.store(simd.sqrt(simd.max(simd.sub(best, slack), zero)), &mut lower);
            simd.store(simd.sqrt(simd.max(simd.sub(second, slack), zero)), &mut others);
            for (l, learned) in learned.iter_mut().enumerate() {
                *learned = Learned::new(upper[l].to_f64(), lower[l].to_f64(), others[l].to_f64());
            }
        }
    }
}

/// The part for a block of what was learned, if anybody wants it.
pub(super) fn part<'a>(
    learned: &'a mut Option<&mut [Learned]>,
    from: usize,
    length: usize,
) -> Option<&'a mut [Learned]> {
    learned.as_mut().map(|learned| &mut learned[from..from + length])
}
