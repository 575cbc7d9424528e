//! The libtorch engine, and libtorch's own interpreter to check it with.
//!
//! Values live in libtorch as `c10::IValue`s, so that lists, objects, views and in-place operators behave as in
//! PyTorch. The machine here drives them by register; `ffi.rs` is the only unsafe code.
//!
//! Runs record no gradients, like `torch.no_grad()`, unless [`Options::grad`] asks for it.

mod ffi;
mod load;
mod machine;
mod plan;
mod reference;
mod types;
mod value;

pub use machine::{Message, Sink};
pub use reference::Reference;

use super::engine::Engine;
use super::error::ExecError;
use super::tap::{Event, Tap};
use super::value::Value;
use crate::ir::schema::SchemaError;
use crate::ir::{FuncId, Param, Type};
use crate::model::Model;
use load::{Loader, MAX_LOAD_STEPS};
use machine::{Machine, Stop};
use smol_str::SmolStr;

/// How to load and run a model.
pub struct Options {
    /// The method to run.
    pub method: SmolStr,
    /// Where all tensors go; `None` leaves each where the file says.
    pub device: Option<SmolStr>,
    /// Whether gradients are recorded.
    pub grad: bool,
    /// Receives what the model prints; `None` drops it.
    pub sink: Option<Sink>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            method: "forward".into(),
            device: None,
            grad: false,
            sink: None,
        }
    }
}

/// A model loaded into libtorch, run operator by operator.
pub struct TorchEngine<'m> {
    machine: Machine<'m>,
    func: FuncId,
    root: u32,
    root_class: SmolStr,
    missing: Vec<SmolStr>,
    grad: bool,
}

impl<'m> TorchEngine<'m> {
    /// Loads the model's values and resolves every operator that the method surely reaches.
    pub fn new(model: &'m Model, options: Options) -> Result<TorchEngine<'m>, ExecError> {
        let (func, _) = model
            .method(&options.method)
            .ok_or_else(|| ExecError::NoMethod(options.method.clone()))?;
        register_horizon()?;
        let mut machine = Machine::new(&model.program)?;
        machine.budget = Some(MAX_LOAD_STEPS);
        let device = options.device.as_deref();
        let read = |e: crate::archive::ArchiveError| ExecError::Load {
            what: "the file".into(),
            message: e.to_string(),
        };
        let constants = model.archive.constants().map_err(read)?;
        let mut loader = Loader::new(&mut machine, constants, device);
        let mut table = Vec::new();
        for item in constants
            .sequence(constants.at(constants.root()))
            .unwrap_or_default()
        {
            table.push(loader.load(item.value, &Type::Any)?);
        }
        machine.table = table;
        let data = model.archive.data().map_err(read)?;
        let class = Type::Class(model.root_class.clone());
        let root = Loader::new(&mut machine, data, device).load(data.root().value, &class)?;
        let kept: Vec<u32> = machine.table.iter().copied().chain([root]).collect();
        machine.vm.end_load(&kept);
        machine.budget = None;
        machine.sink = options.sink;
        let missing = machine.prepare(func)?;
        Ok(TorchEngine {
            missing,
            machine,
            func,
            root,
            root_class: model.root_class.clone(),
            grad: options.grad,
        })
    }

    /// Operators that the method may reach and libtorch lacks; reaching one is an error.
    pub fn missing_operators(&self) -> &[SmolStr] {
        &self.missing
    }

    /// The method's parameters, without `self`.
    pub fn params(&self) -> &'m [Param] {
        self.params_of(self.func)
    }

    fn params_of(&self, func: FuncId) -> &'m [Param] {
        let params = &self.machine.program().functions[func].params;
        params.get(1..).unwrap_or_default()
    }

    /// Starts a run that is stepped by [`Run::advance`].
    pub fn start(&mut self, inputs: &[Value]) -> Result<Run<'_, 'm>, ExecError> {
        self.start_function(self.func, inputs)
    }

    /// Starts a run of another method of the same, possibly changed, model.
    pub fn start_method(
        &mut self,
        method: &str,
        inputs: &[Value],
    ) -> Result<Run<'_, 'm>, ExecError> {
        let class = self.machine.program().class(&self.root_class);
        let func = class.and_then(|class| class.method(method));
        let func = func.ok_or_else(|| ExecError::NoMethod(method.into()))?;
        self.machine.prepare(func)?;
        self.start_function(func, inputs)
    }

    fn start_function(&mut self, func: FuncId, inputs: &[Value]) -> Result<Run<'_, 'm>, ExecError> {
        let params = self.params_of(func);
        let inputs = bind(params, inputs)?;
        self.machine.vm.reset();
        for (param, input) in params.iter().zip(&inputs) {
            self.push_input(param, *input)?;
        }
        // Otherwise the inputs of every run would stay until the engine goes.
        self.machine.vm.forget_storages();
        self.machine.begin_with(func, &[self.root], params.len())?;
        self.machine.grad = self.grad;
        Ok(Run {
            machine: &mut self.machine,
            at: At::Start,
        })
    }

    fn push_input(&mut self, param: &Param, input: Option<&Value>) -> Result<(), ExecError> {
        let Machine { vm, types, .. } = &mut self.machine;
        match (input, &param.default) {
            (Some(value), _) if value::accepts(types, &param.ty, value) => {
                value::push_value(vm, types, value, &param.ty)
            }
            (Some(value), _) => Err(ExecError::Input {
                name: param.name.clone(),
                expected: param.ty.to_string(),
                found: value.kind().into(),
            }),
            (None, Some(default)) => value::push_constant(vm, types, default, &param.ty),
            (None, None) => Err(ExecError::Internal("an input is missing".into())),
        }
    }
}

/// One input or default for each parameter.
fn bind<'v>(params: &[Param], inputs: &'v [Value]) -> Result<Vec<Option<&'v Value>>, ExecError> {
    let required = params.iter().take_while(|p| p.default.is_none()).count();
    if inputs.len() < required || inputs.len() > params.len() {
        let expected = match required == params.len() {
            true => required.to_string(),
            false => format!("{required} to {}", params.len()),
        };
        return Err(ExecError::InputCount {
            expected,
            found: inputs.len(),
        });
    }
    Ok((0..params.len()).map(|i| inputs.get(i)).collect())
}

impl Engine for TorchEngine<'_> {
    fn name(&self) -> &'static str {
        "torch"
    }

    fn run(&mut self, inputs: &[Value], tap: &mut dyn Tap) -> Result<Value, ExecError> {
        let mut run = self.start(inputs)?;
        if tap.is_active() {
            while let Some(step) = run.advance()? {
                let event = step.event()?;
                match event.kind {
                    RETURN => tap.returned(&event),
                    _ => tap.produced(&event),
                }
                .map_err(ExecError::Tap)?;
            }
        }
        run.finish()
    }
}

/// The kind of the events that a call's result makes.
pub const RETURN: &str = "prim::Return";

/// A run under way.
pub struct Run<'e, 'm> {
    machine: &'e mut Machine<'m>,
    at: At,
}

/// Where a run stands between two events.
#[derive(Clone, Copy)]
enum At {
    Start,
    Output {
        stop: Stop,
        index: usize,
        count: usize,
    },
    End,
}

impl<'m> Run<'_, 'm> {
    /// Runs to the next produced value or call result; `None` at the end.
    pub fn advance(&mut self) -> Result<Option<Step<'_, 'm>>, ExecError> {
        self.at = match self.at {
            At::End => return Ok(None),
            At::Output { stop, index, count } if index + 1 < count => At::Output {
                stop,
                index: index + 1,
                count,
            },
            _ => match self.machine.advance()? {
                Stop::Done => At::End,
                stop => At::Output {
                    stop,
                    index: 0,
                    count: match stop {
                        Stop::Produced => self.machine.produced(),
                        _ => 1,
                    },
                },
            },
        };
        match self.at {
            At::Output { stop, index, .. } => Ok(Some(Step {
                machine: self.machine,
                place: self.machine.place(stop, index)?,
                stop,
                index,
            })),
            _ => Ok(None),
        }
    }

    /// Runs to the end without stopping; the method's result.
    pub fn finish(self) -> Result<Value, ExecError> {
        if !matches!(self.at, At::End) {
            self.machine.finish()?;
        }
        let result = self.machine.vm.value(0).map(|v| v.view().to_value());
        let result = result.map_err(|f| ExecError::Internal(f.message))?;
        self.machine.vm.reset();
        result
    }
}

/// A value just produced, not yet described.
pub struct Step<'r, 'm> {
    machine: &'r Machine<'m>,
    place: machine::Place<'r>,
    stop: Stop,
    index: usize,
}

impl Step<'_, '_> {
    /// The value and where it was produced.
    pub fn event(&self) -> Result<Event<'_>, ExecError> {
        self.machine.event(self.stop, self.index, &self.place)
    }
}

/// Registers the `horizon::` operators, before anything that may name them is loaded.
///
/// Operators that another library has declared already keep its kernels.
fn register_horizon() -> Result<(), ExecError> {
    ffi::register_horizon().map_err(|message| ExecError::Library {
        path: "the horizon operators".into(),
        message,
    })
}

/// Loads a library that registers operators, as `torch.ops.load_library` does, and learns their schemas.
///
/// Load it before opening models: an operator without schema is lowered as opaque and cannot run.
pub fn load_library(path: &str) -> Result<(), ExecError> {
    let failed = |message: String| ExecError::Library {
        path: path.into(),
        message,
    };
    let before = ffi::schemas().map_err(|f| failed(f.message))?;
    ffi::load_library(path).map_err(|f| failed(f.message))?;
    let after = ffi::schemas().map_err(|f| failed(f.message))?;
    let known: rustc_hash::FxHashSet<&str> = before.lines().collect();
    for schema in after.lines().filter(|line| !known.contains(line)) {
        match crate::ir::schema::register(schema) {
            // The generated table knows it: libtorch built for another device has it too.
            Ok(_) | Err(SchemaError::Conflict { .. }) => {}
            Err(error) => return Err(failed(error.to_string())),
        }
    }
    Ok(())
}

/// Sets how many threads one operator may use.
pub fn set_threads(n: usize) -> Result<(), ExecError> {
    let n = i32::try_from(n.max(1)).unwrap_or(i32::MAX);
    ffi::set_threads(n).map_err(|f| ExecError::Internal(f.message))
}

/// Seeds torch's generators, as `torch.manual_seed` does.
pub fn manual_seed(seed: u64) -> Result<(), ExecError> {
    ffi::manual_seed(seed).map_err(|f| ExecError::Internal(f.message))
}

/// libtorch's version, such as `2.11.0`.
pub fn version() -> String {
    ffi::version()
}

/// Keeps freed memory in the process, so that a later run need not fault it in again.
pub fn configure_allocator() {
    ffi::configure_allocator();
}
