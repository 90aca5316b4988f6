//! The sums that new centres are made of, and the pass that computes them.
//!
//! Sums are of w (x - shift) in f64. Which way they are computed (from all rows, folded into the assignment or after it,
//! or by moving only the rows whose label changed) depends on the shape, the labels and the iteration alone. Rows are added
//! in their order within a slot or a cluster, and slots in theirs, so the bits depend neither on the number of threads nor
//! on how the labels were found.

use super::slot::{Accumulate, Exchange, Slot};
use super::spherical;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::bounds::Known;
use crate::kernels::codebook::Codebook;
use crate::kernels::direct::add_up;
use crate::kernels::nearest::{self, Effort, Moves, Scratch};
use crate::kernels::simd::{Level, Simd, Task};
use crate::rows::Rows;
use crate::run::{self, Run};

/// Sums by cluster.
pub struct Sums {
    k: usize,
    d: usize,
    shift: Vec<f64>,
    /// Whether a cluster's centre is the unit vector towards its mean.
    on_sphere: bool,
    /// How far a centre goes at most, and which go on from here because of that.
    max_shift: Option<f64>,
    held: Vec<bool>,
    /// Clusters that were given other rows than those nearest: their centres go there whatever the way.
    placed: Vec<bool>,
    level: Level,
    /// (k, d)
    totals: Vec<f64>,
    weights: Vec<f64>,
    /// Rows with weight; exact, where sums of weights are not.
    counts: Vec<i64>,
    /// Clusters whose sums, or whose centres, changed since the last means: for the others nothing is computed again.
    touched: Vec<bool>,
    /// Of the inertia, by every cluster.
    changes: Vec<f64>,
    slots: Vec<Slot>,
    /// Rows that moved since the sums were taken of all rows; none before, or where that was with other labels.
    drifted: Option<usize>,
    last_moved: usize,
}

/// What one pass over the rows changed.
pub struct Pass {
    /// Rows with weight whose label is another one now.
    pub moved: usize,
    /// What the labels took.
    pub effort: Effort,
}

/// Bytes that all slots together may take: a share of a third-level cache.
const SLOTS_BYTES: usize = 8 << 20;
/// Enough slots to share out evenly among 16 threads.
const SLOTS: usize = 64;
/// With fewer slots than this, threads would idle.
const FEW_SLOTS: usize = 16;
/// Moving a row touches two sums, and passes with many moves are better folded.
const FEW_MOVED: usize = 8;
/// After moves of more than one in so many rows, sums are taken anew: the roundings of moves pile up no higher than those of sums.
const MOST_DRIFTED: usize = 2;

/// A squared move below this share of the squared norm is rounding, and the centre stays: the mean of equal rows is that
/// row, not its neighbour in the last bit.
const STANDSTILL: f64 = 1e-30;

impl Sums {
    /// Sums for `k` clusters of rows around `shift`.
    pub fn new(k: usize, shift: &[f64], level: Level) -> Sums {
        let d = shift.len();
        Sums {
            k,
            d,
            shift: shift.to_vec(),
            on_sphere: false,
            max_shift: None,
            held: vec![false; k],
            placed: vec![false; k],
            level,
            totals: vec![0.0; k * d],
            weights: vec![0.0; k],
            counts: vec![0; k],
            touched: vec![true; k],
            changes: vec![0.0; k],
            slots: Vec::new(),
            drifted: None,
            last_moved: usize::MAX,
        }
    }

    /// The same, whose centres are unit vectors towards the means.
    #[must_use]
    pub fn on_sphere(self) -> Sums {
        Sums { on_sphere: true, ..self }
    }

    /// The same, whose centres go no farther than `max_shift` at a time.
    #[must_use]
    pub fn held_to(self, max_shift: Option<f64>) -> Sums {
        Sums { max_shift, ..self }
    }

    /// Whether the last means are not all where their rows want them.
    pub fn held(&self) -> bool {
        self.held.contains(&true)
    }

    /// The next means of these clusters are not held back.
    pub fn place(&mut self, clusters: &[usize]) {
        clusters.iter().for_each(|&j| self.placed[j] = true);
    }

    /// Labels every row with its nearest centre and takes the sums of the clusters. What is `known` of the rows' distances
    /// spares work and changes nothing.
    pub fn assign<F: Float>(
        &mut self,
        rows: &Rows<'_, F>,
        weights: Option<&[f64]>,
        codebook: &Codebook<F>,
        labels: &mut [i32],
        known: Option<Known<'_, F>>,
        run: &Run<'_>,
    ) -> Result<Pass> {
        let few_moved = self.last_moved <= rows.n() / FEW_MOVED;
        let drifted = self.drifted.filter(|&drifted| few_moved && drifted <= rows.n() / MOST_DRIFTED);
        let moves = drifted.is_some();
        let pass = if let Some(length) = self.slot_rows(rows, moves) {
            self.assign_in_slots(rows, weights, codebook, labels, known, length, moves, run)
        } else if moves {
            self.assign_and_move(rows, weights, codebook, labels, known, run)
        } else {
            self.assign_then_sum(rows, weights, codebook, labels, known, run)
        }?;
        self.drifted = Some(drifted.map_or(0, |drifted| drifted + pass.moved));
        self.last_moved = pass.moved;
        Ok(pass)
    }

    /// Rows in a slot, if slots pay: not where adding them up, or their memory, would outweigh the pass, nor for moves that
    /// touch fewer sums than the slots have.
    fn slot_rows<F: Float>(&self, rows: &Rows<'_, F>, moves: bool) -> Option<usize> {
        const BLOCK: usize = 64;
        const WORK: usize = 1 << 20;
        if let Rows::Csr(_) = rows {
            return None;
        }
        let n = rows.n();
        let wanted = (n.saturating_mul(work_per_row(self.k, self.d)) / WORK).clamp(1, SLOTS);
        let affordable = (SLOTS_BYTES / (8 * self.k * self.d)).min(n / (8 * self.k)).max(1);
        let slots = wanted.min(affordable);
        let few = moves && self.last_moved <= slots * self.k;
        (!few && slots >= wanted.min(FEW_SLOTS)).then(|| n.div_ceil(slots).next_multiple_of(BLOCK))
    }

    /// Each slot adds up its rows while they are in the cache: all, or those that moved.
    #[allow(clippy::too_many_arguments)] // what a pass is told, and how
    fn assign_in_slots<F: Float>(
        &mut self,
        rows: &Rows<'_, F>,
        weights: Option<&[f64]>,
        codebook: &Codebook<F>,
        labels: &mut [i32],
        known: Option<Known<'_, F>>,
        length: usize,
        moves: bool,
        run: &Run<'_>,
    ) -> Result<Pass> {
        /// Bytes of rows between labelling and adding up.
        const STRIP_BYTES: usize = 128 << 10;
        let (k, d, level, shift) = (self.k, self.d, self.level, &self.shift);
        let ranges = run::ranges(rows.n(), length);
        self.slots.resize_with(ranges.len(), || Slot::new(k, d));
        let strip = (STRIP_BYTES / (d * size_of::<F>())).max(1).next_multiple_of(64);
        let work = rows.n().saturating_mul(work_per_row(k, d));
        let known = Known::chunks(known, length, ranges.len());
        let tasks = ranges.into_iter().zip(labels.chunks_mut(length)).zip(known).zip(&mut self.slots).collect();
        let passes = run.map_with(tasks, work, |scratch, (((range, labels), mut known), slot), pulse| {
            let scratch: &mut Scratch<F> = scratch;
            scratch.note_moves();
            slot.clear();
            let mut pass = Pass { moved: 0, effort: Effort::default() };
            for part in run::ranges(range.len(), strip) {
                let labels = &mut labels[part.clone()];
                let known = Known::part(&mut known, part.clone());
                let part = range.start + part.start..range.start + part.end;
                pass.effort += nearest::assign_range(rows, part.clone(), codebook, labels, known, scratch, pulse)?;
                let weights = weights.map(|w| &w[part.clone()]);
                pass.moved += heavy(scratch.moves(), weights);
                if let (true, 2, Rows::Dense(x)) = (moves, k, rows) {
                    let values = x.span(part.start, part.end);
                    level.run(Exchange { values, weights, moves: scratch.moves(), shift, slot });
                } else if moves {
                    let changes = scratch.moves().iter().flat_map(|&(i, before)| {
                        let i = i as usize;
                        across(part.start + i, before, labels[i], weights.map_or(1.0, |w| w[i]))
                    });
                    level.run(Add { rows, shift, clusters: Clusters::of(slot, d), changes });
                }
                let Rows::Dense(x) = rows else { continue };
                if !moves {
                    level.run(Accumulate { values: x.span(part.start, part.end), weights, labels, shift, slot });
                }
            }
            Ok(pass)
        })?;
        self.add_up_slots(moves, run)?;
        self.touched.fill(true);
        Ok(total(passes))
    }

    /// Slots in order, in parallel over the sums; to the sums of the last pass if they are of moves.
    fn add_up_slots(&mut self, moves: bool, run: &Run<'_>) -> Result<()> {
        const PART: usize = 1 << 12;
        let slots = &self.slots;
        let parts: Vec<_> = self.totals.chunks_mut(PART).enumerate().collect();
        run.map(parts, self.k * self.d * slots.len(), |(p, sums), _| {
            if !moves {
                sums.fill(0.0);
            }
            for slot in slots {
                let part = &slot.sums[p * PART..][..sums.len()];
                sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
            Ok(())
        })?;
        if !moves {
            self.weights.fill(0.0);
            self.counts.fill(0);
        }
        for slot in slots {
            self.weights.iter_mut().zip(&slot.weights).for_each(|(sum, part)| *sum += part);
            self.counts.iter_mut().zip(&slot.counts).for_each(|(sum, part)| *sum += part);
        }
        if moves {
            self.forget_what_left();
        }
        Ok(())
    }

    /// What moves leave of a cluster without rows is rounding.
    fn forget_what_left(&mut self) {
        for j in 0..self.k {
            if self.counts[j] == 0 {
                self.weights[j] = 0.0;
                self.totals[j * self.d..][..self.d].fill(0.0);
            }
        }
    }

    /// All rows, after the labels.
    fn assign_then_sum<F: Float>(
        &mut self,
        rows: &Rows<'_, F>,
        weights: Option<&[f64]>,
        codebook: &Codebook<F>,
        labels: &mut [i32],
        known: Option<Known<'_, F>>,
        run: &Run<'_>,
    ) -> Result<Pass> {
        let (pass, _) = assign_noting_moves(rows, weights, codebook, labels, known, run, false)?;
        self.take(rows, weights, labels, run)?;
        Ok(pass)
    }

    /// Takes the sums of rows whose labels are given: each task adds up the rows of some clusters.
    pub fn take<F: Float>(
        &mut self,
        rows: &Rows<'_, F>,
        weights: Option<&[f64]>,
        labels: &[i32],
        run: &Run<'_>,
    ) -> Result<()> {
        // What a later pass moves would be relative to other labels.
        self.drifted = None;
        self.touched.fill(true);
        let (shift, level) = (self.shift.clone(), self.level);
        self.for_clusters(rows.size() + self.k * self.d, run, |clusters| {
            clusters.sums.fill(0.0);
            clusters.weights.fill(0.0);
            clusters.counts.fill(0);
            let changes = labels.iter().enumerate().map(|(i, &label)| (i, label, weights.map_or(1.0, |w| w[i])));
            level.run(Add { rows, shift: &shift, clusters, changes });
        })
    }

    /// Only the rows whose label changed.
    fn assign_and_move<F: Float>(
        &mut self,
        rows: &Rows<'_, F>,
        weights: Option<&[f64]>,
        codebook: &Codebook<F>,
        labels: &mut [i32],
        known: Option<Known<'_, F>>,
        run: &Run<'_>,
    ) -> Result<Pass> {
        let (pass, moves) = assign_noting_moves(rows, weights, codebook, labels, known, run, true)?;
        let labels = &*labels;
        let (shift, level) = (self.shift.clone(), self.level);
        let work = 2 * moves.len() * (rows.size() / rows.n().max(1) + 1);
        self.for_clusters(work, run, |clusters| {
            let changes = moves.iter().flat_map(|&(i, before)| {
                let i = i as usize;
                across(i, before, labels[i], weights.map_or(1.0, |w| w[i]))
            });
            level.run(Add { rows, shift: &shift, clusters, changes });
        })?;
        self.forget_what_left();
        for (i, before) in moves {
            self.touched[before as usize] = true;
            self.touched[labels[i as usize] as usize] = true;
        }
        Ok(pass)
    }

    /// Runs `each` over consecutive groups of clusters; groups do not share anything, so any number of them gives the same.
    fn for_clusters(&mut self, work: usize, run: &Run<'_>, each: impl Fn(Clusters<'_>) + Sync) -> Result<()> {
        let groups = if run.shares(work) { (4 * run.threads()).min(self.k) } else { 1 };
        let length = self.k.div_ceil(groups);
        let groups: Vec<_> = self
            .totals
            .chunks_mut(length * self.d)
            .zip(self.weights.chunks_mut(length))
            .zip(self.counts.chunks_mut(length))
            .enumerate()
            .map(|(g, ((sums, weights), counts))| Clusters { first: g * length, d: self.d, sums, weights, counts })
            .collect();
        run.map(groups, work, |clusters, _| {
            each(clusters);
            Ok(())
        })?;
        Ok(())
    }

    /// Writes the mean of cluster j, in the user's units, unless it is without rows.
    pub fn write_mean(&self, j: usize, mean: &mut [f64]) {
        if self.counts[j] > 0 {
            let sums = self.totals[j * self.d..].iter().zip(&self.shift);
            mean.iter_mut().zip(sums).for_each(|(mean, (sum, m))| *mean = m + sum / self.weights[j]);
        }
    }

    /// Clusters without a row that has weight.
    pub fn empty(&self) -> impl Iterator<Item = usize> {
        self.counts.iter().enumerate().filter(|(_, count)| **count == 0).map(|(j, _)| j)
    }

    /// Moves `centers` (k, d) to their clusters' means in the user's units, or to the unit vectors towards them; an empty cluster,
    /// and one whose mean has no direction, keeps its own. Returns the square
    /// of each one's move. The next call wants the centres that this one leaves.
    pub fn means(&mut self, centers: &mut [f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let clusters: Vec<_> = centers.chunks_exact_mut(self.d).enumerate().collect();
        let moves = run.map_with(clusters, 4 * self.k * self.d, |mean: &mut Vec<f64>, (j, center), _| {
            let still = (0.0, false);
            if !self.touched[j] || self.counts[j] == 0 {
                return Ok(still);
            }
            let sums = &self.totals[j * self.d..][..self.d];
            mean.clear();
            mean.extend(sums.iter().zip(&self.shift).map(|(sum, m)| m + sum / self.weights[j]));
            if self.on_sphere && !spherical::project(mean) {
                return Ok(still);
            }
            let mut square = add_up([mean, center], |[mean, before]| (mean - before) * (mean - before));
            let norm = add_up([center], |[before]| before * before);
            if square <= STANDSTILL * norm {
                return Ok(still);
            }
            let held = !self.placed[j] && self.max_shift.is_some_and(|most| square.sqrt() > most);
            if let Some(most) = self.max_shift
                && held
            {
                let share = most / square.sqrt();
                mean.iter_mut().zip(&*center).for_each(|(mean, before)| *mean = before + share * (*mean - before));
                // So small a move squares to nothing, and is one all the same.
                square = add_up([mean, center], |[mean, before]| (mean - before) * (mean - before));
                square = square.max(f64::MIN_POSITIVE);
            }
            center.copy_from_slice(mean);
            Ok((square, held))
        })?;
        let (moves, held): (Vec<f64>, Vec<bool>) = moves.into_iter().unzip();
        // Their sums of squares change with the centres, and those on their way go on.
        let goes_on = moves.iter().zip(&held).map(|(&square, &held)| square > 0.0 || held);
        self.touched.iter_mut().zip(goes_on).for_each(|(touched, goes)| *touched = goes);
        self.held = held;
        self.placed.fill(false);
        Ok(moves)
    }

    /// Moves each of `centers` (k, d) to the mean of all that it has seen: rows of weight `seen` (k,) so far, and those of the last
    /// sums. Returns the square of each one's move.
    pub fn blend(&mut self, centers: &mut [f64], seen: &mut [f64]) -> Vec<f64> {
        let mut moves = vec![0.0; self.k];
        self.held.fill(false);
        for (j, center) in centers.chunks_exact_mut(self.d).enumerate() {
            let weight = self.weights[j];
            if weight == 0.0 {
                continue;
            }
            seen[j] += weight;
            let share = weight / seen[j];
            let means = self.totals[j * self.d..].iter().zip(&self.shift).map(|(sum, m)| m + sum / weight);
            let steps = means.zip(&*center).map(|(mean, c)| share * (mean - c));
            let (mut square, norm) =
                steps.zip(&*center).fold((0.0, 0.0), |(s, n), (step, c)| (s + step * step, n + c * c));
            if square <= STANDSTILL * norm {
                continue;
            }
            let mut share = share;
            if let Some(most) = self.max_shift
                && square.sqrt() > most
            {
                share *= most / square.sqrt();
                square = (most * most).max(f64::MIN_POSITIVE);
                self.held[j] = true;
            }
            for ((c, sum), m) in center.iter_mut().zip(&self.totals[j * self.d..]).zip(&self.shift) {
                let mean = m + sum / weight;
                *c = if share == 1.0 { mean } else { *c + share * (mean - *c) };
            }
            moves[j] = square;
        }
        moves
    }

    /// Sum over rows of w ||x - c(label)||^2 for centres (k, d), those of the last call moved to their means since, from the
    /// sums: with y = x - shift and t = c - shift it is `total` (of w ||y||^2) - 2 sum t.s + sum W ||t||^2.
    pub fn inertia(&mut self, total: f64, centers: &[f64], run: &Run<'_>) -> Result<f64> {
        let (d, totals, weights, shift, touched) = (self.d, &self.totals, &self.weights, &self.shift, &self.touched);
        let clusters: Vec<_> = centers.chunks_exact(d).zip(&mut self.changes).enumerate().collect();
        run.map(clusters, 4 * self.k * d, |(j, (center, change)), _| {
            if touched[j] {
                *change = add_up([center, shift, &totals[j * d..][..d]], |[c, m, s]| {
                    let t = c - m;
                    t * (weights[j] * t - 2.0 * s)
                });
            }
            Ok(())
        })?;
        Ok(self.changes.iter().fold(total, |inertia, change| inertia + change).max(0.0))
    }
}

/// Consecutive clusters, `first` and on.
struct Clusters<'a> {
    first: usize,
    d: usize,
    sums: &'a mut [f64],
    weights: &'a mut [f64],
    counts: &'a mut [i64],
}

impl Clusters<'_> {
    /// All, of `d` features.
    fn of(slot: &mut Slot, d: usize) -> Clusters<'_> {
        Clusters { first: 0, d, sums: &mut slot.sums, weights: &mut slot.weights, counts: &mut slot.counts }
    }
}

/// Adds rows to those of the clusters that are theirs: (row, label, weight, which is negative to take the row away).
struct Add<'a, 'r, F: Float, C> {
    rows: &'a Rows<'r, F>,
    shift: &'a [f64],
    clusters: Clusters<'a>,
    changes: C,
}

/// Row i leaves the cluster `before` for another.
fn across(i: usize, before: i32, label: i32, w: f64) -> [(usize, i32, f64); 2] {
    [(i, before, -w), (i, label, w)]
}

impl<F: Float, C: IntoIterator<Item = (usize, i32, f64)>> Task<F> for Add<'_, '_, F, C> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, _: S) {
        let Add { rows, shift, clusters: Clusters { first, d, sums, weights, counts }, changes } = self;
        for (i, label, w) in changes {
            let Some(j) = (label as usize).checked_sub(first).filter(|&j| j < weights.len()) else { continue };
            if w == 0.0 {
                continue;
            }
            weights[j] += w;
            counts[j] += if w > 0.0 { 1 } else { -1 };
            let sums = &mut sums[j * d..][..d];
            match rows {
                Rows::Dense(x) => {
                    for ((sum, x), m) in sums.iter_mut().zip(x.row(i)).zip(shift) {
                        *sum += w * (x.to_f64() - m);
                    }
                }
                // The shift of CSR rows is zero.
                Rows::Csr(_) => rows.for_cells(i, |f, x| sums[f] += w * x),
            }
        }
    }
}

/// Labels every row with its nearest centre, and takes no sums.
pub fn label<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    codebook: &Codebook<F>,
    labels: &mut [i32],
    known: Option<Known<'_, F>>,
    run: &Run<'_>,
) -> Result<Pass> {
    Ok(assign_noting_moves(rows, weights, codebook, labels, known, run, false)?.0)
}

/// Multiply-adds in the time that a row of `d` features takes: those that hold it against `k` centres or, where they are few, as many
/// as would fit into reading it and adding it up.
fn work_per_row(k: usize, d: usize) -> usize {
    (k * (d + 2)).max(8 * d + 32)
}

fn assign_noting_moves<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    codebook: &Codebook<F>,
    labels: &mut [i32],
    known: Option<Known<'_, F>>,
    run: &Run<'_>,
    noting: bool,
) -> Result<(Pass, Moves)> {
    let n = rows.n();
    let work = work_per_row(codebook.k(), rows.size() / n.max(1));
    let length = run::rows_per_task(n, work);
    let ranges = run::ranges(n, length);
    let known = Known::chunks(known, length, ranges.len());
    let tasks: Vec<_> = ranges.into_iter().zip(labels.chunks_mut(length)).zip(known).collect();
    let parts = run.map_with(tasks, n.saturating_mul(work), |scratch, ((range, labels), known), pulse| {
        let scratch: &mut Scratch<F> = scratch;
        scratch.note_moves();
        let effort = nearest::assign_range(rows, range.clone(), codebook, labels, known, scratch, pulse)?;
        let moved = heavy(scratch.moves(), weights.map(|w| &w[range.clone()]));
        let moves = scratch.moves().iter().filter(|_| noting);
        let moves = moves.map(|&(i, before)| (range.start as u32 + i, before)).collect();
        Ok((Pass { moved, effort }, moves))
    })?;
    let (passes, moves): (Vec<Pass>, Vec<Moves>) = parts.into_iter().unzip();
    Ok((total(passes), moves.concat()))
}

/// How many of the rows have weight.
fn heavy(moves: &[(u32, i32)], weights: Option<&[f64]>) -> usize {
    weights.map_or(moves.len(), |w| moves.iter().filter(|&&(i, _)| w[i as usize] > 0.0).count())
}

fn total(passes: Vec<Pass>) -> Pass {
    passes.into_iter().fold(Pass { moved: 0, effort: Effort::default() }, |mut sum, pass| {
        sum.moved += pass.moved;
        sum.effort += pass.effort;
        sum
    })
}
