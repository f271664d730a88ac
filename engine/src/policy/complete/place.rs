//! Where a cursor is in YAML text that need not parse: by indentation, line by line.

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A key of a mapping.
    Key(String),
    /// An element of a list.
    Item(usize),
}

/// A key or a list element, and the column where it stands.
#[derive(Clone, Debug)]
struct Open {
    column: usize,
    step: Step,
}

/// A scalar that the text holds.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    pub(super) path: Vec<Step>,
    pub(super) value: String,
}

/// What the cursor is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A key, or the place for one.
    Key,
    /// The value of the last key of the path, or a list element.
    Value,
}

/// The place of the cursor in its document.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The mapping or list that holds the key, or the key whose value it is.
    pub(super) path: Vec<Step>,
    pub(super) role: Role,
    /// Byte offset of the first character of the word before the cursor.
    pub(super) from: usize,
    /// The word before the cursor.
    pub(super) word: String,
    /// The text of the line before the cursor, for expressions.
    pub(super) before: String,
    /// The whole word under the cursor.
    pub(super) whole: String,
    /// The column where a key starts.
    pub(super) column: usize,
    /// The keys that the mapping already has.
    pub(super) siblings: Vec<String>,
    /// The document's scalars.
    pub(super) scalars: Vec<Scalar>,
}

impl Place {
    /// The value of a scalar at a path of keys at the root.
    pub(super) fn root(&self, key: &str) -> &str {
        let found = self.scalars.iter().find(|scalar| scalar.path == [Step::Key(key.to_owned())]);
        found.map_or("", |scalar| scalar.value.as_str())
    }

    /// The keys of the path; elements are left out.
    pub(super) fn keys(&self) -> Vec<&str> {
        self.path.iter().filter_map(|step| if let Step::Key(key) = step { Some(key.as_str()) } else { None }).collect()
    }
}

/// The place of a byte offset.
pub(super) fn find(text: &str, offset: usize) -> Option<Place> {
    let (head, tail) = text.split_at_checked(offset)?;
    let document_start = head.match_indices("\n---").last().map_or(0, |(at, _)| at + 1);
    let document_end = tail.find("\n---").map_or(text.len(), |at| offset + at + 1);
    let document = text.get(document_start..document_end)?;
    let mut reader = Reader::default();
    let (mut at, mut place) = (document_start, None);
    for line in document.split_inclusive('\n') {
        let end = at + line.len();
        let content = line.trim_end_matches(['\n', '\r']);
        let here = place.is_none() && offset >= at && offset <= at + content.len();
        if here {
            let before = content.get(..offset - at)?;
            place = Some((reader.clone().cursor(before, content, offset), reader.keys.len()));
        }
        reader.line(content);
        at = end;
    }
    let (mut place, _) = place.unwrap_or_else(|| (reader.clone().cursor("", "", offset), 0));
    let parent = place.path.clone();
    let other = |key: &str| key != place.whole;
    let siblings = reader.keys.iter().filter(|(path, key)| *path == parent && other(key)).map(|(_, key)| key.clone());
    place.siblings = siblings.collect();
    place.scalars = reader.scalars;
    Some(place)
}

#[derive(Clone, Default)]
struct Reader {
    open: Vec<Open>,
    /// The column of the key of a block scalar, and the scalar's text so far.
    block: Option<(usize, String)>,
    scalars: Vec<Scalar>,
    keys: Vec<(Vec<Step>, String)>,
}

impl Reader {
    fn path(&self) -> Vec<Step> {
        self.open.iter().map(|open| open.step.clone()).collect()
    }

    /// Reads a whole line.
    fn line(&mut self, line: &str) {
        let column = indent(line);
        let content = line.trim();
        if let Some((key, text)) = &mut self.block {
            if content.is_empty() || column > *key {
                text.push_str(content);
                text.push('\n');
                return;
            }
            let value = text.clone();
            let path = self.path();
            self.scalars.push(Scalar { path, value });
            self.block = None;
        }
        if content.is_empty() || content.starts_with('#') || content.starts_with("---") {
            return;
        }
        let (column, content) = self.items(column, content);
        match split_key(content) {
            Some((key, value)) => {
                self.close(column);
                let parent = self.path();
                self.keys.push((parent, key.to_owned()));
                self.open.push(Open { column, step: Step::Key(key.to_owned()) });
                self.value(column, value.trim());
            }
            None => self.value(column, content),
        }
    }

    fn value(&mut self, column: usize, value: &str) {
        if matches!(value.chars().next(), Some('|' | '>')) {
            self.block = Some((column, String::new()));
            return;
        }
        let path = self.path();
        let inside = value.strip_prefix('[').map(|rest| rest.trim_end_matches(']'));
        if let Some(list) = inside.filter(|list| !list.contains(['{', '['])) {
            for (index, item) in list.split(',').enumerate() {
                let path = path.iter().cloned().chain([Step::Item(index)]).collect();
                self.scalars.push(Scalar { path, value: unquoted(item.trim()).to_owned() });
            }
        } else if !value.is_empty() {
            let value = value.split(" #").next().unwrap_or(value);
            self.scalars.push(Scalar { path, value: unquoted(value.trim()).to_owned() });
        }
    }

    /// Reads the dashes in front of an element; returns where its content starts.
    fn items<'a>(&mut self, mut column: usize, mut content: &'a str) -> (usize, &'a str) {
        while let Some(rest) = content.strip_prefix('-').filter(|rest| rest.is_empty() || rest.starts_with(' ')) {
            let mut index = 0;
            while let Some(last) = self.open.last() {
                match &last.step {
                    Step::Item(before) if last.column == column => {
                        index = before + 1;
                        self.open.pop();
                        break;
                    }
                    _ if last.column > column => {
                        self.open.pop();
                    }
                    _ => break,
                }
            }
            self.open.push(Open { column, step: Step::Item(index) });
            let trimmed = rest.trim_start();
            column += 1 + (rest.len() - trimmed.len());
            content = trimmed;
        }
        (column, content)
    }

    /// Closes what ends before a key at this column.
    fn close(&mut self, column: usize) {
        while self.open.last().is_some_and(|last| last.column >= column) {
            self.open.pop();
        }
    }

    /// The place of a cursor behind `before` on a line.
    fn cursor(mut self, before: &str, line: &str, offset: usize) -> Place {
        let column = indent(before);
        let content = before.trim_start();
        if let Some((key, _)) = self.block {
            if line.trim().is_empty() && before.len() <= key {
                self.block = None;
            } else if column > key || line.trim().is_empty() {
                return self.place(Role::Value, before, line, offset, column);
            }
        }
        self.block = None;
        let (column, content) = self.items(column, content);
        if let Some((key, value)) = split_key(content) {
            self.close(column);
            self.open.push(Open { column, step: Step::Key(key.to_owned()) });
            let role = self.flow(column, value);
            return self.place(role, before, line, offset, column);
        }
        if content.starts_with(['{', '[']) {
            let role = self.flow(column, content);
            return self.place(role, before, line, offset, column);
        }
        self.close(column);
        self.place(Role::Key, before, line, offset, column)
    }

    /// Follows `{` and `[` in a value up to the cursor.
    fn flow(&mut self, column: usize, value: &str) -> Role {
        let mut role = Role::Value;
        let mut depth: Vec<(bool, usize)> = Vec::new();
        let (mut word, mut quote) = (String::new(), None);
        for c in value.chars() {
            match (quote, c) {
                (Some(open), _) if c == open => quote = None,
                (Some(_), _) => word.push(c),
                (None, '"' | '\'') => quote = Some(c),
                (None, '{' | '[') => {
                    depth.push((c == '{', self.open.len()));
                    if c == '[' {
                        self.open.push(Open { column, step: Step::Item(0) });
                    }
                    (role, word) = (if c == '{' { Role::Key } else { Role::Value }, String::new());
                }
                (None, '}' | ']') => {
                    if let Some((_, length)) = depth.pop() {
                        self.open.truncate(length);
                    }
                    (role, word) = (Role::Value, String::new());
                }
                (None, ',') => {
                    if let Some((mapping, length)) = depth.last() {
                        let next = match self.open.get(*length).map(|open| &open.step) {
                            Some(Step::Item(index)) => index + 1,
                            _ => 0,
                        };
                        self.open.truncate(*length);
                        role = if *mapping { Role::Key } else { Role::Value };
                        if !mapping {
                            self.open.push(Open { column, step: Step::Item(next) });
                        }
                    }
                    word.clear();
                }
                (None, ':') if role == Role::Key && !depth.is_empty() => {
                    self.open.push(Open { column, step: Step::Key(word.trim().to_owned()) });
                    (role, word) = (Role::Value, String::new());
                }
                _ => word.push(c),
            }
        }
        role
    }

    fn place(self, role: Role, before: &str, line: &str, offset: usize, column: usize) -> Place {
        let is_word = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@');
        let reversed: String = before.chars().rev().take_while(is_word).collect();
        let word: String = reversed.chars().rev().collect();
        let rest: String = line.get(before.len()..).unwrap_or_default().chars().take_while(is_word).collect();
        let from = offset - word.len();
        Place {
            path: self.path(),
            role,
            from,
            whole: format!("{word}{rest}"),
            word,
            before: before.to_owned(),
            column,
            siblings: Vec::new(),
            scalars: Vec::new(),
        }
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// `key: value`; `None` where there is no key.
fn split_key(content: &str) -> Option<(&str, &str)> {
    if content.starts_with(['{', '[', '#', '|', '>']) {
        return None;
    }
    let quoted = content.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (key, value) = match quoted {
        Some(quote) => {
            let (key, rest) = content.get(1..)?.split_once(quote)?;
            (key, rest.trim_start().strip_prefix(':')?)
        }
        None => content.split_once(": ").or_else(|| Some((content.strip_suffix(':')?, "")))?,
    };
    (!key.contains("{{")).then(|| (key.trim(), value))
}

fn unquoted(text: &str) -> &str {
    let inside = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}
