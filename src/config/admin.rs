//! The settings of the admin listener: its address, its token, and the host names that requests may have.

use std::path::PathBuf;

use super::error::ConfigError;
use super::net::{Host, Listen};
use super::password::{Password, first_line};
use super::raw::RawSettings;
use super::setting::{ADMIN_HOST, ADMIN_LISTEN, ADMIN_OPEN, ADMIN_TOKEN_FILE};
use super::value;
use crate::address::{Layout, Place};

/// The settings of the admin listener.
#[derive(Clone, Debug)]
pub struct AdminConfig {
    pub listen: AdminListen,
    /// Nobody has chosen the address, so a free port can be taken if the port is in use.
    pub by_default: bool,
    /// The token that each request needs.
    pub token: Option<Password>,
    /// Names that the `Host` header of a request may have, beside addresses and `localhost`.
    pub hosts: Vec<Host>,
    /// Paths that need no token.
    pub open: Vec<&'static str>,
}

/// Where the admin listener listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminListen {
    Tcp(Listen),
    /// A Unix socket that only this user can open.
    Unix(PathBuf),
}

/// The paths that `--admin-open` can name.
const OPEN: [&str; 3] = ["metrics", "healthz", "readyz"];
/// The prefix of a Unix socket.
const UNIX: &str = "unix:";
/// The longest path of a Unix socket (`sun_path` in unix(7), with its end).
const MAX_SOCKET_PATH: usize = 107;
/// The shortest token, characters.
const MIN_TOKEN: usize = 16;

impl AdminConfig {
    /// `None` if the listener is off. `taken` are the places of the other listeners.
    pub(super) fn new(raw: &RawSettings, taken: &[Place]) -> Result<Option<Self>, ConfigError> {
        let by_default = !raw.is_given(&ADMIN_LISTEN);
        let listen = raw.required(&ADMIN_LISTEN, |text| {
            let listen = |text: &str| AdminListen::parse(text, if by_default { &[] } else { taken });
            value::unless_off(text, listen).map_err(|problem| format!("{problem}, or off"))
        })?;
        let token = raw.optional(&ADMIN_TOKEN_FILE, token)?;
        let hosts = raw.list(&ADMIN_HOST, Host::MAX, Host::parse)?;
        let open = raw.list(&ADMIN_OPEN, OPEN.len(), |text| {
            let known = OPEN.into_iter().find(|path| *path == text.trim_start_matches('/'));
            known.ok_or_else(|| format!("'{text}' cannot be open; allowed are {}", OPEN.join(", ")))
        })?;
        let Some(listen) = listen else { return Ok(None) };
        if token.is_none()
            && let AdminListen::Tcp(tcp) = &listen
            && !tcp.address.ip().is_loopback()
        {
            let flag = ADMIN_TOKEN_FILE.flag();
            let problem = format!("other hosts can reach {tcp}, so it needs {flag}; or listen on 127.0.0.1");
            return Err(ConfigError::at(&ADMIN_LISTEN, &raw.origin(&ADMIN_LISTEN), problem));
        }
        let (hosts, open) = (super::values(hosts), super::values(open));
        Ok(Some(Self { listen, by_default, token, hosts, open }))
    }

    /// The TCP address, unless it is a Unix socket.
    pub fn tcp(&self) -> Option<&Listen> {
        match &self.listen {
            AdminListen::Tcp(listen) => Some(listen),
            AdminListen::Unix(_) => None,
        }
    }

    /// A warning if other hosts can read the token on its way.
    pub(super) fn warning(&self) -> Option<String> {
        let exposed = |listen: &&Listen| !listen.tls && !listen.address.ip().is_loopback();
        let listen = self.tcp().filter(exposed)?;
        Some(format!("{listen} takes the token of the control API without TLS; write https:// to protect it"))
    }
}

impl AdminListen {
    fn parse(text: &str, taken: &[Place]) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix(UNIX) {
            return match path.len() {
                0 => Err("the path of the socket is empty; write unix:PATH".to_owned()),
                1..=MAX_SOCKET_PATH => Ok(Self::Unix(PathBuf::from(path))),
                long => Err(format!(
                    "the path of a socket has at most {MAX_SOCKET_PATH} bytes, and this one has {long}"
                )),
            };
        }
        let listen =
            Listen::parse(text, Layout::Shared).map_err(|problem| format!("{problem}, or unix:PATH"))?;
        listen.check(Layout::Shared, 1, taken)?;
        Ok(Self::Tcp(listen))
    }
}

/// The token in the first line of a file.
fn token(path: &str) -> Result<Password, String> {
    let line = first_line(path)?;
    let visible = line.bytes().all(|b| b.is_ascii_graphic());
    if line.len() < MIN_TOKEN || !visible {
        return Err(format!(
            "the first line of '{path}' is not a token; write at least {MIN_TOKEN} letters, digits or signs without spaces, as from: openssl rand -hex 16"
        ));
    }
    Password::checked(&line)
}
