//! Wildcards of names and values: `*` is any run of characters, `?` exactly one; nothing can be escaped.

/// Whether `text` matches `pattern` as a whole. An empty pattern matches only the empty text.
///
/// Follows `IGLOU-EU/go-wildcard` v1, which Kyverno's `ext/wildcard` calls; `?` stands for one code point.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut pattern = pattern.chars();
    let mut text = text.chars();
    // Where to go on when the characters after the last `*` do not fit: its rest, and what it has not swallowed yet.
    let mut retry = None;
    loop {
        let mut rest = pattern.clone();
        match rest.next() {
            Some('*') => {
                retry = Some((rest.clone(), text.clone()));
                pattern = rest;
                continue;
            }
            Some(wanted) => {
                let mut after = text.clone();
                if after.next().is_some_and(|found| wanted == '?' || wanted == found) {
                    pattern = rest;
                    text = after;
                    continue;
                }
            }
            None if text.as_str().is_empty() => return true,
            None => {}
        }
        let Some((after_star, swallowed)) = retry.as_mut() else { return false };
        if swallowed.next().is_none() {
            return false;
        }
        pattern = after_star.clone();
        text = swallowed.clone();
    }
}

/// Whether the text holds `*` or `?`.
#[must_use]
pub fn contains_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether any text matches any pattern.
pub fn any_match<P: AsRef<str>, T: AsRef<str>>(patterns: &[P], texts: &[T]) -> bool {
    texts.iter().any(|text| patterns.iter().any(|pattern| matches(pattern.as_ref(), text.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_text_is_matched() {
        for (pattern, text, wanted) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "a/b.c", true),
            ("?", "", false),
            ("?*", "a", true),
            ("?*", "", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("*:latest", "nginx:latest", true),
            ("*:latest", "nginx:latest1", false),
            ("ä?ü", "äöü", true),
            ("a?c", "abbc", false),
            ("**a**", "xxaxx", true),
            ("[a]", "a", false),
        ] {
            assert_eq!(matches(pattern, text), wanted, "{pattern} {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_ends() {
        assert!(!matches(&"*a".repeat(200), &"b".repeat(2000)));
    }
}
