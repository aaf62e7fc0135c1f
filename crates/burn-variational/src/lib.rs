#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

pub use burn_variational_dropout as dropout;
pub use burn_variational_embedding as embedding;
pub use burn_variational_kernels as kernels;
pub use burn_variational_mc as mc;
#[cfg(feature = "plot")]
pub use burn_variational_plot as plot;
pub use burn_variational_rnn as rnn;
pub use burn_variational_training as training;
#[cfg(feature = "weights")]
pub use burn_variational_weights as weights;

pub mod devices;

#[doc = include_str!("../docs/which-dropout.md")]
pub mod which_dropout {}

/// What most programs need: `use burn_variational::prelude::*`.
pub mod prelude {
    pub use crate::dropout::{
        BatchExtent, Bayesian, DropoutMask, DropoutPrior, KlTerm, LockedDropout,
        LockedDropoutConfig, MaskDraw, MaskRng, ModelInput, SequenceExtent, Site, SiteDropout,
        VariationalModel, WeightDropout, WeightMasks,
    };
    pub use crate::embedding::{
        EmbeddingMasks, TiedOutput, TiedOutputConfig, VariationalEmbedding,
        VariationalEmbeddingConfig,
    };
    pub use crate::mc::{
        EarlyStop, Estimate, Moments, MonteCarlo, MonteCarloError, Pass, Replicas, Samples,
        Statistic,
    };
    pub use crate::rnn::{
        CellConfig, CellSite, Direction, Directions, DropoutWrapper, DropoutWrapperConfig,
        GateInitializer, GateMasks, HiddenState, LayerDropout, LayerMasks, Lengths, MergeMode,
        RecurrentCell, RecurrentLayer, RecurrentStack, RecurrentState, SequenceBatch, SiteMasks,
        StackConfig, StackDropout, StackMasks, StackState, StepMasks, VariationalGru,
        VariationalGruConfig, VariationalLstm, VariationalLstmConfig, VariationalRnn,
        VariationalRnnConfig,
    };
}
