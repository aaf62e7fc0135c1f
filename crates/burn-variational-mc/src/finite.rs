//! Which output was the first that is not finite.

use burn::tensor::{Int, Tensor};

use crate::MonteCarloError;

/// After every draw; some devices have integers of 32 bits.
const NEVER: i64 = i32::MAX as i64;

/// The first draw in which an output of a row was not finite, for each row. It stays on the device
/// until it is asked for.
#[derive(Debug, Default)]
pub(crate) struct FirstNotFinite {
    /// `[n_rows]`, [`NEVER`] where all were finite.
    draws: Option<Tensor<1, Int>>,
}

impl FirstNotFinite {
    /// Takes in the outputs `[n_draws * n_rows, ..]` of the draws from this one on, draw after draw.
    pub(crate) fn see<const D: usize>(
        &mut self,
        outputs: &Tensor<D>,
        first_draw: usize,
        n_draws: usize,
    ) {
        let (batch_size, n_elements) = (outputs.dims()[0], outputs.shape().num_elements());
        let n_rows = batch_size / n_draws;
        let rows = outputs.clone().reshape([batch_size, n_elements / batch_size]);
        let is_finite = rows.is_finite().all_dim(1).reshape([n_draws, n_rows]);
        let [start, end] = [first_draw, first_draw + n_draws]
            .map(|draw| i64::try_from(draw).expect("draws fit 63 bits"));
        let draws = Tensor::<1, Int>::arange(start..end, &outputs.device());
        let draws = draws.unsqueeze_dim::<2>(1).repeat_dim(1, n_rows).mask_fill(is_finite, NEVER);
        let first = draws.min_dim(0).squeeze_dim(0);
        self.draws = Some(match self.draws.take() {
            None => first,
            Some(earlier) => earlier.min_pair(first),
        });
    }

    /// Asks whether all were finite, counting draws and rows from these on.
    ///
    /// # Errors
    ///
    /// If one was not: that of the first such draw, and there of the first row.
    pub(crate) fn check(&self, first_draw: u64, first_row: u64) -> Result<(), MonteCarloError> {
        let Some(draws) = &self.draws else { return Ok(()) };
        let draws = draws.to_data();
        let first = draws.iter::<i64>().zip(first_row..).min().filter(|&(draw, _)| draw < NEVER);
        match first {
            None => Ok(()),
            Some((draw, row)) => {
                Err(MonteCarloError::NotFinite { draw: first_draw + draw as u64, row })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn the_first_draw_and_there_the_first_row_is_named() {
        let mut first = FirstNotFinite::default();
        let see = |first: &mut FirstNotFinite, outputs: [[f32; 2]; 4], draw| {
            first.see(&Tensor::<2>::from_data(outputs, &Device::flex()), draw, 2);
        };
        assert_eq!(first.check(0, 0), Ok(()));
        see(&mut first, [[0.0; 2]; 4], 0);
        assert_eq!(first.check(0, 0), Ok(()));
        // Draws 2 and 3 of two rows.
        see(&mut first, [[0.0; 2], [0.0; 2], [0.0, f32::NEG_INFINITY], [f32::NAN; 2]], 2);
        let expected = Err(MonteCarloError::NotFinite { draw: 13, row: 100 });
        assert_eq!(first.check(10, 100), expected);
        see(&mut first, [[f32::INFINITY; 2], [0.0; 2], [0.0; 2], [0.0; 2]], 4);
        assert_eq!(first.check(10, 100), expected);
    }
}
