//! How good a clustering is.

mod all_pairs;
pub mod scatter;
pub mod silhouette;
