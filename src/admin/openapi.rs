//! The routes of the control API, and the OpenAPI document that is generated from them.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use utoipa::OpenApi as _;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{LicenseBuilder, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api::{self, Problem};
use super::control::Control;
use super::{clock, events, faults, fleet, imports, list, schema, show, snapshots, verbs};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "fauxmetal control API",
        description = "Shows and changes the simulated servers of a running fauxmetal. Errors are problem documents (RFC 9457)."
    ),
    components(schemas(Problem)),
    security((), ("token" = [])),
    tags(
        (name = "fleet", description = "The fleet as a whole"),
        (name = "clock", description = "The simulated time of the fleet"),
        (name = "nodes", description = "The nodes"),
        (name = "faults", description = "Rules: which nodes misbehave, when, and how"),
        (name = "changes", description = "Changes of nodes: one verb for each, applied node by node")
    )
)]
struct Document;

/// The routes, and their document.
pub(super) fn router(control: Control) -> (Router, OpenApi) {
    let paths = OpenApiRouter::new()
        .routes(routes!(fleet::show))
        .routes(routes!(clock::show))
        .routes(routes!(clock::hold))
        .routes(routes!(clock::run))
        .routes(routes!(clock::step))
        .routes(routes!(clock::next))
        .routes(routes!(clock::speed))
        .routes(routes!(clock::jump))
        .routes(routes!(list::list, verbs::add))
        .routes(routes!(imports::import))
        .routes(routes!(show::show))
        .routes(routes!(verbs::power))
        .routes(routes!(verbs::boot))
        .routes(routes!(verbs::insert))
        .routes(routes!(verbs::eject))
        .routes(routes!(verbs::plug))
        .routes(routes!(verbs::unplug))
        .routes(routes!(verbs::heat))
        .routes(routes!(verbs::cool))
        .routes(routes!(verbs::fail))
        .routes(routes!(verbs::repair))
        .routes(routes!(verbs::label))
        .routes(routes!(verbs::crash))
        .routes(routes!(verbs::restart_bmc))
        .routes(routes!(verbs::open_bmc))
        .routes(routes!(verbs::reset))
        .routes(routes!(verbs::remove))
        .routes(routes!(events::events))
        .routes(routes!(events::journal))
        .routes(routes!(events::follow))
        .routes(routes!(faults::list, faults::add))
        .routes(routes!(faults::show))
        .routes(routes!(faults::clear))
        .routes(routes!(faults::test))
        .routes(routes!(snapshots::save))
        .routes(routes!(snapshots::export));
    let (router, mut document) =
        OpenApiRouter::with_openapi(Document::openapi()).nest(api::BASE, paths).split_for_parts();
    let mut license = LicenseBuilder::new().name("Apache-2.0");
    license = license.identifier(Some("Apache-2.0"));
    document.info.license = Some(license.build());
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The token of --admin-token-file, if the listener has one"))
        .build();
    document.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(token));
    (router.with_state(Arc::new(control)), document)
}

/// The document beside the API.
pub(super) fn served(document: OpenApi) -> Router {
    let path = format!("{}/openapi.json", api::BASE);
    let text = Bytes::from(schema::complete(document).to_string());
    Router::new().route(&path, get(async move || ([(CONTENT_TYPE, "application/json")], text.clone())))
}
