//! Changes of virtual media: images, and the certificates of their servers.

use super::Bmc;
use super::media::{Command, Then};
use crate::node::refusal::Refusal;

impl Bmc {
    /// Executes a command. Returns the number of the certificate that it has added.
    pub(in crate::node) fn change_media(&mut self, command: Command) -> Result<Option<u32>, Refusal> {
        match command {
            Command::Insert { slot, insertion } => self.media.insert(slot, insertion)?,
            Command::Eject { slot } => self.media.eject(slot),
            Command::Change { slot, verify, then } => {
                match then.map(|then| *then) {
                    Some(Then::Insert(insertion)) => self.media.insert(slot, insertion)?,
                    Some(Then::Reinsert(insertion)) => {
                        self.media.eject(slot);
                        self.media.insert(slot, insertion)?;
                    }
                    Some(Then::Eject) => self.media.eject(slot),
                    None => {}
                }
                if let Some(verify) = verify {
                    self.media_trust.change(|all| all.change(slot, |trust| trust.verify = verify));
                }
            }
            Command::AddCertificate { slot, pem } => {
                return self.media_trust.change(|all| all.add(slot, pem)).map(Some);
            }
            Command::DeleteCertificate { slot, number } => self.media_trust.change(|all| {
                all.change(slot, |trust| {
                    trust.certificates.remove(&number);
                });
            }),
        }
        Ok(None)
    }
}
