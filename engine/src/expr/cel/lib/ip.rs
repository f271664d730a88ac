//! Kubernetes' `ip`.

use std::net::IpAddr;

use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::opaque::Opaque;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    ip(string) -> net.IP
    isIP(string) -> bool
    ip.isCanonical(string) -> bool
    string(net.IP) -> string
    net.IP:family() -> int
    net.IP:isUnspecified() -> bool
    net.IP:isLoopback() -> bool
    net.IP:isLinkLocalMulticast() -> bool
    net.IP:isLinkLocalUnicast() -> bool
    net.IP:isGlobalUnicast() -> bool
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    Some(match (name, args) {
        ("ip", [Val::String(text)]) => parse(text).map(|ip| Val::opaque(Opaque::Ip(ip))),
        ("isIP", [Val::String(text)]) => Ok(Val::Bool(parse(text).is_ok())),
        ("ip.isCanonical", [Val::String(text)]) => parse(text).map(|ip| Val::Bool(ip.to_string() == **text)),
        (name, [value]) => Ok(of(value).and_then(|ip| fact(name, ip))?),
        _ => return None,
    })
}

fn fact(name: &str, ip: IpAddr) -> Option<Val> {
    let (local_multicast, local_unicast) = match ip {
        IpAddr::V4(v4) => (v4.octets().starts_with(&[224, 0, 0]), v4.is_link_local()),
        IpAddr::V6(v6) => {
            let first = v6.segments().first().copied().unwrap_or(0);
            (first & 0xff0f == 0xff02, first & 0xffc0 == 0xfe80)
        }
    };
    let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    Some(match name {
        "string" => Val::from(ip.to_string()),
        "family" => Val::Int(if ip.is_ipv4() { 4 } else { 6 }),
        "isUnspecified" => Val::Bool(ip.is_unspecified()),
        "isLoopback" => Val::Bool(ip.is_loopback()),
        "isLinkLocalMulticast" => Val::Bool(local_multicast),
        "isLinkLocalUnicast" => Val::Bool(local_unicast),
        "isGlobalUnicast" => {
            Val::Bool(!broadcast && !ip.is_unspecified() && !ip.is_loopback() && !ip.is_multicast() && !local_unicast)
        }
        _ => return None,
    })
}

/// Reads an address; zones and IPv4-mapped IPv6 are refused.
pub(super) fn parse(text: &str) -> Result<IpAddr, Error> {
    if text.contains('%') && text.split_once('%').is_some_and(|(ip, _)| ip.parse::<IpAddr>().is_ok()) {
        return Err(Error::new(format!("IP address {text:?} with zone value is not allowed")));
    }
    let ip: IpAddr = text.parse().map_err(|_| {
        Error::new(format!(
            "IP Address {text:?} parse error during conversion from string: ParseAddr({text:?}): unable to parse IP"
        ))
    })?;
    if matches!(ip, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
        return Err(Error::new(format!("IPv4-mapped IPv6 address {text:?} is not allowed")));
    }
    Ok(ip)
}

pub(super) fn of(value: &Val) -> Option<IpAddr> {
    match value {
        Val::Opaque(value) => match &**value {
            Opaque::Ip(ip) => Some(*ip),
            _ => None,
        },
        _ => None,
    }
}
