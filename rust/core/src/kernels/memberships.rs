//! Fuzzy memberships of a strip of rows, and what the rows add to the centres.
//!
//! With d_j the squared distance of a row from centre j, its membership is u_j = d_j^-e / sum_l d_l^-e, where e = 1 / (m - 1).
//! Everything is computed from r_j = min_l d_l / d_j, which lies between 0 and 1 and is 1 for the nearest centre, so that no
//! power overflows, however near m is to 1, and a row on a centre needs no case of its own: u_j = r_j^e / S with S the sum of
//! r_l^e; u_j^m = u_j r_j S^(1 - m); and the row's part of the objective, the sum of u_j^m d_j, is min_l d_l S^(1 - m). For
//! m = 2 nothing is left to raise to a power.
//!
//! Sums over features and over rows go in order, a lane to each row or feature, each operation rounded: the bits do not depend
//! on the instruction set.

use super::power::power;
use super::simd::{Simd, Task};
use crate::float::Float;

/// Rows in a strip. A shorter one is filled up with rows of weight 0.
pub const STRIP: usize = 64;

/// Values of a row of `d` features with what fills it up to whole vectors of every instruction set.
pub fn padded(d: usize) -> usize {
    d.next_multiple_of(8)
}

/// Reads rows, less a shift, in f64.
pub struct Read<'a, F> {
    /// (n, d)
    pub values: &'a [F],
    /// Values that will be read next.
    pub ahead: &'a [F],
    /// (d,)
    pub shift: &'a [f64],
    /// (STRIP, `padded(d)`): the first n rows are written.
    pub rows: &'a mut [f64],
}

impl<F: Float> Task<F> for Read<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Read { values, ahead, shift, rows } = self;
        let d = shift.len();
        simd.prefetch(ahead);
        for (row, values) in rows.chunks_exact_mut(padded(d)).zip(values.chunks_exact(d)) {
            for ((to, x), shift) in row.iter_mut().zip(values).zip(shift) {
                *to = x.to_f64() - shift;
            }
        }
    }
}

/// Squared distances of the rows of a strip from all centres.
pub struct Squares<'a> {
    /// (STRIP, `padded(d)`), zeros beyond the features
    pub rows: &'a [f64],
    /// (k, d)
    pub centers: &'a [f64],
    /// d
    pub d: usize,
    /// Scratch space for (padded(d), STRIP).
    pub features: &'a mut [f64],
    /// (k, STRIP)
    pub out: &'a mut [f64],
}

impl Task<f64> for Squares<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Squares { rows, centers, d, features, out } = self;
        let stride = padded(d);
        let zeros = [0.0; 8];
        for r in (0..STRIP).step_by(S::LANES) {
            for f in (0..stride).step_by(S::LANES) {
                simd.transpose(&rows[r * stride + f..], stride, &zeros, &mut features[f * STRIP + r..], STRIP);
            }
        }
        let mut pairs = centers.chunks_exact(2 * d);
        let mut out = out.chunks_mut(2 * STRIP);
        for (pair, out) in (&mut pairs).zip(&mut out) {
            distances::<S, 2>(simd, features, pair, out);
        }
        if let Some(out) = out.next() {
            distances::<S, 1>(simd, features, pairs.remainder(), out);
        }
    }
}

/// Squared distances from `N` centres.
#[inline(always)]
fn distances<S: Simd<f64>, const N: usize>(simd: S, features: &[f64], centers: &[f64], out: &mut [f64]) {
    let d = centers.len() / N;
    for at in (0..STRIP).step_by(4 * S::LANES) {
        let mut sums = [[simd.splat(0.0); 4]; N];
        for (f, feature) in features.chunks_exact(STRIP).take(d).enumerate() {
            let x: [S::V; 4] = simd.load_all(&feature[at..]);
            for j in 0..N {
                let c = simd.splat(centers[j * d + f]);
                for v in 0..4 {
                    let difference = simd.sub(x[v], c);
                    sums[j][v] = simd.add(sums[j][v], simd.mul(difference, difference));
                }
            }
        }
        for j in 0..N {
            for v in 0..4 {
                simd.store(sums[j][v], &mut out[j * STRIP + at + v * S::LANES..]);
            }
        }
    }
}

/// Memberships of the rows of a strip.
pub struct Shares<'a> {
    /// (k, STRIP): squared distances; become the memberships u.
    pub squares: &'a mut [f64],
    /// m
    pub fuzziness: f64,
    /// Of the rows.
    pub weights: &'a [f64; STRIP],
    /// (k, STRIP): receives w u^m.
    pub pulls: &'a mut [f64],
    /// Receives w times the row's part of the objective.
    pub objective: &'a mut [f64; STRIP],
}

impl Task<f64> for Shares<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Shares { squares, fuzziness, weights, pulls, objective } = self;
        if fuzziness == 2.0 {
            shares::<S, true>(simd, squares, fuzziness, weights, pulls, objective);
        } else {
            shares::<S, false>(simd, squares, fuzziness, weights, pulls, objective);
        }
    }
}

#[inline(always)]
fn shares<S: Simd<f64>, const QUADRATIC: bool>(
    simd: S,
    squares: &mut [f64],
    fuzziness: f64,
    weights: &[f64; STRIP],
    pulls: &mut [f64],
    objective: &mut [f64; STRIP],
) {
    let exponent = 1.0 / (fuzziness - 1.0);
    let mut least = [0.0; STRIP];
    for at in (0..STRIP).step_by(S::LANES) {
        let mut low = simd.load(&squares[at..]);
        for squares in squares.chunks_exact(STRIP) {
            low = simd.min(simd.load(&squares[at..]), low);
        }
        simd.store(low, &mut least[at..]);
    }
    let mut total = [0.0; STRIP];
    for (squares, pulls) in squares.chunks_exact_mut(STRIP).zip(pulls.chunks_exact_mut(STRIP)) {
        for r in 0..STRIP {
            let ratio = least[r] / squares[r];
            // Not least / least, which is NaN on a centre.
            let ratio = if squares[r] > least[r] { ratio } else { 1.0 };
            let share = if QUADRATIC { ratio } else { power(ratio, exponent) };
            total[r] += share;
            pulls[r] = ratio;
            squares[r] = share;
        }
    }
    let (mut inverse, mut factor) = ([0.0; STRIP], [0.0; STRIP]);
    for r in 0..STRIP {
        inverse[r] = 1.0 / total[r];
        let shrunk = if QUADRATIC { inverse[r] } else { power(inverse[r], fuzziness - 1.0) };
        factor[r] = weights[r] * shrunk;
        objective[r] = least[r] * factor[r];
    }
    for (squares, pulls) in squares.chunks_exact_mut(STRIP).zip(pulls.chunks_exact_mut(STRIP)) {
        for r in 0..STRIP {
            squares[r] *= inverse[r];
            pulls[r] *= squares[r] * factor[r];
        }
    }
}

/// Adds the rows of a strip, each times its pull, to the sums of all centres.
pub struct AddUp<'a> {
    /// (STRIP, `padded(d)`)
    pub rows: &'a [f64],
    /// `padded(d)`
    pub stride: usize,
    /// (k, STRIP)
    pub pulls: &'a [f64],
    /// (k, stride)
    pub sums: &'a mut [f64],
}

impl Task<f64> for AddUp<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let AddUp { rows, stride, pulls, sums } = self;
        for (pulls, sums) in pulls.chunks(4 * STRIP).zip(sums.chunks_mut(4 * stride)) {
            match sums.len() / stride {
                4 => tile::<S, 4>(simd, rows, stride, pulls, sums),
                3 => tile::<S, 3>(simd, rows, stride, pulls, sums),
                2 => tile::<S, 2>(simd, rows, stride, pulls, sums),
                _ => tile::<S, 1>(simd, rows, stride, pulls, sums),
            }
        }
    }
}

/// Adds the rows to the sums of `N` centres.
#[inline(always)]
fn tile<S: Simd<f64>, const N: usize>(simd: S, rows: &[f64], stride: usize, pulls: &[f64], sums: &mut [f64]) {
    let mut f = 0;
    while f + 2 * S::LANES <= stride {
        columns::<S, N, 2>(simd, rows, stride, pulls, sums, f);
        f += 2 * S::LANES;
    }
    while f < stride {
        columns::<S, N, 1>(simd, rows, stride, pulls, sums, f);
        f += S::LANES;
    }
}

/// Adds the columns of `W` vectors from f on.
#[inline(always)]
fn columns<S: Simd<f64>, const N: usize, const W: usize>(
    simd: S,
    rows: &[f64],
    stride: usize,
    pulls: &[f64],
    sums: &mut [f64],
    f: usize,
) {
    let mut tile = [[simd.splat(0.0); W]; N];
    for j in 0..N {
        tile[j] = simd.load_all(&sums[j * stride + f..]);
    }
    for r in 0..STRIP {
        let x: [S::V; W] = simd.load_all(&rows[r * stride + f..]);
        for j in 0..N {
            let pull = simd.splat(pulls[j * STRIP + r]);
            for v in 0..W {
                tile[j][v] = simd.add(tile[j][v], simd.mul(pull, x[v]));
            }
        }
    }
    for j in 0..N {
        for v in 0..W {
            simd.store(tile[j][v], &mut sums[j * stride + f + v * S::LANES..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::simd::Level;

    #[test]
    fn every_level_computes_the_definition_to_the_same_bits() {
        for (k, d) in [(1, 1), (3, 2), (5, 8), (10, 16), (4, 19)] {
            for fuzziness in [2.0, 1.3, 3.5, 1.0001] {
                let stride = padded(d);
                let value = |i: usize| ((i * 7919) % 1013) as f64 / 100.0 - 5.0;
                let rows: Vec<f64> = (0..STRIP * stride).map(|i| if i % stride < d { value(i) } else { 0.0 }).collect();
                let mut centers: Vec<f64> = (0..k * d).map(|i| value(5 * i + 3)).collect();
                centers[..d].copy_from_slice(&rows[7 * stride..][..d]);
                let weights: [f64; STRIP] = std::array::from_fn(|r| 0.5 + (r % 3) as f64);
                let mut bits = Vec::new();
                for level in Level::available() {
                    let mut features = vec![0.0; stride * STRIP];
                    let mut squares = vec![0.0; k * STRIP];
                    let mut pulls = vec![0.0; k * STRIP];
                    let mut objective = [0.0; STRIP];
                    let mut sums = vec![0.0; k * stride];
                    level.run(Squares {
                        rows: &rows,
                        centers: &centers,
                        d,
                        features: &mut features,
                        out: &mut squares,
                    });
                    let apart = squares.clone();
                    level.run(Shares {
                        squares: &mut squares,
                        fuzziness,
                        weights: &weights,
                        pulls: &mut pulls,
                        objective: &mut objective,
                    });
                    level.run(AddUp { rows: &rows, stride, pulls: &pulls, sums: &mut sums });
                    for r in 0..STRIP {
                        let own: Vec<f64> = (0..k).map(|j| apart[j * STRIP + r]).collect();
                        let least = own.iter().copied().fold(f64::INFINITY, f64::min);
                        let share = |square: f64| {
                            if square == least { 1.0 } else { (least / square).powf(1.0 / (fuzziness - 1.0)) }
                        };
                        let total: f64 = own.iter().map(|&square| share(square)).sum();
                        let mut loss = 0.0;
                        for j in 0..k {
                            let u = share(own[j]) / total;
                            assert!((squares[j * STRIP + r] - u).abs() < 1e-11);
                            assert!((pulls[j * STRIP + r] - weights[r] * u.powf(fuzziness)).abs() < 1e-11);
                            loss += weights[r] * u.powf(fuzziness) * own[j];
                        }
                        assert!((objective[r] - loss).abs() <= 1e-10 * loss);
                    }
                    for j in 0..k {
                        for f in 0..d {
                            let want: f64 = (0..STRIP).map(|r| pulls[j * STRIP + r] * rows[r * stride + f]).sum();
                            assert!((sums[j * stride + f] - want).abs() < 1e-10);
                        }
                    }
                    let all = squares.iter().chain(&pulls).chain(&objective).chain(&sums);
                    bits.push(all.map(|value| value.to_bits()).collect::<Vec<_>>());
                }
                assert!(bits.windows(2).all(|pair| pair[0] == pair[1]));
            }
        }
    }
}
