//! The default report: what is in the file.

use super::{bytes_text, grouped, ops};
use crate::analysis::attributes::{Role, attributes};
use crate::archive::ArchiveError;
use crate::inputs::{recorded, signature, traced};
use crate::model::Model;
use crate::report::Paint;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Operators listed; `--ops` lists all.
const TOP_OPS: usize = 10;

/// Facts about a file.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// File name without folders.
    pub file: String,
    /// Bytes.
    pub size_bytes: u64,
    /// `traced`, or `scripted` where no trace is recorded (frozen and scripted models look alike).
    pub kind: &'static str,
    /// Number of the file format, which rises with changes of operators.
    pub format_version: u64,
    /// Which torch can have written it.
    pub producer: String,
    /// Folder of the records, the name it was saved under.
    pub archive_name: String,
    /// Qualified name of the root module's class.
    pub root_class: String,
    /// Objects below the root, the root included.
    pub modules: usize,
    /// Functions and methods in the sources.
    pub functions: usize,
    /// Sums over parameters.
    pub parameters: Parameters,
    /// Sums over buffers.
    pub buffers: Parameters,
    /// Tensors that are neither.
    pub other_tensors: Parameters,
    /// Elements by dtype, over all tensors.
    pub dtypes: BTreeMap<String, u64>,
    /// Devices of storages.
    pub devices: BTreeSet<String>,
    /// Methods of the root module.
    pub methods: Vec<Method>,
    /// Operators that `forward` reaches.
    pub op_total: usize,
    /// The most frequent ones.
    pub top_ops: Vec<ops::OpCount>,
    /// Operators without known schema: these need `--library` to run.
    pub custom_ops: Vec<String>,
    /// Example inputs of `forward`, one for each argument.
    pub example_inputs: Vec<String>,
    /// Where the example inputs are recorded.
    pub example_source: Option<String>,
    /// `extra/` records.
    pub extra_files: Vec<String>,
    /// What is wrong with the sources; `ptool verify` shows where.
    pub problems: Vec<String>,
}

/// Sums over tensors of one role.
#[derive(Debug, Default, Serialize)]
pub struct Parameters {
    /// Tensors.
    pub count: u64,
    /// Elements.
    pub elements: u64,
    /// Bytes.
    pub size_bytes: u64,
}

/// A method of the root module.
#[derive(Debug, Serialize)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// `forward(x: Tensor) -> Tensor`.
    pub signature: String,
}

/// Gathers the facts.
pub fn summary(model: &Model, file: &str) -> Result<Summary, ArchiveError> {
    let archive = &model.archive;
    let all = super::tensors(model)?;
    let own = attributes(model)?;
    let forward = model.method("forward");
    let ops = forward.map(|(id, _)| ops(model, "forward", id));
    let (op_total, mut top_ops) = ops.map_or((0, Vec::new()), |ops| (ops.total, ops.ops));
    let custom_ops = top_ops.iter().filter(|op| op.overload.is_none());
    let custom_ops = custom_ops.map(|op| op.kind.clone()).collect();
    top_ops.truncate(TOP_OPS);
    let (example_source, example_inputs) = examples(model);
    let extra = archive
        .entries()
        .filter_map(|(_, name)| name.strip_prefix("extra/"));
    let role = |role: &[Role]| {
        sum(all
            .tensors
            .iter()
            .filter(|t| role.iter().any(|r| r.name() == t.role)))
    };
    let other = all
        .tensors
        .iter()
        .filter(|t| t.role == "attribute" || t.role == "constant");
    let mut dtypes: BTreeMap<String, u64> = BTreeMap::new();
    for tensor in &all.tensors {
        let count = tensor.shape.iter().product::<i64>().max(0) as u64;
        *dtypes.entry(tensor.dtype.to_owned()).or_default() += count;
    }
    Ok(Summary {
        file: file.to_owned(),
        size_bytes: archive.zip().blob().len() as u64,
        kind: match archive.find("traced_inputs.pkl") {
            Some(_) => "traced",
            None => "scripted",
        },
        format_version: archive.version()?,
        producer: producer(model),
        archive_name: archive.name().into_owned(),
        root_class: model.root_class.to_string(),
        modules: own.objects.len(),
        functions: model.program.functions.len(),
        parameters: role(&[Role::Parameter]),
        buffers: role(&[Role::Buffer]),
        other_tensors: sum(other),
        dtypes,
        devices: all
            .tensors
            .iter()
            .filter_map(|t| t.device.clone())
            .collect(),
        methods: methods(model),
        op_total,
        top_ops,
        custom_ops,
        example_inputs,
        example_source,
        extra_files: extra.map(str::to_owned).collect(),
        problems: model.diagnostics.iter().map(ToString::to_string).collect(),
    })
}

fn sum<'a>(tensors: impl Iterator<Item = &'a super::TensorRow>) -> Parameters {
    tensors.fold(Parameters::default(), |sum, tensor| Parameters {
        count: sum.count + 1,
        elements: sum.elements + tensor.shape.iter().product::<i64>().max(0) as u64,
        size_bytes: sum.size_bytes + tensor.size_bytes,
    })
}

/// What the records give away; torch does not write its version.
fn producer(model: &Model) -> String {
    let has = |record| model.archive.find(record).is_some();
    match (has("byteorder"), has(".data/serialization_id")) {
        (true, _) | (_, true) => "torch 2.1 or later",
        (false, false) => "torch 1.4 to 2.0, or another writer",
    }
    .to_owned()
}

fn methods(model: &Model) -> Vec<Method> {
    let Some(class) = model.root_definition() else {
        return Vec::new();
    };
    let method = |(name, id): &(smol_str::SmolStr, _)| {
        let function = &model.program.functions[*id];
        let params = function.params.get(1..).unwrap_or_default();
        Method {
            name: name.to_string(),
            signature: format!("{} -> {}", signature(name, params), function.returns),
        }
    };
    class.methods.iter().map(method).collect()
}

fn examples(model: &Model) -> (Option<String>, Vec<String>) {
    let record = recorded::record_name("forward");
    if let Some(entry) = model.archive.find(&record)
        && let Ok(bytes) = model.archive.read(entry)
        && let Ok(arrays) = recorded::decode(&bytes, &record)
    {
        let text = arrays.items.iter().map(|a| {
            let name = a.name.as_deref().unwrap_or_default();
            format!("{name}: {}", traced::describe(&a.value))
        });
        return (Some(record), text.collect());
    }
    match traced::shapes(model, "forward") {
        Some(inputs) => (Some("traced_inputs.pkl".to_owned()), inputs),
        None => (None, Vec::new()),
    }
}

impl Summary {
    /// Facts, one to a line.
    pub fn text(&self, paint: Paint) -> String {
        let mut out = String::new();
        let mut line = |name: &str, value: String| {
            if !value.is_empty() {
                out += &format!("{} {value}\n", paint.heading(&format!("{name:<16}")));
            }
        };
        line(
            "file",
            format!("{} ({})", self.file, bytes_text(self.size_bytes)),
        );
        line(
            "kind",
            format!(
                "{} TorchScript, file format version {}",
                self.kind, self.format_version
            ),
        );
        line("producer", self.producer.clone());
        line("saved as", self.archive_name.clone());
        line("root class", self.root_class.clone());
        line(
            "modules",
            format!("{} with {} functions", self.modules, self.functions),
        );
        line("parameters", sums(&self.parameters));
        line("buffers", sums(&self.buffers));
        line("other tensors", sums(&self.other_tensors));
        let dtype = |(dtype, count): (&String, &u64)| format!("{dtype} ({})", grouped(*count));
        line(
            "dtypes",
            self.dtypes.iter().map(dtype).collect::<Vec<_>>().join(", "),
        );
        line(
            "devices",
            self.devices.iter().cloned().collect::<Vec<_>>().join(", "),
        );
        for (i, method) in self.methods.iter().enumerate() {
            line(
                if i == 0 { "methods" } else { "" },
                method.signature.clone(),
            );
        }
        for (i, input) in self.example_inputs.iter().enumerate() {
            line(if i == 0 { "example inputs" } else { "" }, input.clone());
        }
        line(
            "inputs from",
            self.example_source.clone().unwrap_or_default(),
        );
        line("operators", self.ops_text());
        line("custom ops", self.custom_ops.join(", "));
        line("extra files", self.extra_files.join(", "));
        for (i, problem) in self.problems.iter().enumerate() {
            line(if i == 0 { "problems" } else { "" }, problem.clone());
        }
        out
    }

    fn ops_text(&self) -> String {
        let shown: usize = self.top_ops.iter().map(|op| op.count).sum();
        let mut parts: Vec<_> = self
            .top_ops
            .iter()
            .map(|op| format!("{} × {}", op.count, op.name()))
            .collect();
        if shown < self.op_total {
            parts.push(format!("{} more", self.op_total - shown));
        }
        format!("{} in forward: {}", self.op_total, parts.join(", "))
    }
}

fn sums(sums: &Parameters) -> String {
    match sums.count {
        0 => "none".to_owned(),
        count => format!(
            "{count} tensors, {} elements, {}",
            grouped(sums.elements),
            bytes_text(sums.size_bytes)
        ),
    }
}
