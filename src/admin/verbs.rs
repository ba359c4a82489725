//! The verbs: what a client can do to nodes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use parking_lot::Mutex;

use super::api::{
    Add, Added, Boot, Cool, Crash, Done, Eject, Enabled, Fail, Heat, Insert, Label, OpenBmc, Plug, Power,
    PowerAction, Problem, Remove, Reset, RestartBmc,
};
use super::change::{Act, Change, Work, apply};
use super::control::Control;
use super::extract::{Caller, Json};
use super::named_part::NamedPart;
use crate::address::is_http_uri;
use crate::dmtf::{BootMode, BootOverride, ResetType};
use crate::fleet::{New, NotAdded};
use crate::node::bmc::environment::Environment;
use crate::node::bmc::media::{self, Insertion};
use crate::node::boot::{self, BootChange};
use crate::node::command::Command;
use crate::node::host::{self, SystemChange};
use crate::node::labels::Labels;
use crate::node::{Node, bmc, lab};
use crate::profile::Profile;
use crate::profile::boot_source::BootSource;
use crate::selection::label::{is_key, is_value, not_a_key, not_a_value};
use crate::time::SimTime;

/// The result of a verb.
type Answer = Result<axum::Json<Done>, Problem>;

/// Gives the verb its place in the API. All verbs have the same answers.
macro_rules! verb {
    ($path:literal, $handler:ident, $body:ty, $what:literal, |$request:ident| $run:expr) => {
        #[doc = $what]
        #[utoipa::path(
            post,
            path = $path,
            tag = "changes",
            request_body = $body,
            responses(
                (status = 200, description = "At least one node has accepted, or none was selected", body = Done),
                (status = 400, response = inline(super::answers::Wrong)),
                (status = 404, response = inline(super::answers::Missing)),
                (status = 409, response = inline(super::answers::AllRefused)),
                (status = 413, response = inline(super::answers::TooLarge)),
                (status = 415, response = inline(super::answers::NotJson)),
                (status = 503, response = inline(super::answers::Busy)),
            )
        )]
        pub(super) async fn $handler(
            State(control): State<Arc<Control>>,
            caller: Caller,
            Json($request): Json<$body>,
        ) -> Answer {
            let (nodes, dry_run) = ($request.nodes.clone(), $request.dry_run);
            let (what, change): (Option<String>, Change) = $run;
            apply(&control, &nodes, Work { caller, what, dry_run, change }).await
        }
    };
}

/// A change that is one command of the node.
fn command(command: impl Fn(&Node) -> Result<Command, String> + Send + Sync + 'static) -> Change {
    Change::Node(Box::new(move |node, now| run(node, command(node)?, now)))
}

fn run(node: &mut Node, command: Command, now: SimTime) -> Result<(), String> {
    node.apply(command, now).map(drop).map_err(|refusal| refusal.to_string())
}

verb!("/power", power, Power, "Presses a button of machines", |request| {
    let kind = match request.action {
        PowerAction::On => ResetType::On,
        PowerAction::Off => ResetType::ForceOff,
        PowerAction::Shutdown => ResetType::GracefulShutdown,
        PowerAction::Cycle => ResetType::PowerCycle,
        PowerAction::Restart => ResetType::ForceRestart,
        PowerAction::Press => ResetType::PushPowerButton,
    };
    let reset = move |node: &Node| {
        let types = &node.profile().reset_types;
        if types.contains(&kind) {
            return Ok(Command::Host(host::Command::Reset(kind)));
        }
        let known = types.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
        Err(format!("the model has no reset {}; it has {known}", kind.as_str()))
    };
    (Some(kind.as_str().to_owned()), command(reset))
});

verb!("/boot", boot, Boot, "Changes the boot override of machines", |request| {
    let change = boot_change(&request)?;
    let boot = move |node: &Node| {
        if let Some(target) = change.target.filter(|target| !node.profile().boot_targets.contains(target)) {
            let known = node.profile().boot_targets.iter().map(|t| t.as_str()).collect::<Vec<_>>().join(", ");
            return Err(format!("the model has no boot target {}; it has {known}", target.as_str()));
        }
        if change.mode == Some(BootMode::Legacy) && node.bmc().secure_boot.enable {
            return Err("secure boot is enabled, which needs the mode UEFI".to_owned());
        }
        let change = SystemChange { boot: change.clone(), ..SystemChange::default() };
        Ok(Command::Host(host::Command::Change(change)))
    };
    (Some("Boot".to_owned()), command(boot))
});

fn boot_change(request: &Boot) -> Result<BootChange, Problem> {
    let Boot { target, enabled, mode, http_boot_uri, nodes: _, dry_run: _ } = request;
    if target.is_none() && enabled.is_none() && mode.is_none() && http_boot_uri.is_none() {
        let detail = "nothing is to be changed; write target, enabled, mode or httpBootUri";
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    let target = target.as_deref().map(|text| {
        BootSource::parse(text).ok_or_else(|| {
            let known = crate::dmtf::BootTarget::ALL.iter().map(|target| target.as_str());
            let detail = format!("'{text}' is no boot target; the target of a machine is one of its model's");
            Problem::wrong("target", text, detail).allowing(known)
        })
    });
    let mode = mode.as_deref().map(|text| {
        BootMode::parse(text).ok_or_else(|| {
            let known = BootMode::ALL.iter().map(|mode| mode.as_str());
            Problem::wrong("mode", text, format!("'{text}' is no boot mode; allowed are UEFI and Legacy"))
                .allowing(known)
        })
    });
    let http_uri = http_boot_uri.as_deref().map(|uri| match uri {
        "" => Ok(None),
        uri if uri.len() <= boot::Boot::MAX_URI_BYTES && is_http_uri(uri) => Ok(Some(uri.into())),
        uri => {
            let most = boot::Boot::MAX_URI_BYTES;
            let detail = format!(
                "httpBootUri is no http or https URL of at most {most} bytes, such as http://host/boot.efi"
            );
            Err(Problem::wrong("httpBootUri", uri, detail))
        }
    });
    Ok(BootChange {
        target: target.transpose()?,
        enabled: enabled.map(|enabled| match enabled {
            Enabled::Once => BootOverride::Once,
            Enabled::Continuous => BootOverride::Continuous,
            Enabled::Disabled => BootOverride::Disabled,
        }),
        mode: mode.transpose()?,
        http_uri: http_uri.transpose()?,
        ..BootChange::default()
    })
}

verb!("/insert", insert, Insert, "Inserts an image into machines", |request| {
    if request.image.len() > Insertion::MAX_IMAGE || !is_http_uri(&request.image) {
        let most = Insertion::MAX_IMAGE;
        let detail =
            format!("'image' is no http or https URL of at most {most} bytes, such as http://host/boot.iso");
        return Err(Problem::wrong("image", &request.image, detail));
    }
    let insertion = Insertion::of(&request.image);
    let wanted = request.slot;
    let insert = move |node: &Node| {
        let slots = &node.profile().media_slots;
        let slot = match &wanted {
            Some(id) => slot_named(node.profile(), id)?,
            None => slots.iter().position(|slot| slot.is_optical()).ok_or("the model has no slot for CDs")?,
        };
        let slot = u8::try_from(slot).map_err(|_| "the model has too many slots")?;
        Ok(Command::Media(media::Command::Insert { slot, insertion: insertion.clone() }))
    };
    (Some("Image".to_owned()), command(insert))
});

fn slot_named(profile: &Profile, id: &str) -> Result<usize, String> {
    let slots = &profile.media_slots;
    slots.iter().position(|slot| slot.id.eq_ignore_ascii_case(id)).ok_or_else(|| {
        let known = slots.iter().map(|slot| slot.id.as_str()).collect::<Vec<_>>().join(", ");
        format!("the model has no slot '{id}'; it has {known}")
    })
}

verb!("/eject", eject, Eject, "Ejects images from machines", |request| {
    let wanted = request.slot;
    let act: Act = Box::new(move |node, now| {
        let slots = match &wanted {
            Some(id) => {
                let slot = slot_named(node.profile(), id)?;
                vec![u8::try_from(slot).map_err(|_| "the model has too many slots")?]
            }
            None => node.bmc().media.iter().map(|(slot, _)| slot).collect(),
        };
        // An ejection is refused only while the BMC restarts, so the first refusal comes before any change.
        slots.into_iter().try_for_each(|slot| run(node, Command::Media(media::Command::Eject { slot }), now))
    });
    (Some(String::new()), Change::Node(act))
});

verb!("/plug", plug, Plug, "Plugs in cables, drives and power cords", |request| {
    let part = NamedPart::plug(&request)?;
    let what = part.name.clone();
    let plug = move |node: &Node| Ok(Command::Lab(lab::Command::Plug(part.find(node.profile())?)));
    (Some(what), command(plug))
});

verb!("/unplug", unplug, Plug, "Pulls cables, drives and power cords", |request| {
    let part = NamedPart::plug(&request)?;
    let what = part.name.clone();
    let unplug = move |node: &Node| Ok(Command::Lab(lab::Command::Unplug(part.find(node.profile())?)));
    (Some(what), command(unplug))
});

verb!("/heat", heat, Heat, "Heats the air that enters machines", |request| {
    let (low, high) = (Environment::MIN_INLET, Environment::MAX_INLET);
    let celsius = i8::try_from(request.inlet_celsius).ok().filter(|celsius| (low..=high).contains(celsius));
    let celsius = celsius.ok_or_else(|| {
        let detail = format!("'inletCelsius' is no temperature from {low} to {high} degrees Celsius");
        Problem::wrong("inletCelsius", &request.inlet_celsius.to_string(), detail)
    })?;
    let heat = move |_: &Node| Ok(Command::Lab(lab::Command::Inlet(Some(celsius))));
    (Some(celsius.to_string()), command(heat))
});

verb!("/cool", cool, Cool, "Makes the air that enters machines normal again", |request| {
    let cool = |_: &Node| Ok(Command::Lab(lab::Command::Inlet(None)));
    (Some(String::new()), command(cool))
});

verb!("/fail", fail, Fail, "Makes parts fail", |request| {
    let part = NamedPart::failing(&request)?;
    let what = part.name.clone();
    let fail = move |node: &Node| Ok(Command::Lab(lab::Command::Fail(part.find(node.profile())?)));
    (Some(what), command(fail))
});

verb!("/repair", repair, Fail, "Repairs parts that have failed", |request| {
    let part = NamedPart::failing(&request)?;
    let what = part.name.clone();
    let repair = move |node: &Node| Ok(Command::Lab(lab::Command::Repair(part.find(node.profile())?)));
    (Some(what), command(repair))
});

verb!("/label", label, Label, "Changes the labels of nodes", |request| {
    if request.set.is_empty() && request.remove.is_empty() {
        let detail = "nothing is to be changed; write labels to 'set' or keys to 'remove'";
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    check_labels("set", &request.set)?;
    for key in &request.remove {
        check_key("remove", key)?;
        if request.set.contains_key(key) {
            let detail = format!("the label '{key}' is in 'set' and in 'remove'; write it in one of them");
            return Err(Problem::wrong("remove", key, detail));
        }
    }
    let (set, remove) = (request.set, request.remove);
    let made = Made::default();
    let label = move |node: &Node| {
        let labels = made.from(node.labels(), &set, &remove);
        match labels.len() {
            0..=Labels::MAX => Ok(Command::Lab(lab::Command::Label(labels))),
            many => Err(format!("it would have {many} labels, and a node has at most {}", Labels::MAX)),
        }
    };
    (None, command(label))
});

/// The sets of labels that a change has made. Nodes that had the same set get the same new set, and share its memory.
#[derive(Default)]
struct Made(Mutex<HashMap<usize, (Labels, Labels)>>);

impl Made {
    /// The largest number of sets that are remembered.
    const MAX: usize = 10_000;

    fn from(&self, old: &Labels, set: &BTreeMap<String, String>, remove: &[String]) -> Labels {
        let mut made = self.0.lock();
        if let Some((_, new)) = made.get(&old.address()) {
            return new.clone();
        }
        let kept = old.iter().filter(|(key, _)| !remove.iter().any(|removed| removed == key));
        let set = set.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let new: Labels = kept.chain(set).map(|(key, value)| (key.into(), value.into())).collect();
        if made.len() < Self::MAX {
            // The old set is kept, so that no other set gets its address meanwhile.
            made.insert(old.address(), (old.clone(), new.clone()));
        }
        new
    }
}

pub(super) fn check_labels(field: &str, labels: &BTreeMap<String, String>) -> Result<(), Problem> {
    if labels.len() > Labels::MAX {
        let detail = format!("'{field}' has {} labels; a node has at most {}", labels.len(), Labels::MAX);
        return Err(Problem::wrong(field, &labels.len().to_string(), detail));
    }
    for (key, value) in labels {
        check_key(field, key)?;
        if !is_value(value) {
            return Err(Problem::wrong(&format!("{field}.{key}"), value, not_a_value(value)));
        }
    }
    Ok(())
}

fn check_key(field: &str, key: &str) -> Result<(), Problem> {
    if is_key(key) { Ok(()) } else { Err(Problem::wrong(field, key, not_a_key(key))) }
}

verb!("/crash", crash, Crash, "Ends the program of agents", |request| {
    let crash = |_: &Node| Ok(Command::Lab(lab::Command::CrashAgent));
    (Some(String::new()), command(crash))
});

verb!("/restart-bmc", restart_bmc, RestartBmc, "Restarts the BMCs of machines", |request| {
    let restart = |_: &Node| Ok(Command::Bmc(bmc::Command::Reset));
    (Some(String::new()), command(restart))
});

verb!("/open-bmc", open_bmc, OpenBmc, "Lets BMCs listen again", |request| {
    let open = |_: &Node| Ok(Command::Network(bmc::network::Command::Open));
    (Some(String::new()), command(open))
});

verb!("/reset", reset, Reset, "Makes machines as good as new", |request| {
    let renew = |_: &Node| Ok(Command::Lab(lab::Command::Renew));
    (Some(String::new()), command(renew))
});

verb!("/remove", remove, Remove, "Removes nodes from the fleet", |request| { (None, Change::Remove) });

/// The refusal of new nodes. `field` has their number.
pub(super) fn not_added(field: &str, problem: &NotAdded) -> Problem {
    let (field, detail) = match problem {
        NotAdded::Full(full) => {
            (Some(field), format!("the listening addresses or the indexes have no room: {full}"))
        }
        NotAdded::Taken(taken) => (None, taken.to_string()),
    };
    Problem { field: field.map(str::to_owned), ..Problem::new(StatusCode::CONFLICT, detail) }
}

/// Adds nodes to the fleet
#[utoipa::path(
    post,
    path = "/nodes",
    operation_id = "add_nodes",
    tag = "changes",
    request_body = Add,
    responses(
        (status = 201, description = "The nodes are there", body = Added),
        (status = 200, description = "The nodes would be there, without dryRun", body = Added),
        (status = 400, response = inline(super::answers::Wrong)),
        (status = 409, response = inline(super::answers::Full)),
        (status = 413, response = inline(super::answers::TooLarge)),
        (status = 415, response = inline(super::answers::NotJson)),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn add(
    State(control): State<Arc<Control>>,
    Json(request): Json<Add>,
) -> Result<Response, Problem> {
    check_labels("labels", &request.labels)?;
    let profile = (control.facts.model)(&request.profile)
        .map_err(|problem| Problem::wrong("profile", &request.profile, problem))?;
    if request.count == 0 {
        return Err(Problem::wrong("count", "0", "'count' is 0; at least 1 is allowed"));
    }
    control.fleet.may_change()?;
    let labels: Labels =
        request.labels.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect();
    let (count, dry_run) = (request.count, request.dry_run);
    let new = New { profile, count, labels, most: control.facts.room, dry_run };
    let added = control
        .on_fleet(move |fleet| {
            let profile = Arc::clone(&new.profile);
            fleet.add_new(new).map(|added| {
                let name = |index| [&profile.name, "-", itoa::Buffer::new().format(index)].concat();
                Added { first: name(added.start), last: name(added.end - 1), count, dry_run }
            })
        })
        .await?;
    let added = added.map_err(|problem| not_added("count", &problem))?;
    let status = if dry_run { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, axum::Json(added)).into_response())
}
