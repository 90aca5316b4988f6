//! Bisecting k-means.
//!
//! Steinbach, Karypis and Kumar (2000), "A comparison of document clustering techniques": all rows are one cluster, and the
//! worst cluster is parted in two by k-means until there are k. Parted clusters form a binary tree, and a row goes down it: at
//! each fork to the nearer of two centres, the first on a tie. Clusters are numbered from left to right.
//!
//! A cluster that cannot be parted (its rows are equal, or but one has weight) is left alone; when that holds for all of
//! them, empty clusters make up the number.
//!
//! Beside X there are 8 bytes a row, 20 bytes for each row of the cluster that is being parted, and a copy of its rows, unless that
//! is all of X; the memory of the largest copy serves them all.

use std::time::Instant;

use super::lloyd::{self, Fit, Start, Stop};
use super::subset::Subset;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::descent::Tree;
use crate::rows::Rows;
use crate::run::{self, Run};

/// Which cluster is the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worst {
    /// The one with the largest sum of squared distances to its centre.
    Inertia,
    /// The one with the most rows, by weight.
    Size,
}

/// What to do.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Number of clusters.
    pub k: usize,
    /// Iterations of one bisection, at most.
    pub max_iter: usize,
    /// On sum ||C_new - C_old||^2 of a bisection, relative to the mean variance of the columns over its rows.
    pub tol: f64,
    /// Which cluster is parted next.
    pub worst: Worst,
}

/// Who gives starts, and is told what became of them; both on the calling thread.
pub trait Guide {
    /// Where the bisection of these rows, None being all, may start.
    fn starts(&self, members: Option<&[u32]>) -> Result<Vec<Start>>;
    /// The rows were parted between these centres (2, d).
    fn parted(&self, centers: &[f64]) -> Result<()>;
}

/// One bisection.
#[derive(Clone, Copy, Debug)]
pub struct Bisection {
    /// Rows that it parted.
    pub size: usize,
    /// Iterations of its best start.
    pub n_iter: usize,
    /// Whether [`Rules::max_iter`] stopped them.
    pub cut_short: bool,
    /// Sum of squared distances of all rows to the centres of their clusters after it.
    pub inertia: f64,
    /// Wall time.
    pub seconds: f64,
}

/// A hierarchical clustering.
pub struct Clustering {
    /// (k, d), values of the data's type.
    pub centers: Vec<f64>,
    /// Where each row comes out of the tree.
    pub labels: Vec<i32>,
    /// Sum over rows of w ||x - c(label)||^2.
    pub inertia: f64,
    /// Clusters that have a row.
    pub n_found: usize,
    /// The forks.
    pub tree: Tree,
    /// All bisections.
    pub history: Vec<Bisection>,
}

/// A cluster that is not parted, yet.
struct Leaf {
    center: Vec<f64>,
    /// None is all rows.
    members: Option<Vec<u32>>,
    inertia: f64,
    /// Sum of the rows' weights, and how many have any.
    weight: f64,
    heavy: usize,
    /// Whether an attempt to part it failed.
    stuck: bool,
}

impl Leaf {
    fn score(&self, worst: Worst) -> f64 {
        match worst {
            Worst::Inertia => self.inertia,
            Worst::Size => self.weight,
        }
    }

    fn can_be_parted(&self) -> bool {
        self.heavy > 1 && !self.stuck
    }
}

/// Clusters `rows` into `rules.k`.
pub fn fit<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    rules: &Rules,
    guide: &dyn Guide,
    run: &Run<'_>,
) -> Result<Clustering> {
    lloyd::check(rows, weights, rules.k)?;
    let mut job = Job { rows, weights, rules, guide, run, room: Vec::new() };
    let all = Leaf {
        center: Vec::new(),
        members: None,
        inertia: f64::INFINITY,
        weight: f64::INFINITY,
        heavy: weights.map_or(rows.n(), |w| w.iter().filter(|&&w| w > 0.0).count()),
        stuck: false,
    };
    let (mut leaves, mut tree, mut history) = (vec![all], Tree::new(rows.d()), Vec::new());
    while leaves.len() < rules.k {
        let Some(at) = worst(&leaves, rules.worst) else { break };
        let began = Instant::now();
        let Some((halves, fit)) = job.bisect(&leaves[at])? else {
            leaves[at].stuck = true;
            continue;
        };
        guide.parted(&fit.centers)?;
        tree.fork(at, &fit.centers);
        leaves.splice(at..=at, halves);
        history.push(Bisection {
            size: fit.labels.len(),
            n_iter: fit.n_iter,
            cut_short: fit.stop == Stop::MaxIter,
            inertia: leaves.iter().map(|leaf| leaf.inertia).sum(),
            seconds: began.elapsed().as_secs_f64(),
        });
    }
    if let [all] = &mut leaves[..] {
        *all = job.whole()?;
    }
    let n_found = leaves.len();
    for at in n_found - 1..rules.k - 1 {
        let center = leaves[at].center.clone();
        tree.fork(at, &center.repeat(2));
        leaves.push(Leaf { center, members: Some(Vec::new()), inertia: 0.0, weight: 0.0, heavy: 0, stuck: true });
    }
    let mut labels = vec![0; rows.n()];
    for (j, leaf) in leaves.iter().enumerate() {
        leaf.members.iter().flatten().for_each(|&i| labels[i as usize] = j as i32);
    }
    let inertia = leaves.iter().map(|leaf| leaf.inertia).sum();
    let centers = leaves.into_iter().flat_map(|leaf| leaf.center).collect();
    Ok(Clustering { centers, labels, inertia, n_found, tree, history })
}

/// The first of the worst leaves that can be parted.
fn worst(leaves: &[Leaf], by: Worst) -> Option<usize> {
    let candidates = (0..leaves.len()).filter(|&at| leaves[at].can_be_parted());
    candidates.reduce(|worst, at| if leaves[at].score(by) > leaves[worst].score(by) { at } else { worst })
}

struct Job<'a, F: Float> {
    rows: &'a Rows<'a, F>,
    weights: Option<&'a [f64]>,
    rules: &'a Rules,
    guide: &'a dyn Guide,
    run: &'a Run<'a>,
    /// For copies of rows.
    room: Vec<F>,
}

impl<F: Float> Job<'_, F> {
    /// Parts a leaf in two by k-means; None where one half would be empty.
    fn bisect(&mut self, leaf: &Leaf) -> Result<Option<([Leaf; 2], Fit)>> {
        let d = self.rows.d();
        let starts = self.guide.starts(leaf.members.as_deref())?;
        let copy = leaf
            .members
            .as_ref()
            .map(|members| Subset::new(self.rows, self.weights, members, std::mem::take(&mut self.room), self.run));
        let copy = copy.transpose()?;
        let (rows, weights) = match &copy {
            Some(copy) => (copy.rows()?, copy.weights()),
            None => (*self.rows, self.weights),
        };
        let fit = lloyd::fit(&rows, weights, &starts, &self.lloyd_rules(2), None, self.run)?;
        if let Some(copy) = copy {
            self.room = copy.into_room();
        }
        if fit.n_found(2) < 2 {
            return Ok(None);
        }
        let mut halves = part(leaf.members.as_deref(), &fit, self.run)?;
        for (side, half) in halves.iter_mut().enumerate() {
            half.center = fit.centers[side * d..][..d].to_vec();
        }
        Ok(Some((halves, fit)))
    }

    /// All rows around their mean.
    fn whole(&self) -> Result<Leaf> {
        let start = Start::Centers(vec![0.0; self.rows.d()]);
        let fit = lloyd::fit(self.rows, self.weights, &[start], &self.lloyd_rules(1), None, self.run)?;
        Ok(Leaf { center: fit.centers, members: None, inertia: fit.inertia, weight: 0.0, heavy: 0, stuck: true })
    }

    fn lloyd_rules(&self, k: usize) -> lloyd::Rules {
        let Rules { max_iter, tol, .. } = *self.rules;
        lloyd::Rules {
            k,
            max_iter,
            tol,
            shift_tol: None,
            inertia_tol: None,
            every_distance: false,
            breathing: false,
            on_sphere: false,
        }
    }
}

/// The rows of both labels, in order, without their centres.
fn part(members: Option<&[u32]>, fit: &Fit, run: &Run<'_>) -> Result<[Leaf; 2]> {
    /// Rows that a thread takes at a time, and multiply-adds in the time that one takes.
    const LENGTH: usize = 1 << 14;
    const WORK: usize = 40;
    let (n, labels) = (fit.labels.len(), &fit.labels);
    let work = n * WORK;
    let ranges = run::ranges(n, LENGTH);
    let rights =
        run.map(ranges.clone(), work, |range, _| Ok(labels[range].iter().filter(|&&label| label == 1).count()))?;
    let right = rights.iter().sum();
    let mut lists = [n - right, right].map(|size| vec![0; size]);
    let [mut left_list, mut right_list] = lists.each_mut().map(Vec::as_mut_slice);
    let mut tasks = Vec::with_capacity(ranges.len());
    for (range, right) in ranges.into_iter().zip(rights) {
        let left = range.len() - right;
        tasks.push((
            range,
            left_list.split_off_mut(..left).expect("as many as were counted"),
            right_list.split_off_mut(..right).expect("as many as were counted"),
        ));
    }
    run.map(tasks, work, |(range, left, right), _| {
        // A row is written to both and kept where it belongs: a branch would be mispredicted. Behind the last there is no room.
        let (mut on_left, mut on_right) = (0, 0);
        for i in range {
            let member = members.map_or(i as u32, |members| members[i]);
            let is_right = labels[i] == 1;
            if let Some(to) = left.get_mut(on_left) {
                *to = member;
            }
            if let Some(to) = right.get_mut(on_right) {
                *to = member;
            }
            on_left += usize::from(!is_right);
            on_right += usize::from(is_right);
        }
        Ok(())
    })?;
    let mut tallies = fit.tallies.iter();
    Ok(lists.map(|members| {
        let tally = tallies.next().copied().unwrap_or_default();
        Leaf {
            center: Vec::new(),
            members: Some(members),
            inertia: tally.inertia,
            weight: tally.weight,
            heavy: tally.rows,
            stuck: false,
        }
    }))
}
