//! What a YAML scalar means to Go's yaml.v2 (YAML 1.1: `yes` is a bool, `0755` octal), as sigs.k8s.io/yaml hands it on.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Number, Value};

const TRUE: [&str; 11] = ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"];
const FALSE: [&str; 11] = ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"];
const NULL: [&str; 5] = ["", "~", "null", "Null", "NULL"];
const PREFIX: &str = "tag:yaml.org,2002:";

/// A scalar before JSON: only here are infinity and not-a-number possible, and floats apart from integers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(String),
}

/// Follows `resolve()` of yaml.v2.
pub(super) fn resolve(tag: Option<&str>, text: String, plain: bool) -> Result<Scalar, String> {
    let Some(tag) = tag else {
        return Ok(if plain { implicit(&text).unwrap_or(Scalar::Text(text)) } else { Scalar::Text(text) });
    };
    let short = tag.strip_prefix(PREFIX).unwrap_or("");
    let resolved = match short {
        "binary" => return binary(&text).map(Scalar::Text),
        "bool" | "int" | "float" | "null" => implicit(&text),
        _ => return Ok(Scalar::Text(text)),
    };
    let found = match &resolved {
        None | Some(Scalar::Text(_)) => "str",
        Some(Scalar::Null) => "null",
        Some(Scalar::Bool(_)) => "bool",
        Some(Scalar::Int(_) | Scalar::Uint(_)) => "int",
        Some(Scalar::Float(_)) => "float",
    };
    match resolved {
        #[expect(clippy::cast_precision_loss, reason = "!!float asks for it")]
        Some(Scalar::Int(value)) if short == "float" => Ok(Scalar::Float(value as f64)),
        Some(scalar) if found == short => Ok(scalar),
        _ => Err(format!("cannot decode !!{found} `{text}` as a !!{short}")),
    }
}

/// The meaning of a plain scalar, `None` for a plain text.
pub(super) fn implicit(text: &str) -> Option<Scalar> {
    if NULL.contains(&text) {
        return Some(Scalar::Null);
    }
    match text.chars().next()? {
        'y' | 'Y' | 't' | 'T' | 'o' | 'O' | 'n' | 'N' | 'f' | 'F' => {
            let yes = TRUE.contains(&text);
            (yes || FALSE.contains(&text)).then_some(Scalar::Bool(yes))
        }
        '0'..='9' | '+' | '-' | '.' => number(text),
        _ => None,
    }
}

fn number(text: &str) -> Option<Scalar> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Some(Scalar::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => return Some(Scalar::Float(f64::NEG_INFINITY)),
        ".nan" | ".NaN" | ".NAN" => return Some(Scalar::Float(f64::NAN)),
        _ => {}
    }
    if text.starts_with('.') {
        return float(text).map(Scalar::Float);
    }
    let plain = text.replace('_', "");
    integer(&plain).or_else(|| float(&plain).map(Scalar::Float))
}

/// `strconv.ParseInt(text, 0, 64)`, then `ParseUint`.
fn integer(text: &str) -> Option<Scalar> {
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let prefixed = [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2), ("0", 8)];
    let (digits, radix) = prefixed
        .iter()
        .find_map(|(prefix, radix)| Some((unsigned.strip_prefix(prefix)?, *radix)))
        .filter(|(digits, _)| !digits.is_empty())
        .unwrap_or((unsigned, 10));
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0_i64.checked_sub_unsigned(value).map(Scalar::Int);
    }
    i64::try_from(value).map(Scalar::Int).ok().or_else(|| (!text.starts_with('+')).then_some(Scalar::Uint(value)))
}

/// Digits with an optional point and exponent; a value too large for a float stays a text.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let exponent = exponent.map(|e| e.strip_prefix(['-', '+']).unwrap_or(e));
    let shaped = digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty());
    if !shaped || exponent.is_some_and(|e| e.is_empty() || !digits(e)) {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

fn binary(text: &str) -> Result<String, String> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
    let text: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    let bytes = GeneralPurpose::new(&STANDARD, config).decode(text);
    let bytes = bytes.map_err(|_| "!!binary value contains invalid base64 data".to_owned())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Scalar {
    /// As JSON: whole floats become integers, as on the way through `encoding/json` into an unstructured object.
    pub fn into_value(self) -> Result<Value, String> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::from(value),
            #[expect(clippy::cast_precision_loss, reason = "Kubernetes holds what exceeds int64 as float64")]
            Self::Uint(value) => Value::from(value as f64),
            Self::Float(value) if value.fract() == 0.0 && value.abs() < 9.2e18 =>
            {
                #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
                Value::from(value as i64)
            }
            Self::Float(value) => match Number::from_f64(value) {
                Some(number) => Value::Number(number),
                None => return Err(format!("json: unsupported value: {}", crate::object::gofmt::float_v(value))),
            },
            Self::Text(text) => Value::String(text),
        })
    }

    /// As a key of a mapping; `None` for null.
    pub fn into_key(self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Uint(value) => value.to_string(),
            Self::Float(value) if value.is_nan() => ".nan".to_owned(),
            Self::Float(value) if value.is_infinite() => if value > 0.0 { ".inf" } else { "-.inf" }.to_owned(),
            Self::Float(value) => crate::object::gofmt::float_v(value),
            Self::Text(text) => text,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_scalars() {
        for (text, wanted) in [
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("yEs", json!("yEs")),
            ("~", json!(null)),
            ("", json!(null)),
            ("0755", json!(493)),
            ("0o17", json!(15)),
            ("0b11", json!(3)),
            ("-0x1F", json!(-31)),
            ("1_000", json!(1000)),
            ("0_7", json!(7)),
            ("1_", json!(1)),
            ("08", json!(8)),
            ("+1", json!(1)),
            ("1e3", json!(1000)),
            ("1.50", json!(1.5)),
            (".5", json!(0.5)),
            ("1.", json!(1)),
            ("1E400", json!("1E400")),
            ("12:30:45", json!("12:30:45")),
            ("2024-01-01", json!("2024-01-01")),
            ("18446744073709551616", json!(1.844_674_407_370_955_2e19)),
            ("9223372036854775807", json!(i64::MAX)),
            ("-", json!("-")),
            (".", json!(".")),
            ("0x", json!("0x")),
            ("1.2.3", json!("1.2.3")),
            ("1Gi", json!("1Gi")),
            ("é", json!("é")),
        ] {
            let scalar = resolve(None, text.to_owned(), true).unwrap();
            assert_eq!(scalar.into_value().unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn tags() {
        let tagged = |tag: &str, text: &str| {
            resolve(Some(&format!("{PREFIX}{tag}")), text.to_owned(), true).and_then(Scalar::into_value)
        };
        assert_eq!(tagged("str", "1"), Ok(json!("1")));
        assert_eq!(tagged("int", "x"), Err("cannot decode !!str `x` as a !!int".to_owned()));
        assert_eq!(tagged("binary", "aGk="), Ok(json!("hi")));
        assert_eq!(resolve(Some("!"), "1".to_owned(), true), Ok(Scalar::Text("1".to_owned())));
        assert_eq!(resolve(Some("!foo"), "bar".to_owned(), true), Ok(Scalar::Text("bar".to_owned())));
        assert!(resolve(None, ".inf".to_owned(), true).unwrap().into_value().is_err());
    }
}
