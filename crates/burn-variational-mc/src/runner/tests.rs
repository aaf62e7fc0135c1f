mod devices;
mod early_stop;
mod progress;

use std::ops::Range;

use super::*;
use crate::{Estimate, LogMeanExp, Moments, MonteCarloResult, Pass, Samples};
use burn::tensor::Device;
use burn_variational_dropout::SiteDropout;

fn input(device: &Device) -> Tensor<2> {
    Tensor::ones([3, 4], device)
}

fn mc(n_draws: usize) -> MonteCarlo {
    MonteCarlo::new(n_draws, MaskRng::seeded(1))
}

/// The draws of what a closure makes of the passes over three rows.
fn samples(
    mc: &MonteCarlo,
    mut forward: impl FnMut(&Pass) -> Tensor<2>,
) -> MonteCarloResult<Vec<Tensor<2>>> {
    mc.accumulate(3, Samples::new(), |pass| Ok(forward(pass)))
}

fn dropped(input: Tensor<2>, pass: &Pass) -> Tensor<2> {
    let (dims, device) = (input.dims(), input.device());
    SiteDropout::new(0.5).sample(dims, &pass.draw(), &device).apply(input)
}

/// The moments of draws whose spread is known: each output is 0 or 2.
fn dropped_moments(mc: &MonteCarlo, n_rows: usize) -> MonteCarloResult<Moments<2>> {
    let ones = Tensor::<2>::ones([n_rows, 4], &Device::flex());
    mc.accumulate(n_rows, Moments::new(), |pass| Ok(dropped(pass.fold(&ones), pass)))
}

#[test]
fn a_model_that_asks_for_no_mask_is_an_error() {
    let input = input(&Device::flex());
    let result = samples(&mc(4), |pass| pass.fold(&input));
    assert_eq!(result.unwrap_err(), MonteCarloError::NoDraw);
}

#[test]
fn a_model_on_an_autodiff_device_is_an_error() {
    let input = input(&Device::flex().autodiff());
    let result = samples(&mc(4), |pass| pass.fold(&input));
    assert_eq!(result.unwrap_err(), MonteCarloError::Autodiff);
}

#[test]
fn a_model_that_loses_rows_is_an_error() {
    let input = input(&Device::flex());
    let result = samples(&mc(4), |pass| dropped(pass.fold(&input), pass).slice_dim(0, 0..1));
    assert_eq!(result.unwrap_err(), MonteCarloError::Rows { expected: 3, got: 1 });
}

#[test]
fn a_forgotten_fold_is_an_error_that_names_it() {
    let input = input(&Device::flex());
    // The first pass holds one draw, where there is nothing to fold.
    for forgetful in [
        (|input, pass| dropped(input, pass)) as fn(Tensor<2>, &Pass) -> Tensor<2>,
        |input, pass| dropped(input.clone(), pass).repeat_dim(0, pass.n_draws()),
        |input, pass| {
            let _ = dropped(input.clone().repeat_dim(0, pass.n_draws()), pass);
            input
        },
    ] {
        let result = samples(&mc(4), |pass| forgetful(input.clone(), pass));
        let expected = MonteCarloError::ForgottenFold { n_draws: 3, n_rows: 3, got: 3 };
        assert_eq!(result.unwrap_err(), expected);
    }
}

#[test]
fn an_error_of_the_closure_comes_back() {
    let result = mc(4).accumulate(3, Samples::<2>::new(), |_| Err(anyhow::anyhow!("mine")));
    assert_eq!(result.unwrap_err().to_string(), "mine");
}

#[test]
fn raw_words_make_a_model_random_and_rates_of_zero_do_not() {
    let input = input(&Device::flex());
    let noisy = samples(&mc(4), |pass| {
        let rows = pass.draw();
        let words: Vec<f32> =
            rows.rows(pass.batch_size(), 0, false).map(|row| row.word(0) as f32).collect();
        let noise = Tensor::<1>::from_data(words.as_slice(), &Device::flex());
        pass.fold(&input) * noise.unsqueeze_dim(1)
    });
    let noisy = noisy.unwrap();
    assert!(noisy.is_random());
    assert_ne!(noisy[0].to_data(), noisy[1].to_data());

    let still = samples(&mc(4), |pass| {
        let input = pass.fold(&input);
        SiteDropout::new(0.0).sample(input.dims(), &pass.draw(), &input.device()).apply(input)
    });
    let still = still.unwrap();
    assert!(!still.is_random() && still.len() == 4);
}

#[test]
fn draws_do_not_depend_on_the_size_of_a_pass() {
    let input = input(&Device::flex());
    let draws = |max_bytes| {
        let mc = mc(5).with_max_bytes(max_bytes);
        let draws = samples(&mc, |pass| dropped(pass.fold(&input), pass)).unwrap();
        draws.into_value().into_iter().map(Tensor::into_data).collect::<Vec<_>>()
    };
    let whole = draws(1 << 20);
    assert_eq!(whole.len(), 5);
    assert_ne!(whole[0], whole[1]);
    for rows in [1, 2, 3, 4, 7, 100] {
        assert_eq!(draws(16 * rows), whole, "in passes of {rows} rows of 16 bytes");
    }
}

#[test]
fn passes_stay_under_the_bytes_they_may_hold_after_the_first() {
    let input = Tensor::<2>::ones([100, 4], &Device::flex());
    let mut sizes = Vec::new();
    let mc = mc(5).with_max_bytes(16 * 40);
    let run = mc.accumulate(100, Samples::new(), |pass| {
        sizes.push(pass.batch_size());
        Ok::<_, MonteCarloError>(dropped(pass.fold(&input), pass))
    });
    assert_eq!(run.unwrap()[4].dims(), [100, 4]);
    assert_eq!(sizes[0], 8);
    assert!(sizes[1..].iter().all(|&rows| rows <= 40), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 500);
}

#[test]
fn passes_hold_no_more_rows_than_they_may() {
    for (max_rows, first, most) in [(5, 5, 5), (40, 8, 40), (1000, 8, 6 * 92)] {
        let input = Tensor::<2>::ones([100, 4], &Device::flex());
        let mut sizes = Vec::new();
        let run = mc(6).with_max_rows(max_rows).accumulate(100, Samples::new(), |pass| {
            sizes.push(pass.batch_size());
            Ok::<_, MonteCarloError>(dropped(pass.fold(&input), pass))
        });
        assert_eq!(run.unwrap()[5].dims(), [100, 4]);
        assert_eq!((sizes[0], sizes.iter().copied().max()), (first, Some(most)), "{sizes:?}");
        assert_eq!(sizes.iter().sum::<usize>(), 600);
    }
}

#[test]
fn a_run_that_starts_elsewhere_gives_the_masks_from_there() {
    let input = input(&Device::flex());
    let draws = |mc: MonteCarlo, rows: Range<usize>| {
        let input = input.clone().slice_dim(0, rows.clone());
        let forward = |pass: &Pass| Ok::<_, MonteCarloError>(dropped(pass.fold(&input), pass));
        mc.accumulate(rows.len(), Samples::new(), forward).unwrap().into_value()
    };
    let whole = draws(mc(5), 0..3);
    let part = draws(mc(2).with_first_draw(3).with_first_row(1), 1..3);
    for (draw, expected) in part.into_iter().zip(&whole[3..]) {
        let expected = expected.clone().slice_dim(0, 1..3).into_data();
        assert_eq!(draw.into_data(), expected);
    }
}

#[test]
fn the_masks_of_a_prediction_are_not_those_of_training_with_the_same_seed() {
    let ones = Tensor::<2>::ones([1, 64], &Device::flex());
    let predicted = mc(1).accumulate(1, Samples::new(), |pass| {
        Ok::<_, MonteCarloError>(dropped(pass.fold(&ones), pass))
    });
    let trained = SiteDropout::new(0.5)
        .sample([1, 64], &MaskRng::seeded(1).draw(0), &Device::flex())
        .apply(ones.clone());
    assert_ne!(predicted.unwrap()[0].to_data(), trained.into_data());
}

#[test]
#[should_panic(expected = "Pass: whole must have the 5 rows of the prediction, got 3")]
fn a_batch_of_other_rows_is_refused() {
    let input = input(&Device::flex());
    let _ = mc(1).accumulate(5, Samples::new(), |pass| Ok::<_, MonteCarloError>(pass.fold(&input)));
}

#[test]
#[should_panic(expected = "MonteCarlo: n_draws must be positive, got 0")]
fn no_draw_is_refused() {
    let _ = mc(0);
}

#[test]
#[should_panic(expected = "MonteCarlo: max_bytes must be positive, got 0")]
fn a_pass_without_bytes_is_refused() {
    let _ = mc(1).with_max_bytes(0);
}

#[test]
fn an_output_that_is_not_finite_is_an_error_that_names_draw_and_row() {
    let input = input(&Device::flex());
    for strange in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut n_passes = 0;
        let mc = mc(5).with_max_bytes(16 * 3).with_first_draw(10).with_first_row(100);
        let run = samples(&mc, |pass| {
            n_passes += 1;
            let output = dropped(pass.fold(&input), pass);
            let is_last_row = Tensor::<2>::from_data([[0.0], [0.0], [1.0]], &Device::flex());
            let chosen = is_last_row.repeat_dim(1, 4).greater_elem(0.5);
            if n_passes > 2 { output.mask_fill(chosen, strange) } else { output }
        });
        assert_eq!(
            run.unwrap_err(),
            MonteCarloError::NotFinite { draw: 12, row: 102 },
            "{strange}"
        );
    }
}

#[test]
fn an_estimate_that_was_saved_is_the_one_that_was_made() {
    let estimate = dropped_moments(&mc(7), 3).unwrap();
    let saved = serde_json::to_string(&estimate).unwrap();
    let read: Estimate<Moments<2>> = serde_json::from_str(&saved).unwrap();
    assert_eq!((read.n_draws(), read.is_random(), read.count()), (7, true, 7));
    assert_eq!(read.mean().into_data(), estimate.mean().into_data());
    assert_eq!(read.variance().into_data(), estimate.variance().into_data());
    let log_mean = mc(7).accumulate(3, LogMeanExp::new(), |pass| {
        let ones = Tensor::<2>::ones([3, 4], &Device::flex());
        Ok::<_, MonteCarloError>(dropped(pass.fold(&ones), pass))
    });
    let log_mean = log_mean.unwrap();
    let saved = serde_json::to_string(&log_mean).unwrap();
    let read: Estimate<Tensor<2>> = serde_json::from_str(&saved).unwrap();
    assert_eq!(read.to_data(), log_mean.to_data());
}
