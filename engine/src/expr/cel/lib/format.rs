//! `string.format` (cel-go `ext/formatting.go`: the strings library before its version 4, as Kubernetes and Kyverno use it).

use crate::expr::cel::error::Error;
use crate::expr::cel::ops::Res;
use crate::expr::cel::text;
use crate::expr::cel::types::Type;
use crate::expr::cel::value::Val;
use crate::object::gofmt::{format_float, quote};
use crate::object::order;

/// A piece of a format string: text, or a verb with its precision.
enum Piece<'f> {
    Text(&'f str),
    Verb(char, Option<usize>),
}

/// Splits off the first piece. `more` says whether there is an argument left, which is asked for before the verb is read.
fn piece<'f>(format: &'f str, more: &mut dyn FnMut() -> Result<(), String>) -> Result<(Piece<'f>, &'f str), String> {
    let Some(rest) = format.strip_prefix('%') else {
        let (text, rest) = format.split_at(format.find('%').unwrap_or(format.len()));
        return Ok((Piece::Text(text), rest));
    };
    if let Some(rest) = rest.strip_prefix('%') {
        return Ok((Piece::Text("%"), rest));
    }
    more()?;
    if rest.is_empty() {
        return Err("unexpected end of string".to_owned());
    }
    let unreadable = |words: String| format!("could not parse formatting clause: {words}");
    let (precision, rest) = match rest.strip_prefix('.') {
        None => (None, rest),
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(|| {
                unreadable("error while parsing precision: could not find end of precision specifier".to_owned())
            })?;
            let (digits, rest) = rest.split_at(end);
            let precision = digits.parse().ok().filter(|precision: &usize| *precision <= 1000).ok_or_else(|| {
                let words = format!("strconv.Atoi: parsing {}: invalid syntax", quote(digits));
                unreadable(format!(
                    "error while parsing precision: error while converting precision to integer: {words}"
                ))
            })?;
            (Some(precision), rest)
        }
    };
    let verb = rest.chars().next().unwrap_or('%');
    if !"sdfebxXo".contains(verb) {
        return Err(unreadable(format!("unrecognized formatting clause \"{verb}\"")));
    }
    Ok((Piece::Verb(verb, precision), rest.get(1..).unwrap_or_default()))
}

/// Fills the verbs of a format string: `%s %d %f %e %b %x %X %o %%`, `%.2f`.
///
/// # Errors
/// `index N out of range`, unknown verbs, values that a verb cannot take.
pub fn sprintf(format: &str, args: &[Val]) -> Res {
    let (mut out, mut rest, mut next) = (String::new(), format, 0_usize);
    while !rest.is_empty() {
        let mut more = || args.get(next).map(|_| ()).ok_or_else(|| format!("index {next} out of range"));
        let (found, after) = piece(rest, &mut more).map_err(Error::new)?;
        rest = after;
        match (found, args.get(next)) {
            (Piece::Text(text), _) => out.push_str(text),
            (Piece::Verb(verb, precision), Some(arg)) => {
                let text = clause(verb, precision, arg);
                out.push_str(&text.map_err(|words| Error::new(format!("error during formatting: {words}")))?);
                next += 1;
            }
            (Piece::Verb(..), None) => {}
        }
    }
    Ok(Val::from(out))
}

/// The same for a format and arguments written out, by the types of the arguments: what is wrong, and at which argument, if at one.
///
/// # Errors
/// As [`sprintf`], and for more arguments than verbs.
pub fn check(format: &str, args: &[Type]) -> Result<(), (Option<usize>, String)> {
    let (mut rest, mut next) = (format, 0_usize);
    while !rest.is_empty() {
        // Asked for an argument that is not there cel-go's checker panics; the words are those of the evaluation.
        let mut more = || args.get(next).map(|_| ()).ok_or_else(|| format!("index {next} out of range"));
        let (found, after) = piece(rest, &mut more).map_err(|words| (None, words))?;
        rest = after;
        let (Piece::Verb(verb, _), Some(arg)) = (found, args.get(next)) else { continue };
        if !fits(verb, arg) {
            let words = format!("error during formatting: {}", unsupported(verb, runtime_name(arg)));
            return Err((Some(next), words));
        }
        next += 1;
    }
    if args.len() > next {
        let words = format!("too many arguments supplied to string.format (expected {next}, got {})", args.len());
        return Err((None, words));
    }
    Ok(())
}

fn fits(verb: char, arg: &Type) -> bool {
    match (verb, arg) {
        (_, Type::Dyn | Type::Any | Type::Error | Type::Var(_) | Type::Param(_)) => true,
        ('s', Type::List(item)) => fits(verb, item),
        ('s', Type::Map(key, value)) => fits(verb, key) && fits(verb, value),
        ('s', other) => !matches!(other, Type::Named(_) | Type::Optional(_)),
        ('f' | 'e', Type::Double | Type::String) | ('b', Type::Int | Type::Uint | Type::Bool) => true,
        ('x' | 'X', Type::Int | Type::Uint | Type::String | Type::Bytes) | ('d' | 'o', Type::Int | Type::Uint) => true,
        _ => false,
    }
}

fn runtime_name(t: &Type) -> &str {
    match t {
        Type::Null => "null_type",
        Type::Bool => "bool",
        Type::Int => "int",
        Type::Uint => "uint",
        Type::Double => "double",
        Type::String => "string",
        Type::Bytes => "bytes",
        Type::Timestamp => "google.protobuf.Timestamp",
        Type::Duration => "google.protobuf.Duration",
        Type::List(_) => "list",
        Type::Map(..) => "map",
        Type::Type(_) => "type",
        Type::Optional(_) => "optional_type",
        Type::Named(name) => name,
        Type::Dyn | Type::Any | Type::Error | Type::Param(_) | Type::Var(_) => "dyn",
    }
}

fn unsupported(verb: char, given: &str) -> String {
    let wanted = match verb {
        'd' => "decimal clause can only be used on integers",
        'f' => "fixed-point clause can only be used on doubles",
        'e' => "scientific clause can only be used on doubles",
        'b' => "only integers and bools can be formatted as binary",
        'o' => "octal clause can only be used on integers",
        'x' | 'X' => "only integers, byte buffers, and strings can be formatted as hex",
        _ => {
            "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and \
             timestamps"
        }
    };
    format!("{wanted}, was given {given}")
}

fn clause(verb: char, precision: Option<usize>, arg: &Val) -> Result<String, String> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let found = match (verb, arg) {
        ('s', _) => return string(arg),
        ('d', Val::Int(_) | Val::Uint(_)) => Some(text::display(arg)),
        ('f', _) => double(arg).map(|number| fixed(number, precision.unwrap_or(6))),
        ('e', _) => double(arg).map(scientific),
        ('b', Val::Bool(value)) => Some(if *value { "1" } else { "0" }.to_owned()),
        ('b', Val::Int(number)) if *number < 0 => Some(format!("-{:b}", number.unsigned_abs())),
        ('b', Val::Int(number)) => Some(format!("{number:b}")),
        ('b', Val::Uint(number)) => Some(format!("{number:b}")),
        ('o', Val::Int(number)) if *number < 0 => Some(format!("-{:o}", number.unsigned_abs())),
        ('o', Val::Int(number)) => Some(format!("{number:o}")),
        ('o', Val::Uint(number)) => Some(format!("{number:o}")),
        ('x' | 'X', Val::Int(number)) if *number < 0 => Some(format!("-{:x}", number.unsigned_abs())),
        ('x' | 'X', Val::Int(number)) => Some(format!("{number:x}")),
        ('x' | 'X', Val::Uint(number)) => Some(format!("{number:x}")),
        ('x' | 'X', Val::String(text)) => Some(hex(text.as_bytes())),
        ('x' | 'X', Val::Bytes(bytes)) => Some(hex(bytes)),
        _ => None,
    };
    let found = found.ok_or_else(|| unsupported(verb, arg.type_name()))?;
    Ok(if verb == 'X' { found.to_uppercase() } else { found })
}

/// Doubles, and the names of those that have no digits.
fn double(arg: &Val) -> Option<f64> {
    match arg {
        Val::Double(number) => Some(*number),
        Val::String(text) if matches!(&**text, "NaN" | "Infinity" | "-Infinity") => text.parse().ok(),
        _ => None,
    }
}

/// What `golang.org/x/text/message` prints in en_US for numbers without digits.
fn special(number: f64) -> Option<&'static str> {
    if number.is_nan() {
        return Some("NaN");
    }
    number.is_infinite().then_some(if number > 0.0 { "∞" } else { "-∞" })
}

/// `%.2f` in en_US: groups of three digits.
fn fixed(number: f64, precision: usize) -> String {
    if let Some(word) = special(number) {
        return word.to_owned();
    }
    let text = format_float(number, 'f', Some(precision));
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.find('.').map_or((digits, ""), |at| digits.split_at(at));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{fraction}")
}

/// `%e` in en_US: `1.5 × 10⁰³` with narrow spaces. A precision is taken for a width there, so there are always six digits.
fn scientific(number: f64) -> String {
    if let Some(word) = special(number) {
        return word.to_owned();
    }
    let text = format_float(number, 'e', Some(6));
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "+00"));
    let raised: String = exponent.chars().filter_map(superscript).collect();
    format!("{mantissa}\u{202f}×\u{202f}10{raised}")
}

fn superscript(c: char) -> Option<char> {
    match c {
        '-' => Some('⁻'),
        '0'..='9' => "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(usize::try_from(c.to_digit(10)?).ok()?),
        _ => None,
    }
}

/// `%s` of a value that is not in a list or map.
fn string(arg: &Val) -> Result<String, String> {
    match arg {
        Val::List(_) | Val::Map(_) => literal(arg),
        Val::Optional(_) | Val::Struct(_) | Val::Opaque(_) => Err(unsupported('s', arg.type_name())),
        other => Ok(text::display(other)),
    }
}

/// A value in a list or map: as CEL would write it.
fn literal(arg: &Val) -> Result<String, String> {
    Ok(match arg {
        Val::String(text) => quote(text),
        Val::Bytes(bytes) => format!("b{}", quote(&String::from_utf8_lossy(bytes))),
        Val::Double(number) if !number.is_finite() => quote(&text::double(*number)),
        Val::Double(number) => format_float(*number, 'f', Some(6)),
        Val::Timestamp(time) => format!("timestamp({})", quote(&text::timestamp(time))),
        Val::Duration(span) => format!("duration({})", quote(&text::duration(span))),
        Val::List(items) => format!("[{}]", items.iter().map(literal).collect::<Result<Vec<_>, _>>()?.join(", ")),
        Val::Map(entries) => {
            let mut found = Vec::with_capacity(entries.len());
            for (key, value) in entries.iter() {
                found.push((literal(&key.to_val())?, literal(value)?));
            }
            order::sort(&mut found);
            let found: Vec<String> = found.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
            format!("{{{}}}", found.join(", "))
        }
        Val::Optional(_) | Val::Struct(_) | Val::Opaque(_) => {
            return Err(format!("no formatting function for {}", arg.type_name()));
        }
        other => text::display(other),
    })
}
