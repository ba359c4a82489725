//! `fauxmetal snapshot export` and `import`.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;

use anyhow::Context as _;

use super::super::exit_code::UsageError;
use super::super::out::stdout;
use super::{DASH, file_of, name, view};
use crate::store::snapshot::{self, Reader};
use crate::store::{Directory, create_private};

pub(super) fn export(dir: &Path, name: &str, to: &Path) -> anyhow::Result<()> {
    let file = file_of(dir, name)?;
    // Reading the header first makes sure that only a snapshot is copied.
    Reader::open(&file)?;
    let said = |path: &Path| path.display().to_string();
    let mut source = File::open(&file).with_context(|| said(&file))?;
    if to.as_os_str() == DASH {
        let mut out = stdout();
        io::copy(&mut source, &mut out)?;
        out.flush()?;
        return Ok(());
    }
    let mut out = create_private(to)?;
    io::copy(&mut source, &mut out).and_then(|_| out.sync_all()).with_context(|| said(to))?;
    Ok(())
}

pub(super) fn import(dir: &Path, from: &Path, named: Option<&str>, replace: bool) -> anyhow::Result<()> {
    let dash = from.as_os_str() == DASH;
    let own = || {
        let stem = from.file_stem().and_then(|stem| stem.to_str()).filter(|_| !dash).unwrap_or_default();
        name(stem).map_err(|why| UsageError(format!("{why}; give a NAME after the file")))
    };
    let named = named.map_or_else(own, |named| Ok(named.to_owned()))?;
    let directory = Directory::lock(dir, true)?;
    let (mut source, called): (Box<dyn Read>, &Path) = if dash {
        (Box::new(io::stdin().lock()), Path::new("standard input"))
    } else {
        (Box::new(File::open(from).with_context(|| from.display().to_string())?), from)
    };
    let header = snapshot::import(&directory, &mut source, called, &named, replace)?;
    view::print(&format!("imported '{named}': {}", view::size(&header)))
}
