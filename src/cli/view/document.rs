//! The formats of documents and of lists.

use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;
use serde_saphyr::SerializerOptions;

use crate::cli::out;

/// The format of one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// For people; can change with each version
    Text,
    /// The document of the control API
    Json,
    /// The same document as YAML
    Yaml,
}

impl Format {
    /// Prints a document, whose text for people `text` writes.
    pub(in crate::cli) fn print<T: Serialize>(
        self,
        mut out: &mut (impl Write + ?Sized),
        document: &T,
        text: impl FnOnce(&mut dyn Write, &T) -> io::Result<()>,
    ) -> io::Result<()> {
        match self {
            Self::Text => text(&mut out, document)?,
            Self::Json => out::json(&mut out, document)?,
            Self::Yaml => yaml(&mut out, document)?,
        }
        out.flush()
    }
}

/// The format of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ListFormat {
    /// For people; can change with each version
    Table,
    /// A table with all columns, however wide
    Wide,
    /// An array of the documents of the control API
    Json,
    /// The same array as YAML
    Yaml,
    /// The names alone, one a line
    Name,
}

/// Writes a YAML document. All texts are in quotes, so that a reader of YAML 1.1 takes none of them for another type.
fn yaml(out: &mut impl Write, document: &impl Serialize) -> io::Result<()> {
    let mut options = SerializerOptions::default();
    options.quote_all = true;
    serde_saphyr::to_io_writer_with_options(out, document, options).map_err(io::Error::other)
}

/// An array of documents, written one by one.
pub(in crate::cli) struct Documents {
    is_json: bool,
    written: bool,
}

impl Documents {
    pub(in crate::cli) fn json() -> Self {
        Self { is_json: true, written: false }
    }

    pub(in crate::cli) fn yaml() -> Self {
        Self { is_json: false, written: false }
    }

    /// Writes the next document, which is a line of JSON.
    pub(in crate::cli) fn write(&mut self, out: &mut impl Write, line: &[u8]) -> io::Result<()> {
        let first = !std::mem::replace(&mut self.written, true);
        if self.is_json {
            out.write_all(if first { b"[\n" } else { b",\n" })?;
            return out.write_all(line);
        }
        let document: serde_json::Value = serde_json::from_slice(line)?;
        yaml(out, &[document])
    }

    pub(in crate::cli) fn end(self, out: &mut impl Write) -> io::Result<()> {
        match (self.is_json, self.written) {
            (true, true) => out.write_all(b"\n]\n")?,
            (_, false) => out.write_all(b"[]\n")?,
            (false, true) => {}
        }
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(mut documents: Documents, lines: &[&str]) -> String {
        let mut out = Vec::new();
        for line in lines {
            documents.write(&mut out, line.as_bytes()).unwrap();
        }
        documents.end(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_array_is_one_document_however_long() {
        assert_eq!(written(Documents::json(), &[]), "[]\n");
        assert_eq!(written(Documents::json(), &["{}", r#"{"a":1}"#]), "[\n{},\n{\"a\":1}\n]\n");
        assert_eq!(written(Documents::yaml(), &[]), "[]\n");
        assert_eq!(
            written(Documents::yaml(), &[r#"{"power":"off","macs":["x"]}"#, r#"{"index":1}"#]),
            "- macs:\n  - 'x'\n  power: 'off'\n- index: 1\n"
        );
    }
}
