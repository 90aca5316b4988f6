//! Products of columns: Z^T Z for dense rows with targets and a column of ones beside them, which is all that the normal
//! equations ask of the data.
//!
//! Z holds `(x - shift) * scale * root of the weight` by column, so an offset of 1e6 costs no digits, and values of 1e200 or
//! 1e-30 neither overflow nor vanish. Rows come in blocks of [`DEPTH`], packed in panels as wide as a vector: in a panel lie the
//! values of a few columns, row after row, to be loaded as vectors or broadcast one by one. A tile of the result then stays in
//! registers while a block passes. Blocks of f32 are multiplied in f32 and added up in f64.
//!
//! Work is split by the shape alone: over chunks of rows, and where the result is wide over its tiles of [`WIDE`] columns
//! instead, so that memory stays at a few times the result's.

use std::ops::Range;

use super::simd::{Level, Simd, Task};
use crate::error::Result;
use crate::float::Float;
use crate::rows::Dense;
use crate::run::{self, Run};

/// Rows in a block: four panels of 64 bytes a row stay in the first-level cache.
const DEPTH: usize = 128;

/// Columns of the result in a tile that is a task of its own; whole groups of vectors on every instruction set.
const WIDE: usize = 192;

/// What stands in the columns of Z: those of X, the targets, and ones where `ones`.
#[derive(Clone, Copy)]
pub struct Columns<'a> {
    /// (d + t,)
    pub shift: &'a [f64],
    /// (d + t,), powers of two: multiplying by them is exact.
    pub scale: &'a [f64],
    /// (n, t)
    pub targets: &'a [f64],
    /// (n,), roots of the weights.
    pub roots: Option<&'a [f64]>,
    /// Whether a column of ones (times the roots) comes last.
    pub ones: bool,
}

impl Columns<'_> {
    /// How many columns Z has.
    pub fn many(&self) -> usize {
        self.shift.len() + usize::from(self.ones)
    }

    /// Values of row i in the columns of Z behind those of X.
    #[inline(always)]
    fn behind(&self, i: usize, d: usize, at: usize) -> f64 {
        let t = self.shift.len() - d;
        match at {
            _ if at < d + t => (self.targets[i * t + at - d] - self.shift[at]) * self.scale[at],
            _ if at == d + t && self.ones => 1.0,
            _ => 0.0,
        }
    }
}

/// Z^T Z (D, D) with D = [`Columns::many`], on the diagonal and above; below it is zero or a copy. Blocks are multiplied in `K`.
pub fn products<F: Float, K: Float>(
    rows: &Dense<'_, F>,
    columns: &Columns<'_>,
    level: Level,
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    /// Partial results in memory at a time, tiles of one counted together.
    const PARTS: usize = 64;
    /// Rows that are worth a partial result of their own.
    const ROWS: usize = 16 * DEPTH;
    let (n, wide) = (rows.n(), columns.many());
    let tiles = run::ranges(wide, WIDE);
    let pairs: Vec<_> = (0..tiles.len()).flat_map(|a| (a..tiles.len()).map(move |b| (a, b))).collect();
    let chunks = (PARTS / pairs.len()).clamp(1, n.div_ceil(ROWS.max(4 * wide)).max(1));
    let length = n.div_ceil(chunks).next_multiple_of(DEPTH);
    let tasks: Vec<_> = run::ranges(n, length)
        .into_iter()
        .flat_map(|range| pairs.iter().map(move |&(a, b)| (range.clone(), a, b)))
        .collect();
    let parts = run.map_with(tasks, n * wide * (wide / 2 + 1), |room: &mut Vec<K>, (range, a, b), pulse| {
        let (left, right) = (tiles[a].clone(), tiles[b].clone());
        let stride = right.len().next_multiple_of(MOST_LANES);
        let mut sums = vec![0.0; left.len().next_multiple_of(MOST_LANES) * stride];
        for from in range.clone().step_by(DEPTH * 16) {
            pulse.check()?;
            let range = from..(from + DEPTH * 16).min(range.end);
            let (left, right, sums) = (left.clone(), right.clone(), &mut sums[..]);
            level.run(AddProducts { rows, columns, range, left, right, stride, sums, room: &mut *room });
        }
        Ok((a, b, stride, sums))
    })?;
    let mut total = vec![0.0; wide * wide];
    for (a, b, stride, sums) in parts {
        let (left, right) = (tiles[a].clone(), tiles[b].clone());
        for (f, sums) in left.zip(sums.chunks_exact(stride)) {
            let total = &mut total[f * wide..][right.clone()];
            total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
        }
    }
    Ok(total)
}

/// Lanes of the widest vector.
const MOST_LANES: usize = 16;

/// Adds the products of the columns `left` and `right`, the same or behind them, over the rows of `range` to `sums`.
struct AddProducts<'a, F, K> {
    rows: &'a Dense<'a, F>,
    columns: &'a Columns<'a>,
    range: Range<usize>,
    left: Range<usize>,
    right: Range<usize>,
    stride: usize,
    sums: &'a mut [f64],
    room: &'a mut Vec<K>,
}

impl<F: Float, K: Float> Task<K> for AddProducts<'_, F, K> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<K>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        // 24 accumulators of 32 registers, 12 of 16; with two lanes 8, for a broadcast must not leave its panel.
        match (S::LANES, VECTORS) {
            (8 | 16, 4) => self.go::<S, 8, 3>(simd),
            (2, _) => self.go::<S, 2, 4>(simd),
            _ => self.go::<S, 4, 3>(simd),
        }
    }
}

impl<F: Float, K: Float> AddProducts<'_, F, K> {
    #[inline(always)]
    fn go<S: Simd<K>, const BROADCAST: usize, const WIDTH: usize>(self, simd: S) {
        let AddProducts { rows, columns, range, left, right, stride, sums, room } = self;
        let lanes = S::LANES;
        let same = left == right;
        let panels = |columns: &Range<usize>| columns.len().div_ceil(lanes);
        let (many_left, many_right) = (panels(&left), panels(&right));
        let many = if same { many_right } else { many_left + many_right };
        room.clear();
        room.resize(many * DEPTH * lanes, K::default());
        let frame = Frame::new(columns, rows.d());
        for from in range.clone().step_by(DEPTH) {
            let block = from..(from + DEPTH).min(range.end);
            let depth = block.len();
            let (for_right, for_left) = room.split_at_mut(many_right * DEPTH * lanes);
            frame.pack::<F, S>(rows, block.clone(), right.clone(), for_right);
            if !same {
                frame.pack::<F, S>(rows, block, left.clone(), for_left);
            }
            let (for_right, for_left) = room.split_at(many_right * DEPTH * lanes);
            let for_left = if same { for_right } else { for_left };
            let mut panel = 0;
            while panel < many_right {
                let width = (many_right - panel).min(WIDTH);
                let vectors = &for_right[panel * DEPTH * lanes..];
                // Of the square on the diagonal, what lies on it and above.
                let last = if same { ((panel + width) * lanes).min(left.len()) } else { left.len() };
                for f in (0..last).step_by(BROADCAST) {
                    let first = if same { (f / lanes).max(panel) } else { panel };
                    let vectors = &vectors[(first - panel) * DEPTH * lanes..];
                    let singles = &for_left[f / lanes * DEPTH * lanes + f % lanes..];
                    let to = &mut sums[f * stride + first * lanes..];
                    match panel + width - first {
                        1 => tile::<K, S, BROADCAST, 1>(simd, depth, vectors, singles, to, stride),
                        2 => tile::<K, S, BROADCAST, 2>(simd, depth, vectors, singles, to, stride),
                        3 => tile::<K, S, BROADCAST, 3>(simd, depth, vectors, singles, to, stride),
                        _ => tile::<K, S, BROADCAST, WIDTH>(simd, depth, vectors, singles, to, stride),
                    }
                }
                panel += width;
            }
        }
    }
}

/// `BROADCAST` columns times `WIDTH` vectors of columns over a block of rows.
#[inline(always)]
fn tile<K: Float, S: Simd<K>, const BROADCAST: usize, const WIDTH: usize>(
    simd: S,
    depth: usize,
    vectors: &[K],
    singles: &[K],
    to: &mut [f64],
    stride: usize,
) {
    let lanes = S::LANES;
    let mut panels: [&[K]; WIDTH] = [&[]; WIDTH];
    for (v, panel) in panels.iter_mut().enumerate() {
        *panel = &vectors[v * DEPTH * lanes..][..depth * lanes];
    }
    let mut sums = [[simd.splat(K::default()); WIDTH]; BROADCAST];
    for r in 0..depth {
        let singles = &singles[r * lanes..][..BROADCAST];
        let mut row = [simd.splat(K::default()); WIDTH];
        for v in 0..WIDTH {
            row[v] = simd.load(&panels[v][r * lanes..]);
        }
        for b in 0..BROADCAST {
            let single = simd.splat(singles[b]);
            for v in 0..WIDTH {
                sums[b][v] = simd.fma(single, row[v], sums[b][v]);
            }
        }
    }
    let mut values = [K::default(); MOST_LANES];
    for b in 0..BROADCAST {
        for v in 0..WIDTH {
            simd.store(sums[b][v], &mut values);
            let to = &mut to[b * stride + v * lanes..][..lanes];
            for l in 0..lanes {
                to[l] += values[l].to_f64();
            }
        }
    }
}

/// Shift and scale in the kernel's type.
struct Frame<'a, K> {
    columns: &'a Columns<'a>,
    d: usize,
    shift: Vec<K>,
    scale: Vec<K>,
}

impl<'a, K: Float> Frame<'a, K> {
    fn new(columns: &'a Columns<'a>, d: usize) -> Self {
        let narrow = |values: &[f64]| values[..d].iter().map(|&value| K::from_f64(value)).collect();
        Frame { columns, d, shift: narrow(columns.shift), scale: narrow(columns.scale) }
    }

    /// Writes `wanted` columns of the rows of `block` into panels.
    #[inline(always)]
    fn pack<F: Float, S: Simd<K>>(&self, rows: &Dense<'_, F>, block: Range<usize>, wanted: Range<usize>, to: &mut [K]) {
        let lanes = S::LANES;
        let whole = if wanted.start < self.d { (self.d.min(wanted.end) - wanted.start) / lanes } else { 0 };
        for (r, i) in block.enumerate() {
            let root = self.columns.roots.map_or(1.0, |roots| roots[i]);
            let narrow_root = K::from_f64(root);
            let row = rows.row(i);
            for p in 0..whole {
                let f = wanted.start + p * lanes;
                let (x, shift, scale) = (&row[f..][..lanes], &self.shift[f..][..lanes], &self.scale[f..][..lanes]);
                let to = &mut to[(p * DEPTH + r) * lanes..][..lanes];
                for l in 0..lanes {
                    to[l] = (K::from_f64(x[l].to_f64()) - shift[l]) * scale[l] * narrow_root;
                }
            }
            #[allow(clippy::needless_range_loop)] // most places have no value in the row
            // Panels of a few columns of X, of targets, and of nothing: that stays zero.
            for f in wanted.start + whole * lanes..wanted.end {
                let at = f - wanted.start;
                to[(at / lanes * DEPTH + r) * lanes + at % lanes] = if f < self.d {
                    (K::from_f64(row[f].to_f64()) - self.shift[f]) * self.scale[f] * narrow_root
                } else {
                    K::from_f64(self.columns.behind(i, self.d, f) * root)
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(i: usize) -> f64 {
        (i as f64 * 0.37).sin() + (i as f64 * 1.7).cos() * 0.3
    }

    fn naive(x: &[f64], n: usize, d: usize, columns: &Columns<'_>) -> Vec<f64> {
        let wide = columns.many();
        let mut total = vec![0.0; wide * wide];
        for i in 0..n {
            let root = columns.roots.map_or(1.0, |roots| roots[i]);
            let z = |f: usize| {
                let z =
                    if f < d { (x[i * d + f] - columns.shift[f]) * columns.scale[f] } else { columns.behind(i, d, f) };
                z * root
            };
            for f in 0..wide {
                for g in f..wide {
                    total[f * wide + g] += z(f) * z(g);
                }
            }
        }
        total
    }

    #[test]
    fn every_level_agrees_with_the_definition() {
        for (n, d, t) in [(1, 1, 1), (5, 3, 2), (130, 7, 1), (300, 50, 1), (257, 63, 3), (700, 230, 1)] {
            let x: Vec<f64> = (0..n * d).map(value).collect();
            let narrow: Vec<f32> = x.iter().map(|&x| x as f32).collect();
            let targets: Vec<f64> = (0..n * t).map(|i| value(3 * i)).collect();
            let shift: Vec<f64> = (0..d + t).map(|f| f64::from(value(f + 1000) as f32)).collect();
            let scale: Vec<f64> = (0..d + t).map(|f| 2.0_f64.powi(f as i32 % 3 - 1)).collect();
            let roots: Vec<f64> = (0..n).map(|i| value(i).abs()).collect();
            for (roots, ones) in [(None, true), (Some(&roots[..]), false)] {
                let columns = Columns { shift: &shift, scale: &scale, targets: &targets, roots, ones };
                let want = naive(&x, n, d, &columns);
                let wide = columns.many();
                for level in Level::available() {
                    let rows = Dense::new(&x, n, d).unwrap();
                    let got = products::<f64, f64>(&rows, &columns, level, &Run::alone()).unwrap();
                    let rows = Dense::new(&narrow, n, d).unwrap();
                    let rough = products::<f32, f32>(&rows, &columns, level, &Run::alone()).unwrap();
                    for f in 0..wide {
                        for g in f..wide {
                            let at = f * wide + g;
                            let size = (want[f * wide + f] * want[g * wide + g]).sqrt() + 1e-9;
                            assert!((got[at] - want[at]).abs() < 1e-13 * size, "{n} {d} {t} {f} {g} {}", level.name());
                            assert!((rough[at] - want[at]).abs() < 2e-5 * size, "{n} {d} {t} {f} {g} {}", level.name());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        let (n, d) = (20_000, 9);
        let x: Vec<f64> = (0..n * d).map(value).collect();
        let targets: Vec<f64> = (0..n).map(value).collect();
        let (shift, scale) = (vec![0.0; d + 1], vec![1.0; d + 1]);
        let columns = Columns { shift: &shift, scale: &scale, targets: &targets, roots: None, ones: true };
        let rows = Dense::new(&x, n, d).unwrap();
        let on = |threads| {
            let run = Run::new(threads, &crate::run::Unattended);
            products::<f64, f64>(&rows, &columns, Level::detect(), &run).unwrap()
        };
        assert_eq!(on(1), on(2));
        assert_eq!(on(1), on(5));
    }
}
