//! A training pass of an LSTM.

use burn::tensor::{Device, Tensor};
use burn_variational::prelude::*;
use burn_variational::rnn::LstmCellConfig;

/// Runs one, of so many rows, steps and units.
pub(crate) fn pass(device: &Device, [batch_size, seq_length, units]: [usize; 3]) -> impl Fn() {
    let device = device.clone().autodiff();
    let half = SiteDropout::new(0.5);
    let dropout = LayerDropout::none().with_input(half).with_recurrent(half);
    let config = LstmCellConfig::new(units, units, true);
    let layer = RecurrentLayer::new(config.init(&device), dropout).with_batch_first(false);
    let extent = SequenceExtent::new(batch_size, seq_length, &device);
    let masks = layer.sample_masks(&extent, MaskRng::seeded(1).draw(0).part("layer"));
    let input = Tensor::<3>::ones([seq_length, batch_size, units], &device).require_grad();
    move || {
        let output = layer.forward(input.clone(), None, &masks).0;
        drop(output.square().mean().backward());
        device.sync().expect("the device works");
    }
}
