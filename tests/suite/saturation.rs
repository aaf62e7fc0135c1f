//! Gates far from 0: on every device what comes of them is a number, and the right one.

use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};
use burn_variational::rnn::{
    CellConfig, GateInitializer, GruCellConfig, LayerDropout, LayerMasks, LstmCellConfig,
    RecurrentLayer, RnnCellConfig,
};
use burn_variational_kernels::tanh;
use cross_backend_tests::{assert_elements_close, on_every_device, on_every_path};

/// Two steps of a layer of one unit, whose gates all get this input.
fn outputs<K: CellConfig>(config: &K, input: f32, device: &Device) -> Tensor<3> {
    let layer = RecurrentLayer::new(config.init(device), LayerDropout::none());
    let input = Tensor::full([1, 2, 1], input, device);
    layer.forward(input, None, &LayerMasks::identity()).0
}

fn ones() -> GateInitializer {
    GateInitializer { input_weights: Initializer::Ones, ..GateInitializer::burn() }
}

on_every_path! {
    fn large_gates_open_and_close(device: &Device) {
        let lstm = LstmCellConfig::new(1, 1, false).with_initializer(ones());
        let gru = GruCellConfig::new(1, 1, false).with_initializer(ones());
        let rnn = RnnCellConfig::new(1, 1, false).with_initializer(ones());
        let check = |got: Tensor<3>, expected: [f64; 2]| {
            assert_elements_close(&got, &expected, "two steps");
        };
        for large in [50.0, 1000.0] {
            // The cell counts steps, and closed it is never written.
            check(outputs(&lstm, large, device), [1_f64.tanh(), 2_f64.tanh()]);
            check(outputs(&lstm, -large, device), [0.0, 0.0]);
            // The update gate holds what was there, and closed it takes the candidate.
            check(outputs(&gru, large, device), [0.0, 0.0]);
            check(outputs(&gru, -large, device), [-1.0, -1.0]);
            check(outputs(&rnn, large, device), [1.0, 1.0]);
            check(outputs(&rnn, -large, device), [-1.0, -1.0]);
        }
    }
}

on_every_device! {
    fn tanh_and_its_gradient_are_numbers_everywhere(device: &Device) {
        let device = &device.clone().autodiff();
        let at = [-1e30_f64, -100.0, -44.5, -19.0, -1.0, -1e-3, 0.0, 0.5, 9.0, 44.5, 1e4];
        let a = Tensor::<1>::from_data(at.map(|a| a as f32), device).require_grad();
        let y = tanh(a.clone());
        assert_elements_close(&y, &at.map(f64::tanh), "tanh");
        let gradient = a.grad(&y.sum().backward()).unwrap();
        assert_elements_close(&gradient, &at.map(|a| 1.0 - a.tanh().powi(2)), "its gradient");
    }
}
