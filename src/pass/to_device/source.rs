//! Edits of source records, from what the data flow found.

use super::device::{Device, Target};
use super::flow::{At, DeviceSite, Facts, Hint, MethodSite, Source};
use super::names::{Names, Unit};
use super::report::{Change, ChangeKind, Left, Place, Report, Warning};
use super::verdict::{self, Verdict};
use super::{Options, ToDeviceError};
use crate::pass::rewrite::edit::{Edited, Edits};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// Everything a decision about source text needs.
pub(super) struct Planner<'a> {
    pub(super) options: &'a Options,
    pub(super) names: &'a Names<'a>,
    pub(super) units: &'a [Unit],
    pub(super) facts: &'a Facts,
    /// Module paths of the instances of a class.
    pub(super) scopes: &'a FxHashMap<SmolStr, Vec<String>>,
    /// Stored devices of attributes of device type, by class and name.
    pub(super) stored: &'a FxHashMap<(SmolStr, SmolStr), Vec<Device>>,
    /// The user's Python line of a byte of a record.
    pub(super) python: &'a dyn Fn(usize, u32) -> Option<String>,
    pub(super) report: &'a mut Report,
    pub(super) edits: Vec<Edits>,
}

impl<'a> Planner<'a> {
    /// Decides about every text and gives the edited records by index.
    pub(super) fn run(mut self) -> Result<Vec<Option<Edited>>, ToDeviceError> {
        match &self.options.target {
            Target::Device(device) => self.move_to(device),
            Target::FollowInput => self.follow_input(),
        }
        self.hints();
        let units = self.units;
        let edited = self.edits.into_iter().zip(units).map(|(edits, unit)| {
            if edits.is_empty() {
                return Ok(None);
            }
            let edited = edits.apply(&unit.text);
            edited.map(Some).map_err(|source| ToDeviceError::Edit {
                record: unit.record.clone(),
                source,
            })
        });
        edited.collect()
    }

    fn move_to(&mut self, device: &Device) {
        let facts = self.facts;
        let pairs: FxHashMap<(usize, u32), &DeviceSite> = facts
            .sites
            .iter()
            .filter_map(|site| Some(((site.at.unit, site.pair?.0), site)))
            .collect();
        for (source, uses) in facts.sources.iter().zip(&facts.uses) {
            match source {
                Source::Literal {
                    at,
                    is_default,
                    text,
                } => {
                    let kind = match is_default {
                        true => ChangeKind::Default,
                        false => ChangeKind::Literal,
                    };
                    let verdict = verdict::by_uses(text, uses.iter());
                    match pairs.get(&(at.unit, at.start)) {
                        Some(site) => self.replace_pair(site, kind, device, verdict),
                        None => {
                            let after = self.quoted(*at, device);
                            self.replace(*at, kind, text, after, verdict);
                        }
                    }
                }
                Source::Computed {
                    at,
                    text: Some(text),
                } if is_used_as_device(uses) => {
                    let verdict = verdict::by_uses(text, uses.iter());
                    self.replace(
                        *at,
                        ChangeKind::Computed,
                        text,
                        format!("\"{device}\""),
                        verdict,
                    );
                }
                Source::Computed { at, text: None } if is_used_as_device(uses) => {
                    self.computed(*at)
                }
                Source::Computed { .. } | Source::Stored { .. } => {}
            }
        }
        for site in &facts.methods {
            self.move_method(site, device);
        }
    }

    fn replace(&mut self, at: At, kind: ChangeKind, text: &str, after: String, by_uses: Verdict) {
        if self.allows(at, text, by_uses) {
            self.change(at, kind, at, after);
        }
    }

    fn replace_pair(
        &mut self,
        site: &DeviceSite,
        kind: ChangeKind,
        device: &Device,
        by_uses: Verdict,
    ) {
        let (Some((start, end)), Some(text)) = (site.pair, &site.text) else {
            return;
        };
        let at = At {
            start,
            end,
            ..site.at
        };
        if self.allows(at, text, by_uses) {
            self.change(at, kind, at, format!("\"{device}\""));
        }
    }

    /// Whether a text is to be changed; reports why not.
    fn allows(&mut self, at: At, text: &str, by_uses: Verdict) -> bool {
        let Some(device) = Device::parse(text) else {
            return false;
        };
        let by_options = self.by_options(at, &device);
        let verdict = match (by_options, by_uses) {
            // A text that meets no device is left whatever the options say.
            (_, Verdict::Leave(reason)) => Verdict::Leave(reason),
            (Verdict::Change, other) => other,
            (other, _) => other,
        };
        match verdict {
            Verdict::Change => true,
            Verdict::Same => false,
            Verdict::Leave(reason) => {
                let place = self.place(at);
                self.report.left.push(Left {
                    place,
                    text: text.into(),
                    reason,
                });
                false
            }
            Verdict::Doubt(message, help) => {
                let place = self.place(at);
                self.report.left.push(Left {
                    place: place.clone(),
                    text: text.into(),
                    reason: message.clone(),
                });
                self.report.warnings.push(Warning {
                    place,
                    message,
                    help,
                });
                false
            }
        }
    }

    fn by_options(&self, at: At, device: &Device) -> Verdict {
        let func = &self.names.functions[at.func];
        let mut names = vec![
            self.units[at.unit].record.as_str(),
            func.name.as_str(),
            func.def.name.as_str(),
        ];
        if let Some(class) = &func.class {
            names.push(class);
            names.extend(
                self.scopes
                    .get(class)
                    .into_iter()
                    .flatten()
                    .map(String::as_str),
            );
        }
        verdict::by_options(device, self.options, &names)
    }

    /// Replaces `edit`, a part of `at` or all of it.
    fn change(&mut self, at: At, kind: ChangeKind, edit: At, after: String) {
        let before = self.text(edit);
        self.edits[at.unit].replace(edit.range(), after.clone());
        let place = self.place(at);
        self.report.changes.push(Change {
            place,
            kind,
            count: 1,
            before,
            after,
        });
    }

    fn computed(&mut self, at: At) {
        let place = self.place(at);
        let message = format!(
            "device text is computed by `{}`: not changed",
            self.text(at)
        );
        let help =
            "make sure that it gives the target's device, or pass the device as an argument".into();
        self.report.warnings.push(Warning {
            place,
            message,
            help,
        });
    }

    /// The target in the literal's own kind of quotes.
    fn quoted(&self, at: At, device: &Device) -> String {
        let old = self.text(at);
        let plain = old.len() > 2 && old.starts_with('\'') && !old.starts_with("''");
        match plain {
            true => format!("'{device}'"),
            false => format!("\"{device}\""),
        }
    }

    fn move_method(&mut self, site: &MethodSite, device: &Device) {
        let has_op = device.index().is_none() && matches!(device.kind(), "cpu" | "cuda");
        let (name, argument) = match has_op {
            true => (device.kind(), None),
            false => ("to", Some(format!("torch.device(\"{device}\")"))),
        };
        self.rewrite_method(site, name, argument);
    }

    /// Calls another operator, with one more argument.
    fn rewrite_method(&mut self, site: &MethodSite, name: &str, argument: Option<String>) {
        if !self.allows(site.at, site.kind, Verdict::Change) {
            return;
        }
        let (start, end) = site.callee;
        let callee = At {
            start,
            end,
            ..site.at
        };
        let (callee_text, comma) = match site.is_method {
            true => (format!(".{name}"), ""),
            false => (format!("torch.{name}"), ", "),
        };
        let mut after = callee_text.clone();
        if let Some(argument) = argument {
            after = format!("{callee_text}(…, {argument})");
            self.edits[site.at.unit].insert(site.args_end, format!("{comma}{argument}"));
        }
        let before = self.text(callee);
        self.edits[site.at.unit].replace(callee.range(), callee_text);
        let place = self.place(site.at);
        self.report.changes.push(Change {
            place,
            kind: ChangeKind::Method,
            count: 1,
            before,
            after,
        });
    }

    fn follow_input(&mut self) {
        let facts = self.facts;
        for site in &facts.sites {
            self.follow_site(site);
        }
        for site in &facts.methods {
            match &site.tensor {
                Some(tensor) => {
                    self.rewrite_method(site, "to", Some(format!("ops.prim.device({tensor})")))
                }
                None => self.no_tensor(site.at, site.kind),
            }
        }
        for read in &facts.reads {
            let key = (read.class.clone(), read.name.clone());
            let stored = self.stored.get(&key).cloned().unwrap_or_default();
            let stays = |device: &Device| self.by_options(read.at, device) != Verdict::Change;
            if stored.is_empty() || stored.iter().any(stays) {
                continue;
            }
            let text = self.text(read.at);
            if facts.written.contains(&key) {
                self.doubt(
                    read.at,
                    format!("`{text}` is assigned by the model: not changed"),
                    "the device it holds is the one that code stored in it",
                );
            } else {
                self.follow(read.at, ChangeKind::Attribute, read.tensor.as_deref());
            }
        }
    }

    fn follow_site(&mut self, site: &DeviceSite) {
        let text = site.text.as_deref().filter(|t| Device::parse(t).is_some());
        match text {
            Some(text) if site.is_default => self.doubt(
                site.at,
                format!("default `{text}` of a parameter cannot follow the input: not changed"),
                "pass the device explicitly, or move the file to one device",
            ),
            Some(text) => {
                if self.allows(site.at, text, Verdict::Change) {
                    self.follow(site.at, ChangeKind::Literal, site.tensor.as_deref());
                }
            }
            None if !site.sources.is_empty() => {
                let message = format!(
                    "device of `{}` comes from elsewhere: not changed",
                    self.text(site.at)
                );
                self.doubt(
                    site.at,
                    message,
                    "pass the input's device from where the text is made",
                );
            }
            None => {}
        }
    }

    fn follow(&mut self, at: At, kind: ChangeKind, tensor: Option<&str>) {
        match tensor {
            Some(tensor) => self.change(at, kind, at, format!("ops.prim.device({tensor})")),
            None => {
                let text = self.text(at);
                self.no_tensor(at, &text);
            }
        }
    }

    fn no_tensor(&mut self, at: At, text: &str) {
        self.doubt(
            at,
            format!("no tensor is at hand whose device `{text}` could follow: not changed"),
            "move the file to one device instead",
        );
    }

    fn doubt(&mut self, at: At, message: String, help: &str) {
        let place = self.place(at);
        self.report.warnings.push(Warning {
            place,
            message,
            help: help.into(),
        });
    }

    fn hints(&mut self) {
        let facts = self.facts;
        let Some(kind) = self.options.target.kind() else {
            return;
        };
        for hint in &facts.hints {
            match hint {
                Hint::Branch(at) => self.doubt(
                    *at,
                    format!(
                        "`{}` makes the outcome depend on the device",
                        self.text(*at)
                    ),
                    "check which way it goes on the target",
                ),
                Hint::CudaOnly(at, op) if kind != "cuda" => self.doubt(
                    *at,
                    format!("`{op}` exists for CUDA only"),
                    "remove the call from the model before moving it",
                ),
                Hint::Pinned(at) if kind != "cuda" => self.doubt(
                    *at,
                    "pinned memory needs CUDA".into(),
                    "drop the pinning from the model before moving it",
                ),
                Hint::Half(at) if kind == "cpu" => self.doubt(
                    *at,
                    "half precision: some operators have no kernel for it on CPU".into(),
                    "use float32 or bfloat16 on CPU",
                ),
                Hint::CudaOnly(..) | Hint::Pinned(_) | Hint::Half(_) => {}
            }
        }
    }

    fn text(&self, at: At) -> String {
        let bytes = self.units[at.unit]
            .text
            .get(at.start as usize..at.end as usize);
        String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
    }

    fn place(&self, at: At) -> Place {
        let unit = &self.units[at.unit];
        // Equal literals share one row of the debug record; what uses the literal stands before it.
        let is_literal = matches!(unit.text.get(at.start as usize), Some(b'"' | b'\''));
        let start = at.start - u32::from(is_literal && at.start > 0);
        Place {
            record: unit.record.clone(),
            line: Some(unit.line(at.start)),
            name: self.names.functions[at.func].name.to_string(),
            python: (self.python)(at.unit, start),
        }
    }
}

fn is_used_as_device(uses: &std::collections::BTreeSet<super::flow::Use>) -> bool {
    uses.iter().any(|u| u.role == super::flow::Role::Device)
}

#[cfg(test)]
mod tests;
