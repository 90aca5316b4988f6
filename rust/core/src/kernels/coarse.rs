//! Shortlists in front of the screen: scores in whole numbers of 8 bits, nearly twice as fast again, say which few centres a row can
//! be nearest to, and distances to those, which cost far more each, say which it is.
//!
//! With y and t as in [`super::filter`], rows are rounded to multiples of s and centres to multiples of r: y = s q + what is lost, at
//! most l long for the rows that are worked on together, and t_j = r p_j + what is lost, g_j long. With M the longest |y|
//!
//! `||t_j||^2 - 2 y.t_j >= ||t_j||^2 - E_j - 2 s r q.p_j`, `E_j = 2 (l |t_j| + (M + l) g_j)`
//!
//! by Cauchy-Schwarz. In multiples of 2 s r the right sides are sums of whole numbers, from their rounded-down first term on, with
//! 2^30 added as in [`super::screen`]. The distance to the centre of the lowest is computed, and then those to all centres whose
//! right side does not say that they are farther than the nearest so far, or the second nearest where both are wanted: two or
//! three on most data. A row's own l and |y| are smaller than the largest, which is taken off its limit.
//!
//! Instructions multiply unsigned bytes by signed ones and add up in 16 bits. Rows therefore have [`OFFSET`] added, which costs
//! a multiple of the sum of p_j that is known beforehand. A sum of 16 bits takes [`CHAIN`] columns, and for the q and p in it
//! `|(q + OFFSET).p| <= |q| |p| + OFFSET |sum of p|` must stay below 2^15: rows are rounded so that |q| is at most
//! [`LONGEST_CHAIN`], and centres so that the rest holds. What is larger than OFFSET steps is cut, and counts as lost.

use super::bounds::Learned;
use super::scores::{Panel, Samples, Tiles, blocks_together};
use super::simd::{Level, Simd, Task};
use crate::float::Float;

/// Features in a column.
const FEATURES: usize = 4;
/// Columns in a sum of 16 bits, which takes two of the four features.
const CHAIN: usize = 16;
/// What is added to q, which goes as far in both directions: twice that times 127, twice, is below 2^15.
const OFFSET: f32 = 63.0;
/// The longest q in a sum: 99 and what rounding 16 numbers adds.
const LONGEST_CHAIN: f64 = 102.0;
/// Standard deviations beyond which rows are cut, if they go farther.
const CUT: f64 = 3.5;
/// More features might overflow 32 bits, or leave only long shortlists.
const MOST_FEATURES: usize = 16_384;
/// A row is left undecided that asks for more distances than these, or one to so many centres.
const MOST_DISTANCES: u32 = 16;
const CENTERS_A_DISTANCE: u32 = 32;
/// Vectors of sums of a distance that do not wait for each other.
const CHAINS: usize = 4;
/// Bytes of centres that pass over the samples before the next ones, and of the scores that are kept meanwhile.
const PANEL_BYTES: usize = 128 << 10;
const SCORES_BYTES: usize = 256 << 10;
/// As in [`super::screen`].
const ZERO: i32 = 1 << 30;
const FARTHEST: f64 = 0.9 * ZERO as f64;
const ROUNDER: f32 = (3 << 22) as f32;

/// Centres packed for shortlists.
pub(super) struct Coarse {
    /// -p
    tiles: Tiles<f32>,
    centers: Vec<Center>,
    /// t (k, d)
    shifted: Vec<f32>,
    shift: Vec<f32>,
    /// r
    step: f64,
}

/// What is known of a centre.
#[derive(Clone, Copy, Default)]
struct Center {
    /// ||t||^2 and |t|
    norm: f64,
    length: f64,
    /// g
    lost: f64,
    /// Of -p.
    sum: i32,
}

impl Coarse {
    /// None where the instruction set gains nothing, or there is nothing to tell apart. `shift` is what is still to be taken
    /// from the rows.
    pub fn new(centers: &[f64], center_shift: &[f64], shift: Vec<f32>, level: Level) -> Option<Coarse> {
        struct Together;
        impl Task<f32> for Together {
            type Out = Option<usize>;
            #[inline(always)]
            fn run<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Option<usize> {
                S::FAST_DOT.then_some(CENTERS)
            }
        }
        let together = level.run(Together)?;
        let (d, k) = (shift.len(), centers.len() / shift.len());
        if d > MOST_FEATURES {
            return None;
        }
        let (mut largest, mut widest, mut most) = (0.0_f64, 0.0_f64, 0.0_f64);
        for center in centers.chunks_exact(d) {
            let t = center.iter().zip(center_shift).map(|(c, m)| c - m);
            let [mut square, mut chains] = [0.0, 0.0_f64];
            for_chains(t.clone(), |squares, sum| {
                square += squares;
                chains = chains.max(limit(squares, sum));
            });
            if square.is_nan() {
                return None;
            }
            largest = largest.max(square);
            widest = widest.max(chains);
            most = t.fold(most, |most, t| most.max(t.abs()));
        }
        // Room for rounding, and for centres that move.
        let step = (widest / 30_000.0).max(most / 120.0);
        if !(1e-30..1e30).contains(&largest) {
            return None;
        }
        let tiles = Tiles::new(k, d.div_ceil(FEATURES), together);
        let mut coarse = Coarse { tiles, centers: vec![Center::default(); k], shifted: vec![0.0; k * d], shift, step };
        coarse.put(centers, 0..k, center_shift).then_some(coarse)
    }

    /// Puts some of the `centers` (k, d) in their places. False where one of them is too far out.
    pub fn put(&mut self, centers: &[f64], mut which: impl Iterator<Item = usize>, center_shift: &[f64]) -> bool {
        let d = center_shift.len();
        which.all(|j| self.put_one(j, &centers[j * d..][..d], center_shift))
    }

    fn put_one(&mut self, j: usize, center: &[f64], center_shift: &[f64]) -> bool {
        let d = center.len();
        let steps = 1.0 / self.step;
        let (mut norm, mut lost, mut sum, mut most) = (0.0, 0.0, 0.0, 0.0_f64);
        let mut whole = |c: f64, m: f64| {
            let t = c - m;
            let p = -(t * steps).round_ties_even();
            norm += t * t;
            lost += (t + self.step * p) * (t + self.step * p);
            sum += p;
            most = most.max(p.abs());
            p
        };
        let mut p = Vec::with_capacity(d);
        for ((t, &c), &m) in self.shifted[j * d..].iter_mut().zip(center).zip(center_shift) {
            *t = (c - m) as f32;
            p.push(whole(c, m));
        }
        for (slot, p) in self.tiles.center_mut(j).zip(p.chunks(FEATURES)) {
            let bytes = p.iter().enumerate().map(|(f, &p)| u32::from(p as i8 as u8) << (8 * f));
            *slot = f32::from_index(bytes.sum());
        }
        let mut widest = 0.0_f64;
        for_chains(p.into_iter(), |squares, sum| widest = widest.max(limit(squares, sum)));
        self.centers[j] = Center { norm, length: norm.sqrt(), lost: lost.sqrt(), sum: sum as i32 };
        widest <= 32_767.0 && most <= 127.0
    }
}

/// The squares and the sum of the values that go into each sum of 16 bits.
#[inline(always)]
fn for_chains(values: impl Iterator<Item = f64>, mut each: impl FnMut(f64, f64)) {
    let mut halves = [(0.0, 0.0); 2];
    for (f, value) in values.enumerate() {
        if f % (CHAIN * FEATURES) == 0 {
            halves.iter().for_each(|&(squares, sum)| each(squares, sum));
            halves = Default::default();
        }
        let (squares, sum) = &mut halves[f % FEATURES / 2];
        *squares += value * value;
        *sum += value;
    }
    halves.iter().for_each(|&(squares, sum)| each(squares, sum));
}

/// What a sum of 16 bits is at most for such p.
#[inline(always)]
fn limit(squares: f64, sum: f64) -> f64 {
    LONGEST_CHAIN * squares.sqrt() + f64::from(OFFSET) * sum.abs()
}

/// How the rows that are worked on together are scored.
struct Scale {
    /// 2 s r
    unit: f64,
    /// l and M.
    lost: f64,
    longest: f64,
    /// E's factors for |t| and g.
    of_length: f64,
    of_lost: f64,
    /// The largest |t|, and the smallest |t| and g.
    farthest: f64,
    least_length: f64,
    least_lost: f64,
}

impl Scale {
    /// For rows of at most `longest`, in steps `s` that lose at most `lost`; None where scores could overflow.
    fn new(coarse: &Coarse, longest: f64, s: f64, lost: f64) -> Option<Scale> {
        let unit = 2.0 * s * coarse.step;
        // 4 u M for y = x - m.
        let (of_length, of_lost) = (2.0 * (lost + 4.0 * f32::UNIT_ROUNDOFF * longest), 2.0 * (longest + lost));
        let [mut farthest, mut most_lost] = [0.0_f64; 2];
        let [mut least_length, mut least_lost] = [f64::INFINITY; 2];
        for center in &coarse.centers {
            (farthest, least_length) = (farthest.max(center.length), least_length.min(center.length));
            (most_lost, least_lost) = (most_lost.max(center.lost), least_lost.min(center.lost));
        }
        let error = of_length * farthest + of_lost * most_lost;
        let d = coarse.shift.len() as f64;
        let products = (longest / s + d.sqrt()) * (farthest / coarse.step + d.sqrt());
        let fit = (farthest * farthest + error) / unit + products + 8.0 < FARTHEST;
        fit.then_some(Scale { unit, lost, longest, of_length, of_lost, farthest, least_length, least_lost })
    }

    /// Writes where scores start.
    #[inline(always)]
    fn start(&self, coarse: &Coarse, starts: &mut Vec<f32>) {
        let units = 1.0 / self.unit;
        starts.clear();
        starts.extend(coarse.centers.iter().map(|center| {
            let low = (center.norm - self.of_length * center.length - self.of_lost * center.lost) * units;
            // Two less for the roundings on the way here.
            let low = ZERO - 2 + low.floor() as i32;
            f32::from_index(low.wrapping_sub(OFFSET as i32 * center.sum) as u32)
        }));
        // What fills the last tile up is farther than any centre, and no products are added to it.
        starts.resize(coarse.tiles.padded(), f32::MAX);
    }
}

/// The centres a row was found nearest to so far.
#[derive(Clone, Copy)]
struct Near {
    /// ||y||^2 at least, and what the row's own bounds are better than those of all.
    base: f64,
    best: (f32, u32),
    second: f32,
    computed: u32,
}

/// What is kept for each sample.
#[derive(Default)]
pub(super) struct Lanes {
    samples: Samples<f32>,
    /// q + OFFSET, [block][column][lane]
    whole: Vec<f32>,
    /// The squared length of what that lost, in steps.
    lost: Vec<f32>,
    starts: Vec<f32>,
    /// [block][centre][lane], and the lowest of each tile, [block][tile][lane].
    scores: Vec<f32>,
    lowest: Vec<f32>,
    /// The two tiles with the lowest scores, and those.
    leaders: [Vec<f32>; 4],
    /// The score from which on a centre is too far.
    limits: Vec<f32>,
    near: Vec<Near>,
    /// Samples of a block and centres whose distances are wanted.
    calls: Vec<(u32, u32)>,
}

/// Labels the rows whose nearest centre distances to those on their shortlist tell apart, and lists the rest.
pub(super) struct Shorten<'a> {
    /// (labels.len(), d)
    pub samples: &'a [f32],
    /// Rows that will be asked for next.
    pub ahead: &'a [f32],
    pub coarse: &'a Coarse,
    pub lanes: &'a mut Lanes,
    pub labels: &'a mut [i32],
    /// Positions in `samples`, in order.
    pub undecided: &'a mut Vec<u32>,
    /// Where what was learned of the rows' distances goes, if anybody wants it.
    pub learned: Option<&'a mut [Learned]>,
}

impl Task<f32> for Shorten<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Shorten { samples, ahead, coarse, lanes, labels, undecided, mut learned } = self;
        let d = coarse.shift.len();
        let width = VECTORS * S::LANES;
        let together = blocks_together::<f32>(width, d) * width;
        let seconds = learned.is_some();
        let mut from = 0;
        let mut chunks = samples.chunks(together * d).chain(ahead.chunks(together * d)).peekable();
        for labels in labels.chunks_mut(together) {
            let rows = chunks.next().unwrap_or_default();
            let ahead = chunks.peek().copied().unwrap_or_default();
            lanes.samples.load::<S, VECTORS>(simd, rows, &coarse.shift);
            let scale = lanes.round::<S, VECTORS>(simd, coarse);
            if let Some(scale) = scale {
                let search = Search { coarse, scale, rows, seconds };
                lanes.search::<S, VECTORS, CENTERS>(simd, &search, ahead);
                for (i, (label, near)) in labels.iter_mut().zip(&lanes.near).enumerate() {
                    let found = search.verdict(near);
                    match found {
                        Some(_) => *label = near.best.1 as i32,
                        None => undecided.push((from + i) as u32),
                    }
                    if let Some(learned) = &mut learned {
                        learned[from + i] = found.unwrap_or(Learned::NOTHING);
                    }
                }
            } else {
                undecided.extend(from as u32..(from + labels.len()) as u32);
                if let Some(learned) = &mut learned {
                    learned[from..from + labels.len()].fill(Learned::NOTHING);
                }
            }
            from += labels.len();
        }
    }
}

/// Rows (n, d) that are worked on together, and what is looked for.
struct Search<'a> {
    coarse: &'a Coarse,
    scale: Scale,
    rows: &'a [f32],
    /// Whether the second nearest is wanted too.
    seconds: bool,
}

impl Search<'_> {
    /// Distances whose squares are computed as `sum` are at most this.
    #[inline(always)]
    fn at_most(&self, sum: f32) -> f64 {
        let (g, w) = self.errors();
        f64::from(sum).sqrt() * (1.0 + g) + w
    }

    #[inline(always)]
    fn at_least(&self, sum: f32) -> f64 {
        let (g, w) = self.errors();
        f64::from(sum).sqrt() * (1.0 - g) - w
    }

    /// Sums of squares err by g, with the definition's own rounding; that of y and t, and underflow, move a distance by w.
    #[inline(always)]
    fn errors(&self) -> (f64, f64) {
        let (d, u) = (self.coarse.shift.len(), f32::UNIT_ROUNDOFF);
        // A square passes so many additions at most, in vectors of at least 4.
        let g = (d / (4 * CHAINS) + 2 * CHAINS + 16 + 8) as f64 * u + 4.0 * (d + 3) as f64 * f64::UNIT_ROUNDOFF;
        (g, 4.0 * u * (self.scale.longest + self.scale.farthest) + (d as f64 * f64::from(f32::MIN_POSITIVE)).sqrt())
    }

    /// Before any distance, of a row of squared length `norm`, of which rounding lost `lost`, as they were computed.
    #[inline(always)]
    fn start(&self, norm: f32, lost: f32, limit: &mut f32) -> Near {
        let (d, u, scale) = (self.coarse.shift.len(), f32::UNIT_ROUNDOFF, &self.scale);
        let up = 1.0 + (d + 32) as f64 * u;
        let length = f64::from(norm).sqrt() * up;
        let fit = length <= scale.longest;
        // False for NaN, whose limit nothing is below.
        *limit = if fit { f32::MAX } else { 0.0 };
        let lost = f64::from(lost);
        let own = (scale.lost - lost).max(0.0) * scale.least_length
            + (scale.longest + scale.lost - length - lost).max(0.0) * scale.least_lost;
        let base = f64::from(norm) * (2.0 - up) + 1.999 * own;
        Near { base, best: (f32::INFINITY, 0), second: f32::INFINITY, computed: 0 }
    }

    /// Computes the distance of row `i` to centre `j`, which may lower the limit.
    #[inline(always)]
    fn look<S: Simd<f32>>(&self, simd: S, i: usize, j: u32, near: &mut Near, limit: &mut f32) {
        if j == near.best.1 && near.computed > 0 {
            return;
        }
        let d = self.coarse.shift.len();
        let sum =
            squared(simd, &self.rows[i * d..][..d], &self.coarse.shift, &self.coarse.shifted[j as usize * d..][..d]);
        near.computed += 1;
        let counts = if sum < near.best.0 {
            (near.best, near.second) = ((sum, j), near.best.0);
            true
        } else {
            let counts = self.seconds && sum < near.second;
            near.second = if sum < near.second { sum } else { near.second };
            counts
        };
        if counts {
            let far = self.at_most(if self.seconds { near.second } else { near.best.0 });
            // Scores from there on are of centres that are farther.
            let steps = ((far * far - near.base) / self.scale.unit).min(FARTHEST);
            *limit = f32::from_index((ZERO + steps as i32 + 2) as u32);
        }
        if near.computed > MOST_DISTANCES + self.coarse.centers.len() as u32 / CENTERS_A_DISTANCE {
            near.second = 0.0;
            *limit = 0.0;
        }
    }

    /// Computes the distances that are called for, of samples of the block from `lane` on to centres, while they matter.
    #[inline(always)]
    fn answer<S: Simd<f32>>(
        &self,
        simd: S,
        lane: usize,
        calls: &[(u32, u32)],
        scores: &[f32],
        near: &mut [Near],
        limits: &mut [f32],
    ) {
        let (d, width) = (self.coarse.shift.len(), limits.len());
        for (at, &(l, c)) in calls.iter().enumerate() {
            // The next centre is far away in memory, most likely.
            if let Some(&(_, next)) = calls.get(at + 1) {
                simd.prefetch(&self.coarse.shifted[next as usize * d..][..d]);
            }
            let l = l as usize;
            if scores[c as usize * width + l] < limits[l] {
                self.look(simd, lane + l, c, &mut near[l], &mut limits[l]);
            }
        }
    }

    /// What the distances say, unless another centre than the best might be nearest.
    #[inline(always)]
    fn verdict(&self, near: &Near) -> Option<Learned> {
        let (upper, others) = (self.at_most(near.best.0), self.at_least(near.second));
        (upper < others).then(|| Learned::new(upper, self.at_least(near.best.0).max(0.0), others))
    }
}

impl Lanes {
    /// Rounds the loaded samples; None where whole numbers do not fit them.
    #[inline(always)]
    fn round<S: Simd<f32>, const VECTORS: usize>(&mut self, simd: S, coarse: &Coarse) -> Option<Scale> {
        let d = coarse.shift.len();
        // Y and the rest err by no more, and a little for the verdicts here.
        let up = 1.0 + (d + 32) as f64 * f32::UNIT_ROUNDOFF;
        let [longest, most, chain] = extent::<S, VECTORS>(simd, &self.samples, d).map(|extent| extent * up);
        // False for NaN and infinity.
        if !(longest > 1e-15 && longest < 1e15) {
            return None;
        }
        let steps = (f64::from(OFFSET) / most.min(CUT * longest / (d as f64).sqrt())).min(98.9 / chain) as f32;
        let s = 1.0 / f64::from(steps);
        let lost = round::<S, VECTORS>(simd, &self.samples.values, d, steps, &mut self.whole, &mut self.lost);
        // Differences of up to OFFSET err by 2^-18 in a feature at most.
        let length = |square: f64| (square.sqrt() * up + 1e-5 * (d as f64).sqrt()) * s;
        self.lost.iter_mut().for_each(|lost| *lost = length(f64::from(*lost)) as f32);
        Scale::new(coarse, longest, s, length(lost) * (1.0 + 1e-6))
    }

    /// Finds the nearest centres.
    #[inline(always)]
    fn search<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(
        &mut self,
        simd: S,
        search: &Search<'_>,
        ahead: &[f32],
    ) {
        let Search { coarse, rows, .. } = *search;
        let d = coarse.shift.len();
        let columns = d.div_ceil(FEATURES);
        let width = VECTORS * S::LANES;
        let block = columns * width;
        let lanes = self.whole.len() / columns;
        let mut ahead = ahead.chunks(ahead.len().div_ceil(lanes / width).max(1));
        search.scale.start(coarse, &mut self.starts);
        self.limits.clear();
        self.limits.resize(lanes, 0.0);
        self.near.clear();
        let measures = self.samples.norms.iter().zip(&self.lost).zip(&mut self.limits);
        self.near.extend(measures.take(rows.len() / d).map(|((&norm, &lost), limit)| search.start(norm, lost, limit)));
        for leaders in &mut self.leaders {
            leaders.clear();
            leaders.resize(lanes, f32::INFINITY);
        }
        let padded = coarse.tiles.padded();
        // Blocks whose scores are kept until they are looked through.
        let together = (SCORES_BYTES / (padded * width * size_of::<f32>())).max(1);
        for from in (0..lanes).step_by(together * width) {
            let to = (from + together * width).min(lanes);
            self.scores.resize((to - from) * padded, 0.0);
            self.lowest.resize((to - from) * padded / CENTERS, 0.0);
            let mut place = 0;
            for panel in coarse.tiles.panels(&self.starts, PANEL_BYTES) {
                let samples = self.whole[from * columns..to * columns].chunks_exact(block);
                let out = self.scores.chunks_exact_mut(padded * width);
                let out = out.zip(self.lowest.chunks_exact_mut(padded / CENTERS * width));
                for (b, (samples, (scores, lowest))) in samples.zip(out).enumerate() {
                    simd.prefetch(ahead.next().unwrap_or_default());
                    let leaders = self.leaders.each_mut().map(|leaders| &mut leaders[from + b * width..][..width]);
                    let (scores, lowest) = (&mut scores[place * width..], &mut lowest[place / CENTERS * width..]);
                    score::<S, VECTORS, CENTERS>(simd, samples, panel, columns, scores, lowest, leaders);
                }
                place += panel.starts.len();
            }
            for (b, lane) in (from..to).step_by(width).enumerate() {
                self.look_through::<S, VECTORS, CENTERS>(simd, search, b, lane);
            }
        }
    }

    /// Computes the distances that scores call for, of the block from `lane` on, whose are the scores number `b`.
    #[inline(always)]
    fn look_through<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(
        &mut self,
        simd: S,
        search: &Search<'_>,
        b: usize,
        lane: usize,
    ) {
        let width = VECTORS * S::LANES;
        let padded = search.coarse.tiles.padded();
        let Lanes { leaders, limits, near, calls, .. } = self;
        let scores = &self.scores[b * padded * width..][..padded * width];
        let lowest = &self.lowest[b * padded / CENTERS * width..][..padded / CENTERS * width];
        // The last block may have more lanes than there are rows.
        let rows = near.len().saturating_sub(lane).min(width);
        let near = &mut near[lane..lane + rows];
        let limits = &mut limits[lane..][..width];
        // The nearest of the tiles that lead come first.
        calls.clear();
        for l in 0..rows {
            for leaders in [&leaders[1], &leaders[3]].into_iter().take(1 + usize::from(search.seconds)) {
                let first = leaders[lane + l].to_index() as usize;
                let mut least = first;
                for c in first + 1..first + CENTERS {
                    least = if scores[c * width + l] < scores[least * width + l] { c } else { least };
                }
                calls.push((l as u32, least as u32));
            }
        }
        search.answer(simd, lane, calls, scores, near, limits);
        calls.clear();
        let limit: [S::V; VECTORS] = simd.load_all(limits);
        for (t, lowest) in lowest.chunks_exact(width).enumerate() {
            let mut hit = 0;
            for v in 0..VECTORS {
                hit |= simd.bits(simd.lt(simd.load(&lowest[v * S::LANES..]), limit[v]));
            }
            if hit == 0 {
                continue;
            }
            for c in t * CENTERS..(t + 1) * CENTERS {
                for v in 0..VECTORS {
                    let scores = simd.load(&scores[c * width + v * S::LANES..]);
                    let mut hits = simd.bits(simd.lt(scores, limit[v]));
                    while hits != 0 {
                        calls.push(((v * S::LANES) as u32 + hits.trailing_zeros(), c as u32));
                        hits &= hits - 1;
                    }
                }
            }
        }
        search.answer(simd, lane, calls, scores, near, limits);
    }
}

/// The square of the distance of x - m to t.
#[inline(always)]
fn squared<S: Simd<f32>>(simd: S, x: &[f32], m: &[f32], t: &[f32]) -> f32 {
    let d = x.len();
    let (m, t) = (&m[..d], &t[..d]);
    let mut sums = [simd.splat(0.0); CHAINS];
    let mut f = 0;
    while f + CHAINS * S::LANES <= d {
        for (c, sum) in sums.iter_mut().enumerate() {
            let f = f + c * S::LANES;
            let difference = simd.sub(simd.sub(simd.load(&x[f..]), simd.load(&m[f..])), simd.load(&t[f..]));
            *sum = simd.fma(difference, difference, *sum);
        }
        f += CHAINS * S::LANES;
    }
    while f + S::LANES <= d {
        let difference = simd.sub(simd.sub(simd.load(&x[f..]), simd.load(&m[f..])), simd.load(&t[f..]));
        sums[0] = simd.fma(difference, difference, sums[0]);
        f += S::LANES;
    }
    let mut sum = simd.sum(simd.add(simd.add(sums[0], sums[1]), simd.add(sums[2], sums[3])));
    while f < d {
        let difference = (x[f] - m[f]) - t[f];
        sum += difference * difference;
        f += 1;
    }
    sum
}

/// Scores a block against a panel. Updates the two tiles that lead, by their first centre.
#[inline(always)]
fn score<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(
    simd: S,
    samples: &[f32],
    panel: Panel<'_, f32>,
    columns: usize,
    scores: &mut [f32],
    lowest: &mut [f32],
    [best, best_tile, second, second_tile]: [&mut [f32]; 4],
) {
    let width = VECTORS * S::LANES;
    let mut lead = [[simd.splat(0.0); VECTORS]; 4];
    lead[0] = simd.load_all(best);
    lead[1] = simd.load_all(best_tile);
    lead[2] = simd.load_all(second);
    lead[3] = simd.load_all(second_tile);
    let [mut bests, mut best_tiles, mut seconds, mut second_tiles] = lead;
    // Iterators zipped would not all be inlined.
    for t in 0..panel.starts.len() / CENTERS {
        let tile = &panel.values[t * CENTERS * columns..][..CENTERS * columns];
        let (starts, name) = (&panel.starts[t * CENTERS..][..CENTERS], panel.names[t * CENTERS]);
        let scores = &mut scores[t * CENTERS * width..][..CENTERS * width];
        let lowest = &mut lowest[t * width..][..width];
        let mut sums = [[simd.splat(0.0); VECTORS]; CENTERS];
        for c in 0..CENTERS {
            sums[c] = [simd.splat(starts[c]); VECTORS];
        }
        for from in (0..columns).step_by(CHAIN) {
            let to = (from + CHAIN).min(columns);
            let (values, centers) = (&samples[from * width..to * width], &tile[from * CENTERS..to * CENTERS]);
            let mut parts = [[simd.splat(0.0); VECTORS]; CENTERS];
            for (values, centers) in values.chunks_exact(width).zip(centers.chunks_exact(CENTERS)) {
                let q: [S::V; VECTORS] = simd.load_all(values);
                for c in 0..CENTERS {
                    let p = simd.splat(centers[c]);
                    for v in 0..VECTORS {
                        parts[c][v] = simd.dot_bytes(q[v], p, parts[c][v]);
                    }
                }
            }
            for c in 0..CENTERS {
                for v in 0..VECTORS {
                    sums[c][v] = simd.add_bytes(parts[c][v], sums[c][v]);
                }
            }
        }
        let name = simd.splat(name);
        for v in 0..VECTORS {
            let mut low = sums[0][v];
            for c in 0..CENTERS {
                low = simd.min(low, sums[c][v]);
                simd.store(sums[c][v], &mut scores[c * width + v * S::LANES..]);
            }
            simd.store(low, &mut lowest[v * S::LANES..]);
            let (first, after) = (simd.lt(low, bests[v]), simd.lt(low, seconds[v]));
            second_tiles[v] = simd.select(first, best_tiles[v], simd.select(after, name, second_tiles[v]));
            best_tiles[v] = simd.select(first, name, best_tiles[v]);
            seconds[v] = simd.min(simd.max(bests[v], low), seconds[v]);
            bests[v] = simd.min(bests[v], low);
        }
    }
    for v in 0..VECTORS {
        simd.store(bests[v], &mut best[v * S::LANES..]);
        simd.store(best_tiles[v], &mut best_tile[v * S::LANES..]);
        simd.store(seconds[v], &mut second[v * S::LANES..]);
        simd.store(second_tiles[v], &mut second_tile[v * S::LANES..]);
    }
}

/// The longest |y|, the largest |y_f|, and the longest part of a row that goes into a sum of 16 bits, but for NaN.
#[inline(always)]
fn extent<S: Simd<f32>, const VECTORS: usize>(simd: S, samples: &Samples<f32>, d: usize) -> [f64; 3] {
    let width = VECTORS * S::LANES;
    let zero = simd.splat(0.0);
    let [mut longest, mut most, mut chain] = [zero; 3];
    for norms in samples.norms.chunks_exact(S::LANES) {
        longest = simd.max(simd.load(norms), longest);
    }
    for block in samples.values.chunks_exact(width * d) {
        for part in block.chunks(width * FEATURES * CHAIN) {
            for v in 0..VECTORS {
                let mut halves = [zero; 2];
                for column in part.chunks(width * FEATURES) {
                    for f in 0..FEATURES.min(column.len() / width) {
                        let y = simd.load(&column[f * width + v * S::LANES..]);
                        most = simd.max(simd.max(y, simd.sub(zero, y)), most);
                        if f < FEATURES / 2 {
                            halves[0] = simd.fma(y, y, halves[0]);
                        } else {
                            halves[1] = simd.fma(y, y, halves[1]);
                        }
                    }
                }
                chain = simd.max(halves[0], simd.max(halves[1], chain));
            }
        }
    }
    [largest(simd, longest).sqrt(), largest(simd, most), largest(simd, chain).sqrt()]
}

#[inline(always)]
fn largest<S: Simd<f32>>(simd: S, v: S::V) -> f64 {
    let mut lanes = [0.0_f32; 16];
    simd.store(v, &mut lanes);
    lanes.into_iter().fold(0.0, |most, lane| f64::max(most, lane.into()))
}

/// Rounds `samples` times `steps`, [block][feature][lane], to whole numbers, cut at [`OFFSET`] and with that added, by four in
/// a column. Writes the square of what that
/// `lost` of each row, and returns the largest but for NaN.
#[inline(always)]
fn round<S: Simd<f32>, const VECTORS: usize>(
    simd: S,
    samples: &[f32],
    d: usize,
    steps: f32,
    whole: &mut Vec<f32>,
    lost_of: &mut Vec<f32>,
) -> f64 {
    let width = VECTORS * S::LANES;
    let columns = d.div_ceil(FEATURES);
    whole.resize(samples.len() / d * columns, 0.0);
    lost_of.resize(samples.len() / d, 0.0);
    let (steps, rounder) = (simd.splat(steps), simd.splat(ROUNDER));
    let (zero, byte, offsets) = (simd.splat(0.0), simd.splat(256.0), simd.splat(ROUNDER + 257.0 * OFFSET));
    let (least, most) = (simd.splat(-OFFSET), simd.splat(OFFSET));
    let mut worst = zero;
    let blocks = samples.chunks_exact(width * d).zip(whole.chunks_exact_mut(width * columns));
    for ((samples, whole), lost_of) in blocks.zip(lost_of.chunks_exact_mut(width)) {
        let mut lost = [zero; VECTORS];
        for (samples, whole) in samples.chunks(FEATURES * width).zip(whole.chunks_exact_mut(width)) {
            for v in 0..VECTORS {
                let mut q = [zero; FEATURES];
                for f in 0..FEATURES.min(samples.len() / width) {
                    let y = simd.load(&samples[f * width + v * S::LANES..]);
                    let rounded = simd.sub(simd.fma(y, steps, rounder), rounder);
                    q[f] = simd.min(simd.max(rounded, least), most);
                    let rest = simd.fma(y, steps, simd.sub(zero, q[f]));
                    lost[v] = simd.fma(rest, rest, lost[v]);
                }
                let low = simd.fma(q[1], byte, simd.add(q[0], offsets));
                let high = simd.fma(q[3], byte, simd.add(q[2], offsets));
                simd.store(simd.pairs(low, high), &mut whole[v * S::LANES..]);
            }
        }
        for v in 0..VECTORS {
            simd.store(lost[v], &mut lost_of[v * S::LANES..]);
            worst = simd.max(lost[v], worst);
        }
    }
    largest(simd, worst)
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: usize = 64;

    /// Rows and centres of equal features but for their signs, which rounding takes half a step off, all in one direction.
    struct WorstRounding;

    impl Task<f32> for WorstRounding {
        type Out = ();

        #[inline(always)]
        fn run<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
            if !S::FAST_DOT {
                return;
            }
            let sign = |j: usize, f: usize| if (f / 2 * (2 * j + 1) + f).is_multiple_of(3) { -1.0 } else { 1.0 };
            let signs = |j: usize, x: f64| (0..D).map(move |f| x * sign(j, f));
            let centers = |step: f64| -> Vec<f64> {
                (0..24).flat_map(|j| signs(j, if j == 0 { 1.0 } else { step * (20.49 + (j % 9) as f64) })).collect()
            };
            let coarse = |centers: &[f64]| Coarse::new(centers, &[0.0; D], vec![0.0; D], Level::detect()).unwrap();
            let centers = centers(coarse(&centers(0.01)).step);
            let coarse = coarse(&centers);
            let steps = 98.9 / (CHAIN as f64 * 2.0).sqrt();
            let rows: Vec<f32> = (0..50)
                .flat_map(|i| {
                    // The first are longest, the others so long that they lose as much.
                    let x = if i < 24 { 1.0 } else { (steps - (i % 8) as f64) / steps };
                    signs(i % 24, x).map(|x| x as f32)
                })
                .collect();

            let mut lanes = Lanes::default();
            lanes.samples.load::<S, VECTORS>(simd, &rows, &coarse.shift);
            let scale = lanes.round::<S, VECTORS>(simd, &coarse).unwrap();
            let search = Search { coarse: &coarse, scale, rows: &rows, seconds: true };
            lanes.search::<S, VECTORS, CENTERS>(simd, &search, &[]);
            let (width, scale) = (VECTORS * S::LANES, &search.scale);
            let mut tightest = f64::INFINITY;
            for (i, row) in rows.chunks_exact(D).enumerate() {
                let square: f64 = row.iter().map(|&y| f64::from(y) * f64::from(y)).sum();
                let start = search.start(lanes.samples.norms[i], lanes.lost[i], &mut 0.0);
                for (j, center) in centers.chunks_exact(D).enumerate() {
                    let block = &lanes.scores[i / width * coarse.tiles.padded() * width..];
                    let score = block[j * width + i % width].to_index() as i32 - ZERO;
                    let distance: f64 =
                        row.iter().zip(center).map(|(&y, t)| (f64::from(y) - t) * (f64::from(y) - t)).sum();
                    let least = start.base + scale.unit * f64::from(score);
                    assert!(least <= distance, "row {i}, centre {j}: {least} is more than {distance}");
                    if i < 24 {
                        let error = scale.of_length * coarse.centers[j].length + scale.of_lost * coarse.centers[j].lost;
                        assert!(start.base <= square);
                        tightest = tightest.min((distance - least) / error);
                    }
                }
            }
            // Whoever allows for less than nine tenths of it fails here.
            assert!(tightest < 0.1, "{tightest}");
        }
    }

    #[test]
    fn bounds_hold_where_all_rounding_adds_up() {
        for level in Level::available() {
            level.run(WorstRounding);
        }
    }
}
