//! Steps of recurrent layers as chains of integer functions (`horizon.md` 8.3).

use super::Leaf;
use super::conv::{Conv, Form};
use super::lut::{function, lut};
use super::softmax::functional;
use super::steps::Steps;
use crate::emit::ObjectId;
use crate::quant::cell::CellKind;
use crate::quant::convert::error::ConvertError;
use crate::quant::convert::grid::{FakeQuant, Grid};
use crate::quant::convert::read::Module;
use crate::quant::convert::writer::Writer;

/// The parts whose results are the states.
fn state_parts(kind: CellKind) -> &'static [&'static str] {
    match kind {
        CellKind::Lstm => &["out_mul", "cell_add"],
        CellKind::Gru => &["out_add"],
        CellKind::Tanh => &["tanh"],
        CellKind::Relu => &["gates"],
    }
}

/// The grids of the states that a cell gives.
pub(in crate::quant::convert) fn states(
    module: &Module,
    kind: CellKind,
) -> Result<Vec<Grid>, ConvertError> {
    let grid = |part: &&str| Ok(FakeQuant::of_some_output(&module.part(part)?)?.grid);
    state_parts(kind).iter().map(grid).collect()
}

/// A cell of the plugin's class, with its linears, tables and scales as children.
pub(in crate::quant::convert) fn cell(
    emit: &mut Writer,
    module: &Module,
    kind: CellKind,
    inputs: &[&Grid],
    prepack: bool,
) -> Result<ObjectId, ConvertError> {
    let names = ["x", "h", "c"];
    let named: Vec<(&str, &Grid)> = names.into_iter().zip(inputs.iter().copied()).collect();
    let mut cell = Cell {
        emit,
        module,
        leaf: Leaf::named(&module.plain_class()),
        steps: Steps::new(&named),
        march: FakeQuant::of_some_output(&module.part(state_parts(kind)[0])?)?.march,
        size: module.int("size")?,
        prepack,
    };
    let results = match (kind, inputs) {
        (CellKind::Lstm, &[x, h, _]) => cell.lstm(x, h)?,
        (CellKind::Gru, &[x, h]) => cell.gru(x, h)?,
        (CellKind::Tanh | CellKind::Relu, &[x, h]) => cell.plain(kind, x, h)?,
        _ => return Err(module.refuse("its inputs are not those of its kind")),
    };
    let body = cell.steps.finish_all(results);
    let params = named
        .iter()
        .flat_map(|(name, _)| ["", "_scale", "_zero_point"].map(|end| format!("{name}{end}")));
    let params: Vec<String> = params.collect();
    let params: Vec<&str> = params.iter().map(String::as_str).collect();
    cell.leaf
        .forward(cell.emit, &params, 3 * results.len(), &body)
}

/// A cell in the making.
struct Cell<'a, 'm> {
    emit: &'a mut Writer,
    module: &'a Module<'m>,
    leaf: Leaf,
    steps: Steps,
    march: String,
    size: i64,
    prepack: bool,
}

impl Cell<'_, '_> {
    fn lstm(&mut self, x: &Grid, h: &Grid) -> Result<&'static [&'static str], ConvertError> {
        self.linear("from_x", "input", "x", x)?;
        self.linear("from_h", "hidden", "h", h)?;
        let gates = self.binary("sum", ("add", "from_x", "from_h"), "gates")?;
        self.steps
            .split(&["i", "f", "g", "o"], "sum", self.size, &gates);
        self.table("sigmoid", &gates)?;
        self.table("tanh", &gates)?;
        for (name, part, x) in [
            ("input_gate", "sigmoid", "i"),
            ("forget_gate", "sigmoid", "f"),
            ("new", "tanh", "g"),
            ("out_gate", "sigmoid", "o"),
        ] {
            self.look_up(name, part, x)?;
        }
        self.binary("kept", ("mul", "forget_gate", "c"), "forget_mul")?;
        self.binary("added", ("mul", "input_gate", "new"), "input_mul")?;
        let state = self.binary("c1", ("add", "kept", "added"), "cell_add")?;
        self.table("out_tanh", &state)?;
        self.look_up("out", "out_tanh", "c1")?;
        self.binary("h1", ("mul", "out_gate", "out"), "out_mul")?;
        Ok(&["h1", "c1"])
    }

    fn gru(&mut self, x: &Grid, h: &Grid) -> Result<&'static [&'static str], ConvertError> {
        let from_x = self.linear("from_x", "input", "x", x)?;
        let from_h = self.linear("from_h", "hidden", "h", h)?;
        self.steps
            .split(&["xr", "xz", "xn"], "from_x", self.size, &from_x);
        self.steps
            .split(&["hr", "hz", "hn"], "from_h", self.size, &from_h);
        let reset = self.binary("r", ("add", "xr", "hr"), "reset_add")?;
        self.table("sigmoid", &reset)?;
        self.look_up("reset", "sigmoid", "r")?;
        let update = self.binary("z", ("add", "xz", "hz"), "update_add")?;
        self.table("update_sigmoid", &update)?;
        self.look_up("update", "update_sigmoid", "z")?;
        self.binary("kept", ("mul", "reset", "hn"), "reset_mul")?;
        let new = self.binary("n", ("add", "xn", "kept"), "new_add")?;
        self.table("tanh", &new)?;
        self.look_up("new", "tanh", "n")?;
        self.binary("away", ("sub", "h", "new"), "sub")?;
        self.binary("part", ("mul", "update", "away"), "update_mul")?;
        self.binary("h1", ("add", "new", "part"), "out_add")?;
        Ok(&["h1"])
    }

    fn plain(
        &mut self,
        kind: CellKind,
        x: &Grid,
        h: &Grid,
    ) -> Result<&'static [&'static str], ConvertError> {
        self.linear("from_x", "input", "x", x)?;
        self.linear("from_h", "hidden", "h", h)?;
        let gates = self.binary("sum", ("add", "from_x", "from_h"), "gates")?;
        match kind {
            CellKind::Relu => self.steps.relu("h1", "sum", &gates),
            _ => {
                self.table("tanh", &gates)?;
                self.look_up("h1", "tanh", "sum")?;
            }
        }
        Ok(&["h1"])
    }

    fn linear(
        &mut self,
        name: &str,
        part: &str,
        x: &str,
        input: &Grid,
    ) -> Result<Grid, ConvertError> {
        let module = self.module.part(part)?;
        let form = module.leaf_class().as_deref().and_then(Form::parse);
        let form = form.ok_or_else(|| module.refuse("it is no linear"))?;
        let linear = Conv::read(&module, form, input, None)?;
        let object = match self.prepack {
            true => linear.prepacked(self.emit, &module)?,
            false => linear.leaf(self.emit, &module)?,
        };
        self.leaf.child(self.emit, part, object);
        self.steps.call(name, part, x, &linear.output);
        Ok(linear.output)
    }

    fn binary(
        &mut self,
        name: &str,
        (op, x, y): (&str, &str, &str),
        part: &str,
    ) -> Result<Grid, ConvertError> {
        let grid = FakeQuant::of_some_output(&self.module.part(part)?)?.grid;
        let object = functional(self.emit, &grid)?;
        self.leaf.child(self.emit, part, object);
        self.steps
            .binary(name, (op, x, y), part, &grid, &self.march);
        Ok(grid)
    }

    /// The table of a function of values on a grid; it may be looked up several times.
    fn table(&mut self, part: &str, input: &Grid) -> Result<(), ConvertError> {
        let module = self.module.part(part)?;
        let quant = FakeQuant::of_some_output(&module)?;
        let object = lut(self.emit, &module, &function(&module)?, input, &quant, None)?;
        self.leaf.child(self.emit, part, object);
        Ok(())
    }

    fn look_up(&mut self, name: &str, part: &str, x: &str) -> Result<(), ConvertError> {
        let grid = FakeQuant::of_some_output(&self.module.part(part)?)?.grid;
        self.steps.call(name, part, x, &grid);
        Ok(())
    }
}
