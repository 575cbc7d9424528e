//! Values known without running anything.

use smol_str::SmolStr;

/// A constant. Tensors and other table entries stay in the archive and are named by index.
#[derive(Clone, Debug)]
pub enum Constant {
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// An `i64`, also for dtypes, layouts and memory formats.
    Int(i64),
    /// A double.
    Float(f64),
    /// Real and imaginary part.
    Complex(f64, f64),
    /// Bytes: torch does not require UTF-8.
    Str(Box<[u8]>),
    /// `torch.device("cuda:0")`
    Device(SmolStr),
    /// Homogeneous list; the element type is on the value.
    List(Vec<Constant>),
    /// Tuple or named tuple; the type is on the value.
    Tuple(Vec<Constant>),
    /// Dict in insertion order.
    Dict(Vec<(Constant, Constant)>),
    /// Member of an enum class.
    Enum {
        /// Qualified class name.
        class: SmolStr,
        /// Member name.
        member: SmolStr,
    },
    /// `CONSTANTS.cN`: element N of `constants.pkl`.
    Table(u32),
    /// A free function, by qualified name.
    Function(SmolStr),
}

impl Constant {
    /// A string constant.
    pub fn str(text: &str) -> Constant {
        Constant::Str(text.as_bytes().into())
    }
}

/// Floats compare by bits, so that NaN equals itself and `-0.0` differs from `0.0`.
impl PartialEq for Constant {
    fn eq(&self, other: &Constant) -> bool {
        use Constant::*;
        match (self, other) {
            (None, None) => true,
            (Bool(a), Bool(b)) => a == b,
            (Int(a), Int(b)) => a == b,
            (Float(a), Float(b)) => a.to_bits() == b.to_bits(),
            (Complex(a, b), Complex(c, d)) => {
                a.to_bits() == c.to_bits() && b.to_bits() == d.to_bits()
            }
            (Str(a), Str(b)) => a == b,
            (Device(a), Device(b)) | (Function(a), Function(b)) => a == b,
            (List(a), List(b)) | (Tuple(a), Tuple(b)) => a == b,
            (Dict(a), Dict(b)) => a == b,
            (
                Enum {
                    class: a,
                    member: b,
                },
                Enum {
                    class: c,
                    member: d,
                },
            ) => a == c && b == d,
            (Table(a), Table(b)) => a == b,
            _ => false,
        }
    }
}
