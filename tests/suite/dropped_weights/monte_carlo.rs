//! Draws of weights do not fold into a batch: Monte Carlo runs them one by one, by itself.

use super::*;

/// Relative error of moments over draws that run the same operations on the same numbers: what
/// is left is the order in which `f32` sums them.
const MOMENTS_TOLERANCE: f64 = 1e-6;

const N_DRAWS: usize = 7;

/// Mean and variance over the draws, element by element.
fn moments(draws: &[Vec<f64>]) -> [Vec<f64>; 2] {
    let n = draws.len() as f64;
    let over_draws = |f: &dyn Fn(f64, usize) -> f64| -> Vec<f64> {
        let sum = |k: usize| draws.iter().map(|draw| f(draw[k], k)).sum::<f64>();
        (0..draws[0].len()).map(|k| sum(k) / n).collect()
    };
    let mean = over_draws(&|value, _| value);
    let variance = over_draws(&|value, k| (value - mean[k]).powi(2));
    [mean, variance]
}

on_every_path! {
    fn monte_carlo_is_a_loop_over_weights_masked_by_hand(device: &Device) {
        let stack = stack(device);
        assert!(!stack.folds_draws());
        let input = numbers(DIMS, device);
        let mc = || MonteCarlo::new(N_DRAWS, MaskRng::seeded(1));
        let got = mc().moments(&stack, &input).unwrap();
        assert!(got.is_random());

        let draws: Vec<Vec<f64>> = (0..N_DRAWS as u64)
            .map(|k| {
                let by_hand = masked(&stack, &stack.masks_for(&input, draw(k)));
                let masks = by_hand.identity_masks();
                values(&by_hand.forward(input.clone(), None, &masks).0)
            })
            .collect();
        assert_ne!(draws[0], draws[1]);
        let [mean, variance] = moments(&draws);
        assert_close(&got.mean(), &mean, MOMENTS_TOLERANCE, "mean");
        assert_close(&got.variance(), &variance, MOMENTS_TOLERANCE, "variance");

        let again = mc().moments(&stack, &input).unwrap();
        assert_eq!(values(&again.mean()), values(&got.mean()));
        assert_eq!(values(&again.variance()), values(&got.variance()));
    }
}

on_every_device! {
    fn monte_carlo_of_weights_gives_the_same_in_passes_of_any_size(device: &Device) {
        let stack = stack(device);
        let input = numbers([5, 2, D_INPUT], device);
        let draws = |max_bytes| {
            let mc = MonteCarlo::new(3, MaskRng::seeded(1)).with_max_bytes(max_bytes);
            mc.samples(&stack, &input).unwrap().into_value()
        };
        let whole = draws(1 << 20);
        for (draw, expected) in draws(1).iter().zip(&whole) {
            assert_close(draw, &values(expected), tolerance(device), "row by row");
        }
    }
}

#[test]
fn stacks_fold_draws_unless_weights_are_dropped() {
    let folds = |dropout: StackDropout| {
        let config = VariationalLstmConfig::new(2, 3, true).with_dropout(dropout);
        config.init(&cross_backend_tests::flex()).folds_draws()
    };
    assert!(folds(StackDropout::variational_untied(0.5, 0.5)));
    assert!(folds(StackDropout::zoneout(0.5, 0.05)));
    assert!(!folds(StackDropout::none().with_input_weights(0.5)));
    assert!(!folds(StackDropout::none().with_recurrent_weights(0.5)));
    assert!(!folds(StackDropout::awd(0.4, 0.25, 0.4, 0.5)));
}
