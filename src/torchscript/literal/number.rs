//! Number texts to values as the importer reads them, and values to texts as the printer writes them.

/// The value of a number literal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Neither `.`, exponent nor `j`.
    Int(i64),
    /// With `.` or an exponent.
    Float(f64),
    /// The imaginary part of a text ending in `j`.
    Imaginary(f64),
}

/// A number torch refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Outside a signed 64-bit integer.
    #[error("expected an integer that fits in 64 bits, found `{0}`")]
    IntRange(String),
    /// Not spelled like a number.
    #[error("expected a number, found `{0}`")]
    Syntax(String),
}

/// Reads a number as spelled, with at most one leading `-`: the importer folds the sign before it reads,
/// so that `-9223372036854775808` is an integer.
pub fn parse_number(text: &str) -> Result<Number, NumberError> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Err(NumberError::Syntax(text.to_owned()));
    }
    if let Some(real) = text.strip_suffix('j') {
        return Ok(Number::Imaginary(strtod(real)?));
    }
    // As in torch, the digit `e` makes a hexadecimal number a float, and a `p` exponent alone does not.
    if text.contains(['.', 'e', 'E']) {
        return Ok(Number::Float(strtod(text)?));
    }
    stoll(text, unsigned)
}

/// C's `strtoll` with base 0: `0x1F` is hexadecimal, `010` octal, and what is no digit ends the number (`08` is 0).
fn stoll(text: &str, unsigned: &str) -> Result<Number, NumberError> {
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &unsigned[2..]),
        [b'0', ..] => (8, unsigned),
        _ => (10, unsigned),
    };
    let out_of_range = || NumberError::IntRange(text.to_owned());
    let mut value = 0i128;
    for digit in digits.chars().map_while(|c| c.to_digit(radix)) {
        value = value * i128::from(radix) + i128::from(digit);
        if value > 1 << 63 {
            return Err(out_of_range());
        }
    }
    let value = if text.starts_with('-') { -value } else { value };
    i64::try_from(value)
        .map(Number::Int)
        .map_err(|_| out_of_range())
}

/// C's `strtod` on a text of one number; overflow is infinite, as there.
fn strtod(text: &str) -> Result<f64, NumberError> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let value = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => hex_float(&unsigned[2..]),
        _ => unsigned.parse().ok(),
    };
    value
        .map(|v: f64| sign * v)
        .ok_or_else(|| NumberError::Syntax(text.to_owned()))
}

/// `1F`, `1.8p1`: hexadecimal mantissa, decimal power of two.
fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut bits = 0u128;
    let mut dropped = 0i64;
    for digit in whole.chars().chain(fraction.chars()) {
        let digit = u128::from(digit.to_digit(16)?);
        // Beyond 116 bits the digits only say whether the rest is zero: enough for correct rounding to 53.
        if bits >> 116 == 0 {
            bits = bits << 4 | digit;
        } else {
            bits |= u128::from(digit != 0);
            dropped += 4;
        }
    }
    let exponent = exponent.parse::<i64>().ok()?.clamp(-100_000, 100_000);
    let exponent = exponent
        .saturating_add(dropped)
        .saturating_sub(4 * fraction.len() as i64);
    Some(scale(bits, exponent))
}

/// `bits × 2^exponent`, rounded once.
fn scale(bits: u128, exponent: i64) -> f64 {
    if bits == 0 {
        return 0.0;
    }
    // Bits kept: 53, fewer where the result is subnormal.
    let top = 128 - i64::from(bits.leading_zeros());
    let keep = 53.min(top + exponent + 1074);
    if keep < 0 {
        return 0.0;
    }
    let cut = (top - keep).max(0);
    let (mut mantissa, exponent) = (bits.checked_shr(cut as u32).unwrap_or(0), exponent + cut);
    let rest = bits - mantissa.checked_shl(cut as u32).unwrap_or(0);
    let half = if cut == 0 { 0 } else { 1u128 << (cut - 1) };
    if cut > 0 && (rest > half || rest == half && mantissa & 1 == 1) {
        mantissa += 1;
    }
    // Two exact steps: each power of two is representable.
    let first = exponent.clamp(-1000, 1000);
    let second = (exponent - first).clamp(-1000, 1000);
    mantissa as f64 * pow2(first) * pow2(second)
}

fn pow2(exponent: i64) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// Appends a float as torch's printer writes it: `3.`, `0.10000000000000001`, `1e+100`, `inf`, `-inf`, `nan`.
pub fn write_float(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("nan");
    } else if value.is_infinite() {
        out.push_str(if value < 0.0 { "-inf" } else { "inf" });
    } else {
        write_finite(value, out);
    }
}

/// C's `%.17g`, with a `.` where neither that nor an exponent is there.
fn write_finite(value: f64, out: &mut String) {
    use std::fmt::Write;
    // `{:.16e}` is correctly rounded to 17 digits: `-1.0000000000000001e-1`.
    let text = format!("{value:.16e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa
        .strip_prefix('-')
        .map_or(("", mantissa), |m| ("-", m));
    let digits = mantissa.replace('.', "");
    let digits = match digits.trim_end_matches('0') {
        "" => "0",
        digits => digits,
    };
    out.push_str(sign);
    if !(-4..17).contains(&exponent) {
        let (first, rest) = digits.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        // Two digits at least, as C writes it; writing to a string cannot fail.
        let _ = write!(
            out,
            "e{}{:02}",
            if exponent < 0 { '-' } else { '+' },
            exponent.abs()
        );
    } else if exponent < 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', (-exponent - 1) as usize));
        out.push_str(digits);
    } else {
        let whole = exponent as usize + 1;
        let (head, tail) = digits.split_at(whole.min(digits.len()));
        out.push_str(head);
        out.extend(std::iter::repeat_n('0', whole - head.len()));
        out.push('.');
        out.push_str(tail);
    }
}

/// Appends a complex number as torch's printer writes it: `0.+1.5j`, `2.-3.5j`; not a number counts as negative there.
pub fn write_complex(re: f64, im: f64, out: &mut String) {
    write_float(re, out);
    out.push(if im >= 0.0 { '+' } else { '-' });
    write_float(im.abs(), out);
    out.push('j');
}

/// [`write_float`] into a new string.
pub fn float_text(value: f64) -> String {
    let mut out = String::new();
    write_float(value, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complex_numbers_carry_the_sign_between() {
        let text = |re, im| {
            let mut out = String::new();
            write_complex(re, im, &mut out);
            out
        };
        assert_eq!(text(0.0, 1.5), "0.+1.5j");
        assert_eq!(text(2.0, -3.5), "2.-3.5j");
        assert_eq!(text(f64::INFINITY, -0.0), "inf+0.j");
        assert_eq!(text(-0.0, f64::NEG_INFINITY), "-0.-infj");
    }

    #[test]
    fn kinds_and_limits() {
        // Values as `torch.jit.CompilationUnit` of 2.11 gives them.
        let cases = [
            ("3", Number::Int(3)),
            ("0x1F", Number::Int(31)),
            ("010", Number::Int(8)),
            ("08", Number::Int(0)),
            ("019", Number::Int(1)),
            ("0x1p3", Number::Int(1)),
            ("9223372036854775807", Number::Int(i64::MAX)),
            ("-9223372036854775808", Number::Int(i64::MIN)),
            ("-1", Number::Int(-1)),
            ("0x1E", Number::Float(30.0)),
            ("0x1.8p1", Number::Float(3.0)),
            ("1E3", Number::Float(1000.0)),
            ("1.", Number::Float(1.0)),
            (".5", Number::Float(0.5)),
            ("1e400", Number::Float(f64::INFINITY)),
            ("5j", Number::Imaginary(5.0)),
            ("0x1Fj", Number::Imaginary(31.0)),
            ("1e5j", Number::Imaginary(1e5)),
            ("0x", Number::Int(0)),
        ];
        for (text, value) in cases {
            assert_eq!(parse_number(text), Ok(value), "{text}");
        }
        for text in [
            "9223372036854775808",
            "-9223372036854775809",
            "0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
        ] {
            assert_eq!(
                parse_number(text),
                Err(NumberError::IntRange(text.to_owned()))
            );
        }
        for text in ["", "-", "--1", "inf", "nan", "x", "+1"] {
            assert_eq!(
                parse_number(text),
                Err(NumberError::Syntax(text.to_owned()))
            );
        }
    }
}
