//! `validate.manifests`: an object must be what its signed manifest says (`pkg/engine/handlers/validation/validate_manifest.go`
//! and sigstore's `k8s-manifest-sigstore`).
//!
//! The manifest and its signatures are annotations. Inline ECDSA P-256 keys are verified; certificates, identities, keys
//! kept elsewhere and dry runs are not.

mod difference;
mod ignore;
mod message;
mod signature;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::images::AttestorSet;
use super::request::Operation;
use super::trace::{Outcome, TraceNode};
use super::verdict::{RuleType, Status};
use super::{Answer, RuleCx};
use crate::object::read::read;
use crate::object::{ObjectExt, string_map};

/// How deep attestors may nest; Kyverno has no bound.
const MAX_NESTING: usize = 16;
const DOMAIN: &str = "cosign.sigstore.dev";

/// `validate.manifests`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Manifests {
    attestors: Vec<AttestorSet>,
    annotation_domain: String,
    ignore_fields: Vec<ignore::Binding>,
}

/// What an attestor, or a set of them, says: a reason either way.
struct Verdict {
    verified: bool,
    reason: String,
}

/// What all attestors look at.
struct Subject<'a> {
    object: &'a Value,
    annotations: BTreeMap<String, String>,
    domain: &'a str,
    ignored: ignore::Patterns,
}

/// Verifies the object of the request. A deleted object is not verified.
#[must_use]
pub fn validate(cx: &mut RuleCx<'_>) -> Answer {
    if cx.operation == Operation::Delete {
        return Answer::default();
    }
    let written = cx.rule.validate.as_ref().and_then(|validate| validate.manifests.as_ref());
    let settings = written.map(Manifests::deserialize).transpose().map(Option::unwrap_or_default);
    let outcome = match settings {
        Ok(_) if cx.cx.request.dry_run => {
            Ok(Verdict { verified: true, reason: "allowed because of DryRun request".to_owned() })
        }
        Ok(settings) => verify(cx, &settings),
        Err(error) => Err(error.to_string()),
    };
    match outcome {
        Err(error) => cx.error(RuleType::Validation, "error occurred during manifest verification", error),
        Ok(Verdict { verified: true, reason }) => cx.response(RuleType::Validation, Status::Pass, reason),
        Ok(Verdict { reason, .. }) => cx.response(RuleType::Validation, Status::Fail, reason),
    }
    .into()
}

fn verify(cx: &mut RuleCx<'_>, settings: &Manifests) -> Result<Verdict, String> {
    let object = cx.object.unwrap_or(&Value::Null);
    let domain = Some(settings.annotation_domain.as_str()).filter(|domain| !domain.is_empty()).unwrap_or(DOMAIN);
    let ignored = ignore::Patterns::of(object, domain, &settings.ignore_fields);
    let subject = Subject { object, annotations: object.annotations(), domain, ignored };
    let mut reasons = Vec::new();
    for (index, set) in settings.attestors.iter().enumerate() {
        let verdict = by_set(cx, &subject, set, &format!(".attestors[{index}]"), 0)?;
        if !verdict.verified {
            return Ok(verdict);
        }
        reasons.push(verdict.reason);
    }
    Ok(Verdict { verified: true, reason: format!("verified manifest signatures; {}", reasons.join(",")) })
}

/// Enough attestors of a set verify the object. Errors count only where there were not enough.
fn by_set(
    cx: &mut RuleCx<'_>,
    subject: &Subject<'_>,
    set: &AttestorSet,
    path: &str,
    nesting: usize,
) -> Result<Verdict, String> {
    let set = set.expanded();
    let required = set.required();
    let (mut verified, mut good, mut bad, mut errors) = (0, Vec::new(), Vec::new(), Vec::new());
    for (index, attestor) in set.entries.iter().enumerate() {
        let path = format!("{path}.entries[{index}]");
        let outcome = match attestor.get("attestor").filter(|nested| !nested.is_null()) {
            Some(_) if nesting >= MAX_NESTING => Err(format!("{path}: attestors nest too deeply")),
            Some(nested) => match read::<AttestorSet>(nested) {
                Ok(nested) => by_set(cx, subject, &nested, &format!("{path}.attestor"), nesting + 1)
                    .map_err(|error| format!("failed to verify signature; {path}.attestor: {error}")),
                Err(error) => Err(format!("failed to unmarshal nested attestor {path}: {error}")),
            },
            None => by_one(subject, attestor, &path),
        };
        cx.trace.leaf(|| {
            let (outcome, text) = match &outcome {
                Ok(Verdict { verified: true, reason }) => (Outcome::Yes, format!("{path}: {reason}")),
                Ok(Verdict { reason, .. }) => (Outcome::No, reason.clone()),
                Err(error) => (Outcome::Error, error.clone()),
            };
            TraceNode::new("manifests", outcome, text).at(format!("{}/validate/manifests", cx.pointer))
        });
        match outcome {
            Ok(verdict) if verdict.verified => {
                verified += 1;
                good.push(verdict.reason);
            }
            Ok(verdict) => bad.push(verdict.reason),
            Err(error) => errors.push(error),
        }
        if verified >= required {
            break;
        }
    }
    let counts = format!("verifiedCount {verified}; requiredCount {required}");
    if verified >= required {
        let reason = format!("manifest verification succeeded; {counts}; message {}", good.join(","));
        return Ok(Verdict { verified: true, reason });
    }
    if !errors.is_empty() {
        return Err(errors.join("; "));
    }
    Ok(Verdict {
        verified: false,
        reason: format!("manifest verification failed; {counts}; message {}", bad.join(",")),
    })
}

fn by_one(subject: &Subject<'_>, attestor: &Value, path: &str) -> Result<Verdict, String> {
    for (key, expected) in string_map(attestor.get("annotations")) {
        let found = subject.annotations.get(&key).map_or("", String::as_str);
        if found != expected {
            return Err(format!(
                "annotations mismatch: {found} does not match expected value {expected} for key {key}"
            ));
        }
    }
    let has = |key: &str| attestor.get(key).is_some_and(|value| !value.is_null());
    let kind = ["keys", "certificates", "keyless"].into_iter().find(|key| has(key));
    let path = kind.map_or_else(|| path.to_owned(), |kind| format!("{path}.{kind}"));
    let failed = |why: &str| Ok(Verdict { verified: false, reason: format!("{path}: {why}") });
    let manifest = match message::manifest_of(subject.object, &subject.annotations, subject.domain) {
        Ok(Some(manifest)) => manifest,
        Ok(None) => return failed("YAML manifest not found for this resource: message not found"),
        Err(error) => return Err(format!("{path}: YAML manifest not found for this resource: {error}")),
    };
    let differences = difference::between(&manifest.value, subject.object, &subject.ignored);
    let key = attestor.str_at(&["keys", "publicKeys"]);
    if !key.starts_with("-----BEGIN PUBLIC KEY-----") {
        return Err(format!("{path}: failed to verify signature: only inline public keys are verified here"));
    }
    let signatures = signature::sets(&subject.annotations, subject.domain);
    if signatures.is_empty() {
        return failed("failed to verify signature: signature not found");
    }
    signature::verify(key, &manifest.signed, &signatures)
        .map_err(|error| format!("{path}: failed to verify signature: {error}"))?;
    if differences.is_empty() {
        return Ok(Verdict { verified: true, reason: "singed by a valid signer: ".to_owned() });
    }
    failed(&format!("failed to verify signature. diff found; {}", difference::words(&differences)))
}
