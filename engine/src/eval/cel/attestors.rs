//! Attestors of image validating policies: expressions may make their keys and certificates
//! (`pkg/image/verification/variables/attestors.go`).

use std::sync::Arc;

use serde_json::Value;

use super::compile::{self, Problem};
use crate::expr::cel::value::Key;
use crate::expr::cel::{Activation, Env, Program, Val, from_json};
use crate::object::ObjectExt;

/// Where an expression may stand, the field that its result fills, and what the result is called.
const PLACES: [(&[&str], &str, &str); 6] = [
    (&["cosign", "key"], "data", "key"),
    (&["cosign", "certificate", "cert"], "value", "cert"),
    (&["cosign", "certificate", "certChain"], "value", "cert chain"),
    (&["cosign", "trustedRoot"], "value", "trustedRoot"),
    (&["notary", "certs"], "value", "notary cert"),
    (&["notary", "tsaCerts"], "value", "notary tsa cert"),
];

/// An attestor with the programs of its places.
#[derive(Clone, Debug)]
pub(super) struct Attestor {
    raw: Value,
    programs: Vec<(usize, Program)>,
}

/// Compiles attestors.
///
/// # Errors
/// The first expression that does not compile.
pub(super) fn compile(env: &Env, attestors: &[Value]) -> Result<Vec<Attestor>, Problem> {
    let one = |(at, raw): (usize, &Value)| {
        let mut programs = Vec::new();
        for (place, (path, ..)) in PLACES.iter().enumerate() {
            let expression = raw.at(path).map_or("", |part| part.str_at(&["expression"]));
            if !expression.is_empty() {
                programs.push((place, compile::any(env, &format!("spec.attestors[{at}]"), expression)?));
            }
        }
        Ok(Attestor { raw: raw.clone(), programs })
    };
    attestors.iter().enumerate().map(one).collect()
}

/// `attestors`: each by its name, with what its expressions give.
///
/// # Errors
/// An expression fails or gives no string.
pub(super) fn evaluate(attestors: &[Attestor], activation: &Activation<'_>) -> Result<Val, String> {
    let mut found = Vec::with_capacity(attestors.len());
    for attestor in attestors {
        let name = attestor.raw.str_at(&["name"]);
        let mut made = attestor.raw.clone();
        for (place, program) in &attestor.programs {
            let Some((path, field, called)) = PLACES.get(*place) else { continue };
            let failed = |how: &str, words: &dyn std::fmt::Display| {
                format!(
                    "failed to convert {called} in compiled attestor: {name}, error: failed to {how} compiled attestor: \
                     {name}, error: {words}"
                )
            };
            let text = match program.eval(activation) {
                Ok(Val::String(text)) => Value::from(&*text),
                Ok(other) => {
                    let words = format!("type conversion error from '{}' to 'string'", other.type_name());
                    return Err(failed("convert expression in", &words));
                }
                Err(error) => return Err(failed("evaluate", &error)),
            };
            made.set_at(&[path, &[*field][..]].concat(), text);
        }
        found.push((Key::String(Arc::from(name)), from_json(&made)));
    }
    Ok(Val::map(found.into_iter().collect()))
}
