//! The more is known, the less is dropped.

use burn::tensor::Device;
use concrete::learn;

#[test]
fn the_learned_rates_fall_with_the_size_of_the_data() {
    let device = Device::flex();
    for seed in [1, 2, 3] {
        let runs = [20, 100, 500].map(|size| learn(size, 120, seed, &device));
        assert!(runs.is_sorted_by(|few, many| few.recurrent > many.recurrent), "{runs:#?}");
        assert!(runs.is_sorted_by(|few, many| few.output > many.output), "{runs:#?}");
    }
}
