//! How good a clustering is.

pub mod scatter;
pub mod silhouette;
