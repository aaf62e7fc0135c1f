//! Windows of a series and what follows them, in the units of the model.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::parts::Sizes;
use crate::standardisation::Standardisation;

/// Forecasts that begin behind these steps: what they are made of, and what was observed.
#[derive(Debug, Clone)]
pub(crate) struct Windows {
    /// `[n_windows, window, 1]`.
    pub(crate) inputs: Tensor<3>,
    /// `[n_windows, horizon]`.
    pub(crate) targets: Tensor<2>,
    /// The last step of each window.
    pub(crate) origins: Vec<usize>,
}

impl Windows {
    pub(crate) fn new(
        values: &[f64],
        origins: Vec<usize>,
        sizes: Sizes,
        standardisation: &Standardisation,
        device: &Device,
    ) -> Self {
        let Sizes { window, horizon } = sizes;
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        for &last in &origins {
            let centre = standardisation.centre_of(values[last]);
            let standard = |value: &f64| ((value - centre) / standardisation.deviation) as f32;
            inputs.extend(values[last + 1 - window..=last].iter().map(standard));
            targets.extend(values[last + 1..=last + horizon].iter().map(standard));
        }
        let n = origins.len();
        Self {
            inputs: Tensor::from_data(TensorData::new(inputs, [n, window, 1]), device),
            targets: Tensor::from_data(TensorData::new(targets, [n, horizon]), device),
            origins,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.origins.len()
    }

    /// Inputs and targets of some of them.
    pub(crate) fn some(&self, rows: &[usize]) -> (Tensor<3>, Tensor<2>) {
        let number = |&row: &usize| i32::try_from(row).expect("windows are fewer than 2^31");
        let rows: Vec<i32> = rows.iter().map(number).collect();
        let rows = Tensor::<1, Int>::from_data(rows.as_slice(), &self.inputs.device());
        (self.inputs.clone().select(0, rows.clone()), self.targets.clone().select(0, rows))
    }
}
