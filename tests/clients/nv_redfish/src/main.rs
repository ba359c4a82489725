//! Calls the methods of the crate nv-redfish, and prints a line for each call: the names of the methods, a tab, and `ok` or
//! the problem. `calls/nv_redfish.py` reads them.

mod events;
mod services;
mod systems;
mod telemetry;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use nv_redfish::ServiceRoot;
use nv_redfish::bmc_http::reqwest::Client;
use nv_redfish::bmc_http::{BmcCredentials, CacheSettings, HttpBmc};
use nv_redfish::chassis::Chassis;
use nv_redfish::computer_system::ComputerSystem;
use nv_redfish::core::ModificationResponse;
use nv_redfish::manager::Manager;
use nv_redfish::update_service::UpdateService;

pub type Bmc = HttpBmc<Client>;
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const STEP: Duration = Duration::from_millis(50);
const STEPS_MAX: u32 = 400;

/// The BMC under test and the facts about it.
pub struct Target {
    pub bmc: Arc<Bmc>,
    pub user: String,
    pub password: String,
    /// The name of a BIOS setting that is `Enabled` or `Disabled`.
    pub attribute: String,
    /// The URI of an image of firmware, and of the component that it is for.
    pub firmware: String,
    pub software: String,
}

impl Target {
    pub async fn root(&self) -> Result<ServiceRoot<Bmc>> {
        Ok(ServiceRoot::new(self.bmc.clone()).await?)
    }

    pub async fn system(&self) -> Result<ComputerSystem<Bmc>> {
        first(some(self.root().await?.systems().await?, "Systems")?.members().await?, "a system")
    }

    pub async fn chassis(&self) -> Result<Chassis<Bmc>> {
        first(some(self.root().await?.chassis().await?, "Chassis")?.members().await?, "a chassis")
    }

    pub async fn manager(&self) -> Result<Manager<Bmc>> {
        first(some(self.root().await?.managers().await?, "Managers")?.members().await?, "a manager")
    }

    pub async fn updates(&self) -> Result<UpdateService<Bmc>> {
        some(self.root().await?.update_service().await?, "UpdateService")
    }
}

/// Prints the result of a call.
pub async fn check(names: &str, call: impl Future<Output = Result>) {
    match call.await {
        Ok(()) => println!("{names}\tok"),
        Err(problem) => println!("{names}\t{}", problem.to_string().replace(['\n', '\t'], " ")),
    }
}

pub fn some<T>(found: Option<T>, what: &str) -> Result<T> {
    found.ok_or_else(|| format!("no {what}").into())
}

pub fn first<T>(found: Vec<T>, what: &str) -> Result<T> {
    some(found.into_iter().next(), what)
}

pub fn same<T: PartialEq + Debug>(found: T, wanted: T) -> Result {
    if found == wanted { Ok(()) } else { Err(format!("{found:?}, and not {wanted:?}").into()) }
}

pub fn holds(condition: bool, what: &str) -> Result {
    if condition { Ok(()) } else { Err(format!("it does not hold that {what}").into()) }
}

/// Whether a change is complete, and not a task that goes on.
pub fn done<T>(answer: ModificationResponse<T>) -> Result {
    holds(!matches!(answer, ModificationResponse::Task(_)), "the change is complete with the answer")
}

/// Waits until `condition` holds.
pub async fn until(what: &str, condition: impl AsyncFn() -> Result<bool>) -> Result {
    for _ in 0..STEPS_MAX {
        if condition().await? {
            return Ok(());
        }
        tokio::time::sleep(STEP).await;
    }
    Err(format!("{what}: not after {:?}", STEP * STEPS_MAX).into())
}

/// An HTTP client that verifies the certificate of the BMC.
fn client(ca: &str) -> Result<Client> {
    let ca = reqwest::Certificate::from_pem(&std::fs::read(ca)?)?;
    let redirects = reqwest::redirect::Policy::none();
    let client = reqwest::Client::builder()
        .tls_built_in_root_certs(false)
        .add_root_certificate(ca)
        .redirect(redirects)
        .no_proxy()
        .build()?;
    Ok(Client::with_client(client))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, ca, user, password, attribute, firmware, software] = arguments.as_slice() else {
        return Err("URL CA USER PASSWORD ATTRIBUTE FIRMWARE SOFTWARE are needed".into());
    };
    let credentials = BmcCredentials::new(user.clone(), password.clone());
    let bmc = Arc::new(HttpBmc::new(client(ca)?, url.parse()?, credentials, CacheSettings::default()));
    let target = Target {
        bmc,
        user: user.clone(),
        password: password.clone(),
        attribute: attribute.clone(),
        firmware: firmware.clone(),
        software: software.clone(),
    };
    events::check_all(&target).await;
    telemetry::check_all(&target).await;
    services::check_all(&target).await;
    systems::check_all(&target).await;
    events::check_delete(&target).await;
    services::check_reset(&target).await;
    Ok(())
}
