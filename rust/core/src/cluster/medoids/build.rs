//! BUILD: medoids one after the other, each the row that lowers the loss most (Kaufman and Rousseeuw 1990, "Finding Groups in
//! Data"). k passes over all distances; the first medoid is the best single one.

use super::Job;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::swaps::Gain;
use crate::run::ranges;

/// Candidates in one task.
const CANDIDATES: usize = 16;

/// k rows; the first of equals.
pub fn build<F: Float>(job: &Job<'_, F>, k: usize) -> Result<Vec<usize>> {
    let &Job { source, weights, level, run } = job;
    let n = source.n();
    let mut medoids: Vec<usize> = Vec::with_capacity(k);
    let mut nearest: Option<Vec<F>> = None;
    let mut room = Vec::new();
    while medoids.len() < k {
        let mut best = (usize::MAX, f64::NEG_INFINITY);
        for block in ranges(n, source.block()) {
            let lines = source.lines(block.clone(), &mut room)?;
            let tasks: Vec<_> = lines.chunks(CANDIDATES * n).collect();
            let gains = run.map(tasks, lines.len(), |lines, pulse| {
                let gain = |distances: &[F]| {
                    pulse.check()?;
                    Ok(level.run(Gain { distances, nearest: nearest.as_deref(), weights }))
                };
                lines.chunks_exact(n).map(gain).collect::<Result<Vec<_>>>()
            })?;
            for (c, gain) in block.zip(gains.into_iter().flatten()) {
                if gain > best.1 && !medoids.contains(&c) {
                    best = (c, gain);
                }
            }
        }
        let distances = source.lines(best.0..best.0 + 1, &mut room)?;
        medoids.push(best.0);
        match &mut nearest {
            None => nearest = Some(distances.to_vec()),
            Some(nearest) => nearest.iter_mut().zip(distances).for_each(|(near, &distance)| {
                if distance < *near {
                    *near = distance;
                }
            }),
        }
    }
    Ok(medoids)
}
