//! How a node's machine goes from state to state: resets, self test, the search for something to boot.

use std::sync::Arc;

use super::Node;
use super::command::{Bootable, Refusal};
use super::host::{AfterOff, Booting, Found, Host, Running, Stage};
use super::ipa::{Call, Ipa};
use crate::dmtf::{BootTarget, PowerState, ResetType};
use crate::profile::inventory::MediaSlot;
use crate::seed::Purpose;
use crate::time::SimTime;

impl Node {
    /// `ComputerSystem.Reset`. Asking for the state that holds is granted and does nothing.
    pub(super) fn reset(&mut self, kind: ResetType, now: SimTime) -> Result<(), Refusal> {
        let off = self.state.host.power_state() == PowerState::Off;
        match kind {
            ResetType::On | ResetType::ForceOn => self.power_on(now),
            ResetType::ForceOff if off => {}
            ResetType::ForceOff => self.cut(AfterOff::StayOff, now),
            ResetType::GracefulShutdown if off => {}
            ResetType::GracefulShutdown => self.shut_down(AfterOff::StayOff, now),
            ResetType::PushPowerButton if off => self.power_on(now),
            ResetType::PushPowerButton => self.shut_down(AfterOff::StayOff, now),
            _ if off => return Err(Refusal::PoweredOff),
            ResetType::GracefulRestart => self.shut_down(AfterOff::PowerOn, now),
            ResetType::PowerCycle | ResetType::FullPowerCycle => self.cut(AfterOff::PowerOn, now),
            ResetType::ForceRestart => self.post(now),
            // What runs takes note of it, and nothing that a client could see changes.
            ResetType::Nmi => {}
        }
        Ok(())
    }

    fn power_on(&mut self, now: SimTime) {
        match &mut self.state.host {
            Host::Off => {
                let ms = self.draw_ms(self.profile.timing.power_on, Purpose::PowerOn);
                self.state.host = Host::PoweringOn { until: now.after_ms(ms) };
                self.settle(now);
            }
            Host::PoweringOff { then, .. } => *then = AfterOff::PowerOn,
            Host::PoweringOn { .. } | Host::Post { .. } | Host::Booting(_) | Host::Running { .. } => {}
        }
    }

    /// Power goes, whatever runs.
    fn cut(&mut self, then: AfterOff, now: SimTime) {
        let ms = self.draw_ms(self.profile.timing.power_off, Purpose::PowerOff);
        self.state.host = Host::PoweringOff { until: now.after_ms(ms), then };
        self.settle(now);
    }

    /// What runs is asked to stop. Firmware obeys the power button at once; a system takes its time. One that is on its
    /// way down already stays so.
    pub(super) fn shut_down(&mut self, then: AfterOff, now: SimTime) {
        let timing = &self.profile.timing;
        let span = match &mut self.state.host {
            Host::PoweringOff { then: after, .. } => {
                *after = then;
                return;
            }
            Host::Running { what: Running::Os, .. } => timing.shutdown,
            // Short, also because Ironic takes "PoweringOff" for off and waits a minute at most for the power that it then
            // asks for (`[conductor]power_state_change_timeout`).
            Host::Running { what: Running::Live | Running::Ipa(_), .. } => timing.shutdown_ramdisk,
            Host::Off
            | Host::PoweringOn { .. }
            | Host::Post { .. }
            | Host::Booting(_)
            | Host::Running { .. } => return self.cut(then, now),
        };
        let ms = self.draw_ms(span, Purpose::Shutdown);
        self.state.host = Host::PoweringOff { until: now.after_ms(ms), then };
    }

    /// A start: what was pending comes into force, and the self test begins.
    fn post(&mut self, now: SimTime) {
        self.state.starts = self.state.starts.wrapping_add(1);
        if let Some(bmc) = &mut self.state.bmc {
            bmc.start(&self.profile);
        }
        let ms = self.draw_ms(self.profile.timing.post, Purpose::Post);
        self.state.host = Host::Post { until: now.after_ms(ms), since: now };
    }

    /// Takes the machine past its deadline `at`.
    pub(super) fn step_host(&mut self, at: SimTime) {
        match &mut self.state.host {
            Host::PoweringOn { .. } => self.post(at),
            Host::PoweringOff { then: AfterOff::StayOff, .. } => self.state.host = Host::Off,
            Host::PoweringOff { then: AfterOff::PowerOn, .. } => {
                let ms = self.draw_ms(self.profile.timing.power_on, Purpose::PowerOn);
                self.state.host = Host::PoweringOn { until: at.after_ms(ms) };
            }
            Host::Post { .. } => {
                let profile = Arc::clone(&self.profile);
                let plan = self.state.boot.plan(&profile);
                self.boot_from(plan, at);
            }
            Host::Booting(b) => match &mut b.stage {
                Stage::Reading(call) => call.settle(at),
                Stage::Loading { what, .. } => {
                    let what = what.clone();
                    self.run(what, at);
                }
            },
            Host::Off | Host::Running { .. } => unreachable!("neither has a deadline of its own"),
        }
    }

    fn run(&mut self, what: Found, at: SimTime) {
        let what = match what {
            Found::Os => Running::Os,
            Found::Live => Running::Live,
            Found::Ipa(params) => {
                let ms = self.draw_ms(self.profile.timing.agent_start, Purpose::AgentStart);
                Running::Ipa(Box::new(Ipa::new(*params, at, ms, self.dice())))
            }
        };
        self.state.host = Host::Running { what, since: at };
    }

    /// Tries the sources in order, up to the first that could hold something.
    fn boot_from(&mut self, plan: Vec<BootTarget>, at: SimTime) {
        let mut left = plan.into_iter();
        while let Some(from) = left.next() {
            let stage = match from {
                BootTarget::Hdd | BootTarget::UefiTarget | BootTarget::UefiBootNext
                    if self.state.installed =>
                {
                    self.loading(Found::Os, at)
                }
                BootTarget::Pxe | BootTarget::UefiHttp => Stage::Reading(Call::Due),
                BootTarget::Cd | BootTarget::UsbCd | BootTarget::Usb | BootTarget::Floppy
                    if self.media_for(from).is_some() =>
                {
                    Stage::Reading(Call::Due)
                }
                BootTarget::BiosSetup | BootTarget::Utilities | BootTarget::Diags | BootTarget::UefiShell => {
                    self.state.host = Host::Running { what: Running::Setup, since: at };
                    return;
                }
                _ => continue,
            };
            self.state.host = Host::Booting(Box::new(Booting { from, left: left.collect(), stage }));
            self.state.due = true;
            return;
        }
        self.state.host = Host::Running { what: Running::NoBootDevice, since: at };
    }

    /// The number of the media slot that firmware boots as `target`: the first of its kind that holds an image.
    pub fn media_for(&self, target: BootTarget) -> Option<u8> {
        let fits = |slot: &MediaSlot| match target {
            BootTarget::Cd | BootTarget::UsbCd => slot.is_optical(),
            _ => !slot.is_optical(),
        };
        let slots = (0u8..).zip(&self.profile.media_slots);
        slots
            .filter(|(_, slot)| fits(slot))
            .map(|(n, _)| n)
            .find(|n| self.bmc().media_in(usize::from(*n)).is_some())
    }

    fn loading(&self, what: Found, now: SimTime) -> Stage {
        let timing = &self.profile.timing;
        let ms = match what {
            Found::Os => self.draw_ms(timing.boot_os, Purpose::BootOs),
            Found::Live | Found::Ipa(_) => self.draw_ms(timing.boot_ramdisk, Purpose::BootRamdisk),
        };
        Stage::Loading { until: now.after_ms(ms), what }
    }

    /// Takes what reading the boot source found; where that is nothing, the next source is tried.
    pub(super) fn boot_read(&mut self, result: Result<Bootable, String>, now: SimTime) {
        let Host::Booting(booting) = &mut self.state.host else { return };
        let found = match result {
            Ok(Bootable::Ipa(params)) => Ok(Found::Ipa(params)),
            Ok(Bootable::Live) => Ok(Found::Live),
            Ok(Bootable::Disk) if self.state.installed => Ok(Found::Os),
            Ok(Bootable::Disk) => {
                Err("the network says to boot from disk, and no disk holds a system".to_owned())
            }
            Err(why) => Err(why),
        };
        let left = std::mem::take(&mut booting.left);
        let from = booting.from;
        match found {
            Ok(what) => {
                let stage = self.loading(what, now);
                self.state.host = Host::Booting(Box::new(Booting { from, left, stage }));
            }
            Err(why) => {
                let bmc = self.bmc_mut();
                if bmc.boot_failure.is_none() {
                    bmc.boot_failure = Some(format!("{}: {why}", from.as_str()).into());
                }
                self.boot_from(left, now);
            }
        }
        self.settle(now);
    }
}
