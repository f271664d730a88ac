//! Expansion of words: variables and what `${name…}` does to them, splitting, file names, patterns, `[[ … ]]`.

use regex::Regex;

use super::arithmetic;
use super::builtins::compare;
use super::shell::{Programs, Shell};
use super::syntax::{Edit, Part, Word};
use crate::scenario::files::parent;

/// Whether a text fits a pattern of the shell.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    glob_regex(pattern, true, "^", "$").is_some_and(|regex| regex.is_match(text))
}

/// A pattern as a regular expression; `\x` is `x` itself.
fn glob_regex(pattern: &str, greedy: bool, before: &str, after: &str) -> Option<Regex> {
    let mut source = format!("(?s){before}");
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => source.push_str(if greedy { ".*" } else { ".*?" }),
            '?' => source.push('.'),
            '[' if chars.clone().any(|c| c == ']') => {
                source.push('[');
                if matches!(chars.peek(), Some('!' | '^')) {
                    chars.next();
                    source.push('^');
                }
                for c in chars.by_ref() {
                    if matches!(c, '\\' | '[') {
                        source.push('\\');
                    }
                    source.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            '\\' => source.push_str(&regex::escape(&chars.next().unwrap_or('\\').to_string())),
            c => source.push_str(&regex::escape(&c.to_string())),
        }
    }
    source.push_str(after);
    Regex::new(&source).ok()
}

impl<P: Programs> Shell<'_, '_, P> {
    /// The text of a word, not split.
    pub(super) fn text(&mut self, word: &Word) -> String {
        word.iter().map(|part| self.part(part)).collect()
    }

    /// The text of a word as a pattern: what was quoted stands for itself.
    pub(super) fn pattern(&mut self, word: &Word) -> String {
        let mut pattern = String::new();
        for part in word {
            let text = self.part(part);
            match part {
                Part::Text(_, true) | Part::Variable(_, _, true) | Part::Output(_, true) => {
                    pattern.extend(text.chars().flat_map(|c| ['\\', c]));
                }
                _ => pattern.push_str(&text),
            }
        }
        pattern
    }

    /// Words after expansion: unquoted variables and outputs are split at blanks, braces and file names are expanded.
    pub(super) fn fields(&mut self, words: &[Word]) -> Vec<String> {
        let mut fields = Vec::new();
        for word in words {
            if let [Part::Text(text, false)] = word.as_slice() {
                for one in braces(text) {
                    self.file_names(one, &mut fields);
                }
                continue;
            }
            let mut current = String::new();
            let mut started = false;
            for part in word {
                if let Part::Variable(name, None, true) = part
                    && name == "@"
                {
                    let args = self.args.clone();
                    for (at, arg) in args.iter().enumerate() {
                        if at > 0 {
                            fields.push(std::mem::take(&mut current));
                        }
                        current.push_str(arg);
                        started = true;
                    }
                    continue;
                }
                let text = self.part(part);
                let quoted = match part {
                    Part::Variable(_, _, quoted) | Part::Output(_, quoted) => *quoted,
                    part => Self::is_text(part),
                };
                if quoted {
                    current.push_str(&text);
                    // `"$@"` without arguments is no word.
                    started |= !(text.is_empty() && matches!(part, Part::Text(..)) && holds_arguments(word));
                    continue;
                }
                if text.starts_with(char::is_whitespace) && started {
                    fields.push(std::mem::take(&mut current));
                    started = false;
                }
                let mut pieces = text.split_whitespace().peekable();
                while let Some(piece) = pieces.next() {
                    current.push_str(piece);
                    started = true;
                    if pieces.peek().is_some() || text.ends_with(char::is_whitespace) {
                        fields.push(std::mem::take(&mut current));
                        started = false;
                    }
                }
            }
            if started {
                fields.push(current);
            }
        }
        fields
    }

    /// A word with `*` or `?` becomes the files that it fits, where there are any.
    fn file_names(&self, word: String, fields: &mut Vec<String>) {
        let own = word.rsplit('/').next().unwrap_or(&word);
        if !own.contains(['*', '?']) {
            return fields.push(word);
        }
        let dir = parent(&word).to_owned();
        let place = self.world.place(&dir);
        let listed = self.world.files.list(&place).unwrap_or_default().into_iter().map(|entry| entry.name);
        let below = format!("{place}/");
        let written = self.world.written.keys().filter_map(|path| path.strip_prefix(&below)).map(str::to_owned);
        let mut found: Vec<String> = listed
            .chain(written)
            .filter(|name| !name.contains('/') && !name.starts_with('.') && glob(own, name))
            .map(|name| if dir.is_empty() { name } else { format!("{dir}/{name}") })
            .collect();
        found.sort();
        found.dedup();
        if found.is_empty() { fields.push(word) } else { fields.extend(found) }
    }

    fn part(&mut self, part: &Part) -> String {
        match part {
            Part::Text(text, _) => text.clone(),
            Part::Variable(name, edit, _) => {
                let value = self.variable(name);
                match edit {
                    None => value.unwrap_or_default(),
                    Some(edit) => self.edited(name, value, edit),
                }
            }
            Part::Output(script, _) => self.substitute(script).trim_end_matches('\n').to_owned(),
            Part::Process(script) => self.process(script),
            Part::Arithmetic(word) => {
                let text = self.text(word);
                match arithmetic::evaluate(&text, &mut self.world.vars) {
                    Ok(value) => value.to_string(),
                    Err(_) => {
                        self.status = 1;
                        String::new()
                    }
                }
            }
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "?" => Some(self.last.to_string()),
            "#" => Some(self.args.len().to_string()),
            "@" | "*" => Some(self.args.join(" ")),
            "$" | "!" => Some("4711".to_owned()),
            "0" => Some("sh".to_owned()),
            "PWD" => Some(self.world.dir.clone()),
            "SECONDS" => Some((self.programs.now() / 1000 % 100_000).to_string()),
            name => match name.parse::<usize>() {
                Ok(number) => self.args.get(number.wrapping_sub(1)).cloned(),
                Err(_) => self.world.vars.get(name).cloned(),
            },
        }
    }

    fn edited(&mut self, name: &str, value: Option<String>, edit: &Edit) -> String {
        let set = value.is_some();
        let value = value.unwrap_or_default();
        match edit {
            Edit::Length => value.chars().count().to_string(),
            Edit::Otherwise(sign, empty_counts, word) => {
                let there = set && !(*empty_counts && value.is_empty());
                match (sign, there) {
                    ('+', true) => self.text(word),
                    ('+', false) => String::new(),
                    (_, true) => value,
                    ('?', false) => {
                        self.exit = Some(1);
                        String::new()
                    }
                    ('=', false) => {
                        let new = self.text(word);
                        self.world.vars.insert(name.to_owned(), new.clone());
                        new
                    }
                    _ => self.text(word),
                }
            }
            Edit::CutFront(pattern, most) => {
                let pattern = self.pattern(pattern);
                let regex = glob_regex(&pattern, *most, "^(?:", ")");
                regex.map_or(value.clone(), |regex| regex.replacen(&value, 1, "").into_owned())
            }
            Edit::CutBack(pattern, most) => {
                let pattern = self.pattern(pattern);
                let Some(regex) = glob_regex(&pattern, true, "^(?:", ")$") else { return value };
                let ends: Vec<usize> = value.char_indices().map(|(at, _)| at).chain([value.len()]).collect();
                let fits = |at: &&usize| value.get(**at..).is_some_and(|tail| regex.is_match(tail));
                let at = if *most { ends.iter().find(fits) } else { ends.iter().rev().find(fits) };
                at.and_then(|at| value.get(..*at)).unwrap_or(&value).to_owned()
            }
            Edit::Replace(pattern, with, all) => {
                let (pattern, with) = (self.pattern(pattern), self.text(with));
                let regex = glob_regex(&pattern, true, "", "");
                let count = usize::from(!*all);
                let with = regex::NoExpand(&with);
                regex.map_or(value.clone(), |regex| regex.replacen(&value, count, with).into_owned())
            }
            Edit::Slice(from, length) => {
                let chars: Vec<char> = value.chars().collect();
                let length_of = i64::try_from(chars.len()).unwrap_or(0);
                let from = if *from < 0 { (length_of + from).max(0) } else { *from };
                let from = usize::try_from(from).unwrap_or(0);
                chars.into_iter().skip(from).take(length.unwrap_or(usize::MAX)).collect()
            }
            Edit::Case(true) => value.to_uppercase(),
            Edit::Case(false) => value.to_lowercase(),
        }
    }

    /// `[[ … ]]`.
    pub(super) fn extended_test(&mut self, words: &[Word]) -> bool {
        let is = |word: &Word, text: &str| matches!(word.as_slice(), [Part::Text(own, false)] if own == text);
        let mut depth = 0;
        for operator in ["||", "&&"] {
            for (at, word) in words.iter().enumerate() {
                depth += i32::from(is(word, "(")) - i32::from(is(word, ")"));
                if depth == 0 && is(word, operator) {
                    let (left, right) = words.split_at(at);
                    let left = self.extended_test(left);
                    let right = right.get(1..).unwrap_or_default();
                    return match operator {
                        "||" => left || self.extended_test(right),
                        _ => left && self.extended_test(right),
                    };
                }
            }
        }
        match words {
            [not, rest @ ..] if is(not, "!") => !self.extended_test(rest),
            [open, inner @ .., close] if is(open, "(") && is(close, ")") => self.extended_test(inner),
            [left, operator, right] if is(operator, "=~") => {
                let (left, right) = (self.text(left), self.text(right));
                Regex::new(&right).is_ok_and(|regex| regex.is_match(&left))
            }
            [left, operator, right] if is(operator, "==") || is(operator, "=") || is(operator, "!=") => {
                let fits = glob(&self.pattern(right), &self.text(left));
                fits != is(operator, "!=")
            }
            words => {
                let words: Vec<String> = words.iter().map(|word| self.text(word)).collect();
                compare(&words, self.world)
            }
        }
    }
}

fn holds_arguments(word: &Word) -> bool {
    word.iter().any(|part| matches!(part, Part::Variable(name, None, true) if name == "@"))
}

/// `{a,b}` and `{1..3}`.
fn braces(word: &str) -> Vec<String> {
    let Some((before, inside, after)) = word
        .split_once('{')
        .and_then(|(before, rest)| rest.split_once('}').map(|(inside, after)| (before, inside, after)))
    else {
        return vec![word.to_owned()];
    };
    let items: Vec<String> = match inside.split_once("..") {
        Some((from, to)) => match (from.parse::<i64>(), to.parse::<i64>()) {
            (Ok(from), Ok(to)) if from <= to && to - from < 1000 => {
                (from..=to).map(|number| number.to_string()).collect()
            }
            _ => return vec![word.to_owned()],
        },
        None if inside.contains(',') && !before.ends_with('$') => inside.split(',').map(str::to_owned).collect(),
        None => return vec![word.to_owned()],
    };
    let after = braces(after);
    items.iter().flat_map(|item| after.iter().map(move |after| format!("{before}{item}{after}"))).collect()
}
