//! What it is worth to swap one medoid for a candidate: all k swaps of a candidate in one pass over its distances.
//!
//! Schubert and Rousseeuw (2021), "Fast and eager k-medoids clustering", write the change of the loss when medoid i gives way
//! to candidate c as what the rows gain that are nearer to c than to any medoid, and what those of i lose that are not. Let
//! d be a row's distance from c, n and s those from its nearest and second nearest medoid. Whichever medoid goes, a row of
//! another one changes by min(d, n) - n; a row of i changes to min(d, s), which is (s - n) + (max(n, min(d, s)) - s) more
//! than that. The sums of s - n are known for each medoid, and both other terms are zero unless d < s: in a good clustering
//! only for about two in k rows, which are listed first.

use super::list::List;
use super::simd::{Simd, Task};
use crate::float::Float;

/// Sums are kept in as many chains, row o in chain o mod 8, on every instruction set, so that all have the same bits; and
/// rows of one medoid that follow each other need not wait for each other's sum.
const CHAINS: usize = 8;

/// Fewer medoids than this, and most rows would be listed.
const MANY_MEDOIDS: usize = 6;

/// What lives as long as a task.
#[derive(Default)]
pub struct Scratch {
    /// [medoid][chain]
    sums: Vec<f64>,
    /// Rows nearer to the candidate than to their second medoids.
    near: List,
}

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
    /// Whatever it holds.
    pub scratch: &'b mut Scratch,
}

impl<F: Float> Task<F> for BestSwap<'_, '_, F> {
    type Out = (usize, f64);

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) -> (usize, f64) {
        let BestSwap { medoids, distances, scratch: Scratch { sums, near } } = self;
        let Medoids { nearest, second, owner, weights, removal } = medoids;
        sums.clear();
        sums.resize(removal.len() * CHAINS, 0.0);
        let mut gains = [0.0; CHAINS];
        let n = distances.len();
        let (nearest, second, owner) = (&nearest[..n], &second[..n], &owner[..n]);
        if removal.len() < MANY_MEDOIDS {
            let whole = n - n % CHAINS;
            for at in (0..whole).step_by(CHAINS) {
                let rows = at..at + CHAINS;
                let (d, n, s, o) =
                    (&distances[rows.clone()], &nearest[rows.clone()], &second[rows.clone()], &owner[rows.clone()]);
                let mut terms = [(0.0, 0.0); CHAINS];
                for (l, terms) in terms.iter_mut().enumerate() {
                    *terms = of_row(d[l], n[l], s[l], weights.map_or(1.0, |w| w[at + l]));
                }
                for (l, (gain, term)) in terms.into_iter().enumerate() {
                    gains[l] += gain;
                    sums[o[l] as usize * CHAINS + l] += term;
                }
            }
            near.open(n);
            (whole..n).for_each(|o| near.add(o, 1));
        } else {
            let whole = n - n % S::LANES;
            near.open(n);
            let blocks = distances.chunks_exact(S::LANES).zip(second.chunks_exact(S::LANES));
            for (block, (d, s)) in blocks.enumerate() {
                let bits = simd.bits(simd.lt(simd.load(d), simd.load(s)));
                if bits != 0 {
                    near.add(block * S::LANES, bits.into());
                }
            }
            (whole..n).for_each(|o| near.add(o, 1));
        }
        for &o in near.get() {
            let o = o as usize;
            let (gain, term) = of_row(distances[o], nearest[o], second[o], weights.map_or(1.0, |w| w[o]));
            gains[o % CHAINS] += gain;
            sums[owner[o] as usize * CHAINS + o % CHAINS] += term;
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

/// What a row of weight `w` gains whichever medoid goes, and what more its own would cost: of its distances `d`, `n` and `s`.
#[inline(always)]
fn of_row<F: Float>(d: F, n: F, s: F, w: f64) -> (f64, f64) {
    let nearer = if d < n { d } else { n };
    let nearest_left = if d < s { d } else { s };
    let kept = if nearest_left < n { n } else { nearest_left };
    (w * (n.to_f64() - nearer.to_f64()), w * (kept.to_f64() - s.to_f64()))
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
            for k in [2, 3, 5, 6, 20] {
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
                        let mut scratch = Scratch::default();
                        let swap = BestSwap { medoids, distances: &distances, scratch: &mut scratch };
                        let (i, got) = level.run(swap);
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
