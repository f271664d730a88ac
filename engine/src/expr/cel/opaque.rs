//! Values that only libraries know.

use std::fmt;

use ipnet::IpNet;
use serde_json::Value;
use std::net::IpAddr;

use super::lib::{Image, Quantity, Url, Version};
use super::value::Val;

/// A value of a library.
#[derive(Clone, Debug, PartialEq)]
pub enum Opaque {
    /// `quantity('1Gi')`.
    Quantity(Quantity),
    /// `ip('10.0.0.1')`.
    Ip(IpAddr),
    /// `cidr('10.0.0.0/8')`.
    Cidr(IpNet),
    /// `url('https://…')`.
    Url(Url),
    /// `semver('1.2.3')`.
    Semver(Version),
    /// `format.dns1123Label()`: its name.
    Format(&'static str),
    /// `image('nginx')`.
    Image(Image),
    /// `http.Client(ca)`.
    HttpClient,
    /// A step of an authorizer check: its kind and what has been said so far.
    Authorizer(&'static str, Vec<(String, String)>),
}

impl Opaque {
    /// The CEL name of the type.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Quantity(_) => "kubernetes.Quantity",
            Self::Ip(_) => "net.IP",
            Self::Cidr(_) => "net.CIDR",
            Self::Url(_) => "kubernetes.URL",
            Self::Semver(_) => "kubernetes.Semver",
            Self::Format(_) => "kubernetes.NamedFormat",
            Self::Image(_) => "kyverno.image",
            Self::HttpClient => "http.Context",
            Self::Authorizer(kind, _) => kind,
        }
    }

    /// A field, for types that have some.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Val> {
        match (self, name) {
            (Self::Authorizer(_, facts), "requestResource") => Some(super::lib::request_resource(facts)),
            _ => None,
        }
    }

    /// As JSON, for types that have one.
    #[must_use]
    pub fn to_json(&self) -> Option<Value> {
        match self {
            Self::Format(_) | Self::HttpClient | Self::Authorizer(..) => None,
            other => Some(Value::String(other.to_string())),
        }
    }
}

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantity(value) => write!(f, "{value}"),
            Self::Ip(value) => write!(f, "{value}"),
            Self::Cidr(value) => write!(f, "{value}"),
            Self::Url(value) => write!(f, "{value}"),
            Self::Semver(value) => write!(f, "{value}"),
            Self::Format(name) => write!(f, "format.{name}()"),
            Self::Image(value) => write!(f, "{value}"),
            Self::HttpClient => f.write_str("http"),
            Self::Authorizer(kind, _) => f.write_str(kind),
        }
    }
}
