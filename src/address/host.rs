//! Host names in requests.

/// The first label of a host that is directly below `domain`; upper and lower case are the same. `None` for every other host.
pub fn label_below<'h>(host: &'h str, domain: &str) -> Option<&'h str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let (label, rest) = host.split_once('.')?;
    (!label.is_empty() && rest.eq_ignore_ascii_case(domain)).then_some(label)
}

/// The host of a `Host` header or of a URL's authority, without port and brackets.
pub fn host_of(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => authority.split(':').next().unwrap_or(authority),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_name_is_one_label_below_the_domain() {
        assert_eq!(label_below("Generic-1.BMC.example.", "bmc.example"), Some("Generic-1"));
        for host in ["bmc.example", "a.b.bmc.example", ".bmc.example", "a.bmc.example.org", "localhost", ""] {
            assert_eq!(label_below(host, "bmc.example"), None, "{host}");
        }
        assert_eq!((host_of("a.b:80"), host_of("[::1]:80"), host_of("a")), ("a.b", "::1", "a"));
    }
}
