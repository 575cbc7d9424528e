//! The stack machine: one pass over the ops, no recursion, memory linear in the pickle.

use byteorder::{BigEndian, ByteOrder, LittleEndian};
use smallvec::SmallVec;

use super::op::{self, code};
use super::{
    Dialect, Dict, DictId, Global, GlobalId, Items, List, ListId, ListKind, Object, ObjectId, OpId,
    Pickle, PickleError, PickleFault, Text, Use, Value, ValueId, globals,
};
use crate::archive::bytes::Blob;
use crate::archive::limits;

type Step<T> = Result<T, PickleFault>;

const NONE: ValueId = ValueId(0);
const FALSE: ValueId = ValueId(1);
const TRUE: ValueId = ValueId(2);

/// No constructor takes more.
const MAX_ARGS: usize = 16;

/// A sparse memo id up to here is fine in any pickle; beyond, ids are bounded by the bytes read so far.
const FREE_MEMO_IDS: usize = 1 << 16;

/// The machine's state; results accumulate in `out`.
pub(super) struct Machine<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) out: Pickle,
    /// Nesting of each value.
    depth: Vec<u16>,
    stack: Vec<Use>,
    marks: Vec<u32>,
    /// Value by memo id; `u32::MAX` for none.
    memo: Vec<u32>,
    memoized: u32,
    /// Bytes and items that calls may still copy: shared arguments must not make work quadratic.
    budget: usize,
    /// The op being executed.
    pub(super) op: OpId,
    at: usize,
}

/// Decodes the pickle at the start of `blob`.
pub(super) fn run(blob: Blob, dialect: Dialect) -> Result<Pickle, PickleError> {
    let blob = blob
        .slice(0..blob.len().min(limits::MAX_PICKLE))
        .unwrap_or(blob);
    let bytes = blob.clone();
    let mut machine = Machine::new(&bytes, blob, dialect);
    match machine.run() {
        Ok(()) => Ok(machine.out),
        Err(fault) => Err(PickleError {
            at: machine.at as u32,
            fault,
        }),
    }
}

impl<'a> Machine<'a> {
    fn new(bytes: &'a [u8], blob: Blob, dialect: Dialect) -> Machine<'a> {
        let expected_ops = bytes.len().min(1 << 20) / 4;
        let out = Pickle {
            blob,
            dialect,
            starts: Vec::with_capacity(expected_ops),
            values: vec![Value::None, Value::Bool(false), Value::Bool(true)],
            produced: vec![OpId(0); 3],
            items: Vec::new(),
            lists: Vec::new(),
            dicts: Vec::new(),
            objects: Vec::new(),
            tensors: Vec::new(),
            tensor_values: Vec::new(),
            storages: Vec::new(),
            globals: Vec::new(),
            bytes: Vec::new(),
            root: Use {
                value: NONE,
                op: OpId(0),
            },
        };
        Machine {
            bytes,
            out,
            depth: vec![0; 3],
            stack: Vec::new(),
            marks: Vec::new(),
            memo: Vec::new(),
            memoized: 0,
            budget: bytes.len(),
            op: OpId(0),
            at: 0,
        }
    }

    fn run(&mut self) -> Step<()> {
        self.protocol()?;
        loop {
            let length = op::length(&self.bytes[self.at..], self.out.dialect)?;
            let (start, end) = (self.at, self.at + length);
            self.op = OpId(self.out.starts.len() as u32);
            self.out.starts.push(start as u32);
            if self.bytes[start] == code::STOP {
                self.out.starts.push(end as u32);
                return self.finish();
            }
            self.step(start, end)?;
            self.at = end;
        }
    }

    fn protocol(&mut self) -> Step<()> {
        let expected = match self.out.dialect {
            Dialect::Jit => "2",
            Dialect::Python => "2 to 5",
        };
        match self.bytes {
            [code::PROTO, 2, ..] => {}
            [code::PROTO, 3..=5, ..] if self.out.dialect == Dialect::Python => {}
            [code::PROTO, found, ..] => {
                return Err(PickleFault::Protocol {
                    found: *found,
                    expected,
                });
            }
            _ => return Err(PickleFault::NoProto),
        }
        self.out.starts.push(0);
        self.at = 2;
        Ok(())
    }

    fn finish(&mut self) -> Step<()> {
        if self.stack.len() != 1 || !self.marks.is_empty() {
            return Err(PickleFault::LeftOver(self.stack.len()));
        }
        self.out.root = self.stack[0];
        let bare = self.out.objects.iter().find(|it| it.state.is_none());
        bare.map_or(Ok(()), |it| {
            Err(PickleFault::NoState(self.out.qualified_name(it.class)))
        })
    }

    fn step(&mut self, start: usize, end: usize) -> Step<()> {
        use code::*;
        let bytes = self.bytes;
        let (opcode, operand) = (bytes[start], &bytes[start + 1..end]);
        match opcode {
            MARK => self.marks.push(self.stack.len() as u32),
            PROTO => return Err(PickleFault::SecondProto),
            NONE => self.push_id(self::NONE),
            NEWTRUE => self.push_id(TRUE),
            NEWFALSE => self.push_id(FALSE),
            BININT1 => self.push(Value::Int(operand[0] as i64)),
            BININT2 => self.push(Value::Int(LittleEndian::read_u16(operand) as i64)),
            BININT => self.push(Value::Int(LittleEndian::read_i32(operand) as i64)),
            LONG1 | LONG4 => self.long(opcode, start, end)?,
            BINFLOAT => self.push(Value::Float(BigEndian::read_f64(operand))),
            BINUNICODE | SHORT_BINUNICODE | BINUNICODE8 => {
                self.push(Value::Str(payload(opcode, start, end)))
            }
            BINBYTES | SHORT_BINBYTES | BINBYTES8 => {
                let text = payload(opcode, start, end);
                let bytes = self.out.text(text).into();
                let value = self.bytes_value(bytes);
                self.push(value);
            }
            GLOBAL => self.global_op(start, end)?,
            STACK_GLOBAL => self.stack_global()?,
            BINPUT => self.put(operand[0] as u32)?,
            LONG_BINPUT => self.put(LittleEndian::read_u32(operand))?,
            MEMOIZE => self.put(self.memoized)?,
            BINGET => self.get(operand[0] as u32)?,
            LONG_BINGET => self.get(LittleEndian::read_u32(operand))?,
            FRAME => {}
            EMPTY_TUPLE => self.tuple(self.stack.len())?,
            TUPLE1 | TUPLE2 | TUPLE3 => self.tuple(self.above(1 + (opcode - TUPLE1) as usize)?)?,
            TUPLE => {
                let mark = self.pop_mark()?;
                self.tuple(mark)?;
            }
            EMPTY_LIST => self.new_list(Vec::new())?,
            LIST => {
                let mark = self.pop_mark()?;
                let items = self.stack.split_off(mark);
                self.new_list(items)?;
            }
            APPEND => self.append(self.above(1)?)?,
            APPENDS | ADDITEMS => {
                let mark = self.pop_mark()?;
                self.append(mark)?;
            }
            EMPTY_SET => {
                let list = self.list_row(Vec::new());
                self.push(Value::Set(list));
            }
            EMPTY_DICT => self.new_dict(self.stack.len())?,
            DICT => {
                let mark = self.pop_mark()?;
                self.new_dict(mark)?;
            }
            SETITEM => self.set_items(self.above(2)?)?,
            SETITEMS => {
                let mark = self.pop_mark()?;
                self.set_items(mark)?;
            }
            NEWOBJ => self.new_object()?,
            BUILD => self.build()?,
            REDUCE => self.reduce()?,
            BINPERSID => self.persistent_id()?,
            other => return Err(PickleFault::Opcode(other)),
        }
        Ok(())
    }

    // The stack.

    /// Pushes a new value without children.
    pub(super) fn push(&mut self, value: Value) {
        let id = self.add(value, 0);
        self.push_id(id);
    }

    /// Pushes a new value that contains values nested `depth` deep.
    pub(super) fn push_around(&mut self, value: Value, depth: u16) -> Step<()> {
        let depth = self.deeper(depth)?;
        let id = self.add(value, depth);
        self.push_id(id);
        Ok(())
    }

    pub(super) fn push_id(&mut self, value: ValueId) {
        self.stack.push(Use { value, op: self.op });
    }

    pub(super) fn add(&mut self, value: Value, depth: u16) -> ValueId {
        let id = ValueId(self.out.values.len() as u32);
        self.out.values.push(value);
        self.out.produced.push(self.op);
        self.depth.push(depth);
        id
    }

    fn deeper(&self, depth: u16) -> Step<u16> {
        if depth >= limits::MAX_DEPTH {
            Err(PickleFault::Depth(limits::MAX_DEPTH))
        } else {
            Ok(depth + 1)
        }
    }

    pub(super) fn depth_of(&self, items: &[Use]) -> u16 {
        items
            .iter()
            .map(|it| self.depth[it.value.index()])
            .max()
            .unwrap_or(0)
    }

    /// Values below the innermost mark cannot be popped.
    pub(super) fn pop(&mut self) -> Step<Use> {
        let floor = self.marks.last().map_or(0, |it| *it as usize);
        if self.stack.len() <= floor {
            return Err(PickleFault::StackUnderflow);
        }
        self.stack.pop().ok_or(PickleFault::StackUnderflow)
    }

    fn above(&self, count: usize) -> Step<usize> {
        let floor = self.marks.last().map_or(0, |it| *it as usize);
        let start = self
            .stack
            .len()
            .checked_sub(count)
            .filter(|it| *it >= floor);
        start.ok_or(PickleFault::StackUnderflow)
    }

    fn pop_mark(&mut self) -> Step<usize> {
        self.marks
            .pop()
            .map(|it| it as usize)
            .ok_or(PickleFault::NoMark)
    }

    /// The value under the items from `start` on.
    fn under(&self, start: usize) -> Step<Use> {
        let floor = self.marks.last().map_or(0, |it| *it as usize);
        let index = start.checked_sub(1).filter(|it| *it >= floor);
        index
            .map(|it| self.stack[it])
            .ok_or(PickleFault::StackUnderflow)
    }

    // The memo.

    fn put(&mut self, id: u32) -> Step<()> {
        let top = self.under(self.stack.len())?;
        let slot = id as usize;
        if slot >= self.at.max(FREE_MEMO_IDS) {
            return Err(PickleFault::MemoId {
                id,
                length: self.bytes.len(),
            });
        }
        if slot >= self.memo.len() {
            self.memo.resize(slot + 1, u32::MAX);
        }
        if self.memo[slot] == u32::MAX {
            self.memoized += 1;
        }
        self.memo[slot] = top.value.0;
        Ok(())
    }

    fn get(&mut self, id: u32) -> Step<()> {
        let value = self
            .memo
            .get(id as usize)
            .copied()
            .filter(|it| *it != u32::MAX);
        self.push_id(ValueId(value.ok_or(PickleFault::NoMemo(id))?));
        Ok(())
    }

    // Values.

    fn long(&mut self, opcode: u8, start: usize, end: usize) -> Step<()> {
        let text = payload(opcode, start, end);
        let bytes = self.out.text(text);
        if self.out.dialect == Dialect::Jit && bytes.len() != 8 {
            return Err(PickleFault::LongLength(bytes.len()));
        }
        let value = match bytes.len() {
            0 => Value::Int(0),
            1..=8 => Value::Int(LittleEndian::read_int(bytes, bytes.len())),
            _ => Value::BigInt(text),
        };
        self.push(value);
        Ok(())
    }

    pub(super) fn bytes_value(&mut self, bytes: Box<[u8]>) -> Value {
        let id = super::BytesId(self.out.bytes.len() as u32);
        self.out.bytes.push(bytes);
        Value::Bytes(id)
    }

    fn tuple(&mut self, start: usize) -> Step<()> {
        let depth = self.depth_of(&self.stack[start..]);
        let items = Items {
            start: self.out.items.len() as u32,
            len: (self.stack.len() - start) as u32,
        };
        self.out.items.extend_from_slice(&self.stack[start..]);
        self.stack.truncate(start);
        self.push_around(Value::Tuple(items), depth)
    }

    fn list_row(&mut self, items: Vec<Use>) -> ListId {
        let id = ListId(self.out.lists.len() as u32);
        self.out.lists.push(List {
            items,
            kind: ListKind::Plain,
            tag: None,
        });
        id
    }

    fn new_list(&mut self, items: Vec<Use>) -> Step<()> {
        let depth = self.depth_of(&items);
        let list = self.list_row(items);
        self.push_around(Value::List(list), depth)
    }

    /// Moves the items from `start` on into the list or set under them.
    fn append(&mut self, start: usize) -> Step<()> {
        let list = self.under(start)?;
        let (Value::List(id) | Value::Set(id)) = self.out.at(list) else {
            return Err(self.expected("a list", list));
        };
        if self.out.list(id).kind != ListKind::Plain {
            return Err(PickleFault::Expected {
                expected: "a list without a type yet",
                found: "a typed list",
            });
        }
        self.deepen(list, start)?;
        let items = self.stack.drain(start..);
        self.out.lists[id.index()].items.extend(items);
        Ok(())
    }

    fn deepen(&mut self, container: Use, start: usize) -> Step<()> {
        let depth = self.deeper(self.depth_of(&self.stack[start..]))?;
        let slot = &mut self.depth[container.value.index()];
        *slot = depth.max(*slot);
        Ok(())
    }

    fn new_dict(&mut self, start: usize) -> Step<()> {
        let dict = self.dict_row(false);
        let depth = self.depth_of(&self.stack[start..]);
        self.fill(dict, start)?;
        self.push_around(Value::Dict(dict), depth)
    }

    pub(super) fn dict_row(&mut self, ordered: bool) -> DictId {
        let id = DictId(self.out.dicts.len() as u32);
        self.out.dicts.push(Dict {
            ordered,
            ..Dict::default()
        });
        id
    }

    fn set_items(&mut self, start: usize) -> Step<()> {
        let dict = self.under(start)?;
        let Value::Dict(id) = self.out.at(dict) else {
            return Err(self.expected("a dict", dict));
        };
        self.deepen(dict, start)?;
        self.fill(id, start)
    }

    fn fill(&mut self, dict: DictId, start: usize) -> Step<()> {
        let items = &self.stack[start..];
        if !items.len().is_multiple_of(2) {
            return Err(PickleFault::OddItems);
        }
        let pairs = items.chunks_exact(2).map(|it| (it[0], it[1]));
        self.out.dicts[dict.index()].items.extend(pairs);
        self.stack.truncate(start);
        Ok(())
    }

    // Globals and objects.

    fn global_op(&mut self, start: usize, end: usize) -> Step<()> {
        let operand = &self.bytes[start + 1..end - 1];
        let split = operand
            .iter()
            .position(|it| *it == b'\n')
            .ok_or(PickleFault::Truncated)?;
        let module = Text {
            start: start as u32 + 1,
            len: split as u32,
        };
        let name = Text {
            start: module.start + split as u32 + 1,
            len: (operand.len() - split - 1) as u32,
        };
        self.global(module, name)
    }

    fn stack_global(&mut self) -> Step<()> {
        let name = self.pop()?;
        let module = self.pop()?;
        self.global(self.text(module)?, self.text(name)?)
    }

    fn global(&mut self, module: Text, name: Text) -> Step<()> {
        let length = module.len as usize + name.len as usize;
        if length > limits::MAX_GLOBAL_NAME {
            return Err(PickleFault::Length {
                length: length as u64,
                left: limits::MAX_GLOBAL_NAME as u64,
            });
        }
        let kind = globals::kind(self.out.text(module), self.out.text(name), self.out.dialect)?;
        let id = GlobalId(self.out.globals.len() as u32);
        self.out.globals.push(Global {
            module,
            name,
            kind,
            op: self.op,
        });
        self.push(Value::Global(id));
        Ok(())
    }

    fn new_object(&mut self) -> Step<()> {
        let args = self.pop()?;
        let class = self.pop()?;
        if !self.tuple_items(args)?.is_empty() {
            return Err(PickleFault::Arity {
                expected: "0",
                found: self.tuple_items(args)?.len(),
            });
        }
        let global = self.global_of(class)?;
        if self.out.global(global).kind != super::GlobalKind::Class {
            return Err(PickleFault::NotCallable(self.out.qualified_name(global)));
        }
        let id = ObjectId(self.out.objects.len() as u32);
        self.out.objects.push(Object {
            class: global,
            class_op: class.op,
            state: None,
        });
        self.push(Value::Object(id));
        Ok(())
    }

    fn build(&mut self) -> Step<()> {
        let state = self.pop()?;
        let target = self.under(self.stack.len())?;
        let depth = self.deeper(self.depth_of(&[state]))?;
        match self.out.at(target) {
            Value::Object(id) => self.out.objects[id.index()].state = Some(state),
            Value::Dict(id) if self.out.dialect == Dialect::Python => {
                self.out.dicts[id.index()].attributes = Some(state);
            }
            _ => return Err(self.expected("an object", target)),
        }
        let slot = &mut self.depth[target.value.index()];
        *slot = depth.max(*slot);
        // The object is now the work of this op.
        self.out.produced[target.value.index()] = self.op;
        Ok(())
    }

    // Reading operands.

    /// Pays for copying `amount` bytes or items of a value that may be shared.
    pub(super) fn spend(&mut self, amount: usize) -> Step<()> {
        self.budget = self.budget.checked_sub(amount).ok_or(PickleFault::Budget)?;
        Ok(())
    }

    /// The arguments of a call: a tuple that is short enough to copy.
    pub(super) fn args(&self, it: Use) -> Step<SmallVec<[Use; 8]>> {
        let items = self.tuple_items(it)?;
        if items.len() > MAX_ARGS {
            return Err(PickleFault::Arity {
                expected: "at most 16",
                found: items.len(),
            });
        }
        Ok(items.into())
    }

    pub(super) fn expected(&self, expected: &'static str, found: Use) -> PickleFault {
        PickleFault::Expected {
            expected,
            found: self.out.at(found).describe(),
        }
    }

    pub(super) fn tuple_items(&self, it: Use) -> Step<&[Use]> {
        match self.out.at(it) {
            Value::Tuple(items) | Value::Size(items) => Ok(self.out.items(items)),
            _ => Err(self.expected("a tuple", it)),
        }
    }

    pub(super) fn global_of(&self, it: Use) -> Step<GlobalId> {
        match self.out.at(it) {
            Value::Global(id) => Ok(id),
            _ => Err(self.expected("a global name", it)),
        }
    }

    pub(super) fn text(&self, it: Use) -> Step<Text> {
        match self.out.at(it) {
            Value::Str(text) => Ok(text),
            _ => Err(self.expected("a string", it)),
        }
    }

    pub(super) fn int(&self, it: Use) -> Step<i64> {
        match self.out.at(it) {
            Value::Int(value) => Ok(value),
            _ => Err(self.expected("an int", it)),
        }
    }

    pub(super) fn bool(&self, it: Use) -> Step<bool> {
        match self.out.at(it) {
            Value::Bool(value) => Ok(value),
            _ => Err(self.expected("a bool", it)),
        }
    }

    pub(super) fn float(&self, it: Use) -> Step<f64> {
        match self.out.at(it) {
            Value::Float(value) => Ok(value),
            _ => Err(self.expected("a float", it)),
        }
    }
}

/// The bytes after an op's length prefix.
fn payload(opcode: u8, start: usize, end: usize) -> Text {
    let first = start + 1 + op::prefix_width(opcode);
    Text {
        start: first as u32,
        len: (end - first) as u32,
    }
}
