//! Lives in which the hardware changes: firmware is updated.

use fauxmetal::node::effect::{Answer, Bootable, EffectKind};
use fauxmetal::note::Note;
use serde_json::json;

use super::lives::{ID, Life};

/// Firmware of the machine and of its BMC is updated; the image of another component cannot be read.
pub(super) fn firmware(life: &mut Life) {
    let all = life.get("/redfish/v1/UpdateService/FirmwareInventory");
    let other = all["Members"][2]["@odata.id"].as_str().unwrap().to_owned();
    update(life, "{system}/Bios", "bios-9.1.0.bin");
    life.moment("fetching the image of the BIOS");
    fetched(life, Ok(()));
    life.moment("update of the BIOS staged");
    update(life, "{manager}", "bmc-9.2.0.bin");
    fetched(life, Ok(()));
    update(life, &other, "other-9.3.0.bin");
    fetched(life, Err("404 Not \"Found\"".into()));
    life.moment("update of the BMC staged, other image not readable");
    life.post("{manager}/Actions/Manager.Reset", json!({}));
    // It answers for a while before it restarts.
    life.jump();
    life.jump();
    life.moment("BMC updated");
    life.reset("On");
    life.boot_read(Ok(Bootable::Live));
    life.moment("BIOS updated");
}

fn update(life: &mut Life, target: &str, image: &str) {
    let target = life.path(target);
    life.post(
        "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate",
        json!({"ImageURI": format!("http://images.example/{image}"), "Targets": [target]}),
    );
}

/// Goes to the next outgoing call, which fetches an image, and answers it.
fn fetched(life: &mut Life, result: Result<(), Note>) {
    let EffectKind::FetchFirmware { component, update } = life.call_out() else { panic!("another call") };
    life.redfish.fleet.answer(ID, Answer::FirmwareFetched { component, update, result });
}
