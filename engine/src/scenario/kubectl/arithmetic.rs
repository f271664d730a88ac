//! Arithmetic of the shell: `$(( … ))`, `(( … ))`, `let`.

use std::collections::BTreeMap;

/// The value of an expression; assignments change the variables.
///
/// # Errors
/// What is not understood.
pub fn evaluate(text: &str, vars: &mut BTreeMap<String, String>) -> Result<i64, String> {
    let mut reader = Reader { chars: text.chars().filter(|c| !c.is_whitespace()).collect(), at: 0, depth: 0, vars };
    if reader.chars.is_empty() {
        return Ok(0);
    }
    let value = reader.level(0)?;
    if reader.at < reader.chars.len() {
        Err(format!("shell: arithmetic: {text:?} is not understood"))
    } else {
        Ok(value)
    }
}

/// Operators by binding, the weakest first; longer ones before those that they begin with.
const LEVELS: &[&[&str]] = &[&["||"], &["&&"], &["==", "!="], &["<=", ">=", "<", ">"], &["+", "-"], &["*", "/", "%"]];

struct Reader<'a> {
    chars: Vec<char>,
    at: usize,
    depth: usize,
    vars: &'a mut BTreeMap<String, String>,
}

impl Reader<'_> {
    fn eat(&mut self, text: &str) -> bool {
        let found = text.chars().enumerate().all(|(offset, c)| self.chars.get(self.at + offset) == Some(&c));
        self.at += if found { text.len() } else { 0 };
        found
    }

    fn level(&mut self, level: usize) -> Result<i64, String> {
        let Some(operators) = LEVELS.get(level) else { return self.operand() };
        let mut left = self.level(level + 1)?;
        while let Some(operator) = operators.iter().find(|operator| self.eat(operator)) {
            let right = self.level(level + 1)?;
            left = match *operator {
                "||" => i64::from(left != 0 || right != 0),
                "&&" => i64::from(left != 0 && right != 0),
                "==" => i64::from(left == right),
                "!=" => i64::from(left != right),
                "<=" => i64::from(left <= right),
                ">=" => i64::from(left >= right),
                "<" => i64::from(left < right),
                ">" => i64::from(left > right),
                "+" => left.wrapping_add(right),
                "-" => left.wrapping_sub(right),
                "*" => left.wrapping_mul(right),
                "/" => left.checked_div(right).ok_or("shell: division by 0")?,
                _ => left.checked_rem(right).ok_or("shell: division by 0")?,
            };
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<i64, String> {
        self.depth += 1;
        if self.depth > 64 {
            return Err("shell: arithmetic: nested too deeply".into());
        }
        let value = self.single();
        self.depth -= 1;
        value
    }

    fn single(&mut self) -> Result<i64, String> {
        if self.eat("(") {
            let value = self.level(0)?;
            return if self.eat(")") { Ok(value) } else { Err("shell: arithmetic: ')' is missing".into()) };
        }
        if self.eat("!") {
            return Ok(i64::from(self.operand()? == 0));
        }
        let step = if self.eat("++") { 1 } else { -i64::from(self.eat("--")) };
        if step == 0 && self.eat("-") {
            return Ok(self.operand()?.wrapping_neg());
        }
        self.eat("$");
        let start = self.at;
        while self.chars.get(self.at).is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_') {
            self.at += 1;
        }
        let word: String = self.chars.get(start..self.at).unwrap_or_default().iter().collect();
        if word.is_empty() {
            return Err("shell: arithmetic: a number is missing".into());
        }
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return word.parse().map_err(|_| format!("shell: arithmetic: {word:?} is no number"));
        }
        let value: i64 = self.vars.get(&word).and_then(|value| value.trim().parse().ok()).unwrap_or(0);
        // What the expression is worth, and what the variable becomes.
        let (worth, new) = if step != 0 {
            (value.wrapping_add(step), value.wrapping_add(step))
        } else if self.eat("++") {
            (value, value.wrapping_add(1))
        } else if self.eat("--") {
            (value, value.wrapping_sub(1))
        } else if self.eat("+=") {
            let new = value.wrapping_add(self.level(0)?);
            (new, new)
        } else if self.eat("-=") {
            let new = value.wrapping_sub(self.level(0)?);
            (new, new)
        } else if self.chars.get(self.at) == Some(&'=') && self.chars.get(self.at + 1) != Some(&'=') {
            self.at += 1;
            let new = self.level(0)?;
            (new, new)
        } else {
            return Ok(value);
        };
        self.vars.insert(word, new.to_string());
        Ok(worth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_have_the_value_that_a_shell_gives_them() {
        for (text, expected) in [
            ("1 + 2 * 3", Ok(7)),
            ("(1 + 2) * -3 % 5", Ok(-4)),
            ("a++ + a", Ok(9)),
            ("b += 2", Ok(2)),
            ("a >= 4 && !b", Ok(1)),
            ("$a / 2", Ok(2)),
            ("1 / 0", Err("shell: division by 0".to_owned())),
        ] {
            let mut vars = BTreeMap::from([("a".to_owned(), "4".to_owned())]);
            assert_eq!(evaluate(text, &mut vars), expected, "{text}");
        }
    }
}
