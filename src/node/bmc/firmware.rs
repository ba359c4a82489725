//! Firmware: the versions of the components, and updates that the next reset applies.
//!
//! An image is fetched and dropped. The version after an update is read from the name of the image, because images are made
//! for a maker's hardware and no program of a maker runs here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::source::Source;
use super::tasks::Start;
use crate::node::call::Call;
use crate::node::effect::EffectKind;
use crate::node::refusal::Refusal;
use crate::node::sparse::Part;
use crate::note::{Note, shown_uri};
use crate::profile::Profile;
use crate::profile::inventory::FirmwareOf;
use crate::time::SimTime;

/// The parameters of `UpdateService.SimpleUpdate`.
#[derive(Clone, Debug)]
pub struct Command {
    /// The components, by their numbers in the profile, each once.
    pub components: Box<[u8]>,
    pub source: Source,
    /// `@Redfish.OperationApplyTime` is `Immediate`: the service does the reset that applies the update.
    pub immediate: bool,
    pub start: Box<Start>,
}

/// An update by its component and its number.
pub(super) type Numbered = (u8, u32);

/// The firmware of a node, as far as it differs from a new machine's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Firmware {
    /// Versions in force, by the number of the component.
    versions: BTreeMap<u8, Box<str>>,
    /// The last update of each component, until a reset has applied it.
    updates: BTreeMap<u8, Box<Update>>,
    /// Number of updates so far. It distinguishes a late answer from the answer to the current update.
    requested: u32,
}

/// An update of one component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    pub number: u32,
    pub source: Source,
    pub progress: Progress,
    /// The service does the reset that applies it.
    #[serde(default)]
    pub immediate: bool,
}

/// The progress of an update.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Progress {
    Fetching(Call),
    /// The next reset applies it.
    Staged,
    /// The BMC cannot read the image for this reason.
    Failed {
        why: Box<str>,
        at: SimTime,
    },
}

impl Part for Firmware {
    fn of_new_machine() -> &'static Self {
        static NEW: Firmware = Firmware { versions: BTreeMap::new(), updates: BTreeMap::new(), requested: 0 };
        &NEW
    }
}

impl Firmware {
    /// Longest image, MiB. The largest firmware bundles of a server have a few hundred MiB.
    pub const MAX_IMAGE_MIB: u64 = 512;
    /// Maximum length of a version, characters.
    const MAX_VERSION: usize = 64;

    /// The firmware of a new machine. The number of updates goes on, so that a late answer is recognised.
    pub(in crate::node) fn renewed(&self) -> Self {
        Self { requested: self.requested, ..Self::default() }
    }

    /// The version of a component.
    pub fn version<'a>(&'a self, profile: &'a Profile, component: u8) -> &'a str {
        match self.versions.get(&component) {
            Some(version) => version,
            None => profile.firmware.get(usize::from(component)).map_or("", |f| &f.version),
        }
    }

    /// Removes the passwords of image servers.
    pub(super) fn hide_passwords(&mut self) {
        for update in self.updates.values_mut() {
            update.source.uri = shown_uri(&update.source.uri).into();
            update.source.credentials = None;
        }
    }

    /// The update of a component that waits for its image or for a reset, or has failed.
    pub fn update(&self, component: u8) -> Option<&Update> {
        self.updates.get(&component).map(|update| &**update)
    }

    /// Begins an update of each component. Returns the new updates, and the staged ones that they replace.
    pub(super) fn execute(
        &mut self,
        components: &[u8],
        source: &Source,
        immediate: bool,
    ) -> Result<(Vec<Numbered>, Vec<Numbered>), Refusal> {
        let is_fetching = |component: &u8| {
            matches!(self.update(*component), Some(Update { progress: Progress::Fetching(_), .. }))
        };
        if components.iter().any(is_fetching) {
            return Err(Refusal::UpdateUnderway);
        }
        let (mut new, mut replaced) = (Vec::new(), Vec::new());
        for component in components {
            self.requested += 1;
            let number = self.requested;
            let progress = Progress::Fetching(Call::Due);
            let update = Update { number, source: source.clone(), progress, immediate };
            let old = self.updates.insert(*component, Box::new(update));
            replaced.extend(old.map(|old| (*component, old.number)));
            new.push((*component, number));
        }
        Ok((new, replaced))
    }

    /// Drops an update that no reset has applied. A late answer to it is ignored.
    pub(super) fn cancel(&mut self, component: u8, number: u32) {
        if self.update(component).is_some_and(|update| update.number == number) {
            self.updates.remove(&component);
        }
    }

    /// The result of fetching an image. Returns whether the update waits for it.
    pub(in crate::node) fn fetched(
        &mut self,
        component: u8,
        number: u32,
        result: Result<(), Note>,
        now: SimTime,
    ) -> bool {
        let Some(update) = self.updates.get_mut(&component).filter(|update| update.number == number) else {
            return false;
        };
        update.progress = match result {
            Ok(()) => Progress::Staged,
            Err(why) => Progress::Failed { why: why.as_str().into(), at: now },
        };
        // They have done their work.
        update.source.credentials = None;
        true
    }

    /// Whether the updates that ask for it can be applied now: all of their images have been fetched. Says for the BMC's own
    /// firmware, and for all other, whether there are any.
    pub(in crate::node) fn due(&self, profile: &Profile) -> (bool, bool) {
        let immediate = || self.updates.iter().filter(|(_, update)| update.immediate);
        if immediate().any(|(_, update)| matches!(update.progress, Progress::Fetching(_))) {
            return (false, false);
        }
        let mut due = (false, false);
        for (component, _) in immediate().filter(|(_, update)| update.progress == Progress::Staged) {
            let firmware = profile.firmware.get(usize::from(*component));
            match firmware.is_some_and(|firmware| firmware.of == FirmwareOf::Manager) {
                true => due.0 = true,
                false => due.1 = true,
            }
        }
        due
    }

    /// A reset applies the staged updates that `takes` selects. Returns them.
    pub(super) fn apply(
        &mut self,
        profile: &Profile,
        takes: impl Fn(FirmwareOf, &Update) -> bool,
    ) -> Vec<Numbered> {
        let mut all = Vec::new();
        let Self { versions, updates, requested: _ } = self;
        updates.retain(|component, update| {
            let firmware = profile.firmware.get(usize::from(*component));
            let applied = update.progress == Progress::Staged && firmware.is_none_or(|f| takes(f.of, update));
            if applied {
                let old = firmware.map_or("", |f| f.version.as_str());
                versions.insert(*component, version_after(&update.source.uri, old));
                all.push((*component, update.number));
            }
            !applied
        });
        all
    }

    /// Hands every due effect to `out`.
    pub(in crate::node) fn take_effects(&mut self, mut out: impl FnMut(EffectKind)) {
        for (component, update) in &mut self.updates {
            if let Progress::Fetching(call) = &mut update.progress
                && call.take()
            {
                out(EffectKind::FetchFirmware { component: *component, update: update.number });
            }
        }
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { versions: _, updates, requested: _ } = self;
        for update in updates.values_mut() {
            let Update { number: _, source: _, progress, immediate: _ } = &mut **update;
            match progress {
                Progress::Fetching(call) => call.shift(ms),
                Progress::Staged => {}
                Progress::Failed { why: _, at } => at.shift(ms),
            }
        }
    }
}

/// The version after an update from this image. The first number with a dot in the name of the image replaces the one in
/// the model's text, whose form clients parse (`iLO 6 v1.73`). Without one, it is the last number of as many digits: `174`
/// in `ilo6_174.fwpkg` is `1.74`. A name without such a number is itself the version.
fn version_after(image: &str, text: &str) -> Box<str> {
    let name = file_name(image);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let version = match (dotted(stem), dotted(text)) {
        (Some(new), Some(old)) => text.replacen(old, new, 1),
        (Some(new), None) => new.to_owned(),
        (None, Some(old)) => match with_dots_of(stem, old) {
            Some(new) => text.replacen(old, &new, 1),
            None => stem.to_owned(),
        },
        (None, None) => stem.to_owned(),
    };
    version.chars().take(Firmware::MAX_VERSION).collect::<String>().into()
}

/// The last number in `stem` that has as many digits as `old`, with dots in the same places.
fn with_dots_of(stem: &str, old: &str) -> Option<String> {
    let digits = old.bytes().filter(u8::is_ascii_digit).count();
    let numbers = stem.rsplit(|c: char| !c.is_ascii_digit());
    let mut number = numbers.into_iter().find(|number| number.len() == digits)?.chars();
    Some(old.chars().filter_map(|c| if c == '.' { Some(c) } else { number.next() }).collect())
}

/// The last segment of a URI's path.
pub fn file_name(uri: &str) -> &str {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// The first numbers with dots between them: `2.5.0` in `BIOS_2.5.0-rc`.
fn dotted(text: &str) -> Option<&str> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.').map(|word| word.trim_matches('.'));
    words.into_iter().find(|word| word.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_the_name_of_the_image() {
        for (image, text, version) in [
            ("http://a/b/BIOS_2.5.0.bin", "2.4.1", "2.5.0"),
            ("http://a/ilo6-v1.74.fwpkg?x=9.9", "iLO 6 v1.73", "iLO 6 v1.74"),
            ("http://a/U54_2.90.signed.flash", "U54 v2.80 (01/29/2026)", "U54 v2.90 (01/29/2026)"),
            ("http://a/ilo6_174.fwpkg", "iLO 6 v1.73", "iLO 6 v1.74"),
            ("http://a/ilo6_1740.fwpkg", "iLO 6 v1.73", "ilo6_1740"),
            ("http://a/image-7.bin", "2.4.1", "image-7"),
            ("http://a/1.2.3.tar", "A07", "1.2.3"),
            ("http://a/", "2.4.1", "a"),
        ] {
            assert_eq!(&*version_after(image, text), version, "{image}");
        }
        assert_eq!(version_after(&format!("http://a/{}.bin", "x".repeat(500)), "1.0").len(), 64);
    }
}
