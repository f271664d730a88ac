//! The text filters of scripts: grep, sed, awk, jq, and the small ones as far as scripts use them.

mod awk;
mod grep;
mod jq;
mod sed;
mod values;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha2::{Digest, Sha256};

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

    /// Adds what comes after it; its status counts.
    pub fn add(&mut self, next: Self) {
        self.stdout.push_str(&next.stdout);
        self.stderr.push_str(&next.stderr);
        self.status = next.status;
    }
}

/// Runs a filter on the text of its files or of standard input; `None` where there is no such filter.
#[must_use]
pub fn run(name: &str, args: &[String], input: &str) -> Option<Output> {
    let outcome = match name {
        "grep" | "egrep" | "fgrep" => grep::grep(name, args, input),
        "sed" => sed::sed(args, input),
        "awk" | "gawk" | "mawk" => awk::awk(args, input),
        "cut" => cut(args, input),
        "tr" => tr(args, input),
        "sort" => Ok(sort(args, input)),
        "uniq" => Ok(uniq(args, input)),
        "tac" => Ok(Output::text(joined(lines(input).collect::<Vec<_>>().iter().rev()))),
        "rev" => Ok(Output::text(joined(lines(input).map(|line| line.chars().rev().collect::<String>())))),
        "nl" => Ok(Output::text(joined(lines(input).enumerate().map(|(at, line)| format!("{:6}\t{line}", at + 1))))),
        "column" | "more" | "less" => Ok(Output::text(input)),
        "paste" => Ok(paste(args, input)),
        "sha256sum" => Ok(digest(&Sha256::digest(input))),
        "md5sum" => Ok(digest(&Md5::digest(input))),
        "head" | "tail" => ends(name, args, input),
        "wc" => Ok(wc(args, input)),
        "base64" => base64(args, input),
        "jq" => jq::jq(args, input),
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

/// The value of an option written `-x value` or `-xvalue`.
fn option<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    let at = args.iter().position(|arg| arg.starts_with(name))?;
    let glued = args.get(at)?.strip_prefix(name)?;
    if glued.is_empty() { args.get(at + 1).map(String::as_str) } else { Some(glued) }
}

fn cut(args: &[String], input: &str) -> Outcome {
    let long = |short: &str, name: &str| {
        option(args, short)
            .map(str::to_owned)
            .or_else(|| args.iter().find_map(|arg| arg.strip_prefix(name)).map(str::to_owned))
    };
    let mark = long("-d", "--delimiter=").unwrap_or_else(|| "\t".to_owned());
    let letters = option(args, "-c").or_else(|| option(args, "-b"));
    let fields = long("-f", "--fields=");
    let list = match (letters, &fields) {
        (Some(list), _) => list,
        (None, Some(list)) => list,
        (None, None) => return Err("you must specify a list of bytes, characters, or fields".into()),
    };
    let wanted = |index: usize| {
        list.split(',').any(|range| match range.split_once('-') {
            Some((from, to)) => index >= from.parse().unwrap_or(1) && index <= to.parse().unwrap_or(usize::MAX),
            None => range.parse() == Ok(index),
        })
    };
    let quiet = args.iter().any(|arg| arg == "-s");
    let cut_line = |line: &str| -> Option<String> {
        if letters.is_some() {
            return Some(line.chars().enumerate().filter(|(at, _)| wanted(at + 1)).map(|(_, c)| c).collect());
        }
        if !line.contains(mark.as_str()) {
            return (!quiet).then(|| line.to_owned());
        }
        let kept: Vec<&str> =
            line.split(mark.as_str()).enumerate().filter(|(at, _)| wanted(at + 1)).map(|(_, part)| part).collect();
        Some(kept.join(&mark))
    };
    Ok(Output::text(joined(lines(input).filter_map(cut_line))))
}

fn tr(args: &[String], input: &str) -> Outcome {
    let (flags, words) = options(args);
    let has = |letter: &str| flags.iter().any(|flag| flag == letter);
    let from = set_of(words.first().ok_or("a set is missing")?);
    let fits = |c: char| from.contains(&c) != (has("c") || has("C"));
    if has("d") {
        return Ok(Output::text(input.chars().filter(|c| !fits(*c)).collect::<String>()));
    }
    let to = match words.get(1) {
        Some(to) => set_of(to),
        None if has("s") => Vec::new(),
        None => return Err("a second set is missing".into()),
    };
    let map = |c: char| {
        if to.is_empty() || !fits(c) {
            return c;
        }
        let at = from.iter().position(|own| *own == c).unwrap_or(usize::MAX);
        to.get(at).or(to.last()).copied().unwrap_or(c)
    };
    let squeezed = if to.is_empty() { &from } else { &to };
    let mut out = String::new();
    for c in input.chars().map(map) {
        if !(has("s") && squeezed.contains(&c) && out.ends_with(c)) {
            out.push(c);
        }
    }
    Ok(Output::text(out))
}

/// The characters of a set of `tr`: ranges, classes, escapes.
fn set_of(text: &str) -> Vec<char> {
    let text = text
        .replace("[:upper:]", "A-Z")
        .replace("[:lower:]", "a-z")
        .replace("[:digit:]", "0-9")
        .replace("[:alpha:]", "A-Za-z")
        .replace("[:alnum:]", "A-Za-z0-9")
        .replace("[:space:]", " \t\n\r")
        .replace("[:blank:]", " \t")
        .replace("[:punct:]", "!-/:-@[-`{-~");
    let chars: Vec<char> = super::builtins::escapes(&text).chars().collect();
    let mut set = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        match (chars.get(at + 1), chars.get(at + 2)) {
            (Some('-'), Some(end)) if *end > c => {
                set.extend(c..=*end);
                at += 3;
            }
            _ => {
                set.push(c);
                at += 1;
            }
        }
    }
    set
}

fn sort(args: &[String], input: &str) -> Output {
    let (flags, _) = options(args);
    let key = option(args, "--key").or_else(|| option(args, "-k")).unwrap_or("").trim_start_matches('=');
    let has = |names: &[&str]| {
        flags.iter().any(|flag| names.contains(&flag.as_str()))
            || names.first().is_some_and(|letter| key.split(',').next().unwrap_or("").ends_with(letter))
    };
    let mark = option(args, "-t");
    let number: Option<usize> = key
        .split([',', '.'])
        .next()
        .map(|key| key.trim_end_matches(char::is_alphabetic))
        .and_then(|key| key.parse().ok());
    let field = |line: &str| match (number, mark) {
        (Some(number), Some(mark)) => line.split(mark).nth(number.saturating_sub(1)).unwrap_or("").to_owned(),
        (Some(number), None) => line.split_whitespace().nth(number.saturating_sub(1)).unwrap_or("").to_owned(),
        (None, _) => line.to_owned(),
    };
    let mut sorted: Vec<&str> = lines(input).collect();
    sorted.sort_unstable();
    if has(&["n", "numeric", "numeric-sort", "g", "h"]) {
        let number = |line: &str| {
            let field = field(line);
            let digits: String =
                field.trim().chars().take_while(|c| c.is_ascii_digit() || matches!(c, '-' | '.')).collect();
            digits.parse::<f64>().unwrap_or(0.0)
        };
        sorted.sort_by(|a, b| number(a).total_cmp(&number(b)));
    } else if has(&["V", "version-sort"]) {
        let parts = |line: &str| {
            field(line).split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect::<Vec<u64>>()
        };
        sorted.sort_by_key(|line| parts(line));
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

/// `uniq [-c|-d|-u]`.
fn uniq(args: &[String], input: &str) -> Output {
    let has = |letter: char| args.iter().any(|arg| arg.starts_with('-') && arg.contains(letter));
    let mut groups: Vec<(usize, &str)> = Vec::new();
    for line in lines(input) {
        match groups.last_mut().filter(|(_, last)| *last == line) {
            Some((count, _)) => *count += 1,
            None => groups.push((1, line)),
        }
    }
    groups.retain(|(count, _)| (!has('d') || *count > 1) && (!has('u') || *count == 1));
    Output::text(joined(groups.iter().map(
        |(count, line)| {
            if has('c') { format!("{count:7} {line}") } else { (*line).to_owned() }
        },
    )))
}

/// `paste -s -d, -`.
fn paste(args: &[String], input: &str) -> Output {
    let mark = args.iter().find_map(|arg| arg.strip_prefix("-sd")).or_else(|| option(args, "-d")).unwrap_or("\t");
    Output::text(lines(input).collect::<Vec<_>>().join(mark) + "\n")
}

fn digest(bytes: &[u8]) -> Output {
    Output::text(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "  -\n")
}

fn ends(name: &str, args: &[String], input: &str) -> Outcome {
    if let Some(count) = option(args, "-c") {
        let count = count.trim_start_matches('+').parse().map_err(|_| "invalid number of bytes")?;
        let chars: Vec<char> = input.chars().collect();
        let kept = if name == "head" { chars.get(..count) } else { chars.get(chars.len().saturating_sub(count)..) };
        return Ok(Output::text(kept.unwrap_or(&chars).iter().collect::<String>()));
    }
    let long = args.iter().find_map(|arg| arg.strip_prefix("--lines="));
    let short = option(args, "-n").or(long).or_else(|| args.iter().find_map(|arg| arg.strip_prefix('-')));
    let number = short.filter(|number| !number.is_empty()).unwrap_or("10");
    let all: Vec<&str> = lines(input).collect();
    let parse = |text: &str| text.trim().parse::<usize>().map_err(|_| format!("invalid number of lines {number:?}"));
    let kept = match (name, number.strip_prefix('+'), number.strip_prefix('-')) {
        ("head", _, Some(but)) => all.get(..all.len().saturating_sub(parse(but)?)),
        ("head", ..) => all.get(..parse(number)?.min(all.len())),
        (_, Some(from), _) => all.get(parse(from)?.saturating_sub(1).min(all.len())..),
        (.., but) => all.get(all.len().saturating_sub(parse(but.unwrap_or(number))?)..),
    };
    Ok(Output::text(joined(kept.unwrap_or_default())))
}

fn wc(args: &[String], input: &str) -> Output {
    let has = |letter: char| args.iter().any(|arg| arg.starts_with('-') && arg.contains(letter));
    let (lines, words, bytes) = (input.matches('\n').count(), input.split_whitespace().count(), input.len());
    let text = if has('l') {
        lines.to_string()
    } else if has('w') {
        words.to_string()
    } else if has('c') {
        bytes.to_string()
    } else if has('m') {
        input.chars().count().to_string()
    } else {
        format!("{lines:7} {words:7} {bytes:7}")
    };
    Output::text(text + "\n")
}

fn base64(args: &[String], input: &str) -> Outcome {
    if args.iter().any(|arg| matches!(arg.as_str(), "-d" | "-D" | "--decode")) {
        let compact: String = input.split_whitespace().collect();
        let bytes = STANDARD.decode(compact).map_err(|_| "invalid input")?;
        return Ok(Output::text(String::from_utf8_lossy(&bytes)));
    }
    let text = STANDARD.encode(input);
    let wrapped = option(args, "-w").or_else(|| args.iter().find_map(|arg| arg.strip_prefix("--wrap=")));
    let width = wrapped.and_then(|width| width.parse().ok()).unwrap_or(76);
    if width == 0 {
        return Ok(Output::text(text));
    }
    let lines = text.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line).into_owned());
    Ok(Output::text(joined(lines)))
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
        grep_extended: ["grep", "-Eo", "[0-9]+|x{2}"], "a12 xx\n" => "12\nxx\n", 0;
        grep_several: ["grep", "-e", "a", "-e", "c", "-n"], "a\nb\nc\n" => "1:a\n3:c\n", 0;
        grep_class: ["grep", "-c", "^[[:space:]]*x"], "  x\nx\ny\n" => "2\n", 0;
        grep_alternatives: ["grep", "-q", "a\\|b"], "b\n" => "", 0;
        sed_deletes_and_prints: ["sed", "-n", "2,3p;$d"], "a\nb\nc\nd\n" => "b\nc\n", 0;
        sed_ranges: ["sed", "/b/,/c/d"], "a\nb\nx\nc\nd\n" => "a\nd\n", 0;
        sed_groups: ["sed", "-E", "s#(a)/(b)#\\2-\\1#"], "a/b\n" => "b-a\n", 0;
        sed_several: ["sed", "-e", "s/a/b/", "-e", "s/b/c/g"], "ab\n" => "cc\n", 0;
        awk_sums: ["awk", "{s+=$2; n++} END {print s, n}"], "a 1\nb 2.5\n" => "3.5 2\n", 0;
        awk_filters: ["awk", "-F:", "$1 == \"a\" && NF > 1 {print $NF}"], "a:b\nc:d\na\n" => "b\n", 0;
        awk_matches: ["awk", "/^x/ && $2 ~ /b/ {printf \"%s=%d\\n\", $1, $3}"], "xa b 3\nx c 4\n" => "xa=3\n", 0;
        awk_counts: ["awk", "{c[$1]++} END {for (k in c) print k \":\" c[k]}"], "a\nb\na\n" => "a:2\nb:1\n", 0;
        awk_variables: ["awk", "-v", "n=b", "$1==n{print NR}"], "a\nb\n" => "2\n", 0;
        awk_gsub: ["awk", "{gsub(/\"/, \"\", $2); print $2}"], "x \"y\"\n" => "y\n", 0;
        tr_squeezes: ["tr", "-s", " "], "a  b\n" => "a b\n", 0;
        tr_ranges: ["tr", "a-c", "A-C"], "abcd\n" => "ABCd\n", 0;
        uniq_counts: ["uniq", "-c"], "a\na\nb\n" => "      2 a\n      1 b\n", 0;
        head_but: ["head", "-n", "-1"], "a\nb\n" => "a\n", 0;
        base64_wraps: ["base64", "-w0"], "a" => "YQ==", 0;
        jq_selects: ["jq", "-r", ".items[] | select(.a.b == \"x\" and (.n // 0) > 1) | .name"], r#"{"items":[{"name":"p","a":{"b":"x"},"n":2},{"name":"q","a":{"b":"x"}}]}"# => "p\n", 0;
        jq_counts: ["jq", "[.items[] | select(.k | startswith(\"a\"))] | length"], r#"{"items":[{"k":"ab"},{"k":"b"}]}"# => "1\n", 0;
        jq_entries: ["jq", "-c", "to_entries | map(\"\\(.key)=\\(.value)\") | join(\",\")"], r#"{"a":1,"b":"x"}"# => "\"a=1,b=x\"\n", 0;
        jq_changes: ["jq", "-c", "del(.a[0]) | .b.c = 3 | .d |= map(. + 1)"], r#"{"a":[1,2],"d":[1]}"# => "{\"a\":[2],\"d\":[2],\"b\":{\"c\":3}}\n", 0;
        jq_keys: ["jq", "-r", ".data[\"a.b\"], .data.\"c-d\""], r#"{"data":{"a.b":"1","c-d":"2"}}"# => "1\n2\n", 0;
        jq_branches: ["jq", "if .a then \"y\" else \"n\" end"], "{}" => "\"n\"\n", 0;
        jq_arguments: ["jq", "--arg", "n", "x", ".[] | select(.name == $n) | .v"], r#"[{"name":"x","v":1},{"name":"y"}]"# => "1\n", 0;
        jq_exit_status: ["jq", "-e", ".a"], "{}" => "null\n", 1;
        jq_builds: ["jq", "-c", "{ \"m\": [{ \"u\": .a.b }] }"], r#"{"a":{"b":"x"}}"# => "{\"m\":[{\"u\":\"x\"}]}\n", 0;
    }
}
