//! Why an HTTP request failed.

use std::error::Error;
use std::fmt;

use super::egress::Forbidden;

/// Errors that say no more than that the request failed. Their causes say why.
const FAILED: [&str; 4] =
    ["error sending request", "client error (Connect)", "client error (SendRequest)", "tcp connect error"];

/// An error of the HTTP client.
///
/// The text is one line: the first error that says why, and its causes. It leaves out the URL, which can contain a password.
#[derive(Debug)]
pub struct HttpError(reqwest::Error);

impl HttpError {
    fn causes(&self) -> impl Iterator<Item = &(dyn Error + 'static)> {
        std::iter::successors(self.0.source(), |cause| (**cause).source())
    }

    /// Whether the egress rules refused the call.
    pub(super) fn is_forbidden(&self) -> bool {
        self.causes().any(|cause| cause.is::<Forbidden>())
    }
}

impl From<reqwest::Error> for HttpError {
    fn from(error: reqwest::Error) -> Self {
        Self(error.without_url())
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        for cause in self.causes().map(ToString::to_string) {
            if FAILED.contains(&&*text) {
                text = cause;
            } else if !text.contains(&cause) {
                text += &format!(": {cause}");
            }
        }
        f.write_str(&text)
    }
}

impl Error for HttpError {}
