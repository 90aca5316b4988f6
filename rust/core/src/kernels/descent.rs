//! Rows down a binary tree: at each fork to the nearer of two centres.
//!
//! Which is nearer, the definition decides (see [`super::nearest`]): the first on a tie. Dense rows are held against both
//! ([`second_is_nearer`]).
//!
//! Sparse rows are held against both at once: D(x, c) - D(x, c') = (||c||^2 - ||c'||^2) - 2 x.(c - c'), over the stored cells.
//! With X, C and C' the squared norms and s = X + C + C', the norms err by at most (d + 1) u (C + C'), the difference of the
//! centres and its product with x by (d + 2) u |x| (|c| + |c'|) <= (d + 2) u s, and the definition by (d + 2) u times each D, which
//! is at most 2 (X + C). All of it is below 8 (d + 2) u s; twice that pays for what is of second order.

use std::ops::Range;

use super::direct::distance;
use super::sides::second_is_nearer;
use super::simd::{Level, Simd, Task};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::rows::{Csr, Dense, Rows};
use crate::run::{self, Run};

/// Rows between two looks at whether to stop.
const STRIP: usize = 64;

/// A binary tree whose leaves are numbered from left to right.
pub struct Tree {
    d: usize,
    /// The forks' centres, (`n_forks`, 2, d).
    centers: Vec<f64>,
    /// Where a fork's branches lead: j to fork j, which comes later, and -1 - j to leaf j. Fork 0 is the root.
    branches: Vec<[i32; 2]>,
}

impl Tree {
    /// A tree of one leaf, for rows of `d` features.
    pub fn new(d: usize) -> Tree {
        Tree { d, centers: Vec::new(), branches: Vec::new() }
    }

    /// A tree as [`Tree::centers`] and [`Tree::branches`] describe it.
    pub fn from_parts(d: usize, centers: Vec<f64>, branches: &[i32]) -> Result<Tree> {
        let (pairs, _) = branches.as_chunks();
        let n = pairs.len();
        let sound = |(fork, &to): (usize, &i32)| match usize::try_from(to) {
            Ok(to) => to > fork / 2 && to < n,
            Err(_) => to >= -1 - n as i32,
        };
        if d == 0 || centers.len() != 2 * n * d || branches.len() != 2 * n || !branches.iter().enumerate().all(sound) {
            return Err(Error::Value("the tree of clusters is damaged".into()));
        }
        Ok(Tree { d, centers, branches: pairs.to_vec() })
    }

    /// Puts a fork with these centres (2, d) in the place of leaf `at`.
    pub fn fork(&mut self, at: usize, centers: &[f64]) {
        let (new, leaf) = (self.branches.len() as i32, -1 - at as i32);
        for to in self.branches.iter_mut().flatten() {
            if *to == leaf {
                *to = new;
            } else if *to < leaf {
                *to -= 1;
            }
        }
        self.branches.push([leaf, leaf - 1]);
        self.centers.extend_from_slice(centers);
    }

    /// The forks' centres, (`n_forks`, 2, d).
    pub fn centers(&self) -> &[f64] {
        &self.centers
    }

    /// Where the forks' branches lead, (`n_forks`, 2): j to fork j, -1 - j to leaf j.
    pub fn branches(&self) -> &[i32] {
        self.branches.as_flattened()
    }

    /// The leaf that each row comes to.
    pub fn leaves<F: Float>(&self, rows: &Rows<'_, F>, run: &Run<'_>) -> Result<Vec<i32>> {
        let n = rows.n();
        let level = Level::detect();
        let differences = match rows {
            Rows::Dense(_) => Vec::new(),
            Rows::Csr(_) => self.differences(),
        };
        let mut labels = vec![0; n];
        let work = (rows.size() / n.max(1) + 2) * 4 * (self.branches.len() + 1).ilog2().max(1) as usize;
        let length = run::rows_per_task(n, work);
        let tasks: Vec<_> = run::ranges(n, length).into_iter().zip(labels.chunks_mut(length)).collect();
        run.map(tasks, n.saturating_mul(work), |(range, labels), pulse| {
            for (strip, labels) in run::ranges(range.len(), STRIP).into_iter().zip(labels.chunks_mut(STRIP)) {
                pulse.check()?;
                let strip = range.start + strip.start..range.start + strip.end;
                let first = strip.start;
                let flaw = match rows {
                    Rows::Dense(rows) => level.run(Descend { tree: self, rows, strip, labels }),
                    Rows::Csr(rows) => self.descend_csr(&differences, rows, strip, labels),
                };
                if let Some(at) = flaw {
                    return Err(rows.blame(first + at));
                }
            }
            Ok(())
        })?;
        Ok(labels)
    }

    #[inline(always)]
    fn pair(&self, fork: usize) -> (&[f64], &[f64]) {
        self.centers[2 * fork * self.d..][..2 * self.d].split_at(self.d)
    }

    /// Follows the branches, `turn` telling of each fork's whether it is the right one; None where it cannot tell.
    #[inline(always)]
    fn follow(&self, mut turn: impl FnMut(usize) -> Option<bool>) -> Option<i32> {
        let mut at = 0;
        loop {
            let to = self.branches[at][usize::from(turn(at)?)];
            match usize::try_from(to) {
                Ok(fork) => at = fork,
                Err(_) => return Some(-1 - to),
            }
        }
    }

    /// By the definition: whether the second centre is nearer. None where neither distance is finite.
    fn turn_exactly<F: Float>(&self, fork: usize, row: &[F]) -> Option<bool> {
        let (left, right) = self.pair(fork);
        let (left, right) = (distance(row, left), distance(row, right));
        // Not `min`, which passes over NaN.
        (left < f64::INFINITY || right < f64::INFINITY).then_some(right < left)
    }

    fn differences(&self) -> Vec<Difference> {
        let norm = |center: &[f64]| center.iter().map(|c| c * c).sum::<f64>();
        (0..self.branches.len())
            .map(|fork| {
                let (left, right) = self.pair(fork);
                Difference {
                    centers: left.iter().zip(right).map(|(left, right)| left - right).collect(),
                    norms: norm(left) - norm(right),
                    sum: norm(left) + norm(right),
                }
            })
            .collect()
    }

    /// Labels the rows of `strip`; the position of the first unusable one, if there is one.
    fn descend_csr<F: Float>(
        &self,
        differences: &[Difference],
        rows: &Csr<'_, F>,
        strip: Range<usize>,
        labels: &mut [i32],
    ) -> Option<usize> {
        let slack = 16.0 * (self.d + 2) as f64 * f64::UNIT_ROUNDOFF;
        let mut dense = Vec::new();
        for (at, (label, i)) in labels.iter_mut().zip(strip).enumerate() {
            let (columns, values) = rows.row(i);
            let square: f64 = values.iter().map(|x| x.to_f64() * x.to_f64()).sum();
            dense.clear();
            let leaf = self.follow(|fork| {
                let Difference { centers, norms, sum } = &differences[fork];
                let cells = columns.iter().zip(values);
                let product: f64 = cells.map(|(&f, x)| x.to_f64() * centers[f as usize]).sum();
                let farther = norms - 2.0 * product;
                let bound = slack * (square + sum);
                if farther.abs() > bound && bound < f64::INFINITY {
                    return Some(farther > 0.0);
                }
                if dense.is_empty() {
                    dense.resize(self.d, 0.0);
                    Rows::Csr(*rows).write_row(i, &mut dense);
                }
                self.turn_exactly(fork, &dense)
            });
            match leaf {
                Some(leaf) => *label = leaf,
                None => return Some(at),
            }
        }
        None
    }
}

/// What CSR rows need of a fork.
struct Difference {
    /// c - c'
    centers: Vec<f64>,
    /// ||c||^2 - ||c'||^2, and the sum of both.
    norms: f64,
    sum: f64,
}

/// Labels the dense rows of `strip`; the position of the first unusable one, if there is one.
struct Descend<'a, F> {
    tree: &'a Tree,
    rows: &'a Dense<'a, F>,
    strip: Range<usize>,
    labels: &'a mut [i32],
}

impl<F: Float> Task<f64> for Descend<'_, F> {
    type Out = Option<usize>;

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Option<usize> {
        let Descend { tree, rows, strip, labels } = self;
        for (at, (label, i)) in labels.iter_mut().zip(strip).enumerate() {
            let leaf = tree.follow(|fork| second_is_nearer(rows.row(i), tree.pair(fork)));
            match leaf {
                Some(leaf) => *label = leaf,
                None => return Some(at),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leaves from left to right: fork 0 parts 0 from {1, 2}, fork 1 parts {1, 2} into {1} and {2}, and so on.
    fn tree() -> Tree {
        let mut tree = Tree::new(2);
        tree.fork(0, &[0.0, 0.0, 8.0, 8.0]);
        tree.fork(1, &[8.0, 0.0, 8.0, 16.0]);
        tree.fork(0, &[-1.0, 0.0, 1.0, 0.0]);
        tree
    }

    #[test]
    fn forks_renumber_the_leaves_behind_them() {
        let tree = tree();
        assert_eq!(tree.branches(), [2, 1, -3, -4, -1, -2]);
        let again = Tree::from_parts(2, tree.centers().to_vec(), tree.branches()).unwrap();
        assert_eq!(again.branches(), tree.branches());
        for damaged in [[0, 1, -3, -4, -1, -2], [2, 3, -3, -4, -1, -2], [2, 1, -3, -5, -1, -2]] {
            assert!(Tree::from_parts(2, tree.centers().to_vec(), &damaged).is_err());
        }
    }

    #[test]
    fn rows_on_the_border_go_left_dense_or_sparse() {
        // On the border of forks 0, 1 and 2, and a hair beside them.
        let hair = f64::EPSILON * 4.0;
        let values =
            [0.0, 8.0, 8.0, 8.0, 0.0, 0.0, hair, 0.0, -hair, 0.0, 8.0, 8.0 + 2.0 * hair, 0.0, 8.0 + 2.0 * hair];
        let want = [0, 2, 0, 1, 0, 3, 3];
        let dense = Rows::Dense(Dense::new(&values, 7, 2).unwrap());
        let columns: Vec<i32> = (0..14).map(|cell| cell % 2).collect();
        let starts: Vec<i64> = (0..8).map(|row| 2 * row).collect();
        let csr = Rows::Csr(Csr::new(&values, &columns, &starts, 2).unwrap());
        for rows in [dense, csr] {
            assert_eq!(tree().leaves(&rows, &Run::alone()).unwrap(), want);
        }
    }

    #[test]
    fn what_is_not_finite_is_named() {
        let dense = Rows::Dense(Dense::new(&[1.0_f32, 2.0, 3.0, f32::NAN], 2, 2).unwrap());
        let csr = Rows::Csr(Csr::new(&[1.0_f32, 2.0, 3.0, f32::NAN], &[0, 1, 0, 1], &[0, 2, 4], 2).unwrap());
        for rows in [dense, csr] {
            assert_eq!(tree().leaves(&rows, &Run::alone()), Err(rows.blame(1)));
        }
    }
}
