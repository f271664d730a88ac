//! Kubernetes' `url`: absolute URLs and absolute paths, as Go's `url.ParseRequestURI` takes them.

use std::fmt;

use indexmap::IndexMap;

use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::opaque::Opaque;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::{Key, Val};

pub(super) const SIGNATURES: &str = "
    url(string) -> kubernetes.URL
    isURL(string) -> bool
    kubernetes.URL:getScheme() -> string
    kubernetes.URL:getHost() -> string
    kubernetes.URL:getHostname() -> string
    kubernetes.URL:getPort() -> string
    kubernetes.URL:getEscapedPath() -> string
    kubernetes.URL:getQuery() -> map(string, list(string))
";

/// A URL in its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    text: String,
    scheme: String,
    host: String,
    path: String,
    query: String,
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    match (name, args) {
        ("url", [Val::String(text)]) => {
            let found = Url::parse(text).map(|url| Val::opaque(Opaque::Url(url)));
            return Some(found.map_err(|words| {
                Error::new(format!("URL parse error during conversion from string: parse {text:?}: {words}"))
            }));
        }
        ("isURL", [Val::String(text)]) => return Some(Ok(Val::Bool(Url::parse(text).is_ok()))),
        _ => {}
    }
    let [Val::Opaque(value)] = args else { return None };
    let Opaque::Url(url) = &**value else { return None };
    Some(Ok(match name {
        "getScheme" => Val::str(&url.scheme),
        "getHost" => Val::str(&url.host),
        "getHostname" => Val::str(url.split_host().0),
        "getPort" => Val::str(url.split_host().1),
        "getEscapedPath" => Val::from(escape_path(&url.path)),
        "getQuery" => url.query_map(),
        _ => return None,
    }))
}

impl Url {
    /// Reads a URL that is absolute or begins with `/`.
    ///
    /// # Errors
    /// Go's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("empty url".to_owned());
        }
        if text.chars().any(|c| c.is_ascii_control()) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let (scheme, rest) = split_scheme(text)?;
        // The fragment is no part of what is sent; `url.Parse` splits it off.
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        if !rest.starts_with('/') {
            return match scheme.is_empty() {
                true => Err("invalid URI for request".to_owned()),
                false => Ok(Self { text: text.to_owned(), scheme, query: query.to_owned(), ..Self::default() }),
            };
        }
        let (host, path) = match rest.strip_prefix("//") {
            Some(rest) if !scheme.is_empty() || !rest.starts_with('/') => {
                let at = rest.find('/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at_checked(at).unwrap_or((rest, ""));
                (authority.rsplit_once('@').map_or(authority, |(_, host)| host), path)
            }
            _ => ("", rest),
        };
        check_host(host)?;
        check_escapes(path)?;
        Ok(Self {
            text: text.to_owned(),
            scheme,
            host: host.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
        })
    }

    fn split_host(&self) -> (&str, &str) {
        if let Some(rest) = self.host.strip_prefix('[') {
            let (name, rest) = rest.split_once(']').unwrap_or((rest, ""));
            return (name, rest.strip_prefix(':').unwrap_or(""));
        }
        self.host.rsplit_once(':').unwrap_or((&self.host, ""))
    }

    fn query_map(&self) -> Val {
        let mut found: IndexMap<String, Vec<Val>> = IndexMap::new();
        for pair in self.query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if let (Some(key), Some(value)) = (unescape(key), unescape(value)) {
                found.entry(key).or_default().push(Val::from(value));
            }
        }
        Val::map(found.into_iter().map(|(key, values)| (Key::String(key.into()), Val::list(values))).collect())
    }
}

fn split_scheme(text: &str) -> Result<(String, &str), String> {
    let mut chars = text.char_indices();
    if text.starts_with(':') {
        return Err("missing protocol scheme".to_owned());
    }
    match chars.find(|(at, c)| !(c.is_ascii_alphabetic() || (*at > 0 && (c.is_ascii_digit() || "+-.".contains(*c))))) {
        Some((at, ':')) => {
            let (scheme, rest) = text.split_at_checked(at).unwrap_or(("", text));
            Ok((scheme.to_ascii_lowercase(), rest.strip_prefix(':').unwrap_or(rest)))
        }
        _ => Ok((String::new(), text)),
    }
}

fn check_host(host: &str) -> Result<(), String> {
    if let Some(rest) = host.strip_prefix('[')
        && !rest.contains(']')
    {
        return Err("missing ']' in host".to_owned());
    }
    if let Some(bad) = host.chars().find(|c| matches!(c, ' ' | '<' | '>' | '"' | '\\' | '^' | '`' | '{' | '|' | '}')) {
        return Err(format!("invalid character {:?} in host name", bad.to_string()));
    }
    let port = if host.starts_with('[') {
        host.rsplit_once("]:").map(|(_, port)| port)
    } else {
        host.rsplit_once(':').map(|(_, port)| port)
    };
    match port {
        Some(port) if !port.chars().all(|c| c.is_ascii_digit()) => {
            Err(format!("invalid port {:?} after host", format!(":{port}")))
        }
        _ => Ok(()),
    }
}

fn check_escapes(path: &str) -> Result<(), String> {
    for part in path.split('%').skip(1) {
        let digits: String = part.chars().take(2).collect();
        if digits.len() != 2 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(format!("invalid URL escape {:?}", format!("%{digits}")));
        }
    }
    Ok(())
}

/// A path as `URL.EscapedPath` gives it: what is escaped stays, what must be escaped is.
fn escape_path(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@%!'()*[]".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            }
            other => bytes.push(other),
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
