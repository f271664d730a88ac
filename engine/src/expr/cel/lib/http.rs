//! Kyverno's `http`.

use crate::expr::cel::convert::{from_decoded, to_json};
use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::opaque::Opaque;
use crate::expr::cel::ops::Res;
use crate::expr::cel::outside::{Answer, ApiCall};
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    http.Get(string) -> any
    http.Get(string, map(string, string)) -> any
    http.Post(string, any) -> any
    http.Post(string, any, map(string, string)) -> any
    http.Client(string) -> http.Context
    http.get(string) -> any
    http.get(string, map(string, string)) -> any
    http.post(string, any) -> any
    http.post(string, any, map(string, string)) -> any
    http.client(string) -> http.Context
    http.Context:Get(string) -> any
    http.Context:Get(string, map(string, string)) -> any
    http.Context:Post(string, any) -> any
    http.Context:Post(string, any, map(string, string)) -> any
    http.Context:get(string) -> any
    http.Context:get(string, map(string, string)) -> any
    http.Context:post(string, any) -> any
    http.Context:post(string, any, map(string, string)) -> any
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
        Answer::Data(data) => Ok(from_decoded(&data)),
        Answer::Failed(words) => Err(Error::new(format!("request failed: {words}"))),
        Answer::Unavailable => {
            Err(Error::new(format!("request failed: {method} {url}: nothing answers for this address")))
        }
    })
}
