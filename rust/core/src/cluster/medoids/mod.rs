//! k-medoids: k of the rows, such that the sum of the distances of all rows from the nearest of them is small.
//!
//! Whatever the distances are, an algorithm here sees lines of their matrix ([`Source`]): line c holds the distances of row
//! c, as a candidate, from all rows.

mod alternate;
mod build;
mod clustering;
mod fasterpam;
pub mod flaws;

use std::ops::Range;
use std::time::Instant;

use self::clustering::Clustering;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::kernels::simd::Level;
use crate::run::Run;

/// Where distances come from.
pub trait Source<F> {
    /// The number of rows.
    fn n(&self) -> usize;
    /// How many lines to ask for at a time.
    fn block(&self) -> usize;
    /// The lines `range`, (range.len(), n): in `room`, where they are not there yet. Asked by the driving thread only.
    fn lines<'a>(&'a self, range: Range<usize>, room: &'a mut Vec<F>) -> Result<&'a [F]>;
}

/// The whole matrix (n, n).
pub struct Matrix<'a, F> {
    values: &'a [F],
    n: usize,
}

impl<'a, F> Matrix<'a, F> {
    /// `values` has n * n elements.
    pub fn new(values: &'a [F], n: usize) -> Result<Self> {
        if n.checked_mul(n) != Some(values.len()) {
            return Err(Error::Shape { what: "the matrix of distances", got: values.len(), want: n.saturating_mul(n) });
        }
        Ok(Matrix { values, n })
    }
}

impl<F: Float> Source<F> for Matrix<'_, F> {
    fn n(&self) -> usize {
        self.n
    }
    fn block(&self) -> usize {
        self.n
    }
    fn lines<'a>(&'a self, range: Range<usize>, _: &'a mut Vec<F>) -> Result<&'a [F]> {
        Ok(&self.values[range.start * self.n..range.end * self.n])
    }
}

/// Which medoids come first.
pub enum Start {
    /// These rows, all different.
    Rows(Vec<usize>),
    /// One after the other, each the row that lowers the loss most.
    Build,
}

/// How medoids are improved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Eager swaps, see [`fasterpam`].
    FasterPam,
    /// Rows to medoids and medoids to the middle of their rows in turns, see [`alternate`].
    Alternate,
}

/// Why a fit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Nothing that the method tries lowers the loss.
    Unchanged,
    /// As many iterations as allowed.
    MaxIter,
}

/// One pass over the candidates.
#[derive(Debug, Clone, Copy)]
pub struct Iteration {
    /// The loss at its end.
    pub loss: f64,
    /// Medoids that changed.
    pub swaps: usize,
    /// Time that it took.
    pub seconds: f64,
}

/// What a fit found.
#[derive(Debug)]
pub struct Fit {
    /// The rows that are medoids, in the order of the clusters.
    pub medoids: Vec<usize>,
    /// The loss of the start.
    pub start: f64,
    /// By iteration.
    pub history: Vec<Iteration>,
    /// Why it ended.
    pub stop: Stop,
}

/// What the parts of a fit share.
struct Job<'a, F> {
    source: &'a dyn Source<F>,
    weights: Option<&'a [f64]>,
    level: Level,
    run: &'a Run<'a>,
}

/// Finds k medoids. `weights` are positive; distances neither negative nor NaN.
pub fn fit<F: Float>(
    source: &dyn Source<F>,
    weights: Option<&[f64]>,
    start: &Start,
    k: usize,
    method: Method,
    max_iter: usize,
    run: &Run<'_>,
) -> Result<Fit> {
    let job = Job { source, weights, level: Level::detect(), run };
    check(&job, start, k)?;
    let begun = Instant::now();
    let medoids = match start {
        // The first step of BUILD is the answer.
        _ if k == 1 => build::build(&job, 1)?,
        Start::Build => build::build(&job, k)?,
        Start::Rows(rows) => rows.clone(),
    };
    let mut clustering = Clustering::new(&job, medoids)?;
    let start = clustering.loss();
    if k == 1 {
        let only = Iteration { loss: start, swaps: 0, seconds: begun.elapsed().as_secs_f64() };
        return Ok(Fit { medoids: clustering.into_medoids(), start, history: vec![only], stop: Stop::Unchanged });
    }
    let mut history = Vec::new();
    let mut stop = Stop::MaxIter;
    let mut search = fasterpam::Swaps::default();
    while history.len() < max_iter {
        let began = Instant::now();
        let (swaps, settled) = match method {
            Method::FasterPam => search.pass(&job, &mut clustering)?,
            Method::Alternate => alternate::pass(&job, &mut clustering)?,
        };
        history.push(Iteration { loss: clustering.loss(), swaps, seconds: began.elapsed().as_secs_f64() });
        if settled {
            stop = Stop::Unchanged;
            break;
        }
    }
    Ok(Fit { medoids: clustering.into_medoids(), start, history, stop })
}

fn check<F: Float>(job: &Job<'_, F>, start: &Start, k: usize) -> Result<()> {
    let n = job.source.n();
    if k == 0 || k > n || n > u32::MAX as usize {
        return Err(Error::Value(format!("{k} medoids of {n} rows")));
    }
    if let Some(weights) = job.weights
        && (weights.len() != n || !weights.iter().all(|w| *w > 0.0 && w.is_finite()))
    {
        return Err(Error::Value("sample_weight needs a positive, finite value for each row".into()));
    }
    if let Start::Rows(rows) = start {
        let mut sorted = rows.clone();
        sorted.sort_unstable();
        if rows.len() != k || sorted.windows(2).any(|pair| pair[0] == pair[1]) || sorted.last() >= Some(&n) {
            return Err(Error::Value(format!("a start needs {k} different rows of {n}")));
        }
    }
    Ok(())
}

/// Each row's nearest medoid from distances (n, k), the lowest index on a tie, and the sum of w times that distance.
pub fn assign<F: Float>(distances: &[F], k: usize, weights: Option<&[f64]>) -> (Vec<i32>, f64) {
    let mut loss = 0.0;
    let labels = distances.chunks_exact(k).enumerate().map(|(o, distances)| {
        let mut nearest = (0, distances[0]);
        for (j, &distance) in distances.iter().enumerate().skip(1) {
            if distance < nearest.1 {
                nearest = (j, distance);
            }
        }
        loss += weights.map_or(1.0, |w| w[o]) * nearest.1.to_f64();
        nearest.0 as i32
    });
    (labels.collect(), loss)
}
