//! What a prediction p costs, and its slope, for a target y: labels are -1 and 1, for the log loss 0 and 1.

/// A loss of one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// max(0, threshold - p y): 1 is the support vector machine's, 0 the perceptron's.
    Hinge(f64),
    /// max(0, 1 - p y)^2
    SquaredHinge,
    /// log(1 + e^p) - y p, y in {0, 1}
    Log,
    /// Zhang (2004): the squared hinge, linear below -1.
    ModifiedHuber,
    /// (p - y)^2 / 2
    Squared,
    /// Half the square up to epsilon, linear beyond.
    Huber(f64),
    /// max(0, |y - p| - epsilon)
    EpsilonInsensitive(f64),
    /// max(0, |y - p| - epsilon)^2
    SquaredEpsilonInsensitive(f64),
}

impl Loss {
    /// By scikit-learn's name.
    pub fn named(name: &str, epsilon: f64) -> Option<Self> {
        Some(match name {
            "hinge" => Loss::Hinge(1.0),
            "perceptron" => Loss::Hinge(0.0),
            "squared_hinge" => Loss::SquaredHinge,
            "log_loss" => Loss::Log,
            "modified_huber" => Loss::ModifiedHuber,
            "squared_error" => Loss::Squared,
            "huber" => Loss::Huber(epsilon),
            "epsilon_insensitive" => Loss::EpsilonInsensitive(epsilon),
            "squared_epsilon_insensitive" => Loss::SquaredEpsilonInsensitive(epsilon),
            _ => return None,
        })
    }

    /// The target of rows that are not of the class.
    pub fn negative(self) -> f64 {
        if self == Loss::Log { 0.0 } else { -1.0 }
    }

    /// The cost.
    #[inline(always)]
    pub fn value(self, y: f64, p: f64) -> f64 {
        match self {
            Loss::Hinge(threshold) => (threshold - p * y).max(0.0),
            Loss::SquaredHinge => (1.0 - p * y).max(0.0).powi(2),
            // log(1 + e^p) without the overflow
            Loss::Log => p.max(0.0) + (-p.abs()).exp().ln_1p() - y * p,
            Loss::ModifiedHuber if p * y >= -1.0 => (1.0 - p * y).max(0.0).powi(2),
            Loss::ModifiedHuber => -4.0 * p * y,
            Loss::Squared => 0.5 * (p - y).powi(2),
            Loss::Huber(epsilon) => {
                let r = (y - p).abs();
                if r <= epsilon { 0.5 * r * r } else { epsilon * (r - 0.5 * epsilon) }
            }
            Loss::EpsilonInsensitive(epsilon) => ((y - p).abs() - epsilon).max(0.0),
            Loss::SquaredEpsilonInsensitive(epsilon) => ((y - p).abs() - epsilon).max(0.0).powi(2),
        }
    }

    /// Its slope in p.
    #[inline(always)]
    pub fn slope(self, y: f64, p: f64) -> f64 {
        let z = p * y;
        match self {
            Loss::Hinge(threshold) if z <= threshold => -y,
            Loss::ModifiedHuber if z < -1.0 => -4.0 * y,
            Loss::SquaredHinge | Loss::ModifiedHuber if z < 1.0 => -2.0 * y * (1.0 - z),
            Loss::Log => logistic(p) - y,
            Loss::Squared => p - y,
            Loss::Huber(epsilon) => (p - y).clamp(-epsilon, epsilon),
            Loss::EpsilonInsensitive(epsilon) if y - p > epsilon => -1.0,
            Loss::EpsilonInsensitive(epsilon) if p - y > epsilon => 1.0,
            Loss::SquaredEpsilonInsensitive(epsilon) if y - p > epsilon => -2.0 * (y - p - epsilon),
            Loss::SquaredEpsilonInsensitive(epsilon) if p - y > epsilon => 2.0 * (p - y - epsilon),
            Loss::Hinge(_)
            | Loss::SquaredHinge
            | Loss::ModifiedHuber
            | Loss::EpsilonInsensitive(_)
            | Loss::SquaredEpsilonInsensitive(_) => 0.0,
        }
    }
}

/// 1 / (1 + e^-p), without overflow.
#[inline(always)]
pub fn logistic(p: f64) -> f64 {
    let small = (-p.abs()).exp();
    if p >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 9] = [
        "hinge",
        "perceptron",
        "squared_hinge",
        "log_loss",
        "modified_huber",
        "squared_error",
        "huber",
        "epsilon_insensitive",
        "squared_epsilon_insensitive",
    ];

    #[test]
    fn slopes_are_those_of_the_values() {
        for name in ALL {
            let loss = Loss::named(name, 0.3).unwrap();
            for y in [1.0, loss.negative()] {
                for p in [-3.71, -1.13, -0.57, 0.11, 0.83, 1.19, 4.07] {
                    let h = 1e-6;
                    let differences = (loss.value(y, p + h) - loss.value(y, p - h)) / (2.0 * h);
                    assert!((differences - loss.slope(y, p)).abs() < 1e-8, "{name} {y} {p}");
                }
            }
        }
    }

    #[test]
    fn far_away_nothing_overflows() {
        assert_eq!(Loss::Log.value(1.0, -1e300), 1e300);
        assert_eq!((Loss::Log.slope(1.0, -800.0), Loss::Log.slope(0.0, 800.0)), (-1.0, 1.0));
    }
}
