//! Masks of one seed are the same everywhere, and masks of different coordinates have nothing to
//! do with each other.

use burn::tensor::{Device, FloatDType, Tensor};
use burn_variational::dropout::{
    DropoutMask, MaskDraw, MaskRng, SequenceExtent, Site, SiteDropout, VariationalModel,
    WeightDropout,
};
use burn_variational::embedding::VariationalEmbeddingConfig;
use burn_variational::rnn::{
    Directions, LayerMasks, MergeMode, StackDropout, StackMasks, VariationalLstm,
    VariationalLstmConfig,
};
use cross_backend_tests::{flex, on_every_device};

fn bits<const D: usize>(mask: &DropoutMask<D>) -> Vec<u32> {
    let values: Vec<f32> = mask.values().expect("a drawn mask").to_data().try_to_vec().unwrap();
    values.into_iter().map(f32::to_bits).collect()
}

fn stack(dropout: StackDropout, device: &Device) -> VariationalLstm {
    VariationalLstmConfig::new(5, 7, true).with_n_layers(2).with_dropout(dropout).init(device)
}

const SITES: [Site; 7] = [
    Site::Input,
    Site::Recurrent,
    Site::Output,
    Site::Candidate,
    Site::Cell,
    Site::ZoneoutHidden,
    Site::ZoneoutCell,
];

/// The layers of a stack, and those that read backward.
fn layers(masks: &StackMasks) -> impl Iterator<Item = &LayerMasks> {
    let layers = 0..masks.n_layers();
    let backward = layers.clone().filter_map(|l| masks.backward_layer(l));
    layers.map(|l| masks.layer(l)).chain(backward)
}

/// Every mask that acts on a step, gate by gate.
fn at_step(masks: &StackMasks, step: usize) -> Vec<DropoutMask<2>> {
    let sites = layers(masks).flat_map(|layer| SITES.map(|site| layer.get(&site).at_step(step)));
    let all = sites.flat_map(|masks| masks.masks().to_vec());
    all.filter(|mask| !mask.is_identity()).collect()
}

/// The masks of the weights of every layer, bit by bit.
fn weight_bits(masks: &StackMasks) -> Vec<Vec<u32>> {
    let weights = layers(masks).flat_map(|layer| layer.weights().iter());
    weights.map(|(_, mask)| bits(&DropoutMask::from_values(mask.values::<2>()))).collect()
}

/// Every mask of a stack over three steps, bit by bit.
fn all_bits(masks: &StackMasks) -> Vec<Vec<u32>> {
    let steps = (0..3).flat_map(|step| at_step(masks, step));
    steps.map(|mask| bits(&mask)).chain(weight_bits(masks)).collect()
}

/// Dropout at half rate of every site that an LSTM reads, untied where there are gates.
fn everywhere() -> StackDropout {
    StackDropout::variational_untied(0.5, 0.5)
        .with_candidate(SiteDropout::new(0.5).per_step())
        .with_cell(0.5)
        .with_zoneout_hidden(0.5)
        .with_zoneout_cell(0.5)
}

on_every_device! {
    fn masks_of_one_seed_are_bit_equal_on_every_backend(device: &Device) {
        let schemes = [
            StackDropout::naive(0.3),
            StackDropout::variational(0.25, 0.5),
            StackDropout::variational_untied(0.25, 0.5),
            StackDropout::semeniuta(0.25, 0.5),
            StackDropout::zoneout(0.25, 0.5),
            StackDropout::awd(0.25, 0.5, 0.25, 0.5),
            everywhere().with_input_weights(WeightDropout::new(0.5).input_rows()),
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

    fn masks_of_every_site_do_not_depend_on_the_split_of_the_batch(device: &Device) {
        let dropout = everywhere().with_recurrent_weights(0.5);
        let stack = stack(dropout, device);
        let draw = || MaskRng::seeded(1).draw(2).part("stack");
        let sample = |n_rows, first: u64| {
            let extent = SequenceExtent::new(n_rows, 3, device);
            stack.sample_masks(&extent, draw().starting_row(first))
        };
        let by_row = |masks: &StackMasks| -> Vec<Vec<u32>> {
            (0..3).flat_map(|step| at_step(masks, step)).map(|mask| bits(&mask)).collect()
        };
        let whole = sample(5, 0);
        for first in [1, 3] {
            let (head, rest) = (sample(first, 0), sample(5 - first, first as u64));
            let pairs = by_row(&head).into_iter().zip(by_row(&rest));
            let together: Vec<_> = pairs.map(|(head, rest)| [head, rest].concat()).collect();
            assert_eq!(together, by_row(&whole));
            // All rows share the weights.
            assert_eq!(weight_bits(&head), weight_bits(&whole));
            assert_eq!(weight_bits(&rest), weight_bits(&whole));
        }
    }

    fn masks_of_every_site_do_not_depend_on_the_windows_of_a_sequence(device: &Device) {
        let stack = stack(everywhere(), device);
        let sample = |n_steps, first| {
            let draw = MaskRng::seeded(1).draw(2).part("stack").starting_step(first);
            stack.sample_masks(&SequenceExtent::new(2, n_steps, device), draw)
        };
        let of_step = |masks: &StackMasks, step| -> Vec<_> {
            at_step(masks, step).iter().map(bits).collect()
        };
        let whole = sample(4, 0);
        for step in 0..4 {
            let window = sample(1, step as u64);
            assert_eq!(of_step(&window, 0), of_step(&whole, step), "step {step}");
        }
    }

    fn masks_do_not_depend_on_the_draws_of_a_pass(device: &Device) {
        let stack = stack(everywhere(), device);
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
    // Equal widths everywhere, on 32 units: chance makes two masks of rate ½ equal once in 2³², and
    // of these some two once in 3000 seeds.
    let stack = VariationalLstmConfig::new(32, 32, true)
        .with_n_layers(3)
        .with_directions(Directions::Both(MergeMode::Sum))
        .with_dropout(everywhere().with_input_weights(0.5).with_recurrent_weights(0.5))
        .init(&flex());
    let extent = SequenceExtent::new(2, 1, &flex());
    let masks = stack.sample_masks(&extent, MaskRng::seeded(1).draw(0).part("stack"));
    let masks_of_units: Vec<_> = at_step(&masks, 0).iter().map(bits).collect();
    // Four input and four recurrent masks, the candidate's, the cell's and two of zoneout in each
    // layer and direction, and an output mask in each direction.
    assert_eq!(masks_of_units.len(), 6 * 12 + 2);
    let of_weights = weight_bits(&masks);
    assert_eq!(of_weights.len(), 6 * 2);
    let mut rows: Vec<Vec<bool>> = masks_of_units
        .iter()
        .chain(&of_weights)
        .flat_map(|bits| bits.chunks(32))
        // What is kept, however it is scaled.
        .map(|row| row.iter().map(|&z| z != 0).collect())
        .collect();
    // Two rows of each mask, and of each weight the 32 · 4 parts of as many elements.
    assert_eq!(rows.len(), 2 * 74 + 12 * 128);
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
