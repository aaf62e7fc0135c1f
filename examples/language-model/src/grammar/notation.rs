//! Reads the rules of a grammar from text.
//!
//! | Line | Meaning |
//! |---|---|
//! | `A -> 3 B c \| 1 d` | `A` becomes `B c` with probability 3/4, `d` with probability 1/4 |
//! | `A ~ x y z` | `A` becomes one word, the `r`-th with a probability proportional to `1/r` |
//! | `A.{n} -> 1 B.{n}` | the line stands for two, with `sg` and with `pl` in place of `{n}` |
//! | `# ...` | a remark |
//!
//! Names that begin with a capital letter are symbols to write out, all others are words; `{t}`
//! stands for `pres` and `past`. A line that begins with a space continues the line before it.
//! The first line writes out the start symbol.

use super::{Grammar, Production, Symbol};
use std::collections::HashMap;

/// Placeholders and what they stand for.
const FEATURES: [(&str, [&str; 2]); 2] = [("{n}", ["sg", "pl"]), ("{t}", ["pres", "past"])];

/// Reads a grammar.
///
/// # Panics
///
/// If a line cannot be read, or a symbol is written out nowhere or twice.
pub(super) fn read(text: &str) -> Grammar {
    let mut lines: Vec<String> = text.replace("\n ", " ").lines().map(str::to_owned).collect();
    lines.retain(|line| !line.is_empty() && !line.starts_with('#'));
    for (placeholder, values) in FEATURES {
        lines = lines.iter().flat_map(|line| with_feature(line, placeholder, values)).collect();
    }
    let rules: Vec<(&str, Alternatives<'_>)> = lines.iter().map(|line| rule(line)).collect();

    let mut symbols: HashMap<&str, usize> = HashMap::new();
    for (index, (name, _)) in rules.iter().enumerate() {
        let earlier = symbols.insert(name, index);
        assert!(earlier.is_none(), "grammar: `{name}` is written out twice");
    }
    let mut words: Vec<String> = Vec::new();
    let mut word_indices: HashMap<String, usize> = HashMap::new();
    let mut symbol = |name: &str| {
        if name.starts_with(|first: char| first.is_ascii_uppercase()) {
            let index = symbols.get(name).copied();
            return Symbol::Rule(
                index.unwrap_or_else(|| panic!("grammar: nothing writes out `{name}`")),
            );
        }
        Symbol::Word(*word_indices.entry(name.to_owned()).or_insert_with(|| {
            words.push(name.to_owned());
            words.len() - 1
        }))
    };
    let rules = rules
        .iter()
        .map(|(_, alternatives)| {
            let total: f64 = alternatives.iter().map(|(weight, _)| weight).sum();
            let production = |(weight, body): &(f64, Vec<&str>)| Production {
                probability: weight / total,
                body: body.iter().map(|name| symbol(name)).collect(),
            };
            alternatives.iter().map(production).collect()
        })
        .collect();
    Grammar { rules, words, word_indices }
}

/// The ways to write out a symbol, each with its weight.
type Alternatives<'a> = Vec<(f64, Vec<&'a str>)>;

/// The line itself, or one line for each value of the placeholder in it.
fn with_feature(line: &str, placeholder: &str, values: [&str; 2]) -> Vec<String> {
    if line.contains(placeholder) {
        values.iter().map(|value| line.replace(placeholder, value)).collect()
    } else {
        vec![line.to_owned()]
    }
}

fn rule(line: &str) -> (&str, Alternatives<'_>) {
    if let Some((name, words)) = line.split_once(" ~ ") {
        let ranks = (1u32..).map(f64::from);
        let words = words.split_whitespace();
        (name, ranks.zip(words).map(|(rank, word)| (1.0 / rank, vec![word])).collect())
    } else if let Some((name, alternatives)) = line.split_once(" -> ") {
        (name, alternatives.split('|').map(|alternative| weighted(line, alternative)).collect())
    } else {
        panic!("grammar: a line must hold ` -> ` or ` ~ `, got `{line}`")
    }
}

fn weighted<'a>(line: &str, alternative: &'a str) -> (f64, Vec<&'a str>) {
    let mut parts = alternative.split_whitespace();
    let weight = parts.next().and_then(|weight| weight.parse().ok());
    let weight = weight.unwrap_or_else(|| {
        panic!("grammar: an alternative must begin with its weight in `{line}`")
    });
    (weight, parts.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grammar_is_read_as_written() {
        let grammar = read("# remark\nA.{n} -> 3 B.{n} c\n  | 1 d\nB.sg ~ x y\nB.pl -> 1 x\n");
        assert_eq!(grammar.words, ["c", "d", "x", "y"]);
        let probabilities: Vec<Vec<f64>> = grammar
            .rules
            .iter()
            .map(|rule| rule.iter().map(|production| production.probability).collect())
            .collect();
        assert_eq!(
            probabilities,
            [vec![0.75, 0.25], vec![0.75, 0.25], vec![2.0 / 3.0, 1.0 / 3.0], vec![1.0]]
        );
        assert_eq!(grammar.rules[1][0].body, [Symbol::Rule(3), Symbol::Word(0)]);
    }

    #[test]
    #[should_panic(expected = "nothing writes out `B`")]
    fn a_missing_rule_is_refused() {
        read("A -> 1 B");
    }

    #[test]
    #[should_panic(expected = "`A` is written out twice")]
    fn a_repeated_rule_is_refused() {
        read("A -> 1 b\nA ~ c");
    }

    #[test]
    #[should_panic(expected = "must begin with its weight in `A -> b`")]
    fn a_missing_weight_is_refused() {
        read("A -> b");
    }
}
