//! What is found on the device while draws are made.

use burn::tensor::{Device, Tensor};
use burn_variational::dropout::SiteDropout;
use burn_variational::mc::{EarlyStop, Moments, MonteCarloError, Pass, Samples};
use cross_backend_tests::on_every_device;

use super::mc;

/// The masks of a pass over rows of four.
fn mask(pass: &Pass, device: &Device) -> Tensor<2> {
    let ones = Tensor::ones([pass.batch_size(), 4], device);
    SiteDropout::new(0.5).sample(ones.dims(), &pass.draw(), device).apply(ones)
}

on_every_device! {
    fn an_output_that_is_not_finite_is_an_error_that_names_draw_and_row(device: &Device) {
        // Which draws keep the second element of the last row.
        let kept = mc(5).accumulate(3, Samples::new(), |pass| {
            Ok::<_, MonteCarloError>(mask(pass, device))
        });
        let is_kept = |draw: &Tensor<2>| draw.to_data().iter::<f64>().nth(9) != Some(0.0);
        let draw = kept.unwrap().iter().position(is_kept).expect("half of the draws keep it");
        let expected = MonteCarloError::NotFinite { draw: draw as u64, row: 2 };
        for strange in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut values = [1.0; 12];
            values[9] = strange;
            let input = Tensor::<1>::from_data(values, device).reshape([3, 4]);
            let run = mc(5).accumulate(3, Moments::new(), |pass| {
                let (input, is_kept) = (pass.fold(&input), mask(pass, device).greater_elem(0.5));
                Ok::<_, MonteCarloError>(input.zeros_like().mask_where(is_kept, input))
            });
            assert_eq!(run.unwrap_err(), expected, "{strange}");
        }
    }

    fn draws_that_do_not_differ_stop_at_the_first_look(device: &Device) {
        let input = Tensor::<2>::ones([3, 4], device);
        let stop = EarlyStop::relative(1e-3).with_min_draws(4);
        let run = mc(100).with_early_stop(stop).accumulate(3, Moments::new(), |pass| {
            let input = pass.fold(&input);
            let mask = SiteDropout::new(0.0).sample(input.dims(), &pass.draw(), device);
            Ok::<_, MonteCarloError>(mask.apply(input))
        });
        let run = run.unwrap();
        assert_eq!((run.n_draws(), run.is_random()), (4, false));
    }
}
