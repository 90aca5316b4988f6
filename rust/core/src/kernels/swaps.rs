//! What it is worth to swap one medoid for a candidate: all k swaps of a candidate in one pass over its distances.
//!
//! Schubert and Rousseeuw (2021), "Fast and eager k-medoids clustering", write the change of the loss when medoid i gives way
//! to candidate c as what the rows gain that are nearer to c than to any medoid, and what those of i lose that are not. Let
//! d be a row's distance from c, n and s those from its nearest and second nearest medoid. Whichever medoid goes, a row of
//! another one changes by min(d, n) - n; a row of i changes to min(d, s), which is (s - n) + (max(n, min(d, s)) - s) more
//! than that. The sums of s - n are known for each medoid, and both other terms are zero unless d < s: in a good clustering
//! only for about two in k rows.

use super::simd::{Simd, Task};
use crate::float::Float;

/// Sums are kept in as many chains, row o in chain o mod 8, on every instruction set, so that all have the same bits; and
/// rows of one medoid that follow each other need not wait for each other's sum.
const CHAINS: usize = 8;

/// Rows that are left out together where none is nearer to the candidate than to its second medoid.
const STRIP: usize = 16;

/// A clustering as the swaps see it.
#[derive(Clone, Copy)]
pub struct Medoids<'a, F> {
    /// Each row's distance from its nearest medoid.
    pub nearest: &'a [F],
    /// Each row's distance from its second nearest medoid.
    pub second: &'a [F],
    /// Which is each row's nearest; all below `removal.len()`.
    pub owner: &'a [u32],
    /// Weights of the rows.
    pub weights: Option<&'a [f64]>,
    /// For each medoid the sum of w (second - nearest) over its rows.
    pub removal: &'a [f64],
}

/// The best swap for one candidate: which medoid should go, and by how much the loss changes then.
pub struct BestSwap<'a, 'b, F> {
    /// The clustering.
    pub medoids: Medoids<'a, F>,
    /// The candidate's distances from all rows.
    pub distances: &'a [F],
    /// Scratch space.
    pub sums: &'b mut Vec<f64>,
}

impl<F: Float> Task<F> for BestSwap<'_, '_, F> {
    type Out = (usize, f64);

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) -> (usize, f64) {
        let BestSwap { medoids, distances, sums } = self;
        let Medoids { nearest, second, owner, weights, removal } = medoids;
        sums.clear();
        sums.resize(removal.len() * CHAINS, 0.0);
        let mut gains = [0.0; CHAINS];
        let n = distances.len();
        let (nearest, second, owner) = (&nearest[..n], &second[..n], &owner[..n]);
        let whole = n - n % STRIP;
        for from in (0..whole).step_by(STRIP) {
            let (d, s) = (&distances[from..from + STRIP], &second[from..from + STRIP]);
            let mut all_farther = simd.lt(simd.load(s), simd.load(d));
            for at in (S::LANES..STRIP).step_by(S::LANES) {
                all_farther = simd.and(all_farther, simd.lt(simd.load(&s[at..]), simd.load(&d[at..])));
            }
            if simd.all(all_farther) {
                continue;
            }
            for at in (from..from + STRIP).step_by(CHAINS) {
                let rows = at..at + CHAINS;
                let (d, n, s, o) =
                    (&distances[rows.clone()], &nearest[rows.clone()], &second[rows.clone()], &owner[rows.clone()]);
                add_up(d, n, s, o, weights.map(|w| &w[rows]), &mut gains, sums);
            }
        }
        for at in (whole..n).step_by(CHAINS) {
            let rows = at..(at + CHAINS).min(n);
            let mut padded = [[F::default(); CHAINS]; 3];
            let mut owners = [0; CHAINS];
            let mut heavy = [0.0; CHAINS];
            padded[0][..rows.len()].copy_from_slice(&distances[rows.clone()]);
            padded[1][..rows.len()].copy_from_slice(&nearest[rows.clone()]);
            padded[2][..rows.len()].copy_from_slice(&second[rows.clone()]);
            owners[..rows.len()].copy_from_slice(&owner[rows.clone()]);
            if let Some(w) = weights {
                heavy[..rows.len()].copy_from_slice(&w[rows]);
            }
            add_up(&padded[0], &padded[1], &padded[2], &owners, weights.map(|_| &heavy[..]), &mut gains, sums);
        }
        let gain: f64 = gains.iter().sum();
        let mut best = (0, f64::INFINITY);
        for (i, (sums, removal)) in sums.chunks_exact(CHAINS).zip(removal).enumerate() {
            let change = removal + sums.iter().sum::<f64>() - gain;
            if change < best.1 {
                best = (i, change);
            }
        }
        best
    }
}

/// Adds the terms of `CHAINS` rows, whose distances are `d`, `n` and `s`.
#[inline(always)]
fn add_up<F: Float>(
    d: &[F],
    n: &[F],
    s: &[F],
    owner: &[u32],
    weights: Option<&[f64]>,
    gains: &mut [f64; CHAINS],
    sums: &mut [f64],
) {
    let mut terms = [0.0; CHAINS];
    for l in 0..CHAINS {
        let nearer = if d[l] < n[l] { d[l] } else { n[l] };
        let nearest_left = if d[l] < s[l] { d[l] } else { s[l] };
        let kept = if nearest_left < n[l] { n[l] } else { nearest_left };
        let (mut gain, mut term) = (n[l].to_f64() - nearer.to_f64(), kept.to_f64() - s[l].to_f64());
        if let Some(w) = weights {
            gain *= w[l];
            term *= w[l];
        }
        gains[l] += gain;
        terms[l] = term;
    }
    for l in 0..CHAINS {
        sums[owner[l] as usize * CHAINS + l] += terms[l];
    }
}

/// What a further medoid would gain: the sum of w max(0, nearest - d). For the first medoid `nearest` is None, and the
/// gain minus the sum of w d.
pub struct Gain<'a, F> {
    /// The candidate's distances from all rows.
    pub distances: &'a [F],
    /// Each row's distance from its nearest medoid.
    pub nearest: Option<&'a [F]>,
    /// Weights of the rows.
    pub weights: Option<&'a [f64]>,
}

impl<F: Float> Task<F> for Gain<'_, F> {
    type Out = f64;

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> f64 {
        let Gain { distances, nearest, weights } = self;
        let zero = F::default();
        let n = distances.len();
        let mut sums = [0.0; CHAINS];
        let mut add = |l: usize, o: usize| {
            let gain = match nearest {
                Some(nearest) => {
                    let gain = nearest[o].to_f64() - distances[o].to_f64();
                    if gain > 0.0 { gain } else { 0.0 }
                }
                None => zero.to_f64() - distances[o].to_f64(),
            };
            sums[l] += weights.map_or(gain, |w| w[o] * gain);
        };
        let whole = n - n % CHAINS;
        for from in (0..whole).step_by(CHAINS) {
            for l in 0..CHAINS {
                add(l, from + l);
            }
        }
        for o in whole..n {
            add(o - whole, o);
        }
        sums.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::simd::Level;

    /// The loss after the swap minus the loss before, from the definition.
    fn change(medoids: &Medoids<'_, f64>, distances: &[f64], out: usize) -> f64 {
        (0..distances.len())
            .map(|o| {
                let stays = if medoids.owner[o] as usize == out { medoids.second[o] } else { medoids.nearest[o] };
                medoids.weights.map_or(1.0, |w| w[o]) * (stays.min(distances[o]) - medoids.nearest[o])
            })
            .sum()
    }

    #[test]
    fn the_best_swap_is_the_least_of_all_by_the_definition() {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1_u32 << 24)
        };
        for n in [2, 7, 8, 9, 16, 17, 40, 333] {
            for k in [2, 3, 20] {
                let nearest: Vec<f64> = (0..n).map(|_| next()).collect();
                let second: Vec<f64> = nearest.iter().map(|near| near + next()).collect();
                let owner: Vec<u32> = (0..n).map(|_| (next() * 1e6) as u32 % k).collect();
                let distances: Vec<f64> = (0..n).map(|_| 3.0 * next()).collect();
                let w: Vec<f64> = (0..n).map(|_| next()).collect();
                for weights in [None, Some(&w[..])] {
                    let mut removal = vec![0.0; k as usize];
                    for o in 0..n {
                        removal[owner[o] as usize] += weights.map_or(1.0, |w| w[o]) * (second[o] - nearest[o]);
                    }
                    let medoids =
                        Medoids { nearest: &nearest, second: &second, owner: &owner, weights, removal: &removal };
                    let want: Vec<f64> = (0..k as usize).map(|i| change(&medoids, &distances, i)).collect();
                    let mut bits = Vec::new();
                    for level in Level::available() {
                        let mut sums = Vec::new();
                        let (i, got) = level.run(BestSwap { medoids, distances: &distances, sums: &mut sums });
                        assert!((got - want[i]).abs() < 1e-9, "n {n}, k {k}: {got} is not {}", want[i]);
                        assert!(want.iter().all(|want| *want > got - 1e-9));
                        bits.push((i, got.to_bits()));
                    }
                    assert!(bits.windows(2).all(|pair| pair[0] == pair[1]));
                }
            }
        }
    }

    #[test]
    fn a_further_medoid_gains_what_rows_come_nearer() {
        let (distances, nearest) = ([1.0, 5.0, 0.0, 2.0, 2.0, 2.0, 2.0, 2.0, 9.0], [3.0; 9]);
        for level in Level::available() {
            let gain = |nearest, weights| level.run(Gain { distances: &distances, nearest, weights });
            assert_eq!(gain(Some(&nearest[..]), None), 10.0);
            assert_eq!(gain(Some(&nearest[..]), Some(&[2.0; 9][..])), 20.0);
            assert_eq!(gain(None, None), -25.0);
        }
    }
}
