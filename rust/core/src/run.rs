//! `Run`: how a long computation is spread over threads, and how it is stopped.
//!
//! The thread that calls an algorithm drives it and works with it; `threads - 1` workers of a private pool help in each
//! parallel region. The pool is built on first use and belongs to the process that built it: a forked child finds another
//! process id in it and builds its own, leaking the parent's, whose threads do not exist there. Finding it takes no lock,
//! since a fork could happen while another thread holds it.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use crate::error::{Error, Result};
use crate::kernels::simd::float_mode::Ieee;

/// Who is asked, on the calling thread, whether to stop.
pub trait Host {
    /// True once the user has asked to stop.
    fn interrupted(&self) -> bool;
}

/// A host that never stops anything.
pub struct Unattended;

impl Host for Unattended {
    fn interrupted(&self) -> bool {
        false
    }
}

/// How often the host is asked; a fifth of what a person notices.
const LOOK: Duration = Duration::from_millis(50);

/// Regions of less work than this (multiply-adds, about 25 microseconds) run on the caller alone: waking the pool costs
/// as much.
const WORTH_SHARING: usize = 200_000;

/// How long threads stay awake for each other: workers between the regions of a computation, its driver at a region's end.
/// To fall asleep and be woken, above all on a virtual machine whose idle processors are lent elsewhere, takes a good part of
/// a short region.
const LINGER: Duration = Duration::from_millis(1);

/// Goes up whenever a region begins or a computation ends: then no worker lingers any more.
static REGIONS: AtomicUsize = AtomicUsize::new(0);

/// Gives way to whoever has something to do, until it is `over` or [`LINGER`] is.
fn linger_until(over: impl Fn() -> bool) {
    let since = Instant::now();
    while !over() && since.elapsed() < LINGER {
        std::thread::yield_now();
    }
}

/// The resources of one computation. Lives on the thread that drives it.
pub struct Run<'a> {
    threads: usize,
    stop: AtomicBool,
    host: &'a dyn Host,
    looked: Cell<Instant>,
    _ieee: Ieee,
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        REGIONS.fetch_add(1, Ordering::Relaxed);
    }
}

impl<'a> Run<'a> {
    /// A computation on `threads` threads, the caller among them.
    pub fn new(threads: usize, host: &'a dyn Host) -> Self {
        Run {
            threads: threads.max(1),
            stop: AtomicBool::new(false),
            host,
            looked: Cell::new(Instant::now()),
            _ieee: Ieee::enter(),
        }
    }

    /// A computation on the calling thread alone that nobody stops.
    pub fn alone() -> Run<'static> {
        Run::new(1, &Unattended)
    }

    /// How many threads compute.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Whether a region of so much work is spread over threads.
    pub fn shares(&self, work: usize) -> bool {
        self.threads > 1 && work >= WORTH_SHARING
    }

    /// Asks the host, if it was not asked lately.
    pub fn check(&self) -> Result<()> {
        self.pulse().check()
    }

    /// The driving thread's, for work that is not worth sharing.
    pub fn pulse(&self) -> Pulse<'_> {
        Pulse { stop: &self.stop, host: Some((self.host, &self.looked)) }
    }

    /// Applies `f` to every item and returns the results in the items' order, whatever the number of threads.
    ///
    /// `work` estimates the whole in multiply-adds. A long `f` calls [`Pulse::check`] every few milliseconds. The error
    /// returned is that of the first failing item in order.
    pub fn map<I: Send, T: Send>(
        &self,
        items: Vec<I>,
        work: usize,
        f: impl Fn(I, &Pulse<'_>) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        self.map_with(items, work, |(): &mut (), item, pulse| f(item, pulse))
    }

    /// [`Run::map`] with a scratch space that a thread hands from item to item: memory that is freed and taken again for
    /// each goes back to the operating system and costs page faults. Nothing in it may reach a result.
    pub fn map_with<S: Default, I: Send, T: Send>(
        &self,
        items: Vec<I>,
        work: usize,
        f: impl Fn(&mut S, I, &Pulse<'_>) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let helpers = (self.threads - 1).min(items.len().saturating_sub(1));
        if helpers == 0 || !self.shares(work) {
            let pulse = self.pulse();
            let mut scratch = S::default();
            return items
                .into_iter()
                .map(|item| {
                    pulse.check()?;
                    f(&mut scratch, item, &pulse)
                })
                .collect();
        }
        let slots: Vec<Mutex<Slot<I, T>>> = items.into_iter().map(|item| Mutex::new(Slot::Todo(item))).collect();
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let work_through = |pulse: &Pulse<'_>| {
            let mut scratch = S::default();
            // Items are handed out in order, so whatever precedes a failed one has been started and will finish.
            while !failed.load(Ordering::Relaxed) {
                let Some(slot) = slots.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                let lock = || slot.lock().unwrap_or_else(PoisonError::into_inner);
                let Slot::Todo(item) = std::mem::replace(&mut *lock(), Slot::Taken) else { continue };
                let result = pulse.check().and_then(|()| f(&mut scratch, item, pulse));
                failed.fetch_or(result.is_err(), Ordering::Relaxed);
                *lock() = Slot::Done(result);
            }
        };
        let stop = &self.stop;
        let working = AtomicUsize::new(helpers);
        pool(helpers).in_place_scope(|scope| {
            for _ in 0..helpers {
                scope.spawn(|_| {
                    let _ieee = Ieee::enter();
                    work_through(&Pulse { stop, host: None });
                    // As a job of its own: this region is over.
                    let seen = REGIONS.load(Ordering::Relaxed);
                    rayon::spawn(move || linger_until(|| REGIONS.load(Ordering::Relaxed) != seen));
                    working.fetch_sub(1, Ordering::Relaxed);
                });
            }
            REGIONS.fetch_add(1, Ordering::Relaxed);
            work_through(&self.pulse());
            linger_until(|| working.load(Ordering::Relaxed) == 0);
        });
        let mut results = Vec::with_capacity(slots.len());
        for slot in slots {
            match slot.into_inner().unwrap_or_else(PoisonError::into_inner) {
                Slot::Done(result) => results.push(result?),
                Slot::Todo(_) | Slot::Taken => return Err(Error::Interrupted), // only ever behind a failed one
            }
        }
        Ok(results)
    }
}

enum Slot<I, T> {
    Todo(I),
    Taken,
    Done(Result<T>),
}

/// An item that is a computation of its own is stopped with the whole.
impl Host for Pulse<'_> {
    fn interrupted(&self) -> bool {
        self.check().is_err()
    }
}

/// What a running item may ask: whether to go on.
pub struct Pulse<'a> {
    stop: &'a AtomicBool,
    /// Only the driving thread may ask the host.
    host: Option<(&'a dyn Host, &'a Cell<Instant>)>,
}

impl Pulse<'_> {
    /// `Err(Interrupted)` once the host wants to stop.
    pub fn check(&self) -> Result<()> {
        if let Some((host, looked)) = self.host
            && looked.get().elapsed() >= LOOK
        {
            looked.set(Instant::now());
            if host.interrupted() {
                self.stop.store(true, Ordering::Relaxed);
            }
        }
        if self.stop.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }
}

struct Pool {
    process: u32,
    workers: usize,
    threads: rayon::ThreadPool,
}

/// A pool of this process with at least `workers` threads.
fn pool(workers: usize) -> impl std::ops::Deref<Target = rayon::ThreadPool> {
    static POOL: ArcSwapOption<Pool> = ArcSwapOption::const_empty();

    struct InUse(Arc<Pool>);
    impl std::ops::Deref for InUse {
        type Target = rayon::ThreadPool;
        fn deref(&self) -> &rayon::ThreadPool {
            &self.0.threads
        }
    }

    let process = std::process::id();
    let current = POOL.load_full();
    if let Some(pool) = &current
        && pool.process == process
        && pool.workers >= workers
    {
        return InUse(Arc::clone(pool));
    }
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(workers)
        .thread_name(|i| format!("fulcra-{i}"))
        .build()
        .expect("the operating system starts threads");
    let built = Arc::new(Pool { process, workers, threads });
    let replaced = POOL.swap(Some(Arc::clone(&built)));
    for inherited in [current, replaced].into_iter().flatten().filter(|pool| pool.process != process) {
        // Dropping it would wait for, or wake, threads that exist in the parent only.
        std::mem::forget(inherited);
    }
    InUse(built)
}

/// Rows in one task: about 4 million multiply-adds (a tenth of a millisecond) in whole blocks of every kernel, or where rows
/// are expensive a 64th of all rows, so that the few that need a second look share its cost. From the shape alone, never
/// from the threads.
pub fn rows_per_task(n: usize, work_per_row: usize) -> usize {
    const WORK: usize = 1 << 22;
    /// A multiple of all kernels' blocks of 4 to 64 rows.
    const BLOCK: usize = 64;
    let enough = (WORK / work_per_row.max(1)).next_multiple_of(BLOCK).clamp(BLOCK, 1 << 16);
    let fair = (n / 64).next_multiple_of(BLOCK).clamp(BLOCK, 12 * BLOCK);
    enough.max(fair).min(n.max(1))
}

/// `0..n` in consecutive ranges of `length`, the last one shorter.
pub fn ranges(n: usize, length: usize) -> Vec<std::ops::Range<usize>> {
    (0..n).step_by(length.max(1)).map(|from| from..(from + length).min(n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_for_any_number_of_threads() {
        for threads in [1, 2, 3, 8] {
            let run = Run::new(threads, &Unattended);
            let squares = run.map((0..1000_usize).collect(), usize::MAX, |i, _| Ok(i * i)).unwrap();
            assert_eq!(squares, (0..1000).map(|i| i * i).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_error_in_order_is_returned() {
        let run = Run::new(3, &Unattended);
        for _ in 0..50 {
            let result = run.map((0..100_usize).collect(), usize::MAX, |i, _| {
                if i >= 40 { Err(Error::Shape { what: "item", got: i, want: 0 }) } else { Ok(i) }
            });
            assert_eq!(result, Err(Error::Shape { what: "item", got: 40, want: 0 }));
        }
    }

    #[test]
    fn an_interruption_ends_a_long_region_soon() {
        struct Impatient(Instant);
        impl Host for Impatient {
            fn interrupted(&self) -> bool {
                self.0.elapsed() > Duration::from_millis(60)
            }
        }
        let started = Instant::now();
        let host = Impatient(started);
        let run = Run::new(2, &host);
        let result = run.map((0..100_000_usize).collect(), usize::MAX, |_, _| {
            std::thread::sleep(Duration::from_millis(1));
            Ok(())
        });
        assert_eq!(result, Err(Error::Interrupted));
        assert!(started.elapsed() < Duration::from_millis(400));
    }
}
