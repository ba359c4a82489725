//! Transitions of the host: resets, self test, and the search for a bootable source.

use std::sync::Arc;

use super::Node;
use super::bmc::firmware;
use super::bmc::post_codes::PostCodes;
use super::call::Call;
use super::effect::Bootable;
use super::host::{self, AfterOff, Booting, ChassisChange, Found, Host, Running, Stage, SystemChange};
use super::ipa::{Dice, Ipa};
use super::refusal::Refusal;
use super::state::State;
use crate::dmtf::{BootTarget, PowerState, ResetType};
use crate::fault::{self, Occasion};
use crate::note::Note;
use crate::profile::boot_source::BootSource;
use crate::profile::inventory::FirmwareOf;
use crate::profile::quirk::Quirk;
use crate::seed::Purpose;
use crate::time::SimTime;

impl Node {
    pub(super) fn execute_host(&mut self, command: host::Command, now: SimTime) -> Result<(), Refusal> {
        match command {
            host::Command::Reset(kind) => return self.reset(kind, now),
            host::Command::Change(SystemChange { boot, asset_tag, led, host_name, power_restore }) => {
                self.state.boot.change(boot);
                if let Some(tag) = asset_tag {
                    self.state.bmc.change(|bmc| bmc.asset_tag = Some(tag));
                }
                if host_name.is_some() || power_restore.is_some() {
                    self.state.bmc.change(|bmc| {
                        bmc.system.change(|system| {
                            system.host_name = host_name.or(system.host_name.take());
                            system.power_restore = power_restore.or(system.power_restore);
                        });
                    });
                }
                if let Some(led) = led {
                    self.state.bmc.change(|bmc| bmc.leds.change(|leds| leds.system = led));
                }
            }
            host::Command::ChangeChassis(ChassisChange { asset_tag, led }) => self.state.bmc.change(|bmc| {
                if let Some(tag) = asset_tag {
                    bmc.extras.change(|extras| extras.chassis_asset_tag = tag);
                }
                if let Some(led) = led {
                    bmc.leds.change(|leds| leds.chassis = led);
                }
            }),
            host::Command::CycleChassis => self.cycle_chassis(now),
            host::Command::EnableBootOption { number, enabled } => self.state.bmc.change(|bmc| {
                bmc.extras.change(|extras| extras.enable_boot_option(number, enabled));
            }),
            host::Command::DefaultBootOrder => self.state.boot.reset_order(),
        }
        Ok(())
    }

    /// Host and BMC lose their power. The BMC still answers the request that asked for it.
    fn cycle_chassis(&mut self, now: SimTime) {
        match self.state.host {
            Host::Off => {}
            Host::PoweringOff { then: AfterOff::StayOff, .. } => self.cut(AfterOff::StayOff, now),
            Host::PoweringOff { then: AfterOff::PowerOn, .. }
            | Host::PoweringOn { .. }
            | Host::Post { .. }
            | Host::Booting(_)
            | Host::Running { .. } => self.cut(AfterOff::PowerOn, now),
        }
        self.restart_manager(now);
    }

    /// The BMC goes on for a moment, and then restarts.
    fn restart_manager(&mut self, now: SimTime) {
        let ms = self.draw_ms(self.timing().manager_grace, Purpose::ManagerGrace);
        self.state.bmc.change(|bmc| {
            bmc.restarting_from.get_or_insert(now.after_ms(ms));
        });
    }

    /// `ComputerSystem.Reset`. A reset to the current state succeeds and does nothing.
    fn reset(&mut self, kind: ResetType, now: SimTime) -> Result<(), Refusal> {
        let off = self.state.host.power_state() == PowerState::Off;
        let ends_power =
            matches!(kind, ResetType::ForceOff | ResetType::GracefulShutdown | ResetType::PushPowerButton);
        if ends_power && !off && self.meet_host(Occasion::PowerOff, now) == Some(fault::host::Act::Ignore) {
            return Ok(());
        }
        match kind {
            ResetType::On | ResetType::ForceOn => self.power_on(now),
            ResetType::ForceOff if off => {}
            ResetType::ForceOff => self.cut(AfterOff::StayOff, now),
            ResetType::GracefulShutdown if off => {}
            ResetType::GracefulShutdown => self.shut_down(AfterOff::StayOff, now),
            ResetType::PushPowerButton if off => self.power_on(now),
            ResetType::ForceRestart if off && !self.profile.has(Quirk::RestartNeedsPower) => {
                self.power_on(now);
            }
            ResetType::PushPowerButton => self.shut_down(AfterOff::StayOff, now),
            ResetType::GracefulRestart
            | ResetType::PowerCycle
            | ResetType::FullPowerCycle
            | ResetType::ForceRestart
            | ResetType::Nmi
                if off =>
            {
                return Err(Refusal::PoweredOff);
            }
            ResetType::GracefulRestart => self.shut_down(AfterOff::PowerOn, now),
            ResetType::PowerCycle | ResetType::FullPowerCycle => self.cut(AfterOff::PowerOn, now),
            ResetType::ForceRestart => self.post(now),
            // An NMI changes nothing that a client can see.
            ResetType::Nmi => {}
        }
        Ok(())
    }

    /// Does the resets that updates wait for whose request has asked for that.
    pub(super) fn apply_due_firmware(&mut self, now: SimTime) {
        let profile = Arc::clone(&self.profile);
        let (manager, others) = self.bmc().firmware.due(&profile);
        if manager {
            self.restart_manager(now);
        }
        match self.state.host {
            _ if !others => {}
            // The BMC writes the firmware of a machine that is off.
            Host::Off | Host::PoweringOff { then: AfterOff::StayOff, .. } => self.state.bmc.change(|bmc| {
                let takes = |of, update: &firmware::Update| of != FirmwareOf::Manager && update.immediate;
                bmc.apply_firmware(&profile, takes, now);
            }),
            // The start that follows applies it.
            Host::PoweringOff { then: AfterOff::PowerOn, .. } | Host::PoweringOn { .. } => {}
            Host::Post { .. } | Host::Booting(_) | Host::Running { .. } => {
                self.shut_down(AfterOff::PowerOn, now);
            }
        }
    }

    pub(super) fn power_on(&mut self, now: SimTime) {
        match &mut self.state.host {
            Host::Off => {
                let ms = self.draw_ms(self.timing().power_on, Purpose::PowerOn);
                let until = self.until(Occasion::PowerOn, now, ms);
                self.state.host = Host::PoweringOn { until };
            }
            Host::PoweringOff { then, .. } => *then = AfterOff::PowerOn,
            Host::PoweringOn { .. } | Host::Post { .. } | Host::Booting(_) | Host::Running { .. } => {}
        }
    }

    fn cut(&mut self, then: AfterOff, now: SimTime) {
        if let Some(codes) = self.state.bmc.get_mut().and_then(|bmc| bmc.post_codes.get_mut()) {
            codes.cut(now);
        }
        let ms = self.draw_ms(self.timing().power_off, Purpose::PowerOff);
        self.state.host = Host::PoweringOff { until: now.after_ms(ms), then };
    }

    /// Asks the running program to shut down. An operating system and a ramdisk take some time; firmware obeys the power
    /// button immediately. A shutdown in progress continues, with a new next step.
    pub(super) fn shut_down(&mut self, then: AfterOff, now: SimTime) {
        let timing = self.timing().into_owned();
        let span = match &mut self.state.host {
            Host::PoweringOff { then: after, .. } => {
                *after = then;
                return;
            }
            Host::Running { what: Running::Os, .. } => timing.shutdown,
            // This is short, because Ironic treats "PoweringOff" as off, and waits at most a minute for the power state
            // that it requests next (`[conductor]power_state_change_timeout`).
            Host::Running { what: Running::Live | Running::Ipa(_), .. } => timing.shutdown_ramdisk,
            Host::Running { what: Running::NoBootDevice | Running::Setup, .. }
            | Host::Off
            | Host::PoweringOn { .. }
            | Host::Post { .. }
            | Host::Booting(_) => return self.cut(then, now),
        };
        let ms = self.draw_ms(span, Purpose::Shutdown);
        self.state.host = Host::PoweringOff { until: now.after_ms(ms), then };
    }

    /// Starts the machine: pending settings take effect, and the self test begins.
    pub(super) fn post(&mut self, now: SimTime) {
        self.state.starts = self.state.starts.wrapping_add(1);
        if let Some(bmc) = self.state.bmc.get_mut() {
            bmc.start(&self.profile, now);
        }
        self.state.bmc.change(|bmc| bmc.host_reset = Some(now));
        let ms = self.draw_ms(self.timing().post, Purpose::Post);
        if let Some(most) = PostCodes::most(&self.profile) {
            let number = self.state.starts;
            self.state.bmc.change(|bmc| bmc.post_codes.change(|codes| codes.begin(number, now, ms, most)));
        }
        let until = self.until(Occasion::Post, now, ms);
        self.state.host = Host::Post { until, since: now };
    }

    /// Advances the host past its deadline `at`.
    pub(super) fn step_host(&mut self, at: SimTime) {
        match &mut self.state.host {
            Host::PoweringOn { .. } => self.post(at),
            Host::PoweringOff { then: AfterOff::StayOff, .. } => self.state.host = Host::Off,
            Host::PoweringOff { then: AfterOff::PowerOn, .. } => {
                let ms = self.draw_ms(self.timing().power_on, Purpose::PowerOn);
                let until = self.until(Occasion::PowerOn, at, ms);
                self.state.host = Host::PoweringOn { until };
            }
            Host::Post { .. } => {
                let plan = self.plan(at);
                self.boot_from(plan, at);
            }
            Host::Booting(b) => match &mut b.stage {
                Stage::Reading(call) => call.settle(at),
                Stage::Loading { what, .. } => {
                    let what = what.clone();
                    self.run(what, at);
                }
            },
            Host::Off | Host::Running { .. } => unreachable!("these states have no deadline"),
        }
    }

    fn run(&mut self, what: Found, at: SimTime) {
        let what = match what {
            Found::Os => Running::Os,
            Found::Live => Running::Live,
            Found::Ipa(params) => {
                let ms = self.draw_ms(self.timing().agent_start, Purpose::AgentStart);
                let dice = Dice::next(self.seed, self.id, &mut self.state.draws);
                Running::Ipa(Box::new(Ipa::new(*params, at, ms, dice)))
            }
        };
        self.state.host = Host::Running { what, since: at };
        self.meet_agent_start(at);
    }

    /// The sources that the firmware tries at this boot.
    fn plan(&mut self, at: SimTime) -> Vec<BootSource> {
        let profile = Arc::clone(&self.profile);
        let State { boot, bmc, .. } = &mut self.state;
        let disabled = bmc.extras.disabled_boot_options.clone();
        let plan = boot.plan(&profile, &disabled);
        match self.meet_host(Occasion::Boot, at) {
            // The override is used up, and the order is that of a machine without one.
            Some(fault::host::Act::Ignore) => self.state.boot.ordered(&profile, &disabled),
            Some(fault::host::Act::BootFrom(target)) => {
                let order = self.state.boot.ordered(&profile, &disabled);
                std::iter::once(target.into()).chain(order).collect()
            }
            Some(_) | None => plan,
        }
    }

    /// Boots from the first source of `plan` that may be bootable.
    fn boot_from(&mut self, plan: Vec<BootSource>, at: SimTime) {
        let mut left = plan.into_iter();
        while let Some(from) = left.next() {
            let stage = match self.source(from) {
                Source::Skip => continue,
                Source::Broken(why) => {
                    let why = format!("{}: {why}", from.as_str());
                    self.state.bmc.change(|bmc| bmc.boot_failed(why, at));
                    continue;
                }
                Source::Setup => {
                    self.state.host = Host::Running { what: Running::Setup, since: at };
                    return;
                }
                Source::Disk if self.is_unreadable(at) => {
                    let why = format!("{}: the disk cannot be read", from.as_str());
                    self.state.bmc.change(|bmc| bmc.boot_failed(why, at));
                    continue;
                }
                Source::Disk => self.loading(Found::Os, at),
                Source::Read if self.is_unreadable(at) => {
                    let why = format!("{}: the source cannot be read", from.as_str());
                    self.state.bmc.change(|bmc| bmc.boot_failed(why, at));
                    continue;
                }
                Source::Read => Stage::Reading(Call::Due),
            };
            self.state.host = Host::Booting(Box::new(Booting { from, left: left.collect(), stage }));
            self.effects_due = true;
            return;
        }
        self.state.host = Host::Running { what: Running::NoBootDevice, since: at };
    }

    fn is_unreadable(&mut self, at: SimTime) -> bool {
        self.meet_host(Occasion::Media, at) == Some(fault::host::Act::Unreadable)
    }

    /// How the firmware treats a boot source now.
    fn source(&self, from: BootSource) -> Source {
        let target = match from {
            BootSource::UsbCd => return self.removable(from),
            BootSource::Standard(target) => target,
        };
        match target {
            BootTarget::Hdd => {
                if self.installed() {
                    Source::Disk
                } else {
                    Source::Skip
                }
            }
            BootTarget::Pxe | BootTarget::UefiHttp if !self.has_network() => {
                Source::Broken("no network interface has a cable")
            }
            BootTarget::Pxe | BootTarget::UefiHttp => Source::Read,
            BootTarget::Cd | BootTarget::Usb | BootTarget::Floppy => self.removable(from),
            BootTarget::BiosSetup | BootTarget::Utilities | BootTarget::Diags | BootTarget::UefiShell => {
                Source::Setup
            }
            // The plan holds the boot option that these two stand for (`Boot::plan`). No model has the others.
            BootTarget::UefiTarget
            | BootTarget::UefiBootNext
            | BootTarget::None
            | BootTarget::SdCard
            | BootTarget::RemoteDrive
            | BootTarget::Recovery => Source::Skip,
        }
    }

    fn removable(&self, from: BootSource) -> Source {
        if self.media_for(from).is_some() { Source::Read } else { Source::Skip }
    }

    /// The media slot that firmware boots as `source`: the first slot of the right kind that holds an image.
    pub fn media_for(&self, source: BootSource) -> Option<u8> {
        let optical = source == BootSource::UsbCd || source == BootTarget::Cd.into();
        let slots = (0u8..).zip(&self.profile.media_slots);
        slots
            .filter(|(_, slot)| slot.is_optical() == optical)
            .map(|(number, _)| number)
            .find(|number| self.bmc().media.get(*number).is_some())
    }

    fn loading(&self, what: Found, now: SimTime) -> Stage {
        let timing = self.timing();
        let ms = match what {
            Found::Os => self.draw_ms(timing.boot_os, Purpose::BootOs),
            Found::Live | Found::Ipa(_) => self.draw_ms(timing.boot_ramdisk, Purpose::BootRamdisk),
        };
        Stage::Loading { until: now.after_ms(ms), what }
    }

    /// Takes the content of the boot source. If it is not bootable, the firmware tries the next source. Returns whether
    /// the host was waiting for this answer.
    pub(super) fn boot_read(&mut self, result: Result<Bootable, Note>, now: SimTime) -> bool {
        let installed = self.installed();
        let Host::Booting(booting) = &mut self.state.host else { return false };
        let Booting { from, left, stage: Stage::Reading(Call::Underway) } = &mut **booting else {
            return false;
        };
        let (from, left) = (*from, std::mem::take(left));
        let found = match result {
            Ok(Bootable::Ipa(params)) => Ok(Found::Ipa(params)),
            Ok(Bootable::Live) => Ok(Found::Live),
            Ok(Bootable::Disk) if installed => Ok(Found::Os),
            Ok(Bootable::Disk) => {
                Err("the network says to boot from disk, and no disk holds a system".into())
            }
            Err(why) => Err(why),
        };
        match found {
            Ok(what) => {
                let stage = self.loading(what, now);
                self.state.host = Host::Booting(Box::new(Booting { from, left, stage }));
            }
            Err(why) => {
                let why = format!("{}: {why}", from.as_str());
                self.state.bmc.change(|bmc| bmc.boot_failed(why, now));
                self.boot_from(left, now);
            }
        }
        self.settle(now);
        true
    }
}

/// The treatment of a boot source by the firmware.
enum Source {
    /// The source does not exist or holds nothing.
    Skip,
    /// The source cannot be used, for this reason.
    Broken(&'static str),
    /// The firmware's own setup.
    Setup,
    /// The operating system on the disk.
    Disk,
    /// The content must be read first.
    Read,
}
