//! Who signed an image: attestor sets, attestations and their conditions (`pkg/engine/internal/imageverifier.go`).

use serde_json::{Value, json};

use super::any_matches;
use super::entry::{Attestation, AttestorSet, ImageVerification};
use crate::eval::trace::{Outcome, TraceNode};
use crate::eval::verdict::{RuleResponse, RuleType, Status};
use crate::eval::view::Answer as Fact;
use crate::eval::{RuleCx, conditions};
use crate::expr::vars;
use crate::object::ObjectExt;
use crate::object::image::ImageInfo;
use crate::object::read::read;

/// How deep attestors may nest; Kyverno has no bound.
const MAX_NESTING: usize = 16;

/// What is known of an image after its attestors were asked.
#[derive(Default)]
pub(super) struct Verified {
    /// `None` where nothing is to be verified.
    pub(super) response: Option<RuleResponse>,
    /// Digest that the signature is for.
    pub(super) digest: Option<String>,
    /// Listed in `skipImageReferences`.
    pub(super) skip: bool,
}

/// Why an attestor does not vouch.
enum Refusal {
    /// It did not sign.
    Unsigned(String),
    /// It cannot be asked.
    Unreachable(String),
}

/// What an attestor vouches for.
#[derive(Default)]
struct Vouch {
    digest: Option<String>,
    statements: Vec<Value>,
}

pub(super) fn verify(cx: &mut RuleCx<'_>, entry: &ImageVerification, info: &ImageInfo) -> Verified {
    if !entry.verifies() {
        return Verified::default();
    }
    cx.json.add_image_info(info);
    let image = info.to_string();
    let skip = any_matches(&entry.skip_image_references, &image);
    if skip || !entry.concerns(&image) {
        let (policy, rule) = (&cx.policy.name, &cx.rule.name);
        let message = format!("skipping image reference image {image}, policy {policy} ruleName {rule}");
        let mut response = cx.response(RuleType::ImageVerify, Status::Skip, message);
        response.emit_warning = skip && entry.concerns(&image);
        let skip = response.emit_warning;
        return Verified { response: Some(response), digest: None, skip };
    }
    let mut digest = None;
    for (index, set) in entry.attestors.iter().enumerate() {
        match signed(cx, set, &image, &format!(".attestors[{index}]"), 0) {
            Ok(vouch) => digest = vouch.digest.or(digest),
            Err(refusal) => {
                let (status, why) = match refusal {
                    Refusal::Unsigned(why) => (Status::Fail, why),
                    Refusal::Unreachable(why) => (Status::Error, why),
                };
                let message = format!("failed to verify image {image}: {why}");
                return answered(cx.response(RuleType::ImageVerify, status, message), None);
            }
        }
    }
    if entry.attestations.is_empty() {
        let message = format!("verified image signatures for {image}");
        return answered(cx.response(RuleType::ImageVerify, Status::Pass, message), digest);
    }
    attested(cx, entry, info, digest)
}

fn answered(response: RuleResponse, digest: Option<String>) -> Verified {
    Verified { response: Some(response), digest, skip: false }
}

/// Enough attestors of a set signed.
fn signed(cx: &mut RuleCx<'_>, set: &AttestorSet, image: &str, path: &str, nesting: usize) -> Result<Vouch, Refusal> {
    let set = set.expanded();
    let mut errors = Vec::new();
    let mut reachable = true;
    let mut verified = 0;
    for (index, attestor) in set.entries.iter().enumerate() {
        let path = format!("{path}.entries[{index}]");
        let outcome = match attestor.get("attestor").filter(|nested| !nested.is_null()) {
            Some(_) if nesting >= MAX_NESTING => Err(Refusal::Unsigned(format!("{path}: attestors nest too deeply"))),
            Some(nested) => match read::<AttestorSet>(nested) {
                Ok(nested) => signed(cx, &nested, image, &format!("{path}.attestor"), nesting + 1),
                Err(error) => Err(Refusal::Unsigned(format!("failed to unmarshal nested attestor {path}: {error}"))),
            },
            None => vouched(cx, image, attestor, &format!("{path}{}", kind_of(attestor))),
        };
        match outcome {
            Ok(vouch) => {
                verified += 1;
                if verified >= set.required() {
                    return Ok(vouch);
                }
            }
            Err(Refusal::Unsigned(why)) => errors.push(why),
            Err(Refusal::Unreachable(why)) => {
                reachable = false;
                errors.push(why);
            }
        }
    }
    let why = errors.join("; ");
    Err(if reachable { Refusal::Unsigned(why) } else { Refusal::Unreachable(why) })
}

fn kind_of(attestor: &Value) -> &'static str {
    let has = |key: &str| attestor.get(key).is_some_and(|value| !value.is_null());
    match () {
        () if has("keys") => ".keys",
        () if has("certificates") => ".certificates",
        () if has("keyless") => ".keyless",
        () => "",
    }
}

/// What the run declares: `true`, or `{verified, digest, statements, error}`.
fn vouched(cx: &mut RuleCx<'_>, image: &str, attestor: &Value, path: &str) -> Result<Vouch, Refusal> {
    let fact = cx.cx.view.image_verified(image, attestor);
    let outcome = match &fact {
        Fact::Data(Value::Bool(true)) => Ok(Vouch::default()),
        Fact::Data(Value::Bool(false)) => Err(Refusal::Unsigned(format!("{path}: no signatures found"))),
        Fact::Data(data) if data.get("verified").and_then(Value::as_bool) == Some(true) => Ok(Vouch {
            digest: Some(data.str_at(&["digest"])).filter(|digest| !digest.is_empty()).map(str::to_owned),
            statements: data.get("statements").and_then(Value::as_array).cloned().unwrap_or_default(),
        }),
        Fact::Data(data) => {
            let why = Some(data.str_at(&["error"])).filter(|why| !why.is_empty()).unwrap_or("no signatures found");
            Err(Refusal::Unsigned(format!("{path}: {why}")))
        }
        Fact::Failed(why) => Err(Refusal::Unsigned(format!("{path}: {why}"))),
        Fact::Unavailable => Err(Refusal::Unreachable(format!(
            "{path}: signatures are not fetched here; say who signed the image: `mocks: {{ images: [{{ image: {image}, … }}] }}`"
        ))),
    };
    cx.trace.leaf(|| match &outcome {
        Ok(_) => TraceNode::new("images", Outcome::Yes, format!("{path}: signed")),
        Err(Refusal::Unsigned(why)) => TraceNode::new("images", Outcome::No, why.clone()),
        Err(Refusal::Unreachable(why)) => TraceNode::new("images", Outcome::Error, why.clone()),
    });
    outcome
}

fn attested(cx: &mut RuleCx<'_>, entry: &ImageVerification, info: &ImageInfo, digest: Option<String>) -> Verified {
    let mut info = info.clone();
    let fail =
        |cx: &RuleCx<'_>, message: String| answered(cx.response(RuleType::ImageVerify, Status::Fail, message), None);
    if info.digest.is_empty() {
        info.digest = digest.unwrap_or_default();
    }
    for (index, attestation) in entry.attestations.iter().enumerate() {
        if attestation.predicate().is_empty() {
            return fail(cx, format!(".attestations[{index}]: missing type"));
        }
        // Without attestors the attestation is fetched and checked, whoever made it.
        let anyone = [AttestorSet { entries: vec![json!({})], ..AttestorSet::default() }];
        let sets = if attestation.attestors.is_empty() { &anyone[..] } else { &attestation.attestors };
        let mut errors = Vec::new();
        for (number, set) in sets.iter().enumerate() {
            let mut verified = 0;
            for attestor in &set.entries {
                let path = format!(".attestations[{index}].attestors[{number}].entries[{index}]{}", kind_of(attestor));
                match attestation_by(cx, attestation, attestor, &mut info, &path) {
                    Ok(()) => verified += 1,
                    Err(why) => errors.push(why),
                }
                if verified >= set.required() {
                    break;
                }
            }
            let required = set.required();
            if verified < required {
                let why =
                    if errors.is_empty() { "attestations verification failed".to_owned() } else { errors.join("; ") };
                let counts = format!("verifiedCount: {verified}, requiredCount: {required}");
                return fail(cx, format!("image attestations verification failed, {counts}, error: {why}"));
            }
        }
    }
    let digest = Some(info.digest.clone()).filter(|digest| !digest.is_empty());
    let Some(validate) = &entry.validate else {
        let message = format!("verified image attestations for {info}");
        return answered(cx.response(RuleType::ImageVerify, Status::Pass, message), digest);
    };
    match denied(cx, &validate.message, validate.deny.as_ref()) {
        Some(why) => {
            let message = format!("validation in verifyImages failed: {why}");
            answered(cx.response(RuleType::ImageVerify, Status::Fail, message), digest)
        }
        None => {
            let message = format!("verifyImages validation is passed in {} rule", cx.rule.name);
            answered(cx.response(RuleType::ImageVerify, Status::Pass, message), digest)
        }
    }
}

fn attestation_by(
    cx: &mut RuleCx<'_>,
    attestation: &Attestation,
    attestor: &Value,
    info: &mut ImageInfo,
    path: &str,
) -> Result<(), String> {
    let mut asked = attestor.clone();
    asked.set_at(&["attestation"], json!(attestation.predicate()));
    let vouch = match vouched(cx, &info.to_string(), &asked, path) {
        Ok(vouch) => vouch,
        Err(Refusal::Unsigned(why) | Refusal::Unreachable(why)) => return Err(why),
    };
    let predicates = vouch.statements.iter().filter_map(|statement| statement.get("predicate"));
    let first = predicates.clone().find(|predicate| predicate.is_object());
    let Some(first) = first else { return Err("predicate not found in any statement".to_owned()) };
    cx.json.add_entry(&attestation.name, first.clone())?;
    if info.digest.is_empty() {
        info.digest = vouch.digest.unwrap_or_default();
    }
    let wanted = attestation.predicate();
    let statements: Vec<&Value> =
        vouch.statements.iter().filter(|statement| statement.str_at(&["type"]) == wanted).collect();
    if statements.is_empty() {
        return Err(format!("{path}: attestions not found for predicate type {wanted}"));
    }
    for statement in statements {
        let (holds, message) = conditions_hold(cx, attestation, statement)
            .map_err(|why| format!("{path}: failed to check attestations: {why}"))?;
        if !holds {
            return Err(format!("{path}: attestation checks failed for {info} and predicate {wanted}: {message}"));
        }
    }
    Ok(())
}

/// Every block of conditions must hold over the predicate.
fn conditions_hold(
    cx: &mut RuleCx<'_>,
    attestation: &Attestation,
    statement: &Value,
) -> Result<(bool, String), String> {
    if attestation.conditions.is_empty() {
        return Ok((true, String::new()));
    }
    let Some(predicate) = statement.get("predicate").filter(|predicate| predicate.is_object()) else {
        return Err(format!("failed to extract predicate from statement: {statement}"));
    };
    cx.json.checkpoint();
    cx.json.add_json(predicate.clone());
    let mut out = Ok((true, String::new()));
    for block in &attestation.conditions {
        let at = format!("{}/verifyImages", cx.pointer);
        match conditions::evaluate(&mut cx.json, Some(block), &at, &mut cx.trace) {
            Ok(decision) if decision.holds => {}
            Ok(decision) => {
                out = Ok((false, decision.message));
                break;
            }
            Err(error) => {
                out = Err(format!("failed to substitute variables in attestation conditions: {error}"));
                break;
            }
        }
    }
    cx.json.restore();
    out
}

fn denied(cx: &mut RuleCx<'_>, message: &str, deny: Option<&Value>) -> Option<String> {
    let deny = deny?;
    let at = format!("{}/verifyImages", cx.pointer);
    let decision = match conditions::evaluate(&mut cx.json, deny.get("conditions"), &at, &mut cx.trace) {
        Ok(decision) => decision,
        Err(error) => return Some(format!("failed to check deny conditions: {error}")),
    };
    if !decision.holds {
        return None;
    }
    if message.is_empty() && decision.message.is_empty() {
        return Some("validation error: imageVerify  failed".to_owned());
    }
    let words = conditions::join_non_empty(&[message, &decision.message], "; ");
    Some(vars::substitute_string(&mut cx.json, &words).unwrap_or(decision.message))
}
