//! Medoids, and for each row its nearest two.

use super::Job;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::swaps::Medoids;

/// Medoids and what follows from them.
pub struct Clustering<'a, F> {
    weights: Option<&'a [f64]>,
    medoids: Vec<usize>,
    /// By row: whether it is a medoid.
    chosen: Vec<bool>,
    /// (n, k): row o's distances from all medoids lie side by side, since they are looked through together.
    to_medoids: Vec<F>,
    nearest: Vec<F>,
    second: Vec<F>,
    owner: Vec<u32>,
    /// The second nearest medoid.
    runner_up: Vec<u32>,
    /// By medoid: sum over its rows of w (second - nearest).
    removal: Vec<f64>,
    loss: f64,
}

impl<'a, F: Float> Clustering<'a, F> {
    /// All rows to their nearest medoids.
    pub fn new(job: &Job<'a, F>, medoids: Vec<usize>) -> Result<Self> {
        let (n, k) = (job.source.n(), medoids.len());
        let mut clustering = Clustering {
            weights: job.weights,
            chosen: vec![false; n],
            to_medoids: vec![F::default(); n * k],
            nearest: vec![F::INFINITY; n],
            second: vec![F::INFINITY; n],
            owner: vec![0; n],
            runner_up: vec![0; n],
            removal: vec![0.0; k],
            loss: 0.0,
            medoids,
        };
        let mut room = Vec::new();
        for (j, &medoid) in clustering.medoids.iter().enumerate() {
            job.run.check()?;
            let distances = job.source.lines(medoid..medoid + 1, &mut room)?;
            clustering.chosen[medoid] = true;
            put(&mut clustering.to_medoids, k, j, distances);
        }
        for o in 0..n {
            clustering.find_nearest(o);
        }
        clustering.add_up();
        Ok(clustering)
    }

    /// The sum of w times the distance from the nearest medoid.
    pub fn loss(&self) -> f64 {
        self.loss
    }

    /// The rows that are medoids.
    pub fn medoids(&self) -> &[usize] {
        &self.medoids
    }

    /// The rows that are medoids.
    pub fn into_medoids(self) -> Vec<usize> {
        self.medoids
    }

    /// Whether a row is a medoid.
    pub fn is_medoid(&self, row: usize) -> bool {
        self.chosen[row]
    }

    /// Each row's nearest medoid.
    pub fn owners(&self) -> &[u32] {
        &self.owner
    }

    /// What the kernels of swaps need.
    pub fn view(&self) -> Medoids<'_, F> {
        Medoids {
            nearest: &self.nearest,
            second: &self.second,
            owner: &self.owner,
            weights: self.weights,
            removal: &self.removal,
        }
    }

    /// What `loss` would be, to the last bit, if medoid j were replaced by a row with these distances.
    pub fn loss_after(&self, j: usize, distances: &[F]) -> f64 {
        let kept = self.owner.iter().zip(self.nearest.iter().zip(&self.second));
        let least = kept.zip(distances).map(|((&owner, (&nearest, &second)), &distance)| {
            let stays = if owner as usize == j { second } else { nearest };
            if distance < stays { distance } else { stays }
        });
        self.sum(least)
    }

    /// Replaces medoid j by `row`, whose distances these are.
    pub fn swap(&mut self, j: usize, row: usize, distances: &[F]) {
        self.chosen[self.medoids[j]] = false;
        self.chosen[row] = true;
        self.medoids[j] = row;
        let k = self.medoids.len();
        put(&mut self.to_medoids, k, j, distances);
        let new = j as u32;
        for (o, &distance) in distances.iter().enumerate() {
            if self.owner[o] == new {
                if distance < self.second[o] {
                    self.nearest[o] = distance;
                } else {
                    (self.owner[o], self.nearest[o]) = (self.runner_up[o], self.second[o]);
                    self.find_second(o);
                }
            } else if distance < self.nearest[o] {
                (self.runner_up[o], self.second[o]) = (self.owner[o], self.nearest[o]);
                (self.owner[o], self.nearest[o]) = (new, distance);
            } else if distance < self.second[o] {
                (self.runner_up[o], self.second[o]) = (new, distance);
            } else if self.runner_up[o] == new {
                self.find_second(o);
            }
        }
        self.add_up();
    }

    /// The distances of row o from all medoids.
    fn row(&self, o: usize) -> &[F] {
        let k = self.medoids.len();
        &self.to_medoids[o * k..][..k]
    }

    fn find_nearest(&mut self, o: usize) {
        let mut nearest = (0, F::INFINITY);
        for (j, &distance) in self.row(o).iter().enumerate() {
            if distance < nearest.1 {
                nearest = (j as u32, distance);
            }
        }
        (self.owner[o], self.nearest[o]) = nearest;
        self.find_second(o);
    }

    /// The nearest of all medoids but the owner; infinitely far where there is none.
    fn find_second(&mut self, o: usize) {
        let owner = self.owner[o];
        let mut second = (owner, F::INFINITY);
        for (j, &distance) in self.row(o).iter().enumerate() {
            if distance < second.1 && j as u32 != owner {
                second = (j as u32, distance);
            }
        }
        (self.runner_up[o], self.second[o]) = second;
    }

    fn add_up(&mut self) {
        self.loss = self.sum(self.nearest.iter().copied());
        self.removal.fill(0.0);
        for (o, &owner) in self.owner.iter().enumerate() {
            let w = self.weights.map_or(1.0, |w| w[o]);
            self.removal[owner as usize] += w * (self.second[o].to_f64() - self.nearest[o].to_f64());
        }
    }

    fn sum(&self, distances: impl Iterator<Item = F>) -> f64 {
        match self.weights {
            None => distances.fold(0.0, |sum, distance| sum + distance.to_f64()),
            Some(w) => distances.zip(w).fold(0.0, |sum, (distance, w)| sum + w * distance.to_f64()),
        }
    }
}

/// Writes the distances from medoid j of k.
fn put<F: Float>(to_medoids: &mut [F], k: usize, j: usize, distances: &[F]) {
    to_medoids.iter_mut().skip(j).step_by(k).zip(distances).for_each(|(to, &distance)| *to = distance);
}
