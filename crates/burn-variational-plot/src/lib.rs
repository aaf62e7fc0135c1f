#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

mod axis;
mod canvas;
mod error;
mod error_bars;
mod fan_chart;
mod file;
mod line_chart;
mod mask_grid;
mod picture;
mod predictive_band;
mod rejection_curve;
mod reliability_diagram;
mod series;
mod text_heatmap;
mod uncertainty_error;

pub use error::PlotError;
pub use error_bars::ErrorBars;
pub use fan_chart::FanChart;
pub use line_chart::{Curve, LineChart};
pub use mask_grid::{MaskGrid, MaskScheme};
pub use predictive_band::PredictiveBand;
pub use rejection_curve::RejectionCurve;
pub use reliability_diagram::{ReliabilityCurve, ReliabilityDiagram};
pub use text_heatmap::TextHeatmap;
pub use uncertainty_error::UncertaintyError;
