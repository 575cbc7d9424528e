//! Laws of the serialised source.

use crate::torchscript::{parse, print};

/// Any bytes parse or are refused without a panic, errors lie inside them, and what was understood prints to a text
/// that parses to the same tree and prints to itself.
///
/// # Panics
///
/// Panics when the law does not hold.
pub fn parse_roundtrip(src: &[u8]) {
    let (file, errors) = parse::parse(src);
    for error in &errors {
        let range = error.range;
        assert!(
            range.start <= range.end && range.end as usize <= src.len(),
            "{error} at {range:?} of {}",
            src.len()
        );
    }
    assert_eq!(parse::parse_strict(src).is_ok(), errors.is_empty());
    let text = print::print(&file);
    match parse::parse_strict(text.as_bytes()) {
        Ok(again) => {
            assert_eq!(print::print(&again), text);
            let same = again.without_ranges() == file.without_ranges();
            assert!(same || !errors.is_empty(), "the tree changed:\n{text}");
        }
        // What broken statements leave behind can be empty where the language wants something.
        Err(error) => assert!(!errors.is_empty(), "{error} in\n{text}"),
    }
}
