//! Models of several parts: each has masks of its own, which can be made by hand.

use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, FloatDType, Int, Tensor};
use burn_variational::prelude::*;
use burn_variational::rnn::LstmCell;
use cross_backend_tests::on_every_device;

const UNITS: usize = 16;

type Words = (VariationalEmbedding, VariationalLstm, Linear);

fn lstm(device: &Device) -> RecurrentStack<LstmCell> {
    VariationalLstmConfig::new(UNITS, UNITS, true)
        .with_n_layers(2)
        .with_dropout(StackDropout::variational_untied(0.5, 0.5))
        .init(device)
}

fn words(device: &Device) -> Words {
    let embedding = VariationalEmbeddingConfig::new(10, UNITS)
        .with_type_dropout(0.5)
        .with_token_dropout(0.5)
        .init(device);
    (embedding, lstm(device), LinearConfig::new(UNITS, 3).init(device))
}

fn tokens(device: &Device) -> Tensor<2, Int> {
    Tensor::arange(0..8, device).reshape([2, 4])
}

fn bits<const D: usize>(tensor: &Tensor<D>) -> Vec<u32> {
    tensor.to_data().iter::<f32>().map(f32::to_bits).collect()
}

/// Every mask of a stack for two rows, bit by bit.
fn stack_bits(masks: &StackMasks) -> Vec<Vec<u32>> {
    let mut all = Vec::new();
    for l in 0..masks.n_layers() {
        for (_, site) in masks.layer(l).iter() {
            for mask in site.at_step(0).masks() {
                all.push(bits(&mask.values().unwrap()));
            }
        }
    }
    all
}

fn embedding_bits(masks: &EmbeddingMasks, device: &Device) -> [Vec<u32>; 2] {
    let types = masks.types.factors(&tokens(device), FloatDType::F32);
    [bits(&types), bits(&masks.tokens.values().unwrap())]
}

fn draw() -> MaskDraw {
    MaskRng::seeded(1).draw(3)
}

on_every_device! {
    fn the_masks_of_a_tuple_are_those_of_its_parts_by_hand(device: &Device) {
        let (embedding, stack, linear) = words(device);
        let model = (&embedding, &stack, &linear);
        let masks = model.masks_for(&tokens(device), draw());

        let extent = SequenceExtent::new(2, 4, device);
        let of_words = embedding.sample_masks(&extent, draw().part("0"));
        let of_stack = stack.sample_masks(&extent, draw().part("1"));
        assert_eq!(embedding_bits(&masks.0, device), embedding_bits(&of_words, device));
        assert_eq!(stack_bits(&masks.1), stack_bits(&of_stack));

        let embedded = embedding.forward(tokens(device), &of_words);
        let expected = linear.forward(stack.forward(embedded, None, &of_stack).0);
        let output = model.run(tokens(device), &masks);
        assert_eq!(output.dims(), [2, 4, 3]);
        assert_eq!(bits(&output), bits(&expected));
        assert_ne!(bits(&output), bits(&model.weight_averaged(tokens(device))));
    }

    fn parts_of_equal_sizes_have_masks_of_their_own(device: &Device) {
        // Two stacks and two locked dropouts that are alike in all but their place. Chance makes
        // two masks of rate ½ over 32 units equal once in 2³².
        let locked = LockedDropoutConfig::new(UNITS, 0.5).init();
        let (stack, other) = (lstm(device), lstm(device));
        let model = ((&stack, &locked), (&other, &locked));
        let input = Tensor::<3>::ones([2, 4, UNITS], device);
        let ((stacks, lockeds), (other_stacks, other_lockeds)) = model.masks_for(&input, draw());
        let mut all = [stack_bits(&stacks), stack_bits(&other_stacks)].concat();
        for mask in [&lockeds, &other_lockeds] {
            all.push(bits(&mask.values().unwrap()));
        }
        // Two layers of four input and four recurrent masks, one output mask; twice, and the two.
        assert_eq!(all.len(), 2 * 17 + 2);
        let n_masks = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), n_masks);

        // Parts nest by name.
        let extent = SequenceExtent::new(2, 4, device);
        let by_hand = other.sample_masks(&extent, draw().part("1").part("0"));
        assert_eq!(stack_bits(&other_stacks), stack_bits(&by_hand));
    }

    fn the_masks_of_a_prediction_are_those_of_the_part_that_it_names(device: &Device) {
        let (embedding, stack, linear) = words(device);
        let (model, tokens) = ((embedding, stack, linear), tokens(device));
        let mc = MonteCarlo::new(3, MaskRng::seeded(1));
        let draws = mc.samples(&model, &tokens).unwrap();
        let by_hand = mc.accumulate(2, Samples::new(), |pass| {
            let tokens = pass.fold(&tokens);
            let draw = pass.draw().part("model");
            let extent = SequenceExtent::new(pass.batch_size(), 4, device);
            let of_words = model.0.sample_masks(&extent, draw.part("0"));
            let of_stack = model.1.sample_masks(&extent, draw.part("1"));
            let embedded = model.0.forward(tokens, &of_words);
            let hidden = model.1.forward(embedded, None, &of_stack).0;
            Ok::<_, MonteCarloError>(model.2.forward(hidden))
        });
        let by_hand = by_hand.unwrap();
        assert_eq!((draws.len(), by_hand.len()), (3, 3));
        for (draw, by_hand) in draws.iter().zip(by_hand.iter()) {
            assert_eq!(bits(draw), bits(by_hand));
        }
        assert_ne!(bits(&draws[0]), bits(&draws[1]));
    }
}
