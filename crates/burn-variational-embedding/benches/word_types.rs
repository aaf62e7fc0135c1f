//! Time and memory of word-type dropout against the size of the vocabulary.
//!
//! Prints a JSON object a line: `n_embedding`, `median_us` to draw a mask and take the factors of
//! 20 × 35 tokens, and `peak_bytes` allocated on the way.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::Instant;

use burn::tensor::{Device, FloatDType, Int, Tensor, TensorData};
use burn_variational_dropout::{MaskRng, VariationalModel};
use burn_variational_embedding::VariationalEmbeddingConfig;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const DIMS: [usize; 2] = [20, 35];
const REPEATS: usize = 501;

fn main() {
    let device = Device::flex();
    for n_embedding in [1_000_u32, 10_000, 100_000, 1_000_000] {
        let embedding = VariationalEmbeddingConfig::new(n_embedding as usize, 1)
            .with_type_dropout(0.5)
            .init(&device);
        // Tokens from all over the vocabulary.
        let tokens: Vec<u32> = (0..700).map(|k| k * 7919 % n_embedding).collect();
        let data = TensorData::new(tokens, DIMS);
        let tokens = Tensor::<2, Int>::from_data(data, &device);
        let factors = |draw: usize| {
            let draw = MaskRng::seeded(1).draw(draw as u64).part("words");
            let masks = embedding.masks_for(&tokens, draw);
            masks.types.factors(&tokens, FloatDType::F32)
        };

        let _ = factors(0);
        ALLOCATOR.reset_peak_usage();
        let before = ALLOCATOR.current_usage();
        drop(factors(1));
        let peak_bytes = ALLOCATOR.peak_usage() - before;

        let mut microseconds: Vec<f64> = (0..REPEATS)
            .map(|draw| {
                let start = Instant::now();
                drop(factors(draw));
                start.elapsed().as_secs_f64() * 1e6
            })
            .collect();
        microseconds.sort_by(f64::total_cmp);
        let median_us = microseconds[REPEATS / 2];
        println!(
            "{{\"n_embedding\": {n_embedding}, \"median_us\": {median_us:.1}, \
             \"peak_bytes\": {peak_bytes}}}"
        );
    }
}
