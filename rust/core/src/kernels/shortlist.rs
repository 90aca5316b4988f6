//! Shortlists in front of the screen: scores in whole numbers of 8 bits ([`super::coarse`]), nearly twice as fast again, say which few
//! centres a row can be nearest to, and distances to those, which cost far more each, say which it is.
//!
//! The distance to the centre of the lowest score is computed, and then those to all centres whose score does not say that they are
//! farther than the nearest so far, or the second nearest where both are wanted: two or three on most data. A row's own l and |y|
//! are smaller than the largest, which is taken off its limit.

use super::bounds::Learned;
use super::coarse::{Bytes, CHAIN, Coarse, FARTHEST, FEATURES, Scale, ZERO};
use super::scores::{Panel, Samples, blocks_together};
use super::simd::{Simd, Task};
use crate::float::Float;

/// A row is left undecided that asks for more distances than these, or one to so many centres.
const MOST_DISTANCES: usize = 16;
const CENTERS_A_DISTANCE: usize = 12;
/// More centres than these that may be nearest, for all that f32 can say, are not worth handing on.
const MOST_DOUBTS: usize = 8;
/// Vectors of sums of a distance that do not wait for each other.
const CHAINS: usize = 4;
/// Bytes of centres that pass over the samples before the next ones, and of the scores that are kept meanwhile.
const PANEL_BYTES: usize = 128 << 10;
const SCORES_BYTES: usize = 256 << 10;

/// The centres a row was found nearest to so far.
#[derive(Clone, Copy)]
struct Near {
    /// ||y||^2 at least, and what the row's own bounds are better than those of all.
    base: f64,
    best: (f32, u32),
    second: f32,
    computed: usize,
}

/// What is kept for each sample.
#[derive(Default)]
pub(super) struct Lanes {
    samples: Samples<f32>,
    bytes: Bytes,
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
    /// Samples that no verdict is possible on, and the centres that may be nearest.
    doubts: Vec<(u32, u32)>,
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
    /// Some of them, with the few centres that may be nearest, or second nearest where that is wanted; all in order.
    pub doubts: &'a mut Vec<(u32, u32)>,
    /// Where what was learned of the rows' distances goes, if anybody wants it.
    pub learned: Option<&'a mut [Learned]>,
}

impl Task<f32> for Shorten<'_> {
    /// How many distances were computed.
    type Out = usize;

    #[inline(always)]
    fn run<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) -> usize {
        let Shorten { samples, ahead, coarse, lanes, labels, undecided, doubts, mut learned } = self;
        doubts.clear();
        let d = coarse.shift.len();
        let width = VECTORS * S::LANES;
        let together = blocks_together::<f32>(width, d) * width;
        let seconds = learned.is_some();
        let (mut from, mut computed) = (0, 0);
        let mut chunks = samples.chunks(together * d).chain(ahead.chunks(together * d)).peekable();
        for labels in labels.chunks_mut(together) {
            let rows = chunks.next().unwrap_or_default();
            let ahead = chunks.peek().copied().unwrap_or_default();
            lanes.samples.load::<S, VECTORS>(simd, rows, &coarse.shift);
            let scale = lanes.bytes.round::<S, VECTORS>(simd, &lanes.samples, coarse);
            if let Some(scale) = scale {
                let search = Search::new(coarse, scale, rows, seconds);
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
                computed += lanes.near.iter().map(|near| near.computed).sum::<usize>();
                doubts.extend(lanes.doubts.iter().map(|&(i, j)| (from as u32 + i, j)));
            } else {
                undecided.extend(from as u32..(from + labels.len()) as u32);
                if let Some(learned) = &mut learned {
                    learned[from..from + labels.len()].fill(Learned::NOTHING);
                }
            }
            from += labels.len();
        }
        computed
    }
}

/// Rows (n, d) that are worked on together, and what is looked for.
struct Search<'a> {
    coarse: &'a Coarse,
    scale: Scale,
    rows: &'a [f32],
    /// Whether the second nearest is wanted too.
    seconds: bool,
    /// The most distances that a row may ask for.
    most: usize,
}

impl<'a> Search<'a> {
    fn new(coarse: &'a Coarse, scale: Scale, rows: &'a [f32], seconds: bool) -> Search<'a> {
        let most = MOST_DISTANCES + coarse.centers.len() / CENTERS_A_DISTANCE;
        Search { coarse, scale, rows, seconds, most }
    }

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

    /// The square of the distance of row `i` to centre `j`.
    #[inline(always)]
    fn square<S: Simd<f32>>(&self, simd: S, i: usize, j: u32) -> f32 {
        let d = self.coarse.shift.len();
        squared(simd, &self.rows[i * d..][..d], &self.coarse.shift, &self.coarse.shifted[j as usize * d..][..d])
    }

    /// Computes the distance of row `i` to centre `j`, which may lower the limit.
    #[inline(always)]
    fn look<S: Simd<f32>>(&self, simd: S, i: usize, j: u32, near: &mut Near, limit: &mut f32) {
        if j == near.best.1 && near.computed > 0 {
            return;
        }
        let sum = self.square(simd, i, j);
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
        if near.computed > self.most {
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
        let lanes = self.bytes.whole.len() / columns;
        let mut ahead = ahead.chunks(ahead.len().div_ceil(lanes / width).max(1));
        search.scale.start(coarse, &mut self.starts);
        self.limits.clear();
        self.limits.resize(lanes, 0.0);
        self.near.clear();
        let measures = self.samples.norms.iter().zip(&self.bytes.lost).zip(&mut self.limits);
        self.near.extend(measures.take(rows.len() / d).map(|((&norm, &lost), limit)| search.start(norm, lost, limit)));
        for leaders in &mut self.leaders {
            leaders.clear();
            leaders.resize(lanes, f32::INFINITY);
        }
        self.doubts.clear();
        let padded = coarse.tiles.padded();
        // Blocks whose scores are kept until they are looked through.
        let together = (SCORES_BYTES / (padded * width * size_of::<f32>())).max(1);
        for from in (0..lanes).step_by(together * width) {
            let to = (from + together * width).min(lanes);
            self.scores.resize((to - from) * padded, 0.0);
            self.lowest.resize((to - from) * padded / CENTERS, 0.0);
            let mut place = 0;
            for panel in coarse.tiles.panels(&self.starts, PANEL_BYTES) {
                let samples = self.bytes.whole[from * columns..to * columns].chunks_exact(block);
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
        let Lanes { leaders, limits, near, calls, doubts, .. } = self;
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
        for l in (0..rows).filter(|&l| limits[l].to_index() != 0 && search.verdict(&near[l]).is_none()) {
            let far = search.at_most(if search.seconds { near[l].second } else { near[l].best.0 });
            let listed = doubts.len();
            for &(of, c) in &*calls {
                if of as usize == l
                    && scores[c as usize * width + l] < limits[l]
                    && search.at_least(search.square(simd, lane + l, c)) <= far
                {
                    doubts.push(((lane + l) as u32, c));
                }
            }
            if doubts.len() > listed + MOST_DOUBTS {
                doubts.truncate(listed);
            }
        }
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

#[cfg(test)]
mod tests {
    use super::super::simd::Level;
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
            let scale = lanes.bytes.round::<S, VECTORS>(simd, &lanes.samples, &coarse).unwrap();
            let search = Search::new(&coarse, scale, &rows, true);
            lanes.search::<S, VECTORS, CENTERS>(simd, &search, &[]);
            let (width, scale) = (VECTORS * S::LANES, &search.scale);
            let mut tightest = f64::INFINITY;
            for (i, row) in rows.chunks_exact(D).enumerate() {
                let square: f64 = row.iter().map(|&y| f64::from(y) * f64::from(y)).sum();
                let start = search.start(lanes.samples.norms[i], lanes.bytes.lost[i], &mut 0.0);
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
