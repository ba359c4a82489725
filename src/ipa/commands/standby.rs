//! Extension `standby`: writing images, and restarting or powering off the machine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::command::{Command, Mode, Params, Run, Signature, Situation, done, value};
use super::node_info::NodeInfo;
use super::{configdrive, image_info};
use crate::ipa::{failure, python, root_disk};
use crate::node::ipa::{CommandEnd, IpaError, Then, Work};

const fn plain(name: &'static str, method: &'static str, mode: Mode, run: Run) -> Command {
    Command { name, method, mode, signature: Signature::NONE, validate: None, run }
}

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "prepare_image",
        method: "StandbyExtension.prepare_image",
        mode: Mode::Async,
        signature: Signature { required: &["image_info"], optional: &["configdrive"], open: false },
        validate: Some(image_info::validate),
        run: |at, params| Ok(Work::Image(image_info::job(at, &NodeInfo::unknown(), params, None)?)),
    },
    Command {
        name: "execute_bootc_install",
        method: "StandbyExtension.execute_bootc_install",
        mode: Mode::Async,
        signature: Signature {
            required: &["image_source"],
            optional: &["instance_info", "pull_secret", "configdrive"],
            open: false,
        },
        validate: None,
        run: |at, params| {
            let instance_info = value(params, "instance_info").as_object().cloned().unwrap_or_default();
            let node = NodeInfo { instance_info, ..NodeInfo::unknown() };
            let (message, then) = bootc(at, &node, params, "pull_secret")?;
            let result = json!({ "result": message }).to_string();
            let span = at.node.timing().bootc_install;
            Ok(Work::Timed(span, CommandEnd::Succeeded(result.into()), then))
        },
    },
    plain("run_image", "StandbyExtension.run_image", Mode::Async, |_, _| Ok(Work::Reboot)),
    plain("power_off", "StandbyExtension.power_off", Mode::Async, |_, _| Ok(Work::PowerOff)),
    plain("sync", "StandbyExtension.sync", Mode::Sync, |_, _| Ok(done(&Value::Null))),
    plain("get_partition_uuids", "StandbyExtension.get_partition_uuids", Mode::Sync, |at, _| {
        let uuids = at.serving.partition_uuids.as_deref().unwrap_or("{}");
        Ok(Work::Done(CommandEnd::Succeeded(uuids.into())))
    }),
];

/// The result text of `execute_bootc_install`, and the effect on the machine. Nothing is downloaded from the registry.
/// `secret` is the name of the parameter with the pull secret.
///
/// # Errors
/// If a parameter is wrong, or no root disk can be chosen.
pub(super) fn bootc(
    at: &Situation<'_>,
    node: &NodeInfo,
    params: &Params<'_>,
    secret: &str,
) -> Result<(String, Then), IpaError> {
    let source = value(params, "image_source");
    let Some(source) =
        source.as_str().filter(|s| s.split_once("://").is_some_and(|(_, rest)| !rest.is_empty()))
    else {
        let source = python::str(&source);
        return Err(failure::download(
            &source,
            "Failed to pull container image: not a URL of a container image",
        ));
    };
    let device = root_disk::choose(at.node, &node.properties, &node.instance_info)?;
    if let Some(secret) = value(params, secret).as_str().filter(|s| !s.is_empty())
        && STANDARD.decode(secret).is_err()
    {
        return Err(failure::execution("the pull secret is not base64".to_owned()));
    }
    match value(params, "configdrive") {
        Value::String(drive) if drive.starts_with("http://") || drive.starts_with("https://") => {}
        drive if python::truthy(&drive) => {
            configdrive::check(python::str(&drive).as_bytes(), "local")?;
        }
        _ => {}
    }
    let message =
        format!("execute_bootc_install: Container image ({source}) written to device {}", device.name);
    Ok((message, Then::InstallOn(device.number)))
}
