//! The lexer of GRUB scripts: from characters to tokens (GRUB manual, "Writing full configuration files directly" and
//! "Quoting").

use std::collections::VecDeque;

use super::super::budget::{Budget, Exhausted};
use super::error::{GrubSyntaxError, LoaderError};

/// Steps of a word or a mark: its allocations, and the parser's look at it.
const TOKEN_STEPS: usize = 16;
/// The memory of a part of a word, beside its text: a vector starts with room for four of them, and a text has an
/// allocation of its own.
const PART_BYTES: usize = 4 * size_of::<Part>() + 32;

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    /// `$name` or `${name}`. Outside quotes, its value is split into words.
    Variable {
        name: String,
        quoted: bool,
    },
}

/// An argument before the expansion of its variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) parts: Vec<Part>,
    /// Whether a part of it is quoted. Then it is not a keyword, and it is an argument even if it is empty.
    pub(super) quoted: bool,
}

impl Word {
    /// The text of the word if it is literal and unquoted.
    pub(super) fn bare(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Literal(text)] if !self.quoted => Some(text),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    /// A line break or `;`.
    End,
    Open,
    Close,
}

/// Reads the tokens of a script one after the other.
pub(super) struct Lexer<'t> {
    chars: std::iter::Peekable<std::str::Chars<'t>>,
    line: usize,
    word: Option<Word>,
    /// The complete tokens, at most two, and whether the end of the text is among them.
    tokens: VecDeque<(usize, Token)>,
    ended: bool,
    budget: &'t Budget,
}

impl<'t> Lexer<'t> {
    /// Charges one step for each character, and the memory of the texts of all words.
    pub(super) fn new(text: &'t str, budget: &'t Budget) -> Result<Self, Exhausted> {
        budget.spend(text.len())?;
        budget.hold(2 * text.len())?;
        let chars = text.chars().peekable();
        Ok(Self { chars, line: 1, word: None, tokens: VecDeque::new(), ended: false, budget })
    }

    /// The next token with its line number, counted from 1; `None` after the last one.
    pub(super) fn next(&mut self) -> Result<Option<(usize, Token)>, LoaderError> {
        while self.tokens.is_empty() && !self.ended {
            match self.chars.next() {
                Some(c) => self.character(c)?,
                None => {
                    self.end_word();
                    self.token(Token::End);
                    self.ended = true;
                }
            }
        }
        self.budget.spend(TOKEN_STEPS)?;
        Ok(self.tokens.pop_front())
    }

    fn character(&mut self, c: char) -> Result<(), LoaderError> {
        match c {
            '\n' => {
                self.end_word();
                self.token(Token::End);
                self.line += 1;
            }
            ' ' | '\t' | '\r' => self.end_word(),
            ';' => self.mark(Token::End),
            '{' => self.mark(Token::Open),
            '}' => self.mark(Token::Close),
            '#' if self.word.is_none() => while self.chars.next_if(|c| *c != '\n').is_some() {},
            '&' | '|' | '<' | '>' => return Err(self.error(format!("{c:?} must be quoted"))),
            '\'' => self.single_quoted()?,
            '"' => self.double_quoted()?,
            '$' => self.variable(false)?,
            '\\' => match self.chars.next() {
                // A backslash at the end of a line joins it with the next line.
                Some('\n') => self.line += 1,
                Some(c) => {
                    self.push(c)?;
                    self.word.get_or_insert_default().quoted = true;
                }
                None => {}
            },
            c => self.push(c)?,
        }
        Ok(())
    }

    fn single_quoted(&mut self) -> Result<(), LoaderError> {
        self.word.get_or_insert_default().quoted = true;
        loop {
            match self.chars.next() {
                Some('\'') => return Ok(()),
                Some(c) => self.quoted_character(c)?,
                None => return Err(self.error("a quote is not closed".to_owned())),
            }
        }
    }

    fn double_quoted(&mut self) -> Result<(), LoaderError> {
        self.word.get_or_insert_default().quoted = true;
        loop {
            match self.chars.next() {
                Some('"') => return Ok(()),
                Some('$') => self.variable(true)?,
                // In double quotes, a backslash escapes only these characters. Before others it is literal.
                Some('\\') => match self.chars.next_if(|c| matches!(c, '$' | '"' | '\\' | '\n')) {
                    Some('\n') => self.line += 1,
                    Some(c) => self.quoted_character(c)?,
                    None => self.quoted_character('\\')?,
                },
                Some(c) => self.quoted_character(c)?,
                None => return Err(self.error("a quote is not closed".to_owned())),
            }
        }
    }

    fn quoted_character(&mut self, c: char) -> Result<(), LoaderError> {
        if c == '\n' {
            self.line += 1;
        }
        self.push(c)
    }

    /// Adds a character to the current word. The memory of the text is charged in [`Lexer::new`].
    fn push(&mut self, c: char) -> Result<(), LoaderError> {
        let word = self.word.get_or_insert_default();
        if let Some(Part::Literal(text)) = word.parts.last_mut() {
            text.push(c);
        } else {
            self.budget.hold(PART_BYTES)?;
            word.parts.push(Part::Literal(c.to_string()));
        }
        Ok(())
    }

    /// Reads a variable after its `$`.
    fn variable(&mut self, quoted: bool) -> Result<(), LoaderError> {
        let mut name = String::new();
        let braced = self.chars.next_if_eq(&'{').is_some();
        let special = self.chars.next_if(|c| matches!(c, '?' | '*' | '#' | '@'));
        name.extend(special);
        while special.is_none()
            && let Some(c) = self.chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_')
        {
            name.push(c);
        }
        let closed = !braced || self.chars.next_if_eq(&'}').is_some();
        if name.is_empty() && quoted && !braced {
            return self.quoted_character('$');
        }
        if name.is_empty() || !closed {
            return Err(self.error("\"$\" needs the name of a variable".to_owned()));
        }
        self.budget.hold(PART_BYTES)?;
        self.word.get_or_insert_default().parts.push(Part::Variable { name, quoted });
        Ok(())
    }

    /// Adds a token of one character, which ends the word before it.
    fn mark(&mut self, token: Token) {
        self.end_word();
        self.token(token);
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            self.token(Token::Word(word));
        }
    }

    fn token(&mut self, token: Token) {
        self.tokens.push_back((self.line, token));
    }

    fn error(&self, problem: String) -> LoaderError {
        GrubSyntaxError { line: self.line, problem }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Result<Vec<(usize, Token)>, LoaderError> {
        let budget = Budget::default();
        let mut lexer = Lexer::new(text, &budget)?;
        std::iter::from_fn(|| lexer.next().transpose()).collect()
    }

    fn words(text: &str) -> Vec<Word> {
        let words = tokens(text).unwrap().into_iter();
        words.filter_map(|(_, token)| if let Token::Word(word) = token { Some(word) } else { None }).collect()
    }

    #[test]
    fn quotes_and_backslashes_make_one_word() {
        let found = words("a'b c'\"d \\\" \\x\"\\ e \\\nf#g # not this");
        assert_eq!(found[0].parts, [Part::Literal("ab cd \" \\x e".into())]);
        assert_eq!(found[1].bare(), Some("f#g"));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn variables_record_whether_they_are_quoted() {
        let found = words("$a${b}c\"$d\"");
        let variable = |name: &str, quoted| Part::Variable { name: name.into(), quoted };
        assert_eq!(
            found[0].parts,
            [variable("a", false), variable("b", false), Part::Literal("c".into()), variable("d", true)]
        );
    }

    #[test]
    fn a_syntax_error_has_the_number_of_its_line() {
        for text in ["\nlinux /k url=http://x/?a=1&b=2", "\na | b", "\nlinux $ x", "\na 'b", "\n${a b}"] {
            let error = tokens(text).unwrap_err();
            assert!(matches!(error, LoaderError::GrubSyntax(GrubSyntaxError { line: 2, .. })), "{text}");
        }
        assert_eq!(tokens("a&b").unwrap_err().to_string(), "GRUB syntax error in line 1: '&' must be quoted");
    }
}
