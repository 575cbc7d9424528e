//! Serialised source: the laws of parsing and printing, and how hand-written code is read.

mod dump;
mod trees;

use ptool::archive::Archive;
use ptool::diag::json::JsonDiagnostic;
use ptool::diag::{FileId, render};
use ptool::testing::source::parse_roundtrip;
use ptool::torchscript::debug::{DebugIndex, DebugRecord};
use ptool::torchscript::{literal, parse, print};
use std::collections::HashSet;
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

fn prints_to_itself(name: &str, text: Vec<u8>) {
    let (file, errors) = parse::parse(&text);
    let printed = print::print(&file);
    let mut text = String::from_utf8(text).unwrap();
    // What torch writes and cannot read is the one thing that is mended.
    for error in errors.iter().rev() {
        assert_eq!(error.code(), "E0305", "{name}: {error}");
        let at = error.range.start as usize;
        let (len, mended) = if text[at..].starts_with("\\r") {
            (2, "\\015")
        } else {
            (8, "\\303\\251")
        };
        text.replace_range(at..at + len, mended);
    }
    if printed != text {
        let diff = similar::TextDiff::from_lines(text.as_str(), printed.as_str())
            .unified_diff()
            .to_string();
        panic!("{name} changed:\n{diff}");
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
        prints_to_itself(&path.display().to_string(), text);
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

fn settings(kind: &str) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(ROOT).join("snapshots").join(kind));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.remove_snapshot_suffix();
    settings
}

fn snapshots(kind: &str, f: impl Fn(&[u8]) -> String) {
    insta::glob!("../testdata/source", "*.py", |path| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut settings = settings(kind);
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

/// What people and programs see of the errors in one broken file.
#[test]
fn error_snapshots() {
    let text = std::fs::read_to_string(Path::new(ROOT).join("testdata/source/broken.py")).unwrap();
    let diagnostics: Vec<_> = parse::parse(text.as_bytes())
        .1
        .iter()
        .map(|error| error.diagnostic(FileId(0)))
        .collect();
    let sources = [("code/__torch__/broken.py", text)];
    let json: Vec<_> = diagnostics
        .iter()
        .map(|it| JsonDiagnostic::new(it, &sources[..]))
        .collect();
    let settings = settings("error");
    settings.bind(|| {
        insta::assert_snapshot!(
            "source_text",
            render::render_all(&diagnostics, &sources[..], false)
        );
        insta::assert_snapshot!("source_json", serde_json::to_string_pretty(&json).unwrap());
    });
}

/// Every TorchScript file below `testdata`, but the hostile ones.
fn models(mut each: impl FnMut(&Path, &Archive)) {
    let mut count = 0;
    models_below("testdata", &mut |path, archive| {
        if !path.starts_with(Path::new(ROOT).join("testdata/hostile")) {
            count += 1;
            each(path, archive);
        }
    });
    assert!(count > 100, "{count} models");
}

fn models_below(folder: &str, each: &mut dyn FnMut(&Path, &Archive)) {
    let mut folders = vec![Path::new(ROOT).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "pt")
                && let Ok(archive) = Archive::open_torchscript(&path)
            {
                each(&path, &archive);
            }
        }
    }
}

#[test]
fn sources_of_models_print_to_themselves() {
    models(|path, archive| {
        for (id, name) in archive
            .entries()
            .filter(|(_, name)| name.starts_with("code/") && name.ends_with(".py"))
        {
            let text = archive.text(id).unwrap();
            // Sources that torch writes and refuses for another reason than an escape, such as a module named `in`.
            let refused = path.to_string_lossy().ends_with("_refused.pt");
            if refused && parse::parse(&text).1.iter().any(|e| e.code() == "E0304") {
                continue;
            }
            // The fixtures' own code, packed into a file of torch's.
            if path.to_string_lossy().contains("hand_written") {
                parse_roundtrip(&text);
                continue;
            }
            prints_to_itself(&format!("{}: {name}", path.display()), text.to_vec());
        }
    });
}

/// Every debug record of every model answers.
#[test]
fn debug_records_of_models_answer() {
    let generators: String = py_texts(&Path::new(ROOT).join("testdata/gen"));
    let generators: HashSet<&str> = generators.lines().map(str::trim).collect();
    let mut answers = HashSet::new();
    models(|path, archive| {
        let index = DebugIndex::new(archive);
        for (id, name) in archive
            .entries()
            .filter(|(_, name)| name.ends_with(".py.debug_pkl"))
        {
            let record = DebugRecord::decode(archive.text(id).unwrap());
            let record = record.unwrap_or_else(|e| panic!("{}: {name}: {e}", path.display()));
            let source = name.strip_suffix(".debug_pkl").unwrap();
            let last = archive.text(archive.find(source).unwrap()).unwrap().len() as u32;
            for offset in (0..last).step_by(61) {
                let origin = record.lookup(offset);
                answers
                    .extend(origin.map(|it| (it.filename, it.line, it.excerpt, it.frames.len())));
            }
            assert_eq!(index.lookup(archive, source, last), record.lookup(last));
        }
    });
    let of_ours = |it: &&(String, u64, String, usize)| generators.contains(it.2.as_str());
    assert!(
        answers.iter().filter(of_ours).count() > 300,
        "lines of the generators"
    );
    assert!(
        answers.iter().filter(|it| it.3 > 0).count() > 100,
        "call stacks of traced models"
    );
}

fn py_texts(dir: &Path) -> String {
    let mut files = vec![];
    py_files(dir, &mut files);
    files
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// Bits and text of each line, as Python gives them for `'%.17g'` and for `float.fromhex`.
fn float_table(name: &str) -> Vec<(f64, String)> {
    let text = std::fs::read_to_string(Path::new(ROOT).join("testdata/source").join(name)).unwrap();
    let row = |line: &str| {
        let (bits, text) = line.split_once('\t').unwrap();
        (
            f64::from_bits(u64::from_str_radix(bits, 16).unwrap()),
            text.to_owned(),
        )
    };
    text.lines().map(row).collect()
}

#[test]
fn floats_are_spelled_as_cpp_streams_do() {
    for (value, text) in float_table("floats.tsv") {
        assert_eq!(literal::float_text(value), text);
        if value.is_finite() {
            let Ok(literal::Number::Float(again)) = literal::parse_number(&text) else {
                panic!("{text} is no float");
            };
            assert_eq!(again.to_bits(), value.to_bits(), "{text}");
        }
    }
}

#[test]
fn hexadecimal_floats_are_rounded_as_strtod_does() {
    for (value, text) in float_table("hex_floats.tsv") {
        let parsed = literal::parse_number(&text);
        assert_eq!(parsed, Ok(literal::Number::Float(value)), "{text}");
    }
}

/// Hostile sources and debug records are answered or refused.
#[test]
fn hostile_models_are_survived() {
    let mut records = 0;
    models_below("testdata/hostile", &mut |_, archive| {
        let index = DebugIndex::new(archive);
        for (id, name) in archive
            .entries()
            .filter(|(_, name)| name.starts_with("code/"))
        {
            let Ok(bytes) = archive.text(id) else {
                continue;
            };
            records += 1;
            if name.ends_with(".py") {
                parse_roundtrip(&bytes);
            }
            let source = name.trim_end_matches(".debug_pkl");
            for offset in [0, 100, u32::MAX] {
                index.lookup(archive, source, offset);
            }
        }
    });
    assert!(records > 5, "{records}");
}
