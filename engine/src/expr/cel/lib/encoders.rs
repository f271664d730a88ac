//! cel-go `ext.Encoders`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    base64.decode(string) -> bytes
    base64.encode(bytes) -> string
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    Some(match (name, args) {
        ("base64.decode", [Val::String(text)]) => {
            // Go ignores line ends; cel-go also takes text without padding.
            let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
            STANDARD
                .decode(&text)
                .or_else(|_| STANDARD_NO_PAD.decode(&text))
                .map(|bytes| Val::Bytes(Arc::from(bytes)))
                .map_err(|error| match error {
                    base64::DecodeError::InvalidByte(at, _) => {
                        Error::new(format!("illegal base64 data at input byte {at}"))
                    }
                    _ => Error::new(format!("illegal base64 data at input byte {}", text.len())),
                })
        }
        ("base64.encode", [Val::Bytes(bytes)]) => Ok(Val::from(STANDARD.encode(bytes))),
        _ => return None,
    })
}
