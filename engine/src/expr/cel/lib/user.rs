//! Kyverno's `parseServiceAccount`.

use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    parseServiceAccount(string) -> user.ServiceAccount
    user.parseServiceAccount(string) -> user.ServiceAccount
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, _name: &str, args: &[Val]) -> Option<Res> {
    let [Val::String(user)] = args else { return None };
    let account = user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
    let (namespace, name) = account.unwrap_or(("", ""));
    Some(Ok(Val::object([("Name", Val::str(name)), ("Namespace", Val::str(namespace))])))
}
