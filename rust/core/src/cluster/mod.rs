//! Centroids: Lloyd's k-means, its starts and its repairs; medoids.

pub mod bisecting;
mod breathing;
pub mod content;
pub mod dissimilarity;
pub mod distances;
pub mod empty;
pub mod fuzzy;
pub mod inertia;
pub mod lloyd;
pub mod medoids;
pub mod moments;
pub mod seeding;
mod skipping;
mod subset;
pub mod sums;
mod trials;
