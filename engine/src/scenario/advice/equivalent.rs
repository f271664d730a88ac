//! A classic policy in the CEL kinds, where it can be derived.

use super::edit::Text;
use super::{Advice, Fix, Place};
use crate::object::ObjectExt;
use crate::object::catalog::Catalog;
use crate::parse::emit;
use crate::policy::convert::{Remark, convert};

/// Shows the equivalent; the fix puts it in place of the policy where no rule is left out.
pub fn equivalent(text: Text<'_>, catalog: &Catalog) -> Option<Advice> {
    let policy = &text.document.value;
    let made = convert(policy, catalog);
    let first = made.policies.first()?;
    let mut kinds: Vec<&str> = made.policies.iter().map(ObjectExt::kind).collect();
    kinds.dedup();
    let yaml = made.policies.iter().map(emit).collect::<Vec<_>>().join("---\n");
    let place = Place { text, pointer: String::new() };
    let mut advice = place.advice(
        "equivalent",
        "/kind",
        format!("{} {} can be written as {}", policy.kind(), policy.name(), kinds.join(" and ")),
        &words(&made.left_out, &made.notes),
    );
    if made.left_out.is_empty() {
        advice.fix = text.whole(yaml.clone()).map(|edit| Fix {
            title: format!("Replace it with the {}", first.kind()),
            file: text.document.file.clone(),
            edits: vec![edit],
        });
    }
    advice.shown = Some(yaml);
    Some(advice)
}

fn words(left_out: &[Remark], notes: &[Remark]) -> String {
    let mut text = "The classic kinds are deprecated since 1.17.".to_owned();
    for remark in left_out {
        text.push_str(&format!(" Rule {} is left out: {}.", remark.rule, remark.text.trim_end_matches('.')));
    }
    for remark in notes {
        text.push_str(&format!(" Rule {}: {}.", remark.rule, remark.text.trim_end_matches('.')));
    }
    text
}
