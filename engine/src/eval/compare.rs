//! One value against one leaf of a pattern: types, wildcards, `|`, `&`, comparison operators, ranges.
//!
//! Follows `pkg/engine/pattern/pattern.go` and `pkg/engine/operator/operator.go`.

use serde_json::{Number, Value};

use crate::object::duration::Duration;
use crate::object::gofmt;
use crate::object::quantity::Quantity;
use crate::object::wildcard;

/// The operator in front of (or inside) a string pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// No operator.
    Equal,
    /// `>=`
    MoreEqual,
    /// `<=`
    LessEqual,
    /// `!`
    NotEqual,
    /// `>`
    More,
    /// `<`
    Less,
    /// `a-b`
    InRange,
    /// `a!-b`
    NotInRange,
}

impl Operator {
    /// The prefix that marks it; ranges have none.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::MoreEqual => ">=",
            Self::LessEqual => "<=",
            Self::NotEqual => "!",
            Self::More => ">",
            Self::Less => "<",
            Self::Equal | Self::InRange | Self::NotInRange => "",
        }
    }
}

/// The operator of a string pattern. A pattern of one byte is always plain.
#[must_use]
pub fn operator_of(pattern: &str) -> Operator {
    if pattern.len() < 2 {
        return Operator::Equal;
    }
    let prefixed = [Operator::MoreEqual, Operator::LessEqual, Operator::More, Operator::Less, Operator::NotEqual];
    if let Some(operator) = prefixed.into_iter().find(|operator| pattern.starts_with(operator.prefix())) {
        return operator;
    }
    if ends(pattern, "!-").is_some() {
        Operator::NotInRange
    } else if ends(pattern, "-").is_some() {
        Operator::InRange
    } else {
        Operator::Equal
    }
}

/// Whether a value satisfies a leaf pattern. The type of the pattern decides how the value is read.
#[must_use]
pub fn validate(value: &Value, pattern: &Value) -> bool {
    match pattern {
        Value::Bool(pattern) => value.as_bool() == Some(*pattern),
        Value::Number(pattern) => number(value, pattern),
        Value::Null => empty(value),
        Value::Object(_) => value.is_object(),
        Value::String(pattern) => strings(value, pattern),
        Value::Array(_) => false,
    }
}

fn number(value: &Value, pattern: &Number) -> bool {
    match pattern.as_i64() {
        Some(pattern) => int(value, pattern),
        None => float(value, pattern.as_f64().unwrap_or(f64::NAN)),
    }
}

fn int(value: &Value, pattern: i64) -> bool {
    match value {
        Value::Number(found) => match found.as_i64() {
            Some(found) => found == pattern,
            None => found.as_f64().is_some_and(|found| found.fract() == 0.0 && same_float(found, pattern)),
        },
        Value::String(text) => parse_int(text) == Some(pattern),
        _ => false,
    }
}

fn float(value: &Value, pattern: f64) -> bool {
    match value {
        Value::Number(found) => found.as_f64() == Some(pattern),
        Value::String(text) => parse_float(text) == Some(pattern),
        _ => false,
    }
}

fn same_float(found: f64, pattern: i64) -> bool {
    found == pattern as f64
}

/// `strconv.ParseInt(text, 10, 64)`.
#[must_use]
pub fn parse_int(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// `strconv.ParseFloat(text, 64)`, without Go's hexadecimal and underscore forms.
#[must_use]
pub fn parse_float(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|found| found.is_finite() || text.to_ascii_lowercase().contains('n'))
}

/// A `null` pattern: the zero value of every scalar, never a map or a list.
fn empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(found) => !found,
        Value::Number(found) => found.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(_) | Value::Object(_) => false,
    }
}

/// `a | b & c`: split on `|`, each on `&`, blanks trimmed. The separators cannot be escaped.
fn strings(value: &Value, pattern: &str) -> bool {
    value.as_str() == Some(pattern)
        || pattern.split('|').any(|either| {
            either.trim_matches(' ').split('&').all(|condition| string(value, condition.trim_matches(' ')))
        })
}

fn string(value: &Value, pattern: &str) -> bool {
    match operator_of(pattern) {
        Operator::InRange => match ends(pattern, "-") {
            Some((low, high)) => compare(value, low, Operator::MoreEqual) && compare(value, high, Operator::LessEqual),
            None => false,
        },
        Operator::NotInRange => match ends(pattern, "!-") {
            Some((low, high)) => compare(value, low, Operator::Less) || compare(value, high, Operator::More),
            None => false,
        },
        operator => compare(value, pattern.strip_prefix(operator.prefix()).unwrap_or(pattern).trim(), operator),
    }
}

/// The two ends of a range: each a number with an optional sign (`|` is taken for one, too) and unit.
fn ends<'p>(pattern: &'p str, separator: &str) -> Option<(&'p str, &'p str)> {
    let after_sign = pattern.strip_prefix(['-', '+', '|']).unwrap_or(pattern);
    let low_length = pattern.len() - after_sign.len() + after_sign.find(separator)?;
    let (low, rest) = pattern.split_at_checked(low_length)?;
    let high = rest.strip_prefix(separator)?;
    (is_range_end(low) && is_range_end(high)).then_some((low, high))
}

fn is_range_end(text: &str) -> bool {
    let number = text.strip_prefix(['-', '+', '|']).unwrap_or(text).trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match number.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(number),
    }
}

/// Durations first, then quantities, then text with wildcards; the first reading that fits both sides decides.
fn compare(value: &Value, pattern: &str, operator: Operator) -> bool {
    let ordering = as_number_text(value)
        .and_then(|found| as_durations(&found, pattern).or_else(|| as_quantities(&found, pattern)));
    match ordering {
        Some(ordering) => ordered(ordering, operator),
        None => text(value, pattern, operator),
    }
}

fn as_durations(found: &str, pattern: &str) -> Option<std::cmp::Ordering> {
    let pattern = Duration::parse(pattern).ok()?;
    Some(Duration::parse(found).ok()?.cmp(&pattern))
}

fn as_quantities(found: &str, pattern: &str) -> Option<std::cmp::Ordering> {
    let pattern = Quantity::parse(pattern).ok()?;
    Some(Quantity::parse(found).ok()?.compare(&pattern))
}

fn ordered(ordering: std::cmp::Ordering, operator: Operator) -> bool {
    match operator {
        Operator::Equal => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        Operator::More => ordering.is_gt(),
        Operator::Less => ordering.is_lt(),
        Operator::MoreEqual => ordering.is_ge(),
        Operator::LessEqual => ordering.is_le(),
        Operator::InRange | Operator::NotInRange => false,
    }
}

/// What durations and quantities are parsed from. A missing value counts as `0`, so that `"<5"` holds for it.
fn as_number_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("0".to_owned()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(match number.as_i64() {
            Some(int) => int.to_string(),
            None => gofmt::format_float(number.as_f64().unwrap_or(0.0), 'f', Some(6)),
        }),
        _ => None,
    }
}

/// Text knows only `=` and `!`; an ordering of plain text never holds.
fn text(value: &Value, pattern: &str, operator: Operator) -> bool {
    let found = match value {
        Value::String(text) => text.clone(),
        Value::Bool(found) => found.to_string(),
        Value::Number(number) => match number.as_i64() {
            Some(int) => int.to_string(),
            None => gofmt::format_float(number.as_f64().unwrap_or(0.0), 'E', None),
        },
        _ => return false,
    };
    match operator {
        Operator::Equal => wildcard::matches(pattern, &found),
        Operator::NotEqual => !wildcard::matches(pattern, &found),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    macro_rules! cases {
        ($($name:ident: $value:tt $pattern:tt => $wanted:literal;)*) => { $(
            #[test]
            fn $name() {
                assert_eq!(validate(&json!($value), &json!($pattern)), $wanted);
            }
        )* };
    }

    cases! {
        bool_needs_bool: "true" true => false;
        bool_equals: true true => true;
        string_pattern_reads_bool: true "true" => true;
        int_from_text: "7" 7 => true;
        int_from_whole_float: 7.0 7 => true;
        int_not_from_fraction: 7.5 7 => false;
        float_from_int: 7 7.0 => true;
        float_from_text: "7.5" 7.5 => true;
        null_takes_missing: null null => true;
        null_takes_zero: 0 null => true;
        null_takes_empty_text: "" null => true;
        null_takes_false: false null => true;
        null_refuses_maps: {} null => false;
        null_refuses_lists: [] null => false;
        map_is_a_type_check: {"a": 1} {} => true;
        list_is_no_leaf: [1] [1] => false;
        wildcard_star: "nginx:1" "nginx:*" => true;
        wildcard_needs_one: "" "?*" => false;
        missing_is_not_any: null "?*" => false;
        either: "b" "a | b" => true;
        both: "abc" "a* & *c" => true;
        both_fails: "abd" "a* & *c" => false;
        not: "a" "!b" => true;
        not_on_missing_fails: null "!b" => false;
        not_wildcard: "a:latest" "!*:latest" => false;
        more: 10 ">5" => true;
        more_equal: 5 ">=5" => true;
        less_missing_counts_as_zero: null "<5" => true;
        zero_matches_missing: null "0" => true;
        quantity_units: "1Gi" "<=1024Mi" => true;
        quantity_more: "2Gi" "<=1024Mi" => false;
        duration_first: "90s" ">1m" => true;
        ordering_of_text_never_holds: "b" ">a" => false;
        range: 15 "10-20" => true;
        range_end: 20 "10-20" => true;
        range_outside: 21 "10-20" => false;
        not_range: 21 "10!-20" => true;
        not_range_inside: 15 "10!-20" => false;
        a_date_is_a_range: "2023-01" "2023-01" => true;
        one_char_is_plain: ">" ">" => true;
        float_text_is_scientific: 1.5 "1.5E*" => true;
        blank_after_operator: 10 "> 5" => true;
        // validateIntPattern, validateFloatPattern
        int_not_from_float_text: "7.0" 7 => false;
        int_not_from_bool: true 1 => false;
        int_not_from_nothing: null 0 => false;
        float_not_from_int: 7 7.5 => false;
        float_not_from_nothing: null 0.5 => false;
        float_not_from_word: "x" 0.5 => false;
        bool_not_from_nothing: null false => false;
        map_refuses_lists: [] {} => false;
        map_refuses_nothing: null {} => false;
        null_refuses_words: "a" null => false;
        null_refuses_numbers: 1 null => false;
        // validateStringPatterns: `|` before `&`, blanks trimmed
        either_of_three: "c" "a|b|c" => true;
        either_none: "d" "a | b" => false;
        and_binds_closer: "b" "a* & *c | b" => true;
        the_pattern_itself_matches: "a|b" "a|b" => true;
        either_with_ranges: 25 "1-10 | 20-30" => true;
        both_bounds: 5 ">1 & <10" => true;
        both_bounds_outside: 11 ">1 & <10" => false;
        not_either: "c" "!a & !b" => true;
        // the operator's side
        more_or_equal_text_number: "10" ">=10" => true;
        less_or_equal_float: 10.5 "<=10.5" => true;
        float_has_six_digits: 0.0000001 "<=0" => true;
        missing_is_not_more_than_zero: null ">0" => false;
        missing_is_at_least_zero: null ">=0" => true;
        missing_is_zero_seconds: null "0s" => true;
        missing_has_no_text: null "a*" => false;
        missing_is_no_star: null "*" => false;
        empty_text_is_a_star: "" "*" => true;
        bool_has_no_order: true ">0" => false;
        bool_not: true "!false" => true;
        list_matches_no_text: ["a"] "a" => false;
        quantity_equal: "1024Mi" "1Gi" => true;
        quantity_not_equal: "1024Mi" "!1Gi" => false;
        quantity_before_text: "1.0" "1" => true;
        duration_before_text: "60s" "1m" => true;
        minutes_are_not_milli: "1m" "60s" => true;
        word_and_quantity_is_text: "x" "1Gi" => false;
        not_on_word_and_quantity: "x" "!1Gi" => true;
        // ranges
        range_of_quantities: "1500m" "1-2" => true;
        range_of_durations: "90s" "1m-2m" => true;
        range_with_minus: (-5) "-10--1" => true;
        range_with_plus: 5 "+1-+10" => true;
        range_of_fractions: 0.5 "0.1-0.9" => true;
        range_on_missing_is_zero: null "0-5" => true;
        not_range_of_quantities: "3Gi" "1Gi!-2Gi" => true;
        not_range_on_end: 10 "10!-20" => false;
        words_with_dash_are_no_range: "a-b" "a-*" => true;
        an_open_range_is_text: "10-" "10-" => true;
        // text
        not_question_mark: "abc" "!a?" => true;
        negative_text_operator: "!b" "!!b" => false;
        numbers_are_texts_for_wildcards: 100 "1*" => true;
        whole_floats_are_scientific: 15.0 "1.5E+01" => true;
    }

    #[test]
    fn operators_are_found() {
        for (pattern, wanted) in [
            ("*", Operator::Equal),
            (">=1", Operator::MoreEqual),
            ("<=1", Operator::LessEqual),
            (">1", Operator::More),
            ("<1", Operator::Less),
            ("!a", Operator::NotEqual),
            ("1-2", Operator::InRange),
            ("10Mi-2Gi", Operator::InRange),
            ("1!-2", Operator::NotInRange),
            ("a-b", Operator::Equal),
            ("=1", Operator::Equal),
            ("10-", Operator::Equal),
            ("1-2-3", Operator::Equal),
            ("1.5-2.5", Operator::InRange),
            ("-1-2", Operator::InRange),
            ("1Gi!-2Gi", Operator::NotInRange),
            ("!1-2", Operator::NotEqual),
        ] {
            assert_eq!(operator_of(pattern), wanted, "{pattern}");
        }
    }
}
