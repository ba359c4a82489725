//! The values of the fields `power`, `state` and `agent`.

/// Values of `power`.
pub const POWER: &[&str] = &["off", "powering-on", "on", "powering-off"];

/// Values of `state`, in the order in which a node passes through them.
pub const STATE: &[&str] = &[
    "off",
    "powering-on",
    "post",
    "booting",
    "no-boot-device",
    "setup",
    "os-running",
    "live-running",
    "agent-running",
    "agent-closed",
    "powering-off",
];

/// Values of `agent`. A machine without a running ramdisk has `none`.
pub const AGENT: &[&str] = &["none", "starting", "inspecting", "looking-up", "serving", "working", "closed"];
