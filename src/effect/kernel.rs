//! Reads the parameters of an agent from the command line of its kernel.
//!
//! The names and defaults of the parameters are those in `ironic_python_agent/config.py`.

use url::Url;

use crate::media::CommandLine;
use crate::node::ipa::Params;

/// The path below the API's URL to which inspection data is sent (`inspector.py`, `_get_urls`).
const CONTINUE_INSPECTION: &str = "/v1/continue_inspection";
/// Default of `ipa-lookup-timeout`, seconds.
const LOOKUP_TIMEOUT_S: u16 = 600;
/// API endpoints that one agent stores; further ones are ignored.
const MAX_ENDPOINTS: usize = 32;

/// A parameter that is not empty.
fn given<'a>(line: &'a CommandLine, name: &str) -> Option<&'a str> {
    line.get(name).filter(|value| !value.is_empty())
}

/// The parameters of an agent with this command line. `ironic` are the API endpoints of the settings.
pub(super) fn params(line: &CommandLine, ironic: &[Url]) -> Params {
    let given_urls = urls(line, "ipa-api-url");
    let (api_urls, spread) = endpoints(&given_urls, ironic);
    let collectors = given(line, "ipa-inspection-collectors").unwrap_or_default();
    let callbacks = urls(line, "ipa-inspection-callback-url");
    let has_callback = given(line, "ipa-inspection-callback-url").is_some();
    // Without any URL of Ironic, as in an operator's image, only the settings tell where Ironic is: the image cannot say
    // whether its agent is to inspect. Ironic refuses data that it does not wait for.
    let inspects = !collectors.is_empty() || has_callback || given(line, "ipa-api-url").is_none();
    let inspection_urls = if !callbacks.is_empty() {
        inspection(&callbacks, ironic)
    } else if inspects {
        api_urls.iter().map(|url| format!("{}{CONTINUE_INSPECTION}", url.trim_end_matches('/'))).collect()
    } else {
        Vec::new()
    };
    // With an inspection URL but no `ipa-api-url`, the agent is started for inspection only and calls no API.
    let api_urls = if given_urls.is_empty() && given(line, "ipa-api-url").is_none() && !callbacks.is_empty() {
        Vec::new()
    } else {
        api_urls
    };
    let boxed =
        |urls: Vec<String>| urls.into_iter().take(MAX_ENDPOINTS).map(String::into_boxed_str).collect();
    Params {
        spread: u8::try_from(spread.min(MAX_ENDPOINTS)).unwrap_or(1),
        api_urls: boxed(api_urls),
        inspection_urls: boxed(inspection_urls),
        inspects_unasked: !has_callback,
        token: given(line, "ipa-agent-token").map(Into::into),
        request_id: given(line, "ipa-global-request-id").map(Into::into),
        boot_interface: given(line, "BOOTIF").map(Into::into),
        collectors: collectors.into(),
        lookup_timeout_s: given(line, "ipa-lookup-timeout")
            .and_then(|s| s.parse::<u32>().ok())
            .map_or(LOOKUP_TIMEOUT_S, |s| u16::try_from(s).unwrap_or(u16::MAX)),
        collect_lldp: flag(line, "ipa-collect-lldp"),
        insecure: flag(line, "ipa-insecure"),
        virtual_media: line.get("boot_method") == Some("vmedia"),
    }
}

/// A parameter that is a list of URLs. Discovery by multicast DNS is not supported, so `mdns` is ignored.
fn urls(line: &CommandLine, name: &str) -> Vec<String> {
    let list = given(line, name).unwrap_or_default().split(',').map(str::trim);
    list.filter(|url| !url.is_empty() && *url != "mdns").map(str::to_owned).collect()
}

/// A Boolean parameter, in the spellings that oslo.config accepts.
fn flag(line: &CommandLine, name: &str) -> bool {
    line.get(name)
        .is_some_and(|v| matches!(&*v.to_ascii_lowercase(), "1" | "t" | "true" | "on" | "y" | "yes"))
}

/// The API endpoints of an agent with these URLs on its command line, and how many of them (from the first on) belong
/// to one service.
///
/// If a given URL is one of the settings' endpoints, or if none is given, the result is all endpoints of the settings.
/// Otherwise the given URLs come first and the endpoints of the settings are stand-ins.
fn endpoints(given: &[String], ironic: &[Url]) -> (Vec<String>, usize) {
    let known = || ironic.iter().map(|url| url.as_str().trim_end_matches('/').to_owned());
    if given.is_empty() || given.iter().any(|url| is_known(url, ironic)) {
        return (known().collect(), ironic.len());
    }
    (given.iter().cloned().chain(known()).collect(), 1)
}

/// The inspection URLs, by the same rule. Stand-ins are added only if a given URL is that of an Ironic API.
fn inspection(given: &[String], ironic: &[Url]) -> Vec<String> {
    let base = |url: &String| url.strip_suffix(CONTINUE_INSPECTION).map(str::to_owned);
    let known =
        || ironic.iter().map(|url| format!("{}{CONTINUE_INSPECTION}", url.as_str().trim_end_matches('/')));
    let bases: Vec<_> = given.iter().filter_map(base).collect();
    if bases.iter().any(|url| is_known(url, ironic)) {
        return known().collect();
    }
    given.iter().cloned().chain(known().filter(|_| !bases.is_empty())).collect()
}

/// Whether a URL is an endpoint of the settings, up to a slash at its end.
fn is_known(url: &str, ironic: &[Url]) -> bool {
    let plain = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
    Url::parse(url).is_ok_and(|url| ironic.iter().any(|known| plain(known) == plain(&url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ironic(urls: &[&str]) -> Vec<Url> {
        urls.iter().map(|u| Url::parse(u).unwrap()).collect()
    }

    fn agent(line: &str, known: &[&str]) -> Params {
        params(&CommandLine::new(line), &ironic(known))
    }

    fn list(urls: &[Box<str>]) -> Vec<&str> {
        urls.iter().map(|u| &**u).collect()
    }

    #[test]
    fn all_parameters_are_read() {
        let line = "nofb ipa-api-url=http://a:6385 ipa-agent-token=tok ipa-global-request-id=req-1 BOOTIF=01-aa \
                    ipa-inspection-callback-url=http://a:6385/v1/continue_inspection ipa-inspection-collectors=default,lldp \
                    ipa-lookup-timeout=60 ipa-collect-lldp=1 ipa-insecure=true boot_method=vmedia";
        let params = agent(line, &[]);
        assert_eq!(list(&params.api_urls), ["http://a:6385"]);
        assert_eq!(list(&params.inspection_urls), ["http://a:6385/v1/continue_inspection"]);
        let texts =
            [&params.token, &params.request_id, &params.boot_interface].map(|t| t.as_deref().unwrap());
        assert_eq!(texts, ["tok", "req-1", "01-aa"]);
        assert_eq!((&*params.collectors, params.lookup_timeout_s), ("default,lldp", 60));
        assert!(params.collect_lldp && params.insecure && params.virtual_media);
    }

    #[test]
    fn a_lookup_timeout_has_an_upper_bound() {
        for (text, seconds) in [("0", 0), ("65535", 65_535), ("100000", 65_535), ("soon", 600), ("", 600)] {
            let line = format!("ipa-api-url=http://a ipa-lookup-timeout={text}");
            assert_eq!(agent(&line, &[]).lookup_timeout_s, seconds, "{text}");
        }
    }

    #[test]
    fn an_endpoint_of_the_settings_stands_for_all_of_them() {
        let known = ["http://a:6385", "http://b:6385/"];
        let params = agent("ipa-api-url=http://b:6385/", &known);
        assert_eq!((list(&params.api_urls), params.spread), (vec!["http://a:6385", "http://b:6385"], 2));
        let params = agent("ipa-inspection-callback-url=http://a:6385/v1/continue_inspection", &known);
        assert_eq!(
            list(&params.inspection_urls),
            ["http://a:6385/v1/continue_inspection", "http://b:6385/v1/continue_inspection"]
        );
        assert_eq!(list(&params.api_urls), [""; 0], "an agent for inspection only has no API");
    }

    #[test]
    fn other_endpoints_come_before_those_of_the_settings() {
        let params = agent("ipa-api-url=http://x,http://y", &["http://a"]);
        assert_eq!((list(&params.api_urls), params.spread), (vec!["http://x", "http://y", "http://a"], 1));
        let params = agent("ipa-inspection-callback-url=http://x/v1/continue", &["http://a"]);
        assert_eq!(list(&params.inspection_urls), ["http://x/v1/continue"]);
    }

    #[test]
    fn mdns_is_replaced_by_the_endpoints_of_the_settings() {
        let params = agent("ipa-api-url=mdns ipa-inspection-callback-url=mdns", &["http://a"]);
        assert_eq!(list(&params.api_urls), ["http://a"]);
        assert_eq!(list(&params.inspection_urls), ["http://a/v1/continue_inspection"]);
    }

    #[test]
    fn an_agent_without_parameters_inspects_at_the_endpoints_of_the_settings() {
        let params = agent("quiet", &["http://a"]);
        assert_eq!(
            (list(&params.api_urls), list(&params.inspection_urls), params.inspects_unasked),
            (vec!["http://a"], vec!["http://a/v1/continue_inspection"], true)
        );
        let params = agent("ipa-api-url=http://a", &["http://a"]);
        assert_eq!(list(&params.inspection_urls), [""; 0], "Ironic's own image says when to inspect");
        let params = agent("ipa-inspection-collectors=default", &["http://a"]);
        assert_eq!(list(&params.inspection_urls), ["http://a/v1/continue_inspection"]);
    }
}
