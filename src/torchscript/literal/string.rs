//! String literals: the body between the quotes to bytes and back.

/// An escape that torch's parser refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EscapeError {
    /// What torch's own printer writes for a carriage return and its parser then refuses.
    #[error("expected an escape torch can read, found `\\r`")]
    CarriageReturn,
    /// `\x..`, `\u....`, `\0`, `\400` and every other unknown escape; the text is the backslash and what follows.
    #[error(
        "expected `\\\\`, `\\'`, `\\\"`, `\\a`, `\\b`, `\\f`, `\\n`, `\\t`, `\\v` or three octal digits, found `{0}`"
    )]
    Unknown(String),
}

/// The value of the text between the quotes, and the first refused escape with its offset in `body`.
///
/// The value is whole only without an error or with [`EscapeError::CarriageReturn`], which is read as what it means.
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
        let (decoded, len) = match escape(&body[at + 1..]) {
            Ok(decoded) => decoded,
            Err(e) => {
                let decoded = if e == EscapeError::CarriageReturn {
                    b'\r'
                } else {
                    b'\\'
                };
                error.get_or_insert((at, e));
                (decoded, 1)
            }
        };
        value.push(decoded);
        at += 1 + len;
    }
    (value.into(), error)
}

/// The byte that the text after a backslash stands for, and the length of that text.
fn escape(s: &[u8]) -> Result<(u8, usize), EscapeError> {
    let byte = match s {
        // A backslash before a line break does not join the lines: torch keeps the break.
        [c @ (b'\\' | b'\'' | b'"' | b'\n'), ..] => *c,
        [b'a', ..] => 0x07,
        [b'b', ..] => 0x08,
        [b'f', ..] => 0x0c,
        [b'n', ..] => b'\n',
        [b't', ..] => b'\t',
        [b'v', ..] => 0x0b,
        [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
            return Ok(((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'), 3));
        }
        [b'r', ..] => return Err(EscapeError::CarriageReturn),
        _ => return Err(unknown(s)),
    };
    Ok((byte, 1))
}

#[cold]
fn unknown(s: &[u8]) -> EscapeError {
    let len = match s.first() {
        Some(b'x') => 3,
        Some(b'u') => 5,
        Some(b'0'..=b'9') => s.iter().take(3).take_while(|b| b.is_ascii_digit()).count(),
        _ => 1,
    };
    let shown = String::from_utf8_lossy(&s[..len.min(s.len())])
        .escape_default()
        .to_string();
    EscapeError::Unknown(format!("\\{shown}"))
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
}
