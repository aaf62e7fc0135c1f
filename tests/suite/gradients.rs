//! Gradients agree with finite differences of a reference in plain `f64`, and are exactly 0 where
//! a mask cuts a weight off.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use burn_variational::dropout::{DropoutMask, MaskRng, Site, SiteDropout, VariationalModel};
use burn_variational::rnn::{
    CellConfig, GruCellConfig, LayerDropout, LayerMasks, LstmCellConfig, RecurrentCell,
    RecurrentLayer, RnnCellConfig, SiteMasks,
};
use cross_backend_tests::{Cell, Reference, ReferenceMasks, flex, on_every_path, relative_error};

/// Relative error of a gradient in `f32` against central differences in `f64`, on every backend.
const TOLERANCE: f64 = 1e-4;
/// Step of the central differences: the cube root of 2⁻⁵² balances their two errors.
const STEP: f64 = 6e-6;

pub(super) const SEQ_LENGTH: usize = 4;
pub(super) const BATCH_SIZE: usize = 2;
pub(super) const D_INPUT: usize = 3;
pub(super) const D_HIDDEN: usize = 4;

/// Numbers without a pattern in `[-0.6, 0.6]`.
pub(super) fn numbers(n: usize, salt: f64) -> Vec<f64> {
    (0..n).map(|k| ((k as f64 + 1.0) * (2.3 + salt)).sin() * 0.6).map(round).collect()
}

/// The nearest number that `f32` has too.
fn round(value: f64) -> f64 {
    f64::from(value as f32)
}

pub(super) fn reference(cell: Cell) -> Reference {
    let width = cell.n_gates() * D_HIDDEN;
    Reference {
        cell,
        d_input: D_INPUT,
        d_hidden: D_HIDDEN,
        w: numbers(D_INPUT * width, 0.1),
        u: numbers(D_HIDDEN * width, 0.2),
        b: numbers(width, 0.3),
        b_candidate: match cell {
            Cell::GruResetAfter => numbers(D_HIDDEN, 0.4),
            _ => Vec::new(),
        },
    }
}

/// `Σ outputs · weights + Σ h_T + Σ c_T`, so that every path of the gradient is walked.
fn loss(reference: &Reference, input: &[f64], masks: &ReferenceMasks) -> f64 {
    let h0 = numbers(BATCH_SIZE * D_HIDDEN, 0.5);
    // Cells without a c leave it as it is, and its sum constant.
    let c0 = numbers(BATCH_SIZE * D_HIDDEN, 0.8);
    let output = reference.run(input, BATCH_SIZE, (&h0, &c0), masks);
    let weights = numbers(output.outputs.len(), 0.6);
    output.outputs.iter().zip(&weights).map(|(o, w)| o * w).sum::<f64>()
        + output.h.iter().sum::<f64>()
        + output.c.iter().sum::<f64>()
}

pub(super) fn difference(f: impl Fn(f64) -> f64, at: f64) -> f64 {
    (f(at + STEP) - f(at - STEP)) / (2.0 * STEP)
}

/// The gradient of the loss with respect to one of the parameters.
fn finite_differences(
    reference: &Reference,
    part: fn(&mut Reference) -> &mut Vec<f64>,
    input: &[f64],
    masks: &ReferenceMasks,
) -> Vec<f64> {
    let mut changed = reference.clone();
    let values = part(&mut changed).clone();
    let gradient = values.iter().enumerate().map(|(k, &value)| {
        let at = |value: f64| {
            let mut changed = reference.clone();
            part(&mut changed)[k] = value;
            loss(&changed, input, masks)
        };
        difference(at, value)
    });
    gradient.collect()
}

/// Sets the parameters of a cell, in the order in which they are declared.
pub(super) struct Fill(pub(super) std::vec::IntoIter<Vec<f64>>);

impl ModuleMapper for Fill {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let values: Vec<f32> =
            self.0.next().expect("a value for each").iter().map(|&v| v as f32).collect();
        param.map(|old| {
            let data = TensorData::new(values, old.dims());
            Tensor::from_data(data, &old.device()).require_grad()
        })
    }
}

/// The gradients of the parameters of a cell, in the order in which they are declared.
pub(super) struct Collect<'a>(pub(super) &'a GradientsParams, pub(super) Vec<Vec<f64>>);

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let grad = self.0.get::<D>(param.id).expect("a gradient for each");
        self.1.push(grad.into_data().iter::<f64>().collect());
    }
}

fn site(masks: &[Vec<f64>], units: usize, device: &Device) -> SiteMasks {
    let mask = |values: &Vec<f64>| {
        let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        DropoutMask::from_values(Tensor::from_data(
            TensorData::new(values, [BATCH_SIZE, units]),
            device,
        ))
    };
    match masks {
        [one] => SiteMasks::tied(mask(one)),
        each => SiteMasks::untied(each.iter().map(mask).collect()),
    }
}

/// The masks of one kind, drawn on the host.
fn drawn(dropout: &SiteDropout, site: &Site, units: usize, n: usize) -> Vec<Vec<f64>> {
    let draw = |gate| {
        let draw = MaskRng::seeded(11).draw(0).site(site).gate(gate);
        let mask = dropout.sample([BATCH_SIZE, units], &draw, &flex());
        mask.values().unwrap().to_data().iter::<f64>().collect()
    };
    (0..n).map(draw).collect()
}

fn check_cell<K: CellConfig>(config: &K, cell: Cell, device: &Device)
where
    <K::Cell as RecurrentCell>::State: InitialState,
{
    let device = device.clone().autodiff();
    let input = numbers(SEQ_LENGTH * BATCH_SIZE * D_INPUT, 0.7);
    for n_masks in [1, cell.n_gates()] {
        let dropout = SiteDropout::new(0.4);
        let masks = ReferenceMasks {
            z_x: drawn(&dropout, &Site::Input, D_INPUT, n_masks),
            z_h: drawn(&dropout, &Site::Recurrent, D_HIDDEN, n_masks),
        };
        let reference = reference(cell);
        let mut parts = vec![reference.w.clone(), reference.u.clone(), reference.b.clone()];
        let mut gradients = vec![
            finite_differences(&reference, |r| &mut r.w, &input, &masks),
            finite_differences(&reference, |r| &mut r.u, &input, &masks),
            finite_differences(&reference, |r| &mut r.b, &input, &masks),
        ];
        if !reference.b_candidate.is_empty() {
            parts.push(reference.b_candidate.clone());
            gradients.push(finite_differences(&reference, |r| &mut r.b_candidate, &input, &masks));
        }

        let ours = config.init(&device).map(&mut Fill(parts.into_iter()));
        let layer = RecurrentLayer::new(ours, LayerDropout::none()).with_batch_first(false);
        let layer_masks = LayerMasks::identity()
            .with_input(site(&masks.z_x, D_INPUT, &device))
            .with_recurrent(site(&masks.z_h, D_HIDDEN, &device));
        let tensor = |values: &[f64], dims: [usize; 3]| {
            let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            Tensor::<3>::from_data(TensorData::new(values, dims), &device)
        };
        let h0 = tensor(&numbers(BATCH_SIZE * D_HIDDEN, 0.5), [1, BATCH_SIZE, D_HIDDEN]);
        let c0 = tensor(&numbers(BATCH_SIZE * D_HIDDEN, 0.8), [1, BATCH_SIZE, D_HIDDEN]);
        let state =
            <K::Cell as RecurrentCell>::State::from_parts(h0.squeeze_dim(0), c0.squeeze_dim(0));
        let input = tensor(&input, [SEQ_LENGTH, BATCH_SIZE, D_INPUT]);
        let (output, state) = layer.forward(input, Some(state), &layer_masks);
        let weights = numbers(SEQ_LENGTH * BATCH_SIZE * D_HIDDEN, 0.6);
        let weights = tensor(&weights, [SEQ_LENGTH, BATCH_SIZE, D_HIDDEN]);
        let loss = (output * weights).sum() + state.sum();
        let grads = GradientsParams::from_grads(loss.backward(), &layer);
        let mut collected = Collect(&grads, Vec::new());
        layer.visit(&mut collected);
        assert_eq!(collected.1.len(), gradients.len());
        for (k, (got, expected)) in collected.1.iter().zip(&gradients).enumerate() {
            let error = relative_error(got, expected);
            assert!(error <= TOLERANCE, "{cell:?}, {n_masks} masks, parameter {k}: {error:.1e}");
        }
    }
}

/// A state from its parts, and the sum of them.
pub(super) trait InitialState {
    fn from_parts(hidden: Tensor<2>, cell: Tensor<2>) -> Self;
    fn sum(self) -> Tensor<1>;
}

impl InitialState for burn::nn::LstmState<2> {
    fn from_parts(hidden: Tensor<2>, cell: Tensor<2>) -> Self {
        Self::new(cell, hidden)
    }
    fn sum(self) -> Tensor<1> {
        self.hidden.sum() + self.cell.sum()
    }
}

impl InitialState for burn_variational::rnn::HiddenState {
    fn from_parts(hidden: Tensor<2>, _cell: Tensor<2>) -> Self {
        Self::new(hidden)
    }
    fn sum(self) -> Tensor<1> {
        self.hidden.sum()
    }
}

/// The gradient rows of `W` and `U` for a mask that all rows of the batch share.
fn check_dropped_rows<K: CellConfig>(config: &K, batch_size: usize, device: &Device) {
    let device = device.clone().autodiff();
    let dropout = SiteDropout::new(0.5).shared_over_batch();
    let layer = RecurrentLayer::new(
        config.init(&device),
        LayerDropout::none().with_input(dropout).with_recurrent(dropout),
    );
    let input = Tensor::ones([batch_size, SEQ_LENGTH, D_INPUT], &device).mul_scalar(0.7);
    let masks = layer.masks_for(&input, MaskRng::seeded(2).draw(0).part("layer"));
    let grads = layer.forward(input, None, &masks).0.sum().backward();
    let grads = GradientsParams::from_grads(grads, &layer);
    let mut collected = Collect(&grads, Vec::new());
    layer.visit(&mut collected);

    let kept = |site: Site| {
        let mask = masks.get(&site).at_step(0).masks()[0].values().unwrap().slice_dim(0, 0..1);
        mask.into_data().iter::<f64>().collect::<Vec<_>>()
    };
    for (gradient, kept) in collected.1.iter().zip([Site::Input, Site::Recurrent].map(kept)) {
        assert!(kept.contains(&0.0) && kept.iter().any(|&k| k > 0.0), "{kept:?} shows both");
        let width = gradient.len() / kept.len();
        for (row, &kept) in gradient.chunks(width).zip(&kept) {
            let is_zero = row.iter().all(|&g| g == 0.0);
            assert_eq!(is_zero, kept == 0.0, "a row of gradients {row:?} at factor {kept}");
        }
    }
}

on_every_path! {
    fn lstm_gradients_are_the_finite_differences_of_the_reference(device: &Device) {
        check_cell(&LstmCellConfig::new(D_INPUT, D_HIDDEN, true), Cell::Lstm, device);
    }

    fn gru_gradients_are_the_finite_differences_of_the_reference(device: &Device) {
        let config = GruCellConfig::new(D_INPUT, D_HIDDEN, true);
        check_cell(&config, Cell::GruResetAfter, device);
        check_cell(&config.with_reset_after(false), Cell::GruResetBefore, device);
    }

    fn rnn_gradients_are_the_finite_differences_of_the_reference(device: &Device) {
        check_cell(&RnnCellConfig::new(D_INPUT, D_HIDDEN, true), Cell::Rnn, device);
    }

    fn dropped_rows_have_gradients_of_exactly_zero(device: &Device) {
        for batch_size in [1, 3] {
            let lstm = LstmCellConfig::new(D_INPUT, D_HIDDEN, true);
            check_dropped_rows(&lstm, batch_size, device);
            let gru = GruCellConfig::new(D_INPUT, D_HIDDEN, true);
            check_dropped_rows(&gru, batch_size, device);
            let rnn = RnnCellConfig::new(D_INPUT, D_HIDDEN, true);
            check_dropped_rows(&rnn, batch_size, device);
        }
    }

    fn checkpointing_gradients_changes_none(device: &Device) {
        let run = |device: Device| {
            let layer = RecurrentLayer::new(
                LstmCellConfig::new(D_INPUT, D_HIDDEN, true).init(&device).map(&mut Fill(
                    vec![numbers(48, 0.1), numbers(64, 0.2), numbers(16, 0.3)].into_iter(),
                )),
                LayerDropout::none().with_recurrent(SiteDropout::new(0.5).untied()),
            );
            let input = Tensor::ones([2, 3, 3], &device);
            let masks = layer.masks_for(&input, MaskRng::seeded(2).draw(0).part("layer"));
            let grads = layer.forward(input, None, &masks).0.sum();
            let grads = GradientsParams::from_grads(grads.backward(), &layer);
            let mut collected = Collect(&grads, Vec::new());
            layer.visit(&mut collected);
            collected.1
        };
        let plain = run(device.clone().autodiff());
        let checkpointed = run(device.clone().autodiff().gradient_checkpointing());
        assert_eq!((checkpointed.len(), plain.len()), (3, 3), "of W, U and b");
        for (got, expected) in checkpointed.iter().zip(&plain) {
            assert!(relative_error(got, expected) <= TOLERANCE);
        }
    }
}
