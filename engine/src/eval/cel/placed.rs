//! Where a place in an expression is in the file that holds it, whatever style of YAML it is written in.

use crate::expr::cel::place::Place;
use crate::parse::span::Span;

/// The place of a mistake in a file: the words of the expression are looked up, one visible character after the other, in the
/// text of its node. `None` where they do not stand there.
#[must_use]
pub fn within(text: &str, node: Span, expression: &str, place: Place) -> Option<Span> {
    let slice = text.get(node.start..node.end)?;
    let line = expression.split('\n').nth(place.line.checked_sub(1)?)?;
    let line_start = line.as_ptr().addr().checked_sub(expression.as_ptr().addr())?;
    let inside: usize = line.chars().take(place.column).map(char::len_utf8).sum();
    let before = expression.get(..line_start + inside)?;
    let visible = |part: &str| part.chars().filter(|c| !c.is_whitespace()).count();
    let written = written(slice);
    let start = match written.get(visible(before)) {
        Some((at, c)) if expression.get(before.len()..)?.trim_start().starts_with(*c) => node.start + at,
        None if written.len() == visible(expression) => {
            node.start + written.last().map_or(0, |(at, c)| at + c.len_utf8())
        }
        _ => return None,
    };
    let head = text.get(..start)?;
    let word = text.get(start..)?;
    let length: usize = word.chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum();
    Some(Span {
        start,
        end: start + length.max(1),
        line: head.matches('\n').count() + 1,
        column: head.rsplit('\n').next().unwrap_or("").chars().count() + 1,
    })
}

/// The visible characters of a scalar, each with its offset in the text of the scalar.
fn written(slice: &str) -> Vec<(usize, char)> {
    let body = match slice.chars().next() {
        Some('|' | '>') => slice.find('\n').unwrap_or(slice.len()),
        Some('"' | '\'') => 1,
        _ => 0,
    };
    let quote = slice.chars().next().filter(|c| matches!(c, '"' | '\''));
    let mut found = Vec::new();
    let mut chars = slice.char_indices().skip_while(|(at, _)| *at < body);
    while let Some((at, c)) = chars.next() {
        let meant = match (quote, c) {
            (Some('"'), '\\') => chars.next().and_then(|(_, escaped)| match escaped {
                'n' | 't' | 'r' | ' ' | '\n' => None,
                'x' | 'u' | 'U' => {
                    let digits = match escaped {
                        'x' => 2,
                        'u' => 4,
                        _ => 8,
                    };
                    let hex: String = chars.by_ref().take(digits).map(|(_, digit)| digit).collect();
                    u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32)
                }
                other => Some(other),
            }),
            (Some('\''), '\'') => chars.next().map(|(_, quote)| quote),
            (Some('"'), '"') => break,
            (_, c) => Some(c),
        };
        found.extend(meant.filter(|c| !c.is_whitespace()).map(|c| (at, c)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line and column of `bad` in a value, by its place in the expression.
    fn found(value: &str) -> Option<(usize, usize)> {
        let text = format!("a: {value}\n");
        let document = crate::parse::yaml::parse("p.yaml", &text).documents.remove(0);
        let expression = document.value["a"].as_str().expect("a text");
        let (before, _) = expression.split_once("bad").expect("a mistake");
        let place = Place {
            line: before.matches('\n').count() + 1,
            column: before.rsplit('\n').next().unwrap_or("").chars().count(),
        };
        within(&text, document.spans.nearest("/a").span, expression, place).map(|span| (span.line, span.column))
    }

    #[test]
    fn every_style_of_scalar() {
        assert_eq!(found("x == 'a' && bad"), Some((1, 16)));
        assert_eq!(found("x == 'a' &&\n  bad"), Some((2, 3)));
        assert_eq!(found("|\n  x &&\n    bad"), Some((3, 5)));
        assert_eq!(found(">-\n  x &&\n  y &&\n  bad"), Some((4, 3)));
        assert_eq!(found(">\n  bed && bad\n  || bad"), Some((2, 10)));
        assert_eq!(found("'x == ''a'' && bad'"), Some((1, 19)));
        assert_eq!(found("\"x == \\\"a\\\" && bad\""), Some((1, 19)));
        assert_eq!(found("\"x &&\\n  bad\""), Some((1, 13)));
        assert_eq!(found("\"'\\u00e9' == x && bad\""), Some((1, 22)));
        assert_eq!(found("'''é'' == x && bad'"), Some((1, 19)));
    }

    #[test]
    fn the_end_and_what_is_elsewhere() {
        let text = "a: x ==\n";
        let span = crate::parse::yaml::parse("p.yaml", text).documents.remove(0).spans.nearest("/a").span;
        let place = |expression: &str, column| within(text, span, expression, Place { line: 1, column });
        assert_eq!(place("x ==", 4).map(|span| (span.line, span.column)), Some((1, 8)));
        assert_eq!(place("y.spec == 1", 2), None);
    }
}
