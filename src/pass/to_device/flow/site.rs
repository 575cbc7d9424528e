//! Places that a rewrite edits besides string literals.

use super::{At, Flow, SourceId, Val};
use crate::ir::Type;
use crate::torchscript::ast::Range;
use smol_str::{SmolStr, format_smolstr};

/// A device-typed position filled with text: `torch.device(e)` or a string argument.
#[derive(Clone, Debug)]
pub(in crate::pass::to_device) struct DeviceSite {
    /// What would become another expression: the call, or the argument.
    pub(in crate::pass::to_device) at: At,
    /// The arguments of `torch.device("cuda", 1)` that are one device together.
    pub(in crate::pass::to_device) pair: Option<(u32, u32)>,
    /// The device, when the text is known.
    pub(in crate::pass::to_device) text: Option<SmolStr>,
    /// It stands in a parameter's default.
    pub(in crate::pass::to_device) is_default: bool,
    /// Strings that arrive here.
    pub(in crate::pass::to_device) sources: Vec<SourceId>,
    /// A tensor that is at hand here.
    pub(in crate::pass::to_device) tensor: Option<SmolStr>,
}

/// `torch.cpu(x)`, `torch.cuda(x)`, `x.cpu()` or `x.cuda()`.
#[derive(Clone, Debug)]
pub(in crate::pass::to_device) struct MethodSite {
    /// The call.
    pub(in crate::pass::to_device) at: At,
    /// `cpu` or `cuda`.
    pub(in crate::pass::to_device) kind: &'static str,
    /// What is replaced by the name of another operator: `torch.cpu`, or `.cpu` after the object.
    pub(in crate::pass::to_device) callee: (u32, u32),
    /// End of the last argument, where another can be added.
    pub(in crate::pass::to_device) args_end: u32,
    /// The object stands before the dot.
    pub(in crate::pass::to_device) is_method: bool,
    /// A tensor that is at hand here.
    pub(in crate::pass::to_device) tensor: Option<SmolStr>,
}

/// A read of an attribute of device type.
#[derive(Clone, Debug)]
pub(in crate::pass::to_device) struct DeviceRead {
    /// The expression.
    pub(in crate::pass::to_device) at: At,
    /// Class of the object.
    pub(in crate::pass::to_device) class: SmolStr,
    /// Attribute.
    pub(in crate::pass::to_device) name: SmolStr,
    /// A tensor that is at hand here.
    pub(in crate::pass::to_device) tensor: Option<SmolStr>,
}

impl Flow<'_> {
    /// A tensor whose device stands for the input's: a parameter, an earlier local, or a tensor of the module itself.
    pub(super) fn tensor_at_hand(&self) -> Option<SmolStr> {
        if let Some(name) = self.tensors.first() {
            return Some(name.clone());
        }
        let func = &self.names.functions[self.func];
        let class = self.names.classes.get(func.class.as_ref()?)?;
        let object = &func.def.params.first()?.name;
        let is_plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let tensor = class
            .attributes
            .iter()
            .find(|(name, ty)| *ty == Type::Tensor && is_plain(name))?;
        Some(format_smolstr!("{object}.{}", tensor.0))
    }

    /// Records a device-typed position that is filled with `value`.
    pub(super) fn device_site(
        &mut self,
        range: Range,
        value: &Val,
        text: Option<SmolStr>,
        pair: Option<(u32, u32)>,
    ) {
        if !self.recording {
            return;
        }
        let site = DeviceSite {
            at: self.at(range),
            pair,
            text,
            is_default: self.in_default,
            sources: value.tokens.iter().map(|t| t.source).collect(),
            tensor: self.tensor_at_hand(),
        };
        self.facts.sites.push(site);
    }
}
