//! Kyverno's `gzip`.

use std::sync::Arc;

use miniz_oxide::deflate::compress_to_vec;

use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;
use crate::object::gzip::unpack;

pub(super) const SIGNATURES: &str = "
    gzip.compress(dyn) -> bytes
    gzip.decompress(bytes) -> string
";

/// Magic, deflate, no flags, no time, no hints, unknown system: what Go writes.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    Some(match (name, args) {
        ("gzip.compress", [Val::String(text)]) => {
            let mut bytes = HEADER.to_vec();
            bytes.extend(compress_to_vec(text.as_bytes(), 6));
            bytes.extend(crc32(text.as_bytes()).to_le_bytes());
            bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
            Ok(Val::Bytes(Arc::from(bytes)))
        }
        ("gzip.decompress", [Val::Bytes(bytes)]) => match unpack(bytes) {
            Some(text) => Ok(Val::from(String::from_utf8_lossy(&text).into_owned())),
            None => Err(Error::new("gzip: invalid header")),
        },
        _ => return None,
    })
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}
