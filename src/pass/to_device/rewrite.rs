//! One file: what changes, and the plan of its records.

use super::device::{Device, Target};
use super::flow::{self, Facts, Path, Root, Source as Flowing, Use};
use super::names::{Names, Unit};
use super::report::{Change, ChangeKind, Left, Place, Report, Warning};
use super::source::Planner;
use super::stored::{self, Part, Stored, StoredText, TextKind};
use super::verdict::{self, Verdict};
use super::{Options, ToDeviceError, records};
use crate::archive::pickle::{Dialect, Patch, Pickle, Scalar};
use crate::archive::write::Plan;
use crate::archive::zip::EntryId;
use crate::archive::{Archive, ArchiveError, Blob, Document};
use crate::pass::rewrite::debug::DebugRecord;
use crate::pass::rewrite::edit::{Edited, Edits};
use crate::pass::rewrite::memo;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// One pickle with what was found in it.
struct Pickled<'a> {
    part: Part,
    record: &'static str,
    document: &'a Document,
    stored: Stored,
}

/// What a rewrite of one file will do.
#[derive(Debug)]
pub struct Rewrite<'a> {
    archive: &'a Archive,
    /// New bytes by record; nothing for a record that is left out.
    records: Vec<(EntryId, Option<Vec<u8>>)>,
    /// What changes and what does not.
    pub report: Report,
}

impl<'a> Rewrite<'a> {
    /// Decides about everything in a file; the file is not touched.
    pub fn new(archive: &'a Archive, options: &Options) -> Result<Rewrite<'a>, ToDeviceError> {
        archive.require_torchscript()?;
        let mut rewrite = Rewrite {
            archive,
            records: Vec::new(),
            report: Report {
                target: options.target.to_string(),
                ..Report::default()
            },
        };
        let sources = records::read(archive)?;
        let nothing = Names::default();
        let mut pickles = read_pickles(archive, &nothing)?;
        let in_source = sources.iter().any(|s| records::may_name_devices(&s.text));
        if in_source || pickles.iter().any(|p| !p.stored.texts.is_empty()) {
            let units = records::parse(&sources)?;
            let names = Names::new(&units);
            pickles = read_pickles(archive, &names)?;
            let facts = analyse(&names, &pickles);
            rewrite.sources(options, &sources, &names, &units, &facts, &pickles)?;
            rewrite.pickles(options, &pickles, &facts)?;
        } else {
            rewrite.pickles(options, &pickles, &Facts::default())?;
        }
        rewrite.report.sort();
        Ok(rewrite)
    }

    /// Whether the output would equal the input.
    pub fn is_unchanged(&self) -> bool {
        self.records.is_empty()
    }

    /// The records of the output.
    pub fn into_plan(self) -> Result<(Plan<'a>, Report), ToDeviceError> {
        let mut plan = Plan::new(self.archive);
        for (entry, bytes) in self.records {
            match bytes {
                Some(bytes) => plan.replace(entry, bytes)?,
                None => plan.drop_entry(entry)?,
            }
        }
        Ok((plan, self.report))
    }

    fn sources(
        &mut self,
        options: &Options,
        sources: &[records::Source],
        names: &Names<'_>,
        units: &[Unit],
        facts: &Facts,
        pickles: &[Pickled<'_>],
    ) -> Result<(), ToDeviceError> {
        let touched = touched_units(facts);
        let debug: Vec<_> = units
            .iter()
            .enumerate()
            .map(|(index, unit)| {
                let wanted = touched.contains(&index);
                wanted
                    .then(|| records::debug(self.archive, &unit.record))
                    .flatten()
            })
            .collect();
        let rows: Vec<Option<DebugRecord<'_>>> = debug
            .iter()
            .map(|d| DebugRecord::new(d.as_ref()?.1.as_ref()?.pickle()))
            .collect();
        let planner = Planner {
            options,
            names,
            units,
            facts,
            scopes: &scopes(pickles),
            stored: &stored_devices(pickles),
            python: &|unit, byte| rows[unit].as_ref()?.python_line(byte),
            report: &mut self.report,
            edits: units.iter().map(|_| Edits::default()).collect(),
        };
        let edited = planner.run()?;
        for (index, edited) in edited.into_iter().enumerate() {
            let Some(edited) = edited else { continue };
            if let Some((entry, _)) = &debug[index] {
                self.debug_record(*entry, rows[index].as_ref(), &edited, &units[index])?;
            }
            self.records.push((sources[index].entry, Some(edited.text)));
        }
        Ok(())
    }

    /// A debug record follows its source; one that cannot be read would point at wrong lines, so it goes.
    fn debug_record(
        &mut self,
        entry: EntryId,
        rows: Option<&DebugRecord<'_>>,
        edited: &Edited,
        unit: &Unit,
    ) -> Result<(), ToDeviceError> {
        let Some(rows) = rows else {
            self.report.warnings.push(Warning {
                place: Place {
                    record: format!("{}.debug_pkl", unit.record),
                    ..Place::default()
                },
                message: "its format is unknown and its source changed: left out".into(),
                help: "the model runs without it; error messages show serialised code only".into(),
            });
            self.records.push((entry, None));
            return Ok(());
        };
        let shifted = rows.shifted(edited).map_err(|source| ToDeviceError::Edit {
            record: format!("{}.debug_pkl", unit.record),
            source,
        })?;
        self.records.push((entry, Some(shifted)));
        Ok(())
    }

    fn pickles(
        &mut self,
        options: &Options,
        pickles: &[Pickled<'_>],
        facts: &Facts,
    ) -> Result<(), ToDeviceError> {
        let Target::Device(device) = &options.target else {
            return Ok(());
        };
        let uses = uses_by_root(facts);
        for pickled in pickles {
            let mut patch = Patch::new(pickled.document.pickle());
            self.storages(options, device, pickled, &mut patch)?;
            for text in &pickled.stored.texts {
                if self.allows(options, pickled, text, &uses) {
                    self.change_text(pickled, text, device, &mut patch)?;
                }
            }
            if !patch.is_empty()
                && let Some(entry) = self.archive.find(pickled.record)
            {
                let bytes = shared(pickled.record, patch.apply()?, device)?;
                self.records.push((entry, Some(bytes)));
            }
        }
        Ok(())
    }

    fn storages(
        &mut self,
        options: &Options,
        device: &Device,
        pickled: &Pickled<'_>,
        patch: &mut Patch<'_>,
    ) -> Result<(), ToDeviceError> {
        let pickle = pickled.document.pickle();
        let mut moved: BTreeMap<String, usize> = BTreeMap::new();
        for (id, storage) in pickle.storages() {
            let text = String::from_utf8_lossy(pickle.text(storage.location)).into_owned();
            let path = pickled
                .stored
                .storage_places
                .get(&id)
                .map_or("", String::as_str);
            let place = Place {
                record: pickled.record.into(),
                name: path.into(),
                ..Place::default()
            };
            let Some(old) = Device::parse(&text) else {
                self.report.warnings.push(Warning {
                    place,
                    message: format!("unknown storage location `{text}`: not changed"),
                    help: "torch cannot load it either; make the file anew".into(),
                });
                continue;
            };
            match verdict::by_options(&old, options, &[pickled.record, path, last(path)]) {
                Verdict::Change => {
                    patch.replace(storage.location_op, Scalar::str(device.to_string()))?;
                    *moved.entry(text).or_default() += 1;
                }
                Verdict::Leave(reason) => self.report.left.push(Left {
                    place,
                    text,
                    reason,
                }),
                Verdict::Same | Verdict::Doubt(..) => {}
            }
        }
        for (before, count) in moved {
            self.report.changes.push(Change {
                place: Place {
                    record: pickled.record.into(),
                    ..Place::default()
                },
                kind: ChangeKind::Storages,
                count,
                before,
                after: device.to_string(),
            });
        }
        Ok(())
    }

    fn allows(
        &mut self,
        options: &Options,
        pickled: &Pickled<'_>,
        text: &StoredText,
        uses: &FxHashMap<(&Root, &Path), &BTreeSet<Use>>,
    ) -> bool {
        if text.kind == TextKind::Str && pickled.part == Part::TracedInputs {
            return false;
        }
        let by_uses = match text.kind {
            TextKind::Device => Verdict::Change,
            TextKind::Str => {
                let meets = text
                    .roots
                    .iter()
                    .filter_map(|(root, path)| uses.get(&(root, path)));
                let meets: Vec<&Use> = meets.flat_map(|set| set.iter()).collect();
                verdict::by_uses(&text.device.to_string(), meets.iter().copied())
            }
        };
        let names = [pickled.record, text.place.as_str(), last(&text.place)];
        let verdict = match (verdict::by_options(&text.device, options, &names), by_uses) {
            (_, Verdict::Leave(reason)) => Verdict::Leave(reason),
            (Verdict::Change, other) => other,
            (other, _) => other,
        };
        let place = place_of(pickled, text);
        match verdict {
            Verdict::Change => return true,
            Verdict::Same => {}
            Verdict::Leave(reason) => self.report.left.push(Left {
                place,
                text: text.device.to_string(),
                reason,
            }),
            Verdict::Doubt(message, help) => {
                self.report.left.push(Left {
                    place: place.clone(),
                    text: text.device.to_string(),
                    reason: message.clone(),
                });
                self.report.warnings.push(Warning {
                    place,
                    message,
                    help,
                });
            }
        }
        false
    }

    fn change_text(
        &mut self,
        pickled: &Pickled<'_>,
        text: &StoredText,
        device: &Device,
        patch: &mut Patch<'_>,
    ) -> Result<(), ToDeviceError> {
        let after = device.to_string();
        let with = match text.kind {
            TextKind::Device => Scalar::Device(after.clone().into()),
            TextKind::Str => Scalar::str(after.clone()),
        };
        patch.replace(text.op, with)?;
        let kind = match pickled.part {
            Part::Constants => ChangeKind::Constant,
            Part::Data | Part::TracedInputs => ChangeKind::Attribute,
        };
        self.report.changes.push(Change {
            place: place_of(pickled, text),
            kind,
            count: 1,
            before: text.device.to_string(),
            after,
        });
        Ok(())
    }
}

/// Strings that became equal to others share the memo again, as torch writes them.
fn shared(record: &str, bytes: Vec<u8>, device: &Device) -> Result<Vec<u8>, ToDeviceError> {
    let decoded = Pickle::decode(Blob::from(bytes), Dialect::Jit);
    let pickle = decoded.map_err(|error| ArchiveError::Pickle {
        record: record.into(),
        at: error.at,
        fault: error.fault,
    })?;
    memo::share(&pickle, device.to_string().as_bytes()).map_err(|source| ToDeviceError::Edit {
        record: record.into(),
        source,
    })
}

fn place_of(pickled: &Pickled<'_>, text: &StoredText) -> Place {
    Place {
        record: pickled.record.into(),
        name: text.place.clone(),
        ..Place::default()
    }
}

/// The last attribute of a path, without indices: `dev` of `encoder.dev[0]`.
fn last(path: &str) -> &str {
    let attribute = path.rsplit('.').next().unwrap_or(path);
    attribute.split('[').next().unwrap_or(attribute)
}

fn read_pickles<'a>(
    archive: &'a Archive,
    names: &Names<'_>,
) -> Result<Vec<Pickled<'a>>, ToDeviceError> {
    let parts = [
        (Part::Data, "data.pkl", Some(archive.data()?)),
        (Part::Constants, "constants.pkl", Some(archive.constants()?)),
        (
            Part::TracedInputs,
            "traced_inputs.pkl",
            archive.traced_inputs()?,
        ),
    ];
    let read = |(part, record, document): (Part, &'static str, Option<&'a Document>)| {
        let document = document?;
        Some(Pickled {
            part,
            record,
            document,
            stored: stored::read(document.pickle(), part, names),
        })
    };
    Ok(parts.into_iter().filter_map(read).collect())
}

fn analyse(names: &Names<'_>, pickles: &[Pickled<'_>]) -> Facts {
    let root_class = pickles.first().and_then(|p| {
        p.stored
            .scopes
            .iter()
            .find(|(_, paths)| paths.iter().any(String::is_empty))
    });
    let root_class = root_class.map(|(class, _)| class.as_str());
    let texts = pickles.iter().flat_map(|p| &p.stored.texts);
    let strings = texts.filter(|t| t.kind == TextKind::Str);
    let roots = strings.flat_map(|t| t.roots.iter().cloned());
    flow::analyse(names, root_class, roots)
}

fn uses_by_root(facts: &Facts) -> FxHashMap<(&Root, &Path), &BTreeSet<Use>> {
    let stored = facts.sources.iter().zip(&facts.uses);
    let stored = stored.filter_map(|(source, uses)| match source {
        Flowing::Stored { root, path } => Some(((root, path), uses)),
        _ => None,
    });
    stored.collect()
}

/// Records in which anything was found that a report may name.
fn touched_units(facts: &Facts) -> BTreeSet<usize> {
    let sources = facts.sources.iter().filter_map(|source| match source {
        Flowing::Literal { at, .. } | Flowing::Computed { at, .. } => Some(at.unit),
        Flowing::Stored { .. } => None,
    });
    let sites = facts.sites.iter().map(|s| s.at.unit);
    let methods = facts.methods.iter().map(|s| s.at.unit);
    let reads = facts.reads.iter().map(|s| s.at.unit);
    let hints = facts.hints.iter().map(|h| h.at().unit);
    sources
        .chain(sites)
        .chain(methods)
        .chain(reads)
        .chain(hints)
        .collect()
}

fn scopes(pickles: &[Pickled<'_>]) -> FxHashMap<SmolStr, Vec<String>> {
    let data = pickles.iter().find(|p| p.part == Part::Data);
    data.map(|p| p.stored.scopes.clone()).unwrap_or_default()
}

/// Devices that attributes hold, by class and name.
fn stored_devices(pickles: &[Pickled<'_>]) -> FxHashMap<(SmolStr, SmolStr), Vec<Device>> {
    let mut found: FxHashMap<_, Vec<Device>> = FxHashMap::default();
    for text in pickles.iter().flat_map(|p| &p.stored.texts) {
        for (root, _) in &text.roots {
            if let (TextKind::Device, Root::Attribute(class, name)) = (text.kind, root) {
                let key = (class.clone(), name.clone());
                found.entry(key).or_default().push(text.device.clone());
            }
        }
    }
    found
}
