//! Files that lie: each is refused with one message, and costs no more than its size allows.

use std::path::Path;
use std::process::Command;

use ptool::archive::{Archive, ArchiveError};

/// Set in the child process whose memory is limited.
const CHILD: &str = "PTOOL_HOSTILE_CHILD";

/// Opens, decodes everything, views every tensor.
fn read_all(path: &Path) -> Result<(), ArchiveError> {
    let archive = Archive::open_torchscript(path)?;
    archive.constants()?.check_tensors()?;
    archive.data()?.check_tensors()?;
    if let Some(inputs) = archive.traced_inputs()? {
        inputs.check_tensors()?;
    }
    for (id, record) in archive.entries() {
        if record.ends_with(".py") {
            archive.text(id)?;
        }
    }
    Ok(())
}

fn name(path: &Path) -> &str {
    path.file_stem()
        .and_then(|it| it.to_str())
        .expect("a UTF-8 name")
}

#[test]
fn every_hostile_archive_is_refused() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots/hostile");
    settings.set_prepend_module_to_snapshot(false);
    settings.remove_snapshot_suffix();
    settings.set_omit_expression(true);
    let mut seen = 0;
    settings.bind(|| {
        for path in files() {
            seen += 1;
            match (read_all(&path), name(&path)) {
                (Ok(()), it) if it.starts_with("ok_") || it.starts_with("src_") => {}
                (Ok(()), it) => panic!("{it} was accepted"),
                (Err(error), it) if it.starts_with("ok_") || it.starts_with("src_") => {
                    panic!("{it}: {error}")
                }
                (Err(error), it) => insta::assert_snapshot!(it, error.to_string()),
            }
        }
    });
    assert!(seen >= 70, "{seen} files");
}

pub(crate) fn files() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hostile");
    let entries = std::fs::read_dir(folder).expect("testdata/hostile");
    let mut files: Vec<_> = entries.map(|it| it.expect("readable").path()).collect();
    files.retain(|it| it.extension().is_some_and(|it| it == "pt"));
    files.sort();
    files
}

/// Snapshots whose file is gone would hide that a case was lost.
#[test]
fn every_snapshot_has_its_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/hostile");
    let names: Vec<String> = files().iter().map(|it| name(it).to_owned()).collect();
    for entry in std::fs::read_dir(folder).expect("snapshots/hostile") {
        let path = entry.expect("readable").path();
        if path.extension().is_some_and(|it| it == "snap") {
            assert!(
                names.iter().any(|it| it == name(&path)),
                "{} has no file",
                path.display()
            );
        }
    }
}

/// All files again in a child that may not take more than 512 MiB of address space, nor overflow its stack.
#[test]
fn hostile_files_cost_little_memory() {
    if std::env::var_os(CHILD).is_some() {
        files().iter().for_each(|it| drop(read_all(it)));
        return;
    }
    let this = std::env::current_exe().expect("a path");
    let status = Command::new("sh")
        .args(["-c", "ulimit -v 524288; exec \"$0\" --exact archive::hostile::hostile_files_cost_little_memory"])
        .arg(this)
        .env(CHILD, "1")
        .output()
        .expect("sh runs");
    assert!(
        status.status.success(),
        "{}",
        String::from_utf8_lossy(&status.stderr)
    );
    let said = String::from_utf8_lossy(&status.stdout);
    assert!(
        said.contains("1 passed"),
        "the child ran another test: {said}"
    );
}
