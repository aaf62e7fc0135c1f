//! Masks multiply what enters the gates, so the carried state cannot explode.

use burn::tensor::{Device, Distribution, Tensor};
use burn_variational::dropout::{MaskRng, Site, VariationalModel};
use burn_variational::rnn::{CellConfig, GruCellConfig, RnnCellConfig, StackConfig, StackDropout};
use cross_backend_tests::on_every_path;

/// The largest `|h|` over 200 steps with half of everything dropped.
fn largest<K: CellConfig>(cell: K, device: &Device) -> f32 {
    const SEQ_LENGTH: usize = 200;
    let stack = StackConfig::from_cell(cell)
        .with_dropout(StackDropout::variational(0.5, 0.5).without(&Site::Output))
        .init(device);
    let input = Tensor::random([2, SEQ_LENGTH, 4], Distribution::Normal(0.0, 3.0), device);
    let masks = stack.masks_for(&input, MaskRng::seeded(1).draw(0).part("stack"));
    stack.forward(input, None, &masks).0.abs().max().into_scalar()
}

on_every_path! {
    fn a_gru_stays_within_one(device: &Device) {
        for reset_after in [true, false] {
            let cell = GruCellConfig::new(4, 8, true).with_reset_after(reset_after);
            let largest = largest(cell, device);
            // Not by being all but zero, either.
            assert!((0.5..=1.0).contains(&largest), "reset_after {reset_after}: {largest}");
        }
    }

    fn a_simple_rnn_stays_within_one(device: &Device) {
        let largest = largest(RnnCellConfig::new(4, 8, true), device);
        assert!((0.5..=1.0).contains(&largest), "{largest}");
    }
}
