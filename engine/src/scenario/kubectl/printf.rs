//! `printf` of the shell and of awk.

use super::builtins::escapes;

/// Wider than this, nobody means it.
const WIDEST: usize = 1000;

/// One directive, as `%-8s` or `%.2f`.
struct Directive {
    left: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    kind: char,
}

impl Directive {
    /// Reads what stands behind the `%`; none where the format ends in it.
    fn read(chars: &mut std::str::Chars<'_>) -> Option<Self> {
        let mut spec = String::new();
        let kind = loop {
            match chars.next()? {
                c if c.is_ascii_alphabetic() || c == '%' => break c,
                c => spec.push(c),
            }
        };
        let digits = spec.trim_start_matches(['-', '+', ' ', '#', '0']);
        let flags = spec.get(..spec.len() - digits.len()).unwrap_or_default();
        let (width, precision) = digits.split_once('.').map_or((digits, None), |(width, rest)| (width, Some(rest)));
        Some(Self {
            left: flags.contains('-'),
            zero: flags.contains('0'),
            width: width.parse().unwrap_or(0).min(WIDEST),
            precision: precision.map(|digits| digits.parse().unwrap_or(0).min(WIDEST)),
            kind,
        })
    }

    fn write(&self, value: &str) -> String {
        let text = match (self.kind, self.precision) {
            ('d' | 'i', _) => format!("{:.0}", number(value).trunc()),
            ('f', digits) => format!("{:.*}", digits.unwrap_or(6), number(value)),
            ('b', _) => escapes(value),
            (_, Some(most)) => value.chars().take(most).collect(),
            (_, None) => value.to_owned(),
        };
        let fill = self.width.saturating_sub(text.chars().count());
        match (self.left, text.strip_prefix('-').filter(|_| self.zero)) {
            (true, _) => text + &" ".repeat(fill),
            (false, Some(digits)) => format!("-{}{digits}", "0".repeat(fill)),
            (false, None) => if self.zero { "0" } else { " " }.repeat(fill) + &text,
        }
    }
}

/// Writes a format with the arguments that it asks for; one that is missing is empty.
pub fn printf<'a>(format: &str, rest: &mut impl Iterator<Item = &'a String>) -> String {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        match (c == '%').then(|| Directive::read(&mut chars)) {
            None => out.push(c),
            Some(None) => out.push('%'),
            Some(Some(Directive { kind: '%', .. })) => out.push('%'),
            Some(Some(directive)) => out.push_str(&directive.write(rest.next().map_or("", String::as_str))),
        }
    }
    out
}

/// The number that a text begins with, as awk reads it.
pub fn number(text: &str) -> f64 {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
    text.get(..end).and_then(|digits| digits.parse().ok()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn writes_what_the_format_asks_for() {
        let cases = [
            ("%s=%d %%", "a 3x", "a=3 %"),
            ("[%4s|%-4s|%04d|%04d]", "a b 7 -7", "[   a|b   |0007|-007]"),
            ("%.2f %f %.1s %i", "1.239 2 xyz 4.9", "1.24 2.000000 x 4"),
            ("%s%d%", "", "0%"),
            ("%-99999999999999999999d%.9999999999s|", "7 x", "7x|"),
        ];
        for (format, args, wanted) in cases {
            let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
            assert_eq!(super::printf(format, &mut args.iter()), wanted, "{format}");
        }
    }
}
