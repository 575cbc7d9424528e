//! After a move no record or literal of the old device is left, by a scan that shares no code with the library.

use super::{all_models, moved, name, options};
use crate::support::scan::forgotten;
use ptool::pass::to_device::Report;

#[test]
fn no_old_device_is_left() {
    for path in all_models() {
        let file = std::fs::read(&path).expect("readable");
        for (target, old) in [
            ("cuda", "cpu"),
            ("cpu", "cuda"),
            ("cpu", "cuda:0"),
            ("cpu", "meta"),
            ("cuda:3", "cpu"),
        ] {
            let (out, report) = moved(&file, &options(target));
            assert_eq!(
                forgotten(&out, &report, old),
                Vec::<String>::new(),
                "{} to {target}",
                name(&path)
            );
        }
    }
}

#[test]
fn the_scan_itself_finds_devices() {
    let path = super::models("devices")
        .into_iter()
        .find(|p| p.ends_with("attributes.pt"));
    let file = std::fs::read(path.expect("the fixture exists")).expect("readable");
    let found = forgotten(&file, &Report::default(), "cpu");
    assert!(
        found.iter().filter(|f| f.starts_with("data.pkl")).count() >= 2,
        "{found:?}"
    );
    assert!(found.iter().any(|f| f.contains(".py")), "{found:?}");
}
