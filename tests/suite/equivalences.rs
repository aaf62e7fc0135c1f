//! Two ways of asking for one thing give one thing.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use burn_variational::prelude::*;
use burn_variational::rnn::{GruCellConfig, LstmCellConfig, RnnCellConfig};
use cross_backend_tests::{
    Cell, Reference, assert_close, on_every_path, relative_error, tolerance,
};

use super::gradients::{
    BATCH_SIZE, Collect, D_HIDDEN, D_INPUT, Fill, InitialState, SEQ_LENGTH, numbers, reference,
};

const PROB: f64 = 0.4;

/// What a test asks of a cell, whatever its kind.
trait Check {
    fn check<K: CellConfig>(&self, config: &K, cell: Cell, device: &Device)
    where
        <K::Cell as RecurrentCell>::State: InitialState;
}

fn for_every_cell(check: &impl Check, device: &Device) {
    let device = &device.clone().autodiff();
    check.check(&LstmCellConfig::new(D_INPUT, D_HIDDEN, true), Cell::Lstm, device);
    let gru = GruCellConfig::new(D_INPUT, D_HIDDEN, true);
    check.check(&gru, Cell::GruResetAfter, device);
    check.check(&gru.with_reset_after(false), Cell::GruResetBefore, device);
    check.check(&RnnCellConfig::new(D_INPUT, D_HIDDEN, true), Cell::Rnn, device);
}

/// A layer whose weights, but not whose biases, are those of the reference times a factor.
fn layer<K: CellConfig>(
    config: &K,
    cell: Cell,
    factor: f64,
    dropout: LayerDropout,
    device: &Device,
) -> RecurrentLayer<K::Cell> {
    let Reference { w, u, b, b_candidate, .. } = reference(cell);
    let times = |weights: Vec<f64>| weights.into_iter().map(|weight| factor * weight).collect();
    let parts = [times(w), times(u), b, b_candidate];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let cell = config.init(device).map(&mut Fill(parts.into_iter()));
    RecurrentLayer::new(cell, dropout).with_batch_first(false)
}

/// The outputs, and the gradients of all parameters of a loss that reads every step.
fn run<C: RecurrentCell>(
    layer: &RecurrentLayer<C>,
    masks: &LayerMasks,
    device: &Device,
) -> (Tensor<3>, Vec<Vec<f64>>)
where
    C::State: InitialState,
{
    let tensor = |salt: f64, dims: [usize; 3]| {
        let values = numbers(dims.iter().product(), salt);
        Tensor::<3>::from_data(TensorData::new(values, dims).convert::<f32>(), device)
    };
    let state = |salt| tensor(salt, [1, BATCH_SIZE, D_HIDDEN]).squeeze_dim(0);
    let state = C::State::from_parts(state(0.5), state(0.8));
    let input = tensor(0.7, [SEQ_LENGTH, BATCH_SIZE, D_INPUT]);
    let (output, state) = layer.forward(input, Some(state), masks);
    let weights = tensor(0.6, [SEQ_LENGTH, BATCH_SIZE, D_HIDDEN]);
    let loss = (output.clone() * weights).sum() + state.sum();
    let grads = GradientsParams::from_grads(loss.backward(), layer);
    let mut collected = Collect(&grads, Vec::new());
    layer.visit(&mut collected);
    (output, collected.1)
}

fn extent(device: &Device) -> SequenceExtent {
    SequenceExtent::new(BATCH_SIZE, SEQ_LENGTH, device)
}

fn draw() -> MaskDraw {
    MaskRng::seeded(4).draw(0).part("layer")
}

fn values(tensor: &Tensor<3>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

fn for_each_gate<const D: usize>(masks: &GateMasks<D>, n_gates: usize) -> GateMasks<D> {
    let [mask] = masks.masks() else { panic!("one mask for all gates") };
    GateMasks::Untied(vec![mask.clone(); n_gates])
}

/// A mask for each gate, all of them the same, beside one for all.
struct EqualMasks {
    dropout: SiteDropout,
}

impl Check for EqualMasks {
    fn check<K: CellConfig>(&self, config: &K, cell: Cell, device: &Device)
    where
        <K::Cell as RecurrentCell>::State: InitialState,
    {
        let dropout = LayerDropout::none().with_input(self.dropout).with_recurrent(self.dropout);
        let layer = layer(config, cell, 1.0, dropout, device);
        let tied = layer.sample_masks(&extent(device), draw());
        let untied = |masks: &SiteMasks| match masks {
            SiteMasks::PerSequence(masks) => {
                SiteMasks::PerSequence(for_each_gate(masks, cell.n_gates()))
            }
            SiteMasks::PerStep(masks) => SiteMasks::PerStep(for_each_gate(masks, cell.n_gates())),
            other => panic!("{other:?} was not sampled"),
        };
        let untied = LayerMasks::identity()
            .with_input(untied(tied.get(&Site::Input)))
            .with_recurrent(untied(tied.get(&Site::Recurrent)));
        let (expected, expected_gradients) = run(&layer, &tied, device);
        let (output, gradients) = run(&layer, &untied, device);
        let (what, bound) = (format!("{cell:?}, {:?}", self.dropout.lifetime), tolerance(device));
        assert_close(&output, &values(&expected), bound, &what);
        for (k, (got, expected)) in gradients.iter().zip(&expected_gradients).enumerate() {
            let error = relative_error(got, expected);
            assert!(error <= bound, "{what}, gradient of parameter {k}: {error:.1e}");
        }
        let (whole, _) = run(&layer, &LayerMasks::identity(), device);
        assert!(relative_error(&values(&output), &values(&whole)) > 1e-2, "{what}: masks matter");
    }
}

/// Masks of 0 and 1, and their mean at test time, beside masks of 0 and `1 / (1 - p)` on weights
/// that are `1 - p` times as large, and the identity at test time.
struct Scalings {
    dropout: SiteDropout,
}

impl Check for Scalings {
    fn check<K: CellConfig>(&self, config: &K, cell: Cell, device: &Device)
    where
        <K::Cell as RecurrentCell>::State: InitialState,
    {
        let both = |site: SiteDropout| LayerDropout::none().with_input(site).with_recurrent(site);
        let unscaled = layer(config, cell, 1.0, both(self.dropout.unscaled()), device);
        let inverted = layer(config, cell, 1.0 - PROB, both(self.dropout), device);
        let mut seen = Vec::new();
        for draw in [draw, MaskDraw::expected] {
            let is_expected = draw().is_expected();
            let what = format!("{cell:?}, {:?}, expected {is_expected}", self.dropout);
            let masks = unscaled.sample_masks(&extent(device), draw());
            let (output, _) = run(&unscaled, &masks, device);
            let masks = inverted.sample_masks(&extent(device), draw());
            assert_eq!(masks.get(&Site::Recurrent).is_identity(), is_expected, "{what}");
            let (expected, _) = run(&inverted, &masks, device);
            assert_close(&output, &values(&expected), tolerance(device), &what);
            seen.push(values(&output));
        }
        assert!(relative_error(&seen[0], &seen[1]) > 1e-2, "{cell:?}: a draw is not the mean");
    }
}

on_every_path! {
    fn equal_masks_for_each_gate_are_one_mask_for_all(device: &Device) {
        let dropout = SiteDropout::new(PROB);
        for dropout in [dropout, dropout.per_step()] {
            for_every_cell(&EqualMasks { dropout }, device);
        }
    }

    fn masks_that_are_scaled_at_test_time_are_inverted_ones_of_other_weights(device: &Device) {
        let dropout = SiteDropout::new(PROB);
        for dropout in [dropout, dropout.untied(), dropout.per_step()] {
            for_every_cell(&Scalings { dropout }, device);
        }
    }
}
