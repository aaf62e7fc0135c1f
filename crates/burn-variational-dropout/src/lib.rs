#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

mod bayesian;
mod concrete;
#[cfg_attr(not(any(feature = "wgpu", feature = "cuda")), path = "host_draw.rs")]
mod device_draw;
mod draw;
mod extent;
mod kl;
mod locked;
mod mask;
mod model;
mod parameters;
mod prior;
mod rng;
mod sampling;
mod site;
mod site_dropout;
mod weights;
mod words;

pub use bayesian::Bayesian;
pub use concrete::{ConcreteDropout, ConcreteDropoutConfig};
pub use draw::{DrawRecord, MaskDraw};
pub use extent::{BatchExtent, SequenceExtent};
pub use kl::KlTerm;
pub use locked::{LockedDropout, LockedDropoutConfig};
pub use mask::DropoutMask;
pub use model::{ModelExtent, ModelInput, VariationalModel};
pub use prior::DropoutPrior;
pub use rng::MaskRng;
pub use site::{Site, SiteName};
pub use site_dropout::{
    MaskLifetime, MaskNoise, MaskScaling, MaskSharing, MaskTying, SiteDropout, SiteFactors,
};
pub use weights::{DroppedWeights, WeightDropout, WeightMask, WeightMasks};
pub use words::WordStream;
