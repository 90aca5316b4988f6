//! Centres in every form that finding the nearest asks for, each made when it is first wanted.

use std::sync::OnceLock;

use super::coarse::Coarse;
use super::direct;
use super::filter::{Filter, NARROW};
use super::nearest_csr::Columns;
use super::screen::Screen;
use super::simd::Level;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::run::Run;

/// Fewer centres than this do not pay for rounding the rows.
const MANY_CENTERS: usize = 24;

/// Centres (k, d), prepared for finding the nearest.
pub struct Codebook<F: Float> {
    pub(super) exact: Vec<f64>,
    pub(super) k: usize,
    pub(super) d: usize,
    pub(super) shift: Vec<f64>,
    pub(super) level: Level,
    /// So many rows the definition labels sooner than a filter labels a block of them.
    pub(super) few: usize,
    coarse: OnceLock<Option<Coarse>>,
    screen: OnceLock<Option<Screen>>,
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
        let (coarse, screen, first, second, panel, columns) = Default::default();
        let (shift, few) = (shift.to_vec(), level.run(direct::Few));
        Codebook { exact: centers, k, d, shift, level, few, coarse, screen, first, second, panel, columns }
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

    /// Has `step` change the centres (k, d) and say by how much each has moved; those that have not stay prepared. Nothing may be
    /// asked of it any more if that fails.
    pub fn move_by(&mut self, step: impl FnOnce(&mut [f64]) -> Result<Vec<f64>>, run: &Run<'_>) -> Result<Vec<f64>> {
        /// Prepares what is prepared already, or else forgets it.
        fn again<T>(prepared: &mut OnceLock<Option<T>>, put: impl FnOnce(&mut T) -> bool) {
            if let Some(stale) = prepared.get_mut()
                && !stale.as_mut().is_some_and(put)
            {
                prepared.take();
            }
        }
        let (k, level) = (self.k, self.level);
        let moves = step(&mut self.exact)?;
        let which: Vec<usize> = (0..k).filter(|&j| moves[j] > 0.0).collect();
        // More than that are prepared when they are needed, from scratch.
        let few = 2 * which.len() <= k;
        let (centers, shift, names) = (&self.exact, &self.shift, || which.iter().copied());
        again(&mut self.coarse, |coarse| few && coarse.put(centers, names(), shift));
        again(&mut self.screen, |screen| few && screen.put(centers, names(), shift, level));
        again(&mut self.first, |filter| few && filter.put(centers, names(), shift, level));
        again(&mut self.second, |filter| few && filter.put(centers, names(), shift, level));
        match self.panel.get_mut() {
            Some(panel) if few => panel.put(centers, names()),
            _ => drop(self.panel.take()),
        }
        if let Some(columns) = self.columns.get_mut() {
            columns.put(centers, &which, run)?;
        }
        Ok(moves)
    }

    /// Number of centres.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Number of features.
    pub fn d(&self) -> usize {
        self.d
    }

    pub(super) fn shift(&self) -> &[f64] {
        &self.shift
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// None where the screen is as fast.
    pub(super) fn coarse(&self) -> Option<&Coarse> {
        let worth_it = || Coarse::pays(self.k, self.d, self.level);
        let make = || Coarse::new(&self.exact, &self.shift, F::shift_of_narrowed(&self.shift), self.level);
        self.coarse.get_or_init(|| if worth_it() { make() } else { None }).as_ref()
    }

    /// None where the filter is as fast.
    pub(super) fn screen(&self) -> Option<&Screen> {
        let make = || Screen::new(&self.exact, &self.shift, F::shift_of_narrowed(&self.shift), self.level);
        self.screen.get_or_init(|| if self.d > NARROW && self.k >= MANY_CENTERS { make() } else { None }).as_ref()
    }

    pub(super) fn first(&self) -> Option<&Filter<F>> {
        self.first.get_or_init(|| Filter::new(&self.exact, &self.shift, self.level)).as_ref()
    }

    pub(super) fn second(&self) -> Option<&Filter<f64>> {
        self.second.get_or_init(|| Filter::new(&self.exact, &self.shift, self.level)).as_ref()
    }

    pub(super) fn panel(&self) -> &direct::Panel {
        self.panel.get_or_init(|| direct::Panel::new(&self.exact, self.d, self.level))
    }

    pub(super) fn columns(&self) -> &Columns {
        self.columns.get_or_init(|| Columns::new(&self.exact, self.d))
    }
}

/// Guards against more centres than a label can name.
pub fn check_k(k: usize) -> Result<()> {
    if k < i32::MAX as usize {
        Ok(())
    } else {
        Err(Error::Value(format!("{k} centres are more than a label can name")))
    }
}
