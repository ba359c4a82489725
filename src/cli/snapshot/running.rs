//! `fauxmetal snapshot save` and `export` of a running fleet, through the control API of its daemon.

use std::io::Write;
use std::path::Path;

use anyhow::Context as _;
use indicatif::{HumanBytes, HumanCount};

use super::super::client::{Client, Connection, Pieces, run};
use super::super::out::stdout;
use super::super::view::Progress;
use super::{DASH, view};
use crate::admin::api::{SaveSnapshot, SavedSnapshot};
use crate::file::{PRIVATE, Replacement};

pub(super) fn save(connection: &Connection, name: &str, replace: bool) -> anyhow::Result<()> {
    let client = Client::new(connection)?;
    let request = SaveSnapshot { name: name.to_owned(), replace };
    let saved: SavedSnapshot = run(async {
        let _progress = Progress::of_bytes("save");
        Ok(client.post("snapshots", &request).await?)
    })?;
    view::print(&format!(
        "saved '{}'; nodes that differ from new ones: {}",
        saved.name,
        HumanCount(saved.changed)
    ))
}

/// Writes the file, or nothing if the snapshot does not arrive as a whole.
pub(super) fn export(connection: &Connection, to: &Path) -> anyhow::Result<()> {
    let client = Client::new(connection)?;
    let pieces = client.pieces(&["snapshot"]);
    if to.as_os_str() == DASH {
        run(async { copy(pieces.await?, &mut stdout()).await })?;
        return Ok(());
    }
    let said = || to.display().to_string();
    let bytes = run(async {
        let pieces = pieces.await?;
        let (replacement, mut file) = Replacement::create(to, PRIVATE).with_context(said)?;
        let bytes = copy(pieces, &mut file).await?;
        file.sync_all().and_then(|()| replacement.put_in_place()).with_context(said)?;
        Ok(bytes)
    })?;
    view::print(&format!("exported the running fleet to {}: {}", to.display(), HumanBytes(bytes)))
}

async fn copy(mut pieces: Pieces, out: &mut impl Write) -> anyhow::Result<u64> {
    let progress = Progress::of_bytes("export");
    let mut bytes = 0;
    while let Some(piece) = pieces.next().await? {
        out.write_all(&piece)?;
        bytes += piece.len() as u64;
        progress.set(bytes);
    }
    out.flush()?;
    Ok(bytes)
}
