//! The text: from files, or written by the embedded grammar.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::Arguments;
use crate::grammar::Grammar;

const END_OF_SENTENCE: &str = "<eos>";
const UNKNOWN: &str = "<unk>";

/// Tokens of the embedded corpus: little to train on, so that a model without dropout overfits.
const GRAMMAR_TRAIN_TOKENS: usize = 5_000;
const GRAMMAR_HELD_OUT_TOKENS: usize = 3_000;

/// Training, validation and test text as token streams.
#[derive(Debug, Clone)]
pub(crate) struct Corpus {
    pub(crate) train: Vec<u32>,
    pub(crate) valid: Vec<u32>,
    pub(crate) test: Vec<u32>,
    /// The number of word types.
    pub(crate) n_types: usize,
    /// The perplexity of the source itself, where it is known.
    pub(crate) source_perplexity: Option<f64>,
}

impl Corpus {
    /// The corpus that the command line asks for.
    pub(crate) fn load(arguments: &Arguments) -> Result<Self> {
        let mut corpus = match &arguments.data {
            Some(folder) => Self::from_folder(folder)?,
            None => Self::from_grammar()?,
        };
        if let Some(tokens) = arguments.max_train_tokens {
            corpus.train.truncate(usize::try_from(tokens).unwrap_or(usize::MAX));
        }
        Ok(corpus)
    }

    /// `ptb.{train,valid,test}.txt` of a folder; the words are those of the training text.
    fn from_folder(folder: &Path) -> Result<Self> {
        ensure!(folder.is_dir(), "--data {}: no such directory", folder.display());
        let text = |part: &str| {
            let path = folder.join(format!("ptb.{part}.txt"));
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            ensure!(!text.trim().is_empty(), "{}: the file is empty", path.display());
            Ok((path.display().to_string(), text))
        };
        Self::from_texts(&[text("train")?, text("valid")?, text("test")?])
    }

    fn from_grammar() -> Result<Self> {
        let grammar = Grammar::english();
        let text = |name: &str, tokens, seed| (name.to_string(), grammar.generate(tokens, seed));
        let texts = [
            text("train", GRAMMAR_TRAIN_TOKENS, 1),
            text("valid", GRAMMAR_HELD_OUT_TOKENS, 2),
            text("test", GRAMMAR_HELD_OUT_TOKENS, 3),
        ];
        // All words of the grammar, so that none of the held-out texts is unknown.
        let mut vocabulary = Vocabulary::new();
        for word in grammar.words() {
            vocabulary.insert(word);
        }
        let mut corpus = Self::with_vocabulary(vocabulary, &texts)?;
        corpus.source_perplexity = Some(grammar.perplexity());
        Ok(corpus)
    }

    fn from_texts(texts: &[(String, String); 3]) -> Result<Self> {
        let mut vocabulary = Vocabulary::new();
        for word in texts[0].1.split_whitespace() {
            vocabulary.insert(word);
        }
        Self::with_vocabulary(vocabulary, texts)
    }

    fn with_vocabulary(vocabulary: Vocabulary, texts: &[(String, String); 3]) -> Result<Self> {
        let tokens = |(name, text): &(String, String)| vocabulary.tokens(name, text);
        Ok(Self {
            train: tokens(&texts[0])?,
            valid: tokens(&texts[1])?,
            test: tokens(&texts[2])?,
            n_types: vocabulary.ids.len(),
            source_perplexity: None,
        })
    }

    /// A checksum of all three texts.
    pub(crate) fn crc32(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        for text in [&self.train, &self.valid, &self.test] {
            for token in text {
                hasher.update(&token.to_le_bytes());
            }
            hasher.update(&u32::MAX.to_le_bytes());
        }
        hasher.finalize()
    }
}

struct Vocabulary {
    ids: HashMap<String, u32>,
}

impl Vocabulary {
    fn new() -> Self {
        Self { ids: HashMap::from([(END_OF_SENTENCE.to_string(), 0)]) }
    }

    fn insert(&mut self, word: &str) {
        let next = u32::try_from(self.ids.len()).expect("word types fit 32 bits");
        self.ids.entry(word.to_string()).or_insert(next);
    }

    /// The tokens of a text, with the end of a sentence after each line.
    fn tokens(&self, name: &str, text: &str) -> Result<Vec<u32>> {
        let mut tokens = Vec::new();
        for (number, line) in text.lines().enumerate() {
            for word in line.split_whitespace().chain([END_OF_SENTENCE]) {
                match self.ids.get(word).or_else(|| self.ids.get(UNKNOWN)) {
                    Some(&id) => tokens.push(id),
                    None => bail!(
                        "{name}:{}: the word {word:?} is not in the training text, which has no \
                         {UNKNOWN}",
                        number + 1
                    ),
                }
            }
        }
        Ok(tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(train: &str, valid: &str) -> [(String, String); 3] {
        [("train", train), ("valid", valid), ("test", valid)]
            .map(|(name, text)| (name.to_string(), text.to_string()))
    }

    #[test]
    fn every_line_ends_a_sentence() {
        let corpus = Corpus::from_texts(&texts("the cat\nthe dog\n", "dog\n")).unwrap();
        assert_eq!(corpus.train, [1, 2, 0, 1, 3, 0]);
        assert_eq!(corpus.valid, [3, 0]);
        assert_eq!(corpus.n_types, 4);
    }

    #[test]
    fn an_unknown_word_takes_the_place_of_the_unknown_if_there_is_one() {
        let corpus = Corpus::from_texts(&texts("the <unk>\n", "cat\n")).unwrap();
        assert_eq!(corpus.valid, [2, 0]);
        let error = Corpus::from_texts(&texts("the cat\n", "cat\nthe dog\n")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "valid:2: the word \"dog\" is not in the training text, which has no <unk>"
        );
    }

    #[test]
    fn the_embedded_corpus_is_small_and_its_source_known() {
        let corpus = Corpus::from_grammar().unwrap();
        assert!((GRAMMAR_TRAIN_TOKENS..GRAMMAR_TRAIN_TOKENS + 100).contains(&corpus.train.len()));
        let perplexity = corpus.source_perplexity.unwrap();
        assert!((perplexity - Grammar::english().perplexity()).abs() < 1e-12);
        assert_ne!(corpus.valid[..100], corpus.test[..100]);
    }
}
