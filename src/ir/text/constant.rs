//! Constants in graph text: `1`, `-0.`, `2.+infj`, `"a\n"`, `[1, 2]`, `torch.device("cpu")`, `CONSTANTS.c0`.

use super::cursor::Cursor;
use super::{MAX_NESTING, TextError};
use crate::ir::{Constant, Type};
use std::fmt::Write;

/// A double as torch prints it: 17 significant digits without trailing zeros, with a dot when nothing else shows it is one.
pub fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0. { "inf" } else { "-inf" }.to_owned();
    }
    let text = general_format(value);
    if text.contains(['.', 'e']) {
        text
    } else {
        text + "."
    }
}

/// C's `%.17g`.
fn general_format(value: f64) -> String {
    let scientific = format!("{value:.16e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..17).contains(&exponent) {
        let fixed = format!("{value:.*}", (16 - exponent) as usize);
        return trim_zeros(&fixed).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim_zeros(mantissa), exponent.abs())
}

fn trim_zeros(text: &str) -> &str {
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.')
}

/// A string literal as torch escapes it; bytes that are not ASCII as octal escapes.
pub fn quoted_text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\'' => out.push_str("\\'"),
            b'"' => out.push_str("\\\""),
            7 => out.push_str("\\a"),
            8 => out.push_str("\\b"),
            12 => out.push_str("\\f"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            11 => out.push_str("\\v"),
            b' '..=b'~' => out.push(byte as char),
            _ => {
                let _ = write!(out, "\\{byte:03o}");
            }
        }
    }
    out.push('"');
    out
}

/// The value of a constant node of type `ty`, as in `[value=…]`.
pub(super) fn write_value(out: &mut String, constant: &Constant, ty: &Type) {
    match constant {
        Constant::Bool(value) if *ty == Type::Bool => out.push(if *value { '1' } else { '0' }),
        Constant::Device(name) if *ty == Type::Device => {
            out.push_str(&quoted_text(name.as_bytes()));
        }
        other => write_nested(out, other),
    }
}

fn write_nested(out: &mut String, constant: &Constant) {
    match constant {
        Constant::None => out.push_str("None"),
        Constant::Bool(true) => out.push_str("True"),
        Constant::Bool(false) => out.push_str("False"),
        Constant::Int(value) => {
            let _ = write!(out, "{value}");
        }
        Constant::Float(value) => out.push_str(&float_text(*value)),
        Constant::Complex(re, im) => {
            let _ = write!(out, "{}+{}j", float_text(*re), float_text(*im));
        }
        Constant::Str(bytes) => out.push_str(&quoted_text(bytes)),
        Constant::Device(name) => {
            let _ = write!(out, "torch.device({})", quoted_text(name.as_bytes()));
        }
        Constant::List(items) => write_items(out, "[", items, "]"),
        Constant::Tuple(items) if items.len() == 1 => write_items(out, "(", items, ",)"),
        Constant::Tuple(items) => write_items(out, "(", items, ")"),
        Constant::Dict(entries) => write_entries(out, entries),
        Constant::Enum { class, member } => {
            let _ = write!(out, "{class}.{member}");
        }
        Constant::Table(index) => {
            let _ = write!(out, "CONSTANTS.c{index}");
        }
        Constant::Function(name) => {
            let _ = write!(out, "Function({})", quoted_text(name.as_bytes()));
        }
    }
}

fn write_items(out: &mut String, open: &str, items: &[Constant], close: &str) {
    out.push_str(open);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_nested(out, item);
    }
    out.push_str(close);
}

fn write_entries(out: &mut String, entries: &[(Constant, Constant)]) {
    out.push('{');
    for (i, (key, value)) in entries.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_nested(out, key);
        out.push_str(": ");
        write_nested(out, value);
    }
    out.push('}');
}

/// Reads a constant; [`settle`] gives it the form its type asks for.
pub(super) fn read_value(cursor: &mut Cursor, depth: usize) -> Result<Constant, TextError> {
    if depth > MAX_NESTING {
        return Err(TextError::TooDeep {
            line: cursor.line(),
            limit: MAX_NESTING,
        });
    }
    match cursor.rest().as_bytes().first() {
        Some(b'"') => Ok(Constant::Str(cursor.string()?.into())),
        Some(b'[') => {
            cursor.advance(1);
            Ok(Constant::List(read_items(cursor, "]", depth)?))
        }
        Some(b'(') => {
            cursor.advance(1);
            Ok(Constant::Tuple(read_items(cursor, ")", depth)?))
        }
        Some(b'{') => {
            cursor.advance(1);
            read_entries(cursor, depth)
        }
        Some(b'-' | b'0'..=b'9' | b'.') => read_number(cursor),
        _ => read_named(cursor),
    }
}

fn read_items(
    cursor: &mut Cursor,
    close: &'static str,
    depth: usize,
) -> Result<Vec<Constant>, TextError> {
    let mut items = Vec::new();
    while !cursor.eat(close) {
        items.push(read_value(cursor, depth + 1)?);
        if !cursor.eat(",") {
            cursor.expect(close)?;
            break;
        }
    }
    Ok(items)
}

fn read_entries(cursor: &mut Cursor, depth: usize) -> Result<Constant, TextError> {
    let mut entries = Vec::new();
    while !cursor.eat("}") {
        let key = read_value(cursor, depth + 1)?;
        cursor.expect(":")?;
        entries.push((key, read_value(cursor, depth + 1)?));
        if !cursor.eat(",") {
            cursor.expect("}")?;
            break;
        }
    }
    Ok(Constant::Dict(entries))
}

fn read_named(cursor: &mut Cursor) -> Result<Constant, TextError> {
    if ["inf", "nan"].iter().any(|n| cursor.peek(n)) {
        return read_number(cursor);
    }
    let name = cursor.path()?;
    Ok(match name {
        "None" => Constant::None,
        "True" => Constant::Bool(true),
        "False" => Constant::Bool(false),
        "torch.device" => Constant::Device(read_quoted(cursor)?.into()),
        "Function" => Constant::Function(read_quoted(cursor)?.into()),
        _ => {
            if let Some(index) = name.strip_prefix("CONSTANTS.c") {
                let index = index.parse().map_err(|_| cursor.expected("an index"))?;
                return Ok(Constant::Table(index));
            }
            let (class, member) = name
                .rsplit_once('.')
                .ok_or_else(|| cursor.expected("a constant"))?;
            Constant::Enum {
                class: class.into(),
                member: member.into(),
            }
        }
    })
}

/// `("text")`, UTF-8.
fn read_quoted(cursor: &mut Cursor) -> Result<String, TextError> {
    cursor.expect("(")?;
    let bytes = cursor.string()?;
    cursor.expect(")")?;
    String::from_utf8(bytes).map_err(|_| cursor.expected("text in UTF-8"))
}

fn read_number(cursor: &mut Cursor) -> Result<Constant, TextError> {
    let rest = cursor.rest().as_bytes();
    let end = real_length(rest);
    let text = &cursor.rest()[..end];
    if rest.get(end) == Some(&b'+') {
        let imaginary = end + 1 + real_length(&rest[end + 1..]);
        if rest.get(imaginary) == Some(&b'j') {
            let re = parse_real(text).ok_or_else(|| cursor.expected("a number"))?;
            let im = parse_real(&cursor.rest()[end + 1..imaginary])
                .ok_or_else(|| cursor.expected("a number"))?;
            cursor.advance(imaginary + 1);
            return Ok(Constant::Complex(re, im));
        }
    }
    let constant = match text.parse::<i64>() {
        Ok(value) => Constant::Int(value),
        Err(_) => Constant::Float(parse_real(text).ok_or_else(|| cursor.expected("a number"))?),
    };
    cursor.advance(end);
    Ok(constant)
}

/// How many bytes a signed int, float, `inf` or `nan` takes.
fn real_length(text: &[u8]) -> usize {
    let sign = usize::from(text.first() == Some(&b'-'));
    let rest = &text[sign..];
    if rest.starts_with(b"inf") || rest.starts_with(b"nan") {
        return sign + 3;
    }
    let digits = |from: usize| {
        from + text[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit() || **b == b'.')
            .count()
    };
    let end = digits(sign);
    if text.get(end) != Some(&b'e') {
        return end;
    }
    let signed = matches!(text.get(end + 1), Some(b'+' | b'-'));
    digits(end + 1 + usize::from(signed))
}

fn parse_real(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// torch writes bools as 0 and 1 and devices as strings: the type tells.
pub(super) fn settle(constant: Constant, ty: &Type) -> Constant {
    match (constant, ty) {
        (Constant::Int(value), Type::Bool) => Constant::Bool(value != 0),
        (Constant::Str(bytes), Type::Device) => match std::str::from_utf8(&bytes) {
            Ok(text) => Constant::Device(text.into()),
            Err(_) => Constant::Str(bytes),
        },
        (constant, _) => constant,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_torch_prints_them() {
        let cases = [
            (3., "3."),
            (-0., "-0."),
            (0.1, "0.10000000000000001"),
            (1e100, "1e+100"),
            (1e-7, "9.9999999999999995e-08"),
            (1.5e-8, "1.4999999999999999e-08"),
            (1e16, "10000000000000000."),
            (1e17, "1e+17"),
            (0.0001, "0.0001"),
            (123456.789, "123456.789"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ];
        for (value, text) in cases {
            assert_eq!(float_text(value), text);
        }
    }

    #[test]
    fn constants_survive_printing() {
        let all = Constant::List(vec![
            Constant::None,
            Constant::Bool(true),
            Constant::Int(i64::MIN),
            Constant::Float(-0.0),
            Constant::Complex(2., f64::INFINITY),
            Constant::Complex(-1., -0.5),
            Constant::Str(b"a\n\"\\\x01\xc3\xa9".to_vec().into()),
            Constant::Device("cuda:0".into()),
            Constant::Tuple(vec![Constant::Int(1)]),
            Constant::Tuple(vec![]),
            Constant::Dict(vec![(Constant::str("k"), Constant::Table(7))]),
            Constant::Enum {
                class: "__torch__.Color".into(),
                member: "RED".into(),
            },
            Constant::Function("__torch__.f".into()),
        ]);
        let mut text = String::new();
        write_value(&mut text, &all, &Type::Any);
        assert_eq!(read_value(&mut Cursor::new(&text), 0), Ok(all));
    }
}
