//! Inserts an image into virtual media, and ejects it.

use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::bmc::{Bmc, Problem};
use super::client::Inserted;
use super::scope::{link, links};
use crate::run::driver::Job;

/// Inserts an image into the first slot that takes it, and ejects it.
///
/// # Errors
/// If no slot takes it, or the BMC does not eject it.
pub(super) async fn sweep(bmc: &mut Bmc<'_>, job: &Job, image: &str) -> Result<(), String> {
    let system = bmc.system().await?;
    let mut refusal = "no slot for virtual media has the actions InsertMedia and EjectMedia".to_owned();
    for collection in collections(bmc, &system).await? {
        let (collection, _) = bmc.get(&collection).await?;
        for slot in links(&collection, "/Members") {
            let (document, _) = bmc.get(slot).await?;
            let target = |action: &str| document["Actions"][action]["target"].as_str();
            let (Some(insert), Some(eject)) =
                (target("#VirtualMedia.InsertMedia"), target("#VirtualMedia.EjectMedia"))
            else {
                continue;
            };
            if document["Inserted"] == true {
                refusal = format!("{slot} has an image already");
                continue;
            }
            let inserted = Inserted {
                machine: Arc::clone(&job.machine),
                item: job.item,
                slot: slot.to_owned(),
                image: image.to_owned(),
                eject: eject.to_owned(),
            };
            // From here on the image can be there, so that the cleanup looks for it.
            bmc.client.inserted.insert(Arc::clone(&job.name), inserted.clone());
            match ask(bmc, insert, image).await {
                Ok(()) => {
                    wait(bmc, slot, true).await?;
                    eject_from(bmc, &inserted).await?;
                    bmc.client.inserted.remove(&job.name);
                    return Ok(());
                }
                Err(problem) if is_refusal(&problem) => {
                    bmc.client.inserted.remove(&job.name);
                    refusal = problem.to_string();
                }
                Err(problem) => return Err(problem.into()),
            }
        }
    }
    Err(refusal)
}

/// Ejects an image that an operation has left behind.
///
/// # Errors
/// If the slot cannot be read, or the BMC does not eject it.
pub(super) async fn eject(bmc: &mut Bmc<'_>, inserted: &Inserted) -> Result<(), String> {
    let (slot, _) = bmc.get(&inserted.slot).await?;
    // Another client can have its own image in the slot by now.
    let is_ours =
        slot["Inserted"] == true && slot["Image"].as_str().is_none_or(|image| image == inserted.image);
    if is_ours { Ok(eject_from(bmc, inserted).await?) } else { Ok(()) }
}

async fn eject_from(bmc: &mut Bmc<'_>, inserted: &Inserted) -> Result<(), Problem> {
    bmc.post(&inserted.eject, &json!({})).await?;
    wait(bmc, &inserted.slot, false).await
}

/// The collections of slots: below the system, or else below its managers, where older BMCs have them.
async fn collections(bmc: &mut Bmc<'_>, system: &Value) -> Result<Vec<String>, Problem> {
    let mut all: Vec<_> = link(system, "/VirtualMedia").map(str::to_owned).into_iter().collect();
    if all.is_empty() {
        for manager in links(system, "/Links/ManagedBy") {
            let (manager, _) = bmc.get(manager).await?;
            all.extend(link(&manager, "/VirtualMedia").map(str::to_owned));
        }
    }
    Ok(all)
}

async fn ask(bmc: &mut Bmc<'_>, insert: &str, image: &str) -> Result<(), Problem> {
    let whole = json!({"Image": image, "Inserted": true, "WriteProtected": true});
    match bmc.post(insert, &whole).await {
        // Some BMCs know no parameter but the image.
        Err(problem) if problem.status() == Some(StatusCode::BAD_REQUEST) => {
            bmc.post(insert, &json!({"Image": image})).await
        }
        outcome => outcome,
    }
}

/// Whether the slot does not take the image, and another one might.
fn is_refusal(problem: &Problem) -> bool {
    let is_login = matches!(problem.status(), Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN));
    problem.status().is_some_and(|status| status.is_client_error()) && !is_login
}

async fn wait(bmc: &mut Bmc<'_>, slot: &str, inserted: bool) -> Result<(), Problem> {
    let waits_for = format!("Inserted {inserted} of {slot}");
    bmc.until(slot, &waits_for, |_, slot| slot["Inserted"] == inserted).await
}
