//! Whether files fit each other.

use super::column::{Layout, shape};
use super::example::Example;
use super::files::Source;
use super::labels::{LABELS, is_free};
use super::{DataOptions, InputError};
use crate::ir::program::Param;
use crate::tensor::DType;

/// The arrays of all sources, and how many rows they have together.
pub(super) fn layouts(
    sources: &[Source],
    options: &DataOptions,
    params: &[Param],
) -> Result<(Vec<Layout>, u64), InputError> {
    let mut first: Option<(Vec<Layout>, &Source)> = None;
    let mut rows = 0;
    for source in sources {
        let opened = source.open(options)?;
        let layouts = alone(source, &opened.layouts, options, params)?;
        rows += layouts[0].rows;
        match &first {
            None => first = Some((layouts, source)),
            Some((expected, first)) => same(source, &layouts, first, expected)?,
        }
    }
    Ok((first.map(|(layouts, _)| layouts).unwrap_or_default(), rows))
}

/// What must hold for every source.
fn alone(
    source: &Source,
    layouts: &[Layout],
    options: &DataOptions,
    params: &[Param],
) -> Result<Vec<Layout>, InputError> {
    let rows = layouts.first().map_or(0, |it| it.rows);
    let is_label = |layout: &&Layout| {
        layout.name.as_deref().is_some_and(|name| {
            Some(name) == options.labels.as_deref()
                || (LABELS.contains(&name) && is_free(params, name))
        })
    };
    let inputs: Vec<&Layout> = layouts.iter().filter(|it| !is_label(it)).collect();
    let names: Vec<Option<&str>> = inputs.iter().map(|it| it.name.as_deref()).collect();
    let examples = options.examples.fitting(&names);
    for (layout, example) in inputs.iter().zip(examples) {
        let checked = match example {
            Some(example) => like(layout, example, options, source),
            None => check_dtype(layout),
        };
        checked.map_err(|message| array_error(source, layout, message))?;
    }
    for layout in layouts {
        let error = |message| Err(array_error(source, layout, message));
        if layout.rows == 0 || layout.row_bytes() == Some(0) {
            return error(format!(
                "is empty; expected rows of {} {}",
                layout.dtype,
                layout.shape()
            ));
        }
        if layout.rows != rows {
            return error(format!(
                "has {} rows, expected {rows} as in `{}`",
                layout.rows,
                layouts[0].label()
            ));
        }
    }
    Ok(layouts.to_vec())
}

/// Whether rows are like those that the model records.
fn like(
    layout: &Layout,
    example: &Example,
    options: &DataOptions,
    source: &Source,
) -> Result<(), String> {
    if (layout.dtype, &layout.row) == (example.dtype, &example.row) {
        return Ok(());
    }
    let advice = match (source, example.row.as_slice()) {
        (Source::Images(..), [3, height, width]) => format!("; use --resize {height}x{width}"),
        (Source::Arrays(_), _) if layout.dtype != example.dtype => {
            format!("; save it with `.astype(numpy.{})`", example.dtype)
        }
        _ => String::new(),
    };
    Err(format!(
        "is {} of shape {}, expected {} of shape {} {}{advice}",
        layout.dtype,
        layout.shape(),
        example.dtype,
        shape(&example.row),
        options.examples.source()
    ))
}

/// Models of this kind compute in float32.
fn check_dtype(layout: &Layout) -> Result<(), String> {
    use DType::*;
    match layout.dtype {
        F32 | U8 | I8 | I16 | I32 | I64 | Bool => Ok(()),
        other => Err(format!(
            "is {other}; save it with `.astype(numpy.float32)`: expected float32 or an integer type of shape {}",
            layout.shape()
        )),
    }
}

fn same(
    source: &Source,
    layouts: &[Layout],
    first: &Source,
    expected: &[Layout],
) -> Result<(), InputError> {
    let as_in = format!("as in `{}`", first.path().display());
    for expected in expected {
        let own = layouts.iter().find(|it| match &expected.name {
            Some(_) => it.name == expected.name,
            None => it.index == expected.index,
        });
        let Some(own) = own else {
            let message = format!(
                "is missing, expected {} {} {as_in}",
                expected.dtype,
                expected.shape()
            );
            return Err(array_error(source, expected, message));
        };
        if (own.dtype, &own.row) != (expected.dtype, &expected.row) {
            let message = format!(
                "is {} of shape {}, expected {} of shape {} {as_in}",
                own.dtype,
                own.shape(),
                expected.dtype,
                expected.shape()
            );
            return Err(array_error(source, own, message));
        }
    }
    match layouts.len() == expected.len() {
        true => Ok(()),
        false => Err(InputError::File {
            file: source.path().display().to_string(),
            message: format!(
                "has {} arrays, expected {} {as_in}",
                layouts.len(),
                expected.len()
            ),
        }),
    }
}

fn array_error(source: &Source, layout: &Layout, message: String) -> InputError {
    InputError::Array {
        file: source.path().display().to_string(),
        array: layout.label(),
        message,
    }
}
