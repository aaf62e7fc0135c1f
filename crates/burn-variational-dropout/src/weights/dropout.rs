//! What is asked of a weight: how much to drop, what together, scaled how.

use burn::config::Config;
use burn::tensor::{DType, Element, Tensor, TensorData};
use rayon::prelude::*;

use crate::{MaskDraw, MaskScaling, SiteDropout, SiteFactors, WeightMask, WordStream};

/// What of a weight is dropped together.
///
/// Which axis is which goes by the rank of the weight:
///
/// | weight | dims | input row | output row |
/// |---|---|---|---|
/// | [`Linear`](burn::nn::Linear), fused gates | `[d_input, d_output]` | axis 0 | axis 1 |
/// | [`Embedding`](burn::nn::Embedding) | `[n_embedding, d_model]` | axis 0, a word type | axis 1 |
/// | [`Conv2d`](burn::nn::conv::Conv2d), any rank over 2 | `[c_out, c_in / groups, k, k]` | axis 1 | axis 0 |
///
/// A convolution of several groups has the input row `j` of each group dropped together. Where the
/// rule is not that of the layer, name the [`Axis`](Self::Axis): a
/// [`ConvTranspose2d`](burn::nn::conv::ConvTranspose2d) has its inputs along axis 0, and rows as
/// PyTorch counts them, `[d_output, d_input]`, are those of the other name here.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum DroppedWeights {
    /// Each element by itself: `DropConnect` (Wan et al. 2013).
    Element,
    /// All weights of an input unit: the unit is gone for all outputs, and for all rows of a batch
    /// (Gal & Ghahramani 2016, whose masks of a sequence are such rows for each sequence).
    InputRow,
    /// All weights of an output unit, but not its bias.
    OutputRow,
    /// All weights of one index of this axis.
    Axis(usize),
}

/// Dropout of a weight: what is dropped together is dropped with probability `prob`.
///
/// ```text
/// W' = W ∘ z
/// z = b / (1 - prob),  b ~ Bernoulli(1 - prob)      inverted scaling (the default)
/// z = b                                             unscaled
/// ```
///
/// A draw of a weight is one for all rows and steps of a batch, so draws cannot be folded into one
/// batch: a model that drops weights says so in
/// [`folds_draws`](crate::VariationalModel::folds_draws), and Monte Carlo runs it draw by draw.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{MaskRng, WeightDropout};
///
/// let weight = Tensor::<2>::ones([3, 2], &Device::flex());
/// let draw = MaskRng::seeded(1).draw(0);
/// let mask = WeightDropout::new(0.5).input_rows().sample(&weight, &draw).unwrap();
/// // A factor for each of three inputs.
/// assert_eq!(mask.dims(), [3, 1]);
/// ```
///
/// # References
///
/// - Li Wan, Matthew Zeiler, Sixin Zhang, Yann `LeCun` and Rob Fergus, *Regularization of Neural
///   Networks using `DropConnect`*, 2013.
/// - Stephen Merity, Nitish Keskar and Richard Socher, *Regularizing and Optimizing LSTM Language
///   Models*, 2017, arXiv 1708.02182: elements of the recurrent weights.
#[derive(Config, Debug, Copy, PartialEq)]
#[non_exhaustive]
pub struct WeightDropout {
    /// The probability of dropping, in `[0, 1)`.
    pub prob: f64,
    /// What is dropped together.
    #[config(default = "DroppedWeights::Element")]
    pub dropped: DroppedWeights,
    /// The factor of what is kept.
    #[config(default = "MaskScaling::Inverted")]
    pub scaling: MaskScaling,
}

impl WeightDropout {
    /// With all weights of an input unit dropped together.
    pub fn input_rows(self) -> Self {
        self.with_dropped(DroppedWeights::InputRow)
    }

    /// With all weights of an output unit dropped together.
    pub fn output_rows(self) -> Self {
        self.with_dropped(DroppedWeights::OutputRow)
    }

    /// With all weights of one index of this axis dropped together.
    pub fn along_axis(self, axis: usize) -> Self {
        self.with_dropped(DroppedWeights::Axis(axis))
    }

    /// With kept weights left as they are.
    pub fn unscaled(self) -> Self {
        self.with_scaling(MaskScaling::Unscaled)
    }

    /// Checks the rate, naming who asked: `"{owner}: {field} prob must be in [0, 1), got 1.5"`.
    ///
    /// # Panics
    ///
    /// If `prob` is not in `[0, 1)`.
    pub fn assert_valid(&self, owner: &str, field: &str) {
        self.as_site().assert_valid(owner, field);
    }

    /// Checks that a weight of these dims has the axis that is asked for.
    ///
    /// # Panics
    ///
    /// If it has not.
    pub fn assert_fits<const D: usize>(&self, weight: [usize; D]) {
        let _ = self.mask_dims(weight);
    }

    /// Samples the mask of a weight, in its float type and on its device; none where it is the
    /// identity, as it is at rate 0 and, with inverted scaling, in an expected draw.
    ///
    /// Two weights that sample the same draw drop the same: give each a
    /// [part](MaskDraw::part), layer or site of it.
    ///
    /// # Panics
    ///
    /// If `prob` is not in `[0, 1)`, the weight has no such axis, or several draws are folded.
    pub fn sample<const D: usize>(
        &self,
        weight: &Tensor<D>,
        draw: &MaskDraw,
    ) -> Option<WeightMask> {
        self.assert_valid("WeightDropout", "weight");
        let dims = self.mask_dims(weight.dims());
        let (device, dtype) = (weight.device().without_autodiff(), weight.dtype());
        let place = (&device, dtype);
        let values = match self.as_site().ask(draw) {
            SiteFactors::Identity => return None,
            SiteFactors::Constant(factor) => Tensor::full([1; D], factor, place),
            SiteFactors::Random => {
                let words = draw.shared_words("WeightDropout");
                let n = dims.iter().product();
                if let Some(values) = self.as_site().draw_row_on_device(&words, n, &device, dtype) {
                    return Some(WeightMask::from_values(values.reshape(dims)));
                }
                let data = match dtype {
                    DType::F64 => TensorData::new(self.factors::<f64, D>(dims, &words), dims),
                    _ => TensorData::new(self.factors::<f32, D>(dims, &words), dims),
                };
                Tensor::<D>::from_data(data, place)
            }
        };
        Some(WeightMask::from_values(values))
    }

    /// The factors of as many words, by all threads where there are many.
    fn factors<E: Element, const D: usize>(&self, dims: [usize; D], words: &WordStream) -> Vec<E> {
        /// To draw so many words takes as long as to wake a thread.
        const AT_ONCE: usize = 1 << 15;
        let site = self.as_site();
        let (dropped, kept) = (E::from_elem(0.0), E::from_elem(site.kept_value()));
        let mut factors = vec![dropped; dims.iter().product()];
        let sample = |(chunk, factors): (usize, &mut [E])| {
            let mut drawn = vec![0; factors.len()];
            words.fill((chunk * AT_ONCE) as u64, &mut drawn);
            for (factor, word) in factors.iter_mut().zip(drawn) {
                *factor = if site.drops(word) { dropped } else { kept };
            }
        };
        if factors.len() <= AT_ONCE {
            factors.chunks_mut(AT_ONCE).enumerate().for_each(sample);
        } else {
            factors.par_chunks_mut(AT_ONCE).enumerate().for_each(sample);
        }
        factors
    }

    /// Checks that a weight of this rank has the axis, where one is named.
    pub(crate) fn assert_has_axis(&self, rank: usize) {
        let DroppedWeights::Axis(axis) = self.dropped else { return };
        assert!(
            axis < rank,
            "WeightDropout: axis must be under the weight's rank {rank}, got {axis}"
        );
    }

    /// The dims of a mask: those of the weight, and 1 along what is dropped together.
    fn mask_dims<const D: usize>(&self, weight: [usize; D]) -> [usize; D] {
        let (input, output) = if D == 2 { (0, 1) } else { (1, 0) };
        let axis = match self.dropped {
            DroppedWeights::Element => return weight,
            DroppedWeights::InputRow | DroppedWeights::OutputRow if D < 2 => {
                panic!("WeightDropout: a weight with rows must have rank 2 or more, got {weight:?}")
            }
            DroppedWeights::InputRow => input,
            DroppedWeights::OutputRow => output,
            DroppedWeights::Axis(axis) => axis,
        };
        self.assert_has_axis(D);
        std::array::from_fn(|k| if k == axis { weight[k] } else { 1 })
    }

    /// The same rate and scaling as those of a site, which knows what they mean.
    fn as_site(self) -> SiteDropout {
        SiteDropout::new(self.prob).with_scaling(self.scaling)
    }
}

/// Dropout of elements at this rate, inverted.
impl From<f64> for WeightDropout {
    fn from(prob: f64) -> Self {
        Self::new(prob)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MaskRng;
    use burn::tensor::Device;

    fn sample<const D: usize>(dropout: WeightDropout, dims: [usize; D]) -> WeightMask {
        let weight = Tensor::<D>::ones(dims, &Device::flex());
        dropout.sample(&weight, &MaskRng::seeded(5).draw(0)).unwrap()
    }

    #[test]
    fn a_mask_is_as_small_as_what_is_dropped_together() {
        let half = WeightDropout::new(0.5);
        assert_eq!(sample(half, [3, 4]).dims(), [3, 4]);
        assert_eq!(sample(half.input_rows(), [3, 4]).dims(), [3, 1]);
        assert_eq!(sample(half.output_rows(), [3, 4]).dims(), [1, 4]);
        assert_eq!(sample(half.input_rows(), [3, 4, 5, 6]).dims(), [1, 4, 1, 1]);
        assert_eq!(sample(half.output_rows(), [3, 4, 5, 6]).dims(), [3, 1, 1, 1]);
        assert_eq!(sample(half.along_axis(2), [3, 4, 5, 6]).dims(), [1, 1, 5, 1]);
    }

    #[test]
    fn factors_are_zero_and_that_of_what_is_kept_at_the_rate_asked() {
        let n = 200 * 500;
        for (dropout, kept) in
            [(WeightDropout::new(0.2), 1.25), (WeightDropout::new(0.2).unscaled(), 1.0)]
        {
            let values = sample(dropout, [200, 500]).values::<2>().into_data();
            let values: Vec<f32> = values.try_to_vec().unwrap();
            assert!(values.iter().all(|&value| value == 0.0 || value == kept));
            let dropped = values.iter().filter(|&&value| value == 0.0).count();
            // Six standard errors.
            let bound = 6.0 * (0.2 * 0.8 / f64::from(n)).sqrt();
            assert!((dropped as f64 / f64::from(n) - 0.2).abs() < bound, "{dropped} of {n}");
        }
    }

    #[test]
    fn the_expected_mask_is_the_mean_of_the_drawn_ones() {
        let weight = Tensor::<2>::ones([2, 3], &Device::flex());
        let expected = MaskDraw::expected();
        assert!(WeightDropout::new(0.2).sample(&weight, &expected).is_none());
        let mask = WeightDropout::new(0.2).unscaled().sample(&weight, &expected).unwrap();
        let values: Vec<f32> = mask.apply(weight).into_data().try_to_vec().unwrap();
        assert_eq!(values, [0.8; 6]);
    }

    #[test]
    fn rate_zero_asks_and_is_the_identity() {
        let (draw, record) = MaskRng::seeded(1).draw(0).recorded(1);
        let weight = Tensor::<2>::ones([2, 3], &Device::flex());
        assert!(WeightDropout::new(0.0).sample(&weight, &draw).is_none());
        assert!(record.asked() && !record.random());
    }

    #[test]
    #[should_panic(expected = "WeightDropout: weight prob must be in [0, 1), got 1")]
    fn dropping_all_is_refused() {
        let _ = sample(WeightDropout::new(1.0), [2, 2]);
    }

    #[test]
    #[should_panic(
        expected = "WeightDropout: a weight with rows must have rank 2 or more, got [3]"
    )]
    fn rows_of_a_bias_are_refused() {
        let _ = sample(WeightDropout::new(0.5).input_rows(), [3]);
    }

    #[test]
    #[should_panic(expected = "WeightDropout: axis must be under the weight's rank 2, got 2")]
    fn an_axis_that_is_not_there_is_refused() {
        let _ = sample(WeightDropout::new(0.5).along_axis(2), [3, 3]);
    }

    #[test]
    #[should_panic(expected = "WeightDropout: draws must not be folded")]
    fn folded_draws_are_refused() {
        let weight = Tensor::<2>::ones([2, 3], &Device::flex());
        let _ = WeightDropout::new(0.5).sample(&weight, &MaskRng::seeded(1).draws(0..2));
    }
}
