//! The consoles of a machine and of its BMC, as their documents describe them.

use crate::profile::Profile;
use crate::redfish::doc::Doc;

/// `SerialConsole`, `GraphicalConsole` and `VirtualMediaConfig` of a `ComputerSystem`.
pub(super) fn of_system(profile: &Profile, d: &mut Doc<'_>) {
    let consoles = &profile.consoles;
    let serial = &consoles.serial;
    if serial.on_system && !serial.connect.is_empty() {
        d.object("SerialConsole", |d| {
            d.put("MaxConcurrentSessions", serial.sessions);
            for (name, port) in serial.protocols() {
                d.object(name, |d| {
                    d.put("ServiceEnabled", serial.enabled);
                    d.put("Port", port);
                });
            }
        });
    }
    let graphical = &consoles.graphical;
    if !graphical.connect.is_empty() {
        d.object("GraphicalConsole", |d| {
            d.put("ServiceEnabled", graphical.enabled);
            d.put("MaxConcurrentSessions", graphical.sessions);
            d.put("ConnectTypesSupported", graphical.connect.as_slice());
            d.put("Port", graphical.port);
        });
    }
    if consoles.virtual_media_port > 0 {
        d.object("VirtualMediaConfig", |d| {
            d.put("ServiceEnabled", true);
            d.put("Port", consoles.virtual_media_port);
        });
    }
}

/// `SerialConsole`, `GraphicalConsole` and `CommandShell` of a `Manager`.
pub(super) fn of_manager(profile: &Profile, d: &mut Doc<'_>) {
    let (serial, graphical, shell) =
        (&profile.consoles.serial, &profile.consoles.graphical, &profile.consoles.shell);
    for (key, connect, sessions, enabled) in [
        ("SerialConsole", &serial.connect, serial.sessions, serial.enabled),
        ("GraphicalConsole", &graphical.connect, graphical.sessions, graphical.enabled),
        ("CommandShell", &shell.connect, shell.sessions, shell.enabled),
    ] {
        if !connect.is_empty() {
            d.object(key, |d| {
                d.put("ServiceEnabled", enabled);
                d.put("MaxConcurrentSessions", sessions);
                d.put("ConnectTypesSupported", connect.as_slice());
            });
        }
    }
}
