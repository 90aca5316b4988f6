//! Whether a matrix that was given can be one of distances.

use crate::error::Result;
use crate::float::Float;
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

/// The first flaw of a matrix (n, n); elements may differ from their mirror images by `tolerance` times the largest.
pub fn find<F: Float>(values: &[F], n: usize, tolerance: f64, run: &Run<'_>) -> Result<Option<Flaw>> {
    let strips = run.map(run::ranges(n, TILE), n * n, |rows, pulse| {
        let mut strip = Strip { flaw: None, largest: 0.0, apart: (0, 0, 0.0) };
        for columns in run::ranges(n, TILE).into_iter().skip(rows.start / TILE) {
            pulse.check()?;
            for i in rows.clone() {
                for j in columns.clone() {
                    let (value, mirrored) = (values[i * n + j].to_f64(), values[j * n + i].to_f64());
                    let sound = value >= 0.0 && mirrored >= 0.0 && value + mirrored < f64::INFINITY;
                    if !sound && strip.flaw.is_none() {
                        let (i, j, value) =
                            if value >= 0.0 && value.is_finite() { (j, i, mirrored) } else { (i, j, value) };
                        let kind = if value.is_finite() { Flaw::Negative } else { Flaw::NotFinite };
                        strip.flaw = Some(kind(i, j));
                    }
                    strip.largest = if value > strip.largest { value } else { strip.largest };
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
