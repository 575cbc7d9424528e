//! From TOML to a qconfig, with the line of everything that is wrong.

mod part;
mod place;

use super::error::QConfigError;
use super::flags::Flags;
use super::march::{March, RoundMode};
use super::resolve::is_type;
use super::rule::{Overlay, Rule};
use super::{Named, QConfig};
use place::{Item, Place};
use toml::de::{DeTable, DeValue};

/// What march a qconfig is for when nothing says: RDK Ultra.
const DEFAULT_MARCH: March = March::Bayes;

/// Keys of a file.
const KEYS: [&str; 6] = [
    "march",
    "round_mode",
    "high_precision_output",
    "global",
    "module_type",
    "module_name",
];
/// Keys of a rule.
const RULE_KEYS: [&str; 3] = ["activation", "weight", "input"];

/// Reads a file's text.
pub(super) fn read(text: &str, file: &str, flags: &Flags) -> Result<QConfig, QConfigError> {
    let place = Place::new(file, text);
    let table = DeTable::parse(text).map_err(|error| QConfigError::Syntax {
        file: file.to_owned(),
        line: place.line(error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })?;
    let items = place.items("", table.get_ref(), &KEYS)?;
    let march = items.iter().find(|it| it.name == "march");
    let march = match (flags.march, march) {
        (Some(march), _) => march,
        (None, Some(item)) => item.choice(&March::ALL, March::name)?,
        (None, None) => DEFAULT_MARCH,
    };
    let mut qconfig = QConfig::new(march);
    for item in &items {
        match item.name.as_str() {
            "round_mode" => qconfig.round_mode = item.choice(&RoundMode::ALL, RoundMode::name)?,
            "high_precision_output" => qconfig.high_precision_output = item.bool()?,
            "global" => qconfig.global = rule(item, march)?,
            "module_type" => qconfig.module_type = rules(item, march, check_type)?,
            "module_name" => qconfig.module_name = rules(item, march, |_, _| Ok(()))?,
            _ => {}
        }
    }
    flags.apply(&mut qconfig)?;
    Ok(qconfig)
}

/// The rules under `module_type` or `module_name`.
fn rules(
    item: &Item<'_>,
    march: March,
    check: fn(&Item<'_>, March) -> Result<(), QConfigError>,
) -> Result<Vec<Named>, QConfigError> {
    let mut named = Vec::new();
    for item in item.table("a table of rules")?.all() {
        let rule = rule(&item, march)?;
        if rule != Rule::Float {
            check(&item, march)?;
        }
        named.push(Named {
            key: item.name.clone(),
            place: item.place(),
            rule,
        });
    }
    Ok(named)
}

fn rule(item: &Item<'_>, march: March) -> Result<Rule, QConfigError> {
    if let DeValue::Boolean(false) = item.value() {
        return Ok(Rule::Float);
    }
    let mut overlay = Overlay::default();
    let expected = "`false` (stays in float) or a table with activation, weight or input";
    for item in item.table(expected)?.only(&RULE_KEYS)? {
        match item.name.as_str() {
            "activation" => overlay.activation = Some(part::activation(&item, march)?),
            "weight" => overlay.weight = Some(part::weight(&item, march)?),
            _ => overlay.input = Some(part::inputs(&item, march)?),
        }
    }
    Ok(Rule::Quantised(overlay))
}

/// Classes that the march has no quantised function for (horizon.md 8.3).
fn check_type(item: &Item<'_>, march: March) -> Result<(), QConfigError> {
    let is = |class: &str| is_type(&item.name, class);
    let linear = is("torch.nn.modules.linear.Linear");
    let conv3d = is("torch.nn.modules.conv.Conv3d");
    let lacking = (linear && !march.has_linear())
        || (conv3d && matches!(march, March::Bernoulli | March::Bernoulli2));
    match lacking {
        true => Err(item.error(format!(
            "march {march} has no quantised function for it; leave it in float with `{} = false`",
            item.name
        ))),
        false => Ok(()),
    }
}
