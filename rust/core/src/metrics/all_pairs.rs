//! The silhouettes of all dense rows: each pair of rows is measured once and counts for both.
//!
//! Rows are cut into blocks in the order of their clusters, none with rows of two. A block meets itself and all blocks behind
//! it. Its own rows so learn their sums over the clusters behind theirs; each row behind it gets a sum over the block, which
//! is collected, block after block, until the block's cluster ends. Which sums are added in which order depends on the sizes
//! of the clusters alone, and what is kept is a few numbers a row for each block of a wave.

use std::ops::Range;

use super::silhouette::{Groups, Packed, Seen};
use crate::error::Result;
use crate::float::Float;
use crate::kernels::pair_sums::{AddDistances, Metric, TILE, total};
use crate::kernels::simd::Level;
use crate::rows::{Dense, Rows};
use crate::run::{Pulse, Run};

/// What a block finds out.
struct Found {
    /// Of its rows: sums over the rows of their own cluster from the block on.
    own: Vec<f64>,
    /// Of its rows: the clusters behind theirs.
    seen: Vec<Seen>,
    /// Of all rows behind the block, in order: sums over its rows.
    behind: Vec<f64>,
}

/// s(i) of all rows.
pub fn samples<F: Float>(
    rows: &Dense<'_, F>,
    groups: &Groups<'_>,
    metric: Metric,
    level: Level,
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    let (n, d) = (rows.n(), rows.d());
    let blocks: Vec<(usize, Range<usize>)> = groups
        .clusters()
        .flat_map(|(cluster, places)| cut(places, block_rows(n, d)).map(move |b| (cluster, b)))
        .collect();
    let mut seen = vec![Seen::NOTHING; n];
    // Of every place: the sum over the blocks so far of the cluster that is passing.
    let mut passing = vec![0.0; n];
    for wave in blocks.chunks(wave_blocks(n)) {
        let work = wave.len() * block_rows(n, d).min(n) * 4 * n * d;
        let found = run.map_with(wave.to_vec(), work, |scratch, (cluster, block), pulse| {
            one_block(rows, groups, cluster, block, metric, level, scratch, pulse)
        })?;
        for ((cluster, block), found) in wave.iter().zip(found) {
            let places = &groups.places(*cluster);
            for (at, place) in block.clone().enumerate() {
                seen[place].and(found.seen[at]);
                seen[place].cluster(passing[place] + found.own[at], places.len(), true);
            }
            passing[block.end..].iter_mut().zip(found.behind).for_each(|(sum, more)| *sum += more);
            if block.end == places.end {
                for (seen, sum) in seen[places.end..].iter_mut().zip(&mut passing[places.end..]) {
                    seen.cluster(std::mem::take(sum), places.len(), false);
                }
            }
        }
    }
    let mut silhouettes = vec![0.0; n];
    for (seen, &i) in seen.into_iter().zip(&groups.order) {
        silhouettes[i as usize] = seen.coefficient().ok_or_else(|| Rows::Dense(*rows).blame(i as usize))?;
    }
    Ok(silhouettes)
}

/// Rows in a block: enough blocks for threads to share evenly, and no more rows than a second-level cache holds.
fn block_rows(n: usize, d: usize) -> usize {
    const CELLS: usize = 1 << 15;
    (n / 64).next_multiple_of(32).min(CELLS / d.max(1)).clamp(32, 256)
}

/// Blocks whose findings are kept at a time: 32 MiB, but at least so many that threads have something to share.
fn wave_blocks(n: usize) -> usize {
    ((1 << 22) / n.max(1)).clamp(16, 1024)
}

fn cut(places: Range<usize>, length: usize) -> impl Iterator<Item = Range<usize>> {
    places.clone().step_by(length).map(move |from| from..(from + length).min(places.end))
}

#[allow(clippy::too_many_arguments)] // the task of one thread
fn one_block<F: Float>(
    rows: &Dense<'_, F>,
    groups: &Groups<'_>,
    cluster: usize,
    block: Range<usize>,
    metric: Metric,
    level: Level,
    scratch: &mut Packed,
    pulse: &Pulse<'_>,
) -> Result<Found> {
    let Packed { queries, tile, sums } = scratch;
    let members = &groups.order[block.clone()];
    queries.clear();
    members.iter().for_each(|&i| queries.extend(rows.row(i as usize).iter().map(|x| x.to_f64())));
    let mut found = Found {
        own: Vec::new(),
        seen: vec![Seen::NOTHING; block.len()],
        behind: Vec::with_capacity(groups.order.len() - block.end),
    };
    for (other, places) in groups.clusters().skip_while(|(other, _)| *other < cluster) {
        sums.clear();
        sums.resize(block.len() * TILE, 0.0);
        // The block itself, whole, and what is behind it.
        let parts = if other == cluster { [block.clone(), block.end..places.end] } else { [places.clone(), 0..0] };
        for part in parts {
            for others in groups.order[part.clone()].chunks(TILE) {
                pulse.check()?;
                let tile = tile.pack(rows, others);
                let mut columns = [0.0; TILE];
                level.run(AddDistances { queries, tile, metric, sums, columns: &mut columns });
                if part != block {
                    found.behind.extend(&columns[..others.len()]);
                }
            }
        }
        let totals = sums.as_chunks().0.iter().map(|lanes| total(*lanes));
        if other == cluster {
            found.own = totals.collect();
        } else {
            found.seen.iter_mut().zip(totals).for_each(|(seen, sum)| seen.cluster(sum, places.len(), false));
        }
    }
    Ok(found)
}
