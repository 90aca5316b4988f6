//! The direction in which some rows spread most.

use super::content;
use super::inertia::ToPoint;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::direct::add_up;
use crate::kernels::simd::{Level, Simd, Task};
use crate::rows::Rows;
use crate::run::{self, Run};

/// Rows, as many as are looked at together.
const STRIP: usize = 1 << 12;
/// Steps of the power iteration. It need not converge: every direction that it passes spreads more than the one before.
const STEPS: usize = 3;

/// Some rows around a point, and what each weighs.
pub(super) struct Cloud<'a, F> {
    pub rows: &'a Rows<'a, F>,
    /// (m,)
    pub members: &'a [u32],
    /// (m,)
    pub weights: &'a [f64],
    /// (d,)
    pub center: &'a [f64],
    pub level: Level,
}

/// y.v of every member y = x - c of a strip; and the sum of w (y.v) y, if that is wanted.
struct Pass<'a, F> {
    cloud: &'a Cloud<'a, F>,
    strip: std::ops::Range<usize>,
    axis: &'a [f64],
    sum: Option<&'a mut [f64]>,
}

impl<F: Float> Task<f64> for Pass<'_, F> {
    type Out = Vec<f64>;

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Vec<f64> {
        let Pass { cloud, strip, axis, mut sum } = self;
        let &Cloud { rows, center, .. } = cloud;
        let mut out = Vec::with_capacity(strip.len());
        let weighed = cloud.members[strip.clone()].iter().zip(&cloud.weights[strip]);
        match rows {
            Rows::Dense(x) => {
                let mut y = vec![0.0; center.len()];
                for (&i, w) in weighed {
                    for ((y, x), c) in y.iter_mut().zip(x.row(i as usize)).zip(center) {
                        *y = x.to_f64() - c;
                    }
                    let along = add_up([&y[..], axis], |[y, v]| y * v);
                    if let Some(sum) = &mut sum {
                        let share = w * along;
                        for (sum, y) in sum.iter_mut().zip(&y) {
                            *sum += share * y;
                        }
                    }
                    out.push(along);
                }
            }
            Rows::Csr(_) => {
                let (offset, mut all) = (dot(axis, center), 0.0);
                for (&i, w) in weighed {
                    let mut along = -offset;
                    rows.for_cells(i as usize, |f, x| along += x * axis[f]);
                    if let Some(sum) = &mut sum {
                        rows.for_cells(i as usize, |f, x| sum[f] += w * along * x);
                        all += w * along;
                    }
                    out.push(along);
                }
                if let Some(sum) = sum {
                    sum.iter_mut().zip(center).for_each(|(sum, c)| *sum -= all * c);
                }
            }
        }
        out
    }
}

impl<F: Float> Cloud<'_, F> {
    /// Unit vector close to the first principal axis, on the side of the member that is farthest from the centre, the largest
    /// content of those; None where all sit on the centre.
    pub fn axis(&self, run: &Run<'_>) -> Result<Option<Vec<f64>>> {
        let Some(farthest) = self.farthest(run)? else { return Ok(None) };
        let mut axis = vec![0.0; self.center.len()];
        self.rows.write_row(self.members[farthest] as usize, &mut axis);
        axis.iter_mut().zip(self.center).for_each(|(x, c)| *x -= c);
        if !normalise(&mut axis) {
            return Ok(None);
        }
        let first = axis.clone();
        for _ in 0..STEPS {
            let mut next = self.spread_along(&axis, run)?;
            if !normalise(&mut next) {
                break;
            }
            axis = next;
        }
        // A covariance turns no vector by more than a right angle, so the steps keep the side; together they may not.
        if dot(&axis, &first) < 0.0 {
            axis.iter_mut().for_each(|v| *v = -*v);
        }
        Ok(Some(axis))
    }

    /// Of every member, along `axis` from the centre.
    pub fn along(&self, axis: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let parts = self.strips(run, |strip| self.level.run(Pass { cloud: self, strip, axis, sum: None }))?;
        Ok(parts.concat())
    }

    /// Sum of w (y.v) y over the members y = x - c.
    fn spread_along(&self, axis: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let parts = self.strips(run, |strip| {
            let mut sum = vec![0.0; axis.len()];
            self.level.run(Pass { cloud: self, strip, axis, sum: Some(&mut sum) });
            sum
        })?;
        Ok(parts.into_iter().fold(vec![0.0; axis.len()], |mut total, part| {
            total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
            total
        }))
    }

    /// Position of the member with weight that is farthest from the centre.
    fn farthest(&self, run: &Run<'_>) -> Result<Option<usize>> {
        let &Cloud { rows, members, weights, center: point, level } = self;
        let norm = dot(point, point);
        let parts = self.strips(run, |strip| level.run(ToPoint { rows, members: &members[strip], point, norm }))?;
        let row = |at: usize| members[at] as usize;
        let farther = |a: (usize, f64), b: (usize, f64)| {
            let order = b.1.total_cmp(&a.1).then_with(|| content::compare_cells(rows, row(b.0), row(a.0)));
            if order.is_le() { a } else { b }
        };
        let distances = parts.into_iter().flatten().enumerate().filter(|&(at, _)| weights[at] > 0.0);
        Ok(distances.reduce(farther).map(|(at, _)| at))
    }

    fn strips<T: Send>(&self, run: &Run<'_>, each: impl Fn(std::ops::Range<usize>) -> T + Sync) -> Result<Vec<T>> {
        let per_row = self.rows.size() / self.rows.n().max(1) + 1;
        run.map(run::ranges(self.members.len(), STRIP), 2 * self.members.len() * per_row, |range, pulse| {
            pulse.check()?;
            Ok(each(range))
        })
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// False for a vector without direction.
fn normalise(v: &mut [f64]) -> bool {
    let largest = v.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    if !(largest > 0.0 && largest.is_finite()) {
        return false;
    }
    v.iter_mut().for_each(|x| *x /= largest);
    let norm = dot(v, v).sqrt();
    v.iter_mut().for_each(|x| *x /= norm);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{Csr, Dense};

    #[test]
    fn rows_on_a_line_give_its_direction_dense_and_csr() {
        let (x, columns) = ([0.0, 0.0, 3.0, 4.0, -6.0, -8.0, 3.0, 4.0], [0, 1, 0, 1, 0, 1, 0, 1]);
        let dense = Rows::Dense(Dense::new(&x, 4, 2).unwrap());
        let csr = Rows::Csr(Csr::new(&x, &columns, &[0, 2, 4, 6, 8], 2).unwrap());
        let level = Level::detect();
        for rows in [dense, csr] {
            let line = Cloud { rows: &rows, members: &[0, 1, 2, 3], weights: &[1.0; 4], center: &[0.0, 0.0], level };
            let axis = line.axis(&Run::alone()).unwrap().unwrap();
            assert!((axis[0] + 0.6).abs() < 1e-12 && (axis[1] + 0.8).abs() < 1e-12, "{axis:?}");
            let along = line.along(&axis, &Run::alone()).unwrap();
            assert!((along[2] - 10.0).abs() < 1e-12 && (along[1] + 5.0).abs() < 1e-12, "{along:?}");
            let still = Cloud { members: &[0], weights: &[1.0], ..line };
            assert!(still.axis(&Run::alone()).unwrap().is_none());
        }
    }
}
