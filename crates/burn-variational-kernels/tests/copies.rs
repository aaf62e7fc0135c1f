//! Tensors large enough for a pooled buffer can be copied, as any others. Burn asserts what it
//! asks of a buffer in debug builds alone, as tests are.

use burn::tensor::{Device, Tensor};
use burn_variational_kernels::{Projection, Recurrence, Sequence};

const STEPS: usize = 40;
const ROWS: usize = 16;
const UNITS: usize = 128;

/// `[STEPS, ROWS, UNITS]`, in a pooled buffer.
fn pooled(device: &Device) -> Tensor<3> {
    let weights = Tensor::<2>::eye(UNITS, device);
    Projection::new(weights).run(Tensor::ones([STEPS, ROWS, UNITS], device))
}

#[test]
fn the_data_of_a_pooled_tensor_can_be_copied() {
    let tensor = pooled(&Device::flex());
    let (held, data) = (tensor.clone().into_data(), tensor.into_data());
    assert_eq!(held, data.clone());
    assert_eq!(data.try_to_vec::<f32>().unwrap(), vec![1.0; STEPS * ROWS * UNITS]);
}

#[test]
fn a_held_pooled_tensor_is_copied_and_not_overwritten() {
    let device = Device::flex();
    let held = pooled(&device);
    let run = |projected: Tensor<3>| {
        let weights = Tensor::zeros([UNITS / 4, UNITS], &device);
        let state = Tensor::zeros([ROWS, UNITS / 4], &device);
        let sequence = Sequence::new(Recurrence::Lstm, weights, state.clone()).with_cell(state);
        sequence.run(projected).outputs.into_data()
    };
    let first = run(held.clone());
    assert_eq!(run(held.clone()), first);
    assert_eq!(held.into_data().try_to_vec::<f32>().unwrap(), vec![1.0; STEPS * ROWS * UNITS]);
}
