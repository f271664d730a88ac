//! ECDSA signatures over a manifest, as `cosign sign-blob` makes them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use serde_json::json;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;

/// The signatures in the annotations: `signature`, `signature_1`, and so on without a gap.
pub(super) fn sets(annotations: &BTreeMap<String, String>, domain: &str) -> Vec<String> {
    let keys = (0..=annotations.len()).map(|index| match index {
        0 => format!("{domain}/signature"),
        index => format!("{domain}/signature_{index}"),
    });
    keys.map_while(|key| annotations.get(&key).cloned()).collect()
}

/// Whether one of the signatures is the key's.
pub(super) fn verify(pem: &str, signed: &[u8], signatures: &[String]) -> Result<(), String> {
    let key = key_of(pem)?;
    let mut trials = Vec::new();
    for (index, signature) in signatures.iter().enumerate() {
        let Err(why) = check(&key, signed, signature) else { return Ok(()) };
        let place = format!("[publickey 1/1] [signature {}/{}]", index + 1, signatures.len());
        trials.push(format!("{place} error: cosign.VerifyBlobCmd.Exec() returned an error: {why}"));
    }
    let count = signatures.len();
    Err(format!("verification failed for {count} signature. all trials: {}", json!(trials)))
}

fn key_of(pem: &str) -> Result<VerifyingKey, String> {
    let lines = pem.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("-----"));
    let der = STANDARD.decode(lines.collect::<String>()).map_err(|error| format!("the key is no PEM: {error}"))?;
    let (_, info) = SubjectPublicKeyInfo::from_der(&der).map_err(|error| format!("the key cannot be read: {error}"))?;
    let point = &info.subject_public_key.data;
    VerifyingKey::from_sec1_bytes(point).map_err(|_| "only ECDSA P-256 keys are verified here".to_owned())
}

fn check(key: &VerifyingKey, signed: &[u8], signature: &str) -> Result<(), String> {
    let der = STANDARD.decode(signature.trim()).map_err(|error| error.to_string())?;
    let signature = Signature::from_der(&der).ok().filter(|signature| key.verify(signed, signature).is_ok());
    signature.map(|_| ()).ok_or_else(|| "invalid signature when validating ASN.1 encoded signature".to_owned())
}
