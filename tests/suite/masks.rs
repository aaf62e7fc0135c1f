//! Masks of one seed are the same everywhere, and masks of different coordinates have nothing to
//! do with each other.

use burn::tensor::{Device, FloatDType, Tensor};
use burn_variational::dropout::{
    DropoutMask, MaskDraw, MaskRng, SequenceExtent, Site, SiteDropout, VariationalModel,
};
use burn_variational::embedding::VariationalEmbeddingConfig;
use burn_variational::rnn::{StackDropout, StackMasks, VariationalLstm, VariationalLstmConfig};
use cross_backend_tests::{flex, on_every_device};

fn bits<const D: usize>(mask: &DropoutMask<D>) -> Vec<u32> {
    let values: Vec<f32> = mask.values().expect("a drawn mask").to_data().try_to_vec().unwrap();
    values.into_iter().map(f32::to_bits).collect()
}

fn stack(dropout: StackDropout, device: &Device) -> VariationalLstm {
    VariationalLstmConfig::new(5, 7, true).with_n_layers(2).with_dropout(dropout).init(device)
}

const SITES: [Site; 3] = [Site::Input, Site::Recurrent, Site::Output];

/// Every mask of a stack, bit by bit.
fn all_bits(masks: &StackMasks) -> Vec<Vec<u32>> {
    let mut all = Vec::new();
    for layer in (0..masks.n_layers()).map(|l| masks.layer(l)) {
        for site in SITES {
            for step in 0..3 {
                let masks = layer.get(&site).at_step(step);
                let drawn = masks.masks().iter().filter(|mask| !mask.is_identity());
                all.extend(drawn.map(bits));
            }
        }
    }
    all
}

on_every_device! {
    fn masks_of_one_seed_are_bit_equal_on_every_backend(device: &Device) {
        let schemes = [
            StackDropout::naive(0.3),
            StackDropout::variational(0.25, 0.5),
            StackDropout::variational_untied(0.25, 0.5),
        ];
        for dropout in schemes {
            let sample = |device: &Device| {
                let draw = MaskRng::seeded(42).draw(3).part("stack");
                let extent = SequenceExtent::new(4, 3, device);
                all_bits(&stack(dropout.clone(), device).sample_masks(&extent, draw))
            };
            let masks = sample(device);
            assert!(!masks.is_empty());
            assert_eq!(masks, sample(&flex()));
            assert_eq!(masks, sample(&device.clone().autodiff()));
        }
    }

    fn masks_do_not_depend_on_the_split_of_the_batch(device: &Device) {
        let dropout = SiteDropout::new(0.5);
        let draw = MaskRng::seeded(1).draw(0).site(&Site::Recurrent);
        let whole = bits(&dropout.sample([7, 9], &draw, device));
        for first in [1, 3, 6] {
            let head = bits(&dropout.sample([first, 9], &draw, device));
            let rest = draw.starting_row(first as u64);
            let tail = bits(&dropout.sample([7 - first, 9], &rest, device));
            assert_eq!([head, tail].concat(), whole);
        }
    }

    fn masks_do_not_depend_on_the_draws_of_a_pass(device: &Device) {
        let stack = stack(StackDropout::variational_untied(0.25, 0.5), device);
        let rng = MaskRng::seeded(1);
        let sample = |batch_size, draw: MaskDraw| {
            let extent = SequenceExtent::new(batch_size, 3, device);
            all_bits(&stack.sample_masks(&extent, draw.part("stack")))
        };
        let folded = sample(6, rng.draws(4..7));
        let apart: Vec<_> = (4..7).map(|draw| sample(2, rng.draw(draw))).collect();
        for (k, folded) in folded.into_iter().enumerate() {
            let draws: Vec<u32> = apart.iter().flat_map(|draw| draw[k].clone()).collect();
            assert_eq!(folded, draws);
        }
    }

    fn dropped_words_are_the_same_on_every_backend(device: &Device) {
        let factors = |device: &Device| {
            let embedding = VariationalEmbeddingConfig::new(100, 1)
                .with_type_dropout(0.5)
                .init(device);
            let tokens = Tensor::arange(0..100, device).reshape([2, 50]);
            let masks = embedding.masks_for(&tokens, MaskRng::seeded(9).draw(0).part("words"));
            let factors = masks.types.factors(&tokens, FloatDType::F32);
            factors.into_data().try_to_vec::<f32>().unwrap()
        };
        assert_eq!(factors(device), factors(&flex()));
    }
}

#[test]
fn no_two_masks_of_a_stack_are_the_same() {
    // Equal widths and untied gates everywhere, on 32 units: chance makes two masks of rate ½ equal
    // once in 2³².
    let stack = VariationalLstmConfig::new(32, 32, true)
        .with_n_layers(3)
        .with_dropout(StackDropout::variational_untied(0.5, 0.5))
        .init(&flex());
    let extent = SequenceExtent::new(2, 1, &flex());
    let masks = stack.sample_masks(&extent, MaskRng::seeded(1).draw(0).part("stack"));
    let mut rows = Vec::new();
    for layer in (0..masks.n_layers()).map(|l| masks.layer(l)) {
        for site in SITES {
            for mask in
                layer.get(&site).at_step(0).masks().iter().filter(|mask| !mask.is_identity())
            {
                let bits = bits(mask);
                rows.extend([bits[..32].to_vec(), bits[32..].to_vec()]);
            }
        }
    }
    // Three layers of four input and four recurrent masks, one output mask, two rows each.
    assert_eq!(rows.len(), 2 * (3 * 8 + 1));
    let n_rows = rows.len();
    rows.sort();
    rows.dedup();
    assert_eq!(rows.len(), n_rows);
}

/// Correlation of two masks of `n` units, and the bound that chance stays under.
fn correlation(a: &DropoutMask<2>, b: &DropoutMask<2>) -> (f64, f64) {
    let values =
        |mask: &DropoutMask<2>| mask.values().unwrap().to_data().try_to_vec::<f32>().unwrap();
    let (a, b) = (values(a), values(b));
    let n = a.len() as f64;
    let mean = |values: &[f32]| values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let (mean_a, mean_b) = (mean(&a), mean(&b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (&a, &b) in a.iter().zip(&b) {
        let (a, b) = (f64::from(a) - mean_a, f64::from(b) - mean_b);
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    (ab / (aa * bb).sqrt(), 6.0 / n.sqrt())
}

#[test]
fn masks_of_different_coordinates_are_uncorrelated() {
    const UNITS: usize = 1_000_000;
    let dropout = SiteDropout::new(0.5);
    let rng = MaskRng::seeded(1);
    let recurrent = |rng: &MaskRng| rng.draw(0).site(&Site::Recurrent);
    let base = recurrent(&rng);
    let sample = |draw: &MaskDraw| dropout.sample_steps([1, 1, UNITS], draw, &flex()).at_step(0);
    let reference = sample(&base);
    let others = [
        ("seed", recurrent(&MaskRng::seeded(2))),
        ("draw", rng.draw(1).site(&Site::Recurrent)),
        ("layer", base.layer(1)),
        ("direction", base.direction(1)),
        ("site", base.site(&Site::Input)),
        ("gate", base.gate(1)),
        ("row", base.starting_row(1)),
        ("step", base.starting_step(1)),
        ("scope", recurrent(&rng.scope("prediction"))),
        ("part", base.part("encoder")),
        ("named site", base.site(&Site::named("leak"))),
    ];
    for (name, draw) in &others {
        let (correlation, bound) = correlation(&reference, &sample(draw));
        assert!(correlation.abs() <= bound, "{name}: {correlation:.1e} is over {bound:.1e}");
    }
    // Neighbouring units of one mask.
    let row = reference.values().unwrap();
    let (left, right) = (row.clone().slice([0..1, 0..UNITS - 1]), row.slice([0..1, 1..UNITS]));
    let (correlation, bound) =
        correlation(&DropoutMask::from_values(left), &DropoutMask::from_values(right));
    assert!(correlation.abs() <= bound, "unit: {correlation:.1e} is over {bound:.1e}");
}
