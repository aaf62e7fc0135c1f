//! What tests and benchmarks ask of the engine: to stand aside, and whether it ran. It is no part of
//! the public interface; the feature `testing` brings it in.

use std::cell::Cell;
use std::thread::LocalKey;

thread_local! {
    static RULED_OUT: Cell<bool> = const { Cell::new(false) };
    static WHOLE_SEQUENCES_RULED_OUT: Cell<bool> = const { Cell::new(false) };
    static KERNELS_RULED_OUT: Cell<bool> = const { Cell::new(false) };
    static HARDWARE: Cell<Option<Hardware>> = const { Cell::new(None) };
    static N_RUNS: [Cell<usize>; Operation::WholeSequence as usize + 1] = Default::default();
}

/// The operations of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// [`embedding`](crate::embedding).
    Embedding,
    /// Factors of masks that a device drew itself.
    Factors,
    /// [`linear_cross_entropy`](crate::linear_cross_entropy).
    LinearCrossEntropy,
    /// [`Projection::run`](crate::Projection::run).
    Projection,
    /// [`side_by_side`](crate::side_by_side).
    SideBySide,
    /// [`squared_norm`](crate::squared_norm).
    SquaredNorm,
    /// [`subtract_scaled`](crate::subtract_scaled).
    SubtractScaled,
    /// [`Sequence::run`](crate::Sequence::run).
    Sequence,
    /// Of these, what the kernels of a GPU took, and not the generic body.
    SequenceKernels,
    /// Of these, what a kernel of all steps took, and not kernels of one.
    WholeSequence,
}

/// Runs `f` with plain tensor operations, whatever engine there is: to compare, or to rule the
/// engine out when looking for a mistake. It holds for this thread, until `f` returns.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_kernels::squared_norm;
/// use burn_variational_kernels::testing::{Operation, engine_runs, without_engine};
///
/// let norm = || squared_norm(Tensor::<1>::from_data([2.0], &Device::flex()));
/// let before = engine_runs(Operation::SquaredNorm);
/// without_engine(norm);
/// assert_eq!(engine_runs(Operation::SquaredNorm), before);
/// norm();
/// assert_eq!(engine_runs(Operation::SquaredNorm), before + 1);
/// ```
pub fn without_engine<R>(f: impl FnOnce() -> R) -> R {
    ruling_out(&RULED_OUT, f)
}

/// Runs `f` with the generic body of the engine on GPUs, whatever kernels there are. It holds for
/// this thread, until `f` returns.
pub fn without_kernels<R>(f: impl FnOnce() -> R) -> R {
    ruling_out(&KERNELS_RULED_OUT, f)
}

/// Runs `f` with kernels of single steps on GPUs, and none of all steps. It holds for this thread,
/// until `f` returns.
pub fn without_whole_sequences<R>(f: impl FnOnce() -> R) -> R {
    ruling_out(&WHOLE_SEQUENCES_RULED_OUT, f)
}

fn ruling_out<R>(flag: &'static LocalKey<Cell<bool>>, f: impl FnOnce() -> R) -> R {
    struct Restore(&'static LocalKey<Cell<bool>>, bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            self.0.set(self.1);
        }
    }
    let _restore = Restore(flag, flag.replace(true));
    f()
}

/// The most that GPUs are taken to have.
#[derive(Debug, Clone, Copy)]
pub struct Hardware {
    /// The buffers that a kernel binds.
    pub max_bindings: u32,
    /// The bytes that a workgroup shares.
    pub max_shared_memory: usize,
    /// What runs workgroups.
    pub processors: u32,
}

impl Hardware {
    /// Whatever there is.
    pub const ALL: Self =
        Self { max_bindings: u32::MAX, max_shared_memory: usize::MAX, processors: u32::MAX };
}

/// Runs `f` as if no GPU had more than this. It holds for this thread, until `f` returns.
pub fn with_no_more_than<R>(hardware: Hardware, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<Hardware>);
    impl Drop for Restore {
        fn drop(&mut self) {
            HARDWARE.set(self.0);
        }
    }
    let _restore = Restore(HARDWARE.replace(Some(hardware)));
    f()
}

/// What [`with_no_more_than`] is running with on this thread.
pub fn hardware() -> Option<Hardware> {
    HARDWARE.get()
}

/// How often the engine has run an operation forward on this thread.
pub fn engine_runs(operation: Operation) -> usize {
    N_RUNS.with(|runs| runs[operation as usize].get())
}

/// Whether [`without_engine`] is running on this thread.
pub fn is_ruled_out() -> bool {
    RULED_OUT.get()
}

/// Whether [`without_kernels`] is running on this thread.
pub fn are_kernels_ruled_out() -> bool {
    KERNELS_RULED_OUT.get()
}

/// Whether [`without_whole_sequences`] is running on this thread.
pub fn are_whole_sequences_ruled_out() -> bool {
    WHOLE_SEQUENCES_RULED_OUT.get()
}

pub(crate) fn count(operation: Operation) {
    N_RUNS.with(|runs| {
        let runs = &runs[operation as usize];
        runs.set(runs.get() + 1);
    });
}

/// How many kernels this process launches on GPUs while `f` runs, and what `f` gives. Fusion puts
/// kernels off: those that are asked for after `f` are not counted.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
pub fn launches<R>(f: impl FnOnce() -> R) -> (R, usize) {
    let (result, launched) = launched(f);
    (result, launched.len())
}

/// As [`launches`], by name and in order.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
pub fn launched<R>(f: impl FnOnce() -> R) -> (R, Vec<&'static str>) {
    use std::sync::{Arc, Mutex};

    use cubecl::logging::{LaunchObservation, LaunchObserver};

    #[derive(Default)]
    struct Names(Mutex<Vec<&'static str>>);
    impl LaunchObserver for Names {
        fn launched(&self, kernel: &'static str) {
            self.0.lock().expect("no observer panics").push(kernel);
        }
    }

    let names = Arc::new(Names::default());
    let observation = LaunchObservation::new(names.clone());
    let result = f();
    drop(observation);
    let names = std::mem::take(&mut *names.0.lock().expect("no observer panics"));
    (result, names)
}
