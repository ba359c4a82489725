//! The events of a node: what differs between two views of it, before and after a command, an answer or a deadline.
//!
//! No code of the model names an event where it makes a change, so none is forgotten there. [`View::of`] names every part of the
//! state, so that the compiler asks for a new one.

use std::collections::BTreeSet;

use super::bmc::Bmc;
use super::bmc::account::Accounts;
use super::bmc::bios::Bios;
use super::bmc::clock::Clock;
use super::bmc::databases::Held;
use super::bmc::extras::Extras;
use super::bmc::failures::Part;
use super::bmc::led::Leds;
use super::bmc::licenses::Licenses;
use super::bmc::media::Opened;
use super::bmc::media_trust;
use super::bmc::network::Network;
use super::bmc::oem::Kept;
use super::bmc::plugs::Plugs;
use super::bmc::power_limit::PowerLimit;
use super::bmc::secure_boot::SecureBoot;
use super::bmc::subscriptions::{self, Subscriptions};
use super::bmc::system::SystemSettings;
use super::bmc::tasks::{self, Doing, End, Task, Work};
use super::bmc::telemetry;
use super::bmc::volume::Volumes;
use super::boot::Boot;
use super::event::{Of, TaskEvent, What};
use super::host::{Host, Running};
use super::sparse::Sparse;
use super::state::State;
use crate::dmtf::{PowerState, SecureBootDatabase};
use crate::profile::Profile;
use crate::profile::secure_boot::Kind;

/// The parts of a node's state whose changes are events. Most are empty in most nodes, so a view is cheap.
#[derive(PartialEq)]
pub(super) struct View {
    power: PowerState,
    stage: Stage,
    starts: u32,
    boot: Boot,
    restarting: bool,
    boot_failed: bool,
    asset_tag: Option<Box<str>>,
    bios: Sparse<Bios>,
    secure_boot: SecureBoot,
    databases: Held,
    /// Slot, number of the insertion, and whether the image could be opened.
    media: Vec<(u8, u32, Option<bool>)>,
    media_trust: media_trust::Shape,
    leds: Sparse<Leds>,
    licenses: Sparse<Licenses>,
    /// Number of certificates that clients have installed.
    certificates: u32,
    clock: Sparse<Clock>,
    volumes: Sparse<Volumes>,
    plugs: Sparse<Plugs>,
    failed: Vec<Part>,
    unused_memory: BTreeSet<u8>,
    power_limit: Sparse<PowerLimit>,
    network: Sparse<Network>,
    system: Sparse<SystemSettings>,
    extras: Sparse<Extras>,
    /// The number of each task, and whether it has ended.
    tasks: Vec<(u32, bool)>,
    task_settings: tasks::Settings,
    sessions: Vec<u32>,
    session_timeout_s: u32,
    accounts: Sparse<Accounts>,
    subscriptions: Vec<(u32, bool)>,
    event_settings: subscriptions::Settings,
    /// The id and the settings of each definition of a report that a client has created or changed.
    reports: Vec<(Box<str>, telemetry::Settings)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    None,
    Post,
    Booting,
    NoBootDevice,
    Setup,
    Running,
}

impl View {
    /// Whether the drive with this number is in its bay and works.
    fn has_drive(&self, number: u8) -> bool {
        self.plugs.has_drive(number) && !self.failed.contains(&Part::Drive(number))
    }

    pub(super) fn of(state: &State) -> Self {
        let State {
            host,
            boot,
            starts,
            // Numbers, and what a BMC does not see.
            draws: _,
            generation: _,
            installed: _,
            system_disk: _,
            bmc,
            labels: _,
            faults: _,
        } = state;
        let Bmc {
            bios,
            secure_boot,
            databases,
            media,
            media_trust,
            leds,
            clock,
            // The end of an update is the end of its task.
            firmware: _,
            volumes,
            plugs,
            // Its alarms are compared apart (`remember.rs`), its failed parts by their own names.
            environment: _,
            power_limit,
            tasks,
            asset_tag,
            restarting_from: _,
            restarting_until,
            boot_failure,
            boot_failed_at: _,
            sessions,
            accounts,
            // Cleared logs and deleted entries are events of their commands.
            logs: _,
            subscriptions,
            telemetry,
            // The end of its task is an event.
            diagnostics: _,
            // Their log service has no events.
            post_codes: _,
            network,
            system,
            // The restarts are events.
            host_reset: _,
            manager_reset: _,
            extras,
            // A key without its certificate is no event.
            https,
            // No event tells of the time.
            hours: _,
            licenses,
        } = &**bmc;
        let opened = |opened: &Opened| match opened {
            Opened::Trying(_) => None,
            Opened::Connected => Some(true),
            Opened::Failed(_) => Some(false),
        };
        Self {
            power: host.power_state(),
            stage: match host {
                Host::Off | Host::PoweringOn { .. } | Host::PoweringOff { .. } => Stage::None,
                Host::Post { .. } => Stage::Post,
                Host::Booting(_) => Stage::Booting,
                Host::Running { what, .. } => match what {
                    Running::NoBootDevice => Stage::NoBootDevice,
                    Running::Setup => Stage::Setup,
                    Running::Os | Running::Live | Running::Ipa(_) => Stage::Running,
                },
            },
            starts: *starts,
            boot: boot.clone(),
            restarting: restarting_until.is_some(),
            boot_failed: boot_failure.is_some(),
            asset_tag: asset_tag.clone(),
            bios: bios.clone(),
            secure_boot: *secure_boot,
            databases: databases.held(secure_boot.keys),
            media: media.iter().map(|(slot, image)| (slot, image.number, opened(&image.opened))).collect(),
            media_trust: media_trust.shape(),
            leds: leds.clone(),
            licenses: licenses.clone(),
            certificates: https.installations,
            clock: clock.clone(),
            volumes: volumes.clone(),
            plugs: plugs.clone(),
            failed: if bmc.has_failures() { bmc.failed_parts().collect() } else { Vec::new() },
            unused_memory: bmc.unused_memory().clone(),
            power_limit: power_limit.clone(),
            network: network.clone(),
            system: system.clone(),
            extras: extras.clone(),
            tasks: tasks.iter().map(|task| (task.number, task.ended.is_some())).collect(),
            task_settings: tasks.settings,
            sessions: sessions.ids().collect(),
            session_timeout_s: sessions.timeout_s(),
            accounts: accounts.clone(),
            subscriptions: ids(subscriptions),
            event_settings: subscriptions.settings,
            reports: telemetry.settings().map(|(id, settings)| (id.into(), settings.clone())).collect(),
        }
    }
}

fn ids(all: &Subscriptions) -> Vec<(u32, bool)> {
    all.iter().map(|subscription| (subscription.id, subscription.suspended)).collect()
}

/// Hands every event between two views of a node to `out`. `state` is the state of the second.
pub(super) fn differences(
    before: &View,
    now: &View,
    state: &State,
    profile: &Profile,
    mut out: impl FnMut(What),
) {
    settings(before, now, &mut out);
    accounts(&before.accounts, &now.accounts, profile, &mut out);
    sessions(&before.sessions, &now.sessions, &mut out);
    keys(before, now, profile, &mut out);
    tasks(before, now, state, &mut out);
    parts(before, now, profile, &mut out);
    for (id, suspended) in &now.subscriptions {
        match before.subscriptions.iter().find(|(other, _)| other == id) {
            None => out(What::Created(Of::Subscription(*id))),
            Some((_, was)) if was != suspended => out(What::Changed(Of::Subscription(*id))),
            Some(_) => {}
        }
    }
    for (id, _) in &before.subscriptions {
        if !now.subscriptions.iter().any(|(other, _)| other == id) {
            out(What::Removed(Of::Subscription(*id)));
        }
    }
    reports(before, now, profile, &mut out);
    power(before, now, &mut out);
    match (before.restarting, now.restarting) {
        (false, true) => out(What::ManagerReset),
        (true, false) => out(What::ManagerStarted),
        (false, false) | (true, true) => {}
    }
}

/// Definitions of reports. One of the model is not in the view until a client changes it.
fn reports(before: &View, now: &View, profile: &Profile, out: &mut impl FnMut(What)) {
    let of_model = |id: &str| profile.telemetry.reports.iter().any(|report| report.id == id);
    for (id, settings) in &now.reports {
        let of = Of::ReportDefinition(id.clone());
        match before.reports.iter().find(|(other, _)| other == id) {
            None if of_model(id) => out(What::Changed(of)),
            None => out(What::Created(of)),
            Some((_, was)) if was != settings => out(What::Changed(of)),
            Some(_) => {}
        }
    }
    for (id, _) in &before.reports {
        if !now.reports.iter().any(|(other, _)| other == id) {
            let of = Of::ReportDefinition(id.clone());
            out(if of_model(id) { What::Changed(of) } else { What::Removed(of) });
        }
    }
}

/// Values that a client sets, or that a start of the host applies.
fn settings(before: &View, now: &View, out: &mut impl FnMut(What)) {
    // A property of the maker belongs to the part of the server that its resource is below.
    let differs = |kept: &&Kept| !before.extras.oem.contains(kept);
    let oem = |part: &str| now.extras.oem.iter().filter(differs).any(|kept| kept.of.starts_with(part));
    let system = before.boot != now.boot
        || before.asset_tag != now.asset_tag
        || before.leds.system != now.leds.system
        || before.system != now.system
        || oem("Systems/");
    let chassis = before.leds.chassis != now.leds.chassis
        || before.power_limit != now.power_limit
        || before.extras.chassis_asset_tag != now.extras.chassis_asset_tag
        || oem("Chassis/");
    let drives = now.leds.drives_that_differ(&before.leds);
    let options = &before.extras.disabled_boot_options ^ &now.extras.disabled_boot_options;
    for (differs, of) in [
        (system, Of::System),
        (chassis, Of::Chassis),
        (before.clock != now.clock || oem("Managers/"), Of::Manager),
        (before.network.interface != now.network.interface, Of::ManagerInterface),
        (before.network.protocols != now.network.protocols, Of::NetworkProtocol),
        (before.bios.pending != now.bios.pending, Of::BiosSettings),
        (before.bios.current != now.bios.current, Of::Bios),
        (before.secure_boot != now.secure_boot, Of::SecureBoot),
        (before.certificates != now.certificates, Of::Certificate),
        (before.task_settings != now.task_settings, Of::TaskService),
        (before.session_timeout_s != now.session_timeout_s, Of::SessionService),
        (before.event_settings != now.event_settings, Of::EventService),
    ] {
        if differs {
            out(What::Changed(of));
        }
    }
    drives.into_iter().for_each(|drive| out(What::Changed(Of::Drive(drive))));
    options.into_iter().for_each(|option| out(What::Changed(Of::BootOption(option))));
}

/// Licenses, and keys of secure boot, that clients have added or deleted.
fn keys(before: &View, now: &View, profile: &Profile, out: &mut impl FnMut(What)) {
    if before.licenses != now.licenses {
        let ids = |view: &View| view.licenses.ids(profile).collect::<BTreeSet<_>>();
        let (before, now) = (ids(before), ids(now));
        (&before - &now).into_iter().for_each(|id| out(What::Removed(Of::License(id.into()))));
        (&now - &before).into_iter().for_each(|id| out(What::Created(Of::License(id.into()))));
    }
    let [gone, new] = before.databases.differences(&now.databases, profile);
    // A certificate in place of another one leaves the mode as it is.
    let of_platform = |(database, ..): &&(SecureBootDatabase, Kind, u32)| *database == SecureBootDatabase::Pk;
    let mode = gone.iter().filter(of_platform).count() != new.iter().filter(of_platform).count();
    if mode && before.secure_boot == now.secure_boot {
        out(What::Changed(Of::SecureBoot));
    }
    let of = |(database, kind, number)| Of::SecureBootKey(database, kind, number);
    gone.into_iter().for_each(|key| out(What::Removed(of(key))));
    new.into_iter().for_each(|key| out(What::Created(of(key))));
}

/// Differences between the accounts and roles of a root.
fn accounts(before: &Accounts, now: &Accounts, profile: &Profile, out: &mut impl FnMut(What)) {
    before.differences(now, &profile.accounts, out);
}

/// Sessions that have begun or ended.
fn sessions(before: &[u32], now: &[u32], out: &mut impl FnMut(What)) {
    for id in before.iter().filter(|id| !now.contains(id)) {
        out(What::Removed(Of::Session(*id)));
    }
    for id in now.iter().filter(|id| !before.contains(id)) {
        out(What::Created(Of::Session(*id)));
    }
}

fn tasks(before: &View, now: &View, state: &State, out: &mut impl FnMut(What)) {
    let known = |number: u32| before.tasks.iter().find(|(other, _)| *other == number);
    for (number, ended) in &now.tasks {
        let Some(task) = state.bmc.tasks.get(*number) else { continue };
        if known(*number).is_none() {
            out(What::Task(*number, TaskEvent::Started));
            if let Work::Volume { doing: Doing::Create, storage, id, .. } = &task.work {
                out(What::Created(Of::Volume(*storage, id.clone())));
            }
        }
        if *ended && known(*number).is_none_or(|(_, had_ended)| !had_ended) {
            task_ended(task, out);
        }
    }
    for (number, _) in &before.tasks {
        if !now.tasks.iter().any(|(other, _)| other == number) {
            out(What::Task(*number, TaskEvent::Removed));
        }
    }
}

/// The end of a task, after the changes that its work has made.
fn task_ended(task: &Task, out: &mut impl FnMut(What)) {
    let Some(ended) = &task.ended else { return };
    match &task.work {
        Work::Firmware(parts) => {
            let done =
                |part: &&tasks::Part| part.ended.as_ref().is_some_and(|ended| ended.how == End::Completed);
            parts.iter().filter(done).for_each(|part| out(What::Changed(Of::Software(part.component))));
        }
        Work::Volume { doing, storage, id, .. } => match (doing, &ended.how) {
            (Doing::Delete, End::Completed) | (Doing::Create, End::Cancelled) => {
                out(What::Removed(Of::Volume(*storage, id.clone())));
            }
            (Doing::Create | Doing::Initialize, _) | (Doing::Delete, End::Cancelled | End::Failed(_)) => {}
        },
        Work::ManagerDefaults(_) | Work::BiosDefaults | Work::Diagnostics { .. } | Work::License { .. } => {}
    }
    out(What::Task(
        task.number,
        match &ended.how {
            End::Completed => TaskEvent::Completed,
            End::Cancelled => TaskEvent::Cancelled,
            End::Failed(_) => TaskEvent::Failed,
        },
    ));
}

/// Media, drives, cables, and parts that fail.
fn parts(before: &View, now: &View, profile: &Profile, out: &mut impl FnMut(What)) {
    if before.media != now.media {
        let slots = before.media.iter().chain(&now.media).map(|(slot, ..)| *slot);
        let slots: BTreeSet<u8> = slots.collect();
        for slot in slots {
            let of = |view: &View| view.media.iter().find(|(other, ..)| *other == slot).copied();
            if of(before) != of(now) {
                out(What::Changed(Of::Media(slot)));
            }
        }
    }
    trust(&before.media_trust, &now.media_trust, out);
    if before.plugs == now.plugs && before.failed == now.failed && before.unused_memory == now.unused_memory {
        return;
    }
    for (number, ..) in profile.drives() {
        match (before.plugs.has_drive(number), now.plugs.has_drive(number)) {
            (true, false) => out(What::DriveRemoved(number)),
            (false, true) => out(What::DriveInserted(number)),
            (false, false) | (true, true) => {}
        }
    }
    for nic in (0..=u8::MAX).take(profile.nics.len()) {
        match (before.plugs.has_cable(profile, nic), now.plugs.has_cable(profile, nic)) {
            (true, false) => out(What::CableRemoved(nic)),
            (false, true) => out(What::CableInserted(nic)),
            (false, false) | (true, true) => {}
        }
    }
    failures(before, now, out);
    for (storage, _) in (0..=u8::MAX).zip(&profile.storage) {
        for volume in now.volumes.of(profile, storage).iter() {
            let was = volume.integrity(|drive| before.has_drive(drive));
            let is = volume.integrity(|drive| now.has_drive(drive));
            if was != is {
                out(What::VolumeHealth(storage, volume.id.clone(), is.health()));
            }
        }
    }
}

/// The certificates of image servers, and whether they count.
fn trust(before: &media_trust::Shape, now: &media_trust::Shape, out: &mut impl FnMut(What)) {
    if before == now {
        return;
    }
    let slots: BTreeSet<u8> = before.keys().chain(now.keys()).copied().collect();
    let new = (false, Vec::new());
    for slot in slots {
        let ((was, before), (is, now)) = (before.get(&slot).unwrap_or(&new), now.get(&slot).unwrap_or(&new));
        if was != is {
            out(What::Changed(Of::Media(slot)));
        }
        for number in before.iter().filter(|number| !now.contains(number)) {
            out(What::Removed(Of::MediaCertificate(slot, *number)));
        }
        for number in now.iter().filter(|number| !before.contains(number)) {
            out(What::Created(Of::MediaCertificate(slot, *number)));
        }
    }
}

/// Parts that have failed or work again, and memory that the self test leaves out or uses again.
fn failures(before: &View, now: &View, out: &mut impl FnMut(What)) {
    // A BMC sees the failure of a drive in its bay only. A failed fan that should turn has an alarm.
    let is_told = |view: &View, part: Part| match part {
        Part::Fan(_) => false,
        Part::Drive(drive) => view.plugs.has_drive(drive),
        Part::Memory(_) | Part::Supply(_) => true,
    };
    let is_failed = |view: &View, part: Part| view.failed.contains(&part) && is_told(view, part);
    for part in now.failed.iter().filter(|part| is_failed(now, **part) && !is_failed(before, **part)) {
        out(What::Failed(*part));
    }
    for part in before.failed.iter().filter(|part| is_failed(before, **part) && !now.failed.contains(part)) {
        if is_told(now, *part) {
            out(What::Repaired(*part));
        }
    }
    for number in before.unused_memory.symmetric_difference(&now.unused_memory) {
        out(What::Changed(Of::Memory(*number)));
    }
}

fn power(before: &View, now: &View, out: &mut impl FnMut(What)) {
    use PowerState::{Off, On, PoweringOff, PoweringOn};
    if now.boot_failed && !before.boot_failed {
        out(What::BootFailed);
    }
    match (before.power, now.power) {
        (On, PoweringOff) => out(What::PoweringOff),
        (Off, PoweringOn) => out(What::PoweringOn),
        (PoweringOff | On, PoweringOn) => {
            out(What::PoweredOff);
            out(What::PoweringOn);
        }
        (On | PoweringOff | PoweringOn, Off) => out(What::PoweredOff),
        (Off | PoweringOn | PoweringOff, On) => out(What::PoweredOn),
        (PoweringOn, PoweringOff) => out(What::PoweringOff),
        (On, On) if before.starts != now.starts => out(What::Restarted),
        (On, On) | (Off, Off) | (PoweringOn, PoweringOn) | (PoweringOff, PoweringOff) => {}
        (Off, PoweringOff) => {}
    }
    if before.stage == Stage::Post && now.stage == Stage::Booting {
        out(What::SelfTestCompleted);
    }
    if before.stage != now.stage {
        match now.stage {
            Stage::NoBootDevice => out(What::NothingToBoot),
            Stage::Running => out(What::Booted),
            Stage::Setup => out(What::Changed(Of::System)),
            Stage::None | Stage::Post | Stage::Booting => {}
        }
    }
}
