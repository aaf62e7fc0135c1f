//! Words dropped by type and by token.

use burn::module::{Module, Param};
use burn::tensor::{Device, FloatDType, Int, Tensor};
use burn_variational::dropout::{MaskRng, SiteDropout, VariationalModel};
use burn_variational::embedding::{
    EmbeddingMasks, TiedOutputConfig, VariationalEmbedding, VariationalEmbeddingConfig,
};
use cross_backend_tests::{assert_close, on_every_device, tolerance};

fn embedding(
    by_type: Option<SiteDropout>,
    by_token: Option<SiteDropout>,
    device: &Device,
) -> VariationalEmbedding {
    let mut config = VariationalEmbeddingConfig::new(4, 2);
    config.type_dropout = by_type;
    config.token_dropout = by_token;
    let weight = Tensor::from_data([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]], device);
    VariationalEmbedding { weight: Param::from_tensor(weight), ..config.init(device) }
}

/// "the dog and the cat", in two rows.
fn sentence(device: &Device) -> Tensor<2, Int> {
    Tensor::from_data([[0, 1, 2, 0, 3], [0, 1, 2, 0, 3]], device)
}

/// Which places of both rows are dropped; what is kept must be scaled.
fn dropped(embedding: &VariationalEmbedding, draw: u64, device: &Device) -> [[bool; 5]; 2] {
    let sentence = sentence(device);
    let masks = embedding.masks_for(&sentence, MaskRng::seeded(1).draw(draw).part("words"));
    let output = embedding.forward(sentence.clone(), &masks);
    let whole = embedding.forward(sentence, &EmbeddingMasks::identity());
    let ratio: Vec<f32> = (output / whole).into_data().try_to_vec().unwrap();
    let places: Vec<bool> = ratio
        .chunks(2)
        .map(|place| {
            assert!(
                place == [0.0, 0.0] || place.iter().all(|r| (r - 2.0).abs() < 1e-6),
                "{place:?}"
            );
            place[0] == 0.0
        })
        .collect();
    [places[..5].try_into().unwrap(), places[5..].try_into().unwrap()]
}

on_every_device! {
    fn a_dropped_word_type_is_gone_at_all_its_places(device: &Device) {
        let embedding = embedding(Some(SiteDropout::new(0.5)), None, device);
        let mut the = 0;
        let mut rows_differ = false;
        for draw in 0..64 {
            let [first, second] = dropped(&embedding, draw, device);
            assert_eq!(first[0], first[3], "both places of \"the\", draw {draw}");
            assert_eq!(second[0], second[3], "both places of \"the\", draw {draw}");
            the += usize::from(first[0]);
            rows_differ |= first != second;
        }
        // 32 expected of 64 at rate ½, with a standard deviation of 4.
        assert!((8..=56).contains(&the), "{the} of 64");
        assert!(rows_differ, "each row has masks of its own");
    }

    fn rows_share_dropped_words_if_asked(device: &Device) {
        let dropout = SiteDropout::new(0.5).shared_over_batch();
        let embedding = embedding(Some(dropout), None, device);
        for draw in 0..16 {
            let [first, second] = dropped(&embedding, draw, device);
            assert_eq!(first, second);
        }
    }

    fn gaussian_noise_of_a_word_type_is_the_same_at_all_its_places(device: &Device) {
        let dropout = SiteDropout::new(0.2).gaussian();
        let embedding = embedding(Some(dropout), None, device);
        let (mut factors, sentence) = (Vec::new(), sentence(device));
        for draw in 0..64 {
            let draw = MaskRng::seeded(1).draw(draw).part("words");
            let masks = embedding.masks_for(&sentence, draw);
            let noise = masks.types.factors(&sentence, FloatDType::F32).into_data();
            let noise: Vec<f32> = noise.try_to_vec().unwrap();
            for row in noise.chunks(5) {
                assert_eq!(row[0].to_bits(), row[3].to_bits(), "both places of \"the\"");
                factors.extend_from_slice(&row[1..]);
            }
        }
        let n = factors.len() as f32;
        let mean = factors.iter().sum::<f32>() / n;
        let variance = factors.iter().map(|factor| (factor - mean).powi(2)).sum::<f32>() / n;
        // Mean 1 and variance p / (1 - p) = ¼, of 512 numbers: standard errors of 0.02 each.
        assert!((mean - 1.0).abs() < 0.1, "mean {mean}");
        assert!((variance - 0.25).abs() < 0.08, "variance {variance}");
    }

    fn tokens_are_dropped_each_by_itself(device: &Device) {
        let embedding = embedding(None, Some(SiteDropout::new(0.5).per_step()), device);
        let both_places = (0..32).map(|draw| {
            let [first, _] = dropped(&embedding, draw, device);
            first[0] == first[3]
        });
        let equal = both_places.filter(|&equal| equal).count();
        assert!((1..32).contains(&equal), "\"the\" fared alike in {equal} of 32 draws");
    }

    fn a_word_at_the_end_of_a_large_vocabulary_costs_no_table(device: &Device) {
        let embedding = VariationalEmbeddingConfig::new(10, 1)
            .with_type_dropout(0.5)
            .init(device);
        let last = 2_000_000_000;
        let tokens = Tensor::from_data([[last, 1, last]], device);
        let masks = embedding.masks_for(&tokens, MaskRng::seeded(1).draw(0).part("words"));
        let factors = masks.types.factors(&tokens, FloatDType::F32);
        let factors: Vec<f32> = factors.into_data().try_to_vec().unwrap();
        assert_eq!(factors[0].to_bits(), factors[2].to_bits());
    }

    fn the_tied_output_scores_words_by_their_embedding(device: &Device) {
        let embedding = embedding(None, None, device);
        let output = TiedOutputConfig::new(4).init(device);
        let hidden = Tensor::from_data([[[1.0, -1.0]]], device);
        let logits = output.forward(hidden, &embedding);
        assert_close(&logits, &[-1.0; 4], tolerance(device), "logits");
        assert_eq!(output.num_params(), 4);
    }
}
