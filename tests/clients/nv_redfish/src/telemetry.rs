//! Metrics and metric reports.

use nv_redfish::core::ModificationResponse;
use nv_redfish::schema::metric_report_definition::MetricCreate;
use nv_redfish::schema::schedule::ScheduleUpdate;
use nv_redfish::telemetry_service::{
    MetricReport, MetricReportDefinitionCreate, MetricReportDefinitionType, MetricReportDefinitionUpdate,
    TelemetryService,
};

use crate::{Bmc, Result, Target, check, done, first, holds, same, some};

pub async fn check_all(target: &Target) {
    check("ServiceRoot::telemetry_service TelemetryService::raw", async {
        let service = service(target).await?.raw();
        same(service.service_enabled.flatten(), Some(true))?;
        holds(service.min_collection_interval.flatten().is_some(), "the service has a shortest interval")
    })
    .await;
    check("TelemetryService::metric_definitions MetricDefinition::raw", async {
        let metrics = some(service(target).await?.metric_definitions().await?, "MetricDefinitions")?;
        let lists = metrics.iter().map(|metric| metric.raw().metric_properties.clone().flatten());
        holds(lists.flatten().any(|all| !all.is_empty()), "a metric has values")
    })
    .await;
    check("TelemetryService::metric_report_definitions MetricReportDefinition::raw", async {
        let all = some(service(target).await?.metric_report_definitions().await?, "MetricReportDefinitions")?;
        for definition in &all {
            holds(definition.raw().metrics.is_some(), "a definition has metrics")?;
        }
        holds(!all.is_empty(), "the model has definitions")
    })
    .await;
    check(
        "TelemetryService::create_metric_report_definition MetricReportDefinition::update \
           TelemetryService::metric_report_links MetricReport::raw MetricReportDefinition::delete",
        async { define(target).await },
    )
    .await;
}

/// Defines a report, reads it, and deletes the definition.
async fn define(target: &Target) -> Result {
    let service = service(target).await?;
    let metric = first(some(service.metric_definitions().await?, "MetricDefinitions")?, "a metric")?.raw();
    let properties = some(metric.metric_properties.clone().flatten(), "MetricProperties")?;
    let metrics = vec![MetricCreate::builder().with_metric_properties(properties.clone()).build()];
    let create = MetricReportDefinitionCreate::builder()
        .with_id("ForNvRedfish".into())
        .with_metric_report_definition_type(MetricReportDefinitionType::OnRequest)
        .with_metrics(metrics)
        .build();
    let answer = service.create_metric_report_definition(&create).await?;
    let ModificationResponse::Entity(definition) = answer else {
        return Err("the answer is no definition".into());
    };
    let mut reports = Vec::new();
    for link in some(service.metric_report_links().await?, "MetricReports")? {
        reports.push(link.upgrade::<MetricReport<Bmc>>().await?.raw());
    }
    let mine = some(reports.iter().find(|report| report.id.ends_with("ForNvRedfish")), "the report")?;
    same(mine.metric_values.as_ref().map(Vec::len), Some(properties.len()))?;

    let schedule = ScheduleUpdate::builder().with_recurrence_interval("PT60S".parse()?).build();
    let update = MetricReportDefinitionUpdate::builder()
        .with_metric_report_definition_type(MetricReportDefinitionType::Periodic)
        .with_schedule(schedule)
        .build();
    done(definition.update(&update).await?)?;
    let all = some(service.metric_report_definitions().await?, "MetricReportDefinitions")?;
    let mine = all.into_iter().find(|one| one.raw().id.ends_with("ForNvRedfish"));
    let mine = some(mine, "the definition")?;
    same(
        mine.raw().metric_report_definition_type.clone().flatten(),
        Some(MetricReportDefinitionType::Periodic),
    )?;
    done(mine.delete().await?)?;
    let left = some(service.metric_report_definitions().await?, "MetricReportDefinitions")?;
    holds(!left.iter().any(|one| one.raw().id.ends_with("ForNvRedfish")), "the definition is deleted")
}

async fn service(target: &Target) -> Result<TelemetryService<Bmc>> {
    some(target.root().await?.telemetry_service().await?, "TelemetryService")
}
