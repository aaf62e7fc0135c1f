//! A GPU that fails is an error, and never a wrong number. A binary of its own: each test has a device
//! to break.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use burn::tensor::wgpu::{WgpuSetup, wgpu as api};
use burn::tensor::{Device, Tensor};
use burn_variational::kernels::{Recurrence, Sequence, SequenceMasks, UnitMask};
use cross_backend_tests::{Operation, engine_runs, flex, wgpu, without_whole_sequences};
use pollster::block_on;

const RECURRENCES: [Recurrence; 4] = [
    Recurrence::Lstm,
    Recurrence::Gru { reset_after: true },
    Recurrence::Gru { reset_after: false },
    Recurrence::Rnn,
];

/// A device of its own on the first adapter, that has no buffers larger than this.
fn device(max_buffer_size: u64) -> (Device, WgpuSetup) {
    static FIRST: OnceLock<WgpuSetup> = OnceLock::new();
    let first = FIRST.get_or_init(|| {
        let first = Device::wgpu_options().init_with_setup();
        // That there is no adapter is said by the suite's own device.
        first.map_or_else(|error| panic!("{error}: {:?}", wgpu()), |(_, setup)| setup)
    });
    let adapter = &first.adapter;
    let mut limits = adapter.limits();
    limits.max_buffer_size = limits.max_buffer_size.min(max_buffer_size);
    limits.max_storage_buffer_binding_size =
        limits.max_storage_buffer_binding_size.min(max_buffer_size);
    let none = api::Features::MAPPABLE_PRIMARY_BUFFERS | api::Features::all_experimental_mask();
    let request = adapter.request_device(&api::DeviceDescriptor {
        required_features: adapter.features().difference(none),
        required_limits: limits,
        ..Default::default()
    });
    let (device, queue) = block_on(request).expect("the adapter has what it says");
    let setup = WgpuSetup { device, queue, ..first.clone() };
    let device = Device::wgpu_options().setup(setup.clone()).init();
    (device.expect("nothing else has the setup"), setup)
}

/// The outputs of a sequence, on their way.
fn outputs(recurrence: Recurrence, sizes: [usize; 3], device: &Device) -> Tensor<3> {
    let [batch_size, seq_length, d_hidden] = sizes;
    let width = recurrence.n_gates() * d_hidden;
    let state = || Tensor::<2>::ones([batch_size, d_hidden], device) * 0.5;
    let recurrent = Tensor::<2>::ones([d_hidden, width], device) / d_hidden as f32;
    let sequence = Sequence::new(recurrence, recurrent, state());
    let sequence = if recurrence.has_cell() { sequence.with_cell(state()) } else { sequence };
    let projected = Tensor::<3>::ones([seq_length, batch_size, width], device) * 0.25;
    sequence.with_masks(SequenceMasks::Tied(state() * 4.0)).run(projected).outputs
}

fn values(tensor: Tensor<3>) -> Result<Vec<f32>, String> {
    // Bytes are fetched when they are looked at.
    let read = || tensor.try_into_data().map(|data| data.try_to_vec::<f32>());
    let read = catch_unwind(AssertUnwindSafe(read)).map_err(|_| "it panicked".to_string())?;
    read.map_err(|error| error.to_string())?.map_err(|error| format!("{error:?}"))
}

/// What is launched gives, or the error that there was.
fn run(launch: impl FnOnce() -> Tensor<3>) -> Result<Vec<f32>, String> {
    let launched = catch_unwind(AssertUnwindSafe(launch));
    values(launched.map_err(|_| "it panicked".to_string())?)
}

fn assert_right(found: &[f32], recurrence: Recurrence, sizes: [usize; 3]) {
    let expected = values(outputs(recurrence, sizes, &flex())).expect("a CPU fails not");
    assert_eq!(found.len(), expected.len(), "{recurrence:?}");
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-5, "{recurrence:?}: {found}, not {expected}");
    }
}

/// Loses a device between the launches of sequences and the reading of what they gave.
fn lose(run_on: impl Fn(&dyn Fn() -> Tensor<3>) -> Tensor<3>, kernels: Operation) {
    const SIZES: [usize; 3] = [3, 4, 5];
    let (device, setup) = device(u64::MAX);
    let launched = RECURRENCES.map(|recurrence| {
        let before = engine_runs(kernels);
        let works = values(run_on(&|| outputs(recurrence, SIZES, &device)));
        assert_right(&works.expect("it is not lost yet"), recurrence, SIZES);
        assert_eq!(engine_runs(kernels), before + 1, "{recurrence:?}: by kernels");
        run_on(&|| outputs(recurrence, SIZES, &device))
    });
    setup.device.destroy();
    for (recurrence, launched) in RECURRENCES.into_iter().zip(launched) {
        let found = values(launched);
        assert!(found.is_err(), "{recurrence:?}, launched before: {found:?}");
        let found = run(|| run_on(&|| outputs(recurrence, SIZES, &device)));
        assert!(found.is_err(), "{recurrence:?}, launched after: {found:?}");
    }
}

#[test]
fn what_a_lost_device_was_to_take_through_all_steps_is_an_error() {
    lose(|run| run(), Operation::WholeSequence);
}

#[test]
fn what_a_lost_device_was_to_take_step_by_step_is_an_error() {
    lose(|run| without_whole_sequences(run), Operation::SequenceKernels);
}

#[test]
fn a_sequence_that_the_memory_of_a_device_does_not_hold_is_an_error() {
    const LARGE: [usize; 3] = [64, 64, 64];
    const SMALL: [usize; 3] = [3, 4, 5];
    for recurrence in RECURRENCES {
        // The projected inputs alone are larger.
        let (device, _setup) = device(1 << 19);
        let found = run(|| outputs(recurrence, LARGE, &device));
        assert!(found.is_err(), "{recurrence:?}: {} numbers", found.map_or(0, |found| found.len()));
        // What the device says from then on is an error too, or right.
        if let Ok(found) = run(|| outputs(recurrence, SMALL, &device)) {
            assert_right(&found, recurrence, SMALL);
        }
    }
}

#[test]
fn constants_that_the_memory_of_a_device_does_not_hold_together_are_an_error() {
    const SIZES: [usize; 3] = [64, 64, 64];
    let [batch_size, seq_length, d_hidden] = SIZES;
    let bytes = SIZES.iter().product::<usize>() * size_of::<f32>();
    // Each of the tensors fits, and the masks of all steps as the kernels join them do not.
    let (device, _setup) = device((bytes + bytes / 2) as u64);
    let all_rows = || Tensor::<2>::ones([seq_length * batch_size, d_hidden], &device);
    let projected = Tensor::<3>::ones([seq_length, batch_size, d_hidden], &device);
    assert_eq!(
        values(projected.clone()).expect("it fits"),
        vec![1.0; projected.shape().num_elements()]
    );
    let recurrent = Tensor::<2>::ones([d_hidden, d_hidden], &device);
    let initial = Tensor::<2>::ones([batch_size, d_hidden], &device);
    let before = engine_runs(Operation::SequenceKernels);
    let found = run(|| {
        Sequence::new(Recurrence::Rnn, recurrent, initial)
            .with_masks(SequenceMasks::TiedPerStep(all_rows()))
            .with_hidden_zoneout(UnitMask::PerStep(all_rows()))
            .run(projected)
            .outputs
    });
    assert_eq!(engine_runs(Operation::SequenceKernels), before + 1, "kernels took it");
    assert!(found.is_err(), "{} numbers", found.map_or(0, |found| found.len()));
}
