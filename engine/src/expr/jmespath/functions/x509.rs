//! `x509_decode`: a PEM certificate or request in the shape in which Go prints `x509.Certificate` as JSON.

mod extensions;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::num_bigint::BigUint;
use x509_parser::oid_registry::Oid;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::signature_algorithm::SignatureAlgorithm;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo, X509Name};

use super::{Call, Error, FunctionInfo, S, Type, row};
use crate::expr::jmespath::number;
use crate::object::time::Time;

pub(super) const TABLE: &[FunctionInfo] =
    &[row("x509_decode", &[S], Type::Object, x509_decode, "Fields of a PEM certificate or request with an RSA key")];

fn x509_decode(c: &Call<'_>) -> Result<Value, Error> {
    decode(c.str(0)).map_err(Error::Other)
}

/// The fields of a PEM certificate or request.
///
/// # Errors
/// It is neither, or its key is no RSA key.
pub fn decode(text: &str) -> Result<Value, String> {
    let Ok((_, pem)) = x509_parser::pem::parse_x509_pem(text.as_bytes()) else {
        return Err("failed to decode PEM block".to_owned());
    };
    match pem.label.as_str() {
        "CERTIFICATE" => X509Certificate::from_der(&pem.contents)
            .map_err(|error| format!("x509: malformed certificate: {error}"))
            .and_then(|(_, parsed)| certificate(&parsed)),
        "CERTIFICATE REQUEST" => X509CertificationRequest::from_der(&pem.contents)
            .map_err(|error| format!("x509: malformed certificate request: {error}"))
            .and_then(|(_, parsed)| request(&parsed)),
        _ => Err("PEM block neither contains a CERTIFICATE or CERTIFICATE REQUEST".to_owned()),
    }
}

fn certificate(parsed: &X509Certificate<'_>) -> Result<Value, String> {
    let tbs = &parsed.tbs_certificate;
    let mut fields = json!({
        "Raw": bytes(parsed.as_raw()),
        "RawTBSCertificate": bytes(tbs.as_ref()),
        "RawSubjectPublicKeyInfo": bytes(tbs.subject_pki.raw),
        "RawSubject": bytes(tbs.subject.as_raw()),
        "RawIssuer": bytes(tbs.issuer.as_raw()),
        "Signature": bytes(&parsed.signature_value.data),
        "SignatureAlgorithm": signature_algorithm(&parsed.signature_algorithm),
        "PublicKeyAlgorithm": 1,
        "PublicKey": public_key(&tbs.subject_pki)?,
        "Version": tbs.version.0.saturating_add(1),
        "SerialNumber": big(&tbs.serial),
        "Issuer": name(&tbs.issuer),
        "Subject": name(&tbs.subject),
        "NotBefore": time(&tbs.validity.not_before),
        "NotAfter": time(&tbs.validity.not_after),
    });
    if let Value::Object(fields) = &mut fields {
        fields.extend(extensions::of_certificate(tbs.extensions()));
    }
    Ok(fields)
}

fn request(parsed: &X509CertificationRequest<'_>) -> Result<Value, String> {
    let info = &parsed.certification_request_info;
    let mut requested: &[_] = &[];
    for attribute in info.iter_attributes() {
        if let ParsedCriAttribute::ExtensionRequest(extensions) = attribute.parsed_attribute() {
            requested = &extensions.extensions;
        }
    }
    let mut fields = json!({
        "Raw": bytes(parsed.as_raw()),
        "RawTBSCertificateRequest": bytes(info.raw),
        "RawSubjectPublicKeyInfo": bytes(info.subject_pki.raw),
        "RawSubject": bytes(info.subject.as_raw()),
        "Version": info.version.0,
        "Signature": bytes(&parsed.signature_value.data),
        "SignatureAlgorithm": signature_algorithm(&parsed.signature_algorithm),
        "PublicKeyAlgorithm": 1,
        "PublicKey": public_key(&info.subject_pki)?,
        "Subject": name(&info.subject),
        "Attributes": extensions::attributes(requested),
        "Extensions": extensions::raw(requested),
        "ExtraExtensions": null,
    });
    if let Value::Object(fields) = &mut fields {
        fields.extend(extensions::alternative_names(requested));
    }
    Ok(fields)
}

fn bytes(bytes: &[u8]) -> Value {
    Value::String(STANDARD.encode(bytes))
}

/// Digits of any length; Kyverno reads them back as a float64.
fn big(value: &BigUint) -> Value {
    value.to_string().parse().map_or(Value::Null, number)
}

fn oid(oid: &Oid<'_>) -> Value {
    oid.iter().map(|arcs| arcs.collect::<Vec<u64>>()).map_or(Value::Null, |arcs| json!(arcs))
}

fn time(time: &ASN1Time) -> Value {
    json!(Time::utc(time.timestamp(), 0).rfc3339())
}

fn list<T: Into<Value>>(items: Vec<T>) -> Value {
    if items.is_empty() { Value::Null } else { Value::Array(items.into_iter().map(Into::into).collect()) }
}

fn public_key(info: &SubjectPublicKeyInfo<'_>) -> Result<Value, String> {
    if info.algorithm.algorithm.to_id_string() != "1.2.840.113549.1.1.1" {
        return Err("certificate should use rsa algorithm".to_owned());
    }
    let Ok(PublicKey::RSA(key)) = info.parsed() else {
        return Err("failed to parse subject public key info".to_owned());
    };
    let decimal = |bytes: &[u8]| BigUint::from_bytes_be(bytes);
    Ok(json!({"N": decimal(key.modulus).to_string(), "E": big(&decimal(key.exponent))}))
}

/// The constants of `x509.SignatureAlgorithm`.
fn signature_algorithm(algorithm: &AlgorithmIdentifier<'_>) -> u8 {
    match algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.2" => 1,
        "1.2.840.113549.1.1.4" => 2,
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => 3,
        "1.2.840.113549.1.1.11" => 4,
        "1.2.840.113549.1.1.12" => 5,
        "1.2.840.113549.1.1.13" => 6,
        "1.2.840.10040.4.3" => 7,
        "2.16.840.1.101.3.4.3.2" => 8,
        "1.2.840.10045.4.1" => 9,
        "1.2.840.10045.4.3.2" => 10,
        "1.2.840.10045.4.3.3" => 11,
        "1.2.840.10045.4.3.4" => 12,
        "1.2.840.113549.1.1.10" => match SignatureAlgorithm::try_from(algorithm) {
            Ok(SignatureAlgorithm::RSASSA_PSS(params)) => match params.hash_algorithm_oid().to_id_string().as_str() {
                "2.16.840.1.101.3.4.2.1" => 13,
                "2.16.840.1.101.3.4.2.2" => 14,
                "2.16.840.1.101.3.4.2.3" => 15,
                _ => 0,
            },
            _ => 0,
        },
        "1.3.101.112" => 16,
        _ => 0,
    }
}

/// `pkix.Name`.
fn name(name: &X509Name<'_>) -> Value {
    const LISTS: [(&str, &str); 7] = [
        ("Country", "2.5.4.6"),
        ("Organization", "2.5.4.10"),
        ("OrganizationalUnit", "2.5.4.11"),
        ("Locality", "2.5.4.7"),
        ("Province", "2.5.4.8"),
        ("StreetAddress", "2.5.4.9"),
        ("PostalCode", "2.5.4.17"),
    ];
    let mut names = Vec::new();
    let mut lists: Vec<Vec<String>> = vec![Vec::new(); LISTS.len()];
    let (mut common_name, mut serial_number) = (String::new(), String::new());
    for attribute in name.iter_attributes() {
        let text = String::from_utf8_lossy(attribute.as_slice()).into_owned();
        let id = attribute.attr_type().to_id_string();
        names.push(json!({"Type": oid(attribute.attr_type()), "Value": text}));
        match id.as_str() {
            "2.5.4.3" => common_name = text,
            "2.5.4.5" => serial_number = text,
            id => {
                let position = LISTS.iter().position(|(_, of)| *of == id);
                if let Some(list) = position.and_then(|position| lists.get_mut(position)) {
                    list.push(text);
                }
            }
        }
    }
    let mut fields: Map<String, Value> =
        LISTS.iter().zip(lists).map(|((field, _), values)| ((*field).to_owned(), list(values))).collect();
    fields.insert("SerialNumber".to_owned(), json!(serial_number));
    fields.insert("CommonName".to_owned(), json!(common_name));
    fields.insert("Names".to_owned(), list(names));
    fields.insert("ExtraNames".to_owned(), Value::Null);
    Value::Object(fields)
}
