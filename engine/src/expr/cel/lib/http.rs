//! Kyverno's `http`.

use crate::expr::cel::convert::{from_json, to_json};
use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::opaque::Opaque;
use crate::expr::cel::ops::Res;
use crate::expr::cel::outside::{Answer, ApiCall};
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    http.Get(string) -> dyn
    http.Get(string, map(string, string)) -> dyn
    http.Post(string, dyn) -> dyn
    http.Post(string, dyn, map(string, string)) -> dyn
    http.Client(string) -> http.Context
    http.get(string) -> dyn
    http.get(string, map(string, string)) -> dyn
    http.post(string, dyn) -> dyn
    http.post(string, dyn, map(string, string)) -> dyn
    http.client(string) -> http.Context
    http.Context:Get(string) -> dyn
    http.Context:Get(string, map(string, string)) -> dyn
    http.Context:Post(string, dyn) -> dyn
    http.Context:Post(string, dyn, map(string, string)) -> dyn
    http.Context:get(string) -> dyn
    http.Context:get(string, map(string, string)) -> dyn
    http.Context:post(string, dyn) -> dyn
    http.Context:post(string, dyn, map(string, string)) -> dyn
";

pub(super) fn call(cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    let name = name.strip_prefix("http.").unwrap_or(name);
    let args = match args {
        [Val::Opaque(client), rest @ ..] if matches!(&**client, Opaque::HttpClient) => rest,
        other => other,
    };
    let (method, url, data) = match (name, args) {
        ("Client" | "client", [Val::String(_)]) => return Some(Ok(Val::opaque(Opaque::HttpClient))),
        ("Get" | "get", [Val::String(url)] | [Val::String(url), Val::Map(_)]) => ("GET", url, None),
        ("Post" | "post", [Val::String(url), data] | [Val::String(url), data, Val::Map(_)]) => {
            ("POST", url, Some(data))
        }
        _ => return None,
    };
    let data = match data.map(to_json).transpose() {
        Ok(data) => data,
        Err(error) => return Some(Err(error)),
    };
    let call = ApiCall { method: method.to_owned(), url: url.to_string(), data, ..ApiCall::default() };
    Some(match cx.activation.view?.api_call(&call) {
        Answer::Data(data) => Ok(from_json(&data)),
        Answer::Failed(words) => Err(Error::new(format!("request failed: {words}"))),
        Answer::Unavailable => {
            Err(Error::new(format!("request failed: {method} {url}: nothing answers for this address")))
        }
    })
}
