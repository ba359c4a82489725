//! Literals and assignments of Python, read and never executed. JSON is read as well: its `true`, `false` and `null` are names here.

use super::Wrong;
use super::value::{Literal, Value};

/// The deepest nesting of brackets.
const MAX_DEPTH: usize = 32;
/// The largest number of values in a file, also of those inside of others.
const MAX_VALUES: usize = 2_000_000;
/// The longest part of the text that an error shows, in characters.
const SHOWN: usize = 40;

/// A statement of a file.
#[derive(Debug)]
pub(super) enum Statement {
    Assigned {
        name: String,
        line: usize,
        literal: Literal,
    },
    /// A statement that is skipped, with the lines that belong to it.
    Other {
        /// The name to which it would assign.
        name: Option<String>,
        line: usize,
        problem: String,
    },
}

/// Reads a text from its start to its end.
pub(super) struct Reader<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    depth: usize,
    values: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { text, at: 0, line: 1, depth: 0, values: 0 }
    }

    /// Whether the text begins with a list or a dictionary, as `nodes.json` does.
    pub(super) fn is_at_list(&mut self) -> bool {
        self.skip_blank(true);
        matches!(self.peek(), Some('[' | '(' | '{'))
    }

    /// The literal that is the whole text.
    pub(super) fn only_literal(&mut self) -> Result<Literal, Wrong> {
        let literal = self.literal()?;
        self.skip_blank(true);
        match self.peek() {
            None => Ok(literal),
            Some(_) => Err(self.wrong(format!("'{}' follows after the end of the list", self.shown()))),
        }
    }

    /// The next statement; `None` at the end.
    pub(super) fn statement(&mut self) -> Result<Option<Statement>, Wrong> {
        loop {
            self.skip_blank(true);
            match self.peek() {
                None => return Ok(None),
                Some(';') => self.take(1),
                Some(_) => break,
            }
        }
        let (start, line) = (self.at, self.line);
        let name = self.name();
        if !name.is_empty() {
            self.skip_blank(false);
            if self.peek() == Some('=') && !self.rest().starts_with("==") {
                self.take(1);
                self.skip_blank(false);
                match self.literal().and_then(|literal| self.end_of_line().map(|()| literal)) {
                    Ok(literal) => {
                        return Ok(Some(Statement::Assigned { name: name.to_owned(), line, literal }));
                    }
                    Err(wrong) => {
                        self.skip_statement(start, line)?;
                        let problem = match wrong.line == line {
                            true => wrong.problem,
                            false => wrong.to_string(),
                        };
                        return Ok(Some(Statement::Other { name: Some(name.to_owned()), line, problem }));
                    }
                }
            }
        }
        (self.at, self.line) = (start, line);
        let problem = format!("'{}' is no assignment of a value to a name", self.shown());
        self.skip_statement(start, line)?;
        Ok(Some(Statement::Other { name: None, line, problem }))
    }

    /// Skips a statement from its start, and the indented lines that follow it.
    fn skip_statement(&mut self, start: usize, line: usize) -> Result<(), Wrong> {
        (self.at, self.line, self.depth) = (start, line, 0);
        let mut brackets = 0_usize;
        while let Some(next) = self.peek() {
            match next {
                '\'' | '"' => drop(self.quoted(true)?),
                '#' => self.skip_comment(),
                '\\' if self.rest()[1..].starts_with(['\n', '\r']) => {
                    self.take(1);
                    self.newline();
                }
                '\n' => {
                    self.newline();
                    if brackets == 0 && !self.rest().starts_with([' ', '\t']) {
                        return Ok(());
                    }
                }
                next => {
                    match next {
                        '(' | '[' | '{' => brackets += 1,
                        ')' | ']' | '}' => brackets = brackets.saturating_sub(1),
                        _ => {}
                    }
                    self.take(next.len_utf8());
                }
            }
        }
        Ok(())
    }

    fn end_of_line(&mut self) -> Result<(), Wrong> {
        self.skip_blank(false);
        match self.peek() {
            None | Some('\n' | ';') => Ok(()),
            Some(_) => {
                Err(self
                    .wrong(format!("'{}' follows after the value; only a value is allowed", self.shown())))
            }
        }
    }

    fn literal(&mut self) -> Result<Literal, Wrong> {
        self.skip_blank(self.depth > 0);
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(self.wrong(format!("the file has more than {MAX_VALUES} values")));
        }
        let line = self.line;
        let value = match self.peek() {
            Some('[') => Value::List(self.items('[', ']')?.0),
            Some('(') => self.parenthesised()?,
            Some('{') => Value::Dict(self.pairs()?),
            Some('\'' | '"') => Value::Text(self.texts(false)?),
            Some(c) if c.is_ascii_digit() || "+-.".contains(c) => self.number()?,
            _ => self.named()?,
        };
        Ok(Literal { line, value })
    }

    /// A name that stands for a value, or the prefix of a text.
    fn named(&mut self) -> Result<Value, Wrong> {
        let (start, name) = (self.at, self.name());
        if matches!(self.peek(), Some('\'' | '"')) {
            return match name {
                "r" | "R" => Ok(Value::Text(self.texts(true)?)),
                "u" | "U" => Ok(Value::Text(self.texts(false)?)),
                prefix => {
                    Err(self
                        .wrong(format!("a text with the prefix {prefix} is not read; write a plain text")))
                }
            };
        }
        match name {
            "True" | "true" => Ok(Value::Bool(true)),
            "False" | "false" => Ok(Value::Bool(false)),
            "None" | "null" => Ok(Value::None),
            _ => {
                self.at = start;
                let shown = self.shown();
                let what =
                    if shown.is_empty() { "the end of the text".to_owned() } else { format!("'{shown}'") };
                Err(self.wrong(format!(
                    "{what} is no value; allowed are texts in quotes, numbers, True, False, None, lists, tuples and dictionaries of \
                     them, and nothing is computed"
                )))
            }
        }
    }

    /// The items between brackets, and whether a comma follows the last one.
    fn items(&mut self, open: char, close: char) -> Result<(Vec<Literal>, bool), Wrong> {
        self.enter()?;
        let (mut items, mut comma) = (Vec::new(), false);
        loop {
            self.skip_blank(true);
            if self.peek() == Some(close) {
                break;
            }
            if !items.is_empty() && !comma {
                return Err(self.wrong(format!(
                    "'{}' stands where ',' or '{close}' is expected after '{open}'",
                    self.shown()
                )));
            }
            items.push(self.literal()?);
            self.skip_blank(true);
            comma = self.peek() == Some(',');
            if comma {
                self.take(1);
            }
        }
        self.leave();
        Ok((items, comma))
    }

    /// A tuple, or a value in parentheses.
    fn parenthesised(&mut self) -> Result<Value, Wrong> {
        let (mut items, comma) = self.items('(', ')')?;
        match items.pop() {
            Some(only) if items.is_empty() && !comma => Ok(only.value),
            last => {
                items.extend(last);
                Ok(Value::List(items))
            }
        }
    }

    fn pairs(&mut self) -> Result<Vec<(Literal, Literal)>, Wrong> {
        self.enter()?;
        let (mut pairs, mut comma) = (Vec::new(), true);
        loop {
            self.skip_blank(true);
            if self.peek() == Some('}') {
                break;
            }
            if !comma {
                return Err(
                    self.wrong(format!("'{}' stands where ',' or '}}' is expected after '{{'", self.shown()))
                );
            }
            let key = self.literal()?;
            self.skip_blank(true);
            if self.peek() != Some(':') {
                return Err(
                    self.wrong(format!("'{}' stands where ':' is expected after a key", self.shown()))
                );
            }
            self.take(1);
            pairs.push((key, self.literal()?));
            self.skip_blank(true);
            comma = self.peek() == Some(',');
            if comma {
                self.take(1);
            }
        }
        self.leave();
        Ok(pairs)
    }

    fn enter(&mut self) -> Result<(), Wrong> {
        self.take(1);
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.wrong(format!("the brackets are nested more than {MAX_DEPTH} deep")));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.take(1);
        self.depth -= 1;
    }

    fn number(&mut self) -> Result<Value, Wrong> {
        let is_part = |(at, c): (usize, char)| {
            c.is_ascii_alphanumeric()
                || "_.".contains(c)
                || "+-".contains(c) && (at == 0 || self.rest()[..at].ends_with(['e', 'E']))
        };
        let end =
            self.rest().char_indices().find(|part| !is_part(*part)).map_or(self.rest().len(), |(at, _)| at);
        let text: String = self.rest()[..end].chars().filter(|c| *c != '_').collect();
        let digits = text.trim_start_matches(['+', '-']);
        let radix =
            [("0x", 16), ("0o", 8), ("0b", 2)].into_iter().find(|(prefix, _)| digits.starts_with(prefix));
        let value = match radix {
            Some((_, radix)) => i64::from_str_radix(&digits[2..], radix).ok().map(Value::Int),
            None => {
                let float = || text.parse::<f64>().ok().filter(|float| float.is_finite()).map(Value::Float);
                text.parse::<i64>().ok().map(Value::Int).or_else(float)
            }
        };
        let value = value.ok_or_else(|| self.wrong(format!("'{text}' is no number")))?;
        self.take(end);
        Ok(value)
    }

    /// Texts in quotes, which are one text if they follow each other.
    fn texts(&mut self, raw: bool) -> Result<String, Wrong> {
        let mut text = self.quoted(raw)?;
        loop {
            let before = (self.at, self.line);
            self.skip_blank(self.depth > 0);
            if !matches!(self.peek(), Some('\'' | '"')) {
                (self.at, self.line) = before;
                return Ok(text);
            }
            text.push_str(&self.quoted(false)?);
        }
    }

    fn quoted(&mut self, raw: bool) -> Result<String, Wrong> {
        let (start, quote) = (self.line, self.peek().unwrap_or('"'));
        let thrice: String = std::iter::repeat_n(quote, 3).collect();
        let end = if self.rest().starts_with(&thrice) { thrice } else { quote.to_string() };
        self.take(end.len());
        let mut text = String::new();
        loop {
            if self.rest().starts_with(&end) {
                self.take(end.len());
                return Ok(text);
            }
            match self.peek() {
                None => break,
                Some('\n') if end.len() == 1 => break,
                Some('\n') => {
                    text.push('\n');
                    self.newline();
                }
                Some('\\') if raw => {
                    text.push('\\');
                    self.take(1);
                    // A quote after a backslash does not end a raw text.
                    if let Some(next) = self.peek().filter(|next| *next != '\n') {
                        text.push(next);
                        self.take(next.len_utf8());
                    }
                }
                Some('\\') => self.escape(&mut text)?,
                Some(next) => {
                    text.push(next);
                    self.take(next.len_utf8());
                }
            }
        }
        Err(Wrong { line: start, problem: format!("a text that begins with {end} has no end") })
    }

    fn escape(&mut self, text: &mut String) -> Result<(), Wrong> {
        self.take(1);
        let Some(letter) = self.peek() else { return Ok(()) };
        if letter == '\n' {
            self.newline();
            return Ok(());
        }
        self.take(letter.len_utf8());
        let plain = match letter {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            '\\' | '\'' | '"' | '/' => letter,
            'x' => self.hex(2)?,
            'u' => self.hex(4)?,
            'U' => self.hex(8)?,
            '0'..='9' | 'N' => {
                return Err(self.wrong(format!("the escape \\{letter} is not read; write the character")));
            }
            other => {
                // Python keeps the backslash of an escape that it does not know.
                text.push('\\');
                other
            }
        };
        text.push(plain);
        Ok(())
    }

    /// The character of an escape with so many hex digits. JSON writes some characters as two escapes (UTF-16).
    fn hex(&mut self, digits: usize) -> Result<char, Wrong> {
        let mut number = self.digits(digits)?;
        if digits == 4 && (0xd800..0xdc00).contains(&number) && self.rest().starts_with("\\u") {
            self.take(2);
            let low = self.digits(4)?;
            number = 0x10000 + ((number - 0xd800) << 10) + low.wrapping_sub(0xdc00) % 0x400;
        }
        char::from_u32(number).ok_or_else(|| self.wrong(format!("{number:#x} is no character")))
    }

    fn digits(&mut self, count: usize) -> Result<u32, Wrong> {
        let digits = self.rest().get(..count).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let number = digits.and_then(|text| u32::from_str_radix(text, 16).ok());
        let number = number.ok_or_else(|| self.wrong(format!("an escape needs {count} hex digits")))?;
        self.take(count);
        Ok(number)
    }

    /// The identifier at this place; empty if there is none.
    fn name(&mut self) -> &'t str {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let rest = self.rest();
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.take(end);
        &rest[..end]
    }

    /// Skips spaces and comments, and line ends if `lines`. A backslash joins two lines.
    fn skip_blank(&mut self, lines: bool) {
        loop {
            match self.peek() {
                Some('\n') if lines => self.newline(),
                Some('\\') if self.rest()[1..].starts_with(['\n', '\r']) => {
                    self.take(1);
                    self.newline();
                }
                Some('#') => self.skip_comment(),
                Some(c) if c != '\n' && c.is_whitespace() => self.take(c.len_utf8()),
                _ => return,
            }
        }
    }

    fn skip_comment(&mut self) {
        let rest = self.rest();
        self.take(rest.find('\n').unwrap_or(rest.len()));
    }

    /// Skips what is left of a line, which is its end.
    fn newline(&mut self) {
        let rest = self.rest();
        self.take(rest.find('\n').map_or(rest.len(), |at| at + 1));
        self.line += 1;
    }

    fn take(&mut self, bytes: usize) {
        self.at += bytes;
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The start of what is left of the line.
    fn shown(&self) -> String {
        let line = self.rest().lines().next().unwrap_or_default().trim_end();
        let mut shown: String = line.chars().take(SHOWN).collect();
        if shown.len() < line.len() {
            shown.push('…');
        }
        shown
    }

    fn wrong(&self, problem: String) -> Wrong {
        Wrong { line: self.line, problem }
    }
}
