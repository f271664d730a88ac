//! Tokens of the small expression languages of awk and jq.

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name, a variable, a keyword.
    Name(String),
    /// A number.
    Number(f64),
    /// A text without its quotes, escapes not yet resolved.
    Text(String),
    /// An operator.
    Sign(&'static str),
    /// A line's end, where the language cares.
    Line,
}

/// Cuts a program into tokens; `signs` are the operators, longer ones before those that they begin with.
///
/// # Errors
/// A character that belongs to no token.
pub(super) fn tokens(
    text: &str,
    signs: &'static [&'static str],
    name: impl Fn(char) -> bool,
) -> Result<Vec<Token>, String> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        let start = at;
        let take = |at: usize| chars.get(start..at).unwrap_or_default().iter().collect::<String>();
        match c {
            '\n' => {
                at += 1;
                tokens.push(Token::Line);
            }
            c if c.is_whitespace() => at += 1,
            '\\' if chars.get(at + 1) == Some(&'\n') => at += 2,
            '#' => at += chars.iter().skip(at).take_while(|c| **c != '\n').count(),
            '"' => {
                at += 1;
                let mut depth = 0;
                while let Some(c) = chars.get(at).filter(|c| **c != '"' || depth > 0) {
                    match (c, chars.get(at + 1)) {
                        ('\\', Some('(')) if depth == 0 => {
                            depth = 1;
                            at += 1;
                        }
                        ('\\', _) => at += 1,
                        ('(', _) if depth > 0 => depth += 1,
                        (')', _) if depth > 0 => depth -= 1,
                        _ => {}
                    }
                    at += 1;
                }
                if at >= chars.len() {
                    return Err("a string is not closed".into());
                }
                tokens.push(Token::Text(chars.get(start + 1..at).unwrap_or_default().iter().collect()));
                at += 1;
            }
            c if c.is_ascii_digit() => {
                let part = |c: &&char| c.is_ascii_digit() || **c == '.';
                at += chars.iter().skip(at).take_while(part).count();
                tokens.push(Token::Number(take(at).parse().map_err(|_| "a number is malformed")?));
            }
            c if name(c) => {
                at += chars.iter().skip(at).take_while(|c| name(**c) || c.is_ascii_digit()).count();
                tokens.push(Token::Name(take(at)));
            }
            _ => {
                let sign =
                    signs.iter().find(|sign| sign.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c)));
                let sign = sign.ok_or_else(|| format!("syntax error near {c:?}"))?;
                at += sign.len();
                tokens.push(Token::Sign(sign));
            }
        }
    }
    Ok(tokens)
}
