//! `fauxmetal fleet`: totals, addresses, settings.

use std::io::{self, Write};

use indicatif::HumanCount;

use crate::admin::api::Fleet;
use crate::cli::client::{Client, Connection, run};
use crate::cli::exit_code::{ExitCode, UsageError};
use crate::cli::out;
use crate::cli::view::{Format, Watch, span, watch};

/// Labels that the text shows.
const LABELS: usize = 20;

#[derive(clap::Args)]
pub(super) struct Show {
    /// Format of the fleet
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
    #[command(flatten)]
    watch: Watch,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn command(args: &Show) -> anyhow::Result<ExitCode> {
    if args.watch.interval().is_some() && args.output != Format::Text {
        return Err(UsageError("--watch: prints text; leave out -o".to_owned()).into());
    }
    let client = Client::new(&args.connection)?;
    run(async {
        let shown = async |out: &mut dyn Write| -> anyhow::Result<()> {
            let fleet: Fleet = client.get(&["fleet"], &[]).await?;
            Ok(args.output.print(out, &fleet, text)?)
        };
        let Some(interval) = args.watch.interval() else {
            shown(&mut out::stdout()).await?;
            return Ok(ExitCode::Ok);
        };
        watch(interval, async |screen, out| {
            let mut view = Vec::new();
            shown(&mut view).await?;
            screen.rows();
            Ok(screen.draw(out, &view)?)
        })
        .await
    })
}

fn text(out: &mut dyn Write, fleet: &Fleet) -> io::Result<()> {
    let count = |count: u64| HumanCount(count).to_string();
    let held = if fleet.held { "; the clock is held (fauxmetal clock run)" } else { "" };
    let mut rows = vec![
        ["Version".to_owned(), fleet.version.clone()],
        ["Uptime".to_owned(), span(fleet.uptime_seconds)],
        ["Simulated time".to_owned(), format!("{}, speed {}{held}", fleet.now, fleet.speed)],
        ["Nodes".to_owned(), count(fleet.nodes)],
    ];
    rows.extend(fleet.states.iter().map(|row| [format!("  {}", row.state), count(row.nodes)]));
    rows.push(["Profiles".to_owned(), String::new()]);
    rows.extend(fleet.profiles.iter().map(|row| [format!("  {}", row.profile), count(row.nodes)]));
    if !fleet.labels.is_empty() {
        rows.push(["Labels".to_owned(), String::new()]);
        let label =
            |row: &crate::admin::api::LabelCount| [format!("  {}={}", row.key, row.value), count(row.nodes)];
        rows.extend(fleet.labels.iter().take(LABELS).map(label));
        if fleet.more_labels || fleet.labels.len() > LABELS {
            rows.push(["  …".to_owned(), "-o json lists the first 1000 labels".to_owned()]);
        }
    }
    let addresses = &fleet.addresses;
    rows.push(["Addresses".to_owned(), addresses.layout.clone()]);
    rows.extend(addresses.redfish.iter().map(|url| ["  Redfish".to_owned(), url.clone()]));
    rows.extend(addresses.agent.iter().map(|url| ["  agents".to_owned(), url.clone()]));
    rows.extend(addresses.admin.iter().map(|url| ["  control".to_owned(), url.clone()]));
    let given: Vec<_> = fleet.settings.iter().filter(|setting| setting.origin != "default").collect();
    if !given.is_empty() {
        rows.push(["Settings".to_owned(), String::new()]);
        rows.extend(given.iter().map(|setting| {
            [format!("  {}", setting.name), format!("{} ({})", setting.values.join(", "), setting.origin)]
        }));
    }
    let mut text = Vec::new();
    out::table(&mut text, "", &rows)?;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        out.write_all(line.trim_ascii_end())?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
