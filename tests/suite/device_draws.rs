//! A GPU draws masks itself, and draws what the host does, bit by bit.

#![cfg(any(feature = "wgpu", feature = "cuda"))]

use burn::tensor::{Device, FloatDType, Int, Tensor};
use burn_variational::dropout::{
    MaskDraw, MaskRng, Site, SiteDropout, VariationalModel, WeightDropout,
};
use burn_variational::embedding::VariationalEmbeddingConfig;
use cross_backend_tests::{Operation, engine_runs, flex, on_every_gpu};

/// What `values` gives on a device that draws itself is what it gives on a CPU.
fn check<const D: usize>(what: &str, gpu: &Device, values: impl Fn(&Device) -> Tensor<D>) {
    let expected = values(&flex()).into_data();
    for device in [gpu.clone(), gpu.clone().autodiff()] {
        let before = engine_runs(Operation::Factors);
        let found = values(&device).into_data();
        assert_eq!(engine_runs(Operation::Factors), before + 1, "{what}: the device drew");
        assert_eq!(found, expected, "{what}");
    }
}

fn draw() -> MaskDraw {
    MaskRng::seeded(3).draw(5).part("device")
}

/// Draws at all coordinates: one of them far out, where it can be.
fn draws() -> Vec<MaskDraw> {
    let several = || MaskRng::seeded(u64::MAX).draws(u64::MAX - 4..u64::MAX - 1);
    vec![
        draw(),
        draw().site(&Site::Recurrent).layer(7).direction(1).gate(3),
        draw().site(&Site::named("leak")).starting_step(u64::MAX - 10),
        // The number of a row passes 32 bits within a batch.
        draw().starting_row(u64::from(u32::MAX) - 2),
        draw().starting_row(9).shared_rows(),
        several(),
        several().starting_row(1 << 40),
    ]
}

fn sites() -> [SiteDropout; 4] {
    let site = SiteDropout::new(0.3);
    [site, site.unscaled(), site.shared_over_batch(), SiteDropout::new(1.0 - 1e-9)]
}

on_every_gpu! {
    fn masks_are_those_of_the_host_at_all_coordinates(device: &Device) {
        for draw in draws() {
            for site in sites() {
                // Blocks of sixteen words, and what is left of one.
                for units in [1, 15, 16, 17, 100] {
                    let what = format!("{site:?}, {draw:?}, {units} units");
                    check(&what, device, |place| {
                        site.sample([6, units], &draw, place).values().unwrap()
                    });
                    check(&what, device, |place| {
                        site.sample_steps([3, 6, units], &draw, place).values().unwrap()
                    });
                }
            }
        }
    }

    fn masks_of_weights_are_those_of_the_host(device: &Device) {
        let elements = WeightDropout::new(0.4);
        for dropout in [elements, elements.input_rows(), elements.output_rows()] {
            check(&format!("{dropout:?}"), device, |place| {
                let weight = Tensor::<2>::ones([33, 70], place);
                dropout.sample(&weight, &draw()).unwrap().values::<2>()
            });
        }
    }

    fn word_types_are_those_of_the_host(device: &Device) {
        let half = SiteDropout::new(0.5);
        for site in [half, half.shared_over_batch()] {
            let embedding = VariationalEmbeddingConfig::new(4, 2).with_type_dropout(site);
            check(&format!("{site:?}"), device, |place| {
                let tokens: Vec<i32> = (0..200).map(|k| (k * 7919) % 30_000).collect();
                let tokens = Tensor::<1, Int>::from_data(&tokens[..], place).reshape([4, 50]);
                let masks = embedding.init(place).masks_for(&tokens, draw());
                masks.types.factors(&tokens, FloatDType::F32)
            });
        }
    }

    fn normal_numbers_are_drawn_by_the_host(device: &Device) {
        let site = SiteDropout::new(0.3).gaussian();
        let sample = |place: &Device| site.sample([4, 20], &draw(), place).values().unwrap();
        let before = engine_runs(Operation::Factors);
        assert_eq!(sample(device).into_data(), sample(&flex()).into_data());
        assert_eq!(engine_runs(Operation::Factors), before);
    }
}
