//! Everything in every sample decodes.

use std::path::{Path, PathBuf};

use ptool::archive::{Archive, ArchiveError, Kind, torch_save};

/// Every `.pt` and `.pth` under a folder of `testdata/`, hostile ones excepted.
pub(crate) fn samples() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("testdata is readable") {
            let path = entry.expect("testdata is readable").path();
            match path.extension().and_then(|it| it.to_str()) {
                _ if path.is_dir() && !path.ends_with("hostile") => folders.push(path),
                Some("pt" | "pth") => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    assert!(found.len() >= 20, "the samples are gone");
    found
}

#[test]
fn every_sample_decodes() {
    for path in samples() {
        read_all(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

fn read_all(path: &Path) -> Result<(), ArchiveError> {
    let Ok(archive) = Archive::open(path) else {
        return torch_save::open(path)?.check_tensors();
    };
    for (id, _) in archive.zip().entries() {
        archive.zip().verify_crc(id)?;
    }
    if archive.kind() == Kind::TorchSave {
        return torch_save::open(path)?.check_tensors();
    }
    archive.require_torchscript()?;
    archive.data()?.check_tensors()?;
    archive.constants()?.check_tensors()?;
    if let Some(inputs) = archive.traced_inputs()? {
        inputs.check_tensors()?;
    }
    for (id, record) in archive.entries() {
        if record.ends_with(".debug_pkl") {
            archive.pickle(id)?;
        }
    }
    Ok(())
}
