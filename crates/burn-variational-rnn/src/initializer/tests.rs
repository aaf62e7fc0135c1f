//! Distributions against their formulas, and what is refused. Statistics are bounded by six
//! standard errors computed from the number of values, so no seed is needed.

use super::*;
use crate::{
    CellConfig, GateWeights, GruCellConfig, LstmCellConfig, RnnCellConfig, VariationalGruConfig,
    VariationalLstmConfig, VariationalRnnConfig,
};

const D_INPUT: usize = 48;
const D_HIDDEN: usize = 64;

/// Rounding of `f32` in a sum of a few hundred products of values under one.
const ORTHONORMAL: f64 = 1e-5;

/// Rounding of a limit to `f32`.
const ROUNDING: f64 = 1e-6;

fn lstm(initializer: impl Into<GateInitializer>) -> GateWeights {
    let config = VariationalLstmConfig::new(D_INPUT, D_HIDDEN, true);
    config.with_initializer(initializer).init(&Device::flex()).layers.remove(0).cell.gates
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn biases(gates: &GateWeights) -> Vec<f64> {
    values(gates.bias.as_ref().expect("a bias").val())
}

/// That the mean square is this variance, where that of one value's square is `spread²`.
fn assert_variance(drawn: &[f64], variance: f64, spread: f64) {
    let n = drawn.len() as f64;
    let mean_square = drawn.iter().map(|value| value * value).sum::<f64>() / n;
    let bound = 6.0 * spread / n.sqrt();
    assert!((mean_square - variance).abs() < bound, "{mean_square} for {variance} ± {bound}");
}

/// That values are uniform in `±limit`: `E x² = a² / 3`, `Var x² = a⁴ (1/5 - 1/9)`.
fn assert_uniform(drawn: &[f64], limit: f64) {
    for value in drawn {
        assert!(value.abs() <= limit * (1.0 + ROUNDING), "{value} beyond {limit}");
    }
    assert_variance(drawn, limit.powi(2) / 3.0, limit.powi(2) * (4.0_f64 / 45.0).sqrt());
}

/// That values are normal: `Var x² = 2 σ⁴`.
fn assert_normal(drawn: &[f64], variance: f64) {
    assert_variance(drawn, variance, variance * 2.0_f64.sqrt());
}

/// That all products of two rows are those of a multiple of orthonormal rows.
fn assert_orthonormal_rows(matrix: Tensor<2>, gain: f64) {
    let [_, width] = matrix.dims();
    let matrix = values(matrix);
    let rows: Vec<_> = matrix.chunks(width).collect();
    for (k, one) in rows.iter().enumerate() {
        for (l, other) in rows.iter().enumerate() {
            let product: f64 = one.iter().zip(*other).map(|(a, b)| a * b).sum();
            let expected = if k == l { gain * gain } else { 0.0 };
            assert!((product - expected).abs() < ORTHONORMAL, "rows {k} and {l}: {product}");
        }
    }
}

#[test]
fn the_default_is_glorots_normal_one_gate_by_gate() {
    assert_eq!(VariationalLstmConfig::new(1, 1, true).cell.initializer, GateInitializer::burn());
    assert_eq!(VariationalGruConfig::new(1, 1, true).cell.initializer, GateInitializer::burn());
    assert_eq!(VariationalRnnConfig::new(1, 1, true).cell.initializer, GateInitializer::burn());
    let gates = lstm(GateInitializer::default());
    let variance = 2.0 / (D_INPUT + D_HIDDEN) as f64;
    assert_normal(&values(gates.input.val()), variance);
    assert_normal(&values(gates.recurrent.val()), 1.0 / D_HIDDEN as f64);
    assert_normal(&biases(&gates), variance);
}

#[test]
fn all_of_pytorch_is_uniform_within_one_over_the_root_of_the_hidden_width() {
    let limit = 1.0 / (D_HIDDEN as f64).sqrt();
    let gates = lstm(GateInitializer::pytorch());
    assert_uniform(&values(gates.input.val()), limit);
    assert_uniform(&values(gates.recurrent.val()), limit);
    assert_uniform(&biases(&gates), limit);

    let gru = GruCellConfig::new(D_INPUT, D_HIDDEN, true)
        .with_initializer(GateInitializer::pytorch())
        .init(&Device::flex());
    assert_uniform(&values(gru.candidate_bias.expect("a bias").val()), limit);
}

#[test]
fn keras_draws_input_weights_and_recurrent_rows_over_all_gates() {
    let gates = lstm(GateInitializer::keras_lstm());
    assert_uniform(&values(gates.input.val()), (6.0 / (D_INPUT + 4 * D_HIDDEN) as f64).sqrt());
    assert_orthonormal_rows(gates.recurrent.val(), 1.0);

    let gru = GruCellConfig::new(D_INPUT, D_HIDDEN, true)
        .with_initializer(GateInitializer::keras())
        .init(&Device::flex());
    assert_uniform(&values(gru.gates.input.val()), (6.0 / (D_INPUT + 3 * D_HIDDEN) as f64).sqrt());
    assert_orthonormal_rows(gru.gates.recurrent.val(), 1.0);
    assert_eq!(biases(&gru.gates), vec![0.0; 3 * D_HIDDEN]);
    assert_eq!(values(gru.candidate_bias.expect("a bias").val()), vec![0.0; D_HIDDEN]);
}

#[test]
fn gate_by_gate_every_recurrent_matrix_is_orthogonal() {
    let orthogonal = Initializer::Orthogonal { gain: 0.5 };
    let gates = lstm(GateInitializer::burn().with_recurrent_weights(orthogonal));
    for gate in gates.recurrent.val().chunk(4, 1) {
        assert_orthonormal_rows(gate.clone(), 0.5);
        assert_orthonormal_rows(gate.transpose(), 0.5);
    }
}

#[test]
fn more_rows_than_columns_have_orthonormal_columns() {
    for (n_rows, n_columns) in [(1, 1), (2, 1), (7, 3), (65, 64)] {
        let orthogonal = orthogonal([n_rows, n_columns], &Device::flex());
        assert_eq!(orthogonal.dims(), [n_rows, n_columns]);
        assert_orthonormal_rows(orthogonal.transpose(), 1.0);
    }
}

#[test]
fn signs_of_an_orthogonal_matrix_of_one_element_are_even() {
    let drawn: Vec<_> =
        (0..1000).flat_map(|_| values(orthogonal([1, 1], &Device::flex()))).collect();
    assert!(drawn.iter().all(|value| value.abs() == 1.0));
    // The mean of n signs has the standard error 1 / √n.
    assert!((drawn.iter().sum::<f64>() / 1000.0).abs() < 6.0 / 1000.0_f64.sqrt());
}

#[test]
fn the_forget_gate_of_every_layer_has_its_bias_and_no_other_gate() {
    let config = VariationalLstmConfig::new(D_INPUT, D_HIDDEN, true)
        .with_n_layers(2)
        .with_initializer(GateInitializer::pytorch().with_forget_bias(1.5));
    for layer in config.init(&Device::flex()).layers {
        let drawn = biases(&layer.cell.gates);
        let forget = D_HIDDEN..2 * D_HIDDEN;
        assert_eq!(drawn[forget.clone()], [1.5; D_HIDDEN]);
        let others = [&drawn[..forget.start], &drawn[forget.end..]].concat();
        assert_uniform(&others, 1.0 / (D_HIDDEN as f64).sqrt());
    }
}

#[test]
fn the_biases_of_keras_lstm_are_one_at_the_forget_gate_and_zero_elsewhere() {
    let ones = [0.0, 1.0, 0.0, 0.0].map(|bias| [bias; D_HIDDEN]).concat();
    assert_eq!(biases(&lstm(GateInitializer::keras_lstm())), ones);
    assert_eq!(biases(&lstm(GateInitializer::keras())), vec![0.0; 4 * D_HIDDEN]);
}

#[test]
fn a_plain_initializer_is_that_of_weights_and_biases() {
    let gates = lstm(Initializer::Constant { value: 0.25 });
    assert_eq!(values(gates.input.val()), vec![0.25; D_INPUT * 4 * D_HIDDEN]);
    assert_eq!(values(gates.recurrent.val()), vec![0.25; D_HIDDEN * 4 * D_HIDDEN]);
    assert_eq!(biases(&gates), vec![0.25; 4 * D_HIDDEN]);
}

#[test]
fn what_is_drawn_is_trained() {
    let device = Device::flex().autodiff();
    let config = LstmCellConfig::new(2, 3, true);
    let gates = config.with_initializer(GateInitializer::keras_lstm()).init(&device).gates;
    assert!(gates.input.val().is_require_grad());
    assert!(gates.recurrent.val().is_require_grad());
    assert!(gates.bias.expect("a bias").val().is_require_grad());
}

#[test]
fn initializers_survive_their_configuration_file() {
    let pytorch = GateInitializer::pytorch().with_forget_bias(0.5);
    for initializer in [GateInitializer::burn(), pytorch, GateInitializer::keras_lstm()] {
        let config = VariationalLstmConfig::new(2, 3, true).with_initializer(initializer.clone());
        let json = serde_json::to_string(&config).unwrap();
        let read: VariationalLstmConfig = serde_json::from_str(&json).unwrap();
        assert_eq!(read.cell.initializer, initializer);
    }
}

#[test]
#[should_panic(expected = "GruCellConfig: forget_bias must be None where no gate forgets, got 1.5")]
fn a_forget_bias_is_refused_by_a_gru() {
    let config = VariationalGruConfig::new(2, 3, true);
    let _ = config
        .with_initializer(GateInitializer::burn().with_forget_bias(1.5))
        .init(&Device::flex());
}

#[test]
#[should_panic(expected = "RnnCellConfig: forget_bias must be None where no gate forgets, got 1")]
fn a_forget_bias_is_refused_by_a_simple_rnn() {
    let config = RnnCellConfig::new(2, 3, true);
    let _ = config.with_initializer(GateInitializer::keras_lstm()).init(&Device::flex());
}

#[test]
#[should_panic(expected = "LstmCellConfig: forget_bias must be None without a bias, got 1")]
fn a_forget_bias_is_refused_where_there_is_no_bias() {
    let config = LstmCellConfig::new(2, 3, false);
    let _ = config.with_initializer(GateInitializer::keras_lstm()).init(&Device::flex());
}

#[test]
#[should_panic(expected = "LstmCellConfig: forget_bias must be finite, got NaN")]
fn a_forget_bias_that_is_no_number_is_refused() {
    let _ = lstm(GateInitializer::burn().with_forget_bias(f64::NAN));
}

#[test]
#[should_panic(expected = "LstmCellConfig: the initializer of the bias must be one of vectors, \
                           got Orthogonal { gain: 1.0 }")]
fn an_orthogonal_bias_is_refused() {
    let _ = lstm(Initializer::Orthogonal { gain: 1.0 });
}
