//! `Debug` without secrets. A derived `Debug` would write tokens and passwords into a log.

use std::fmt::{Debug, Formatter, Result};

use super::bmc::media::Insertion;
use super::bmc::source::Source;
use super::ipa::{ImageJob, Inspected, LookUp, LookedUp, Params, Serving};

/// Shows whether a secret exists.
fn hidden(secret: Option<&str>) -> Option<&'static str> {
    secret.map(|_| "***")
}

impl Debug for Params {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut f = f.debug_struct("Params");
        f.field("api_urls", &self.api_urls).field("inspection_urls", &self.inspection_urls);
        f.field("boot_interface", &self.boot_interface).field("collectors", &self.collectors);
        f.field("token", &hidden(self.token.as_deref())).finish_non_exhaustive()
    }
}

impl Debug for LookUp {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut f = f.debug_struct("LookUp");
        f.field("failed", &self.failed).field("call", &self.call).field("give_up", &self.give_up);
        f.field("node_uuid", &self.node_uuid).field("token", &hidden(self.token.as_deref())).finish()
    }
}

impl Debug for Serving {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut f = f.debug_struct("Serving");
        f.field("node_uuid", &self.node_uuid).field("token", &hidden(Some(&self.token)));
        f.field("heartbeat_timeout_s", &self.heartbeat_timeout_s).field("md5_enabled", &self.md5_enabled);
        f.field("heartbeat", &self.heartbeat).field("last", &self.last).field("failed", &self.failed);
        f.field("again", &self.again).field("commands", &self.commands);
        f.field("partition_uuids", &self.partition_uuids).finish()
    }
}

impl Debug for ImageJob {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        // A URL can be signed, and a proxy can have a password.
        let mut f = f.debug_struct("ImageJob");
        f.field("id", &self.id).field("device", &self.device).field("format", &self.format);
        f.field("checksum", &self.checksum).finish_non_exhaustive()
    }
}

impl Debug for Insertion {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        // The URL of the image can be signed.
        let mut f = f.debug_struct("Insertion");
        f.field("write_protected", &self.write_protected).finish_non_exhaustive()
    }
}

impl Debug for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        // The URL of the file can be signed.
        f.debug_struct("Source")
            .field("user", &self.credentials.as_deref().map(|(user, _)| user))
            .finish_non_exhaustive()
    }
}

impl Debug for Inspected {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Accepted(uuid, token) => {
                f.debug_tuple("Accepted").field(uuid).field(&hidden(token.as_deref())).finish()
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
    use super::super::call::Call;
    use super::super::ipa::Commands;
    use super::*;
    use crate::dmtf::{TransferMethod, TransferProtocol};
    use crate::time::SimTime;

    #[test]
    fn no_secret_is_shown() {
        let secret: Box<str> = "hunter2".into();
        let params = Params { token: Some(secret.clone()), ..Params::default() };
        let found = LookedUp::Found {
            uuid: uuid::Uuid::nil(),
            token: Some(secret.clone()),
            heartbeat_timeout_s: 1,
            md5_enabled: false,
        };
        let insertion = Insertion {
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
        let look_up = LookUp {
            failed: 0,
            call: Call::Due,
            give_up: SimTime::NEVER,
            node_uuid: None,
            token: Some(secret.clone()),
        };
        let serving = Serving {
            node_uuid: uuid::Uuid::nil(),
            token: secret.clone(),
            heartbeat_timeout_s: 300,
            md5_enabled: false,
            heartbeat: Call::Due,
            last: SimTime::NEVER,
            failed: 0,
            again: false,
            late: false,
            twice: false,
            commands: Commands::default(),
            partition_uuids: None,
        };
        let inspected = Inspected::Accepted(None, Some(secret));
        let shown =
            format!("{params:?} {found:?} {insertion:?} {job:?} {inspected:?} {look_up:?} {serving:?}");
        assert!(shown.contains("Params") && !shown.contains("hunter2"), "{shown}");
    }
}
