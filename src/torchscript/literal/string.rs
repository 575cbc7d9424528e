//! String literals: the body between the quotes to bytes and back.

/// An escape that torch's parser refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EscapeError {
    /// What torch's own printer writes for a carriage return and its parser then refuses.
    #[error("expected an escape torch can read, found `\\r`")]
    CarriageReturn,
    /// What torch's own printer writes for a byte above 127: octal digits counted down from `0`.
    #[error("expected three octal digits, found `{0}`")]
    SignedOctal(String),
    /// `\x..`, `\u....`, `\0`, `\400` and every other unknown escape; the text is the backslash and what follows.
    #[error(
        "expected `\\\\`, `\\'`, `\\\"`, `\\a`, `\\b`, `\\f`, `\\n`, `\\t`, `\\v` or three octal digits, found `{0}`"
    )]
    Unknown(String),
}

impl EscapeError {
    /// Whether torch wrote this itself, though it cannot read it: such an escape has one meaning and is read as that.
    pub fn is_torchs_own(&self) -> bool {
        matches!(
            self,
            EscapeError::CarriageReturn | EscapeError::SignedOctal(_)
        )
    }
}

/// The value of the text between the quotes, and the first refused escape with its offset in `body`.
///
/// The value is whole without an error, and with one that [`EscapeError::is_torchs_own`].
pub fn unescape(body: &[u8]) -> (Box<[u8]>, Option<(usize, EscapeError)>) {
    if !body.contains(&b'\\') {
        return (body.into(), None);
    }
    let mut value = Vec::with_capacity(body.len());
    let mut error = None;
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        if byte != b'\\' {
            value.push(byte);
            at += 1;
            continue;
        }
        let Escape {
            decoded,
            len,
            refused,
        } = escape(&body[at + 1..]);
        if let Some(refused) = refused {
            error.get_or_insert((at, refused));
        }
        value.push(decoded);
        at += 1 + len;
    }
    (value.into(), error)
}

/// What follows a backslash.
struct Escape {
    /// The byte it stands for.
    decoded: u8,
    /// How many bytes spell it.
    len: usize,
    refused: Option<EscapeError>,
}

fn escape(s: &[u8]) -> Escape {
    let read = |decoded, len| Escape {
        decoded,
        len,
        refused: None,
    };
    match *s {
        // A backslash before a line break does not join the lines: torch keeps the break.
        [c @ (b'\\' | b'\'' | b'"' | b'\n'), ..] => read(c, 1),
        [b'a', ..] => read(0x07, 1),
        [b'b', ..] => read(0x08, 1),
        [b'f', ..] => read(0x0c, 1),
        [b'n', ..] => read(b'\n', 1),
        [b't', ..] => read(b'\t', 1),
        [b'v', ..] => read(0x0b, 1),
        [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
            read((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'), 3)
        }
        // A `char` is signed where torch prints it, so the remainders of 8 are 0 to -7.
        [a, b, c, ..] if (b'.'..=b'0').contains(&a) && is_signed(b) && is_signed(c) => Escape {
            decoded: ((b'0' - a) * 64 + (b'0' - b) * 8 + (b'0' - c)).wrapping_neg(),
            len: 3,
            refused: Some(EscapeError::SignedOctal(shown(s, 3))),
        },
        [b'r', ..] => Escape {
            decoded: b'\r',
            len: 1,
            refused: Some(EscapeError::CarriageReturn),
        },
        _ => unknown(s),
    }
}

fn is_signed(digit: u8) -> bool {
    (b')'..=b'0').contains(&digit)
}

#[cold]
fn unknown(s: &[u8]) -> Escape {
    let len = match s.first() {
        Some(b'x') => 3,
        Some(b'u') => 5,
        Some(b'0'..=b'9') => s.iter().take(3).take_while(|b| b.is_ascii_digit()).count(),
        _ => 1,
    };
    Escape {
        decoded: b'\\',
        len: 0,
        refused: Some(EscapeError::Unknown(shown(s, len))),
    }
}

/// The backslash and `len` bytes after it, for messages.
fn shown(s: &[u8], len: usize) -> String {
    format!("\\{}", s[..len.min(s.len())].escape_ascii())
}

/// Appends `value` as torch's printer writes it, quotes included, with `\015` for the `\r` that torch cannot read back.
pub fn write_quoted(value: &[u8], out: &mut String) {
    out.push('"');
    for &byte in value {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\'' => out.push_str("\\'"),
            b'"' => out.push_str("\\\""),
            0x07 => out.push_str("\\a"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            0x0b => out.push_str("\\v"),
            b' '..=b'~' => out.push(byte as char),
            _ => out.extend(['\\', digit(byte >> 6), digit(byte >> 3), digit(byte)]),
        }
    }
    out.push('"');
}

fn digit(bits: u8) -> char {
    (b'0' + (bits & 7)) as char
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(value: &[u8]) -> String {
        let mut out = String::new();
        write_quoted(value, &mut out);
        out
    }

    #[test]
    fn every_byte_survives() {
        let all: Vec<u8> = (0..=255).collect();
        let text = quoted(&all);
        assert!(text.is_ascii());
        assert_eq!(
            unescape(&text.as_bytes()[1..text.len() - 1]),
            (all.into(), None)
        );
    }

    #[test]
    fn escapes_are_torchs() {
        assert_eq!(
            quoted(b"tab\t nl\n nul\0 bel\x07 \x7f esc\x1b cr\r"),
            r#""tab\t nl\n nul\000 bel\a \177 esc\033 cr\015""#
        );
        assert_eq!(quoted(b"a'b\"c\\"), r#""a\'b\"c\\""#);
        assert_eq!(unescape(b"a\\\nb").0.as_ref(), b"a\nb");
    }

    #[test]
    fn refused_escapes_are_named() {
        let unknown = |s: &str| EscapeError::Unknown(s.to_owned());
        let cases: [(&[u8], usize, EscapeError); 7] = [
            (br"a\x41", 1, unknown(r"\x41")),
            (br"\u0041", 0, unknown(r"\u0041")),
            (br"\0", 0, unknown(r"\0")),
            (br"\400", 0, unknown(r"\400")),
            (br"\q", 0, unknown(r"\q")),
            (b"\\", 0, unknown("\\")),
            (br"ab\r", 2, EscapeError::CarriageReturn),
        ];
        for (body, at, error) in cases {
            assert_eq!(unescape(body).1, Some((at, error)), "{body:?}");
        }
        assert_eq!(unescape(br"a\rb").0.as_ref(), b"a\rb");
    }

    #[test]
    fn torchs_signed_octal_is_understood() {
        // As torch 2.11 prints an attribute named `é`.
        let (value, error) = unescape(br"\0)+\/.)");
        assert_eq!(value.as_ref(), "é".as_bytes());
        assert!(error.is_some_and(|(at, error)| at == 0 && error.is_torchs_own()));
        for byte in 0x80..=0xffu8 {
            let mut rest = i32::from(byte as i8);
            let mut digits = [0; 3];
            for digit in digits.iter_mut().rev() {
                *digit = (i32::from(b'0') + rest % 8) as u8;
                rest /= 8;
            }
            let (value, error) = unescape(&[b"\\".as_slice(), &digits].concat());
            assert_eq!(value.as_ref(), [byte]);
            assert!(error.is_some_and(|(_, error)| error.is_torchs_own()));
        }
    }
}
