//! Operator schemas: names, arguments, defaults, results.
//!
//! The table of libtorch 2.11 is generated (`schema/table_generated.rs`, `cargo xtask codegen`), that of the plugin's
//! `horizon::` operators is written by hand (`schema/horizon.rs`). Overloads of a name are parsed on first use, in
//! registration order, and live as long as the process. Operator libraries add theirs at run time with [`register`].

mod display;
mod horizon;
mod parse;
mod table;
mod table_generated;

use super::constant::Constant;
use super::types::Type;
use smol_str::SmolStr;

pub use parse::{SchemaError, parse};
pub use table::{find, horizon_declarations, names, overloads, register};

/// One overload of an operator.
#[derive(Clone, Debug)]
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
    /// The alias set is that of the list's elements, `Tensor(a)[]`, not of the list, `t[](a)`.
    pub alias_of_elements: bool,
}

/// One formal result.
#[derive(Clone, Debug, PartialEq)]
pub struct Return {
    /// Its name; usually empty.
    pub name: SmolStr,
    /// Its type.
    pub ty: Type,
    /// The alias set it shares with arguments.
    pub alias: Option<SmolStr>,
    /// It is a written argument: `Tensor(a!)`.
    pub is_write: bool,
    /// The alias set is that of the list's elements.
    pub alias_of_elements: bool,
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

    /// The position of the argument with this name.
    pub fn arg_index(&self, name: &str) -> Option<usize> {
        self.args.iter().position(|arg| arg.name == name)
    }
}

/// Overloads are compared by name: the registry holds one of each.
impl PartialEq for Schema {
    fn eq(&self, other: &Schema) -> bool {
        self.name == other.name && self.overload == other.overload
    }
}
