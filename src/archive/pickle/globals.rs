//! The table of globals: the allow-list of both dialects.

use super::{Dialect, GlobalKind, ListKind, PickleFault};

/// What a `GLOBAL` means, or why it is refused.
pub(super) fn kind(
    module: &[u8],
    name: &[u8],
    dialect: Dialect,
) -> Result<GlobalKind, PickleFault> {
    let unknown = || PickleFault::UnknownType(qualified(module, name));
    let (Ok(module_text), Ok(name_text)) = (std::str::from_utf8(module), std::str::from_utf8(name))
    else {
        return Err(unknown());
    };
    if let Some(kind) = shared(module_text, name_text)? {
        return Ok(kind);
    }
    match dialect {
        Dialect::Jit if module_text == "__torch__" || module_text.starts_with("__torch__.") => {
            Ok(GlobalKind::Class)
        }
        Dialect::Jit => Err(unknown()),
        Dialect::Python => python(module_text, name_text)
            .ok_or_else(|| PickleFault::PythonClass(qualified(module, name))),
    }
}

/// `module.name`, lossy, for messages and class names.
pub(super) fn qualified(module: &[u8], name: &[u8]) -> String {
    format!(
        "{}.{}",
        String::from_utf8_lossy(module),
        String::from_utf8_lossy(name)
    )
}

/// Globals that both `torch.jit.load` and `torch.load` accept.
fn shared(module: &str, name: &str) -> Result<Option<GlobalKind>, PickleFault> {
    use GlobalKind::*;
    let kind = match (module, name) {
        ("torch._utils", "_rebuild_tensor_v2") => RebuildTensorV2,
        ("torch._utils", "_rebuild_qtensor") => RebuildQTensor,
        ("torch._utils", "_rebuild_sparse_tensor") => RebuildSparseTensor,
        ("torch._utils", "_rebuild_parameter") => RebuildParameter,
        ("torch._tensor", "_rebuild_from_type_v2") => RebuildFromType,
        ("torch.jit._pickle", "build_intlist") => BuildList(ListKind::Int),
        ("torch.jit._pickle", "build_doublelist") => BuildList(ListKind::Float),
        ("torch.jit._pickle", "build_boollist") => BuildList(ListKind::Bool),
        ("torch.jit._pickle", "build_tensorlist") => BuildList(ListKind::Tensor),
        ("torch.jit._pickle", "restore_type_tag") => RestoreTypeTag,
        ("collections", "OrderedDict") => OrderedDict,
        ("builtins", "complex") => Complex,
        ("torch", "device") => Device,
        ("torch", "per_tensor_affine") => PerTensorAffine,
        ("torch", "per_channel_affine") => PerChannelAffine {
            float_qparams: false,
        },
        ("torch", "per_channel_affine_float_qparams") => PerChannelAffine {
            float_qparams: true,
        },
        ("torch.nn.parameter" | "torch.nn", "Parameter") | ("torch", "Tensor") => TensorClass,
        ("torch", _) if name.ends_with("Storage") => {
            match crate::tensor::DType::from_storage_class(name) {
                Some(dtype) => Storage(dtype),
                None => return Err(PickleFault::StorageType(name.into())),
            }
        }
        _ => return Ok(None),
    };
    Ok(Some(kind))
}

/// Globals that only `torch.load` accepts.
fn python(module: &str, name: &str) -> Option<GlobalKind> {
    use GlobalKind::*;
    Some(match (module, name) {
        ("torch._utils", "_rebuild_tensor") => RebuildTensor,
        ("torch._utils", "_rebuild_tensor_v3") => RebuildTensorV3,
        ("torch._utils", "_rebuild_meta_tensor_no_storage") => RebuildMetaTensor,
        ("torch._utils", "_rebuild_parameter_with_state") => RebuildParameterWithState,
        ("torch.storage", "UntypedStorage") => UntypedStorage,
        ("torch", "Size") => Size,
        ("_codecs", "encode") => Encode,
        ("__builtin__" | "builtins", "set") => Set,
        ("__builtin__", "complex") => Complex,
        ("torch.serialization", "_get_layout") => GetLayout,
        ("torch", _) => DType(crate::tensor::DType::from_name(name)?),
        _ => return None,
    })
}
