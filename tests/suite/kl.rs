//! The KL term: its closed form, what it names, and how often it counts.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData, activation};
use burn_variational::dropout::{DropoutPrior, KlTerm, SiteDropout};
use burn_variational::embedding::VariationalEmbeddingConfig;
use burn_variational::rnn::{
    StackDropout, VariationalGruConfig, VariationalLstm, VariationalLstmConfig,
    VariationalRnnConfig,
};
use burn_variational::training::TokenWindows;
use cross_backend_tests::{assert_close, flex, on_every_device, tolerance};

const D_INPUT: usize = 3;
const D_HIDDEN: usize = 4;

/// A model as its users have it: the layers are fields, and their terms are lifted to it.
#[derive(Module, Debug)]
struct Model {
    lstm: VariationalLstm,
    output: Linear,
}

fn lstm(dropout: StackDropout, device: &Device) -> VariationalLstm {
    VariationalLstmConfig::new(D_INPUT, D_HIDDEN, true)
        .with_n_layers(2)
        .with_dropout(dropout)
        .init(device)
}

fn model(device: &Device) -> Model {
    Model {
        lstm: lstm(StackDropout::variational(0.2, 0.5), device),
        output: LinearConfig::new(D_HIDDEN, 2).init(device),
    }
}

fn model_term(model: &Model) -> KlTerm {
    let output = prior().linear(&model.output, Some(SiteDropout::new(0.5)));
    model.lstm.kl_term(&prior()).at("lstm").and(output.at("output"))
}

fn prior() -> DropoutPrior {
    DropoutPrior::new(0.3, 20).with_precision(5.0)
}

/// Written out from the formula: l² / (2 N τ) with l = 0.3, N = 20, τ = 5.
const BASE: f64 = 0.3 * 0.3 / (2.0 * 20.0 * 5.0);

fn sum_of_squares<const D: usize>(param: &Param<Tensor<D>>) -> f64 {
    param.val().into_data().iter::<f64>().map(|value| value * value).sum()
}

/// The penalty of a stack with these factors of each layer's `W`, and of all `U` and `b`.
fn expected_penalty(lstm: &VariationalLstm, lambda_w: [f64; 2], lambda_u: f64) -> f64 {
    let layers = lstm.layers.iter().zip(lambda_w);
    let penalties = layers.map(|(layer, lambda_w)| {
        let gates = &layer.cell.gates;
        lambda_w * sum_of_squares(&gates.input)
            + lambda_u * sum_of_squares(&gates.recurrent)
            + BASE * sum_of_squares(gates.bias.as_ref().unwrap())
    });
    penalties.sum()
}

/// The penalty of [`model_term`].
fn expected_model_penalty(model: &Model) -> f64 {
    expected_penalty(&model.lstm, [BASE / 0.8; 2], BASE / 0.5)
        + BASE / 0.5 * sum_of_squares(&model.output.weight)
        + BASE * sum_of_squares(model.output.bias.as_ref().unwrap())
}

on_every_device! {
    fn the_penalty_is_its_closed_form_for_each_scaling(device: &Device) {
        let (p_x, p_between, p_h) = (0.2, 0.3, 0.5);
        let inverted = StackDropout::none()
            .with_input(p_x)
            .with_between(p_between)
            .with_recurrent(p_h);
        let unscaled = StackDropout::none()
            .with_input(SiteDropout::new(p_x).unscaled())
            .with_between(SiteDropout::new(p_between).unscaled())
            .with_recurrent(SiteDropout::new(p_h).unscaled());
        let cases = [
            (inverted, [BASE / (1.0 - p_x), BASE / (1.0 - p_between)], BASE / (1.0 - p_h)),
            (unscaled, [BASE * (1.0 - p_x), BASE * (1.0 - p_between)], BASE * (1.0 - p_h)),
            (StackDropout::none(), [BASE; 2], BASE),
        ];
        for (dropout, lambda_w, lambda_u) in cases {
            let lstm = lstm(dropout, device);
            let expected = expected_penalty(&lstm, lambda_w, lambda_u);
            let penalty = lstm.kl_term(&prior()).penalty(&lstm);
            assert_close(&penalty, &[expected], tolerance(device), "penalty");
        }
    }

    fn every_parameter_of_every_kind_of_layer_is_in_its_term(device: &Device) {
        // Without dropout all factors are the same, as if all parameters were named.
        fn check<M: Module>(module: &M, kl: KlTerm, device: &Device) {
            let expected = KlTerm::l2(module, BASE).penalty(module).into_data();
            let expected: Vec<f64> = expected.iter::<f64>().collect();
            assert_close(&kl.penalty(module), &expected, tolerance(device), "penalty");
            assert_eq!(kl.decays(module).len(), KlTerm::l2(module, BASE).decays(module).len());
        }
        for bias in [true, false] {
            let lstm = VariationalLstmConfig::new(D_INPUT, D_HIDDEN, bias).init(device);
            check(&lstm, lstm.kl_term(&prior()), device);
            let rnn = VariationalRnnConfig::new(D_INPUT, D_HIDDEN, bias).init(device);
            check(&rnn, rnn.kl_term(&prior()), device);
            for reset_after in [true, false] {
                let gru = VariationalGruConfig::new(D_INPUT, D_HIDDEN, bias)
                    .with_reset_after(reset_after)
                    .init(device);
                check(&gru, gru.kl_term(&prior()), device);
            }
            let linear = LinearConfig::new(D_INPUT, D_HIDDEN).with_bias(bias).init(device);
            check(&linear, prior().linear(&linear, None), device);
        }
        let embedding = VariationalEmbeddingConfig::new(7, D_INPUT).init(device);
        check(&embedding, embedding.kl_term(&prior()), device);
    }

    fn the_gradient_of_the_penalty_is_twice_the_factor_times_the_weight(device: &Device) {
        let device = &device.clone().autodiff();
        let model = model(device);
        let grads = model_term(&model).penalty(&model).backward();
        let grads = GradientsParams::from_grads(grads, &model);
        let check = |weight: &Param<Tensor<2>>, lambda: f64| {
            let values = weight.val().into_data();
            let expected: Vec<f64> =
                values.iter::<f64>().map(|value| 2.0 * lambda * value).collect();
            let grad = grads.get::<2>(weight.id).unwrap();
            assert_close(&grad, &expected, tolerance(&device.clone().inner()), "2λW");
        };
        for layer in &model.lstm.layers {
            check(&layer.cell.gates.input, BASE / 0.8);
            check(&layer.cell.gates.recurrent, BASE / 0.5);
        }
        check(&model.output.weight, BASE / 0.5);
    }

    fn the_term_counts_once_whatever_the_steps_and_rows_of_a_batch(device: &Device) {
        let device = &device.clone().autodiff();
        let lstm = lstm(StackDropout::variational(0.2, 0.5), device);
        let kl = lstm.kl_term(&prior());
        let lambda_u = BASE / 0.5;
        // What the penalty adds to the gradient of a loss that goes over all steps and rows.
        for [rows, seq_length] in [[1, 1], [2, 5], [6, 5]] {
            let loss = || {
                let input = Tensor::ones([rows, seq_length, D_INPUT], device);
                let (output, _) = lstm.forward(input, None, &lstm.identity_masks());
                output.square().mean().mul_scalar(1e-3)
            };
            let gradient = |loss: Tensor<1>| {
                let grads = GradientsParams::from_grads(loss.backward(), &lstm);
                grads.get::<2>(lstm.layers[1].cell.gates.recurrent.id).unwrap()
            };
            let added = gradient(loss() + kl.penalty(&lstm)) - gradient(loss());
            let weight = lstm.layers[1].cell.gates.recurrent.val().into_data();
            let expected: Vec<f64> =
                weight.iter::<f64>().map(|value| 2.0 * lambda_u * value).collect();
            let what = format!("{rows} rows, {seq_length} steps");
            // The difference of two sums carries the roundings of both.
            assert_close(&added, &expected, 10.0 * tolerance(&device.clone().inner()), &what);
        }
    }

    fn a_loaded_record_leaves_the_term_as_it_is(device: &Device) {
        let trained = model(device);
        let fresh = model(device);
        let kl = model_term(&fresh);
        let id_before = fresh.lstm.layers[0].cell.gates.input.id;
        let loaded = fresh.load_record(trained.clone().into_record());
        assert_ne!(loaded.lstm.layers[0].cell.gates.input.id, id_before, "the record brings ids");

        let expected = expected_model_penalty(&trained);
        assert_close(&kl.penalty(&loaded), &[expected], tolerance(device), "penalty");
        // The groups too go by path, whatever the id.
        let path = Some("lstm.layers.1.cell.gates.recurrent");
        let decays = kl.decays(&loaded);
        let (_, rate) = decays.iter().rfind(|(group, _)| group.matches(&id_before, path)).unwrap();
        assert!((rate - 2.0 * BASE / 0.5).abs() < 1e-12, "{rate}");
    }

    fn plain_l2_stands_in_for_the_factor_of_a_per_step_site(device: &Device) {
        // Dropped per step: both inputs. The recurrence is not dropped at all.
        let lstm = lstm(StackDropout::naive(0.5), device);
        let kl = lstm.kl_term(&prior().with_per_step_l2(0.01));
        let expected = expected_penalty(&lstm, [0.01; 2], BASE);
        assert_close(&kl.penalty(&lstm), &[expected], tolerance(device), "stack");

        let embedding = VariationalEmbeddingConfig::new(7, D_INPUT)
            .with_type_dropout(0.2)
            .with_token_dropout(SiteDropout::new(0.3).per_step())
            .init(device);
        let kl = embedding.kl_term(&prior().with_per_step_l2(0.01));
        let expected = 0.01 * sum_of_squares(&embedding.weight);
        assert_close(&kl.penalty(&embedding), &[expected], tolerance(device), "embedding");
    }

    fn both_losses_over_a_text_have_the_same_bound_on_the_evidence(device: &Device) {
        // Three words, two streams, windows of three steps: a mean over tokens, and Zaremba's sum
        // over steps averaged over streams. Both, with the N of each, must be the bound over N.
        const N_WORDS: usize = 3;
        const LOGITS: [[f64; N_WORDS]; N_WORDS] =
            [[0.5, -1.0, 0.25], [1.5, 0.0, -0.5], [-0.75, 2.0, 1.0]];
        let tokens: Vec<u32> = (0..27_u32).map(|k| k * k % 7 % 3).collect();
        let windows = TokenWindows::new(&tokens, 2, 3).unwrap();
        let (n_windows, batch_size) = (windows.len(), 2);
        assert_eq!((n_windows, windows.n_targets()), (4, 24));

        // In plain numbers: S + Σ ½ l² ‖W‖² / (1 - p).
        let (length_scale, prob) = (0.7, 0.5);
        let log_p = |word: i64, next: i64| {
            let row = LOGITS[usize::try_from(word).unwrap()];
            let total: f64 = row.iter().map(|logit| logit.exp()).sum();
            row[usize::try_from(next).unwrap()] - total.ln()
        };
        let surprise: f64 = windows.iter()
            .flat_map(|window| {
                let pairs = window.inputs().iter().zip(window.targets());
                pairs.map(|(&word, &next)| -log_p(word, next)).collect::<Vec<_>>()
            }).sum();
        let squares: f64 = LOGITS.concat().iter().map(|logit| logit * logit).sum();
        let bound = surprise + 0.5 * length_scale * length_scale * squares / (1.0 - prob);

        let mut linear = LinearConfig::new(N_WORDS, N_WORDS).with_bias(false).init(device);
        let weight = TensorData::new(LOGITS.concat(), [N_WORDS, N_WORDS]).convert::<f32>();
        linear.weight = Param::from_data(weight, device);
        let token_losses = |index: usize| {
            let window = windows.window(index);
            let words = window.inputs_on(device).one_hot::<3>(N_WORDS).float();
            let log_p = activation::log_softmax(linear.forward(words), 2);
            log_p.gather(2, window.targets_on(device).unsqueeze_dim::<3>(2)).neg()
        };
        let mean = |loss: &dyn Fn(Tensor<3>) -> Tensor<1>| {
            let losses = (0..n_windows).map(|index| loss(token_losses(index)));
            Tensor::cat(losses.collect(), 0).mean()
        };
        let over_tokens = mean(&|losses| losses.mean());
        let over_streams = mean(&|losses| losses.sum().div_scalar(batch_size as f64));
        let cases = [
            (over_tokens, windows.n_targets(), "mean over tokens"),
            (over_streams, n_windows * batch_size, "sum over steps, mean over streams"),
        ];
        for (loss, n_terms, what) in cases {
            let prior = DropoutPrior::new(length_scale, n_terms);
            let kl = prior.linear(&linear, Some(SiteDropout::new(prob)));
            let objective = loss + kl.penalty(&linear);
            assert_close(&objective, &[bound / n_terms as f64], tolerance(device), what);
        }
    }
}

#[test]
#[should_panic(
    expected = "DropoutPrior: input dropout must be per sequence to have a KL term, got PerStep"
)]
fn a_stack_that_drops_per_step_has_no_kl_term() {
    let _ = lstm(StackDropout::naive(0.5), &flex()).kl_term(&prior());
}

#[test]
#[should_panic(
    expected = "DropoutPrior: token dropout must be per sequence to have a KL term, got PerStep"
)]
fn an_embedding_that_drops_tokens_has_no_kl_term() {
    let _ = VariationalEmbeddingConfig::new(7, D_INPUT)
        .with_token_dropout(SiteDropout::new(0.3).per_step())
        .init(&flex())
        .kl_term(&prior());
}

#[test]
#[should_panic(
    expected = "KlTerm: every path must lead to a parameter, got \"layers.0.cell.gates.input\" in \
                a module with lstm.layers.0.cell.gates.input"
)]
fn a_term_that_was_not_lifted_to_the_model_is_refused() {
    let model = model(&flex());
    let _ = model.lstm.kl_term(&prior()).penalty(&model);
}
