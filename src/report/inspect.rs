//! What `ptool inspect` tells about a file.

mod code;
mod entries;
mod graph;
mod hbir;
mod ops;
mod summary;
mod tensors;

pub use code::{Code, Listing, code};
pub use entries::{Entries, Entry, entries};
pub use graph::{GraphText, Graphs, dot, flat_graph, graph, graphs};
pub use hbir::{Hbir, hbir};
pub use ops::{OpCount, Ops, ops};
pub use summary::{Method, Parameters, Summary, summary};
pub use tensors::{TensorRow, Tensors, tensors};

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `12.3 MiB`.
pub fn bytes_text(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_sizes_rounded() {
        assert_eq!(
            [grouped(0), grouped(999), grouped(1000), grouped(11_689_512)],
            ["0", "999", "1,000", "11,689,512"]
        );
        assert_eq!(
            [bytes_text(1023), bytes_text(1536), bytes_text(5 << 30)],
            ["1023 bytes", "1.5 KiB", "5.0 GiB"]
        );
    }
}
