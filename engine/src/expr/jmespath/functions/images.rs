//! Kyverno's functions on image references and URLs.

use std::net::IpAddr;

use serde_json::Value;

use super::{Call, Error, FunctionInfo, S, Type, fail, row, text};
use crate::object::image::ImageInfo;

pub(super) const TABLE: &[FunctionInfo] = &[
    row("image_normalize", &[S], Type::String, image_normalize, "An image reference with registry and tag"),
    row(
        "is_external_url",
        &[S],
        Type::Bool,
        is_external_url,
        "Whether a URL points outside of loopback and private networks",
    ),
];

fn image_normalize(c: &Call<'_>) -> Result<Value, Error> {
    match ImageInfo::parse(c.str(0)) {
        Ok(info) => text(info.to_string()),
        Err(why) => c.error(why),
    }
}

/// Kyverno resolves host names by DNS. Here only addresses and `localhost` are known.
fn is_external_url(c: &Call<'_>) -> Result<Value, Error> {
    let host = hostname(c.str(0));
    match host.parse::<IpAddr>() {
        Ok(address) => Ok((!is_internal(address)).into()),
        Err(_) if host == "localhost" => Ok(false.into()),
        Err(_) => fail(format!("lookup {host}: no such host")),
    }
}

/// `URL.Hostname()`: what stands behind `//`, without user, port and brackets.
fn hostname(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("//") else { return "" };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

fn is_internal(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.is_loopback() || v4.is_private(),
            None => v6.is_loopback() || v6.is_unique_local(),
        },
    }
}
