//! `resource.Quantity`: fixed-point numbers with the suffixes of Kubernetes (`100m`, `1.5Gi`, `12e6`).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::gofmt;

/// The family of suffixes a quantity was written in; arithmetic keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `12e6`.
    DecimalExponent,
    /// `12Mi`.
    BinarySi,
    /// `12M`.
    DecimalSi,
}

/// Why a text is no quantity; the words are those of apimachinery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Not even the shape of a quantity.
    Format,
    /// The number does not parse.
    Numeric,
    /// The suffix is unknown.
    Suffix,
    /// A divisor is zero.
    ZeroDivision,
    /// A modulo of values that are no integers.
    NonInteger,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => {
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            }
            Self::Numeric => "unable to parse numeric part of quantity",
            Self::Suffix => "unable to parse quantity's suffix",
            Self::ZeroDivision => "Zero divisor passed",
            Self::NonInteger => "Non-integer argument(s) passed for modulo",
        })
    }
}

/// A quantity: `unscaled · 10^exponent`. Values of more than 38 digits lose their lowest digits, unlike in Go.
///
/// Follows `k8s.io/apimachinery/pkg/api/resource`.
#[derive(Clone, Debug)]
pub struct Quantity {
    unscaled: i128,
    exponent: i64,
    format: Format,
    /// What [`fmt::Display`] prints where Go hands back the text it has read, canonical or not.
    text: Option<String>,
}

const NANO: i64 = -9;
const DECIMAL: [(&str, i64); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [(&str, i64); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

impl FromStr for Quantity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl Quantity {
    /// Reads a quantity; no spaces around it are allowed.
    ///
    /// # Errors
    /// When the text is no quantity.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let parts = Parts::split(text)?;
        let (base, exponent, format) = interpret(parts.suffix).ok_or(Error::Suffix)?;
        let digits = format!("{}{}", parts.integer, parts.fraction);
        let places = len(parts.fraction);
        let room = match format {
            Format::BinarySi if !parts.fraction.is_empty() => -1,
            Format::BinarySi => 15 - len(parts.integer) - exponent * 3 / 10 - 1,
            _ => 18 - len(parts.integer) - places,
        };
        let scale = if base == 2 { -places } else { exponent.saturating_sub(places) };
        if room >= 0 && scale >= NANO {
            let value: i64 = digits.parse().map_err(|_| Error::Numeric)?;
            let factor =
                if base == 2 { 1_i64.checked_shl(u32::try_from(exponent).unwrap_or(0)).unwrap_or(1) } else { 1 };
            if let Some(product) = value.checked_mul(factor) {
                let canonical = match format {
                    Format::BinarySi => exponent % 10 == 0 && value & 7 != 0,
                    _ => scale % 3 == 0 && !digits.ends_with("000") && !digits.starts_with('0'),
                };
                let unscaled = i128::from(if parts.negative { -product } else { product });
                let text = (canonical || text == "0").then(|| text.to_owned());
                return Ok(Self { unscaled, exponent: scale, format, text });
            }
        }
        if !parts.written.bytes().any(|b| b.is_ascii_digit()) {
            return Err(Error::Numeric);
        }
        Ok(Self::large(&parts, &digits, (base, exponent), format))
    }

    /// The way of `inf.Dec`: rounds up to nano and caps binary quantities at the largest int64.
    fn large(parts: &Parts<'_>, digits: &str, (base, exponent): (i64, i64), mut format: Format) -> Self {
        let kept = digits.trim_start_matches('0');
        let (kept, dropped) = kept.split_at_checked(38).unwrap_or((kept, ""));
        let mut value = Self {
            unscaled: kept.parse().unwrap_or(0),
            exponent: len(dropped) - len(parts.fraction) + if base == 10 { exponent } else { 0 },
            format,
            text: None,
        };
        if base == 2 {
            let factor = 1_i128.checked_shl(u32::try_from(exponent).unwrap_or(0)).unwrap_or(1);
            value.unscaled = value.unscaled.checked_mul(factor).unwrap_or(i128::MAX);
        }
        value = value.rounded_up(NANO);
        let largest = Self::new(i128::from(i64::MAX), 0, format);
        if format == Format::BinarySi && value.compare(&largest) == Ordering::Greater {
            value = largest;
        }
        if format == Format::BinarySi && value.unscaled > 0 && value.compare(&Self::new(1, 0, format)) == Ordering::Less
        {
            format = Format::DecimalSi;
        }
        value.format = format;
        value.unscaled = if parts.negative { -value.unscaled } else { value.unscaled };
        value
    }

    /// A number of units in a family of suffixes.
    #[must_use]
    pub fn from_i64(value: i64, format: Format) -> Self {
        Self::new(i128::from(value), 0, format)
    }

    fn new(unscaled: i128, exponent: i64, format: Format) -> Self {
        Self { unscaled, exponent, format, text: None }
    }

    /// The family of suffixes.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// -1, 0 or 1.
    #[must_use]
    pub fn sign(&self) -> i32 {
        i32::try_from(self.unscaled.signum()).unwrap_or(0)
    }

    /// `Cmp`.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        let order = self.sign().cmp(&other.sign());
        if order != Ordering::Equal || self.unscaled == 0 {
            return order;
        }
        let magnitude = compare_magnitudes(self, other);
        if self.unscaled < 0 { magnitude.reverse() } else { magnitude }
    }

    /// Sum; takes the family of `other` where `self` is zero.
    #[must_use]
    pub fn add(&self, other: &Self) -> Self {
        let format = if self.unscaled == 0 { other.format } else { self.format };
        if other.unscaled == 0 {
            return Self { format, text: None, ..self.clone() };
        }
        if self.unscaled == 0 {
            return Self { format, text: None, ..other.clone() };
        }
        // What lies 40 digits below the larger operand cannot be held next to it.
        let highest = self.exponent.max(other.exponent);
        let mut exponent = self.exponent.min(other.exponent).max(highest - 40);
        loop {
            let sum = self.unscaled_at(exponent).zip(other.unscaled_at(exponent)).and_then(|(a, b)| a.checked_add(b));
            match sum {
                Some(unscaled) => return Self::new(unscaled, exponent, format),
                None => exponent += 1,
            }
            if exponent > highest + 1 {
                let larger = if compare_magnitudes(self, other) == Ordering::Less { other } else { self };
                return Self { format, text: None, ..larger.clone() };
            }
        }
    }

    /// Difference; takes the family of `other` where `self` is zero.
    #[must_use]
    pub fn sub(&self, other: &Self) -> Self {
        self.add(&Self { unscaled: -other.unscaled, text: None, ..other.clone() })
    }

    /// Negated value.
    #[must_use]
    pub fn neg(&self) -> Self {
        Self { unscaled: -self.unscaled, text: None, ..self.clone() }
    }

    /// Product with a number, as Kyverno's `multiply()`.
    ///
    /// # Errors
    /// When the number is NaN or infinite.
    pub fn mul_scalar(&self, factor: f64) -> Result<Self, Error> {
        let factor = Self::parse(&gofmt::float_v(factor))?;
        Ok(self.times(&factor))
    }

    fn times(&self, other: &Self) -> Self {
        let (mut a, mut b, mut exponent) = (self.unscaled, other.unscaled, self.exponent + other.exponent);
        loop {
            if let Some(product) = a.checked_mul(b) {
                return Self::new(product, exponent, self.format);
            }
            exponent += 1;
            if a.unsigned_abs() > b.unsigned_abs() { a /= 10 } else { b /= 10 }
        }
    }

    /// Quotient by a number, as Kyverno's `divide()`: cut off at the finer scale of the two operands.
    ///
    /// # Errors
    /// When the number is zero, NaN or infinite.
    pub fn div_scalar(&self, divisor: f64) -> Result<Self, Error> {
        if divisor == 0.0 {
            return Err(Error::ZeroDivision);
        }
        let divisor = Self::parse(&gofmt::float_v(divisor))?;
        let exponent = self.exponent.min(divisor.exponent);
        let shift = self.exponent - divisor.exponent - exponent;
        let (over, under) = if shift >= 0 { (power(shift), Some(1)) } else { (Some(1), power(-shift)) };
        let quotient = over
            .and_then(|factor| self.unscaled.checked_mul(factor))
            .zip(under.and_then(|factor| divisor.unscaled.checked_mul(factor)))
            .and_then(|(a, b)| a.checked_div(b));
        Ok(Self::new(quotient.unwrap_or(0), exponent, self.format))
    }

    /// Quotient of two quantities, a plain number.
    ///
    /// # Errors
    /// When the divisor is zero.
    pub fn div(&self, divisor: &Self) -> Result<f64, Error> {
        let under = divisor.approximate_f64();
        if under == 0.0 { Err(Error::ZeroDivision) } else { Ok(self.approximate_f64() / under) }
    }

    /// Remainder of two whole quantities.
    ///
    /// # Errors
    /// When an operand is no integer or the divisor is zero.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "whether it is lossless is the test"
    )]
    pub fn modulo(&self, divisor: &Self) -> Result<Self, Error> {
        let (a, b) = (self.approximate_f64(), divisor.approximate_f64());
        if a != a as i64 as f64 || b != b as i64 as f64 {
            return Err(Error::NonInteger);
        }
        let rest = (a as i64).checked_rem(b as i64).ok_or(Error::ZeroDivision)?;
        Ok(Self::from_i64(rest, self.format))
    }

    /// `AsApproximateFloat64`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the value is approximate by name")]
    pub fn approximate_f64(&self) -> f64 {
        let base = self.unscaled as f64;
        if self.exponent == 0 { base } else { base * pow10(self.exponent) }
    }

    /// The value as an integer where it is one and fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        let whole = self.rounded_up(0);
        if whole.compare(self) != Ordering::Equal {
            return None;
        }
        whole.unscaled_at(0).and_then(|value| i64::try_from(value).ok())
    }

    /// `Value()`: the nearest integer, away from zero.
    #[must_use]
    pub fn value(&self) -> i64 {
        let whole = self.rounded_up(0).unscaled_at(0);
        whole.map_or(i64::MAX, |value| i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// `MilliValue()`: thousandths, rounded away from zero.
    #[must_use]
    pub fn milli_value(&self) -> i64 {
        let whole = self.rounded_up(-3).unscaled_at(-3);
        whole.map_or(i64::MAX, |value| i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// `AsScale`: digits below `10^exponent` are rounded away from zero; larger exponents are brought down where they fit.
    fn rounded_up(&self, exponent: i64) -> Self {
        if self.exponent >= exponent {
            let exact = self.unscaled_at(exponent);
            return exact.map_or_else(|| self.clone(), |unscaled| Self::new(unscaled, exponent, self.format));
        }
        let unscaled = match power(exponent - self.exponent) {
            Some(factor) => {
                let rest = self.unscaled % factor;
                self.unscaled / factor + if rest == 0 { 0 } else { rest.signum() }
            }
            None => self.unscaled.signum(),
        };
        Self::new(unscaled, exponent, self.format)
    }

    /// The unscaled value at another exponent, lower digits cut off; `None` when it does not fit.
    fn unscaled_at(&self, exponent: i64) -> Option<i128> {
        if self.exponent >= exponent {
            return self.unscaled.checked_mul(power(self.exponent - exponent)?);
        }
        Some(power(exponent - self.exponent).map_or(0, |factor| self.unscaled / factor))
    }

    fn canonical(&self) -> String {
        if self.unscaled == 0 {
            return "0".to_owned();
        }
        let mut format = self.format;
        if format == Format::BinarySi {
            let whole = self.rounded_up(0);
            let small = compare_magnitudes(self, &Self::from_i64(1024, format)) == Ordering::Less;
            match whole.unscaled_at(0) {
                Some(value) if !small && whole.compare(self) == Ordering::Equal => return binary(value),
                _ => format = Format::DecimalSi,
            }
        }
        decimal(self.unscaled, self.exponent, format)
    }
}

impl fmt::Display for Quantity {
    /// The canonical form, or the text that was read where Go keeps it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => f.write_str(text),
            None => f.write_str(&self.canonical()),
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other) == Ordering::Equal
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.compare(other))
    }
}

fn binary(mut value: i128) -> String {
    let mut times: i64 = 0;
    while value.unsigned_abs() >= 1024 && value % 1024 == 0 {
        value /= 1024;
        times += 1;
    }
    // No suffix is known above Ei: Go prints the bare number.
    let suffix = BINARY.iter().find(|(_, exponent)| *exponent == times * 10).map_or("", |(suffix, _)| suffix);
    format!("{value}{suffix}")
}

fn decimal(mut unscaled: i128, mut exponent: i64, format: Format) -> String {
    while unscaled != 0 && unscaled % 10 == 0 {
        unscaled /= 10;
        exponent += 1;
    }
    let zeros = match exponent % 3 {
        1 | -2 => 1,
        2 | -1 => 2,
        _ => 0,
    };
    exponent -= zeros;
    let padding = if zeros == 2 {
        "00"
    } else if zeros == 1 {
        "0"
    } else {
        ""
    };
    match format {
        Format::DecimalExponent if exponent == 0 => format!("{unscaled}{padding}"),
        Format::DecimalExponent => format!("{unscaled}{padding}e{exponent}"),
        _ => {
            let suffix = DECIMAL.iter().find(|(_, known)| *known == exponent).map_or("", |(suffix, _)| suffix);
            format!("{unscaled}{padding}{suffix}")
        }
    }
}

/// Absolute values; neither is zero or both signs are equal.
fn compare_magnitudes(a: &Quantity, b: &Quantity) -> Ordering {
    if a.exponent == b.exponent {
        return a.unscaled.unsigned_abs().cmp(&b.unscaled.unsigned_abs());
    }
    if a.unscaled == 0 || b.unscaled == 0 {
        return a.unscaled.unsigned_abs().cmp(&b.unscaled.unsigned_abs());
    }
    let (left, right) = (a.unscaled.unsigned_abs().to_string(), b.unscaled.unsigned_abs().to_string());
    let leading = (len(&left) + a.exponent).cmp(&(len(&right) + b.exponent));
    // Same leading digit: trailing zeros decide nothing.
    leading.then_with(|| left.trim_end_matches('0').cmp(right.trim_end_matches('0')))
}

fn power(exponent: i64) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(exponent).ok()?)
}

/// `math.Pow10`, including how it multiplies two tables.
fn pow10(exponent: i64) -> f64 {
    let exact = |n: i64| format!("1e{n}").parse::<f64>().unwrap_or(0.0);
    match exponent {
        0..=308 => exact(exponent / 32 * 32) * exact(exponent % 32),
        -323..=-1 => exact(exponent / 32 * 32) / exact(-(exponent % 32)),
        309.. => f64::INFINITY,
        _ => 0.0,
    }
}

fn len(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

/// A quantity cut into its pieces: `-01.50Gi` → negative, `1`, `50`, `Gi`.
struct Parts<'a> {
    negative: bool,
    /// Sign, leading zeros, point and all.
    written: &'a str,
    integer: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::Format);
        }
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let significant = unsigned.trim_start_matches('0');
        if significant.is_empty() {
            return Ok(Self { negative, written: "0", integer: "0", fraction: "", suffix: "" });
        }
        let (integer, rest) = take(significant, |c| c.is_ascii_digit());
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => take(rest, |c| c.is_ascii_digit()),
            None => ("", rest),
        };
        let (written, _) = text.split_at_checked(text.len() - suffix.len()).unwrap_or((text, ""));
        let (_, rest) = take(suffix, |c| "eEinumkKMGTP".contains(c));
        let (_, rest) = take(rest.strip_prefix(['-', '+']).unwrap_or(rest), |c| c.is_ascii_digit());
        if !rest.is_empty() {
            return Err(Error::Format);
        }
        Ok(Self { negative, written, integer: if integer.is_empty() { "0" } else { integer }, fraction, suffix })
    }
}

fn take(text: &str, wanted: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !wanted(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn interpret(suffix: &str) -> Option<(i64, i64, Format)> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(known, _)| *known == suffix) {
        return Some((10, *exponent, Format::DecimalSi));
    }
    if let Some((_, exponent)) = BINARY.iter().find(|(known, _)| *known == suffix) {
        return Some((2, *exponent, Format::BinarySi));
    }
    let exponent: i64 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    // Go narrows to int32 without a check.
    #[expect(clippy::cast_possible_truncation, reason = "as Go does")]
    Some((10, i64::from(exponent as i32), Format::DecimalExponent))
}

#[cfg(test)]
mod tests;
