//! Laws of the container and of pickles.

use crate::archive::pickle::{Dialect, Patch, Pickle, Scalar};
use crate::archive::{Archive, Blob, Plan, torch_save};

/// Opens any bytes, decodes and views all there is, and writes it back unchanged.
pub fn zip_open(bytes: &[u8]) {
    if let Ok(saved) = torch_save::from_blob(Blob::from(bytes.to_vec())) {
        let _ = saved.check_tensors();
    }
    let Ok(archive) = Archive::from_bytes(bytes.to_vec()) else {
        return;
    };
    let _ = archive.require_torchscript();
    for document in [
        archive.data().ok(),
        archive.constants().ok(),
        archive.traced_inputs().ok().flatten(),
    ] {
        let _ = document.map(|it| it.check_tensors());
    }
    for (id, _) in archive.zip().entries() {
        let (read, checked) = (
            archive.read(id).is_ok(),
            archive.zip().verify_crc(id).is_ok(),
        );
        assert!(
            read || !checked,
            "a record whose checksum holds can be read"
        );
    }
    let same = Plan::new(&archive).to_bytes();
    assert!(
        same.is_ok_and(|it| it == bytes),
        "no change is the identity"
    );
    added(&archive);
}

/// Adds a record, which moves the directory: all records must survive.
fn added(archive: &Archive) {
    let mut plan = Plan::new(archive);
    if plan.add("extra/added", b"added".to_vec()).is_err() {
        return;
    }
    let Ok(bytes) = plan.to_bytes() else { return };
    let Ok(again) = Archive::from_bytes(bytes) else {
        panic!("what was written cannot be read")
    };
    for (id, _) in archive.zip().entries() {
        let name = String::from_utf8_lossy(archive.zip().name(id)).into_owned();
        let Some(copy) = again.zip().find(b"", &name) else {
            continue;
        };
        if let (Ok(old), Ok(new)) = (archive.read(id), again.read(copy)) {
            assert_eq!(old, new, "`{name}` changed");
        }
    }
}

/// Decodes any bytes in both dialects; a patch without edits is the identity, and one with edits still decodes.
pub fn unpickle(bytes: &[u8]) {
    for dialect in [Dialect::Jit, Dialect::Python] {
        let Ok(pickle) = Pickle::decode(Blob::from(bytes.to_vec()), dialect) else {
            continue;
        };
        let same = Patch::new(&pickle).apply();
        assert!(same.is_ok_and(|it| it == bytes), "no edit is the identity");
        let mut patch = Patch::new(&pickle);
        for (_, storage) in pickle.storages() {
            // The same use may serve several storages.
            let _ = patch.replace(storage.location_op, Scalar::str("meta"));
        }
        let Ok(edited) = patch.apply() else { continue };
        let Ok(after) = Pickle::decode(Blob::from(edited), dialect) else {
            panic!("the edited pickle is broken")
        };
        assert_eq!(after.storages().len(), pickle.storages().len());
        assert!(
            after
                .storages()
                .all(|(_, it)| after.text(it.location) == b"meta")
                || bytes[1] >= 4
        );
    }
}
