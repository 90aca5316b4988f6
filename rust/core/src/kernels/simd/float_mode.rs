//! The CPU's floating-point mode.
//!
//! Another library in the process may have switched on flush-to-zero (code compiled with `-ffast-math` does so when it
//! is loaded) or changed the rounding, and new threads inherit that. The library's numbers must not depend on it.

#![allow(unsafe_code)]

/// Keeps IEEE arithmetic on this thread (round to nearest, subnormals kept) until dropped, then puts back what was.
pub struct Ieee {
    before: u64,
}

impl Ieee {
    /// Switches this thread to IEEE arithmetic.
    #[must_use]
    pub fn enter() -> Ieee {
        let before = read();
        if before & CONTROL != DEFAULT {
            write(DEFAULT);
        }
        Ieee { before }
    }
}

impl Drop for Ieee {
    fn drop(&mut self) {
        if self.before & CONTROL != DEFAULT {
            write(self.before);
        }
    }
}

#[cfg(target_arch = "x86_64")]
use x86_64::{CONTROL, DEFAULT, read, write};
#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::asm;

    /// MXCSR with all exceptions masked, round to nearest, subnormals kept.
    pub const DEFAULT: u64 = 0x1F80;
    /// All but the sticky exception flags.
    pub const CONTROL: u64 = 0xFFC0;

    pub fn read() -> u64 {
        let mut mxcsr = 0_u32;
        // SAFETY: writes four bytes to a live u32; SSE is part of the baseline.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut mxcsr, options(nostack, preserves_flags)) };
        u64::from(mxcsr)
    }

    pub fn write(mode: u64) {
        let mxcsr = mode as u32;
        // SAFETY: reads four bytes of a live u32 holding `DEFAULT` or what `read` returned, so no reserved bit is set.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const mxcsr, options(nostack, preserves_flags)) };
    }
}

#[cfg(target_arch = "aarch64")]
use aarch64::{CONTROL, DEFAULT, read, write};
#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use std::arch::asm;

    /// FPCR with round to nearest and subnormals kept.
    pub const DEFAULT: u64 = 0;
    pub const CONTROL: u64 = u64::MAX;

    pub fn read() -> u64 {
        let mode: u64;
        // SAFETY: reads a register that user code may read.
        unsafe { asm!("mrs {}, fpcr", out(reg) mode, options(nomem, nostack, preserves_flags)) };
        mode
    }

    pub fn write(mode: u64) {
        // SAFETY: `DEFAULT` or what `read` returned.
        unsafe { asm!("msr fpcr, {}", in(reg) mode, options(nomem, nostack, preserves_flags)) };
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use other::{CONTROL, DEFAULT, read, write};
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod other {
    pub const DEFAULT: u64 = 0;
    pub const CONTROL: u64 = 0;
    pub fn read() -> u64 {
        0
    }
    pub fn write(_: u64) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn flush_to_zero_is_switched_off_and_put_back() {
        const FLUSH_TO_ZERO: u64 = 1 << 15;
        let subnormal = std::hint::black_box(1e-310_f64);
        write(DEFAULT | FLUSH_TO_ZERO);
        let flushed = std::hint::black_box(subnormal) * std::hint::black_box(0.5);
        let kept = {
            let _mode = Ieee::enter();
            std::hint::black_box(subnormal) * std::hint::black_box(0.5)
        };
        let put_back = read() & FLUSH_TO_ZERO != 0;
        write(DEFAULT);
        assert_eq!(flushed, 0.0);
        assert!(kept > 0.0 && put_back);
    }
}
