//! Runs scripts: variables, pipes, redirections, `if`, loops; programs are text filters and kubectl.

use std::collections::BTreeMap;

use super::filters::{self, Output};
use super::syntax::{Body, Command, Join, Part, Redirect, Script, Word, parse};
use crate::scenario::files::{Files, join};

/// Runs programs that a shell has not built in.
pub trait Programs {
    /// Runs `name` with arguments and standard input; `None` where there is no such program.
    fn run(&mut self, name: &str, args: &[String], input: &str, world: &World<'_>) -> Option<Output>;
    /// Lets virtual time pass.
    fn sleep(&mut self, seconds: f64);
}

/// Files and variables of a script.
pub struct World<'a> {
    /// Files of the test.
    pub files: &'a dyn Files,
    /// The directory it runs in.
    pub dir: String,
    /// Files that scripts of the test wrote.
    pub written: BTreeMap<String, String>,
    /// Variables.
    pub vars: BTreeMap<String, String>,
}

impl World<'_> {
    /// The text of a file, relative to the directory.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<String> {
        let path = join(&self.dir, path);
        self.written.get(&path).cloned().or_else(|| self.files.read(&path))
    }
}

/// Commands that one script may run.
const FUEL: u32 = 20_000;
const MAX_CALLS: u32 = 32;

/// A shell over programs.
pub struct Shell<'a, 'w, P: Programs> {
    /// What runs besides filters.
    pub programs: &'a mut P,
    /// Files and variables.
    pub world: &'a mut World<'w>,
    status: i32,
    exit: Option<i32>,
    errexit: bool,
    fuel: u32,
    calls: u32,
}

impl<'a, 'w, P: Programs> Shell<'a, 'w, P> {
    /// A shell in a world.
    pub fn new(programs: &'a mut P, world: &'a mut World<'w>) -> Self {
        Self { programs, world, status: 0, exit: None, errexit: false, fuel: FUEL, calls: 0 }
    }

    /// Runs the text of a script.
    pub fn run_text(&mut self, text: &str) -> Output {
        match parse(text) {
            Ok(script) => {
                let mut output = self.script(&script, "");
                output.status = self.exit.take().unwrap_or(output.status);
                output
            }
            Err(words) => Output::failed(2, words + "\n"),
        }
    }

    fn script(&mut self, script: &Script, input: &str) -> Output {
        let mut total = Output::default();
        for item in script {
            let wanted = match item.join {
                Join::Then => true,
                Join::And => self.status == 0,
                Join::Or => self.status != 0,
            };
            if !wanted {
                continue;
            }
            let output = self.pipeline(&item.pipeline, input);
            self.status = if item.negated { i32::from(output.status == 0) } else { output.status };
            total.stdout.push_str(&output.stdout);
            total.stderr.push_str(&output.stderr);
            if self.errexit && self.status != 0 && !item.negated && item.join == Join::Then && self.exit.is_none() {
                self.exit = Some(self.status);
            }
            if self.exit.is_some() {
                break;
            }
        }
        total.status = self.exit.unwrap_or(self.status);
        total
    }

    fn pipeline(&mut self, commands: &[Command], input: &str) -> Output {
        let mut stderr = String::new();
        let mut piped = input.to_owned();
        let mut last = Output::default();
        let errexit = self.errexit;
        for (index, command) in commands.iter().enumerate() {
            let output = self.command(command, &piped);
            stderr.push_str(&output.stderr);
            if commands.len() > 1 {
                // Each command of a pipe is a process of its own: its `exit` ends only itself.
                self.exit = None;
            }
            piped = if index + 1 < commands.len() { output.stdout.clone() } else { String::new() };
            last = output;
        }
        if commands.len() > 1 {
            self.errexit = errexit;
        }
        Output { stderr, ..last }
    }

    fn command(&mut self, command: &Command, input: &str) -> Output {
        let Some(fuel) = self.fuel.checked_sub(1) else {
            self.exit = Some(2);
            return Output::failed(2, "shell: the script runs too long\n");
        };
        self.fuel = fuel;
        let mut input = input.to_owned();
        for redirect in &command.redirects {
            match redirect {
                Redirect::Read(word) => {
                    let path = self.text(word);
                    match self.world.read(&path) {
                        Some(text) => input = text,
                        None => return Output::failed(1, format!("{path}: No such file or directory\n")),
                    }
                }
                Redirect::Here(word) => input = self.text(word),
                Redirect::File(..) | Redirect::Copy(..) => {}
            }
        }
        let output = self.body(&command.body, &input);
        self.redirected(output, &command.redirects)
    }

    fn redirected(&mut self, output: Output, redirects: &[Redirect]) -> Output {
        // Where descriptors 1 and 2 lead: themselves, each other, or a file.
        let mut ends = [End::Out, End::Err];
        for redirect in redirects {
            match redirect {
                Redirect::File(number, word, append) => {
                    let path = self.text(word);
                    if !*append && path != "/dev/null" {
                        self.world.written.insert(join(&self.world.dir, &path), String::new());
                    }
                    if let Some(end) = ends.get_mut(usize::from(*number).wrapping_sub(1)) {
                        *end = End::File(path);
                    }
                }
                Redirect::Copy(from, to) => {
                    let target = ends.get(usize::from(*to).wrapping_sub(1)).cloned();
                    if let (Some(target), Some(end)) = (target, ends.get_mut(usize::from(*from).wrapping_sub(1))) {
                        *end = target;
                    }
                }
                Redirect::Read(_) | Redirect::Here(_) => {}
            }
        }
        let mut result = Output { status: output.status, ..Output::default() };
        for (text, end) in [output.stdout, output.stderr].into_iter().zip(ends) {
            match end {
                End::Out => result.stdout.push_str(&text),
                End::Err => result.stderr.push_str(&text),
                End::File(path) if path == "/dev/null" => {}
                End::File(path) => {
                    self.world.written.entry(join(&self.world.dir, &path)).or_default().push_str(&text);
                }
            }
        }
        result
    }

    fn body(&mut self, body: &Body, input: &str) -> Output {
        match body {
            Body::Simple(assignments, words) => self.simple(assignments, words, input),
            Body::Group(script, own) => {
                let saved = own.then(|| (self.world.vars.clone(), self.exit));
                let mut output = self.script(script, input);
                if let Some((vars, exit)) = saved {
                    output.status = self.exit.unwrap_or(output.status);
                    self.world.vars = vars;
                    self.exit = exit;
                }
                output
            }
            Body::If(branches, otherwise) => {
                let mut total = Output::default();
                for (condition, body) in branches {
                    let holds = self.condition(condition, input, &mut total);
                    if self.exit.is_some() {
                        return total;
                    }
                    if holds {
                        self.append(body, input, &mut total);
                        return total;
                    }
                }
                self.status = 0;
                self.append(otherwise, input, &mut total);
                total
            }
            Body::For(name, words, body) => {
                let mut total = Output::default();
                for value in self.fields(words) {
                    self.world.vars.insert(name.clone(), value);
                    self.append(body, input, &mut total);
                    if self.exit.is_some() {
                        break;
                    }
                }
                total
            }
            Body::While(condition, body, until) => {
                let mut total = Output::default();
                while self.condition(condition, input, &mut total) != *until && self.exit.is_none() {
                    self.append(body, input, &mut total);
                    if self.exit.is_some() {
                        break;
                    }
                }
                total
            }
        }
    }

    fn condition(&mut self, script: &Script, input: &str, total: &mut Output) -> bool {
        let errexit = std::mem::replace(&mut self.errexit, false);
        self.append(script, input, total);
        self.errexit = errexit;
        total.status == 0
    }

    fn append(&mut self, script: &Script, input: &str, total: &mut Output) {
        if script.is_empty() {
            total.status = self.status;
            return;
        }
        let output = self.script(script, input);
        total.stdout.push_str(&output.stdout);
        total.stderr.push_str(&output.stderr);
        total.status = output.status;
    }

    fn simple(&mut self, assignments: &[(String, Word)], words: &[Word], input: &str) -> Output {
        self.status = 0;
        let values: Vec<(String, String)> =
            assignments.iter().map(|(name, word)| (name.clone(), self.text(word))).collect();
        let words = self.fields(words);
        let status = self.status;
        let Some((name, args)) = words.split_first() else {
            self.world.vars.extend(values);
            return Output { status, ..Output::default() };
        };
        let saved = self.world.vars.clone();
        let scoped = !values.is_empty();
        self.world.vars.extend(values);
        let output = self.call(name, args, input);
        if scoped {
            self.world.vars = saved;
        }
        output
    }

    fn call(&mut self, name: &str, args: &[String], input: &str) -> Output {
        match name {
            ":" | "true" => Output::default(),
            "false" => Output { status: 1, ..Output::default() },
            "exit" => {
                let status = args.first().and_then(|word| word.parse().ok()).unwrap_or(self.status);
                self.exit = Some(status);
                Output { status, ..Output::default() }
            }
            "echo" => {
                let bare = args.first().is_some_and(|arg| arg == "-n");
                let words = args.get(usize::from(bare)..).unwrap_or_default();
                Output::text(words.join(" ") + if bare { "" } else { "\n" })
            }
            "printf" => Output::text(printf(args)),
            "set" => {
                for arg in args.iter().filter_map(|arg| arg.strip_prefix('-')) {
                    self.errexit |= arg.contains('e');
                }
                Output::default()
            }
            "export" => {
                for (name, value) in args.iter().filter_map(|arg| arg.split_once('=')) {
                    self.world.vars.insert(name.to_owned(), value.to_owned());
                }
                Output::default()
            }
            "sleep" => {
                let seconds = args.first().and_then(|word| word.trim_end_matches('s').parse().ok()).unwrap_or(0.0);
                self.programs.sleep(seconds);
                Output::default()
            }
            "test" | "[" => Output { status: i32::from(!test(args)), ..Output::default() },
            "cat" => self.cat(args, input),
            "rm" => {
                for path in args.iter().filter(|arg| !arg.starts_with('-')) {
                    self.world.written.remove(&join(&self.world.dir, path));
                }
                Output::default()
            }
            "cd" => {
                if let Some(dir) = args.first() {
                    self.world.dir = join(&self.world.dir, dir);
                }
                Output::default()
            }
            "sh" | "bash" if args.first().is_some_and(|arg| arg == "-c") => {
                self.sub_script(args.get(1).map_or("", String::as_str), args.get(2..).unwrap_or_default())
            }
            "sh" | "bash" => match args.split_first() {
                Some((path, rest)) => self.script_file(path, rest),
                None => Output::failed(127, format!("{name}: a file is missing\n")),
            },
            path if path.contains('/') => self.script_file(path, args),
            _ => self.program(name, args, input),
        }
    }

    fn program(&mut self, name: &str, args: &[String], input: &str) -> Output {
        let (args, input) = self.file_operands(name, args, input);
        let ran = filters::run(name, &args, &input).or_else(|| self.programs.run(name, &args, &input, self.world));
        ran.unwrap_or_else(|| Output::failed(127, format!("{name}: command not found\n")))
    }

    /// Filters read the files that follow their program; those that exist are taken out of the arguments.
    fn file_operands(&self, name: &str, args: &[String], input: &str) -> (Vec<String>, String) {
        let skip = match name {
            "grep" | "sed" | "awk" | "jq" => 1,
            "head" | "tail" | "wc" | "sort" | "cut" | "base64" | "uniq" => 0,
            _ => return (args.to_vec(), input.to_owned()),
        };
        let (mut kept, mut texts, mut operands) = (Vec::new(), Vec::new(), 0);
        for arg in args {
            let option = arg.starts_with('-');
            let file = (!option && operands >= skip).then(|| self.world.read(arg)).flatten();
            operands += usize::from(!option);
            match file {
                Some(text) => texts.push(text),
                None => kept.push(arg.clone()),
            }
        }
        let input = if texts.is_empty() { input.to_owned() } else { texts.concat() };
        (kept, input)
    }

    fn script_file(&mut self, path: &str, args: &[String]) -> Output {
        match self.world.read(path) {
            Some(text) => self.sub_script(&text, args),
            None => Output::failed(127, format!("{path}: No such file or directory\n")),
        }
    }

    fn sub_script(&mut self, text: &str, args: &[String]) -> Output {
        if self.calls >= MAX_CALLS {
            return Output::failed(2, "shell: scripts call each other too deeply\n");
        }
        let script = match parse(text) {
            Ok(script) => script,
            Err(words) => return Output::failed(2, words + "\n"),
        };
        let saved = (self.world.vars.clone(), self.world.dir.clone(), self.exit, self.errexit);
        for (index, arg) in args.iter().enumerate() {
            self.world.vars.insert((index + 1).to_string(), arg.clone());
        }
        self.world.vars.insert("#".into(), args.len().to_string());
        self.world.vars.insert("@".into(), args.join(" "));
        self.calls += 1;
        self.errexit = false;
        let mut output = self.script(&script, "");
        output.status = self.exit.unwrap_or(output.status);
        self.calls -= 1;
        (self.world.vars, self.world.dir, self.exit, self.errexit) = saved;
        output
    }

    fn cat(&mut self, args: &[String], input: &str) -> Output {
        let mut text = String::new();
        let paths: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-') || *arg == "-").collect();
        if paths.is_empty() {
            return Output::text(input);
        }
        for path in paths {
            match if path == "-" { Some(input.to_owned()) } else { self.world.read(path) } {
                Some(read) => text.push_str(&read),
                None => {
                    return Output {
                        stdout: text,
                        stderr: format!("cat: {path}: No such file or directory\n"),
                        status: 1,
                    };
                }
            }
        }
        Output::text(text)
    }

    /// The text of a word, not split.
    fn text(&mut self, word: &Word) -> String {
        word.iter().map(|part| self.part(part)).collect()
    }

    /// Words after expansion: unquoted variables and outputs are split at blanks.
    fn fields(&mut self, words: &[Word]) -> Vec<String> {
        let mut fields = Vec::new();
        for word in words {
            let mut current = String::new();
            let mut started = false;
            for part in word {
                let text = self.part(part);
                let quoted = match part {
                    Part::Text(..) => true,
                    Part::Variable(_, _, quoted) | Part::Output(_, quoted) => *quoted,
                };
                if quoted {
                    current.push_str(&text);
                    started = true;
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

    fn part(&mut self, part: &Part) -> String {
        match part {
            Part::Text(text, _) => text.clone(),
            Part::Variable(name, _, _) if name == "?" => self.status.to_string(),
            Part::Variable(name, default, _) => match self.world.vars.get(name) {
                Some(value) if !value.is_empty() || default.is_none() => value.clone(),
                _ => default.clone().unwrap_or_default(),
            },
            Part::Output(script, _) => {
                let (vars, exit) = (self.world.vars.clone(), self.exit);
                let output = self.script(script, "");
                self.status = self.exit.unwrap_or(output.status);
                self.world.vars = vars;
                self.exit = exit;
                output.stdout.trim_end_matches('\n').to_owned()
            }
        }
    }
}

#[derive(Clone)]
enum End {
    Out,
    Err,
    File(String),
}

fn printf(args: &[String]) -> String {
    let Some((format, rest)) = args.split_first() else { return String::new() };
    let mut rest = rest.iter();
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => match chars.next() {
                Some('s' | 'd') => out.push_str(rest.next().map_or("", String::as_str)),
                Some(c) => out.push(c),
                None => {}
            },
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(c) => out.push(c),
                None => {}
            },
            c => out.push(c),
        }
    }
    out
}

fn test(args: &[String]) -> bool {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let words = words.strip_suffix(&["]"]).unwrap_or(&words);
    let number = |word: &str| word.trim().parse::<i64>().unwrap_or(0);
    match words {
        ["!", rest @ ..] => !test(&rest.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()),
        ["-n", word] => !word.is_empty(),
        ["-z", word] => word.is_empty(),
        ["-z"] | [] => true,
        ["-n"] => false,
        [word] => !word.is_empty(),
        [left, "=" | "==", right] => left == right,
        [left, "!=", right] => left != right,
        [left, "-eq", right] => number(left) == number(right),
        [left, "-ne", right] => number(left) != number(right),
        [left, "-gt", right] => number(left) > number(right),
        [left, "-ge", right] => number(left) >= number(right),
        [left, "-lt", right] => number(left) < number(right),
        [left, "-le", right] => number(left) <= number(right),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::files::MapFiles;

    struct Fake;

    impl Programs for Fake {
        fn run(&mut self, name: &str, args: &[String], input: &str, _world: &World<'_>) -> Option<Output> {
            (name == "kubectl").then(|| match args.first().map(String::as_str) {
                Some("fail") => Output::failed(1, "no\n"),
                Some("cat") => Output::text(input),
                _ => Output::text(format!("{}\n", args.join("|"))),
            })
        }

        fn sleep(&mut self, _seconds: f64) {}
    }

    fn run(script: &str) -> (String, i32) {
        let files = MapFiles([("t/s.sh".to_owned(), "echo $1 $#; exit 3".to_owned())].into());
        let mut world = World { files: &files, dir: "t".into(), written: BTreeMap::new(), vars: BTreeMap::new() };
        let output = Shell::new(&mut Fake, &mut world).run_text(script);
        (output.stdout, output.status)
    }

    macro_rules! cases {
        ($($name:ident: $script:expr => $stdout:expr, $status:expr;)+) => {
            $(#[test] fn $name() { assert_eq!(run($script), ($stdout.to_owned(), $status)); })+
        };
    }

    cases! {
        a_failing_condition_takes_else: "if kubectl fail; then exit 1; else echo ok; exit 0; fi" => "ok\n", 0;
        a_condition_that_holds: "if kubectl get a; then exit 1; else exit 0; fi" => "get|a\n", 1;
        an_if_without_else_is_success: "if kubectl fail; then exit 1\nfi" => "", 0;
        pipes_feed: "kubectl get x | grep -q y && echo found || echo not" => "not\n", 0;
        exit_in_a_subshell_is_its_status: "echo a | grep -q b || (echo no; exit 1)" => "no\n", 1;
        variables_hold_outputs: "N=$(kubectl get pods | wc -l)\nif [ \"$N\" -gt 0 ]; then echo some; fi" => "some\n", 0;
        unquoted_words_split: "A='x  y'; kubectl $A \"$A\"" => "x|y|x  y\n", 0;
        errors_can_be_piped: "kubectl fail 2>&1 | grep -c no" => "1\n", 0;
        errors_can_be_dropped: "X=$(kubectl fail 2>/dev/null || echo '[]'); echo $X" => "[]\n", 0;
        files_are_written_and_read: "echo hi > f; cat f; rm f; cat f 2>/dev/null" => "hi\n", 1;
        here_documents_feed: "A=1\nkubectl cat <<EOF\nv: $A\nEOF" => "v: 1\n", 0;
        loops_run: "for i in 1 2; do echo $i; done" => "1\n2\n", 0;
        scripts_take_arguments: "./s.sh a b" => "a 2\n", 3;
        set_e_stops: "set -eu\nfalse\necho no" => "", 1;
        unknown_programs_fail: "helm template" => "", 127;
        negation: "! kubectl fail" => "", 0;
    }

    #[test]
    fn a_script_that_never_ends_is_ended() {
        assert_eq!(run("while true; do true; done").1, 2);
    }
}
