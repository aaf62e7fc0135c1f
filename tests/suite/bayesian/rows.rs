//! Which axis is the row of a weight: dropping it is dropping a unit of the input or output.

use super::*;
use burn::module::ParamGroup;
use burn::nn::conv::ConvTranspose2dConfig;
use burn::nn::{Embedding, EmbeddingConfig};
use burn::tensor::Int;

fn list<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// The one mask of a model with one weight.
fn mask<const D: usize>(masks: &WeightMasks) -> Tensor<D> {
    let mask: Tensor<D> = masks.get("weight").unwrap().values();
    let factors = list(mask.clone());
    assert!(factors.contains(&0.0) && factors.contains(&2.0), "{factors:?}");
    mask
}

on_every_device! {
    fn an_input_row_of_a_linear_layer_is_an_input_unit(device: &Device) {
        let linear = LinearConfig::new(6, 4).init(device);
        let input = numbers([3, 6], device);
        let model = Bayesian::new(linear, |linear, input: Tensor<2>| linear.forward(input))
            .with_dropout(WeightDropout::new(0.5).input_rows());
        let masks = model.masks_for(&input, draw(0));
        let dropped = input.clone() * mask::<2>(&masks).transpose();
        let expected = list(model.module.forward(dropped));
        assert_close(&model.run(input, &masks), &expected, tolerance(device), "output");
    }

    fn an_output_row_of_a_linear_layer_is_an_output_unit(device: &Device) {
        let linear = LinearConfig::new(6, 4).with_bias(false).init(device);
        let input = numbers([3, 6], device);
        let model = Bayesian::new(linear, |linear, input: Tensor<2>| linear.forward(input))
            .with_dropout(WeightDropout::new(0.5).output_rows());
        let masks = model.masks_for(&input, draw(0));
        let expected = list(model.module.forward(input.clone()) * mask(&masks));
        assert_close(&model.run(input, &masks), &expected, tolerance(device), "output");
    }

    fn an_input_row_of_a_convolution_is_an_input_channel(device: &Device) {
        let conv = Conv2dConfig::new([6, 4], [3, 3]).init(device);
        let input = numbers([2, 6, 5, 5], device);
        let model = Bayesian::new(conv, |conv: &Conv2d, input: Tensor<4>| conv.forward(input))
            .with_dropout(WeightDropout::new(0.5).input_rows());
        let masks = model.masks_for(&input, draw(0));
        let expected = list(model.module.forward(input.clone() * mask(&masks)));
        assert_close(&model.run(input, &masks), &expected, tolerance(device), "output");
    }

    fn an_output_row_of_a_convolution_is_an_output_channel(device: &Device) {
        let conv = Conv2dConfig::new([6, 4], [3, 3]).with_bias(false).init(device);
        let input = numbers([2, 6, 5, 5], device);
        let model = Bayesian::new(conv, |conv: &Conv2d, input: Tensor<4>| conv.forward(input))
            .with_dropout(WeightDropout::new(0.5).output_rows());
        let masks = model.masks_for(&input, draw(0));
        let factors = mask::<4>(&masks).swap_dims(0, 1);
        let expected = list(model.module.forward(input.clone()) * factors);
        assert_close(&model.run(input, &masks), &expected, tolerance(device), "output");
    }

    fn axis_0_of_a_transposed_convolution_is_an_input_channel(device: &Device) {
        let conv = ConvTranspose2dConfig::new([6, 4], [3, 3]).init(device);
        let input = numbers([2, 6, 5, 5], device);
        let model = Bayesian::new(conv, |conv, input: Tensor<4>| conv.forward(input))
            .with_dropout(WeightDropout::new(0.5).along_axis(0));
        let masks = model.masks_for(&input, draw(0));
        let dropped = input.clone() * mask::<4>(&masks).swap_dims(0, 1);
        let expected = list(model.module.forward(dropped));
        assert_close(&model.run(input, &masks), &expected, tolerance(device), "output");
    }

    fn an_input_row_of_an_embedding_is_a_word_type(device: &Device) {
        let embedding = EmbeddingConfig::new(8, 3).init(device);
        let tokens = Tensor::<1, Int>::arange(0..16, device).remainder_scalar(8).reshape([2, 8]);
        let forward = |embedding: &Embedding, tokens: Tensor<2, Int>| embedding.forward(tokens);
        let model = Bayesian::new(embedding, forward)
            .with_dropout(WeightDropout::new(0.5).input_rows());
        let masks = model.masks_for(&tokens, draw(0));
        let factors: Tensor<3> = mask::<2>(&masks).unsqueeze_dim(0);
        let expected = list(model.module.forward(tokens.clone()) * factors);
        assert_close(&model.run(tokens, &masks), &expected, tolerance(device), "output");
    }

    fn of_a_weight_in_two_groups_the_last_counts(device: &Device) {
        let lstm = LstmConfig::new(3, 4, true).init(device);
        let recurrent = ParamGroup::from_predicate("hidden_transform");
        let model = Bayesian::new(lstm, |lstm, input: Tensor<3>| lstm.forward(input, None).0)
            .with_dropout(0.1)
            .with_group(&recurrent, WeightDropout::new(0.5).output_rows());
        assert_eq!(model.weights().count(), 8);
        for (path, dropout) in model.weights() {
            let expected = if path.contains("hidden_transform") { 0.5 } else { 0.1 };
            assert_eq!(dropout.prob, expected, "{path}");
        }
    }
}
