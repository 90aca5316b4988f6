//! A filter before the filters: scores in whole numbers of 16 bits, twice as fast as those in f32, which decide nearly all rows.
//!
//! With y, t, n_j and Y as in [`super::filter`], M the largest |y| of the rows that are worked on together and N the largest |t|,
//! rows are rounded to multiples of `s = M / S` and u = -2 t to multiples of `r = 2 N / R`. Products of the whole numbers q and p
//! are then added up without any error, from n_j / (s r) on, and by Cauchy-Schwarz no sum of them passes
//! `S R (1 + N / 2 M)`, which S is chosen to keep below 2^30. What rounding y and u lost, E_y <= sqrt(d) s / 2 and E_u = |u - r p| as
//! measured, moves a score by at most
//!
//! `|u| E_y + |y| E_u + E_y E_u <= e (M^2 + n_j) + g (Y + N^2) + e g (M^2 + N^2)`, `e = E_y / M`, `g = E_u / 2 N`
//!
//! since 2 |t| M <= M^2 + n_j and so on. That is of the form of the filters' bound, `A Y + B n_j + tau`, so the rest is as there:
//! accumulators start at (1 - B) n_j, and a row is decided where the second lowest score is far enough above the lowest.
//!
//! Scores have 2^30 added. They are then positive numbers of 31 bits, which compare as the floats that have the same bits.
//! Where rows are short, p are multiples of 8, and so are all products: the lowest three bits of a score are those that it
//! started with and say which centre of its tile it is of, so that nobody has to keep account of that.

use super::bounds::Learned;
use super::direct::squared_distance;
use super::scores::{Arithmetic, BestTwo, Samples, Scores, Tiles, blocks_together};
use super::simd::{Level, Simd, Task};
use super::verdict::{Bound, part};
use crate::float::Float;

/// What is added to scores.
const ZERO: i32 = 1 << 30;
/// No sum gets farther from [`ZERO`]; a tenth is left for the rounding of y and u, which makes them longer.
const FARTHEST: f64 = 0.9 * ZERO as f64;
/// R, and the largest S; less than 2^15 with what rounding adds.
const CENTER_STEPS: f64 = 26_000.0;
const MOST_STEPS: f64 = 32_700.0;
/// S below this many times sqrt(d) decides nothing, and would not keep to a tenth.
const LEAST_STEPS: f64 = 16.0;
/// Adding this to an f32 of less than 2^22 in size rounds it to a whole number, which is in the lowest bits then.
const ROUNDER: f32 = (3 << 22) as f32;
/// Columns that go into one running sum, so that a block of samples stays in the nearest cache while a panel passes.
const CHAIN: usize = 256;

/// A column is two features.
struct Whole;

impl Arithmetic<f32> for Whole {
    // With more the compiler regroups the sums, since it may, and runs out of registers.
    const UNROLL: usize = 1;
    #[inline(always)]
    fn multiply_add<S: Simd<f32>>(simd: S, sample: S::V, center: S::V, sum: S::V) -> S::V {
        simd.dot(sample, center, sum)
    }
    #[inline(always)]
    fn add<S: Simd<f32>>(simd: S, a: S::V, b: S::V) -> S::V {
        simd.add_whole(a, b)
    }
}

/// A column is two features, and scores carry their centre's place in its tile.
struct Named;

/// Values of p are this far apart where scores are named, which leaves room for so many centres in a tile.
const PLACES: usize = 8;
/// Up to this many features, keeping account costs more than rounding p so coarsely.
const FEW_FEATURES: usize = 32;

impl Arithmetic<f32> for Named {
    const UNROLL: usize = Whole::UNROLL;

    #[inline(always)]
    fn multiply_add<S: Simd<f32>>(simd: S, sample: S::V, center: S::V, sum: S::V) -> S::V {
        Whole::multiply_add(simd, sample, center, sum)
    }
    #[inline(always)]
    fn add<S: Simd<f32>>(simd: S, a: S::V, b: S::V) -> S::V {
        Whole::add(simd, a, b)
    }
    #[inline(always)]
    fn lowest_two<S: Simd<f32>, const CENTERS: usize>(
        simd: S,
        scores: [S::V; CENTERS],
        names: &[f32],
    ) -> BestTwo<S::V> {
        let (mut best, mut second) = (simd.min(scores[0], scores[1]), simd.max(scores[0], scores[1]));
        for c in (2..CENTERS).step_by(2) {
            let (low, high) = (simd.min(scores[c], scores[c + 1]), simd.max(scores[c], scores[c + 1]));
            second = simd.min(simd.max(best, low), simd.min(second, high));
            best = simd.min(best, low);
        }
        BestTwo { best, index: simd.splat(names[0]), second }
    }
}

/// Centres packed for scoring in whole numbers.
pub(super) struct Screen {
    /// p
    tiles: Tiles<f32>,
    /// Whether p are multiples of [`PLACES`].
    named: bool,
    norms: Vec<f32>,
    shift: Vec<f32>,
    /// N and r.
    largest: f64,
    step: f64,
    /// g
    loss: f64,
}

impl Screen {
    /// None where the instruction set gains nothing, or there is nothing to tell apart. `shift` is what is still to be taken
    /// from the rows.
    pub fn new(centers: &[f64], center_shift: &[f64], shift: Vec<f32>, level: Level) -> Option<Screen> {
        struct Together;
        impl Task<f32> for Together {
            type Out = Option<usize>;
            #[inline(always)]
            fn run<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Option<usize> {
                S::FAST_DOT.then_some(CENTERS)
            }
        }
        let together = level.run(Together)?;
        let d = shift.len();
        let k = centers.len() / d;
        let squares = centers.chunks_exact(d).map(|center| squared_distance::<f64, 8>(center, center_shift));
        // Above the norm of the farthest, as it is rounded elsewhere.
        let largest =
            squares.fold(0.0, |most, square| if square <= most { most } else { square }).sqrt() * (1.0 + 1e-9);
        // So that neither squares of f32 overflow nor their roundings are absolute; false for NaN.
        if !(largest > 1e-15 && largest < 1e15) {
            return None;
        }
        let named = d <= FEW_FEATURES && together <= PLACES;
        let step = 2.0 * largest / CENTER_STEPS;
        let tiles = Tiles::new(k, d.div_ceil(2), together);
        let mut screen = Screen { tiles, named, norms: vec![0.0; k], shift, largest, step, loss: 0.0 };
        screen.put(centers, 0..k, center_shift, level).then_some(screen)
    }

    /// Puts some of the `centers` (k, d) in their places. False where one of them is too far out.
    pub fn put(
        &mut self,
        centers: &[f64],
        which: impl Iterator<Item = usize>,
        center_shift: &[f64],
        level: Level,
    ) -> bool {
        struct Put<'a, I> {
            screen: &'a mut Screen,
            centers: &'a [f64],
            which: I,
            center_shift: &'a [f64],
        }
        impl<I: Iterator<Item = usize>> Task<f32> for Put<'_, I> {
            type Out = bool;
            #[inline(always)]
            fn run<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(mut self, _: S) -> bool {
                let d = self.center_shift.len();
                self.which.all(|j| self.screen.put_one(j, &self.centers[j * d..][..d], self.center_shift))
            }
        }
        level.run(Put { screen: self, centers, which, center_shift })
    }

    #[inline(always)]
    fn put_one(&mut self, j: usize, center: &[f64], center_shift: &[f64]) -> bool {
        let places = if self.named { PLACES as f64 } else { 1.0 };
        let (step, steps) = (self.step, 1.0 / (self.step * places));
        let (mut squares, mut lost) = (0.0, 0.0);
        let mut whole = |c: f64, m: f64| {
            let t = c - m;
            let u = -2.0 * t;
            let p = (u * steps).round_ties_even() * places;
            squares += t * t;
            lost += (u - step * p) * (u - step * p);
            u32::from(p as i16 as u16)
        };
        let pairs = center.chunks(2).zip(center_shift.chunks(2));
        for (slot, (c, m)) in self.tiles.center_mut(j).zip(pairs) {
            let low = whole(c[0], m[0]);
            *slot = f32::from_index(if c.len() == 2 { low | whole(c[1], m[1]) << 16 } else { low });
        }
        self.norms[j] = squares as f32;
        // Of all that were ever put here, which does no harm.
        self.loss = self.loss.max(lost.sqrt() / (2.0 * self.largest));
        squares.sqrt() <= self.largest
    }
}

impl Screen {
    /// S for rows of |y| up to `longest`; None if they do not fit whole numbers well.
    fn steps(&self, longest: f64) -> Option<f64> {
        let steps = (FARTHEST / (CENTER_STEPS * (1.0 + self.largest / (2.0 * longest)))).min(MOST_STEPS);
        // False for NaN and infinity.
        let fit = longest > 1e-15 && longest < 1e15 && steps >= LEAST_STEPS * (self.shift.len() as f64).sqrt();
        fit.then_some(steps)
    }

    /// The bound for rows of |y| up to `longest` in multiples of `unit / r`, whose rounding lost at most `e` of that. Writes where
    /// the accumulators start.
    fn bound(&self, longest: f64, unit: f64, e: f64, starts: &mut Vec<f32>) -> Bound<'_, f32> {
        let (u, u64) = (f32::UNIT_ROUNDOFF, f64::UNIT_ROUNDOFF);
        let (features, g) = (self.shift.len() as f64, self.loss);
        // 16 u for y = x - m, for starts and scores as f32 and for the arithmetic of the verdict; 16 units for starts
        // as whole numbers, with names.
        let (a, b) = (g + 16.0 * u, e + 16.0 * u);
        let (rows, centers) = (longest * longest, self.largest * self.largest);
        let floor = e * rows + g * centers + (e * g + 16.0 * u) * (rows + centers) + 16.0 * unit;
        let slack = 1.0 + 8.0 * (features + 16.0) * u;
        let definition = 4.04 * (features + 3.0) * u64;
        let in_units = ((1.0 - b) / unit) as f32;
        starts.clear();
        starts.extend(self.norms.iter().map(|norm| f32::from_index((ZERO + (norm * in_units) as i32) as u32)));
        if self.named {
            for tile in starts.chunks_mut(self.tiles.together()) {
                for (place, start) in tile.iter_mut().enumerate() {
                    *start = f32::from_index(start.to_index() / PLACES as u32 * PLACES as u32 + place as u32);
                }
            }
        }
        // What fills the last tile up is farther than any centre, and no products are added to it.
        starts.resize(self.tiles.padded(), f32::MAX);
        Bound {
            row: ((2.0 * a + definition) * slack) as f32,
            center: ((2.0 * b + definition) * slack) as f32,
            floor: (2.0 * floor * slack) as f32,
            norms: &self.norms,
            largest_norm: centers as f32,
            d: self.shift.len(),
        }
    }
}

/// What screening keeps for each sample.
#[derive(Default)]
pub(super) struct Lanes {
    samples: Samples<f32>,
    /// q
    whole: Vec<f32>,
    starts: Vec<f32>,
    scores: Scores<f32>,
}

/// Labels what the screen can decide and lists the rest.
pub(super) struct Sieve<'a> {
    /// (labels.len(), d)
    pub samples: &'a [f32],
    /// Rows that will be sieved next.
    pub ahead: &'a [f32],
    pub screen: &'a Screen,
    pub lanes: &'a mut Lanes,
    pub labels: &'a mut [i32],
    /// Positions in `samples`, in order.
    pub undecided: &'a mut Vec<u32>,
    /// Where what was learned of the rows' distances goes, if anybody wants it.
    pub learned: Option<&'a mut [Learned]>,
}

impl Task<f32> for Sieve<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Sieve { samples, ahead, screen, lanes, labels, undecided, mut learned } = self;
        let d = screen.shift.len();
        let width = VECTORS * S::LANES;
        let together = blocks_together::<f32>(width, d) * width;
        let mut from = 0;
        let mut chunks = samples.chunks(together * d).chain(ahead.chunks(together * d)).peekable();
        for labels in labels.chunks_mut(together) {
            let rows = chunks.next().unwrap_or_default();
            let ahead = chunks.peek().copied().unwrap_or_default();
            let Lanes { samples, whole, starts, scores } = lanes;
            samples.load::<S, VECTORS>(simd, rows, &screen.shift);
            // Y errs by (d + 8) u.
            let longest = longest(simd, &samples.norms) * (1.0 + (d + 8) as f64 * f32::UNIT_ROUNDOFF);
            let Some(steps) = screen.steps(longest) else {
                undecided.extend(from as u32..(from + labels.len()) as u32);
                if let Some(learned) = part(&mut learned, from, labels.len()) {
                    learned.fill(Learned::NOTHING);
                }
                from += labels.len();
                continue;
            };
            let lost = round::<S, VECTORS>(simd, &samples.values, d, (steps / longest) as f32, whole);
            let unit = longest / steps * screen.step;
            let bound = screen.bound(longest, unit, lost / steps, starts);
            if screen.named {
                scores.score::<Named, S, VECTORS, CENTERS>(simd, whole, &screen.tiles, starts, CHAIN, ahead);
            } else {
                scores.score::<Whole, S, VECTORS, CENTERS>(simd, whole, &screen.tiles, starts, CHAIN, ahead);
            }
            let places = simd.splat(f32::from_index(if screen.named { PLACES as u32 - 1 } else { 0 }));
            let (zero, unit) = (simd.splat(f32::from_index(-ZERO as u32)), simd.splat(unit as f32));
            for (b, labels) in labels.chunks_mut(width).enumerate() {
                let lane = b * width;
                let norms = simd.load_all(&samples.norms[lane..]);
                let mut nearest = scores.nearest::<S, VECTORS>(simd, lane);
                for BestTwo { best, index, second } in &mut nearest {
                    *index = simd.add_whole(*index, simd.and_whole(*best, places));
                    *best = simd.mul(simd.float_of_whole(simd.add_whole(*best, zero)), unit);
                    *second = simd.mul(simd.float_of_whole(simd.add_whole(*second, zero)), unit);
                }
                bound.learn::<S, VECTORS>(simd, norms, nearest, part(&mut learned, from + lane, labels.len()));
                bound.decide::<S, VECTORS>(simd, norms, nearest, labels, from + lane, undecided);
            }
            from += labels.len();
        }
    }
}

/// The largest |y| but for NaN.
#[inline(always)]
fn longest<S: Simd<f32>>(simd: S, norms: &[f32]) -> f64 {
    let mut most = simd.splat(0.0);
    for norms in norms.chunks_exact(S::LANES) {
        most = simd.max(simd.load(norms), most);
    }
    largest(simd, most).sqrt()
}

#[inline(always)]
fn largest<S: Simd<f32>>(simd: S, v: S::V) -> f64 {
    let mut lanes = [0.0_f32; 16];
    simd.store(v, &mut lanes);
    lanes.into_iter().fold(0.0, |most, lane| f64::max(most, lane.into()))
}

/// Rounds `samples` times `steps`, [block][feature][lane], to whole numbers in pairs of features, [block][pair][lane]. Returns the
/// length of what that lost of a row at most, but for NaN.
#[inline(always)]
fn round<S: Simd<f32>, const VECTORS: usize>(
    simd: S,
    samples: &[f32],
    d: usize,
    steps: f32,
    whole: &mut Vec<f32>,
) -> f64 {
    let width = VECTORS * S::LANES;
    let pairs = d.div_ceil(2);
    whole.resize(samples.len() / d * pairs, 0.0);
    let (steps, rounder) = (simd.splat(steps), simd.splat(ROUNDER));
    let mut most = simd.splat(0.0);
    for (samples, whole) in samples.chunks_exact(width * d).zip(whole.chunks_exact_mut(width * pairs)) {
        let mut lost = [simd.splat(0.0); VECTORS];
        let mut features = samples.chunks_exact(2 * width);
        let mut to = whole.chunks_exact_mut(width);
        for (samples, whole) in (&mut features).zip(&mut to) {
            for v in 0..VECTORS {
                let [low, high] = [simd.load(&samples[v * S::LANES..]), simd.load(&samples[width + v * S::LANES..])];
                let [low_whole, high_whole] = [simd.fma(low, steps, rounder), simd.fma(high, steps, rounder)];
                let low = simd.fma(low, steps, simd.sub(rounder, low_whole));
                let high = simd.fma(high, steps, simd.sub(rounder, high_whole));
                lost[v] = simd.fma(low, low, simd.fma(high, high, lost[v]));
                simd.store(simd.pairs(low_whole, high_whole), &mut whole[v * S::LANES..]);
            }
        }
        if let (samples @ [_, ..], Some(whole)) = (features.remainder(), to.next()) {
            for v in 0..VECTORS {
                let low = simd.load(&samples[v * S::LANES..]);
                let rounded = simd.fma(low, steps, rounder);
                let low = simd.fma(low, steps, simd.sub(rounder, rounded));
                lost[v] = simd.fma(low, low, lost[v]);
                simd.store(simd.pairs(rounded, simd.splat(0.0)), &mut whole[v * S::LANES..]);
            }
        }
        for lost in lost {
            most = simd.max(lost, most);
        }
    }
    // Of less than half a step each, added up in f32.
    largest(simd, most).sqrt() * (1.0 + (d + 8) as f64 * f32::UNIT_ROUNDOFF)
}
