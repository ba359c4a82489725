//! `GET /nodes/{node}`: one node in full.

use std::sync::Arc;

use axum::extract::{Path, State};

use super::api::{
    Agent, AgentCommand, Alarm, Bmc, BootFailure, BootSettings, Disk, Environment, Medium, Nic, NodeDetails,
    Problem, Wait,
};
use super::control::Control;
use super::list::Fields;
use super::target;
use crate::fleet::Explanation;
use crate::ipa;
use crate::node::Node;
use crate::node::bmc::environment;
use crate::node::bmc::failures::Part;
use crate::node::bmc::media::Opened;
use crate::node::call::Call;
use crate::node::ipa::{Ipa, Phase};
use crate::note::shown_uri;
use crate::time::SimTime;

/// Shows a node in full
#[utoipa::path(
    get,
    path = "/nodes/{node}",
    operation_id = "show_node",
    tag = "nodes",
    params(("node" = String, Path, description = "Name or UUID of the node", example = "generic-0")),
    responses(
        (status = 200, description = "The node", body = NodeDetails),
        (status = 404, response = inline(super::answers::Missing)),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn show(
    State(control): State<Arc<Control>>,
    Path(name): Path<String>,
) -> Result<axum::Json<NodeDetails>, Problem> {
    let id = target::named(&control.fleet, &name)?;
    let fleet = &control.fleet;
    let (details, seen) = fleet.noting(|| {
        let explained = fleet.explain(id)?;
        fleet.look(id, |node, now| details(&control, node, now, explained))
    });
    fleet.until_persisted(seen).await?;
    // Without details, it was removed in between.
    Ok(axum::Json(details.ok_or_else(|| target::unknown(&name))?))
}

fn details(control: &Control, node: &Node, now: SimTime, explained: Explanation) -> NodeDetails {
    let (spec, bmc, profile) = (node.spec(), node.bmc(), node.profile());
    let order = node.boot().order(profile).filter_map(|n| profile.boot_order.get(usize::from(n)));
    let slot = |number: u8| profile.media_slots.get(usize::from(number)).map_or("", |slot| &slot.id);
    NodeDetails {
        epoch: control.epoch.clone(),
        node: Fields::ALL.of(node),
        model: format!("{} {}", profile.manufacturer, profile.model),
        serial: spec.serial(),
        starts: node.starts(),
        installed: node.installed(),
        bmc: Bmc {
            url: control.system_url(node),
            mac: spec.bmc_mac().to_string(),
            firmware: node.manager_version().to_owned(),
            restarting_until: bmc.restarting_until.map(SimTime::rfc3339),
        },
        boot: BootSettings {
            target: node.boot().target.as_str().to_owned(),
            enabled: node.boot().enabled.as_str().to_owned(),
            mode: node.boot().mode.as_str().to_owned(),
            http_boot_uri: node.boot().http_uri.as_deref().map(|uri| shown_uri(uri).into_owned()),
            order: order.map(|source| source.as_str().to_owned()).collect(),
        },
        media: bmc
            .media
            .iter()
            .map(|(number, inserted)| {
                let (state, error) = match &inserted.opened {
                    Opened::Trying(_) => ("opening", None),
                    Opened::Connected => ("connected", None),
                    Opened::Failed(why) => ("failed", Some(why.to_string())),
                };
                let image = shown_uri(&inserted.insertion.image).into_owned();
                Medium { slot: slot(number).to_owned(), image, state: state.to_owned(), error }
            })
            .collect(),
        nics: (0u8..)
            .zip(&profile.nics)
            .map(|(number, nic)| Nic {
                id: nic.id.clone(),
                name: nic.name.clone(),
                mac: spec.mac(number).to_string(),
                plugged: node.has_cable(number),
            })
            .collect(),
        disks: profile
            .drives()
            .map(|(number, _, drive)| Disk {
                id: drive.id.clone(),
                name: drive.name_under_linux().to_owned(),
                plugged: node.has_drive(number),
            })
            .collect(),
        environment: environment_of(node),
        boot_failure: bmc.boot_failure.as_ref().map(|reason| BootFailure {
            reason: reason.to_string(),
            at: bmc.boot_failed_at.map(SimTime::rfc3339),
        }),
        agent_details: node.ipa().map(|agent| of_agent(control, node, agent)),
        now: now.rfc3339(),
        wait: Wait {
            text: explained.sentence,
            since: explained.since.map(SimTime::rfc3339),
            until: explained.until.map(SimTime::rfc3339),
        },
    }
}

fn environment_of(node: &Node) -> Environment {
    let (profile, environment) = (node.profile(), &node.bmc().environment);
    let failed = |kind: fn(u8) -> Part| move |number: u8| node.has_failed(kind(number));
    let alarm = |alarm: &environment::Alarm| Alarm {
        sensor: alarm.sensor.redfish_id(profile),
        side: alarm.side.as_str().to_owned(),
        level: alarm.level.as_str().to_owned(),
        since: alarm.since.rfc3339(),
    };
    Environment {
        inlet_celsius: environment.inlet_celsius(),
        failed_fans: ids(profile.fans.iter().map(|fan| &fan.id), failed(Part::Fan)),
        failed_disks: ids(profile.drives().map(|(.., drive)| &drive.id), failed(Part::Drive)),
        failed_dimms: ids(profile.dimms.iter().map(|dimm| &dimm.id), failed(Part::Memory)),
        failed_psus: ids(profile.power_supplies.iter().map(|supply| &supply.id), failed(Part::Supply)),
        supplies_without_input: ids(profile.power_supplies.iter().map(|supply| &supply.id), |number| {
            !environment.has_input(number)
        }),
        alarms: node.alarms().iter().map(alarm).collect(),
    }
}

/// The ids of the parts whose numbers are meant, among the ids of all parts of a kind.
fn ids<'a>(all: impl Iterator<Item = &'a String>, is_meant: impl Fn(u8) -> bool) -> Vec<String> {
    (0..=u8::MAX).zip(all).filter(|(number, _)| is_meant(*number)).map(|(_, id)| id.clone()).collect()
}

fn of_agent(control: &Control, node: &Node, agent: &Ipa) -> Agent {
    let (failed_calls, call) = match &agent.phase {
        Phase::Inspecting(inspection) => (inspection.failed, Some(inspection.call)),
        Phase::LookingUp(look_up) => (look_up.failed, Some(look_up.call)),
        Phase::Serving(serving) => (serving.failed, Some(serving.heartbeat)),
        Phase::Starting { .. } | Phase::Closed(_) => (0, None),
    };
    let serving = agent.serving();
    let url = control.facts.agents.as_ref().map(|urls| ipa::url_of(urls, node));
    Agent {
        phase: node.agent_word().to_owned(),
        started: agent.started.rfc3339(),
        url,
        api_url: agent.api_url().map(str::to_owned),
        ironic_uuid: agent.node_uuid().map(|uuid| uuid.to_string()),
        failed_calls,
        last_heartbeat: serving.map(|s| s.last).filter(|last| last.ms() > 0).map(SimTime::rfc3339),
        next_call: match call {
            Some(Call::At(at)) => Some(at.rfc3339()),
            Some(Call::Due | Call::Underway) | None => None,
        },
        command: serving.and_then(|serving| serving.commands.running_record()).map(|(record, job)| {
            let until = Some(job.deadline()).filter(|at| *at != SimTime::NEVER).map(SimTime::rfc3339);
            AgentCommand { name: record.name.to_string(), until }
        }),
        closed: if let Phase::Closed(why) = &agent.phase { Some(why.reason().to_owned()) } else { None },
    }
}
