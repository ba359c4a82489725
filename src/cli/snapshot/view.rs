//! The output of `fauxmetal snapshot`.

use std::io::Write as _;
use std::path::Path;

use serde::Serialize;

use super::super::out::{self, Output};
use crate::store::StoredModel;
use crate::store::snapshot::{self, Header, Reader};
use crate::time::SimTime;

/// A row of `snapshot list`; the fields are the keys of its JSON form.
#[derive(Serialize)]
struct Row {
    name: String,
    created: Option<String>,
    nodes: Option<u64>,
    stored: Option<u64>,
    seed: Option<u64>,
    models: Option<Vec<StoredModel>>,
    version: Option<String>,
    bytes: u64,
    error: Option<String>,
}

impl Row {
    fn new(name: String, file: &Path) -> Self {
        let bytes = std::fs::metadata(file).map_or(0, |facts| facts.len());
        let (header, error) = match Reader::open(file) {
            Ok(reader) => (Some(reader.header().clone()), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let held = header.as_ref().map(|h| h.fleet.clone());
        Self {
            name,
            created: header.as_ref().map(|h| SimTime::from_ms(h.created_ms).redfish(0)),
            nodes: held.as_ref().map(crate::store::StoredFleet::living),
            stored: header.as_ref().map(|h| h.stored),
            seed: held.as_ref().map(|held| held.seed.0),
            models: held.map(|held| [held.models, held.added].concat()),
            version: header.map(|h| h.version),
            bytes,
            error,
        }
    }
}

pub(super) fn list(dir: &Path, output: Output) -> anyhow::Result<()> {
    let rows: Vec<_> = snapshot::list(dir)?.into_iter().map(|(name, file)| Row::new(name, &file)).collect();
    let mut out = out::stdout();
    match output {
        Output::Json => out::json(&mut out, &rows)?,
        Output::Text if rows.is_empty() => writeln!(out, "no snapshots in {}", dir.display())?,
        Output::Text => {
            let mut table = vec![["NAME", "CREATED", "NODES", "STORED", "KIB", "MODELS"].map(str::to_owned)];
            table.extend(rows.into_iter().map(text));
            out::table(&mut out, "", &table)?;
        }
    }
    out.flush()?;
    Ok(())
}

fn text(row: Row) -> [String; 6] {
    let number = |n: Option<u64>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
    let models = row.models.map(|models| {
        models.iter().map(|m| format!("{} {}", m.count, m.profile)).collect::<Vec<_>>().join(", ")
    });
    [
        row.name,
        row.created.unwrap_or_else(|| "?".to_owned()),
        number(row.nodes),
        number(row.stored),
        row.bytes.div_ceil(1024).to_string(),
        models.or(row.error).unwrap_or_default(),
    ]
}

pub(super) fn size(header: &Header) -> String {
    format!("{} nodes, {} of them not new", header.fleet.living(), header.stored)
}

pub(super) fn print(what: &str) -> anyhow::Result<()> {
    let mut out = out::stdout();
    writeln!(out, "{what}")?;
    out.flush()?;
    Ok(())
}
