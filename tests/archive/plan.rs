//! Writing: identity, torch's own layout, random plans judged by another zip reader, atomicity.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{Cursor, Read};

use proptest::prelude::*;
use ptool::archive::{Archive, Plan, zip::Method};

use super::read::samples;

#[test]
fn nothing_changed_gives_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for path in samples() {
        let Ok(archive) = Archive::open(&path) else {
            continue;
        };
        let original = std::fs::read(&path).expect("readable");
        let plan = Plan::new(&archive);
        let output = folder.path().join("out.pt");
        plan.write(&output).expect("writable");
        assert!(
            std::fs::read(&output).expect("written") == original,
            "{}",
            path.display()
        );
        assert!(
            plan.to_bytes().expect("written") == original,
            "{}",
            path.display()
        );
    }
}

/// A record that is replaced by its own bytes must come out as torch wrote it: header, padding, compressed bytes,
/// descriptor, directory and end records.
#[test]
fn new_records_are_laid_out_as_torch_does() {
    for path in samples()
        .into_iter()
        .filter(|it| it.parent().is_some_and(|it| it.ends_with("archive")))
    {
        let Ok(archive) = Archive::open(&path) else {
            continue;
        };
        let mut plan = Plan::new(&archive);
        for (id, _) in archive.zip().entries() {
            let bytes = archive.zip().read(id).expect("readable").into_owned();
            plan.replace(id, bytes).expect("known");
        }
        assert!(!plan.is_unchanged());
        let original = std::fs::read(&path).expect("readable");
        assert!(
            plan.to_bytes().expect("written") == original,
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_record_that_grows_moves_the_others_by_whole_alignments() {
    let archive = sample("script_conv.pt");
    for growth in [0, 1, 3, 60, 64, 1000] {
        let mut plan = Plan::new(&archive);
        let first = archive.zip().in_file_order()[0];
        let size = archive.zip().entry(first).size as usize;
        plan.replace(first, vec![7; size + growth]).expect("known");
        let moved = Archive::from_bytes(plan.to_bytes().expect("written")).expect("readable");
        let before = archive
            .zip()
            .in_file_order()
            .last()
            .map(|it| archive.zip().entry(*it).header_offset);
        let after = moved
            .zip()
            .in_file_order()
            .last()
            .map(|it| moved.zip().entry(*it).header_offset);
        let shift = after.expect("records") - before.expect("records");
        assert_eq!(shift % 64, 0, "{growth}");
        check_alignment(&moved);
    }
}

#[test]
fn an_input_can_be_overwritten_and_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("m.pt");
    std::fs::write(
        &path,
        std::fs::read(sample_path("trace_lin.pt")).expect("readable"),
    )
    .expect("writable");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("ours");
    let link = folder.path().join("link.pt");
    std::os::unix::fs::symlink("m.pt", &link).expect("a link");
    let archive = Archive::open(&link).expect("readable");
    let mut plan = Plan::new(&archive);
    plan.add("extra/note", b"hello".to_vec())
        .expect("a new name");
    plan.write(&link).expect("writable");
    let written = Archive::open(&path).expect("readable");
    let note = written.find("extra/note").expect("added");
    assert_eq!(&written.read(note).expect("readable")[..], b"hello");
    assert_eq!(
        std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode()
            & 0o777,
        0o640
    );
    assert!(
        std::fs::symlink_metadata(&link)
            .expect("there")
            .is_symlink()
    );
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        2,
        "no temporary file is left"
    );
}

#[test]
fn a_failed_write_leaves_the_target_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = sample("trace_lin.pt");
    let mut plan = Plan::new(&archive);
    plan.add("EXTRA/note", b"1".to_vec()).expect("a new name");
    plan.add("extra/NOTE", b"2".to_vec())
        .expect("sound by itself");
    let path = folder.path().join("out.pt");
    std::fs::write(&path, b"before").expect("writable");
    let error = plan
        .write(&path)
        .expect_err("two names that differ in case only");
    assert!(error.to_string().contains("ignoring case"), "{error}");
    assert_eq!(std::fs::read(&path).expect("there"), b"before");
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        1
    );
}

#[test]
fn an_archive_from_nothing() {
    let mut plan = Plan::create("archive");
    plan.add("data.pkl", b"\x80\x02N.".to_vec())
        .expect("a new name");
    plan.add("code/__torch__.py", b"x".repeat(300))
        .expect("a new name");
    plan.add("version", b"3\n".to_vec()).expect("a new name");
    for name in ["", "/a", "a/../b", "a//b", "a\0"] {
        assert!(plan.add(name, Vec::new()).is_err(), "{name:?}");
    }
    let archive = Archive::from_bytes(plan.to_bytes().expect("written")).expect("readable");
    assert_eq!(archive.name(), "archive");
    check_alignment(&archive);
    let code = archive.find("code/__torch__.py").expect("there");
    assert_eq!(archive.zip().entry(code).method, Method::Deflated);
}

/// Names the file that a child process overwrites until it is killed.
const VICTIM: &str = "PTOOL_WRITE_VICTIM";

/// A killed process leaves the old file or a whole new one, at any moment.
#[test]
fn a_killed_write_leaves_a_whole_file() {
    if let Some(victim) = std::env::var_os(VICTIM) {
        overwrite_forever(victim.as_ref());
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let victim = folder.path().join("victim.pt");
    let mut plan = Plan::create("archive");
    plan.add("data/0", vec![1u8; 8 << 20]).expect("a new name");
    plan.write(&victim).expect("writable");
    for pause_ms in [5, 10, 20, 40, 80] {
        let mut child = std::process::Command::new(std::env::current_exe().expect("a path"))
            .args([
                "--exact",
                "archive::plan::a_killed_write_leaves_a_whole_file",
            ])
            .env(VICTIM, &victim)
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("it starts");
        std::thread::sleep(std::time::Duration::from_millis(pause_ms));
        let ended = child.try_wait().expect("ours");
        assert!(
            ended.is_none() || pause_ms < 80,
            "the child did not overwrite anything: {ended:?}"
        );
        child.kill().expect("ours");
        child.wait().expect("it ended");
        let archive = Archive::open(&victim).expect("a whole file");
        check_alignment(&archive);
    }
}

fn overwrite_forever(victim: &std::path::Path) -> ! {
    for round in 0u64.. {
        let archive = Archive::open(victim).expect("a whole file");
        let mut plan = Plan::new(&archive);
        let first = archive.find("data/0").expect("there");
        plan.replace(first, vec![round as u8; 8 << 20])
            .expect("known");
        plan.write(victim).expect("writable");
    }
    unreachable!("the loop has no end")
}

fn sample_path(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/archive")
        .join(name)
}

fn sample(name: &str) -> Archive {
    Archive::open(sample_path(name)).expect("a good sample")
}

fn check_alignment(archive: &Archive) {
    for (id, _) in archive.zip().entries() {
        let data = archive.zip().local(id).expect("a header").data;
        assert_eq!(data.start % 64, 0, "{}", archive.zip().display_name(id));
        archive.zip().verify_crc(id).expect("a checksum");
    }
}

/// One random change.
#[derive(Clone, Debug)]
enum Change {
    Drop(usize),
    Replace(usize, Vec<u8>),
    Add(u8, Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..600);
    prop_oneof![
        any::<usize>().prop_map(Change::Drop),
        (any::<usize>(), bytes()).prop_map(|(at, bytes)| Change::Replace(at, bytes)),
        (any::<u8>(), bytes()).prop_map(|(name, bytes)| Change::Add(name, bytes)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_plans_read_back(which in 0usize..3, changes in prop::collection::vec(change(), 1..8)) {
        let archive = sample(["script_big.pt", "trace_conv.pt", "save_list.pth"][which]);
        let mut expected: BTreeMap<String, Vec<u8>> = archive
            .entries()
            .map(|(id, record)| (record.to_owned(), archive.read(id).expect("readable").into_owned()))
            .collect();
        let mut plan = Plan::new(&archive);
        let ids: Vec<_> = archive.entries().map(|(id, record)| (id, record.to_owned())).collect();
        for change in changes {
            match change {
                Change::Drop(at) => {
                    let (id, record) = &ids[at % ids.len()];
                    plan.drop_entry(*id).expect("known");
                    expected.remove(record);
                }
                Change::Replace(at, bytes) => {
                    let (id, record) = &ids[at % ids.len()];
                    plan.replace(*id, bytes.clone()).expect("known");
                    expected.insert(record.clone(), bytes);
                }
                Change::Add(name, bytes) => {
                    let record = format!("extra/{name}{}", if name % 2 == 0 { ".py" } else { "" });
                    if let Entry::Vacant(slot) = expected.entry(record) {
                        plan.add(slot.key(), bytes.clone()).expect("a new name");
                        slot.insert(bytes);
                    }
                }
            }
        }
        let bytes = plan.to_bytes().expect("written");
        judge(&bytes, &expected);
        // Once more through the writer: what it wrote is a fixed point.
        let again = Archive::from_bytes(bytes.clone()).expect("readable");
        let mut same = Plan::new(&again);
        let stored = again.zip().entries().filter(|it| it.1.method == Method::Stored);
        for (id, _) in stored {
            same.replace(id, again.zip().read(id).expect("readable").into_owned()).expect("known");
        }
        prop_assert!(same.to_bytes().expect("written") == bytes);
    }
}

/// Our reader and the `zip` crate's must both find exactly these records.
fn judge(bytes: &[u8], expected: &BTreeMap<String, Vec<u8>>) {
    let ours = Archive::from_bytes(bytes.to_vec()).expect("readable");
    check_alignment(&ours);
    let found: BTreeMap<String, Vec<u8>> = ours
        .entries()
        .map(|(id, it)| (it.to_owned(), ours.read(id).expect("readable").into_owned()))
        .collect();
    assert_eq!(&found, expected);
    let mut theirs = zip::ZipArchive::new(Cursor::new(bytes)).expect("the zip crate opens it");
    assert_eq!(theirs.len(), expected.len());
    for index in 0..theirs.len() {
        let mut file = theirs.by_index(index).expect("an entry");
        let record = file
            .name()
            .expect("UTF-8")
            .split_once('/')
            .expect("in the folder")
            .1
            .to_owned();
        let mut content = Vec::new();
        file.read_to_end(&mut content).expect("readable");
        assert_eq!(Some(&content), expected.get(&record), "{record}");
    }
}
