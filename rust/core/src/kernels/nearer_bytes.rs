//! Which rows may be nearer to one of some candidates than to the nearest centre they have, by rows rounded to bytes: a quarter of
//! the memory and of the instructions that [`super::nearer`] takes.
//!
//! With y a row less `shift`, y = s q + e for a q of whole numbers, and a candidate z = h s p + g, where h is 1 or 2:
//!
//! `|y - z| >= s |q - h p| - |e| - |g|`
//!
//! so a row within `|y - z|^2 < m` has `|q - h p|^2 <= T = ((sqrt(m) + |e| + |g|) / s)^2`, and that is
//!
//! `q.p - h |p|^2 / 2 + (T - |q|^2) / 2 h >= 0`.
//!
//! Rows that are farther out than bytes go are cut first, which brings no two of them farther apart: a box is convex. One |e| and
//! one |g| hold for all but a few rows, which are listed always; where a candidate is one of them, there is no telling. The last
//! term, rounded up, is kept for each row as its limit. 2^30 is added, as in [`super::screen`], so that whole numbers
//! compare as floats.
//!
//! Instructions multiply unsigned bytes by signed ones: q has [`OFFSET`] added, which costs a multiple of the sum of p that is
//! known beforehand. Where they add up in 16 bits, h is 2, so that two products fit, and a chain of columns ends before a
//! sum could leave them.

use super::coarse::{FEATURES, ZERO};
use super::list::List;
use super::nearer::not_below;
use super::simd::{Level, Simd, Task};
use crate::float::Float;

/// The largest |q|, and what is added to q.
const OFFSET: f32 = 127.0;
/// More features might overflow 32 bits.
const MOST_FEATURES: usize = 16_384;
/// Standard deviations beyond which rows are cut, if they go farther.
const CUT: f64 = 4.5;
/// A row is listed always.
const ALWAYS: f32 = 0.0;
/// And never.
const NEVER: f32 = f32::MAX;
/// Candidates whose sums are in registers together.
const GROUP: usize = 4;
/// Rounds to a whole number when added and taken off.
const ROUNDER: f32 = (3 << 22) as f32;
/// Values that are fetched before they are needed.
const AHEAD: usize = 1 << 10;
/// Features of a row that are rounded together.
const CHUNK: usize = 16;

/// How rows are rounded.
pub struct Code {
    shift: Vec<f64>,
    /// s
    step: f64,
    /// h
    coarser: f64,
    /// |e| and |g|, in steps.
    row_lost: f64,
    candidate_lost: f64,
    /// Rows in a block.
    width: usize,
    columns: usize,
    /// Whether sums of products have 32 bits.
    wide: bool,
    level: Level,
}

/// Candidates, rounded.
pub struct Packed {
    /// p: [group][column][candidate of the group]
    values: Vec<f32>,
    starts: Vec<f32>,
    /// Columns that add up in 16 bits.
    chain: usize,
}

impl Code {
    /// A code that suits rows like these, (m, d), if there is one.
    pub fn new(some: &[f64], d: usize, level: Level) -> Option<Code> {
        struct Shape;
        impl Task<f32> for Shape {
            type Out = (usize, bool, bool);
            #[inline(always)]
            fn run<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Self::Out {
                (VECTORS * S::LANES, S::FAST_DOT, S::WIDE_DOT_BYTES)
            }
        }
        let (width, fast, wide) = level.run(Shape);
        if !fast || d > MOST_FEATURES {
            return None;
        }
        let m = (some.len() / d) as f64;
        let mut shift = vec![0.0; d];
        some.chunks_exact(d).for_each(|row| shift.iter_mut().zip(row).for_each(|(sum, x)| *sum += x / m));
        let (mut squares, mut most) = (vec![0.0; d], 0.0_f64);
        for row in some.chunks_exact(d) {
            for ((square, x), shift) in squares.iter_mut().zip(row).zip(&shift) {
                *square += (x - shift) * (x - shift) / m;
                most = most.max((x - shift).abs());
            }
        }
        let deviation = squares.into_iter().fold(0.0, f64::max).sqrt();
        let step = most.min(CUT * deviation) / f64::from(OFFSET);
        if !(1e-100..1e100).contains(&step) {
            return None;
        }
        let coarser = if wide { 1.0 } else { 2.0 };
        let columns = d.div_ceil(FEATURES);
        let mut code = Code { shift, step, coarser, row_lost: 0.0, candidate_lost: 0.0, width, columns, wide, level };
        let mut whole = vec![0; columns * FEATURES];
        for row in some.chunks_exact(d) {
            code.row_lost = code.row_lost.max(round(row, &code.shift, 1.0 / step, &mut whole).1);
            code.candidate_lost = code.candidate_lost.max(code.round_candidate(row).1);
        }
        Some(code)
    }

    /// Blocks' columns, which hold four features of a row each, and rows with those that fill the last block up.
    pub fn room(&self, n: usize) -> (usize, usize) {
        let padded = n.next_multiple_of(self.width);
        (padded * self.columns, padded)
    }

    /// p, and how long what that loses is, in steps.
    fn round_candidate(&self, candidate: &[f64]) -> (Vec<f64>, f64) {
        let most = f64::from(OFFSET) / self.coarser;
        let mut lost = 0.0;
        let rounded = |(z, shift): (&f64, &f64)| {
            let z = ((z - shift) / (self.coarser * self.step)).clamp(-most, most);
            let p = z.round_ties_even();
            lost += (z - p) * (z - p);
            p
        };
        let p = candidate.iter().zip(&self.shift).map(rounded).collect();
        (p, (lost.sqrt() * self.coarser) * (1.0 + 1e-9) + 1e-9)
    }

    /// Rounds the first `nearest.len()` of the `rows` to `whole`, [block][column][lane], and writes their `limits`.
    pub fn put<T: Float>(&self, rows: &[T], nearest: &[f64], whole: &mut [f32], limits: &mut [f32]) {
        struct Put<'a, T> {
            code: &'a Code,
            rows: &'a [T],
            nearest: &'a [f64],
            whole: &'a mut [f32],
            limits: &'a mut [f32],
        }
        impl<T: Float> Task<T> for Put<'_, T> {
            type Out = ();
            #[inline(always)]
            fn run<S: Simd<T>, const VECTORS: usize, const CENTERS: usize>(self, _: S) {
                let Put { code, rows, nearest, whole, limits } = self;
                let (width, columns) = (code.width, code.columns);
                let steps = 1.0 / code.step;
                let mut bytes = vec![0; columns * FEATURES];
                limits.fill(NEVER);
                let each = rows.chunks_exact(code.shift.len()).zip(nearest).zip(limits).enumerate();
                for (i, ((row, &nearest), limit)) in each {
                    let (square, lost) = round(row, &code.shift, steps, &mut bytes);
                    let block = &mut whole[i / width * width * columns..][..width * columns];
                    for (column, four) in block.chunks_exact_mut(width).zip(bytes.as_chunks::<FEATURES>().0) {
                        column[i % width] = f32::from_bits(u32::from_le_bytes(*four));
                    }
                    *limit = if lost <= code.row_lost { code.limit(square, nearest) } else { ALWAYS };
                }
            }
        }
        self.level.run(Put { code: self, rows, nearest, whole, limits });
    }

    /// T
    #[inline(always)]
    fn farthest(&self, nearest: f64) -> f64 {
        // The definition of a distance errs by d + 3 roundings, relatively, and underflow, which is little beside a step.
        let widen = 1.0 + 4.0 * (self.shift.len() + 8) as f64 * f64::UNIT_ROUNDOFF;
        let length = (nearest * widen).sqrt() * (1.0 / self.step) + (self.row_lost + self.candidate_lost) + 1e-6;
        length * length * (1.0 + 1e-12)
    }

    /// Of a row with |q|^2 = `square`.
    #[inline(always)]
    fn limit(&self, square: f64, nearest: f64) -> f32 {
        let room = (self.farthest(nearest) - square) / (2.0 * self.coarser);
        if room < f64::from(ZERO / 2) { f32::from_bits((ZERO - 2 - room.ceil() as i32) as u32) } else { ALWAYS }
    }

    /// The `limit` of a row whose nearest centre was at `before` and is at `after` now, which is less.
    #[inline(always)]
    pub fn lowered(&self, limit: f32, before: f64, after: f64) -> f32 {
        if limit == ALWAYS {
            return ALWAYS;
        }
        let less = (self.farthest(before) - self.farthest(after)) / (2.0 * self.coarser);
        f32::from_bits(limit.to_bits() + (less - 1e-3).max(0.0) as u32)
    }

    /// `candidates` (t, d), which are rows; none where one of them loses too much.
    pub fn pack(&self, candidates: &[f64]) -> Option<Packed> {
        let d = self.shift.len();
        let t = candidates.len() / d;
        let mut rounded = Vec::with_capacity(t);
        for candidate in candidates.chunks_exact(d) {
            let (p, lost) = self.round_candidate(candidate);
            if lost.is_nan() || lost > self.candidate_lost {
                return None;
            }
            rounded.push(p);
        }
        let mut chain = self.columns;
        while !self.wide && chain > 1 && rounded.iter().any(|p| !fits(p, chain)) {
            chain -= 1;
        }
        let mut values = Vec::with_capacity(t * self.columns);
        for group in rounded.chunks(GROUP) {
            for column in 0..self.columns {
                for p in group {
                    let four = (0..FEATURES).map(|f| p.get(column * FEATURES + f).map_or(0, |&p| p as i8 as u8));
                    let bits = four.enumerate().map(|(f, byte)| u32::from(byte) << (8 * f)).sum();
                    values.push(f32::from_bits(bits));
                }
            }
        }
        let start = |p: &Vec<f64>| {
            let (square, sum) = p.iter().fold((0.0, 0.0), |(square, sum), p| (square + p * p, sum + p));
            let start = f64::from(ZERO) - (square * self.coarser / 2.0).floor() - f64::from(OFFSET) * sum;
            f32::from_bits(start as u32)
        };
        Some(Packed { values, starts: rounded.iter().map(start).collect(), chain })
    }

    /// Lists for each candidate the positions of those rows that may be nearer to it than their limits say, in order. `whole`
    /// and `limits` are of whole blocks.
    pub fn scan(&self, candidates: &Packed, whole: &[f32], limits: &[f32], near: &mut [List]) {
        near.iter_mut().for_each(|near| near.open(limits.len()));
        self.level.run(Scan { columns: self.columns, candidates, whole, limits, near });
    }
}

/// Whether all sums of 16 bits of so many columns hold the products with p.
fn fits(p: &[f64], chain: usize) -> bool {
    const MOST: f64 = 32_767.0 / (2.0 * OFFSET as f64);
    p.chunks(chain * FEATURES).all(|chain| {
        let mut sums = [[0.0; 2]; 2];
        for (f, &p) in chain.iter().enumerate() {
            sums[f % FEATURES / 2][usize::from(p < 0.0)] += p.abs();
        }
        sums.as_flattened().iter().all(|&sum| sum <= MOST)
    })
}

/// Rounds a row to `whole`, with OFFSET added. Returns |q|^2 and at most how long what that loses is, in steps.
#[inline(always)]
fn round<T: Float>(row: &[T], shift: &[f64], steps: f64, whole: &mut [u8]) -> (f64, f64) {
    let (mut squares, mut losses) = ([0.0_f32; CHUNK], [0.0_f32; CHUNK]);
    let mut chunk = |x: [f64; CHUNK], shift: [f64; CHUNK]| {
        let mut bytes = [0; CHUNK];
        for f in 0..CHUNK {
            let y = (((x[f] - shift[f]) * steps) as f32).clamp(-OFFSET, OFFSET);
            let rounded = y + ROUNDER;
            let q = rounded - ROUNDER;
            squares[f] += q * q;
            losses[f] += (y - q) * (y - q);
            // The lowest bits are those of q.
            bytes[f] = rounded.to_bits().wrapping_add(OFFSET as u32) as u8;
        }
        bytes
    };
    let (rows, shifts, bytes) = (row.as_chunks(), shift.as_chunks(), whole.as_chunks_mut());
    for ((row, shift), whole) in rows.0.iter().zip(shifts.0).zip(bytes.0) {
        *whole = chunk(row.map(|x: T| x.to_f64()), *shift);
    }
    if !rows.1.is_empty() {
        let (mut x, mut shift) = ([0.0; CHUNK], [0.0; CHUNK]);
        x.iter_mut().zip(rows.1).for_each(|(to, x)| *to = x.to_f64());
        shift.iter_mut().zip(shifts.1).for_each(|(to, shift)| *to = *shift);
        bytes.1.copy_from_slice(&chunk(x, shift)[..bytes.1.len()]);
    }
    let d = row.len() as f64;
    // Rounding to f32 moves y by 2^-17 in a feature at most.
    (sum(squares), sum(losses).sqrt() * (1.0 + (d + 32.0) * f32::UNIT_ROUNDOFF) + 1e-5 * d.sqrt())
}

#[inline(always)]
fn sum(values: [f32; CHUNK]) -> f64 {
    let mut sums = values.map(f64::from);
    for half in [8, 4, 2, 1] {
        for f in 0..half {
            sums[f] += sums[f + half];
        }
    }
    sums[0]
}

struct Scan<'a> {
    columns: usize,
    candidates: &'a Packed,
    whole: &'a [f32],
    limits: &'a [f32],
    near: &'a mut [List],
}

impl Task<f32> for Scan<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Scan { columns, candidates: Packed { values, starts, chain }, whole, limits, near } = self;
        let groups = values.chunks(GROUP * columns).zip(starts.chunks(GROUP)).zip(near.chunks_mut(GROUP));
        for ((group, starts), near) in groups {
            let group = Group { values: group, starts, chain: *chain, columns };
            match near.len() {
                1 => group.list::<S, VECTORS, 1>(simd, whole, limits, near),
                2 => group.list::<S, VECTORS, 2>(simd, whole, limits, near),
                3 => group.list::<S, VECTORS, 3>(simd, whole, limits, near),
                _ => group.list::<S, VECTORS, GROUP>(simd, whole, limits, near),
            }
        }
    }
}

/// Candidates that are worked on together.
struct Group<'a> {
    /// [column][candidate]
    values: &'a [f32],
    starts: &'a [f32],
    chain: usize,
    columns: usize,
}

impl Group<'_> {
    /// Lists the rows whose scores are not below their limits.
    #[inline(always)]
    fn list<S: Simd<f32>, const VECTORS: usize, const N: usize>(
        &self,
        simd: S,
        whole: &[f32],
        limits: &[f32],
        near: &mut [List],
    ) {
        let width = VECTORS * S::LANES;
        let length = width * self.columns;
        let ahead = AHEAD.next_multiple_of(length);
        let blocks = whole.chunks_exact(length).zip(limits.chunks_exact(width));
        for (b, (block, limits)) in blocks.enumerate() {
            simd.prefetch(whole.get(b * length + ahead..(b + 1) * length + ahead).unwrap_or_default());
            let scores = self.scores::<S, VECTORS, N>(simd, block);
            let limits: [S::V; VECTORS] = simd.load_all(limits);
            for (near, scores) in near.iter_mut().zip(scores) {
                near.add(b * width, not_below(simd, scores, limits));
            }
        }
    }

    #[inline(always)]
    fn scores<S: Simd<f32>, const VECTORS: usize, const N: usize>(
        &self,
        simd: S,
        block: &[f32],
    ) -> [[S::V; VECTORS]; N] {
        let width = VECTORS * S::LANES;
        let zero = simd.splat(0.0);
        let mut sums = [[zero; VECTORS]; N];
        let starts: &[f32; N] = self.starts.first_chunk().expect("a start for each candidate");
        for (sums, &start) in sums.iter_mut().zip(starts) {
            *sums = [simd.splat(start); VECTORS];
        }
        for (block, values) in block.chunks(self.chain * width).zip(self.values.chunks(self.chain * N)) {
            let mut parts = [[zero; VECTORS]; N];
            for (column, candidates) in block.chunks_exact(width).zip(values.chunks_exact(N)) {
                let q: [S::V; VECTORS] = simd.load_all(column);
                for c in 0..N {
                    let p = simd.splat(candidates[c]);
                    for v in 0..VECTORS {
                        parts[c][v] = simd.dot_bytes(q[v], p, parts[c][v]);
                    }
                }
            }
            for c in 0..N {
                for v in 0..VECTORS {
                    sums[c][v] = simd.add_bytes(parts[c][v], sums[c][v]);
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::direct::distance;

    /// The positions listed for each candidate of `rows` (n, d), which are number 0 to t - 1.
    fn listed(code: &Code, rows: &[f64], d: usize, t: usize, nearest: &[f64]) -> Option<Vec<Vec<u32>>> {
        let (values, padded) = code.room(nearest.len());
        let (mut whole, mut limits) = (vec![0.0; values], vec![0.0; padded]);
        code.put(rows, nearest, &mut whole, &mut limits);
        let mut near: Vec<List> = (0..t).map(|_| List::default()).collect();
        code.scan(&code.pack(&rows[..t * d])?, &whole, &limits, &mut near);
        Some(near.iter().map(|near| near.get().to_vec()).collect())
    }

    fn noise(n: usize) -> Vec<f64> {
        let mut state = n as u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn rows_unlike_those_the_code_is_made_for_are_listed() {
        for level in Level::available().into_iter().skip(1) {
            for d in [1, 3, 16, 40] {
                // A few rows; then many among them, and far beyond.
                let (few, noise) = (noise(20 * d), noise(900 * d));
                let code = Code::new(&few, d, level).unwrap();
                for scale in [0.5, 1.0, 1000.0] {
                    let mut rows: Vec<f64> = noise.iter().map(|x| scale * (x - 0.5) + 0.5).collect();
                    // The candidates are of the few.
                    rows[..5 * d].copy_from_slice(&few[..5 * d]);
                    let nearest: Vec<f64> =
                        rows.chunks_exact(d).map(|row| 1.000_001 * distance(row, &rows[..d])).collect();
                    let listed = listed(&code, &rows, d, 5, &nearest).unwrap();
                    for (c, listed) in listed.iter().enumerate() {
                        for (i, row) in rows.chunks_exact(d).enumerate() {
                            let nearer = distance(row, &rows[c * d..][..d]) < nearest[i];
                            assert!(!nearer || listed.contains(&(i as u32)), "row {i}, {d} features, scale {scale}");
                        }
                    }
                }
                // And candidates half between two steps, which no row is with all features, say nothing.
                let half: Vec<f64> =
                    code.shift.iter().map(|shift| shift + 0.499_999 * code.coarser * code.step).collect();
                assert!(d == 1 || code.pack(&half).is_none());
            }
        }
    }

    #[test]
    fn a_row_that_loses_more_than_others_is_listed() {
        for level in Level::available().into_iter().skip(1) {
            for d in [16, 40] {
                let code = Code::new(&noise(20 * d), d, level).unwrap();
                let at = |steps: f64| code.shift.iter().map(move |shift| shift + steps * code.step);
                // Rounded, they are farther apart than they are by more than what other rows would lose.
                let rows: Vec<f64> = at(0.3 * code.coarser).chain(at(1.501)).collect();
                let nearest = [0.0, 1.000_001 * distance(&rows[d..], &rows[..d])];
                assert!(listed(&code, &rows, d, 1, &nearest).unwrap()[0].contains(&1), "{d}, {}", level.name());
            }
        }
    }

    #[test]
    fn most_others_are_left_out() {
        for level in Level::available().into_iter().skip(1) {
            for d in [8, 40, 130] {
                let rows = noise(1000 * d);
                let nearest: Vec<f64> =
                    rows.chunks_exact(d).map(|row| distance(row, &rows[999 * d..]).min(0.8 * d as f64 / 6.0)).collect();
                let code = Code::new(&rows, d, level).unwrap();
                let listed = listed(&code, &rows, d, 1, &nearest).unwrap();
                let nearer =
                    rows.chunks_exact(d).zip(&nearest).filter(|(row, nearest)| distance(row, &rows[..d]) < **nearest);
                let nearer = nearer.count();
                assert!(listed[0].len() <= nearer * 3 / 2 + 80, "{d}: {} of {nearer}", listed[0].len());
            }
        }
    }
}
