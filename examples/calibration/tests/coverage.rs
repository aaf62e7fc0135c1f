//! What is promised is kept, in a small run.

use burn::tensor::Device;
use burn_variational::dropout::MaskRng;
use burn_variational::mc::MonteCarlo;
use calibration::{Coverage, Regression, Rows};

#[test]
fn intervals_cover_what_they_promise() {
    let device = Device::flex();
    let rows = |n_rows, name| Rows::sampled(n_rows, name, 1, &device);
    let model = Regression::train(&rows(500, "training"), 400, 1);
    let mc = MonteCarlo::new(20, MaskRng::seeded(1));
    let judged = [rows(500, "validation"), rows(1000, "calibration"), rows(1000, "test")];
    let coverage = Coverage::measure(&model, judged.each_ref(), &mc, 1).unwrap();
    for level in [0.5, 0.9, 0.95] {
        let share = coverage.at(level, 3).unwrap();
        // Four standard deviations of a share of 1000, conformal ones of two sets of them.
        let deviation = (level * (1.0 - level) / 1000.0_f64).sqrt();
        assert!((share.total - level).abs() < 0.03 + 4.0 * deviation, "{share:?}");
        for split in &share.conformal {
            assert!((split - level).abs() < 4.0 * 2.0_f64.sqrt() * deviation, "{share:?}");
        }
        assert!(share.noise_alone < share.total, "{share:?}");
    }
}
