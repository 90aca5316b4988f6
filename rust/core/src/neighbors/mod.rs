//! Classes that a point stands for.

pub mod centroids;
