//! Which of two centres is nearer: the side of the plane between them that a row is on.
//!
//! With c and c' the centres, m a point near the data, y = x - m, t = c - m and e the unit vector along c' - c,
//! `D(x, c) - D(x, c') = 2 |c' - c| s` where `s = y.e - b`, `b = e.(t + t') / 2`: one product instead of two distances. Planes of
//! successive passes differ little. What is kept of a row is `p_j = y.r_j` for up to three orthonormal r_j, made of the unit vectors of
//! earlier passes, and |y|, all in f32: with `a_j = e.r_j`, s is `sum a_j p_j - b` up to `|y| |e - sum a_j r_j|`, and where that
//! leaves no doubt, the row itself is not even read. When it leaves too much, all rows are projected on what e has beside the r_j.
//! (Of 30 passes over a million rows of 16 features, one direction would ask for 15 projections of all, three ask for 8.)
//!
//! With unit roundoff u of the rows' type, u32 and u64, d features and h additions on the way of a product: rounding y, r and the
//! products puts each p off by `(h + 6) u |y|`, keeping it and a by `2 u32 |y|`, and the |a_j| add up to less than 2; the scan is
//! off by `3 u32 (2 |y| + |b|)`, and b by `(d + 8) u64 (|t| + |t'|)`. The definition (see [`super::nearest`]) rounds each D by
//! `(d + 3) u64`, which of s is at most `(d + 3) u64 (2 |y|^2 + |t|^2 + |t'|^2) / |c' - c|`. Where s is farther from zero than all of
//! that, its sign is the label. The other rows are held against e itself, and what that leaves in doubt against both centres
//! ([`second_is_nearer`]). NaN, infinity and overflow fail every comparison, and so arrive there too.

use std::ops::Range;

use super::bounds::round_up;
use super::codebook::Codebook;
use super::direct::{distance, squared_distance};
use super::list::List;
use super::nearest::Effort;
use super::simd::{Level, Simd, Task};
use crate::error::Result;
use crate::float::Float;
use crate::rows::{Dense, Rows};

/// Rows that are looked at to see what an earlier projection is still good for.
const SAMPLE: usize = 512;
/// The share of rows in doubt from which on projecting all costs less, what it spares later passes included. A row in doubt costs four
/// times as much, since it is read out of turn.
const MOST_DOUBTFUL: f64 = 0.1;
/// Directions that rows are projected on, at most.
const DIRECTIONS: usize = 3;
/// A direction shorter than this is rounding.
const SHORT: f64 = 1e-6;
/// The share of rows that rounding alone may leave in doubt.
const MOST_UNDECIDED: f64 = 0.5;
/// How many rows in doubt before it is held against the direction a row is asked for.
const AHEAD: usize = 16;
/// Lanes of the widest vector.
const LANES: usize = 16;

/// What is kept of all rows from pass to pass.
#[derive(Default)]
pub struct Projections {
    /// The r_j; none before the first pass.
    basis: Vec<Vec<f64>>,
    /// The p_j.
    along: [Vec<f32>; DIRECTIONS],
    /// At least |y|.
    reach: Vec<f32>,
}

/// The plane between two centres, prepared for a pass.
pub struct Plane<F> {
    /// The direction that all rows are projected on before the pass, and its place among the r_j.
    added: Option<(usize, Vec<f64>)>,
    /// That direction or else e, as the rows' type has it.
    direction: Vec<F>,
    shift: Vec<F>,
    /// The a_j, and how many there are.
    parts: [f32; DIRECTIONS],
    used: usize,
    /// b
    offset: f32,
    /// How far `sum a_j p_j - b` may be from s: `floor + |y| (slack + |y| curve)`; and y.e - b, with `rounding` instead of `slack`.
    slack: f32,
    rounding: f32,
    curve: f32,
    floor: f32,
    /// Whether nothing is known of the rows.
    first: bool,
}

impl Projections {
    /// The plane between the two centres of `codebook`. None where being on a side of it proves too little.
    pub fn plane<F: Float>(&self, codebook: &Codebook<F>) -> Option<Plane<F>> {
        let (d, shift) = (codebook.d(), codebook.shift());
        let (left, right) = codebook.centers().split_at(d);
        let mut e: Vec<f64> = left.iter().zip(right).map(|(left, right)| right - left).collect();
        let apart = norm(&e);
        // Beyond, squares would lose digits.
        if !(1e-100..1e100).contains(&apart) {
            return None;
        }
        e.iter_mut().for_each(|e| *e /= apart);
        let (mut offset, mut squares) = (0.0, [0.0; 2]);
        for (((left, right), m), e) in left.iter().zip(right).zip(shift).zip(&e) {
            let t = [left - m, right - m];
            offset += 0.5 * e * (t[0] + t[1]);
            squares = [squares[0] + t[0] * t[0], squares[1] + t[1] * t[1]];
        }
        let features = d as f64;
        let (u, u32, u64) = (F::UNIT_ROUNDOFF, f32::UNIT_ROUNDOFF, f64::UNIT_ROUNDOFF);
        // h for vectors of any width; more than the derivation asks for pays for what is of second order.
        let rounding = 3.0 * ((features / 2.0 + LANES as f64 + 6.0) * u + 4.0 * u32);
        let definition = 2.0 * (features + 3.0) * u64 / apart;
        let floor = definition * (squares[0] + squares[1])
            + 2.0 * (features + 8.0) * u64 * (squares[0].sqrt() + squares[1].sqrt())
            + 12.0 * u32 * offset.abs()
            + 12.0 * features * f32::MIN_NORMAL;
        let mut plane = Plane {
            added: None,
            direction: e.iter().map(|&e| F::from_f64(e)).collect(),
            shift: shift.iter().map(|&m| F::from_f64(m)).collect(),
            parts: [0.0; DIRECTIONS],
            used: self.basis.len(),
            offset: offset as f32,
            slack: round_up(rounding),
            rounding: round_up(rounding),
            curve: round_up(2.0 * definition),
            floor: round_up(floor),
            first: self.basis.is_empty(),
        };
        if plane.first {
            plane.start(e);
            return Some(plane);
        }
        let mut rest = e.clone();
        for (part, r) in plane.parts.iter_mut().zip(&self.basis) {
            let along: f64 = e.iter().zip(r).map(|(e, r)| e * r).sum();
            rest.iter_mut().zip(r).for_each(|(rest, r)| *rest -= along * r);
            *part = along as f32;
        }
        if self.in_doubt(&plane) > MOST_UNDECIDED {
            return None;
        }
        let length = norm(&rest);
        plane.slack = round_up(rounding + length);
        if length > SHORT && self.in_doubt(&plane) > MOST_DOUBTFUL {
            if plane.used == DIRECTIONS {
                plane.start(e);
            } else {
                rest.iter_mut().for_each(|rest| *rest /= length);
                plane.direction = rest.iter().map(|&r| F::from_f64(r)).collect();
                plane.parts[plane.used] = length as f32;
                plane.added = Some((plane.used, rest));
                plane.used += 1;
            }
            plane.slack = plane.rounding;
        }
        Some(plane)
    }

    /// The share of rows that the plane leaves in doubt, by a sample.
    fn in_doubt<F>(&self, plane: &Plane<F>) -> f64 {
        let n = self.reach.len();
        let sampled = n.div_ceil(16).min(SAMPLE);
        let is_clear = |i: usize| {
            let parts = plane.parts[..plane.used].iter().zip(&self.along);
            let s = parts.fold(-plane.offset, |s, (part, along)| s + part * along[i]);
            let reach = self.reach[i];
            plane.floor + reach * (plane.slack + reach * plane.curve) < s.abs()
        };
        let clear = (0..sampled).filter(|s| is_clear(s * n / sampled)).count();
        1.0 - clear as f64 / sampled as f64
    }

    /// For a pass over `n` rows and the plane that [`Projections::plane`] gave.
    pub fn sides<'a, F: Float>(&'a mut self, n: usize, plane: &'a Plane<F>) -> Sides<'a, F> {
        if plane.first {
            self.along = std::array::from_fn(|_| vec![0.0; n]);
            self.reach = vec![0.0; n];
        }
        if let Some((place, direction)) = &plane.added {
            self.basis.truncate(*place);
            self.basis.push(direction.clone());
        }
        Sides { along: self.along.each_mut().map(Vec::as_mut_slice), reach: &mut self.reach, plane }
    }
}

impl<F> Plane<F> {
    /// Goes on from its own unit vector alone.
    fn start(&mut self, e: Vec<f64>) {
        self.parts = [0.0; DIRECTIONS];
        (self.parts[0], self.used, self.added) = (1.0, 1, Some((0, e)));
    }
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Consecutive rows' projections, and the plane.
pub struct Sides<'a, F> {
    along: [&'a mut [f32]; DIRECTIONS],
    reach: &'a mut [f32],
    plane: &'a Plane<F>,
}

impl<'a, F: Float> Sides<'a, F> {
    /// `length` rows at a time.
    pub fn chunks(self, length: usize) -> impl Iterator<Item = Sides<'a, F>> {
        let plane = self.plane;
        let [first, second, third] = self.along.map(|along| along.chunks_mut(length));
        let parts = first.zip(second).zip(third).zip(self.reach.chunks_mut(length));
        parts.map(move |(((first, second), third), reach)| Sides { along: [first, second, third], reach, plane })
    }

    /// The rows `range`.
    pub fn part(&mut self, range: Range<usize>) -> Sides<'_, F> {
        let along = self.along.each_mut().map(|along| &mut along[range.clone()]);
        Sides { along, reach: &mut self.reach[range], plane: self.plane }
    }

    /// Labels the rows from row `from` on by the sides that they are on. `doubtful` is room for what is not clear at once.
    pub fn label(
        self,
        rows: &Dense<'_, F>,
        from: usize,
        centers: &[f64],
        labels: &mut [i32],
        doubtful: &mut List,
        level: Level,
    ) -> Result<Effort> {
        let Sides { along, reach, plane } = self;
        let n = labels.len();
        let samples = rows.span(from, from + n);
        if let Some((place, _)) = plane.added {
            level.run(Project { samples, plane, along: &mut *along[place], reach });
        }
        let along = along.map(|along| &*along);
        level.run::<f32, _>(Scan { along, reach, plane, labels, doubtful });
        let looked_at = if plane.added.is_some() { n } else { doubtful.get().len() };
        if plane.added.is_none() {
            level.run(Look { samples, plane, reach, labels, doubtful });
        }
        let doubtful = doubtful.get();
        if let Some(at) = level.run(Settle { samples, centers, labels, doubtful }) {
            return Err(Rows::Dense(*rows).blame(from + at));
        }
        Ok(Effort { undecided: doubtful.len(), distances: 2 * looked_at })
    }
}

/// y.e and |y|^2 of a row, whose features are in lanes.
#[inline(always)]
fn project<F: Float, S: Simd<F>, const SQUARES: bool>(simd: S, row: &[F], plane: &Plane<F>) -> (F, F) {
    let d = row.len();
    let (shift, direction) = (&plane.shift[..d], &plane.direction[..d]);
    let mut sum = simd.splat(F::default());
    let mut squares = sum;
    let mut f = 0;
    while f + S::LANES <= d {
        let y = simd.sub(simd.load(&row[f..]), simd.load(&shift[f..]));
        sum = simd.fma(y, simd.load(&direction[f..]), sum);
        if SQUARES {
            squares = simd.fma(y, y, squares);
        }
        f += S::LANES;
    }
    if f < d {
        let [mut rest, mut e] = [[F::default(); LANES]; 2];
        for (l, f) in (f..d).enumerate() {
            rest[l] = row[f] - shift[f];
            e[l] = direction[f];
        }
        let y = simd.load(&rest);
        sum = simd.fma(y, simd.load(&e), sum);
        if SQUARES {
            squares = simd.fma(y, y, squares);
        }
    }
    (simd.sum(sum), if SQUARES { simd.sum(squares) } else { F::default() })
}

/// Projects all of `samples` (n, d) on the added direction.
struct Project<'a, F> {
    samples: &'a [F],
    plane: &'a Plane<F>,
    along: &'a mut [f32],
    reach: &'a mut [f32],
}

impl<F: Float> Task<F> for Project<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Project { samples, plane, along, reach } = self;
        let d = plane.shift.len();
        if plane.first {
            let up = 1.0 + 2.0 * (d as f64 / 2.0 + LANES as f64 + 6.0) * F::UNIT_ROUNDOFF;
            let least = (2.0 * d as f64 * F::MIN_NORMAL).sqrt();
            for ((row, along), reach) in samples.chunks_exact(d).zip(along).zip(reach) {
                let (product, squares) = project::<F, S, true>(simd, row, plane);
                *along = product.to_f64() as f32;
                *reach = round_up(squares.to_f64().sqrt() * up + least);
            }
        } else {
            for (row, along) in samples.chunks_exact(d).zip(along) {
                *along = project::<F, S, false>(simd, row, plane).0.to_f64() as f32;
            }
        }
    }
}

/// Labels rows by what is kept of them and lists those in doubt.
struct Scan<'a, F> {
    along: [&'a [f32]; DIRECTIONS],
    reach: &'a [f32],
    plane: &'a Plane<F>,
    labels: &'a mut [i32],
    doubtful: &'a mut List,
}

impl<F> Task<f32> for Scan<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        match self.plane.used {
            1 => self.along::<S, 1>(simd),
            2 => self.along::<S, 2>(simd),
            _ => self.along::<S, DIRECTIONS>(simd),
        }
    }
}

impl<F> Scan<'_, F> {
    #[inline(always)]
    fn along<S: Simd<f32>, const USED: usize>(self, simd: S) {
        let Scan { along, reach, plane, labels, doubtful } = self;
        let mut parts = [simd.splat(0.0); USED];
        for (j, part) in parts.iter_mut().enumerate() {
            *part = simd.splat(plane.parts[j]);
        }
        let (offset, slack, curve) = (simd.splat(-plane.offset), simd.splat(plane.slack), simd.splat(plane.curve));
        let (floor, zero) = (simd.splat(plane.floor), simd.splat(0.0));
        let (left, right) = (simd.splat(f32::from_index(0)), simd.splat(f32::from_index(1)));
        doubtful.open(labels.len());
        for (block, labels) in labels.chunks_mut(S::LANES).enumerate() {
            let (from, rows) = (block * S::LANES, labels.len());
            let mut s = offset;
            for j in 0..USED {
                s = simd.fma(parts[j], load(simd, &along[j][from..from + rows]), s);
            }
            let y = load(simd, &reach[from..from + rows]);
            let bound = simd.fma(y, simd.fma(y, curve, slack), floor);
            let clear = simd.lt(bound, simd.abs(s));
            let mut sides = [0.0; LANES];
            simd.store(simd.select(simd.lt(zero, s), right, left), &mut sides);
            if rows == S::LANES {
                // Of a length that the compiler knows.
                let labels = &mut labels[..S::LANES];
                for l in 0..S::LANES {
                    labels[l] = sides[l].to_index() as i32;
                }
            } else {
                labels.iter_mut().zip(&sides).for_each(|(label, side)| *label = side.to_index() as i32);
            }
            doubtful.add(from, u64::from(!simd.bits(clear)) & (u64::MAX >> (64 - rows)));
        }
    }
}

/// A vector of values, zeros behind the last.
#[inline(always)]
fn load<S: Simd<f32>>(simd: S, values: &[f32]) -> S::V {
    if values.len() == S::LANES {
        return simd.load(values);
    }
    let mut padded = [0.0; LANES];
    padded[..values.len()].copy_from_slice(values);
    simd.load(&padded)
}

/// Holds the rows in doubt against the direction itself, and keeps those listed that this leaves in doubt.
struct Look<'a, F> {
    samples: &'a [F],
    plane: &'a Plane<F>,
    reach: &'a [f32],
    labels: &'a mut [i32],
    doubtful: &'a mut List,
}

impl<F: Float> Task<F> for Look<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Look { samples, plane, reach, labels, doubtful } = self;
        let d = plane.shift.len();
        let mut kept = 0;
        let positions = doubtful.get_mut();
        for at in 0..positions.len() {
            if let Some(&i) = positions.get(at + AHEAD) {
                simd.prefetch(&samples[i as usize * d..][..d]);
            }
            let i = positions[at] as usize;
            let (product, _) = project::<F, S, false>(simd, &samples[i * d..][..d], plane);
            let s = product.to_f64() as f32 - plane.offset;
            let bound = plane.floor + reach[i] * (plane.rounding + reach[i] * plane.curve);
            labels[i] = i32::from(s > 0.0);
            positions[kept] = i as u32;
            // Added up, not branched upon: which rows these are cannot be foretold.
            kept += 1 - usize::from(bound < s.abs());
        }
        doubtful.truncate(kept);
    }
}

/// Holds rows against both centres; the position of the first unusable one, if there is one.
struct Settle<'a, F> {
    samples: &'a [F],
    /// (2, d)
    centers: &'a [f64],
    labels: &'a mut [i32],
    doubtful: &'a [u32],
}

impl<F: Float> Task<F> for Settle<'_, F> {
    type Out = Option<usize>;

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Option<usize> {
        let Settle { samples, centers, labels, doubtful } = self;
        let d = centers.len() / 2;
        let pair = centers.split_at(d);
        for &i in doubtful {
            let i = i as usize;
            match second_is_nearer(&samples[i * d..][..d], pair) {
                Some(second) => labels[i] = i32::from(second),
                None => return Some(i),
            }
        }
        None
    }
}

/// Whether the second of two centres is nearer by the definition; None where neither distance is finite. Both are held against
/// the row by sums in the fastest order ([`squared_distance`]), with the bound of [`super::nearest_few`], and only where
/// that leaves a doubt by the definition itself.
#[inline(always)]
pub(super) fn second_is_nearer<F: Float>(row: &[F], (left, right): (&[f64], &[f64])) -> Option<bool> {
    const CHAINS: usize = 8;
    let d = row.len();
    let (g, h) = (d / CHAINS + CHAINS + 4, d + 2);
    let slack = 1.0 + 4.0 * (g + h) as f64 * f64::UNIT_ROUNDOFF;
    let least = d as f64 * f64::MIN_NORMAL;
    let to_left: f64 = squared_distance::<f64, CHAINS>(row, left);
    let to_right: f64 = squared_distance::<f64, CHAINS>(row, right);
    if to_right > to_left * slack + least {
        return Some(false);
    }
    if to_left > to_right * slack + least {
        return Some(true);
    }
    let (to_left, to_right) = (distance(row, left), distance(row, right));
    // Not `min`, which passes over NaN.
    (to_left < f64::INFINITY || to_right < f64::INFINITY).then_some(to_right < to_left)
}
