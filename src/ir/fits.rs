//! Whether values fit the formal arguments of a schema.

use super::schema::Schema;
use super::subtype::is_subtype;
use super::{Program, Type};
use smol_str::SmolStr;

/// What the type variables of a schema stand for in one call.
#[derive(Default)]
pub(crate) struct Bindings(Vec<(SmolStr, Type)>);

impl Bindings {
    fn bind(&mut self, program: &Program, name: &SmolStr, actual: &Type) -> bool {
        match self.0.iter().find(|(known, _)| known == name) {
            Some((_, ty)) => is_subtype(program, actual, ty) || is_subtype(program, ty, actual),
            None => {
                self.0.push((name.clone(), actual.clone()));
                true
            }
        }
    }

    /// Whether a value of type `actual` may stand for `formal`, by subtyping alone.
    pub(crate) fn fits(&mut self, program: &Program, formal: &Type, actual: &Type) -> bool {
        match (formal, actual) {
            (Type::Var(name), _) => self.bind(program, name, actual),
            (Type::Number, Type::Bool | Type::Number) => true,
            (Type::List(formal), Type::List(actual))
            | (Type::Optional(formal), Type::Optional(actual))
            | (Type::Future(formal), Type::Future(actual))
            | (Type::Await(formal), Type::Await(actual))
            | (Type::RRef(formal), Type::RRef(actual)) => self.fits(program, formal, actual),
            (Type::Optional(_), Type::None) => true,
            (Type::Optional(formal), _) => self.fits(program, formal, actual),
            (Type::Dict(formal), Type::Dict(actual)) => {
                self.fits(program, &formal.0, &actual.0) && self.fits(program, &formal.1, &actual.1)
            }
            (Type::Tuple(formal), Type::Tuple(actual)) => {
                formal.len() == actual.len()
                    && (formal.iter().zip(actual.iter())).all(|(f, a)| self.fits(program, f, a))
            }
            // Without the classes nothing is known about them.
            (Type::Class(_) | Type::AnyClass | Type::AnyEnum, Type::Class(_))
                if program.classes.is_empty() =>
            {
                true
            }
            _ => is_subtype(program, actual, formal),
        }
    }
}

/// Why inputs do not fit a schema.
pub(crate) enum Misfit {
    /// Too few or too many inputs.
    Count,
    /// The input at this position has the wrong type.
    Input(usize),
    /// The output at this position has the wrong type.
    Output(usize),
    /// Too few or too many outputs.
    OutputCount,
}

/// Whether a node with these input and output types may be a call of this overload.
pub(crate) fn check(
    program: &Program,
    schema: &Schema,
    inputs: &[&Type],
    outputs: &[&Type],
) -> Result<(), Misfit> {
    let mut bindings = Bindings::default();
    let enough = inputs.len() >= schema.args.len();
    if !enough || (inputs.len() > schema.args.len() && !schema.is_vararg) {
        return Err(Misfit::Count);
    }
    for (i, (arg, actual)) in schema.args.iter().zip(inputs).enumerate() {
        if !bindings.fits(program, &arg.ty, actual) {
            return Err(Misfit::Input(i));
        }
    }
    if outputs.len() < schema.returns.len()
        || (outputs.len() > schema.returns.len() && !schema.is_varret)
    {
        return Err(Misfit::OutputCount);
    }
    for (i, (result, actual)) in schema.returns.iter().zip(outputs).enumerate() {
        let exact = bindings.fits(program, &result.ty, actual);
        if !exact && !is_subtype(program, &result.ty, actual) {
            return Err(Misfit::Output(i));
        }
    }
    Ok(())
}
