//! What cannot be bound or sampled says why.

use super::*;
use burn::module::{Lora, ParamGroup};

fn linear() -> Bayesian<Linear, Tensor<2>, Tensor<2>> {
    Bayesian::new(LinearConfig::new(3, 3).init(&flex()), Linear::forward)
}

#[test]
#[should_panic(
    expected = "WeightMasks: a parameter must carry no transform yet, got weight_mask at \
                \"lstm.cell_gate.hidden_transform.weight\"; bind to the clean module"
)]
fn binding_twice_is_refused() {
    let model = classifier(&flex());
    let masks = model.masks_for(&numbers([1, 1, 3], &flex()), draw(0));
    let _ = masks.bind(model.bind(&masks));
}

#[test]
#[should_panic(expected = "WeightMasks: a parameter must carry no transform yet, got lora at")]
fn a_parameter_with_an_adapter_is_refused() {
    let model = linear().with_dropout(0.5);
    let input = numbers([1, 3], &flex());
    let masks = model.masks_for(&input, draw(0));
    let _ = masks.bind(model.module.apply_lora(Lora::new(2, 4.0)));
}

#[test]
#[should_panic(expected = "Bayesian: a group must hold a weight of the module, got none")]
fn a_group_without_a_weight_is_refused() {
    // A bias is no weight.
    let _ = linear().with_group(&ParamGroup::from_path("bias"), 0.5);
}

#[test]
#[should_panic(expected = "Bayesian: weight prob must be in [0, 1), got 1")]
fn dropping_all_is_refused() {
    let _ = linear().with_dropout(1.0);
}

#[test]
#[should_panic(expected = "WeightDropout: axis must be under the weight's rank 2, got 2")]
fn an_axis_that_a_weight_of_the_group_has_not_is_refused() {
    let _ = linear().with_group(&ParamGroup::all(), WeightDropout::new(0.5).along_axis(2));
}

#[test]
#[should_panic(expected = "Bayesian: masks must be sampled from a part of a draw")]
fn a_whole_draw_is_refused() {
    let model = linear().with_dropout(0.5);
    let _ = model.masks_for(&numbers([1, 3], &flex()), MaskRng::seeded(1).draw(0));
}

#[test]
#[should_panic(
    expected = "WeightDropout: draws must not be folded, as all rows of a batch share its weights, \
                got 2 draws; the model's `folds_draws` must be false"
)]
fn folded_draws_are_refused() {
    let model = linear().with_dropout(0.5);
    let draws = MaskRng::seeded(1).draws(0..2).part("model");
    let _ = model.masks_for(&numbers([2, 3], &flex()), draws);
}

#[test]
fn a_model_with_nothing_dropped_has_no_monte_carlo() {
    let mc = MonteCarlo::new(3, MaskRng::seeded(1));
    let error = mc.samples(&linear(), &numbers([2, 3], &flex())).unwrap_err();
    assert_eq!(error, MonteCarloError::NoDraw);
    // Rate 0 was asked for, and varies nothing.
    let asked = linear().with_dropout(0.0);
    let moments = mc.moments(&asked, &numbers([2, 3], &flex())).unwrap();
    assert!(!moments.is_random());
}
