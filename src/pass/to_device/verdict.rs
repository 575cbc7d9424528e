//! What happens to a source, given everything it meets.

use super::Options;
use super::device::{Device, Target};
use super::flow::{Role, Use};

/// What to do with one device text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It becomes the target.
    Change,
    /// It is the target already.
    Same,
    /// It stays, for a reason that is plain.
    Leave(String),
    /// It stays, and somebody should look: message and help.
    Doubt(String, String),
}

/// Decides by device and `--keep`; `Change` when nothing speaks against it. `names` are the texts patterns may match.
pub(super) fn by_options(device: &Device, options: &Options, names: &[&str]) -> Verdict {
    if options.target == Target::Device(device.clone()) {
        return Verdict::Same;
    }
    if !is_selected(device, &options.only) {
        return Verdict::Leave("not selected by `--only`".into());
    }
    match options.keep.find(names.iter().copied()) {
        Some(pattern) => Verdict::Leave(format!("kept by `--keep {pattern}`")),
        None => Verdict::Change,
    }
}

/// A device without index selects all of its type.
fn is_selected(device: &Device, only: &[Device]) -> bool {
    let selects = |o: &Device| o == device || o.index().is_none() && o.kind() == device.kind();
    only.is_empty() || only.iter().any(selects)
}

/// Decides by what a text meets.
pub(super) fn by_uses<'a>(text: &str, uses: impl Iterator<Item = &'a Use> + Clone) -> Verdict {
    let others = || uses.clone().filter(|u| u.role != Role::Device);
    let is_device = uses.clone().any(|u| u.role == Role::Device);
    match (is_device, others().next()) {
        (true, None) => Verdict::Change,
        (true, Some(other)) => Verdict::Doubt(
            format!(
                "`{text}` is used as a device and also {}: not changed",
                describe(&other.role)
            ),
            "give the two uses strings of their own, or edit this place by hand".into(),
        ),
        (false, None) => Verdict::Leave("never used as a device".into()),
        (false, Some(other)) => match &other.role {
            Role::Indexed => Verdict::Doubt(
                format!("`{text}` is combined with a separate index: not changed"),
                "write the device as one text, such as `cuda:1`".into(),
            ),
            Role::Autocast => Verdict::Doubt(
                format!("`{text}` chooses an autocast mode: not changed"),
                "check that the mode and its dtype suit the target".into(),
            ),
            role => Verdict::Leave(describe(role)),
        },
    }
}

fn describe(role: &Role) -> String {
    match role {
        Role::Device => "as a device".into(),
        Role::Indexed => "with a separate index".into(),
        Role::Autocast => "as an autocast mode".into(),
        Role::Compared => "in a comparison".into(),
        Role::Key => "as a key".into(),
        Role::Message => "in a message".into(),
        Role::Text => "in a string operation".into(),
        Role::Other(what) => format!("as {what}"),
        Role::Returned => "as a result of the model".into(),
    }
}
