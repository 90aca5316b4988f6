//! Centroids: Lloyd's k-means, its starts and its repairs; medoids.

pub mod batches;
mod breathing;
pub mod content;
pub mod dissimilarity;
pub mod distances;
pub mod empty;
pub mod fuzzy;
pub mod inertia;
pub mod lloyd;
pub mod medoids;
pub mod minibatch;
pub mod moments;
pub mod online;
pub mod seeding;
mod skipping;
pub mod sums;
mod trials;
