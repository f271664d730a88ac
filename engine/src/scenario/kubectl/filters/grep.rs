//! `grep` with its usual options.

use regex::RegexBuilder;

use super::{Outcome, Output, joined, lines, options};

pub(super) fn grep(name: &str, args: &[String], input: &str) -> Outcome {
    // `-e PATTERN` may come often; `-A N`, `-B N`, `-m N` have values of their own.
    let (mut patterns, mut kept, mut most, mut around) = (Vec::new(), Vec::new(), usize::MAX, [0; 2]);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let (letter, glued) = arg.split_at_checked(2).unwrap_or((arg, ""));
        let long = arg.strip_prefix("--regexp=");
        let mut value = || if glued.is_empty() { rest.next().cloned().unwrap_or_default() } else { glued.to_owned() };
        match letter {
            "-e" => patterns.push(value()),
            "-m" => most = value().parse().unwrap_or(usize::MAX),
            "-A" | "-B" | "-C" => {
                let count = value().parse().unwrap_or(0);
                for (side, own) in around.iter_mut().zip(["-B", "-A"]) {
                    if letter == own || letter == "-C" {
                        *side = count;
                    }
                }
            }
            _ => match long {
                Some(pattern) => patterns.push(pattern.to_owned()),
                None => kept.push(arg.clone()),
            },
        }
    }
    let (flags, words) = options(&kept);
    let has = |letters: &[&str]| flags.iter().any(|flag| letters.contains(&flag.as_str()));
    if patterns.is_empty() {
        patterns.push((*words.first().ok_or("a pattern is missing")?).to_owned());
    }
    let source = |pattern: &str| {
        if has(&["F", "fixed-strings"]) || name == "fgrep" {
            regex::escape(pattern)
        } else if has(&["E", "P", "extended-regexp", "perl-regexp"]) || name == "egrep" {
            extended_regex(pattern)
        } else {
            basic_regex(pattern)
        }
    };
    let source = patterns.iter().flat_map(|pattern| pattern.split('\n')).map(source).collect::<Vec<_>>().join("|");
    let source = if has(&["w", "word-regexp"]) { format!(r"\b(?:{source})\b") } else { source };
    let source = if has(&["x", "line-regexp"]) { format!("^(?:{source})$") } else { source };
    let regex = RegexBuilder::new(&source)
        .case_insensitive(has(&["i", "y", "ignore-case"]))
        .build()
        .map_err(|_| format!("invalid pattern {source:?}"))?;
    let inverted = has(&["v", "invert-match"]);
    let all: Vec<&str> = lines(input).collect();
    let found: Vec<usize> = (0..all.len())
        .filter(|at| all.get(*at).is_some_and(|line| regex.is_match(line) != inverted))
        .take(most)
        .collect();
    let numbered = |at: usize| {
        let line = all.get(at).copied().unwrap_or("");
        if has(&["n", "line-number"]) { format!("{}:{line}", at + 1) } else { line.to_owned() }
    };
    let stdout = if has(&["q", "quiet", "silent"]) {
        String::new()
    } else if has(&["c", "count"]) {
        format!("{}\n", found.len())
    } else if has(&["o", "only-matching"]) {
        let lines = found.iter().filter_map(|at| all.get(*at));
        joined(lines.flat_map(|line| regex.find_iter(line)).map(|found| found.as_str()))
    } else {
        let [before, after] = around;
        let near = |at: &usize| found.iter().any(|hit| at + before >= *hit && *at <= hit + after);
        joined((0..all.len()).filter(near).map(numbered))
    };
    Ok(Output { stdout, stderr: String::new(), status: i32::from(found.is_empty()) })
}

/// A POSIX extended regular expression: a brace that repeats nothing is itself.
fn extended_regex(pattern: &str) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(std::iter::once('\\').chain(chars.next().map(|c| match c {
                '<' | '>' => 'b',
                c => c,
            }))),
            '{' if !chars.peek().is_some_and(char::is_ascii_digit) => out.push_str("\\{"),
            c => out.push(c),
        }
    }
    out.replace("\\\"", "\"").replace("\\'", "'")
}

/// A POSIX basic regular expression in the syntax of the regex crate.
pub(super) fn basic_regex(pattern: &str) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    let mut first = true;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('(' | ')' | '{' | '}' | '|' | '+' | '?')) => out.push(c),
                Some(c @ ('w' | 'W' | 's' | 'S' | 'b' | 'n' | 't')) => out.extend(['\\', c]),
                Some('<' | '>') => out.push_str("\\b"),
                Some(c) => out.push_str(&regex::escape(&c.to_string())),
                None => {}
            },
            '(' | ')' | '{' | '}' | '|' | '+' | '?' => out.extend(['\\', c]),
            '*' if first => out.push_str("\\*"),
            '[' => {
                out.push('[');
                if chars.peek() == Some(&'^') {
                    out.extend(chars.next());
                }
                let mut inside = false;
                while let Some(c) = chars.next() {
                    if c == '[' && chars.peek() == Some(&':') {
                        // A class such as `[:space:]`.
                        out.push('[');
                        for c in chars.by_ref() {
                            out.push(c);
                            if c == ']' {
                                break;
                            }
                        }
                        inside = true;
                        continue;
                    }
                    if matches!(c, '[' | '\\') || c == ']' && !inside {
                        out.push('\\');
                    }
                    if c == ']' && inside {
                        out.push(']');
                        break;
                    }
                    out.push(c);
                    inside = true;
                }
            }
            c => out.push(c),
        }
        first = false;
    }
    out
}
