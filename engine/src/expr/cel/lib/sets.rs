//! cel-go `ext.Sets`.

use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    sets.contains(list(T), list(T)) -> bool
    sets.equivalent(list(T), list(T)) -> bool
    sets.intersects(list(T), list(T)) -> bool
";

pub(super) fn call(cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    let [Val::List(a), Val::List(b)] = args else { return None };
    let cost = u64::try_from(a.len().saturating_mul(b.len())).unwrap_or(u64::MAX);
    if let Err(error) = cx.activation.spend(cost) {
        return Some(Err(error));
    }
    let within = |part: &[Val], whole: &[Val]| part.iter().all(|item| whole.contains(item));
    Some(Ok(Val::Bool(match name {
        "sets.contains" => within(b, a),
        "sets.equivalent" => within(a, b) && within(b, a),
        "sets.intersects" => a.iter().any(|item| b.contains(item)),
        _ => return None,
    })))
}
