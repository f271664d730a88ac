//! Kyverno's authorization policies: `envoy`, `http` answers and `jwt`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::expr::cel::convert::from_json;
use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::{Key, Val};

pub(super) const SIGNATURES: &str = "
    envoy.Allowed() -> authz.Response
    envoy.Denied(int) -> authz.Response
    http.Allowed() -> authz.Response
    http.Denied(string) -> authz.Response
    authz.Response:WithBody(string) -> authz.Response
    authz.Response:WithHeader(string, string) -> authz.Response
    authz.Response:WithResponseHeader(string, string) -> authz.Response
    authz.Response:WithoutHeader(string) -> authz.Response
    authz.Response:WithMessage(string) -> authz.Response
    authz.Response:Response() -> authz.Response
    jwt.Decode(string, string) -> dyn
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    Some(match (name, args) {
        ("envoy.Allowed" | "http.Allowed", []) => Ok(Val::object([("allowed", Val::Bool(true))])),
        ("envoy.Denied", [Val::Int(_)]) | ("http.Denied", [Val::String(_)]) => {
            Ok(Val::object([("allowed", Val::Bool(false)), ("reason", args.first()?.clone())]))
        }
        ("Response", [response]) => Ok(response.clone()),
        (other, [Val::Map(response), value, ..]) if other.starts_with("With") => {
            let mut response = (**response).clone();
            response.insert(Key::String(other.into()), value.clone());
            Ok(Val::map(response))
        }
        ("jwt.Decode", [Val::String(token), Val::String(key)]) => decode(token, key),
        _ => return None,
    })
}

/// A token signed with HMAC-SHA256: `{Valid, Header, Claims}`.
fn decode(token: &str, key: &str) -> Res {
    let invalid = || Error::new("token is malformed");
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(invalid());
    };
    let json = |part: &str| -> Result<Value, Error> {
        let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| invalid())?;
        serde_json::from_slice(&bytes).map_err(|_| invalid())
    };
    let (head, body) = (json(header)?, json(claims)?);
    let signed = hmac_sha256(key.as_bytes(), format!("{header}.{claims}").as_bytes());
    let valid = head.get("alg").and_then(Value::as_str) == Some("HS256")
        && URL_SAFE_NO_PAD.decode(signature).is_ok_and(|found| found == signed);
    Ok(Val::object([("Valid", Val::Bool(valid)), ("Header", from_json(&head)), ("Claims", from_json(&body))]))
}

/// RFC 2104.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    let key = if key.len() > block.len() { Sha256::digest(key).to_vec() } else { key.to_vec() };
    for (place, byte) in block.iter_mut().zip(key) {
        *place = byte;
    }
    let pad = |with: u8| block.map(|byte| byte ^ with).to_vec();
    let inner = Sha256::digest([pad(0x36), message.to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).to_vec()
}
