//! Refuses expressions that nest too deeply, before anything recursive sees them.

use cel::parser::pratt_parser::{Lexer, TokenKind};

/// Code points of one expression (cel-go's default).
const MAX_SIZE: usize = 100_000;
/// Depth of the tree that an expression may make.
const MAX_DEPTH: usize = 400;

/// How deep the tree can get below one bracket.
#[derive(Default)]
struct Level {
    selects: usize,
    operators: usize,
    ternaries: usize,
}

/// Checks size and depth by counting tokens: long chains nest to the left, conditionals to the right.
///
/// # Errors
/// In cel-go's words where it has the same limit.
pub fn check(source: &str) -> Result<(), String> {
    let size = source.chars().count();
    if size > MAX_SIZE {
        return Err(format!("expression code point size exceeds limit: size: {size}, limit {MAX_SIZE}"));
    }
    let mut lexer = Lexer::new(source);
    let mut levels = vec![Level::default()];
    loop {
        let kind = lexer.lex().kind;
        let Some(level) = levels.last_mut() else { return Ok(()) };
        match kind {
            TokenKind::TokEnd | TokenKind::TokError => return Ok(()),
            TokenKind::TokLeftParen | TokenKind::TokLeftBracket | TokenKind::TokLeftBrace => {
                level.selects += 1;
                levels.push(Level::default());
            }
            TokenKind::TokRightParen | TokenKind::TokRightBracket | TokenKind::TokRightBrace => {
                if levels.len() > 1 {
                    levels.pop();
                }
            }
            TokenKind::TokComma => *level = Level::default(),
            TokenKind::TokLogicalAnd | TokenKind::TokLogicalOr | TokenKind::TokColon => {
                level.selects = 0;
                level.operators = 0;
            }
            TokenKind::TokQuestion => {
                level.selects = 0;
                level.operators = 0;
                level.ternaries += 1;
            }
            TokenKind::TokDot | TokenKind::TokExclamation => level.selects += 1,
            TokenKind::TokIdent
            | TokenKind::TokReservedWord
            | TokenKind::TokString
            | TokenKind::TokBytes
            | TokenKind::TokInt
            | TokenKind::TokUint
            | TokenKind::TokFloat
            | TokenKind::TokTrue
            | TokenKind::TokFalse
            | TokenKind::TokNull
            | TokenKind::TokWhitespace
            | TokenKind::TokComment => continue,
            _ => {
                level.selects = 0;
                level.operators += 1;
            }
        }
        let depth: usize = levels.iter().map(|level| level.selects + level.operators + level.ternaries).sum();
        if depth > MAX_DEPTH {
            return Err(format!("expression recursion limit exceeded: {MAX_DEPTH}"));
        }
    }
}
