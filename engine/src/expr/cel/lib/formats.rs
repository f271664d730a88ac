//! Kubernetes' `format.*`: named formats and their validation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::url::Url;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::opaque::Opaque;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;
use crate::object::names;

pub(super) const SIGNATURES: &str = "
    format.dns1123Label() -> kubernetes.NamedFormat
    format.dns1123Subdomain() -> kubernetes.NamedFormat
    format.dns1035Label() -> kubernetes.NamedFormat
    format.qualifiedName() -> kubernetes.NamedFormat
    format.dns1123LabelPrefix() -> kubernetes.NamedFormat
    format.dns1123SubdomainPrefix() -> kubernetes.NamedFormat
    format.dns1035LabelPrefix() -> kubernetes.NamedFormat
    format.labelValue() -> kubernetes.NamedFormat
    format.uri() -> kubernetes.NamedFormat
    format.uuid() -> kubernetes.NamedFormat
    format.byte() -> kubernetes.NamedFormat
    format.date() -> kubernetes.NamedFormat
    format.datetime() -> kubernetes.NamedFormat
    format.named(string) -> optional_type(kubernetes.NamedFormat)
    kubernetes.NamedFormat:validate(string) -> optional_type(list(string))
";

const NAMES: [&str; 13] = [
    "dns1123Label",
    "dns1123Subdomain",
    "dns1035Label",
    "qualifiedName",
    "dns1123LabelPrefix",
    "dns1123SubdomainPrefix",
    "dns1035LabelPrefix",
    "labelValue",
    "uri",
    "uuid",
    "byte",
    "date",
    "datetime",
];

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    let named =
        |name: &str| NAMES.into_iter().find(|known| *known == name).map(|known| Val::opaque(Opaque::Format(known)));
    Some(Ok(match (name, args) {
        ("format.named", [Val::String(text)]) => named(text).map_or(Val::Optional(None), Val::some),
        ("validate", [Val::Opaque(format), Val::String(text)]) => {
            let Opaque::Format(name) = &**format else { return None };
            let errors = validate(name, text);
            match errors.is_empty() {
                true => Val::Optional(None),
                false => Val::some(Val::list(errors.into_iter().map(Val::from).collect())),
            }
        }
        (name, []) => named(name.strip_prefix("format.")?)?,
        _ => return None,
    }))
}

fn validate(name: &str, text: &str) -> Vec<String> {
    // A prefix may end in `-`: what follows it is made later.
    let masked = match text.strip_suffix('-') {
        Some(head) if !head.is_empty() => format!("{head}a"),
        _ => text.to_owned(),
    };
    let one = |fits: bool, words: &str| if fits { Vec::new() } else { vec![words.to_owned()] };
    match name {
        "dns1123Label" => names::dns_label_errors(text),
        "dns1123LabelPrefix" => names::dns_label_errors(&masked),
        "dns1123Subdomain" => names::dns_subdomain_errors(text),
        "dns1123SubdomainPrefix" => names::dns_subdomain_errors(&masked),
        "dns1035Label" => names::dns_1035_errors(text),
        "dns1035LabelPrefix" => names::dns_1035_errors(&masked),
        "qualifiedName" => names::label_key_errors(text),
        "labelValue" => names::label_value_errors(text),
        "uri" => Url::parse(text).err().map(|words| format!("parse {text:?}: {words}")).into_iter().collect(),
        "uuid" => one(is_uuid(text), "does not match the UUID format"),
        "byte" => one(STANDARD.decode(text).is_ok(), "invalid base64"),
        "date" => one(chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() && text.len() == 10, "invalid date"),
        _ => one(chrono::DateTime::parse_from_rfc3339(text).is_ok(), "invalid datetime"),
    }
}

fn is_uuid(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| *c != '-').collect();
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    plain.len() == 32
        && plain.chars().all(|c| c.is_ascii_hexdigit())
        && (lengths == [32] || lengths == [8, 4, 4, 4, 12])
}
