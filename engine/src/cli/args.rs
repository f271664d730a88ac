//! Options and operands of a command.

/// Parsed arguments of one command.
#[derive(Debug, Default)]
pub(crate) struct Args {
    options: Vec<(String, Option<String>)>,
    /// What is no option.
    pub(crate) operands: Vec<String>,
}

impl Args {
    /// Reads arguments: `valued` options take the next argument or what follows `=`; `many` take all up to the next option.
    ///
    /// # Errors
    /// An unknown option or a missing value, in words.
    pub(crate) fn parse(arguments: &[String], valued: &[&str], many: &[&str], flags: &[&str]) -> Result<Self, String> {
        let mut args = Self::default();
        let mut rest = arguments.iter().peekable();
        while let Some(argument) = rest.next() {
            if !argument.starts_with('-') || argument == "-" {
                args.operands.push(argument.clone());
                continue;
            }
            let (name, glued) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            if flags.contains(&name) && glued.is_none() {
                args.options.push((name.to_owned(), None));
            } else if valued.contains(&name) {
                let value = glued.or_else(|| rest.next().cloned()).ok_or_else(|| format!("{name} needs a value"))?;
                args.options.push((name.to_owned(), Some(value)));
            } else if many.contains(&name) {
                let mut values: Vec<String> = glued.into_iter().collect();
                while let Some(value) = rest.next_if(|next| !next.starts_with('-') || *next == "-") {
                    values.push(value.clone());
                }
                if values.is_empty() {
                    return Err(format!("{name} needs a value"));
                }
                args.options.extend(values.into_iter().map(|value| (name.to_owned(), Some(value))));
            } else {
                return Err(format!("there is no option {name}; see stepgate --help"));
            }
        }
        Ok(args)
    }

    /// Whether an option is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(own, _)| own == name)
    }

    /// All values of options of these names.
    pub(crate) fn values<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a str> {
        self.options.iter().filter(|(own, _)| names.contains(&own.as_str())).filter_map(|(_, value)| value.as_deref())
    }

    /// The last value of an option that must be one of a few words; the first word by default.
    ///
    /// # Errors
    /// It is none of them.
    pub(crate) fn choice(&self, name: &str, words: &[&'static str]) -> Result<&'static str, String> {
        let names = [name];
        let Some(wanted) = self.values(&names).last() else { return Ok(words.first().copied().unwrap_or("")) };
        let found = words.iter().copied().find(|word| *word == wanted);
        found.ok_or_else(|| format!("{name} must be one of {}; {wanted:?} is not", words.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Args::parse(&words, &["--format"], &["--resource"], &["--flag"])
    }

    #[test]
    fn options_and_operands_are_told_apart() {
        let args = parse("a --resource x y --flag b --format=json").expect("parses");
        assert_eq!(args.operands, ["a", "b"]);
        assert_eq!(args.values(&["--resource"]).collect::<Vec<_>>(), ["x", "y"]);
        assert!(args.has("--flag"));
        assert_eq!(args.choice("--format", &["table", "json"]), Ok("json"));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parse("--x").expect_err("refused"), "there is no option --x; see stepgate --help");
        assert_eq!(parse("--format").expect_err("refused"), "--format needs a value");
        let args = parse("--format yaml").expect("parses");
        assert!(args.choice("--format", &["table", "json"]).is_err());
    }
}
