//! `fauxmetal report index`: the items of runs as documents of Elasticsearch or OpenSearch.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use clap::builder::ValueHint;
use http::HeaderValue;
use url::Url;

use super::super::client::run;
use super::super::exit_code::{ExitCode, UsageError};
use super::super::out;
use super::super::view::duration;
use super::Runs;
use super::send::{Sender, Sent};
use crate::file;
use crate::report::text::count;
use crate::report::{Bulk, Rules};

/// The longest file with a password, a key or certificates.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// The longest name of an index, in bytes.
const MAX_NAME: usize = 255;

/// Send the items of runs to Elasticsearch or OpenSearch
///
/// Each line of items.ndjson becomes a document with its id, so that sending it again replaces it. Documents are changed as
/// hosted-wrapper changes its own, and can share an index with them: names in lower case with _ for - and spaces, whole numbers without
/// fractions, null for lists. With --exact, values stay as they are.
#[derive(Parser)]
#[command(after_help = "Examples:
  fauxmetal report index runs/nightly --url http://127.0.0.1:9200 --name install-timings
  fauxmetal report index runs/* --url https://search.example --name timings --exact --api-key-file key
  fauxmetal report index runs/nightly --name timings --dry-run")]
pub(super) struct Args {
    /// Ids of the runs, or paths of their folders
    #[arg(required = true, value_name = "RUN")]
    names: Vec<String>,
    /// URL of the server; its path, if any, stands before /_bulk
    #[arg(long, value_name = "URL", required_unless_present = "dry_run")]
    url: Option<String>,
    /// Name of the index or of an alias
    #[arg(long, value_name = "INDEX")]
    name: String,
    /// Times that a request is repeated after an answer 429, 502, 503 or 504, or without an answer
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(0..=1000))]
    retry: u32,
    /// Wait before the first repetition; the second waits twice as long, and so on, unless the server says Retry-After
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    delay: Duration,
    /// Leave out a field, by its name in items.ndjson, at any depth; can be repeated
    #[arg(long, value_name = "FIELD")]
    ignore: Vec<String>,
    /// Keep fractions, texts and lists as they are
    #[arg(long)]
    exact: bool,
    /// Print the requests' bodies instead of sending them
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    runs: Runs,
}

/// How the server is reached, and who sends.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Access")]
struct Access {
    /// PEM file with the CA of an https:// server
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    cacert: Option<PathBuf>,
    /// Accept every certificate of the server
    #[arg(long, conflicts_with = "cacert")]
    insecure: bool,
    /// Name of the user
    #[arg(long, value_name = "NAME", env = "ELASTIC_USERNAME", hide_env_values = true)]
    user: Option<String>,
    /// File whose first line is the password of the user [default: the variable ELASTIC_PASSWORD]
    #[arg(long, value_name = "FILE", requires = "user", value_hint = ValueHint::FilePath)]
    password_file: Option<PathBuf>,
    /// File whose first line is an encoded API key [default: the variable ELASTIC_API_KEY]
    #[arg(long, value_name = "FILE", conflicts_with = "user", value_hint = ValueHint::FilePath)]
    api_key_file: Option<PathBuf>,
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let folders = args.names.iter().map(|name| args.runs.open(name)).collect::<anyhow::Result<Vec<_>>>()?;
    check_name(&args.name)?;
    let sender = match (&args.url, args.dry_run) {
        (Some(url), false) => Some(args.access.sender(url, args.retry, args.delay)?),
        _ => None,
    };
    let rules = Rules { ignore: args.ignore, exact: args.exact };
    let mut out = out::stdout();
    let mut sent = Sent::default();
    run(async {
        let mut bulk = Bulk::default();
        for folder in &folders {
            for item in folder.items()? {
                bulk.push(&args.name, &rules, &item?)?;
                if bulk.is_full() {
                    pass(&mut out, sender.as_ref(), std::mem::take(&mut bulk), &mut sent).await?;
                }
            }
        }
        pass(&mut out, sender.as_ref(), bulk, &mut sent).await
    })?;
    if sender.is_some() {
        writeln!(out, "{} documents are in the index {}", count(sent.taken), args.name)?;
    }
    out.flush()?;
    match &sent.refused {
        None => Ok(ExitCode::Ok),
        Some((number, first)) => anyhow::bail!(
            "documents that the server refuses: {}; the first is {}, with status {}: {}",
            count(*number),
            first.id,
            first.status,
            first.why
        ),
    }
}

/// Sends documents, or prints them.
async fn pass(
    out: &mut impl std::io::Write,
    sender: Option<&Sender>,
    bulk: Bulk,
    sent: &mut Sent,
) -> anyhow::Result<()> {
    match sender {
        _ if bulk.is_empty() => Ok(()),
        Some(sender) => sender.send(bulk, sent).await,
        None => Ok(out.write_all(&bulk.body())?),
    }
}

/// The rules that both servers have for names of indexes.
fn check_name(name: &str) -> Result<(), UsageError> {
    let allowed =
        |c: char| !c.is_uppercase() && !c.is_whitespace() && !c.is_control() && !r#"\/*?"<>|,#:"#.contains(c);
    let is_name = (1..=MAX_NAME).contains(&name.len())
        && name.chars().all(allowed)
        && !name.starts_with(['-', '_', '+', '.']);
    let wrong = || {
        UsageError(format!(
            "--name: '{name}' is no name of an index; it has at most {MAX_NAME} bytes, no upper case, no space, none of \\ / * ? \" < > | , # : and does not begin with - _ + ."
        ))
    };
    if is_name { Ok(()) } else { Err(wrong()) }
}

impl Access {
    fn sender(&self, url: &str, retry: u32, delay: Duration) -> anyhow::Result<Sender> {
        let wrong = |why: &str| {
            UsageError(format!(
                "--url: '{}' {why}; write http://HOST:PORT or https://HOST:PORT",
                crate::note::Note::from(url)
            ))
        };
        let mut parsed = Url::parse(url).map_err(|_| wrong("is no URL"))?;
        if !["http", "https"].contains(&parsed.scheme()) || !parsed.has_host() {
            return Err(wrong("is no address of a server").into());
        }
        let authorization = self.authorization()?;
        // The client reads the user of a URL itself, unless a flag or a variable says more.
        if authorization.is_some() {
            let stripped = parsed.set_username("").and_then(|()| parsed.set_password(None));
            stripped.map_err(|()| wrong("is no address of a server"))?;
        }
        let ca = match &self.cacert {
            None => None,
            Some(path) => Some(
                file::read(path, MAX_FILE_BYTES).with_context(|| format!("--cacert: {}", path.display()))?,
            ),
        };
        let tls = match self.insecure {
            true => crate::tls::insecure_client_config()?,
            false => crate::tls::client_config(ca.as_deref())
                .map_err(|error| UsageError(format!("--cacert: {error}")))?,
        };
        Sender::new(parsed, tls, authorization, retry, delay)
    }

    /// The value of the header `Authorization`: an API key, or a user with a password.
    fn authorization(&self) -> anyhow::Result<Option<HeaderValue>> {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;

        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let user = self.user.clone().filter(|user| !user.is_empty());
        let value = if let Some(path) = &self.api_key_file {
            format!("ApiKey {}", secret("--api-key-file", path)?)
        } else if let Some(user) = user {
            let password = match &self.password_file {
                Some(path) => secret("--password-file", path)?,
                None => variable("ELASTIC_PASSWORD").ok_or_else(|| {
                    UsageError("--user needs --password-file or the variable ELASTIC_PASSWORD".to_owned())
                })?,
            };
            format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
        } else if let Some(key) = variable("ELASTIC_API_KEY") {
            format!("ApiKey {key}")
        } else {
            return Ok(None);
        };
        let mut header = HeaderValue::try_from(value).map_err(|_| {
            UsageError("the password or API key has characters that HTTP does not allow".to_owned())
        })?;
        header.set_sensitive(true);
        Ok(Some(header))
    }
}

/// The first line of a file with a secret.
fn secret(flag: &str, path: &Path) -> anyhow::Result<String> {
    let line =
        file::first_line(path, MAX_FILE_BYTES).with_context(|| format!("{flag}: {}", path.display()))?;
    let line = line.trim();
    if line.is_empty() {
        return Err(UsageError(format!("{flag}: the first line of {} is empty", path.display())).into());
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_an_index_has_no_upper_case_and_no_wildcard() {
        for name in ["osde2e-install-timings", "a", "timings-2026.01", "größe"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "Timings", "a*", "a b", "_bulk", "-a", "a/b", "..", &"x".repeat(256)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
