//! `verifyImages` (`ImageVerification.Validate` and what it calls).

use serde_json::Value;

use super::Problem;
use super::field::{invalid, refused};
use super::shape::{Rule, filled, items, there};
use crate::object::ObjectExt;

const ATTESTORS: [&str; 4] = ["keys", "certificates", "keyless", "attestor"];

/// Every entry of a rule.
pub(super) fn check(policy: &Value, rule: Rule<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !rule.has("verifyImages") {
        return problems;
    }
    let enforce = |action: &str| matches!(action, "Enforce" | "enforce");
    let mut audit = !enforce(policy.str_at(&["spec", "validationFailureAction"]));
    for (index, image) in items(rule.value.get("verifyImages")).enumerate() {
        let path = format!("{}.verifyImages[{index}]", rule.path());
        if let Some(action) = image.get("failureAction").and_then(Value::as_str) {
            audit = !enforce(action);
        }
        problems.extend(entry(image, audit, &path));
    }
    problems
}

/// `jmesPath` of an image extractor, when digests are written back (`validateRuleImageExtractorsJMESPath`).
pub(super) fn extractors(rule: Rule<'_>) -> Option<Problem> {
    let by_kind = rule.get(&["imageExtractors"])?.as_object()?;
    let mutates = items(rule.value.get("verifyImages")).any(|image| filled(image.get("mutateDigest")));
    let computed =
        by_kind.values().flat_map(|list| items(Some(list))).any(|extractor| filled(extractor.get("jmesPath")));
    let words = "jmespath may not be used in an image extractor when mutating digests with verify images";
    let path = rule.path();
    (mutates && computed).then(|| refused(&format!("{path}.imageExtractors"), &format!("path: {path}: {words}")))
}

fn entry(image: &Value, audit: bool, path: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(flag) = image.get("mutateDigest").filter(|flag| audit && filled(Some(flag))) {
        let words = "mutateDigest must be set to false for ‘Audit’ failure action";
        problems.push(invalid(&format!("{path}.mutateDigest"), flag, words));
    }
    if !filled(image.get("imageReferences")) && !filled(image.get("image")) {
        problems.push(invalid(path, image, "An image reference is required"));
    }
    for (index, attestation) in items(image.get("attestations")).enumerate() {
        let at = format!("{path}.attestations[{index}].attestors");
        problems.extend(sets(attestation.get("attestors"), &at));
    }
    problems.extend(sets(image.get("attestors"), &format!("{path}.attestors")));
    if image.str_at(&["type"]) == "Notary" {
        for attestor in items(image.get("attestors")).flat_map(|set| items(set.get("entries"))) {
            for (field, name) in [("keyless", "Keyless"), ("keys", "Keys")] {
                if there(attestor.get(field)).is_some() {
                    let words = format!("{name} field is not allowed for type notary");
                    problems.push(invalid(&format!("{path}.attestors"), image, &words));
                }
            }
        }
    }
    problems
}

fn sets(list: Option<&Value>, path: &str) -> Vec<Problem> {
    items(list).enumerate().flat_map(|(index, found)| set(found, &format!("{path}[{index}]"), 0)).collect()
}

fn set(set: &Value, path: &str, depth: usize) -> Vec<Problem> {
    let mut problems = Vec::new();
    let entries: Vec<&Value> = items(set.get("entries")).collect();
    if set.get("count").and_then(Value::as_u64).is_some_and(|count| count > entries.len() as u64) {
        problems.push(invalid(path, set, "Count cannot exceed length of entries"));
    }
    if entries.is_empty() {
        problems.push(invalid(path, set, "An entry is required"));
    }
    for (index, entry) in entries.into_iter().enumerate() {
        problems.extend(attestor(entry, &format!("{path}.entries[{index}]"), depth));
    }
    problems
}

fn attestor(entry: &Value, path: &str, depth: usize) -> Vec<Problem> {
    let mut problems = Vec::new();
    if ATTESTORS.iter().filter(|field| there(entry.get(field)).is_some()).count() != 1 {
        problems.push(invalid(path, entry, "keys, certificates, keyless, or a nested attestor is required"));
    }
    let part = |field: &str| there(entry.get(field)).map(|found| (found, format!("{path}.{field}")));
    if let Some((keys, at)) = part("keys") {
        if !filled(keys.get("publicKeys")) && !filled(keys.get("kms")) && there(keys.get("secret")).is_none() {
            problems.push(invalid(&at, keys, "A public key, kms key or secret is required"));
        }
        let algorithm = keys.str_at(&["signatureAlgorithm"]);
        if filled(keys.get("publicKeys")) && !matches!(algorithm, "" | "sha224" | "sha256" | "sha384" | "sha512") {
            problems.push(invalid(&at, keys, "Invalid signature algorithm provided"));
        }
    }
    if let Some((certificates, at)) = part("certificates")
        && !filled(certificates.get("cert"))
        && !filled(certificates.get("certChain"))
    {
        problems.push(invalid(&at, certificates, "cert or certChain required"));
    }
    if let Some((keyless, at)) = part("keyless") {
        match there(keyless.get("rekor")) {
            None if !filled(keyless.get("roots")) => {
                problems.push(invalid(&at, keyless, "Either Rekor URL or roots are required"));
            }
            Some(rekor) if !filled(rekor.get("url")) => problems.push(invalid(&at, keyless, "An URL is required")),
            _ => {}
        }
    }
    if let Some((nested, at)) = part("attestor").filter(|_| depth < crate::limits::MAX_DEPTH) {
        problems.extend(set(nested, &at, depth + 1));
    }
    problems
}
