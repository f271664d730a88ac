//! Kyverno's `generator`: what is to be generated is only noted down here.

use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    generator.Apply(string, list(map(string, any))) -> bool
    generator.apply(string, list(map(string, any))) -> bool
";

pub(super) fn call(cx: &mut Cx<'_, '_>, _name: &str, args: &[Val]) -> Option<Res> {
    let [Val::String(namespace), Val::List(items)] = args else { return None };
    Some(note(cx, namespace, items))
}

fn note(cx: &Cx<'_, '_>, namespace: &str, items: &[Val]) -> Res {
    cx.activation.spend(items.len() as u64)?;
    let mut generated = cx.activation.generated.borrow_mut();
    generated.extend(items.iter().map(|item| (namespace.to_owned(), item.clone())));
    Ok(Val::Bool(true))
}

/// `generator` of a namespaced policy.
pub(super) mod namespaced {
    use super::{Cx, Res, Val, note};

    pub(in super::super) const SIGNATURES: &str = "
        generator.Apply(list(map(string, any))) -> bool
        generator.apply(list(map(string, any))) -> bool
    ";

    pub(in super::super) fn call(cx: &mut Cx<'_, '_>, _name: &str, args: &[Val]) -> Option<Res> {
        let [Val::List(items)] = args else { return None };
        let namespace = cx.activation.namespace.clone();
        Some(note(cx, &namespace, items))
    }
}
