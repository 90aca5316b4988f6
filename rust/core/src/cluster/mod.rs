//! Centroids: Lloyd's k-means, its starts and its repairs; medoids.

mod axis;
pub mod batches;
pub mod bisecting;
mod breathing;
pub mod content;
pub mod diagnosis;
pub mod dissimilarity;
pub mod distances;
pub mod empty;
pub mod fuzzy;
pub mod inertia;
pub mod lloyd;
pub mod mahalanobis;
pub mod medians;
pub mod medoids;
mod members;
pub mod minibatch;
pub mod moments;
pub mod online;
pub mod repairs;
pub mod seeding;
mod skipping;
pub mod spherical;
mod subset;
pub mod sums;
mod trials;
pub mod trimming;
