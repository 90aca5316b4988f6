//! Columns that may have a coefficient, copied side by side, with the products of all pairs.
//!
//! Of n rows, a pass of coordinate descent over p columns costs n p multiplications with a residual and at most p^2 with the
//! products, which a hundred passes share. So they are formed for the few columns that take part, tile after tile.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::design::{Design, Layout};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::columns::add_scaled;
use crate::kernels::gram::{self, Columns};
use crate::kernels::simd::Level;
use crate::run::{self, Pulse, Run};

/// Columns whose products are kept; beyond, a residual is updated. 128 MiB of them.
pub const MOST: usize = 4096;

/// Columns in a tile.
const TILE: usize = 64;

/// Not in the set.
const OUT: usize = usize::MAX;

/// See the module.
pub struct WorkingSet {
    n: usize,
    /// In the order in which they came.
    pub columns: Vec<usize>,
    /// Where each of the d columns stands in `columns`.
    place: Vec<usize>,
    /// Columns (up to [`TILE`], n) of dense designs.
    tiles: Vec<Vec<f64>>,
    /// Place of the first column of each tile.
    firsts: Vec<usize>,
    /// Tiles whose products with all before them are in `gram`.
    multiplied: usize,
    /// (p, p) in rows of `stride`; empty where none are kept.
    pub gram: Vec<f64>,
    /// Values from row to row.
    pub stride: usize,
    /// Whether products are kept.
    pub has_gram: bool,
    /// Whether all columns are in it, with their products, and nothing has to be read any more.
    pub full: bool,
}

impl WorkingSet {
    /// Without a column, of which products are kept where `has_gram`.
    pub fn new(n: usize, d: usize, has_gram: bool) -> Self {
        WorkingSet {
            n,
            columns: Vec::new(),
            place: vec![OUT; d],
            tiles: Vec::new(),
            firsts: Vec::new(),
            multiplied: 0,
            gram: Vec::new(),
            stride: 0,
            has_gram,
            full: false,
        }
    }

    /// All columns of a dense design.
    pub fn all<F: Float>(design: &Design<'_, F>, layout: &Layout<'_, F>, run: &Run<'_>) -> Result<Self> {
        let d = design.d;
        let mut set = WorkingSet::new(design.n, d, true);
        if let Layout::Rows(rows) = layout {
            let shift = design.shifts();
            let roots = design.roots.as_deref();
            let columns = Columns { shift: &shift, scale: &design.scale, targets: &[], roots, ones: false };
            set.gram = gram::products::<F, f64>(rows, &columns, Level::detect(), run)?;
            for f in 0..d {
                for g in f + 1..d {
                    set.gram[g * d + f] = set.gram[f * d + g];
                }
            }
            set.stride = d;
            set.columns = (0..d).collect();
            set.place = set.columns.clone();
        } else {
            set.extend(design, &(0..d).collect::<Vec<_>>(), run)?;
        }
        set.full = true;
        Ok(set)
    }

    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether column f is in it.
    pub fn has(&self, f: usize) -> bool {
        self.place[f] != OUT
    }

    /// Takes in columns that it has not.
    pub fn extend<F: Float>(&mut self, design: &Design<'_, F>, new: &[usize], run: &Run<'_>) -> Result<()> {
        let before = self.len();
        for &f in new {
            self.place[f] = self.columns.len();
            self.columns.push(f);
        }
        let parts: Vec<&[usize]> = new.chunks(TILE).collect();
        let mut first = before;
        for part in &parts {
            self.firsts.push(first);
            first += part.len();
        }
        if !design.is_sparse() {
            let bytes = new.len().saturating_mul(self.n).saturating_mul(8);
            if bytes > isize::MAX as usize {
                return Err(Error::Memory { what: "a copy of the columns that take part", bytes });
            }
            let tiles = run.map(parts, new.len() * self.n * 4, |part, _| Ok(design.gather(part)))?;
            self.tiles.extend(tiles);
        }
        if self.len() > MOST && self.has_gram {
            (self.has_gram, self.gram) = (false, Vec::new());
        }
        if self.has_gram { self.multiply(design, run) } else { Ok(()) }
    }

    /// Keeps products from now on, if they are not too many; whether it does.
    pub fn keep_products<F: Float>(&mut self, design: &Design<'_, F>, run: &Run<'_>) -> Result<bool> {
        if !self.has_gram && self.len() <= MOST {
            self.has_gram = true;
            self.multiply(design, run)?;
        }
        Ok(self.has_gram)
    }

    /// Places of the columns of a tile.
    fn tile(&self, tile: usize) -> Range<usize> {
        self.firsts[tile]..self.firsts.get(tile + 1).copied().unwrap_or(self.len())
    }

    /// Products of new tiles with all others.
    fn multiply<F: Float>(&mut self, design: &Design<'_, F>, run: &Run<'_>) -> Result<()> {
        let p = self.len();
        let (many_old, many) = (self.multiplied, self.firsts.len());
        if p > self.stride {
            let stride = p.next_multiple_of(8).max((self.stride * 2).min(MOST));
            let mut grown = vec![0.0; stride * stride];
            let old = self.firsts.get(many_old).copied().unwrap_or(p);
            for f in 0..old {
                grown[f * stride..][..old].copy_from_slice(&self.gram[f * self.stride..][..old]);
            }
            (self.gram, self.stride) = (grown, stride);
        }
        let tasks: Vec<(usize, usize)> = (many_old..many).flat_map(|a| (0..=a).map(move |b| (a, b))).collect();
        let each = if design.is_sparse() { 4 * design.stored() / design.d } else { self.n };
        let work = tasks.len() * TILE * TILE * each;
        let set = &*self;
        let found = run.map_with(tasks, work, |room: &mut Vec<f64>, (a, b), pulse| {
            let tile =
                if design.is_sparse() { set.sparse_tile(design, a, b, room) } else { set.dense_tile(a, b, pulse)? };
            Ok((a, b, tile))
        })?;
        for (a, b, tile) in found {
            let (left, right) = (self.tile(a), self.tile(b));
            for (f, row) in left.zip(tile.chunks_exact(right.len())) {
                for (g, &value) in right.clone().zip(row) {
                    self.gram[f * self.stride + g] = value;
                    self.gram[g * self.stride + f] = value;
                }
            }
        }
        self.multiplied = many;
        Ok(())
    }

    fn dense_tile(&self, a: usize, b: usize, pulse: &Pulse<'_>) -> Result<Vec<f64>> {
        /// Rows between two looks for Ctrl-C.
        const ROWS: usize = 1 << 16;
        let (rows, columns, n) = (self.tile(a).len(), self.tile(b).len(), self.n);
        let mut to = vec![0.0; rows * columns];
        let left = MatRef::from_column_major_slice(&self.tiles[a], n, rows);
        let right = MatRef::from_column_major_slice(&self.tiles[b], n, columns);
        for range in run::ranges(n, ROWS) {
            pulse.check()?;
            let (from, many) = (range.start, range.len());
            let to = MatMut::from_row_major_slice_mut(&mut to, rows, columns);
            let left = left.subrows(from, many).transpose();
            matmul(to, Accum::Add, left, right.subrows(from, many), 1.0, Par::Seq);
        }
        Ok(to)
    }

    /// `room` is zero, or empty, and is left so.
    fn sparse_tile<F: Float>(&self, design: &Design<'_, F>, a: usize, b: usize, room: &mut Vec<f64>) -> Vec<f64> {
        room.resize(self.n, 0.0);
        let mut to = Vec::with_capacity(TILE * TILE);
        for &f in &self.columns[self.tile(a)] {
            let (rows, values) = design.sparse_column(f);
            rows.iter().zip(values).for_each(|(&i, z)| room[i as usize] = *z);
            for &g in &self.columns[self.tile(b)] {
                to.push(design.sparse_product(g, room) - self.n as f64 * design.mean(f) * design.mean(g));
            }
            rows.iter().for_each(|&i| room[i as usize] = 0.0);
        }
        to
    }

    /// y less the columns times `b` (p,), of a dense design.
    pub fn residual(&self, y: &[f64], b: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let many = b.iter().filter(|&&b| b != 0.0).count();
        let parts = run.map(run::ranges(self.n, 4096), many * self.n, |range, _| {
            let mut r = y[range.clone()].to_vec();
            for (place, &b) in b.iter().enumerate().filter(|(_, b)| **b != 0.0) {
                add_scaled(&mut r, -b, &self.column(place)[range.clone()]);
            }
            Ok(r)
        })?;
        Ok(parts.concat())
    }

    /// The column at a place, of a dense design.
    pub fn column(&self, place: usize) -> &[f64] {
        let tile = self.firsts.partition_point(|&first| first <= place) - 1;
        &self.tiles[tile][(place - self.firsts[tile]) * self.n..][..self.n]
    }

    /// q (p,) of the columns of the set, from those of all d.
    pub fn pick(&self, all: &[f64]) -> Vec<f64> {
        self.columns.iter().map(|&f| all[f]).collect()
    }
}
