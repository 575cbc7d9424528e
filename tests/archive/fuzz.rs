//! The fuzz bodies over every sample and hostile file, and over random damage to them.

use std::sync::LazyLock;

use proptest::prelude::*;
use ptool::archive::Archive;
use ptool::testing;

use super::{hostile, read};

#[test]
fn every_file_passes_through() {
    for path in read::samples().into_iter().chain(hostile::files()) {
        let bytes = std::fs::read(&path).expect("readable");
        testing::archive::zip_open(&bytes);
        testing::archive::unpickle(&bytes);
        testing::rewrite::rewrite(&bytes);
        for pickle in pickles(&bytes) {
            testing::archive::unpickle(&pickle);
        }
    }
}

fn pickles(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Ok(archive) = Archive::from_bytes(bytes.to_vec()) else {
        return Vec::new();
    };
    let pickles = archive.entries().filter(|it| it.1.ends_with("pkl"));
    pickles
        .filter_map(|(id, _)| Some(archive.text(id).ok()?.to_vec()))
        .collect()
}

/// Overwrites a few bytes, then cuts the end off.
fn damage(bytes: &mut Vec<u8>, hits: &[(usize, u8)], cut: Option<usize>) {
    let length = bytes.len().max(1);
    for &(at, value) in hits {
        if let Some(byte) = bytes.get_mut(at % length) {
            *byte = value;
        }
    }
    bytes.truncate(cut.map_or(length, |it| it % length));
}

/// The samples of the container itself, all of a few KB.
static SMALL: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut paths = read::samples();
    paths.retain(|it| it.parent().is_some_and(|it| it.ends_with("archive")));
    paths
        .iter()
        .map(|it| std::fs::read(it).expect("readable"))
        .collect()
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_do_not_panic(
        which in any::<usize>(),
        hits in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6),
        cut in prop::option::weighted(0.1, any::<usize>()),
    ) {
        let bytes = &SMALL[which % SMALL.len()];
        for mut pickle in pickles(bytes) {
            damage(&mut pickle, &hits, cut);
            testing::archive::unpickle(&pickle);
        }
        let mut bytes = bytes.clone();
        damage(&mut bytes, &hits, cut);
        testing::archive::zip_open(&bytes);
    }
}

/// A damaged stream that inflates piece by piece, but not at once: both ways must say the same.
#[test]
fn reading_and_checking_agree_on_a_damaged_stream() {
    let sample = read::samples()
        .into_iter()
        .find(|path| path.ends_with("testdata/archive/script_conv.pt"));
    let mut bytes = std::fs::read(sample.expect("the sample exists")).expect("readable");
    damage(&mut bytes, &[(6977292473779927981, 72)], None);
    testing::archive::zip_open(&bytes);
}
