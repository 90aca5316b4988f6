//! Which rows may be nearer to one of some candidates than to the nearest centre they have.
//!
//! Sums of squared differences in the rows' own type, samples in vector lanes. No term is negative and nothing cancels, so
//! the rounding is relative: with unit roundoff u and d features, a term passes at most d + 3 roundings (its difference,
//! its square and the additions), hence `(1 + u)^-(d + 3) D <= s <= (1 + u)^(d + 3) D`, but for underflow of at most d
//! smallest normal numbers. The definition of D (see [`super::direct`]) errs by no more. A row is left out where every s is
//! above the distance that the row has by more than both: each D is then no smaller, as the definition itself would find.
//! NaN, infinity and overflow fail the comparison, so such rows are never left out.

use super::list::List;
use super::simd::{Level, Simd, Task};
use crate::float::Float;

/// Candidates whose sums are in registers together.
const GROUP: usize = 4;
/// Blocks that are fetched before they are needed.
const AHEAD: usize = 4;
/// Samples in the widest block: 4 vectors of 16.
pub(super) const MOST_LANES: usize = 64;
/// From this many features on they are in the lanes: transposing a candidate's sums costs less than transposing the samples.
const WIDE: usize = 64;
/// Features of a wide row that are packed together; a multiple of every level's lanes.
const CHUNK: usize = 16;

/// Candidates packed for rows of type `T`.
pub struct Candidates<T> {
    /// [group][feature][candidate of the group]; [group][chunk][candidate of the group][feature of the chunk], with zeros
    /// behind the last feature, if they are wide.
    values: Vec<T>,
    /// The length of a candidate in there.
    length: usize,
    d: usize,
    /// More than a distance and all roundings: `widen * distance + floor`.
    widen: f64,
    floor: f64,
}

impl<T: Float> Candidates<T> {
    /// Packs `candidates` (t, d), which are rows: their values are exact in `T`.
    pub fn new(candidates: &[f64], d: usize) -> Candidates<T> {
        let (chunk, length) = if d < WIDE { (1, d) } else { (CHUNK, d.next_multiple_of(CHUNK)) };
        let mut values = Vec::with_capacity(candidates.len() / d * length);
        for group in candidates.chunks(GROUP * d) {
            for f in (0..length).step_by(chunk) {
                for candidate in group.chunks_exact(d) {
                    values.extend((f..f + chunk).map(|f| candidate.get(f).map_or(T::default(), |&c| T::from_f64(c))));
                }
            }
        }
        // Those of a sum, those of the definition, and some of the limit itself; (1 + u)^m is at most 1 / (1 - m u).
        let roundings = 2.0 * (d + 8) as f64;
        let widen = 1.0 / (1.0 - roundings * T::UNIT_ROUNDOFF).max(0.0);
        Candidates { values, length, d, widen, floor: roundings * T::MIN_NORMAL }
    }

    /// Lists for each candidate the positions of those `rows` (n, d) that may be nearer to it than `nearest` (n) says, in order.
    pub fn scan(&self, rows: &[T], nearest: &[f64], near: &mut [List], lanes: &mut Lanes<T>, level: Level) {
        near.iter_mut().for_each(|near| near.open(nearest.len()));
        level.run(Scan { candidates: self, rows, nearest, near, lanes });
    }
}

/// In which lanes of a block `a` is not below `b`.
#[inline(always)]
pub(super) fn not_below<T: Float, S: Simd<T>, const VECTORS: usize>(
    simd: S,
    a: [S::V; VECTORS],
    b: [S::V; VECTORS],
) -> u64 {
    let mut below = 0;
    for v in 0..VECTORS {
        below |= u64::from(simd.bits(simd.lt(a[v], b[v]))) << (v * S::LANES);
    }
    !below & (u64::MAX >> (64 - VECTORS * S::LANES))
}

/// Scratch space.
#[derive(Default)]
pub struct Lanes<T> {
    /// A block of samples: [feature][sample].
    samples: Vec<T>,
    /// The last block, filled up.
    padded: Vec<T>,
}

struct Scan<'a, T> {
    candidates: &'a Candidates<T>,
    rows: &'a [T],
    nearest: &'a [f64],
    near: &'a mut [List],
    lanes: &'a mut Lanes<T>,
}

impl<T: Float> Task<T> for Scan<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<T>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Scan { candidates, rows, nearest, near, lanes } = self;
        let d = candidates.d;
        let width = VECTORS * S::LANES;
        let Lanes { samples, padded } = lanes;
        samples.resize(width * d, T::default());
        for (b, (block, nearest)) in rows.chunks(width * d).zip(nearest.chunks(width)).enumerate() {
            let ahead = (b + AHEAD) * width * d;
            simd.prefetch(rows.get(ahead..ahead + width * d).unwrap_or_default());
            // Written before the rows are loaded: a vector load right behind these narrow stores would wait for them. What
            // fills the last block up is beyond its limit.
            let mut limits = [T::from_f64(-1.0); MOST_LANES];
            for (limit, nearest) in limits.iter_mut().zip(nearest) {
                *limit = T::from_f64(nearest * candidates.widen + candidates.floor);
            }
            let block = if nearest.len() == width { block } else { fill_up(block, padded, width * d) };
            if d < WIDE {
                transpose::<T, S, VECTORS>(simd, block, d, samples);
            }
            let limits: [S::V; VECTORS] = simd.load_all(&limits);
            let groups = candidates.values.chunks(GROUP * candidates.length).zip(near.chunks_mut(GROUP));
            let block = Block { first: b * width, rows: block, d };
            for (group, near) in groups {
                match near.len() {
                    1 => block.list::<S, VECTORS, 1>(simd, samples, group, limits, near),
                    2 => block.list::<S, VECTORS, 2>(simd, samples, group, limits, near),
                    3 => block.list::<S, VECTORS, 3>(simd, samples, group, limits, near),
                    _ => block.list::<S, VECTORS, GROUP>(simd, samples, group, limits, near),
                }
            }
        }
    }
}

/// `block` and zeros, `length` values.
pub(super) fn fill_up<'a, T: Float>(block: &[T], padded: &'a mut Vec<T>, length: usize) -> &'a [T] {
    padded.clear();
    padded.extend_from_slice(block);
    padded.resize(length, T::default());
    padded
}

/// Writes a block of rows to `to`: [feature][sample].
#[inline(always)]
pub(super) fn transpose<T: Float, S: Simd<T>, const VECTORS: usize>(simd: S, block: &[T], d: usize, to: &mut [T]) {
    let width = VECTORS * S::LANES;
    match d {
        1 => columns::<T, S, 1>(simd, block, to, width),
        2 => columns::<T, S, 2>(simd, block, to, width),
        3 => columns::<T, S, 3>(simd, block, to, width),
        4 => columns::<T, S, 4>(simd, block, to, width),
        _ if d < S::LANES => {
            for (r, row) in block.chunks_exact(d).enumerate() {
                row.iter().enumerate().for_each(|(f, &x)| to[f * width + r] = x);
            }
        }
        _ => {
            for f in (0..d).step_by(S::LANES) {
                let f = f.min(d - S::LANES); // the last tile may overlap the one before
                for v in 0..VECTORS {
                    let rows = &block[v * S::LANES * d + f..];
                    simd.transpose(rows, d, &[T::default(); MOST_LANES], &mut to[f * width + v * S::LANES..], width);
                }
            }
        }
    }
}

#[inline(always)]
fn columns<T: Float, S: Simd<T>, const D: usize>(simd: S, block: &[T], to: &mut [T], width: usize) {
    for (v, rows) in block.chunks_exact(S::LANES * D).enumerate() {
        let columns = simd.columns::<D>(rows);
        for f in 0..D {
            simd.store(columns[f], &mut to[f * width + v * S::LANES..]);
        }
    }
}

/// Rows that are worked on together.
struct Block<'a, T> {
    /// The position of the first.
    first: usize,
    /// (width, d)
    rows: &'a [T],
    d: usize,
}

impl<T: Float> Block<'_, T> {
    /// Lists the rows that are not beyond their limits from candidates of a group. `samples` are the rows, transposed, or
    /// scratch space if they are wide.
    #[inline(always)]
    fn list<S: Simd<T>, const VECTORS: usize, const N: usize>(
        &self,
        simd: S,
        samples: &mut [T],
        group: &[T],
        limits: [S::V; VECTORS],
        near: &mut [List],
    ) {
        let &Block { first, rows, d } = self;
        if d < WIDE {
            let sums = narrow_sums::<T, S, VECTORS, N>(simd, samples, group);
            for (near, sums) in near.iter_mut().zip(sums) {
                near.add(first, not_below(simd, limits, sums));
            }
        } else {
            for (v, rows) in rows.chunks_exact(S::LANES * d).enumerate() {
                let sums = wide_sums::<T, S, N>(simd, rows, samples, group, d);
                for (near, sums) in near.iter_mut().zip(sums) {
                    near.add(first + v * S::LANES, not_below(simd, [limits[v]], [sums]));
                }
            }
        }
    }
}

/// Squared distances of transposed samples.
#[inline(always)]
fn narrow_sums<T: Float, S: Simd<T>, const VECTORS: usize, const N: usize>(
    simd: S,
    samples: &[T],
    group: &[T],
) -> [[S::V; VECTORS]; N] {
    let mut sums = [[simd.splat(T::default()); VECTORS]; N];
    for (values, candidates) in samples.chunks_exact(VECTORS * S::LANES).zip(group.chunks_exact(N)) {
        let x: [S::V; VECTORS] = simd.load_all(values);
        for c in 0..N {
            let candidate = simd.splat(candidates[c]);
            for v in 0..VECTORS {
                let difference = simd.sub(x[v], candidate);
                sums[c][v] = simd.fma(difference, difference, sums[c][v]);
            }
        }
    }
    sums
}

/// Squared distances of a vector of rows, read as they lie: long rows come faster one after the other.
#[inline(always)]
fn wide_sums<T: Float, S: Simd<T>, const N: usize>(
    simd: S,
    rows: &[T],
    scratch: &mut [T],
    group: &[T],
    d: usize,
) -> [S::V; N] {
    let zero = simd.splat(T::default());
    // [candidate][row][lane]
    let square = S::LANES * S::LANES;
    let (partial, scratch) = scratch.split_at_mut(N * square);
    let lanes = &mut scratch[..square];
    for (pair, rows) in rows.chunks_exact(2 * d).enumerate() {
        let (rows, chunks) = ([&rows[..d], &rows[d..]], group.chunks_exact(N * CHUNK));
        let mut sums = [[zero; N]; 2];
        for ((one, other), candidates) in rows[0].chunks_exact(CHUNK).zip(rows[1].chunks_exact(CHUNK)).zip(chunks) {
            sums = add_chunk::<T, S, N>(simd, [one, other], candidates, sums);
        }
        if !d.is_multiple_of(CHUNK) {
            let mut ends = [[T::default(); CHUNK]; 2];
            for r in 0..2 {
                ends[r][..d % CHUNK].copy_from_slice(&rows[r][d - d % CHUNK..]);
            }
            let candidates = &group[group.len() - N * CHUNK..];
            sums = add_chunk::<T, S, N>(simd, [&ends[0], &ends[1]], candidates, sums);
        }
        for r in 0..2 {
            for c in 0..N {
                simd.store(sums[r][c], &mut partial[c * square + (2 * pair + r) * S::LANES..]);
            }
        }
    }
    let mut sums = [zero; N];
    for c in 0..N {
        simd.transpose(&partial[c * square..], S::LANES, &[T::default(); MOST_LANES], lanes, S::LANES);
        for lanes in lanes.chunks_exact(S::LANES) {
            sums[c] = simd.add(sums[c], simd.load(lanes));
        }
    }
    sums
}

/// Adds the squares of a chunk of features, of two rows and all candidates of a group.
#[inline(always)]
fn add_chunk<T: Float, S: Simd<T>, const N: usize>(
    simd: S,
    rows: [&[T]; 2],
    candidates: &[T],
    mut sums: [[S::V; N]; 2],
) -> [[S::V; N]; 2] {
    for f in (0..CHUNK).step_by(S::LANES) {
        let x = [simd.load(&rows[0][f..]), simd.load(&rows[1][f..])];
        for c in 0..N {
            let candidate = simd.load(&candidates[c * CHUNK + f..]);
            for r in 0..2 {
                let difference = simd.sub(x[r], candidate);
                sums[r][c] = simd.fma(difference, difference, sums[r][c]);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::direct::distance;

    /// Rows (n, d) of a kind that misleads.
    fn rows(kind: &str, n: usize, d: usize) -> Vec<f64> {
        let mut state = (n * d) as u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
        };
        let scale = |i: usize, x: f64| match kind {
            "offset" => 1e6 + 50.0 * x,
            "blobs" => x + if (i / d).is_multiple_of(2) { 1000.0 } else { -1000.0 },
            "whole" => (4.0 * x).round(),
            "tiny" => 1e-22 * x,
            "subnormal" => 1e-41 * x,
            "huge" => 1e30 * x,
            "mixed" => x * 10_f64.powi((i / d % 37) as i32 - 18),
            _ => x,
        };
        (0..n * d).map(|i| scale(i, next())).collect()
    }

    /// Which rows the definition finds nearer to each of the first `t` rows than to another row, and which are listed.
    fn found<T: Float>(kind: &str, n: usize, d: usize, t: usize, level: Level) -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
        let rows: Vec<T> = rows(kind, n, d).into_iter().map(T::from_f64).collect();
        let wide: Vec<f64> = rows.iter().map(|x| x.to_f64()).collect();
        let (candidates, center) = (&wide[..t * d], &wide[(n - 1) * d..]);
        // Rows whose limit is their very distance to a candidate are nearer to none, by a hair.
        let nearest: Vec<f64> = wide
            .chunks_exact(d)
            .enumerate()
            .map(|(i, row)| if i % 3 == 0 { distance(row, &wide[i % t * d..][..d]) } else { distance(row, center) })
            .collect();
        let nearer = |candidate: &[f64]| {
            let rows = wide.chunks_exact(d).zip(&nearest).enumerate();
            rows.filter(|(_, (row, nearest))| distance(row, candidate) < **nearest).map(|(i, _)| i as u32).collect()
        };
        let truly = candidates.chunks_exact(d).map(nearer).collect();
        let mut near: Vec<List> = (0..t).map(|_| List::default()).collect();
        Candidates::new(candidates, d).scan(&rows, &nearest, &mut near, &mut Lanes::default(), level);
        (truly, near.iter().map(|near| near.get().to_vec()).collect())
    }

    fn check<T: Float>(kind: &str, n: usize, d: usize, t: usize, level: Level) {
        let (truly, near) = found::<T>(kind, n, d, t, level);
        for (c, (truly, near)) in truly.iter().zip(&near).enumerate() {
            let case = format!("{kind}, {n} x {d}, candidate {c} of {t}, {}", level.name());
            assert!(near.is_sorted() && near.iter().all(|&i| i < n as u32), "{case}");
            assert!(
                truly.iter().all(|i| near.binary_search(i).is_ok()),
                "{case}: {truly:?} are nearer, {near:?} listed"
            );
        }
    }

    #[test]
    fn no_row_that_is_nearer_is_left_out() {
        for level in Level::available() {
            for kind in ["plain", "offset", "blobs", "whole", "tiny", "subnormal", "huge", "mixed"] {
                for (n, d) in
                    [(1, 1), (70, 1), (65, 2), (130, 3), (200, 4), (99, 5), (300, 16), (70, 63), (80, 64), (90, 129)]
                {
                    for t in [1, 2, 3, 4, 7, 11] {
                        check::<f32>(kind, n.max(t), d, t, level);
                        check::<f64>(kind, n.max(t), d, t, level);
                    }
                }
            }
        }
    }

    #[test]
    fn most_others_are_left_out() {
        for level in Level::available() {
            for kind in ["plain", "offset", "blobs"] {
                for d in [3, 16, 100] {
                    let (truly, near) = found::<f32>(kind, 3000, d, 1, level);
                    let (truly, near) = (&truly[0], &near[0]);
                    // A third has the candidate's own distance, which no rounding bound can tell from nearer.
                    assert!(
                        truly.len() < 2100 && near.len() < truly.len() + 1010,
                        "{kind}: {} of {}",
                        near.len(),
                        truly.len()
                    );
                }
            }
        }
    }
}
