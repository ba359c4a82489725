//! Rules of faults: added, listed, tested and cleared.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use super::api::{
    AddFaults, AddedFault, AddedFaults, ClearFaults, ClearedFault, ClearedFaults, Fault, Faults, Problem,
    TestFault, TestedFault, TestedNode,
};
use super::control::Control;
use super::extract::Json;
use crate::fault::{Dice, Per};
use crate::fleet::{RuleProblem, RuleState, RuleStatus};

/// The largest number of rules in a request.
const MAX: usize = 1000;

/// Lists the rules of faults
#[utoipa::path(
    get,
    path = "/faults",
    operation_id = "list_faults",
    tag = "faults",
    responses(
        (status = 200, description = "The rules", body = Faults),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn list(State(control): State<Arc<Control>>) -> Result<axum::Json<Faults>, Problem> {
    let items = control.on_fleet(|fleet| fleet.rule_statuses().into_iter().map(shown).collect()).await?;
    Ok(axum::Json(Faults { items }))
}

/// Shows a rule of faults
#[utoipa::path(
    get,
    path = "/faults/{name}",
    operation_id = "show_fault",
    tag = "faults",
    params(("name" = String, Path, description = "Name of the rule", example = "flaky-bmc")),
    responses(
        (status = 200, description = "The rule", body = Fault),
        (status = 404, response = inline(super::answers::NoRule)),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn show(
    State(control): State<Arc<Control>>,
    Path(name): Path<String>,
) -> Result<axum::Json<Fault>, Problem> {
    let wanted = name.clone();
    let status = control.on_fleet(move |fleet| fleet.rule_status(&wanted)).await?;
    status.map(|status| axum::Json(shown(status))).ok_or_else(|| RuleProblem::Missing(name).into())
}

fn shown(status: RuleStatus) -> Fault {
    Fault {
        rule: status.armed.rule.clone(),
        state: status.state,
        added: status.armed.added.rfc3339(),
        nodes: status.nodes,
        fired: status.fired,
        fired_nodes: status.fired_nodes,
        active_nodes: status.active_nodes,
        last_fired: status.last.map(|at| at.rfc3339()),
        unreached: status.fired == 0 && status.state != RuleState::Paused,
    }
}

/// Adds rules of faults
///
/// A rule selects its nodes when it is added, and is in effect from then on. All rules are added, or none.
#[utoipa::path(
    post,
    path = "/faults",
    operation_id = "add_faults",
    tag = "faults",
    request_body = AddFaults,
    responses(
        (status = 201, description = "The rules are there", body = AddedFaults),
        (status = 200, description = "The rules would be there, without dryRun", body = AddedFaults),
        (status = 400, response = inline(super::answers::Wrong)),
        (status = 404, response = inline(super::answers::Missing)),
        (status = 409, response = inline(super::answers::RuleExists)),
        (status = 413, response = inline(super::answers::TooLarge)),
        (status = 415, response = inline(super::answers::NotJson)),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn add(
    State(control): State<Arc<Control>>,
    Json(request): Json<AddFaults>,
) -> Result<Response, Problem> {
    let AddFaults { rules, replace, dry_run } = request;
    check_count("rules", rules.len())?;
    let mut names = HashSet::new();
    if let Some(rule) = rules.iter().find(|rule| !names.insert(&rule.name)) {
        let detail = format!("two rules have the name '{}'; each needs a name of its own", rule.name);
        return Err(Problem::wrong("rules", rule.name.as_str(), detail));
    }
    control.fleet.may_change()?;
    let added = control.on_fleet(move |fleet| -> Result<Vec<AddedFault>, RuleProblem> {
        let names = rules.iter().map(|rule| rule.name.to_string()).collect::<Vec<_>>();
        let added = fleet.add_rules(rules, replace, dry_run)?;
        let one = |(name, added): (String, crate::fleet::RuleAdded)| AddedFault {
            name,
            selected: added.selected as u64,
            nodes: added.nodes.len() as u64,
        };
        Ok(names.into_iter().zip(added).map(one).collect())
    });
    let rules = added.await??;
    let status = if dry_run { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, axum::Json(AddedFaults { rules, dry_run })).into_response())
}

fn check_count(field: &str, count: usize) -> Result<(), Problem> {
    if (1..=MAX).contains(&count) {
        return Ok(());
    }
    let detail = format!("'{field}' has {count} items; allowed are 1 to {MAX}");
    Err(Problem::wrong(field, &count.to_string(), detail))
}

/// Clears rules of faults
///
/// Every condition that a cleared rule imposes ends. What has happened stays.
#[utoipa::path(
    post,
    path = "/faults/clear",
    operation_id = "clear_faults",
    tag = "faults",
    request_body = ClearFaults,
    responses(
        (status = 200, description = "The rules are gone", body = ClearedFaults),
        (status = 400, response = inline(super::answers::Wrong)),
        (status = 404, response = inline(super::answers::NoRule)),
        (status = 413, response = inline(super::answers::TooLarge)),
        (status = 415, response = inline(super::answers::NotJson)),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn clear(
    State(control): State<Arc<Control>>,
    Json(request): Json<ClearFaults>,
) -> Result<axum::Json<ClearedFaults>, Problem> {
    let ClearFaults { mut names, all } = request;
    match (names.is_empty(), all) {
        (true, true) => {}
        (false, false) => check_count("names", names.len())?,
        (true, false) => {
            let detail = "no rules are named; write 'names', or 'all': true";
            return Err(Problem::wrong("names", "", detail));
        }
        (false, true) => {
            let detail = "'all' is true, and 'names' has rules; write one of them";
            return Err(Problem::wrong("all", "true", detail));
        }
    }
    names.sort_unstable();
    names.dedup();
    control.fleet.may_change()?;
    let cleared = control.on_fleet(move |fleet| -> Result<Vec<ClearedFault>, RuleProblem> {
        if all {
            names = fleet.rules().iter().map(|armed| armed.rule.name.to_string()).collect();
        }
        if let Some(missing) = names.iter().find(|name| !all && fleet.rule(name).is_none()) {
            return Err(RuleProblem::Missing(missing.clone()));
        }
        // Another client may have cleared one in between.
        let clear = |name: String| Some(ClearedFault { nodes: fleet.clear_rule(&name).ok()?, name });
        Ok(names.into_iter().filter_map(clear).collect())
    });
    Ok(axum::Json(ClearedFaults { rules: cleared.await?? }))
}

/// Tells what a rule of faults would hit
///
/// Nothing changes. The same rule in the same fleet hits the same nodes and the same occasions.
#[utoipa::path(
    post,
    path = "/faults/test",
    operation_id = "test_fault",
    tag = "faults",
    request_body = TestFault,
    responses(
        (status = 200, description = "What the rule would hit", body = TestedFault),
        (status = 400, response = inline(super::answers::Wrong)),
        (status = 404, response = inline(super::answers::Missing)),
        (status = 409, response = inline(super::answers::RuleExists)),
        (status = 413, response = inline(super::answers::TooLarge)),
        (status = 415, response = inline(super::answers::NotJson)),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn test(
    State(control): State<Arc<Control>>,
    Json(request): Json<TestFault>,
) -> Result<axum::Json<TestedFault>, Problem> {
    let TestFault { rule, occasions, limit } = request;
    for (field, value) in [("occasions", occasions), ("limit", limit)] {
        if !(1..=TestFault::MAX).contains(&value) {
            let detail = format!("'{field}' is {value}; allowed are 1 to {}", TestFault::MAX);
            return Err(Problem::wrong(field, &value.to_string(), detail));
        }
    }
    let tested = control.on_fleet(move |fleet| -> Result<TestedFault, RuleProblem> {
        let added = fleet.add_rule(rule.clone(), true, true)?;
        let (seed, limit) = (fleet.seed(), limit as usize);
        let items = added.nodes.iter().take(limit).map(|id| {
            let (node, uuid) = fleet.names(*id);
            let occasions = rule.firings(Dice { seed, node: id.0 }, occasions, occasions as usize);
            TestedNode { node, uuid: uuid.to_string(), occasions }
        });
        Ok(TestedFault {
            name: rule.name.to_string(),
            selected: added.selected as u64,
            nodes: added.nodes.len() as u64,
            occasion: rule.what.occasion().to_string(),
            per: if rule.when.per == Per::Node { "node" } else { "operation" }.to_owned(),
            items: items.collect(),
        })
    });
    Ok(axum::Json(tested.await??))
}

impl From<RuleProblem> for Problem {
    fn from(problem: RuleProblem) -> Self {
        let status = match &problem {
            RuleProblem::Wrong(_) => StatusCode::BAD_REQUEST,
            RuleProblem::Missing(_) | RuleProblem::NoNode { .. } => StatusCode::NOT_FOUND,
            RuleProblem::Exists(_) | RuleProblem::TooMany { .. } | RuleProblem::NodeFull { .. } => {
                StatusCode::CONFLICT
            }
        };
        Self::new(status, problem.to_string())
    }
}
