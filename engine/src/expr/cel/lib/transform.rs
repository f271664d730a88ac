//! Kyverno's `listObjToMap`: two lists of objects → a map from a field of the one to a field of the other.

use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::{Key, Map, Val};

pub(super) const SIGNATURES: &str = "
    listObjToMap(list(dyn), list(dyn), string, string) -> map(dyn, dyn)
    transform.listObjToMap(list(dyn), list(dyn), string, string) -> map(dyn, dyn)
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, _name: &str, args: &[Val]) -> Option<Res> {
    let [Val::List(keys), Val::List(values), Val::String(key), Val::String(value)] = args else { return None };
    Some(join(keys, values, key, value))
}

fn join(keys: &[Val], values: &[Val], key: &str, value: &str) -> Res {
    if keys.len() != values.len() {
        return Err(Error::new(format!(
            "listObjToMap must take lists of equal length. list1: {}, list2: {}",
            keys.len(),
            values.len()
        )));
    }
    let mut found = Map::new();
    for (left, right) in keys.iter().zip(values) {
        let Some(Val::String(name)) = left.field(key) else {
            return Err(Error::new("the passed key name cannot be handled as a string in the key object list"));
        };
        found.insert(Key::String(name.clone()), right.field(value).cloned().unwrap_or(Val::Null));
    }
    Ok(Val::map(found))
}
