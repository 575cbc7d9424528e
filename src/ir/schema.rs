//! Operator schemas: names, arguments, defaults, results.
//!
//! The table of libtorch 2.11 is generated (`schema/table_generated.rs`, `cargo xtask codegen`); overloads of a
//! name are parsed on first use, in libtorch's registration order, and live as long as the process.

use super::constant::Constant;
use super::types::Type;
use smol_str::SmolStr;

/// One overload of an operator.
#[derive(Debug)]
pub struct Schema {
    name: SmolStr,
    overload: SmolStr,
    /// Arguments in order.
    pub args: Vec<Arg>,
    /// Results in order.
    pub returns: Vec<Return>,
    /// Takes more arguments than listed (`aten::format`).
    pub is_vararg: bool,
    /// Returns more than listed.
    pub is_varret: bool,
}

/// One formal argument.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// Its name.
    pub name: SmolStr,
    /// Its type; `SymInt`, `ScalarType`, `Layout` and `MemoryFormat` read as `int`.
    pub ty: Type,
    /// N of `int[N]`: a single value is repeated N times.
    pub fixed_size: Option<u32>,
    /// Its default.
    pub default: Option<Constant>,
    /// After `*`.
    pub kwarg_only: bool,
    /// The operator writes to it: `Tensor(a!)`.
    pub is_write: bool,
    /// It shares memory with a result or another argument: the set's names, `a` in `Tensor(a)`.
    pub alias: Option<SmolStr>,
}

/// One formal result.
#[derive(Clone, Debug, PartialEq)]
pub struct Return {
    /// Its type.
    pub ty: Type,
    /// The alias set it shares with arguments.
    pub alias: Option<SmolStr>,
    /// It is a written argument: `Tensor(a!)`.
    pub is_write: bool,
}

impl Schema {
    /// Qualified name, such as `aten::add`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Overload name, such as `Tensor`; often empty.
    pub fn overload(&self) -> &str {
        &self.overload
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Schema) -> bool {
        self.name == other.name && self.overload == other.overload
    }
}
