//! How far tensors are apart, for people and machines.

use super::json;
use crate::analysis::similarity::{Element, Similarity};
use serde::Serialize;

/// [`Similarity`] as it is written out.
#[derive(Clone, Debug, Serialize)]
pub struct Distance {
    /// Numbers compared.
    pub count: usize,
    /// Numbers that differ.
    pub differing: usize,
    /// Numbers beyond the tolerance.
    pub outside_tolerance: usize,
    /// Numbers that are NaN on one side only.
    pub one_sided_nan: usize,
    /// Largest absolute difference.
    #[serde(serialize_with = "json::number")]
    pub max_abs: f64,
    /// Largest relative difference.
    #[serde(serialize_with = "json::number")]
    pub max_rel: f64,
    /// Largest distance in representable numbers; null unless both have one floating dtype.
    pub max_ulp: Option<u64>,
    /// Cosine of the angle; null where it is not defined.
    #[serde(serialize_with = "json::optional")]
    pub cosine: Option<f64>,
    /// Mean squared error.
    #[serde(serialize_with = "json::optional")]
    pub mse: Option<f64>,
    /// Signal to quantisation noise in dB.
    #[serde(serialize_with = "json::optional")]
    pub sqnr_db: Option<f64>,
    /// The first difference.
    pub first: Option<Place>,
    /// The largest difference.
    pub worst: Option<Place>,
}

/// One element of both.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// Where.
    pub index: Vec<usize>,
    /// In the first tensor.
    #[serde(serialize_with = "json::number")]
    pub a: f64,
    /// In the second tensor.
    #[serde(serialize_with = "json::number")]
    pub b: f64,
}

impl From<&Similarity> for Distance {
    fn from(it: &Similarity) -> Distance {
        Distance {
            count: it.count,
            differing: it.differing,
            outside_tolerance: it.outside,
            one_sided_nan: it.one_sided_nan,
            max_abs: it.max_abs,
            max_rel: it.max_rel,
            max_ulp: it.max_ulp,
            cosine: it.cosine,
            mse: it.mse,
            sqnr_db: it.sqnr_db,
            first: it.first.as_ref().map(Place::from),
            worst: it.worst.as_ref().map(Place::from),
        }
    }
}

impl From<&Element> for Place {
    fn from(it: &Element) -> Place {
        Place {
            index: it.index.clone(),
            a: it.a,
            b: it.b,
        }
    }
}

/// A measure in a table: four significant digits.
pub fn measure(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        v if v.is_nan() => "nan".to_owned(),
        v if v.is_infinite() => if v > 0.0 { "inf" } else { "-inf" }.to_owned(),
        v if (1e-3..1e5).contains(&v.abs()) => {
            let text = format!(
                "{v:.*}",
                (3 - v.abs().log10().floor() as i32).max(0) as usize
            );
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
        v => format!("{v:.3e}"),
    }
}

/// A distance in representable numbers; one that no number bridges is infinite.
pub fn ulp_text(ulp: Option<u64>) -> String {
    match ulp {
        None => "-".to_owned(),
        Some(u64::MAX) => "inf".to_owned(),
        Some(ulp) => ulp.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_have_four_digits() {
        let texts = [
            0.0,
            1.0,
            0.25,
            1234.5678,
            123456.0,
            1.19e-7,
            0.001,
            f64::INFINITY,
        ]
        .map(measure);
        assert_eq!(
            texts,
            [
                "0", "1", "0.25", "1235", "1.235e5", "1.190e-7", "0.001", "inf"
            ]
        );
    }
}
