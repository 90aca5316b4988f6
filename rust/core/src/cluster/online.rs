//! Online k-means: one row at a time.
//!
//! MacQueen (1967), "Some methods for classification and analysis of multivariate observations": a row goes to its nearest centre,
//! and that centre moves towards it at once, `C_j += eta (x - C_j)`. A row of weight w is w equal rows in succession, so that a
//! chunk is the same as its rows one by one, and with `eta` constant or 1 / count a weight of 2 the same as the row twice.

use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::direct::distance;
use crate::kernels::nearest_few::assign_few;
use crate::kernels::power::power;
use crate::kernels::simd::Level;
use crate::rows::{Dense, Rows};
use crate::run::Run;

/// eta, the share of its way to a row that a centre goes.
#[derive(Clone, Copy, Debug)]
pub enum Rate {
    /// The row's weight over that of all rows that the centre got, itself among them: the centre is their mean.
    Count,
    /// Always this.
    Constant(f64),
    /// `eta0 / count^power`.
    InverseScaling {
        /// From 0 to 1.
        eta0: f64,
        /// Above 0.
        power: f64,
    },
}

/// How centres move.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// eta
    pub rate: Rate,
    /// No row moves a centre farther than this.
    pub max_shift: f64,
    /// Rows after which what a centre got counts half; infinite where it always counts.
    pub half_life: f64,
}

/// What is known of the clusters from one row to the next.
#[derive(Clone, Debug)]
pub struct State {
    /// (k, d)
    pub centers: Vec<f64>,
    /// Weight of the rows that each centre got, as far as it still counts, (k,).
    pub counts: Vec<f64>,
    /// How far each centre has gone, move after move, (k,).
    pub drift: Vec<f64>,
    /// Sum of w D(x, nearest centre), before that moved.
    pub inertia: f64,
    /// Sum of w.
    pub weight: f64,
}

/// Takes row after row. An error leaves `state` to be thrown away, but one in the rows comes before anything moves.
pub fn update<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    rules: &Rules,
    state: &mut State,
    run: &Run<'_>,
) -> Result<()> {
    let (d, k) = (rows.d(), state.counts.len());
    if k == 0 || d == 0 || state.centers.len() != k * d || state.drift.len() != k {
        return Err(Error::Shape { what: "the array of centers", got: state.centers.len(), want: k.max(1) * d });
    }
    let pulse = run.pulse();
    let level = Level::detect();
    check_rows(rows, run)?;
    let faded = fraction(0.5, 1.0 / rules.half_life);
    let mut row = vec![0.0; d];
    for i in 0..rows.n() {
        let w = weights.map_or(1.0, |w| w[i]);
        if w == 0.0 {
            continue;
        }
        rows.write_row(i, &mut row);
        let mut label = [0];
        assign_few(&Dense::new(&row, 1, d)?, 0..1, &state.centers, &mut label, level, &pulse)?;
        let j = label[0] as usize;

        let fade = fraction(faded, w);
        let mut mass = w;
        if fade < 1.0 {
            state.counts.iter_mut().for_each(|count| *count *= fade);
            // 1 + f + f^2 + ... of the w equal rows
            mass = if w == 1.0 { 1.0 } else { (1.0 - fade) / (1.0 - faded) };
        }
        state.counts[j] += mass;
        let eta = rules.rate.eta(w, mass, state.counts[j]);
        let center = &mut state.centers[j * d..][..d];
        let square = distance(&row, center);
        state.inertia += w * square;
        state.weight += w;
        let length = eta * square.sqrt();
        if length > rules.max_shift {
            let share = eta * (rules.max_shift / length);
            center.iter_mut().zip(&row).for_each(|(c, x)| *c += share * (x - *c));
        } else if eta == 1.0 {
            center.copy_from_slice(&row);
        } else {
            center.iter_mut().zip(&row).for_each(|(c, x)| *c += eta * (x - *c));
        }
        state.drift[j] += length.min(rules.max_shift);
    }
    Ok(())
}

impl Rate {
    /// For a row of weight w that adds `mass` to what becomes `count`.
    fn eta(self, w: f64, mass: f64, count: f64) -> f64 {
        let each = match self {
            Rate::Count => return mass / count,
            Rate::Constant(eta) => eta,
            Rate::InverseScaling { eta0, power } => eta0 * fraction(1.0 / count.max(1.0), power),
        };
        if w == 1.0 { each } else { 1.0 - fraction(1.0 - each, w) }
    }
}

/// x^e for x from 0 to 1, exact where e is 0 or 1 or x is 1.
fn fraction(x: f64, e: f64) -> f64 {
    if e == 1.0 {
        x
    } else if e == 0.0 || x == 1.0 {
        1.0
    } else {
        power(x, e)
    }
}

/// Every row is finite, and so far within what f64 can square that no distance between rows overflows.
fn check_rows<F: Float>(rows: &Rows<'_, F>, run: &Run<'_>) -> Result<()> {
    const ROWS: usize = 1024;
    for i in 0..rows.n() {
        if i % ROWS == 0 {
            run.check()?;
        }
        let mut norm = 0.0;
        rows.for_cells(i, |_, x| norm += x * x);
        if norm.is_nan() || norm >= f64::NORM_LIMIT {
            return Err(rows.blame(i));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(centers: &[f64], counts: &[f64]) -> State {
        let drift = vec![0.0; counts.len()];
        State { centers: centers.to_vec(), counts: counts.to_vec(), drift, inertia: 0.0, weight: 0.0 }
    }

    fn learn(rows: &[f64], weights: Option<&[f64]>, rules: Rules, state: &mut State) {
        let rows = Rows::Dense(Dense::new(rows, rows.len(), 1).unwrap());
        update(&rows, weights, &rules, state, &Run::alone()).unwrap();
    }

    const PLAIN: Rules = Rules { rate: Rate::Count, max_shift: f64::INFINITY, half_life: f64::INFINITY };

    #[test]
    fn counting_gives_means() {
        let mut state = state(&[0.0, 10.0], &[1.0, 0.0]);
        learn(&[2.0, 4.0, 11.0, 12.0], None, PLAIN, &mut state);
        assert_eq!(state.centers, [2.0, 11.5]); // (0 + 2 + 4) / 3
        assert_eq!(state.counts, [3.0, 2.0]);
        assert_eq!(state.drift, [2.0, 1.5]);
        assert_eq!(state.inertia, 4.0 + 9.0 + 1.0 + 1.0);
    }

    #[test]
    fn a_half_life_halves_what_was_seen() {
        let mut state = state(&[0.0], &[2.0]);
        learn(&[4.0], None, Rules { half_life: 1.0, ..PLAIN }, &mut state);
        assert_eq!((state.counts[0], state.centers[0]), (2.0, 2.0)); // 2 / 2 + 1, and half of the way
    }

    #[test]
    fn no_move_is_longer_than_max_shift() {
        let mut state = state(&[0.0], &[0.0]);
        learn(&[8.0], None, Rules { max_shift: 0.5, ..PLAIN }, &mut state);
        assert_eq!((state.centers[0], state.drift[0]), (0.5, 0.5));
    }

    #[test]
    fn a_weight_of_two_is_the_row_twice() {
        for rate in [Rate::Count, Rate::Constant(0.3)] {
            for half_life in [f64::INFINITY, 5.0] {
                let rules = Rules { rate, max_shift: f64::INFINITY, half_life };
                let (mut once, mut twice) = (state(&[0.0, 9.0], &[3.0, 2.0]), state(&[0.0, 9.0], &[3.0, 2.0]));
                learn(&[1.0, 8.0], Some(&[2.0, 3.0]), rules, &mut once);
                learn(&[1.0, 1.0, 8.0, 8.0, 8.0], None, rules, &mut twice);
                for (a, b) in once.centers.iter().chain(&once.counts).zip(twice.centers.iter().chain(&twice.counts)) {
                    assert!((a - b).abs() < 1e-13, "{rate:?}, {half_life}: {a} and {b}");
                }
            }
        }
    }
}
