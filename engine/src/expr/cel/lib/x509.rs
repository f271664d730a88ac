//! Kyverno's `x509`.

use crate::expr::cel::convert::from_decoded;
use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;
use crate::expr::jmespath::functions::x509::decode;

pub(super) const SIGNATURES: &str = "
    x509.decode(string) -> dyn
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, _name: &str, args: &[Val]) -> Option<Res> {
    let [Val::String(text)] = args else { return None };
    Some(decode(text).map(|value| from_decoded(&value)).map_err(Error::new))
}
