//! Serialised source: the laws of parsing and printing, and how hand-written code is read.

mod dump;

use ptool::testing::source::parse_roundtrip;
use ptool::torchscript::{parse, print};
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn py_files(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            py_files(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "py") {
            files.push(path);
        }
    }
}

/// Every source torch wrote prints to itself. `PTOOL_SOURCES` names a folder of more.
#[test]
fn emitted_sources_print_to_themselves() {
    let mut files = vec![];
    py_files(&Path::new(ROOT).join("testdata/source/emitted"), &mut files);
    assert!(files.len() > 40);
    if let Some(more) = std::env::var_os("PTOOL_SOURCES") {
        py_files(Path::new(&more), &mut files);
    }
    let mut bytes = 0;
    for path in &files {
        let text = std::fs::read(path).unwrap();
        bytes += text.len();
        let (file, errors) = parse::parse(&text);
        let text = String::from_utf8(text).unwrap();
        // torch writes `\r` and cannot read it: the one text that is mended.
        let mended = text.replace("\\r", "\\015");
        let expected = if errors.is_empty() { &text } else { &mended };
        assert!(
            errors.iter().all(|e| e.code() == "E0305"),
            "{}: {errors:?}",
            path.display()
        );
        if print::print(&file) != *expected {
            let diff =
                similar::TextDiff::from_lines(expected.as_str(), print::print(&file).as_str())
                    .unified_diff()
                    .to_string();
            panic!("{} changed:\n{diff}", path.display());
        }
    }
    assert!(bytes > 50_000);
}

/// How hand-written code is read: every construct, and every error with its place.
#[test]
fn parse_snapshots() {
    snapshots("parse", |text| {
        let (file, errors) = parse::parse(text);
        let mut out = dump::dump(&file);
        for error in errors {
            let range = error.range;
            let line = text[..range.start as usize]
                .iter()
                .filter(|&&b| b == b'\n')
                .count()
                + 1;
            let shown = text[range.start as usize..range.end as usize].escape_ascii();
            out.push_str(&format!(
                "{} line {line} `{shown}`: {error}\n",
                error.code()
            ));
        }
        out
    });
}

#[test]
fn print_snapshots() {
    snapshots("print", |text| print::print(&parse::parse(text).0));
}

#[test]
fn hand_written_sources_survive_printing() {
    insta::glob!("../testdata/source", "*.py", |path| parse_roundtrip(
        &std::fs::read(path).unwrap()
    ));
}

fn snapshots(kind: &str, f: impl Fn(&[u8]) -> String) {
    insta::glob!("../testdata/source", "*.py", |path| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(Path::new(ROOT).join("snapshots").join(kind));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.remove_snapshot_suffix();
        settings.set_input_file(path.strip_prefix(ROOT).unwrap_or(path));
        settings.bind(|| insta::assert_snapshot!(name, f(&std::fs::read(path).unwrap())));
    });
}

/// Code as deep as torch accepts is read and printed; deeper code is refused, at any depth.
#[test]
fn depth_is_bounded() {
    let nested = |n: usize| format!("def f(x):\n  return {}x{}\n", "(".repeat(n), ")".repeat(n));
    let sum = |n: usize| format!("def f(x):\n  return {}x\n", "x + ".repeat(n));
    let postfix = |n: usize| format!("def f(x):\n  return x{}\n", "[0]".repeat(n));
    let prefix = |n: usize| format!("def f(x):\n  return {}x\n", "not ".repeat(n));
    let calls = |n: usize| {
        format!(
            "def f(x):\n  return {}x{}\n",
            "f(x, y=".repeat(n),
            ", )".repeat(n)
        )
    };
    let suites = |n: usize| {
        let ifs: String = (1..=n)
            .map(|i| format!("{}if x:\n", " ".repeat(i)))
            .collect();
        format!("def f(x):\n{ifs}{}pass\n", " ".repeat(n + 1))
    };
    let elifs = |n: usize| {
        format!(
            "def f(x):\n  if x:\n    pass\n{}",
            "  elif x:\n    pass\n".repeat(n)
        )
    };
    for make in [
        &nested as &dyn Fn(usize) -> String,
        &sum,
        &postfix,
        &prefix,
        &calls,
        &elifs,
    ] {
        parse_roundtrip(make(3_000).as_bytes());
        let error = parse::parse_strict(make(100_000).as_bytes()).unwrap_err();
        assert_eq!(error.code(), "E0306", "{error}");
    }
    parse_roundtrip(suites(1_000).as_bytes());
    assert_eq!(
        parse::parse_strict(suites(5_000).as_bytes())
            .unwrap_err()
            .code(),
        "E0306"
    );
    // Long chains inside long nesting: the height counts, not the depth of recursion.
    let both = format!(
        "def f(x):\n  return {}x{}\n",
        "(x + ".repeat(3_000),
        " + x)".repeat(3_000)
    );
    assert_eq!(
        parse::parse_strict(both.as_bytes()).unwrap_err().code(),
        "E0306"
    );
}
