//! The triangle R of the rows with their targets beside them, for data that normal equations would lose digits of.
//!
//! A chunk of rows is triangularised together with what the chunks before it left, and groups of chunks are brought together in
//! order (TSQR), so memory stays at a few triangles and Q is never needed. A column of ones comes first: once it is
//! eliminated, the other columns are centred, to rounding. The blocked factorisation is faer's.

use std::ops::Range;

use super::normal::Frame;
use crate::error::Result;
use crate::float::Float;
use crate::rows::Rows;
use crate::run::{self, Run};

/// (rows, many), row after row; of the centred, scaled columns and the targets behind them.
pub struct Triangle {
    /// Row after row.
    pub values: Vec<f64>,
    /// d + t
    pub many: usize,
    /// (d + t,), what ones took of each column: its mean, times the root of the rows; empty where nothing is centred.
    pub heads: Vec<f64>,
    /// What ones are themselves: plus or minus the root of the rows.
    pub lead: f64,
}

impl Triangle {
    /// Triangularises, with columns divided by `norms` (d,) beyond the frame's scale.
    pub fn new<F: Float>(
        rows: &Rows<'_, F>,
        targets: &[f64],
        roots: Option<&[f64]>,
        frame: &Frame,
        norms: &[f64],
        run: &Run<'_>,
    ) -> Result<Self> {
        let (n, d) = (rows.n(), rows.d());
        let t = targets.len() / n;
        let ones = usize::from(frame.centred);
        let many = ones + d + t;
        let write = |i: usize, cells: &mut [f64], to: &mut dyn FnMut(usize, f64)| {
            rows.write_row(i, cells);
            let root = roots.map_or(1.0, |roots| roots[i]);
            if ones == 1 {
                to(0, root);
            }
            for (f, x) in cells.iter().enumerate() {
                to(ones + f, (x - frame.shift[f]) * frame.scale[f] / norms[f] * root);
            }
            for (f, y) in targets[i * t..][..t].iter().enumerate() {
                to(ones + d + f, (y - frame.shift[d + f]) * frame.scale[d + f] * root);
            }
        };
        let length = (2 * many).clamp(64, 4096).max(many);
        // So many triangles that threads find work, not so many that bringing them together costs as much.
        let groups = (n / (4 * length)).clamp(1, 16);
        let work = n.saturating_mul(many).saturating_mul(2 * many);
        let parts = run.map(run::ranges(n, n.div_ceil(groups)), work, |range: Range<usize>, pulse| {
            let mut cells = vec![0.0; d];
            let mut left: Vec<f64> = Vec::new();
            for chunk in run::ranges(range.len(), length) {
                pulse.check()?;
                let above = left.len() / many;
                let mut stacked = faer::Mat::<f64>::zeros(above + chunk.len(), many);
                for (i, row) in left.chunks_exact(many).enumerate() {
                    row.iter().enumerate().for_each(|(f, &r)| stacked[(i, f)] = r);
                }
                for (i, row) in chunk.enumerate() {
                    let row = range.start + row;
                    write(row, &mut cells, &mut |f, z| stacked[(above + i, f)] = z);
                }
                left = upper(&stacked);
            }
            Ok(left)
        })?;
        let mut left = Vec::new();
        for part in parts {
            run.check()?;
            if left.is_empty() {
                left = part;
                continue;
            }
            left.extend(part);
            left = upper(&faer::Mat::from_fn(left.len() / many, many, |i, f| left[i * many + f]));
        }
        let values = left.chunks_exact(many).skip(ones).flat_map(|row| row[ones..].iter().copied()).collect();
        let heads = if ones == 1 { left[1..many].to_vec() } else { Vec::new() };
        Ok(Triangle { values, many: d + t, heads, lead: if ones == 1 { left[0] } else { 1.0 } })
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.values.len() / self.many
    }

    /// Column f.
    pub fn column(&self, f: usize) -> Vec<f64> {
        self.values.iter().skip(f).step_by(self.many).copied().collect()
    }

    /// Lengths of the first d columns. Of a constant column that no shift made zero, centring leaves rounding, `cutoff` times
    /// what ones took of it: that becomes zero, and its length 1.
    pub fn lengths(&mut self, d: usize, cutoff: f64) -> Vec<f64> {
        (0..d)
            .map(|f| {
                let length = self.column(f).iter().map(|r| r * r).sum::<f64>().sqrt();
                if length > self.heads.get(f).map_or(0.0, |head| cutoff * head.abs()) {
                    return length;
                }
                let many = self.many;
                self.values.iter_mut().skip(f).step_by(many).for_each(|r| *r = 0.0);
                1.0
            })
            .collect()
    }

    /// The first d columns, times `units` (d,).
    pub fn in_units(&self, units: &[f64]) -> Vec<f64> {
        let d = units.len();
        self.values.chunks_exact(self.many).flat_map(|row| row[..d].iter().zip(units).map(|(r, u)| r * u)).collect()
    }
}

/// R of a matrix, (min(rows, columns), columns), row after row.
pub(super) fn upper(matrix: &faer::Mat<f64>) -> Vec<f64> {
    let found = matrix.qr();
    let r = found.thin_R();
    let (rows, many) = (r.nrows(), matrix.ncols());
    let mut values = vec![0.0; rows * many];
    for i in 0..rows {
        for f in i..many {
            values[i * many + f] = r[(i, f)];
        }
    }
    values
}
