//! Hot loops: slices in, slices out.

pub mod bounds;
mod coarse;
pub mod direct;
mod filter;
pub mod nearer;
pub mod nearest;
pub mod nearest_csr;
pub mod nearest_few;
pub mod pair_sums;
pub mod pair_sums_csr;
mod scores;
mod screen;
pub mod simd;
mod verdict;
