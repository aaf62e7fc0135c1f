//! The KL term: its closed form, its gradient, and how often it counts.

use burn::module::Param;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Device, Tensor};
use burn_variational::dropout::{DropoutPrior, MaskRng, SiteDropout};
use burn_variational::rnn::{GateWeights, StackDropout, VariationalLstm, VariationalLstmConfig};
use burn_variational::training::{CheckpointDir, with_coupled_decays, with_decoupled_decays};
use cross_backend_tests::{assert_close, on_every_device, relative_error, tolerance};

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
        let (p_x, p_between, p_h) = (0.2, 0.3, 0.5);
        let inverted = StackDropout::none()
            .with_input(Some(SiteDropout::new(p_x)))
            .with_between(Some(SiteDropout::new(p_between)))
            .with_recurrent(Some(SiteDropout::new(p_h)));
        let unscaled = StackDropout::none()
            .with_input(Some(SiteDropout::new(p_x).unscaled()))
            .with_between(Some(SiteDropout::new(p_between).unscaled()))
            .with_recurrent(Some(SiteDropout::new(p_h).unscaled()));
        let cases = [
            (inverted, [base / (1.0 - p_x), base / (1.0 - p_between)], base / (1.0 - p_h)),
            (unscaled, [base * (1.0 - p_x), base * (1.0 - p_between)], base * (1.0 - p_h)),
            (StackDropout::none(), [base, base], base),
        ];
        for (dropout, lambda_w, lambda_u) in cases {
            let lstm = lstm(dropout, device);
            let expected: f64 = lstm.layers.iter().zip(lambda_w)
                .map(|(layer, lambda_w)| {
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

    fn a_step_with_the_penalty_is_a_step_with_coupled_decay(device: &Device) {
        // Whatever the steps and draws of the batch, the term counts once: so does the decay.
        for (seq_length, n_draws) in [(1, 1), (5, 1), (5, 3)] {
            let device = &device.clone().autodiff();
            let lstm = lstm(StackDropout::variational(0.2, 0.5), device);
            // Strong enough to show in f32 beside the step itself.
            let kl = lstm.kl_term(&DropoutPrior::new(3.0, 20).with_precision(5.0));
            let dims = [2 * n_draws, seq_length];
            let data_loss = || {
                let rng = MaskRng::seeded(1).draws(0..n_draws as u64);
                let masks = lstm.sample_masks(dims, &rng, device);
                let input = Tensor::ones([dims[0], dims[1], D_INPUT], device);
                lstm.forward(input, None, &masks).0.square().mean()
            };
            let stepped = |mut optimizer: ModuleOptimizer, loss: Tensor<1>| {
                let grads = GradientsParams::from_grads(loss.backward(), &lstm);
                optimizer.step(0.1, lstm.clone(), grads)
            };
            let sgd = |decay: Option<f64>| {
                let decay = decay.map(|rate| WeightDecayConfig::new(rate as f32));
                SgdConfig::new().with_weight_decay(decay).build()
            };
            let penalised = stepped(sgd(None).into(), data_loss() + kl.penalty(&lstm));
            let decayed = stepped(with_coupled_decays(sgd, kl.coupled_decays()), data_loss());
            let plain = stepped(sgd(None).into(), data_loss());
            for (k, ((a, b), c)) in
                penalised.layers.iter().zip(&decayed.layers).zip(&plain.layers).enumerate()
            {
                let what = format!("layer {k}, T = {seq_length}, K = {n_draws}");
                let (a, b, c) = (&a.cell.gates, &b.cell.gates, &c.cell.gates);
                let (w, u, bias) = (values(&a.input), values(&a.recurrent), biases(a));
                let tolerance = tolerance(&device.clone().inner());
                assert_close(&b.input.val(), &w, tolerance, &what);
                assert_close(&b.recurrent.val(), &u, tolerance, &what);
                assert_close(&b.bias.as_ref().unwrap().val(), &bias, tolerance, &what);
                assert!(relative_error(&values(&c.recurrent), &u) > 10.0 * tolerance, "{what}");
            }
        }
    }

    fn a_loaded_checkpoint_decays_the_groups_of_the_term(device: &Device) {
        let device = &device.clone().autodiff();
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = CheckpointDir::new(folder.path().join("checkpoints"));
        let optimizer = |lstm: &VariationalLstm| {
            let kl = lstm.kl_term(&prior());
            let decays = kl.coupled_decays().map(|(group, rate)| (group.clone(), rate));
            with_decoupled_decays(SgdConfig::new().build(), decays)
        };
        let step = |lstm: VariationalLstm, mut optimizer: ModuleOptimizer| {
            let input = Tensor::ones([1, 1, D_INPUT], device);
            let loss = lstm.forward(input, None, &lstm.identity_masks()).0.sum().mul_scalar(0.0);
            let grads = GradientsParams::from_grads(loss.backward(), &lstm);
            optimizer.step(1.0, lstm, grads)
        };
        let lstm = || lstm(StackDropout::variational(0.2, 0.5), device);
        let saved = lstm();
        checkpoints.save(&saved, &optimizer(&saved), &()).unwrap();
        let (loaded, loaded_optimizer, ()) = checkpoints.load(lstm(), optimizer).unwrap().unwrap();

        let rate = 2.0 * prior().site_lambda(Some(SiteDropout::new(0.5)));
        let before = values(&saved.layers[0].cell.gates.recurrent);
        let expected: Vec<f64> = before.iter().map(|value| value * (1.0 - rate)).collect();
        assert!(relative_error(&before, &expected) > 1e-4, "the decay shows");
        let after = step(loaded, loaded_optimizer);
        let after = after.layers[0].cell.gates.recurrent.val();
        assert_close(&after, &expected, tolerance(&device.clone().inner()), "decayed");
    }
}

fn values(param: &Param<Tensor<2>>) -> Vec<f64> {
    param.val().into_data().iter::<f64>().collect()
}

fn biases(gates: &GateWeights) -> Vec<f64> {
    gates.bias.as_ref().unwrap().val().into_data().iter::<f64>().collect()
}
