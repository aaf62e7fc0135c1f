//! A cell with a site of its own.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use burn_variational::mc::MonteCarloError;
use burn_variational::prelude::*;
use cross_backend_tests::{assert_close, on_every_device, tolerance};

use super::{BATCH_SIZE, D_HIDDEN, D_INPUT, SEQ_LENGTH, factors, input, product, tensor, values};
use crate::gradients::numbers;

fn leak() -> Site {
    Site::named("leak")
}

/// `h_t = ½ h_{t-1} ∘ z_l + ½ tanh((x_t ∘ z_x) W + (h_{t-1} ∘ z_h) U)`.
#[derive(Module, Debug)]
pub(crate) struct Leaky {
    pub(super) w: Param<Tensor<2>>,
    pub(super) u: Param<Tensor<2>>,
}

#[derive(Config, Debug)]
pub(crate) struct LeakyConfig {
    d_input: usize,
    d_hidden: usize,
}

impl CellConfig for LeakyConfig {
    type Cell = Leaky;

    fn d_hidden(&self) -> usize {
        self.d_hidden
    }

    fn with_d_input(mut self, d_input: usize) -> Self {
        self.d_input = d_input;
        self
    }

    fn init(&self, device: &Device) -> Leaky {
        let param = |rows: usize, salt| {
            let dims = [rows, self.d_hidden];
            Param::from_tensor(tensor(numbers(rows * self.d_hidden, salt), dims, device))
        };
        Leaky { w: param(self.d_input, 0.1), u: param(self.d_hidden, 0.2) }
    }
}

impl RecurrentCell for Leaky {
    type State = HiddenState;

    fn d_input(&self) -> usize {
        self.w.dims()[0]
    }

    fn d_hidden(&self) -> usize {
        self.u.dims()[0]
    }

    fn sites(&self) -> Vec<CellSite> {
        vec![
            CellSite::new(Site::Input, self.d_input()),
            CellSite::new(Site::Recurrent, self.d_hidden()),
            CellSite::new(leak(), self.d_hidden()),
        ]
    }

    fn initial_state(&self, batch_size: usize) -> HiddenState {
        HiddenState::new(Tensor::zeros([batch_size, self.d_hidden()], &self.u.device()))
    }

    fn project_input(&self, input: Tensor<3>, masks: &LayerMasks) -> Tensor<3> {
        masks.get(&Site::Input).apply_tied(&input).matmul(self.w.val().unsqueeze())
    }

    fn step(&self, projected: Tensor<2>, state: HiddenState, masks: &StepMasks) -> HiddenState {
        let dropped = masks.get(&Site::Recurrent).apply_tied(&state.hidden);
        let leaked = masks.get(&leak()).apply_tied(&state.hidden);
        let new = (projected + dropped.matmul(self.u.val())).tanh();
        HiddenState::new(leaked.mul_scalar(0.5) + new.mul_scalar(0.5))
    }

    fn output(state: &HiddenState) -> Tensor<2> {
        state.hidden.clone()
    }
}

/// A layer of the cell over `[rows, SEQ_LENGTH, units]` in plain `f64` loops.
fn leaky_loop(cell: &Leaky, x: &[f64], masks: &LayerMasks) -> Vec<f64> {
    let (w, u) = (values(&cell.w.val()), values(&cell.u.val()));
    let (d, n) = (cell.d_input(), cell.d_hidden());
    let rows = x.len() / (SEQ_LENGTH * d);
    let mut outputs = vec![0.0; rows * SEQ_LENGTH * n];
    let mut h = vec![0.0; rows * n];
    for t in 0..SEQ_LENGTH {
        let z_x = factors(masks, &Site::Input, t, rows * d);
        let z_h = factors(masks, &Site::Recurrent, t, rows * n);
        let z_l = factors(masks, &leak(), t, rows * n);
        let z_o = factors(masks, &Site::Output, t, rows * n);
        for row in 0..rows {
            let at = row * SEQ_LENGTH + t;
            let before = h[row * n..][..n].to_vec();
            for unit in 0..n {
                let entering = product(&x[at * d..][..d], &z_x[row * d..][..d], &w, unit)
                    + product(&before, &z_h[row * n..][..n], &u, unit);
                let k = row * n + unit;
                h[k] = 0.5 * before[unit] * z_l[k] + 0.5 * entering.tanh();
                outputs[at * n + unit] = h[k] * z_o[k];
            }
        }
    }
    outputs
}

/// A stack of the cell over `[rows, SEQ_LENGTH, D_INPUT]` in plain `f64` loops.
fn leaky_stack_loop(
    stack: &RecurrentStack<Leaky>,
    input: &Tensor<3>,
    masks: &StackMasks,
) -> Vec<f64> {
    stack
        .layers
        .iter()
        .enumerate()
        .fold(values(input), |x, (l, layer)| leaky_loop(&layer.cell, &x, masks.layer(l)))
}

/// Two layers with every site dropped, the leak's in one of the ways that masks live.
fn leaky_stack(leak_dropout: SiteDropout, device: &Device) -> RecurrentStack<Leaky> {
    let dropout = StackDropout::variational(0.25, 0.5).with(leak(), leak_dropout);
    StackConfig::from_cell(LeakyConfig::new(D_INPUT, D_HIDDEN))
        .with_n_layers(2)
        .with_dropout(dropout)
        .init(device)
}

on_every_device! {
    fn a_layer_over_a_cell_with_a_site_of_its_own_is_its_equation(device: &Device) {
        let mask = |salt: usize, dims: [usize; 3]| {
            let kept = |k: usize| if (k * 7 + salt).is_multiple_of(3) { 0.0 } else { 1.5 };
            let kept = (0..dims.iter().product()).map(kept).collect();
            DropoutMask::from_values(tensor(kept, dims, device))
        };
        let tied = |salt, units| SiteMasks::tied(mask(salt, [1, BATCH_SIZE, units]).at_step(0));
        let each_step = mask(2, [SEQ_LENGTH, BATCH_SIZE, D_HIDDEN]);
        let each_step = SiteMasks::PerStep(GateMasks::Tied(each_step));
        let cell = LeakyConfig::new(D_INPUT, D_HIDDEN).init(device);
        let layer = RecurrentLayer::new(cell, LayerDropout::none());
        for leaked in [SiteMasks::identity(), tied(1, D_HIDDEN), each_step] {
            let masks = LayerMasks::identity()
                .with_input(tied(0, D_INPUT))
                .with_recurrent(tied(2, D_HIDDEN))
                .with_output(tied(0, D_HIDDEN))
                .with(leak(), leaked);
            let input = input(device);
            let expected = leaky_loop(&layer.cell, &values(&input), &masks);
            let output = layer.forward(input, None, &masks).0;
            assert_close(&output, &expected, tolerance(device), format!("{masks:?}"));
        }
    }

    fn a_stack_draws_the_sites_of_a_cell_of_a_users_own(device: &Device) {
        for dropout in [SiteDropout::new(0.4), SiteDropout::new(0.4).per_step()] {
            let stack = leaky_stack(dropout, device);
            let input = input(device);
            let masks = stack.masks_for(&input, MaskRng::seeded(1).draw(0).part("stack"));
            for l in 0..2 {
                let drawn = factors(masks.layer(l), &leak(), 0, 0);
                assert_eq!(drawn.len(), BATCH_SIZE * D_HIDDEN);
                assert!(drawn.contains(&0.0) && drawn.iter().any(|&z| z > 1.0), "{drawn:?}");
            }
            let expected = leaky_stack_loop(&stack, &input, &masks);
            let output = stack.run(input, &masks);
            assert_close(&output, &expected, tolerance(device), format!("{dropout:?}"));
        }
    }

    fn monte_carlo_draws_the_sites_of_a_cell_of_a_users_own(device: &Device) {
        // All else kept, so that the draws differ by the leak alone.
        let mut stack = leaky_stack(SiteDropout::new(0.4), device);
        stack = stack.with_dropout(StackDropout::none().with(leak(), 0.4));
        let (input, mc) = (input(device), MonteCarlo::new(5, MaskRng::seeded(1)));
        let draws = mc.samples(&stack, &input).unwrap();
        assert!(draws.is_random());
        let expected = mc.accumulate(BATCH_SIZE, Samples::new(), |pass| {
            let folded = pass.fold(&input);
            let masks = stack.masks_for(&folded, pass.draw().part("model"));
            let dims = [pass.batch_size(), SEQ_LENGTH, D_HIDDEN];
            let outputs = leaky_stack_loop(&stack, &folded, &masks);
            Ok::<_, MonteCarloError>(tensor(outputs, dims, device))
        });
        let expected = expected.unwrap();
        assert_eq!((draws.len(), expected.len()), (5, 5));
        assert_ne!(values(&expected[0]), values(&expected[1]));
        for (draw, expected) in draws.iter().zip(expected.iter()) {
            assert_close(draw, &values(expected), tolerance(device), "a draw");
        }
    }
}
