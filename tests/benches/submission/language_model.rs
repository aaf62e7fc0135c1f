//! A training step of a variational language model, part by part.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor};
use burn_variational::embedding::{VariationalEmbedding, VariationalEmbeddingConfig};
use burn_variational::kernels::linear_cross_entropy;
use burn_variational::prelude::*;
use burn_variational::rnn::{LstmCell, LstmCellConfig};
use burn_variational::training::{PlainSgd, clip_global_norm};

/// Sizes of a model and its batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) n_words: usize,
    pub(crate) units: usize,
    pub(crate) batch_size: usize,
    pub(crate) seq_length: usize,
}

#[derive(Module, Debug)]
struct Model {
    embedding: VariationalEmbedding,
    stack: RecurrentStack<LstmCell>,
    output: Linear,
}

/// A model, and what its steps read.
pub(crate) struct Training {
    model: Model,
    optimizer: ModuleOptimizer,
    tokens: Tensor<2, Int>,
    targets: Tensor<1, Int>,
    device: Device,
    n_steps: u64,
}

impl Training {
    pub(crate) fn new(device: &Device, sizes: Sizes) -> Self {
        let device = device.clone().autodiff();
        let Sizes { n_words, units, batch_size, seq_length } = sizes;
        let site = SiteDropout::new(0.25);
        let dropout = LayerDropout::none().with_input(site).with_recurrent(site);
        let layer = || {
            let cell = LstmCellConfig::new(units, units, true).init(&device);
            RecurrentLayer::new(cell, dropout.clone())
        };
        let embedding = VariationalEmbeddingConfig::new(n_words, units).with_type_dropout(site);
        let words: Vec<u32> =
            (0..batch_size * seq_length).map(|k| (k * 7919 % n_words) as u32).collect();
        let words = Tensor::<1, Int>::from_data(&words[..], &device);
        Self {
            model: Model {
                embedding: embedding.init(&device),
                stack: RecurrentStack::new(vec![layer(), layer()]),
                output: LinearConfig::new(units, n_words).init(&device),
            },
            optimizer: PlainSgd.into(),
            tokens: words.clone().reshape([batch_size, seq_length]),
            targets: words,
            device,
            n_steps: 0,
        }
    }

    /// Takes a step. Each part is given to `run` by its name, to be run once.
    pub(crate) fn step(&mut self, mut run: impl FnMut(&'static str, &mut dyn FnMut())) {
        let Self { model, optimizer, tokens, targets, device, n_steps } = self;
        let sync = || device.sync().expect("the device works");
        let draw = MaskRng::seeded(1).draw(*n_steps);
        let (mut masks, mut loss, mut grads) = (None, None, None);
        run("masks", &mut || {
            let parts = (&model.embedding, &model.stack);
            let [batch_size, seq_length] = tokens.dims();
            let extent = SequenceExtent::new(batch_size, seq_length, device);
            masks = Some(parts.sample_masks(&extent, draw.part("model")));
            sync();
        });
        run("forward", &mut || {
            let (of_embedding, of_stack) = masks.as_ref().expect("they were drawn");
            let embedded = model.embedding.forward(tokens.clone(), of_embedding);
            let hidden = model.stack.forward(embedded, None, of_stack).0;
            let [batch_size, seq_length, units] = hidden.dims();
            let rows = hidden.reshape([batch_size * seq_length, units]);
            let bias = model.output.bias.as_ref().map(Param::val);
            let losses =
                linear_cross_entropy(rows, model.output.weight.val(), bias, targets.clone(), None);
            loss = Some(losses.mean());
            sync();
        });
        run("backward", &mut || {
            let found = loss.take().expect("it was computed").backward();
            grads = Some(GradientsParams::from_grads(found, model));
            sync();
        });
        run("clip", &mut || {
            clip_global_norm(grads.as_mut().expect("they were computed"), model, 5.0);
            sync();
        });
        run("descend", &mut || {
            let grads = grads.take().expect("they were computed");
            *model = optimizer.step(0.1, model.clone(), grads);
            sync();
        });
        *n_steps += 1;
    }
}
