//! `AggregationService` and `Aggregate`: actions on many systems, chassis and managers below the root that all nodes share.

use super::common;
use crate::dmtf::ResetType;
use crate::redfish::access::Access;
use crate::redfish::action::{Action, Parameter};
use crate::redfish::aggregate_change::{Act, Asking, Named, On};
use crate::redfish::aggregates::{Aggregates, Doing};
use crate::redfish::body::Body;
use crate::redfish::context::ServiceCx;
use crate::redfish::doc::Doc;
use crate::redfish::error::Problem;
use crate::redfish::resource::{OfService, Resource, ServiceChange};

const SERVICE_RESET: &str = "AggregationService.Reset";
const SERVICE_BOOT_ORDER: &str = "AggregationService.SetDefaultBootOrder";

const RESET_TYPE: Parameter<OfService> =
    Parameter::word("ResetType", |cx, key, d| d.put(key, reset_types(cx).as_slice())).required();
const BATCH_SIZE: Parameter<OfService> = Parameter::number("BatchSize");
const DELAY: Parameter<OfService> = Parameter::number("DelayBetweenBatchesInSeconds");
const ELEMENTS: Parameter<OfService> = Parameter::links("Elements", Aggregates::MAX_ELEMENTS).required();

static SERVICE_ACTIONS: &[Action<OfService>] = &[
    Action {
        key: "#AggregationService.Reset",
        parameters: &[
            Parameter::links("TargetURIs", Aggregates::MAX_ELEMENTS).required(),
            RESET_TYPE,
            BATCH_SIZE,
            DELAY,
        ],
        apply_times: &[],
        run: |cx, body| {
            let named = named(body, "TargetURIs", SERVICE_RESET);
            reset(cx, body, named.map(On::Named))
        },
    },
    Action {
        key: "#AggregationService.SetDefaultBootOrder",
        parameters: &[Parameter::links("Systems", Aggregates::MAX_ELEMENTS).required()],
        apply_times: &[],
        run: |_, body| {
            let named = named(body, "Systems", SERVICE_BOOT_ORDER);
            Ok(named.map(On::Named).map(set_default_boot_order))
        },
    },
];

static AGGREGATE_ACTIONS: &[Action<OfService>] = &[
    Action {
        key: "#Aggregate.AddElements",
        parameters: &[ELEMENTS],
        apply_times: &[],
        run: |cx, body| {
            let named = named(body, "Elements", "Aggregate.AddElements");
            Ok(named.map(|named| ServiceChange::Aggregates(Asking::Add(number(cx), named))))
        },
    },
    Action {
        key: "#Aggregate.RemoveElements",
        parameters: &[ELEMENTS],
        apply_times: &[],
        run: |cx, body| {
            let named = named(body, "Elements", "Aggregate.RemoveElements");
            Ok(named.map(|named| ServiceChange::Aggregates(Asking::Remove(number(cx), named))))
        },
    },
    Action {
        key: "#Aggregate.Reset",
        parameters: &[RESET_TYPE, BATCH_SIZE, DELAY],
        apply_times: &[],
        run: |cx, body| reset(cx, body, Some(On::Aggregate(number(cx)))),
    },
    Action {
        key: "#Aggregate.SetDefaultBootOrder",
        parameters: &[],
        apply_times: &[],
        run: |cx, _| Ok(Some(set_default_boot_order(On::Aggregate(number(cx))))),
    },
];

/// The row of the service.
pub(super) const fn row(path: &'static str) -> Resource<OfService> {
    Resource::of_service(path, "AggregationService.v1_0_3.AggregationService", get)
        .only_if(is_here)
        .with_actions(SERVICE_ACTIONS)
        .allowed_by(Access::MANAGER)
}

/// The row of the aggregates.
pub(super) const fn aggregates(path: &'static str) -> Resource<OfService> {
    Resource::of_service(path, "Aggregate.v1_0_3.Aggregate", get_aggregate)
        .many("Aggregate Collection", |cx, each| {
            cx.aggregates.ids().iter().for_each(|id| each(&id.to_string()));
        })
        .only_if(is_here)
        .created_by(|_, body| {
            body.require("Elements");
            let uris = body.links("Elements", Aggregates::MAX_ELEMENTS);
            let create = |uris| Asking::Create(Named { uris, key: "Elements", action: None });
            Ok(uris.map(create).map(ServiceChange::Aggregates))
        })
        .deleted_by(|cx| Ok(ServiceChange::Aggregates(Asking::Delete(number(cx)))))
        .with_actions(AGGREGATE_ACTIONS)
        .allowed_by(Access::AGGREGATE)
}

/// The root of one BMC has nothing to aggregate.
fn is_here(cx: &ServiceCx<'_>) -> bool {
    cx.own.is_none()
}

fn get(_: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "AggregationService");
    d.put("Name", "Aggregation Service");
    d.put("ServiceEnabled", true);
    d.object("Status", common::ok);
}

fn get_aggregate(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    // Another request can have deleted it since.
    let elements = cx.aggregates.elements(number(cx)).unwrap_or_default();
    d.put("Id", cx.id());
    d.put("Name", "Aggregate");
    d.put("ElementsCount", elements.len());
    d.put("Elements@odata.count", elements.len());
    d.array("Elements", |d| elements.iter().for_each(|element| d.item_link(&[&element.uri()])));
}

/// The number in the URI of an aggregate.
fn number(cx: &ServiceCx<'_>) -> u32 {
    cx.ids.first().and_then(|id| id.parse().ok()).unwrap_or_default()
}

/// The types of reset that a resource of one of the models takes.
fn reset_types(cx: &ServiceCx<'_>) -> Vec<ResetType> {
    let takes = |kind: &&ResetType| {
        cx.models.iter().any(|model| {
            let all = [&model.reset_types, &model.manager.reset_types, &model.chassis.reset_types];
            all.iter().any(|types| types.contains(kind))
        })
    };
    ResetType::ALL.iter().filter(takes).copied().collect()
}

/// The links of a parameter, of which there is at least one.
fn named(body: &mut Body, key: &'static str, action: &'static str) -> Option<Named> {
    let uris = body.required_links(key, Aggregates::MAX_ELEMENTS)?;
    Some(Named { uris, key, action: Some(action) })
}

fn reset(cx: &ServiceCx<'_>, body: &mut Body, on: Option<On>) -> Result<Option<ServiceChange>, Problem> {
    body.require("ResetType");
    let kind = body.word("ResetType", ResetType::parse, &reset_types(cx));
    let most = i64::try_from(Aggregates::MAX_ELEMENTS).unwrap_or(i64::MAX);
    let mut number = |key, most| {
        body.number(key, 0, most).and_then(|number| u32::try_from(number).ok()).unwrap_or_default()
    };
    let batch = number("BatchSize", most);
    let delay_s = number("DelayBetweenBatchesInSeconds", Aggregates::MAX_DELAY_S);
    let act = |(on, kind)| Act { on, doing: Doing::Reset(kind), batch, delay_s, payload: None };
    Ok(on.zip(kind).map(act).map(Asking::Act).map(ServiceChange::Aggregates))
}

fn set_default_boot_order(on: On) -> ServiceChange {
    let doing = Doing::SetDefaultBootOrder;
    ServiceChange::Aggregates(Asking::Act(Act { on, doing, batch: 0, delay_s: 0, payload: None }))
}
