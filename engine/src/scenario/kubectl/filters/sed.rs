//! `sed`: addresses, and the commands `s`, `d`, `p`, `q`, `a`, `i`, `c`, `y`, `=`.

use regex::{Regex, RegexBuilder};

use super::grep::basic_regex;
use super::{Outcome, Output};

/// Which lines a command is for.
enum Address {
    Line(usize),
    Last,
    Fits(Regex),
}

enum Action {
    Replace { regex: Regex, with: String, all: bool, nth: usize, print: bool },
    Delete,
    Print,
    Quit,
    Append(String),
    Insert(String),
    Change(String),
    Number,
}

struct Command {
    from: Option<Address>,
    to: Option<Address>,
    negated: bool,
    action: Action,
    /// Between `from` and `to`.
    open: bool,
}

pub(super) fn sed(args: &[String], input: &str) -> Outcome {
    let (mut extended, mut quiet, mut scripts, mut words) = (false, false, Vec::new(), Vec::new());
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "-e" | "--expression" => scripts.extend(rest.next().cloned()),
            flag if flag.starts_with("--expression=") => {
                scripts.extend(flag.split_once('=').map(|(_, text)| text.to_owned()))
            }
            "-" => {}
            flag if flag.starts_with('-') => {
                extended |= flag.contains(['E', 'r']);
                quiet |= flag.contains('n');
            }
            word => words.push(word.to_owned()),
        }
    }
    if scripts.is_empty() {
        scripts.push(words.first().ok_or("a command is missing")?.clone());
    }
    let mut commands = Reader { rest: &scripts.join("\n"), extended }.commands()?;
    let mut out = String::new();
    let all: Vec<&str> = input.lines().collect();
    for (at, line) in all.iter().enumerate() {
        let last = at + 1 == all.len();
        let (mut text, mut printed, mut after, mut quit) = ((*line).to_owned(), !quiet, String::new(), false);
        for command in &mut commands {
            if command.chosen(at + 1, last, &text) == command.negated {
                continue;
            }
            match &command.action {
                Action::Replace { regex, with, all, nth, print } => {
                    let changed = replaced(regex, &text, with, *all, *nth);
                    if *print && changed != text {
                        out.push_str(&format!("{changed}\n"));
                    }
                    text = changed;
                }
                Action::Print => out.push_str(&format!("{text}\n")),
                Action::Number => out.push_str(&format!("{}\n", at + 1)),
                Action::Insert(words) => out.push_str(&format!("{words}\n")),
                Action::Append(words) => after.push_str(&format!("{words}\n")),
                Action::Quit => {
                    quit = true;
                    break;
                }
                Action::Delete | Action::Change(_) => {
                    if let Action::Change(words) = &command.action {
                        out.push_str(&format!("{words}\n"));
                    }
                    printed = false;
                    break;
                }
            }
        }
        if printed {
            out.push_str(&text);
            out.push('\n');
        }
        out.push_str(&after);
        if quit {
            break;
        }
    }
    Ok(Output::text(out))
}

fn replaced(regex: &Regex, text: &str, with: &str, all: bool, nth: usize) -> String {
    if nth > 1 {
        let Some(found) = regex.find_iter(text).nth(nth - 1) else { return text.to_owned() };
        let (before, tail) = text.split_at_checked(found.start()).unwrap_or((text, ""));
        return format!("{before}{}", regex.replacen(tail, usize::from(!all), with));
    }
    regex.replacen(text, usize::from(!all), with).into_owned()
}

impl Command {
    fn chosen(&mut self, number: usize, last: bool, text: &str) -> bool {
        let fits = |address: &Address| match address {
            Address::Line(line) => *line == number,
            Address::Last => last,
            Address::Fits(regex) => regex.is_match(text),
        };
        match (&self.from, &self.to) {
            (None, _) => true,
            (Some(from), None) => fits(from),
            (Some(_), Some(to)) if self.open => {
                self.open = !fits(to) && !matches!(to, Address::Line(line) if *line <= number);
                true
            }
            (Some(from), Some(to)) => {
                let begins = fits(from);
                self.open = begins && !matches!(to, Address::Line(line) if *line <= number);
                begins
            }
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    extended: bool,
}

impl Reader<'_> {
    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next();
        self.rest = chars.as_str();
        c
    }

    fn commands(&mut self) -> Result<Vec<Command>, String> {
        let mut commands = Vec::new();
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\n', ';', '}']);
            if self.rest.is_empty() {
                return Ok(commands);
            }
            let from = self.address()?;
            let to = if self.rest.starts_with(',') {
                self.take();
                self.address()?
            } else {
                None
            };
            self.rest = self.rest.trim_start();
            let negated = self.rest.starts_with('!');
            self.rest = self.rest.trim_start_matches(['!', ' ', '{']);
            let action = self.action()?;
            commands.push(Command { from, to, negated, action, open: false });
        }
    }

    fn address(&mut self) -> Result<Option<Address>, String> {
        let digits = self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 {
            let (number, rest) = self.rest.split_at_checked(digits).unwrap_or(("", ""));
            self.rest = rest;
            return Ok(number.parse().ok().map(Address::Line));
        }
        match self.rest.chars().next() {
            Some('$') => {
                self.take();
                Ok(Some(Address::Last))
            }
            Some('/') => {
                self.take();
                let source = self.until('/')?;
                let insensitive = self.rest.starts_with('I');
                self.rest = self.rest.trim_start_matches('I');
                Ok(Some(Address::Fits(self.regex(&source, insensitive)?)))
            }
            Some('\\') => {
                self.take();
                let mark = self.take().unwrap_or('/');
                let source = self.until(mark)?;
                Ok(Some(Address::Fits(self.regex(&source, false)?)))
            }
            _ => Ok(None),
        }
    }

    /// The text up to a mark; an escaped mark is the mark.
    fn until(&mut self, mark: char) -> Result<String, String> {
        let mut text = String::new();
        while let Some(c) = self.take() {
            match c {
                '\\' => match self.take() {
                    Some(next) if next == mark => text.push(next),
                    Some(next) => text.extend(['\\', next]),
                    None => text.push('\\'),
                },
                c if c == mark => return Ok(text),
                c => text.push(c),
            }
        }
        Err("a command is not closed".into())
    }

    fn regex(&self, source: &str, insensitive: bool) -> Result<Regex, String> {
        let source = if self.extended { source.to_owned() } else { basic_regex(source) };
        let built = RegexBuilder::new(&source).case_insensitive(insensitive).build();
        built.map_err(|_| format!("invalid pattern {source:?}"))
    }

    fn line(&mut self) -> String {
        let rest = self.rest.trim_start_matches([' ', '\\', '\n']);
        let (line, rest) = rest.split_once('\n').unwrap_or((rest, ""));
        self.rest = rest;
        line.to_owned()
    }

    fn action(&mut self) -> Result<Action, String> {
        Ok(match self.take() {
            Some('s') => {
                let mark = self.take().ok_or("a command is not closed")?;
                let (source, with) = (self.until(mark)?, self.until(mark)?);
                let length = self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).len();
                let (flags, rest) = self.rest.split_at_checked(length).unwrap_or(("", ""));
                self.rest = rest;
                let digits: String = flags.chars().filter(char::is_ascii_digit).collect();
                Action::Replace {
                    regex: self.regex(&source, flags.contains(['i', 'I']))?,
                    with: replacement(&with),
                    all: flags.contains('g'),
                    nth: digits.parse().unwrap_or(1),
                    print: flags.contains('p'),
                }
            }
            Some('d') => Action::Delete,
            Some('p') => Action::Print,
            Some('q') => Action::Quit,
            Some('=') => Action::Number,
            Some('a') => Action::Append(self.line()),
            Some('i') => Action::Insert(self.line()),
            Some('c') => Action::Change(self.line()),
            other => return Err(format!("unknown command {other:?}")),
        })
    }
}

fn replacement(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(digit) if digit.is_ascii_digit() => out.push_str(&format!("${{{digit}}}")),
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(c) => out.push(c),
                None => {}
            },
            '&' => out.push_str("${0}"),
            '$' => out.push_str("$$"),
            c => out.push(c),
        }
    }
    out
}
