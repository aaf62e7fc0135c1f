//! Rates that are learned: a module beside each site of the model.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use burn_variational::dropout::{
    ConcreteDropout, ConcreteDropoutConfig, DropoutPrior, MaskDraw, Site,
};
use burn_variational::rnn::{LayerMasks, RecurrentCell, RecurrentLayer, SiteMasks, StackMasks};
use serde::{Deserialize, Serialize};

use crate::rates::VariationalRates;

/// Configuration of [`LearnedRates`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LearnedRatesConfig {
    n_types: usize,
    /// The input and output width of every layer.
    widths: Vec<[usize; 2]>,
    /// The rates to begin with: of word types, of inputs and the output, and of the recurrence.
    initial: [f64; 3],
}

/// Concrete dropout at the sites of variational dropout, a rate each (Gal, Hron & Kendall 2017).
#[derive(Module, Debug)]
pub(crate) struct LearnedRates {
    /// Of word types; none once they are left whole.
    pub(crate) types: Option<ConcreteDropout>,
    /// Of what enters each layer: the input of the first, and between layers.
    inputs: Vec<ConcreteDropout>,
    /// Of what is carried, in each layer.
    recurrent: Vec<ConcreteDropout>,
    /// Of what the output layer reads.
    output: ConcreteDropout,
}

impl LearnedRatesConfig {
    pub(crate) fn new(n_types: usize, widths: Vec<[usize; 2]>, initial: &VariationalRates) -> Self {
        Self { n_types, widths, initial: [initial.word_type, initial.input, initial.recurrent] }
    }

    pub(crate) fn init(&self, device: &Device) -> LearnedRates {
        let [types, input, recurrent] = self.initial;
        let site =
            |units, prob| ConcreteDropoutConfig::new(units).with_initial_prob(prob).init(device);
        let widths = || self.widths.iter();
        let d_last = self.widths[self.widths.len() - 1][1];
        LearnedRates {
            types: Some(site(self.n_types, types)),
            inputs: widths().map(|&[d_input, _]| site(d_input, input)).collect(),
            recurrent: widths().map(|&[_, d_hidden]| site(d_hidden, recurrent)).collect(),
            output: site(d_last, input),
        }
    }
}

impl LearnedRates {
    /// Masks of the layers, and of what the output layer reads.
    pub(crate) fn sample(&self, batch_size: usize, draw: &MaskDraw) -> (StackMasks, SiteMasks) {
        let sites = self.inputs.iter().zip(&self.recurrent).enumerate();
        let layers = sites.map(|(l, (input, recurrent))| {
            let draw = draw.layer(l);
            let sample = |concrete: &ConcreteDropout, site| {
                SiteMasks::tied(concrete.sample(batch_size, &draw.site(&site)))
            };
            LayerMasks::identity()
                .with_input(sample(input, Site::Input))
                .with_recurrent(sample(recurrent, Site::Recurrent))
        });
        let output = self.output.sample(batch_size, &draw.site(&Site::Output));
        (StackMasks::new(layers.collect()), SiteMasks::tied(output))
    }

    /// The part of the KL term that is of the rates and of the weights that multiply what they drop:
    /// the embedding, the layers' input and recurrent weights, and the output layer's.
    pub(crate) fn penalty<C: RecurrentCell>(
        &self,
        embedding: &Param<Tensor<2>>,
        layers: &[RecurrentLayer<C>],
        output: &Param<Tensor<2>>,
        prior: &DropoutPrior,
    ) -> Tensor<1> {
        let types = self.types.as_ref().map(|types| types.penalty(&[embedding.val()], prior));
        let mut penalty = self.output.penalty(&[output.val()], prior);
        for ((layer, input), recurrent) in layers.iter().zip(&self.inputs).zip(&self.recurrent) {
            let weights = layer.cell.weight_sites();
            for (site, concrete) in
                [(Site::InputWeights, input), (Site::RecurrentWeights, recurrent)]
            {
                let weight = weights.iter().find(|weight| weight.site == site);
                let weight = weight.expect("these cells have both").value.clone();
                penalty = penalty + concrete.penalty(&[weight], prior);
            }
        }
        types.map_or(penalty.clone(), |types| penalty + types)
    }

    /// The rate of every site, by its name.
    pub(crate) fn rates(&self) -> Vec<(String, f64)> {
        ConcreteDropout::rates(self)
    }
}
