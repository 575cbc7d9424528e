//! Flat graphs: every fixture's verifies, flattening twice changes nothing, and a few to look at.

use ptool::ir::text::{Options, print_graph};
use ptool::ir::verify::verify_function;
use ptool::ir::{Graph, Op};
use ptool::model::Model;
use ptool::pass::{Driver, Scene, flat};
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Models whose flat `forward` is a snapshot.
const SHOWN: &[&str] = &[
    "core/early_return.pt",
    "core/attr_optional.pt",
    "archs/squeeze_excite_traced.pt",
    "archs/segmentation_scripted.pt",
];

fn fixtures() -> Vec<PathBuf> {
    let mut found = Vec::new();
    super::raise::models(&Path::new(ROOT).join("testdata"), &mut found);
    found.retain(|path| !path.to_string_lossy().contains("hostile"));
    found
}

/// Models that open and whose methods have graphs.
fn methods(path: &Path) -> Option<(Model, Vec<String>)> {
    let model = Model::open(path).ok()?;
    let class = model.root_definition()?;
    let with_body = |id| {
        let graph: &Graph = &model.program.functions[id].graph;
        !graph.block(graph.root()).returns.is_empty()
    };
    let names = class.methods.iter().filter(|(_, id)| with_body(*id));
    let names = names.map(|(name, _)| name.to_string()).collect();
    Some((model, names))
}

fn text(graph: &Graph) -> String {
    print_graph(graph, &Options::default())
}

#[test]
fn flat_graphs_verify_and_stay_as_they_are() {
    let (mut wrong, mut count, mut calls) = (Vec::new(), 0, 0);
    for path in fixtures() {
        let Some((model, names)) = methods(&path) else {
            continue;
        };
        for name in names {
            let place = format!("{}: {name}", path.display());
            let once = match flat(&model, &name) {
                Ok(flat) => flat,
                Err(error) => {
                    wrong.push(format!("{place}: {error}"));
                    continue;
                }
            };
            count += 1;
            let graph = once.graph();
            let is_call = |op: &Op| matches!(op, Op::CallMethod(_) | Op::CallFunction(_));
            let nodes = graph.nodes_in_order();
            calls += nodes
                .iter()
                .filter(|&&n| is_call(&graph.node(n).op))
                .count();
            if let Some(first) = verify_function(&model.program, &once.function).first() {
                wrong.push(format!("{place}: {first}"));
            }
            let mut again = once.function.clone();
            let (scene, _) = Scene::of_method(&model, &name).unwrap();
            let mut driver = Driver::new(scene);
            if let Err(error) = driver.flatten(&mut again) {
                wrong.push(format!("{place}: again: {error}"));
            }
            if text(graph) != text(&again.graph) {
                wrong.push(format!("{place}: flattening again changes it"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count > 150, "{count} methods");
    // What is left are methods of C++ classes and of interfaces whose object is chosen at run time.
    assert!(
        calls < count / 4,
        "{calls} calls are left in {count} methods"
    );
}

#[test]
fn every_node_of_a_flat_graph_knows_its_module() {
    let path = Path::new(ROOT).join("testdata/archs/resnet_traced.pt");
    let model = Model::open(path).unwrap();
    let flat = flat(&model, "forward").unwrap();
    let graph = flat.graph();
    let convs = graph.nodes_in_order().into_iter().filter(|&n| {
        let kind = graph.node(n).op.kind();
        kind == "aten::_convolution" || kind == "aten::conv2d"
    });
    let mut scopes = std::collections::BTreeSet::new();
    for conv in convs {
        let node = graph.node(conv);
        let stored = flat.stored(node.inputs[1]).expect("the weight is stored");
        assert_eq!(stored.path, format!("{}.weight", node.scope));
        let id = flat.tensor(&model, node.inputs[1]).expect("it is a tensor");
        assert_eq!(model.archive.data().unwrap().tensor(id).sizes.len(), 4);
        assert!(scopes.insert(node.scope.clone()), "{} twice", node.scope);
    }
    assert!(scopes.len() > 3, "{scopes:?}");
}

#[test]
fn flat_graphs() {
    for name in SHOWN {
        let path = Path::new(ROOT).join("testdata").join(name);
        let model = Model::open(&path).unwrap();
        let flat = flat(&model, "forward").unwrap();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(Path::new(ROOT).join("snapshots/flat"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        settings.bind(|| insta::assert_snapshot!(stem, text(flat.graph())));
    }
}
