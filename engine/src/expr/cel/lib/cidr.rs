//! Kubernetes' `cidr`.

use ipnet::IpNet;
use std::net::IpAddr;

use super::ip;
use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::opaque::Opaque;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    cidr(string) -> net.CIDR
    isCIDR(string) -> bool
    string(net.CIDR) -> string
    net.CIDR:containsIP(string) -> bool
    net.CIDR:containsIP(net.IP) -> bool
    net.CIDR:containsCIDR(string) -> bool
    net.CIDR:containsCIDR(net.CIDR) -> bool
    net.CIDR:ip() -> net.IP
    net.CIDR:prefixLength() -> int
    net.CIDR:masked() -> net.CIDR
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    match (name, args) {
        ("cidr", [Val::String(text)]) => return Some(parse(text).map(|net| Val::opaque(Opaque::Cidr(net)))),
        ("isCIDR", [Val::String(text)]) => return Some(Ok(Val::Bool(parse(text).is_ok()))),
        _ => {}
    }
    let (first, rest) = args.split_first()?;
    let net = of(first)?;
    Some(match (name, rest) {
        ("containsIP", [Val::String(text)]) => ip::parse(text).map(|ip| Val::Bool(net.contains(&ip))),
        ("containsIP", [other]) => Ok(Val::Bool(net.contains(&ip::of(other)?))),
        ("containsCIDR", [Val::String(text)]) => {
            parse(text).map(|other| Val::Bool(net.trunc().contains(&other.trunc())))
        }
        ("containsCIDR", [other]) => Ok(Val::Bool(net.trunc().contains(&of(other)?.trunc()))),
        ("ip", []) => Ok(Val::opaque(Opaque::Ip(net.addr()))),
        ("prefixLength", []) => Ok(Val::Int(i64::from(net.prefix_len()))),
        ("masked", []) => Ok(Val::opaque(Opaque::Cidr(net.trunc()))),
        ("string", []) => Ok(Val::from(net.to_string())),
        _ => return None,
    })
}

fn parse(text: &str) -> Result<IpNet, Error> {
    let words = "network address parse error during conversion from string";
    let net: IpNet = text
        .parse()
        .map_err(|_| Error::new(format!("{words}: {words}: netip.ParsePrefix({text:?}): unable to parse")))?;
    if matches!(net.addr(), IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
        return Err(Error::new(format!("{words}: IPv4-mapped IPv6 address {text:?} is not allowed")));
    }
    Ok(net)
}

fn of(value: &Val) -> Option<IpNet> {
    match value {
        Val::Opaque(value) => match &**value {
            Opaque::Cidr(net) => Some(*net),
            _ => None,
        },
        _ => None,
    }
}
