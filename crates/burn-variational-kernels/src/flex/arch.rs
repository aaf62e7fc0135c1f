//! The instructions that the processor at hand has.

use pulp::Arch;

/// What to vectorise for.
pub(super) fn arch() -> Arch {
    #[cfg(test)]
    if tests::PORTABLE.load(std::sync::atomic::Ordering::Relaxed) {
        return Arch::Scalar;
    }
    Arch::new()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use burn::tensor::{Device, Tensor, TensorData};

    use crate::{Projection, Recurrence, Sequence};

    /// Makes every thread take the portable path.
    pub(super) static PORTABLE: AtomicBool = AtomicBool::new(false);

    fn numbers<const D: usize>(dims: [usize; D], device: &Device) -> Tensor<D> {
        let n = dims.iter().product();
        let values: Vec<f32> = (0..n).map(|k| ((k + 1) as f32 * 2.3).sin() * 0.6).collect();
        Tensor::from_data(TensorData::new(values, dims), device)
    }

    fn outputs_and_gradients(recurrence: Recurrence) -> Vec<f32> {
        let device = Device::flex().autodiff();
        let [steps, rows, units] = [4, 5, 70];
        let width = recurrence.n_gates() * units;
        let input = numbers([steps, rows, units], &device);
        let weights = numbers([units, width], &device).require_grad();
        let recurrent = numbers([units, width], &device).mul_scalar(0.3).require_grad();
        let state = numbers([rows, units], &device);
        let mut sequence = Sequence::new(recurrence, recurrent.clone(), state.clone());
        if recurrence.has_cell() {
            sequence = sequence.with_cell(state);
        }
        let outputs = sequence.run(Projection::new(weights.clone()).run(input)).outputs;
        let grads = outputs.clone().square().sum().backward();
        let mut all: Vec<f32> = outputs.into_data().iter().collect();
        for weights in [weights, recurrent] {
            all.extend(weights.grad(&grads).unwrap().into_data().iter::<f32>());
        }
        all
    }

    #[test]
    fn the_portable_path_gives_what_the_vectorised_one_gives() {
        for recurrence in [
            Recurrence::Lstm,
            Recurrence::Gru { reset_after: true },
            Recurrence::Gru { reset_after: false },
            Recurrence::Rnn,
        ] {
            let vectorised = outputs_and_gradients(recurrence);
            PORTABLE.store(true, Ordering::Relaxed);
            let portable = outputs_and_gradients(recurrence);
            PORTABLE.store(false, Ordering::Relaxed);
            let scale = vectorised.iter().fold(0.0_f32, |scale, x| scale.max(x.abs()));
            for (got, expected) in portable.iter().zip(&vectorised) {
                // Two roundings where the other has one.
                assert!((got - expected).abs() <= 1e-5 * scale, "{recurrence:?}");
            }
        }
    }
}
