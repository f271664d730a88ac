//! `verifyImages[]` (`api/kyverno/v1/image_verification_types.go`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::any_matches;
use crate::object::ObjectExt;
use crate::object::read;

/// One entry, older ways of writing it converted.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ImageVerification {
    image: String,
    pub(super) image_references: Vec<String>,
    pub(super) skip_image_references: Vec<String>,
    key: String,
    roots: String,
    subject: String,
    issuer: String,
    pub(super) attestors: Vec<AttestorSet>,
    pub(super) attestations: Vec<Attestation>,
    annotations: BTreeMap<String, String>,
    pub(super) mutate_digest: bool,
    pub(super) verify_digest: bool,
    pub(super) required: bool,
    pub(super) validate: Option<Validate>,
}

impl Default for ImageVerification {
    fn default() -> Self {
        Self {
            image: String::new(),
            image_references: Vec::new(),
            skip_image_references: Vec::new(),
            key: String::new(),
            roots: String::new(),
            subject: String::new(),
            issuer: String::new(),
            attestors: Vec::new(),
            attestations: Vec::new(),
            annotations: BTreeMap::new(),
            mutate_digest: true,
            verify_digest: true,
            required: true,
            validate: None,
        }
    }
}

/// Attestors of which `count` must have signed; all without a count.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::eval) struct AttestorSet {
    pub(in crate::eval) count: Option<usize>,
    pub(in crate::eval) entries: Vec<Value>,
}

/// `attestations[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Attestation {
    pub(super) name: String,
    #[serde(rename = "type")]
    kind: String,
    predicate_type: String,
    pub(super) attestors: Vec<AttestorSet>,
    pub(super) conditions: Vec<Value>,
}

/// `validate` of an entry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Validate {
    pub(super) message: String,
    pub(super) deny: Option<Value>,
}

impl ImageVerification {
    /// Reads an entry; one that does not have the form of the CRD concerns no image.
    pub(super) fn read(written: &Value) -> Self {
        read::read::<Self>(written).unwrap_or_default().converted()
    }

    /// `image`, `key` and `issuer` are the older way.
    fn converted(mut self) -> Self {
        if !self.image.is_empty() {
            self.image_references.push(std::mem::take(&mut self.image));
        }
        let mut attestor = json!({});
        if !self.annotations.is_empty() {
            attestor.set_at(&["annotations"], json!(self.annotations));
        }
        if !self.key.is_empty() {
            attestor.set_at(&["keys"], json!({ "publicKeys": self.key }));
        } else if !self.issuer.is_empty() {
            let keyless = json!({ "issuer": self.issuer, "subject": self.subject, "roots": self.roots });
            attestor.set_at(&["keyless"], keyless);
        } else {
            return self;
        }
        let set = AttestorSet { count: None, entries: vec![attestor] };
        if self.attestations.is_empty() {
            self.attestors.push(set);
        } else {
            self.attestations.iter_mut().for_each(|attestation| attestation.attestors.push(set.clone()));
        }
        self
    }

    pub(super) fn with_conditions_of(mut self, written: &Value) -> Self {
        let conditions = written.get("attestations").and_then(Value::as_array).into_iter().flatten();
        for (attestation, written) in self.attestations.iter_mut().zip(conditions) {
            attestation.conditions = written.get("conditions").and_then(Value::as_array).cloned().unwrap_or_default();
        }
        if let (Some(validate), Some(deny)) = (self.validate.as_mut(), written.at(&["validate", "deny"])) {
            validate.deny = Some(deny.clone());
        }
        self
    }

    pub(super) fn concerns(&self, image: &str) -> bool {
        any_matches(&self.image_references, image)
    }

    /// Whether signatures or attestations are asked for.
    pub(super) fn verifies(&self) -> bool {
        !self.attestors.is_empty() || !self.attestations.is_empty()
    }
}

impl AttestorSet {
    /// The set with one entry per key, where one entry lists several.
    pub(in crate::eval) fn expanded(&self) -> Self {
        const END: &str = "-----END PUBLIC KEY-----";
        let mut entries = Vec::new();
        for entry in &self.entries {
            let keys = entry.str_at(&["keys", "publicKeys"]);
            let keys: Vec<&str> = keys.split_inclusive(END).filter(|key| key.ends_with(END)).collect();
            if keys.len() < 2 {
                entries.push(entry.clone());
                continue;
            }
            entries.extend(keys.into_iter().map(|key| {
                let mut entry = entry.clone();
                entry.set_at(&["keys", "publicKeys"], json!(key));
                entry
            }));
        }
        Self { count: self.count, entries }
    }

    pub(in crate::eval) fn required(&self) -> usize {
        self.count.filter(|count| *count > 0).unwrap_or(self.entries.len())
    }
}

impl Attestation {
    /// `type`, or the older `predicateType`.
    pub(super) fn predicate(&self) -> &str {
        if self.kind.is_empty() { &self.predicate_type } else { &self.kind }
    }
}
