//! The extensions of a certificate, as fields of Go's `x509.Certificate`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Map, Value, json};
use x509_parser::extensions::{DistributionPointName, GeneralName, GeneralSubtree, ParsedExtension, X509Extension};
use x509_parser::oid_registry::Oid;

use super::{bytes, list, oid};

type Fields = Map<String, Value>;

/// `[]pkix.Extension`.
pub(super) fn raw(extensions: &[X509Extension<'_>]) -> Value {
    let raw = |e: &X509Extension<'_>| json!({"Id": oid(&e.oid), "Critical": e.critical, "Value": bytes(e.value)});
    list(extensions.iter().map(raw).collect())
}

/// The deprecated field `Attributes` of a request.
pub(super) fn attributes(extensions: &[X509Extension<'_>]) -> Value {
    if extensions.is_empty() {
        return Value::Null;
    }
    let values: Vec<_> = extensions.iter().map(|e| json!({"Type": oid(&e.oid), "Value": bytes(e.value)})).collect();
    json!([{"Type": [1, 2, 840, 113_549, 1, 9, 14], "Value": [values]}])
}

/// Everything that follows from the extensions, the ones that are not there included.
pub(super) fn of_certificate(extensions: &[X509Extension<'_>]) -> Fields {
    let mut fields = defaults();
    let mut set = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    set("Extensions", raw(extensions));
    let unhandled = extensions.iter().filter(|e| e.critical && e.parsed_extension().unsupported());
    set("UnhandledCriticalExtensions", list(unhandled.map(|e| oid(&e.oid)).collect()));
    for extension in extensions {
        match extension.parsed_extension() {
            ParsedExtension::KeyUsage(usage) => set("KeyUsage", json!(usage.flags)),
            ParsedExtension::ExtendedKeyUsage(usage) => {
                let flags = [
                    (usage.any, 0),
                    (usage.server_auth, 1),
                    (usage.client_auth, 2),
                    (usage.code_signing, 3),
                    (usage.email_protection, 4),
                    (usage.time_stamping, 8),
                    (usage.ocsp_signing, 9),
                ];
                // In order of the constants; Go keeps the order of the certificate.
                set("ExtKeyUsage", list(flags.into_iter().filter(|(on, _)| *on).map(|(_, number)| number).collect()));
                set("UnknownExtKeyUsage", list(usage.other.iter().map(oid).collect()));
            }
            ParsedExtension::BasicConstraints(constraints) => {
                let length = constraints.path_len_constraint.map_or(-1, i64::from);
                set("BasicConstraintsValid", json!(true));
                set("IsCA", json!(constraints.ca));
                set("MaxPathLen", json!(length));
                set("MaxPathLenZero", json!(length == 0));
            }
            ParsedExtension::SubjectKeyIdentifier(key) => set("SubjectKeyId", bytes(key.0)),
            ParsedExtension::AuthorityKeyIdentifier(key) => {
                set("AuthorityKeyId", key.key_identifier.as_ref().map_or(Value::Null, |key| bytes(key.0)));
            }
            ParsedExtension::AuthorityInfoAccess(access) => {
                let of = |method: &str| {
                    let of_method =
                        access.accessdescs.iter().filter(|access| access.access_method.to_id_string() == method);
                    list(of_method.filter_map(|access| uri(&access.access_location)).collect())
                };
                set("OCSPServer", of("1.3.6.1.5.5.7.48.1"));
                set("IssuingCertificateURL", of("1.3.6.1.5.5.7.48.2"));
            }
            ParsedExtension::CRLDistributionPoints(points) => {
                let names = points.points.iter().filter_map(|point| match &point.distribution_point {
                    Some(DistributionPointName::FullName(names)) => Some(names),
                    _ => None,
                });
                set("CRLDistributionPoints", list(names.flatten().filter_map(uri).collect()));
            }
            ParsedExtension::CertificatePolicies(policies) => {
                let ids: Vec<&Oid<'_>> = policies.iter().map(|policy| &policy.policy_id).collect();
                set("PolicyIdentifiers", list(ids.iter().map(|id| oid(id)).collect()));
                set("Policies", list(ids.iter().map(|id| id.to_id_string()).collect()));
            }
            ParsedExtension::NameConstraints(constraints) => {
                set("PermittedDNSDomainsCritical", json!(extension.critical));
                for (prefix, trees) in
                    [("Permitted", &constraints.permitted_subtrees), ("Excluded", &constraints.excluded_subtrees)]
                {
                    for (suffix, value) in constrained(trees.as_deref().unwrap_or_default()) {
                        set(&format!("{prefix}{suffix}"), value);
                    }
                }
            }
            ParsedExtension::PolicyConstraints(constraints) => {
                for (name, value) in [
                    ("RequireExplicitPolicy", constraints.require_explicit_policy),
                    ("InhibitPolicyMapping", constraints.inhibit_policy_mapping),
                ] {
                    if let Some(value) = value {
                        set(name, json!(value));
                        set(&format!("{name}Zero"), json!(value == 0));
                    }
                }
            }
            ParsedExtension::InhibitAnyPolicy(policy) => {
                set("InhibitAnyPolicy", json!(policy.skip_certs));
                set("InhibitAnyPolicyZero", json!(policy.skip_certs == 0));
            }
            _ => {}
        }
    }
    fields.extend(alternative_names(extensions));
    fields
}

fn defaults() -> Fields {
    let zero = json!({
        "KeyUsage": 0, "Extensions": null, "ExtraExtensions": null, "UnhandledCriticalExtensions": null,
        "ExtKeyUsage": null, "UnknownExtKeyUsage": null, "BasicConstraintsValid": false, "IsCA": false,
        "MaxPathLen": 0, "MaxPathLenZero": false, "SubjectKeyId": null, "AuthorityKeyId": null, "OCSPServer": null,
        "IssuingCertificateURL": null, "PermittedDNSDomainsCritical": false, "PermittedDNSDomains": null,
        "ExcludedDNSDomains": null, "PermittedIPRanges": null, "ExcludedIPRanges": null,
        "PermittedEmailAddresses": null, "ExcludedEmailAddresses": null, "PermittedURIDomains": null,
        "ExcludedURIDomains": null, "CRLDistributionPoints": null, "PolicyIdentifiers": null, "Policies": null,
        "InhibitAnyPolicy": 0, "InhibitAnyPolicyZero": false, "InhibitPolicyMapping": 0,
        "InhibitPolicyMappingZero": false, "RequireExplicitPolicy": 0, "RequireExplicitPolicyZero": false,
        "PolicyMappings": null,
    });
    if let Value::Object(fields) = zero { fields } else { Fields::new() }
}

/// `DNSNames`, `EmailAddresses`, `IPAddresses` and `URIs`.
pub(super) fn alternative_names(extensions: &[X509Extension<'_>]) -> Fields {
    let (mut dns, mut emails, mut addresses, mut uris) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for extension in extensions {
        let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension() else { continue };
        for name in &names.general_names {
            match name {
                GeneralName::DNSName(name) => dns.push((*name).to_owned()),
                GeneralName::RFC822Name(name) => emails.push((*name).to_owned()),
                GeneralName::IPAddress(address) => addresses.extend(ip(address)),
                GeneralName::URI(uri) => uris.push(url(uri)),
                _ => {}
            }
        }
    }
    let fields = [("DNSNames", list(dns)), ("EmailAddresses", list(emails))];
    let more = [("IPAddresses", list(addresses)), ("URIs", list(uris))];
    fields.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn uri(name: &GeneralName<'_>) -> Option<String> {
    if let GeneralName::URI(uri) = name { Some((*uri).to_owned()) } else { None }
}

fn ip(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).ok().map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)));
    let v6 = || <[u8; 16]>::try_from(bytes).ok().map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)));
    v4.or_else(v6).map(|address| address.to_string())
}

/// `url.URL` as JSON prints it.
fn url(uri: &str) -> Value {
    let (rest, fragment) = uri.split_once('#').unwrap_or((uri, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = rest.split_once(':').unwrap_or(("", rest));
    let (opaque, host, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let at = rest.find('/').unwrap_or(rest.len());
            let (host, path) = rest.split_at_checked(at).unwrap_or((rest, ""));
            ("", host, path)
        }
        None if rest.starts_with('/') || scheme.is_empty() => ("", "", rest),
        None => (rest, "", ""),
    };
    json!({
        "Scheme": scheme.to_lowercase(), "Opaque": opaque, "User": null, "Host": host, "Path": path, "RawPath": "",
        "OmitHost": false, "ForceQuery": false, "RawQuery": query, "Fragment": fragment, "RawFragment": "",
    })
}

/// Name constraints by kind; address ranges as Go prints a `net.IPNet`.
fn constrained(trees: &[GeneralSubtree<'_>]) -> [(&'static str, Value); 4] {
    let (mut dns, mut ranges, mut emails, mut uris) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for tree in trees {
        match &tree.base {
            GeneralName::DNSName(name) => dns.push((*name).to_owned()),
            GeneralName::RFC822Name(name) => emails.push((*name).to_owned()),
            GeneralName::URI(name) => uris.push((*name).to_owned()),
            GeneralName::IPAddress(range) => {
                if let Some((address, mask)) = range.split_at_checked(range.len() / 2) {
                    ranges.extend(ip(address).map(|address| json!({"IP": address, "Mask": bytes(mask)})));
                }
            }
            _ => {}
        }
    }
    [
        ("DNSDomains", list(dns)),
        ("IPRanges", list(ranges)),
        ("EmailAddresses", list(emails)),
        ("URIDomains", list(uris)),
    ]
}
