//! Finds every derivation of a sentence, without the generator.

use super::{Grammar, START, Symbol};
use std::collections::HashMap;

/// The derivations of one stretch of a sentence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Derivations {
    /// Sum of their probabilities.
    pub(super) probability: f64,
    pub(super) count: u64,
}

/// Each position at which a stretch can end, with its derivations; no position twice.
type Ends = Vec<(usize, Derivations)>;

/// The derivations of the whole sentence, given as word indices; `None` if it has none.
pub(super) fn derivations(grammar: &Grammar, sentence: &[usize]) -> Option<Derivations> {
    let mut chart = Chart { grammar, sentence, known: HashMap::new() };
    let ends = chart.rule(START, 0);
    ends.into_iter().find(|(end, _)| *end == sentence.len()).map(|(_, derivations)| derivations)
}

struct Chart<'a> {
    grammar: &'a Grammar,
    sentence: &'a [usize],
    /// Ends of each rule at each first position.
    known: HashMap<(usize, usize), Ends>,
}

impl Chart<'_> {
    /// Where the rule can end if it begins at `start`.
    ///
    /// No rule begins with itself, at any depth, so the search comes to an end.
    fn rule(&mut self, rule: usize, start: usize) -> Ends {
        if let Some(ends) = self.known.get(&(rule, start)) {
            return ends.clone();
        }
        let grammar = self.grammar;
        let mut ends = Ends::new();
        for production in &grammar.rules[rule] {
            for (end, found) in self.body(&production.body, start) {
                let probability = production.probability * found.probability;
                add(&mut ends, end, Derivations { probability, ..found });
            }
        }
        self.known.insert((rule, start), ends.clone());
        ends
    }

    fn body(&mut self, body: &[Symbol], start: usize) -> Ends {
        let mut ends = vec![(start, Derivations { probability: 1.0, count: 1 })];
        for &symbol in body {
            let mut next = Ends::new();
            for (middle, left) in ends {
                for (end, right) in self.symbol(symbol, middle) {
                    let both = Derivations {
                        probability: left.probability * right.probability,
                        count: left.count * right.count,
                    };
                    add(&mut next, end, both);
                }
            }
            ends = next;
        }
        ends
    }

    fn symbol(&mut self, symbol: Symbol, start: usize) -> Ends {
        match symbol {
            Symbol::Rule(rule) => self.rule(rule, start),
            Symbol::Word(word) if self.sentence.get(start) == Some(&word) => {
                vec![(start + 1, Derivations { probability: 1.0, count: 1 })]
            }
            Symbol::Word(_) => Ends::new(),
        }
    }
}

fn add(ends: &mut Ends, end: usize, found: Derivations) {
    match ends.iter_mut().find(|(known, _)| *known == end) {
        Some((_, total)) => {
            total.probability += found.probability;
            total.count += found.count;
        }
        None => ends.push((end, found)),
    }
}

#[cfg(test)]
mod tests {
    use crate::grammar::notation;

    #[test]
    fn all_derivations_are_found() {
        // "x x x" is x + x x or x x + x, each with probability 1/4.
        let grammar = notation::read("A -> 1 B B\nB -> 1 x | 1 x x");
        let log_probability = grammar.log_probability(&["x", "x", "x"]).unwrap();
        assert!((log_probability - 0.5f64.ln()).abs() < 1e-12);
        assert_eq!(grammar.count_derivations(&["x", "x", "x"]), 2);
        assert_eq!(grammar.count_derivations(&["x"]), 0);
        assert_eq!(grammar.log_probability(&["x"]), None);
    }
}
