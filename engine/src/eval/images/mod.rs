//! `verifyImages`: which images a rule concerns, their signatures and digests, and what is written about them
//! (`pkg/engine/handlers/mutation/mutate_image.go`, `pkg/engine/handlers/validation/validate_image.go`,
//! `pkg/engine/internal/imageverifier.go`).
//!
//! No signature is verified: the run declares which attestors signed what (`View::image_verified`).

mod attestors;
mod entry;
mod metadata;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use super::trace::{Outcome, TraceNode};
use super::verdict::{RuleResponse, RuleType, Status};
use super::view::{Answer as Fact, View};
use super::{Answer, RuleCx};
use crate::expr::jmespath::Expression;
use crate::expr::vars;
use crate::object::image::{self, Extractor, FoundImage, RegistryConfig};
use crate::object::{ObjectExt, wildcard};
use crate::policy::rule::Rule;
use attestors::Verified;
pub(super) use entry::AttestorSet;
use entry::ImageVerification;
use metadata::{Mark, Metadata};

/// Whether the validating phase has anything to check.
#[must_use]
pub fn has_checks(rule: &Rule) -> bool {
    let mut entries = rule.verify_images.iter().map(ImageVerification::read);
    entries.any(|entry| entry.verify_digest || entry.required)
}

/// Whether there is an image that the rule concerns; a rule that concerns none gives no answer at all.
///
/// # Errors
/// The images cannot be extracted.
pub fn concern(cx: &RuleCx<'_>) -> Result<bool, String> {
    let resource = cx.object.unwrap_or(&Value::Null);
    matching(cx, resource).map(|images| !images.is_empty())
}

/// The mutating phase: verifies the matching images, sets digests, and notes what was verified in annotations.
#[must_use]
pub fn mutate(cx: &mut RuleCx<'_>) -> Answer {
    let resource = cx.object.unwrap_or(&Value::Null);
    let images = matching(cx, resource).unwrap_or_default();
    let entries = match substituted(cx) {
        Ok(entries) => entries,
        Err(error) => return cx.error(RuleType::ImageVerify, "failed to substitute variables", error).into(),
    };
    let mut run = Run { metadata: Metadata::default(), responses: Vec::new(), patched: resource.clone() };
    for (index, entry) in entries.iter().enumerate() {
        let at = format!("{}/verifyImages/{index}", cx.pointer);
        for image in &images {
            cx.trace.open(|| {
                let node = TraceNode::new("images", Outcome::Info, image.info.to_string()).at(at.clone());
                TraceNode { looked_at: Some(image.pointer.clone()), ..node }
            });
            let outcome = run.one(cx, entry, image);
            cx.trace.close(outcome);
        }
    }
    run.metadata.write(cx, &mut run.patched);
    let patched = (run.patched != *resource).then_some(run.patched);
    Answer { responses: run.responses, patched }
}

/// The validating phase: every matching image has a digest and was verified, as far as the rule asks for it.
#[must_use]
pub fn validate(cx: &mut RuleCx<'_>) -> Answer {
    let resource = cx.object.unwrap_or(&Value::Null);
    let images = extracted(cx, resource).unwrap_or_default();
    let (mut passed, mut skipped) = (0, Vec::new());
    for (index, written) in cx.rule.verify_images.iter().enumerate() {
        let entry = ImageVerification::read(written);
        for image in images.iter().filter(|image| entry.concerns(&image.info.to_string())) {
            let status = checked(cx, &entry, image, resource);
            cx.trace.leaf(|| {
                let (outcome, text) = match &status {
                    Ok(Mark::Skip) => (Outcome::Skip, format!("{}: skipped", image.info)),
                    Ok(_) => (Outcome::Yes, format!("{}: nothing to object", image.info)),
                    Err(error) => (Outcome::No, error.clone()),
                };
                let at = format!("{}/verifyImages/{index}", cx.pointer);
                TraceNode { looked_at: Some(image.pointer.clone()), ..TraceNode::new("images", outcome, text).at(at) }
            });
            match status {
                Err(error) => return cx.response(RuleType::ImageVerify, Status::Fail, error).into(),
                Ok(Mark::Skip) => skipped.push(image.info.to_string()),
                Ok(Mark::Pass) => passed += 1,
                Ok(_) => {}
            }
        }
    }
    let listed = |words: &str| format!("{words}, skipped images: {}", skipped.join(" "));
    let (status, message) = match (passed, skipped.is_empty()) {
        (_, true) => (Status::Pass, "image verified".to_owned()),
        (0, false) => (Status::Skip, listed("image skipped")),
        (_, false) => (Status::Pass, listed("image verified")),
    };
    cx.response(RuleType::ImageVerify, status, message).into()
}

fn checked(cx: &RuleCx<'_>, entry: &ImageVerification, image: &FoundImage, resource: &Value) -> Result<Mark, String> {
    let name = image.info.to_string();
    if entry.verify_digest && image.info.digest.is_empty() {
        return Err(format!("missing digest for {name}"));
    }
    if !entry.required || resource.is_null() {
        return Ok(Mark::None);
    }
    match metadata::mark_of(cx, resource, &name)? {
        Mark::Fail | Mark::None => Err(format!("unverified image {name}")),
        mark => Ok(mark),
    }
}

/// What the mutating phase gathers.
struct Run {
    metadata: Metadata,
    responses: Vec<RuleResponse>,
    patched: Value,
}

impl Run {
    fn one(&mut self, cx: &mut RuleCx<'_>, entry: &ImageVerification, image: &FoundImage) -> Outcome {
        let name = image.info.to_string();
        if self.is_unchanged(cx, image, &name) {
            self.metadata.add(&name, Mark::Pass, true);
            return Outcome::Skip;
        }
        let verified = attestors::verify(cx, entry, &image.info);
        let Verified { mut response, digest, skip } = verified;
        if skip {
            self.metadata.add(&name, Mark::Skip, false);
        }
        let mut known = name;
        if entry.mutate_digest && image.info.digest.is_empty() {
            match digest.map_or_else(|| digest_of(cx.cx.view, &known), Ok) {
                Ok(digest) => {
                    let pinned = format!("{known}@{digest}");
                    self.set_image(&image.pointer, &pinned);
                    if response.is_none() {
                        response = Some(cx.response(RuleType::ImageVerify, Status::Pass, "mutated image digest"));
                    }
                    let mut info = image.info.clone();
                    info.digest = digest;
                    known = info.to_string();
                }
                Err(error) => self.responses.push(cx.error(RuleType::ImageVerify, "failed to update digest", error)),
            }
        }
        let Some(response) = response else { return Outcome::Info };
        if entry.verifies() {
            self.metadata.add(&known, Mark::of(response.status), true);
        }
        cx.trace.amend(|node| node.text.clone_from(&response.message));
        let outcome = match response.status {
            Status::Pass => Outcome::Yes,
            Status::Skip => Outcome::Skip,
            Status::Error => Outcome::Error,
            _ => Outcome::No,
        };
        self.responses.push(response);
        outcome
    }

    /// An image that an UPDATE leaves as it is and that was verified before is not verified again.
    fn is_unchanged(&self, cx: &mut RuleCx<'_>, image: &FoundImage, name: &str) -> bool {
        let Some(old) = cx.old_object else { return false };
        let changed = cx.json.has_changed(&jmes_path(&image.pointer)).unwrap_or(true);
        !changed && metadata::mark_of(cx, old, name).is_ok_and(|mark| matches!(mark, Mark::Pass | Mark::Skip))
    }

    fn set_image(&mut self, pointer: &str, image: &str) {
        if let Some(found) = self.patched.pointer_mut(pointer) {
            *found = Value::String(image.to_owned());
        }
    }
}

/// The images of the resource, by the rule's own extractors where it has some for the kind.
fn extracted(cx: &RuleCx<'_>, resource: &Value) -> Result<Vec<FoundImage>, String> {
    let own = cx.rule.image_extractors.as_ref().and_then(|all| all.get(resource.kind())).and_then(Value::as_array);
    let extractors: Vec<Extractor> = match own {
        Some(own) => own.iter().map(Extractor::from_config).collect(),
        None => image::standard_extractors(resource.kind()),
    };
    if own.is_some() && extractors.is_empty() {
        return Err(format!("no extractors found for {}", resource.kind()));
    }
    let transform = |path: &str, text: &str| -> Result<String, String> {
        let parsed = Expression::parse(path).map_err(|error| format!("invalid jmespath {path}: {error}"))?;
        let found = parsed.search(&json!(text), cx.json.env());
        match found.map_err(|error| format!("failed to apply jmespath {path}: {error}"))? {
            Value::String(image) => Ok(image),
            other => Err(format!("jmespath {path} must produce a string, but produced {other}")),
        }
    };
    let found = image::extract(resource, &extractors, &RegistryConfig::default(), &transform)?;
    Ok(found.into_values().flat_map(|images| images.into_values()).collect())
}

/// Images that an entry of the rule concerns, once for each such entry.
fn matching(cx: &RuleCx<'_>, resource: &Value) -> Result<Vec<FoundImage>, String> {
    let entries: Vec<ImageVerification> = cx.rule.verify_images.iter().map(ImageVerification::read).collect();
    let mut out = Vec::new();
    for image in extracted(cx, resource)? {
        let name = image.info.to_string();
        let count = entries.iter().filter(|entry| entry.concerns(&name)).count();
        out.extend(std::iter::repeat_n(image, count));
    }
    Ok(out)
}

/// The entries with their variables substituted, but for conditions, which are evaluated later.
fn substituted(cx: &mut RuleCx<'_>) -> Result<Vec<ImageVerification>, String> {
    let mut bare = cx.rule.verify_images.clone();
    for entry in &mut bare {
        entry.remove_at(&["validate", "deny"]);
        for attestation in entry.get_mut("attestations").and_then(Value::as_array_mut).into_iter().flatten() {
            attestation.remove_at(&["conditions"]);
        }
    }
    let document = Map::from_iter([("verifyImages".to_owned(), Value::Array(bare))]);
    let done = vars::substitute_all(&mut cx.json, &Value::Object(document)).map_err(|error| error.to_string())?;
    let done = done.get("verifyImages").and_then(Value::as_array).cloned().unwrap_or_default();
    let entries = done.iter().zip(&cx.rule.verify_images);
    Ok(entries.map(|(entry, written)| ImageVerification::read(entry).with_conditions_of(written)).collect())
}

/// The digest that the run declares for an image.
pub(crate) fn digest_of(view: &dyn View, image: &str) -> Result<String, String> {
    match view.image_data(image) {
        Fact::Data(data) => {
            let resolved = data.str_at(&["resolvedImage"]);
            let digest = [data.str_at(&["digest"]), resolved.split_once('@').map_or("", |(_, digest)| digest)];
            let digest = digest.into_iter().find(|digest| !digest.is_empty());
            digest.map(str::to_owned).ok_or_else(|| format!("the run declares no digest of {image}"))
        }
        Fact::Failed(words) => Err(words),
        Fact::Unavailable => Err(format!(
            "nothing in this scenario describes the image; add it: `mocks: {{ images: [{{ image: {image}, … }}] }}`"
        )),
    }
}

/// `/spec/containers/0/image` as `spec.containers[0].image`.
fn jmes_path(pointer: &str) -> String {
    let mut out = String::new();
    for part in pointer.split('/').filter(|part| !part.is_empty()) {
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            out.push_str(&format!("[{part}]"));
            continue;
        }
        if !out.is_empty() {
            out.push('.');
        }
        let plain = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if plain { out.push_str(part) } else { out.push_str(&Value::String(part.to_owned()).to_string()) }
    }
    out
}

fn any_matches(patterns: &[String], image: &str) -> bool {
    patterns.iter().any(|pattern| wildcard::matches(pattern, image))
}
