//! `string.format` (cel-go `ext/formatting_v2.go`).

use crate::expr::cel::error::Error;
use crate::expr::cel::ops::Res;
use crate::expr::cel::text;
use crate::expr::cel::value::Val;
use crate::object::gofmt::format_float;

/// Fills the verbs of a format string: `%s %d %f %e %b %x %X %o %%`, `%.2f`.
///
/// # Errors
/// `index N out of range`, unknown verbs, values that a verb cannot take.
pub fn sprintf(format: &str, args: &[Val]) -> Res {
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    let mut next = 0_usize;
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            out.push('%');
            continue;
        }
        let mut precision = 6_usize;
        if chars.peek() == Some(&'.') {
            chars.next();
            let mut digits = String::new();
            while let Some(digit) = chars.peek().filter(|c| c.is_ascii_digit()) {
                digits.push(*digit);
                chars.next();
            }
            precision = digits.parse().ok().filter(|precision| *precision <= 100).ok_or_else(|| {
                Error::new(format!("error while parsing precision: unable to convert precision to integer: {digits:?}"))
            })?;
        }
        let Some(verb) = chars.next() else {
            return Err(Error::new("could not parse formatting clause: unexpected end of string"));
        };
        let Some(arg) = args.get(next) else { return Err(Error::new(format!("index {next} out of range"))) };
        next += 1;
        out.push_str(&clause(verb, precision, arg)?);
    }
    Ok(Val::from(out))
}

fn clause(verb: char, precision: usize, arg: &Val) -> Result<String, Error> {
    let unsupported =
        |wanted: &str| Error::new(format!("error during formatting: {wanted}, was given {}", arg.type_name()));
    match verb {
        's' => string(arg),
        'd' => match arg {
            Val::Int(_) | Val::Uint(_) | Val::Double(_) => string(arg),
            _ => Err(unsupported("decimal clause can only be used on numbers")),
        },
        'f' => number(arg, 'f', precision).ok_or_else(|| unsupported("fixed-point clause can only be used on doubles")),
        'e' => number(arg, 'e', precision).ok_or_else(|| unsupported("scientific clause can only be used on doubles")),
        'b' => match arg {
            Val::Bool(value) => Ok(if *value { "1" } else { "0" }.to_owned()),
            Val::Int(number) if *number < 0 => Ok(format!("-{:b}", number.unsigned_abs())),
            Val::Int(number) => Ok(format!("{number:b}")),
            Val::Uint(number) => Ok(format!("{number:b}")),
            _ => Err(unsupported("binary clause can only be used on integers and bools")),
        },
        'o' => match arg {
            Val::Int(number) if *number < 0 => Ok(format!("-{:o}", number.unsigned_abs())),
            Val::Int(number) => Ok(format!("{number:o}")),
            Val::Uint(number) => Ok(format!("{number:o}")),
            _ => Err(unsupported("octal clause can only be used on integers")),
        },
        'x' | 'X' => {
            let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            let text = match arg {
                Val::Int(number) if *number < 0 => format!("-{:x}", number.unsigned_abs()),
                Val::Int(number) => format!("{number:x}"),
                Val::Uint(number) => format!("{number:x}"),
                Val::String(text) => hex(text.as_bytes()),
                Val::Bytes(bytes) => hex(bytes),
                _ => return Err(unsupported("hex clause can only be used on integers, byte buffers, and strings")),
            };
            Ok(if verb == 'X' { text.to_uppercase() } else { text })
        }
        other => {
            Err(Error::new(format!("could not parse formatting clause: unrecognized formatting clause \"{other}\"")))
        }
    }
}

fn special(number: f64) -> Option<&'static str> {
    if number.is_nan() {
        return Some("NaN");
    }
    number.is_infinite().then_some(if number > 0.0 { "Infinity" } else { "-Infinity" })
}

#[expect(clippy::cast_precision_loss, reason = "%f of an int is the float's")]
fn number(arg: &Val, verb: char, precision: usize) -> Option<String> {
    let number = match arg {
        Val::Int(number) => *number as f64,
        Val::Uint(number) => *number as f64,
        Val::Double(number) => *number,
        _ => return None,
    };
    Some(special(number).map_or_else(|| format_float(number, verb, Some(precision)), str::to_owned))
}

fn string(arg: &Val) -> Result<String, Error> {
    Ok(match arg {
        Val::Double(number) => special(*number).map_or_else(|| format!("{number}"), str::to_owned),
        Val::List(items) => format!("[{}]", items.iter().map(string).collect::<Result<Vec<_>, _>>()?.join(", ")),
        Val::Map(entries) => {
            let mut found = Vec::with_capacity(entries.len());
            for (key, value) in entries.iter() {
                found.push((string(&key.to_val())?, string(value)?));
            }
            found.sort();
            let found: Vec<String> = found.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
            format!("{{{}}}", found.join(", "))
        }
        Val::Optional(_) | Val::Struct(_) | Val::Opaque(_) => {
            return Err(Error::new(format!(
                "error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, \
                 maps, lists, types, durations, and timestamps, was given {}",
                arg.type_name()
            )));
        }
        other => text::display(other),
    })
}
