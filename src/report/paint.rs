//! Colours, decided once by the program and passed to what prints.

use std::borrow::Cow;

/// Colours text, or leaves it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    is_on: bool,
}

impl Paint {
    /// Colours.
    pub fn on() -> Paint {
        Paint { is_on: true }
    }

    /// Leaves text alone.
    pub fn off() -> Paint {
        Paint { is_on: false }
    }

    fn wrap<'a>(&self, code: &str, text: &'a str) -> Cow<'a, str> {
        if self.is_on {
            Cow::Owned(format!("\x1b[{code}m{text}\x1b[0m"))
        } else {
            Cow::Borrowed(text)
        }
    }

    /// Whether text is coloured.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// An error's head.
    pub fn error<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.wrap("1;31", text)
    }

    /// A warning's head.
    pub fn warning<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.wrap("1;33", text)
    }

    /// What was taken away, or is wrong.
    pub fn removed<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.wrap("31", text)
    }

    /// What was added, or is right.
    pub fn added<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.wrap("32", text)
    }

    /// A heading.
    pub fn heading<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.wrap("1", text)
    }

    /// A place: a file, a hunk.
    pub fn place<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.wrap("36", text)
    }

    /// What may be skipped.
    pub fn dim<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.wrap("2", text)
    }
}
