//! Masks that leave kept units as they are: drawn, and in the mean.

use burn::module::{Initializer, Module};
use burn::tensor::{Device, FloatDType, Int, Tensor, TensorData};
use burn_variational::prelude::*;
use burn_variational::rnn::{GruCellConfig, LstmCellConfig, RnnCellConfig};
use cross_backend_tests::{
    Cell, ReferenceMasks, assert_close, on_every_device, on_every_path, tolerance,
};

use super::gradients::{
    BATCH_SIZE, D_HIDDEN, D_INPUT, Fill, InitialState, SEQ_LENGTH, numbers, reference,
};

const INPUT_PROB: f64 = 0.4;
const RECURRENT_PROB: f64 = 0.5;

fn tensor<const D: usize>(values: &[f64], dims: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), dims).convert::<f32>(), device)
}

/// The masks of a site, gate by gate.
fn values(masks: &LayerMasks, site: &Site) -> Vec<Vec<f64>> {
    let masks = masks.get(site).at_step(0);
    let values = masks.masks().iter().map(|mask| mask.values().unwrap());
    values.map(|values| values.into_data().iter::<f64>().collect()).collect()
}

/// Asserts that a layer with unscaled masks, drawn and expected, is the reference with factors of
/// 0 and 1, and of one keep probability.
fn check<K: CellConfig>(config: &K, cell: Cell, device: &Device)
where
    <K::Cell as RecurrentCell>::State: InitialState,
{
    let tolerance = tolerance(device);
    let device = &device.clone().autodiff();
    let reference = reference(cell);
    let mut parts = vec![reference.w.clone(), reference.u.clone(), reference.b.clone()];
    parts.extend(Some(reference.b_candidate.clone()).filter(|bias| !bias.is_empty()));
    let x = numbers(SEQ_LENGTH * BATCH_SIZE * D_INPUT, 0.7);
    let input = tensor(&x, [SEQ_LENGTH, BATCH_SIZE, D_INPUT], device);
    let units = BATCH_SIZE * D_HIDDEN;
    let (h0, c0) = (numbers(units, 0.5), numbers(units, 0.8));
    let state = |values: &[f64]| tensor(values, [BATCH_SIZE, D_HIDDEN], device);
    for is_untied in [false, true] {
        let asked = |prob| {
            let dropout = SiteDropout::new(prob).unscaled();
            if is_untied { dropout.untied() } else { dropout }
        };
        let dropout = LayerDropout::none()
            .with_input(asked(INPUT_PROB))
            .with_recurrent(asked(RECURRENT_PROB));
        let made = config.init(device).map(&mut Fill(parts.clone().into_iter()));
        let layer = RecurrentLayer::new(made, dropout).with_batch_first(false);
        let extent = SequenceExtent::new(BATCH_SIZE, SEQ_LENGTH, device);
        for draw in [MaskRng::seeded(3).draw(0).part("layer"), MaskDraw::expected()] {
            let is_expected = draw.is_expected();
            let what = format!("{cell:?}, untied {is_untied}, expected {is_expected}");
            let masks = layer.sample_masks(&extent, draw);
            let (z_x, z_h) = (values(&masks, &Site::Input), values(&masks, &Site::Recurrent));
            let n_masks = if is_untied { cell.n_gates() } else { 1 };
            assert_eq!((z_x.len(), z_h.len()), (n_masks, n_masks), "{what}");
            let all = z_x.iter().map(|z| (z, INPUT_PROB));
            for (z, prob) in all.chain(z_h.iter().map(|z| (z, RECURRENT_PROB))) {
                let kept = f64::from((1.0 - prob) as f32);
                let factors = if is_expected { [kept, kept] } else { [0.0, 1.0] };
                assert!(z.iter().all(|z| factors.contains(z)), "{what}: {z:?}");
            }
            let initial = <K::Cell as RecurrentCell>::State::from_parts(state(&h0), state(&c0));
            let (output, _) = layer.forward(input.clone(), Some(initial), &masks);
            let masks = ReferenceMasks { z_x, z_h };
            let expected = reference.run(&x, BATCH_SIZE, (&h0, &c0), &masks);
            assert_close(&output, &expected.outputs, tolerance, what);
        }
    }
}

on_every_path! {
    fn unscaled_masks_leave_kept_units_as_they_are(device: &Device) {
        check(&LstmCellConfig::new(D_INPUT, D_HIDDEN, true), Cell::Lstm, device);
        let gru = GruCellConfig::new(D_INPUT, D_HIDDEN, true);
        check(&gru, Cell::GruResetAfter, device);
        check(&gru.with_reset_after(false), Cell::GruResetBefore, device);
        check(&RnnCellConfig::new(D_INPUT, D_HIDDEN, true), Cell::Rnn, device);
    }
}

on_every_device! {
    fn unscaled_locked_dropout_leaves_kept_units_as_they_are(device: &Device) {
        let dropout = LockedDropoutConfig::new(8, SiteDropout::new(0.25).unscaled()).init();
        let x = numbers(2 * 3 * 8, 0.7);
        let input: Tensor<3> = tensor(&x, [2, 3, 8], device);
        let mask = dropout.masks_for(&input, MaskRng::seeded(1).draw(0).part("locked"));
        let z: Vec<f64> = mask.values().unwrap().into_data().iter::<f64>().collect();
        assert!(z.contains(&0.0) && z.contains(&1.0) && z.iter().all(|&z| z == 0.0 || z == 1.0));
        // Row after row of three steps of eight units.
        let of = |k: usize| z[k / 24 * 8 + k % 8];
        let dropped: Vec<f64> = x.iter().enumerate().map(|(k, x)| x * of(k)).collect();
        let output = dropout.forward(input.clone(), &mask);
        assert_close(&output, &dropped, tolerance(device), "drawn");
        let mean: Vec<f64> = x.iter().map(|x| 0.75 * x).collect();
        assert_close(&dropout.weight_averaged(input), &mean, tolerance(device), "expected");
    }

    fn unscaled_embeddings_leave_kept_words_as_they_are(device: &Device) {
        let embedding = VariationalEmbeddingConfig::new(6, 1)
            .with_type_dropout(SiteDropout::new(0.5).unscaled())
            .with_token_dropout(SiteDropout::new(0.25).unscaled())
            .with_initializer(Initializer::Constant { value: 3.0 })
            .init(device);
        let tokens = Tensor::<2, Int>::from_data([[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]], device);
        let masks = embedding.masks_for(&tokens, MaskRng::seeded(2).draw(0).part("words"));
        let types = masks.types.factors(&tokens, FloatDType::F32);
        let types: Vec<f64> = types.into_data().iter::<f64>().collect();
        let places = masks.tokens.values().unwrap();
        let places: Vec<f64> = places.into_data().iter::<f64>().collect();
        for z in [&types, &places] {
            assert!(z.contains(&0.0) && z.contains(&1.0), "{z:?}");
            assert!(z.iter().all(|&z| z == 0.0 || z == 1.0), "{z:?}");
        }
        let dropped: Vec<f64> = types.iter().zip(&places).map(|(a, b)| 3.0 * a * b).collect();
        assert!(dropped.contains(&3.0), "{dropped:?}");
        let output = embedding.forward(tokens.clone(), &masks);
        assert_close(&output, &dropped, tolerance(device), "drawn");
        let mean = [3.0 * 0.5 * 0.75; 12];
        assert_close(&embedding.weight_averaged(tokens), &mean, tolerance(device), "expected");
    }
}
