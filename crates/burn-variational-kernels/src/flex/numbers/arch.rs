//! The instructions that the processor at hand has.

use pulp::Arch;

/// The elements of the widest vectors: what a kernel computes at once.
pub(crate) const VECTOR: usize = 16;

/// What to vectorise for.
pub(crate) fn arch() -> Arch {
    #[cfg(test)]
    if PORTABLE.load(std::sync::atomic::Ordering::Relaxed) {
        return Arch::Scalar;
    }
    Arch::new()
}

/// Makes every thread take the portable path.
#[cfg(test)]
pub(crate) static PORTABLE: std::sync::atomic::AtomicBool =
    std::sync::atomic::AtomicBool::new(false);
