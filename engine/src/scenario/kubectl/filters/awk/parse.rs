//! Programs of awk: text → patterns with their actions.

use super::super::values::{Token, tokens};
use super::{Expr, MAX_DEPTH, Pattern, Statement};

const SIGNS: &[&str] = &[
    "==", "!=", "<=", ">=", "&&", "||", "++", "--", "+=", "-=", "*=", "{", "}", "(", ")", "[", "]", ";", ",", "~", "!",
    "<", ">", "=", "+", "-", "*", "/", "%", "$", "?", ":",
];

/// Regular expressions are written between slashes: they are made strings before the program is cut into tokens.
pub(super) fn parse(text: &str) -> Result<Vec<(Pattern, Statement)>, String> {
    let (mut marked, mut last, mut quoted) = (String::new(), ' ', false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '/' && !quoted && !(last.is_ascii_alphanumeric() || matches!(last, ')' | ']' | '_')) {
            let mut source = String::new();
            while let Some(c) = chars.next() {
                match c {
                    '/' => break,
                    '\\' => match chars.next() {
                        Some('/') => source.push('/'),
                        Some(c) => source.extend(['\\', c]),
                        None => {}
                    },
                    c => source.push(c),
                }
            }
            marked.push_str(&format!("\"\u{1}{}\"", source.replace('\\', "\\\\").replace('"', "\\\"")));
            last = '"';
            continue;
        }
        if c == '\\' && quoted {
            marked.push(c);
            marked.extend(chars.next());
            continue;
        }
        quoted ^= c == '"';
        marked.push(c);
        last = if c.is_whitespace() { last } else { c };
    }
    let tokens = tokens(&marked, SIGNS, |c| c.is_ascii_alphabetic() || c == '_')?;
    let mut parser = Parser { tokens, at: 0, depth: 0, list: false };
    let mut rules = Vec::new();
    loop {
        parser.lines();
        if parser.at >= parser.tokens.len() {
            return Ok(rules);
        }
        let pattern = if parser.is("{") {
            Pattern::Always
        } else if parser.word("BEGIN") {
            Pattern::Begin
        } else if parser.word("END") {
            Pattern::End
        } else {
            Pattern::When(parser.expr(0)?)
        };
        let body = if parser.is("{") { parser.statement()? } else { Statement::Print(Vec::new(), false) };
        rules.push((pattern, body));
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// In the list of a `print`, where `>` would be a redirection.
    list: bool,
}

impl Parser {
    fn is(&self, sign: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Sign(own)) if *own == sign)
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
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

    fn lines(&mut self) {
        while matches!(self.tokens.get(self.at), Some(Token::Line)) || self.is(";") {
            self.at += 1;
        }
    }

    fn statement(&mut self) -> Result<Statement, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("nested too deeply".into());
        }
        let statement = self.single()?;
        self.depth -= 1;
        Ok(statement)
    }

    fn single(&mut self) -> Result<Statement, String> {
        self.lines();
        if self.sign("{") {
            let mut body = Vec::new();
            loop {
                self.lines();
                if self.sign("}") {
                    return Ok(Statement::Block(body));
                }
                if self.at >= self.tokens.len() {
                    return Err("syntax error: '}' is missing".into());
                }
                body.push(self.statement()?);
            }
        }
        if self.word("print") {
            return Ok(Statement::Print(self.arguments()?, false));
        }
        if self.word("printf") {
            return Ok(Statement::Print(self.arguments()?, true));
        }
        if self.word("next") {
            return Ok(Statement::Next);
        }
        if self.word("exit") {
            let ends = self.is("}") || self.is(";") || matches!(self.tokens.get(self.at), None | Some(Token::Line));
            return Ok(Statement::Exit(if ends { None } else { Some(self.expr(0)?) }));
        }
        if self.word("if") {
            self.expect("(")?;
            let condition = self.expr(0)?;
            self.expect(")")?;
            let then = self.statement()?.into();
            let start = self.at;
            self.lines();
            let otherwise = if self.word("else") {
                Some(self.statement()?.into())
            } else {
                self.at = start;
                None
            };
            return Ok(Statement::If(condition, then, otherwise));
        }
        if self.word("for") {
            self.expect("(")?;
            let name = self.name()?;
            if !self.word("in") {
                return Err("only `for (key in array)` is known".into());
            }
            let array = self.name()?;
            self.expect(")")?;
            return Ok(Statement::For(name, array, self.statement()?.into()));
        }
        Ok(Statement::Expr(self.expr(0)?))
    }

    fn name(&mut self) -> Result<String, String> {
        match self.tokens.get(self.at) {
            Some(Token::Name(name)) => {
                self.at += 1;
                Ok(name.clone())
            }
            _ => Err("syntax error: a name is missing".into()),
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, String> {
        let mut list = Vec::new();
        let before = std::mem::replace(&mut self.list, true);
        while !(self.is("}")
            || self.is(";")
            || self.is(">")
            || matches!(self.tokens.get(self.at), None | Some(Token::Line)))
        {
            list.push(self.expr(0)?);
            if !self.sign(",") {
                break;
            }
        }
        self.list = before;
        Ok(list)
    }

    fn expr(&mut self, level: usize) -> Result<Expr, String> {
        const LEVELS: &[&[&str]] =
            &[&["||"], &["&&"], &["~", "!", "==", "!=", "<=", ">=", "<", ">"], &["  "], &["+", "-"], &["*", "/", "%"]];
        self.depth += 1;
        if self.depth > 10 * MAX_DEPTH {
            return Err("nested too deeply".into());
        }
        let result = self.expr_of(level, LEVELS);
        self.depth -= 1;
        result
    }

    fn expr_of(&mut self, level: usize, levels: &[&[&'static str]]) -> Result<Expr, String> {
        let Some(operators) = levels.get(level) else { return self.unary() };
        let mut left = self.expr(level + 1)?;
        if operators == &["  "] {
            // Concatenation: expressions beside each other.
            while self.begins_value() {
                left = Expr::Binary(" ", left.into(), self.expr(level + 1)?.into());
            }
            return Ok(left);
        }
        while let Some(operator) = operators.iter().find(|operator| self.is(operator)) {
            if self.list && *operator == ">" {
                break;
            }
            self.at += 1;
            let operator = if *operator == "!" {
                self.expect("~")?;
                "!~"
            } else {
                operator
            };
            left = Expr::Binary(operator, left.into(), self.expr(level + 1)?.into());
        }
        if level == 0 {
            if self.sign("?") {
                let then = self.expr(0)?;
                self.expect(":")?;
                return Ok(Expr::Choice(left.into(), then.into(), self.expr(0)?.into()));
            }
            if let Some(operator) = ["=", "+=", "-=", "*="].into_iter().find(|operator| self.sign(operator)) {
                return Ok(Expr::Assign(operator, left.into(), self.expr(0)?.into()));
            }
        }
        Ok(left)
    }

    fn begins_value(&self) -> bool {
        match self.tokens.get(self.at) {
            Some(Token::Name(name)) => !matches!(name.as_str(), "in" | "else"),
            Some(Token::Number(_) | Token::Text(_)) => true,
            Some(Token::Sign(sign)) => matches!(*sign, "$" | "("),
            _ => false,
        }
    }

    fn unary(&mut self) -> Result<Expr, String> {
        if self.sign("!") {
            return Ok(Expr::Not(self.unary()?.into()));
        }
        if self.sign("-") {
            return Ok(Expr::Minus(self.unary()?.into()));
        }
        let value = self.primary()?;
        for (sign, step) in [("++", 1.0), ("--", -1.0)] {
            if self.sign(sign) {
                return Ok(Expr::Step(step, value.into()));
            }
        }
        Ok(value)
    }

    fn primary(&mut self) -> Result<Expr, String> {
        if self.sign("$") {
            return Ok(Expr::Field(self.primary()?.into()));
        }
        if self.sign("(") {
            let list = std::mem::replace(&mut self.list, false);
            let value = self.expr(0)?;
            self.list = list;
            self.expect(")")?;
            return Ok(value);
        }
        let token = self.tokens.get(self.at).cloned().ok_or("syntax error: the program ends early")?;
        self.at += 1;
        Ok(match token {
            Token::Number(number) => Expr::Number(number),
            Token::Text(text) => match text.strip_prefix('\u{1}') {
                Some(source) => Expr::Regex(source.replace("\\\"", "\"").replace("\\\\", "\\")),
                None => Expr::Text(super::super::super::builtins::escapes(&text)),
            },
            Token::Name(name) if self.sign("(") => {
                let (mut args, list) = (Vec::new(), std::mem::replace(&mut self.list, false));
                while !self.sign(")") {
                    args.push(self.expr(0)?);
                    if !self.sign(",") && !self.is(")") {
                        return Err("syntax error in a call".into());
                    }
                }
                self.list = list;
                Expr::Call(name, args)
            }
            Token::Name(name) if self.sign("[") => {
                let key = self.expr(0)?;
                self.expect("]")?;
                Expr::Element(name, key.into())
            }
            Token::Name(name) if name == "length" => Expr::Call(name, Vec::new()),
            Token::Name(name) => Expr::Variable(name),
            token => return Err(format!("syntax error near {token:?}")),
        })
    }
}
