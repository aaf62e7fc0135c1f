//! A state whose tensors are of any number, width and name.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use burn_variational::prelude::*;
use cross_backend_tests::{assert_close, flex, on_every_device, tolerance};

use super::leaky::{Leaky, LeakyConfig};
use super::{BATCH_SIZE, D_HIDDEN, D_INPUT, SEQ_LENGTH, factors, input, product, values};

/// A running mean of what a step makes: `s_t = s_{t-1} + tanh((x_t) W + (y_{t-1} ∘ z_h) U)`,
/// `n_t = n_{t-1} + 1`, `y_t = s_t / n_t`.
#[derive(Module, Debug)]
struct Averaging {
    weights: Leaky,
}

/// A state whose tensors are none that the library's cells have.
#[derive(Debug, Clone)]
struct Average {
    /// `s_t`, `[batch_size, d_hidden]`.
    sum: Tensor<2>,
    /// `n_t`, `[batch_size, 1]`.
    count: Tensor<2>,
    /// `y_t`, `[batch_size, d_hidden]`.
    mean: Tensor<2>,
}

impl RecurrentState for Average {
    fn map(self, f: &mut dyn FnMut(&'static str, Tensor<2>) -> Tensor<2>) -> Self {
        Self { sum: f("sum", self.sum), count: f("count", self.count), mean: f("mean", self.mean) }
    }
}

impl RecurrentCell for Averaging {
    type State = Average;

    fn d_input(&self) -> usize {
        self.weights.d_input()
    }

    fn d_hidden(&self) -> usize {
        self.weights.d_hidden()
    }

    fn sites(&self) -> Vec<CellSite> {
        vec![CellSite::new(Site::Recurrent, self.d_hidden())]
    }

    fn initial_state(&self, batch_size: usize) -> Average {
        let device = self.weights.u.device();
        let zeros = |units| Tensor::zeros([batch_size, units], &device);
        Average { sum: zeros(self.d_hidden()), count: zeros(1), mean: zeros(self.d_hidden()) }
    }

    fn project_input(&self, input: Tensor<3>, _masks: &LayerMasks) -> Tensor<3> {
        input.matmul(self.weights.w.val().unsqueeze())
    }

    fn step(&self, projected: Tensor<2>, state: Average, masks: &StepMasks) -> Average {
        let dropped = masks.get(&Site::Recurrent).apply_tied(&state.mean);
        let sum = state.sum + (projected + dropped.matmul(self.weights.u.val())).tanh();
        let count = state.count.add_scalar(1.0);
        Average { mean: sum.clone() / count.clone(), sum, count }
    }

    fn output(state: &Average) -> Tensor<2> {
        state.mean.clone()
    }
}

fn averaging(device: &Device) -> RecurrentLayer<Averaging> {
    let weights = LeakyConfig::new(D_INPUT, D_HIDDEN).init(device);
    RecurrentLayer::new(Averaging { weights }, LayerDropout::none().with_recurrent(0.5))
}

on_every_device! {
    fn a_state_may_have_any_tensors_of_any_names(device: &Device) {
        let layer = averaging(device);
        let input = input(device);
        let masks = layer.masks_for(&input, MaskRng::seeded(1).draw(0).part("layer"));

        let (w, u) = (values(&layer.cell.weights.w.val()), values(&layer.cell.weights.u.val()));
        let (x, z) = (values(&input), factors(&masks, &Site::Recurrent, 0, 0));
        assert!(z.contains(&0.0) && z.contains(&2.0), "{z:?}");
        let (mut sums, mut means) = (vec![0.0; z.len()], vec![0.0; z.len()]);
        let mut expected = vec![0.0; z.len() * SEQ_LENGTH];
        for t in 0..SEQ_LENGTH {
            let before = means.clone();
            for k in 0..z.len() {
                let (row, unit) = (k / D_HIDDEN, k % D_HIDDEN);
                let at = row * SEQ_LENGTH + t;
                let of_row = |all: &[f64]| all[row * D_HIDDEN..][..D_HIDDEN].to_vec();
                let entering = product(&x[at * D_INPUT..][..D_INPUT], &[1.0; D_INPUT], &w, unit)
                    + product(&of_row(&before), &of_row(&z), &u, unit);
                sums[k] += entering.tanh();
                means[k] = sums[k] / (t as f64 + 1.0);
                expected[at * D_HIDDEN + unit] = means[k];
            }
        }
        let tolerance = tolerance(device);
        let (whole, last) = layer.forward(input.clone(), None, &masks);
        assert_close(&whole, &expected, tolerance, "the whole sequence");
        assert_close(&last.sum, &sums, tolerance, "sum");
        assert_close(&last.count, &[SEQ_LENGTH as f64; BATCH_SIZE], tolerance, "count");

        // Carried from window to window, cut off and copied, it is the same state.
        let (start, state) = layer.forward(input.clone().slice_dim(1, 0..2), None, &masks);
        let state = state.detach().to_device(device);
        let twice = state.clone().repeat_draws(2);
        assert_eq!(twice.count.dims(), [2 * BATCH_SIZE, 1]);
        assert_eq!(values(&twice.sum.slice_dim(0, BATCH_SIZE..2 * BATCH_SIZE)), values(&state.sum));
        let (end, _) = layer.forward(input.slice_dim(1, 2..SEQ_LENGTH), Some(state), &masks);
        assert_close(&Tensor::cat(vec![start, end], 1), &expected, tolerance, "two windows");
    }
}

#[test]
#[should_panic(expected = "RecurrentLayer: state count must have dims [3, 1], got [3, 2]")]
fn a_tensor_of_a_users_state_is_refused_by_its_name() {
    let layer = averaging(&flex());
    let mut state = layer.cell.initial_state(BATCH_SIZE);
    state.count = Tensor::zeros([BATCH_SIZE, 2], &flex());
    let _ = layer.forward(input(&flex()), Some(state), &LayerMasks::identity());
}
