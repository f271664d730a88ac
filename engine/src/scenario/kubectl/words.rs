//! Words of the shell grammar: quotes, `$name`, `${name…}`, `$( … )`, `$(( … ))`.

use super::syntax::{Edit, Parser, Part, Word, parse};

impl Parser {
    pub(super) fn word(&mut self) -> Result<Option<Word>, String> {
        let mut parts: Word = Vec::new();
        let mut plain = String::new();
        let mut any = false;
        while let Some(c) = self.peek() {
            match c {
                c if c.is_whitespace() && !self.whole => break,
                '<' if !any && self.looking_at("<(") && !self.whole => {
                    self.at += 2;
                    let script = self.list(&[])?;
                    self.closed()?;
                    parts.push(Part::Process(script));
                }
                ';' | '|' | '&' | '<' | '>' | '(' | ')' if !self.whole => break,
                '\'' => {
                    self.at += 1;
                    flush(&mut parts, &mut plain);
                    let text = self.until('\'');
                    if !self.eat("'") {
                        return Err("shell: a quote is not closed".into());
                    }
                    parts.push(Part::Text(text, true));
                }
                '$' if self.looking_at("$'") => {
                    self.at += 2;
                    flush(&mut parts, &mut plain);
                    let text = self.until('\'');
                    self.at += 1;
                    parts.push(Part::Text(super::builtins::escapes(&text), true));
                }
                '"' => {
                    self.at += 1;
                    flush(&mut parts, &mut plain);
                    parts.push(Part::Text(String::new(), true));
                    parts.extend(self.double_quoted(Some('"'))?);
                }
                '\\' => {
                    self.at += 1;
                    match self.peek() {
                        Some('\n') => self.at += 1,
                        Some(c) => {
                            self.at += 1;
                            flush(&mut parts, &mut plain);
                            parts.push(Part::Text(c.to_string(), true));
                        }
                        None => {}
                    }
                }
                '$' | '`' => match self.expansion(false)? {
                    Some(part) => {
                        flush(&mut parts, &mut plain);
                        parts.push(part);
                    }
                    None => {
                        plain.push(c);
                        self.at += 1;
                    }
                },
                c => {
                    plain.push(c);
                    self.at += 1;
                }
            }
            any = true;
        }
        flush(&mut parts, &mut plain);
        Ok(any.then_some(parts))
    }

    fn until(&mut self, end: char) -> String {
        let start = self.at;
        while self.peek().is_some_and(|c| c != end) {
            self.at += 1;
        }
        self.chars.get(start..self.at).unwrap_or_default().iter().collect()
    }

    fn closed(&mut self) -> Result<(), String> {
        self.separators();
        if self.eat(")") { Ok(()) } else { Err("shell: ')' is missing".into()) }
    }

    pub(super) fn double_quoted(&mut self, end: Option<char>) -> Result<Word, String> {
        let mut parts = Vec::new();
        let mut text = String::new();
        loop {
            match self.peek() {
                None if end.is_some() => return Err("shell: a quote is not closed".into()),
                None => break,
                Some(c) if Some(c) == end => {
                    self.at += 1;
                    break;
                }
                Some('\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some('\n') => {}
                        Some(c) if matches!(c, '$' | '`' | '\\') || c == '"' && end.is_some() => text.push(c),
                        Some(c) => text.extend(['\\', c]),
                        None => text.push('\\'),
                    }
                    self.at += 1;
                }
                Some(c @ ('$' | '`')) => match self.expansion(true)? {
                    Some(part) => {
                        if !text.is_empty() {
                            parts.push(Part::Text(std::mem::take(&mut text), true));
                        }
                        parts.push(part);
                    }
                    None => {
                        text.push(c);
                        self.at += 1;
                    }
                },
                Some(c) => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text, true));
        }
        Ok(parts)
    }

    fn expansion(&mut self, quoted: bool) -> Result<Option<Part>, String> {
        if self.eat("`") {
            let text = self.until('`');
            self.at += 1;
            return Ok(Some(Part::Output(parse(&text.replace("\\$", "$"))?, quoted)));
        }
        if self.eat("$((") {
            return Ok(Some(Part::Arithmetic(self.arithmetic()?)));
        }
        if self.eat("$(") {
            let whole = std::mem::replace(&mut self.whole, false);
            let script = self.list(&[])?;
            self.closed()?;
            self.whole = whole;
            return Ok(Some(Part::Output(script, quoted)));
        }
        if self.eat("${") {
            return self.braces(quoted).map(Some);
        }
        let special = self
            .chars
            .get(self.at + 1)
            .copied()
            .filter(|c| matches!(c, '?' | '#' | '@' | '*' | '$' | '!' | '-') || c.is_ascii_digit());
        if let Some(c) = special.filter(|_| self.peek() == Some('$')) {
            self.at += 2;
            return Ok(Some(Part::Variable(c.to_string(), None, quoted)));
        }
        let start = self.at;
        self.at += 1;
        let name = self.name();
        if name.is_empty() {
            self.at = start;
            return Ok(None);
        }
        Ok(Some(Part::Variable(name, None, quoted)))
    }

    /// What follows `${`.
    fn braces(&mut self, quoted: bool) -> Result<Part, String> {
        if self.looking_at("#") && !self.looking_at("#}") {
            self.at += 1;
            let name = self.name();
            self.eat("[@]");
            self.eat("}");
            return Ok(Part::Variable(name, Some(Box::new(Edit::Length)), quoted));
        }
        let mut name = self.name();
        if name.is_empty() {
            name.extend(self.peek());
            self.at += 1;
        }
        self.eat("[@]");
        self.eat("[*]");
        let operators = [":-", ":=", ":+", ":?", "^^", ",,", "##", "%%", "//", "-", "=", "+", "?", "#", "%", "/", ":"];
        let operator = operators.into_iter().find(|operator| self.eat(operator)).unwrap_or("");
        let text = self.up_to_brace()?;
        let word = |text: &str| -> Result<Word, String> {
            let mut inner = Self { chars: text.chars().collect(), at: 0, depth: self.depth, whole: true };
            Ok(inner.word()?.unwrap_or_default())
        };
        let both = |text: &str| -> Result<(Word, Word), String> {
            let (pattern, with) = text.split_once('/').unwrap_or((text, ""));
            Ok((word(pattern)?, word(with)?))
        };
        let edit = match operator {
            "" if text.is_empty() => None,
            "^^" => Some(Edit::Case(true)),
            ",," => Some(Edit::Case(false)),
            "#" | "##" => Some(Edit::CutFront(word(&text)?, operator.len() == 2)),
            "%" | "%%" => Some(Edit::CutBack(word(&text)?, operator.len() == 2)),
            "/" | "//" => {
                let (pattern, with) = both(&text)?;
                Some(Edit::Replace(pattern, with, operator.len() == 2))
            }
            ":" => {
                let (from, length) = text.split_once(':').unwrap_or((&text, ""));
                Some(Edit::Slice(from.trim().parse().unwrap_or(0), length.trim().parse().ok()))
            }
            "" => return Err(format!("shell: ${{{name}{text}}} is not understood")),
            operator => {
                let sign = operator.chars().last().unwrap_or('-');
                Some(Edit::Otherwise(sign, operator.starts_with(':'), word(&text)?))
            }
        };
        Ok(Part::Variable(name, edit.map(Box::new), quoted))
    }

    /// The text up to the brace that closes `${`.
    fn up_to_brace(&mut self) -> Result<String, String> {
        let (start, mut depth) = (self.at, 0);
        while let Some(c) = self.peek() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    let text = self.chars.get(start..self.at).unwrap_or_default().iter().collect();
                    self.at += 1;
                    return Ok(text);
                }
                '}' => depth -= 1,
                '\\' => self.at += 1,
                _ => {}
            }
            self.at += 1;
        }
        Err("shell: '}' is missing".into())
    }

    /// The text up to `))`, as a word.
    pub(super) fn arithmetic(&mut self) -> Result<Word, String> {
        let (start, mut depth) = (self.at, 0);
        while let Some(c) = self.peek() {
            match c {
                '(' => depth += 1,
                ')' if depth == 0 && self.looking_at("))") => {
                    let chars = self.chars.get(start..self.at).unwrap_or_default().to_vec();
                    self.at += 2;
                    let mut inner = Self { chars, at: 0, depth: self.depth, whole: true };
                    return inner.double_quoted(None);
                }
                ')' => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
        Err("shell: '))' is missing".into())
    }
}

fn flush(parts: &mut Word, plain: &mut String) {
    if !plain.is_empty() {
        parts.push(Part::Text(std::mem::take(plain), false));
    }
}
