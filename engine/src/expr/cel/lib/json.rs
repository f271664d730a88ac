//! Kyverno's `json`.

use crate::expr::cel::convert::{from_decoded, to_json};
use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;
use crate::expr::jmespath::functions::encoding::json_error;
use crate::object::gofmt;

pub(super) const SIGNATURES: &str = "
    json.unmarshal(dyn) -> dyn
    json.marshal(dyn) -> string
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    Some(match (name, args) {
        ("json.unmarshal", [Val::String(text)]) => match serde_json::from_str(text) {
            Ok(value) => Ok(from_decoded(&value)),
            Err(error) => Err(Error::new(json_error(text, &error))),
        },
        ("json.marshal", [value]) => to_json(value).map(|value| Val::from(gofmt::marshal(&value))),
        _ => return None,
    })
}
