//! `POST /nodes/import`: nodes with the identities of another simulator's systems.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use uuid::Uuid;

use super::api::{Added, Import, ImportedSystem, MAX_SYSTEMS, Problem};
use super::control::Control;
use super::extract::Json;
use super::verbs::{check_labels, not_added};
use crate::address::{Mac, Urls};
use crate::fleet::New;
use crate::import;
use crate::node::labels::Labels;
use crate::profile::identities::Identity;

/// Adds nodes with given identities
#[utoipa::path(
    post,
    path = "/nodes/import",
    operation_id = "import_nodes",
    tag = "changes",
    request_body = Import,
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
pub(super) async fn import(
    State(control): State<Arc<Control>>,
    Json(request): Json<Import>,
) -> Result<Response, Problem> {
    check_labels("labels", &request.labels)?;
    let profile = (control.facts.model)(&request.profile)
        .map_err(|problem| Problem::wrong("profile", &request.profile, problem))?;
    let number = request.systems.len();
    if number == 0 || number > MAX_SYSTEMS {
        let detail = format!("'systems' has {number} systems; allowed are 1 to {MAX_SYSTEMS}");
        return Err(Problem::wrong("systems", &number.to_string(), detail));
    }
    let systems = request.systems.iter().enumerate().map(|(at, system)| identity(at, system));
    let systems = systems.collect::<Result<Arc<[_]>, _>>()?;
    let by_name = matches!(control.facts.bmcs, Urls::Names { .. });
    let fits = import::fits(&systems, &profile)
        .and_then(|()| if by_name { import::are_host_labels(&systems) } else { Ok(()) });
    fits.map_err(|problem| Problem {
        field: Some("systems".to_owned()),
        ..Problem::new(StatusCode::BAD_REQUEST, problem)
    })?;
    control.fleet.may_change()?;
    let labels: Labels =
        request.labels.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect();
    let (count, dry_run) = (u32::try_from(number).unwrap_or(u32::MAX), request.dry_run);
    let new = New { profile, count, labels, most: control.facts.room, dry_run };
    let name = |system: Option<&Identity>| system.map(|system| system.name.to_string()).unwrap_or_default();
    let added = Added { first: name(systems.first()), last: name(systems.last()), count, dry_run };
    let result = control.on_fleet(move |fleet| fleet.import(new, systems)).await?;
    result.map_err(|problem| not_added("systems", &problem))?;
    let status = if dry_run { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, axum::Json(added)).into_response())
}

/// The identity of the system with this number, from 0.
fn identity(at: usize, system: &ImportedSystem) -> Result<Identity, Problem> {
    let wrong = |member: &str, value: &str, allowed: &str| {
        Problem::wrong(
            &format!("systems[{at}].{member}"),
            value,
            format!("entry {}: {member}: {allowed}", at + 1),
        )
    };
    let uuid = Uuid::try_parse(&system.uuid).ok().filter(|uuid| !uuid.is_nil());
    let uuid = uuid.ok_or_else(|| wrong("uuid", &system.uuid, "it is no UUID"))?;
    Identity::check_name(&system.name).map_err(|allowed| wrong("name", &system.name, &allowed))?;
    let macs = system.macs.iter().map(|text| {
        let mac = Mac::parse(text).filter(|mac| mac.is_of_interface());
        mac.ok_or_else(|| {
            wrong("macs", text, "allowed are MAC addresses of interfaces, such as 02:00:00:ab:cd:ef")
        })
    });
    Ok(Identity {
        uuid,
        name: system.name.as_str().into(),
        macs: macs.collect::<Result<_, _>>()?,
        on: system.on,
    })
}
