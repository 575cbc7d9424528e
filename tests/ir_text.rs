//! Graphs as text: the law of printing and reading, what is refused, and what `verify` says of broken graphs.

use ptool::ir::text::{Options, parse_graph, parse_program, print_graph, print_program};
use ptool::ir::verify::{verify, verify_graph};
use ptool::model::Model;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Binds a snapshot to the file it was made from: `snapshots/<kind>/<stem>.snap`.
pub(crate) fn snapshot(kind: &str, input: &Path, text: &str) {
    let name = input.file_stem().unwrap().to_string_lossy().into_owned();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(ROOT).join("snapshots").join(kind));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.remove_snapshot_suffix();
    settings.set_input_file(input.strip_prefix(ROOT).unwrap_or(input));
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Every fixture that opens without an error.
pub(crate) fn fixtures() -> Vec<(PathBuf, Model)> {
    let mut paths = Vec::new();
    super::raise::models(&Path::new(ROOT).join("testdata"), &mut paths);
    let opened = paths.into_iter().filter_map(|path| {
        let model = Model::open(&path).ok()?;
        (!model.has_errors()).then_some((path, model))
    });
    opened.collect()
}

#[test]
fn fixtures_survive_printing_and_reading() {
    let mut graphs = 0;
    for (path, model) in fixtures() {
        for function in model.program.functions.values() {
            for overloads in [false, true] {
                let options = Options {
                    overloads,
                    ..Options::default()
                };
                let text = print_graph(&function.graph, &options);
                let name = (path.display(), &function.name);
                let read = parse_graph(&text).unwrap_or_else(|e| panic!("{name:?}: {e}\n{text}"));
                assert_eq!(print_graph(&read, &options), text, "{name:?}");
                graphs += 1;
            }
        }
    }
    assert!(graphs > 1000, "found only {graphs} graphs");
}

#[test]
fn fixtures_verify() {
    let mut wrong = Vec::new();
    for (path, model) in fixtures() {
        let found = verify(&model.program);
        wrong.extend(found.iter().map(|d| format!("{}: {d}", path.display())));
    }
    assert!(
        wrong.is_empty(),
        "{} findings:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Texts as torch prints them, and as bug reports hold them.
#[test]
fn texts_are_read() {
    insta::glob!("../testdata/graph/text", "*.ir", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let shown = match parse_graph(&text) {
            Ok(graph) => print_graph(&graph, &Options::default()),
            Err(error) => format!("error: {error}\n"),
        };
        snapshot("text", path, &shown);
    });
}

/// One file per rule; those that begin with a class are programs.
#[test]
fn broken_graphs_are_explained() {
    insta::glob!("../testdata/graph/verify", "*.ir", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let found = match text.starts_with("graph") {
            true => verify_graph(&parse_graph(&text).unwrap()),
            false => {
                let program = parse_program(&text).unwrap();
                let printed = print_program(&program, &Options::default());
                let again = parse_program(&printed).unwrap();
                assert_eq!(print_program(&again, &Options::default()), printed);
                verify(&program)
            }
        };
        let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert!(!lines.is_empty(), "{} is not broken", path.display());
        snapshot("verify", path, &lines.join("\n"));
    });
}
