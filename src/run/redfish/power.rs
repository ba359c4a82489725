//! Switches a machine off and on.

use serde_json::{Value, json};

use super::bmc::Bmc;

/// The ways to switch off and on, the best one first.
const OFF: [&str; 2] = ["ForceOff", "GracefulShutdown"];
const ON: [&str; 2] = ["On", "ForceOn"];

/// The action of a machine that changes its power.
#[derive(Debug, PartialEq, Eq)]
struct Reset {
    target: String,
    /// The values that the BMC allows. Empty: it does not say.
    allowed: Vec<String>,
}

impl Reset {
    fn of(system: &Value) -> Result<Self, String> {
        let action = &system["Actions"]["#ComputerSystem.Reset"];
        let target = action["target"].as_str().ok_or("the system has no action ComputerSystem.Reset")?;
        let allowed = action["ResetType@Redfish.AllowableValues"].as_array();
        let allowed = allowed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(Self { target: target.to_owned(), allowed })
    }

    fn choose<'w>(&self, ways: &[&'w str]) -> Result<&'w str, String> {
        let allows = |way: &&&str| self.allowed.is_empty() || self.allowed.iter().any(|one| one == **way);
        ways.iter().find(allows).copied().ok_or_else(|| {
            format!(
                "ComputerSystem.Reset allows {}, and none of {}",
                self.allowed.join(", "),
                ways.join(", ")
            )
        })
    }
}

/// Switches a machine off, if it is on, and then on.
///
/// # Errors
/// If the BMC refuses it, or a state cannot be read.
pub(super) async fn cycle(bmc: &mut Bmc<'_>) -> Result<(), String> {
    let system = bmc.system().await?;
    let reset = Reset::of(&system)?;
    let (off, on) = (reset.choose(&OFF)?, reset.choose(&ON)?);
    match bmc.note(&system).as_str() {
        "Off" => {}
        "PoweringOff" => reach(bmc, "Off").await?,
        _ => {
            bmc.post(&reset.target, &json!({"ResetType": off})).await?;
            reach(bmc, "Off").await?;
        }
    }
    bmc.post(&reset.target, &json!({"ResetType": on})).await?;
    reach(bmc, "On").await
}

async fn reach(bmc: &mut Bmc<'_>, state: &'static str) -> Result<(), String> {
    let waits_for = format!("PowerState '{state}'");
    let system = bmc.machine.system.clone();
    Ok(bmc.until(&system, &waits_for, |bmc, system| bmc.note(system) == state).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allowed_way_is_taken() {
        let system = |allowed: Value| {
            json!({"Actions": {"#ComputerSystem.Reset": {
                "target": "/r", "ResetType@Redfish.AllowableValues": allowed,
            }}})
        };
        let ways = |allowed| {
            let reset = Reset::of(&system(allowed))?;
            Ok::<_, String>((reset.choose(&OFF)?, reset.choose(&ON)?))
        };
        assert_eq!(ways(json!(["On", "ForceOff", "GracefulShutdown"])), Ok(("ForceOff", "On")));
        assert_eq!(ways(json!(["ForceOn", "GracefulShutdown"])), Ok(("GracefulShutdown", "ForceOn")));
        assert_eq!(ways(Value::Null), Ok(("ForceOff", "On")), "the BMC does not say");
        assert_eq!(
            ways(json!(["On", "Nmi"])),
            Err("ComputerSystem.Reset allows On, Nmi, and none of ForceOff, GracefulShutdown".to_owned())
        );
        assert!(Reset::of(&json!({})).is_err());
    }
}
