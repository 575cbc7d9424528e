//! Method bodies of modules that are chains of integer functions.

use super::zero_point_of;
use crate::quant::convert::FUNCTIONAL;
use crate::quant::convert::grid::Grid;
use std::fmt::Write;

/// Statements over values `v` with their `v_scale` and `v_zero_point`.
pub(super) struct Steps {
    text: String,
    /// How many of the last dimensions a mean is over.
    dims: usize,
    types: Vec<(String, String)>,
}

impl Steps {
    /// Over the values of these names, which are parameters of the method.
    pub(super) fn new(inputs: &[(&str, &Grid)]) -> Steps {
        let types = inputs
            .iter()
            .map(|(name, grid)| ((*name).to_owned(), grid.dtype.to_string()));
        Steps {
            text: String::new(),
            dims: 1,
            types: types.collect(),
        }
    }

    /// Over the one input `data`, called `x`; means are over this many of its last dimensions.
    pub(super) fn of_data(input: &Grid, dims: usize) -> Steps {
        let text = "x = data\nx_scale = scale\nx_zero_point = zero_point\n".to_owned();
        Steps {
            text,
            dims,
            types: vec![("x".to_owned(), input.dtype.to_string())],
        }
    }

    fn dtype(&self, value: &str) -> &str {
        let found = self.types.iter().find(|(name, _)| name == value);
        found.map_or("qint16", |(_, dtype)| dtype)
    }

    fn define(&mut self, name: &str, grid: &Grid) {
        self.types.push((name.to_owned(), grid.dtype.to_string()));
    }

    fn scale_of(&mut self, name: &str, child: &str) {
        let zero = zero_point_of(&format!("{name}_scale"));
        let _ = writeln!(
            self.text,
            "{name}_scale = self.{child}.scale\n{name}_zero_point = {zero}"
        );
    }

    pub(super) fn mean(&mut self, name: &str, x: &str, child: &str, grid: &Grid, march: &str) {
        self.scale_of(name, child);
        // Several dimensions are flattened to one, and come back with size 1.
        let (whole, wide) = match self.dims {
            1 => (x.to_owned(), String::new()),
            dims => (
                format!("torch.flatten({x}, {})", -(dims as i64)),
                format!("{name} = torch.unsqueeze({name}, -1)\n").repeat(dims - 1),
            ),
        };
        let line = format!(
            "_{name} = {FUNCTIONAL}.mean\n{name} = _{name}({whole}, -1, {x}_scale, {x}_zero_point, \"{}\", {name}_scale, {name}_zero_point, \"{}\", \"{march}\")\n",
            self.dtype(x),
            grid.dtype,
        );
        self.text.push_str(&line);
        self.text.push_str(&wide);
        self.define(name, grid);
    }

    pub(super) fn binary(
        &mut self,
        name: &str,
        (op, x, y): (&str, &str, &str),
        child: &str,
        grid: &Grid,
        march: &str,
    ) {
        self.scale_of(name, child);
        let types = (self.dtype(x), self.dtype(y));
        let arguments = binary_arguments(op, x, y, types, name, (grid.dtype.name(), march));
        let line = format!("_{name} = {FUNCTIONAL}.{op}\n{name} = _{name}({arguments})\n");
        self.text.push_str(&line);
        self.define(name, grid);
    }

    pub(super) fn call(&mut self, name: &str, child: &str, x: &str, grid: &Grid) {
        let _ = writeln!(
            self.text,
            "{name}, {name}_scale, {name}_zero_point, = (self.{child}).forward({x}, {x}_scale, {x}_zero_point, )"
        );
        self.define(name, grid);
    }

    /// Parts of a value along its last dimension, each of this size.
    pub(super) fn split(&mut self, names: &[&str], x: &str, size: i64, grid: &Grid) {
        let all = names.join(", ");
        let _ = writeln!(self.text, "{all}, = torch.split({x}, {size}, -1)");
        for name in names {
            let _ = writeln!(
                self.text,
                "{name}_scale = {x}_scale\n{name}_zero_point = {x}_zero_point"
            );
            self.define(name, grid);
        }
    }

    /// Negative values become 0.
    pub(super) fn relu(&mut self, name: &str, x: &str, grid: &Grid) {
        let _ = writeln!(
            self.text,
            "{name} = torch.relu({x})\n{name}_scale = {x}_scale\n{name}_zero_point = {x}_zero_point"
        );
        self.define(name, grid);
    }

    pub(super) fn constant(&mut self, name: &str, grid: &Grid) {
        let _ = writeln!(
            self.text,
            "{name}_scale = self.{name}_quant.scale\n{name}, {name}_zero_point, = (self.{name}_quant).forward(self.{name}, )"
        );
        self.define(name, grid);
    }

    pub(super) fn finish(self, last: &str) -> String {
        self.finish_all(&[last])
    }

    /// Returns data, scale and zero point of each.
    pub(super) fn finish_all(self, last: &[&str]) -> String {
        let parts = last
            .iter()
            .map(|it| format!("{it}, {it}_scale, {it}_zero_point"));
        let parts: Vec<String> = parts.collect();
        self.text + &format!("return ({})", parts.join(", "))
    }
}

/// The twelve arguments of `add`, whose order is its own, and of `sub` and `mul` (`horizon.md` 4).
fn binary_arguments(
    op: &str,
    x: &str,
    y: &str,
    types: (&str, &str),
    out: &str,
    last: (&str, &str),
) -> String {
    let (x_type, y_type) = types;
    let (out_type, march) = last;
    let middle = match op {
        "add" => format!(
            "{x}_scale, {y}_scale, {x}_zero_point, {y}_zero_point, \"{x_type}\", \"{y_type}\""
        ),
        _ => format!(
            "{x}_scale, {x}_zero_point, \"{x_type}\", {y}_scale, {y}_zero_point, \"{y_type}\""
        ),
    };
    format!("{x}, {y}, {middle}, {out}_scale, {out}_zero_point, \"{out_type}\", \"{march}\"")
}
