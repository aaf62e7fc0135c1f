//! The reviews that a model is most and least sure of, with how unsure it is after each word.

use anyhow::Result;
use burn_variational::mc::Moments;
use burn_variational::plot::TextHeatmap;
use burn_variational::rnn::RecurrentCell;

use crate::model::{AfterEachWord, SentimentModel};
use crate::pieces::{Piece, Pieces};
use crate::prediction::{Predictions, monte_carlo};
use crate::training::Trainer;

/// The pieces of each kind.
const N_PIECES: usize = 3;
/// The tokens that a piece has at least, if there are pieces that do: shorter ones say little.
const LEAST_TOKENS: usize = 15;

/// The test pieces that the draws differ least and most on, each word on the colour of the deviation
/// of the draws after it.
pub(crate) fn heatmap<C: RecurrentCell>(
    trainer: &Trainer<'_>,
    model: &SentimentModel<C>,
    test: &Predictions,
) -> Result<TextHeatmap> {
    let data = trainer.data;
    let (means, deviations) = (test.means(), test.deviations());
    let mut order: Vec<usize> = (0..data.test.len()).collect();
    let long = |n: &usize| data.test.as_slice()[*n].tokens.len() >= LEAST_TOKENS;
    if order.iter().filter(|n| long(n)).count() >= 2 * N_PIECES {
        order.retain(long);
    }
    order.sort_by(|a, b| deviations[*a].total_cmp(&deviations[*b]));
    let n = N_PIECES.min(order.len() / 2);
    let kinds = [
        ("most certain", order[..n].to_vec()),
        ("least certain", order[order.len() - n..].iter().rev().copied().collect()),
    ];

    let mut heatmap = TextHeatmap::new(
        "Test reviews",
        "standard deviation of the predicted rating after each word, over the draws",
    );
    for (kind, numbers) in kinds {
        for number in numbers {
            let piece = &data.test.as_slice()[number];
            let heading = format!(
                "{kind}: predicted {:.2} ± {:.2}, its author's rating {:.2}",
                data.scale.rating(means[number]),
                data.scale.deviation * deviations[number],
                data.scale.rating(f64::from(piece.target)),
            );
            let deviations = after_each_word(trainer, model, piece)?.into_iter();
            let deviations = deviations.map(|deviation| data.scale.deviation * deviation);
            let words = piece.tokens.iter().map(|&id| data.vocabulary.word(id).to_string());
            heatmap = heatmap.with_text(heading, words.zip(deviations));
        }
    }
    Ok(heatmap)
}

/// The deviation of the draws after each word of a piece, standardised.
fn after_each_word<C: RecurrentCell>(
    trainer: &Trainer<'_>,
    model: &SentimentModel<C>,
    piece: &Piece,
) -> Result<Vec<f64>> {
    let piece = Pieces::new(vec![piece.clone()]);
    let (draws, device) = (trainer.draws(), &trainer.device);
    let name = "a test review".to_string();
    let moments = monte_carlo(&AfterEachWord(model), &piece, draws, device, name, Moments::new())?;
    Ok(moments.variance().sqrt().into_data().iter::<f64>().collect())
}
