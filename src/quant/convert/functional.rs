//! Calls of `FloatFunctional` methods: the caller itself calls the integer function, with the scale of a `QFunctional`.

use super::error::ConvertError;
use super::grid::{FakeQuant, Grid};
use super::leaf::Leaf;
use super::lower::Lowering;
use super::read::Module;
use super::value::{Quantised, Val};
use crate::bpu::dtype::QType;
use crate::ir::{Type, ValueId};
use crate::tensor::DType;

/// A `QFunctional` of the new file and what its result is.
struct Functional {
    scale: ValueId,
    zero_point: ValueId,
    grid: Grid,
}

/// A method of a `FloatFunctional` on values of the old graph.
pub(super) fn call<'m>(
    low: &mut Lowering<'m>,
    module: &Module<'m>,
    method: &str,
    args: &[ValueId],
) -> Result<Val<'m>, ConvertError> {
    match (method, args) {
        ("add" | "sub" | "mul" | "matmul" | "maximum" | "minimum", &[x, y]) => {
            let (x, y) = (low.quantised(x, module)?, low.quantised(y, module)?);
            binary(low, module, method, &x, &y)
        }
        ("mul_scalar", &[x, c]) => {
            let (x, c) = (low.quantised(x, module)?, scalar(low, module, c)?);
            mul_scalar(low, module, &x, c)
        }
        ("add_scalar", &[x, c]) => {
            let (x, c) = (low.quantised(x, module)?, scalar(low, module, c)?);
            add_scalar(low, module, &x, c)
        }
        ("ceil" | "floor", &[x]) => {
            let x = low.quantised(x, module)?;
            round(low, module, method, &x)
        }
        ("cat", &[list, dim]) => cat(low, module, list, dim),
        ("sum" | "mean", &[x, dim, keepdim]) => {
            let x = low.quantised(x, module)?;
            reduce(low, module, method, &x, dim, keepdim)
        }
        _ => Err(module.refuse(format!(
            "`{method}` with {} arguments has no fixed-point form",
            args.len()
        ))),
    }
}

fn scalar(low: &Lowering, module: &Module, value: ValueId) -> Result<f64, ConvertError> {
    let number = low.number(value).filter(|c| c.is_finite());
    number.ok_or_else(|| module.refuse("its scalar operand is not a finite constant"))
}

/// The `QFunctional` with the calibrated scale.
fn calibrated<'m>(
    low: &mut Lowering<'m>,
    module: &Module<'m>,
    inputs: &[&Grid],
) -> Result<Functional, ConvertError> {
    let grid = FakeQuant::of_some_output(module)?.grid;
    functional(low, module, inputs, grid, None)
}

/// A `QFunctional` with a scale, and a constant operand where the function has one.
fn functional<'m>(
    low: &mut Lowering<'m>,
    module: &Module<'m>,
    inputs: &[&Grid],
    grid: Grid,
    constant: Option<(QType, i64, f32)>,
) -> Result<Functional, ConvertError> {
    low.made(module, inputs, |low| {
        let mut leaf = Leaf::new("functional_modules.QFunctional");
        leaf.floats1(&mut low.emit, "scale", &grid.scales)?;
        if let Some((dtype, value, scale)) = constant {
            leaf.integers(&mut low.emit, "other", dtype.storage(), [value], &[1])?;
            leaf.floats1(&mut low.emit, "other_scale", &[scale])?;
            leaf.integers(&mut low.emit, "other_zero_point", DType::I64, [0], &[1])?;
        }
        Ok((leaf.finish(&mut low.emit)?, Some(grid.clone())))
    })?;
    let scale = low.body.buffer(&module.path, "scale");
    let zero_point = low.body.zero_point(scale);
    Ok(Functional {
        scale,
        zero_point,
        grid,
    })
}

/// The constant operand of a `QFunctional`.
fn constant(low: &mut Lowering, module: &Module, dtype: QType, scale: f32) -> Quantised {
    Quantised {
        data: low.body.buffer(&module.path, "other"),
        scale: low.body.buffer(&module.path, "other_scale"),
        zero_point: low.body.buffer(&module.path, "other_zero_point"),
        grid: Grid::new(dtype, scale),
    }
}

fn result<'m>(data: ValueId, out: Functional) -> Val<'m> {
    Val::Quantised(Quantised {
        data,
        scale: out.scale,
        zero_point: out.zero_point,
        grid: out.grid,
    })
}

/// Scale, zero point, dtype, march: how every argument list ends.
fn ending(low: &mut Lowering, out: &Functional) -> Result<[ValueId; 4], ConvertError> {
    let dtype = low.body.str(out.grid.dtype.name());
    let march = low.march()?;
    Ok([out.scale, out.zero_point, dtype, low.body.str(&march)])
}

fn binary<'m>(
    low: &mut Lowering<'m>,
    module: &Module<'m>,
    method: &str,
    x: &Quantised,
    y: &Quantised,
) -> Result<Val<'m>, ConvertError> {
    let out = calibrated(low, module, &[&x.grid, &y.grid])?;
    let data = match method {
        "maximum" | "minimum" => {
            let dtype = out.grid.dtype;
            let x = low.requantise(x, out.scale, out.zero_point, dtype)?;
            let y = low.requantise(y, out.scale, out.zero_point, dtype)?;
            low.body.aten(&format!("aten::{method}"), "", &[x, y])
        }
        _ => arithmetic(low, method, x, y, &out)?,
    };
    Ok(result(data, out))
}

/// `add`, `sub`, `mul` and `matmul`; `add` has an order of its own (`horizon.md` 4).
fn arithmetic(
    low: &mut Lowering,
    method: &str,
    x: &Quantised,
    y: &Quantised,
    out: &Functional,
) -> Result<ValueId, ConvertError> {
    let x_type = low.body.str(x.grid.dtype.name());
    let y_type = low.body.str(y.grid.dtype.name());
    let mut inputs = vec![x.data, y.data];
    if method == "matmul" {
        inputs.extend([low.body.bool(false), low.body.bool(false)]);
    }
    inputs.extend(match method {
        "add" => [x.scale, y.scale, x.zero_point, y.zero_point, x_type, y_type],
        _ => [x.scale, x.zero_point, x_type, y.scale, y.zero_point, y_type],
    });
    inputs.extend(ending(low, out)?);
    Ok(low.body.functional(method, &inputs))
}

/// `horizon.md` 3.8: the sign decides, the scale takes the absolute value. A module with a quantiser of its own, as a
/// qconfig that names it makes one, multiplies by a constant of one step instead, into that quantiser's grid.
fn mul_scalar<'m>(
    low: &mut Lowering<'m>,
    module: &Module<'m>,
    x: &Quantised,
    c: f64,
) -> Result<Val<'m>, ConvertError> {
    let wanted = FakeQuant::of_output(module)?.map(|it| it.grid);
    if c == 0.0 {
        let grid = wanted.unwrap_or_else(|| x.grid.clone());
        let out = functional(low, module, &[&x.grid], grid, None)?;
        let dtype = low.body.int(out.grid.dtype.storage().code());
        let none = low.body.none();
        let inputs = [x.data, dtype, none, none, none, none];
        return Ok(result(low.body.aten("aten::zeros_like", "", &inputs), out));
    }
    let factor = c.abs() as f32;
    let scaled = || Grid {
        scales: x.grid.scales.iter().map(|s| s * factor).collect(),
        ..x.grid.clone()
    };
    if c > 0.0 && wanted.is_none() {
        let out = functional(low, module, &[&x.grid], scaled(), None)?;
        return Ok(result(x.data, out));
    }
    let (dtype, sign) = (x.grid.dtype, if c < 0.0 { -1 } else { 1 });
    let grid = wanted.unwrap_or_else(scaled);
    let out = functional(low, module, &[&x.grid], grid, Some((dtype, sign, factor)))?;
    let other = constant(low, module, dtype, factor);
    let data = arithmetic(low, "mul", x, &other, &out)?;
    Ok(result(data, out))
}

/// `horizon.md` 3.7: an operand `c / |c|` of scale `|c|`, or 32767 steps of it for int16.
fn add_scalar<'m>(
    low: &mut Lowering<'m>,
    module: &Module<'m>,
    x: &Quantised,
    c: f64,
) -> Result<Val<'m>, ConvertError> {
    if c == 0.0 {
        let out = functional(low, module, &[&x.grid], x.grid.clone(), None)?;
        return Ok(result(x.data, out));
    }
    let steps = match x.grid.dtype {
        QType::Qint16 => 32767,
        _ => 1,
    };
    let scale = (c.abs() / steps as f64) as f32;
    let grid = FakeQuant::of_some_output(module)?.grid;
    let dtype = x.grid.dtype;
    let value = if c < 0.0 { -steps } else { steps };
    let out = functional(low, module, &[&x.grid], grid, Some((dtype, value, scale)))?;
    let other = constant(low, module, dtype, scale);
    let data = arithmetic(low, "add", x, &other, &out)?;
    Ok(result(data, out))
}

fn cat<'m>(
    low: &mut Lowering<'m>,
    module: &Module<'m>,
    list: ValueId,
    dim: ValueId,
) -> Result<Val<'m>, ConvertError> {
    let items = match low.get(list)? {
        Val::Group { items, .. } => items,
        _ => return Err(module.refuse("`cat` reads a list that is not made of quantised tensors")),
    };
    let mut parts = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Val::Quantised(it) => parts.push(it),
            _ => return Err(module.refuse("`cat` reads a float tensor: it needs a QuantStub")),
        }
    }
    let grids: Vec<&Grid> = parts.iter().map(|p| &p.grid).collect();
    let out = calibrated(low, module, &grids)?;
    let dim = low.plain(dim)?;
    let mut gather = |f: fn(&Quantised) -> ValueId| {
        let values: Vec<ValueId> = parts.iter().map(f).collect();
        low.body.list(&values, Type::Tensor)
    };
    let (data, scales, zeros) = (
        gather(|p| p.data),
        gather(|p| p.scale),
        gather(|p| p.zero_point),
    );
    let types: Vec<ValueId> = (parts.iter())
        .map(|p| low.body.str(p.grid.dtype.name()))
        .collect();
    let types = low.body.list(&types, Type::Str);
    let mut inputs = vec![data, dim, scales, zeros, types];
    inputs.extend(ending(low, &out)?);
    let data = low.body.functional("cat", &inputs);
    Ok(result(data, out))
}

/// The largest and smallest exponents of a scale that the front end's `ceil` takes (`hbir.md` 1.15).
const CEIL_EXPONENTS: (i32, i32) = (-30, 0);

/// `horizon.md` 3.15. The front end reads a scale that is no power of two as the next smaller one, so `ceil` gets its
/// input on the finest grid of 16 bits that is one and holds all of it.
fn round<'m>(
    low: &mut Lowering<'m>,
    module: &Module<'m>,
    method: &str,
    x: &Quantised,
) -> Result<Val<'m>, ConvertError> {
    let scale = x.grid.scale();
    let scale = scale.ok_or_else(|| module.refuse("its input has a scale per channel"))?;
    let grid = FakeQuant::of_some_output(module)?.grid;
    let finer = (method == "ceil" && !is_power_of_two(scale)).then(|| {
        let steps = -x.grid.dtype.limits().0 as f32 / 32768.0;
        let exponent = (scale * steps).log2().ceil() as i32;
        exponent.clamp(CEIL_EXPONENTS.0, CEIL_EXPONENTS.1)
    });
    let finer = finer.map(|it| (it as f32).exp2());
    low.made(module, &[&x.grid], |low| {
        let mut leaf = Leaf::new("functional_modules.QFunctional");
        leaf.floats1(&mut low.emit, "scale", &grid.scales)?;
        if let Some(scale) = finer {
            leaf.floats1(&mut low.emit, "input_scale", &[scale])?;
        }
        Ok((leaf.finish(&mut low.emit)?, Some(grid.clone())))
    })?;
    let mut x = x.clone();
    if let Some(scale) = finer {
        let grid = Grid::new(QType::Qint16, scale);
        let scale = low.body.buffer(&module.path, "input_scale");
        let zero_point = low.body.zero_point(scale);
        let data = low.requantise(&x, scale, zero_point, grid.dtype)?;
        x = Quantised {
            data,
            scale,
            zero_point,
            grid,
        };
    }
    let scale = low.body.buffer(&module.path, "scale");
    let zero_point = low.body.zero_point(scale);
    let out = Functional {
        scale,
        zero_point,
        grid,
    };
    let x_type = low.body.str(x.grid.dtype.name());
    let mut inputs = vec![x.data, x.scale, x.zero_point, x_type];
    inputs.extend(ending(low, &out)?);
    let data = low.body.functional(method, &inputs);
    Ok(result(data, out))
}

fn is_power_of_two(scale: f32) -> bool {
    scale.log2().fract() == 0.0 && scale <= 1.0
}

/// Both keep the dimension here, and what drops it squeezes (`horizon.md` 3.8, 5.6).
fn reduce<'m>(
    low: &mut Lowering<'m>,
    module: &Module<'m>,
    method: &str,
    x: &Quantised,
    dim: ValueId,
    keepdim: ValueId,
) -> Result<Val<'m>, ConvertError> {
    let out = calibrated(low, module, &[&x.grid])?;
    let keep = match low.old.constant(keepdim) {
        Some(crate::ir::Constant::Bool(keep)) => *keep,
        _ => return Err(module.refuse("its `keepdim` is not a constant")),
    };
    let dim = low.plain(dim)?;
    let dtype = low.body.str(x.grid.dtype.name());
    let mut inputs = vec![x.data, dim];
    if method == "sum" {
        inputs.push(low.body.bool(true));
    }
    inputs.extend([x.scale, x.zero_point, dtype]);
    inputs.extend(ending(low, &out)?);
    let mut data = low.body.functional(method, &inputs);
    if !keep {
        data = low.body.aten("aten::squeeze", "dim", &[data, dim]);
    }
    Ok(result(data, out))
}
