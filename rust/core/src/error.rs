//! What can go wrong, as values; the bindings turn each into one Python exception.

/// Every error of the crate. Nothing that a caller can pass makes it panic.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A cell of X is not finite, or so large that its squared distance to every centre overflows.
    #[error("X has {kind} at row {row}, column {column}")]
    NonFinite {
        /// The first such row.
        row: usize,
        /// The first such column of that row.
        column: usize,
        /// What stands there.
        kind: NonFinite,
    },
    /// Two sizes that must agree do not.
    #[error("{what} has {got}, needs {want}")]
    Shape {
        /// Which size.
        what: &'static str,
        /// As given.
        got: usize,
        /// As needed.
        want: usize,
    },
    /// A covariance matrix has no inverse.
    #[error("the covariance of cluster {cluster} is singular at column {column}")]
    Singular {
        /// The cluster, or the first of those that share it.
        cluster: usize,
        /// The first column that says nothing that the columns before it do not say.
        column: usize,
        /// Whether that is because it does not vary.
        constant: bool,
    },
    /// A value outside its domain.
    #[error("{0}")]
    Value(String),
    /// An allocation that this machine cannot hold.
    #[error("{what} needs {bytes} bytes, more than this machine's memory")]
    Memory {
        /// What was to be allocated.
        what: &'static str,
        /// Its size.
        bytes: usize,
    },
    /// The user asked to stop (Ctrl-C).
    #[error("interrupted")]
    Interrupted,
}

/// The ways in which a cell is unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonFinite {
    /// Not a number.
    Nan,
    /// Plus or minus infinity.
    Infinity,
    /// Finite, but its square is not (beyond 1e154).
    Overflow,
}

impl std::fmt::Display for NonFinite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            NonFinite::Nan => "NaN",
            NonFinite::Infinity => "infinity",
            NonFinite::Overflow => "overflow",
        })
    }
}

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;
