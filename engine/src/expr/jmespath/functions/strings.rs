//! Kyverno's functions on strings.

use serde_json::Value;

use super::{Call, Error, FunctionInfo, N, OBJ, S, SN, Type, regex, row, text};
use crate::expr::jmespath::{equal, path};
use crate::object::wildcard;

pub(super) const TABLE: &[FunctionInfo] = &[
    row("compare", &[S, S], Type::Number, compare, "-1, 0 or 1: how two strings sort"),
    row("equal_fold", &[S, S], Type::Bool, equal_fold, "Whether two strings are equal but for upper and lower case"),
    row("replace", &[S, S, S, N], Type::String, replace, "Replaces the first n occurrences (all for a negative n)"),
    row(
        "replace_all",
        &[S, S, S],
        Type::String,
        |c| text(go_replace(c.str(0), c.str(1), c.str(2), -1)),
        "Replaces every occurrence",
    ),
    row("to_upper", &[S], Type::String, |c| text(c.str(0).to_uppercase()), "Upper case"),
    row("to_lower", &[S], Type::String, |c| text(c.str(0).to_lowercase()), "Lower case"),
    row("trim", &[S, S], Type::String, trim, "Removes the characters of the second string from both ends"),
    row(
        "trim_prefix",
        &[S, S],
        Type::String,
        |c| text(c.str(0).strip_prefix(c.str(1)).unwrap_or(c.str(0))),
        "Removes a prefix if it is there",
    ),
    row("split", &[S, S], Type::ArrayString, split, "Splits a string at a separator"),
    row("pattern_match", &[S, SN], Type::Bool, pattern_match, "Whether a text matches a pattern with * and ?"),
    row("label_match", &[OBJ, OBJ], Type::Bool, label_match, "Whether the second mapping has every label of the first"),
    row("to_boolean", &[S], Type::Bool, to_boolean, "true or false from such a word in any case"),
    row("truncate", &[S, N], Type::String, truncate, "The first n characters"),
    row(
        "path_canonicalize",
        &[S],
        Type::String,
        |c| text(if c.str(0).is_empty() { String::new() } else { path::clean(c.str(0)) }),
        "Normalizes a path: slashes, . and ..",
    ),
];

fn compare(c: &Call<'_>) -> Result<Value, Error> {
    Ok(Value::from(c.str(0).cmp(c.str(1)) as i8))
}

fn equal_fold(c: &Call<'_>) -> Result<Value, Error> {
    // Go folds character by character: `ß` is not `SS`.
    fn one(mut cased: impl Iterator<Item = char>, plain: char) -> char {
        cased.next().filter(|_| cased.next().is_none()).unwrap_or(plain)
    }
    let upper = |c: char| one(c.to_uppercase(), c);
    let fold = |text: &str| text.chars().map(|c| one(upper(c).to_lowercase(), c)).collect::<String>();
    Ok((fold(c.str(0)) == fold(c.str(1))).into())
}

fn replace(c: &Call<'_>) -> Result<Value, Error> {
    #[expect(clippy::cast_possible_truncation, reason = "as Go's int(float64); saturates")]
    let n = c.num(3) as i64;
    text(go_replace(c.str(0), c.str(1), c.str(2), n))
}

/// `strings.Replace`: a negative `n` means all; an empty `old` matches between all characters, as in Rust.
fn go_replace(text: &str, old: &str, new: &str, n: i64) -> String {
    match usize::try_from(n) {
        Ok(n) => text.replacen(old, new, n),
        Err(_) => text.replace(old, new),
    }
}

fn trim(c: &Call<'_>) -> Result<Value, Error> {
    let cutset = c.str(1);
    text(c.str(0).trim_matches(|ch| cutset.contains(ch)))
}

fn split(c: &Call<'_>) -> Result<Value, Error> {
    let (text, separator) = (c.str(0), c.str(1));
    if separator.is_empty() {
        return Ok(text.chars().map(String::from).collect());
    }
    Ok(text.split(separator).collect())
}

fn pattern_match(c: &Call<'_>) -> Result<Value, Error> {
    let Some(text) = regex::string_or_number(c.value(1)) else {
        return c.error("argument #2 is not of type String or Real");
    };
    Ok(wildcard::matches(c.str(0), &text).into())
}

fn label_match(c: &Call<'_>) -> Result<Value, Error> {
    let (Value::Object(wanted), Value::Object(actual)) = (c.value(0), c.value(1)) else { return Ok(false.into()) };
    Ok(wanted.iter().all(|(key, value)| actual.get(key).is_some_and(|other| equal(value, other))).into())
}

fn to_boolean(c: &Call<'_>) -> Result<Value, Error> {
    match c.str(0).to_lowercase().as_str() {
        "true" => Ok(true.into()),
        "false" => Ok(false.into()),
        _ => c.error(format_args!("lowercase argument must be 'true' or 'false' (provided: '{}')", c.str(0))),
    }
}

fn truncate(c: &Call<'_>) -> Result<Value, Error> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, negative is zero")]
    let length = c.num(1) as usize;
    text(c.str(0).chars().take(length).collect::<String>())
}
