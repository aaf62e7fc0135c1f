//! The losses hold few logits at a time where no gradient is asked for. One test, for it counts the
//! bytes of the whole process.

use burn::tensor::{Device, Int, Tensor};
use burn_variational_kernels::testing::without_engine;
use burn_variational_kernels::{linear_cross_entropy, memory};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const ROWS: usize = 2048;
const N_CLASSES: usize = 1 << 16;
/// The rows at a time of so many classes.
const ROWS_AT_A_TIME: usize = 256;

/// The most bytes that `run` holds at a time beyond what there was.
fn peak_of<R>(run: impl FnOnce() -> R) -> (R, usize) {
    memory::trim();
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let result = run();
    (result, MEMORY.peak_usage() - before)
}

#[test]
fn losses_without_gradients_hold_the_logits_of_some_rows_at_a_time() {
    let device = Device::flex();
    let input = Tensor::<2>::ones([ROWS, 1], &device);
    let weights = Tensor::<2>::ones([1, N_CLASSES], &device);
    let targets = Tensor::<1, Int>::arange(0..ROWS as i64, &device);
    let run = || {
        let losses = linear_cross_entropy(
            input.clone(),
            weights.clone(),
            None,
            targets.clone(),
            Some(ROWS as i64 - 1),
        );
        losses.into_data().try_to_vec::<f32>().unwrap()
    };
    let logits = ROWS_AT_A_TIME * N_CLASSES * size_of::<f32>();
    // Plain operations make a handful of tensors from the logits.
    let paths = [(1, peak_of(run)), (5, peak_of(|| without_engine(run)))];
    for (tensors, (losses, peak)) in paths {
        // Besides the logits, weights and rows.
        let most = tensors * logits + logits / 8;
        assert!(peak <= most, "{peak} bytes, and at most {most} expected");
        assert_eq!(losses.len(), ROWS);
        assert_eq!(losses[ROWS - 1], 0.0);
        let expected = (N_CLASSES as f32).ln();
        // A sum of so many roundings.
        assert!(losses[..ROWS - 1].iter().all(|loss| (loss - expected).abs() < 1e-4));
    }
}
