//! What sort of file this is (`torchscript.md` 1.9).

use super::zip::Zip;

/// The sorts of file that carry a `.pt` name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `torch.jit.save`, torch 1.4 and later.
    TorchScript,
    /// `torch.save`, torch 1.6 and later.
    TorchSave,
    /// `torch.save` before 1.6: pickles and raw bytes, no zip.
    LegacyTorchSave,
    /// `torch.jit.save` of torch 1.0 to 1.3: a zip with `model.json`.
    LegacyTorchScript,
    /// `torch.package`.
    Package,
    /// The preview format before torch 1.0.
    Preview,
    /// `torch.save` of torch 0.1: a tar file.
    Tar,
    /// A pointer that git-lfs left in place of the file.
    LfsPointer,
    /// No bytes at all.
    Empty,
    /// A zip of something else.
    OtherZip,
    /// Anything else.
    Unknown,
}

impl Kind {
    /// What the first bytes say; `None` when they look like a zip.
    pub fn of_non_zip(bytes: &[u8]) -> Option<Kind> {
        let tar = bytes.get(257..262) == Some(b"ustar");
        match bytes {
            [] => Some(Kind::Empty),
            [b'P', b'K', 1..=7, 2..=8, ..] => None,
            _ if bytes.starts_with(b"PYTORCH1") => Some(Kind::Preview),
            [0x80, 2..=5, ..] => Some(Kind::LegacyTorchSave),
            _ if tar => Some(Kind::Tar),
            _ if bytes.starts_with(b"version https://git-lfs") => Some(Kind::LfsPointer),
            _ => Some(Kind::Unknown),
        }
    }

    /// What the records of a zip say.
    pub(super) fn of_zip(zip: &Zip, folder: &[u8]) -> Kind {
        let has = |record| zip.find(folder, record).is_some();
        let any = |prefix: &str| {
            let in_folder = |name: &[u8]| {
                let record = name
                    .strip_prefix(folder)
                    .and_then(|it| it.strip_prefix(b"/"));
                record.is_some_and(|it| it.starts_with(prefix.as_bytes()))
            };
            zip.entries().any(|(id, _)| in_folder(zip.name(id)))
        };
        if has("model.json") {
            Kind::LegacyTorchScript
        } else if has("constants.pkl") {
            Kind::TorchScript
        } else if has(".data/extern_modules")
            || has(".data/python_version")
            || any(".data/ts_code/")
        {
            Kind::Package
        } else if any("code/") {
            Kind::TorchScript
        } else if has("data.pkl") {
            Kind::TorchSave
        } else {
            Kind::OtherZip
        }
    }

    /// What it is, with its article.
    pub fn describe(self) -> &'static str {
        match self {
            Kind::TorchScript => "a TorchScript file",
            Kind::TorchSave => "a file from `torch.save`",
            Kind::LegacyTorchSave => "a file from `torch.save` before torch 1.6",
            Kind::LegacyTorchScript => "a TorchScript file from torch 1.0 to 1.3 (`model.json`)",
            Kind::Package => "a `torch.package`",
            Kind::Preview => "a file of the preview format before torch 1.0",
            Kind::Tar => "a tar file, as `torch.save` wrote before torch 0.1.12",
            Kind::LfsPointer => "a git-lfs pointer",
            Kind::Empty => "an empty file",
            Kind::OtherZip => "a zip without a model",
            Kind::Unknown => "neither a zip nor a pickle",
        }
    }

    /// What to do with it.
    pub fn advice(self) -> &'static str {
        match self {
            Kind::TorchScript => "use it as it is",
            Kind::TorchSave | Kind::LegacyTorchSave => {
                "load it in Python and save the module by `torch.jit.save(torch.jit.script(module), path)`"
            }
            Kind::LegacyTorchScript => "load it with torch 1.4 to 1.12 and save it again",
            Kind::Package => {
                "load the module by `torch.package.PackageImporter` and save it by `torch.jit.save`"
            }
            Kind::Preview => "no released torch reads it; export the model again",
            Kind::Tar => "load it with torch before 2.0 and save it again",
            Kind::LfsPointer => "run `git lfs pull` to get the file itself",
            Kind::Empty => "the download or the save before it failed",
            Kind::OtherZip | Kind::Unknown => "check the path",
        }
    }
}
