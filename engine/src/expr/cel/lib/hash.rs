//! Kyverno's hashes, as lower-case hex.

use std::fmt::Write as _;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    sha1(string) -> string
    sha256(string) -> string
    md5(string) -> string
    hash.sha1(string) -> string
    hash.sha256(string) -> string
    hash.md5(string) -> string
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    let [Val::String(text)] = args else { return None };
    let bytes = match name.strip_prefix("hash.").unwrap_or(name) {
        "sha1" => Sha1::digest(text.as_bytes()).to_vec(),
        "sha256" => Sha256::digest(text.as_bytes()).to_vec(),
        "md5" => Md5::digest(text.as_bytes()).to_vec(),
        _ => return None,
    };
    let mut hex = String::new();
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    Some(Ok(Val::from(hex)))
}
