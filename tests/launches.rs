//! How many kernels a GPU is asked to launch for a step and for a sequence. A binary of its own: it
//! counts those of the whole process.

use burn::tensor::{Device, Tensor};
use burn_variational::kernels::{Recurrence, Sequence, SequenceMasks, UnitMask};
use cross_backend_tests::{Operation, engine_runs, launched, wgpu, without_whole_sequences};

const BATCH_SIZE: usize = 3;
/// Whose gates begin where no device can bind them.
const UNITS: usize = 5;
/// After which the last states do not begin there either.
const LENGTHS: [usize; 2] = [3, 203];
/// What a sequence may launch besides its steps.
const MOST: usize = 12;

const RECURRENCES: [Recurrence; 4] = [
    Recurrence::Lstm,
    Recurrence::Gru { reset_after: true },
    Recurrence::Gru { reset_after: false },
    Recurrence::Rnn,
];

/// Which masks there are.
#[derive(Debug, Clone, Copy)]
enum Masking {
    None,
    Tied,
    Untied,
    PerStep,
    TiedAndZoneout,
}

const MASKINGS: [Masking; 5] =
    [Masking::None, Masking::Tied, Masking::Untied, Masking::PerStep, Masking::TiedAndZoneout];

fn ones<const D: usize>(dims: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::ones(dims, device)
}

fn sequence(recurrence: Recurrence, masking: Masking, n_steps: usize, device: &Device) -> Sequence {
    let (n_gates, state) = (recurrence.n_gates(), [BATCH_SIZE, UNITS]);
    let recurrent = ones([UNITS, n_gates * UNITS], device).require_grad();
    let sequence = Sequence::new(recurrence, recurrent, ones(state, device));
    let sequence = match recurrence {
        Recurrence::Lstm => sequence.with_cell(ones(state, device)),
        Recurrence::Gru { reset_after: true } => {
            sequence.with_candidate_bias(ones([UNITS], device).require_grad())
        }
        _ => sequence,
    };
    let all_rows = [n_steps * BATCH_SIZE, UNITS];
    let tied = || SequenceMasks::Tied(ones(state, device));
    match masking {
        Masking::None => sequence,
        Masking::Tied => sequence.with_masks(tied()),
        Masking::Untied => {
            sequence.with_masks(SequenceMasks::Untied(ones([n_gates, BATCH_SIZE, UNITS], device)))
        }
        Masking::PerStep => sequence.with_masks(SequenceMasks::TiedPerStep(ones(all_rows, device))),
        Masking::TiedAndZoneout => {
            let zoneout = UnitMask::PerStep(ones(all_rows, device));
            sequence.with_masks(tied()).with_hidden_zoneout(zoneout)
        }
    }
}

/// What `f` gives, and what it has launched once fusion, which puts kernels off, is done.
fn counted<R>(device: &Device, f: impl FnOnce() -> R) -> (R, Vec<&'static str>) {
    let sync = || device.sync().expect("the device works");
    sync();
    launched(|| {
        let result = f();
        sync();
        result
    })
}

/// The launches of a sequence and its way back, those of the loss apart, and the names of all.
fn of_sequence(
    recurrence: Recurrence,
    masking: Masking,
    n_steps: usize,
) -> (usize, Vec<&'static str>) {
    let device: Device = wgpu().autodiff();
    // One number: a sum over all takes more kernels of more of them.
    let loss = |outputs: Tensor<3>| outputs.slice([0..1, 0..1, 0..1]).backward();
    let rows = |width| ones([n_steps, BATCH_SIZE, width], &device);
    let outputs = rows(UNITS).require_grad();
    let (_, of_loss) = counted(&device, || loss(outputs));
    let sequence = sequence(recurrence, masking, n_steps, &device);
    let projected = rows(recurrence.n_gates() * UNITS).require_grad();
    let (_, of_both) = counted(&device, || loss(sequence.run(projected).outputs));
    (of_both.len() - of_loss.len(), of_both)
}

fn runs() -> [usize; 2] {
    [Operation::SequenceKernels, Operation::WholeSequence].map(engine_runs)
}

/// The launches of one more step, where each has its own.
fn of_step(recurrence: Recurrence, masking: Masking) -> usize {
    let before = runs();
    let pass = |n_steps| without_whole_sequences(|| of_sequence(recurrence, masking, n_steps));
    let [few, many] = [3, 7].map(|n_steps| pass(n_steps).0);
    assert_eq!(runs(), [before[0] + 2, before[1]], "kernels of steps ran");
    assert_eq!((many - few) % 4, 0, "{few} launches of 3 steps, {many} of 7");
    (many - few) / 4
}

/// One test, since others would launch kernels meanwhile.
#[test]
fn a_step_is_a_product_and_a_kernel_each_way_where_one_kernel_does_not_take_all() {
    for (recurrence, masking) in
        RECURRENCES.into_iter().flat_map(|recurrence| MASKINGS.map(|masking| (recurrence, masking)))
    {
        let before = runs();
        let [(few, _), (many, names)] =
            LENGTHS.map(|n_steps| of_sequence(recurrence, masking, n_steps));
        assert_eq!(runs(), [before[0] + 2, before[1] + 2], "a kernel took all steps");
        assert_eq!(few, many, "{recurrence:?}, {masking:?}");
        assert!(many <= MOST, "{recurrence:?}, {masking:?}: {many} launches of {names:#?}");
        // What the reset gate lets through has a product of its own.
        let expected = if recurrence == (Recurrence::Gru { reset_after: false }) { 8 } else { 4 };
        assert_eq!(of_step(recurrence, masking), expected, "{recurrence:?}, {masking:?}");
    }
}
