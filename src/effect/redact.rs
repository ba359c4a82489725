//! URLs as logs and error messages show them: without credentials.

use url::Url;

/// Removes user, password and query. A query can be a signature that opens an object store.
pub(super) fn redacted(url: &Url) -> String {
    let mut url = url.clone();
    if url.query().is_some() {
        url.set_query(Some("..."));
    }
    // Both fail only for a URL without a host. Checked URLs have one.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.into()
}

/// As [`redacted`], for a text that may not be a URL.
pub(super) fn redacted_text(text: &str) -> String {
    Url::parse(text).map_or_else(|_| "(no URL)".to_owned(), |url| redacted(&url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_query_are_removed() {
        assert_eq!(redacted(&Url::parse("http://user:secret@a/b?c").unwrap()), "http://a/b?...");
    }
}
