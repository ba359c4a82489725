//! The parser of GRUB scripts: from tokens to statements.

use std::rc::Rc;

use super::super::budget::Budget;
use super::error::{GrubSyntaxError, LoaderError};
use super::grub_words::{Lexer, Token, Word};

/// The maximum depth of nested blocks.
const MAX_DEPTH: usize = 24;
/// Keywords that can only continue a statement.
const RESERVED: [&str; 7] = ["then", "elif", "else", "fi", "in", "do", "done"];
/// The memory of a statement, or of an arm of a condition, and of a word, beside what they contain. A vector that grows
/// takes up to three times its content.
const STATEMENT_BYTES: usize = 4 * size_of::<Statement>();
const WORD_BYTES: usize = 3 * size_of::<Word>();

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
pub(super) fn parse(text: &str, budget: &Budget) -> Result<Block, LoaderError> {
    let mut lexer = Lexer::new(text, budget)?;
    let next = lexer.next()?;
    let mut parser = Parser { lexer, next, line: 1, depth: 0, budget };
    let (block, _) = parser.list(&[])?;
    Ok(block)
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    /// The next token and its line; `None` at the end of the text.
    next: Option<(usize, Token)>,
    /// The line of the last token.
    line: usize,
    depth: usize,
    budget: &'t Budget,
}

impl Parser<'_> {
    /// Parses statements up to one of the words `stops`, which it consumes and returns. A block stops at `}`; an empty
    /// list means the end of the text.
    fn list(&mut self, stops: &[&'static str]) -> Result<(Block, &'static str), LoaderError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(&format!("blocks are nested more than {MAX_DEPTH} deep")));
        }
        let mut statements = Vec::new();
        loop {
            match self.token() {
                None if stops.is_empty() => break self.leave(statements, ""),
                None => return Err(self.error(&format!("expected {}", stops.join(" or ")))),
                Some(Token::End) => self.advance()?,
                Some(Token::Close) if stops.contains(&"}") => {
                    self.advance()?;
                    break self.leave(statements, "}");
                }
                Some(Token::Open | Token::Close) => return Err(self.error("a brace stands alone")),
                Some(Token::Word(word)) => {
                    if let Some(stop) = stops.iter().copied().find(|stop| word.bare() == Some(stop)) {
                        self.advance()?;
                        break self.leave(statements, stop);
                    }
                    if let Some(word) = word.bare().filter(|word| RESERVED.contains(word)) {
                        return Err(self.error(&format!("{word:?} stands alone")));
                    }
                    self.budget.hold(STATEMENT_BYTES)?;
                    statements.push(self.statement()?);
                }
            }
        }
    }

    fn leave(
        &mut self,
        statements: Vec<Statement>,
        stop: &'static str,
    ) -> Result<(Block, &'static str), LoaderError> {
        self.depth -= 1;
        Ok((statements.into(), stop))
    }

    fn statement(&mut self) -> Result<Statement, LoaderError> {
        let keyword = match self.token() {
            Some(Token::Word(word)) => word.bare().unwrap_or_default(),
            Some(Token::End | Token::Open | Token::Close) | None => "",
        };
        match keyword {
            "if" => self.conditional(),
            "while" | "until" => {
                self.advance()?;
                self.list(&["do"])?;
                self.list(&["done"])?;
                Ok(Statement::Skipped)
            }
            "for" => {
                self.words(&mut Vec::new())?;
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

    fn conditional(&mut self) -> Result<Statement, LoaderError> {
        let mut arms = Vec::new();
        self.advance()?;
        loop {
            self.budget.hold(STATEMENT_BYTES)?;
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

    fn command(&mut self) -> Result<Statement, LoaderError> {
        let (mut words, mut block) = (Vec::new(), None);
        self.words(&mut words)?;
        while self.token() == Some(&Token::Open) {
            self.advance()?;
            block = Some(self.list(&["}"])?.0);
            self.words(&mut words)?;
        }
        Ok(Statement::Command { words, block })
    }

    /// Adds the words up to the next token of another kind.
    fn words(&mut self, words: &mut Vec<Word>) -> Result<(), LoaderError> {
        while let Some((line, Token::Word(word))) =
            self.next.take_if(|(_, token)| matches!(token, Token::Word(_)))
        {
            self.line = line;
            self.budget.hold(WORD_BYTES)?;
            words.push(word);
            self.next = self.lexer.next()?;
        }
        Ok(())
    }

    fn token(&self) -> Option<&Token> {
        self.next.as_ref().map(|(_, token)| token)
    }

    fn advance(&mut self) -> Result<(), LoaderError> {
        if let Some((line, _)) = &self.next {
            self.line = *line;
        }
        self.next = self.lexer.next()?;
        Ok(())
    }

    fn error(&self, problem: &str) -> LoaderError {
        let line = self.next.as_ref().map_or(self.line, |(line, _)| *line);
        GrubSyntaxError { line, problem: problem.to_owned() }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Block, LoaderError> {
        super::parse(text, &Budget::default())
    }

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
