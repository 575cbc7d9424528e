//! Names of layers (`horizon.md` 5.4).

use rustc_hash::FxHashSet;
use smol_str::{SmolStr, format_smolstr};

/// What marks a name as one of a tensor in the framework's layout.
pub(super) const NATIVE: &str = "_torch_native";

/// Names given so far; global to one build.
#[derive(Debug, Default)]
pub(super) struct Names {
    used: FxHashSet<SmolStr>,
}

impl Names {
    /// The name of a call in the innermost of `scopes`: `_quantized_ops_2_exp_hz_segment_lut`.
    ///
    /// `scopes` begins with the function name, which is empty. A name that is taken gets `_1`, `_2`, ….
    pub(super) fn annotate(&mut self, scopes: &[SmolStr], call: &str) -> SmolStr {
        let mut base = String::new();
        for part in scopes.iter().map(SmolStr::as_str).chain([call]) {
            base.push_str(part);
            base.push('.');
        }
        base.pop();
        self.unique(base.replace('.', "_").into())
    }

    /// The name itself, or the first free one with a number.
    pub(super) fn unique(&mut self, base: SmolStr) -> SmolStr {
        let mut name = base.clone();
        let mut next = 1u32;
        while !self.used.insert(name.clone()) {
            name = format_smolstr!("{base}_{next}");
            next += 1;
        }
        name
    }
}

/// The name in the framework's layout.
pub(super) fn native(name: &str) -> SmolStr {
    match name.contains(NATIVE) {
        true => name.into(),
        false => format_smolstr!("{name}{NATIVE}"),
    }
}

/// The name in the hardware's layout.
pub(super) fn hardware(name: &str) -> SmolStr {
    name.replace(NATIVE, "").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(parts: &[&str]) -> Vec<SmolStr> {
        parts.iter().map(|p| SmolStr::from(*p)).collect()
    }

    #[test]
    fn examples_of_the_specification() {
        let mut names = Names::default();
        let root = scopes(&[""]);
        assert_eq!(names.annotate(&root, "hz_cat"), "_hz_cat");
        assert_eq!(names.annotate(&root, "hz_cat"), "_hz_cat_1");
        assert_eq!(names.annotate(&root, "hz_cat"), "_hz_cat_2");
        let inner = scopes(&["", "quantized_ops.2", "exp"]);
        let name = names.annotate(&inner, "hz_segment_lut");
        assert_eq!(name, "_quantized_ops_2_exp_hz_segment_lut");
        assert_eq!(
            native(&name),
            "_quantized_ops_2_exp_hz_segment_lut_torch_native"
        );
        assert_eq!(native(&native(&name)), native(&name));
        assert_eq!(hardware(&native(&name)), name);
    }

    #[test]
    fn a_number_that_was_given_by_hand_is_not_given_again() {
        let mut names = Names::default();
        let root = scopes(&[""]);
        names.unique("_hz_add_1".into());
        assert_eq!(names.annotate(&root, "hz_add"), "_hz_add");
        assert_eq!(names.annotate(&root, "hz_add"), "_hz_add_2");
    }
}
