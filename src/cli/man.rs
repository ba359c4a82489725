//! `fauxmetal man`: the man pages, made from the same definitions as the help.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser};
use clap_mangen::Man;

use super::exit_code::ExitCode;
use super::{Cli, out};

/// Write the man pages
///
/// One page for each command is written to the directory. Without a directory, the page of fauxmetal is printed.
#[derive(Parser)]
#[command(after_help = "Example:\n  fauxmetal man ~/.local/share/man/man1 && man fauxmetal-serve")]
pub(super) struct Args {
    /// Directory of the pages; it is created if it does not exist
    dir: Option<PathBuf>,
}

pub(super) fn command(args: &Args) -> anyhow::Result<ExitCode> {
    let mut fauxmetal = Cli::command().disable_help_subcommand(true);
    fauxmetal.build();
    if let Some(dir) = &args.dir {
        let written = fs::create_dir_all(dir).and_then(|()| write_pages(&fauxmetal, dir));
        written.with_context(|| format!("DIR: {}", dir.display()))?;
    } else {
        let mut out = out::stdout();
        out.write_all(page(&Man::new(fauxmetal))?.as_bytes())?;
        out.flush()?;
    }
    Ok(ExitCode::Ok)
}

fn write_pages(command: &clap::Command, dir: &Path) -> io::Result<()> {
    for sub in command.get_subcommands() {
        write_pages(sub, dir)?;
    }
    let man = Man::new(command.clone());
    fs::write(dir.join(man.get_filename()), page(&man)?)
}

/// The source of a page. The text behind the options has tables and examples, so its lines stay as they are (`.nf`).
fn page(man: &Man) -> io::Result<String> {
    let mut page = Vec::new();
    man.render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).replacen(".SH EXTRA\n", ".SH NOTES\n.nf\n", 1))
}
