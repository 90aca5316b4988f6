//! Manhattan distances in f64: `(|x_0 - c_0| + |x_1 - c_1|) + ...`, features in order, each operation rounded.
//!
//! Vector lanes hold other points, so each lane does exactly that and the bits are the same on every instruction set.

use super::simd::{Simd, Task};

/// The distances of each of `rows` (n, d) from each of `points` (k, d), written to `out` (n, k).
pub struct Manhattan<'a> {
    /// (n, d)
    pub rows: &'a [f64],
    /// (d, stride): the points' features, k of them and any values up to a multiple of [`PADDING`].
    pub features: &'a [f64],
    /// Points with their padding.
    pub stride: usize,
    /// (n, k)
    pub out: &'a mut [f64],
    /// k
    pub k: usize,
}

/// The stride of the points' features is a multiple of this.
pub const PADDING: usize = 32;

/// The features of `points` (k, d), each in a line of its own; and the length of a line.
pub fn by_feature(points: &[f64], d: usize) -> (Vec<f64>, usize) {
    let stride = (points.len() / d).next_multiple_of(PADDING);
    let mut features = vec![0.0; d * stride];
    for (j, point) in points.chunks_exact(d).enumerate() {
        for (f, &value) in point.iter().enumerate() {
            features[f * stride + j] = value;
        }
    }
    (features, stride)
}

impl Task<f64> for Manhattan<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Manhattan { rows, features, stride, out, k } = self;
        let d = features.len() / stride;
        let mut sums = [0.0; PADDING];
        for (row, out) in rows.chunks_exact(d).zip(out.chunks_exact_mut(k)) {
            for (from, out) in out.chunks_mut(PADDING).enumerate().map(|(c, out)| (c * PADDING, out)) {
                for at in (0..PADDING).step_by(4 * S::LANES) {
                    let mut chains = [simd.splat(0.0); 4];
                    for (f, &value) in row.iter().enumerate() {
                        let x = simd.splat(value);
                        let points = &features[f * stride + from + at..][..4 * S::LANES];
                        for v in 0..4 {
                            let c = simd.load(&points[v * S::LANES..]);
                            let apart = simd.max(simd.sub(x, c), simd.sub(c, x));
                            chains[v] = simd.add(chains[v], apart);
                        }
                    }
                    for v in 0..4 {
                        simd.store(chains[v], &mut sums[at + v * S::LANES..]);
                    }
                }
                let width = out.len();
                out.copy_from_slice(&sums[..width]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::simd::Level;

    #[test]
    fn every_level_adds_the_absolute_differences_in_order() {
        for (n, k, d) in [(1, 1, 1), (3, 5, 2), (5, 33, 7), (2, 64, 3), (4, 100, 17)] {
            let value = |i: usize| ((i * 7919) % 1009) as f64 / 37.0 - 11.0;
            let rows: Vec<f64> = (0..n * d).map(value).collect();
            let points: Vec<f64> = (0..k * d).map(|i| value(3 * i + 5)).collect();
            let (features, stride) = by_feature(&points, d);
            for level in Level::available() {
                let mut out = vec![f64::NAN; n * k];
                level.run(Manhattan { rows: &rows, features: &features, stride, out: &mut out, k });
                for (i, row) in rows.chunks_exact(d).enumerate() {
                    for (j, point) in points.chunks_exact(d).enumerate() {
                        let want = row.iter().zip(point).fold(0.0, |sum, (x, c)| sum + (x - c).abs());
                        assert_eq!(out[i * k + j], want);
                    }
                }
            }
        }
    }
}
