//! Scalars as Go's YAML libraries write them: which style, which escapes, where a line is folded.
//!
//! Follows `emitterc.go` and `encode.go` of yaml v2 and v3, which are ports of libyaml.

use super::resolve;

/// Which library writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// gopkg.in/yaml.v2: folds at 80 columns.
    V2,
    /// go.yaml.in/yaml/v3: never folds.
    V3,
}

impl Dialect {
    fn width(self) -> usize {
        match self {
            Self::V2 => 80,
            Self::V3 => usize::MAX,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// What a text permits.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one text")]
struct Analysis {
    multiline: bool,
    plain: bool,
    single_quoted: bool,
    block: bool,
}

/// A key of a mapping; it is never folded.
pub(super) fn key(text: &str, dialect: Dialect) -> String {
    let style = match style(text, dialect, true) {
        Style::Literal => Style::DoubleQuoted,
        other => other,
    };
    Writer { out: String::new(), column: 0, indent: 0, width: usize::MAX }.write(text, style)
}

/// A value: `indent` is that of continued lines, `column` where it begins.
pub(super) fn value(text: &str, indent: usize, column: usize, dialect: Dialect) -> String {
    Writer { out: String::new(), column, indent, width: dialect.width() }.write(text, style(text, dialect, false))
}

fn style(text: &str, dialect: Dialect, key: bool) -> Style {
    let wanted = if text.contains('\n') {
        Style::Literal
    } else if resolve::is_string(text) {
        Style::Plain
    } else {
        Style::DoubleQuoted
    };
    let allowed = analyse(text, dialect);
    match wanted {
        _ if key && allowed.multiline => Style::DoubleQuoted,
        Style::Plain if allowed.plain => Style::Plain,
        Style::Plain if allowed.single_quoted => Style::SingleQuoted,
        Style::Literal if allowed.block => Style::Literal,
        _ => Style::DoubleQuoted,
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Characters outside of the first plane count as not printable.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFFD}')
}

/// `yaml_emitter_analyze_scalar`, for block context.
fn analyse(text: &str, dialect: Dialect) -> Analysis {
    let mut indicators = text.starts_with("---") || text.starts_with("...");
    let (mut line_breaks, mut special, mut tabs) = (false, false, false);
    let (mut break_space, mut space_break) = (false, false);
    let (mut previous_space, mut previous_break) = (false, false);
    let mut after_blank = true;
    let mut characters = text.chars().enumerate().peekable();
    while let Some((index, c)) = characters.next() {
        let before_blank = characters.peek().is_none_or(|(_, next)| matches!(next, ' ' | '\t') || is_break(*next));
        indicators |= match c {
            '#' if index > 0 => after_blank,
            ':' => before_blank,
            '?' | '-' if index == 0 => before_blank,
            _ => index == 0 && "#,[]{}&*!|>'\"%@`".contains(c),
        };
        match c {
            '\t' if dialect == Dialect::V3 => tabs = true,
            c if !is_printable(c) => special = true,
            _ => {}
        }
        break_space |= c == ' ' && previous_break;
        space_break |= is_break(c) && previous_space;
        line_breaks |= is_break(c);
        previous_space = c == ' ';
        previous_break = is_break(c);
        after_blank = matches!(c, ' ' | '\t') || is_break(c);
    }
    let at_edge =
        |text: &str| text.starts_with(|c| c == ' ' || is_break(c)) || text.ends_with(|c| c == ' ' || is_break(c));
    let odd = space_break || special || tabs;
    Analysis {
        multiline: line_breaks,
        plain: !(at_edge(text) || break_space || odd || line_breaks || indicators),
        single_quoted: !(break_space || odd),
        block: !(text.is_empty() || text.ends_with(' ') || space_break || special),
    }
}

struct Writer {
    out: String,
    column: usize,
    indent: usize,
    width: usize,
}

impl Writer {
    fn write(mut self, text: &str, style: Style) -> String {
        match style {
            Style::Plain => self.folded(text, false),
            Style::SingleQuoted => {
                self.put('\'');
                self.folded(text, true);
                self.put('\'');
            }
            Style::DoubleQuoted => self.double_quoted(text),
            Style::Literal => self.literal(text),
        }
        self.out
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn break_line(&mut self) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', self.indent));
        self.column = self.indent;
    }

    /// One line of text; a single blank past the width becomes a line break.
    fn folded(&mut self, text: &str, quoted: bool) {
        let mut after_space = false;
        let last = text.chars().count().saturating_sub(1);
        let mut characters = text.chars().enumerate().peekable();
        while let Some((index, c)) = characters.next() {
            if c == ' ' {
                let next_is_space = characters.peek().is_some_and(|(_, next)| *next == ' ');
                let inside = !quoted || (index > 0 && index < last);
                if !after_space && self.column > self.width && inside && !next_is_space {
                    self.break_line();
                } else {
                    self.put(c);
                }
                after_space = true;
            } else {
                if quoted && c == '\'' {
                    self.put(c);
                }
                self.put(c);
                after_space = false;
            }
        }
    }

    fn double_quoted(&mut self, text: &str) {
        self.put('"');
        let mut after_space = false;
        let last = text.chars().count().saturating_sub(1);
        let mut characters = text.chars().enumerate().peekable();
        while let Some((index, c)) = characters.next() {
            if !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
                for c in escape(c).chars() {
                    self.put(c);
                }
                after_space = false;
            } else if c == ' ' {
                if !after_space && self.column > self.width && index > 0 && index < last {
                    self.break_line();
                    if characters.peek().is_some_and(|(_, next)| *next == ' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                after_space = true;
            } else {
                self.put(c);
                after_space = false;
            }
        }
        self.put('"');
    }

    fn literal(&mut self, text: &str) {
        self.put('|');
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.put('2');
        }
        let mut from_end = text.chars().rev();
        match (from_end.next().is_some_and(is_break), from_end.next().is_none_or(is_break)) {
            (false, _) => self.put('-'),
            (true, true) => self.put('+'),
            (true, false) => {}
        }
        // The line break at the very end is written by the caller.
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            if line.is_empty() {
                self.out.push('\n');
            } else {
                self.break_line();
                self.out.push_str(line);
            }
        }
    }
}

fn escape(c: char) -> String {
    match c {
        '\0' => "\\0".to_owned(),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\u{B}' => "\\v".to_owned(),
        '\u{C}' => "\\f".to_owned(),
        '\r' => "\\r".to_owned(),
        '\u{1B}' => "\\e".to_owned(),
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\u{85}' => "\\N".to_owned(),
        '\u{2028}' => "\\L".to_owned(),
        '\u{2029}' => "\\P".to_owned(),
        c => match u32::from(c) {
            code @ 0..=0xFF => format!("\\x{code:02X}"),
            code @ 0x100..=0xFFFF => format!("\\u{code:04X}"),
            code => format!("\\U{code:08X}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles() {
        for (text, wanted) in [
            ("plain words", "plain words"),
            ("a: b", "'a: b'"),
            ("a:b", "a:b"),
            ("it's: here", "'it''s: here'"),
            ("it's here", "it's here"),
            ("'quoted'", "'''quoted'''"),
            ("a #b", "'a #b'"),
            ("a#b", "a#b"),
            ("[a]", "'[a]'"),
            ("- a", "'- a'"),
            ("-a", "-a"),
            (" lead", "' lead'"),
            ("trail ", "'trail '"),
            ("", "\"\""),
            ("true", "\"true\""),
            ("12", "\"12\""),
            ("tab\there", "\"tab\\there\""),
            ("party \u{1F389}", "\"party \\U0001F389\""),
            ("ümlaut", "ümlaut"),
            ("two\nlines", "|-\n    two\n    lines"),
            ("two\nlines\n", "|\n    two\n    lines"),
            ("two\n\nlines\n\n", "|+\n    two\n\n    lines\n"),
            (" two\nlines", "|2-\n     two\n    lines"),
            ("end \nhere", "\"end \\nhere\""),
        ] {
            assert_eq!(value(text, 4, 0, Dialect::V3), wanted, "{text:?}");
        }
    }

    #[test]
    fn a_tab_in_lines_differs() {
        assert_eq!(value("a\tb\nc", 4, 0, Dialect::V3), "|-\n    a\tb\n    c");
        assert_eq!(value("a\tb\nc", 4, 0, Dialect::V2), "\"a\\tb\\nc\"");
    }

    #[test]
    fn keys_are_quoted_when_they_must_be() {
        assert_eq!(key("check-name", Dialect::V3), "check-name");
        assert_eq!(key("123", Dialect::V3), "\"123\"");
    }
}
