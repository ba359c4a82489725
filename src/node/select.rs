//! A node as selections see it.

use super::Node;
use crate::selection::{Field, Subject};

impl Subject for Node {
    fn any(&self, field: Field, test: &mut dyn FnMut(&str) -> bool) -> bool {
        let spec = self.spec();
        match field {
            Field::Index => test(itoa::Buffer::new().format(self.id().0)),
            Field::Name => test(&spec.name()),
            Field::Uuid => test(&spec.uuid().to_string()),
            Field::Mac => self.cabled_macs().any(|mac| test(&mac.to_string())),
            Field::Profile => test(&spec.profile.name),
            Field::Power => test(self.power_word()),
            Field::State => test(self.state_word()),
            Field::Agent => test(self.agent_word()),
        }
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.labels().get(key)
    }

    fn dice(&self, salt: &str) -> u64 {
        let spec = self.spec();
        spec.seed.sample(spec.uuid(), salt)
    }
}
