//! Runs scripts: pipes, redirections, conditions, loops, functions; programs are text filters and kubectl.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::arithmetic;
use super::filters::{self, Output};
use super::syntax::{Body, Command, Join, Part, Redirect, Script, Word, parse};
use crate::scenario::files::{Files, join};

/// Runs programs that a shell has not built in.
pub trait Programs {
    /// Runs `name` with arguments and standard input; `None` where there is no such program.
    fn run(&mut self, name: &str, args: &[String], input: &str, world: &mut World<'_>) -> Option<Output>;
    /// Lets virtual time pass.
    fn sleep(&mut self, seconds: f64);
    /// Virtual time, in milliseconds since 1970.
    fn now(&self) -> i64;
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
    /// A path from the root of the files.
    #[must_use]
    pub fn place(&self, path: &str) -> String {
        if path.starts_with('/') { join("/", path) } else { join(&self.dir, path) }
    }

    /// The text of a file, relative to the directory.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<String> {
        let path = self.place(path);
        self.written.get(&path).cloned().or_else(|| self.files.read(&path))
    }

    /// Writes a file.
    pub fn write(&mut self, path: &str, text: String, append: bool) {
        if path == "/dev/null" {
            return;
        }
        let file = self.written.entry(self.place(path)).or_default();
        if append { file.push_str(&text) } else { *file = text }
    }

    /// Whether there is a file, or a directory (`None`: either).
    #[must_use]
    pub fn exists(&self, path: &str, dir: Option<bool>) -> bool {
        let place = self.place(path);
        let directory = || {
            let below = format!("{place}/");
            self.files.is_dir(&place) || self.written.keys().any(|path| path.starts_with(&below))
        };
        match dir {
            Some(true) => directory(),
            Some(false) => self.read(path).is_some(),
            None => self.read(path).is_some() || directory(),
        }
    }
}

/// Standard input, which commands take from in turn.
pub(super) type Input = Rc<RefCell<String>>;

pub(super) fn input(text: impl Into<String>) -> Input {
    Rc::new(RefCell::new(text.into()))
}

/// Commands that one script may run.
const FUEL: u32 = 20_000;
const MAX_CALLS: u32 = 32;

/// What ends a loop or a function before its end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// `break N`.
    Break(u32),
    /// `continue N`.
    Continue(u32),
    /// `return`.
    Return,
}

/// A shell over programs.
pub struct Shell<'a, 'w, P: Programs> {
    /// What runs besides filters.
    pub programs: &'a mut P,
    /// Files and variables.
    pub world: &'a mut World<'w>,
    pub(super) status: i32,
    /// `$?`.
    pub(super) last: i32,
    pub(super) exit: Option<i32>,
    pub(super) leave: Option<Leave>,
    pub(super) errexit: bool,
    pub(super) pipefail: bool,
    /// `$1`, `$2`, …
    pub(super) args: Vec<String>,
    /// When `timeout` ends what runs.
    pub(super) deadline: Option<i64>,
    functions: BTreeMap<String, Script>,
    fuel: u32,
    calls: u32,
}

impl<'a, 'w, P: Programs> Shell<'a, 'w, P> {
    /// A shell in a world.
    pub fn new(programs: &'a mut P, world: &'a mut World<'w>) -> Self {
        Self {
            programs,
            world,
            status: 0,
            last: 0,
            exit: None,
            leave: None,
            errexit: false,
            pipefail: false,
            args: Vec::new(),
            deadline: None,
            functions: BTreeMap::new(),
            fuel: FUEL,
            calls: 0,
        }
    }

    /// Runs the text of a script.
    pub fn run_text(&mut self, text: &str) -> Output {
        match parse(text) {
            Ok(script) => {
                let mut output = self.script(&script, &input(""));
                output.status = self.exit.take().unwrap_or(output.status);
                output
            }
            Err(words) => Output::failed(2, words + "\n"),
        }
    }

    /// Whether what runs is to end here.
    pub(super) fn ending(&self) -> bool {
        self.exit.is_some() || self.leave.is_some()
    }

    pub(super) fn script(&mut self, script: &Script, input: &Input) -> Output {
        let mut total = Output::default();
        for (at, item) in script.iter().enumerate() {
            let wanted = match item.join {
                Join::Then => true,
                Join::And => self.status == 0,
                Join::Or => self.status != 0,
            };
            if !wanted {
                continue;
            }
            // Only the last command of an `&&`/`||` list ends a script that `set -e` watches.
            let last = script.get(at + 1).is_none_or(|next| next.join == Join::Then);
            let errexit = self.errexit;
            self.errexit &= last && !item.negated;
            let watched = self.errexit;
            let output = self.pipeline(&item.pipeline, input);
            if self.errexit == watched {
                self.errexit = errexit;
            }
            self.status = if item.negated { i32::from(output.status == 0) } else { output.status };
            self.last = self.status;
            total.stdout.push_str(&output.stdout);
            total.stderr.push_str(&output.stderr);
            if self.errexit && last && self.status != 0 && !item.negated && !self.ending() {
                self.exit = Some(self.status);
            }
            if self.ending() {
                break;
            }
        }
        total.status = self.exit.unwrap_or(self.status);
        total
    }

    fn pipeline(&mut self, commands: &[Command], first: &Input) -> Output {
        if let [only] = commands {
            return self.command(only, first);
        }
        let mut stderr = String::new();
        let mut piped = Rc::clone(first);
        let mut last = Output::default();
        let (errexit, mut failed) = (self.errexit, 0);
        for (index, command) in commands.iter().enumerate() {
            let output = self.command(command, &piped);
            stderr.push_str(&output.stderr);
            // Each command of a pipe is a process of its own: its `exit` ends only itself.
            let status = self.exit.take().unwrap_or(output.status);
            self.leave = None;
            failed = if status == 0 { failed } else { status };
            piped = input(if index + 1 < commands.len() { output.stdout.clone() } else { String::new() });
            last = Output { status, ..output };
        }
        self.errexit = errexit;
        if self.pipefail && last.status == 0 {
            last.status = failed;
        }
        Output { stderr, ..last }
    }

    fn command(&mut self, command: &Command, given: &Input) -> Output {
        let Some(fuel) = self.fuel.checked_sub(1) else {
            self.exit = Some(2);
            return Output::failed(2, "shell: the script runs too long\n");
        };
        self.fuel = fuel;
        let mut own = Rc::clone(given);
        for redirect in &command.redirects {
            match redirect {
                Redirect::Read(word) => {
                    let path = self.text(word);
                    match self.world.read(&path) {
                        Some(text) => own = input(text),
                        None if path == "/dev/null" => own = input(""),
                        None => return Output::failed(1, format!("sh: {path}: No such file or directory\n")),
                    }
                }
                Redirect::Here(word) => own = input(self.text(word)),
                Redirect::File(..) | Redirect::Copy(..) => {}
            }
        }
        let output = self.body(&command.body, &own);
        self.redirected(output, &command.redirects)
    }

    fn redirected(&mut self, output: Output, redirects: &[Redirect]) -> Output {
        // Where descriptors 1 and 2 lead: themselves, each other, or a file.
        let mut ends = [End::Out, End::Err];
        for redirect in redirects {
            match redirect {
                Redirect::File(number, word, append) => {
                    let path = self.text(word);
                    let end = match path.as_str() {
                        "/dev/stdout" => End::Out,
                        "/dev/stderr" => End::Err,
                        _ => {
                            self.world.write(&path, String::new(), *append);
                            End::File(path)
                        }
                    };
                    for (at, place) in ends.iter_mut().enumerate() {
                        if *number == 0 || usize::from(*number) == at + 1 {
                            *place = end.clone();
                        }
                    }
                }
                Redirect::Copy(from, to) => {
                    let target = ends.get(usize::from(*to).wrapping_sub(1)).cloned();
                    if let (Some(end), Some(target)) = (ends.get_mut(usize::from(*from).wrapping_sub(1)), target) {
                        *end = target;
                    }
                }
                Redirect::Read(..) | Redirect::Here(..) => {}
            }
        }
        let mut result = Output { status: output.status, ..Output::default() };
        // What is said as an error comes first where both go the same way: programs complain before they print.
        for (text, end) in [output.stdout, output.stderr].into_iter().zip(ends) {
            match end {
                End::Out => result.stdout.push_str(&text),
                End::Err => result.stderr.push_str(&text),
                End::File(path) => self.world.write(&path, text, true),
            }
        }
        result
    }

    fn body(&mut self, body: &Body, input: &Input) -> Output {
        match body {
            Body::Simple(assignments, words) => self.simple(assignments, words, input),
            Body::Group(script, false) => self.script(script, input),
            Body::Group(script, true) => self.apart(|shell| shell.script(script, input)),
            Body::If(branches, otherwise) => self.branches(branches, otherwise, input),
            Body::For(name, words, body) => {
                let values = self.fields(words);
                let mut values = values.into_iter();
                self.repeat(body, input, |shell, _| {
                    let value = values.next();
                    let more = value.is_some();
                    shell.world.vars.extend(value.map(|value| (name.clone(), value)));
                    more
                })
            }
            Body::While(condition, body, until) => self.repeat(body, input, |shell, total| {
                shell.condition(condition, input, total) != *until && !shell.ending()
            }),
            Body::Case(word, branches) => {
                let value = self.text(word);
                for (patterns, body) in branches {
                    let mut fits = false;
                    for pattern in patterns {
                        let pattern = self.pattern(pattern);
                        fits |= super::expand::glob(&pattern, &value);
                    }
                    if fits {
                        return self.run(body, input);
                    }
                }
                Output::default()
            }
            Body::Test(words) => {
                let holds = self.extended_test(words);
                Output { status: i32::from(!holds), ..Output::default() }
            }
            Body::Arithmetic(word) => {
                let text = self.text(word);
                match arithmetic::evaluate(&text, &mut self.world.vars) {
                    Ok(value) => Output { status: i32::from(value == 0), ..Output::default() },
                    Err(words) => Output::failed(1, words + "\n"),
                }
            }
            Body::Function(name, body) => {
                self.functions.insert(name.clone(), body.clone());
                Output::default()
            }
        }
    }

    /// A body that may be empty; then it succeeds.
    fn run(&mut self, body: &Script, input: &Input) -> Output {
        self.status = 0;
        self.script(body, input)
    }

    fn branches(&mut self, branches: &[(Script, Script)], otherwise: &Script, input: &Input) -> Output {
        let mut total = Output::default();
        for (condition, body) in branches {
            let holds = self.condition(condition, input, &mut total);
            if self.ending() {
                return total;
            }
            if holds {
                let output = self.run(body, input);
                total.add(output);
                return total;
            }
        }
        let output = self.run(otherwise, input);
        total.add(output);
        total
    }

    fn repeat(&mut self, body: &Script, input: &Input, mut next: impl FnMut(&mut Self, &mut Output) -> bool) -> Output {
        let mut total = Output::default();
        let mut status = 0;
        while next(self, &mut total) {
            let output = self.run(body, input);
            status = output.status;
            total.add(output);
            match self.leave {
                Some(Leave::Break(depth) | Leave::Continue(depth)) if depth > 1 => {
                    self.leave = Some(match self.leave {
                        Some(Leave::Continue(_)) => Leave::Continue(depth - 1),
                        _ => Leave::Break(depth - 1),
                    });
                    break;
                }
                Some(Leave::Break(_)) => {
                    self.leave = None;
                    break;
                }
                Some(Leave::Continue(_)) => self.leave = None,
                Some(Leave::Return) => break,
                None => {}
            }
            if self.exit.is_some() {
                break;
            }
        }
        total.status = self.exit.unwrap_or(status);
        self.status = total.status;
        total
    }

    fn condition(&mut self, script: &Script, input: &Input, total: &mut Output) -> bool {
        let errexit = std::mem::replace(&mut self.errexit, false);
        let output = self.run(script, input);
        self.errexit = errexit;
        let holds = output.status == 0;
        total.add(output);
        holds
    }

    /// Runs something in a process of its own: its variables, its directory and its end are its own.
    pub(super) fn apart(&mut self, work: impl FnOnce(&mut Self) -> Output) -> Output {
        let saved = (self.world.vars.clone(), self.world.dir.clone(), self.exit, self.errexit, self.leave);
        let mut output = work(self);
        output.status = self.exit.unwrap_or(output.status);
        (self.world.vars, self.world.dir, self.exit, self.errexit, self.leave) = saved;
        output
    }

    fn simple(&mut self, assignments: &[(String, Word)], words: &[Word], input: &Input) -> Output {
        self.status = 0;
        let mut values = Vec::new();
        for (name, word) in assignments {
            let value = self.text(word);
            if words.is_empty() {
                self.world.vars.insert(name.clone(), value);
            } else {
                values.push((name.clone(), value));
            }
        }
        let words = self.fields(words);
        let status = self.status;
        let Some((name, args)) = words.split_first() else { return Output { status, ..Output::default() } };
        let saved = (!values.is_empty()).then(|| self.world.vars.clone());
        self.world.vars.extend(values);
        let output = self.call(name, args, input);
        if let Some(vars) = saved {
            self.world.vars = vars;
        }
        output
    }

    /// Runs a function, a builtin, a script or a program.
    pub(super) fn call(&mut self, name: &str, args: &[String], input: &Input) -> Output {
        if let Some(body) = self.functions.get(name).cloned() {
            return self.function(&body, args, input);
        }
        if let Some(output) = self.builtin(name, args, input) {
            return output;
        }
        if name.contains('/') && !name.starts_with("/usr/") && !name.starts_with("/bin/") {
            return self.script_file(name, args, input);
        }
        let name = name.rsplit('/').next().unwrap_or(name);
        let text = input.borrow().clone();
        let (args, text) = self.file_operands(name, args, text);
        let ran = filters::run(name, &args, &text).or_else(|| self.programs.run(name, &args, &text, self.world));
        ran.unwrap_or_else(|| Output::failed(127, format!("sh: {name}: command not found\n")))
    }

    fn function(&mut self, body: &Script, args: &[String], input: &Input) -> Output {
        if self.calls >= MAX_CALLS {
            return Output::failed(2, "shell: functions call each other too deeply\n");
        }
        let saved = std::mem::replace(&mut self.args, args.to_vec());
        self.calls += 1;
        let output = self.run(body, input);
        self.calls -= 1;
        self.args = saved;
        if self.leave == Some(Leave::Return) {
            self.leave = None;
        }
        Output { status: self.exit.unwrap_or(self.status), ..output }
    }

    /// Filters read the files that follow their program; those that exist are taken out of the arguments.
    fn file_operands(&self, name: &str, args: &[String], input: String) -> (Vec<String>, String) {
        let program = args.iter().any(|arg| matches!(arg.as_str(), "-e" | "-f" | "--regexp"));
        let skip = match name {
            "grep" | "egrep" | "fgrep" | "sed" | "awk" | "jq" | "yq" => usize::from(!program),
            "head" | "tail" | "wc" | "sort" | "cut" | "base64" | "uniq" | "rev" | "tac" | "nl" | "sha256sum"
            | "md5sum" => 0,
            _ => return (args.to_vec(), input),
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
        let input = if texts.is_empty() { input } else { texts.concat() };
        (kept, input)
    }

    pub(super) fn script_file(&mut self, path: &str, args: &[String], input: &Input) -> Output {
        match self.world.read(path) {
            Some(text) => self.sub_script(&text, args, input),
            None => Output::failed(127, format!("sh: {path}: No such file or directory\n")),
        }
    }

    /// Runs a text as a script of its own.
    pub(super) fn sub_script(&mut self, text: &str, args: &[String], input: &Input) -> Output {
        if self.calls >= MAX_CALLS {
            return Output::failed(2, "shell: scripts call each other too deeply\n");
        }
        let script = match parse(text) {
            Ok(script) => script,
            Err(words) => return Output::failed(2, words + "\n"),
        };
        let saved = std::mem::replace(&mut self.args, args.to_vec());
        self.calls += 1;
        let output = self.apart(|shell| {
            shell.errexit = false;
            shell.run(&script, input)
        });
        self.calls -= 1;
        self.args = saved;
        output
    }

    /// The output of a script in place of a word.
    pub(super) fn substitute(&mut self, script: &Script) -> String {
        let output = self.apart(|shell| shell.script(script, &input("")));
        self.status = output.status;
        self.last = output.status;
        output.stdout
    }

    /// The output of `<( … )` as a file.
    pub(super) fn process(&mut self, script: &Script) -> String {
        let text = self.substitute(script);
        let path = format!("/dev/fd/{}", self.fuel);
        self.world.write(&path, text, false);
        path
    }

    pub(super) fn is_text(part: &Part) -> bool {
        matches!(part, Part::Text(..) | Part::Arithmetic(..) | Part::Process(..))
    }
}

#[derive(Clone)]
enum End {
    Out,
    Err,
    File(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::files::MapFiles;

    struct Fake(i64);

    impl Programs for Fake {
        fn run(&mut self, name: &str, args: &[String], input: &str, _world: &mut World<'_>) -> Option<Output> {
            (name == "kubectl").then(|| match args.first().map(String::as_str) {
                Some("fail") => Output::failed(1, "no\n"),
                Some("cat") => Output::text(input),
                _ => Output::text(format!("{}\n", args.join("|"))),
            })
        }

        fn sleep(&mut self, seconds: f64) {
            self.0 += (seconds * 1000.0) as i64;
        }

        fn now(&self) -> i64 {
            self.0
        }
    }

    fn run(script: &str) -> (String, i32) {
        let files = MapFiles([("t/s.sh".to_owned(), "echo $1 $#; exit 3".to_owned())].into());
        let mut world = World { files: &files, dir: "t".into(), written: BTreeMap::new(), vars: BTreeMap::new() };
        let output = Shell::new(&mut Fake(0), &mut world).run_text(script);
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
        set_e_leaves_lists_alone: "set -e\nkubectl fail || true\nkubectl fail && echo a\necho b" => "b\n", 0;
        set_e_watches_the_end_of_a_list: "set -e\ntrue && false\necho no" => "", 1;
        set_e_watches_assignments: "set -e\nA=$(kubectl fail)\necho no" => "", 1;
        functions_take_arguments_and_return: "f() { echo $1-$#; return 3; }; f a b; echo $?" => "a-2\n3\n", 0;
        cases_match_patterns: "for x in ab b c; do case $x in a*) echo 1;; b|d) echo 2;; *) echo 3;; esac; done" => "1\n2\n3\n", 0;
        extended_tests: "x=abc; if [[ $x == a* && ! $x =~ ^b ]]; then echo y; fi; [[ -z $x ]] || echo z" => "y\nz\n", 0;
        arithmetic: "i=0; while [ $i -lt 3 ]; do i=$((i + 1)); done; echo $i; (( i > 5 )) || echo small" => "3\nsmall\n", 0;
        loops_end_and_go_on: "for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done" => "1\n3\n", 0;
        lines_are_read: "printf 'a b\nc d\n' | while read x y; do echo $y$x; done" => "ba\ndc\n", 0;
        variables_are_edited: "p=a/b.yaml; echo ${p##*/} ${p%.*} ${#p} ${q:-none} ${p/a/z} ${p:2:1}" => "b.yaml a/b 8 none z/b.yaml b\n", 0;
        timeouts_end_what_waits: "timeout 3 sh -c 'until kubectl fail; do sleep 1; done'; echo $?" => "124\n", 0;
        both_outputs_go_to_a_file: "kubectl fail &> f; cat f; cat <<< \"x y\"" => "no\nx y\n", 0;
        pipefail: "set -o pipefail; kubectl fail | cat; echo $?" => "1\n", 0;
        arguments_become_commands: "printf 'a\nb\n' | xargs -I{} kubectl get {}; echo 1 2 | xargs kubectl x" => "get|a\nget|b\nx|1|2\n", 0;
        words_stay_whole: "set -- 'a b' c; kubectl \"$@\"; shift; kubectl \"$@\" \"\"" => "a b|c\nc|\n", 0;
        files_are_listed: "for f in s*.sh; do echo $f; done; ls" => "s.sh\ns.sh\n", 0;
        background_jobs_are_waited_for: "kubectl a & wait; echo $(date -u +%H)" => "a\n00\n", 0;
        here_documents_in_pipes: "cat <<'EOF' | kubectl cat | grep b\na $x\nb $y\nEOF" => "b $y\n", 0;
    }

    #[test]
    fn a_script_that_never_ends_is_ended() {
        assert_eq!(run("while true; do true; done").1, 2);
    }
}
