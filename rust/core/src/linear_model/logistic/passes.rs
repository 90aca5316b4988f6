//! One pass over the rows: scores of all classes, what these say of each row, and its products with the columns.
//!
//! Rows come in blocks, framed and packed in the type that they are multiplied in, so that both products find them in the cache.

use std::ops::Range;

use super::super::by_columns::ByColumns;
use super::super::normal::Frame;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::simd::{Level, Simd, Task};
use crate::rows::{Csr, Dense, Rows};
use crate::run::{self, Run};

/// The framed rows (n, wide), the last column of ones where there are intercepts; sparse ones twice, in both orders.
pub struct Passes<'a, F> {
    rows: Held<'a, F>,
    frame: &'a Frame,
    /// Of the framed columns, and of ones.
    pub wide: usize,
    k: usize,
}

enum Held<'a, F> {
    Dense(&'a Dense<'a, F>),
    Sparse(&'a Csr<'a, F>, ByColumns<F>),
}

/// Cells of a block: rows that the second-level cache holds.
const CELLS: usize = 1 << 15;
/// Rows of a block at most.
const BLOCK: usize = 128;
/// Partial sums in memory at most.
const PARTS: usize = 32;

impl<'a, F: Float> Passes<'a, F> {
    /// Turns sparse rows into columns.
    pub fn new(rows: &'a Rows<'a, F>, frame: &'a Frame, k: usize, run: &Run<'_>) -> Result<Self> {
        let wide = rows.d() + usize::from(frame.centred);
        let rows = match rows {
            Rows::Dense(rows) => Held::Dense(rows),
            Rows::Csr(rows) => Held::Sparse(rows, ByColumns::new(rows, run)?),
        };
        Ok(Passes { rows, frame, wide, k })
    }

    /// With scores u (k,) = z . v of each row calls `each(i, u, a, b)`, which overwrites them with r, fills its part of the arrays `a` and
    /// `b` (n, k) or of nothing, and returns what is to be added up. Returns Z^T r (wide, k) and the sum. Dense rows are multiplied in K.
    pub fn pass<K: Float>(
        &self,
        v: &[f64],
        a: &mut [f64],
        b: &mut [f64],
        each: impl Fn(usize, &mut [f64], &mut [f64], &mut [f64]) -> f64 + Sync,
        run: &Run<'_>,
    ) -> Result<(Vec<f64>, f64)> {
        let (n, k) = (self.n(), self.k);
        let least = match &self.rows {
            Held::Dense(_) => BLOCK.max((1 << 20) / (self.wide * k)),
            Held::Sparse(rows, _) => run::rows_per_task(n, k * (1 + rows.stored() / n)),
        };
        let length = least.max(n.div_ceil(PARTS));
        let (filled_a, filled_b) = (!a.is_empty(), !b.is_empty());
        let mut pieces: Vec<(Range<usize>, &mut [f64], &mut [f64])> = Vec::new();
        let (mut rest_a, mut rest_b) = (a, b);
        for range in run::ranges(n, length) {
            let many = range.len() * k;
            let (first_a, others_a) = rest_a.split_at_mut(if filled_a { many } else { 0 });
            let (first_b, others_b) = rest_b.split_at_mut(if filled_b { many } else { 0 });
            pieces.push((range, first_a, first_b));
            (rest_a, rest_b) = (others_a, others_b);
        }
        let part = |filled: bool, at: usize| if filled { at * k..(at + 1) * k } else { 0..0 };
        match &self.rows {
            Held::Dense(rows) => {
                let (level, many) = (Level::detect(), self.wide * k);
                let packed = self.packed::<K>(v);
                let parts = run.map_with(pieces, 2 * n * many, |room: &mut Room<K>, (range, a, b), pulse| {
                    let (mut sums, mut counted) = (vec![0.0; many], 0.0);
                    let block = (CELLS / self.wide).clamp(8, BLOCK);
                    for from in range.clone().step_by(block) {
                        pulse.check()?;
                        let block = from..(from + block).min(range.end);
                        level.run(Multiply { passes: self, rows, block: block.clone(), v: &packed, room });
                        for (r, i) in block.clone().enumerate() {
                            let at = i - range.start;
                            let u = &mut room.values[r * k..][..k];
                            let (of_a, of_b) = (part(filled_a, at), part(filled_b, at));
                            counted += each(i, u, &mut a[of_a], &mut b[of_b]);
                        }
                        level.run(Add { passes: self, many: block.len(), room, sums: &mut sums });
                    }
                    Ok((sums, counted))
                })?;
                let (mut total, mut counted) = (vec![0.0; many], 0.0);
                for (sums, more) in parts {
                    total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
                    counted += more;
                }
                Ok((total, counted))
            }
            Held::Sparse(rows, columns) => {
                let d = rows.d();
                let scale = &self.frame.scale;
                let parts = run.map(pieces, k * (rows.stored() + n), |(range, a, b), pulse| {
                    let (mut values, mut counted) = (vec![0.0; range.len() * k], 0.0);
                    for (at, i) in range.enumerate() {
                        if at % 512 == 0 {
                            pulse.check()?;
                        }
                        let u = &mut values[at * k..][..k];
                        if self.wide > d {
                            u.copy_from_slice(&v[d * k..]);
                        }
                        let (stored, cells) = rows.row(i);
                        for (&f, x) in stored.iter().zip(cells) {
                            let f = f as usize;
                            super::super::add_scaled(u, x.to_f64() * scale[f], &v[f * k..][..k]);
                        }
                        let (of_a, of_b) = (part(filled_a, at), part(filled_b, at));
                        counted += each(i, u, &mut a[of_a], &mut b[of_b]);
                    }
                    Ok((values, counted))
                })?;
                let (mut r, mut counted) = (Vec::with_capacity(n * k), 0.0);
                for (values, more) in parts {
                    r.extend(values);
                    counted += more;
                }
                let of_column = |f: usize| {
                    let mut sums = vec![0.0; k];
                    let (at, cells) = columns.column(f);
                    for (&i, x) in at.iter().zip(cells) {
                        super::super::add_scaled(&mut sums, x.to_f64() * scale[f], &r[i as usize * k..][..k]);
                    }
                    sums
                };
                let mut total: Vec<f64> = columns.map(of_column, run)?.into_iter().flatten().collect();
                if self.wide > d {
                    let mut ones = vec![0.0; k];
                    r.chunks_exact(k).for_each(|r| super::super::add_scaled(&mut ones, 1.0, r));
                    total.extend(ones);
                }
                Ok((total, counted))
            }
        }
    }

    /// Sums of h (n, k) times the squares of the framed columns, (wide, k).
    pub fn squares(&self, h: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let (n, k, d) = (self.n(), self.k, self.frame.scale.len());
        let add = |sums: &mut [f64], f: usize, z: f64, i: usize| {
            super::super::add_scaled(&mut sums[f * k..][..k], z * z, &h[i * k..][..k]);
        };
        match &self.rows {
            Held::Dense(rows) => {
                let length = n.div_ceil(PARTS).max((1 << 18) / (self.wide * k)).max(1);
                let parts = run.map(run::ranges(n, length), n * self.wide * k, |range, pulse| {
                    let mut sums = vec![0.0; self.wide * k];
                    for i in range {
                        pulse.check()?;
                        for (f, x) in rows.row(i).iter().enumerate() {
                            add(&mut sums, f, (x.to_f64() - self.frame.shift[f]) * self.frame.scale[f], i);
                        }
                        if self.wide > d {
                            add(&mut sums, d, 1.0, i);
                        }
                    }
                    Ok(sums)
                })?;
                let mut total = vec![0.0; self.wide * k];
                for part in parts {
                    super::super::add_scaled(&mut total, 1.0, &part);
                }
                Ok(total)
            }
            Held::Sparse(_, columns) => {
                let of_column = |f: usize| {
                    let mut sums = vec![0.0; k];
                    let (at, cells) = columns.column(f);
                    at.iter()
                        .zip(cells)
                        .for_each(|(&i, x)| add(&mut sums, 0, x.to_f64() * self.frame.scale[f], i as usize));
                    sums
                };
                let mut total: Vec<f64> = columns.map(of_column, run)?.into_iter().flatten().collect();
                if self.wide > d {
                    let mut ones = vec![0.0; k];
                    (0..n).for_each(|i| add(&mut ones, 0, 1.0, i));
                    total.extend(ones);
                }
                Ok(total)
            }
        }
    }

    fn n(&self) -> usize {
        match &self.rows {
            Held::Dense(rows) => rows.n(),
            Held::Sparse(rows, _) => rows.n(),
        }
    }

    /// How columns are measured.
    pub fn frame(&self) -> &Frame {
        self.frame
    }

    /// `v` (wide, k) in K, each row filled up to whole vectors of any instruction set.
    fn packed<K: Float>(&self, v: &[f64]) -> Vec<K> {
        let stride = stride(self.k);
        let mut packed = vec![K::default(); self.wide * stride];
        for (to, v) in packed.chunks_exact_mut(stride).zip(v.chunks_exact(self.k)) {
            to.iter_mut().zip(v).for_each(|(to, &v)| *to = K::from_f64(v));
        }
        packed
    }
}

/// Classes, filled up to whole vectors.
fn stride(k: usize) -> usize {
    k.next_multiple_of(16)
}

/// What a thread keeps.
#[derive(Default)]
struct Room<K> {
    /// (rows, wide), framed.
    z: Vec<K>,
    /// (rows, k)
    values: Vec<f64>,
    /// (rows, stride)
    r: Vec<K>,
}

/// Rows or columns in a tile: as many accumulators.
const TILE: usize = 8;

struct Multiply<'a, F, K> {
    passes: &'a Passes<'a, F>,
    rows: &'a Dense<'a, F>,
    block: Range<usize>,
    v: &'a [K],
    room: &'a mut Room<K>,
}

impl<F: Float, K: Float> Task<K> for Multiply<'_, F, K> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<K>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Multiply { passes, rows, block, v, room } = self;
        let (wide, k, d) = (passes.wide, passes.k, rows.d());
        let (shift, scale) = (&passes.frame.shift[..d], &passes.frame.scale[..d]);
        let many = block.len();
        room.z.resize(many.next_multiple_of(TILE) * wide, K::default());
        room.values.resize(many * k, 0.0);
        for (r, i) in block.enumerate() {
            let (z, x) = (&mut room.z[r * wide..][..wide], &rows.row(i)[..d]);
            for f in 0..d {
                z[f] = K::from_f64((x[f].to_f64() - shift[f]) * scale[f]);
            }
            if wide > d {
                z[d] = K::from_f64(1.0);
            }
        }
        let stride = stride(k);
        let mut values = [K::default(); 16];
        for from in (0..many).step_by(TILE) {
            for c in (0..k).step_by(S::LANES) {
                let z = &room.z[from * wide..][..TILE * wide];
                let sums = tile::<K, S>(simd, wide, &v[c..], stride, z, 1, wide);
                for (r, sum) in sums.into_iter().enumerate().take(many - from) {
                    simd.store(sum, &mut values);
                    let to = &mut room.values[(from + r) * k + c..][..S::LANES.min(k - c)];
                    to.iter_mut().zip(&values).for_each(|(to, value)| *to = value.to_f64());
                }
            }
        }
    }
}

struct Add<'a, F, K> {
    passes: &'a Passes<'a, F>,
    many: usize,
    room: &'a mut Room<K>,
    sums: &'a mut [f64],
}

impl<F: Float, K: Float> Task<K> for Add<'_, F, K> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<K>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Add { passes, many, room, sums } = self;
        let (wide, k) = (passes.wide, passes.k);
        let stride = stride(k);
        room.r.clear();
        room.r.resize(many * stride, K::default());
        for (to, r) in room.r.chunks_exact_mut(stride).zip(room.values.chunks_exact(k)) {
            to.iter_mut().zip(r).for_each(|(to, &r)| *to = K::from_f64(r));
        }
        let mut values = [K::default(); 16];
        let whole = wide - wide % TILE;
        for f in (0..whole).step_by(TILE) {
            for c in (0..k).step_by(S::LANES) {
                let found = tile::<K, S>(simd, many, &room.r[c..], stride, &room.z[f..], wide, 1);
                for (t, sum) in found.into_iter().enumerate() {
                    simd.store(sum, &mut values);
                    let to = &mut sums[(f + t) * k + c..][..S::LANES.min(k - c)];
                    to.iter_mut().zip(&values).for_each(|(to, value)| *to += value.to_f64());
                }
            }
        }
        for f in whole..wide {
            for r in 0..many {
                let z = room.z[r * wide + f].to_f64();
                let to = &mut sums[f * k..][..k];
                to.iter_mut().zip(&room.r[r * stride..]).for_each(|(to, r)| *to += z * r.to_f64());
            }
        }
    }
}

/// The sums over j of singles[j step + t apart] times the vector at vectors[j stride], for t below [`TILE`].
#[inline(always)]
fn tile<K: Float, S: Simd<K>>(
    simd: S,
    depth: usize,
    vectors: &[K],
    stride: usize,
    singles: &[K],
    step: usize,
    apart: usize,
) -> [S::V; TILE] {
    let mut sums = [simd.splat(K::default()); TILE];
    for j in 0..depth {
        let vector = simd.load(&vectors[j * stride..]);
        let singles = &singles[j * step..][..=(TILE - 1) * apart];
        for t in 0..TILE {
            sums[t] = simd.fma(simd.splat(singles[t * apart]), vector, sums[t]);
        }
    }
    sums
}
