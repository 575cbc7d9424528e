//! There and back, untouched bytes, debug records, reports.

use super::{all_models, models, moved, name, options};
use crate::support::scan::records;
use ptool::archive::Archive;
use ptool::pass::rewrite::debug::DebugRecord;
use ptool::pass::to_device::{Device, Patterns, Report};
use std::fmt::Write;

fn snapshots() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots/to_device");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

#[test]
fn reports() {
    for path in models("devices") {
        let file = std::fs::read(&path).expect("readable");
        let mut text = String::new();
        for target in ["cpu", "cuda", "cuda:1", "follow-input"] {
            let (_, report) = moved(&file, &options(target));
            let _ = writeln!(
                text,
                "# {target}\n\n{}",
                ptool::report::to_device::text(&report)
            );
        }
        let stem = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        snapshots().bind(|| insta::assert_snapshot!(stem, text));
    }
}

/// Away and back gives what going there at once gives; for a model that is there already, its own records.
#[test]
fn there_and_back() {
    let mut other_bytes = String::new();
    for path in all_models() {
        let file = std::fs::read(&path).expect("readable");
        let (direct, report) = moved(&file, &options("cpu"));
        let (away, _) = moved(&file, &options("cuda"));
        let (back, _) = moved(&away, &options("cpu"));
        assert_eq!(records(&back), records(&direct), "{}", name(&path));
        if report.changes.is_empty() {
            assert!(direct == file, "{}: no change, other bytes", name(&path));
        }
        // Same contents and other bytes: records that another writer deflated or framed.
        if back != direct {
            let _ = writeln!(other_bytes, "{}", name(&path));
        }
    }
    snapshots().bind(|| insta::assert_snapshot!("_other_bytes", other_bytes));
}

/// Records outside of the changes keep their bytes.
#[test]
fn nothing_else_changes() {
    for path in all_models() {
        let file = std::fs::read(&path).expect("readable");
        for target in ["cuda:1", "follow-input"] {
            let (out, report) = moved(&file, &options(target));
            let is_reported = |record: &str| {
                let source = record.strip_suffix(".debug_pkl").unwrap_or(record);
                report.changes.iter().any(|c| c.place.record == source)
            };
            let (before, after) = (records(&file), records(&out));
            assert_eq!(before.len(), after.len(), "{}", name(&path));
            for ((record, old), (new_record, new)) in before.iter().zip(&after) {
                assert_eq!(record, new_record);
                assert!(
                    old == new || is_reported(record),
                    "{} {record}",
                    name(&path)
                );
            }
        }
    }
}

/// Rows of a debug record, as offsets.
fn rows(archive: &Archive, record: &str) -> Option<Vec<usize>> {
    let document = archive.pickle(archive.find(record)?).ok()?;
    let record = DebugRecord::new(document.pickle())?;
    Some(record.offsets().map(|o| o as usize).collect())
}

/// After an edit every row starts at the character it started at before.
#[test]
fn debug_records_follow() {
    let mut moved_rows = 0;
    for path in models("devices") {
        let file = std::fs::read(&path).expect("readable");
        let (out, _) = moved(&file, &options("cuda:1"));
        let (old, new) = (
            Archive::from_bytes(file.clone()).expect("opens"),
            Archive::from_bytes(out.clone()).expect("opens"),
        );
        let (old_records, new_records) = (records(&file), records(&out));
        for ((record, old_text), (_, new_text)) in old_records.iter().zip(&new_records) {
            if !record.ends_with(".py") || old_text == new_text {
                continue;
            }
            let debug = format!("{record}.debug_pkl");
            let (Some(before), Some(after)) = (rows(&old, &debug), rows(&new, &debug)) else {
                panic!("{}: {debug} is lost", name(&path));
            };
            assert_eq!(before.len(), after.len());
            assert!(after.is_sorted(), "{} {debug}", name(&path));
            for (&from, &to) in before.iter().zip(&after) {
                if is_in_pair(old_text, from) {
                    continue;
                }
                assert_eq!(
                    old_text.get(from),
                    new_text.get(to),
                    "{} {debug} {from} {to}",
                    name(&path)
                );
                assert_eq!(
                    line_of(old_text, from),
                    line_of(new_text, to),
                    "{} {debug}",
                    name(&path)
                );
                moved_rows += usize::from(from != to);
            }
        }
    }
    assert!(moved_rows > 100, "only {moved_rows} rows moved");
}

/// Whether a byte stands inside `"cpu", 0`, which becomes one text.
fn is_in_pair(text: &[u8], at: usize) -> bool {
    let tail = String::from_utf8_lossy(&text[..at]).into_owned();
    tail.ends_with("device(\"cpu\"") && text[at] == b',' || tail.ends_with("device(\"cpu\", ")
}

fn line_of(text: &[u8], at: usize) -> usize {
    text[..at.min(text.len())]
        .iter()
        .filter(|b| **b == b'\n')
        .count()
}

fn fixture(stem: &str) -> Vec<u8> {
    let path = models("devices")
        .into_iter()
        .find(|p| p.file_stem().is_some_and(|s| s == stem));
    std::fs::read(path.expect("the fixture exists")).expect("readable")
}

fn changed(report: &Report) -> Vec<String> {
    report
        .changes
        .iter()
        .map(|c| format!("{} {}", c.place, c.before))
        .collect()
}

#[test]
fn only_moves_what_it_names() {
    let file = fixture("mixed_devices");
    let mut only = options("cuda:2");
    only.only = vec![Device::parse("cuda").expect("a device")];
    let (out, report) = moved(&file, &only);
    assert!(
        !report.changes.is_empty() && report.changes.iter().all(|c| c.before.contains("cuda")),
        "{:?}",
        changed(&report)
    );
    assert!(
        report
            .left
            .iter()
            .any(|l| l.text == "cpu" && l.reason == "not selected by `--only`")
    );
    let (all, _) = moved(&file, &options("cuda:2"));
    assert_ne!(out, all);
}

#[test]
fn keep_leaves_attributes_and_functions() {
    let file = fixture("attributes");
    let mut keep = options("cuda");
    keep.keep = Patterns::new(["plain".to_owned(), "*.forward".to_owned()]);
    let (_, report) = moved(&file, &keep);
    assert!(
        report
            .left
            .iter()
            .any(|l| l.place.name == "plain" && l.reason == "kept by `--keep plain`"),
        "{report:#?}"
    );
    assert!(
        report.changes.iter().any(|c| c.place.record == "data.pkl"),
        "{:?}",
        changed(&report)
    );
    assert!(
        report
            .changes
            .iter()
            .all(|c| c.place.name != "plain" && !c.place.name.ends_with(".forward"))
    );
}

/// Storages can be kept one by one although they share the text in the memo.
#[test]
fn keep_leaves_single_storages() {
    let file = fixture("storages_traced");
    let (_, all) = moved(&file, &options("cuda"));
    let mut keep = options("cuda");
    keep.keep = Patterns::new(["*.bias".to_owned(), "bias".to_owned()]);
    let (out, some) = moved(&file, &keep);
    let count = |report: &Report| -> usize {
        let storages = report
            .changes
            .iter()
            .filter(|c| c.place.record == "data.pkl" && c.before == "cpu");
        storages.map(|c| c.count).sum()
    };
    let kept = some
        .left
        .iter()
        .filter(|l| l.place.record == "data.pkl")
        .count();
    assert!(
        kept > 0 && count(&some) + kept == count(&all),
        "{kept} kept of {}",
        count(&all)
    );
    let (_, nothing) = moved(&out, &keep);
    assert_eq!(changed(&nothing), Vec::<String>::new());
}
