//! The text filters of scripts: small subsets of grep, sed, awk, cut, tr, sort, head, tail, wc, base64 and jq.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::RegexBuilder;
use serde_json::{Map, Value};

/// What a filter prints, and its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// 0 is success.
    pub status: i32,
}

impl Output {
    /// Success with this text.
    pub fn text(stdout: impl Into<String>) -> Self {
        Self { stdout: stdout.into(), ..Self::default() }
    }

    /// Failure with these words.
    pub fn failed(status: i32, stderr: impl Into<String>) -> Self {
        Self { stderr: stderr.into(), status, ..Self::default() }
    }
}

/// Runs a filter on the text of its files or of standard input; `None` where there is no such filter.
#[must_use]
pub fn run(name: &str, args: &[String], input: &str) -> Option<Output> {
    let outcome = match name {
        "grep" | "egrep" | "fgrep" => grep(name, args, input),
        "sed" => sed(args, input),
        "awk" => awk(args, input),
        "cut" => cut(args, input),
        "tr" => tr(args, input),
        "sort" => Ok(sort(args, input)),
        "uniq" => Ok(uniq(input)),
        "head" | "tail" => ends(name, args, input),
        "wc" => Ok(wc(args, input)),
        "base64" => base64(args, input),
        "jq" => jq(args, input),
        _ => return None,
    };
    Some(outcome.unwrap_or_else(|words| Output::failed(2, format!("{name}: {words}\n"))))
}

type Outcome = Result<Output, String>;

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
}

fn joined<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(line.as_ref());
        text.push('\n');
    }
    text
}

/// Splits off the options: letters of `-abc`, long names, and the words that are no options.
fn options(args: &[String]) -> (Vec<String>, Vec<&str>) {
    let (mut flags, mut words) = (Vec::new(), Vec::new());
    for arg in args {
        if let Some(long) = arg.strip_prefix("--") {
            flags.push(long.to_owned());
        } else if let Some(short) = arg.strip_prefix('-').filter(|short| !short.is_empty()) {
            flags.extend(short.chars().map(String::from));
        } else {
            words.push(arg.as_str());
        }
    }
    (flags, words)
}

fn grep(name: &str, args: &[String], input: &str) -> Outcome {
    let (flags, words) = options(args);
    let has = |letters: &[&str]| flags.iter().any(|flag| letters.contains(&flag.as_str()));
    let pattern = words.first().ok_or("a pattern is missing")?;
    let source = if has(&["F", "fixed-strings"]) || name == "fgrep" {
        regex::escape(pattern)
    } else if has(&["E", "P", "extended-regexp"]) || name == "egrep" {
        (*pattern).to_owned()
    } else {
        basic_regex(pattern)
    };
    let source = if has(&["w"]) { format!(r"\b(?:{source})\b") } else { source };
    let regex = RegexBuilder::new(&source)
        .case_insensitive(has(&["i", "ignore-case"]))
        .build()
        .map_err(|_| format!("invalid pattern {pattern:?}"))?;
    let inverted = has(&["v", "invert-match"]);
    let found: Vec<&str> = lines(input).filter(|line| regex.is_match(line) != inverted).collect();
    let stdout = if has(&["q", "quiet", "silent"]) {
        String::new()
    } else if has(&["c", "count"]) {
        format!("{}\n", found.len())
    } else if has(&["o", "only-matching"]) {
        joined(found.iter().flat_map(|line| regex.find_iter(line)).map(|found| found.as_str()))
    } else {
        joined(&found)
    };
    Ok(Output { stdout, stderr: String::new(), status: i32::from(found.is_empty()) })
}

/// A POSIX basic regular expression in the syntax of the regex crate.
fn basic_regex(pattern: &str) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    let mut first = true;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('(' | ')' | '{' | '}' | '|' | '+' | '?')) => out.push(c),
                Some(c @ ('w' | 'W' | 's' | 'S' | 'b' | 'n' | 't')) => out.extend(['\\', c]),
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
                for c in chars.by_ref() {
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

/// `s/regex/replacement/flags`, `/regex/d` and `-n '/regex/p'` commands.
fn sed(args: &[String], input: &str) -> Outcome {
    let extended = args.iter().any(|arg| matches!(arg.as_str(), "-E" | "-r"));
    let quiet = args.iter().any(|arg| arg == "-n");
    let scripts: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let script = scripts.first().ok_or("a command is missing")?;
    let compile = |source: &str, insensitive: bool| {
        let source = if extended { source.to_owned() } else { basic_regex(source) };
        RegexBuilder::new(&source)
            .case_insensitive(insensitive)
            .build()
            .map_err(|_| format!("invalid pattern {source:?}"))
    };
    if let Some(rest) = script.strip_prefix('/') {
        let (pattern, command) = rest.rsplit_once('/').ok_or("a command is not closed")?;
        let regex = compile(pattern, false)?;
        let kept = lines(input).filter(|line| match command {
            "d" => !regex.is_match(line),
            _ => !quiet || regex.is_match(line),
        });
        return Ok(Output::text(joined(kept)));
    }
    let mut edits = Vec::new();
    for command in split_sed(script) {
        let mut chars = command.chars();
        let (Some('s'), Some(mark)) = (chars.next(), chars.next()) else {
            return Err(format!("unknown command {command:?}"));
        };
        let parts = split_unescaped(chars.as_str(), mark);
        let [pattern, replacement, flags] = parts.as_slice() else { return Err("a command is not closed".into()) };
        edits.push((
            compile(pattern, flags.contains('i') || flags.contains('I'))?,
            replacement_text(replacement),
            flags.contains('g'),
        ));
    }
    let edited = lines(input).map(|line| {
        edits.iter().fold(line.to_owned(), |line, (regex, with, all)| {
            regex.replacen(&line, usize::from(!all), with.as_str()).into_owned()
        })
    });
    Ok(Output::text(joined(edited)))
}

fn split_sed(script: &str) -> Vec<String> {
    script
        .split('\n')
        .flat_map(|line| line.split("; s"))
        .enumerate()
        .map(|(at, part)| {
            let part = part.trim().trim_end_matches(';');
            if at > 0 && !part.starts_with('s') { format!("s{part}") } else { part.to_owned() }
        })
        .filter(|part| !part.is_empty())
        .collect()
}

fn split_unescaped(text: &str, mark: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let Some(last) = parts.last_mut() else { break };
        match c {
            '\\' => match chars.next() {
                Some(next) if next == mark => last.push(next),
                Some(next) => last.extend(['\\', next]),
                None => last.push('\\'),
            },
            c if c == mark => parts.push(String::new()),
            c => last.push(c),
        }
    }
    parts
}

fn replacement_text(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(digit) if digit.is_ascii_digit() => out.push_str(&format!("${{{digit}}}")),
                Some('n') => out.push('\n'),
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

/// `[-F sep] 'NR==1{print $1}'`: one pattern (a comparison or a regex) and one `print`.
fn awk(args: &[String], input: &str) -> Outcome {
    let mut separator = None;
    let mut program = None;
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.strip_prefix("-F") {
            Some("") => separator = rest.next().cloned(),
            Some(value) => separator = Some(value.to_owned()),
            None => program = program.or(Some(arg)),
        }
    }
    let program = program.ok_or("a program is missing")?.trim();
    let (pattern, action) = match program.split_once('{') {
        Some((pattern, action)) => (pattern.trim(), action.trim().trim_end_matches('}').trim()),
        None => (program, "print"),
    };
    let fields_of = |line: &str| -> Vec<String> {
        match separator.as_deref() {
            Some(mark) => line.split(mark).map(str::to_owned).collect(),
            None => line.split_whitespace().map(str::to_owned).collect(),
        }
    };
    let mut stdout = String::new();
    for (number, line) in lines(input).enumerate() {
        let fields = fields_of(line);
        let value = |operand: &str| awk_value(operand, line, &fields, number + 1);
        if awk_matches(pattern, line, &value)? {
            let what = action.strip_prefix("print").ok_or_else(|| format!("unknown action {action:?}"))?.trim();
            let printed: Vec<String> = match what {
                "" => vec![line.to_owned()],
                list => list.split(',').map(|operand| value(operand.trim())).collect(),
            };
            stdout.push_str(&printed.join(" "));
            stdout.push('\n');
        }
    }
    Ok(Output::text(stdout))
}

fn awk_value(operand: &str, line: &str, fields: &[String], number: usize) -> String {
    match operand {
        "NR" => number.to_string(),
        "NF" => fields.len().to_string(),
        "$0" => line.to_owned(),
        "$NF" => fields.last().cloned().unwrap_or_default(),
        _ => match operand.strip_prefix('$').and_then(|index| index.parse::<usize>().ok()) {
            Some(index) => fields.get(index.wrapping_sub(1)).cloned().unwrap_or_default(),
            None => operand.trim_matches('"').to_owned(),
        },
    }
}

fn awk_matches(pattern: &str, line: &str, value: &dyn Fn(&str) -> String) -> Result<bool, String> {
    if pattern.is_empty() {
        return Ok(true);
    }
    if let Some(source) = pattern.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
        return Ok(RegexBuilder::new(source)
            .build()
            .map_err(|_| format!("invalid pattern {source:?}"))?
            .is_match(line));
    }
    let operators = ["==", "!=", ">=", "<=", ">", "<"];
    let found = operators.iter().find_map(|operator| pattern.split_once(operator).map(|(a, b)| (*operator, a, b)));
    let (operator, left, right) = found.ok_or_else(|| format!("unknown pattern {pattern:?}"))?;
    let (left, right) = (value(left.trim()), value(right.trim()));
    let order = match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.partial_cmp(&right),
        _ => Some(left.cmp(&right)),
    };
    let Some(order) = order else { return Ok(false) };
    Ok(match operator {
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        ">=" => order.is_ge(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_lt(),
    })
}

/// The value of an option written `-x value` or `-xvalue`.
fn option<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    let at = args.iter().position(|arg| arg.starts_with(name))?;
    let glued = args.get(at)?.strip_prefix(name)?;
    if glued.is_empty() { args.get(at + 1).map(String::as_str) } else { Some(glued) }
}

fn cut(args: &[String], input: &str) -> Outcome {
    let mark = option(args, "-d").unwrap_or("\t");
    let list = option(args, "-f").ok_or("only fields (-f) can be cut")?;
    let wanted = |index: usize| {
        list.split(',').any(|range| match range.split_once('-') {
            Some((from, to)) => index >= from.parse().unwrap_or(1) && index <= to.parse().unwrap_or(usize::MAX),
            None => range.parse() == Ok(index),
        })
    };
    let cut_line = |line: &str| {
        if !line.contains(mark) {
            return line.to_owned();
        }
        let kept: Vec<&str> =
            line.split(mark).enumerate().filter(|(at, _)| wanted(at + 1)).map(|(_, part)| part).collect();
        kept.join(mark)
    };
    Ok(Output::text(joined(lines(input).map(cut_line))))
}

fn tr(args: &[String], input: &str) -> Outcome {
    let (flags, words) = options(args);
    let set = |text: &str| text.replace("\\n", "\n").replace("\\t", "\t").chars().collect::<Vec<char>>();
    let expand = |text: &str| match text {
        "[:upper:]" | "A-Z" => ('A'..='Z').collect(),
        "[:lower:]" | "a-z" => ('a'..='z').collect(),
        "[:space:]" => vec![' ', '\t', '\n', '\r'],
        text => set(text),
    };
    let from = expand(words.first().ok_or("a set is missing")?);
    if flags.iter().any(|flag| flag == "d") {
        return Ok(Output::text(input.chars().filter(|c| !from.contains(c)).collect::<String>()));
    }
    let to = expand(words.get(1).ok_or("a second set is missing")?);
    let map = |c: char| match from.iter().position(|own| *own == c) {
        Some(at) => to.get(at).or(to.last()).copied().unwrap_or(c),
        None => c,
    };
    Ok(Output::text(input.chars().map(map).collect::<String>()))
}

fn sort(args: &[String], input: &str) -> Output {
    let (flags, _) = options(args);
    let has = |names: &[&str]| flags.iter().any(|flag| names.contains(&flag.as_str()));
    let key = option(args, "--key").or_else(|| option(args, "-k")).and_then(|key| key.parse::<usize>().ok());
    let field = |line: &str| match key {
        Some(key) => line.split_whitespace().nth(key.saturating_sub(1)).unwrap_or("").to_owned(),
        None => line.to_owned(),
    };
    let mut sorted: Vec<&str> = lines(input).collect();
    if has(&["n", "numeric", "numeric-sort"]) {
        let number = |line: &str| {
            let field = field(line);
            let digits: String = field.trim().chars().take_while(|c| c.is_ascii_digit() || *c == '-').collect();
            digits.parse::<i64>().unwrap_or(0)
        };
        sorted.sort_by_key(|line| number(line));
    } else {
        sorted.sort_by_key(|line| field(line));
    }
    if has(&["r", "reverse"]) {
        sorted.reverse();
    }
    if has(&["u", "unique"]) {
        sorted.dedup();
    }
    Output::text(joined(sorted))
}

fn uniq(input: &str) -> Output {
    let mut kept: Vec<&str> = lines(input).collect();
    kept.dedup();
    Output::text(joined(kept))
}

fn ends(name: &str, args: &[String], input: &str) -> Outcome {
    let number = option(args, "-n").or_else(|| args.iter().find_map(|arg| arg.strip_prefix('-'))).unwrap_or("10");
    let all: Vec<&str> = lines(input).collect();
    let parse = |text: &str| text.parse::<usize>().map_err(|_| format!("invalid number of lines {number:?}"));
    let kept = match (name, number.strip_prefix('+')) {
        ("head", _) => all.get(..parse(number)?.min(all.len())),
        (_, Some(from)) => all.get(parse(from)?.saturating_sub(1).min(all.len())..),
        _ => all.get(all.len().saturating_sub(parse(number)?)..),
    };
    Ok(Output::text(joined(kept.unwrap_or_default())))
}

fn wc(args: &[String], input: &str) -> Output {
    let count = match args.first().map(String::as_str) {
        Some("-w") => input.split_whitespace().count(),
        Some("-c") => input.len(),
        _ => input.matches('\n').count(),
    };
    Output::text(format!("{count}\n"))
}

fn base64(args: &[String], input: &str) -> Outcome {
    if args.iter().any(|arg| matches!(arg.as_str(), "-d" | "-D" | "--decode")) {
        let compact: String = input.split_whitespace().collect();
        let bytes = STANDARD.decode(compact).map_err(|_| "invalid input")?;
        return Ok(Output::text(String::from_utf8_lossy(&bytes)));
    }
    Ok(Output::text(format!("{}\n", STANDARD.encode(input))))
}

/// Paths, object templates of paths and literals, `== literal`; `-r` and `-e`.
fn jq(args: &[String], input: &str) -> Outcome {
    let (flags, words) = options(args);
    let program = words.first().ok_or("a program is missing")?;
    let value: Value = serde_json::from_str(input).map_err(|error| format!("parse error: {error}"))?;
    let results = jq_program(program, &value)?;
    let raw = flags.iter().any(|flag| flag == "r" || flag == "raw-output");
    let status = results.last().is_none_or(|last| matches!(last, Value::Null | Value::Bool(false)));
    let print = |value: &Value| match value {
        Value::String(text) if raw => text.clone(),
        value if flags.iter().any(|flag| flag == "c") => value.to_string(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    };
    let status = i32::from(status && flags.iter().any(|flag| flag == "e" || flag == "exit-status"));
    Ok(Output { stdout: joined(results.iter().map(print)), stderr: String::new(), status })
}

fn jq_program(program: &str, value: &Value) -> Result<Vec<Value>, String> {
    let program = program.trim();
    if program.starts_with('{') || program.starts_with('[') {
        return jq_template(program, value).map(|value| vec![value]);
    }
    if let Some((left, right)) = program.split_once("==") {
        let right: Value =
            serde_json::from_str(right.trim()).map_err(|_| format!("unsupported program {program:?}"))?;
        return Ok(jq_program(left, value)?.into_iter().map(|left| Value::Bool(left == right)).collect());
    }
    if let Some((first, rest)) = program.split_once('|') {
        let mut results = Vec::new();
        for value in jq_program(first, value)? {
            results.extend(jq_program(rest, &value)?);
        }
        return Ok(results);
    }
    if program == "length" {
        let length = value.as_array().map(Vec::len).or_else(|| value.as_object().map(Map::len));
        return Ok(vec![Value::from(length.or_else(|| Some(value.as_str()?.chars().count())).unwrap_or(0))]);
    }
    let path = program.strip_prefix('.').ok_or_else(|| format!("unsupported program {program:?}"))?;
    super::jsonpath::steps(path)
        .map(|steps| super::jsonpath::select(&steps, value).into_iter().cloned().collect::<Vec<_>>())
        .map(|found| if found.is_empty() && !path.contains("[]") { vec![Value::Null] } else { found })
}

/// An object or list literal whose values may be paths: each path becomes its JSON, then all is read as JSON.
fn jq_template(template: &str, value: &Value) -> Result<Value, String> {
    let mut json = String::new();
    let mut rest = template;
    while let Some(c) = rest.chars().next() {
        if c == '"' {
            let end = rest.get(1..).and_then(|tail| tail.find('"')).ok_or("a string is not closed")? + 2;
            let (text, tail) = rest.split_at_checked(end).ok_or("a string is not closed")?;
            json.push_str(text);
            rest = tail;
        } else if c == '.' {
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | '}' | ']')).unwrap_or(rest.len());
            let (path, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
            json.push_str(&jq_program(path, value)?.first().unwrap_or(&Value::Null).to_string());
            rest = tail;
        } else {
            json.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or("");
        }
    }
    serde_json::from_str(&json)
        .or_else(|_| serde_yaml::from_str(&json))
        .map_err(|_| format!("unsupported program {template:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(command: &str, input: &str) -> (String, i32) {
        let args: Vec<String> = command.split('\u{1f}').map(str::to_owned).collect();
        let (name, args) = args.split_first().expect("a command");
        let output = run(name, args, input).expect("a filter");
        (output.stdout + &output.stderr, output.status)
    }

    macro_rules! cases {
        ($($name:ident: [$($word:expr),+], $input:expr => $output:expr, $status:expr;)+) => {
            $(#[test] fn $name() { assert_eq!(filter(&[$($word),+].join("\u{1f}"), $input), ($output.to_owned(), $status)); })+
        };
    }

    cases! {
        grep_finds: ["grep", "a.c"], "abc\nx\n" => "abc\n", 0;
        grep_is_quiet_and_fails: ["grep", "-q", "z"], "abc\n" => "", 1;
        grep_takes_parentheses_as_they_are: ["grep", "-c", "(a)"], "(a)\n" => "1\n", 0;
        sed_replaces_with_escapes: ["sed", r"s/\[Node\/\*,\*,\*\]//g", "-"], "x[Node/*,*,*]y\n" => "xy\n", 0;
        sed_replaces_once: ["sed", "s/a/<&>/"], "aa\n" => "<a>a\n", 0;
        awk_takes_a_line: ["awk", "NR==2{print $1}"], "a b\nc d\n" => "c\n", 0;
        awk_compares: ["awk", "$2>0"], "a 0\nb 3\n" => "b 3\n", 0;
        cut_takes_fields: ["cut", "-d:", "-f2"], "a:b:c\n" => "b\n", 0;
        tr_deletes: ["tr", "-d", "\\n"], "a\nb\n" => "ab", 0;
        sort_by_key: ["sort", "--key", "2", "--numeric"], "a 10\nb 9\n" => "b 9\na 10\n", 0;
        tail_from: ["tail", "-n", "+2"], "a\nb\nc\n" => "b\nc\n", 0;
        head_of: ["head", "-1"], "a\nb\n" => "a\n", 0;
        wc_counts_lines: ["wc", "-l"], "a\nb\n" => "2\n", 0;
        base64_decodes: ["base64", "-d"], "YQ==\n" => "a", 0;
        jq_path: ["jq", "-r", ".a.b"], r#"{"a":{"b":"x"}}"# => "x\n", 0;
        jq_null_check: ["jq", "-e", ".a.c == null"], r#"{"a":{"b":"x"}}"# => "true\n", 0;
        jq_builds: ["jq", "-c", "{ \"m\": [{ \"u\": .a.b }] }"], r#"{"a":{"b":"x"}}"# => "{\"m\":[{\"u\":\"x\"}]}\n", 0;
    }
}
