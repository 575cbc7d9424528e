//! Text to graph. Values may be used before they are defined: whether that is right is a question for `verify`.

use super::constant::read_value;
use super::cursor::Cursor;
use super::resolve::{Attributes, Written};
use super::types::read_type;
use super::{MAX_BLOCK_DEPTH, TextError};
use crate::ir::{BlockId, Constant, Graph, NodeId, Op, Type, ValueId};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// Reads one graph, in the spelling of [`super::print_graph`].
pub fn parse_graph(text: &str) -> Result<Graph, TextError> {
    let mut cursor = Cursor::new(text);
    let graph = read_graph(&mut cursor)?;
    if !cursor.is_done() {
        return Err(cursor.expected("the end of the graph"));
    }
    Ok(graph)
}

/// Reads a graph and stops behind its `return (…)`.
pub(super) fn read_graph<'t>(cursor: &mut Cursor<'t>) -> Result<Graph, TextError> {
    let mut reader = Reader {
        cursor,
        graph: Graph::new(),
        values: FxHashMap::default(),
        nodes: Vec::new(),
        returns: Vec::new(),
    };
    reader.graph()?;
    reader.finish()
}

struct Reader<'c, 't> {
    cursor: &'c mut Cursor<'t>,
    graph: Graph,
    values: FxHashMap<&'t str, ValueId>,
    nodes: Vec<RawNode<'t>>,
    returns: Vec<(BlockId, Vec<Name<'t>>)>,
}

/// A use of a name, with its line.
type Name<'t> = (&'t str, usize);

/// A node that stands in the graph, but whose op and inputs wait until all values are known.
struct RawNode<'t> {
    node: NodeId,
    kind: &'t str,
    attributes: Attributes,
    inputs: Vec<Name<'t>>,
    line: usize,
}

impl<'t> Reader<'_, 't> {
    fn graph(&mut self) -> Result<(), TextError> {
        self.cursor.expect("graph")?;
        self.cursor.expect("(")?;
        let mut block = self.graph.root();
        self.params(block)?;
        let mut around = Vec::new();
        loop {
            if self.cursor.peek("block") {
                self.cursor.take_while(|b| b.is_ascii_alphanumeric());
                self.cursor.expect("(")?;
                let Some(&owner) = self.graph.block(block).nodes.last() else {
                    return Err(self.cursor.expected("a node before its block"));
                };
                around.push(block);
                if around.len() > MAX_BLOCK_DEPTH {
                    return Err(self.too_deep());
                }
                block = self.graph.add_block(owner);
                self.params(block)?;
            } else if self.cursor.eat("->") {
                self.cursor.expect("(")?;
                let names = self.names(")")?;
                self.returns.push((block, names));
                block = around
                    .pop()
                    .ok_or_else(|| self.cursor.expected("`return`"))?;
            } else if self.cursor.eat("return") {
                if !around.is_empty() {
                    return Err(self.cursor.expected("`->` to end the block"));
                }
                self.cursor.expect("(")?;
                let names = self.names(")")?;
                self.returns.push((block, names));
                return Ok(());
            } else {
                self.node(block)?;
            }
        }
    }

    fn too_deep(&self) -> TextError {
        TextError::TooDeep {
            line: self.cursor.line(),
            limit: MAX_BLOCK_DEPTH,
        }
    }

    /// `%x : Tensor, …):`
    fn params(&mut self, block: BlockId) -> Result<(), TextError> {
        while !self.cursor.eat(")") {
            if !self.graph.block(block).params.is_empty() {
                self.cursor.expect(",")?;
            }
            let (name, ty, line) = self.definition()?;
            let value = self.graph.add_param(block, ty, source_name(name));
            self.define(name, value, line)?;
        }
        self.cursor.expect(":")
    }

    fn definition(&mut self) -> Result<(&'t str, Type, usize), TextError> {
        let (name, line) = self.name()?;
        self.cursor.expect(":")?;
        Ok((name, read_type(self.cursor, 0)?, line))
    }

    fn define(&mut self, name: &'t str, value: ValueId, line: usize) -> Result<(), TextError> {
        match self.values.insert(name, value) {
            None => Ok(()),
            Some(_) => Err(TextError::Redefined {
                line,
                name: name.to_owned(),
            }),
        }
    }

    fn name(&mut self) -> Result<Name<'t>, TextError> {
        let line = self.cursor.line();
        self.cursor.expect("%")?;
        Ok((self.cursor.path()?, line))
    }

    fn names(&mut self, close: &'static str) -> Result<Vec<Name<'t>>, TextError> {
        let mut names = Vec::new();
        while !self.cursor.eat(close) {
            if !names.is_empty() {
                self.cursor.expect(",")?;
            }
            names.push(self.name()?);
        }
        Ok(names)
    }

    /// `%a : T, %b : T = kind[attributes](%inputs), scope: s`
    fn node(&mut self, block: BlockId) -> Result<(), TextError> {
        let line = self.cursor.line();
        let node = self.graph.make_node(Op::Print, [], [], None);
        while self.cursor.peek("%") {
            let (name, ty, line) = self.definition()?;
            let value = self.graph.add_output(node, ty);
            self.graph.value_mut(value).name = source_name(name);
            self.define(name, value, line)?;
            if !self.cursor.eat(",") {
                break;
            }
        }
        self.cursor.expect("=")?;
        let kind = self.cursor.path()?;
        let attributes = self.attributes()?;
        self.cursor.expect("(")?;
        let inputs = self.names(")")?;
        if self.cursor.eat(", scope:") {
            self.graph.node_mut(node).scope = self.cursor.line_rest().into();
        }
        self.graph.append(block, node);
        self.nodes.push(RawNode {
            node,
            kind,
            attributes,
            inputs,
            line,
        });
        Ok(())
    }

    fn attributes(&mut self) -> Result<Attributes, TextError> {
        let mut attributes = Attributes::default();
        if !self.cursor.eat("[") {
            return Ok(attributes);
        }
        while !self.cursor.eat("]") {
            let key = self.cursor.path()?;
            self.cursor.expect("=")?;
            match key {
                "name" => attributes.name = Some(self.text()?),
                "value" => attributes.value = Some(read_value(self.cursor, 0)?),
                "beg" => attributes.begin = Some(self.int()?),
                "end" => attributes.end = Some(self.int()?),
                "types" => attributes.types = Some(self.list(|this| read_type(this.cursor, 0))?),
                "keywords" => attributes.keywords = Some(self.list(|this| this.text())?),
                _ => return Err(self.cursor.expected("the value of a known attribute")),
            }
            if !self.cursor.eat(",") {
                self.cursor.expect("]")?;
                break;
            }
        }
        Ok(attributes)
    }

    fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, TextError>,
    ) -> Result<Vec<T>, TextError> {
        self.cursor.expect("[")?;
        let mut items = Vec::new();
        while !self.cursor.eat("]") {
            if !items.is_empty() {
                self.cursor.expect(",")?;
            }
            items.push(read(self)?);
        }
        Ok(items)
    }

    fn text(&mut self) -> Result<SmolStr, TextError> {
        let bytes = self.cursor.string()?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(text.into()),
            Err(_) => Err(self.cursor.expected("text in UTF-8")),
        }
    }

    fn int(&mut self) -> Result<i64, TextError> {
        match read_value(self.cursor, 0)? {
            Constant::Int(value) => Ok(value),
            _ => Err(self.cursor.expected("an int")),
        }
    }

    fn value(&self, (name, line): Name) -> Result<ValueId, TextError> {
        self.values
            .get(name)
            .copied()
            .ok_or_else(|| TextError::Undefined {
                line,
                name: name.to_owned(),
            })
    }

    /// Fills in what waited for the names.
    fn finish(mut self) -> Result<Graph, TextError> {
        for raw in std::mem::take(&mut self.nodes) {
            let inputs: Vec<ValueId> = (raw.inputs.iter())
                .map(|&name| self.value(name))
                .collect::<Result<_, _>>()?;
            let outputs = &self.graph.node(raw.node).outputs;
            let written = Written {
                kind: raw.kind,
                attributes: raw.attributes,
                inputs: inputs.iter().map(|&v| self.graph.ty(v)).collect(),
                outputs: outputs.iter().map(|&v| self.graph.ty(v)).collect(),
                line: raw.line,
            };
            let op = written.op()?;
            if let (Op::Constant(Constant::Function(name)), Some(&value)) = (&op, outputs.first()) {
                self.graph.value_mut(value).ty = Type::Function(name.clone());
            }
            let node = self.graph.node_mut(raw.node);
            node.op = op;
            node.inputs = inputs.into();
        }
        for (block, names) in std::mem::take(&mut self.returns) {
            let values = names.into_iter().map(|name| self.value(name));
            let values = values.collect::<Result<_, _>>()?;
            self.graph.block_mut(block).returns = values;
        }
        Ok(self.graph)
    }
}

/// `x` of `x.12`; a number is no name.
fn source_name(name: &str) -> Option<SmolStr> {
    let base = match name.rsplit_once('.') {
        Some((base, suffix)) if suffix.bytes().all(|b| b.is_ascii_digit()) => base,
        _ => name,
    };
    let is_name = !base.is_empty() && !base.as_bytes()[0].is_ascii_digit();
    is_name.then(|| base.into())
}
