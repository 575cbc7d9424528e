//! Every function of every fixture printed anew: the text lowers to the same graph, and is mostly torch's own.

use ptool::diag::Severity;
use ptool::ir::text::{Options, print_graph};
use ptool::ir::{Graph, NodeId, Op, Program, Type};
use ptool::model::Model;
use ptool::torchscript::ast::{File, Item, Member};
use ptool::torchscript::lower::{Input, lower};
use ptool::torchscript::{parse, print, raise};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Functions of the fixtures whose reprint is torch's text to the letter, at least: the measured share, rounded down.
const SAME_TEXT_PERCENT: usize = 90;

/// Loops and branches of unnamed variables: what they carry is ordered by the temporaries' names, in torch as here.
const REORDERED: &[&str] = &[
    "__torch__.models.control.EarlyReturn.find",
    "__torch__.M.forward",
    "__torch__.torch.nn.modules.transformer.TransformerEncoderLayer.forward",
    "__torch__.torch.nn.modules.transformer.___torch_mangle_1.TransformerEncoderLayer.forward",
];

/// What operations there are, without the values.
fn sorted(graph: &str) -> Vec<&str> {
    let mut kinds: Vec<&str> = graph
        .split(['%', '(', ')', ' '])
        .filter(|w| w.contains("::"))
        .collect();
    kinds.sort_unstable();
    kinds
}

/// Models below a folder, their recorded inputs left out.
pub(crate) fn models(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path.to_string_lossy().into_owned();
        if path.is_dir() {
            models(&path, found);
        } else if name.ends_with(".pt") && !name.ends_with(".io.pt") {
            found.push(path);
        }
    }
    found.sort();
}

/// The fixtures, and the models below `PTOOL_CORPUS` if that is set.
fn all_models() -> Vec<PathBuf> {
    let mut found = Vec::new();
    models(&Path::new(ROOT).join("testdata"), &mut found);
    if let Some(more) = std::env::var_os("PTOOL_CORPUS") {
        models(Path::new(&more), &mut found);
    }
    found
}

/// Definitions of a file as text, by name.
fn definitions(file: &File) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for item in &file.items {
        let mut text = String::new();
        match item {
            Item::Class(class) => {
                let mut head = class.clone();
                head.members.retain(|m| !matches!(m, Member::Method(_)));
                print::write_class(&head, &mut text);
                texts.insert(class.name.to_string(), text);
                for member in &class.members {
                    if let Member::Method(method) = member {
                        let mut text = String::new();
                        print::write_member(member, "", &mut text);
                        texts.insert(format!("{}.{}", class.name, method.name), text);
                    }
                }
            }
            Item::Function(function) => {
                print::write_item(item, &mut text);
                texts.insert(function.name.to_string(), text);
            }
            Item::Import(..) | Item::OpVersionSet(..) => {}
        }
    }
    texts
}

fn graphs(program: &Program) -> BTreeMap<String, String> {
    // Names may differ: torch's own printer renames on every round, too.
    let text = |f: &ptool::ir::Function| {
        let mut graph = f.graph.clone();
        for value in graph.value_ids() {
            graph.value_mut(value).name = None;
        }
        sort_constants(&mut graph);
        print_graph(&graph, &Options::default())
    };
    let all = program.functions.values();
    all.map(|f| (f.name.to_string(), text(f))).collect()
}

/// Puts constants in front in the order of their first use: upgraded operators make them out of order.
fn sort_constants(graph: &mut Graph) {
    let mut order = Vec::new();
    for node in graph.nodes_in_order() {
        order.extend(graph.node(node).inputs.iter().copied());
    }
    for block in graph.blocks_in_order() {
        order.extend(graph.block(block).returns.iter().copied());
    }
    let is_constant = |n: &NodeId| matches!(graph.node(*n).op, Op::Constant(_));
    let mut nodes: Vec<NodeId> = Vec::new();
    for value in order {
        let producer = graph.producer(value).filter(is_constant);
        nodes.extend(producer.filter(|n| !nodes.contains(n)));
    }
    let root = graph.root();
    let rest = graph.block(root).nodes.iter().copied();
    nodes.extend(rest.filter(|n| !is_constant(n)));
    graph.block_mut(root).nodes = nodes;
}

/// The types of a model's constants, as lowering wants them.
fn constant_types(program: &Program) -> Vec<Type> {
    let mut types = Vec::new();
    for function in program.functions.values() {
        for node in function.graph.nodes_in_order() {
            let node = function.graph.node(node);
            if let Op::Constant(ptool::ir::Constant::Table(index)) = node.op {
                let index = index as usize;
                if types.len() <= index {
                    types.resize(index + 1, Type::Tensor);
                }
                types[index] = function.graph.ty(node.outputs[0]).clone();
            }
        }
    }
    types
}

fn lower_again(model: &Model, files: &[(smol_str::SmolStr, String)]) -> Program {
    let roots: Vec<_> = model
        .program
        .classes
        .values()
        .map(|c| c.name.clone())
        .collect();
    let source = |record: &str| {
        let found = files.iter().find(|(name, _)| name == record);
        found.map(|(_, text)| text.clone().into_bytes())
    };
    let lowered = lower(&Input {
        source: &source,
        constants: &constant_types(&model.program),
        // The graph holds what the operators mean today.
        version: u64::MAX,
        roots: &roots,
    });
    // A file of a newer torch names operators that no schema is known for: a warning before as after.
    let errors = (lowered.diagnostics.iter()).filter(|d| d.severity == Severity::Error);
    let messages: Vec<String> = errors.map(ToString::to_string).collect();
    assert!(
        messages.is_empty(),
        "the reprint does not lower: {messages:#?}"
    );
    lowered.program
}

fn dump(model: &Path, files: &[(smol_str::SmolStr, String)]) {
    let Some(out) = std::env::var_os("PTOOL_RAISE_OUT") else {
        return;
    };
    let stem = model.file_stem().unwrap_or_default();
    for (record, text) in files {
        let path = Path::new(&out).join(stem).join(record.as_str());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn reprints_lower_to_the_same_graphs() {
    let (mut same, mut total) = (0, 0);
    let mut failures = Vec::new();
    for path in all_models() {
        let Ok(model) = Model::open(&path) else {
            continue;
        };
        if model.has_errors() {
            continue;
        }
        let raised = match raise::files(&model.program) {
            Ok(raised) => raised,
            Err(error) => {
                failures.push(format!("{}: {error}", path.display()));
                continue;
            }
        };
        let texts: Vec<_> = (raised.iter())
            .map(|(name, file)| (name.clone(), print::print(file)))
            .collect();
        dump(&path, &texts);
        for (name, file) in &raised {
            let original = model
                .program
                .files
                .iter()
                .find(|f| f.name == *name)
                .unwrap();
            let original = definitions(&parse::parse(original.text.as_bytes()).0);
            for (definition, text) in definitions(file) {
                total += 1;
                same += usize::from(original.get(&definition) == Some(&text));
                if std::env::var_os("PTOOL_RAISE_DIFF").is_some() {
                    let before = original.get(&definition).cloned().unwrap_or_default();
                    show(&path, &definition, &before, &text);
                }
            }
        }
        let again = std::panic::catch_unwind(|| lower_again(&model, &texts));
        let Ok(again) = again else {
            failures.push(format!("{}: does not lower", path.display()));
            continue;
        };
        let (before, after) = (graphs(&model.program), graphs(&again));
        for (name, graph) in &before {
            let other = after.get(name).map_or("", String::as_str);
            if graph != other
                && !(REORDERED.contains(&name.as_str()) && sorted(graph) == sorted(other))
            {
                let diff = similar::TextDiff::from_lines(graph.as_str(), other);
                let diff = diff.unified_diff().context_radius(2).to_string();
                failures.push(format!("{} `{name}`:\n{diff}", path.display()));
            }
        }
    }
    let log = failures.join("\n");
    assert!(failures.is_empty(), "{} failures:\n{log}", failures.len());
    assert!(total > 100, "found only {total} definitions");
    assert!(
        same * 100 >= total * SAME_TEXT_PERCENT,
        "{same} of {total} definitions print as torch printed them"
    );
}

#[allow(
    clippy::print_stdout,
    reason = "only where asked for by PTOOL_RAISE_DIFF"
)]
fn show(path: &Path, definition: &str, before: &str, after: &str) {
    if before != after {
        let diff = similar::TextDiff::from_lines(before, after);
        let diff = diff.unified_diff().context_radius(2).to_string();
        println!("=== {} {definition}\n{diff}", path.display());
    }
}
