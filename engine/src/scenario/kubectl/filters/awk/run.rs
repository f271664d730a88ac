//! Runs programs of awk, line by line.

use std::collections::BTreeMap;

use regex::Regex;

use super::super::super::printf::{number, printf};
use super::{Expr, MAX_DEPTH, Statement};

#[derive(Default)]
pub(super) struct State {
    line: String,
    fields: Vec<String>,
    pub(super) vars: BTreeMap<String, String>,
    arrays: BTreeMap<String, BTreeMap<String, String>>,
    number: usize,
    pub(super) out: String,
    pub(super) next: bool,
    pub(super) exit: Option<i32>,
}

pub(super) fn truth(text: &str) -> bool {
    !text.is_empty() && !text.trim().parse::<f64>().is_ok_and(|number| number == 0.0)
}

fn written(number: f64) -> String {
    if number.fract() == 0.0 { format!("{number:.0}") } else { format!("{number:.6}").trim_end_matches('0').to_owned() }
}

impl State {
    pub(super) fn take(&mut self, line: &str) {
        self.number += 1;
        line.clone_into(&mut self.line);
        self.split();
    }

    fn split(&mut self) {
        let mark = self.vars.get("FS").cloned().unwrap_or_else(|| " ".to_owned());
        self.fields = split(&self.line, &mark);
    }

    pub(super) fn run(&mut self, statement: &Statement) -> Result<(), String> {
        if self.next || self.exit.is_some() {
            return Ok(());
        }
        match statement {
            Statement::Block(body) => body.iter().try_for_each(|one| self.run(one))?,
            Statement::Next => self.next = true,
            Statement::Exit(code) => {
                let code = code.as_ref().map_or(Ok(String::new()), |code| self.value(code, 0))?;
                #[expect(clippy::cast_possible_truncation, reason = "an exit code")]
                let code = number(&code) as i32;
                self.exit = Some(code);
            }
            Statement::Expr(expr) => drop(self.value(expr, 0)?),
            Statement::If(condition, then, otherwise) => {
                let holds = truth(&self.value(condition, 0)?);
                match (holds, otherwise) {
                    (true, _) => self.run(then)?,
                    (false, Some(otherwise)) => self.run(otherwise)?,
                    (false, None) => {}
                }
            }
            Statement::For(name, array, body) => {
                let keys: Vec<String> =
                    self.arrays.get(array).into_iter().flat_map(|map| map.keys().cloned()).collect();
                for key in keys {
                    self.vars.insert(name.clone(), key);
                    self.run(body)?;
                }
            }
            Statement::Print(list, false) => {
                let mark = |name: &str, usual: &str| self.vars.get(name).cloned().unwrap_or_else(|| usual.to_owned());
                let (between, end) = (mark("OFS", " "), mark("ORS", "\n"));
                let texts = list.iter().map(|expr| self.value(expr, 0)).collect::<Result<Vec<_>, _>>()?;
                let text = if list.is_empty() { self.line.clone() } else { texts.join(&between) };
                self.out.push_str(&(text + &end));
            }
            Statement::Print(list, true) => {
                let texts = list.iter().map(|expr| self.value(expr, 0)).collect::<Result<Vec<_>, _>>()?;
                self.out.push_str(&formatted(&texts));
            }
        }
        Ok(())
    }

    fn matches(&mut self, text: &str, pattern: &Expr, depth: usize) -> Result<bool, String> {
        let source = match pattern {
            Expr::Regex(source) => source.clone(),
            other => self.value(other, depth + 1)?,
        };
        Ok(Regex::new(&source).map_err(|_| format!("invalid pattern {source:?}"))?.is_match(text))
    }

    pub(super) fn value(&mut self, expr: &Expr, depth: usize) -> Result<String, String> {
        if depth > MAX_DEPTH {
            return Err("nested too deeply".into());
        }
        Ok(match expr {
            Expr::Number(number) => written(*number),
            Expr::Text(text) => text.clone(),
            Expr::Regex(_) => {
                let line = self.line.clone();
                written(f64::from(u8::from(self.matches(&line, expr, depth)?)))
            }
            Expr::Field(index) => {
                let index = number(&self.value(index, depth + 1)?);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
                let index = index.max(0.0) as usize;
                match index {
                    0 => self.line.clone(),
                    index => self.fields.get(index - 1).cloned().unwrap_or_default(),
                }
            }
            Expr::Variable(name) => match name.as_str() {
                "NR" | "FNR" => self.number.to_string(),
                "NF" => self.fields.len().to_string(),
                name => self.vars.get(name).cloned().unwrap_or_default(),
            },
            Expr::Element(name, key) => {
                let key = self.value(key, depth + 1)?;
                self.arrays.entry(name.clone()).or_default().entry(key).or_default().clone()
            }
            Expr::Not(inner) => if truth(&self.value(inner, depth + 1)?) { "0" } else { "1" }.to_owned(),
            Expr::Minus(inner) => written(-number(&self.value(inner, depth + 1)?)),
            Expr::Choice(condition, then, otherwise) => {
                let holds = truth(&self.value(condition, depth + 1)?);
                return self.value(if holds { then } else { otherwise }, depth + 1);
            }
            Expr::Step(step, target) => {
                let old = number(&self.value(target, depth + 1)?);
                self.assign(target, written(old + step), depth)?;
                written(old)
            }
            Expr::Assign(operator, target, value) => {
                let value = self.value(value, depth + 1)?;
                let value = match *operator {
                    "=" => value,
                    operator => {
                        let (old, new) = (number(&self.value(target, depth + 1)?), number(&value));
                        written(match operator {
                            "+=" => old + new,
                            "-=" => old - new,
                            _ => old * new,
                        })
                    }
                };
                self.assign(target, value.clone(), depth)?;
                value
            }
            Expr::Binary(operator, left, right) => return self.binary(operator, left, right, depth),
            Expr::Call(name, args) => return self.call(name, args, depth),
        })
    }

    fn assign(&mut self, target: &Expr, value: String, depth: usize) -> Result<(), String> {
        match target {
            Expr::Variable(name) => drop(self.vars.insert(name.clone(), value)),
            Expr::Element(name, key) => {
                let key = self.value(key, depth + 1)?;
                self.arrays.entry(name.clone()).or_default().insert(key, value);
            }
            Expr::Field(index) => {
                let index = number(&self.value(index, depth + 1)?);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
                let index = index.clamp(0.0, 1000.0) as usize;
                if index == 0 {
                    self.line = value;
                    self.split();
                } else {
                    self.fields.resize(self.fields.len().max(index), String::new());
                    self.fields.get_mut(index - 1).into_iter().for_each(|field| field.clone_from(&value));
                    self.line = self.fields.join(" ");
                }
            }
            _ => return Err("assignment to something that is no variable".into()),
        }
        Ok(())
    }

    fn binary(&mut self, operator: &str, left: &Expr, right: &Expr, depth: usize) -> Result<String, String> {
        let first = self.value(left, depth + 1)?;
        let bool_of = |holds: bool| if holds { "1" } else { "0" }.to_owned();
        match operator {
            "&&" => return Ok(bool_of(truth(&first) && truth(&self.value(right, depth + 1)?))),
            "||" => return Ok(bool_of(truth(&first) || truth(&self.value(right, depth + 1)?))),
            "~" => return Ok(bool_of(self.matches(&first, right, depth)?)),
            "!~" => return Ok(bool_of(!self.matches(&first, right, depth)?)),
            _ => {}
        }
        let second = self.value(right, depth + 1)?;
        let numbers = first.trim().parse::<f64>().ok().zip(second.trim().parse::<f64>().ok());
        // A string in the program makes it a comparison of strings.
        let literal = matches!(left, Expr::Text(_)) || matches!(right, Expr::Text(_));
        let order = match numbers.filter(|_| !literal) {
            Some((a, b)) => a.total_cmp(&b),
            None if second.is_empty() || first.is_empty() || literal => first.cmp(&second),
            None if matches!(left, Expr::Number(_)) || matches!(right, Expr::Number(_)) => first.cmp(&second),
            None => first.cmp(&second),
        };
        let (a, b) = (number(&first), number(&second));
        Ok(match operator {
            " " => first + &second,
            "==" => bool_of(order.is_eq()),
            "!=" => bool_of(order.is_ne()),
            "<" => bool_of(order.is_lt()),
            "<=" => bool_of(order.is_le()),
            ">" => bool_of(order.is_gt()),
            ">=" => bool_of(order.is_ge()),
            "+" => written(a + b),
            "-" => written(a - b),
            "*" => written(a * b),
            "/" if b == 0.0 => return Err("division by zero".into()),
            "/" => written(a / b),
            _ => written(a % b),
        })
    }

    fn call(&mut self, name: &str, args: &[Expr], depth: usize) -> Result<String, String> {
        if let ("sub" | "gsub", [pattern, with, target @ ..]) = (name, args) {
            let source = match pattern {
                Expr::Regex(source) => source.clone(),
                other => self.value(other, depth + 1)?,
            };
            let whole = Expr::Field(Expr::Number(0.0).into());
            let target = target.first().unwrap_or(&whole);
            let (with, old) = (self.value(with, depth + 1)?, self.value(target, depth + 1)?);
            let regex = Regex::new(&source).map_err(|_| format!("invalid pattern {source:?}"))?;
            let count = if name == "sub" { 1 } else { 0 };
            let with = with.replace('$', "$$").replace('&', "${0}");
            let found = regex.find_iter(&old).count();
            let new = regex.replacen(&old, count, with.as_str()).into_owned();
            self.assign(target, new, depth)?;
            return Ok(found.min(if count == 0 { found } else { 1 }).to_string());
        }
        if let ("split", [text, Expr::Variable(array), mark @ ..]) = (name, args) {
            let text = self.value(text, depth + 1)?;
            let mark = mark.first().map_or(Ok(" ".to_owned()), |mark| self.value(mark, depth + 1))?;
            let parts = split(&text, &mark);
            let count = parts.len();
            let map = parts.into_iter().enumerate().map(|(at, part)| ((at + 1).to_string(), part)).collect();
            self.arrays.insert(array.clone(), map);
            return Ok(count.to_string());
        }
        if let ("match", [text, pattern]) = (name, args) {
            let text = self.value(text, depth + 1)?;
            return Ok(if self.matches(&text, pattern, depth)? { "1" } else { "0" }.to_owned());
        }
        if let ("length", [Expr::Variable(name)]) = (name, args)
            && let Some(array) = self.arrays.get(name)
        {
            return Ok(array.len().to_string());
        }
        let values = args.iter().map(|arg| self.value(arg, depth + 1)).collect::<Result<Vec<_>, _>>()?;
        let first = values.first().cloned();
        let text = first.unwrap_or_else(|| self.line.clone());
        Ok(match name {
            "length" => text.chars().count().to_string(),
            "toupper" => text.to_uppercase(),
            "tolower" => text.to_lowercase(),
            "int" => written(number(&text).trunc()),
            "substr" => {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
                let at =
                    |at: usize, usual: usize| values.get(at).map_or(usual, |value| number(value).max(0.0) as usize);
                text.chars().skip(at(1, 1).saturating_sub(1)).take(at(2, usize::MAX)).collect()
            }
            "index" => {
                let needle = values.get(1).map_or("", String::as_str);
                text.find(needle).map_or(0, |at| at + 1).to_string()
            }
            "sprintf" => formatted(&values),
            _ => return Err(format!("function {name} is not known")),
        })
    }
}

fn split(text: &str, mark: &str) -> Vec<String> {
    if mark == " " {
        return text.split_whitespace().map(str::to_owned).collect();
    }
    if text.is_empty() {
        return Vec::new();
    }
    let source = if mark.chars().count() == 1 { regex::escape(mark) } else { mark.to_owned() };
    match Regex::new(&source) {
        Ok(regex) => regex.split(text).map(str::to_owned).collect(),
        Err(_) => text.split(mark).map(str::to_owned).collect(),
    }
}

fn formatted(texts: &[String]) -> String {
    texts.split_first().map_or_else(String::new, |(format, rest)| printf(format, &mut rest.iter()))
}
