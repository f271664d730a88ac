//! What the shell has built in, and the small programs that every system has.

use super::arithmetic;
use super::date::date;
use super::filters::Output;
use super::shell::{Input, Leave, Programs, Shell, World, input};
use crate::scenario::files::{base_name, parent};

impl<P: Programs> Shell<'_, '_, P> {
    /// Runs a builtin; `None` for anything else.
    pub(super) fn builtin(&mut self, name: &str, args: &[String], given: &Input) -> Option<Output> {
        let first = args.first().map_or("", String::as_str);
        let rest = || args.get(1..).unwrap_or_default();
        let flagless = || args.iter().filter(|arg| !arg.starts_with('-'));
        let status = |holds: bool| Output { status: i32::from(!holds), ..Output::default() };
        Some(match name {
            ":" | "true" | "wait" | "kill" | "trap" | "mkdir" | "chmod" | "chown" | "ulimit" | "umask" | "sync"
            | "shopt" | "pkill" | "disown" | "alias" | "hash" | "stty" | "clear" => Output::default(),
            "false" => status(false),
            "exit" => {
                let code = first.parse().unwrap_or(self.last);
                self.exit = Some(code);
                Output { status: code, ..Output::default() }
            }
            "return" => {
                self.leave = Some(Leave::Return);
                Output { status: first.parse().unwrap_or(self.last), ..Output::default() }
            }
            "break" => {
                self.leave = Some(Leave::Break(first.parse().unwrap_or(1)));
                Output::default()
            }
            "continue" => {
                self.leave = Some(Leave::Continue(first.parse().unwrap_or(1)));
                Output::default()
            }
            "shift" => {
                let count = first.parse().unwrap_or(1).min(self.args.len());
                self.args.drain(..count);
                Output::default()
            }
            "echo" => echo(args),
            "printf" => Output::text(printf(args)),
            "set" => {
                self.set(args);
                Output::default()
            }
            "export" | "local" | "declare" | "typeset" | "readonly" => {
                // `local a=$(false)` succeeds; `local a` alone makes an empty variable.
                for arg in flagless() {
                    match arg.split_once('=') {
                        Some((name, value)) => drop(self.world.vars.insert(name.to_owned(), value.to_owned())),
                        None if name == "local" => drop(self.world.vars.insert(arg.clone(), String::new())),
                        None => {}
                    }
                }
                Output::default()
            }
            "unset" => {
                flagless().for_each(|name| drop(self.world.vars.remove(name)));
                Output::default()
            }
            "let" => {
                let values = args.iter().map(|arg| arithmetic::evaluate(arg, &mut self.world.vars));
                status(values.last().is_some_and(|value| value.is_ok_and(|value| value != 0)))
            }
            "expr" => match arithmetic::evaluate(&args.join(" "), &mut self.world.vars) {
                Ok(value) => Output { status: i32::from(value == 0), ..Output::text(format!("{value}\n")) },
                Err(words) => Output::failed(2, words + "\n"),
            },
            "read" | "mapfile" | "readarray" => self.read(args, given),
            "eval" => {
                let text = args.join(" ");
                match super::syntax::parse(&text) {
                    Ok(script) => self.script(&script, given),
                    Err(words) => Output::failed(2, words + "\n"),
                }
            }
            "." | "source" => match self.world.read(first) {
                Some(text) => match super::syntax::parse(&text) {
                    Ok(script) => self.script(&script, given),
                    Err(words) => Output::failed(2, words + "\n"),
                },
                None => Output::failed(1, format!("sh: {first}: No such file or directory\n")),
            },
            "sleep" => self.sleep(args),
            "test" | "[" => status(compare(args, self.world)),
            "cat" => self.cat(args, given),
            "tee" => {
                let (text, append) = (given.take(), args.iter().any(|arg| arg == "-a"));
                flagless().for_each(|path| self.world.write(path, text.clone(), append));
                Output::text(text)
            }
            "touch" => {
                flagless().for_each(|path| self.world.write(path, String::new(), true));
                Output::default()
            }
            "rm" | "rmdir" | "unlink" => {
                for path in flagless() {
                    let place = self.world.place(path);
                    let below = format!("{place}/");
                    self.world.written.retain(|path, _| *path != place && !path.starts_with(&below));
                }
                Output::default()
            }
            "cp" | "mv" => self.copy(name == "mv", args),
            "mktemp" => {
                let path = format!("/tmp/tmp.{}", self.world.written.len());
                self.world.write(&path, String::new(), false);
                Output::text(path + "\n")
            }
            "cd" | "pushd" => {
                self.world.dir = self.world.place(first);
                Output::default()
            }
            "popd" => Output::default(),
            "pwd" => Output::text(self.world.dir.clone() + "\n"),
            "ls" => self.ls(args),
            "basename" => {
                let name = base_name(first);
                Output::text(
                    name.strip_suffix(rest().first().map_or("", String::as_str)).unwrap_or(name).to_owned() + "\n",
                )
            }
            "dirname" => {
                let dir = parent(first);
                Output::text(if dir.is_empty() { ".\n".to_owned() } else { format!("{dir}\n") })
            }
            "seq" => Output::text(seq(args)),
            "date" => match date(args, self.programs.now()) {
                Ok(text) => Output::text(text + "\n"),
                Err(words) => Output::failed(1, format!("date: {words}\n")),
            },
            "printenv" => match self.world.vars.get(first) {
                Some(value) => Output::text(value.clone() + "\n"),
                None => status(false),
            },
            "uname" => Output::text("Linux\n"),
            "hostname" => Output::text("localhost\n"),
            "whoami" => Output::text("runner\n"),
            "which" | "type" => self.which(first),
            "command" if first == "-v" || first == "-V" => self.which(args.get(1).map_or("", String::as_str)),
            "sh" | "bash" | "dash" => self.sub_shell(args, given),
            "time" | "nohup" | "exec" | "command" | "sudo" | "nice" | "builtin" | "stdbuf" => {
                let rest = args.get(args.iter().take_while(|arg| arg.starts_with('-')).count()..).unwrap_or_default();
                match rest.split_first() {
                    Some((program, rest)) => self.call(program, rest, given),
                    None => Output::default(),
                }
            }
            "env" => {
                let sets = args.iter().take_while(|arg| arg.contains('=') || arg.starts_with('-')).count();
                let (sets, rest) = args.split_at(sets);
                let Some((program, rest)) = rest.split_first() else {
                    let all = self.world.vars.iter().map(|(name, value)| format!("{name}={value}\n"));
                    return Some(Output::text(all.collect::<String>()));
                };
                self.apart(|shell| {
                    let pairs = sets.iter().filter_map(|set| set.split_once('='));
                    shell.world.vars.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
                    shell.call(program, rest, given)
                })
            }
            "timeout" => self.timeout(args, given),
            "xargs" => self.xargs(args, given),
            _ => return None,
        })
    }

    fn set(&mut self, args: &[String]) {
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if arg == "--" {
                self.args = args.cloned().collect();
                return;
            }
            let on = arg.starts_with('-');
            let letters = arg.trim_start_matches(['-', '+']);
            if letters.contains('e') {
                self.errexit = on;
            }
            if letters.ends_with('o') {
                match args.next().map(String::as_str) {
                    Some("pipefail") => self.pipefail = on,
                    Some("errexit") => self.errexit = on,
                    _ => {}
                }
            }
        }
    }

    /// Takes a line of standard input into variables.
    fn read(&mut self, args: &[String], given: &Input) -> Output {
        let text = given.borrow().clone();
        let (line, rest) = text.split_once('\n').unwrap_or((&text, ""));
        *given.borrow_mut() = rest.to_owned();
        let mut names: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
        let reply = "REPLY".to_owned();
        if names.is_empty() {
            names.push(&reply);
        }
        let separators = self.world.vars.get("IFS").filter(|separators| !separators.is_empty()).cloned();
        let splits = |c: char| separators.as_ref().map_or_else(|| c.is_whitespace(), |own| own.contains(c));
        let mut left = line.trim_matches(splits);
        for (at, name) in names.iter().enumerate() {
            let (value, tail) = match left.split_once(splits) {
                Some((value, tail)) if at + 1 < names.len() => (value, tail.trim_start_matches(splits)),
                _ => (left, ""),
            };
            self.world.vars.insert((*name).clone(), value.to_owned());
            left = tail;
        }
        Output { status: i32::from(text.is_empty()), ..Output::default() }
    }

    fn sleep(&mut self, args: &[String]) -> Output {
        for arg in args {
            let (number, unit) = match arg.chars().last() {
                Some(unit @ ('s' | 'm' | 'h' | 'd')) => (arg.trim_end_matches(unit), unit),
                _ => (arg.as_str(), 's'),
            };
            let factor = match unit {
                'm' => 60.0,
                'h' => 3600.0,
                'd' => 86_400.0,
                _ => 1.0,
            };
            self.programs.sleep(number.parse().unwrap_or(0.0) * factor);
        }
        if self.deadline.is_some_and(|deadline| self.programs.now() >= deadline) {
            self.exit = Some(124);
        }
        Output::default()
    }

    /// `timeout [-k TIME] [-s SIGNAL] TIME COMMAND…`.
    fn timeout(&mut self, args: &[String], given: &Input) -> Output {
        let mut at = 0;
        while let Some(arg) = args.get(at).filter(|arg| arg.starts_with('-')) {
            at += if matches!(arg.as_str(), "-k" | "-s" | "--signal" | "--kill-after") { 2 } else { 1 };
        }
        let (Some(time), Some(program)) = (args.get(at), args.get(at + 1)) else {
            return Output::failed(125, "timeout: missing operand\n");
        };
        let factor = if time.ends_with('m') { 60.0 } else { 1.0 };
        let seconds: f64 = time.trim_end_matches(['s', 'm']).parse().unwrap_or(0.0) * factor;
        #[expect(clippy::cast_possible_truncation, reason = "clamped to a day")]
        let deadline = self.programs.now() + (seconds.clamp(0.0, 86_400.0) * 1000.0) as i64;
        let saved = self.deadline.replace(deadline);
        let output = self.apart(|shell| shell.call(program, args.get(at + 2..).unwrap_or_default(), given));
        self.deadline = saved;
        output
    }

    /// `xargs [-n N] [-I NAME] COMMAND…`.
    fn xargs(&mut self, args: &[String], given: &Input) -> Output {
        let (mut at, mut name, mut most) = (0, None, usize::MAX);
        while let Some(arg) = args.get(at).filter(|arg| arg.starts_with('-')) {
            let value = args.get(at + 1).cloned().unwrap_or_default();
            at += match arg.as_str() {
                "-I" => {
                    name = Some(value);
                    2
                }
                "-n" | "-L" | "-P" => {
                    most = value.parse().ok().filter(|_| arg != "-P").unwrap_or(most);
                    2
                }
                glued if glued.starts_with("-I") => {
                    name = glued.get(2..).map(str::to_owned);
                    1
                }
                glued => {
                    most = glued.strip_prefix("-n").and_then(|count| count.parse().ok()).unwrap_or(most);
                    1
                }
            };
        }
        let echo = "echo".to_owned();
        let program = args.get(at).unwrap_or(&echo).clone();
        let fixed = args.get(at + 1..).unwrap_or_default();
        let text = given.take();
        let mut total = Output::default();
        let calls: Vec<Vec<String>> = match &name {
            Some(name) => {
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                lines.map(|line| fixed.iter().map(|arg| arg.replace(name.as_str(), line)).collect()).collect()
            }
            None => {
                let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
                let one = |words: &[String]| fixed.iter().chain(words).cloned().collect();
                if words.is_empty() {
                    if args.iter().take(at).any(|arg| arg == "-r") { Vec::new() } else { vec![fixed.to_vec()] }
                } else {
                    words.chunks(most.max(1)).map(one).collect()
                }
            }
        };
        let mut failed = 0;
        for args in calls {
            let output = self.call(&program, &args, &input(""));
            failed = if output.status == 0 { failed } else { 123 };
            total.add(output);
        }
        total.status = failed;
        total
    }

    fn sub_shell(&mut self, args: &[String], given: &Input) -> Output {
        let flags = args.iter().take_while(|arg| arg.starts_with('-')).count();
        let (flags, rest) = args.split_at(flags);
        let errexit = flags.iter().any(|flag| flag.contains('e') && !flag.starts_with("--"));
        match rest.split_first() {
            Some((text, rest)) if flags.iter().any(|flag| flag.ends_with('c')) => {
                let text = if errexit { format!("set -e\n{text}") } else { text.clone() };
                self.sub_script(&text, rest.get(1..).unwrap_or_default(), given)
            }
            Some((path, rest)) => self.script_file(path, rest, given),
            None => {
                let text = given.take();
                self.sub_script(&text, &[], given)
            }
        }
    }

    fn which(&self, name: &str) -> Output {
        let known = ["kubectl", "kyverno", "openssl", "jq", "grep", "sed", "awk", "base64"];
        if known.contains(&name) {
            Output::text(format!("/usr/bin/{name}\n"))
        } else {
            Output { status: 1, ..Output::default() }
        }
    }

    fn cat(&mut self, args: &[String], given: &Input) -> Output {
        let mut text = String::new();
        let paths: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-') || *arg == "-").collect();
        if paths.is_empty() {
            return Output::text(given.take());
        }
        for path in paths {
            match if path == "-" || path == "/dev/stdin" { Some(given.take()) } else { self.world.read(path) } {
                Some(read) => text.push_str(&read),
                None => {
                    let stderr = format!("cat: {path}: No such file or directory\n");
                    return Output { stdout: text, stderr, status: 1 };
                }
            }
        }
        Output::text(text)
    }

    fn copy(&mut self, moves: bool, args: &[String]) -> Output {
        let paths: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
        let Some((target, sources)) = paths.split_last() else {
            return Output::failed(1, "cp: missing file operand\n");
        };
        for source in sources {
            let Some(text) = self.world.read(source) else {
                return Output::failed(1, format!("cp: cannot stat '{source}': No such file or directory\n"));
            };
            let into =
                target.ends_with('/') || self.world.exists(target, Some(true)) || matches!(target.as_str(), "." | "..");
            let to = if into { format!("{target}/{}", base_name(source)) } else { (*target).clone() };
            self.world.write(&to, text, false);
            if moves {
                let place = self.world.place(source);
                self.world.written.remove(&place);
            }
        }
        Output::default()
    }

    fn ls(&mut self, args: &[String]) -> Output {
        let path = args.iter().find(|arg| !arg.starts_with('-')).map_or(".", String::as_str);
        if self.world.exists(path, Some(false)) {
            return Output::text(format!("{path}\n"));
        }
        let place = self.world.place(path);
        let below = format!("{place}/");
        let listed = self.world.files.list(&place).unwrap_or_default().into_iter().map(|entry| entry.name);
        let written = self.world.written.keys().filter_map(|path| path.strip_prefix(&below)).map(str::to_owned);
        let mut names: Vec<String> = listed.chain(written).filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names.dedup();
        if names.is_empty() && !self.world.exists(path, Some(true)) {
            return Output::failed(2, format!("ls: cannot access '{path}': No such file or directory\n"));
        }
        Output::text(names.iter().map(|name| format!("{name}\n")).collect::<String>())
    }
}

fn echo(args: &[String]) -> Output {
    let flags = args.iter().take_while(|arg| matches!(arg.as_str(), "-n" | "-e" | "-ne" | "-en" | "-E")).count();
    let (flags, words) = args.split_at(flags);
    let has = |letter: char| flags.iter().any(|flag| flag.contains(letter));
    let text = words.join(" ");
    let text = if has('e') { escapes(&text) } else { text };
    Output::text(text + if has('n') { "" } else { "\n" })
}

/// `\n`, `\t` and their like.
#[must_use]
pub fn escapes(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('0') => out.push('\0'),
                Some(c @ ('\\' | '"' | '\'')) => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

fn printf(args: &[String]) -> String {
    let args = args.strip_prefix(&["--".to_owned()]).unwrap_or(args);
    let Some((format, rest)) = args.split_first() else { return String::new() };
    let format = escapes(format);
    let mut rest = rest.iter();
    let mut out = String::new();
    // The format is used again while there are arguments.
    loop {
        let before = rest.len();
        out.push_str(&super::printf::printf(&format, &mut rest));
        if rest.len() == 0 || rest.len() == before {
            return out;
        }
    }
}

fn seq(args: &[String]) -> String {
    let numbers: Vec<i64> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
    let (from, step, to) = match numbers.as_slice() {
        [to] => (1, 1, *to),
        [from, to] => (*from, 1, *to),
        [from, step, to] => (*from, *step, *to),
        _ => return String::new(),
    };
    let mut out = String::new();
    let mut at = from;
    while step != 0 && (at - to) * step.signum() <= 0 && out.len() < 100_000 {
        out.push_str(&format!("{at}\n"));
        at += step;
    }
    out
}

/// `test` and `[`.
pub(super) fn compare(args: &[String], world: &World<'_>) -> bool {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let words = words.strip_suffix(&["]"]).unwrap_or(&words);
    let words = words.strip_suffix(&["]]"]).unwrap_or(words);
    test(words, world)
}

fn test(words: &[&str], world: &World<'_>) -> bool {
    let number = |word: &str| word.trim().parse::<i64>().unwrap_or(0);
    match words {
        [] => false,
        [word] => !word.is_empty(),
        ["!", rest @ ..] => !test(rest, world),
        ["-n", word] => !word.is_empty(),
        ["-z", word] => word.is_empty(),
        ["-f", path] => world.exists(path, Some(false)),
        ["-d", path] => world.exists(path, Some(true)),
        ["-e" | "-r" | "-x" | "-w", path] => world.exists(path, None),
        ["-s", path] => world.read(path).is_some_and(|text| !text.is_empty()),
        [left, "=" | "==", right] => left == right,
        [left, "!=", right] => left != right,
        [left, "<", right] => left < right,
        [left, ">", right] => left > right,
        [left, "-eq", right] => number(left) == number(right),
        [left, "-ne", right] => number(left) != number(right),
        [left, "-gt", right] => number(left) > number(right),
        [left, "-ge", right] => number(left) >= number(right),
        [left, "-lt", right] => number(left) < number(right),
        [left, "-le", right] => number(left) <= number(right),
        words => {
            for operator in ["-o", "-a"] {
                if let Some(at) = words.iter().position(|word| *word == operator) {
                    let (left, right) = words.split_at(at);
                    let right = right.get(1..).unwrap_or_default();
                    return match operator {
                        "-o" => test(left, world) || test(right, world),
                        _ => test(left, world) && test(right, world),
                    };
                }
            }
            // An unquoted variable that was empty.
            match words {
                ["=" | "==", right] => right.is_empty(),
                ["!=", right] => !right.is_empty(),
                _ => false,
            }
        }
    }
}
