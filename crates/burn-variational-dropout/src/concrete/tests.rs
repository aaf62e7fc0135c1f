use super::*;
use crate::{MaskRng, SiteDropout};
use burn::tensor::Device;

fn concrete(prob: f64) -> ConcreteDropout {
    ConcreteDropoutConfig::new(50).with_initial_prob(prob).init(&Device::flex())
}

fn draw() -> MaskDraw {
    MaskRng::seeded(3).draw(0).part("site")
}

fn values(mask: &DropoutMask<2>) -> Vec<f64> {
    mask.values().unwrap().into_data().iter::<f64>().collect()
}

#[test]
fn a_cold_mask_is_the_one_drawn_at_the_same_rate() {
    let cold = ConcreteDropoutConfig::new(50).with_initial_prob(0.3).with_temperature(1e-5);
    let cold = values(&cold.init(&Device::flex()).sample(20, &draw()));
    let drawn = values(&SiteDropout::new(0.3).sample([20, 50], &draw(), &Device::flex()));
    assert!(drawn.contains(&0.0));
    // A word within 10⁻⁴ of the rate would lie between: none of these does.
    for (cold, drawn) in cold.iter().zip(&drawn) {
        assert!((cold - drawn).abs() < 1e-5, "{cold} is not {drawn}");
    }
}

#[test]
fn a_mask_is_the_relaxation_of_its_words() {
    let p = 0.3_f64;
    let row = draw().rows(1, 0, false).next().unwrap();
    for (z, word) in values(&concrete(p).sample(1, &draw())).iter().zip(row.words()) {
        let u = 1.0 - (f64::from(word) + 0.5) / 2.0_f64.powi(32);
        let x = (p.ln() - (1.0 - p).ln() + u.ln() - (1.0 - u).ln()) / 0.1;
        let expected = (1.0 - 1.0 / (1.0 + (-x).exp())) / (1.0 - p);
        // Ten times the relative rounding of f32, as the temperature divides by 0.1, and more for
        // the exponential of up to 200.
        assert!((z - expected).abs() < 2e-5, "{z} is not {expected}");
    }
}

#[test]
fn rows_gates_and_draws_have_masks_of_their_own() {
    let gates = ConcreteDropoutConfig::new(50).with_n_gates(2).init(&Device::flex());
    let masks = gates.sample_gates(2, &draw());
    let (first, second) = (values(&masks[0]), values(&masks[1]));
    assert_ne!(first, second);
    assert_ne!(first[..50], first[50..]);
    assert_eq!(first, values(&gates.sample_gates(2, &draw())[0]));
    assert_eq!(first[50..], values(&gates.sample_gates(1, &draw().starting_row(1))[0])[..]);
    let other = MaskRng::seeded(3).draw(1).part("site");
    assert_ne!(first, values(&gates.sample_gates(2, &other)[0]));
}

#[test]
fn a_word_type_has_one_factor_in_a_row() {
    let tokens = Tensor::<2, Int>::from_data([[7, 3, 7], [7, 3, 3]], &Device::flex());
    let mask = values(&concrete(0.5).sample_types(&tokens, &draw()));
    assert_eq!(mask[0], mask[2]);
    assert_eq!(mask[4], mask[5]);
    assert_ne!(mask[0], mask[3]);
    assert_ne!(mask[0], mask[1]);
}

#[test]
fn an_expected_mask_is_the_identity() {
    let (dropout, expected) = (concrete(0.3), MaskDraw::expected());
    assert!(dropout.sample(2, &expected).is_identity());
    let tokens = Tensor::<2, Int>::zeros([1, 1], &Device::flex());
    assert!(dropout.sample_types(&tokens, &expected).is_identity());
    let (draw, record) = draw().recorded(2);
    let _ = dropout.sample(2, &draw);
    assert!(record.asked() && record.random());
}

#[test]
fn a_rate_stays_away_from_0_and_1_whatever_the_logit() {
    let device = &Device::flex().autodiff();
    for (logit, rate) in [(-200.0, 1e-4), (200.0, 1.0 - 1e-4)] {
        let mut dropout = ConcreteDropoutConfig::new(50).init(device);
        dropout.logit = Param::from_data([logit], device);
        assert!((dropout.rate() - rate).abs() < 1e-7);
        assert!(values(&dropout.sample(2, &draw())).iter().all(|value| value.is_finite()));
        let weight = Tensor::<2>::ones([50, 2], device);
        let mask = dropout.sample(2, &draw()).values().unwrap();
        let loss = mask.sum() + dropout.penalty(&[weight], &DropoutPrior::new(1.0, 10));
        let grads = loss.backward();
        let grad = dropout.logit.val().grad(&grads).unwrap().into_scalar::<f32>();
        assert!(grad.is_finite(), "{grad}");
    }
}

#[test]
fn the_penalty_is_its_closed_form() {
    let (p, length_scale, n_terms, precision) = (0.3_f64, 0.5, 20, 5.0);
    let prior = DropoutPrior::new(length_scale, n_terms).with_precision(precision);
    let config = ConcreteDropoutConfig::new(6).with_n_gates(4).with_initial_prob(p);
    let weight = |dims: [usize; 2]| Tensor::<2>::full(dims, 2.0, &Device::flex());
    let (first, second) = (weight([6, 3]), weight([6, 1]));
    let penalty = config.init(&Device::flex()).penalty(&[first, second], &prior);

    let n_tau = n_terms as f64 * precision;
    let lambda = length_scale * length_scale / (2.0 * n_tau * (1.0 - p));
    let entropy = -p * p.ln() - (1.0 - p) * (1.0 - p).ln();
    let expected = lambda * 24.0 * 4.0 - 24.0 * entropy / n_tau;
    let got = f64::from(penalty.into_scalar::<f32>());
    assert!((got - expected).abs() < 1e-6, "{got} is not {expected}");
}

#[test]
#[should_panic(expected = "ConcreteDropoutConfig: initial_prob must be in (0.0001, 0.9999), got 0")]
fn a_rate_of_zero_is_refused() {
    let _ = concrete(0.0);
}

#[test]
#[should_panic(expected = "ConcreteDropoutConfig: temperature must be positive and finite, got 0")]
fn no_temperature_is_refused() {
    let _ = ConcreteDropoutConfig::new(1).with_temperature(0.0).init(&Device::flex());
}

#[test]
#[should_panic(expected = "ConcreteDropoutConfig: units must be positive, got 0")]
fn no_unit_is_refused() {
    let _ = ConcreteDropoutConfig::new(0).init(&Device::flex());
}

#[test]
#[should_panic(
    expected = "ConcreteDropout: n_gates must be 1 for one mask, got 4; `sample_gates` samples each"
)]
fn one_mask_of_several_is_refused() {
    let _ = ConcreteDropoutConfig::new(1).with_n_gates(4).init(&Device::flex()).sample(1, &draw());
}

#[test]
#[should_panic(expected = "ConcreteDropout: masks must be sampled from a part of a draw")]
fn a_whole_draw_is_refused() {
    let _ = concrete(0.1).sample(1, &MaskRng::seeded(1).draw(0));
}

#[test]
#[should_panic(expected = "ConcreteDropout: tokens must be under units, 50, got 50")]
fn a_token_that_is_no_word_type_is_refused() {
    let tokens = Tensor::<2, Int>::from_data([[50]], &Device::flex());
    let _ = concrete(0.1).sample_types(&tokens, &draw());
}
