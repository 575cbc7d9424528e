//! Literals: number and string texts to values and back (`torchscript.md` sections 3.2 and 4.6).

mod number;
mod string;

pub use number::{Number, NumberError, float_text, parse_number, write_complex, write_float};
pub use string::{EscapeError, unescape, write_quoted};
