//! Elements, input rows and output rows of recurrent weights are three different things.

use super::*;
use burn_variational::rnn::{RnnCell, RnnCellConfig};

const UNITS: usize = 6;

fn layer(dropout: WeightDropout, device: &Device) -> RecurrentLayer<RnnCell> {
    let mut cell = RnnCellConfig::new(D_INPUT, UNITS, true).init(device);
    // No weight is near 0, so that each unit reaches each of the next step.
    let weights = numbers([UNITS, UNITS], device);
    let weights = weights.clone().sign() * (weights.abs() + 0.1);
    cell.gates.recurrent = Param::from_tensor(weights);
    RecurrentLayer::new(cell, LayerDropout::none().with_recurrent_weights(dropout))
}

/// Whether unit `j` before a step reaches unit `k` after it, `[j][k]`.
fn influence(
    layer: &RecurrentLayer<RnnCell>,
    masks: &LayerMasks,
    device: &Device,
) -> Vec<Vec<bool>> {
    let input = numbers([1, 1, D_INPUT], device);
    let after = |before: Tensor<2>| {
        let state = HiddenState::new(before);
        values(&layer.forward(input.clone(), Some(state), masks).0)
    };
    let nothing = after(Tensor::zeros([1, UNITS], device));
    let units = Tensor::<2>::eye(UNITS, device);
    let of_unit = |j: usize| {
        let after = after(units.clone().slice_dim(0, j..j + 1));
        after.iter().zip(&nothing).map(|(after, nothing)| after != nothing).collect()
    };
    (0..UNITS).map(of_unit).collect()
}

/// What a mask keeps, `[j][k]`, and its dims.
fn kept(masks: &LayerMasks, device: &Device) -> (Vec<Vec<bool>>, Vec<usize>) {
    let mask = masks.weights().get("gates.recurrent").unwrap();
    let dims = mask.dims().to_vec();
    let factors = values(&(Tensor::<2>::ones([UNITS, UNITS], device) * mask.values()));
    let row = |row: &[f64]| row.iter().map(|&z| z != 0.0).collect();
    (factors.chunks(UNITS).map(row).collect(), dims)
}

/// Which units reach which in a layer with this dropout, and the dims of its mask.
fn reached(dropout: WeightDropout, device: &Device) -> (Vec<Vec<bool>>, Vec<usize>) {
    let layer = layer(dropout, device);
    let masks = layer.masks_for(&numbers([1, 1, D_INPUT], device), draw(0));
    let (kept, dims) = kept(&masks, device);
    let reached = influence(&layer, &masks, device);
    assert_eq!(reached, kept, "a unit reaches what its weights were kept to");
    assert!(reached.concat().contains(&true) && reached.concat().contains(&false));
    (reached, dims)
}

/// Whether each row of a matrix is of one value.
fn rows_are_whole(matrix: &[Vec<bool>]) -> bool {
    matrix.iter().all(|row| row.iter().all(|&value| value == row[0]))
}

fn transposed(matrix: &[Vec<bool>]) -> Vec<Vec<bool>> {
    (0..UNITS).map(|k| matrix.iter().map(|row| row[k]).collect()).collect()
}

on_every_path! {
    fn a_dropped_element_cuts_one_unit_off_another(device: &Device) {
        let (reached, dims) = reached(WeightDropout::new(0.5), device);
        assert_eq!(dims, [UNITS, UNITS]);
        assert!(!rows_are_whole(&reached) && !rows_are_whole(&transposed(&reached)));
    }

    fn a_dropped_input_row_cuts_a_unit_off_all_others(device: &Device) {
        let (reached, dims) = reached(WeightDropout::new(0.5).input_rows(), device);
        assert_eq!(dims, [UNITS, 1]);
        assert!(rows_are_whole(&reached) && !rows_are_whole(&transposed(&reached)));
    }

    fn a_dropped_output_row_cuts_all_others_off_a_unit(device: &Device) {
        let (reached, dims) = reached(WeightDropout::new(0.5).output_rows(), device);
        assert_eq!(dims, [1, UNITS]);
        assert!(!rows_are_whole(&reached) && rows_are_whole(&transposed(&reached)));
    }

    fn input_rows_are_a_mask_on_the_recurrence_that_all_rows_of_a_batch_share(device: &Device) {
        let dropout = StackDropout::none()
            .with_recurrent_weights(WeightDropout::new(0.5).input_rows());
        let stack = VariationalLstmConfig::new(D_INPUT, D_HIDDEN, true)
            .with_dropout(dropout)
            .init(device);
        let input = numbers(DIMS, device);
        let masks = stack.masks_for(&input, draw(3));
        let output = stack.forward(input.clone(), None, &masks).0;
        // `[d_hidden, 1]`, a factor for each unit of h.
        let factors = masks.layer(0).weights().get("gates.recurrent").unwrap().values::<2>();
        let shared = factors.transpose().repeat_dim(0, DIMS[0]);
        let shared = SiteMasks::tied(DropoutMask::from_values(shared));
        let shared = StackMasks::new(vec![LayerMasks::identity().with_recurrent(shared)]);
        let expected = stack.forward(input.clone(), None, &shared).0;
        assert_close(&output, &values(&expected), tolerance(device), "of the two");
        let whole = stack.forward(input, None, &StackMasks::identity(1)).0;
        assert_ne!(values(&output), values(&whole));
    }
}
