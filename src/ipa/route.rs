//! The routes of an agent's API.

/// A route. In a path, the version may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Root,
    Version,
    Status,
    Commands,
    /// One command, by its id.
    Command(&'a str),
    /// The path lacks the slash at its end; the client is redirected.
    MissingSlash,
}

/// Labels of the request metric, in the order of [`label`].
pub(super) const LABELS: [(&str, &str); 4] =
    [("none", "document"), ("root", "document"), ("status", "document"), ("commands", "document")];

/// The index in [`LABELS`] of a request to `path`.
pub(super) fn label(path: &str) -> usize {
    match Route::of(path) {
        None | Some(Route::MissingSlash) => 0,
        Some(Route::Root | Route::Version) => 1,
        Some(Route::Status) => 2,
        Some(Route::Commands | Route::Command(_)) => 3,
    }
}

impl<'a> Route<'a> {
    /// `path` is the part of the request's path below the agent's URL.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        match path {
            "" | "/v1" | "/v1/commands" | "/commands" => return Some(Self::MissingSlash),
            "/" => return Some(Self::Root),
            "/v1/" => return Some(Self::Version),
            _ => {}
        }
        match path.strip_prefix("/v1").unwrap_or(path) {
            "/status" => Some(Self::Status),
            "/commands/" => Some(Self::Commands),
            rest => {
                let id = rest.strip_prefix("/commands/")?;
                (!id.contains('/')).then_some(Self::Command(id))
            }
        }
    }

    /// The value of the `Allow` header.
    pub(super) fn allow(self) -> &'static str {
        match self {
            Self::Commands => "GET, HEAD, POST",
            Self::Root | Self::Version | Self::Status | Self::Command(_) | Self::MissingSlash => "GET, HEAD",
        }
    }
}

/// Splits the path on a shared listener: the system's UUID, and the path below the agent's URL.
pub(super) fn split_uuid(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or_default();
    path.split_at(path.find('/').unwrap_or(path.len()))
}
