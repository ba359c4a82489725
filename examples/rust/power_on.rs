//! A test of a Redfish client against simulated servers: it powers a server on, and waits until the server has booted.
//!
//! Copy it into `tests/` of your package, with these lines in `Cargo.toml`:
//!
//! ```toml
//! [dev-dependencies]
//! fauxmetal = { version = "0.1", default-features = false }
//! ureq = { version = "3", features = ["json"] }
//! serde_json = "1"
//! ```

use std::time::Duration;

use fauxmetal::{BootProgress, PowerState, Simulator, System};
use serde_json::{Value, json};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// The code under test. Yours is a client of its own.
fn power_on(client: &ureq::Agent, system: &str, authorization: &str) -> Result<(), ureq::Error> {
    client
        .post(format!("{system}/Actions/ComputerSystem.Reset"))
        .header("Authorization", authorization)
        .send_json(json!({"ResetType": "On"}))?;
    Ok(())
}

#[test]
fn a_server_is_powered_on() -> Result<(), Box<dyn std::error::Error>> {
    // Two servers with real HTTPS listeners. Their time runs 100 times as fast, so a boot takes a second.
    let simulator = Simulator::builder().nodes("generic", 2).speed(100.0).start()?;
    let node = simulator.node(1)?;

    // The client trusts the certificate authority of the simulator, as it trusts the one of a data centre.
    let ca = Certificate::from_pem(simulator.ca_pem().ok_or("BMCs with HTTPS have a CA")?.as_bytes())?;
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[ca])).build();
    let client: ureq::Agent = ureq::Agent::config_builder().tls_config(tls).build().into();
    let bmc = node.bmc_url().ok_or("the simulator listens")?;
    let system = format!("{bmc}{}", node.system_path());

    power_on(&client, &system, simulator.authorization())?;

    // The disks of a new server are empty: the firmware starts, and finds nothing to boot.
    let minute = Duration::from_secs(60);
    let state = node.blocking_wait_until(minute, |state| state.system == System::NothingToBoot)?;
    assert_eq!((state.power, state.boot_progress), (PowerState::On, BootProgress::OsBootStarted));
    assert_eq!(simulator.node(0)?.state().power, PowerState::Off);

    // The BMC says the same.
    let mut answer = client.get(&system).header("Authorization", simulator.authorization()).call()?;
    assert_eq!(answer.body_mut().read_json::<Value>()?["PowerState"], "On");
    Ok(())
}
