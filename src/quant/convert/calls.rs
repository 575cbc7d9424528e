//! Calls of leaf modules.

use super::error::ConvertError;
use super::grid::{Channels, FakeQuant, Grid};
use super::leaf::conv::{Conv, Form};
use super::leaf::recurrent;
use super::leaf::{lut, norm, pool, prelu, softmax, stub};
use super::lower::{Lowering, Made};
use super::read::Module;
use super::report::Place;
use super::value::{Quantised, Val};
use super::{copy, functional, has_segments};
use crate::bpu::dtype::QType;
use crate::ir::{NodeId, Type, ValueId};
use crate::quant::cell::CellKind;

/// Class of a module that was fused into another.
const IDENTITY: &str = "__torch__.torch.nn.modules.linear.Identity";

impl<'m> Lowering<'m> {
    /// A method of a module on the values of a node of the old graph.
    pub(super) fn call_method(&mut self, id: NodeId, method: &str) -> Result<(), ConvertError> {
        let node = self.old.node(id);
        let Val::Module(module) = self.get(node.inputs[0])? else {
            return self.copy(id, 0);
        };
        let args = &node.inputs[1..];
        let Some(class) = module.leaf_class() else {
            return self.call_float(id, &module, method);
        };
        let before = self.report.steps.len();
        let result = match class.as_str() {
            "functional_modules.FloatFunctional" => functional::call(self, &module, method, args)?,
            _ if method != "forward" => {
                return Err(module.refuse(format!("`{class}` has no method `{method}`")));
            }
            class => self.call_leaf(&module, class, args)?,
        };
        if let (Val::Quantised(it), true) = (&result, before == self.report.steps.len()) {
            let name = module.path.clone();
            let op = if method == "forward" { &class } else { method };
            let grid = it.grid.clone();
            self.note(&name, op, Place::Bpu, Some(&grid));
        }
        self.set(node.outputs[0], result);
        Ok(())
    }

    /// A float module: it keeps its class and reads dequantised tensors, unless all it does has an integer form.
    fn call_float(
        &mut self,
        id: NodeId,
        module: &Module<'m>,
        method: &str,
    ) -> Result<(), ConvertError> {
        let node = self.old.node(id);
        if module.plain_class() == IDENTITY && node.inputs.len() == 2 {
            let same = self.get(node.inputs[1])?;
            self.set(node.outputs[0], same);
            return Ok(());
        }
        if self.call_own(id, module, method)? {
            return Ok(());
        }
        copy::float_module(self, module)?;
        self.copy(id, 0)?;
        let (name, class) = (module.path.clone(), module.plain_class());
        self.note(&name, &class, Place::Float, None);
        Ok(())
    }

    fn call_leaf(
        &mut self,
        module: &Module<'m>,
        class: &str,
        args: &[ValueId],
    ) -> Result<Val<'m>, ConvertError> {
        if let Some(form) = Form::parse(class) {
            return self.call_conv(module, form, args);
        }
        if let Some(kind) = CellKind::of_class(class) {
            return self.call_cell(module, kind, args);
        }
        let &[x] = args else {
            return Err(module.refuse(format!("called with {} arguments, expected 1", args.len())));
        };
        match class {
            "stubs.QuantStub" => self.call_quant(module, x),
            "stubs.DeQuantStub" => self.call_dequant(module, x),
            "max_pool2d.MaxPool2d" => {
                let input = self.quantised(x, module)?;
                let march = self.march()?;
                let made = self.made(module, &[&input.grid], |low| {
                    Ok((pool::max_pool(&mut low.emit, module, &march)?, None))
                })?;
                debug_assert!(made.output.is_none());
                let data = self.body.call(&module.path, &[input.data], 1)[0];
                Ok(Val::Quantised(Quantised { data, ..input }))
            }
            "softmax_bernoulli2.SoftmaxBernoulli2" => self.call_float_softmax(module, x),
            _ => {
                let input = self.quantised(x, module)?;
                let class = class.to_owned();
                self.unary(module, &input, |low| {
                    let (object, grid) = low.make_unary(module, &class, &input.grid)?;
                    Ok((object, Some(grid)))
                })
            }
        }
    }

    /// A softmax over channels: integers in, float out.
    fn call_float_softmax(
        &mut self,
        module: &Module<'m>,
        x: ValueId,
    ) -> Result<Val<'m>, ConvertError> {
        let input = self.quantised(x, module)?;
        let march = self.march()?;
        self.made(module, &[&input.grid], |low| {
            let object = softmax::of_bernoulli2(&mut low.emit, module, &input.grid, &march)?;
            Ok((object, None))
        })?;
        self.note(&module.path, "softmax_bernoulli2", Place::Bpu, None);
        let data = self.body.call(&module.path, &[input.data], 1)[0];
        Ok(Val::Plain(data))
    }

    /// A step of a recurrent layer: its input and states in, its states out.
    fn call_cell(
        &mut self,
        module: &Module<'m>,
        kind: CellKind,
        args: &[ValueId],
    ) -> Result<Val<'m>, ConvertError> {
        self.need_segments(module, kind.op())?;
        if args.len() != kind.states() + 1 {
            return Err(module.refuse(format!("called with {} arguments", args.len())));
        }
        let inputs = args.iter().map(|&it| self.quantised(it, module));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let grids: Vec<&Grid> = inputs.iter().map(|it| &it.grid).collect();
        let prepack = self.options.prepack;
        self.made(module, &grids, |low| {
            let object = recurrent::cell(&mut low.emit, module, kind, &grids, prepack)?;
            Ok((object, None))
        })?;
        let parts = inputs
            .iter()
            .flat_map(|it| [it.data, it.scale, it.zero_point]);
        let parts: Vec<ValueId> = parts.collect();
        let results = self.body.call(&module.path, &parts, 3 * kind.states());
        let mut items = Vec::new();
        for (grid, parts) in recurrent::states(module, kind)?
            .into_iter()
            .zip(results.chunks_exact(3))
        {
            self.note(&module.path, kind.op(), Place::Bpu, Some(&grid));
            items.push(Val::Quantised(Quantised {
                data: parts[0],
                scale: parts[1],
                zero_point: parts[2],
                grid,
            }));
        }
        let ty = Type::tuple(vec![Type::Tensor; items.len()]);
        Ok(match items.len() {
            1 => items.remove(0),
            _ => Val::Group { items, ty },
        })
    }

    /// The object of a leaf with one quantised input, and the grid of its output.
    fn make_unary(
        &mut self,
        module: &Module<'m>,
        class: &str,
        input: &Grid,
    ) -> Result<(crate::emit::ObjectId, Grid), ConvertError> {
        let emit = &mut self.emit;
        match class {
            "batchnorm.BatchNorm2d" => norm::batch_norm(emit, module, input, false),
            "batchnorm.BatchNorm3d" => norm::batch_norm(emit, module, input, true),
            "avg_pool2d.AvgPool2d" => pool::avg_pool(emit, module, input, false),
            "avg_pool2d.AdaptiveAvgPool2d" => pool::avg_pool(emit, module, input, true),
            "segment_lut.SegmentLUT" => {
                let quant = FakeQuant::of_some_output(module)?;
                let function = lut::function(module)?;
                let object = lut::lut(emit, module, &function, input, &quant, None)?;
                Ok((object, quant.grid))
            }
            "softmax.SegmentLUTSoftmax" => {
                self.need_segments(module, "softmax")?;
                softmax::softmax(&mut self.emit, module, input)
            }
            "layernorm.LayerNorm"
            | "instancenorm.InstanceNorm1d"
            | "instancenorm.InstanceNorm2d"
            | "instancenorm.InstanceNorm3d" => {
                self.need_segments(module, "layer_norm")?;
                norm::layer_norm(&mut self.emit, module, input)
            }
            "prelu.PReLU" => prelu::prelu(emit, module, input),
            other => Err(module.refuse(format!("`{other}` has no fixed-point form"))),
        }
    }

    fn need_segments(&self, module: &Module, op: &'static str) -> Result<(), ConvertError> {
        let march = self.march()?;
        if has_segments(&march) {
            return Ok(());
        }
        Err(ConvertError::March {
            march,
            op,
            path: module.path.to_string(),
        })
    }

    /// Calls a leaf of one quantised input that returns data, scale and zero point.
    fn unary(
        &mut self,
        module: &Module<'m>,
        input: &Quantised,
        make: impl FnOnce(&mut Self) -> Result<(crate::emit::ObjectId, Option<Grid>), ConvertError>,
    ) -> Result<Val<'m>, ConvertError> {
        let made = self.made(module, &[&input.grid], make)?;
        let inputs = [input.data, input.scale, input.zero_point];
        let results = self.body.call(&module.path, &inputs, 3);
        self.triple(module, &results, made)
    }

    fn triple(
        &mut self,
        module: &Module,
        results: &[ValueId],
        made: Made,
    ) -> Result<Val<'m>, ConvertError> {
        let (&[data, scale, zero_point], Some(grid)) = (results, made.output) else {
            return Err(module.refuse("its result has no scale"));
        };
        Ok(Val::Quantised(Quantised {
            data,
            scale,
            zero_point,
            grid,
        }))
    }

    /// The object of a module, made once; calls with inputs of another scale need another module.
    pub(super) fn made(
        &mut self,
        module: &Module<'m>,
        inputs: &[&Grid],
        make: impl FnOnce(&mut Self) -> Result<(crate::emit::ObjectId, Option<Grid>), ConvertError>,
    ) -> Result<Made, ConvertError> {
        if let Some(made) = self.objects.get(&module.id) {
            if made.inputs.iter().eq(inputs.iter().copied()) {
                return Ok(made.clone());
            }
            return Err(module.refuse(
                "it is called several times with inputs of different scales: give each call a module of its own",
            ));
        }
        let (object, output) = make(self)?;
        let made = Made {
            object,
            inputs: inputs.iter().map(|&g| g.clone()).collect(),
            output,
        };
        self.objects.insert(module.id, made.clone());
        Ok(made)
    }

    /// The quantised tensor that a leaf reads.
    pub(super) fn quantised(
        &self,
        value: ValueId,
        module: &Module,
    ) -> Result<Quantised, ConvertError> {
        match self.get(value)? {
            Val::Quantised(it) => Ok(it),
            _ => Err(module.refuse(
                "it reads a float tensor: the value passes an operator without integer form and needs a QuantStub behind it",
            )),
        }
    }

    fn call_quant(&mut self, module: &Module<'m>, x: ValueId) -> Result<Val<'m>, ConvertError> {
        let quant = FakeQuant::of_some_output(module)?;
        self.set_march(&quant.march)?;
        if let Val::Quantised(input) = self.get(x)? {
            return self.requantised(module, &input, &quant);
        }
        let x = self.plain(x)?;
        self.made(module, &[], |low| {
            Ok((
                stub::quantize(&mut low.emit, &quant)?,
                Some(quant.grid.clone()),
            ))
        })?;
        let results = self.body.call(&module.path, &[x], 2);
        let scale = self.body.buffer(&module.path, "scale");
        Ok(Val::Quantised(Quantised {
            data: results[0],
            scale,
            zero_point: results[1],
            grid: quant.grid,
        }))
    }

    /// A stub behind a value that is quantised already: to its own scale, where that differs.
    fn requantised(
        &mut self,
        module: &Module<'m>,
        input: &Quantised,
        quant: &FakeQuant,
    ) -> Result<Val<'m>, ConvertError> {
        self.made(module, &[&input.grid], |low| {
            Ok((
                stub::quantize(&mut low.emit, quant)?,
                Some(quant.grid.clone()),
            ))
        })?;
        if input.grid == quant.grid {
            return Ok(Val::Quantised(input.clone()));
        }
        let scale = self.body.buffer(&module.path, "scale");
        let zero_point = self.body.zero_point(scale);
        let data = self.requantise(input, scale, zero_point, quant.grid.dtype)?;
        Ok(Val::Quantised(Quantised {
            data,
            scale,
            zero_point,
            grid: quant.grid.clone(),
        }))
    }

    /// `functional.requantize`.
    pub(super) fn requantise(
        &mut self,
        input: &Quantised,
        scale: ValueId,
        zero_point: ValueId,
        dtype: QType,
    ) -> Result<ValueId, ConvertError> {
        let in_type = self.body.str(input.grid.dtype.name());
        let out_type = self.body.str(dtype.name());
        let march = self.march()?;
        let march = self.body.str(&march);
        let inputs = [
            input.data,
            input.scale,
            input.zero_point,
            in_type,
            scale,
            zero_point,
            out_type,
            march,
        ];
        Ok(self.body.functional("requantize", &inputs))
    }

    fn call_dequant(&mut self, module: &Module<'m>, x: ValueId) -> Result<Val<'m>, ConvertError> {
        let Val::Quantised(input) = self.get(x)? else {
            let axis = Channels::At(-1);
            let march = self.march()?;
            self.made(module, &[], |low| {
                Ok((stub::dequantize(&mut low.emit, axis, &march)?, None))
            })?;
            return Ok(Val::Plain(self.plain(x)?));
        };
        let march = self.march()?;
        let axis = input.grid.axis();
        self.made(module, &[&input.grid], |low| {
            Ok((stub::dequantize(&mut low.emit, axis, &march)?, None))
        })?;
        let inputs = [input.data, input.scale, input.zero_point];
        Ok(Val::Plain(self.body.call(&module.path, &inputs, 1)[0]))
    }

    fn call_conv(
        &mut self,
        module: &Module<'m>,
        form: Form,
        args: &[ValueId],
    ) -> Result<Val<'m>, ConvertError> {
        let expected = if form.add { 2 } else { 1 };
        if args.len() != expected {
            return Err(module.refuse(format!(
                "called with {} arguments, expected {expected}",
                args.len()
            )));
        }
        let input = self.quantised(args[0], module)?;
        let sumin = match args.get(1) {
            Some(&value) => Some(self.quantised(value, module)?),
            None => None,
        };
        let mut grids = vec![&input.grid];
        grids.extend(sumin.as_ref().map(|s| &s.grid));
        let made = self.made(module, &grids, |low| {
            let conv = Conv::read(module, form, &input.grid, sumin.as_ref().map(|s| &s.grid))?;
            let object = match low.options.prepack {
                true => conv.prepacked(&mut low.emit, module)?,
                false => conv.leaf(&mut low.emit, module)?,
            };
            Ok((object, Some(conv.output)))
        })?;
        let mut inputs = vec![input.data, input.scale, input.zero_point];
        inputs.extend(sumin.iter().flat_map(|s| [s.data, s.scale, s.zero_point]));
        let results = self.body.call(&module.path, &inputs, 3);
        self.triple(module, &results, made)
    }
}
