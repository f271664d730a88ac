//! Programs of jq: text → expression.

use serde_json::{Value, json};

use super::super::values::{Token, tokens};
use super::values::number_of;
use super::{Expr, MAX_DEPTH};

const SIGNS: &[&str] = &[
    "?//", "//=", "|=", "+=", "-=", "//", "==", "!=", "<=", ">=", "..", "|", ",", ".", "[", "]", "{", "}", "(", ")",
    ":", "?", "+", "-", "*", "/", "%", "<", ">", "=", ";",
];

pub(super) fn parse(text: &str) -> Result<Expr, String> {
    let tokens = tokens(text, SIGNS, |c| c.is_ascii_alphabetic() || matches!(c, '_' | '$' | '@'))?;
    let tokens = tokens.into_iter().filter(|token| *token != Token::Line).collect();
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let expr = parser.pipe()?;
    if parser.at < parser.tokens.len() { Err(format!("syntax error in {text:?}")) } else { Ok(expr) }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(own)) if *own == sign);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Name(own)) if own == word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.sign(sign) { Ok(()) } else { Err(format!("syntax error: {sign:?} is missing")) }
    }

    fn expect_word(&mut self, word: &str) -> Result<(), String> {
        if self.word(word) { Ok(()) } else { Err(format!("syntax error: {word:?} is missing")) }
    }

    fn variable(&mut self) -> Result<String, String> {
        match self.tokens.get(self.at) {
            Some(Token::Name(name)) if name.starts_with('$') => {
                self.at += 1;
                Ok(name.trim_start_matches('$').to_owned())
            }
            _ => Err("syntax error: a variable is missing".into()),
        }
    }

    fn pipe(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("nested too deeply".into());
        }
        let mut left = self.binary(0)?;
        if self.word("as") {
            let name = self.variable()?;
            self.expect("|")?;
            left = Expr::Bind(left.into(), name, self.pipe()?.into());
        } else if self.sign("|") {
            left = Expr::Pipe(left.into(), self.pipe()?.into());
        }
        self.depth -= 1;
        Ok(left)
    }

    fn binary(&mut self, level: usize) -> Result<Expr, String> {
        const LEVELS: &[&[&str]] = &[
            &[","],
            &["//"],
            &["=", "|=", "+=", "-=", "//="],
            &["or"],
            &["and"],
            &["==", "!=", "<", "<=", ">", ">="],
            &["+", "-"],
            &["*", "/", "%"],
        ];
        let Some(operators) = LEVELS.get(level) else { return self.postfix() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = operators.iter().find(|operator| self.sign(operator) || self.word(operator)) {
            let right = self.binary(level + 1)?.into();
            left = match *operator {
                "," => Expr::Comma(left.into(), right),
                operator => Expr::Binary(operator, left.into(), right),
            };
        }
        Ok(left)
    }

    fn postfix(&mut self) -> Result<Expr, String> {
        let mut expr = self.term()?;
        loop {
            if self.sign("?") {
                expr = Expr::Try(expr.into());
            } else if self.sign("[") {
                expr = self.bracket(expr)?;
            } else if self.sign(".") {
                if self.sign("[") {
                    expr = self.bracket(expr)?;
                } else {
                    let key = self.key()?.ok_or("syntax error after '.'")?;
                    expr = Expr::Key(expr.into(), key.into());
                }
            } else {
                return Ok(expr);
            }
        }
    }

    fn key(&mut self) -> Result<Option<Expr>, String> {
        let key = match self.tokens.get(self.at) {
            Some(Token::Name(name)) if !name.starts_with(['$', '@']) => Expr::Literal(json!(name)),
            Some(Token::Text(text)) => text_of(text)?,
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(key))
    }

    fn bracket(&mut self, of: Expr) -> Result<Expr, String> {
        if self.sign("]") {
            return Ok(Expr::Each(of.into()));
        }
        let from = if self.sign(":") { None } else { Some(Box::new(self.pipe()?)) };
        if from.is_none() || self.sign(":") {
            let to = if self.sign("]") {
                return Ok(Expr::Slice(of.into(), from, None));
            } else {
                Some(Box::new(self.pipe()?))
            };
            self.expect("]")?;
            return Ok(Expr::Slice(of.into(), from, to));
        }
        self.expect("]")?;
        let index = from.map_or(Expr::Identity, |from| *from);
        Ok(Expr::Key(of.into(), index.into()))
    }

    fn term(&mut self) -> Result<Expr, String> {
        if self.sign("..") {
            return Ok(Expr::Everything);
        }
        if self.sign(".") {
            if self.sign("[") {
                return self.bracket(Expr::Identity);
            }
            return Ok(match self.key()? {
                Some(key) => Expr::Key(Expr::Identity.into(), key.into()),
                None => Expr::Identity,
            });
        }
        if self.sign("-") {
            return Ok(Expr::Negative(self.postfix()?.into()));
        }
        if self.sign("(") {
            let expr = self.pipe()?;
            self.expect(")")?;
            return Ok(expr);
        }
        if self.sign("[") {
            if self.sign("]") {
                return Ok(Expr::List(None));
            }
            let inner = self.pipe()?;
            self.expect("]")?;
            return Ok(Expr::List(Some(inner.into())));
        }
        if self.sign("{") {
            return self.object();
        }
        let token = self.tokens.get(self.at).cloned().ok_or("syntax error: the program ends early")?;
        self.at += 1;
        match token {
            Token::Number(number) => Ok(Expr::Literal(number_of(number))),
            Token::Text(text) => text_of(&text),
            Token::Name(name) => self.named(&name),
            token => Err(format!("syntax error near {token:?}")),
        }
    }

    fn named(&mut self, name: &str) -> Result<Expr, String> {
        if let Some(variable) = name.strip_prefix('$') {
            return Ok(Expr::Variable(variable.to_owned()));
        }
        match name {
            "null" => Ok(Expr::Literal(Value::Null)),
            "true" | "false" => Ok(Expr::Literal(json!(name == "true"))),
            "if" => {
                let mut branches = Vec::new();
                loop {
                    let condition = self.pipe()?;
                    self.expect_word("then")?;
                    branches.push((condition, self.pipe()?));
                    if self.word("elif") {
                        continue;
                    }
                    let otherwise = if self.word("else") { self.pipe()? } else { Expr::Identity };
                    self.expect_word("end")?;
                    return Ok(Expr::If(branches, otherwise.into()));
                }
            }
            "try" => {
                let body = self.postfix()?;
                if self.word("catch") {
                    self.postfix()?;
                }
                Ok(Expr::Try(body.into()))
            }
            "reduce" => {
                let source = self.postfix()?;
                self.expect_word("as")?;
                let name = self.variable()?;
                self.expect("(")?;
                let start = self.pipe()?;
                self.expect(";")?;
                let step = self.pipe()?;
                self.expect(")")?;
                Ok(Expr::Reduce(source.into(), name, start.into(), step.into()))
            }
            name => {
                let mut args = Vec::new();
                if self.sign("(") {
                    args.push(self.pipe()?);
                    while self.sign(";") {
                        args.push(self.pipe()?);
                    }
                    self.expect(")")?;
                }
                Ok(Expr::Call(name.to_owned(), args))
            }
        }
    }

    fn object(&mut self) -> Result<Expr, String> {
        let mut fields = Vec::new();
        while !self.sign("}") {
            let (key, short) = match self.tokens.get(self.at).cloned() {
                Some(Token::Name(name)) if name.starts_with('$') => {
                    self.at += 1;
                    let name = name.trim_start_matches('$').to_owned();
                    (Expr::Literal(json!(name)), Some(Expr::Variable(name)))
                }
                Some(Token::Sign("(")) => {
                    self.at += 1;
                    let key = self.pipe()?;
                    self.expect(")")?;
                    (key, None)
                }
                _ => {
                    let key = self.key()?.ok_or("syntax error in an object")?;
                    let value = Expr::Key(Expr::Identity.into(), key.clone().into());
                    (key, Some(value))
                }
            };
            let value = if self.sign(":") { self.binary(1)? } else { short.ok_or("syntax error in an object")? };
            fields.push((key, value));
            self.sign(",");
        }
        Ok(Expr::Object(fields))
    }
}

/// A string with `\( … )` put in.
fn text_of(raw: &str) -> Result<Expr, String> {
    let (mut parts, mut plain) = (Vec::new(), String::new());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('(')) => {
                let (mut depth, mut inner) = (1, String::new());
                for c in chars.by_ref() {
                    depth += i32::from(c == '(') - i32::from(c == ')');
                    if depth == 0 {
                        break;
                    }
                    inner.push(c);
                }
                parts.push(Expr::Literal(json!(std::mem::take(&mut plain))));
                parts.push(parse(&inner)?);
            }
            ('\\', Some('n')) => plain.push('\n'),
            ('\\', Some('t')) => plain.push('\t'),
            ('\\', Some(c)) => plain.push(c),
            (c, _) => plain.push(c),
        }
    }
    if parts.is_empty() {
        return Ok(Expr::Literal(json!(plain)));
    }
    parts.push(Expr::Literal(json!(plain)));
    Ok(Expr::Text(parts))
}
