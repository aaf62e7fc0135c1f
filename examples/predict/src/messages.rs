//! What is asked and what is answered, an object a line.

use anyhow::{Context, Result, bail, ensure};
use forecast::StepForecast;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::lines::Line;

/// The bytes of a line, at most.
pub(crate) const MAX_LENGTH: usize = 1 << 20;

/// A line as it stands. Its parts are read later: what is wrong with one must not lose the other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Object<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    inputs: &'a RawValue,
}

/// What is asked.
#[derive(Debug)]
pub(crate) struct Request {
    /// Whatever was given, to be given back as it was.
    pub(crate) id: Option<Box<RawValue>>,
    /// `[steps][features]`, or what is wrong with it.
    pub(crate) inputs: Result<Vec<Vec<f64>>>,
}

impl Request {
    /// The request of a line.
    pub(crate) fn read(line: &Line) -> Self {
        match object(line) {
            Ok(object) => {
                let inputs = serde_json::from_str(object.inputs.get());
                Self { id: object.id.map(ToOwned::to_owned), inputs: inputs.context("inputs") }
            }
            Err(error) => Self { id: None, inputs: Err(error) },
        }
    }
}

fn object(line: &Line) -> Result<Object<'_>> {
    match line {
        Line::Bytes(bytes) => {
            // Serde would take an array for the fields in their order.
            ensure!(bytes.trim_ascii_start().starts_with(b"{"), "no JSON object");
            Ok(serde_json::from_slice(bytes)?)
        }
        Line::TooLong => bail!("longer than {MAX_LENGTH} bytes"),
    }
}

/// What is answered.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    id: Option<Box<RawValue>>,
    #[serde(flatten)]
    content: Content,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Content {
    Forecast { mean: Vec<f64>, epistemic: Vec<f64>, total: Vec<f64>, interval_90: Vec<[f64; 2]> },
    Error { error: String },
}

impl Answer {
    /// The answer to a request of this line: a forecast, or why there is none.
    pub(crate) fn new(
        id: Option<Box<RawValue>>,
        line_number: u64,
        forecast: Result<Vec<StepForecast>>,
    ) -> Self {
        let content = match forecast {
            Ok(steps) => Content::Forecast {
                mean: steps.iter().map(|step| step.mean).collect(),
                epistemic: steps.iter().map(|step| step.epistemic_deviation).collect(),
                total: steps.iter().map(|step| step.total_deviation).collect(),
                interval_90: steps.iter().map(|step| [step.lower_90, step.upper_90]).collect(),
            },
            Err(error) => Content::Error { error: format!("line {line_number}: {error:#}") },
        };
        Self { id, content }
    }

    /// Whether it is none.
    pub(crate) fn is_error(&self) -> bool {
        matches!(self.content, Content::Error { .. })
    }
}
