//! The columns of X: dense ones copied and shifted, sparse ones as [`ByColumns`] has them.

use crate::error::Result;
use crate::float::Float;
use crate::kernels::simd::{Level, Simd, Task};
use crate::linear_model::by_columns::ByColumns;
use crate::rows::Rows;
use crate::run::{self, Run};

/// X (n, d), column after column.
pub enum Columns<F> {
    /// (d, n), less the shift.
    Dense(Vec<F>, usize),
    /// Never shifted.
    Sparse(ByColumns<F>, usize),
}

/// One of them.
#[derive(Clone, Copy)]
pub enum Column<'a, F> {
    /// (n,)
    Dense(&'a [F]),
    /// Rows and values.
    Sparse(&'a [u32], &'a [F]),
}

impl<F: Float> Columns<F> {
    /// Copies `rows`, dense ones less `shift`.
    pub fn new(rows: &Rows<'_, F>, shift: &[f64], run: &Run<'_>) -> Result<Self> {
        /// Rows that are turned at a time.
        const BLOCK: usize = 64;
        let n = rows.n();
        Ok(match rows {
            Rows::Csr(x) => Columns::Sparse(ByColumns::new(x, run)?, n),
            Rows::Dense(x) => {
                let d = x.d();
                let mut values = vec![F::default(); n * d];
                let shift: Vec<F> = shift.iter().map(|&shift| F::from_f64(shift)).collect();
                for from in (0..n).step_by(BLOCK) {
                    run.check()?;
                    let to = (from + BLOCK).min(n);
                    for f in 0..d {
                        for i in from..to {
                            values[f * n + i] = x.row(i)[f] - shift[f];
                        }
                    }
                }
                Columns::Dense(values, n)
            }
        })
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        match self {
            Columns::Dense(_, n) | Columns::Sparse(_, n) => *n,
        }
    }

    /// Number of columns.
    pub fn d(&self) -> usize {
        match self {
            Columns::Dense(values, n) => values.len() / n,
            Columns::Sparse(columns, _) => columns.d(),
        }
    }

    /// Column f.
    #[inline(always)]
    pub fn column(&self, f: usize) -> Column<'_, F> {
        match self {
            Columns::Dense(values, n) => Column::Dense(&values[f * n..][..*n]),
            Columns::Sparse(columns, _) => {
                let (at, values) = columns.column(f);
                Column::Sparse(at, values)
            }
        }
    }

    /// X^T r, (d,)
    pub fn transposed(&self, r: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        if let Columns::Sparse(columns, _) = self {
            return columns.transposed(r, run);
        }
        let level = Level::detect();
        self.map(|f| level.run(Product(self, f, r)), run)
    }

    /// `each(f)` for every column, in order.
    pub fn map<T: Send>(&self, each: impl Fn(usize) -> T + Sync, run: &Run<'_>) -> Result<Vec<T>> {
        match self {
            Columns::Sparse(columns, _) => columns.map(each, run),
            Columns::Dense(values, n) => {
                let parts =
                    run.map(run::ranges(self.d(), run::rows_per_task(self.d(), *n)), values.len(), |range, pulse| {
                        let each = |f| pulse.check().map(|()| each(f));
                        range.map(each).collect::<Result<Vec<T>>>()
                    })?;
                Ok(parts.into_iter().flatten().collect())
            }
        }
    }
}

/// X's column f times r.
struct Product<'a, F>(&'a Columns<F>, usize, &'a [f64]);

impl<F: Float> Task<f64> for Product<'_, F> {
    type Out = f64;

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> f64 {
        self.0.column(self.1).dot(self.2)
    }
}

impl<F: Float> Column<'_, F> {
    /// x . r
    #[inline(always)]
    pub fn dot(&self, r: &[f64]) -> f64 {
        match self {
            Column::Dense(x) => in_lanes(x, |i, x| x * r[i]),
            Column::Sparse(at, x) => at.iter().zip(*x).map(|(&i, x)| x.to_f64() * r[i as usize]).sum(),
        }
    }

    /// Sum of h x^2.
    #[inline(always)]
    pub fn weighted_square(&self, h: &[f64]) -> f64 {
        match self {
            Column::Dense(x) => in_lanes(x, |i, x| h[i] * x * x),
            Column::Sparse(at, x) => {
                let term = |(&i, x): (&u32, &F)| h[i as usize] * x.to_f64() * x.to_f64();
                at.iter().zip(*x).map(term).sum()
            }
        }
    }

    /// `each(i, x)` for the rows where x may differ from zero.
    #[inline(always)]
    pub fn for_cells(&self, mut each: impl FnMut(usize, f64)) {
        match self {
            Column::Dense(x) => x.iter().enumerate().for_each(|(i, x)| each(i, x.to_f64())),
            Column::Sparse(at, x) => at.iter().zip(*x).for_each(|(&i, x)| each(i as usize, x.to_f64())),
        }
    }
}

/// A sum in lanes, which the compiler turns into vectors.
#[inline(always)]
fn in_lanes<F: Float>(x: &[F], term: impl Fn(usize, f64) -> f64) -> f64 {
    const LANES: usize = 16;
    let whole = x.len() - x.len() % LANES;
    let mut sums = [0.0; LANES];
    for from in (0..whole).step_by(LANES) {
        let x = &x[from..][..LANES];
        for l in 0..LANES {
            sums[l] += term(from + l, x[l].to_f64());
        }
    }
    (whole..x.len()).map(|i| term(i, x[i].to_f64())).sum::<f64>() + sums.iter().sum::<f64>()
}
