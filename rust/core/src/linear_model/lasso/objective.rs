//! What is minimised over columns of any scale, and how far from the minimum b can be:
//! P(b) = 1/2 ||y - Z b||^2 + sum_j l1_j |b_j| + 1/2 sum_j l2_j b_j^2.
//!
//! The gap is scikit-learn's, of the dual point s r: with a = Z^T r - l2 b and s = min(1, min_j l1_j / |a_j|), by formulation A of
//! Fercoq, Gramfort and Salmon (2015), "Mind the duality gap". Written out, what cancels in `primal - dual` cancels on paper:
//! gap = 1/2 (1 - s)^2 (||r||^2 + sum l2 b^2) + sum_j (l1_j |b_j| - s b_j a_j), sums of terms that are not negative. So a gap of
//! 1e-14 of ||y||^2 can be told, from products of columns alone too. Without l1 it is formulation B (Duenner et al. 2016), and
//! without any penalty the squared gradient.

/// The penalties of the columns in view, and whether coefficients must not be negative.
pub struct Penalty {
    /// (p,)
    pub l1: Vec<f64>,
    /// (p,)
    pub l2: Vec<f64>,
    /// Whether coefficients are at least 0.
    pub positive: bool,
}

impl Penalty {
    /// Of columns multiplied by `scale` and targets by `unit`: l1 and l2 as they count in the user's units.
    pub fn new(l1: f64, l2: f64, positive: bool, scale: impl Iterator<Item = f64> + Clone, unit: f64) -> Self {
        let finite = |value: f64| value.min(f64::MAX);
        Penalty {
            l1: scale.clone().map(|s| finite(l1 * s * unit)).collect(),
            l2: scale.map(|s| finite(l2 * s * s)).collect(),
            positive,
        }
    }

    /// Of the columns `chosen`.
    pub fn of(&self, chosen: &[usize]) -> Penalty {
        let pick = |all: &[f64]| chosen.iter().map(|&f| all[f]).collect();
        Penalty { l1: pick(&self.l1), l2: pick(&self.l2), positive: self.positive }
    }

    /// The best coefficient of a column of square `square` whose product with the residual without it is `z`.
    #[inline(always)]
    pub fn best(&self, j: usize, z: f64, square: f64) -> f64 {
        let l1 = self.l1[j];
        let beyond = if z > l1 {
            z - l1
        } else if z < -l1 && !self.positive {
            z + l1
        } else {
            return 0.0;
        };
        beyond / (square + self.l2[j])
    }

    /// `|a_j|`, of those signs that count.
    #[inline(always)]
    pub fn pull(&self, j: usize, b: f64, q: f64) -> f64 {
        let a = q - self.l2[j] * b;
        if self.positive { a.max(0.0) } else { a.abs() }
    }

    /// The duality gap at b with q = Z^T r and ||r||^2; `unit(j)` is what a column was multiplied by.
    pub fn gap(&self, b: &[f64], q: &[f64], square: f64, unit: impl Fn(usize) -> f64) -> f64 {
        let p = b.len();
        if self.l1.iter().all(|&l1| l1 == 0.0) {
            let one = |j: usize| {
                let (b, q, l2) = (b[j], q[j], self.l2[j]);
                if self.positive && q < 0.0 {
                    return if l2 > 0.0 {
                        0.5 * l2 * b * b - b * q
                    } else if b > 0.0 {
                        (q / unit(j)).powi(2)
                    } else {
                        0.0
                    };
                }
                if l2 > 0.0 { (q - l2 * b).powi(2) / (2.0 * l2) } else { (q / unit(j)).powi(2) }
            };
            return (0..p).map(one).sum();
        }
        let mut most = 1.0_f64;
        for j in 0..p {
            let pull = self.pull(j, b[j], q[j]);
            if pull > self.l1[j] {
                most = most.max(pull / self.l1[j]);
            }
        }
        let s = 1.0 / most;
        let (mut gap, mut ridge) = (0.0, 0.0);
        for j in (0..p).filter(|&j| b[j] != 0.0) {
            gap += self.l1[j] * b[j].abs() - s * b[j] * (q[j] - self.l2[j] * b[j]);
            ridge += self.l2[j] * b[j] * b[j];
        }
        gap + 0.5 * (1.0 - s).powi(2) * (square + ridge)
    }
}
