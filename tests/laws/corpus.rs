//! Every law on full-size models: `cargo xtask corpus`, or `PTOOL_CORPUS=FOLDER cargo test --release --features torch
//! --test torch -- --ignored --nocapture corpus`. One model at a time, so that memory is that of the largest.

use super::files::{self, Holds, Verdict, text};
use crate::exec::{alone, fixtures};
use crate::support::scan;
use comfy_table::Table;
use ptool::archive::{Archive, Plan};
use ptool::exec::torch;
use ptool::model::Model;
use ptool::pass::to_device::{Options, Patterns, Rewrite};
use ptool::torchscript::{parse, print};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A law and how it is called in the table.
type Law = (&'static str, fn(&Path, &Path) -> Verdict);

const LAWS: [Law; 8] = [
    ("opens", opens),
    ("print(parse)", prints),
    ("write", writes),
    ("cuda: no cpu left", leaves_nothing),
    ("and back", comes_back),
    ("cuda loads as meta", |path, scratch| {
        files::moved_loads(path, scratch, "meta")
    }),
    ("runs", runs),
    ("reprint runs", files::reprinted_is_the_same),
];

/// Models of so many architectures at least, traced or scripted.
const MIN_ARCHITECTURES: usize = 25;

#[test]
#[ignore = "needs a folder of full-size models in PTOOL_CORPUS"]
fn corpus_obeys_every_law() {
    let folder = std::env::var("PTOOL_CORPUS").expect("PTOOL_CORPUS names a folder");
    if let Ok(library) = std::env::var("PTOOL_CORPUS_LIBRARY") {
        torch::load_library(&library).expect("the library of operators loads");
    }
    let _alone = alone();
    torch::set_threads(1).expect("libtorch takes a thread count");
    let models = fixtures::runnable(Path::new(&folder));
    let scratch = tempfile::tempdir_in(&folder).expect("the folder is writable");
    let mut table = Table::new();
    table.set_header(
        ["model", "MB"]
            .into_iter()
            .chain(LAWS.map(|(name, _)| name)),
    );
    let mut failures = Vec::new();
    for path in &models {
        let name = path.file_stem().expect("a name").to_string_lossy();
        let mut row = vec![name.to_string(), megabytes(path)];
        for (law, check) in LAWS {
            let verdict = check(path, scratch.path());
            row.push(word(&verdict).to_owned());
            failures.extend(
                verdict
                    .err()
                    .map(|why| format!("{name}, {law}: {why:.600}")),
            );
        }
        say(&format!("{}\n", row.join("  ")));
        table.add_row(row);
    }
    say(&format!("{table}\n{}\n", summary(&models, &failures)));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(architectures(&models) >= MIN_ARCHITECTURES);
}

/// Prints past the test harness, which is run with `--nocapture`.
#[expect(clippy::print_stdout, reason = "the table is what the task shows")]
fn say(line: &str) {
    print!("{line}");
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Ok(Holds::Yes) => "ok",
        Ok(Holds::NoJudge) => "no judge",
        Err(_) => "FAILS",
    }
}

fn megabytes(path: &Path) -> String {
    let bytes = path.metadata().map_or(0, |m| m.len());
    format!("{:.1}", bytes as f64 / 1e6)
}

fn architectures(files: &[PathBuf]) -> usize {
    let stems = files.iter().filter_map(|p| p.file_stem()?.to_str());
    let names = stems.map(|s| s.trim_end_matches("_traced").trim_end_matches("_scripted"));
    names.collect::<std::collections::BTreeSet<_>>().len()
}

fn summary(files: &[PathBuf], failures: &[String]) -> String {
    format!(
        "{} models of {} architectures, {} laws each, {} failures; `no judge`: libtorch itself refuses the file, for an \
         operator it lacks (PTOOL_CORPUS_LIBRARY names a library) or a device without kernels",
        files.len(),
        architectures(files),
        LAWS.len(),
        failures.len()
    )
}

/// The interpreter's bits are libtorch's, and Python's.
fn runs(path: &Path, _: &Path) -> Verdict {
    fixtures::check(path)?;
    Ok(match files::without_judge(path) {
        true => Holds::NoJudge,
        false => Holds::Yes,
    })
}

fn opens(path: &Path, _: &Path) -> Verdict {
    let model = Model::open(path).map_err(text)?;
    match model.diagnostics.first() {
        Some(first) if model.has_errors() => Err(text(first)),
        _ => Ok(Holds::Yes),
    }
}

/// `print(parse(s)) == s` for every source record.
fn prints(path: &Path, _: &Path) -> Verdict {
    let archive = Archive::open(path).map_err(text)?;
    for (id, record) in archive.entries().filter(|(_, r)| r.ends_with(".py")) {
        let source = archive.text(id).map_err(text)?;
        let file = parse::parse_strict(&source).map_err(|e| format!("{record}: {e}"))?;
        if print::print(&file).as_bytes() != &source[..] {
            return Err(format!("{record} prints differently"));
        }
    }
    Ok(Holds::Yes)
}

/// Opened and written without a change: the same bytes.
fn writes(path: &Path, scratch: &Path) -> Verdict {
    let out = scratch.join("same.pt");
    let archive = Archive::open(path).map_err(text)?;
    Plan::new(&archive).write(&out).map_err(text)?;
    same_bytes(path, &out)
}

/// The scan of `tests/support`, which shares no code with the library.
fn leaves_nothing(path: &Path, scratch: &Path) -> Verdict {
    let archive = Archive::open(path).map_err(text)?;
    let options = Options {
        target: "cuda".parse().map_err(text)?,
        keep: Patterns::default(),
        only: Vec::new(),
    };
    let rewrite = Rewrite::new(&archive, &options).map_err(text)?;
    let (plan, report) = rewrite.into_plan().map_err(text)?;
    let out = scratch.join("cuda.pt");
    plan.write(&out).map_err(text)?;
    let file = std::fs::read(&out).map_err(text)?;
    match scan::forgotten(&file, &report, "cpu").first() {
        Some(place) => Err(place.clone()),
        None if report.changes.is_empty() => Err("nothing was moved".into()),
        None => Ok(Holds::Yes),
    }
}

/// There and back again: the bytes of the original.
fn comes_back(path: &Path, scratch: &Path) -> Verdict {
    let (away, back) = (scratch.join("cuda.pt"), scratch.join("back.pt"));
    files::moved(path, "cuda", &away)?;
    files::moved(&away, "cpu", &back)?;
    same_bytes(path, &back)
}

fn same_bytes(a: &Path, b: &Path) -> Verdict {
    let (mut a, mut b) = (File::open(a).map_err(text)?, File::open(b).map_err(text)?);
    if a.metadata().map_err(text)?.len() != b.metadata().map_err(text)?.len() {
        return Err("another length".into());
    }
    let (mut left, mut right) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let count = a.read(&mut left).map_err(text)?;
        if count == 0 {
            return Ok(Holds::Yes);
        }
        b.read_exact(&mut right[..count]).map_err(text)?;
        if left[..count] != right[..count] {
            return Err("other bytes".into());
        }
    }
}
