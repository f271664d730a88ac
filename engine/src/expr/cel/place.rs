//! Where the nodes of an expression are in its text, and messages as cel-go prints them.

use std::collections::BTreeMap;

use cel::parser::PrattParser;

use super::lower::Mistake;
use crate::object::order;

/// Line from 1, column from 0 in code points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 0.
    pub column: usize,
}

/// The parser with the options of Kubernetes and Kyverno.
#[must_use]
pub fn parser() -> PrattParser {
    PrattParser::new().enable_optional_syntax(true).enable_ident_escape_syntax(true).max_recursion_depth(200)
}

/// The byte offset of every node. The parser hands its table out only with an error, so it is given a stray comma.
#[must_use]
pub fn offsets(source: &str, ids: &[u64]) -> BTreeMap<u64, usize> {
    let Err(errors) = parser().parse(&format!("{source}\n,")) else { return BTreeMap::new() };
    let Some(info) = errors.errors.into_iter().find_map(|error| error.source_info) else { return BTreeMap::new() };
    order::map(ids.iter().filter_map(|id| Some((*id, info.offset_for(*id)?.0 as usize))))
}

/// The line and column of a byte offset.
#[must_use]
pub fn place(source: &str, offset: usize) -> Place {
    let before = source.get(..offset).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count();
    Place { line, column }
}

/// Where cel-go reports a global call: at its parenthesis, not at its name.
fn parenthesis(source: &str, offset: usize) -> usize {
    let rest = source.get(offset..).unwrap_or("");
    let name = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum();
    match rest.get(name..) {
        Some(after) if name > 0 && after.starts_with('(') => offset + name,
        _ => offset,
    }
}

/// The mistakes of an expression with their places, as `cel.Issues` prints them.
#[must_use]
pub fn describe(source: &str, mistakes: &[Mistake]) -> (String, Vec<(Place, String)>) {
    let ids: Vec<u64> = mistakes.iter().map(|(id, _)| *id).collect();
    let offsets = offsets(source, &ids);
    let mut placed: Vec<(Place, String)> = mistakes
        .iter()
        .map(|(id, words)| {
            let offset = offsets.get(id).copied().unwrap_or(0);
            (place(source, parenthesis(source, offset)), words.clone())
        })
        .collect();
    order::sort_by_key(&mut placed, |(place, _)| (place.line, place.column));
    let text: Vec<String> = placed.iter().map(|(place, words)| message(source, *place, words)).collect();
    (text.join("\n"), placed)
}

/// One message with its line and a caret below it.
#[must_use]
pub fn message(source: &str, place: Place, words: &str) -> String {
    let line = source.split('\n').nth(place.line.saturating_sub(1)).unwrap_or("").replace('\t', " ");
    let mut pointer: String =
        line.chars().take(place.column).map(|c| if c.len_utf8() > 1 { '\u{ff0e}' } else { '.' }).collect();
    let wide = line.chars().nth(place.column).is_some_and(|c| c.len_utf8() > 1);
    pointer.push(if wide { '\u{ff3e}' } else { '^' });
    format!("ERROR: <input>:{}:{}: {words}\n | {line}\n | {pointer}", place.line, place.column + 1)
}
