//! How what holds secrets shows itself to a developer: without them. A derived `Debug` would tell tokens and passwords to
//! whoever logs a node.

use std::fmt::{Debug, Formatter, Result};

use super::command::Insertion;
use super::ipa::{ImageJob, Inspected, Ipa, LookedUp, Params};

impl Debug for Params {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut f = f.debug_struct("Params");
        f.field("api_urls", &self.api_urls).field("inspection_urls", &self.inspection_urls);
        f.field("boot_interface", &self.boot_interface).field("collectors", &self.collectors);
        f.field("token", &self.token.as_ref().map(|_| "***")).finish_non_exhaustive()
    }
}

impl Debug for Ipa {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut f = f.debug_struct("Ipa");
        f.field("phase", &self.phase).field("started", &self.started).field("endpoint", &self.endpoint);
        f.field("node_uuid", &self.node_uuid).field("token", &self.token.as_ref().map(|_| "***"));
        f.field("job", &self.job).field("taken", &self.taken).finish_non_exhaustive()
    }
}

impl Debug for ImageJob {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        // Its URLs can be signed, and its proxies can have passwords.
        let mut f = f.debug_struct("ImageJob");
        f.field("id", &self.id).field("device", &self.device).field("format", &self.format);
        f.field("checksum", &self.checksum).finish_non_exhaustive()
    }
}

impl Debug for Insertion {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        // So can the image's URL.
        let mut f = f.debug_struct("Insertion");
        f.field("slot", &self.slot).field("write_protected", &self.write_protected).finish_non_exhaustive()
    }
}

impl Debug for Inspected {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Accepted(uuid, token) => {
                f.debug_tuple("Accepted").field(uuid).field(&token.as_ref().map(|_| "***")).finish()
            }
            Self::Retry => f.write_str("Retry"),
            Self::Refused => f.write_str("Refused"),
        }
    }
}

impl Debug for LookedUp {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Found { uuid, heartbeat_timeout_s, .. } => {
                let mut f = f.debug_struct("Found");
                f.field("uuid", uuid)
                    .field("heartbeat_timeout_s", heartbeat_timeout_s)
                    .finish_non_exhaustive()
            }
            Self::NotFound => f.write_str("NotFound"),
            Self::Locked => f.write_str("Locked"),
            Self::Unreachable => f.write_str("Unreachable"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dmtf::{TransferMethod, TransferProtocol};

    #[test]
    fn nothing_shows_its_secrets() {
        let secret: Box<str> = "hunter2".into();
        let params = Params { token: Some(secret.clone()), ..Params::default() };
        let found = LookedUp::Found {
            uuid: uuid::Uuid::nil(),
            token: Some(secret.clone()),
            heartbeat_timeout_s: 1,
            md5_enabled: false,
        };
        let insertion = Insertion {
            slot: 0,
            image: "http://u:hunter2@a/b?sig=hunter2".into(),
            write_protected: true,
            credentials: Some(Box::new(("u".into(), secret.clone()))),
            method: TransferMethod::Stream,
            protocol: TransferProtocol::Http,
        };
        let job = ImageJob {
            id: "disk".into(),
            urls: ["http://u:hunter2@a/b".into()].into(),
            format: "raw".into(),
            checksum: None,
            stream: true,
            credentials: Some(("u".into(), secret.clone())),
            authorization: Some(secret.clone()),
            proxies: [("http".into(), secret.clone())].into(),
            no_proxy: None,
            device: "/dev/sda".into(),
            partitions: None,
            configdrive_url: Some(secret.clone()),
            node_uuid: "local".into(),
            step: None,
        };
        let inspected = Inspected::Accepted(None, Some(secret));
        let shown = format!("{params:?} {found:?} {insertion:?} {job:?} {inspected:?}");
        assert!(shown.contains("Params") && !shown.contains("hunter2"), "{shown}");
    }
}
