//! Which rows belong to which cluster.

/// The rows with weight of each cluster, in their order.
pub struct Members {
    rows: Vec<u32>,
    starts: Vec<usize>,
}

impl Members {
    /// By the rows' `labels` of 0..k.
    pub fn new(labels: &[i32], weights: Option<&[f64]>, k: usize) -> Members {
        let counted = |i: usize| weights.is_none_or(|w| w[i] > 0.0);
        let mut starts = vec![0; k + 1];
        for (i, &label) in labels.iter().enumerate() {
            starts[label as usize + 1] += usize::from(counted(i));
        }
        (0..k).for_each(|j| starts[j + 1] += starts[j]);
        let mut next = starts.clone();
        let mut rows = vec![0; starts[k]];
        for (i, &label) in labels.iter().enumerate() {
            if counted(i) {
                rows[next[label as usize]] = i as u32;
                next[label as usize] += 1;
            }
        }
        Members { rows, starts }
    }

    /// Those of cluster j.
    pub fn of(&self, j: usize) -> &[u32] {
        &self.rows[self.starts[j]..self.starts[j + 1]]
    }
}
