//! The parser of GRUB scripts: from tokens to statements.

use std::rc::Rc;

use super::error::GrubSyntaxError;
use super::grub_words::{Token, Word, tokens};

/// The maximum depth of nested blocks.
const MAX_DEPTH: usize = 24;
/// Keywords that can only continue a statement.
const RESERVED: [&str; 7] = ["then", "elif", "else", "fi", "in", "do", "done"];

pub(super) type Block = Rc<[Statement]>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Statement {
    Command {
        words: Vec<Word>,
        /// The `{ … }` of `menuentry` and `submenu`.
        block: Option<Block>,
    },
    If {
        /// Conditions and their blocks, in order. `else` has no condition.
        arms: Vec<(Option<Block>, Block)>,
    },
    /// A loop or a function, which is not run. Boot configurations use them for the appearance of the menu only.
    Skipped,
}

/// Parses a complete script.
pub(super) fn parse(text: &str) -> Result<Block, GrubSyntaxError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let (block, _) = parser.list(&[])?;
    Ok(block)
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
}

impl Parser {
    /// Parses statements up to one of the words `stops`, which it consumes and returns. A block stops at `}`; an empty
    /// list means the end of the text.
    fn list(&mut self, stops: &[&'static str]) -> Result<(Block, &'static str), GrubSyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(&format!("blocks are nested more than {MAX_DEPTH} deep")));
        }
        let mut statements = Vec::new();
        loop {
            match self.tokens.get(self.at).map(|(_, token)| token) {
                None if stops.is_empty() => break self.leave(statements, ""),
                None => return Err(self.error(&format!("expected {}", stops.join(" or ")))),
                Some(Token::End) => self.at += 1,
                Some(Token::Close) if stops.contains(&"}") => {
                    self.at += 1;
                    break self.leave(statements, "}");
                }
                Some(Token::Open | Token::Close) => return Err(self.error("a brace stands alone")),
                Some(Token::Word(word)) => {
                    if let Some(stop) = stops.iter().copied().find(|stop| word.bare() == Some(stop)) {
                        self.at += 1;
                        break self.leave(statements, stop);
                    }
                    if let Some(word) = word.bare().filter(|word| RESERVED.contains(word)) {
                        return Err(self.error(&format!("{word:?} stands alone")));
                    }
                    statements.push(self.statement()?);
                }
            }
        }
    }

    fn leave(
        &mut self,
        statements: Vec<Statement>,
        stop: &'static str,
    ) -> Result<(Block, &'static str), GrubSyntaxError> {
        self.depth -= 1;
        Ok((statements.into(), stop))
    }

    fn statement(&mut self) -> Result<Statement, GrubSyntaxError> {
        let keyword = match self.tokens.get(self.at) {
            Some((_, Token::Word(word))) => word.bare().unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        match keyword.as_str() {
            "if" => self.conditional(),
            "while" | "until" => {
                self.at += 1;
                self.list(&["do"])?;
                self.list(&["done"])?;
                Ok(Statement::Skipped)
            }
            "for" => {
                self.words();
                self.list(&["do"])?;
                self.list(&["done"])?;
                Ok(Statement::Skipped)
            }
            "function" => {
                self.command()?;
                Ok(Statement::Skipped)
            }
            _ => self.command(),
        }
    }

    fn conditional(&mut self) -> Result<Statement, GrubSyntaxError> {
        let mut arms = Vec::new();
        self.at += 1;
        loop {
            let (condition, _) = self.list(&["then"])?;
            let (guarded, stop) = self.list(&["elif", "else", "fi"])?;
            arms.push((Some(condition), guarded));
            match stop {
                "elif" => {}
                "else" => {
                    let (otherwise, _) = self.list(&["fi"])?;
                    arms.push((None, otherwise));
                    return Ok(Statement::If { arms });
                }
                _ => return Ok(Statement::If { arms }),
            }
        }
    }

    fn command(&mut self) -> Result<Statement, GrubSyntaxError> {
        let mut words = self.words();
        let mut block = None;
        while self.tokens.get(self.at).is_some_and(|(_, token)| *token == Token::Open) {
            self.at += 1;
            block = Some(self.list(&["}"])?.0);
            words.extend(self.words());
        }
        Ok(Statement::Command { words, block })
    }

    /// The words up to the next token of another kind.
    fn words(&mut self) -> Vec<Word> {
        let mut words = Vec::new();
        while let Some((_, Token::Word(word))) = self.tokens.get(self.at) {
            words.push(word.clone());
            self.at += 1;
        }
        words
    }

    fn error(&self, problem: &str) -> GrubSyntaxError {
        let line = self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |(line, _)| *line);
        GrubSyntaxError { line, problem: problem.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_loops_and_conditions_nest() {
        let text = "if [ a ]; then\n x; elif true; then y; else\n z\nfi\nfor i in 1 2; do a; done\n\
                    function f { a; }\nmenuentry 'a' { if b; then c; fi }\nwhile x; do y; done\n";
        let block = parse(text).unwrap();
        assert_eq!(block.len(), 5);
        assert!(matches!(&block[0], Statement::If { arms } if arms.len() == 3 && arms[2].0.is_none()));
        assert_eq!([&block[1], &block[2], &block[4]], [&Statement::Skipped; 3]);
        assert!(matches!(&block[3], Statement::Command { block: Some(block), .. } if block.len() == 1));
    }

    #[test]
    fn unclosed_blocks_and_misplaced_keywords_are_refused() {
        for text in [
            "menuentry a {\nlinux /k\n",
            "}",
            "if a; then b\n",
            "{ a; }",
            "for i in a b; do\n",
            "fi",
            "a; then",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"a {".repeat(100_000)).is_err());
        assert!(parse(&"if if ".repeat(100_000)).is_err());
    }
}
