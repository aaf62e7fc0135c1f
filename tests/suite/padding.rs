//! Padding is counted in no loss, no perplexity and no statistic.

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_variational::mc::MonteCarlo;
use burn_variational::prelude::*;
use cross_backend_tests::{assert_close, on_every_device, tolerance};

use super::gradients::numbers;

const LENGTHS: [usize; 3] = [2, 4, 1];
const SEQ_LENGTH: usize = 5;
const D_INPUT: usize = 3;
const N_CLASSES: usize = 4;

#[derive(Module, Debug)]
struct Tagger {
    gru: VariationalGru,
    output: Linear,
}

impl Tagger {
    fn new(device: &Device) -> Self {
        Self {
            gru: VariationalGruConfig::new(D_INPUT, 4, true)
                .with_directions(Directions::Both(MergeMode::Sum))
                .with_dropout(StackDropout::variational_untied(0.3, 0.4))
                .init(device),
            output: LinearConfig::new(4, N_CLASSES).init(device),
        }
    }
}

impl VariationalModel for Tagger {
    type Input = (Tensor<3>, Lengths);
    type Masks = StackMasks;
    /// `[batch_size, seq_length, n_classes]`.
    type Output = Tensor<3>;

    fn sample_masks(&self, (extent, ()): &(SequenceExtent, ()), draw: MaskDraw) -> StackMasks {
        self.gru.sample_masks(extent, draw.part("gru"))
    }

    fn run(&self, (input, lengths): (Tensor<3>, Lengths), masks: &StackMasks) -> Tensor<3> {
        self.output.forward(self.gru.forward((input, lengths), None, masks).0)
    }
}

fn lengths() -> Lengths {
    Lengths::new(LENGTHS.into(), SEQ_LENGTH).unwrap()
}

/// `[batch_size, seq_length, d_input]`, with padding of this value.
fn input(padding: f64, device: &Device) -> Tensor<3> {
    let dims = [LENGTHS.len(), SEQ_LENGTH, D_INPUT];
    let values = TensorData::new(numbers(dims.iter().product(), 0.3), dims);
    let counts = lengths().mask(device).unsqueeze_dim::<3>(2);
    Tensor::<3>::from_data(values, device).mask_fill(counts.bool_not().expand(dims), padding)
}

/// `[batch_size, seq_length]`.
fn targets(device: &Device) -> Tensor<2, Int> {
    Tensor::from_data([[1, 3, 0, 0, 0], [2, 0, 1, 1, 0], [3, 0, 0, 0, 0]], device)
}

/// A row as long as it is, alone.
fn alone(row: usize, device: &Device) -> (Tensor<3>, Lengths) {
    let length = LENGTHS[row];
    let input = input(f64::NAN, device).slice([row..row + 1, 0..length]);
    (input, Lengths::full(1, length))
}

on_every_device! {
    fn a_loss_of_what_counts_is_that_of_the_rows_alone(device: &Device) {
        let device = &device.clone().autodiff();
        let model = Tagger::new(device);
        let masks = |row: u64, input: &(Tensor<3>, Lengths)| {
            model.masks_for(input, MaskRng::seeded(3).draw(0).starting_row(row))
        };
        let loss = CrossEntropyLossConfig::new().init(device);
        let padded = (input(f64::NAN, device).require_grad(), lengths());
        let logits = model.run(padded.clone(), &masks(0, &padded));
        let found = loss.forward(lengths().counted(logits), lengths().counted(targets(device)));
        let found_grads = found.backward();

        let mut losses = Vec::new();
        for (row, &length) in LENGTHS.iter().enumerate() {
            let alone = alone(row, device);
            let masks = masks(row as u64, &alone);
            let logits = model.run(alone, &masks).squeeze_dim::<2>(0);
            let targets = targets(device).slice([row..row + 1, 0..length]).squeeze_dim::<1>(0);
            losses.push(loss.forward(logits, targets).mul_scalar(length as f64));
        }
        let expected = Tensor::cat(losses, 0).sum().div_scalar(LENGTHS.iter().sum::<usize>() as f64);
        let values = expected.to_data().iter::<f64>().collect::<Vec<_>>();
        assert_close(&found, &values, tolerance(device), "loss");
        let expected_grads = expected.backward();
        let weight = model.output.weight.val();
        let expected = weight.grad(&expected_grads).unwrap().into_data().iter::<f64>().collect::<Vec<_>>();
        assert_close(&weight.grad(&found_grads).unwrap(), &expected, tolerance(device), "gradient");
        let of_input = padded.0.grad(&found_grads).unwrap();
        let padding = lengths().mask(device).bool_not().unsqueeze_dim::<3>(2);
        let of_padding = of_input.mask_fill(padding.bool_not().expand([3, SEQ_LENGTH, D_INPUT]), 0.0);
        assert_eq!(of_padding.abs().sum().into_scalar::<f32>(), 0.0);
    }

    fn moments_and_perplexity_of_what_counts_are_those_of_the_rows_alone(device: &Device) {
        let model = Tagger::new(device);
        // So little memory that rows are cut, and draws are folded where they fit.
        for max_bytes in [1, 1 << 20] {
            let mc = MonteCarlo::new(7, MaskRng::seeded(4)).with_max_bytes(max_bytes);
            let moments = mc.moments(&model, &(input(f64::NAN, device), lengths())).unwrap();
            let found: [Tensor<2>; 2] =
                [moments.mean(), moments.variance()].map(|whole| lengths().counted(whole));
            let rows = (0..LENGTHS.len()).map(|row| {
                let mc = mc.clone().with_first_row(row as u64);
                let moments = mc.moments(&model, &alone(row, device)).unwrap();
                [moments.mean(), moments.variance()].map(|row| row.squeeze_dim::<2>(0))
            });
            let (means, variances): (Vec<_>, Vec<_>) = rows.map(|[m, v]| (m, v)).unzip();
            for (found, expected) in found.iter().zip([means, variances]) {
                let expected = Tensor::cat(expected, 0).into_data().iter::<f64>().collect::<Vec<_>>();
                assert_close(found, &expected, tolerance(device), "moments");
            }
        }

        let masks = model.gru.identity_masks();
        let log_probabilities = |input: (Tensor<3>, Lengths), targets: Tensor<2, Int>| {
            let log_p = log_softmax(model.run(input, &masks), 2);
            log_p.gather(2, targets.unsqueeze_dim(2)).squeeze_dim::<2>(2)
        };
        let whole = log_probabilities((input(f64::NAN, device), lengths()), targets(device));
        let counted: Tensor<1> = lengths().counted(whole);
        let found = counted.mean().neg().exp();
        let n_steps = LENGTHS.iter().sum::<usize>() as f64;
        let sum: f64 = (0..LENGTHS.len())
            .flat_map(|row| {
                let targets = targets(device).slice([row..row + 1, 0..LENGTHS[row]]);
                log_probabilities(alone(row, device), targets).into_data().iter::<f64>().collect::<Vec<_>>()
            })
            .sum();
        assert_close(&found, &[(-sum / n_steps).exp()], tolerance(device), "perplexity");
    }
}

#[test]
#[should_panic(
    expected = "Lengths: counted needs a tensor of 2 dimensions, the first two [3, 5], got [3, 4]"
)]
fn steps_of_another_batch_are_not_counted() {
    let other = Tensor::<2>::zeros([3, 4], &cross_backend_tests::flex());
    let _: Tensor<1> = lengths().counted(other);
}
