//! Whether a matrix that was given can be one of distances.

use std::ops::Range;

use crate::error::Result;
use crate::float::Float;
use crate::kernels::simd::{Level, Simd, Task};
use crate::run::{self, Run};

/// What is wrong with an element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Flaw {
    /// Not a number, or infinite.
    NotFinite(usize, usize),
    /// Below zero.
    Negative(usize, usize),
    /// Not what stands on the other side of the diagonal.
    Asymmetric(usize, usize),
}

/// Rows and columns of a tile: it and its mirror image stay in the cache.
const TILE: usize = 64;

/// What a strip of rows has shown.
struct Strip {
    flaw: Option<Flaw>,
    largest: f64,
    /// Row, column and difference where an element differs most from its mirror image.
    apart: (usize, usize, f64),
}

/// What a tile and its mirror image show, without saying where.
struct Tile<'a, F> {
    /// (n, n)
    values: &'a [F],
    n: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    /// For the mirror image.
    room: &'a mut Vec<F>,
}

impl<F: Float> Task<F> for Tile<'_, F> {
    /// Whether all elements are sound, the largest, and the largest difference from a mirror image.
    type Out = (bool, f64, f64);

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) -> Self::Out {
        /// Elements side by side.
        const LANES: usize = 8;
        let Tile { values, n, rows, columns, room } = self;
        // The next tile's pieces lie in as many pages of memory as it has rows and columns.
        let next = columns.end..n.min(columns.end + TILE);
        rows.clone().for_each(|i| simd.prefetch(&values[i * n..][next.clone()]));
        next.clone().for_each(|j| simd.prefetch(&values[j * n..][rows.clone()]));
        // What is left over is zero on both sides.
        room.clear();
        room.resize(2 * TILE * TILE, F::default());
        let (image, line) = room.split_at_mut(TILE * TILE);
        for (c, j) in columns.clone().enumerate() {
            for (r, &mirrored) in values[j * n..][rows.clone()].iter().enumerate() {
                image[r * TILE + c] = mirrored;
            }
        }
        let (mut unsound, mut largest, mut apart) = ([0_u64; LANES], [0.0; LANES], [0.0; LANES]);
        for (r, i) in rows.enumerate() {
            line[..columns.len()].copy_from_slice(&values[i * n..][columns.clone()]);
            let (lines, images) =
                (line[..TILE].as_chunks::<LANES>().0, image[r * TILE..][..TILE].as_chunks::<LANES>().0);
            for (line, image) in lines.iter().zip(images) {
                for l in 0..LANES {
                    let (value, mirrored) = (line[l].to_f64(), image[l].to_f64());
                    unsound[l] |= u64::from(!is_sound(value, mirrored));
                    largest[l] = if value > largest[l] { value } else { largest[l] };
                    let difference = (value - mirrored).abs();
                    apart[l] = if difference > apart[l] { difference } else { apart[l] };
                }
            }
        }
        let most = |lanes: [f64; LANES]| lanes.into_iter().fold(0.0, f64::max);
        (unsound == [0; LANES], most(largest), most(apart))
    }
}

#[inline(always)]
fn is_sound(value: f64, mirrored: f64) -> bool {
    value >= 0.0 && mirrored >= 0.0 && value + mirrored < f64::INFINITY
}

/// The first flaw of a matrix (n, n); elements may differ from their mirror images by `tolerance` times the largest.
pub fn find<F: Float>(values: &[F], n: usize, tolerance: f64, run: &Run<'_>) -> Result<Option<Flaw>> {
    let level = Level::detect();
    let strips = run.map_with(run::ranges(n, TILE), n * n, |room: &mut Vec<F>, rows, pulse| {
        let mut strip = Strip { flaw: None, largest: 0.0, apart: (0, 0, 0.0) };
        for columns in run::ranges(n, TILE).into_iter().skip(rows.start / TILE) {
            pulse.check()?;
            let (rows, columns) = (rows.clone(), columns);
            let tile = Tile { values, n, rows: rows.clone(), columns: columns.clone(), room };
            let (all_sound, largest, apart) = level.run(tile);
            strip.largest = if largest > strip.largest { largest } else { strip.largest };
            if all_sound && apart <= strip.apart.2 {
                continue;
            }
            for i in rows {
                for j in columns.clone() {
                    let (value, mirrored) = (values[i * n + j].to_f64(), values[j * n + i].to_f64());
                    if !is_sound(value, mirrored) && strip.flaw.is_none() {
                        let (i, j, value) =
                            if value >= 0.0 && value.is_finite() { (j, i, mirrored) } else { (i, j, value) };
                        let kind = if value.is_finite() { Flaw::Negative } else { Flaw::NotFinite };
                        strip.flaw = Some(kind(i, j));
                    }
                    let apart = (value - mirrored).abs();
                    if apart > strip.apart.2 {
                        strip.apart = (i, j, apart);
                    }
                }
            }
        }
        Ok(strip)
    })?;
    if let Some(flaw) = strips.iter().find_map(|strip| strip.flaw) {
        return Ok(Some(flaw));
    }
    let largest = strips.iter().fold(0.0, |most: f64, strip| most.max(strip.largest));
    let asymmetric = strips.iter().find(|strip| strip.apart.2 > tolerance * largest);
    Ok(asymmetric.map(|strip| Flaw::Asymmetric(strip.apart.0, strip.apart.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flaw_is_found_on_either_side_of_the_diagonal() {
        let n = 150;
        let distance = |i: usize, j: usize| (i as f64 - j as f64).abs();
        let sound: Vec<f64> = (0..n * n).map(|at| distance(at / n, at % n)).collect();
        let run = Run::alone();
        assert_eq!(find(&sound, n, 1e-9, &run), Ok(None));
        for (i, j) in [(3, 140), (140, 3), (149, 149), (0, 0)] {
            for (value, flaw) in [
                (f64::NAN, Flaw::NotFinite(i, j)),
                (f64::INFINITY, Flaw::NotFinite(i, j)),
                (f64::NEG_INFINITY, Flaw::NotFinite(i, j)),
                (-1.0, Flaw::Negative(i, j)),
            ] {
                let mut spoilt = sound.clone();
                spoilt[i * n + j] = value;
                assert_eq!(find(&spoilt, n, 1e-9, &run), Ok(Some(flaw)));
            }
        }
        let mut spoilt = sound;
        spoilt[100 * n + 7] += 1e-3;
        assert_eq!(find(&spoilt, n, 1e-9, &run), Ok(Some(Flaw::Asymmetric(7, 100))));
        assert_eq!(find(&spoilt, n, 1e-3, &run), Ok(None));
    }
}
