//! Machine-readable output. These types are frozen: a change of meaning raises [`SCHEMA_VERSION`].

use serde::{Serialize, Serializer};
use std::io::{self, Write};

/// Raised when a field changes its meaning or goes away; new fields do not raise it.
pub const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a, T> {
    schema_version: u32,
    command: &'a str,
    #[serde(flatten)]
    body: &'a T,
}

/// Writes one document with `schema_version` and `command` before the body's fields.
pub fn write<T: Serialize>(out: &mut dyn Write, command: &str, body: &T) -> io::Result<()> {
    let document = Document {
        schema_version: SCHEMA_VERSION,
        command,
        body,
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

/// A number that may be infinite or not a number, which JSON cannot say: `"inf"`, `"-inf"`, `"nan"`.
pub fn number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        serializer.serialize_f64(*value)
    } else {
        serializer.serialize_str(non_finite(*value))
    }
}

/// [`number`] for a number that could not be computed: `null`.
pub fn optional<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => number(value, serializer),
        None => serializer.serialize_none(),
    }
}

fn non_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "nan"
    } else if value > 0.0 {
        "inf"
    } else {
        "-inf"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Body {
        #[serde(serialize_with = "number")]
        max_abs: f64,
        #[serde(serialize_with = "optional")]
        cosine: Option<f64>,
    }

    #[test]
    fn infinity_is_said_in_words() {
        let body = Body {
            max_abs: f64::INFINITY,
            cosine: None,
        };
        let mut out = Vec::new();
        write(&mut out, "compare", &body).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(read["schema_version"], SCHEMA_VERSION);
        assert_eq!(read["command"], "compare");
        assert_eq!(read["max_abs"], "inf");
        assert!(read["cosine"].is_null());
    }
}
