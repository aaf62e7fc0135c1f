//! The factors of a site, from the random words of a draw.

use burn::tensor::{DType, Element, Tensor, TensorCreationOptions, TensorData};
use rayon::prelude::*;

use crate::words::normal;
use crate::{DropoutMask, MaskDraw, MaskNoise, MaskSharing, SiteDropout, SiteFactors};

impl SiteDropout {
    /// Samples a mask `[batch_size, units]`, to be repeated at every time step, in the device's
    /// default float type or in one of your choice: `(&device, DType::F64)`.
    ///
    /// An expected draw gives the expected mask. At rate 0 the mask is the identity.
    ///
    /// # Panics
    ///
    /// If `prob` is not in `[0, 1)`, or the batch does not divide into the draws.
    pub fn sample(
        &self,
        [batch_size, units]: [usize; 2],
        draw: &MaskDraw,
        place: impl Into<TensorCreationOptions>,
    ) -> DropoutMask<2> {
        // A mask that does not vary over time is the same in every window of a stream.
        let draw = draw.starting_step(0);
        self.sample_values([batch_size, units], [1, batch_size, units], &draw, place.into())
    }

    /// Samples a mask `[seq_length, batch_size, units]` that is another at every time step.
    ///
    /// # Panics
    ///
    /// As [`sample`](Self::sample).
    pub fn sample_steps(
        &self,
        dims: [usize; 3],
        draw: &MaskDraw,
        place: impl Into<TensorCreationOptions>,
    ) -> DropoutMask<3> {
        self.sample_values(dims, dims, draw, place.into())
    }

    fn sample_values<const D: usize>(
        &self,
        dims: [usize; D],
        steps: [usize; 3],
        draw: &MaskDraw,
        place: TensorCreationOptions,
    ) -> DropoutMask<D> {
        self.assert_valid("SiteDropout", "dropout");
        match self.ask(draw) {
            SiteFactors::Identity => DropoutMask::identity(),
            SiteFactors::Constant(factor) => {
                DropoutMask::from_values(Tensor::full(dims, factor, place))
            }
            SiteFactors::Random => {
                let default = || place.device.settings().float_dtype.into();
                let dtype = place.dtype.unwrap_or_else(default);
                if let Some(values) = self.draw_on_device(steps, draw, &place.device, dtype) {
                    return DropoutMask::from_values(values.reshape(dims));
                }
                let data = match dtype {
                    DType::F64 => TensorData::new(self.factors::<f64>(steps, draw), dims),
                    _ => TensorData::new(self.factors::<f32>(steps, draw), dims),
                };
                DropoutMask::from_values(Tensor::from_data(data, place))
            }
        }
    }

    /// The factors of every step, row and unit. Steps of a large mask are drawn by all threads: a
    /// word is where it is, whoever draws it.
    fn factors<E: Element>(
        &self,
        [seq_length, batch_size, units]: [usize; 3],
        draw: &MaskDraw,
    ) -> Vec<E> {
        /// To draw so many words takes as long as to wake a thread.
        const SMALL: usize = 1 << 15;
        let step_len = batch_size * units;
        let mut factors = vec![E::from_elem(0.0); seq_length * step_len];
        let sample = |(step, factors): (usize, &mut [E])| {
            self.factors_of_step(step, factors, units, draw);
        };
        if factors.len() <= SMALL || seq_length == 1 {
            factors.chunks_exact_mut(step_len.max(1)).enumerate().for_each(sample);
        } else {
            let at_once = SMALL.div_ceil(step_len);
            let steps = factors.par_chunks_exact_mut(step_len).enumerate();
            steps.with_min_len(at_once).for_each(sample);
        }
        factors
    }

    fn factors_of_step<E: Element>(
        &self,
        step: usize,
        factors: &mut [E],
        units: usize,
        draw: &MaskDraw,
    ) {
        let batch_size = factors.len() / units;
        let shared = self.sharing == MaskSharing::PerBatch;
        let (dropped, kept) = (E::from_elem(0.0), E::from_elem(self.kept_value()));
        let threshold = self.threshold();
        let n_words = if self.noise == MaskNoise::Gaussian { 2 * units } else { units };
        let mut words = vec![0; n_words];
        let rows = draw.rows(batch_size, step, shared);
        for (row, factors) in rows.zip(factors.chunks_exact_mut(units)) {
            row.fill(0, &mut words);
            match self.noise {
                MaskNoise::Bernoulli => {
                    for (factor, &word) in factors.iter_mut().zip(&words) {
                        *factor = if word < threshold { dropped } else { kept };
                    }
                }
                MaskNoise::Gaussian => {
                    for (factor, words) in factors.iter_mut().zip(words.chunks_exact(2)) {
                        *factor = E::from_elem(self.noise([words[0], words[1]]));
                    }
                }
            }
        }
    }

    /// A Gaussian factor, of two random words.
    pub(crate) fn noise(&self, words: [u32; 2]) -> f64 {
        1.0 + (self.prob / (1.0 - self.prob)).sqrt() * normal(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MaskRng;
    use burn::tensor::Device;

    fn sample(dropout: &SiteDropout, dims: [usize; 2]) -> Vec<f32> {
        let mask = dropout.sample(dims, &MaskRng::seeded(5).draw(0), &Device::flex());
        mask.values().unwrap().into_data().try_to_vec().unwrap()
    }

    #[test]
    fn a_mask_holds_zero_and_the_inverse_of_the_keep_probability() {
        let values = sample(&SiteDropout::new(0.2), [4, 100]);
        assert!(values.iter().all(|&value| value == 0.0 || value == 1.25));
        let unscaled = sample(&SiteDropout::new(0.2).unscaled(), [4, 100]);
        assert!(unscaled.iter().zip(&values).all(|(&one, &value)| one == value / 1.25));
    }

    #[test]
    fn the_rate_is_met_within_six_standard_errors() {
        let n = 1_000_000.0;
        for prob in [0.1, 0.5, 0.65] {
            let values = sample(&SiteDropout::new(prob), [100, 10_000]);
            let dropped = values.iter().filter(|&&value| value == 0.0).count() as f64;
            let standard_error = (prob * (1.0 - prob) / n).sqrt();
            assert!(
                (dropped / n - prob).abs() < 6.0 * standard_error,
                "{dropped} of {n} at {prob}"
            );
        }
    }

    #[test]
    fn gaussian_factors_have_the_moments_of_inverted_ones() {
        let prob = 0.2;
        let values = sample(&SiteDropout::new(prob).gaussian(), [100, 10_000]);
        let (n, variance) = (values.len() as f64, prob / (1.0 - prob));
        let mean = values.iter().map(|&z| f64::from(z)).sum::<f64>() / n;
        assert!((mean - 1.0).abs() < 6.0 * (variance / n).sqrt(), "{mean}");
        let spread =
            |power: i32| values.iter().map(|&z| (f64::from(z) - 1.0).powi(power)).sum::<f64>() / n;
        // The variance of a normal's square is 2 σ⁴, that of its fourth power 96 σ⁸.
        assert!((spread(2) - variance).abs() < 6.0 * variance * (2.0 / n).sqrt());
        let fourth = 3.0 * variance.powi(2);
        assert!((spread(4) - fourth).abs() < 6.0 * variance.powi(2) * (96.0 / n).sqrt());
        let draw = MaskDraw::expected();
        let device = Device::flex();
        assert!(SiteDropout::new(prob).gaussian().sample([1, 2], &draw, &device).is_identity());
    }

    #[test]
    fn the_factor_of_a_unit_does_not_need_the_others() {
        let row = MaskRng::seeded(5).draw(0).rows(1, 0, false).next().unwrap();
        let half = SiteDropout::new(0.5);
        for dropout in [half, half.unscaled(), half.gaussian()] {
            let values = sample(&dropout, [1, 20]);
            let apart: Vec<f32> = (0..20).map(|unit| dropout.factor(&row, unit) as f32).collect();
            assert_eq!(values, apart, "{dropout:?}");
        }
    }

    #[test]
    fn rows_share_a_mask_only_when_asked() {
        let rows = |values: Vec<f32>| (values[..50].to_vec(), values[50..].to_vec());
        let (first, second) = rows(sample(&SiteDropout::new(0.5), [2, 50]));
        assert_ne!(first, second);
        let (first, second) = rows(sample(&SiteDropout::new(0.5).shared_over_batch(), [2, 50]));
        assert_eq!(first, second);
    }

    #[test]
    fn the_first_step_of_a_mask_over_steps_is_the_mask_of_the_sequence() {
        let (dropout, device) = (SiteDropout::new(0.5), Device::flex());
        let draw = MaskRng::seeded(5).draw(0);
        let steps = dropout.sample_steps([3, 2, 10], &draw, &device);
        let sequence = dropout.sample([2, 10], &draw, &device);
        let values = |mask: DropoutMask<2>| mask.values().unwrap().into_data();
        let sequence_values = values(sequence);
        assert_eq!(values(steps.at_step(0)), sequence_values);
        assert_ne!(values(steps.at_step(1)), sequence_values);

        let draw = draw.starting_step(2);
        let later = dropout.sample_steps([1, 2, 10], &draw, &device);
        assert_eq!(values(later.at_step(0)), values(steps.at_step(2)));
        assert_eq!(values(dropout.sample([2, 10], &draw, &device)), sequence_values);
    }

    #[test]
    fn an_expected_mask_is_the_mean_of_the_drawn_ones() {
        let device = Device::flex();
        let draw = MaskDraw::expected();
        assert!(SiteDropout::new(0.2).sample([1, 2], &draw, &device).is_identity());
        let unscaled = SiteDropout::new(0.2).unscaled().sample([1, 2], &draw, &device);
        let values: Vec<f32> = unscaled.values().unwrap().into_data().try_to_vec().unwrap();
        assert_eq!(values, [0.8, 0.8]);
    }

    #[test]
    fn a_site_at_rate_zero_asks_but_is_not_random() {
        let (draw, record) = MaskRng::seeded(1).draw(0).recorded(1);
        assert!(!record.asked());
        assert!(SiteDropout::new(0.0).sample([1, 2], &draw, &Device::flex()).is_identity());
        assert!(record.asked() && !record.random());
        let _ = SiteDropout::new(0.1).sample([1, 2], &draw, &Device::flex());
        assert!(record.random());
    }
}
