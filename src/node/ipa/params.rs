//! Parameters of an agent from the kernel command line of its ramdisk.

use serde::{Deserialize, Deserializer, Serialize};

/// The parameters that the simulated agent obeys.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Params {
    /// `ipa-api-url` and the endpoints that replace it. The agent uses one, and turns to the next one if it gets no
    /// answer.
    pub api_urls: Box<[Box<str>]>,
    /// The number of endpoints, counted from the first, that belong to the same service: an agent may begin with any of
    /// them.
    pub spread: u8,
    /// `ipa-inspection-callback-url`, or the URLs that replace it. If set, the agent begins with inspection.
    pub inspection_urls: Box<[Box<str>]>,
    /// Nothing tells the ramdisk that Ironic inspects its node: it sends the data at every boot.
    #[serde(default)]
    pub inspects_unasked: bool,
    /// `ipa-agent-token`: a token that Ironic generated before the boot.
    pub token: Option<Box<str>>,
    /// `ipa-global-request-id`, which the agent sends as `X-OpenStack-Request-ID`.
    pub request_id: Option<Box<str>>,
    /// `BOOTIF`: the MAC address that the machine booted from, with the hardware type in front.
    pub boot_interface: Option<Box<str>>,
    /// `ipa-inspection-collectors`, comma separated. Empty stands for IPA's default.
    pub collectors: Box<str>,
    /// `ipa-lookup-timeout`: the maximum duration of a lookup, seconds. At most 18 hours.
    #[serde(deserialize_with = "at_most_u16")]
    pub lookup_timeout_s: u16,
    /// `ipa-collect-lldp`: the inspection data contains LLDP packets.
    pub collect_lldp: bool,
    /// `ipa-insecure`: certificates of Ironic and of image servers are not checked.
    pub insecure: bool,
    /// The ramdisk was booted from virtual media.
    pub virtual_media: bool,
}

/// Earlier versions stored longer times.
fn at_most_u16<'de, D: Deserializer<'de>>(input: D) -> Result<u16, D::Error> {
    u32::deserialize(input).map(|seconds| u16::try_from(seconds).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_lookup_timeout_of_an_earlier_version_is_read() {
        let mut stored = serde_json::to_value(Params::default()).unwrap();
        stored["lookup_timeout_s"] = 100_000.into();
        stored.as_object_mut().unwrap().remove("inspects_unasked");
        let params: Params = serde_json::from_value(stored).unwrap();
        assert!(params.lookup_timeout_s == u16::MAX && !params.inspects_unasked);
    }
}
