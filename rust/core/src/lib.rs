//! Centroids and weights: the kernels and algorithms under fulcra, usable from Rust.
//!
//! Rooms (`cluster`, ...) hold algorithms, [`kernels`] the hot loops, [`run`] threads and interruption. Nothing here knows
//! Python. The definitions that every kernel is held to (what a label is, what a centre is) stand in [`kernels::nearest`]
//! and [`cluster::lloyd`].

pub mod cluster;
pub mod error;
pub mod float;
pub mod kernels;
pub mod linear_model;
pub mod memory;
pub mod metrics;
pub mod neighbors;
pub mod rows;
pub mod run;

pub use error::{Error, Result};
pub use float::Float;
pub use rows::{Csr, Dense, Rows};
pub use run::Run;
