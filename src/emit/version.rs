//! The file's version number: the highest that an operator in its sources needs (`torchscript.md` 1.9).

/// Nothing lower is written today.
pub(super) const LOWEST: u64 = 3;

/// Operators whose meaning changed, and the number since which they mean what they mean today.
const CHANGED: &[(&str, u64)] = &[
    ("div", 4),
    ("div_", 4),
    ("full", 5),
    ("linspace", 8),
    ("logspace", 9),
    ("gelu", 10),
];

/// The number that a source text needs.
pub(super) fn needed(text: &str) -> u64 {
    let called = |prefix: &str| {
        let tails = text
            .match_indices(prefix)
            .map(|it| &text[it.0 + prefix.len()..]);
        tails.filter_map(number_of).max()
    };
    let found = called("torch.").max(called("ops.aten."));
    found.unwrap_or(LOWEST).max(LOWEST)
}

/// The number of the operator whose name and opening parenthesis start a text.
fn number_of(tail: &str) -> Option<u64> {
    let (name, _) = tail.split_once('(')?;
    CHANGED.iter().find(|it| it.0 == name).map(|it| it.1)
}

#[cfg(test)]
mod tests {
    use super::needed;

    #[test]
    fn the_highest_counts() {
        assert_eq!(needed("return torch.add(x, 1)"), 3);
        assert_eq!(needed("return torch.div(x, torch.full([1], 2))"), 5);
        assert_eq!(needed("return torch.gelu(torch.div(x, y))"), 10);
        assert_eq!(needed("return torch.full_like(x, 2)"), 3);
    }
}
