//! Lowering of hand-written sources: what they become, and what is wrong with the refused ones.
//!
//! Each file is `code/__torch__.py` of a model of class `M`. A name that ends in `_vN` is of file version N.

mod dump;

use ptool::diag::Diagnostic;
use ptool::ir::{Program, Type};
use ptool::model::Model;
use ptool::testing::lower::lower_source;
use ptool::torchscript::lower::{Input, Lowered, lower};
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const NEWEST: u64 = 10;

fn version_of(path: &Path) -> u64 {
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let suffix = stem.rsplit_once("_v").map(|(_, version)| version.parse());
    suffix.and_then(Result::ok).unwrap_or(NEWEST)
}

fn lower_text(text: &str, version: u64) -> Lowered {
    lower(&Input {
        source: &|record| (record == "code/__torch__.py").then(|| text.as_bytes().to_vec()),
        constants: &[Type::Tensor],
        version,
        roots: &["__torch__.M".into()],
    })
}

fn snapshot(path: &Path, kind: &str, text: String) {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(ROOT).join("snapshots").join(kind));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.remove_snapshot_suffix();
    settings.set_input_file(path.strip_prefix(ROOT).unwrap_or(path));
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn report(program: &Program, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        out.push_str(&format!("{diagnostic}\n"));
        if let Some(span) = diagnostic.span {
            let text = &program.file(span.file).unwrap().text;
            let line = text[..span.start as usize].matches('\n').count();
            out.push_str(&format!(
                "  line {}: {}\n",
                line + 1,
                text.lines().nth(line).unwrap_or("").trim()
            ));
        }
        if let Some(help) = &diagnostic.help {
            out.push_str(&format!("  help: {help}\n"));
        }
    }
    out
}

#[test]
fn sources_lower() {
    insta::glob!("../testdata/lower", "*.py", |path| {
        let lowered = lower_text(&std::fs::read_to_string(path).unwrap(), version_of(path));
        assert_eq!(
            report(&lowered.program, &lowered.diagnostics),
            "",
            "{}",
            path.display()
        );
        snapshot(path, "lower", dump::program(&lowered.program));
    });
}

#[test]
fn refused_sources_say_why() {
    insta::glob!("../testdata/lower/refused", "*.py", |path| {
        let lowered = lower_text(&std::fs::read_to_string(path).unwrap(), version_of(path));
        assert!(!lowered.diagnostics.is_empty(), "{}", path.display());
        snapshot(
            path,
            "lower/refused",
            report(&lowered.program, &lowered.diagnostics),
        );
    });
}

/// Every prefix of every source, cut at each line, is lowered without a panic.
#[test]
fn cut_sources_do_not_panic() {
    insta::glob!("../testdata/lower", "**/*.py", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        for (cut, _) in text.match_indices('\n') {
            lower_source(&text.as_bytes()[..=cut]);
        }
    });
}

/// Depth that the parser allows is lowered, with the stack it needs.
#[test]
fn depth_is_bounded_by_the_parser() {
    let nested = |n: usize| format!("return {}x{}", "(".repeat(n), ")".repeat(n));
    let sum = |n: usize| format!("return {}x", "x + ".repeat(n));
    let calls = |n: usize| format!("return {}x{}", "torch.relu(".repeat(n), ")".repeat(n));
    for body in [nested(3000), sum(3000), calls(1500)] {
        let text = format!(
            "class M(Module):\n  def forward(self: __torch__.M, x: Tensor) -> Tensor:\n    {body}\n"
        );
        let lowered = lower_text(&text, NEWEST);
        assert_eq!(report(&lowered.program, &lowered.diagnostics), "");
    }
    let mut blocks =
        String::from("class M(Module):\n  def forward(self: __torch__.M, x: Tensor) -> Tensor:\n");
    for depth in 0..300 {
        blocks.push_str(&format!("{}if bool(x):\n", "  ".repeat(depth + 2)));
    }
    blocks.push_str(&format!(
        "{}x = torch.relu(x)\n    return x\n",
        "  ".repeat(302)
    ));
    let lowered = lower_text(&blocks, NEWEST);
    assert_eq!(report(&lowered.program, &lowered.diagnostics), "");
}

/// Time grows with the length of a function, not with its square.
#[test]
fn long_functions_are_linear() {
    let text = |n: usize| {
        let mut text = String::from(
            "class M(Module):\n  def forward(self: __torch__.M, x: Tensor) -> Tensor:\n    y0 = x\n",
        );
        for i in 1..n {
            text.push_str(&format!("    y{i} = torch.add(y{}, {i})\n", i - 1));
        }
        text + &format!("    return y{}\n", n - 1)
    };
    let seconds = |n: usize| {
        let text = text(n);
        let start = std::time::Instant::now();
        let lowered = lower_text(&text, NEWEST);
        assert!(lowered.diagnostics.is_empty());
        start.elapsed().as_secs_f64()
    };
    let _ = seconds(2_000);
    let (short, long) = (seconds(4_000), seconds(32_000));
    assert!(long < short * 32.0, "{short} s, {long} s");
}

fn pt_files(dir: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "hostile" && name != "save" {
            pt_files(&path, files);
        } else if name.ends_with(".pt") && !name.ends_with(".io.pt") {
            files.push(path);
        }
    }
}

/// Every fixture lowers; those that torch refuses are reported. `PTOOL_CORPUS` names a folder of more.
///
/// Operators that only a later torch has are warnings: such files are read, and cannot be run.
#[test]
fn fixtures_lower() {
    let mut files = vec![];
    pt_files(&Path::new(ROOT).join("testdata"), &mut files);
    assert!(files.len() > 100);
    if let Some(more) = std::env::var_os("PTOOL_CORPUS") {
        pt_files(Path::new(&more), &mut files);
    }
    let mut failed = String::new();
    for path in files {
        let refused = path.to_str().unwrap().ends_with("_refused.pt");
        let report = match Model::open(&path) {
            Ok(model) if !model.has_errors() => String::new(),
            Ok(model) => report(&model.program, &model.diagnostics),
            Err(error) => format!("{error}\n"),
        };
        if report.is_empty() == refused {
            failed.push_str(&format!("{}: {report}", path.display()));
        }
    }
    assert_eq!(failed, "");
}

/// A node leads to the user's Python line, and the root object to its class.
#[test]
fn models_lead_back_to_python() {
    let model =
        Model::open(Path::new(ROOT).join("testdata/core/ops_convolutions_traced.pt")).unwrap();
    assert!(!model.has_errors());
    assert_eq!(model.root_definition().unwrap().name, model.root_class);
    let (_, forward) = model.method("forward").unwrap();
    let spans = forward
        .graph
        .nodes_in_order()
        .into_iter()
        .filter_map(|id| forward.graph.node(id).span);
    let origins: Vec<_> = spans.filter_map(|span| model.user_location(span)).collect();
    assert!(!origins.is_empty());
    assert!(
        origins
            .iter()
            .all(|origin| origin.filename.ends_with(".py") && origin.line > 0)
    );
}
