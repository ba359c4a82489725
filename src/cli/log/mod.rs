//! The log on standard error: its format, and the lines that are in it.

mod limiter;

use std::io::{self, IsTerminal as _};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogFilter, LogFormat};
use limiter::Limiter;
pub(super) use limiter::Summary;

/// Starts the log. The result writes the last summary when it is dropped.
///
/// # Errors
/// If a log runs already.
pub(super) fn start(filter: &LogFilter, format: LogFormat) -> anyhow::Result<Summary> {
    let (limiter, summary) = Limiter::new()?;
    let targets: Targets = filter.targets();
    let result = match format {
        LogFormat::Text => {
            tracing_subscriber::registry().with(targets).with(text().with_filter(limiter)).try_init()
        }
        LogFormat::Json => {
            let json = tracing_subscriber::fmt::layer().json().flatten_event(true);
            let json = json.with_current_span(false).with_span_list(false).with_writer(io::stderr);
            tracing_subscriber::registry().with(targets).with(json.with_filter(limiter)).try_init()
        }
    };
    result.map_err(|error| anyhow::anyhow!("cannot start the log: {error}"))?;
    Ok(summary)
}

/// Lines for people, with colours on a terminal unless `NO_COLOR` is set (<https://no-color.org>).
fn text<S>() -> impl tracing_subscriber::Layer<S> + Send + Sync
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = io::stderr().is_terminal() && !no_color;
    tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(io::stderr)
}
