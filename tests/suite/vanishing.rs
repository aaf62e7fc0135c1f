//! A gradient that has vanished on its way back over a long sequence is 0, and no subnormal number,
//! which costs a CPU a hundred times as much in every product that it enters.

use burn::tensor::Tensor;
use burn_variational::rnn::{
    CellConfig, GruCellConfig, LayerDropout, LayerMasks, LstmCellConfig, RecurrentLayer,
    RnnCellConfig,
};
use cross_backend_tests::flex;

const SEQ_LENGTH: usize = 600;

/// The gradient of the input of every step, of the last output of a layer with small weights.
fn gradients<K: CellConfig>(cell: K) -> Vec<f32> {
    let device = flex().autodiff();
    let layer = RecurrentLayer::new(cell.init(&device), LayerDropout::none());
    let input = Tensor::<3>::full([1, SEQ_LENGTH, 2], 0.1, &device).require_grad();
    let (output, _) = layer.forward_to_last(input.clone(), None, &LayerMasks::identity());
    let gradients = output.sum().backward();
    input.grad(&gradients).expect("the input has a gradient").into_data().iter().collect()
}

#[test]
fn it_is_zero_in_every_cell() {
    let initializer = burn::nn::Initializer::Uniform { min: 0.05, max: 0.15 };
    let all = [
        gradients(LstmCellConfig::new(2, 4, true).with_initializer(initializer.clone().into())),
        gradients(GruCellConfig::new(2, 4, true).with_initializer(initializer.clone().into())),
        gradients(
            GruCellConfig::new(2, 4, true)
                .with_reset_after(false)
                .with_initializer(initializer.clone().into()),
        ),
        gradients(RnnCellConfig::new(2, 4, true).with_initializer(initializer.into())),
    ];
    for gradients in all {
        let last = gradients[gradients.len() - 1];
        assert!(last.abs() > 1e-4, "the last step has a gradient, got {last}");
        assert_eq!(gradients[..2], [0.0, 0.0]);
        let subnormal = gradients.iter().position(|gradient| gradient.is_subnormal());
        assert_eq!(subnormal, None);
    }
}
