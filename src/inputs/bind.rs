//! Arrays onto the parameters of a method.

use super::arrays::{Array, Arrays};
use super::error::InputError;
use crate::exec::{HostTensor, Value};
use crate::ir::program::Param;
use crate::ir::{Constant, Type};
use crate::tensor::DType;

/// Nesting of a parameter's type; deeper ones are not built from names.
const MAX_DEPTH: usize = 8;

/// The arguments of `method`, whose parameters without `self` are `params`.
///
/// Named arrays go to the parameters of that name (`x.0`, `x.key` into lists, tuples and dicts); when no name fits
/// any parameter, or there are no names, they go in order.
pub fn bind(method: &str, params: &[Param], arrays: &Arrays) -> Result<Vec<Value>, InputError> {
    let binder = Binder {
        method,
        params,
        arrays,
    };
    let is_named = params.iter().any(|p| !binder.of_name(&p.name).is_empty());
    if is_named {
        binder.by_name()
    } else {
        binder.in_order()
    }
}

/// `forward(x: Tensor, n: int = 2)`; `params` are without `self`.
pub fn signature(method: &str, params: &[Param]) -> String {
    let param = |p: &Param| match &p.default {
        Some(_) => format!("{}: {} = …", p.name, p.ty),
        None => format!("{}: {}", p.name, p.ty),
    };
    let params: Vec<_> = params.iter().map(param).collect();
    format!("{method}({})", params.join(", "))
}

struct Binder<'a> {
    method: &'a str,
    params: &'a [Param],
    arrays: &'a Arrays,
}

impl Binder<'_> {
    fn in_order(&self) -> Result<Vec<Value>, InputError> {
        let required = self.params.iter().filter(|p| p.default.is_none()).count();
        let found = self.arrays.items.len();
        if found < required || found > self.params.len() {
            let plural = if self.params.len() == 1 { "" } else { "s" };
            let expected = match self.params.len() {
                most if most == required => format!("{required} input{plural}"),
                most => format!("{required} to {most} inputs"),
            };
            return Err(InputError::Count {
                method: self.method.to_owned(),
                signature: signature(self.method, self.params),
                origin: self.arrays.origin.clone(),
                expected,
                found,
            });
        }
        let pairs = self.params.iter().zip(&self.arrays.items).enumerate();
        let value = |(i, (param, array)): (usize, (&Param, &Array))| {
            let name = array.name.clone().unwrap_or_else(|| format!("input {i}"));
            self.fit(param, &name, &array.value)
        };
        pairs.map(value).collect()
    }

    fn by_name(&self) -> Result<Vec<Value>, InputError> {
        let mut values = Vec::new();
        // Trailing parameters without an array keep their defaults.
        let last = self
            .params
            .iter()
            .rposition(|p| !self.of_name(&p.name).is_empty());
        for param in &self.params[..=last.unwrap_or(0)] {
            values.push(self.named(param)?);
        }
        let rest = &self.params[values.len()..];
        for param in rest.iter().filter(|p| p.default.is_none()) {
            values.push(self.named(param)?);
        }
        Ok(values)
    }

    fn named(&self, param: &Param) -> Result<Value, InputError> {
        let found = self.of_name(&param.name);
        if found.is_empty() {
            let default = param.default.as_ref().and_then(constant);
            let none = matches!(param.ty, Type::Optional(_) | Type::None).then_some(Value::None);
            return default.or(none).ok_or_else(|| self.missing(param));
        }
        let value = assemble(&param.name, &param.ty, &found, 0);
        let value = value.ok_or_else(|| self.mismatch(param, &param.name, "these arrays"))?;
        self.fit(param, &param.name, &value)
    }

    /// The array of this name, or those of its elements.
    fn of_name(&self, name: &str) -> Vec<(&str, &Value)> {
        let is_part = |n: &str| {
            n.strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let named = self.arrays.items.iter();
        let named = named.filter_map(|a| Some((a.name.as_deref()?, &a.value)));
        named.filter(|(n, _)| is_part(n)).collect()
    }

    fn fit(&self, param: &Param, name: &str, value: &Value) -> Result<Value, InputError> {
        convert(value, &param.ty).ok_or_else(|| self.mismatch(param, name, &describe(value)))
    }

    fn mismatch(&self, param: &Param, array: &str, found: &str) -> InputError {
        InputError::Type {
            origin: self.arrays.origin.clone(),
            array: array.to_owned(),
            name: param.name.to_string(),
            expected: param.ty.to_string(),
            found: found.to_owned(),
        }
    }

    fn missing(&self, param: &Param) -> InputError {
        let names = self.arrays.items.iter().filter_map(|a| a.name.as_deref());
        let names: Vec<_> = names.map(|n| format!("`{n}`")).collect();
        InputError::Missing {
            method: self.method.to_owned(),
            name: param.name.to_string(),
            origin: self.arrays.origin.clone(),
            found: names.join(", "),
        }
    }
}

/// Builds the value of `name` from arrays called `name` or `name.part`.
fn assemble(name: &str, ty: &Type, found: &[(&str, &Value)], depth: usize) -> Option<Value> {
    if let Some((_, value)) = found.iter().find(|(n, _)| *n == name) {
        return Some((*value).clone());
    }
    if depth == MAX_DEPTH {
        return None;
    }
    let part = |key: &str, ty: &Type| {
        let name = format!("{name}.{key}");
        let is_part = |n: &str| {
            n.strip_prefix(&name)
                .is_some_and(|r| r.is_empty() || r.starts_with('.'))
        };
        let parts: Vec<_> = found.iter().copied().filter(|(n, _)| is_part(n)).collect();
        (!parts.is_empty()).then(|| assemble(&name, ty, &parts, depth + 1))?
    };
    match ty {
        Type::Optional(inner) => assemble(name, inner, found, depth + 1),
        Type::List(element) => {
            let items = (0..found.len()).map_while(|i| part(&i.to_string(), element));
            Some(Value::List(items.collect()))
        }
        Type::Tuple(types) => {
            let items = types
                .iter()
                .enumerate()
                .map(|(i, ty)| part(&i.to_string(), ty));
            items.collect::<Option<_>>().map(Value::Tuple)
        }
        Type::Dict(types) => {
            let mut items: Vec<(Value, Value)> = Vec::new();
            for (array, _) in found {
                let key = array.strip_prefix(name)?.strip_prefix('.')?;
                let key = key.split('.').next()?;
                let typed = match types.0 {
                    Type::Int => Value::Int(key.parse().ok()?),
                    _ => Value::Str(key.as_bytes().into()),
                };
                if !items.iter().any(|(k, _)| *k == typed) {
                    items.push((typed, part(key, &types.1)?));
                }
            }
            Some(Value::Dict(items))
        }
        _ => None,
    }
}

/// The value as the type wants it; tensors of one element become numbers, lists and tuples each other.
fn convert(value: &Value, ty: &Type) -> Option<Value> {
    let all = |items: &[Value], ty: &Type| {
        items
            .iter()
            .map(|v| convert(v, ty))
            .collect::<Option<Vec<_>>>()
    };
    match (ty, value) {
        (Type::Optional(_) | Type::None, Value::None) => Some(Value::None),
        (Type::Optional(inner), value) => convert(value, inner),
        (Type::Union(types), value) => types.iter().find_map(|ty| convert(value, ty)),
        (Type::Tensor, Value::Tensor(_)) => Some(value.clone()),
        (Type::Int, Value::Int(_))
        | (Type::Float | Type::Number, Value::Float(_))
        | (Type::Number, Value::Int(_))
        | (Type::Bool, Value::Bool(_))
        | (Type::Str, Value::Str(_))
        | (Type::Device, Value::Device(_))
        | (Type::Complex | Type::Number, Value::Complex(..)) => Some(value.clone()),
        (Type::Float, Value::Int(v)) => Some(Value::Float(*v as f64)),
        (Type::Int | Type::Float | Type::Bool | Type::Number, Value::Tensor(tensor)) => {
            convert(&number(tensor)?, ty)
        }
        (Type::List(element), Value::List(items) | Value::Tuple(items)) => {
            all(items, element).map(Value::List)
        }
        // A tensor along its first axis, or a lone one, for a list of numbers or tensors.
        (Type::List(element), Value::Tensor(tensor)) => match **element {
            Type::Tensor => Some(Value::List(vec![value.clone()])),
            _ => all(&numbers(tensor)?, element).map(Value::List),
        },
        (Type::Tuple(types), Value::List(items) | Value::Tuple(items))
            if types.len() == items.len() =>
        {
            let items = types.iter().zip(items).map(|(ty, v)| convert(v, ty));
            items.collect::<Option<_>>().map(Value::Tuple)
        }
        (Type::Dict(types), Value::Dict(items)) => {
            let items = items
                .iter()
                .map(|(k, v)| Some((convert(k, &types.0)?, convert(v, &types.1)?)));
            items.collect::<Option<_>>().map(Value::Dict)
        }
        // Named tuples and enums: the engine knows their fields.
        (Type::Any | Type::Class(_), value) => Some(value.clone()),
        _ => None,
    }
}

fn number(tensor: &HostTensor) -> Option<Value> {
    let mut numbers = numbers(tensor)?;
    (numbers.len() == 1).then(|| numbers.pop())?
}

/// The elements of a tensor with at most one axis, as numbers.
fn numbers(tensor: &HostTensor) -> Option<Vec<Value>> {
    if tensor.shape.len() > 1 || tensor.quantizer.is_some() {
        return None;
    }
    let elements = tensor.bytes.chunks_exact(tensor.dtype.size());
    let value = |bytes: &[u8]| {
        let decoded = crate::tensor::view::decode(tensor.dtype, bytes);
        Some(match tensor.dtype {
            DType::F16 | DType::BF16 | DType::F32 | DType::F64 => Value::Float(decoded),
            DType::Bool => Value::Bool(decoded != 0.0),
            DType::I64 => Value::Int(i64::from_le_bytes(bytes.try_into().ok()?)),
            DType::U8 | DType::I8 | DType::I16 | DType::I32 | DType::U16 | DType::U32 => {
                Value::Int(decoded as i64)
            }
            _ => return None,
        })
    };
    elements.map(value).collect()
}

fn constant(constant: &Constant) -> Option<Value> {
    Some(match constant {
        Constant::None => Value::None,
        Constant::Bool(value) => Value::Bool(*value),
        Constant::Int(value) => Value::Int(*value),
        Constant::Float(value) => Value::Float(*value),
        Constant::Complex(re, im) => Value::Complex(*re, *im),
        Constant::Str(bytes) => Value::Str(bytes.clone()),
        Constant::List(items) => {
            Value::List(items.iter().map(self::constant).collect::<Option<_>>()?)
        }
        Constant::Tuple(items) => {
            Value::Tuple(items.iter().map(self::constant).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn describe(value: &Value) -> String {
    match value {
        Value::Tensor(tensor) => format!("a {} tensor of shape {:?}", tensor.dtype, tensor.shape),
        other => other.kind().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::recorded;
    use super::*;

    fn param(name: &str, ty: Type, default: Option<Constant>) -> Param {
        Param {
            name: name.into(),
            ty,
            default,
            kwarg_only: false,
        }
    }

    fn tensor(value: f32) -> Value {
        Value::Tensor(HostTensor::from_f32(&[1], &[value]).unwrap())
    }

    fn arrays(items: &[(&str, Value)]) -> Arrays {
        let array = |(name, value): &(&str, Value)| Array {
            name: (!name.is_empty()).then(|| (*name).to_owned()),
            value: value.clone(),
        };
        Arrays {
            origin: "`x.npz`".to_owned(),
            items: items.iter().map(array).collect(),
        }
    }

    fn two() -> [Param; 2] {
        [
            param("x", Type::Tensor, None),
            param("n", Type::Int, Some(Constant::Int(3))),
        ]
    }

    #[test]
    fn names_beat_order_and_order_serves_the_nameless() {
        let n = Value::Tensor(HostTensor::from_i64(&[], &[5]).unwrap());
        let named = arrays(&[("n", n), ("labels", tensor(9.0)), ("x", tensor(1.0))]);
        assert_eq!(
            bind("forward", &two(), &named).unwrap(),
            [tensor(1.0), Value::Int(5)]
        );
        let nameless = arrays(&[("arr_0", tensor(1.0))]);
        assert_eq!(bind("forward", &two(), &nameless).unwrap(), [tensor(1.0)]);
    }

    #[test]
    fn errors_name_file_array_and_expectation() {
        let message = |items: &[(&str, Value)]| {
            bind("forward", &two(), &arrays(items))
                .unwrap_err()
                .to_string()
        };
        insta::assert_snapshot!(message(&[]), @"`forward` takes 1 to 2 inputs, `x.npz` has 0; it is `forward(x: Tensor, n: int = …)`");
        insta::assert_snapshot!(message(&[("n", tensor(1.0))]), @"`x.npz` has no array for parameter `x` of `forward`, it has `n`");
        insta::assert_snapshot!(message(&[("x", tensor(1.0)), ("n", tensor(1.5))]), @"`x.npz`: `n` is a float32 tensor of shape [1], parameter `n` expects int");
    }

    #[test]
    fn nested_values_survive_recording() {
        let params = [
            param("items", Type::list(Type::Tensor), None),
            param("pair", Type::tuple([Type::Tensor, Type::Int]), None),
            param("table", Type::dict(Type::Str, Type::Tensor), None),
            param("mask", Type::optional(Type::Tensor), None),
        ];
        let values = [
            Value::List(vec![tensor(1.0), tensor(2.0)]),
            Value::Tuple(vec![tensor(3.0), Value::Int(-4)]),
            Value::Dict(vec![(Value::Str(b"k"[..].into()), tensor(5.0))]),
            Value::None,
        ];
        let record = recorded::encode(&params, &values).unwrap();
        let arrays = recorded::decode(&record, "extra/x").unwrap();
        assert_eq!(bind("forward", &params, &arrays).unwrap(), values);
    }
}
