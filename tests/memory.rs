//! Memory of Monte Carlo against the number of draws. A binary of its own: it counts the bytes of the
//! whole process.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor};
use burn_variational::mc::{StreamModel, StreamWindow};
use burn_variational::prelude::*;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const N_TYPES: usize = 50;
const WIDTH: usize = 8;

#[derive(Module, Debug)]
struct Model {
    embedding: VariationalEmbedding,
    gru: VariationalGru,
    output: Linear,
}

impl VariationalModel for Model {
    type Input = Tensor<2, Int>;
    type Masks = (EmbeddingMasks, StackMasks, ());
    type Output = Tensor<3>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> Self::Masks {
        (&self.embedding, &self.gru, &self.output).sample_masks(extent, draw)
    }

    fn run(&self, tokens: Tensor<2, Int>, masks: &Self::Masks) -> Tensor<3> {
        (&self.embedding, &self.gru, &self.output).run(tokens, masks)
    }
}

impl StreamModel for Model {
    type State = StackState<HiddenState>;

    fn n_types(&self) -> usize {
        N_TYPES
    }

    fn log_probabilities(
        &self,
        inputs: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        state: Option<Self::State>,
        masks: &Self::Masks,
    ) -> (Tensor<2>, Self::State) {
        let embedded = self.embedding.forward(inputs, &masks.0);
        let (hidden, state) = self.gru.forward(embedded, state, &masks.1);
        let logits = log_softmax(self.output.forward(hidden), 2);
        (logits.gather(2, targets.unsqueeze_dim(2)).squeeze_dim(2), state)
    }
}

impl Model {
    fn new(device: &Device) -> Self {
        Self {
            embedding: VariationalEmbeddingConfig::new(N_TYPES, WIDTH)
                .with_type_dropout(0.2)
                .init(device),
            gru: VariationalGruConfig::new(WIDTH, WIDTH, true)
                .with_dropout(StackDropout::variational(0.2, 0.2))
                .init(device),
            output: LinearConfig::new(WIDTH, N_TYPES).init(device),
        }
    }
}

/// Asserts that a run over a thousand draws takes no more memory than one over fifty.
fn assert_constant(run: impl Fn(usize)) {
    let peak = |n_draws: usize| {
        ALLOCATOR.reset_peak_usage();
        let before = ALLOCATOR.current_usage();
        run(n_draws);
        (ALLOCATOR.peak_usage() - before) as f64
    };
    // What every thread sets aside once for its matrix products is not the draws'.
    let _ = peak(100);
    let (few, many) = (peak(50), peak(1000));
    assert!(many <= 1.1 * few, "{many} bytes for 1000 draws, {few} for 50");
}

/// One test for all: another one would be counted too.
#[test]
fn memory_does_not_grow_with_the_number_of_draws() {
    // Another thread may come to its first product while it is measured.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("no pool yet");
    let device = Device::flex();
    let model = Model::new(&device);
    perplexities(&model, &device);
    statistics(&model, &device);
}

fn perplexities(model: &Model, device: &Device) {
    // A thousand draws of the 400 tokens are 1.6 MB, beside passes of 100,000 bytes, which are fifty
    // draws of ten tokens each: no run has a product of a size that others have not.
    let window = |start: i64| {
        let tokens = Tensor::<1, Int>::arange(start..start + 11, device) % 50;
        let tokens = tokens.unsqueeze::<2>();
        let (inputs, targets) = (tokens.clone().slice([0..1, 0..10]), tokens.slice([0..1, 1..11]));
        StreamWindow { inputs, targets }
    };
    let windows = (0..40).map(|index| window(10 * index));
    assert_constant(|n_draws| {
        let mc = MonteCarlo::new(n_draws, MaskRng::seeded(1)).with_max_bytes(100_000);
        mc.perplexity(model, windows.clone()).expect("the model draws masks");
    });
}

fn statistics(model: &Model, device: &Device) {
    // Ten draws of 20 rows of 10 tokens are 400,000 bytes, and exceed a pass.
    let tokens = (Tensor::<1, Int>::arange(0..200, device) % 50).reshape([20, 10]);
    assert_constant(|n_draws| {
        let mc = MonteCarlo::new(n_draws, MaskRng::seeded(1)).with_max_bytes(380_000);
        mc.moments(model, &tokens).expect("the model draws masks");
    });
    assert_constant(|n_draws| {
        let mc = MonteCarlo::new(n_draws, MaskRng::seeded(1)).with_max_bytes(380_000);
        mc.classification(model, &tokens).expect("the model draws masks");
    });
}
