//! A layer with numbers from a seed, run by whichever path is chosen.

use burn::module::Param;
use burn::nn::LstmState;
use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use burn_variational::dropout::DropoutMask;
use burn_variational::kernels::Recurrence;
use burn_variational::rnn::{
    GateWeights, GruCell, HiddenState, LayerDropout, LayerMasks, LstmCell, RecurrentCell,
    RecurrentLayer, RnnCell, SiteMasks,
};
use cross_backend_tests::tolerance;

/// Relative error in `f64` between two ways to sum up the same recurrence.
pub(super) const F64_TOLERANCE: f64 = 1e-12;

/// In half precision a step rounds by 5e-4, and differently on both paths.
const F16_TOLERANCE: f64 = 1e-2;

/// Numbers without a pattern, the same on every run (Steele, Lea & Flood 2014, `SplitMix64`).
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[(self.word() % choices.len() as u64) as usize]
    }

    /// Uniform in `[-scale, scale]`.
    pub(super) fn uniform(&mut self, n: usize, scale: f64) -> Vec<f64> {
        let unit = |word: u64| (word >> 11) as f64 / (1_u64 << 53) as f64;
        (0..n).map(|_| (2.0 * unit(self.word()) - 1.0) * scale).collect()
    }

    pub(super) fn tensor<const D: usize>(
        &mut self,
        dims: [usize; D],
        scale: f64,
        on: &Place,
    ) -> Tensor<D> {
        let values = self.uniform(dims.iter().product(), scale);
        on.tensor(values, dims)
    }
}

/// A device and the type of numbers on it.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) device: Device,
    pub(super) dtype: FloatDType,
}

impl Place {
    pub(super) fn tensor<const D: usize>(&self, values: Vec<f64>, dims: [usize; D]) -> Tensor<D> {
        let data = TensorData::new(values, dims);
        Tensor::from_data(data, (&self.device, self.dtype.into()))
    }

    pub(super) fn tolerance(&self) -> f64 {
        match self.dtype {
            FloatDType::F64 => F64_TOLERANCE,
            FloatDType::F16 => F16_TOLERANCE,
            _ => tolerance(&self.device),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Masking {
    None,
    Tied,
    Untied,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) recurrence: Recurrence,
    pub(super) batch_size: usize,
    pub(super) seq_length: usize,
    pub(super) d_input: usize,
    pub(super) d_hidden: usize,
    pub(super) input: Masking,
    pub(super) recurrent: Masking,
    pub(super) bias: bool,
    /// A value at one input of the second row and second step, if there are two of each.
    pub(super) special: Option<f64>,
}

/// What a layer gives: outputs, the state, and the gradients of everything that has one.
pub(super) type Results = Vec<(&'static str, Vec<f64>)>;

pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

impl Case {
    pub(super) fn random(numbers: &mut Numbers) -> Self {
        Self {
            recurrence: numbers.one_of(&RECURRENCES),
            batch_size: numbers.one_of(&[1, 2, 3, 7, 20, 33, 70]),
            seq_length: numbers.one_of(&[1, 2, 3, 5, 9]),
            d_input: numbers.one_of(&[1, 3, 8, 17]),
            d_hidden: numbers.one_of(&[1, 2, 5, 16, 31, 64, 65, 100, 150]),
            input: numbers.one_of(&[Masking::None, Masking::Tied, Masking::Untied]),
            recurrent: numbers.one_of(&[Masking::None, Masking::Tied, Masking::Untied]),
            bias: numbers.one_of(&[true, false]),
            special: None,
        }
    }

    /// With a mask on the inputs and one for each gate on the recurrence.
    pub(super) fn of_size(
        recurrence: Recurrence,
        [batch_size, seq_length, d_hidden]: [usize; 3],
    ) -> Self {
        Self {
            recurrence,
            batch_size,
            seq_length,
            d_input: 3,
            d_hidden,
            input: Masking::Tied,
            recurrent: Masking::Untied,
            bias: true,
            special: None,
        }
    }

    /// Runs the case with numbers from a seed.
    pub(super) fn run(&self, seed: u64, place: &Place) -> Results {
        let Self { recurrence, d_input, d_hidden, bias, .. } = *self;
        let mut numbers = Numbers(seed);
        let width = recurrence.n_gates() * d_hidden;
        let scale = (d_hidden as f64).sqrt().recip();
        let gates = GateWeights {
            input: Param::from_tensor(numbers.tensor([d_input, width], 0.5, place)),
            recurrent: Param::from_tensor(numbers.tensor([d_hidden, width], scale, place)),
            bias: bias.then(|| Param::from_tensor(numbers.tensor([width], 0.5, place))),
        };
        match recurrence {
            Recurrence::Lstm => {
                let cell = LstmCell::new(gates);
                self.run_cell(&cell, &cell.gates, None, &mut numbers, place, |hidden, cell| {
                    LstmState::new(cell, hidden)
                })
            }
            Recurrence::Gru { reset_after } => {
                let candidate_bias = (bias && reset_after)
                    .then(|| Param::from_tensor(numbers.tensor([d_hidden], 0.5, place)));
                let cell = GruCell::new(gates, candidate_bias, reset_after);
                let candidate_bias = cell.candidate_bias.as_ref();
                self.run_cell(
                    &cell,
                    &cell.gates,
                    candidate_bias,
                    &mut numbers,
                    place,
                    |hidden, _| HiddenState::new(hidden),
                )
            }
            Recurrence::Rnn => {
                let cell = RnnCell::new(gates);
                self.run_cell(&cell, &cell.gates, None, &mut numbers, place, |hidden, _| {
                    HiddenState::new(hidden)
                })
            }
        }
    }

    fn run_cell<C: RecurrentCell>(
        &self,
        cell: &C,
        gates: &GateWeights,
        candidate_bias: Option<&Param<Tensor<1>>>,
        numbers: &mut Numbers,
        place: &Place,
        state: impl Fn(Tensor<2>, Tensor<2>) -> C::State,
    ) -> Results {
        use burn_variational::rnn::RecurrentState;

        let Self { recurrence, batch_size, seq_length, d_input, d_hidden, .. } = *self;
        let dims = [seq_length, batch_size, d_input];
        let mut inputs = numbers.uniform(dims.iter().product(), 1.0);
        if let Some(special) = self.special {
            inputs[(batch_size + 1) * d_input] = special;
        }
        let input = place.tensor(inputs, dims).require_grad();
        let mut initial = || numbers.tensor([batch_size, d_hidden], 1.0, place).require_grad();
        let (hidden, carried) = (initial(), initial());
        let masks = LayerMasks::identity()
            .with_input(self.masks(self.input, d_input, numbers, place))
            .with_recurrent(self.masks(self.recurrent, d_hidden, numbers, place));
        let layer = RecurrentLayer::new(cell.clone(), LayerDropout::none()).with_batch_first(false);
        let initial = state(hidden.clone(), carried.clone());
        // Among operations that gradient checkpointing computes once more.
        let entering = input.clone().mul_scalar(1.5);
        let (output, last) = layer.forward(entering, Some(initial), &masks);

        let mut results = vec![("output", values(output.clone()))];
        let weights = numbers.tensor(output.dims(), 1.0, place);
        let mut loss = (output.clone() * output * weights).sum();
        let _ = last.map(&mut |name, tensor| {
            results.push((name, values(tensor.clone())));
            let weights = numbers.tensor(tensor.dims(), 1.0, place);
            loss = loss.clone() + (tensor.clone() * weights).sum();
            tensor
        });
        let grads = loss.backward();
        results.push(("d_input", values(input.grad(&grads).unwrap())));
        results.push(("d_hidden", values(hidden.grad(&grads).unwrap())));
        if recurrence == Recurrence::Lstm {
            results.push(("d_cell", values(carried.grad(&grads).unwrap())));
        }
        results.push(("d_W", values(gates.input.grad(&grads).unwrap())));
        results.push(("d_U", values(gates.recurrent.grad(&grads).unwrap())));
        if let Some(bias) = &gates.bias {
            results.push(("d_b", values(bias.grad(&grads).unwrap())));
        }
        if let Some(bias) = candidate_bias {
            results.push(("d_b_hn", values(bias.grad(&grads).unwrap())));
        }
        results
    }

    pub(super) fn masks(
        &self,
        masking: Masking,
        units: usize,
        numbers: &mut Numbers,
        place: &Place,
    ) -> SiteMasks {
        let dims = [self.batch_size, units];
        let mut mask = || {
            let kept = numbers.uniform(dims.iter().product(), 1.0);
            let kept = kept.into_iter().map(|x| if x > 0.0 { 2.0 } else { 0.0 }).collect();
            DropoutMask::from_values(place.tensor(kept, dims))
        };
        match masking {
            Masking::None => SiteMasks::identity(),
            Masking::Tied => SiteMasks::tied(mask()),
            Masking::Untied => {
                SiteMasks::untied((0..self.recurrence.n_gates()).map(|_| mask()).collect())
            }
        }
    }
}

pub(super) const RECURRENCES: [Recurrence; 4] = [
    Recurrence::Lstm,
    Recurrence::Gru { reset_after: true },
    Recurrence::Gru { reset_after: false },
    Recurrence::Rnn,
];
