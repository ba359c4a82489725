//! The consoles of a machine and of its BMC, as documents describe them. No console is served.

use serde::{Deserialize, Serialize};

/// The consoles of a model.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Consoles {
    /// `SerialConsole` of the `Manager` and, with `on_system`, of the `ComputerSystem`.
    pub serial: SerialConsole,
    /// `GraphicalConsole` of `Manager` and `ComputerSystem`.
    pub graphical: GraphicalConsole,
    /// `CommandShell` of the `Manager`.
    pub shell: Shell,
    /// TCP port of the BMC's virtual media (`ComputerSystem.VirtualMediaConfig`).
    pub virtual_media_port: u16,
}

/// The serial console of the host.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SerialConsole {
    /// `ConnectTypesSupported`: `SSH`, `Telnet`, `IPMI`, `Oem`. Without any, the model has no such console.
    pub connect: Vec<String>,
    pub enabled: bool,
    /// The most sessions at one time (`MaxConcurrentSessions`).
    pub sessions: u32,
    pub ssh_port: u16,
    pub telnet_port: u16,
    pub ipmi_port: u16,
    /// Whether the `ComputerSystem` has it, too. OCP's server profile asks there for a property that the schema of the
    /// `ComputerSystem` does not have (`ConnectTypesSupported`), so a model that has it cannot meet that profile.
    pub on_system: bool,
}

/// The screen and keyboard of the host.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct GraphicalConsole {
    /// `ConnectTypesSupported`: `KVMIP`. Without any, the model has no such console.
    pub connect: Vec<String>,
    pub enabled: bool,
    /// The most sessions at one time (`MaxConcurrentSessions`).
    pub sessions: u32,
    pub port: u16,
}

/// The command shell of the BMC.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shell {
    /// `ConnectTypesSupported`: `SSH`, `Telnet`, `IPMI`, `Oem`. Without any, the model has no shell.
    pub connect: Vec<String>,
    pub enabled: bool,
    /// The most sessions at one time (`MaxConcurrentSessions`).
    pub sessions: u32,
}

impl Default for SerialConsole {
    fn default() -> Self {
        let connect = ["SSH", "IPMI"].map(str::to_owned).to_vec();
        Self {
            connect,
            enabled: false,
            sessions: 1,
            ssh_port: 2200,
            telnet_port: 23,
            ipmi_port: 623,
            on_system: false,
        }
    }
}

impl Default for GraphicalConsole {
    fn default() -> Self {
        Self { connect: vec!["KVMIP".to_owned()], enabled: false, sessions: 4, port: 5900 }
    }
}

impl Default for Shell {
    fn default() -> Self {
        Self { connect: vec!["SSH".to_owned()], enabled: false, sessions: 4 }
    }
}

impl SerialConsole {
    /// The protocols of `ComputerSystem.SerialConsole`, each with its port.
    pub fn protocols(&self) -> impl Iterator<Item = (&'static str, u16)> {
        let all = [("SSH", self.ssh_port), ("Telnet", self.telnet_port), ("IPMI", self.ipmi_port)];
        all.into_iter().filter(|(name, _)| self.connect.iter().any(|connect| connect == name))
    }
}

impl Consoles {
    pub(super) fn check(&self) -> Result<(), String> {
        const SHELLS: &[&str] = &["SSH", "Telnet", "IPMI", "Oem"];
        for (key, connect, allowed) in [
            ("serial", &self.serial.connect, SHELLS),
            ("graphical", &self.graphical.connect, &["KVMIP"]),
            ("shell", &self.shell.connect, SHELLS),
        ] {
            if let Some(word) = connect.iter().find(|word| !allowed.contains(&word.as_str())) {
                let allowed = allowed.join(", ");
                return Err(format!("console.{key}.connect: '{word}' is not allowed; choose from {allowed}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_the_schema_are_allowed() {
        let read = |text: &str| toml::from_str::<Consoles>(text).unwrap().check();
        assert!(read("[serial]\nconnect = [\"SSH\", \"Oem\"]\n[graphical]\nconnect = []").is_ok());
        let error = read("[graphical]\nconnect = [\"VNC\"]").unwrap_err();
        assert_eq!(error, "console.graphical.connect: 'VNC' is not allowed; choose from KVMIP");
    }
}
