//! Hot loops: slices in, slices out.

pub mod bounds;
pub mod direct;
mod filter;
pub mod nearest;
pub mod nearest_csr;
pub mod screen;
pub mod simd;
