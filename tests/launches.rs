//! How many kernels a GPU is asked to launch for a step. A binary of its own: it counts those of the
//! whole process.

use burn::tensor::{Device, Tensor};
use burn_variational::prelude::*;
use burn_variational::rnn::{GruCellConfig, LstmCellConfig, RnnCellConfig};
use cross_backend_tests::{Operation, engine_runs, launches, wgpu, without_whole_sequences};

const BATCH_SIZE: usize = 3;
/// Whose gates begin where no device can bind them.
const UNITS: usize = 5;

/// The launches of a training pass over so many steps.
fn of_pass<K: CellConfig>(config: &K, dropout: &LayerDropout, n_steps: usize) -> usize {
    let device: Device = wgpu().autodiff();
    let layer = RecurrentLayer::new(config.init(&device), dropout.clone()).with_batch_first(false);
    let extent = SequenceExtent::new(BATCH_SIZE, n_steps, &device);
    let masks = layer.sample_masks(&extent, MaskRng::seeded(1).draw(0).part("layer"));
    let input = Tensor::<3>::ones([n_steps, BATCH_SIZE, UNITS], &device).require_grad();
    device.sync().expect("the device works");
    let (_gradients, n_launches) = launches(|| {
        let gradients = layer.forward(input.clone(), None, &masks).0.square().sum().backward();
        // Fusion puts kernels off until then.
        device.sync().expect("the device works");
        gradients
    });
    n_launches
}

/// The launches of one more step, where each has its own.
fn of_step<K: CellConfig>(config: &K, dropout: &LayerDropout) -> usize {
    let before = engine_runs(Operation::SequenceKernels);
    let pass = |n_steps| without_whole_sequences(|| of_pass(config, dropout, n_steps));
    let [few, many] = [3, 7].map(pass);
    assert_eq!(engine_runs(Operation::SequenceKernels), before + 2, "the kernels ran");
    assert_eq!((many - few) % 4, 0, "{few} launches of 3 steps, {many} of 7");
    (many - few) / 4
}

/// Asserts that a kernel takes all steps, however many there are.
fn check_whole<K: CellConfig>(config: &K, dropout: &LayerDropout) {
    let before = engine_runs(Operation::WholeSequence);
    let [few, many] = [3, 50].map(|n_steps| of_pass(config, dropout, n_steps));
    assert_eq!(engine_runs(Operation::WholeSequence), before + 2, "a kernel took all steps");
    assert_eq!(few, many, "{dropout:?}");
}

/// One test, since others would launch kernels meanwhile.
#[test]
fn a_step_is_a_product_and_a_kernel_each_way_where_one_kernel_does_not_take_all() {
    let half = SiteDropout::new(0.5);
    let both = |site: SiteDropout| LayerDropout::none().with_input(site).with_recurrent(site);
    let dropouts = [
        LayerDropout::none(),
        both(half),
        both(half.untied()),
        both(half.per_step()),
        both(half).with_zoneout_hidden(0.5),
    ];
    let (lstm, rnn) =
        (LstmCellConfig::new(UNITS, UNITS, true), RnnCellConfig::new(UNITS, UNITS, true));
    let gru = || GruCellConfig::new(UNITS, UNITS, true);
    for dropout in &dropouts {
        check_whole(&lstm, dropout);
        check_whole(&rnn, dropout);
        assert_eq!(of_step(&lstm, dropout), 4, "{dropout:?}");
        assert_eq!(of_step(&rnn, dropout), 4, "{dropout:?}");
        assert_eq!(of_step(&gru(), dropout), 4, "{dropout:?}");
        // What the reset gate lets through has a product of its own.
        assert_eq!(of_step(&gru().with_reset_after(false), dropout), 8, "{dropout:?}");
    }
}
