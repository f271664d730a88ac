//! `jsonpatch.escapeKey`.

use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    jsonpatch.escapeKey(string) -> string
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, _name: &str, args: &[Val]) -> Option<Res> {
    match args {
        [Val::String(text)] => Some(Ok(Val::from(text.replace('~', "~0").replace('/', "~1")))),
        _ => None,
    }
}
