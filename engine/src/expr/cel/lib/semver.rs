//! Kubernetes' `semver`, version 1 of the library.

use std::cmp::Ordering;

pub use ::semver::Version;

use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::opaque::Opaque;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    semver(string) -> kubernetes.Semver
    semver(string, bool) -> kubernetes.Semver
    isSemver(string) -> bool
    isSemver(string, bool) -> bool
    kubernetes.Semver:major() -> int
    kubernetes.Semver:minor() -> int
    kubernetes.Semver:patch() -> int
    kubernetes.Semver:isGreaterThan(kubernetes.Semver) -> bool
    kubernetes.Semver:isLessThan(kubernetes.Semver) -> bool
    kubernetes.Semver:compareTo(kubernetes.Semver) -> int
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    if let "semver" | "isSemver" = name {
        let found = match args {
            [Val::String(text)] => parse(text),
            [Val::String(text), Val::Bool(true)] => normalized(text),
            [Val::String(text), Val::Bool(false)] => parse(text),
            _ => return None,
        };
        return Some(match name {
            "isSemver" => Ok(Val::Bool(found.is_ok())),
            _ => found.map(|found| Val::opaque(Opaque::Semver(found))),
        });
    }
    let (first, rest) = args.split_first()?;
    let this = of(first)?;
    let other = rest.first().and_then(of);
    let number = |number: u64| Val::Int(i64::try_from(number).unwrap_or(i64::MAX));
    Some(Ok(match (name, other) {
        ("major", None) => number(this.major),
        ("minor", None) => number(this.minor),
        ("patch", None) => number(this.patch),
        ("isGreaterThan", Some(other)) => Val::Bool(compare(this, other).is_gt()),
        ("isLessThan", Some(other)) => Val::Bool(compare(this, other).is_lt()),
        ("compareTo", Some(other)) => Val::Int(compare(this, other) as i64),
        _ => return None,
    }))
}

/// Build metadata does not count.
fn compare(a: &Version, b: &Version) -> Ordering {
    a.cmp_precedence(b)
}

fn parse(text: &str) -> Result<Version, Error> {
    Version::parse(text).map_err(|error| Error::new(error.to_string()))
}

/// Without a leading `v` and leading zeros, filled up to three numbers.
fn normalized(text: &str) -> Result<Version, Error> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts: Vec<String> = text
        .splitn(3, '.')
        .map(|part| {
            let stripped = part.trim_start_matches('0');
            match stripped.chars().next() {
                _ if part.len() <= 1 => part.to_owned(),
                Some(c) if c.is_ascii_digit() => stripped.to_owned(),
                _ => format!("0{stripped}"),
            }
        })
        .collect();
    if parts.len() < 3 && parts.last().is_some_and(|part| part.contains(['+', '-'])) {
        return Err(Error::new("short version cannot contain PreRelease/Build meta data"));
    }
    parts.resize(3, "0".to_owned());
    parse(&parts.join("."))
}

fn of(value: &Val) -> Option<&Version> {
    match value {
        Val::Opaque(value) => match &**value {
            Opaque::Semver(found) => Some(found),
            _ => None,
        },
        _ => None,
    }
}
