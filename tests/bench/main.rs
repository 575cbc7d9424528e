//! Speed and memory beside the named peers, as medians of interleaved rounds, so that a busy machine slows both sides.
//!
//! `cargo xtask bench [SUBJECT]…` makes what is needed and runs this. Subjects: `open`, `device`, `dispatch`, `compare`, `kernels`,
//! `int8`, `calibrate`, `hbdk`.

mod calibrate;
mod compare;
mod device;
mod dispatch;
mod hbdk;
mod int8;
mod kernels;
mod measure;
mod models;
mod open;

fn main() {
    // `cargo test` and `cargo bench` pass flags of the standard harness; only words are subjects.
    let chosen: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    if std::env::args().any(|a| a == "--test" || a == "--list") {
        return;
    }
    measure::print_machine();
    let subjects: [(&str, fn()); 8] = [
        ("open", open::bench),
        ("device", device::bench),
        ("dispatch", dispatch::bench),
        ("compare", compare::bench),
        ("kernels", kernels::bench),
        ("int8", int8::bench),
        ("calibrate", calibrate::bench),
        ("hbdk", hbdk::bench),
    ];
    for (name, run) in subjects {
        if chosen.is_empty() || chosen.iter().any(|c| c == name) {
            run();
        }
    }
}
