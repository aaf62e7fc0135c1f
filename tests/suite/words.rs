//! The random words of masks are those of a `ChaCha8` that shares no code with the crates;
//! `golden/README.md` says how they are made.

use std::collections::BTreeSet;

#[cfg(any(feature = "wgpu", feature = "cuda"))]
use burn::tensor::{Device, FloatDType, Int, Tensor};
#[cfg(any(feature = "wgpu", feature = "cuda"))]
use burn_variational::dropout::SiteDropout;
use burn_variational::dropout::{MaskRng, Site, WordStream};
use cross_backend_tests::{golden_folder, on_every_gpu};
use serde::Deserialize;

/// A word and its coordinates.
#[derive(Debug, Deserialize)]
struct Pinned {
    seed: u64,
    parts: Vec<String>,
    draw: u64,
    layer: usize,
    direction: u8,
    site: SiteOf,
    gate: usize,
    step: u64,
    row: u64,
    unit: u64,
    word: u32,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum SiteOf {
    Number(usize),
    Name(String),
}

/// The sites that have a number, from 1 on.
const NUMBERED: [Site; 13] = [
    Site::Input,
    Site::Recurrent,
    Site::Output,
    Site::EmbeddingType,
    Site::EmbeddingToken,
    Site::Between,
    Site::Cell,
    Site::Candidate,
    Site::ZoneoutHidden,
    Site::ZoneoutCell,
    Site::Hidden,
    Site::InputWeights,
    Site::RecurrentWeights,
];

fn pinned() -> Vec<Pinned> {
    let path = golden_folder().join("chacha8_words.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

impl Pinned {
    /// The words of its row.
    fn row(&self) -> WordStream {
        let site = match &self.site {
            SiteOf::Name(name) => Site::named(name),
            SiteOf::Number(number) => NUMBERED[number - 1].clone(),
        };
        let draw = MaskRng::seeded(self.seed).draw(self.draw);
        let draw = self.parts.iter().fold(draw, |draw, part| draw.part(part));
        let draw = draw.layer(self.layer).direction(self.direction).site(&site).gate(self.gate);
        let draw = draw.starting_row(self.row).starting_step(self.step);
        draw.rows(1, 0, false).next().unwrap()
    }
}

#[test]
fn random_words_are_those_of_another_chacha8() {
    let pinned = pinned();
    for at in &pinned {
        let row = at.row();
        assert_eq!(row.word(at.unit), at.word, "{at:?}");
        // Read in order, too, where that is soon done.
        if at.unit < 100 {
            assert_eq!(row.words().nth(at.unit as usize), Some(at.word), "{at:?}");
        }
    }
    assert_eq!(pinned.len(), 40);
    let numbers = pinned.iter().filter_map(|at| match at.site {
        SiteOf::Number(number) => Some(number),
        SiteOf::Name(_) => None,
    });
    let numbers: BTreeSet<_> = numbers.collect();
    assert!(numbers.into_iter().eq(1..=NUMBERED.len()), "every site is pinned");
}

on_every_gpu! {
    fn random_words_of_a_device_are_those_of_another_chacha8(device: &Device) {
        for at in pinned() {
            let unit = Tensor::<2, Int>::from_data([[at.unit as i32]], device);
            // A unit is dropped where its word is under the threshold.
            let kept = |threshold: u32| {
                let site = SiteDropout::new(f64::from(threshold) / 4_294_967_296.0).unscaled();
                let factors = site.factors_on_device(&[at.row()], &unit, FloatDType::F32);
                factors.expect("a GPU draws").into_scalar::<f32>()
            };
            assert_eq!([kept(at.word), kept(at.word + 1)], [1.0, 0.0], "{at:?}");
        }
    }
}
