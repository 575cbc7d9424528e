//! What quantising costs: accuracies, errors of outputs, errors of operations.

use ptool::analysis::rms::RelativeRms;
use ptool::exec::torch::{Options as Run, TorchEngine};
use ptool::exec::{Engine as _, NoTap, Value};
use ptool::inputs::data::Data;
use ptool::model::Model;
use ptool::quant::convert::{Options, checking};
use ptool::report::quantize::{Operation, Stage};
use ptool::report::run::{Accuracy, accuracy};

/// Batches on which operations are compared one by one.
const CHECKED_BATCHES: usize = 2;

/// Runs float, fake-quant and fixed-point over the data; the first is the reference of the others.
pub(super) fn stages(
    models: [&Model; 3],
    names: [&'static str; 3],
    files: [String; 3],
    data: &mut Data<'_>,
) -> anyhow::Result<Vec<Stage>> {
    let mut engines = Vec::new();
    for model in models {
        engines.push(TorchEngine::new(model, Run::default())?);
    }
    let mut errors = [RelativeRms::default(); 3];
    let mut counts: [Option<(usize, usize)>; 3] = [None; 3];
    let progress = super::progress(data.batches(), "evaluating");
    while let Some(batch) = data.next_batch()? {
        let mut reference = None;
        for (i, engine) in engines.iter_mut().enumerate() {
            let output = engine.run(&batch.values, &mut NoTap)?;
            if let Some(labels) = &batch.labels {
                let found = accuracy(&output, labels).map_err(anyhow::Error::msg)?;
                let (correct, total) = counts[i].unwrap_or_default();
                counts[i] = Some((correct + found.correct, total + found.total));
            }
            let reference = reference.get_or_insert_with(|| output.clone());
            errors[i]
                .add(reference, &output)
                .map_err(anyhow::Error::msg)?;
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    let stage = |(i, file): (usize, String)| Stage {
        name: names[i],
        file,
        accuracy: counts[i].map(|(correct, total)| Accuracy {
            correct,
            total,
            top1: correct as f64 / total.max(1) as f64,
        }),
        relative_rms: if i == 0 { None } else { errors[i].value() },
    };
    Ok(files.into_iter().enumerate().map(stage).collect())
}

/// Compares every integer operation with its fake-quant one on the same inputs.
pub(super) fn operations(
    fake: &Model,
    options: Options,
    data: &mut Data<'_>,
) -> anyhow::Result<Vec<Operation>> {
    let check = checking(fake, "check", options)?;
    let model = Model::from_bytes(check.plan.to_bytes()?)?;
    let mut engine = TorchEngine::new(&model, Run::default())?;
    let mut worst = vec![0.0f64; check.names.len()];
    for _ in 0..CHECKED_BATCHES {
        let Some(batch) = data.next_batch()? else {
            break;
        };
        let Value::Tensor(errors) = engine.run(&batch.values, &mut NoTap)? else {
            anyhow::bail!("the checking file gave no tensor");
        };
        let errors = errors.bytes.chunks_exact(4);
        for (worst, bytes) in worst.iter_mut().zip(errors) {
            let error = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as f64;
            // NaN stays: it is the worst answer.
            *worst = if error.is_nan() {
                error
            } else {
                worst.max(error)
            };
        }
    }
    let rows = check.names.into_iter().zip(worst);
    Ok(rows
        .map(|(name, steps)| Operation { name, steps })
        .collect())
}
