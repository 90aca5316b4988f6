//! The nearest centre of every row: the kernel under everything that is a centroid.
//!
//! **The definition.** The label of row x is the j that minimises the sum over features f, in order, of (x_f - c_jf)^2 in
//! f64 (a subtraction, a multiplication and an addition, each rounded), with c_j in f64 and the user's units; the lowest j
//! on a tie. Nothing else is ever returned: not with other blocking, other instructions, or other neighbours in the block.
//!
//! Cheaper arithmetic stands in front of the definition: shortlists ([`super::shortlist`]), the screen in whole numbers
//! ([`super::screen`]), the f32 filter, the f64 filter ([`super::filter`]), and only for the rows that none of them can decide
//! the definition itself ([`super::direct`]).

use std::ops::Range;

use super::bounds::{Bounds, Drift, Known, Learned, Movers, Sift};
use super::codebook::Codebook;
use super::direct;
use super::filter::{Filter, Lanes, Scan};
use super::list::List;
use super::nearest_few::{FEW_ROWS, assign_few};
use super::screen::{self, Sieve};
use super::shortlist::{self, Shorten};
use super::simd::{Level, Simd, Task};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::rows::{Dense, Rows};
use crate::run::{self, Pulse, Run};

/// Rows between looks at the undecided ones (a multiple of every block); most often there are few of them.
const STRIP: usize = 1536;
/// Rows that shortlists are tried on first.
const TRIAL: usize = 64;
/// Fewer rows than this do not pay for packing the centres for the screen too.
const MANY_ROWS: usize = 256;
/// Shortlists spare this much of the screen: where their distances, and rows that are screened all the same, take longer,
/// they are not made for the next strips.
const SPARED: f64 = 1.0 / 3.0;
/// A screen that leaves more of a strip than one row in this many undecided is not used for the next strips.
const FEW_SCREENED: usize = 4;
const UNSCREENED_STRIPS: usize = 8;

/// What labelling rows took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Rows that the first filter left undecided.
    pub undecided: usize,
    /// Distances, scores or exact.
    pub distances: usize,
}

impl std::ops::AddAssign for Effort {
    fn add_assign(&mut self, other: Effort) {
        self.undecided += other.undecided;
        self.distances += other.distances;
    }
}

/// Rows whose label changed, in order, with the label before.
pub type Moves = Vec<(u32, i32)>;

/// Lists the positions at which the labels differ.
struct Changed<'a> {
    before: &'a [i32],
    after: &'a [i32],
    found: &'a mut List,
}

impl Task<f32> for Changed<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Changed { before, after, found } = self;
        found.open(before.len());
        let whole = before.len() - before.len() % S::LANES;
        let blocks = before.chunks_exact(S::LANES).zip(after.chunks_exact(S::LANES));
        for (block, (olds, news)) in blocks.enumerate() {
            // None, which is -1, would not be a number.
            let number = |label: i32| f32::from_index(label.wrapping_add(1) as u32);
            let [mut old, mut new] = [[0.0; 16]; 2];
            for l in 0..S::LANES {
                old[l] = number(olds[l]);
                new[l] = number(news[l]);
            }
            let (old, new) = (simd.load(&old), simd.load(&new));
            let differ = simd.bits(simd.lt(old, new)) | simd.bits(simd.lt(new, old));
            found.add(block * S::LANES, differ.into());
        }
        for i in whole..before.len() {
            found.add(i, u64::from(before[i] != after[i]));
        }
    }
}

/// What changes from strip to strip.
#[derive(Default)]
struct Noting {
    moves: Moves,
    before: Vec<i32>,
}

/// Labels every row of `rows`, whose labels may be `known` already.
pub fn assign<F: Float>(
    rows: &Rows<'_, F>,
    codebook: &Codebook<F>,
    labels: &mut [i32],
    known: Option<Known<'_, F>>,
    run: &Run<'_>,
) -> Result<Effort> {
    let n = rows.n();
    let work = (rows.size() / n.max(1) + 2) * codebook.k;
    let length = run::rows_per_task(n, work);
    let ranges = run::ranges(n, length);
    let known = Known::chunks(known, length, ranges.len());
    let tasks = ranges.into_iter().zip(labels.chunks_mut(length)).zip(known).collect();
    let efforts = run.map_with(tasks, n.saturating_mul(work), |scratch, ((range, labels), known), pulse| {
        assign_range(rows, range, codebook, labels, known, scratch, pulse)
    })?;
    let mut total = Effort::default();
    efforts.into_iter().for_each(|effort| total += effort);
    Ok(total)
}

/// Labels the rows of `range` on this thread. What is `known` of them is kept up to date (of dense rows; of CSR rows nothing is
/// learned).
pub fn assign_range<F: Float>(
    rows: &Rows<'_, F>,
    range: Range<usize>,
    codebook: &Codebook<F>,
    labels: &mut [i32],
    mut known: Option<Known<'_, F>>,
    scratch: &mut Scratch<F>,
    pulse: &Pulse<'_>,
) -> Result<Effort> {
    // Which rows this thread saw before must not show in what the effort says.
    scratch.skip_first = false;
    scratch.skip_screen = if rows.n() < MANY_ROWS { usize::MAX } else { 0 };
    scratch.skip_coarse = scratch.skip_screen;
    if let Some(noting) = &mut scratch.noting {
        noting.moves.clear();
    }
    // Where most rows are left alone, a trial's few would not fill a block.
    let is_sifted = matches!(known, Some(Known::Distances { drift: Some(_), .. } | Known::Sides(_)));
    let scores_all = matches!(rows, Rows::Dense(_)) && !is_sifted && range.len() > FEW_ROWS;
    let listing = scores_all && scratch.skip_coarse == 0 && codebook.coarse().is_some();
    let trial = if listing { TRIAL.min(range.len()) } else { 0 };
    let rest = run::ranges(range.len() - trial, STRIP).into_iter();
    let rest = rest.map(|strip| strip.start + trial..strip.end + trial);
    let mut total = Effort::default();
    for strip in (trial > 0).then_some(0..trial).into_iter().chain(rest) {
        pulse.check()?;
        let part = range.start + strip.start..range.start + strip.end;
        let (labels, known) = (&mut labels[strip.clone()], Known::part(&mut known, strip.clone()));
        if let Some(noting) = &mut scratch.noting {
            noting.before.clear();
            noting.before.extend_from_slice(labels);
        }
        total += assign_strip(rows, part, range.end, codebook, labels, known, scratch, pulse)?;
        if let Some(Noting { moves, before }) = &mut scratch.noting {
            codebook.level.run(Changed { before, after: labels, found: &mut scratch.list });
            let from = strip.start as u32;
            moves.extend(scratch.list.get().iter().map(|&i| (from + i, before[i as usize])));
        }
    }
    Ok(total)
}

/// Labels the rows of `strip`, after which those up to row `end` follow.
#[allow(clippy::too_many_arguments)] // what a range is told, and where it goes on
fn assign_strip<F: Float>(
    rows: &Rows<'_, F>,
    strip: Range<usize>,
    end: usize,
    codebook: &Codebook<F>,
    labels: &mut [i32],
    known: Option<Known<'_, F>>,
    scratch: &mut Scratch<F>,
    pulse: &Pulse<'_>,
) -> Result<Effort> {
    let (from, all) = (strip.start, Effort { undecided: 0, distances: strip.len() * codebook.k });
    match (rows, known) {
        (Rows::Dense(dense), Some(Known::Sides(sides))) => {
            sides.label(dense, from, &codebook.exact, labels, &mut scratch.list, codebook.level)
        }
        (Rows::Dense(dense), known) if strip.len() <= FEW_ROWS => {
            assign_few(dense, strip, &codebook.exact, labels, codebook.level, pulse)?;
            if let Some(Known::Distances { bounds, .. }) = known {
                bounds.fill(Bounds::UNKNOWN);
            }
            Ok(all)
        }
        (Rows::Dense(dense), Some(Known::Distances { bounds, drift: Some(drift) })) => {
            assign_doubtful(dense, from, codebook, labels, bounds, drift, scratch)
        }
        (Rows::Dense(dense), known) => {
            let bounds = match known {
                Some(Known::Distances { bounds, .. }) => Some(bounds),
                _ => None,
            };
            let (samples, ahead) = dense.span(from, end).split_at(labels.len() * codebook.d);
            let ahead = &ahead[..ahead.len().min(samples.len())];
            assign_samples(samples, ahead, codebook, Outcome { labels, bounds }, scratch, |i| rows.blame(from + i))
        }
        (Rows::Csr(csr), _) => {
            let undecided = super::nearest_csr::assign_range(csr, strip, codebook, labels, pulse)?;
            Ok(Effort { undecided, ..all })
        }
    }
}

/// A row whose smallest distance is not finite is unusable.
pub(super) fn check(distance: f64, blame: impl FnOnce() -> Error) -> Result<()> {
    if distance < f64::INFINITY { Ok(()) } else { Err(blame()) }
}

/// Buffers that live as long as a task.
#[derive(Default)]
pub struct Scratch<F> {
    shortening: shortlist::Lanes,
    doubts: Vec<(u32, u32)>,
    screening: screen::Lanes,
    narrowed: Vec<f32>,
    first: Lanes<F>,
    second: Lanes<f64>,
    undecided: Vec<u32>,
    list: List,
    survivors: Vec<F>,
    wide: Vec<f64>,
    again: Again,
    labels: Vec<i32>,
    learned: Vec<Learned>,
    doubtful: Doubtful<F>,
    /// How many strips to do without shortlists and screen, which decided too little.
    skip_coarse: usize,
    skip_screen: usize,
    /// The last strip's share was so high that the filter only costs time.
    skip_first: bool,
    /// None where nobody asks what changes.
    noting: Option<Noting>,
}

impl<F> Scratch<F> {
    /// From now on, [`assign_range`] notes which labels it changes.
    pub fn note_moves(&mut self) {
        self.noting.get_or_insert_default();
    }

    /// Of the last range, at positions counted from its start.
    pub fn moves(&self) -> &[(u32, i32)] {
        self.noting.as_ref().map_or(&[], |noting| &noting.moves)
    }
}

/// Where the labels of some rows go, and what was learned of their distances, if anybody wants it.
struct Outcome<'a> {
    labels: &'a mut [i32],
    bounds: Option<&'a mut [Bounds]>,
}

/// What scoring some rows again gives.
#[derive(Default)]
struct Again {
    labels: Vec<i32>,
    learned: Vec<Learned>,
    undecided: Vec<u32>,
}

impl Again {
    /// Has some rows, those at the positions `undecided`, labelled by `look`, and leaves there what that cannot decide.
    fn look(
        &mut self,
        undecided: &mut Vec<u32>,
        to: &mut Outcome<'_>,
        look: impl FnOnce(&mut [i32], &mut Vec<u32>, Option<&mut [Learned]>),
    ) {
        self.labels.resize(undecided.len(), 0);
        self.learned.resize(undecided.len(), Learned::NOTHING);
        self.undecided.clear();
        let learned = to.bounds.is_some().then_some(&mut self.learned[..]);
        look(&mut self.labels, &mut self.undecided, learned);
        undecided.iter().zip(&self.labels).for_each(|(&i, &label)| to.labels[i as usize] = label);
        if let Some(bounds) = &mut to.bounds {
            undecided.iter().zip(&self.learned).for_each(|(&i, learned)| bounds[i as usize] = learned.bounds());
        }
        for (kept, &position) in self.undecided.iter().enumerate() {
            undecided[kept] = undecided[position as usize];
        }
        undecided.truncate(self.undecided.len());
    }

    /// [`Again::look`], through a filter at `samples`.
    fn scan<T: Float>(
        &mut self,
        samples: &[T],
        filter: &Filter<T>,
        lanes: &mut Lanes<T>,
        level: Level,
        to: &mut Outcome<'_>,
        undecided: &mut Vec<u32>,
    ) {
        self.look(undecided, to, |labels, undecided, learned| {
            level.run(Scan { samples, ahead: &[], filter, lanes, labels, undecided, learned });
        });
    }
}

/// The rows of `samples` (n, d) at `positions`, one after the other.
fn gather<F: Float, T>(samples: &[F], d: usize, positions: &[u32], to: &mut Vec<T>, convert: impl Fn(F) -> T) {
    to.clear();
    for &i in positions {
        to.extend(samples[i as usize * d..][..d].iter().map(|&x| convert(x)));
    }
}

/// Rows whose labels drifting centres have put in doubt, side by side.
#[derive(Default)]
struct Doubtful<F> {
    positions: Vec<u32>,
    samples: Vec<F>,
    labels: Vec<i32>,
    bounds: Vec<Bounds>,
}

impl<F: Float> Doubtful<F> {
    /// Keeps the rows at the places that `keep` says yes to.
    fn retain(&mut self, d: usize, mut keep: impl FnMut(usize, u32) -> bool) {
        let mut kept = 0;
        for place in 0..self.positions.len() {
            if keep(place, self.positions[place]) {
                self.samples.copy_within(place * d..(place + 1) * d, kept * d);
                self.positions[kept] = self.positions[place];
                kept += 1;
            }
        }
        self.positions.truncate(kept);
        self.samples.truncate(kept * d);
    }
}

/// Labels anew the rows from `from` on whose labels their bounds cannot keep.
fn assign_doubtful<F: Float>(
    rows: &Dense<'_, F>,
    from: usize,
    codebook: &Codebook<F>,
    labels: &mut [i32],
    bounds: &mut [Bounds],
    drift: &Drift<F>,
    scratch: &mut Scratch<F>,
) -> Result<Effort> {
    let (d, centers) = (codebook.d, &codebook.exact);
    let mut doubtful = std::mem::take(&mut scratch.doubtful);
    let Doubtful { positions, samples, .. } = &mut doubtful;
    let sift = Sift { rows, from, centers, labels, bounds, drift, doubtful: positions, samples };
    let mut distances = codebook.level.run(sift);
    if let Some(Movers { names, codebook: movers }) = &drift.movers
        && let Some(filter) = movers.first()
    {
        let Scratch { first, undecided, labels: nearest, learned, .. } = &mut *scratch;
        let samples = &doubtful.samples;
        nearest.resize(doubtful.positions.len(), 0);
        learned.resize(doubtful.positions.len(), Learned::NOTHING);
        undecided.clear();
        movers.level.run(Scan {
            samples,
            ahead: &[],
            filter,
            lanes: first,
            labels: nearest,
            undecided,
            learned: Some(learned),
        });
        distances += doubtful.positions.len() * names.len();
        doubtful.retain(d, |place, i| {
            let nearest = names[nearest[place] as usize];
            !bounds[i as usize].settle(labels[i as usize], nearest, learned[place])
        });
    }
    let Doubtful { positions, samples, labels: relabeled, bounds: renewed } = &mut doubtful;
    relabeled.resize(positions.len(), 0);
    renewed.resize(positions.len(), Bounds::UNKNOWN);
    let blame = |i| Rows::Dense(*rows).blame(from + positions[i] as usize);
    let to = Outcome { labels: relabeled, bounds: Some(renewed) };
    let mut effort = assign_samples(samples, &[], codebook, to, scratch, blame)?;
    for ((&i, &label), &renewed) in positions.iter().zip(&*relabeled).zip(&*renewed) {
        labels[i as usize] = label;
        bounds[i as usize] = renewed;
    }
    scratch.doubtful = doubtful;
    effort.distances += distances;
    Ok(effort)
}

/// Labels `samples` (n, d), after which `ahead` will be asked for: shortlists, screen, filters, definition, each on what the one before left.
fn assign_samples<F: Float>(
    samples: &[F],
    ahead: &[F],
    codebook: &Codebook<F>,
    mut to: Outcome<'_>,
    scratch: &mut Scratch<F>,
    blame: impl Fn(usize) -> Error,
) -> Result<Effort> {
    let (n, d, level) = (to.labels.len(), codebook.d, codebook.level);
    let Scratch { shortening, screening, narrowed, first, second, undecided, survivors, wide, again, learned, .. } =
        scratch;
    let Scratch { skip_coarse, skip_screen, skip_first, doubts, .. } = scratch;
    undecided.clear();
    learned.resize(n, Learned::NOTHING);
    let wanted = to.bounds.is_some().then_some(&mut learned[..]);
    let coarse = if *skip_coarse == 0 { codebook.coarse() } else { None };
    *skip_coarse = skip_coarse.saturating_sub(1);
    let screen = if *skip_screen == 0 { codebook.screen() } else { None };
    *skip_screen = skip_screen.saturating_sub(1);
    let skipped = std::mem::take(skip_first);
    let filter = || if skipped { None } else { codebook.first() };
    let (few, mut filtered) = (codebook.few, false);
    if let Some(coarse) = coarse {
        let ahead = F::to_narrow(ahead);
        let narrow = F::narrowed(samples, &codebook.shift, narrowed);
        let labels = &mut *to.labels;
        let lanes = &mut *shortening;
        let shorten = Shorten { samples: narrow, ahead, coarse, lanes, labels, undecided, doubts, learned: wanted };
        let distances = level.run(shorten);
        settle(samples, codebook, doubts, undecided, to.labels, learned);
        let spent = distances * coarse.a_distance + undecided.len() * codebook.k;
        if spent as f64 > SPARED * (n * codebook.k) as f64 {
            *skip_coarse = UNSCREENED_STRIPS;
        }
    } else if let Some(screen) = screen {
        let ahead = F::to_narrow(ahead);
        let samples = F::narrowed(samples, &codebook.shift, narrowed);
        level.run(Sieve { samples, ahead, screen, lanes: screening, labels: to.labels, undecided, learned: wanted });
        if undecided.len() * FEW_SCREENED > n {
            *skip_screen = UNSCREENED_STRIPS;
        }
    } else if let Some(filter) = filter() {
        filtered = true;
        level.run(Scan { samples, ahead, filter, lanes: first, labels: to.labels, undecided, learned: wanted });
    } else {
        undecided.extend(0..n as u32);
    }
    if let Some(bounds) = &mut to.bounds {
        bounds.iter_mut().zip(&*learned).for_each(|(bounds, learned)| *bounds = learned.bounds());
    }
    if let Some(screen) = screen.filter(|_| coarse.is_some() && 2 * undecided.len() > few) {
        gather(samples, d, undecided, survivors, |x| x);
        let samples = F::narrowed(survivors, &codebook.shift, narrowed);
        again.look(undecided, &mut to, |labels, undecided, learned| {
            level.run(Sieve { samples, ahead: &[], screen, lanes: screening, labels, undecided, learned });
        });
    }
    if (coarse.is_some() || screen.is_some())
        && undecided.len() > few
        && let Some(filter) = filter()
    {
        filtered = true;
        gather(samples, d, undecided, survivors, |x| x);
        again.scan(survivors, filter, first, level, &mut to, undecided);
    }
    let rescored = undecided.len();
    // An f64 filter has just run where F is f64.
    if F::UNIT_ROUNDOFF > f64::UNIT_ROUNDOFF
        && rescored > few
        && let Some(filter) = codebook.second()
    {
        // Looked at again in the next strip but one: data change along the rows.
        *skip_first = filtered && rescored * 2 > n;
        gather(samples, d, undecided, wide, F::to_f64);
        again.scan(wide, filter, second, level, &mut to, undecided);
    }
    if !undecided.is_empty() {
        gather(samples, d, undecided, wide, F::to_f64);
        let nearest = level.run(direct::Nearest { rows: wide, panel: codebook.panel() });
        for (&i, (label, distance)) in undecided.iter().zip(nearest) {
            check(distance, || blame(i as usize))?;
            to.labels[i as usize] = label as i32;
            if let Some(bounds) = &mut to.bounds {
                bounds[i as usize] = Bounds::UNKNOWN;
            }
        }
    }
    Ok(Effort { undecided: rescored, distances: n * codebook.k })
}

/// Labels those of the `undecided` rows of `samples` (n, d) that have a shortlist in `doubts` by the definition.
fn settle<F: Float>(
    samples: &[F],
    codebook: &Codebook<F>,
    doubts: &[(u32, u32)],
    undecided: &mut Vec<u32>,
    labels: &mut [i32],
    learned: &mut [Learned],
) {
    let d = codebook.d;
    // Of a distance, relatively.
    let rounding = (d + 16) as f64 * f64::UNIT_ROUNDOFF;
    let mut lists = doubts.chunk_by(|a, b| a.0 == b.0).peekable();
    undecided.retain(|&i| {
        let Some(list) = lists.next_if(|list| list[0].0 == i) else { return true };
        let row = &samples[i as usize * d..][..d];
        let (mut nearest, mut second) = ((0, f64::INFINITY), f64::INFINITY);
        for &(_, j) in list {
            let distance = direct::distance(row, &codebook.exact[j as usize * d..][..d]);
            if distance < nearest.1 {
                (nearest, second) = ((j, distance), nearest.1);
            } else if distance < second {
                second = distance;
            }
        }
        labels[i as usize] = nearest.0 as i32;
        let (least, most) = (nearest.1.sqrt() * (1.0 - rounding), nearest.1.sqrt() * (1.0 + rounding));
        learned[i as usize] = Learned::new(most, least, second.sqrt() * (1.0 - rounding));
        // Whose distances are not finite is looked at by the others.
        !nearest.1.is_finite()
    });
}
