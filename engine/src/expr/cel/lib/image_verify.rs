//! Kyverno's image verification: counts of signatures from the facts that the run declares.

use serde_json::{Value, json};

use super::image_data::metadata;
use crate::expr::cel::convert::{from_json, to_json};
use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::outside::{Answer, Outside};
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    verifyImageSignatures(string, list(dyn)) -> int
    verifyAttestationSignatures(string, string, list(dyn)) -> int
    getImageData(string) -> dyn
    extractPayload(string, string) -> dyn
";

pub(super) fn call(cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    let view = cx.activation.view?;
    Some(match (name, args) {
        ("verifyImageSignatures", [Val::String(image), Val::List(attestors)]) => {
            counted(cx, image, attestors, count(view, image, None, attestors))
        }
        ("verifyAttestationSignatures", [Val::String(image), Val::String(attestation), Val::List(attestors)]) => {
            counted(cx, image, attestors, count(view, image, Some(attestation), attestors))
        }
        ("getImageData", [Val::String(image)]) => metadata(view, image),
        ("extractPayload", [Val::String(image), Val::String(attestation)]) => {
            match view.image_verified(image, &json!({"attestation": &**attestation, "payload": true})) {
                Answer::Data(payload) => Ok(from_json(&payload)),
                Answer::Failed(words) => Err(Error::new(words)),
                Answer::Unavailable => Err(Error::new(format!("failed to get payload of {attestation} of {image}"))),
            }
        }
        _ => return None,
    })
}

/// Notes that the image was looked at; without attestors it was not.
fn counted(cx: &Cx<'_, '_>, image: &str, attestors: &[Val], found: Res) -> Res {
    if !attestors.is_empty() {
        let verified = matches!(found, Ok(Val::Int(1..)));
        let mut noted = cx.activation.verified.borrow_mut();
        *noted.entry(image.to_owned()).or_default() |= verified;
    }
    found
}

/// How many of the attestors vouch for the image; what the run says nothing of does not count.
fn count(view: &dyn Outside, image: &str, attestation: Option<&str>, attestors: &[Val]) -> Res {
    let mut found = 0_i64;
    for attestor in attestors {
        let mut asked = to_json(attestor)?;
        if let (Some(attestation), Value::Object(asked)) = (attestation, &mut asked) {
            asked.insert("attestation".to_owned(), Value::from(attestation));
        }
        match view.image_verified(image, &asked) {
            Answer::Data(answer) if answer != Value::Bool(false) && answer != Value::Null => found += 1,
            Answer::Data(_) | Answer::Failed(_) | Answer::Unavailable => {}
        }
    }
    Ok(Val::Int(found))
}
