//! Rows as an operator: products with weights, and of what these say of each row with the columns, in one pass where rows are dense.

use std::ops::Range;

use super::super::by_columns::ByColumns;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::simd::{Level, Simd, Task};
use crate::rows::{Csr, Dense, Rows};
use crate::run::{self, Run};

/// Rows less `shift`, with a column of ones behind them.
pub enum Design<'a, F> {
    /// And where columns are measured from, (d,).
    Dense(&'a Dense<'a, F>, &'a [f64]),
    /// The same rows twice, in both orders; never shifted.
    Sparse(&'a Csr<'a, F>, ByColumns<F>),
}

/// Sums over the rows.
pub struct Sums {
    /// (d,), of r times the (shifted) columns.
    pub columns: Vec<f64>,
    /// Of r.
    pub ones: f64,
    /// Of what else is counted.
    pub others: [f64; 2],
}

/// Multiply-adds in a task of a dense pass.
const WORK: usize = 1 << 18;
/// Partial sums in memory at most.
const PARTS: usize = 64;

impl<'a, F: Float> Design<'a, F> {
    /// Turns sparse rows into columns.
    pub fn new(rows: &'a Rows<'a, F>, shift: &'a [f64], run: &Run<'_>) -> Result<Self> {
        Ok(match rows {
            Rows::Dense(rows) => Design::Dense(rows, shift),
            Rows::Csr(rows) => Design::Sparse(rows, ByColumns::new(rows, run)?),
        })
    }

    /// With u = x . v + constant for each row, calls `each(i, u, to)`, which writes row i's values and returns r and what else is to be
    /// added up; `to` has `N` vectors (n,). Returns sums with r of the columns.
    pub fn pass<const N: usize>(
        &self,
        v: &[f64],
        constant: f64,
        to: [&mut [f64]; N],
        each: impl Fn(usize, f64, [&mut f64; N]) -> (f64, [f64; 2]) + Sync,
        run: &Run<'_>,
    ) -> Result<Sums> {
        let n = self.n();
        let length = match self {
            Design::Dense(rows, _) => (WORK / rows.d().max(1)).max(n.div_ceil(PARTS)).max(16),
            Design::Sparse(rows, _) => run::rows_per_task(n, rows.stored() / n.max(1)).max(n.div_ceil(PARTS)),
        };
        let mut pieces: Vec<(Range<usize>, Vec<&mut [f64]>)> =
            run::ranges(n, length).into_iter().map(|range| (range, Vec::with_capacity(N))).collect();
        for values in to {
            pieces.iter_mut().zip(values.chunks_mut(length)).for_each(|(piece, part)| piece.1.push(part));
        }
        match self {
            Design::Dense(rows, shift) => {
                let level = Level::detect();
                let parts = run.map(pieces, 2 * n * rows.d(), |(range, mut to), pulse| {
                    let mut sums = Sums { columns: vec![0.0; rows.d()], ones: 0.0, others: [0.0; 2] };
                    let start = range.start;
                    let rows_at_a_time = (16 * WORK / rows.d().max(1)).max(BLOCK);
                    for from in range.clone().step_by(rows_at_a_time) {
                        pulse.check()?;
                        let range = from..(from + rows_at_a_time).min(range.end);
                        let (to, each) = (&mut to[..], &each);
                        let each = |i: usize, u: f64| write(i, u, i - start, to, each);
                        level.run(Pass { rows, shift, range, v, constant, each, sums: &mut sums });
                    }
                    Ok(sums)
                })?;
                let mut total = Sums { columns: vec![0.0; rows.d()], ones: 0.0, others: [0.0; 2] };
                for part in parts {
                    total.columns.iter_mut().zip(part.columns).for_each(|(sum, part)| *sum += part);
                    total.ones += part.ones;
                    total.others.iter_mut().zip(part.others).for_each(|(sum, part)| *sum += part);
                }
                Ok(total)
            }
            Design::Sparse(rows, columns) => {
                let parts = run.map(pieces, rows.stored() + n, |(range, mut to), pulse| {
                    pulse.check()?;
                    let start = range.start;
                    let (mut rs, mut others) = (Vec::with_capacity(range.len()), [0.0; 2]);
                    for i in range {
                        let (at, values) = rows.row(i);
                        let u: f64 = at.iter().zip(values).map(|(&f, x)| x.to_f64() * v[f as usize]).sum();
                        let (r, counted) = write(i, u + constant, i - start, &mut to, &each);
                        rs.push(r);
                        others.iter_mut().zip(counted).for_each(|(sum, part)| *sum += part);
                    }
                    Ok((rs, others))
                })?;
                let (mut rs, mut others) = (Vec::with_capacity(n), [0.0; 2]);
                for (part, counted) in parts {
                    rs.extend(part);
                    others.iter_mut().zip(counted).for_each(|(sum, part)| *sum += part);
                }
                Ok(Sums { columns: columns.transposed(&rs, run)?, ones: rs.iter().sum(), others })
            }
        }
    }

    /// Sums of h x and of h x^2 for each (shifted) column.
    pub fn moments(&self, h: &[f64], run: &Run<'_>) -> Result<(Vec<f64>, Vec<f64>)> {
        match self {
            Design::Dense(rows, shift) => {
                let (n, d) = (rows.n(), rows.d());
                let tasks = run::ranges(n, (WORK / d.max(1)).max(n.div_ceil(PARTS)).max(16));
                let parts = run.map(tasks, 2 * n * d, |range, pulse| {
                    let (mut first, mut second) = (vec![0.0; d], vec![0.0; d]);
                    for i in range {
                        pulse.check()?;
                        for (f, x) in rows.row(i).iter().enumerate() {
                            let x = x.to_f64() - shift[f];
                            first[f] += h[i] * x;
                            second[f] += h[i] * x * x;
                        }
                    }
                    Ok((first, second))
                })?;
                let (mut first, mut second) = (vec![0.0; d], vec![0.0; d]);
                for (a, b) in parts {
                    first.iter_mut().zip(a).for_each(|(sum, part)| *sum += part);
                    second.iter_mut().zip(b).for_each(|(sum, part)| *sum += part);
                }
                Ok((first, second))
            }
            Design::Sparse(_, columns) => {
                let both = |f: usize| {
                    let (at, values) = columns.column(f);
                    at.iter().zip(values).fold((0.0, 0.0), |(first, second), (&i, x)| {
                        let (h, x) = (h[i as usize], x.to_f64());
                        (first + h * x, second + h * x * x)
                    })
                };
                Ok(columns.map(both, run)?.into_iter().unzip())
            }
        }
    }

    fn n(&self) -> usize {
        match self {
            Design::Dense(rows, _) => rows.n(),
            Design::Sparse(rows, _) => rows.n(),
        }
    }
}

/// Hands `each` its places in the vectors of a task.
#[inline(always)]
fn write<const N: usize>(
    i: usize,
    u: f64,
    at: usize,
    to: &mut [&mut [f64]],
    each: &impl Fn(usize, f64, [&mut f64; N]) -> (f64, [f64; 2]),
) -> (f64, [f64; 2]) {
    let mut room = [0.0; N];
    let found = each(i, u, room.each_mut());
    to.iter_mut().zip(room).for_each(|(to, value)| to[at] = value);
    found
}

/// Rows that are in the first-level cache between their two uses.
const BLOCK: usize = 32;

struct Pass<'a, F, G> {
    rows: &'a Dense<'a, F>,
    shift: &'a [f64],
    range: Range<usize>,
    v: &'a [f64],
    constant: f64,
    each: G,
    sums: &'a mut Sums,
}

impl<F: Float, G: FnMut(usize, f64) -> (f64, [f64; 2])> Task<f64> for Pass<'_, F, G> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) {
        /// Rows that are added at a time: their sums are loaded and stored once.
        const FEW: usize = 4;
        let Pass { rows, shift, range, v, constant, mut each, sums } = self;
        let d = rows.d();
        let mut block = [0.0; BLOCK];
        for from in range.clone().step_by(BLOCK) {
            let many = BLOCK.min(range.end - from);
            block.fill(0.0);
            for (r, place) in block[..many].iter_mut().enumerate() {
                let u = constant + product(rows.row(from + r), shift, v);
                let (r, counted) = each(from + r, u);
                *place = r;
                sums.ones += r;
                sums.others[0] += counted[0];
                sums.others[1] += counted[1];
            }
            let mut r = 0;
            while r + FEW <= many {
                let (a, b, c, e) = (block[r], block[r + 1], block[r + 2], block[r + 3]);
                let (xa, xb) = (&rows.row(from + r)[..d], &rows.row(from + r + 1)[..d]);
                let (xc, xe) = (&rows.row(from + r + 2)[..d], &rows.row(from + r + 3)[..d]);
                let (to, shift) = (&mut sums.columns[..d], &shift[..d]);
                for f in 0..d {
                    let s = shift[f];
                    to[f] += (a * (xa[f].to_f64() - s) + b * (xb[f].to_f64() - s))
                        + (c * (xc[f].to_f64() - s) + e * (xe[f].to_f64() - s));
                }
                r += FEW;
            }
            for (r, &factor) in block[..many].iter().enumerate().skip(r) {
                let x = rows.row(from + r);
                sums.columns.iter_mut().zip(x).zip(shift).for_each(|((to, x), s)| *to += factor * (x.to_f64() - s));
            }
        }
    }
}

/// (x - shift) . v in lanes, the same on every instruction set.
#[inline(always)]
fn product<F: Float>(x: &[F], shift: &[f64], v: &[f64]) -> f64 {
    const LANES: usize = 16;
    let d = x.len();
    let whole = d - d % LANES;
    let mut sums = [0.0; LANES];
    for from in (0..whole).step_by(LANES) {
        let (x, s, v) = (&x[from..][..LANES], &shift[from..][..LANES], &v[from..][..LANES]);
        for l in 0..LANES {
            sums[l] += (x[l].to_f64() - s[l]) * v[l];
        }
    }
    let rest: f64 = (whole..d).map(|f| (x[f].to_f64() - shift[f]) * v[f]).sum();
    let mut half = LANES / 2;
    while half > 0 {
        for l in 0..half {
            sums[l] += sums[l + half];
        }
        half /= 2;
    }
    rest + sums[0]
}
