//! Kyverno's `yaml`.

use crate::expr::cel::convert::from_decoded;
use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;
use crate::parse::yaml;

pub(super) const SIGNATURES: &str = "
    yaml.parse(string) -> dyn
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, _name: &str, args: &[Val]) -> Option<Res> {
    let [Val::String(text)] = args else { return None };
    Some(match yaml::one(text) {
        Ok(value) => Ok(from_decoded(&value)),
        Err(diagnostic) => Err(Error::new(diagnostic.message)),
    })
}
