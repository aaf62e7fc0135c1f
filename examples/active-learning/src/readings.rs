//! Readings of a machine that is nearly always well.

use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_variational::dropout::{MaskRng, WordStream};

/// The steps of a reading.
const SEQ_LENGTH: usize = 16;
/// The standard deviation of the noise of a step.
const NOISE: f64 = 0.1;

/// What a reading shows: nothing, or one of three faults.
pub(crate) const N_CLASSES: usize = 4;

/// Readings and what they show.
#[derive(Debug, Clone)]
pub struct Readings {
    /// A value a step, `[n_rows, 16, 1]`.
    pub values: Tensor<3>,
    /// 0 where all is well, 1 for a spike, 2 for a sensor that is stuck, 3 for a drift; `[n_rows]`.
    pub classes: Tensor<1, Int>,
}

impl Readings {
    /// So many of them, of which each fault has this share; another name, other readings.
    pub fn sampled(
        n_rows: usize,
        share_of_fault: f64,
        name: &str,
        seed: u64,
        device: &Device,
    ) -> Self {
        let draw = MaskRng::seeded(seed).scope("readings").draw(0).part(name);
        let (mut values, mut classes) = (Vec::new(), Vec::new());
        for words in draw.rows(n_rows, 0, false) {
            let fault = 1 + (words.uniform(0) / share_of_fault) as u8;
            let class = if usize::from(fault) < N_CLASSES { fault } else { 0 };
            values.extend(reading(class, &words));
            classes.push(class);
        }
        let values = TensorData::new(values, [n_rows, SEQ_LENGTH, 1]);
        Self {
            values: Tensor::from_data(values, device),
            classes: Tensor::from_data(TensorData::new(classes, [n_rows]), device),
        }
    }

    /// The number of readings.
    pub fn n_rows(&self) -> usize {
        self.classes.dims()[0]
    }
}

/// A wave of any phase, and what has befallen it.
fn reading(class: u8, words: &WordStream) -> [f64; SEQ_LENGTH] {
    let (phase, place, sign) = (words.uniform(1), words.uniform(2), words.uniform(3));
    let sign = if sign < 0.5 { -1.0 } else { 1.0 };
    // From a quarter to three quarters of the way.
    let step = (SEQ_LENGTH as f64 * (0.25 + 0.5 * place)) as usize;
    let wave = |t: usize| (std::f64::consts::TAU * (phase + t as f64 / 8.0)).sin();
    std::array::from_fn(|t| {
        let value = match class {
            1 if t == step => wave(t) + 2.0 * sign,
            2 if t >= step => wave(step),
            3 => wave(t) + 1.5 * sign * t as f64 / SEQ_LENGTH as f64,
            _ => wave(t),
        };
        value + NOISE * words.normal(4 + 2 * t as u64)
    })
}
