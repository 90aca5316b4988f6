//! The nearest centre of every row: the kernel under everything that is a centroid.
//!
//! **The definition.** The label of row x is the j that minimises the sum over features f, in order, of (x_f - c_jf)^2 in
//! f64 (a subtraction, a multiplication and an addition, each rounded), with c_j in f64 and the user's units; the lowest j
//! on a tie. Nothing else is ever returned: not with other blocking, other instructions, or other neighbours in the block.
//!
//! Cheaper arithmetic stands in front of the definition: the f32 filter, the f64 filter ([`super::filter`]), and only for the
//! rows that neither can decide the definition itself ([`super::direct`]).

use std::ops::Range;
use std::sync::OnceLock;

use super::direct;
use super::filter::{Filter, Lanes, Scan};
use super::nearest_csr::Columns;
use super::simd::Level;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::rows::{Dense, Rows};
use crate::run::{self, Pulse, Run};

/// Rows between looks at the undecided ones (a multiple of every block); keeps their f64 copies in cache.
const STRIP: usize = 768;
/// Up to this many rows, packing the centres for a filter costs more than the definition itself.
const FEW_ROWS: usize = 3;

/// Centres (k, d), prepared for finding the nearest.
pub struct Codebook<F: Float> {
    exact: Vec<f64>,
    k: usize,
    d: usize,
    shift: Vec<f64>,
    level: Level,
    first: OnceLock<Option<Filter<F>>>,
    second: OnceLock<Option<Filter<f64>>>,
    panel: OnceLock<direct::Panel>,
    columns: OnceLock<Columns>,
}

impl<F: Float> Codebook<F> {
    /// `centers` (k, d) in the user's units; `shift` (d), values of `F`, is any point near the data.
    pub fn new(centers: Vec<f64>, k: usize, shift: &[f64], level: Level) -> Self {
        let d = shift.len();
        assert_eq!(centers.len(), k * d);
        let (first, second, panel, columns) = Default::default();
        Codebook { exact: centers, k, d, shift: shift.to_vec(), level, first, second, panel, columns }
    }

    /// Centres for rows that come without statistics of their own (predict): shifted by their mean.
    pub fn around_mean(centers: Vec<f64>, k: usize, d: usize, level: Level) -> Self {
        let mut shift = vec![0.0; d];
        for center in centers.chunks_exact(d) {
            shift.iter_mut().zip(center).for_each(|(m, c)| *m += c / k as f64);
        }
        shift.iter_mut().for_each(|m| *m = F::from_f64(*m).to_f64());
        Codebook::new(centers, k, &shift, level)
    }

    /// The centres (k, d).
    pub fn centers(&self) -> &[f64] {
        &self.exact
    }

    /// Gives the centres back.
    pub fn into_centers(self) -> Vec<f64> {
        self.exact
    }

    /// Number of centres.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Number of features.
    pub fn d(&self) -> usize {
        self.d
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    fn first(&self) -> Option<&Filter<F>> {
        self.first.get_or_init(|| Filter::new(&self.exact, &self.shift, self.level)).as_ref()
    }

    fn second(&self) -> Option<&Filter<f64>> {
        self.second.get_or_init(|| Filter::new(&self.exact, &self.shift, self.level)).as_ref()
    }

    fn panel(&self) -> &direct::Panel {
        self.panel.get_or_init(|| direct::Panel::new(&self.exact, self.d, self.level))
    }

    pub(super) fn columns(&self) -> &Columns {
        self.columns.get_or_init(|| Columns::new(&self.exact, self.d))
    }
}

/// Labels every row of `rows`; returns how many rows the first filter left undecided.
pub fn assign<F: Float>(
    rows: &Rows<'_, F>,
    codebook: &Codebook<F>,
    labels: &mut [i32],
    run: &Run<'_>,
) -> Result<usize> {
    let n = rows.n();
    let work = (rows.size() / n.max(1) + 2) * codebook.k;
    let length = run::rows_per_task(n, work);
    let tasks = run::ranges(n, length).into_iter().zip(labels.chunks_mut(length)).collect();
    let undecided = run.map_with(tasks, n.saturating_mul(work), |scratch, (range, labels), pulse| {
        assign_range(rows, range, codebook, labels, scratch, pulse)
    })?;
    Ok(undecided.into_iter().sum())
}

/// Labels the rows of `range` on this thread; returns how many the first filter left undecided.
pub fn assign_range<F: Float>(
    rows: &Rows<'_, F>,
    range: Range<usize>,
    codebook: &Codebook<F>,
    labels: &mut [i32],
    scratch: &mut Scratch<F>,
    pulse: &Pulse<'_>,
) -> Result<usize> {
    match rows {
        Rows::Dense(dense) if range.len() <= FEW_ROWS => {
            for (label, i) in labels.iter_mut().zip(range) {
                let row: Vec<f64> = dense.row(i).iter().map(|x| x.to_f64()).collect();
                let (nearest, distance) = direct::nearest_of_all(&row, &codebook.exact);
                check(distance, rows, i)?;
                *label = nearest as i32;
            }
            Ok(0)
        }
        Rows::Dense(dense) => {
            let mut undecided = 0;
            for strip in run::ranges(range.len(), STRIP) {
                pulse.check()?;
                let labels = &mut labels[strip.clone()];
                undecided += assign_strip(dense, range.start + strip.start, codebook, labels, scratch)?;
            }
            Ok(undecided)
        }
        Rows::Csr(csr) => super::nearest_csr::assign_range(csr, range, codebook, labels, pulse),
    }
}

/// A row whose smallest distance is not finite is unusable.
pub(super) fn check<F: Float>(distance: f64, rows: &Rows<'_, F>, row: usize) -> Result<()> {
    if distance < f64::INFINITY { Ok(()) } else { Err(rows.blame(row)) }
}

/// Buffers that live as long as a task.
#[derive(Default)]
pub struct Scratch<F> {
    first: Lanes<F>,
    second: Lanes<f64>,
    undecided: Vec<u32>,
    still_undecided: Vec<u32>,
    gathered: Vec<f64>,
    labels: Vec<i32>,
    /// The last strip's share was so high that the filter only costs time.
    skip_first: bool,
}

/// Labels rows `from..from + labels.len()`: first filter, second filter, definition, each on what the one before left.
fn assign_strip<F: Float>(
    rows: &Dense<'_, F>,
    from: usize,
    codebook: &Codebook<F>,
    labels: &mut [i32],
    scratch: &mut Scratch<F>,
) -> Result<usize> {
    let (n, d) = (labels.len(), codebook.d);
    let Scratch { first, second, undecided, still_undecided, gathered, labels: relabeled, skip_first } = scratch;
    undecided.clear();
    match codebook.first() {
        Some(filter) if !*skip_first => {
            let samples = rows.span(from, from + n);
            codebook.level.run(Scan { samples, filter, lanes: first, labels, undecided });
            // Looked at again in the next strip but one: data change along the rows.
            *skip_first = F::UNIT_ROUNDOFF > f64::UNIT_ROUNDOFF && undecided.len() * 2 > n;
        }
        _ => {
            undecided.extend(0..n as u32);
            *skip_first = false;
        }
    }
    if undecided.is_empty() {
        return Ok(0);
    }
    let rescored = undecided.len();
    gathered.clear();
    for &i in undecided.iter() {
        gathered.extend(rows.row(from + i as usize).iter().map(|x| x.to_f64()));
    }
    // An f64 filter has just run where F is f64.
    if F::UNIT_ROUNDOFF > f64::UNIT_ROUNDOFF
        && let Some(filter) = codebook.second()
    {
        relabeled.resize(rescored, 0);
        still_undecided.clear();
        codebook.level.run(Scan {
            samples: gathered,
            filter,
            lanes: second,
            labels: relabeled,
            undecided: still_undecided,
        });
        undecided.iter().zip(relabeled.iter()).for_each(|(&i, &label)| labels[i as usize] = label);
        for (kept, &position) in still_undecided.iter().enumerate() {
            let position = position as usize;
            gathered.copy_within(position * d..(position + 1) * d, kept * d);
            undecided[kept] = undecided[position];
        }
        undecided.truncate(still_undecided.len());
        gathered.truncate(undecided.len() * d);
    }
    if !undecided.is_empty() {
        let nearest = codebook.level.run(direct::Nearest { rows: gathered, panel: codebook.panel() });
        for (&i, (label, distance)) in undecided.iter().zip(nearest) {
            check(distance, &Rows::Dense(*rows), from + i as usize)?;
            labels[i as usize] = label as i32;
        }
    }
    Ok(rescored)
}

/// Guards against more centres than a label can name.
pub fn check_k(k: usize) -> Result<()> {
    if k < i32::MAX as usize {
        Ok(())
    } else {
        Err(Error::Value(format!("{k} centres are more than a label can name")))
    }
}
