//! Where TensorFlow's order explodes, and where it does not.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use burn_variational::prelude::*;
use burn_variational::rnn::{GateWeights, GruCell, GruCellConfig, RnnCellConfig};
use cross_backend_tests::on_every_device;

use super::halved;
use crate::gradients::{BATCH_SIZE, D_HIDDEN, D_INPUT};

const SEQ_LENGTH: usize = 200;

/// A GRU that keeps its state: its update gate is σ(20), within 3e-9 of 1, and its candidate 0.
fn memory(device: &Device) -> GruCell {
    let zeros = |rows| Param::from_tensor(Tensor::zeros([rows, 3 * D_HIDDEN], device));
    let bias = Tensor::<1>::zeros([3 * D_HIDDEN], device);
    let update_gate = D_HIDDEN..2 * D_HIDDEN;
    let bias = bias.slice_fill([update_gate], 20.0);
    let gates = GateWeights {
        input: zeros(D_INPUT),
        recurrent: zeros(D_HIDDEN),
        bias: Some(Param::from_tensor(bias)),
    };
    GruCell::new(gates, None, true)
}

/// The largest of `|h_t|` at each step from `h_0 = ½`, with half of everything dropped.
fn sizes<C: RecurrentCell>(stack: &RecurrentStack<C>, device: &Device) -> Vec<f64> {
    let input = Tensor::ones([BATCH_SIZE, SEQ_LENGTH, D_INPUT], device);
    let masks = stack.masks_for(&input, MaskRng::seeded(1).draw(0).part("stack"));
    let initial = stack.layers[0].cell.initial_state(BATCH_SIZE);
    let initial = initial.map(&mut |_, tensor| tensor.add_scalar(0.5));
    let (output, _) = stack.forward(input, Some(StackState::new(vec![initial])), &masks);
    let sizes = output.abs().max_dim(2).max_dim(0);
    sizes.into_data().iter::<f64>().collect()
}

/// Makes weights large, so that a `tanh` of them is near one.
struct Enlarge;

impl ModuleMapper for Enlarge {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|values| values.mul_scalar(10.0))
    }
}

on_every_device! {
    fn the_state_of_a_wrapped_gru_doubles_at_every_step(device: &Device) {
        let config = halved(GruCellConfig::new(D_INPUT, D_HIDDEN, true))
            .with_output_keep_prob(1.0)
            .with_variational_recurrent(true);
        let mut stack = config.stack().init(device);
        stack.layers[0].cell.cell = memory(device);
        let sizes_of_wrapped = sizes(&stack, device);
        for t in [1, 20, 100] {
            // The output of step t was made of a state masked t - 1 times.
            let expected = 0.5 * 2_f64.powi(t - 1);
            let error = (sizes_of_wrapped[t as usize - 1] / expected - 1.0).abs();
            // A hundred times what σ(20) lacks of 1 in f32, and the roundings of a hundred steps.
            assert!(error < 1e-4, "step {t}: {} is not {expected}", sizes_of_wrapped[t as usize - 1]);
        }
        // 2^199 is over all that f32 holds, and 0 · ∞ is not a number.
        let last = sizes_of_wrapped[SEQ_LENGTH - 1];
        assert!(last.is_nan() || last > 1e30, "{last}");

        // The same GRU with masks on what enters its gates keeps what it has.
        let dropout = StackDropout::variational(0.5, 0.5).without(&Site::Output);
        let layer = RecurrentLayer::new(memory(device), dropout.layer(0, 1));
        let sizes = sizes(&RecurrentStack::new(vec![layer]), device);
        assert!(sizes.iter().all(|size| (size - 0.5).abs() < 1e-4), "{sizes:?}");
    }

    fn the_state_of_a_wrapped_simple_rnn_stays_within_twice_one(device: &Device) {
        let config = halved(RnnCellConfig::new(D_INPUT, D_HIDDEN, true))
            .with_output_keep_prob(1.0)
            .with_variational_recurrent(true);
        let stack = config.stack().init(device).map(&mut Enlarge);
        let sizes = sizes(&stack, device);
        assert!(sizes.iter().all(|&size| size <= 1.0), "outputs are not masked: {sizes:?}");

        let input = Tensor::ones([BATCH_SIZE, SEQ_LENGTH, D_INPUT], device);
        let masks = stack.masks_for(&input, MaskRng::seeded(1).draw(0).part("stack"));
        let (_, state) = stack.forward(input, None, &masks);
        let largest = state.layer(0).inner.hidden.clone().abs().max().into_scalar::<f32>();
        assert!(largest > 1.0 && largest <= 2.0, "{largest}");
    }
}
