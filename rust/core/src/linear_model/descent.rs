//! The mean loss of some rows and its gradient: what a step of gradient descent goes by. In f64 whatever the rows' type; the
//! rows are split by their number alone, so the sums have the same bits on any number of threads.

use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::simd::{Level, Simd, Task};
use crate::linear_model::predict::product;
use crate::rows::Rows;
use crate::run::{self, Run};

/// What a row costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// (y - prediction)^2 / 2, added up over the targets (n, t).
    Squared,
    /// -log of the probability of class y, targets (n,) its number: for one score that of class 1 against 0, else softmax.
    Log,
}

/// Means over the rows.
#[derive(Debug)]
pub struct Gradient {
    /// The loss.
    pub loss: f64,
    /// (t, d + 1), the intercept's last.
    pub gradient: Vec<f64>,
}

/// The rows to look at, and what is known of them.
pub struct Batch<'a, F> {
    /// (n, d)
    pub rows: Rows<'a, F>,
    /// (n, t) or (n,), see [`Loss`]
    pub targets: &'a [f64],
    /// (n,)
    pub weights: Option<&'a [f64]>,
    /// Which rows; `None` is all.
    pub chosen: Option<&'a [i64]>,
}

/// Loss and gradient at `coef` (t, d) and `intercept` (t,), by weighted mean.
pub fn gradient<F: Float>(
    batch: &Batch<'_, F>,
    loss: Loss,
    coef: &[f64],
    intercept: &[f64],
    run: &Run<'_>,
) -> Result<Gradient> {
    let (n, d, t) = (batch.rows.n(), batch.rows.d(), intercept.len());
    let per_row = if loss == Loss::Squared { t } else { 1 };
    for (what, got, want) in [
        ("y", batch.targets.len(), n * per_row),
        ("sample_weight", batch.weights.map_or(n, <[f64]>::len), n),
        ("coef", coef.len(), t * d),
    ] {
        if got != want {
            return Err(Error::Shape { what, got, want });
        }
    }
    let inside = |&i: &i64| usize::try_from(i).is_ok_and(|i| i < n);
    if t == 0 || d == 0 || batch.chosen.is_some_and(|rows| !rows.iter().all(inside)) {
        return Err(Error::Value("a gradient needs a column, a target, and rows that exist".into()));
    }
    let many = batch.chosen.map_or(n, <[i64]>::len);
    let work = batch.rows.size() / n.max(1) * many * t * 2;
    // At most 64 partial sums in memory.
    let tasks = run::ranges(many, run::rows_per_task(many, 2 * d * t).max(many.div_ceil(64)));
    let parts = run.map(tasks, work, |range, pulse| {
        /// Rows between two looks for Ctrl-C.
        const CHECKED: usize = 256;
        let mut sums = Sums { loss: 0.0, weight: 0.0, gradient: vec![0.0; t * (d + 1)], scores: vec![0.0; t] };
        for from in range.clone().step_by(CHECKED) {
            pulse.check()?;
            let range = from..(from + CHECKED).min(range.end);
            Level::detect().run(Add { batch, loss, coef, intercept, range, sums: &mut sums });
        }
        Ok(sums)
    })?;
    let (mut total, mut weight) = (Gradient { loss: 0.0, gradient: vec![0.0; t * (d + 1)] }, 0.0);
    for part in parts {
        total.loss += part.loss;
        weight += part.weight;
        total.gradient.iter_mut().zip(part.gradient).for_each(|(sum, part)| *sum += part);
    }
    // Rows that all weigh nothing say nothing.
    let scale = if weight > 0.0 { 1.0 / weight } else { 0.0 };
    total.loss *= scale;
    total.gradient.iter_mut().for_each(|g| *g *= scale);
    Ok(total)
}

struct Sums {
    loss: f64,
    weight: f64,
    gradient: Vec<f64>,
    scores: Vec<f64>,
}

struct Add<'a, F> {
    batch: &'a Batch<'a, F>,
    loss: Loss,
    coef: &'a [f64],
    intercept: &'a [f64],
    range: std::ops::Range<usize>,
    sums: &'a mut Sums,
}

impl<F: Float> Task<f64> for Add<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) {
        let Add { batch, loss, coef, intercept, range, sums } = self;
        let (d, t) = (batch.rows.d(), intercept.len());
        for at in range {
            let i = batch.chosen.map_or(at, |chosen| chosen[at] as usize);
            let weight = batch.weights.map_or(1.0, |weights| weights[i]);
            if weight == 0.0 {
                continue;
            }
            for (s, score) in sums.scores.iter_mut().enumerate() {
                let coef = &coef[s * d..][..d];
                *score = intercept[s]
                    + match &batch.rows {
                        Rows::Dense(x) => product(x.row(i), coef),
                        Rows::Csr(x) => {
                            let (columns, values) = x.row(i);
                            columns.iter().zip(values).map(|(&f, x)| x.to_f64() * coef[f as usize]).sum()
                        }
                    };
            }
            sums.weight += weight;
            let per_row = if loss == Loss::Squared { t } else { 1 };
            sums.loss += weight * cost(loss, &batch.targets[i * per_row..][..per_row], &mut sums.scores);
            for (error, gradient) in sums.scores.iter().zip(sums.gradient.chunks_exact_mut(d + 1)) {
                let error = error * weight;
                match &batch.rows {
                    Rows::Dense(x) => gradient.iter_mut().zip(x.row(i)).for_each(|(g, x)| *g += error * x.to_f64()),
                    Rows::Csr(x) => {
                        let (columns, values) = x.row(i);
                        columns.iter().zip(values).for_each(|(&f, x)| gradient[f as usize] += error * x.to_f64());
                    }
                }
                gradient[d] += error;
            }
        }
    }
}

/// The loss of a row; its scores become the slopes of the loss.
#[inline(always)]
fn cost(loss: Loss, targets: &[f64], scores: &mut [f64]) -> f64 {
    if loss == Loss::Squared {
        let mut cost = 0.0;
        for (score, y) in scores.iter_mut().zip(targets) {
            *score -= y;
            cost += 0.5 * *score * *score;
        }
        return cost;
    }
    let y = targets[0];
    if let [score] = scores {
        let p = *score;
        *score = super::sgd::logistic(p) - y;
        return p.max(0.0) + (-p.abs()).exp().ln_1p() - y * p;
    }
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let own = scores.get(y as usize).copied().unwrap_or(0.0) - largest;
    let mut total = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - largest).exp();
        total += *score;
    }
    scores.iter_mut().for_each(|score| *score /= total);
    if let Some(score) = scores.get_mut(y as usize) {
        *score -= 1.0;
    }
    total.ln() - own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{Csr, Dense};

    fn batch<'a>(rows: Rows<'a, f64>, targets: &'a [f64]) -> Batch<'a, f64> {
        Batch { rows, targets, weights: None, chosen: None }
    }

    #[test]
    fn one_row_on_paper() {
        let rows = Rows::Dense(Dense::new(&[1.0, 2.0], 1, 2).unwrap());
        let found = gradient(&batch(rows, &[5.0]), Loss::Squared, &[1.0, 1.0], &[0.0], &Run::alone()).unwrap();
        assert_eq!((found.loss, found.gradient), (2.0, vec![-2.0, -4.0, -2.0]));
    }

    #[test]
    fn gradients_are_differences_of_losses() {
        let cells = [0.3, -1.0, 0.0, 2.0, 1.5, 0.0, -0.7, 0.4];
        let dense = Rows::Dense(Dense::new(&cells, 4, 2).unwrap());
        let (values, columns, starts) = ([0.3, -1.0, 2.0, 1.5, -0.7, 0.4], [0, 1, 1, 0, 0, 1], [0, 2, 3, 4, 6]);
        let sparse = Rows::Csr(Csr::new(&values, &columns, &starts, 2).unwrap());
        for (loss, t, y) in [
            (Loss::Squared, 2, vec![1.0, 0.0, 2.0, 1.0, 0.5, 3.0, -1.0, 0.2]),
            (Loss::Log, 1, vec![0.0, 1.0, 1.0, 0.0]),
            (Loss::Log, 3, vec![0.0, 1.0, 2.0, 1.0]),
        ] {
            let at: Vec<f64> = (0..t * 3).map(|i| 0.3 * i as f64 - 0.7).collect();
            let (coef, intercept) = at.split_at(2 * t);
            let weights = [1.0, 2.0, 0.0, 0.5];
            let data = Batch { weights: Some(&weights), ..batch(dense, &y) };
            let found = gradient(&data, loss, coef, intercept, &Run::alone()).unwrap();
            let same = gradient(&Batch { rows: sparse, ..data }, loss, coef, intercept, &Run::alone()).unwrap();
            assert!(found.gradient.iter().zip(&same.gradient).all(|(a, b)| (a - b).abs() < 1e-15));
            let loss_at = |coef: &[f64], intercept: &[f64]| {
                let data = Batch { weights: Some(&weights), ..batch(dense, &y) };
                gradient(&data, loss, coef, intercept, &Run::alone()).unwrap().loss
            };
            let h = 1e-6;
            for s in 0..t {
                for f in 0..3 {
                    let moved = |by: f64| {
                        let (mut coef, mut intercept) = (coef.to_vec(), intercept.to_vec());
                        *(if f == 2 { &mut intercept[s] } else { &mut coef[s * 2 + f] }) += by;
                        loss_at(&coef, &intercept)
                    };
                    let differences = (moved(h) - moved(-h)) / (2.0 * h);
                    assert!((differences - found.gradient[s * 3 + f]).abs() < 1e-8);
                }
            }
        }
    }

    #[test]
    fn threads_change_no_bit() {
        let cells: Vec<f64> = (0..120_000).map(|i| f64::from(i % 977) * 0.013).collect();
        let y: Vec<f64> = (0..30_000).map(|i| f64::from(i % 7)).collect();
        let rows = Rows::Dense(Dense::new(&cells, 30_000, 4).unwrap());
        let of = |threads| {
            let run = Run::new(threads, &crate::run::Unattended);
            gradient(&batch(rows, &y), Loss::Squared, &[0.1, 0.2, 0.3, 0.4], &[1.0], &run).unwrap().gradient
        };
        assert_eq!(of(1), of(3));
    }

    #[test]
    fn rows_that_do_not_exist_are_refused() {
        let rows = Rows::Dense(Dense::new(&[1.0, 2.0], 1, 2).unwrap());
        let data = Batch { chosen: Some(&[-1]), ..batch(rows, &[5.0]) };
        assert!(gradient(&data, Loss::Squared, &[1.0, 1.0], &[0.0], &Run::alone()).is_err());
        assert!(gradient(&batch(rows, &[]), Loss::Log, &[1.0, 1.0], &[0.0], &Run::alone()).is_err());
    }
}
