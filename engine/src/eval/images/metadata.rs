//! What Kyverno notes about verified images in the annotations of an object (`pkg/engine/api/imageverifymetadata.go`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::eval::verdict::Status;
use crate::eval::{Profile, RuleCx};
use crate::object::ObjectExt;

/// Image → status.
const ALL: &str = "kyverno.io/verify-images";
/// Policy → rule → image → status; since 1.19.
const SCOPED: &str = "kyverno.io/verify-images-scoped";

/// What is noted of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    None,
    Pass,
    Fail,
    Skip,
}

impl Mark {
    pub(super) fn of(status: Status) -> Self {
        match status {
            Status::Pass => Self::Pass,
            Status::Skip | Status::Warn => Self::Skip,
            Status::Fail | Status::Error => Self::Fail,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }

    fn read(word: Option<&Value>) -> Self {
        match word.and_then(Value::as_str) {
            Some("pass") => Self::Pass,
            Some("skip") => Self::Skip,
            _ => Self::Fail,
        }
    }
}

/// What a rule notes.
#[derive(Default)]
pub(super) struct Metadata {
    all: BTreeMap<String, &'static str>,
    scoped: BTreeMap<String, &'static str>,
}

impl Metadata {
    pub(super) fn add(&mut self, image: &str, mark: Mark, scoped: bool) {
        self.all.insert(image.to_owned(), mark.word());
        if scoped {
            self.scoped.insert(image.to_owned(), mark.word());
        }
    }

    /// Writes the annotations. Notes of earlier rules of this request stay, those that the request brought along do not.
    pub(super) fn write(&self, cx: &RuleCx<'_>, object: &mut Value) {
        if self.all.is_empty() {
            return;
        }
        let mut all = earlier(cx, object, ALL);
        all.extend(self.all.iter().map(|(image, word)| (image.clone(), json!(word))));
        set(object, ALL, &Value::Object(all));
        if cx.cx.profile < Profile::V1_19 || self.scoped.is_empty() {
            return;
        }
        let mut scoped = Value::Object(earlier(cx, object, SCOPED));
        scoped.set_at(&["version"], json!(1));
        for (image, word) in &self.scoped {
            scoped.set_at(&["policies", &policy_key(cx), &cx.rule.name, image], json!(word));
        }
        set(object, SCOPED, &scoped);
    }
}

/// What is noted of an image for this rule.
///
/// # Errors
/// Up to 1.18: annotations without a note (`image is not verified`); or a note that cannot be read.
pub(super) fn mark_of(cx: &RuleCx<'_>, object: &Value, image: &str) -> Result<Mark, String> {
    let annotations = object.annotations();
    if cx.cx.profile >= Profile::V1_19 {
        let Some(text) = annotations.get(SCOPED) else { return Ok(Mark::Fail) };
        let noted: Value =
            serde_json::from_str(text).map_err(|error| format!("failed to parse scoped image metadata: {error}"))?;
        return Ok(Mark::read(noted.at(&["policies", &policy_key(cx), &cx.rule.name, image])));
    }
    if annotations.is_empty() {
        return Ok(Mark::Fail);
    }
    let Some(text) = annotations.get(ALL) else { return Err("image is not verified".to_owned()) };
    let noted: Value =
        serde_json::from_str(text).map_err(|error| format!("failed to parse image metadata: {error}"))?;
    Ok(Mark::read(noted.get(image)))
}

fn policy_key(cx: &RuleCx<'_>) -> String {
    format!("{}/{}", cx.policy.namespace, cx.policy.name)
}

fn earlier(cx: &RuleCx<'_>, object: &Value, key: &str) -> Map<String, Value> {
    let path = ["metadata", "annotations", key];
    let now = object.at(&path);
    if now == cx.cx.request.object.as_ref().and_then(|object| object.at(&path)) {
        return Map::new();
    }
    now.and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn set(object: &mut Value, key: &str, noted: &Value) {
    object.set_at(&["metadata", "annotations", key], json!(noted.to_string()));
}
