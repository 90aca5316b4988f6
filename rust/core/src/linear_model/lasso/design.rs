//! The columns that coefficients belong to, as coordinate descent needs them: centred, by the roots of the weights, and of like sizes.
//!
//! A column z of a design is `((x - shift) * scale - mean) * root` with a power of two for a scale, and the rows are read where they
//! lie, in any of three layouts: nothing but the few columns that take part is ever copied.

use super::super::dot;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::columns::{self, Measure};
use crate::rows::{Csr, Dense, Rows};
use crate::run::{self, Run};

/// Where the user's values lie.
#[derive(Clone, Copy, Debug)]
pub enum Layout<'a, F> {
    /// Row after row, (n, d).
    Rows(Dense<'a, F>),
    /// Column after column, (d, n).
    Columns(Dense<'a, F>),
    /// Compressed columns, (d, n).
    Sparse(Csr<'a, F>),
}

impl<'a, F: Float> Layout<'a, F> {
    /// Of X, or of X^T where `transposed`. CSR must be transposed.
    pub fn new(rows: Rows<'a, F>, transposed: bool) -> Result<Self> {
        match (rows, transposed) {
            (Rows::Dense(x), false) => Ok(Layout::Rows(x)),
            (Rows::Dense(x), true) => Ok(Layout::Columns(x)),
            (Rows::Csr(x), true) => Ok(Layout::Sparse(x)),
            (Rows::Csr(_), false) => Err(Error::Value("sparse rows must come as compressed columns".into())),
        }
    }

    /// Rows and columns of X.
    pub fn shape(&self) -> (usize, usize) {
        match self {
            Layout::Rows(x) => (x.n(), x.d()),
            Layout::Columns(x) => (x.d(), x.n()),
            Layout::Sparse(x) => (x.d(), x.n()),
        }
    }
}

/// Columns and how they are measured.
pub struct Design<'a, F> {
    layout: Layout<'a, F>,
    /// Rows.
    pub n: usize,
    /// Columns.
    pub d: usize,
    /// Roots of the weights, (n,), whose squares add up to n.
    pub roots: Option<Vec<f64>>,
    shift: Vec<f64>,
    /// (d,), powers of two.
    pub scale: Vec<f64>,
    /// (d,), beyond the shift, scaled.
    mean: Vec<f64>,
    /// (d,), sums of squares of z; 0 for what does not vary.
    pub squares: Vec<f64>,
    /// Stored values of sparse columns, scaled, by the roots.
    values: Vec<f64>,
    /// Where each sparse column starts.
    starts: Vec<usize>,
}

impl<'a, F: Float> Design<'a, F> {
    /// Measures the columns of weighted rows, centred if there is an intercept.
    pub fn new(layout: Layout<'a, F>, weights: Option<&[f64]>, centred: bool, run: &Run<'_>) -> Result<Self> {
        let (n, d) = layout.shape();
        if n == 0 || d == 0 {
            return Err(Error::Value("a fit needs a row and a column".into()));
        }
        let weights = normalised(weights, n)?;
        let roots: Option<Vec<f64>> = weights.as_ref().map(|weights| weights.iter().map(|w| w.sqrt()).collect());
        let (shift, scale) = pilot(&layout, centred);
        // Scales end at 2^-1000, beyond which coefficients would be lost among the smallest floats.
        if let Some(f) = scale.iter().position(|&scale| scale < 1e-301) {
            return Err(Error::Value(format!(
                "Coordinate descent iterations resulted in non-finite parameter values: column {f} of X holds values \
                 beyond 1e301; divide it by its largest"
            )));
        }
        let mut design = Design {
            layout,
            n,
            d,
            roots,
            shift,
            scale,
            mean: vec![0.0; d],
            squares: vec![0.0; d],
            values: Vec::new(),
            starts: Vec::new(),
        };
        let (sums, squares) = design.moments(weights.as_deref(), run)?;
        if let Some(f) = (0..d).find(|&f| !squares[f].is_finite()) {
            return Err(design.blame(f));
        }
        for f in 0..d {
            design.mean[f] = if centred { sums[f] / n as f64 } else { 0.0 };
            let square = squares[f] - design.mean[f] * sums[f];
            // What centring leaves of a column that does not vary is rounding.
            design.squares[f] = if square > 1e-13 * squares[f] { square } else { 0.0 };
        }
        Ok(design)
    }

    /// Sums and sums of squares of `(x - shift) * scale`, weighted.
    fn moments(&mut self, weights: Option<&[f64]>, run: &Run<'_>) -> Result<(Vec<f64>, Vec<f64>)> {
        let measure = Measure { shift: &self.shift, scale: &self.scale };
        let weight = |i: usize| weights.map_or(1.0, |weights| weights[i]);
        match &self.layout {
            Layout::Rows(x) => columns::moments(x, measure, weights, run),
            Layout::Columns(x) => {
                let ones = weights.map_or_else(|| vec![1.0; self.n], <[f64]>::to_vec);
                let found = run.map(run::ranges(self.d, 16), 2 * self.n * self.d, |range, _| {
                    let mut z = vec![0.0; self.n];
                    let mut found = Vec::with_capacity(range.len());
                    for f in range {
                        z.iter_mut()
                            .zip(x.row(f))
                            .for_each(|(z, x)| *z = (x.to_f64() - measure.shift[f]) * measure.scale[f]);
                        let sum = dot(&z, &ones);
                        z.iter_mut().zip(&ones).for_each(|(z, w)| *z *= w.sqrt());
                        found.push((sum, dot(&z, &z)));
                    }
                    Ok(found)
                })?;
                Ok(found.into_iter().flatten().unzip())
            }
            Layout::Sparse(x) => {
                let mut found = (vec![0.0; self.d], vec![0.0; self.d]);
                self.values.reserve(x.stored());
                self.starts.reserve(self.d + 1);
                for f in 0..self.d {
                    self.starts.push(self.values.len());
                    let (rows, values) = x.row(f);
                    for (&i, value) in rows.iter().zip(values) {
                        let (z, weight) = (value.to_f64() * measure.scale[f], weight(i as usize));
                        found.0[f] += weight * z;
                        found.1[f] += weight * z * z;
                        self.values.push(z * weight.sqrt());
                    }
                }
                self.starts.push(self.values.len());
                Ok(found)
            }
        }
    }

    /// z_f . r for all columns, (d,), of r (n,) by the roots.
    pub fn products(&self, r: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let weighted: Option<Vec<f64>> =
            self.roots.as_ref().map(|roots| roots.iter().zip(r).map(|(root, r)| root * r).collect());
        let v = weighted.as_deref().unwrap_or(r);
        let sum: f64 = v.iter().sum();
        match &self.layout {
            Layout::Rows(x) => {
                let mut found = columns::products(x, &self.shift, v, run)?;
                found.iter_mut().enumerate().for_each(|(f, q)| *q = *q * self.scale[f] - self.mean[f] * sum);
                Ok(found)
            }
            Layout::Columns(x) => {
                let found = run.map(run::ranges(self.d, 64), self.n * self.d, |range, _| {
                    let one =
                        |f| columns::column_product(x.row(f), self.shift[f], v) * self.scale[f] - self.mean[f] * sum;
                    Ok(range.map(one).collect::<Vec<f64>>())
                })?;
                Ok(found.concat())
            }
            Layout::Sparse(_) => {
                let found = run.map(run::ranges(self.d, 1024), 4 * self.values.len(), |range, _| {
                    let one = |f| self.sparse_product(f, r) - self.mean[f] * sum;
                    Ok(range.map(one).collect::<Vec<f64>>())
                })?;
                Ok(found.concat())
            }
        }
    }

    /// The mean of each column, as far as it is known: where z is 0.
    pub fn shifts(&self) -> Vec<f64> {
        (0..self.d).map(|f| self.shift[f] + self.mean[f] / self.scale[f]).collect()
    }

    /// Whether columns are compressed.
    pub fn is_sparse(&self) -> bool {
        matches!(self.layout, Layout::Sparse(_))
    }

    /// Stored values of sparse columns.
    pub fn stored(&self) -> usize {
        self.values.len()
    }

    /// Stored values of a sparse column, by the roots, and their rows.
    #[inline(always)]
    pub fn sparse_column(&self, f: usize) -> (&[i32], &[f64]) {
        let Layout::Sparse(x) = &self.layout else { return (&[], &[]) };
        (x.row(f).0, &self.values[self.starts[f]..self.starts[f + 1]])
    }

    /// The stored values of a sparse column times u: without what centring takes away.
    #[inline(always)]
    pub fn sparse_product(&self, f: usize, u: &[f64]) -> f64 {
        let (rows, values) = self.sparse_column(f);
        rows.iter().zip(values).map(|(&i, z)| z * u[i as usize]).sum()
    }

    /// What centring takes away from a scaled column.
    #[inline(always)]
    pub fn mean(&self, f: usize) -> f64 {
        self.mean[f]
    }

    /// The columns `chosen`, z of each one after the other, (chosen, n).
    pub fn gather(&self, chosen: &[usize]) -> Vec<f64> {
        let n = self.n;
        let mut to = vec![0.0; chosen.len() * n];
        match &self.layout {
            Layout::Rows(x) => {
                for i in 0..n {
                    let row = x.row(i);
                    for (at, &f) in chosen.iter().enumerate() {
                        to[at * n + i] = (row[f].to_f64() - self.shift[f]) * self.scale[f] - self.mean[f];
                    }
                }
            }
            Layout::Columns(x) => {
                for (to, &f) in to.chunks_exact_mut(n).zip(chosen) {
                    let (shift, scale, mean) = (self.shift[f], self.scale[f], self.mean[f]);
                    to.iter_mut().zip(x.row(f)).for_each(|(z, x)| *z = (x.to_f64() - shift) * scale - mean);
                }
            }
            Layout::Sparse(x) => {
                for (to, &f) in to.chunks_exact_mut(n).zip(chosen) {
                    to.fill(-self.mean[f]);
                    let (rows, values) = x.row(f);
                    rows.iter().zip(values).for_each(|(&i, x)| to[i as usize] += x.to_f64() * self.scale[f]);
                }
            }
        }
        if let Some(roots) = &self.roots {
            to.chunks_exact_mut(n).for_each(|z| z.iter_mut().zip(roots).for_each(|(z, root)| *z *= root));
        }
        to
    }

    /// `sum_f coef_f (mean of x_f)` in the user's units, for the intercept.
    pub fn offset(&self, coef: &[f64]) -> f64 {
        let of = |f: usize| if coef[f] == 0.0 { 0.0 } else { coef[f] * (self.shift[f] + self.mean[f] / self.scale[f]) };
        (0..self.d).map(of).sum()
    }

    /// The first cell of column f that is not finite, else its largest.
    fn blame(&self, f: usize) -> Error {
        match &self.layout {
            Layout::Rows(x) => super::super::normal::blame(&Rows::Dense(*x), f),
            Layout::Columns(x) => turned(&Rows::Dense(*x)),
            Layout::Sparse(x) => turned(&Rows::Csr(*x)),
        }
    }
}

/// The first flaw of X, from X^T: by rows of X, then by columns.
fn turned<F: Float>(columns: &Rows<'_, F>) -> Error {
    let (mut first, mut largest) = (None, (0, 0, 0.0));
    for f in 0..columns.n() {
        columns.for_cells(f, |i, x| {
            if !x.is_finite() && first.is_none_or(|(row, _)| i < row) {
                first = Some((i, f));
            }
            if x.abs() > largest.2 {
                largest = (i, f, x.abs());
            }
        });
    }
    let Some((row, column)) = first else {
        return Error::NonFinite { row: largest.0, column: largest.1, kind: crate::error::NonFinite::Overflow };
    };
    let mut kind = crate::error::NonFinite::Infinity;
    columns.for_cells(column, |i, x| {
        if i == row && x.is_nan() {
            kind = crate::error::NonFinite::Nan;
        }
    });
    Error::NonFinite { row, column, kind }
}

/// Weights that add up to n.
fn normalised(weights: Option<&[f64]>, n: usize) -> Result<Option<Vec<f64>>> {
    let Some(weights) = weights else { return Ok(None) };
    if weights.len() != n {
        return Err(Error::Shape { what: "sample_weight", got: weights.len(), want: n });
    }
    let total: f64 = weights.iter().sum();
    if weights.iter().any(|&w| w < 0.0) || !(total > 0.0 && total.is_finite()) {
        return Err(Error::Value("sample_weight must not be negative, and not zero everywhere".into()));
    }
    Ok(Some(weights.iter().map(|w| w * (n as f64 / total)).collect()))
}

/// Shift and scale of each column, from up to 256 rows of dense ones and from all values of sparse ones.
fn pilot<F: Float>(layout: &Layout<'_, F>, centred: bool) -> (Vec<f64>, Vec<f64>) {
    const PILOTS: usize = 256;
    let (n, d) = layout.shape();
    let (mut shift, mut spread) = (vec![0.0; d], vec![0.0_f64; d]);
    let pilots: Vec<usize> =
        (0..n.min(PILOTS)).map(|p| (p as u128 * n as u128 / n.min(PILOTS) as u128) as usize).collect();
    let each = |see: &mut dyn FnMut(usize, f64)| match layout {
        Layout::Rows(x) => {
            pilots.iter().for_each(|&i| x.row(i).iter().enumerate().for_each(|(f, x)| see(f, x.to_f64())));
        }
        Layout::Columns(x) => (0..d).for_each(|f| pilots.iter().for_each(|&i| see(f, x.row(f)[i].to_f64()))),
        Layout::Sparse(x) => (0..d).for_each(|f| x.row(f).1.iter().for_each(|x| see(f, x.to_f64()))),
    };
    if centred && !matches!(layout, Layout::Sparse(_)) {
        // Around the first row, so that the mean of equal values is exactly their value.
        let mut first = vec![f64::NAN; d];
        each(&mut |f, x| {
            if first[f].is_nan() {
                first[f] = x;
            }
            shift[f] += (x - first[f]) / pilots.len() as f64;
        });
        for (shift, first) in shift.iter_mut().zip(first) {
            let middle = F::from_f64(*shift + first).to_f64(); // exact in the rows' own type
            *shift = if middle.is_finite() { middle } else { 0.0 };
        }
    }
    each(&mut |f, x| spread[f] = spread[f].max((x - shift[f]).abs()));
    (shift, spread.into_iter().map(super::super::normal::reciprocal_power).collect())
}
