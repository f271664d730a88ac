//! Kyverno's `random`; the choices follow from the clock of the run and the number of the call.

use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;
use crate::expr::jmespath::functions::random::generate;

pub(super) const SIGNATURES: &str = "
    random() -> string
    random(string) -> string
    random.random() -> string
    random.random(string) -> string
";

pub(super) fn call(cx: &mut Cx<'_, '_>, _name: &str, args: &[Val]) -> Option<Res> {
    let pattern = match args {
        [] => "[0-9a-z]{8}",
        [Val::String(pattern)] => pattern,
        _ => return None,
    };
    let activation = cx.activation;
    let seed = activation.view.map_or(0, |view| view.now().0.unsigned_abs());
    let calls = activation.random_calls.get();
    activation.random_calls.set(calls + 1);
    Some(generate(pattern, seed, calls).map(Val::from).map_err(Error::new))
}
