//! Drawn masks vary over steps, rows and gates where they were asked to, and nowhere else.

use burn::tensor::Device;
use burn_variational::dropout::{MaskLifetime, MaskSharing, MaskTying};
use burn_variational::prelude::*;
use burn_variational::rnn::{GruCellConfig, LstmCellConfig, RnnCellConfig};
use cross_backend_tests::on_every_device;

/// Wide enough that chance makes two rows of rate ½ alike once in 2³².
const UNITS: usize = 32;
const SEQ_LENGTH: usize = 3;
const BATCH_SIZE: usize = 2;

/// A step, a gate, a row.
type Place = [usize; 3];

const AXES: [&str; 3] = ["steps", "gates", "rows"];

/// The factors of every place.
fn factors(masks: &SiteMasks, n_gates: usize) -> Vec<(Place, Vec<u64>)> {
    let mut all = Vec::new();
    for step in 0..SEQ_LENGTH {
        let masks = masks.at_step(step);
        assert_eq!(masks.masks().len(), n_gates);
        for (gate, mask) in masks.masks().iter().enumerate() {
            let values: Vec<f64> = mask.values().unwrap().into_data().iter::<f64>().collect();
            assert_eq!(values.len(), BATCH_SIZE * UNITS);
            for (row, values) in values.chunks(UNITS).enumerate() {
                all.push(([step, gate, row], values.iter().map(|z| z.to_bits()).collect()));
            }
        }
    }
    all
}

/// Asserts of every two places that they are alike just if they differ only along axes over which
/// the masks do not vary.
fn check(masks: &SiteMasks, n_gates: usize, varies: [bool; 3], what: &str) {
    let all = factors(masks, n_gates);
    for (k, (place, row)) in all.iter().enumerate() {
        for (other, other_row) in &all[..k] {
            let should_differ = (0..AXES.len()).any(|a| varies[a] && place[a] != other[a]);
            assert_eq!(row != other_row, should_differ, "{what}: {place:?} and {other:?}");
        }
    }
}

/// What may be asked at a site, and the number of masks that it has.
fn asked(site: &Site, n_gates: usize) -> Vec<(SiteDropout, usize)> {
    let half = SiteDropout::new(0.5);
    let base = match site {
        Site::Cell | Site::ZoneoutHidden | Site::ZoneoutCell => vec![half.unscaled()],
        _ => vec![half, half.unscaled(), half.gaussian()],
    };
    let lifetimes = match site {
        Site::Cell => vec![MaskLifetime::PerSequence],
        Site::ZoneoutHidden | Site::ZoneoutCell => vec![MaskLifetime::PerStep],
        _ => vec![MaskLifetime::PerSequence, MaskLifetime::PerStep],
    };
    let mut asked = Vec::new();
    for dropout in base {
        for &lifetime in &lifetimes {
            for sharing in [MaskSharing::PerRow, MaskSharing::PerBatch] {
                let tied = dropout.with_lifetime(lifetime).with_sharing(sharing);
                asked.push((tied, 1));
                asked.push((tied.untied(), n_gates));
            }
        }
    }
    asked
}

fn check_cell<K: CellConfig>(config: &K, device: &Device) {
    let cell = config.init(device);
    let mut sites = cell.sites();
    sites.push(CellSite::new(Site::Output, UNITS));
    // Where the mean of a mask on the cell acts; nothing is drawn there.
    sites.retain(|site| *site.site() != Site::Hidden);
    for (k, site) in sites.iter().enumerate() {
        for (j, (dropout, n_masks)) in asked(site.site(), site.n_gates()).into_iter().enumerate() {
            let of_site = LayerDropout::none().with(site.site().clone(), dropout);
            let layer = RecurrentLayer::new(cell.clone(), of_site);
            let draw = MaskRng::seeded(k as u64).draw(j as u64).part("layer");
            let extent = SequenceExtent::new(BATCH_SIZE, SEQ_LENGTH, device);
            let masks = layer.sample_masks(&extent, draw);
            let varies = [
                dropout.lifetime == MaskLifetime::PerStep,
                dropout.tying == MaskTying::Untied,
                dropout.sharing == MaskSharing::PerRow,
            ];
            let what = format!("{} with {dropout:?}", site.site());
            check(masks.get(site.site()), n_masks, varies, &what);
        }
    }
}

on_every_device! {
    fn masks_vary_over_steps_rows_and_gates_exactly_as_asked(device: &Device) {
        check_cell(&LstmCellConfig::new(UNITS, UNITS, true), device);
        check_cell(&GruCellConfig::new(UNITS, UNITS, true), device);
        check_cell(&RnnCellConfig::new(UNITS, UNITS, true), device);
    }
}
