//! The signed manifest in the annotations of an object: base64 of gzip of YAML, or of an archive of YAML files.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::object::{ObjectExt, gzip};
use crate::parse;

/// What was signed, and the manifest of the object in it.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) signed: Vec<u8>,
    pub(super) value: Value,
}

/// The manifest for an object; `None` without an annotation, or where no manifest in it is that of the object.
pub(super) fn manifest_of(
    object: &Value,
    annotations: &BTreeMap<String, String>,
    domain: &str,
) -> Result<Option<Manifest>, String> {
    let Some(message) = annotations.get(&format!("{domain}/message")) else { return Ok(None) };
    let packed = STANDARD.decode(message.trim());
    let packed = packed.map_err(|error| format!("failed to decode base64 message in the annotation: {error}"))?;
    // What is no archive is taken as it is.
    let signed = gzip::unpack(&packed).unwrap_or(packed);
    let files = match gzip::unpack(&signed) {
        Some(archive) => files_of(&archive),
        None => vec![String::from_utf8_lossy(&signed).into_owned()],
    };
    let documents = files.iter().flat_map(|file| parse::parse("message", file).documents);
    let same = |manifest: &Value| {
        manifest.gvk().group == object.gvk().group
            && manifest.kind() == object.kind()
            && manifest.name() == object.name()
    };
    let mut found: Vec<Value> = documents.map(|document| document.value).filter(|value| same(value)).collect();
    if found.len() > 1 {
        found.retain(|manifest| manifest.namespace() == object.namespace());
    }
    Ok(found.into_iter().next().map(|value| Manifest { signed, value }))
}

/// The regular files of a tar archive.
fn files_of(archive: &[u8]) -> Vec<String> {
    const BLOCK: usize = 512;
    let mut rest = archive;
    let mut out = Vec::new();
    while let Some((header, after)) = rest.split_at_checked(BLOCK) {
        let size = header.get(124..136).and_then(|digits| std::str::from_utf8(digits).ok());
        let size = size.map(|digits| digits.trim_matches(|c: char| c == '\0' || c == ' '));
        let Some(size) = size.and_then(|digits| usize::from_str_radix(digits, 8).ok()) else { break };
        let Some(content) = after.get(..size) else { break };
        if matches!(header.get(156), Some(b'0' | 0)) {
            out.push(String::from_utf8_lossy(content).into_owned());
        }
        let Some(next) = size.checked_next_multiple_of(BLOCK).and_then(|size| after.get(size..)) else { break };
        rest = next;
    }
    out
}
