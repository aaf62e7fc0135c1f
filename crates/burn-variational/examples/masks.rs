//! Draws the picture of the page "Which dropout?": masks that `sample_masks` gave.
//!
//! Written to the path that is named, or else to where the page has it:
//!
//! ```sh
//! cargo run -p burn-variational --features plot --example masks
//! ```

use burn::prelude::*;
use burn_variational::plot::{MaskGrid, MaskScheme, PlotError};
use burn_variational::prelude::*;

const SEED: u64 = 1;
const SEQ_LENGTH: usize = 14;
const UNITS: usize = 8;
const GATES: [&str; 4] = ["i", "f", "g", "o"];
const IN_PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/masks.png");

fn main() -> Result<(), PlotError> {
    let path = std::env::args().nth(1).unwrap_or_else(|| IN_PAGE.into());
    let (input, recurrent) = (("input", Site::Input), ("recurrent", Site::Recurrent));
    let (output, cell) = (("output", Site::Output), ("cell", Site::Cell));
    let zoneout = [("cell", Site::ZoneoutCell), ("hidden", Site::ZoneoutHidden)];
    let candidate = ("candidate", Site::Candidate);
    let schemes = [
        ("naive", StackDropout::naive(0.5), vec![input.clone(), output.clone()]),
        (
            "variational",
            StackDropout::variational(0.5, 0.25),
            vec![input.clone(), recurrent.clone(), output.clone()],
        ),
        ("rnn_drop", StackDropout::rnn_drop(0.5), vec![cell]),
        ("variational_untied", StackDropout::variational_untied(0.5, 0.25), vec![recurrent]),
        ("zoneout", StackDropout::zoneout(0.5, 0.25), zoneout.to_vec()),
        ("semeniuta", StackDropout::semeniuta(0.5, 0.25), vec![input, candidate, output]),
    ];
    let mut picture = MaskGrid::new("One draw of each scheme, for one sequence");
    for (name, dropout, sites) in schemes {
        let masks = sample(dropout);
        picture = picture.with_scheme(sites.iter().fold(MaskScheme::new(name), |scheme, site| {
            with_panels(scheme, site.0, masks.get(&site.1))
        }));
    }
    picture.with_scheme(weight_drop()).save(path)
}

/// The masks of an LSTM of one layer for one sequence.
fn sample(dropout: StackDropout) -> LayerMasks {
    let device = Device::flex();
    let lstm = VariationalLstmConfig::new(UNITS, UNITS, true).with_dropout(dropout).init(&device);
    let extent = SequenceExtent::new(1, SEQ_LENGTH, &device);
    let masks = lstm.sample_masks(&extent, MaskRng::seeded(SEED).draw(0).part("lstm"));
    masks.layer(0).clone()
}

/// Adds a panel for the site, or for each gate of it.
fn with_panels(scheme: MaskScheme, site: &str, masks: &SiteMasks) -> MaskScheme {
    let n_gates = masks.at_step(0).masks().len();
    (0..n_gates).fold(scheme, |scheme, gate| {
        let name = if n_gates == 1 { site.into() } else { format!("{site}, {}", GATES[gate]) };
        let steps = (0..SEQ_LENGTH).map(|step| {
            let mask = masks.at_step(step).masks()[gate].values().expect("a mask was drawn");
            mask.into_data().iter::<f64>().collect()
        });
        scheme.with_panel(name, steps)
    })
}

/// Weights of one gate, dropped by element, by input and by output.
fn weight_drop() -> MaskScheme {
    let weight = Tensor::<2>::ones([UNITS, UNITS], &Device::flex());
    let dropout = WeightDropout::new(0.5);
    let panels = [
        ("elements", dropout),
        ("input rows", dropout.input_rows()),
        ("output rows", dropout.output_rows()),
    ];
    let scheme = MaskScheme::new("weight drop: the recurrent weights of a gate");
    panels.into_iter().fold(scheme.with_labels("outputs", "inputs"), |scheme, (name, dropout)| {
        let draw = MaskRng::seeded(SEED).draw(0).part("weight");
        let mask = dropout.sample(&weight, &draw).expect("a mask was drawn");
        // A column of the picture for each output.
        let columns = mask.apply(weight.clone()).transpose().into_data();
        let factors: Vec<f64> = columns.iter::<f64>().collect();
        scheme.with_panel(name, factors.chunks(UNITS).map(<[f64]>::to_vec))
    })
}
