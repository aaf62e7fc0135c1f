//! Two windows with a carried state and carried masks are one long window.

use burn::tensor::{Device, Distribution, Tensor};
use burn_variational::dropout::{MaskRng, VariationalModel};
use burn_variational::rnn::{
    CellConfig, GruCellConfig, LstmCellConfig, RnnCellConfig, StackConfig, StackDropout,
};
use cross_backend_tests::{assert_close, on_every_device};

/// The steps are the same operations on the same numbers.
const TOLERANCE: f64 = 1e-6;

fn check<K: CellConfig>(cell: &K, dropout: &StackDropout, device: &Device) {
    let config = StackConfig::from_cell(cell.clone()).with_n_layers(2);
    let stack = config.with_dropout(dropout.clone()).init(device);
    let draw = MaskRng::seeded(1).draw(0);
    let input = Tensor::random([3, 7, 4], Distribution::Uniform(-1.0, 1.0), device);
    let masks = stack.masks_for(&input, draw.part("stack"));
    let whole = stack.forward(input.clone(), None, &masks).0;

    let (first, second) = (input.clone().slice([0..3, 0..4]), input.slice([0..3, 4..7]));
    let masks = stack.masks_for(&first, draw.part("stack"));
    let (start, state) = stack.forward(first, None, &masks);
    // Masks of a sequence are carried; masks of a step go on from where the window starts.
    let masks = stack.masks_for(&second, draw.part("stack").starting_step(4));
    let (end, _) = stack.forward(second, Some(state.detach()), &masks);
    let whole: Vec<f64> = whole.into_data().iter::<f64>().collect();
    assert_close(&Tensor::cat(vec![start, end], 1), &whole, TOLERANCE, "two windows");
}

on_every_device! {
    fn two_windows_with_carried_masks_are_one_long_window(device: &Device) {
        let schemes = [
            StackDropout::none(),
            StackDropout::naive(0.3),
            StackDropout::variational(0.25, 0.5),
            StackDropout::variational_untied(0.25, 0.5),
        ];
        for dropout in schemes {
            check(&LstmCellConfig::new(4, 5, true), &dropout, device);
            check(&GruCellConfig::new(4, 5, true), &dropout, device);
            check(&GruCellConfig::new(4, 5, true).with_reset_after(false), &dropout, device);
            check(&RnnCellConfig::new(4, 5, true), &dropout, device);
        }
    }
}

#[test]
fn carried_mask_values_serve_any_window() {
    let device = cross_backend_tests::flex();
    let stack = StackConfig::from_cell(LstmCellConfig::new(4, 5, true))
        .with_dropout(StackDropout::variational_untied(0.25, 0.5))
        .init(&device);
    let input = Tensor::random([3, 7, 4], Distribution::Uniform(-1.0, 1.0), &device);
    let masks = stack.masks_for(&input, MaskRng::seeded(1).draw(0).part("stack"));
    let whole = stack.forward(input.clone(), None, &masks).0;
    let (start, state) = stack.forward(input.clone().slice([0..3, 0..4]), None, &masks);
    let (end, _) = stack.forward(input.slice([0..3, 4..7]), Some(state), &masks);
    let whole: Vec<f64> = whole.into_data().iter::<f64>().collect();
    assert_close(&Tensor::cat(vec![start, end], 1), &whole, TOLERANCE, "two windows");
}
