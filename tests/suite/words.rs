//! The random words of masks are those of a `ChaCha8` that shares no code with the crates;
//! `golden/README.md` says how they are made.

use std::collections::BTreeSet;

use burn_variational::dropout::{MaskRng, Site};
use cross_backend_tests::golden_folder;
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

#[test]
fn random_words_are_those_of_another_chacha8() {
    let path = golden_folder().join("chacha8_words.json");
    let text = std::fs::read_to_string(path).unwrap();
    let pinned: Vec<Pinned> = serde_json::from_str(&text).unwrap();
    let mut numbers = BTreeSet::new();
    for at in &pinned {
        let site = match &at.site {
            SiteOf::Name(name) => Site::named(name),
            SiteOf::Number(number) => {
                numbers.insert(*number);
                NUMBERED[number - 1].clone()
            }
        };
        let draw = MaskRng::seeded(at.seed).draw(at.draw);
        let draw = at.parts.iter().fold(draw, |draw, part| draw.part(part));
        let draw = draw.layer(at.layer).direction(at.direction).site(&site).gate(at.gate);
        let draw = draw.starting_row(at.row).starting_step(at.step);
        let row = draw.rows(1, 0, false).next().unwrap();
        assert_eq!(row.word(at.unit), at.word, "{at:?}");
        // Read in order, too, where that is soon done.
        if at.unit < 100 {
            assert_eq!(row.words().nth(at.unit as usize), Some(at.word), "{at:?}");
        }
    }
    assert_eq!(pinned.len(), 40);
    assert!(numbers.into_iter().eq(1..=NUMBERED.len()), "every site is pinned");
}
