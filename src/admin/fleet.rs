//! `GET /fleet`: the totals, the settings and the addresses of the fleet.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::State;

use super::api::{Fleet, LabelCount, Problem, ProfileCount, StateCount};
use super::control::Control;
use crate::fleet;
use crate::node::labels::Labels;
use crate::selection::words;

/// The largest number of labels in the answer.
const MAX_LABELS: usize = 1000;
/// The largest number of different sets of labels that are counted. Beyond it the answer says that labels are missing.
const MAX_SETS: usize = 100_000;

/// Shows the fleet as a whole
#[utoipa::path(
    get,
    path = "/fleet",
    operation_id = "show_fleet",
    tag = "fleet",
    responses(
        (status = 200, description = "The fleet", body = Fleet),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn show(State(control): State<Arc<Control>>) -> Result<axum::Json<Fleet>, Problem> {
    let totals = control.on_fleet(Totals::of).await?;
    let clock = control.fleet.clock().going();
    let facts = &control.facts;
    Ok(axum::Json(Fleet {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        epoch: control.epoch.clone(),
        started: control.started.rfc3339(),
        uptime_seconds: control.uptime.elapsed().as_secs(),
        now: clock.now.rfc3339(),
        speed: clock.speed,
        held: clock.held,
        nodes: totals.profiles.iter().map(|count| count.nodes).sum(),
        states: totals.states,
        profiles: totals.profiles,
        labels: totals.labels,
        more_labels: totals.more_labels,
        addresses: facts.addresses.clone(),
        settings: facts.settings.clone(),
        limits: facts.limits.clone(),
    }))
}

struct Totals {
    states: Vec<StateCount>,
    profiles: Vec<ProfileCount>,
    labels: Vec<LabelCount>,
    more_labels: bool,
}

impl Totals {
    /// Looks at each node once.
    fn of(fleet: &fleet::Fleet) -> Self {
        let mut states: HashMap<&str, u64> = HashMap::new();
        let mut profiles: Vec<(Arc<crate::profile::Profile>, u64)> = Vec::new();
        // Nodes share their sets of labels, so there are few sets.
        let mut sets: HashMap<usize, (Labels, u64)> = HashMap::new();
        let mut more_labels = false;
        for id in fleet.ids() {
            fleet.look(id, |node, _| {
                *states.entry(node.state_word()).or_default() += 1;
                // Imported nodes have a profile of their own, with the same name.
                let is_known = |known: &Arc<crate::profile::Profile>| {
                    Arc::ptr_eq(known, node.profile()) || known.name == node.profile().name
                };
                match profiles.iter_mut().find(|(known, _)| is_known(known)) {
                    Some((_, nodes)) => *nodes += 1,
                    None => profiles.push((Arc::clone(node.profile()), 1)),
                }
                let labels = node.labels();
                let known = sets.len() < MAX_SETS || sets.contains_key(&labels.address());
                match labels.is_empty() {
                    true => {}
                    false if known => {
                        sets.entry(labels.address()).or_insert_with(|| (labels.clone(), 0)).1 += 1;
                    }
                    false => more_labels = true,
                }
            });
        }
        let mut labels: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for (set, nodes) in sets.values() {
            for label in set.iter() {
                *labels.entry(label).or_default() += nodes;
            }
        }
        let in_order = words::STATE.iter().filter_map(|state| Some((*state, *states.get(state)?)));
        Self {
            states: in_order.map(|(state, nodes)| StateCount { state: state.to_owned(), nodes }).collect(),
            profiles: profiles
                .into_iter()
                .map(|(profile, nodes)| ProfileCount { profile: profile.name.clone(), nodes })
                .collect(),
            more_labels: more_labels || labels.len() > MAX_LABELS,
            labels: labels
                .into_iter()
                .take(MAX_LABELS)
                .map(|((key, value), nodes)| LabelCount {
                    key: key.to_owned(),
                    value: value.to_owned(),
                    nodes,
                })
                .collect(),
        }
    }
}
