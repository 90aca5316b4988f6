//! What this machine's memory holds.

use crate::error::{Error, Result};

/// An error where the machine cannot hold so many bytes: the system would grant them and then kill the process.
pub fn require(what: &'static str, bytes: usize) -> Result<()> {
    if bytes > physical() { Err(Error::Memory { what, bytes }) } else { Ok(()) }
}

/// Zeros, or an error where the machine cannot hold them.
pub fn zeros<T: Copy + Default>(what: &'static str, n: usize) -> Result<Vec<T>> {
    let bytes = n.saturating_mul(size_of::<T>());
    require(what, bytes)?;
    let mut values = Vec::new();
    values.try_reserve_exact(n).map_err(|_| Error::Memory { what, bytes })?;
    values.resize(n, T::default());
    Ok(values)
}

/// Bytes of memory of this machine; all there could be where it cannot be told.
fn physical() -> usize {
    let told = std::fs::read_to_string("/proc/meminfo").ok().and_then(|info| {
        let line = info.lines().find(|line| line.starts_with("MemTotal:"))?;
        line.split_whitespace().nth(1)?.parse::<usize>().ok()
    });
    told.map_or(usize::MAX, |kib| kib.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_holds_is_refused_with_the_figure() {
        assert_eq!(zeros::<f32>("a row", 3).unwrap(), [0.0; 3]);
        let bytes = usize::MAX;
        assert_eq!(zeros::<f64>("a matrix", usize::MAX), Err(Error::Memory { what: "a matrix", bytes }));
    }
}
