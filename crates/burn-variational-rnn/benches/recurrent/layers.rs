//! What is timed: layers with and without masks, and their twins in `burn::nn`.

use burn::nn::{Gru, GruConfig, Lstm, LstmConfig};
use burn::tensor::{Device, Tensor, TensorData};
use burn_variational_dropout::{MaskRng, SequenceExtent, SiteDropout, VariationalModel};
use burn_variational_kernels::testing::without_engine;
use burn_variational_rnn::{
    CellConfig, GruCellConfig, LayerDropout, LstmCellConfig, RecurrentCell, RecurrentLayer,
    RnnCellConfig,
};

use crate::timing::{Pass, Run};

/// Batch size, sequence length, width of the input and of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Its name in other frameworks' figures.
    pub(crate) name: &'static str,
    pub(crate) batch_size: usize,
    pub(crate) seq_length: usize,
    pub(crate) d_input: usize,
    pub(crate) d_hidden: usize,
}

impl Shape {
    pub(crate) const ALL: [Self; 4] = [
        Self::new("sent", [128, 200, 128, 128]),
        Self::new("small", [20, 35, 200, 200]),
        Self::new("medium", [20, 35, 650, 650]),
        Self::new("large", [20, 35, 1500, 1500]),
    ];

    pub(crate) const fn new(name: &'static str, sizes: [usize; 4]) -> Self {
        let [batch_size, seq_length, d_input, d_hidden] = sizes;
        Self { name, batch_size, seq_length, d_input, d_hidden }
    }

    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        let mut shapes = Self::ALL.into_iter();
        shapes.find(|shape| shape.name == name).ok_or_else(|| {
            let names = Self::ALL.map(|shape| shape.name).join(", ");
            format!("there are {names}")
        })
    }
}

/// The dropout of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Masks {
    None,
    Tied,
    Untied,
}

/// A layer to be timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    Lstm(Masks),
    LstmPlainPath,
    Gru(Masks),
    Rnn(Masks),
    BurnNnLstm,
    BurnNnGru,
}

impl Layer {
    pub(crate) const ALL: [Self; 12] = [
        Self::Lstm(Masks::None),
        Self::Lstm(Masks::Tied),
        Self::Lstm(Masks::Untied),
        Self::LstmPlainPath,
        Self::Gru(Masks::None),
        Self::Gru(Masks::Tied),
        Self::Gru(Masks::Untied),
        Self::Rnn(Masks::None),
        Self::Rnn(Masks::Tied),
        Self::Rnn(Masks::Untied),
        Self::BurnNnLstm,
        Self::BurnNnGru,
    ];

    pub(crate) fn system(self) -> &'static str {
        match self {
            Self::BurnNnLstm | Self::BurnNnGru => "burn-nn",
            _ => "burn-variational",
        }
    }

    pub(crate) fn name(self) -> String {
        let with = |cell: &str, masks| match masks {
            Masks::None => format!("{cell}, no mask"),
            Masks::Tied => format!("{cell}, tied masks"),
            Masks::Untied => format!("{cell}, untied masks"),
        };
        match self {
            Self::Lstm(masks) => with("LSTM", masks),
            Self::LstmPlainPath => "LSTM, tied masks, plain path".into(),
            Self::Gru(masks) => with("GRU", masks),
            Self::Rnn(masks) => with("RNN", masks),
            Self::BurnNnLstm => "Lstm, no dropout".into(),
            Self::BurnNnGru => "Gru, no dropout".into(),
        }
    }

    /// The blocks of weights: one for each gate.
    pub(crate) fn n_gates(self) -> usize {
        match self {
            Self::Lstm(_) | Self::LstmPlainPath | Self::BurnNnLstm => 4,
            Self::Gru(_) | Self::BurnNnGru => 3,
            Self::Rnn(_) => 1,
        }
    }

    /// A pass over one batch, ready to be run again and again.
    pub(crate) fn prepare(self, shape: Shape, pass: Pass, device: &Device) -> Run {
        let device = pass.on(device);
        let Shape { d_input, d_hidden, .. } = shape;
        let lstm = LstmCellConfig::new(d_input, d_hidden, true);
        match self {
            Self::Lstm(masks) => variational(lstm.init(&device), masks, shape, pass, &device),
            Self::LstmPlainPath => {
                let run = variational(lstm.init(&device), Masks::Tied, shape, pass, &device);
                Box::new(move || without_engine(&run))
            }
            Self::Gru(masks) => {
                let cell = GruCellConfig::new(d_input, d_hidden, true).init(&device);
                variational(cell, masks, shape, pass, &device)
            }
            Self::Rnn(masks) => {
                let cell = RnnCellConfig::new(d_input, d_hidden, true).init(&device);
                variational(cell, masks, shape, pass, &device)
            }
            Self::BurnNnLstm => {
                let config = LstmConfig::new(d_input, d_hidden, true).with_batch_first(false);
                let (lstm, input): (Lstm, _) = (config.init(&device), input(shape, &device));
                Box::new(move || pass.finish(lstm.forward(input.clone(), None).0))
            }
            Self::BurnNnGru => {
                let (gru, input): (Gru, _) = (
                    GruConfig::new(d_input, d_hidden, true).init(&device),
                    input(shape, &device).swap_dims(0, 1),
                );
                Box::new(move || pass.finish(gru.forward(input.clone(), None)))
            }
        }
    }
}

/// A layer with masks of one half on input and recurrence.
fn variational<C: RecurrentCell + 'static>(
    cell: C,
    masks: Masks,
    shape: Shape,
    pass: Pass,
    device: &Device,
) -> Run {
    let both = |site: SiteDropout| LayerDropout::none().with_input(site).with_recurrent(site);
    let dropout = match masks {
        Masks::None => LayerDropout::none(),
        Masks::Tied => both(SiteDropout::new(0.5)),
        Masks::Untied => both(SiteDropout::new(0.5).untied()),
    };
    let layer = RecurrentLayer::new(cell, dropout).with_batch_first(false);
    let extent = SequenceExtent::new(shape.batch_size, shape.seq_length, device);
    let masks = layer.sample_masks(&extent, MaskRng::seeded(1).draw(0).part("layer"));
    let input = input(shape, device);
    Box::new(move || pass.finish(layer.forward(input.clone(), None, &masks).0))
}

/// Numbers in `[-1, 1]`, always the same.
pub(crate) fn input(shape: Shape, device: &Device) -> Tensor<3> {
    let dims = [shape.seq_length, shape.batch_size, shape.d_input];
    let n: usize = dims.iter().product();
    let values: Vec<f32> = (0..n).map(|k| (k as f32).sin()).collect();
    Tensor::from_data(TensorData::new(values, dims), device)
}
