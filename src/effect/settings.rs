//! Settings of the outgoing calls.

use std::time::Duration;

use super::egress::Network;
use super::pattern::Pattern;
use crate::address::{Reported, Urls};
use crate::limit::Limits;

#[derive(Clone, Debug)]
pub struct Settings {
    /// Endpoints of the Ironic API, such as `http://192.0.2.1:6385`. If the kernel command line of a ramdisk names
    /// one of them, its agent uses all of them as one service. If it names other endpoints, the agent tries those
    /// first, then these.
    pub ironic: Vec<String>,
    /// PEM certificates of CAs that are trusted in addition to the platform's.
    pub ca: Option<Vec<u8>>,
    /// Accept every certificate of every server.
    pub insecure: bool,
    /// Base URL of the boot configurations that Ironic's `ipxe`, `pxe` and `http` boot interfaces publish. If `None`,
    /// every network boot fails.
    pub network_boot: Option<String>,
    /// URLs of the agents. If they share one URL, each appends its path. If `None`, no agent starts, and its image counts as
    /// a live system.
    pub agent_urls: Option<Urls>,
    /// Addresses that agents report in their inventories.
    pub reported: Reported,
    /// The PEM certificate that heartbeats send as `agent_verify_ca`. It requires `https` URLs in `agent_urls`.
    pub agent_ca_pem: Option<String>,
    pub images: Images,
    /// Marks of images with an agent, for images whose content does not show it.
    pub agent_isos: Vec<Pattern>,
    /// Least time that writing an image takes, real time, whatever the speed of the clock. Ironic holds the node's lock for
    /// some seconds after it has sent the command, and skips a heartbeat that comes in that time.
    pub write_time: Duration,
    /// Retries of a failed download (IPA's `image_download_connection_retries`).
    pub image_retries: u16,
    /// Simulated time before a retry, ms (IPA's `image_download_connection_retry_interval`).
    pub image_retry_ms: u64,
    /// Only these networks may be called. If empty, every address except reserved ones such as link-local addresses.
    pub egress: Vec<Network>,
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ironic: Vec::new(),
            ca: None,
            insecure: false,
            network_boot: None,
            agent_urls: None,
            reported: Reported::default(),
            agent_ca_pem: None,
            images: Images::Verify,
            agent_isos: Vec::new(),
            write_time: Duration::from_secs(10),
            image_retries: 9,
            image_retry_ms: 10_000,
            egress: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// How much an agent downloads of an image that it is to write. The bytes are never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Images {
    /// Download the whole image and compare its checksum.
    Verify,
    /// Download the first bytes only, to check that the image exists.
    Probe,
    /// Download nothing, and treat every image as good.
    Skip,
}
