//! Voronoi iteration: rows to their nearest medoid, and each medoid to the row of its cluster that is nearest to all of them
//! together, in turns (Park and Jun 2009, "A simple and fast algorithm for k-medoids clustering"). Quicker than swaps, and
//! worse: a medoid never leaves its cluster.

use super::Job;
use super::clustering::Clustering;
use crate::error::Result;
use crate::float::Float;
use crate::run::ranges;

/// Candidates in one task.
const CANDIDATES: usize = 64;

/// One iteration: how many medoids moved, and whether that was the end.
pub fn pass<'a, F: Float>(job: &Job<'a, F>, clustering: &mut Clustering<'a, F>) -> Result<(usize, bool)> {
    let &Job { source, weights, run, .. } = job;
    let (n, k) = (source.n(), clustering.medoids().len());
    let mut members = vec![Vec::new(); k];
    for (o, &owner) in clustering.owners().iter().enumerate() {
        members[owner as usize].push(o);
    }
    // A medoid stays unless another row of its cluster is better, so it is first with its own sum.
    let mut best: Vec<(usize, f64)> = clustering.medoids().iter().map(|&medoid| (medoid, f64::INFINITY)).collect();
    let owners = clustering.owners();
    let mut room = Vec::new();
    for block in ranges(n, source.block()) {
        let lines = source.lines(block.clone(), &mut room)?;
        let tasks = ranges(block.len(), CANDIDATES);
        let sums = run.map(tasks, lines.len() / k, |range, pulse| {
            let sum = |c: usize| {
                pulse.check()?;
                let distances = &lines[c * n..][..n];
                let own = &members[owners[block.start + c] as usize];
                let terms = own.iter().map(|&o| weights.map_or(1.0, |w| w[o]) * distances[o].to_f64());
                Ok(terms.sum::<f64>())
            };
            range.map(sum).collect::<Result<Vec<_>>>()
        })?;
        for (c, sum) in block.zip(sums.into_iter().flatten()) {
            let best = &mut best[owners[c] as usize];
            if sum < best.1 || sum == best.1 && clustering.is_medoid(c) {
                *best = (c, sum);
            }
        }
    }
    let medoids: Vec<usize> = best.into_iter().map(|(medoid, _)| medoid).collect();
    let moved = medoids.iter().zip(clustering.medoids()).filter(|(new, old)| new != old).count();
    if moved == 0 {
        return Ok((0, true));
    }
    let next = Clustering::new(job, medoids)?;
    if next.loss() < clustering.loss() {
        *clustering = next;
        return Ok((moved, false));
    }
    Ok((0, true)) // no better but for rounding
}
