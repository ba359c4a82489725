//! The part of a machine that a client names for a verb.

use http::StatusCode;

use super::api::{Fail, Plug, Problem};
use crate::node::bmc::failures::Part;
use crate::node::bmc::plugs;
use crate::profile::Profile;

/// A part of a machine as a client names it. `T` is the part that a command takes.
pub(super) struct NamedPart<T> {
    /// The name that the client has given.
    pub(super) name: String,
    kind: Kind,
    /// The part with a number.
    part: fn(u8) -> T,
}

#[derive(Clone, Copy)]
enum Kind {
    Nic,
    Disk,
    Dimm,
    Psu,
    Fan,
}

/// A field of a request that can name a part.
type Field<'a, T> = (&'static str, &'a Option<String>, Kind, fn(u8) -> T);

impl NamedPart<plugs::Plug> {
    /// The part to plug or to unplug.
    pub(super) fn plug(request: &Plug) -> Result<Self, Problem> {
        Self::one_of(&[
            ("nic", &request.nic, Kind::Nic, plugs::Plug::Cable),
            ("disk", &request.disk, Kind::Disk, plugs::Plug::Drive),
            ("psu", &request.psu, Kind::Psu, plugs::Plug::Cord),
        ])
    }
}

impl NamedPart<Part> {
    /// The part that fails or is repaired.
    pub(super) fn failing(request: &Fail) -> Result<Self, Problem> {
        Self::one_of(&[
            ("fan", &request.fan, Kind::Fan, Part::Fan),
            ("disk", &request.disk, Kind::Disk, Part::Drive),
            ("dimm", &request.dimm, Kind::Dimm, Part::Memory),
            ("psu", &request.psu, Kind::Psu, Part::Supply),
        ])
    }
}

impl<T> NamedPart<T> {
    /// The part in the one field that the client has written.
    fn one_of(fields: &[Field<'_, T>]) -> Result<Self, Problem> {
        let mut written = fields
            .iter()
            .filter_map(|(field, name, kind, part)| Some((*field, name.as_ref()?, *kind, *part)));
        let Some((_, name, kind, part)) = written.next() else {
            let detail = format!("the part is missing; write its name to {}", either(fields, "or"));
            return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
        };
        match written.next_back() {
            None => Ok(Self { name: name.clone(), kind, part }),
            Some((field, name, ..)) => {
                let detail = format!("{} exclude each other; write one of them", either(fields, "and"));
                Err(Problem::wrong(field, name, detail))
            }
        }
    }

    /// The part of a model, by its id or by its name. The error lists the parts that the model has.
    pub(super) fn find(&self, profile: &Profile) -> Result<T, String> {
        let name = &*self.name;
        let (kind, wanted, parts): (_, _, Vec<(&str, &str)>) = match self.kind {
            Kind::Nic => {
                let nics = profile.nics.iter().map(|nic| (&*nic.id, &*nic.name));
                ("network interface", name, nics.collect())
            }
            Kind::Disk => {
                let drives = profile.drives().map(|(.., drive)| (&*drive.id, drive.name_under_linux()));
                ("disk", name.strip_prefix("/dev/").unwrap_or(name), drives.collect())
            }
            Kind::Dimm => {
                let dimms = profile.dimms.iter().map(|dimm| (&*dimm.id, &*dimm.id));
                ("memory module", name, dimms.collect())
            }
            Kind::Psu => {
                let supplies = profile.power_supplies.iter().map(|supply| (&*supply.id, &*supply.name));
                ("power supply", name, supplies.collect())
            }
            Kind::Fan => ("fan", name, profile.fans.iter().map(|fan| (&*fan.id, &*fan.name)).collect()),
        };
        part_named(kind, wanted, &parts).map(self.part)
    }
}

/// The names of the fields as a list in a sentence.
fn either<T>(fields: &[Field<'_, T>], conjunction: &str) -> String {
    let names: Vec<String> = fields.iter().map(|(field, ..)| format!("'{field}'")).collect();
    let (last, others) = names.split_last().map_or(("", &[][..]), |(last, others)| (last, others));
    format!("{} {conjunction} {last}", others.join(", "))
}

/// The number of the part with this id or this name, among the ids and names of all parts of its kind.
fn part_named(kind: &str, wanted: &str, parts: &[(&str, &str)]) -> Result<u8, String> {
    let is_id = |(id, _): &(&str, &str)| id.eq_ignore_ascii_case(wanted);
    let is_name = |(_, name): &(&str, &str)| *name == wanted;
    let at = parts.iter().position(is_id).or_else(|| parts.iter().position(is_name));
    at.and_then(|at| u8::try_from(at).ok()).ok_or_else(|| {
        let shown =
            |(id, name): &(&str, &str)| if id == name { (*id).to_owned() } else { format!("{id} ({name})") };
        let known = parts.iter().map(shown).collect::<Vec<_>>().join(", ");
        if known.is_empty() {
            return format!("the model has no {kind} '{wanted}'; it has none");
        }
        format!("the model has no {kind} '{wanted}'; it has {known}")
    })
}
