//! The operations of a run on BMCs.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use futures_util::StreamExt as _;

use super::bmc::Bmc;
use super::client::{Client, Inserted};
use super::{media, power, session, walk};
use crate::plan::{Group, Operation, RedfishTarget, Repeated, Stage, Until};
use crate::run::driver::{Asked, Driver, Job, Performed};
use crate::run::epoch::now;

/// The longest time for the cleanup of a machine, and for a look at its health.
const PATIENCE: Duration = Duration::from_secs(60);
/// Machines that are cleaned up at the same time.
const CLEANUPS: usize = 64;

/// Drives BMCs directly: power cycles, walks through all documents, virtual media.
pub struct RedfishDriver {
    pub(super) client: Client,
    /// The image for virtual media.
    image: Option<String>,
}

impl RedfishDriver {
    /// A driver for the BMCs of a run. `ca`: the CAs that the machines name ([`Machines::ca`](crate::run::machine::Machines::ca)); those
    /// of the plan come before.
    ///
    /// # Errors
    /// If a certificate cannot be read.
    pub fn new(target: &RedfishTarget, ca: Option<Vec<u8>>) -> anyhow::Result<Self> {
        Ok(Self { client: Client::new(target, ca)?, image: target.image.as_ref().map(ToString::to_string) })
    }

    async fn work(&self, bmc: &mut Bmc<'_>, job: &Job, operation: Operation) -> Result<(), String> {
        match operation {
            Operation::PowerCycle => power::cycle(bmc).await,
            Operation::Walk => walk::walk(bmc).await.map(drop),
            Operation::Media => match &self.image {
                Some(image) => media::sweep(bmc, job, image).await,
                None => Err("target.redfish.image is missing".to_owned()),
            },
            _ => Err(format!("a BMC has no operation '{}'", operation.name())),
        }
    }

    async fn eject(&self, inserted: &Inserted) -> Result<(), String> {
        let deadline = now() + PATIENCE;
        let mut bmc = Bmc::new(&self.client, &inserted.machine, inserted.item, deadline)?;
        tokio::time::timeout_at(deadline, media::eject(&mut bmc, inserted))
            .await
            .unwrap_or_else(|_| Err("the BMC has not ejected the image in time".to_owned()))
    }
}

impl Driver for RedfishDriver {
    fn path(&self, _: &Group, _: Stage, until: Until) -> Vec<Operation> {
        let repeated = until.repeated();
        repeated.map(|Repeated { operation, times }| vec![operation; times as usize]).unwrap_or_default()
    }

    async fn perform(&self, job: &Job, operation: Operation) -> Performed {
        let mut bmc = match Bmc::new(&self.client, &job.machine, job.item, job.deadline) {
            Ok(bmc) => bmc,
            Err(error) => return Performed { error: Some(error), ..Performed::default() },
        };
        let work = tokio::time::timeout_at(job.deadline, self.work(&mut bmc, job, operation)).await;
        let error = match work {
            Ok(outcome) => outcome.err(),
            Err(_) => Some(match bmc.waits_for.as_str() {
                "" => "the time is over".to_owned(),
                waits_for => format!("the time is over; the operation waits for {waits_for}"),
            }),
        };
        Performed {
            error,
            node: Some(job.machine.uuid.clone()),
            endpoint: Some(bmc.name().into()),
            requests: bmc.requests,
            retries: bmc.retries,
            states: bmc.states,
            ..Performed::default()
        }
    }

    async fn delete(&self, job: &Job) -> Result<(), String> {
        let Some((_, inserted)) = self.client.inserted.remove(&job.name) else { return Ok(()) };
        self.eject(&inserted).await
    }

    async fn sweep(&self, _: &str, kept: &HashSet<String>) -> Vec<(String, String)> {
        let all = self.client.inserted.iter().filter(|entry| !kept.contains(&**entry.key()));
        let all: Vec<_> = all.map(|entry| (entry.key().clone(), entry.value().clone())).collect();
        let eject = |(name, inserted): (std::sync::Arc<str>, Inserted)| async move {
            match self.eject(&inserted).await {
                Ok(()) => {
                    self.client.inserted.remove(&name);
                    None
                }
                Err(error) => Some((name.to_string(), error)),
            }
        };
        futures_util::stream::iter(all)
            .map(eject)
            .buffer_unordered(CLEANUPS)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    async fn end(&self) {
        session::end(&self.client).await;
    }

    async fn ailment(&self, job: &Job, _: Stage) -> Option<String> {
        let deadline = now() + PATIENCE;
        let mut bmc = match Bmc::new(&self.client, &job.machine, job.item, deadline) {
            Ok(bmc) => bmc,
            Err(error) => return Some(error),
        };
        match tokio::time::timeout_at(deadline, bmc.system()).await {
            Ok(Ok(system)) => match system["Status"]["Health"].as_str() {
                None | Some("OK") => None,
                Some(health) => {
                    Some(format!("the health of the machine is {}", crate::note::Note::from(health)))
                }
            },
            Ok(Err(problem)) => Some(problem.to_string()),
            Err(_) => Some("the BMC has not answered in time".to_owned()),
        }
    }

    /// A BMC has nothing that all items share, so nothing is done beside the operations.
    async fn attend(&self) {
        std::future::pending::<()>().await;
    }

    fn states(&self) -> BTreeMap<String, u32> {
        let mut states = BTreeMap::new();
        for entry in &self.client.seen {
            *states.entry(entry.value().to_string()).or_default() += 1;
        }
        states
    }

    fn asked(&self) -> Asked {
        self.client.asked()
    }
}
