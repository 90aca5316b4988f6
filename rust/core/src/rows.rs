//! A user's samples: dense or CSR rows behind one view.

use crate::error::{Error, NonFinite, Result};
use crate::float::Float;

/// Samples in rows; borrows the user's arrays.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a, F> {
    /// A C-contiguous matrix.
    Dense(Dense<'a, F>),
    /// Compressed sparse rows.
    Csr(Csr<'a, F>),
}

/// A C-contiguous matrix of shape (n, d).
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a, F> {
    values: &'a [F],
    n: usize,
    d: usize,
}

/// Compressed sparse rows of shape (n, d): row i holds `values[s..e]` in columns `columns[s..e]`,
/// where `s..e = starts[i]..starts[i + 1]`, columns rising.
#[derive(Clone, Copy, Debug)]
pub struct Csr<'a, F> {
    values: &'a [F],
    columns: &'a [i32],
    starts: &'a [i64],
    d: usize,
}

impl<'a, F: Float> Dense<'a, F> {
    /// `values` has n * d elements.
    pub fn new(values: &'a [F], n: usize, d: usize) -> Result<Self> {
        if n.checked_mul(d) != Some(values.len()) {
            return Err(Error::Shape { what: "the array", got: values.len(), want: n.saturating_mul(d) });
        }
        Ok(Dense { values, n, d })
    }

    /// Row i, d values.
    #[inline(always)]
    pub fn row(&self, i: usize) -> &'a [F] {
        &self.values[i * self.d..][..self.d]
    }

    /// Rows `from..to` in one slice.
    #[inline(always)]
    pub fn span(&self, from: usize, to: usize) -> &'a [F] {
        &self.values[from * self.d..to * self.d]
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Number of columns.
    pub fn d(&self) -> usize {
        self.d
    }
}

impl<'a, F: Float> Csr<'a, F> {
    /// Checks all that memory safety and the kernels rely on.
    pub fn new(values: &'a [F], columns: &'a [i32], starts: &'a [i64], d: usize) -> Result<Self> {
        if columns.len() != values.len() {
            return Err(Error::Shape { what: "CSR indices", got: columns.len(), want: values.len() });
        }
        let rises = starts.first() == Some(&0) && starts.windows(2).all(|pair| pair[0] <= pair[1]);
        if !rises || starts.last().is_none_or(|&end| end as usize > values.len()) {
            return Err(Error::Value("CSR indptr must rise from 0 to at most the number of stored values".into()));
        }
        let csr = Csr { values, columns, starts, d };
        for i in 0..csr.n() {
            let (columns, _) = csr.row(i);
            let inside = columns.iter().all(|&f| f >= 0 && (f as usize) < d);
            if !inside || columns.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err(Error::Value(format!("CSR row {i}: column indices must rise strictly and lie in 0..{d}")));
            }
        }
        Ok(csr)
    }

    /// The columns and values of row i.
    #[inline(always)]
    pub fn row(&self, i: usize) -> (&'a [i32], &'a [F]) {
        let stored = self.starts[i] as usize..self.starts[i + 1] as usize;
        (&self.columns[stored.clone()], &self.values[stored])
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of columns.
    pub fn d(&self) -> usize {
        self.d
    }

    /// Number of stored values.
    pub fn stored(&self) -> usize {
        self.values.len()
    }
}

impl<F: Float> Rows<'_, F> {
    /// Number of rows.
    pub fn n(&self) -> usize {
        match self {
            Rows::Dense(x) => x.n(),
            Rows::Csr(x) => x.n(),
        }
    }

    /// Number of columns.
    pub fn d(&self) -> usize {
        match self {
            Rows::Dense(x) => x.d(),
            Rows::Csr(x) => x.d(),
        }
    }

    /// Values that a pass over the rows reads: n * d, or the stored ones.
    pub fn size(&self) -> usize {
        match self {
            Rows::Dense(x) => x.values.len(),
            Rows::Csr(x) => x.stored(),
        }
    }

    /// The cells of rows `range` that are stored, row after row.
    pub fn cells(&self, range: std::ops::Range<usize>) -> &[F] {
        match self {
            Rows::Dense(x) => x.span(range.start, range.end),
            Rows::Csr(x) => &x.values[x.starts[range.start] as usize..x.starts[range.end] as usize],
        }
    }

    /// Rows `range` with other `cells` in the places of theirs; `starts` is room for where CSR rows start.
    pub fn with_cells<'b>(
        &'b self,
        range: std::ops::Range<usize>,
        cells: &'b [F],
        starts: &'b mut Vec<i64>,
    ) -> Result<Rows<'b, F>> {
        match self {
            Rows::Dense(x) => Dense::new(cells, range.len(), x.d).map(Rows::Dense),
            Rows::Csr(x) => {
                let first = x.starts[range.start];
                starts.clear();
                starts.extend(x.starts[range.start..=range.end].iter().map(|start| start - first));
                let columns = &x.columns[first as usize..x.starts[range.end] as usize];
                Csr::new(cells, columns, starts, x.d).map(Rows::Csr)
            }
        }
    }

    /// Calls `each(column, value)` over the cells of row i that may differ from zero, columns rising.
    #[inline(always)]
    pub fn for_cells(&self, i: usize, mut each: impl FnMut(usize, f64)) {
        match self {
            Rows::Dense(x) => x.row(i).iter().enumerate().for_each(|(f, value)| each(f, value.to_f64())),
            Rows::Csr(x) => {
                let (columns, values) = x.row(i);
                columns.iter().zip(values).for_each(|(&f, value)| each(f as usize, value.to_f64()));
            }
        }
    }

    /// Writes row i, zeros included, into `dense` of length d.
    pub fn write_row(&self, i: usize, dense: &mut [f64]) {
        if let Rows::Csr(_) = self {
            dense.fill(0.0);
        }
        self.for_cells(i, |f, value| dense[f] = value);
    }

    /// What is wrong with the first unusable cell of row i; a row without one overflowed, at its largest cell.
    pub fn blame(&self, i: usize) -> Error {
        let mut found = None;
        let mut largest = (0, 0.0);
        self.for_cells(i, |column, value| {
            if !value.is_finite() && found.is_none() {
                let kind = if value.is_nan() { NonFinite::Nan } else { NonFinite::Infinity };
                found = Some((column, kind));
            }
            if value.abs() > largest.1 {
                largest = (column, value.abs());
            }
        });
        let (column, kind) = found.unwrap_or((largest.0, NonFinite::Overflow));
        Error::NonFinite { row: i, column, kind }
    }
}
