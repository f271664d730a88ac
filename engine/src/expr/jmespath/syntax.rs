//! Text of an expression → tree, with the fork's leniencies and its words for what is wrong.

use jmespath::{ErrorReason, JmespathError};

use super::Error;
use super::ast::{Node, convert};

/// How deep an expression may nest. Chains such as `a.b.c` count too: they make a deep tree as well.
const MAX_DEPTH: usize = 400;
/// How many missing commas of a multi-select hash are supplied.
const MAX_COMMAS: usize = 64;

pub(super) fn parse(expression: &str) -> Result<Node, Error> {
    if depth(expression) > MAX_DEPTH {
        return Err(Error::Syntax(format!("SyntaxError: nested deeper than {MAX_DEPTH}")));
    }
    let mut text = expression.to_owned();
    for _ in 0..=MAX_COMMAS {
        match jmespath::parse(&text) {
            Ok(ast) => return Ok(convert(&ast, &text)),
            // The fork reads `{a: x b: y}` as if the comma were there.
            Err(error) if misses_comma(&error) && text.is_char_boundary(error.offset) => {
                text.insert(error.offset, ',');
            }
            Err(error) => return Err(Error::Syntax(words(&error))),
        }
    }
    Err(Error::Syntax("SyntaxError: Expected tComma".to_owned()))
}

fn reason(error: &JmespathError) -> &str {
    match &error.reason {
        ErrorReason::Parse(words) => words,
        ErrorReason::Runtime(_) => "",
    }
}

fn misses_comma(error: &JmespathError) -> bool {
    let found = reason(error).strip_prefix("Expected '}' or ',' -- found ");
    found.is_some_and(|token| token.starts_with("Identifier(") || token.starts_with("QuotedIdentifier("))
}

/// The fork's message for a syntax error of the crate.
fn words(error: &JmespathError) -> String {
    let reason = reason(error);
    let (what, found) = reason.split_once(" -- found ").unwrap_or((reason, ""));
    let token = token(found);
    let words = match what {
        "Unexpected nud token" if found == "Eof" => "Incomplete expression".to_owned(),
        "Unexpected nud token" => format!("Invalid token: {token}"),
        "Did not parse the complete expression" => {
            format!("Unexpected token at the end of the expression: {token}")
        }
        "Unexpected led token" => format!("Unexpected token: {token}"),
        "Expected '.', '[', or '[?'" => "Error".to_owned(),
        "Expected ')' to close '('" => format!("Expected tRparen, received: {token}"),
        "Expected ']'" | "Expected ']' for wildcard index" => format!("Expected tRbracket, received: {token}"),
        "Expected Field to start key value pair" => "Expected tQuotedIdentifier or tUnquotedIdentifier".to_owned(),
        "Expected ':' to follow key" => format!("Expected tColon, received: {token}"),
        "Quoted strings can't be a function name" => "Can't have quoted identifier as function Name.".to_owned(),
        _ if what.starts_with("Expected identifier,") => "Expected identifier, lbracket, or lbrace".to_owned(),
        _ if what.starts_with("Expected number, ':', or '*'") => format!("Expected tStar, received: {token}"),
        _ if what.starts_with("Unclosed ") => format!("Unclosed delimiter: {}", delimiter(what)),
        _ => match what.strip_prefix("Invalid character: ").and_then(|rest| rest.chars().next()) {
            Some(c) if c.is_ascii() => format!("Unknown char: {c:?}"),
            Some(c) if u32::from(c) <= 0xFFFF => format!("Unknown char: '\\u{:04x}'", u32::from(c)),
            Some(c) => format!("Unknown char: '\\U{:08x}'", u32::from(c)),
            None => what.to_owned(),
        },
    };
    format!("SyntaxError: {words}")
}

fn delimiter(unclosed: &str) -> char {
    unclosed.chars().nth("Unclosed ".len()).unwrap_or('"')
}

/// The fork's name for a token that the crate prints with `{:?}`.
fn token(debug: &str) -> &'static str {
    match debug.split('(').next().unwrap_or_default() {
        "Identifier" => "tUnquotedIdentifier",
        "QuotedIdentifier" => "tQuotedIdentifier",
        "Number" => "tNumber",
        "Literal" if debug.contains("String") => "tStringLiteral",
        "Literal" => "tJSONLiteral",
        "Dot" => "tDot",
        "Star" => "tStar",
        "Flatten" => "tFlatten",
        "And" => "tAnd",
        "Or" => "tOr",
        "Pipe" => "tPipe",
        "Filter" => "tFilter",
        "Lbracket" => "tLbracket",
        "Rbracket" => "tRbracket",
        "Comma" => "tComma",
        "Colon" => "tColon",
        "Not" => "tNot",
        "Ne" => "tNE",
        "Eq" => "tEQ",
        "Gt" => "tGT",
        "Gte" => "tGTE",
        "Lt" => "tLT",
        "Lte" => "tLTE",
        "At" => "tCurrent",
        "Ampersand" => "tExpref",
        "Lparen" => "tLparen",
        "Rparen" => "tRparen",
        "Lbrace" => "tLbrace",
        "Rbrace" => "tRbrace",
        "Eof" => "tEOF",
        _ => "tUnknown",
    }
}

/// An upper bound of the depth of the tree: operators since the last comma, summed over the open brackets.
fn depth(expression: &str) -> usize {
    let (mut levels, mut deepest) = (vec![0usize], 0);
    let mut chars = expression.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' | '`' => skip_quoted(&mut chars, c),
            '(' | '[' | '{' => levels.push(1),
            ')' | ']' | '}' => {
                let inner = levels.pop().unwrap_or(0);
                // `a[0][1]` and `f(x)[0]` chain as well.
                match levels.last_mut() {
                    Some(outer) => *outer += usize::from(inner > 0),
                    None => levels.push(1),
                }
            }
            ',' => {
                if let Some(level) = levels.last_mut() {
                    *level = 1;
                }
            }
            '.' | '|' | '&' | '!' | '<' | '>' | '=' | '*' => {
                if let Some(level) = levels.last_mut() {
                    *level += 1;
                }
            }
            _ => {}
        }
        deepest = deepest.max(levels.iter().sum());
    }
    deepest
}

fn skip_quoted(chars: &mut std::str::Chars<'_>, quote: char) {
    while let Some(c) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote {
            return;
        }
    }
}
