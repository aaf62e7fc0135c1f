//! One function of a model for a whole data set, whatever its batches.

use burn::tensor::{Device, Int, Tensor};
use burn_variational::embedding::{VariationalEmbedding, VariationalEmbeddingConfig};
use burn_variational::mc::{MonteCarlo, Samples};
use burn_variational::rnn::{StackDropout, VariationalLstm, VariationalLstmConfig};
use cross_backend_tests::{assert_close, is_cpu, on_every_path, relative_error, tolerance};

use super::mc;

/// The last batch is a ragged one.
const BATCHES: [usize; 3] = [5, 5, 2];
const N_ROWS: usize = 12;
const SEQ_LENGTH: usize = 4;
const N_DRAWS: usize = 3;
/// Rows of equal tokens, in different batches.
const EQUAL_ROWS: [usize; 2] = [3, 10];

type Model = (VariationalEmbedding, VariationalLstm);

fn model(dropout: StackDropout, device: &Device) -> Model {
    let embedding = VariationalEmbeddingConfig::new(7, 3).with_type_dropout(0.3).init(device);
    let lstm = VariationalLstmConfig::new(3, 4, true).with_n_layers(2).with_dropout(dropout);
    (embedding, lstm.init(device))
}

fn tokens(device: &Device) -> Tensor<2, Int> {
    let token = |row: usize, step: usize| ((row * row + 3 * step * row + step) % 7) as u32;
    let row = |row| if row == EQUAL_ROWS[1] { EQUAL_ROWS[0] } else { row };
    let tokens: Vec<u32> =
        (0..N_ROWS).flat_map(|at| (0..SEQ_LENGTH).map(move |step| token(row(at), step))).collect();
    Tensor::<1, Int>::from_data(tokens.as_slice(), device).reshape([N_ROWS, SEQ_LENGTH])
}

/// The values of every draw over these batches.
fn draws(mc: &MonteCarlo, model: &Model, batches: &[usize], device: &Device) -> Vec<Vec<f64>> {
    let mut first = 0;
    let batches = batches.iter().map(|n_rows| {
        let rows = first..first + n_rows;
        first = rows.end;
        tokens(device).slice_dim(0, rows)
    });
    let samples = mc.estimate_batches(model, batches, Samples::new()).unwrap().into_value();
    samples.into_iter().map(|draw| draw.into_data().iter::<f64>().collect()).collect()
}

/// Masks of weights beside those of sequences, and on CPUs, where kernels need no compiling for each,
/// those of steps, of cells, of candidates and of states.
fn schemes(device: &Device) -> Vec<StackDropout> {
    let schemes = vec![
        StackDropout::awd(0.3, 0.3, 0.3, 0.3),
        StackDropout::variational_untied(0.3, 0.3),
        StackDropout::naive(0.3),
        StackDropout::rnn_drop(0.3),
        StackDropout::semeniuta(0.3, 0.3),
        StackDropout::zoneout(0.3, 0.3),
    ];
    let n_schemes = if is_cpu(device) { schemes.len() } else { 2 };
    schemes.into_iter().take(n_schemes).collect()
}

on_every_path! {
    fn a_draw_is_one_function_whatever_the_batches(device: &Device) {
        for dropout in schemes(device) {
            let model = model(dropout.clone(), device);
            let mc = mc(N_DRAWS).with_function_samples();
            let whole = draws(&mc, &model, &[N_ROWS], device);
            assert!(relative_error(&whole[0], &whole[1]) > 1e-2, "{dropout:?}: draws differ");
            for batches in [&BATCHES[..], &[1; N_ROWS]] {
                let split = draws(&mc, &model, batches, device);
                for (draw, expected) in split.iter().zip(&whole) {
                    let draw = Tensor::<1>::from_data(draw.as_slice(), device);
                    assert_close(&draw, expected, tolerance(device), format!("{dropout:?}"));
                }
            }
        }
    }

    fn equal_rows_have_equal_outputs_in_a_draw(device: &Device) {
        for dropout in schemes(device) {
            let model = model(dropout.clone(), device);
            let row = |draw: &[f64], row: usize| {
                let length = draw.len() / N_ROWS;
                draw[row * length..(row + 1) * length].to_vec()
            };
            let rows = |draw: &Vec<f64>| EQUAL_ROWS.map(|at| row(draw, at));
            let mc = mc(N_DRAWS);
            for [one, other] in draws(&mc, &model, &BATCHES, device).iter().map(rows) {
                assert!(relative_error(&one, &other) > 1e-2, "{dropout:?}: masks of their own");
            }
            let mc = mc.with_function_samples();
            for [one, other] in draws(&mc, &model, &BATCHES, device).iter().map(rows) {
                assert!(relative_error(&one, &other) <= tolerance(device), "{dropout:?}");
            }
        }
    }
}
