//! A small POSIX shell grammar: enough for the scripts of end-to-end tests. Text → commands.

/// A list of pipelines with what joins them.
pub type Script = Vec<Item>;

/// One pipeline of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// When it runs.
    pub join: Join,
    /// `! …` turns its status around.
    pub negated: bool,
    /// Commands whose output feeds the next.
    pub pipeline: Vec<Command>,
}

/// When a pipeline runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// Always.
    Then,
    /// After success: `&&`.
    And,
    /// After failure: `||`.
    Or,
}

/// One command with its redirections.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// What runs.
    pub body: Body,
    /// In order of the text.
    pub redirects: Vec<Redirect>,
}

/// What a command is.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Assignments and words.
    Simple(Vec<(String, Word)>, Vec<Word>),
    /// Conditions with their bodies, and `else`.
    If(Vec<(Script, Script)>, Script),
    /// A variable, the words it takes, a body.
    For(String, Vec<Word>, Script),
    /// A condition and a body; `true` for `until`.
    While(Script, Script, bool),
    /// `( … )` (`true`: with its own variables) or `{ … }`.
    Group(Script, bool),
    /// A word, and the patterns of each branch.
    Case(Word, Vec<(Vec<Word>, Script)>),
    /// `[[ … ]]`: words and operators.
    Test(Vec<Word>),
    /// `(( … ))`.
    Arithmetic(Word),
    /// `name() { … }`.
    Function(String, Script),
}

/// A redirection.
#[derive(Clone, Debug, PartialEq)]
pub enum Redirect {
    /// `n> file`, `n>> file` (append); 0 is both outputs.
    File(u8, Word, bool),
    /// `n>&m`.
    Copy(u8, u8),
    /// `< file`.
    Read(Word),
    /// `<<WORD`; its text.
    Here(Word),
}

/// A word before expansion.
pub type Word = Vec<Part>;

/// A piece of a word.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text as it is; `true` where it was quoted.
    Text(String, bool),
    /// `$name`, `${name}` and what is done to it; `true` inside double quotes.
    Variable(String, Option<Box<Edit>>, bool),
    /// `$( … )`; `true` inside double quotes.
    Output(Script, bool),
    /// `$(( … ))`.
    Arithmetic(Word),
    /// `<( … )`: a file with its output.
    Process(Script),
}

/// What `${name…}` does to a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// `${#name}`.
    Length,
    /// `${name:-word}`, `${name-word}`, `:=`, `:+`, `:?`; the operator, and whether an empty value counts as none.
    Otherwise(char, bool, Word),
    /// `${name#pattern}`, `##` (`true`).
    CutFront(Word, bool),
    /// `${name%pattern}`, `%%` (`true`).
    CutBack(Word, bool),
    /// `${name/pattern/word}`, `//` (`true`).
    Replace(Word, Word, bool),
    /// `${name:offset:length}`.
    Slice(i64, Option<usize>),
    /// `${name^^}` (`true`) and `${name,,}`.
    Case(bool),
}

/// Reads a script.
///
/// # Errors
/// What could not be read.
pub fn parse(text: &str) -> Result<Script, String> {
    let mut parser = Parser { chars: text.chars().collect(), at: 0, depth: 0, whole: false };
    let script = parser.list(&[])?;
    match parser.peek() {
        None => Ok(script),
        Some(c) => Err(format!("shell: unexpected {c:?}")),
    }
}

pub(super) struct Parser {
    pub(super) chars: Vec<char>,
    pub(super) at: usize,
    pub(super) depth: usize,
    /// The text is one word: blanks and operators are part of it.
    pub(super) whole: bool,
}

const MAX_NESTING: usize = 64;
const RESERVED: &[&str] = &["then", "else", "elif", "fi", "do", "done", "esac", "}"];

impl Parser {
    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub(super) fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(offset, c)| self.chars.get(self.at + offset) == Some(&c))
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.looking_at(text);
        if found {
            self.at += text.chars().count();
        }
        found
    }

    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => self.at += 1,
                Some('\\') if self.chars.get(self.at + 1) == Some(&'\n') => self.at += 2,
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    pub(super) fn separators(&mut self) {
        loop {
            self.blanks();
            match self.peek() {
                Some('\n') => self.at += 1,
                Some(';') if !self.looking_at(";;") => self.at += 1,
                _ => return,
            }
        }
    }

    /// The reserved word at this place, if there is one.
    fn reserved(&self) -> Option<&'static str> {
        RESERVED.iter().copied().find(|word| self.word_is(word))
    }

    fn word_is(&self, word: &str) -> bool {
        let after = self.chars.get(self.at + word.chars().count());
        self.looking_at(word) && after.is_none_or(|c| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')'))
    }

    fn keyword(&mut self, word: &str) -> Result<(), String> {
        self.separators();
        if self.word_is(word) && self.eat(word) { Ok(()) } else { Err(format!("shell: {word:?} is missing")) }
    }

    pub(super) fn list(&mut self, ends: &[&str]) -> Result<Script, String> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err("shell: nested too deeply".into());
        }
        let mut items = Vec::new();
        let mut join = Join::Then;
        loop {
            self.separators();
            if self.peek().is_none_or(|c| c == ')')
                || self.looking_at(";;")
                || self.reserved().is_some_and(|word| ends.contains(&word) || ends.is_empty())
            {
                break;
            }
            let negated = self.word_is("!") && self.eat("!");
            self.blanks();
            let pipeline = self.pipeline()?;
            items.push(Item { join, negated, pipeline });
            self.blanks();
            join = if self.eat("&&") {
                Join::And
            } else if self.eat("||") {
                Join::Or
            } else {
                if self.peek() == Some('&') {
                    self.at += 1;
                } else if self.peek().is_some_and(|c| !matches!(c, '\n' | ';' | ')')) && self.reserved().is_none() {
                    return Err(format!("shell: unexpected {:?}", self.peek().unwrap_or(' ')));
                }
                Join::Then
            };
        }
        self.depth -= 1;
        Ok(items)
    }

    fn pipeline(&mut self) -> Result<Vec<Command>, String> {
        let mut commands = vec![self.command()?];
        loop {
            self.blanks();
            if self.looking_at("||") || !self.eat("|") {
                return Ok(commands);
            }
            // `|&`: errors go along.
            if self.eat("&")
                && let Some(last) = commands.last_mut()
            {
                last.redirects.push(Redirect::Copy(2, 1));
            }
            self.separators();
            commands.push(self.command()?);
        }
    }

    fn command(&mut self) -> Result<Command, String> {
        self.blanks();
        let mut redirects = Vec::new();
        let body = if self.word_is("if") {
            self.at += 2;
            self.branches()?
        } else if self.word_is("for") {
            self.at += 3;
            self.for_loop()?
        } else if self.word_is("while") || self.word_is("until") {
            let until = self.word_is("until");
            self.at += 5;
            let condition = self.list(&["do"])?;
            self.keyword("do")?;
            let body = self.list(&["done"])?;
            self.keyword("done")?;
            Body::While(condition, body, until)
        } else if self.word_is("case") {
            self.at += 4;
            self.branches_of_case()?
        } else if self.word_is("[[") {
            self.at += 2;
            Body::Test(self.test()?)
        } else if self.looking_at("((") {
            self.at += 2;
            let word = self.arithmetic()?;
            Body::Arithmetic(word)
        } else if self.eat("(") {
            let body = self.list(&[])?;
            self.separators();
            if !self.eat(")") {
                return Err("shell: ')' is missing".into());
            }
            Body::Group(body, true)
        } else if let Some(name) = self.function() {
            self.separators();
            let Body::Group(body, _) = self.command()?.body else {
                return Err(format!("shell: the body of {name} is missing"));
            };
            return Ok(Command { body: Body::Function(name, body), redirects });
        } else if self.word_is("{") {
            self.at += 1;
            let body = self.list(&["}"])?;
            self.keyword("}")?;
            Body::Group(body, false)
        } else {
            return self.simple();
        };
        self.blanks();
        while let Some(redirect) = self.redirect()? {
            redirects.push(redirect);
            self.blanks();
        }
        Ok(Command { body, redirects })
    }

    /// The head of a function: `name()` or `function name`.
    fn function(&mut self) -> Option<String> {
        let start = self.at;
        let word = self.word_is("function") && self.eat("function");
        self.blanks();
        let mut name = self.name();
        while self.eat("-") {
            name = format!("{name}-{}", self.name());
        }
        self.blanks();
        let head = self.eat("(") && {
            self.blanks();
            self.eat(")")
        };
        if !name.is_empty() && (head || word) {
            return Some(name);
        }
        self.at = start;
        None
    }

    fn branches_of_case(&mut self) -> Result<Body, String> {
        self.blanks();
        let word = self.word()?.ok_or("shell: a word is missing after case")?;
        self.keyword("in")?;
        let mut branches = Vec::new();
        loop {
            self.separators();
            if self.word_is("esac") {
                self.at += 4;
                return Ok(Body::Case(word, branches));
            }
            self.eat("(");
            let mut patterns = Vec::new();
            loop {
                self.blanks();
                patterns.push(self.word()?.ok_or("shell: a pattern is missing")?);
                self.blanks();
                if !self.eat("|") {
                    break;
                }
            }
            if !self.eat(")") {
                return Err("shell: ')' is missing after a pattern".into());
            }
            let body = self.list(&["esac"])?;
            self.eat(";;");
            branches.push((patterns, body));
        }
    }

    /// The words of `[[ … ]]`; operators are words, too.
    fn test(&mut self) -> Result<Vec<Word>, String> {
        let mut words = Vec::new();
        loop {
            self.blanks();
            while self.eat("\n") {
                self.blanks();
            }
            if self.eat("]]") {
                return Ok(words);
            }
            let operator = ["&&", "||", "(", ")", "<", ">"].into_iter().find(|operator| self.eat(operator));
            match operator {
                Some(operator) => words.push(vec![Part::Text(operator.to_owned(), false)]),
                None => {
                    let pattern = words
                        .last()
                        .is_some_and(|last| matches!(last.as_slice(), [Part::Text(text, false)] if text == "=~"));
                    let word = if pattern { self.regex_word()? } else { self.word()? };
                    words.push(word.ok_or("shell: ]] is missing")?);
                }
            }
        }
    }

    /// What follows `=~`: parentheses and bars are part of it.
    fn regex_word(&mut self) -> Result<Option<Word>, String> {
        let start = self.at;
        while self.peek().is_some_and(|c| !c.is_whitespace()) {
            self.at += 1;
        }
        let text: Vec<char> = self.chars.get(start..self.at).unwrap_or_default().to_vec();
        let mut inner = Parser { chars: text, at: 0, depth: self.depth, whole: true };
        inner.word()
    }

    fn branches(&mut self) -> Result<Body, String> {
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        loop {
            let condition = self.list(&["then"])?;
            self.keyword("then")?;
            let body = self.list(&["else", "elif", "fi"])?;
            branches.push((condition, body));
            self.separators();
            if self.word_is("elif") {
                self.at += 4;
                continue;
            }
            if self.word_is("else") {
                self.at += 4;
                otherwise = self.list(&["fi"])?;
            }
            self.keyword("fi")?;
            return Ok(Body::If(branches, otherwise));
        }
    }

    fn for_loop(&mut self) -> Result<Body, String> {
        self.blanks();
        let name = self.name();
        self.blanks();
        let mut words = Vec::new();
        if self.word_is("in") {
            self.at += 2;
            self.blanks();
            while let Some(word) = self.word()? {
                words.push(word);
                self.blanks();
            }
        }
        self.keyword("do")?;
        let body = self.list(&["done"])?;
        self.keyword("done")?;
        Ok(Body::For(name, words, body))
    }

    pub(super) fn name(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            self.at += 1;
        }
        self.chars.get(start..self.at).unwrap_or_default().iter().collect()
    }

    fn simple(&mut self) -> Result<Command, String> {
        let (mut assignments, mut words, mut redirects) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            let start = self.at;
            let name = self.name();
            if words.is_empty() && !name.is_empty() && self.peek() == Some('=') {
                self.at += 1;
                assignments.push((name, self.word()?.unwrap_or_default()));
                continue;
            }
            if words.is_empty() && !name.is_empty() && self.eat("+=") {
                let mut value = vec![Part::Variable(name.clone(), None, true)];
                value.extend(self.word()?.unwrap_or_default());
                assignments.push((name, value));
                continue;
            }
            self.at = start;
            match self.word()? {
                Some(word) => words.push(word),
                None => break,
            }
        }
        if assignments.is_empty() && words.is_empty() && redirects.is_empty() {
            return Err(format!("shell: a command is missing before {:?}", self.peek().unwrap_or(' ')));
        }
        Ok(Command { body: Body::Simple(assignments, words), redirects })
    }

    fn redirect(&mut self) -> Result<Option<Redirect>, String> {
        let start = self.at;
        let explicit = self.peek().filter(char::is_ascii_digit).and_then(|c| c.to_digit(10));
        if explicit.is_some() {
            self.at += 1;
        }
        let both = explicit.is_none() && self.eat("&>");
        if both || self.eat(">") {
            let number = if both { 0 } else { explicit.unwrap_or(1) as u8 };
            let append = self.eat(">");
            if !append && self.looking_at("&") && self.chars.get(self.at + 1).is_some_and(char::is_ascii_digit) {
                self.at += 1;
                let target = self.name().parse().map_err(|_| "shell: a number is missing after >&".to_owned())?;
                return Ok(Some(Redirect::Copy(number, target)));
            }
            self.eat("&");
            self.eat("|");
            self.blanks();
            let word = self.word()?.ok_or("shell: a file is missing after >")?;
            return Ok(Some(Redirect::File(number, word, append)));
        }
        if self.eat("<<<") {
            self.blanks();
            let mut word = self.word()?.ok_or("shell: a word is missing after <<<")?;
            word.push(Part::Text("\n".to_owned(), true));
            return Ok(Some(Redirect::Here(word)));
        }
        if self.looking_at("<(") {
            return Ok(None);
        }
        if self.eat("<<") {
            self.eat("-");
            self.blanks();
            let delimiter = self.word()?.ok_or("shell: a word is missing after <<")?;
            return self.heredoc(&delimiter).map(|word| Some(Redirect::Here(word)));
        }
        if explicit.is_none() && self.eat("<") {
            self.blanks();
            let word = self.word()?.ok_or("shell: a file is missing after <")?;
            return Ok(Some(Redirect::Read(word)));
        }
        self.at = start;
        Ok(None)
    }

    /// Takes the lines after this one, up to the delimiter, out of the text.
    fn heredoc(&mut self, delimiter: &Word) -> Result<Word, String> {
        let quoted = delimiter.iter().any(|part| matches!(part, Part::Text(_, true)));
        let end: String = delimiter
            .iter()
            .filter_map(|part| if let Part::Text(text, _) = part { Some(text.as_str()) } else { None })
            .collect();
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let Some(line_end) = rest.iter().position(|c| *c == '\n') else {
            return Err("shell: a here-document is missing".into());
        };
        let body_start = self.at + line_end + 1;
        let mut text = String::new();
        let mut line_start = body_start;
        loop {
            let line: String =
                self.chars.get(line_start..).unwrap_or_default().iter().take_while(|c| **c != '\n').collect();
            let next = line_start + line.chars().count() + 1;
            if line.trim() == end || line_start >= self.chars.len() {
                let stop = next.saturating_sub(1).min(self.chars.len());
                self.chars.drain(body_start.min(stop)..stop);
                break;
            }
            text.push_str(&line);
            text.push('\n');
            line_start = next;
        }
        if quoted {
            return Ok(vec![Part::Text(text, true)]);
        }
        let mut inner = Parser { chars: text.chars().collect(), at: 0, depth: self.depth, whole: true };
        inner.double_quoted(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> String {
        parse(text).map_or_else(|error| error, |script| script.iter().map(item).collect::<Vec<_>>().join(" ; "))
    }

    fn item(item: &Item) -> String {
        let join = match item.join {
            Join::Then => "",
            Join::And => "&& ",
            Join::Or => "|| ",
        };
        let commands: Vec<String> = item
            .pipeline
            .iter()
            .map(|command| match &command.body {
                Body::Simple(assignments, words) => {
                    format!("{}a{}w{}r", assignments.len(), words.len(), command.redirects.len())
                }
                Body::If(branches, otherwise) => format!("if{}/{}", branches.len(), otherwise.len()),
                Body::For(name, words, _) => format!("for {name} {}", words.len()),
                Body::While(..) => "while".into(),
                Body::Group(body, sub) => format!("group{}{}", body.len(), if *sub { "()" } else { "" }),
                Body::Case(_, branches) => format!("case{}", branches.len()),
                Body::Test(words) => format!("test{}", words.len()),
                Body::Arithmetic(_) => "arithmetic".into(),
                Body::Function(name, body) => format!("{name}() {}", body.len()),
            })
            .collect();
        format!("{join}{}", commands.join(" | "))
    }

    #[test]
    fn scripts_have_the_shape_a_shell_gives_them() {
        for (text, expected) in [
            ("kubectl get x | grep -q 'a b'", "0a3w0r | 0a3w0r"),
            ("if kubectl apply -f x\nthen\n echo a\n exit 1\nelse\n exit 0\nfi\n", "if1/1"),
            ("A=$(b | c) ; [ \"$A\" -gt 0 ]", "1a0w0r ; 0a5w0r"),
            ("a >/dev/null 2>&1 && (b; exit 1) || c", "0a1w2r ; && group2() ; || 0a1w0r"),
            ("if [ 1 ];then exit;else (exit 1);fi", "if1/1"),
            ("a <<EOF\nx $y\nEOF\nb", "0a1w1r ; 0a1w0r"),
            ("for i in 1 2; do a; done", "for i 2"),
            ("# only a comment\n", ""),
            ("f() { a; b; }; f", "f() 2 ; 0a1w0r"),
            ("case $x in a|b) c;; *) d; e;; esac", "case2"),
            ("[[ -n $a && $b == *c ]] && (( x > 1 ))", "test6 ; && arithmetic"),
            ("a |& b <<< c &> d", "0a1w1r | 0a1w2r"),
        ] {
            assert_eq!(shape(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_broken_is_said() {
        assert!(parse("if a").is_err());
        assert!(parse("echo 'a").is_err());
        assert!(parse("(a").is_err());
        assert!(parse(&"(".repeat(10_000)).is_err());
    }
}
