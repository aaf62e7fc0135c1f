//! An embedded corpus whose entropy is known.
//!
//! A probabilistic context-free grammar writes simple English sentences with a vocabulary of
//! 189 words and `<eos>`. As no sentence has two derivations, the entropy of the text follows
//! exactly from the rules: on text that it has not seen, no model can expect a perplexity per
//! token below 13.47. To come close, a model must make verbs agree in number with subjects that
//! stand many words before them, and in tense with the adverb that opens the sentence.

mod derivation;
mod english;
mod notation;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::collections::HashMap;

/// The rule that writes a sentence.
const START: usize = 0;

/// A part of what a rule writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol {
    /// Index of a word.
    Word(usize),
    /// Index of a rule.
    Rule(usize),
}

/// One of the ways to write out a rule.
#[derive(Debug, Clone)]
struct Production {
    probability: f64,
    body: Vec<Symbol>,
}

/// A source of sentences with known probabilities.
///
/// Sentences are independent of each other. Each ends with `<eos>`, which counts as a token but
/// is not written: whoever reads the text adds it at the end of each line.
#[derive(Debug, Clone)]
pub struct Grammar {
    /// The productions of each rule.
    rules: Vec<Vec<Production>>,
    words: Vec<String>,
    word_indices: HashMap<String, usize>,
}

impl Grammar {
    /// The built-in grammar of simple English.
    #[must_use]
    pub fn english() -> Self {
        notation::read(english::RULES)
    }

    /// Every word that the grammar can write, without `<eos>`.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Least average loss per token, in nats, that a model of the text can reach.
    ///
    /// With `H(A)` the entropy of what a rule `A` writes and `L(A)` its mean number of words,
    ///
    /// ```text
    /// H(A) = sum over productions p of A: P(p) (-ln P(p) + sum over rules B in p: H(B))
    /// L(A) = sum over productions p of A: P(p) (words in p + sum over rules B in p: L(B))
    /// ```
    ///
    /// and the value is `H / (L + 1)` of a sentence: `<eos>` is a token too. `H` counts
    /// derivations, which is the same as counting sentences if none has two derivations.
    #[must_use]
    pub fn entropy_per_token(&self) -> f64 {
        let entropy = self.sentence_total(|production| -production.probability.ln());
        let words = self.sentence_total(|production| {
            production
                .body
                .iter()
                .filter(|symbol| matches!(symbol, Symbol::Word(_)))
                .map(|_| 1.0)
                .sum()
        });
        entropy / (words + 1.0)
    }

    /// Least perplexity per token that a model of the text can reach: the exponential of
    /// [`entropy_per_token`](Self::entropy_per_token).
    #[must_use]
    pub fn perplexity(&self) -> f64 {
        self.entropy_per_token().exp()
    }

    /// Whole sentences, one a line, that have at least `n_tokens` tokens with their `<eos>`.
    ///
    /// The same `seed` gives the same text on every platform.
    #[must_use]
    pub fn generate(&self, n_tokens: usize, seed: u64) -> String {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut text = String::new();
        let mut tokens = 0;
        while tokens < n_tokens {
            let sentence = self.sentence(&mut rng);
            tokens += sentence.len() + 1;
            text.push_str(&sentence.join(" "));
            text.push('\n');
        }
        text
    }

    /// Natural logarithm of the probability that a sentence is this one, given without `<eos>`;
    /// `None` if the grammar cannot write it.
    #[must_use]
    pub fn log_probability(&self, sentence: &[&str]) -> Option<f64> {
        self.derivations(sentence).map(|derivations| derivations.probability.ln())
    }

    /// Number of ways in which the grammar can write the sentence, given without `<eos>`.
    #[must_use]
    pub fn count_derivations(&self, sentence: &[&str]) -> u64 {
        self.derivations(sentence).map_or(0, |derivations| derivations.count)
    }

    fn derivations(&self, sentence: &[&str]) -> Option<derivation::Derivations> {
        let words = sentence.iter().map(|word| self.word_indices.get(*word).copied());
        derivation::derivations(self, &words.collect::<Option<Vec<_>>>()?)
    }

    fn sentence(&self, rng: &mut ChaCha8Rng) -> Vec<&str> {
        let mut sentence = Vec::new();
        // What is left to write out, the next symbol last.
        let mut left = vec![Symbol::Rule(START)];
        while let Some(symbol) = left.pop() {
            match symbol {
                Symbol::Word(word) => sentence.push(self.words[word].as_str()),
                Symbol::Rule(rule) => {
                    let production = choose(&self.rules[rule], uniform(rng));
                    left.extend(production.body.iter().rev());
                }
            }
        }
        sentence
    }

    /// Mean, over sentences, of the sum of `value` over the productions used.
    ///
    /// Solves `T(A) = sum over productions p of A: P(p) (value(p) + sum over rules B in p: T(B))`.
    fn sentence_total(&self, value: impl Fn(&Production) -> f64) -> f64 {
        let n_rules = self.rules.len();
        // Row A holds the coefficients of (I - M) T = c, M being the mean number of each B that
        // A writes at first hand, with c in the last column.
        let mut rows = vec![vec![0.0; n_rules + 1]; n_rules];
        for (rule, row) in rows.iter_mut().enumerate() {
            row[rule] = 1.0;
            for production in &self.rules[rule] {
                row[n_rules] += production.probability * value(production);
                for symbol in &production.body {
                    if let Symbol::Rule(part) = symbol {
                        row[*part] -= production.probability;
                    }
                }
            }
        }
        // Backwards, so that what is left in the end is the equation of the start rule. I - M
        // needs no pivoting: sentences have a finite mean length, so it is an M-matrix.
        for pivot in (1..n_rules).rev() {
            let pivot_row = rows[pivot].clone();
            for row in &mut rows[..pivot] {
                let factor = row[pivot] / pivot_row[pivot];
                for (entry, pivot_entry) in row.iter_mut().zip(&pivot_row) {
                    *entry -= factor * pivot_entry;
                }
            }
        }
        rows[START][n_rules] / rows[START][START]
    }
}

/// The production into whose share of [0, 1) the number falls.
fn choose(productions: &[Production], mut number: f64) -> &Production {
    let (last, others) = productions.split_last().expect("a rule has a production");
    for production in others {
        if number < production.probability {
            return production;
        }
        number -= production.probability;
    }
    last
}

/// A number from [0, 1) with 53 random bits.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(text: &str) -> impl Iterator<Item = Vec<&str>> {
        text.lines().map(|line| line.split(' ').collect())
    }

    #[test]
    fn the_probabilities_of_each_rule_sum_to_one() {
        for rule in &Grammar::english().rules {
            let sum: f64 = rule.iter().map(|production| production.probability).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{rule:?}");
        }
    }

    #[test]
    fn entropy_agrees_with_a_grammar_solved_by_hand() {
        // The number of words is geometric: one decision per word, 4/3 words in the mean.
        let grammar = notation::read("A -> 3 w | 1 w A");
        let decision = -(0.75 * 0.75f64.ln() + 0.25 * 0.25f64.ln());
        let by_hand = (4.0 / 3.0) * decision / (4.0 / 3.0 + 1.0);
        assert!((grammar.entropy_per_token() - by_hand).abs() < 1e-12);
    }

    #[test]
    fn every_generated_sentence_has_one_derivation() {
        let grammar = Grammar::english();
        let text = grammar.generate(3000, 11);
        assert!(text.lines().count() > 300);
        for sentence in sentences(&text) {
            assert_eq!(grammar.count_derivations(&sentence), 1, "{sentence:?}");
        }
    }

    #[test]
    fn the_mean_loss_of_generated_text_is_the_entropy() {
        /// Random error allowed, in standard errors of the mean.
        const SIGMAS: f64 = 6.0;
        let grammar = Grammar::english();
        let entropy = grammar.entropy_per_token();
        let text = grammar.generate(200_000, 12);
        // The loss of a sentence less its share of the entropy; its expectation is zero.
        let (mut count, mut sum, mut sum_of_squares) = (0.0, 0.0, 0.0);
        for sentence in sentences(&text) {
            let loss = -grammar.log_probability(&sentence).unwrap();
            let tokens: f64 = sentence.iter().map(|_| 1.0).sum::<f64>() + 1.0;
            let excess = loss - entropy * tokens;
            count += 1.0;
            sum += excess;
            sum_of_squares += excess * excess;
        }
        let mean: f64 = sum / count;
        let standard_error = (sum_of_squares / count / count).sqrt();
        assert!(mean.abs() < SIGMAS * standard_error, "{mean} +- {standard_error}");
    }

    #[test]
    fn verbs_agree_in_number_and_tense() {
        let grammar = Grammar::english();
        let probability =
            |text: &str| grammar.log_probability(&text.split(' ').collect::<Vec<_>>());
        assert!(probability("the dog near the trees that the man saw sleeps").is_some());
        assert!(probability("the dog near the trees that the man saw sleep").is_none());
        assert!(probability("yesterday they said that the dog was tired").is_some());
        assert!(probability("yesterday they said that the dog is tired").is_none());
        assert!(probability("the zebra sleeps").is_none());
    }

    #[test]
    fn the_seed_determines_the_text() {
        let grammar = Grammar::english();
        let text = grammar.generate(500, 7);
        assert_eq!(text, grammar.generate(500, 7));
        assert_ne!(text, grammar.generate(500, 8));
        let tokens: Vec<usize> = sentences(&text).map(|sentence| sentence.len() + 1).collect();
        let total: usize = tokens.iter().sum();
        assert!(total >= 500 && total - tokens[tokens.len() - 1] < 500);
    }

    #[test]
    fn the_documentation_states_the_numbers_of_the_grammar() {
        let documentation = include_str!("grammar.rs");
        let grammar = Grammar::english();
        assert!(documentation.contains(&format!("token below {:.2}.", grammar.perplexity())));
        assert!(documentation.contains(&format!("//! {} words and", grammar.words().len())));
    }
}
