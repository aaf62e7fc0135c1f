//! What differs between two configurations, field by field.

use std::fmt;

use ciborium::Value;

/// A field that a saved model has another value for than was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldDifference {
    /// The path of the field, as `lstm.dropout.input.prob`.
    pub field: String,
    /// Its value in the file, as JSON, if it is there.
    pub saved: Option<String>,
    /// The value that was asked, as JSON, if one was.
    pub asked: Option<String>,
}

impl fmt::Display for FieldDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, saved, asked } = self;
        match saved {
            Some(saved) => write!(f, "{field} is {saved} in the file, ")?,
            None => write!(f, "{field} is not in the file, ")?,
        }
        write!(f, "{} was asked", asked.as_deref().unwrap_or("nothing"))
    }
}

/// Every field that differs.
pub(crate) fn differences(saved: &Value, asked: &Value) -> Vec<FieldDifference> {
    let mut found = Vec::new();
    compare("", Some(saved), Some(asked), &mut found);
    found
}

fn compare(
    field: &str,
    saved: Option<&Value>,
    asked: Option<&Value>,
    found: &mut Vec<FieldDifference>,
) {
    let below = |name: &str| match field {
        "" => name.to_string(),
        field => format!("{field}.{name}"),
    };
    let same = match (saved, asked) {
        (Some(Value::Map(saved)), Some(Value::Map(asked))) => {
            for (key, value) in saved {
                compare(&below(&name(key)), Some(value), get(asked, key), found);
            }
            for (key, value) in asked.iter().filter(|(key, _)| get(saved, key).is_none()) {
                compare(&below(&name(key)), None, Some(value), found);
            }
            true
        }
        (Some(Value::Array(saved)), Some(Value::Array(asked))) => {
            for index in 0..saved.len().max(asked.len()) {
                compare(&below(&index.to_string()), saved.get(index), asked.get(index), found);
            }
            true
        }
        // To the last bit, and NaN is NaN.
        (Some(Value::Float(saved)), Some(Value::Float(asked))) => {
            saved.to_bits() == asked.to_bits()
        }
        (saved, asked) => saved == asked,
    };
    if !same {
        let field = if field.is_empty() { "the configuration" } else { field };
        let (saved, asked) = (saved.map(json), asked.map(json));
        found.push(FieldDifference { field: field.to_string(), saved, asked });
    }
}

fn get<'a>(map: &'a [(Value, Value)], key: &Value) -> Option<&'a Value> {
    map.iter().find(|(k, _)| k == key).map(|(_, value)| value)
}

fn name(key: &Value) -> String {
    key.as_text().map_or_else(|| json(key), ToString::to_string)
}

fn json(value: &Value) -> String {
    match value {
        // JSON has no infinity.
        Value::Float(value) => format!("{value:?}"),
        value => serde_json::to_string(value).unwrap_or_else(|_| format!("{value:?}")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    struct Config {
        rate: f64,
        sites: BTreeMap<&'static str, Option<f32>>,
        layers: Vec<Cell>,
    }

    #[derive(Serialize)]
    enum Cell {
        Gru { reset_after: bool },
        Lstm,
    }

    fn messages(saved: &impl Serialize, asked: &impl Serialize) -> Vec<String> {
        let [saved, asked] =
            [Value::serialized(saved), Value::serialized(asked)].map(Result::unwrap);
        differences(&saved, &asked).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_field_that_differs_is_named_with_both_values() {
        let saved = Config {
            rate: 0.5,
            sites: BTreeMap::from([("input", Some(0.25)), ("leak", Some(0.5)), ("output", None)]),
            layers: vec![Cell::Gru { reset_after: true }, Cell::Lstm],
        };
        let asked = Config {
            rate: f64::INFINITY,
            sites: BTreeMap::from([
                ("input", Some(0.25)),
                ("output", Some(0.5)),
                ("recurrent", Some(0.5)),
            ]),
            layers: vec![Cell::Gru { reset_after: false }],
        };
        assert_eq!(
            messages(&saved, &asked),
            [
                "rate is 0.5 in the file, inf was asked",
                "sites.leak is 0.5 in the file, nothing was asked",
                "sites.output is null in the file, 0.5 was asked",
                "sites.recurrent is not in the file, 0.5 was asked",
                "layers.0.Gru.reset_after is true in the file, false was asked",
                "layers.1 is \"Lstm\" in the file, nothing was asked",
            ]
        );
        assert_eq!(messages(&saved, &saved), [""; 0]);
    }

    #[test]
    fn numbers_are_compared_to_the_last_bit() {
        assert_eq!(messages(&f64::NAN, &f64::NAN), [""; 0]);
        assert_eq!(
            messages(&(1.0 - 0.7), &0.3),
            ["the configuration is 0.30000000000000004 in the file, 0.3 was asked"]
        );
    }
}
