use super::*;
use crate::MaskRng;

fn first_words(draw: &MaskDraw) -> Vec<u32> {
    draw.rows(1, 0, false).next().unwrap().words().take(4).collect()
}

#[test]
fn every_coordinate_has_words_of_its_own() {
    let rng = MaskRng::seeded(3);
    let base = rng.draw(0);
    let others = [
        MaskRng::seeded(4).draw(0),
        rng.scope("prediction").draw(0),
        rng.draw(1),
        base.starting_row(1),
        base.starting_step(1),
        base.layer(1),
        base.direction(1),
        base.site(&Site::Input),
        base.site(&Site::named("leak")),
        base.site(&Site::named("noise")),
        base.gate(1),
        base.part("encoder"),
        base.part("decoder"),
        base.part("encoder").part("decoder"),
        base.part("decoder").part("encoder"),
    ];
    let mut seen = vec![first_words(&base)];
    for other in &others {
        let words = first_words(other);
        assert!(!seen.contains(&words), "{other:?} repeats another coordinate's words");
        seen.push(words);
    }
}

#[test]
fn draws_are_folded_draw_after_draw() {
    let rng = MaskRng::seeded(3);
    let folded: Vec<_> = rng.draws(0..2).rows(4, 0, false).collect();
    let apart: Vec<_> = [0, 1]
        .into_iter()
        .flat_map(|draw| rng.draw(draw).rows(2, 0, false).collect::<Vec<_>>())
        .collect();
    assert_eq!(folded, apart);
}

#[test]
fn rows_that_are_shared_read_row_zero_of_their_draw() {
    let rng = MaskRng::seeded(3);
    let shared = rng.draws(0..2).starting_row(7).shared_rows().part("encoder");
    let row_zero = |draw| rng.draw(draw).part("encoder").rows(1, 0, false).next().unwrap();
    assert_ne!(row_zero(0), row_zero(1));
    let expected = [0, 0, 1, 1].map(row_zero);
    assert_eq!(shared.rows(4, 0, false).collect::<Vec<_>>(), expected);
}

#[test]
fn a_record_knows_of_raw_words_and_of_other_rows() {
    let (draw, record) = MaskRng::seeded(3).draws(0..2).recorded(6);
    assert!(!record.asked() && !record.random());
    assert_eq!(draw.rows(6, 0, false).count(), 6);
    assert!(record.asked() && record.random());
    assert_eq!(record.other_batch_size(), None);
    assert_eq!(draw.rows(3, 0, false).count(), 3);
    assert_eq!(record.other_batch_size(), Some(3));
}

#[test]
fn what_rows_share_does_not_depend_on_rows_and_steps() {
    let (draw, record) = MaskRng::seeded(3).draw(1).recorded(8);
    let words = draw.shared_words("Test");
    assert_eq!(draw.starting_row(5).starting_step(2).shared_words("Test"), words);
    assert_ne!(draw.gate(1).shared_words("Test"), words);
    assert_eq!(record.other_batch_size(), None);
    assert!(record.random());
}

#[test]
#[should_panic(
    expected = "Test: draws must not be folded, as all rows of a batch share its weights, got 2 \
                draws; the model's `folds_draws` must be false"
)]
fn rows_of_folded_draws_share_nothing() {
    let _ = MaskRng::seeded(3).draws(0..2).shared_words("Test");
}

#[test]
#[should_panic(expected = "batch_size must be a multiple of the 2 draws folded into it, got 3")]
fn a_batch_that_does_not_divide_into_its_draws_is_refused() {
    let _ = MaskRng::seeded(3).draws(0..2).rows(3, 0, false).count();
}

#[test]
#[should_panic(expected = "MaskRng: draws must not be empty, got 2..2")]
fn no_draw_is_refused() {
    let _ = MaskRng::seeded(3).draws(2..2);
}

#[test]
#[should_panic(expected = "Encoder: masks must be sampled from a part of a draw")]
fn a_whole_draw_is_no_part() {
    MaskRng::seeded(3).draw(0).assert_part("Encoder");
}
