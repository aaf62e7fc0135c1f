//! The memory that a layer keeps for its backward pass.

use burn::tensor::{Device, Tensor};
use burn_variational_dropout::{MaskRng, SequenceExtent, VariationalModel};
use burn_variational_rnn::{
    CellConfig, GruCellConfig, LayerDropout, LstmCellConfig, RecurrentCell, RecurrentLayer,
    RnnCellConfig,
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const DIMS: [usize; 3] = [100, 64, 256];

/// Prints one JSON object a line: the cell, and the elements kept over `B (T + 1) H`.
pub(crate) fn print() {
    let [_, _, width] = DIMS;
    let gru = GruCellConfig::new(width, width, true);
    report("LSTM", LstmCellConfig::new(width, width, true));
    report("GRU, reset after", gru.clone());
    report("GRU, reset before", gru.with_reset_after(false));
    report("RNN", RnnCellConfig::new(width, width, true));
}

fn report<K: CellConfig>(name: &str, config: K) {
    let [seq_length, batch_size, width] = DIMS;
    let device = Device::flex().autodiff();
    let dropout = LayerDropout::none().with_input(0.5).with_recurrent(0.5);
    let layer = RecurrentLayer::new(config.init(&device), dropout).with_batch_first(false);
    let extent = SequenceExtent::new(batch_size, seq_length, &device);
    let masks = layer.sample_masks(&extent, MaskRng::seeded(1).draw(0).part("layer"));
    let input = Tensor::<3>::ones(DIMS, &device);
    let state = layer.cell.initial_state(batch_size);

    // What a first pass has freed lies in the pool; what a second adds, it keeps.
    let first = layer.forward(input.clone(), Some(state.clone()), &masks);
    let before = ALLOCATOR.current_usage();
    let second = layer.forward(input, Some(state), &masks);
    let kept = ALLOCATOR.current_usage() - before;
    drop((first, second));
    let unit = batch_size * (seq_length + 1) * width * size_of::<f32>();
    let ratio = kept as f64 / unit as f64;
    println!("{{\"cell\": \"{name}\", \"kept_over_unit\": {ratio:.3}}}");
}
