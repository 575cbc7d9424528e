//! Which inputs a model is run on.

use super::arrays::Arrays;
use super::bind::{bind, signature};
use super::error::InputError;
use super::random::Random;
use super::shape::{ShapeSpec, make_up};
use super::{Array, recorded, traced};
use crate::exec::{HostTensor, Value};
use crate::ir::program::Param;
use crate::model::Model;
use std::path::Path;

/// Names under which an inputs file carries labels.
const LABELS: [&str; 4] = ["labels", "label", "y", "targets"];

/// What the user asked for.
#[derive(Clone, Copy, Debug)]
pub enum Given<'a> {
    /// `--inputs FILE`
    File(&'a Path),
    /// `--shape …`
    Shapes(&'a [String]),
    /// Nothing: what the model file records.
    Nothing,
}

/// Arguments of a method, and where they come from.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// One for each parameter, without `self`; trailing defaults are left out.
    pub values: Vec<Value>,
    /// The labels in an inputs file.
    pub labels: Option<HostTensor>,
    /// A sentence for the user.
    pub source: String,
}

/// Reads or makes up the inputs of a method of a model.
pub fn choose(
    model: &Model,
    method: &str,
    given: Given<'_>,
    seed: u64,
) -> Result<Chosen, InputError> {
    let params = params(model, method);
    let (mut arrays, source) = match given {
        Given::File(path) => {
            let arrays = Arrays::read(path)?;
            let source = format!("inputs from {}", arrays.origin);
            (arrays, source)
        }
        Given::Shapes(shapes) => {
            let source = format!("inputs made up by --shape, seed {seed}");
            (made_up(shapes, seed)?, source)
        }
        Given::Nothing => of_model(model, method, params, seed)?,
    };
    let labels = take_labels(params, &mut arrays);
    Ok(Chosen {
        values: bind(method, params, &arrays)?,
        labels,
        source,
    })
}

/// The parameters of a method without `self`; none if there is no such method, which the engine reports.
fn params<'m>(model: &'m Model, method: &str) -> &'m [Param] {
    let function = model.method(method).map(|(_, function)| function);
    function.and_then(|f| f.params.get(1..)).unwrap_or_default()
}

fn made_up(shapes: &[String], seed: u64) -> Result<Arrays, InputError> {
    let mut random = Random::new(seed);
    let mut items = Vec::new();
    for text in shapes {
        let spec: ShapeSpec = text.parse()?;
        let value = Value::Tensor(make_up(spec.dtype, &spec.shape, &mut random));
        items.push(Array {
            name: spec.name,
            value,
        });
    }
    Ok(Arrays {
        origin: "`--shape`".to_owned(),
        items,
    })
}

fn of_model(
    model: &Model,
    method: &str,
    params: &[Param],
    seed: u64,
) -> Result<(Arrays, String), InputError> {
    if let Some((arrays, record)) = recorded::of(model, method)? {
        return Ok((arrays, format!("inputs recorded in the file (`{record}`)")));
    }
    match traced::read(model, method, seed)? {
        Some((arrays, true)) => {
            let source = format!(
                "inputs of the shapes in `traced_inputs.pkl`, whose data the file lacks: made up, seed {seed}"
            );
            Ok((arrays, source))
        }
        Some((arrays, false)) => Ok((arrays, "inputs recorded in `traced_inputs.pkl`".to_owned())),
        None if params.is_empty() => {
            let origin = "no inputs, the method takes none".to_owned();
            let items = Vec::new();
            Ok((
                Arrays {
                    origin: origin.clone(),
                    items,
                },
                origin,
            ))
        }
        None => Err(InputError::None {
            model: model
                .archive
                .path()
                .map_or_else(|| "the model".into(), |p| p.display().to_string()),
            method: method.to_owned(),
            signature: signature(method, params),
        }),
    }
}

/// Labels are no input, unless a parameter has their name.
fn take_labels(params: &[Param], arrays: &mut Arrays) -> Option<HostTensor> {
    let is_free = |name: &&str| params.iter().all(|p| p.name != **name);
    let names: Vec<&str> = LABELS.iter().copied().filter(is_free).collect();
    if arrays.items.len() < 2 {
        return None;
    }
    match arrays.take(&names)?.value {
        Value::Tensor(labels) => Some(labels),
        _ => None,
    }
}
