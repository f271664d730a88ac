//! Kyverno's functions that encode, decode and hash.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::{Call, Error, FunctionInfo, S, Type, fail, row, text};

pub(super) const TABLE: &[FunctionInfo] = &[
    row("base64_decode", &[S], Type::String, base64_decode, "Decodes base64"),
    row("base64_encode", &[S], Type::String, |c| text(STANDARD.encode(c.str(0))), "Encodes as base64"),
    row("parse_json", &[S], Type::Any, parse_json, "Reads a text as JSON"),
    row("parse_yaml", &[S], Type::Any, parse_yaml, "Reads a text as YAML"),
    row("sha256", &[S], Type::String, |c| text(hash::<Sha256>(c.str(0))), "SHA-256 in hexadecimal digits"),
    row("sha1", &[S], Type::String, |c| text(hash::<Sha1>(c.str(0))), "SHA-1 in hexadecimal digits"),
    row("md5", &[S], Type::String, |c| text(hash::<Md5>(c.str(0))), "MD5 in hexadecimal digits"),
];

fn hash<D: Digest>(text: &str) -> String {
    D::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `base64.StdEncoding`, which skips line ends; bytes that are no UTF-8 are replaced, as in JSON.
fn base64_decode(c: &Call<'_>) -> Result<Value, Error> {
    let clean: String = c.str(0).chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    match STANDARD.decode(&clean) {
        Ok(bytes) => text(String::from_utf8_lossy(&bytes)),
        Err(error) => {
            let position = match error {
                base64::DecodeError::InvalidByte(position, _) | base64::DecodeError::InvalidLastSymbol(position, _) => {
                    position
                }
                // Go names the start of the broken group of four, or the end where padding broke off.
                _ if clean.ends_with('=') => clean.len(),
                _ => clean.len() - clean.len() % 4,
            };
            fail(format!("illegal base64 data at input byte {position}"))
        }
    }
}

fn parse_json(c: &Call<'_>) -> Result<Value, Error> {
    serde_json::from_str(c.str(0)).or_else(|error| fail(json_error(c.str(0), &error)))
}

/// The message of Go's decoder for the common mistakes, else the decoder's own.
#[must_use]
pub fn json_error(text: &str, error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    match text.trim_start().chars().next() {
        Some(c) if !matches!(c, '{' | '[' | '"' | '-' | '0'..='9' | 't' | 'f' | 'n') => {
            format!("invalid character {c:?} looking for beginning of value")
        }
        _ => error.to_string(),
    }
}

fn parse_yaml(c: &Call<'_>) -> Result<Value, Error> {
    crate::parse::one(c.str(0)).or_else(|problem| fail(problem.message))
}
