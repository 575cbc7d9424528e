//! What `ptool run` tells.

use super::json;
use super::similarity::measure;
use super::table;
use crate::analysis::Tolerance;
use crate::analysis::compare::{Outcome, compare_host, host_view};
use crate::analysis::similarity::shape_text;
use crate::exec::{HostTensor, Value};
use crate::report::similarity::Distance;
use serde::Serialize;

/// Elements of small tensors that are shown.
const MAX_SHOWN: usize = 8;
/// Elements decoded at a time.
const CHUNK: usize = 1 << 16;

/// A run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What the model was run on.
    pub inputs: String,
    /// What executed it.
    pub engine: &'static str,
    /// The outputs.
    pub outputs: Vec<Output>,
    /// The file the outputs were saved to.
    pub saved: Option<String>,
    /// Whether libtorch's own interpreter gives the same, with `--check`.
    pub check: Option<Check>,
    /// With `--accuracy`.
    pub accuracy: Option<Accuracy>,
}

/// One output.
#[derive(Debug, Serialize)]
pub struct Output {
    /// `output`, `output.0`, `output.key`.
    pub name: String,
    /// dtype, or the kind of another value.
    pub kind: String,
    /// Shape of a tensor.
    pub shape: Option<Vec<i64>>,
    /// Smallest element; NaN are left out.
    #[serde(serialize_with = "json::optional")]
    pub min: Option<f64>,
    /// Largest element.
    #[serde(serialize_with = "json::optional")]
    pub max: Option<f64>,
    /// Mean of all elements.
    #[serde(serialize_with = "json::optional")]
    pub mean: Option<f64>,
    /// Elements that are NaN.
    pub nan: usize,
    /// The value of anything but a tensor, or the first elements.
    pub value: String,
}

/// Against libtorch's own interpreter.
#[derive(Debug, Serialize)]
pub struct Check {
    /// Whether every output has the same bits.
    pub is_equal: bool,
    /// Outputs that have not.
    pub differing: Vec<CheckedOutput>,
}

/// An output that is not the same.
#[derive(Debug, Serialize)]
pub struct CheckedOutput {
    /// Its name.
    pub name: String,
    /// How far it is apart.
    pub distance: Option<Distance>,
    /// Why elements were not compared.
    pub reason: Option<String>,
}

/// Top-1 accuracy.
#[derive(Debug, Serialize)]
pub struct Accuracy {
    /// Rows whose largest element is at the label.
    pub correct: usize,
    /// Rows.
    pub total: usize,
    /// Their quotient.
    pub top1: f64,
}

/// Every part of a value that is no container, with its name.
pub fn leaves(value: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    let mut stack = vec![("output".to_owned(), value)];
    while let Some((name, value)) = stack.pop() {
        match value {
            Value::List(items) | Value::Tuple(items) => {
                let items = items.iter().enumerate().rev();
                stack.extend(items.map(|(i, item)| (format!("{name}.{i}"), item)));
            }
            Value::Dict(items) => {
                let items = items.iter().rev();
                stack.extend(items.map(|(key, item)| (format!("{name}.{}", text(key)), item)));
            }
            _ => found.push((name, value)),
        }
    }
    found
}

/// The tensors of a value, by name; what a file of arrays can hold.
pub fn tensors(value: &Value) -> Vec<(String, HostTensor)> {
    let tensor = |(name, value): (String, &Value)| match value {
        Value::Tensor(tensor) => Some((name, tensor.clone())),
        _ => None,
    };
    leaves(value).into_iter().filter_map(tensor).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::None => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Complex(re, im) => format!("({re:?}+{im:?}j)"),
        Value::Str(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Device(device) => device.to_string(),
        Value::Enum { class, member } => format!("{class}.{member}"),
        Value::Object(class) => format!("object of {class}"),
        Value::Other(text) => text.to_string(),
        other => other.kind().to_owned(),
    }
}

/// Sums of each output.
pub fn outputs(value: &Value) -> Vec<Output> {
    let output = |(name, value): (String, &Value)| match value {
        Value::Tensor(tensor) => tensor_output(name, tensor),
        other => Output {
            name,
            kind: other.kind().to_owned(),
            shape: None,
            min: None,
            max: None,
            mean: None,
            nan: 0,
            value: text(other),
        },
    };
    leaves(value).into_iter().map(output).collect()
}

fn tensor_output(name: String, tensor: &HostTensor) -> Output {
    let mut output = Output {
        name,
        kind: tensor.dtype.name().to_owned(),
        shape: Some(tensor.shape.clone()),
        min: None,
        max: None,
        mean: None,
        nan: 0,
        value: String::new(),
    };
    let Ok(view) = host_view(tensor) else {
        return output;
    };
    let (mut numbers, mut sum) = (Vec::new(), 0.0);
    for start in (0..view.len()).step_by(CHUNK) {
        view.read_f64(start..(start + CHUNK).min(view.len()), &mut numbers);
        if start == 0 {
            output.value = first_elements(&numbers, view.len());
        }
        for &number in &numbers {
            sum += number;
            output.nan += usize::from(number.is_nan());
            output.min = Some(output.min.map_or(number, |min| min.min(number)));
            output.max = Some(output.max.map_or(number, |max| max.max(number)));
        }
    }
    output.mean = (!view.is_empty()).then(|| sum / view.len() as f64);
    output
}

fn first_elements(numbers: &[f64], len: usize) -> String {
    let shown: Vec<_> = numbers
        .iter()
        .take(MAX_SHOWN)
        .map(|&n| measure(n))
        .collect();
    let more = if len > MAX_SHOWN { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// Compares outputs bit for bit.
pub fn check(ours: &Value, reference: &Value) -> Check {
    let (ours, reference) = (leaves(ours), leaves(reference));
    let mut differing = Vec::new();
    let mut differ = |name: &str, distance, reason: Option<&str>| {
        differing.push(CheckedOutput {
            name: name.to_owned(),
            distance,
            reason: reason.map(str::to_owned),
        });
    };
    if ours.len() != reference.len() {
        differ("output", None, Some("the number of outputs differs"));
    }
    for ((name, a), (other, b)) in ours.iter().zip(&reference) {
        match (a, b) {
            _ if name != other => differ(name, None, Some("the structure differs")),
            (Value::Tensor(a), Value::Tensor(b)) if a != b => {
                match compare_host(a, b, Tolerance::default()) {
                    Outcome::Elements { similarity, .. } if similarity.same_bits => {}
                    Outcome::Elements { similarity, .. } => {
                        differ(name, Some(Distance::from(&*similarity)), None);
                    }
                    Outcome::Unlike(reason) => differ(name, None, Some(&reason)),
                }
            }
            (Value::Tensor(_), Value::Tensor(_)) => {}
            // Floats compare by text, so that NaN equals itself.
            (a, b) if text(a) != text(b) => differ(name, None, Some("the values differ")),
            _ => {}
        }
    }
    Check {
        is_equal: differing.is_empty(),
        differing,
    }
}

/// The share of rows of the first output whose largest element is at the label; ties count the first.
pub fn accuracy(value: &Value, labels: &HostTensor) -> Result<Accuracy, String> {
    let first = leaves(value)
        .into_iter()
        .find_map(|(_, value)| match value {
            Value::Tensor(tensor) => Some(tensor),
            _ => None,
        });
    let scores = first.ok_or("the model has no tensor output to rank")?;
    let [rows, classes] = *scores.shape else {
        let shape = &scores.shape;
        return Err(format!(
            "the first output has shape {shape:?}, expected rows of class scores"
        ));
    };
    if labels.shape != [rows] {
        let shape = &labels.shape;
        return Err(format!(
            "labels have shape {shape:?}, expected [{rows}], one for each row"
        ));
    }
    let (scores, labels) = (host_view(scores)?, host_view(labels)?);
    let (mut row, mut label) = (Vec::new(), Vec::new());
    labels.read_f64(0..labels.len(), &mut label);
    let classes = classes as usize;
    let mut correct = 0;
    for (i, label) in label.iter().enumerate() {
        scores.read_f64(i * classes..(i + 1) * classes, &mut row);
        let best = row
            .iter()
            .enumerate()
            .fold(None, |best: Option<(usize, f64)>, (j, &score)| match best {
                Some((_, top)) if score.partial_cmp(&top) != Some(std::cmp::Ordering::Greater) => {
                    best
                }
                _ => Some((j, score)),
            });
        correct += usize::from(best.is_some_and(|(j, _)| j as f64 == *label));
    }
    Ok(Accuracy {
        correct,
        total: label.len(),
        top1: correct as f64 / label.len().max(1) as f64,
    })
}

impl Report {
    /// A table of outputs, then the answers of the flags.
    pub fn text(&self) -> String {
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), measure);
        let row = |o: &Output| {
            let sizes = |s: &Vec<i64>| {
                shape_text(&s.iter().map(|&n| n.max(0) as usize).collect::<Vec<_>>())
            };
            let nan = if o.nan > 0 {
                format!(" ({} nan)", o.nan)
            } else {
                String::new()
            };
            vec![
                o.name.clone(),
                o.kind.clone(),
                o.shape.as_ref().map_or_else(|| "-".to_owned(), sizes),
                number(o.min),
                number(o.max),
                number(o.mean),
                format!("{}{nan}", o.value),
            ]
        };
        let rows: Vec<_> = self.outputs.iter().map(row).collect();
        let headings = ["name", "dtype", "shape", "min", "max", "mean", "elements"];
        let mut out = table(&headings, &rows, &[3, 4, 5]);
        if let Some(accuracy) = &self.accuracy {
            let Accuracy {
                correct,
                total,
                top1,
            } = accuracy;
            out += &format!(
                "top-1 accuracy: {:.2} % ({correct} of {total})\n",
                top1 * 100.0
            );
        }
        if let Some(check) = &self.check {
            out += &check.text();
        }
        out
    }
}

impl Check {
    fn text(&self) -> String {
        if self.is_equal {
            return "check: equal to libtorch's own interpreter, bit for bit\n".to_owned();
        }
        let mut out = "check: libtorch's own interpreter gives other outputs\n".to_owned();
        for it in &self.differing {
            let detail = match (&it.distance, &it.reason) {
                (Some(distance), _) => super::diff::distance_text(distance),
                (None, reason) => reason.clone().unwrap_or_default(),
            };
            out += &format!("  {}: {detail}\n", it.name);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(shape: &[i64], data: &[f32]) -> Value {
        Value::Tensor(HostTensor::from_f32(shape, data).unwrap())
    }

    #[test]
    fn accuracy_ranks_rows() {
        let scores = tensor(&[3, 2], &[0.1, 0.9, 0.8, 0.2, 0.5, 0.5]);
        let labels = HostTensor::from_i64(&[3], &[1, 1, 0]).unwrap();
        let accuracy = accuracy(&scores, &labels).unwrap();
        assert_eq!((accuracy.correct, accuracy.total), (2, 3));
        let error = super::accuracy(&tensor(&[3], &[0.0; 3]), &labels).unwrap_err();
        assert_eq!(
            error,
            "the first output has shape [3], expected rows of class scores"
        );
    }

    #[test]
    fn check_finds_single_bits_and_forgives_nothing() {
        let a = Value::Tuple(vec![tensor(&[2], &[1.0, f32::NAN]), Value::Float(f64::NAN)]);
        assert!(check(&a, &a.clone()).is_equal);
        let b = Value::Tuple(vec![tensor(&[2], &[1.0, 2.0]), Value::Float(f64::NAN)]);
        let found = check(&a, &b);
        assert_eq!(found.differing[0].name, "output.0");
        let zero = check(&tensor(&[1], &[0.0]), &tensor(&[1], &[-0.0]));
        assert!(!zero.is_equal);
    }
}
