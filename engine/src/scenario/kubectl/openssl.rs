//! openssl as scripts use it to make users: keys, certificate requests, random bytes. The same bytes in every run.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::filters::Output;
use super::shell::World;
use crate::expr::jmespath::functions::x509;
use crate::object::ObjectExt;

/// Who a certificate or a request is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// `CN`.
    pub common_name: String,
    /// Every `O`.
    pub organizations: Vec<String>,
}

/// The subject of a PEM certificate or request.
#[must_use]
pub fn subject(pem: &str) -> Option<Subject> {
    // What the simulated signer issues is the request under the name of a certificate.
    let request = pem.replace(" CERTIFICATE--", " CERTIFICATE REQUEST--");
    let decoded = x509::decode(&request).or_else(|_| x509::decode(pem)).ok()?;
    let organizations = decoded.at(&["Subject", "Organization"]).and_then(serde_json::Value::as_array);
    Some(Subject {
        common_name: decoded.str_at(&["Subject", "CommonName"]).to_owned(),
        organizations: organizations.into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
    })
}

/// What the signer of client certificates issues for a request.
#[must_use]
pub fn signed(request: &str) -> String {
    request.replace(" CERTIFICATE REQUEST--", " CERTIFICATE--")
}

/// Runs `openssl`.
pub(super) fn run(args: &[String], input: &str, world: &mut World<'_>) -> Output {
    let value = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned();
    let command = args.first().map_or("", String::as_str);
    let seed = value("-key").or_else(|| value("-out")).or_else(|| value("-keyout")).unwrap_or_default();
    let key = |seed: &str| pem("PRIVATE KEY", &bytes(seed, 256));
    let made = match command {
        "genrsa" | "genpkey" | "ecparam" => key(&seed),
        "req" => {
            if let Some(path) = value("-keyout") {
                world.write(&path, key(&path), false);
            }
            let Some(subject) = value("-subj") else { return Output::failed(1, "No subject\n") };
            pem("CERTIFICATE REQUEST", &request(&subject, &seed))
        }
        "rand" => {
            let count = args.last().and_then(|count| count.parse().ok()).unwrap_or(16);
            let random = bytes("rand", count);
            if args.iter().any(|arg| arg == "-hex") {
                random.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n"
            } else {
                STANDARD.encode(random) + "\n"
            }
        }
        "base64" if args.iter().any(|arg| arg == "-d") => {
            let text = input.split_whitespace().collect::<String>();
            String::from_utf8_lossy(&STANDARD.decode(text).unwrap_or_default()).into_owned()
        }
        "base64" => STANDARD.encode(input) + "\n",
        other => return Output::failed(1, format!("openssl: {other} is not simulated\n")),
    };
    match value("-out") {
        Some(path) => {
            world.write(&path, made, false);
            Output::default()
        }
        None => Output::text(made),
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<String> =
        text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Bytes that look random.
fn bytes(seed: &str, count: usize) -> Vec<u8> {
    let blocks = (0..count.div_ceil(32)).flat_map(|block| Sha256::digest(format!("{seed}/{block}")).to_vec());
    blocks.take(count).collect()
}

/// A PKCS #10 request for an RSA key: `/O=testorg/CN=name`.
fn request(subject: &str, seed: &str) -> Vec<u8> {
    let rdn = |(name, value): (&str, &str)| {
        let id: &[u8] = match name {
            "CN" => &[0x55, 4, 3],
            "C" => &[0x55, 4, 6],
            "L" => &[0x55, 4, 7],
            "ST" => &[0x55, 4, 8],
            "O" => &[0x55, 4, 10],
            _ => &[0x55, 4, 11],
        };
        der(0x31, &[der(0x30, &[der(6, &[id.to_vec()]), der(12, &[value.as_bytes().to_vec()])])])
    };
    let names: Vec<Vec<u8>> = subject.split('/').filter_map(|part| part.split_once('=')).map(rdn).collect();
    let rsa = |id: u8| der(0x30, &[der(6, &[vec![0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, id]]), der(5, &[])]);
    let mut modulus = bytes(seed, 256);
    modulus.iter_mut().take(1).for_each(|first| *first |= 0xc0);
    modulus.insert(0, 0);
    let key = der(0x30, &[der(2, &[modulus]), der(2, &[vec![1, 0, 1]])]);
    let key = der(0x30, &[rsa(1), der(3, &[vec![0], key])]);
    let info = der(0x30, &[der(2, &[vec![0]]), der(0x30, &names), key, der(0xa0, &[])]);
    let signature = der(3, &[vec![0], bytes(subject, 256)]);
    der(0x30, &[info, rsa(11), signature])
}

/// One value of DER: a tag, a length, what is in it.
fn der(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let low = |number: usize| u8::try_from(number & 0xff).unwrap_or(0);
    let mut out = vec![tag];
    match length {
        0..=0x7f => out.push(low(length)),
        0x80..=0xff => out.extend([0x81, low(length)]),
        _ => out.extend([0x82, low(length >> 8), low(length)]),
    }
    out.extend(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_who_it_is_for() {
        let made = pem("CERTIFICATE REQUEST", &request("/O=testorg/O=b/CN=anna", "anna.key"));
        let expected = Subject { common_name: "anna".into(), organizations: vec!["testorg".into(), "b".into()] };
        assert_eq!(subject(&made), Some(expected.clone()));
        assert_eq!(subject(&signed(&made)), Some(expected));
        assert_eq!(subject("none"), None);
    }
}
