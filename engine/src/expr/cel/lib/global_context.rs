//! Kyverno's `globalContext`.

use crate::expr::cel::convert::from_json;
use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::outside::Answer;
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    globalContext.Get(string) -> dyn
    globalContext.Get(string, string) -> dyn
    globalContext.get(string) -> dyn
    globalContext.get(string, string) -> dyn
";

pub(super) fn call(cx: &mut Cx<'_, '_>, _name: &str, args: &[Val]) -> Option<Res> {
    let (name, projection) = match args {
        [Val::String(name)] => (&**name, ""),
        [Val::String(name), Val::String(projection)] => (&**name, &**projection),
        _ => return None,
    };
    let view = cx.activation.view?;
    let key = if projection.is_empty() { name.to_owned() } else { format!("{name}.{projection}") };
    Some(match view.global_context(&key) {
        Answer::Data(data) => Ok(from_json(&data)),
        Answer::Failed(words) => Err(Error::new(format!("failed to get global reference: {words}"))),
        Answer::Unavailable if projection.is_empty() => Ok(Val::Null),
        Answer::Unavailable => match view.global_context(name) {
            Answer::Data(data) => match data.get(projection) {
                Some(found) => Ok(from_json(found)),
                None => Err(Error::new(format!(
                    "failed to get global reference: projection {projection:?} not found in global context entry {name:?}"
                ))),
            },
            _ => Ok(Val::Null),
        },
    })
}
