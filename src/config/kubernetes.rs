//! The variables that Kubernetes sets in a pod for each Service of its namespace
//! (`kubernetes/pkg/kubelet/envvars/envvars.go`, `FromServices`). A Service that is called `fauxmetal`, or whose name begins
//! with `fauxmetal-`, gives them the prefix of the settings.

use std::ffi::OsStr;

/// Whether Kubernetes, and not a user, set the variable.
pub(super) fn is_link(name: &str, value: &OsStr) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
        return true;
    }
    let is_url = || value.to_str().is_some_and(|value| value.contains("://"));
    match name.rsplit_once("_PORT_") {
        // X_PORT_8443_TCP and its parts.
        Some((_, rest)) => match rest.split_once('_') {
            Some((port, "TCP" | "UDP" | "SCTP")) => is_number(port) && is_url(),
            Some((port, rest)) => {
                let part = rest.split_once('_');
                is_number(port) && matches!(part, Some(("TCP" | "UDP" | "SCTP", "PROTO" | "PORT" | "ADDR")))
            }
            None => false,
        },
        None => name.ends_with("_PORT") && is_url(),
    }
}
