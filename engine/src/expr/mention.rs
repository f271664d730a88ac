//! Whether a query mentions a context entry, which then has to be loaded.
//!
//! Follows `NewDeferredLoader` of `pkg/engine/context/deferred.go`: the name stands at the start or after anything but a dot, a digit or a
//! letter, and ends at a word boundary. Kyverno does not escape the name, so any other than a plain word is a regular expression.

use ::regex::Regex;

use super::jmespath::functions::regex::compile;

/// Finds one name in queries.
#[derive(Debug)]
pub(super) enum Mention {
    /// Letters, digits, `_` and `-`.
    Word(String),
    /// Anything else.
    Pattern(Regex),
}

impl Mention {
    /// The finder of a name.
    ///
    /// # Errors
    /// The name is no regular expression.
    pub(super) fn of(name: &str) -> Result<Self, String> {
        if !name.is_empty() && name.bytes().all(|byte| is_word(byte) || byte == b'-') {
            return Ok(Self::Word(name.to_owned()));
        }
        compile(&format!(r"(?:\A|\z|\s|[^.0-9A-Za-z]){name}\b")).map(Self::Pattern)
    }

    /// Whether a query mentions it.
    pub(super) fn is_in(&self, query: &str) -> bool {
        match self {
            Self::Pattern(pattern) => pattern.is_match(query),
            Self::Word(name) => query.match_indices(name.as_str()).any(|(at, found)| {
                let before = query.as_bytes().get(at.wrapping_sub(1));
                let last = found.as_bytes().last().is_some_and(|byte| is_word(*byte));
                let after = query.as_bytes().get(at + found.len()).is_some_and(|byte| is_word(*byte));
                before.is_none_or(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'.')) && last != after
            }),
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_like_the_expression() {
        let queries =
            ["x", "x.y", "y.x", "a x", "(x)", "_x", "xx", "x1", "1x", "xx x", "x-y", "my-x", "", "äx", "x ä", "x|y"];
        for name in ["x", "x-y", "y", "my-x", "x-"] {
            let pattern = compile(&format!(r"(?:\A|\z|\s|[^.0-9A-Za-z]){name}\b")).unwrap();
            let word = Mention::of(name).unwrap();
            for query in queries {
                assert_eq!(word.is_in(query), pattern.is_match(query), "{name} in {query}");
            }
        }
    }
}
