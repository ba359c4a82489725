//! The flags that name the daemon, its certificate and its token.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::builder::ValueHint;
use http::HeaderValue;
use url::Url;

use super::error::ClientError;
use crate::cli::exit_code::UsageError;
use crate::file;
use crate::note::Note;
use crate::plan::RunningDaemon;

/// The URL of a daemon on this host with default settings.
const DEFAULT: &str = "http://127.0.0.1:8440";
/// The environment variable of `--server`.
const SERVER: &str = "FAUXMETAL_SERVER";
/// The environment variable of `--cacert`.
const CACERT: &str = "FAUXMETAL_CACERT";
/// The environment variable of `--admin-token-file`, which is also a setting of the daemon.
const TOKEN_FILE: &str = "FAUXMETAL_ADMIN_TOKEN_FILE";
/// The prefix of a server that is a Unix socket.
const UNIX: &str = "unix:";

/// The longest file of certificates, and of a token.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Which daemon, and how to reach it.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(in crate::cli) struct Connection {
    /// Control API of the daemon: http://HOST:PORT, https://HOST:PORT or unix:PATH [default: http://127.0.0.1:8440]
    #[arg(long, value_name = "URL", env = SERVER, hide_env_values = true)]
    server: Option<String>,
    /// PEM file with the CA of an https:// server, such as certs/ca.pem of the daemon
    #[arg(long, value_name = "FILE", env = CACERT, hide_env_values = true, value_hint = ValueHint::FilePath)]
    cacert: Option<PathBuf>,
    /// File whose first line is the token of the control API
    #[arg(
        long, value_name = "FILE", env = TOKEN_FILE, hide_env_values = true,
        value_hint = ValueHint::FilePath
    )]
    admin_token_file: Option<PathBuf>,
    #[arg(skip)]
    names: Names,
}

/// The words of the user for the parts of a connection, for messages.
#[derive(Clone, Copy, Debug)]
struct Names {
    server: &'static str,
    cacert: &'static str,
    token_file: &'static str,
}

impl Default for Names {
    fn default() -> Self {
        Self { server: "--server", cacert: "--cacert", token_file: "--admin-token-file" }
    }
}

/// The address of a daemon.
pub(super) struct Server {
    /// As the user wrote it, for messages.
    pub(super) name: String,
    /// Whether the user wrote it.
    given: bool,
    names: Names,
    /// The URL whose path is replaced. That of a socket is a placeholder.
    pub(super) base: Url,
    pub(super) place: Place,
}

pub(super) enum Place {
    Url,
    Socket(PathBuf),
}

impl Connection {
    /// The flags among the words of a command line that is not complete, and the environment.
    pub(in crate::cli) fn written(words: impl Iterator<Item = String>) -> Self {
        let words: Vec<_> = words.collect();
        let value = |flag: &str, variable: &str| {
            let flag = words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix(flag) {
                Some("") => words.get(at + 1).cloned(),
                Some(rest) => rest.strip_prefix('=').map(str::to_owned),
                None => None,
            });
            flag.or_else(|| std::env::var(variable).ok())
        };
        Self {
            server: value("--server", SERVER),
            cacert: value("--cacert", CACERT).map(PathBuf::from),
            admin_token_file: value("--admin-token-file", TOKEN_FILE).map(PathBuf::from),
            names: Names::default(),
        }
    }

    /// The daemon that a plan names.
    pub(in crate::cli) fn of_plan(daemon: &RunningDaemon) -> Self {
        Self {
            server: Some(daemon.url.clone()),
            cacert: daemon.ca.clone(),
            admin_token_file: daemon.token_file.clone(),
            names: Names {
                server: "fleet.server.url",
                cacert: "fleet.server.ca",
                token_file: "fleet.server.tokenFile",
            },
        }
    }

    pub(super) fn server(&self) -> Result<Server, UsageError> {
        let written = self.server.as_deref().filter(|text| !text.trim().is_empty());
        Server::parse(written.unwrap_or(DEFAULT), written.is_some(), self.names).map_err(UsageError)
    }

    /// The certificates that `--cacert` names.
    pub(super) fn cacert(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let read = |path: &Path| {
            file::read(path, MAX_FILE_BYTES)
                .with_context(|| format!("{}: {}", self.names.cacert, path.display()))
        };
        named(self.cacert.as_ref()).map(read).transpose()
    }

    /// The value of the header `Authorization`, if there is a token.
    pub(super) fn token(&self) -> anyhow::Result<Option<HeaderValue>> {
        let Some(path) = named(self.admin_token_file.as_ref()) else { return Ok(None) };
        let name = self.names.token_file;
        let line =
            file::first_line(path, MAX_FILE_BYTES).with_context(|| format!("{name}: {}", path.display()))?;
        let line = line.trim();
        let header = HeaderValue::try_from(format!("Bearer {line}")).ok().filter(|_| !line.is_empty());
        let mut header = header.ok_or_else(|| {
            UsageError(format!(
                "{name}: the first line of {} is no token; a token has printable ASCII characters",
                path.display()
            ))
        })?;
        header.set_sensitive(true);
        Ok(Some(header))
    }
}

/// A path; an empty one counts as none, as an empty variable does for the settings.
fn named(path: Option<&PathBuf>) -> Option<&Path> {
    path.map(PathBuf::as_path).filter(|path| !path.as_os_str().is_empty())
}

impl Server {
    fn parse(text: &str, given: bool, names: Names) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!(
                "{}: '{}' {why}; write http://HOST:PORT, https://HOST:PORT or unix:PATH",
                names.server,
                Note::from(text)
            )
        };
        let text = text.trim();
        let (url, place) = match text.strip_prefix(UNIX) {
            Some("") => return Err(wrong("has no path")),
            Some(path) => ("http://localhost", Place::Socket(PathBuf::from(path))),
            None => (text, Place::Url),
        };
        let base = Url::parse(url).map_err(|_| wrong("is no URL"))?;
        let is_plain = base.username().is_empty()
            && base.password().is_none()
            && base.path().trim_end_matches('/').is_empty()
            && base.query().is_none()
            && base.fragment().is_none();
        if !["http", "https"].contains(&base.scheme()) || !base.has_host() {
            return Err(wrong("is no address of a control API"));
        }
        if !is_plain {
            return Err(wrong("has more than a host and a port"));
        }
        Ok(Self { name: text.trim_end_matches('/').to_owned(), given, names, base, place })
    }

    /// The error of a request without an answer.
    pub(super) fn no_answer(&self, error: &reqwest::Error) -> ClientError {
        let (server, why) = (self.name.clone(), super::error::cause(error));
        match error.is_connect() {
            true => ClientError::NoAnswer { server, why, hint: self.hint() },
            false => ClientError::Broken { server, why },
        }
    }

    fn hint(&self) -> String {
        let Names { server, cacert, .. } = self.names;
        let cacert = if self.base.scheme() == "https" { format!(" {cacert},") } else { String::new() };
        match self.given {
            false => {
                "start one with `fauxmetal serve`, or name another one with --server or FAUXMETAL_SERVER"
                    .to_owned()
            }
            true => {
                format!(
                    "check {server},{cacert} and that the daemon runs with --admin-listen at this address"
                )
            }
        }
    }

    /// The place of the token in the words of the user.
    pub(super) fn token_name(&self) -> &'static str {
        self.names.token_file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemon_knows_the_variables_of_the_client() {
        assert_eq!(crate::config::CLIENT_VARIABLES, [SERVER, CACERT]);
        assert!(crate::config::setting::ALL.iter().all(|s| ![SERVER, CACERT].contains(&&*s.variable())));
    }

    #[test]
    fn a_server_is_a_url_or_a_socket() {
        for (text, name) in [
            ("http://127.0.0.1:8440/", "http://127.0.0.1:8440"),
            ("https://[::1]:8440", "https://[::1]:8440"),
            (" unix:/run/fauxmetal.sock", "unix:/run/fauxmetal.sock"),
        ] {
            let server = Server::parse(text, true, Names::default()).unwrap();
            assert_eq!(server.name, name);
            assert_eq!(matches!(server.place, Place::Socket(_)), name.starts_with("unix:"));
        }
        for (text, why) in [
            ("127.0.0.1:8440", "is no URL"),
            ("localhost:8440", "is no address of a control API"),
            ("ftp://x", "is no address of a control API"),
            ("unix:", "has no path"),
            ("http://h/fauxmetal/v1", "has more than a host and a port"),
            ("http://me:secret@h", "has more than a host and a port"),
        ] {
            let said = Server::parse(text, true, Names::default()).err().unwrap();
            assert!(said.contains(why) && said.contains("unix:PATH") && !said.contains("secret"), "{said}");
        }
    }
}
