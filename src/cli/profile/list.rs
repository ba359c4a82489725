//! `fauxmetal profile list`.

use std::io::Write as _;

use serde::Serialize;

use crate::cli::exit_code::ExitCode;
use crate::cli::out::{self, Output};
use crate::profile::{built_in, built_in_names};

#[derive(Serialize)]
struct Line {
    name: String,
    manufacturer: String,
    model: String,
    description: String,
}

pub(super) fn run(output: Output) -> anyhow::Result<ExitCode> {
    let mut lines = Vec::new();
    for name in built_in_names() {
        let p = built_in(name)?;
        let (manufacturer, model) = (p.manufacturer.clone(), p.model.clone());
        lines.push(Line { name: p.name.clone(), manufacturer, model, description: p.description.clone() });
    }
    let mut out = out::stdout();
    match output {
        Output::Json => out::json(&mut out, &lines)?,
        Output::Text => {
            let head = ["NAME", "MANUFACTURER", "MODEL", "DESCRIPTION"].map(str::to_owned);
            let rows = lines.into_iter().map(|l| [l.name, l.manufacturer, l.model, l.description]);
            out::table(&mut out, "", &[head].into_iter().chain(rows).collect::<Vec<_>>())?;
        }
    }
    out.flush()?;
    Ok(ExitCode::Ok)
}
