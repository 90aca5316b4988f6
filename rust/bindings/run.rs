//! Threads and Ctrl-C, seen from Python.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use fulcra_core::kernels::simd::Level;
use fulcra_core::run::{Host, Run};
use fulcra_core::{Error, Result};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::errors::to_python;

/// What `set_num_threads` or a threadpoolctl limit said last; 0 is nothing.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// How many threads a computation that starts now would use.
#[pyfunction]
pub fn get_num_threads() -> usize {
    let from_environment = |name: &str| std::env::var(name).ok()?.trim().parse().ok().filter(|&n: &usize| n > 0);
    match THREADS.load(Ordering::Relaxed) {
        0 => from_environment("FULCRA_NUM_THREADS")
            .or_else(|| from_environment("OMP_NUM_THREADS"))
            .unwrap_or_else(usable_cpus),
        n => n,
    }
}

/// The CPUs that affinity and cgroup limits leave to this process. Looked up once in each: it reads files, which takes longer
/// than a prediction.
fn usable_cpus() -> usize {
    /// Process id in the upper half, number in the lower; 0 is not looked up.
    static KNOWN: AtomicU64 = AtomicU64::new(0);
    let process = u64::from(std::process::id()) << 32;
    let known = KNOWN.load(Ordering::Relaxed);
    if known & !u64::from(u32::MAX) == process {
        return (known & u64::from(u32::MAX)) as usize;
    }
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    KNOWN.store(process | cpus as u64, Ordering::Relaxed);
    cpus
}

/// Fixes the number of threads, or with None leaves it to the environment again.
#[pyfunction]
#[pyo3(signature = (n_threads))]
pub fn set_num_threads(n_threads: Option<usize>) -> PyResult<()> {
    if n_threads == Some(0) {
        return Err(PyValueError::new_err("n_threads=0 needs to be at least 1, or None"));
    }
    THREADS.store(n_threads.unwrap_or(0), Ordering::Relaxed);
    Ok(())
}

/// The instruction set in use: 'portable', 'avx2', 'avx512' or 'neon'.
#[pyfunction]
pub fn simd_level() -> &'static str {
    Level::detect().name()
}

/// The interpreter that called: asked for signals, and told by listeners. Keeps the exception that stopped the run.
#[derive(Default)]
pub struct Interpreter {
    raised: Mutex<Option<PyErr>>,
}

impl Interpreter {
    /// Runs Python; an exception stops the run and comes out of [`detached`].
    pub fn call<T>(&self, f: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T> {
        Python::attach(f).map_err(|error| {
            *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            Error::Interrupted
        })
    }
}

impl Host for Interpreter {
    fn interrupted(&self) -> bool {
        #[allow(clippy::redundant_closure_for_method_calls)] // the method is not general over the lifetime
        self.call(|py| py.check_signals()).is_err()
    }
}

/// Runs `f` without the interpreter's lock, with Ctrl-C looked for.
pub fn detached<T: Send>(py: Python<'_>, f: impl FnOnce(&Interpreter, &Run<'_>) -> Result<T> + Send) -> PyResult<T> {
    let threads = get_num_threads();
    let interpreter = Interpreter::default();
    py.detach(|| f(&interpreter, &Run::new(threads, &interpreter))).map_err(|error| {
        let raised = interpreter.raised.lock().unwrap_or_else(PoisonError::into_inner).take();
        raised.unwrap_or_else(|| to_python(error))
    })
}
