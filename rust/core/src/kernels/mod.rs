//! Hot loops: slices in, slices out.

pub mod bounds;
mod coarse;
pub mod codebook;
pub mod columns;
pub mod descent;
pub mod direct;
mod filter;
pub mod gram;
pub mod list;
pub mod manhattan;
pub mod memberships;
pub mod nearer;
pub mod nearer_bytes;
pub mod nearest;
pub mod nearest_csr;
pub mod nearest_few;
pub mod nearest_manhattan;
pub mod pair_sums;
pub mod pair_sums_csr;
pub(crate) mod power;
mod scores;
mod screen;
mod shortlist;
pub mod sides;
pub mod simd;
pub mod swaps;
mod verdict;
