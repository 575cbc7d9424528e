//! How far a number or a string reaches.

/// What a token's first byte says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Letter,
    Digit,
    Quote,
    Dot,
    Punct,
    Other,
}

const CLASSES: [Class; 256] = {
    let mut table = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            b'"' | b'\'' => Class::Quote,
            b'.' => Class::Dot,
            b'(' | b')' | b'[' | b']' | b'{' | b'}' | b',' | b':' | b'=' | b'+' | b'-' | b'*'
            | b'/' | b'%' | b'@' | b'~' | b'&' | b'|' | b'^' | b'<' | b'>' | b'!' | b'#' => {
                Class::Punct
            }
            _ => Class::Other,
        };
        byte += 1;
    }
    table
};

pub(crate) fn class(byte: u8) -> Class {
    CLASSES[byte as usize]
}

/// How many bytes C's `strtod` takes from a digit or dot on, with the `j` of an imaginary number.
pub(crate) fn number_len(s: &[u8]) -> usize {
    let len = match s {
        [b'0', b'x' | b'X', rest @ ..] => match real_len(rest, u8::is_ascii_hexdigit, b'p') {
            0 => 1,
            len => len + 2,
        },
        _ => real_len(s, u8::is_ascii_digit, b'e'),
    };
    len + usize::from(s.get(len) == Some(&b'j'))
}

/// `digits [. digits] [e [sign] decimal digits]`; 0 without any digit in the mantissa.
fn real_len(s: &[u8], digit: fn(&u8) -> bool, exponent: u8) -> usize {
    let run = |from: usize, digit: fn(&u8) -> bool| {
        s.get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(|b| digit(b))
            .count()
    };
    let whole = run(0, digit);
    let mut len = whole;
    if s.get(whole) == Some(&b'.') {
        let fraction = run(whole + 1, digit);
        if whole + fraction == 0 {
            return 0;
        }
        len += 1 + fraction;
    }
    if len > 0
        && s.get(len)
            .is_some_and(|b| b.eq_ignore_ascii_case(&exponent))
    {
        let sign = usize::from(matches!(s.get(len + 1), Some(b'+' | b'-')));
        match run(len + 1 + sign, u8::is_ascii_digit) {
            0 => {}
            digits => len += 1 + sign + digits,
        }
    }
    len
}

/// 3 for a triple quote, 1 for a single one.
pub(crate) fn quote_len(s: &[u8]) -> usize {
    if s.len() >= 3 && s[1] == s[0] && s[2] == s[0] {
        3
    } else {
        1
    }
}

/// The length of the literal at the start of `s`, quotes included; nothing when it is not closed.
pub(crate) fn string_len(s: &[u8]) -> Option<usize> {
    let quotes = quote_len(s);
    let mut end = quotes;
    while let Some(&byte) = s.get(end) {
        match byte {
            b'\\' => end += 2,
            b'\n' if quotes == 1 => return None,
            _ if byte == s[0] && (quotes == 1 || quote_len(&s[end..]) == 3) => {
                return Some(end + quotes);
            }
            _ => end += 1,
        }
    }
    None
}

/// How long the refused character at the start of `s` is, and its name in messages.
pub(crate) fn describe_byte(s: &[u8]) -> (usize, String) {
    let head = &s[..s.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(e) => std::str::from_utf8(&head[..e.valid_up_to()]).unwrap_or_default(),
    };
    match valid.chars().next() {
        Some('\u{feff}') => (3, "a byte order mark".to_owned()),
        Some(c) if c.is_control() => (
            c.len_utf8(),
            format!("the control character U+{:04X}", c as u32),
        ),
        Some(c) => (c.len_utf8(), format!("`{c}`")),
        None => (1, format!("the byte 0x{:02x}", s[0])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_reach_as_far_as_strtod() {
        let cases = [
            ("1.", 2),
            (".5", 2),
            ("1e3,", 3),
            ("1e+", 1),
            ("1e-05)", 5),
            ("01", 2),
            ("0x1F", 4),
            ("0x", 1),
            ("0x.8p-1", 7),
            ("0x.", 1),
            ("0b1", 1),
            ("1_000", 1),
            ("1.j", 3),
            ("1J", 1),
            ("0x1Fj", 5),
            ("1..2", 2),
            ("1.e5", 4),
        ];
        for (text, len) in cases {
            assert_eq!(number_len(text.as_bytes()), len, "{text}");
        }
    }

    #[test]
    fn strings_end_at_their_quote() {
        let cases = [
            (r#""a\"b" c"#, Some(6)),
            (r#""""#, Some(2)),
            ("\"a\nb\"", None),
            ("\"a\\\nb\"", Some(6)),
            ("'''a'b''' ", Some(9)),
            ("'''a''", None),
            ("\"a\\", None),
            ("''''a''' ", Some(8)),
        ];
        for (text, len) in cases {
            assert_eq!(string_len(text.as_bytes()), len, "{text}");
        }
    }
}
