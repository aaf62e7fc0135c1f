//! AWD-LSTM with all its dropouts at once: outputs and gradients are those of PyTorch.

use burn::module::Param;
use burn::nn::LstmState;
use burn::tensor::{Device, FloatDType, Int, Tensor, TensorData};
use burn_variational::dropout::WeightMask;
use burn_variational::embedding::EmbeddingMasks;
use burn_variational::prelude::*;
use burn_variational::rnn::LstmCell;
use cross_backend_tests::{
    GoldenExpectedLayer, GoldenLayer, GoldenTensor, golden_cases, on_every_path,
};
use serde::Deserialize;

use super::golden::{GoldenCell, assert_golden};

#[derive(Deserialize)]
struct Case {
    tokens: Vec<Vec<i64>>,
    embedding: GoldenTensor,
    type_mask: GoldenTensor,
    input_mask: GoldenTensor,
    hidden_mask: GoldenTensor,
    output_mask: GoldenTensor,
    layers: Vec<Layer>,
    output_weights: GoldenTensor,
    expected: Expected,
}

#[derive(Deserialize)]
struct Layer {
    #[serde(flatten)]
    golden: GoldenLayer,
    recurrent_weight_mask: GoldenTensor,
}

#[derive(Deserialize)]
struct Expected {
    outputs: GoldenTensor,
    layers: Vec<ExpectedLayer>,
    grad_embedding: GoldenTensor,
    loss: f64,
}

#[derive(Deserialize)]
struct ExpectedLayer {
    #[serde(flatten)]
    golden: GoldenExpectedLayer,
    raw_outputs: GoldenTensor,
}

impl Case {
    /// `[batch_size, seq_length]`; the file has one step after the other.
    fn tokens(&self, device: &Device) -> Tensor<2, Int> {
        let dims = [self.tokens.len(), self.tokens[0].len()];
        Tensor::from_data(TensorData::new(self.tokens.concat(), dims), device).transpose()
    }

    fn words(&self, device: &Device) -> VariationalEmbedding {
        let [n_types, d_model] = self.embedding.shape[..] else { panic!("a matrix") };
        // The file scales what it keeps by 1 / (1 - 0.25).
        let words = VariationalEmbeddingConfig::new(n_types, d_model)
            .with_type_dropout(SiteDropout::new(0.25).shared_over_batch());
        let weight = Param::from_tensor(self.embedding.on(device));
        VariationalEmbedding { weight, ..words.init(device) }
    }

    /// The masks of the first draw that drops the word types of the file, of eight.
    fn word_masks(&self, words: &VariationalEmbedding, device: &Device) -> EmbeddingMasks {
        let batch_size = self.tokens[0].len();
        let all = Tensor::<1, Int>::arange(0..8, device).unsqueeze::<2>();
        let all = all.repeat_dim(0, batch_size);
        let is_kept = |factors: &[f64]| factors.iter().map(|&z| z != 0.0).collect::<Vec<_>>();
        let expected = is_kept(&self.type_mask.values).repeat(batch_size);
        let draws = (0..10_000).map(|k| MaskRng::seeded(1).draw(k).part("words"));
        let mut masks = draws.map(|draw| words.masks_for(&all, draw));
        let drops_these = |masks: &EmbeddingMasks| {
            let factors = masks.types.factors(&all, FloatDType::F32).into_data();
            is_kept(&factors.iter::<f64>().collect::<Vec<_>>()) == expected
        };
        masks.find(drops_these).expect("one of so many draws drops these types")
    }

    fn stack(&self, device: &Device) -> VariationalLstm {
        let cells = self.layers.iter().map(|layer| LstmCell::of(&layer.golden, device));
        RecurrentStack::new(cells.map(|c| RecurrentLayer::new(c, LayerDropout::none())).collect())
    }

    /// The recurrent weights of both layers, what enters them, and, if asked, the outputs.
    fn masks(&self, with_output: bool, device: &Device) -> StackMasks {
        // One step in the file, which is repeated.
        let locked = |mask: &GoldenTensor| {
            SiteMasks::tied(DropoutMask::from_values(mask.on::<3>(device).squeeze_dim(0)))
        };
        let entering = [&self.input_mask, &self.hidden_mask];
        let mut masks: Vec<_> = self
            .layers
            .iter()
            .zip(entering)
            .map(|(layer, entering)| {
                let dropped = layer.recurrent_weight_mask.on::<2>(device).transpose();
                let dropped = WeightMask::from_values(dropped);
                LayerMasks::identity()
                    .with_input(locked(entering))
                    .with_weights(WeightMasks::identity().with("gates.recurrent", dropped))
            })
            .collect();
        if with_output {
            masks[1] = masks[1].clone().with_output(locked(&self.output_mask));
        }
        StackMasks::new(masks)
    }

    fn check(&self, device: &Device) {
        let (words, stack) = (self.words(device), self.stack(device));
        let tracked = |tensor: &GoldenTensor| tensor.on::<2>(device).require_grad();
        let states: Vec<_> = self
            .layers
            .iter()
            .map(|Layer { golden, .. }| {
                LstmState::new(tracked(golden.c0.as_ref().unwrap()), tracked(&golden.h0))
            })
            .collect();
        let embedded = words.forward(self.tokens(device), &self.word_masks(&words, device));

        let initial = StackState::new(states.clone());
        let (output, finals) =
            stack.forward(embedded.clone(), Some(initial), &self.masks(true, device));

        let expected = &self.expected;
        let close = |got: &Tensor<3>, expected: &GoldenTensor, what: &str| {
            let got = got.clone().swap_dims(0, 1);
            assert_golden(&got, &expected.values, what.to_string());
        };
        close(&output, &expected.outputs, "outputs");
        let mut entering = embedded;
        for (l, layer) in stack.layers.iter().enumerate() {
            let masks = self.masks(false, device);
            let (raw, _) = layer.forward(entering, Some(states[l].clone()), masks.layer(l));
            close(&raw, &expected.layers[l].raw_outputs, &format!("raw outputs {l}"));
            entering = raw;
        }

        let weights = self.output_weights.on::<3>(device).swap_dims(0, 1);
        let mut loss = (output * weights).sum();
        for (l, (given, expected)) in self.layers.iter().zip(&expected.layers).enumerate() {
            let LstmState { cell, hidden } = finals.layer(l).clone();
            let (given, expected) = (&given.golden, &expected.golden);
            let c_final = expected.c_final.as_ref().unwrap();
            assert_golden(&hidden, &expected.h_final.values, format!("layer {l} h"));
            assert_golden(&cell, &c_final.values, format!("layer {l} c"));
            let of_cell = given.c_final_weights.as_ref().unwrap().on(device);
            loss =
                loss + (hidden * given.h_final_weights.on(device)).sum() + (cell * of_cell).sum();
        }
        assert_golden(&loss, &[expected.loss], "loss".into());

        let grads = loss.backward();
        let grad = words.weight.grad(&grads).unwrap();
        assert_golden(&grad, &expected.grad_embedding.values, "grad of the embedding".into());
        for (l, (layer, expected)) in stack.layers.iter().zip(&expected.layers).enumerate() {
            let (gates, golden) = (&layer.cell.gates, &expected.golden);
            let name = |name: &str| format!("layer {l} grad {name}");
            let grad = gates.input.grad(&grads).unwrap();
            assert_golden(&grad, &golden.grad_weight_ih.transposed(), name("W"));
            let grad = gates.recurrent.grad(&grads).unwrap();
            assert_golden(&grad, &golden.grad_weight_hh.transposed(), name("U"));
            let grad = gates.bias.as_ref().unwrap().grad(&grads).unwrap();
            assert_golden(&grad, &golden.grad_bias_ih.values, name("b"));
            let (h0, c0) = (&states[l].hidden, &states[l].cell);
            assert_golden(&h0.grad(&grads).unwrap(), &golden.grad_h0.values, name("h0"));
            let expected = golden.grad_c0.as_ref().unwrap();
            assert_golden(&c0.grad(&grads).unwrap(), &expected.values, name("c0"));
        }
    }
}

on_every_path! {
    fn the_forward_pass_of_awd_lstm_and_its_gradients_are_those_of_pytorch(device: &Device) {
        let cases: Vec<Case> = golden_cases("awd/lstm");
        assert_eq!(cases.len(), 1);
        cases[0].check(&device.clone().autodiff());
    }
}
