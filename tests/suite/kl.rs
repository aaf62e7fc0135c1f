//! The KL term: its closed form, its gradient, and how often it counts.

use burn::module::Module;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Tensor};
use burn_variational::dropout::{DropoutPrior, MaskRng, SiteDropout};
use burn_variational::rnn::{StackDropout, VariationalLstm, VariationalLstmConfig};
use burn_variational::training::with_decoupled_decays;
use cross_backend_tests::{assert_close, on_every_device, tolerance};

const D_INPUT: usize = 3;
const D_HIDDEN: usize = 4;

fn lstm(dropout: StackDropout, device: &Device) -> VariationalLstm {
    VariationalLstmConfig::new(D_INPUT, D_HIDDEN, true)
        .with_n_layers(2)
        .with_dropout(dropout)
        .init(device)
}

fn prior() -> DropoutPrior {
    DropoutPrior::new(0.3, 20).with_precision(5.0)
}

fn sum_of_squares<const D: usize>(tensor: Tensor<D>) -> f64 {
    tensor.into_data().iter::<f64>().map(|value| value * value).sum()
}

on_every_device! {
    fn the_penalty_is_its_closed_form_for_each_scaling(device: &Device) {
        // Written out from the formula: l² / (2 N τ) with l = 0.3, N = 20, τ = 5.
        let base = 0.3 * 0.3 / (2.0 * 20.0 * 5.0);
        let (p_x, p_h) = (0.2, 0.5);
        let inverted = StackDropout::variational(p_x, p_h);
        let unscaled = inverted
            .with_input(Some(SiteDropout::new(p_x).unscaled()))
            .with_between(Some(SiteDropout::new(p_x).unscaled()))
            .with_recurrent(Some(SiteDropout::new(p_h).unscaled()));
        let cases = [
            (inverted, base / (1.0 - p_x), base / (1.0 - p_h)),
            (unscaled, base * (1.0 - p_x), base * (1.0 - p_h)),
            (StackDropout::none(), base, base),
        ];
        for (dropout, lambda_w, lambda_u) in cases {
            let lstm = lstm(dropout, device);
            let expected: f64 = lstm.layers.iter().map(|layer| {
                let gates = &layer.cell.gates;
                lambda_w * sum_of_squares(gates.input.val())
                    + lambda_u * sum_of_squares(gates.recurrent.val())
                    + base * sum_of_squares(gates.bias.as_ref().unwrap().val())
            }).sum();
            let penalty = lstm.kl_term(&prior()).penalty(&lstm);
            assert_close(&penalty, &[expected], tolerance(device), "penalty");
        }
    }

    fn the_gradient_of_the_penalty_is_coupled_decay(device: &Device) {
        let device = &device.clone().autodiff();
        let lstm = lstm(StackDropout::variational(0.2, 0.5), device);
        let kl = lstm.kl_term(&prior());
        let grads = GradientsParams::from_grads(kl.penalty(&lstm).backward(), &lstm);
        for layer in &lstm.layers {
            let weight = &layer.cell.gates.recurrent;
            let rate = kl.coupled_decays()
                .filter_map(|(group, rate)| group.matches(&weight.id, None).then_some(rate))
                .last()
                .unwrap();
            let expected: Vec<f64> =
                weight.val().into_data().iter::<f64>().map(|value| rate * value).collect();
            let grad = grads.get::<2>(weight.id).unwrap();
            assert_close(&grad, &expected, tolerance(&device.clone().inner()), "2λU");
        }
    }

    fn the_penalty_counts_once_a_step_whatever_the_steps_and_draws(device: &Device) {
        let device = &device.clone().autodiff();
        let lstm = lstm(StackDropout::variational(0.2, 0.5), device);
        let kl = lstm.kl_term(&prior());
        let penalty = recurrent_gradient(&lstm, &kl.penalty(&lstm));
        for (seq_length, n_draws) in [(1, 1), (5, 1), (5, 3)] {
            let dims = [2 * n_draws, seq_length];
            let rng = MaskRng::seeded(1).draws(0..n_draws as u64);
            let data_loss = || {
                let masks = lstm.sample_masks(dims, &rng, device);
                let input = Tensor::ones([dims[0], dims[1], D_INPUT], device);
                lstm.forward(input, None, &masks).0.mean()
            };
            let both = recurrent_gradient(&lstm, &(data_loss() + kl.penalty(&lstm)));
            let data = recurrent_gradient(&lstm, &data_loss());
            let difference: Vec<f64> = both.iter().zip(&data).map(|(a, b)| a - b).collect();
            let error = cross_backend_tests::relative_error(&difference, &penalty);
            // A difference of two f32 gradients that are larger than what is left.
            assert!(error <= 1e-2, "T = {seq_length}, K = {n_draws}: {error:.1e}");
        }
    }

    fn decays_of_the_term_make_an_optimizer(device: &Device) {
        let device = &device.clone().autodiff();
        let lstm = lstm(StackDropout::variational(0.2, 0.5), device);
        let kl = lstm.kl_term(&prior());
        let decays = kl.coupled_decays().map(|(group, rate)| (group.clone(), rate));
        let mut optimizer = with_decoupled_decays(SgdConfig::new().build(), decays);
        let grads = GradientsParams::from_grads(
            lstm.forward(Tensor::ones([1, 1, D_INPUT], device), None, &lstm.identity_masks())
                .0.sum().mul_scalar(0.0).backward(),
            &lstm,
        );
        let before = lstm.layers[0].cell.gates.recurrent.val();
        let rate = 2.0 * prior().site_lambda(Some(SiteDropout::new(0.5)));
        let expected: Vec<f64> =
            before.into_data().iter::<f64>().map(|value| value * (1.0 - rate)).collect();
        let after = optimizer.step(1.0, lstm, grads).valid().layers[0].cell.gates.recurrent.val();
        assert_close(&after, &expected, tolerance(&device.clone().inner()), "decayed");
    }
}

/// The gradient of a loss with respect to the first recurrent weight.
fn recurrent_gradient(lstm: &VariationalLstm, loss: &Tensor<1>) -> Vec<f64> {
    let grads = GradientsParams::from_grads(loss.backward(), lstm);
    let grad = grads.get::<2>(lstm.layers[0].cell.gates.recurrent.id).unwrap();
    grad.into_data().iter::<f64>().collect()
}
