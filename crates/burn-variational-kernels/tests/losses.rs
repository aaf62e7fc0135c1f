//! Losses with rows that are ignored, on every path: the values and gradients of plain sums in
//! `f64` over the other rows, whatever the rows that are ignored hold.

use burn::tensor::{Device, FloatDType, Int, Tensor, TensorData};
use burn_variational_kernels::linear_cross_entropy;
use burn_variational_kernels::testing::without_engine;

const ROWS: usize = 7;
const D_INPUT: usize = 5;
const N_CLASSES: usize = 37;

/// How the losses are computed, and the error that its roundings may leave.
#[derive(Debug, Clone)]
struct Path {
    device: Device,
    dtype: FloatDType,
    engine: bool,
    tolerance: f64,
}

/// The CPU kernel, the generic body, which half precision takes on Flex, and plain operations.
fn paths() -> Vec<Path> {
    use FloatDType::{F16, F32, F64};
    let flex = Device::flex().autodiff();
    let path = |device: &Device, dtype, engine| {
        // Some roundings of numbers next to 1; what is summed is about as large.
        let tolerance = match dtype {
            F64 => 1e-13,
            F32 => 1e-5,
            _ => 2e-2,
        };
        Path { device: device.clone(), dtype, engine, tolerance }
    };
    #[allow(unused_mut, reason = "NdArray is a feature")]
    let mut paths = vec![
        path(&flex, F32, true),
        path(&flex, F64, true),
        path(&flex, F16, true),
        path(&flex, F32, false),
    ];
    #[cfg(feature = "ndarray")]
    {
        #[allow(deprecated, reason = "burn 0.22 deprecates NdArray and still has it")]
        let ndarray = Device::ndarray().autodiff();
        paths.extend([path(&ndarray, F32, true), path(&ndarray, F32, false)]);
    }
    paths
}

/// An output layer in `f64`, and a number by which each loss counts.
struct Layer {
    input: Vec<f64>,
    weights: Vec<f64>,
    bias: Vec<f64>,
    targets: Vec<i64>,
    counts: Vec<f64>,
}

/// Losses, and the gradients of input, weights and bias.
type Results = [Vec<f64>; 4];

impl Layer {
    fn new(targets: [i64; ROWS]) -> Self {
        // Numbers that half precision holds.
        let numbers = |n: usize, step: usize| -> Vec<f64> {
            (0..n).map(|k| ((k * step) % 41) as f64 / 32.0 - 0.625).collect()
        };
        Self {
            input: numbers(ROWS * D_INPUT, 7),
            weights: numbers(D_INPUT * N_CLASSES, 11),
            bias: numbers(N_CLASSES, 17),
            targets: targets.to_vec(),
            counts: numbers(ROWS, 5),
        }
    }

    /// With `value` in all that row `row` has.
    fn with_row(mut self, row: usize, value: f64) -> Self {
        self.input[row * D_INPUT..][..D_INPUT].fill(value);
        self.counts[row] = value;
        self
    }

    /// Plain sums over the rows that count.
    fn reference(&self, ignore_index: Option<i64>) -> Results {
        let mut losses = vec![0.0; ROWS];
        let mut d_input = vec![0.0; ROWS * D_INPUT];
        let mut d_weights = vec![0.0; D_INPUT * N_CLASSES];
        let mut d_bias = vec![0.0; N_CLASSES];
        for row in (0..ROWS).filter(|&row| Some(self.targets[row]) != ignore_index) {
            let target = self.targets[row] as usize;
            let x = &self.input[row * D_INPUT..][..D_INPUT];
            let weight = |d: usize, class: usize| self.weights[d * N_CLASSES + class];
            let logit = |class| {
                self.bias[class] + (0..D_INPUT).map(|d| x[d] * weight(d, class)).sum::<f64>()
            };
            let total: f64 = (0..N_CLASSES).map(|class| logit(class).exp()).sum();
            losses[row] = total.ln() - logit(target);
            for class in 0..N_CLASSES {
                let delta = logit(class).exp() / total - f64::from(u8::from(class == target));
                let delta = self.counts[row] * delta;
                d_bias[class] += delta;
                for d in 0..D_INPUT {
                    d_input[row * D_INPUT + d] += delta * weight(d, class);
                    d_weights[d * N_CLASSES + class] += delta * x[d];
                }
            }
        }
        [losses, d_input, d_weights, d_bias]
    }

    fn run(&self, path: &Path, ignore_index: Option<i64>) -> Results {
        fn tensor<const D: usize>(values: &[f64], dims: [usize; D], path: &Path) -> Tensor<D> {
            let data = TensorData::new(values.to_vec(), dims);
            Tensor::from_data(data, (&path.device, path.dtype.into()))
        }
        fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
            tensor.into_data().iter().collect()
        }
        let input = tensor(&self.input, [ROWS, D_INPUT], path).require_grad();
        let weights = tensor(&self.weights, [D_INPUT, N_CLASSES], path).require_grad();
        let bias = tensor(&self.bias, [N_CLASSES], path).require_grad();
        let targets = Tensor::<1, Int>::from_data(self.targets.as_slice(), &path.device);
        let run = || {
            let (input, weights, bias) = (input.clone(), weights.clone(), bias.clone());
            linear_cross_entropy(input, weights, Some(bias), targets.clone(), ignore_index)
        };
        let losses = if path.engine { run() } else { without_engine(run) };
        let grads = (losses.clone() * tensor(&self.counts, [ROWS], path)).sum().backward();
        [
            values(losses),
            values(input.grad(&grads).unwrap()),
            values(weights.grad(&grads).unwrap()),
            values(bias.grad(&grads).unwrap()),
        ]
    }

    /// Asserts that every path gives the reference, and exactly 0 where that is 0.
    fn check(&self, name: &str, ignore_index: Option<i64>) {
        let expected = self.reference(ignore_index);
        for path in paths() {
            let results = self.run(&path, ignore_index);
            for (what, (got, expected)) in
                ["losses", "input", "weights", "bias"].iter().zip(results.iter().zip(&expected))
            {
                assert_eq!(got.len(), expected.len());
                for (&got, &expected) in got.iter().zip(expected) {
                    let close = (got - expected).abs() <= path.tolerance * expected.abs().max(1.0);
                    assert!(close, "{name}, {what}: {got} and not {expected}, {path:?}");
                    assert!(expected != 0.0 || got == 0.0, "{name}, {what}: {got}, {path:?}");
                }
            }
        }
    }
}

#[test]
fn losses_that_all_count_are_those_of_plain_sums() {
    Layer::new([3, 1, 4, 1, 5, 9, 36]).check("no index", None);
    Layer::new([3, 1, 4, 1, 5, 9, 36]).check("an index that never comes up", Some(-100));
}

#[test]
fn ignored_rows_have_loss_zero_and_give_no_gradient() {
    Layer::new([3, -100, 4, 1, -100, -100, 36]).check("no class", Some(-100));
    Layer::new([0, 5, 4, 0, 5, 9, 36]).check("a class", Some(0));
    Layer::new([-1; ROWS]).check("all", Some(-1));
}

#[test]
fn what_an_ignored_row_holds_reaches_nothing() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let layer = Layer::new([-1, 1, 4, -1, 5, 9, 36]).with_row(0, value).with_row(3, value);
        layer.check(&format!("{value}"), Some(-1));
    }
    Layer::new([-1; ROWS]).with_row(2, f64::NAN).check("all", Some(-1));
}
