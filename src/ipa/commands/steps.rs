//! Steps of cleaning, deployment and service: which a generic agent offers, and how one is executed.
//!
//! Mirrors `GenericHardwareManager` of `ironic_python_agent/hardware.py` and `execute_*_step` of its extensions.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{NodeInfo, Params, Signature, Situation, Stop, image_info, inject, raid, standby, value};
use crate::dmtf::BootMode;
use crate::ipa::{disks, failure, python};
use crate::node::ipa::{CommandEnd, ImageJob, IpaError, Then, Work};
use crate::time::Span;

/// What is being done to a node, with the words that IPA has for it.
pub(super) struct Kind {
    /// As in `clean_step` and `clean_version`.
    word: &'static str,
    /// The error of a step that failed unforeseen.
    class: &'static str,
    /// Its message.
    message: &'static str,
    /// The steps on offer.
    list: fn() -> Value,
}

pub(super) static CLEAN: Kind =
    Kind { word: "clean", class: "CleaningError", message: "Clean step failed", list: clean_steps };
pub(super) static DEPLOY: Kind =
    Kind { word: "deploy", class: "DeploymentError", message: "Deploy step failed", list: deploy_steps };
pub(super) static SERVICE: Kind =
    Kind { word: "service", class: "ServicingError", message: "Service step failed", list: service_steps };

/// Parameters of `get_*_steps`.
pub(super) const GET: Signature = Signature { required: &["node", "ports"], optional: &[], open: false };

/// Versions of the hardware managers; Ironic compares them before every step.
pub(in crate::ipa) fn versions() -> Value {
    json!({"generic_hardware_manager": "1.2"})
}

/// The steps on offer, by hardware manager.
pub(super) fn list(kind: &Kind, params: &Params<'_>) -> Result<Work, Stop> {
    NodeInfo::of(params).ok_or(Stop::MissingKey("uuid"))?;
    let steps = json!({"GenericHardwareManager": (kind.list)()});
    Ok(super::done(&json!({format!("{}_steps", kind.word): steps, "hardware_manager_version": versions()})))
}

/// A step with no more to say of it.
fn step(name: &str, priority: u8, interface: &str) -> Value {
    json!({"step": name, "priority": priority, "interface": interface, "reboot_requested": false})
}

fn abortable(name: &str, priority: u8, interface: &str) -> Value {
    with(step(name, priority, interface), "abortable", json!(true))
}

fn with(mut step: Value, key: &str, value: Value) -> Value {
    step[key] = value;
    step
}

fn argument(description: &str, required: bool) -> Value {
    json!({"description": description, "required": required})
}

fn nvram_arguments() -> Value {
    json!({"match_patterns": argument("List of regular expressions; UEFI boot entries that match one are deleted", false)})
}

fn apply_configuration() -> Value {
    let arguments = json!({
        "raid_config": argument("The RAID configuration to apply.", true),
        "delete_existing": argument("Whether existing RAID volumes are deleted first; true by default.", false),
    });
    with(step("apply_configuration", 0, "raid"), "argsinfo", arguments)
}

fn inject_files() -> Value {
    let arguments = json!({
        "files": argument("Files to inject: a list of objects with path, partition, content (base64 or a URL), \
                           deleted, mode, dirmode, owner and group; property inject_files of the node adds to it.", false),
        "verify_ca": argument("Whether to verify TLS certificates; the agent's own setting by default.", false),
    });
    with(step("inject_files", 0, "deploy"), "argsinfo", arguments)
}

fn clean_steps() -> Value {
    json!([
        abortable("erase_devices", 10, "deploy"),
        abortable("erase_devices_metadata", 99, "deploy"),
        abortable("erase_devices_express", 0, "deploy"),
        abortable("erase_pstore", 0, "deploy"),
        with(abortable("clean_uefi_nvram", 0, "deploy"), "argsinfo", nvram_arguments()),
        abortable("delete_configuration", 0, "raid"),
        abortable("create_configuration", 0, "raid"),
        abortable("burnin_cpu", 0, "deploy"),
        abortable("burnin_gpu", 0, "deploy"),
        abortable("burnin_disk", 0, "deploy"),
        abortable("burnin_memory", 0, "deploy"),
        abortable("burnin_network", 0, "deploy"),
    ])
}

fn deploy_steps() -> Value {
    json!([
        step("erase_devices_metadata", 0, "deploy"),
        apply_configuration(),
        with(step("clean_uefi_nvram", 0, "deploy"), "argsinfo", nvram_arguments()),
        step("write_image", 0, "deploy"),
        inject_files(),
        step("execute_bootc_install", 0, "deploy"),
    ])
}

fn service_steps() -> Value {
    json!([
        abortable("delete_configuration", 0, "raid"),
        apply_configuration(),
        abortable("create_configuration", 0, "raid"),
        abortable("burnin_cpu", 0, "deploy"),
        abortable("burnin_gpu", 0, "deploy"),
        abortable("burnin_memory", 0, "deploy"),
        abortable("burnin_network", 0, "deploy"),
        step("write_image", 0, "deploy"),
        inject_files(),
        step("execute_bootc_install", 0, "deploy"),
    ])
}

/// A step that is to be executed.
struct Call<'a> {
    at: Situation<'a>,
    node: NodeInfo,
    arguments: Params<'a>,
    /// The kind's word, and the step as it was received.
    echo: (&'static str, &'a RawValue),
}

/// What a step comes to.
enum Doing {
    /// It takes its time, and has this result.
    Timed(Span, Value, Then),
    /// It streams an image.
    Image(Box<ImageJob>),
}

/// Why a step fails.
enum Fails {
    /// With an error that the hardware manager has a class for.
    Error(IpaError),
    /// In another way, told as class and text of a Python exception.
    Unforeseen(String),
}

impl From<IpaError> for Fails {
    fn from(error: IpaError) -> Self {
        Self::Error(error)
    }
}

/// A method of the hardware manager that is a step. Steps can be executed whatever they are listed for.
struct Method {
    name: &'static str,
    signature: Signature,
    run: fn(&Call<'_>) -> Result<Doing, Fails>,
}

const fn plain(name: &'static str, run: fn(&Call<'_>) -> Result<Doing, Fails>) -> Method {
    Method { name, signature: Signature::NONE, run }
}

const METHODS: [Method; 16] = [
    plain("erase_devices", erase_devices),
    plain("erase_devices_metadata", |c| Ok(Doing::Timed(c.command(), Value::Null, Then::EmptyDisks))),
    plain("erase_devices_express", erase_devices_express),
    plain("erase_pstore", |c| Ok(c.nothing(c.command()))),
    Method {
        name: "clean_uefi_nvram",
        signature: Signature { required: &[], optional: &["match_patterns"], open: false },
        run: clean_uefi_nvram,
    },
    plain("delete_configuration", |c| Ok(c.nothing(c.command()))),
    plain("create_configuration", create_configuration),
    Method {
        name: "apply_configuration",
        signature: Signature { required: &["raid_config"], optional: &["delete_existing"], open: false },
        run: |c| {
            let config = value(&c.arguments, "raid_config");
            raid::validate(&config, &c.node, disks::list(c.at.node.spec()).len())?;
            make_raid(c, &config)
        },
    },
    plain("burnin_cpu", burn_in),
    plain("burnin_gpu", burn_in),
    plain("burnin_disk", burn_in),
    plain("burnin_memory", burn_in),
    plain("burnin_network", burn_in),
    Method {
        name: "write_image",
        signature: Signature { required: &["image_info"], optional: &["configdrive"], open: false },
        run: |c| Ok(Doing::Image(image_info::job(&c.at, &c.node, &c.arguments, Some(c.echo))?)),
    },
    Method {
        name: "inject_files",
        signature: Signature { required: &[], optional: &["files", "verify_ca"], open: false },
        run: |c| {
            inject::check(&c.at, &c.node, &value(&c.arguments, "files"))?;
            Ok(c.nothing(c.command()))
        },
    },
    Method {
        name: "execute_bootc_install",
        signature: Signature {
            required: &["image_source", "configdrive", "oci_pull_secret"],
            optional: &[],
            open: false,
        },
        run: |c| {
            let message = standby::bootc(&c.at, &c.node, &c.arguments, "oci_pull_secret")?;
            Ok(Doing::Timed(
                c.at.node.profile().timing.bootc_install,
                json!({"result": message}),
                Then::Install,
            ))
        },
    },
];

/// Executes parameter `step`.
pub(super) fn execute(kind: &'static Kind, at: &Situation<'_>, params: &Params<'_>) -> Result<Work, Stop> {
    let node = NodeInfo::of(params).ok_or(Stop::MissingKey("uuid"))?;
    check_version(kind, params)?;
    let Some(raw) = params.get("step").copied() else { return Err(Stop::MissingKey("step")) };
    let step: Value = serde_json::from_str(raw.get()).unwrap_or(Value::Null);
    let Some(name) = step.get("step").map(python::str) else {
        let (word, step) = (kind.word, python::repr(&step));
        return Err(failure::execution(format!("Malformed {word}_step, no \"step\" key: {step}")).into());
    };
    let method = METHODS.iter().find(|m| m.name == name).ok_or_else(|| failure::no_method(&name))?;
    let call = Call { at: *at, node, arguments: arguments(kind, params, raw), echo: (kind.word, raw) };
    let python_name = format!("GenericHardwareManager.{name}");
    let fits = method.signature.check(&python_name, call.arguments.keys().map(String::as_str));
    let doing =
        fits.map_err(|why| Fails::Unforeseen(format!("TypeError: {why}"))).and_then(|()| (method.run)(&call));
    match doing {
        Ok(Doing::Timed(span, result, then)) => {
            let result = echoed(call.echo, &result.to_string());
            Ok(Work::Timed(span, CommandEnd::Succeeded(result.into()), then))
        }
        Ok(Doing::Image(job)) => Ok(Work::Image(job)),
        Err(Fails::Error(error)) => Err(error.into()),
        Err(Fails::Unforeseen(why)) => {
            let details = format!("Unexpected exception performing {} step {name}. {why}", kind.word);
            Err(failure::step(kind.class, kind.message, details).into())
        }
    }
}

/// A step's result with the step itself, which Ironic compares with what it waits for.
pub(super) fn echoed((word, step): (&str, &RawValue), result: &str) -> String {
    format!(r#"{{"{word}_result":{result},"{word}_step":{}}}"#, step.get())
}

fn check_version(kind: &Kind, params: &Params<'_>) -> Result<(), Stop> {
    let theirs = value(params, &format!("{}_version", kind.word));
    if theirs.is_null() || theirs == versions() {
        return Ok(());
    }
    Err(Stop::Mismatch(failure::version_mismatch(&versions(), &theirs)))
}

/// All that goes to the step's method: `args` of the step, and parameters of the command beyond its own.
fn arguments<'a>(kind: &Kind, params: &Params<'a>, step: &'a RawValue) -> Params<'a> {
    #[derive(serde::Deserialize)]
    struct Step<'a> {
        #[serde(borrow)]
        args: Option<Params<'a>>,
    }
    let version = format!("{}_version", kind.word);
    let own = ["step", "node", "ports", version.as_str()];
    let mut all: Params<'a> = params.clone();
    all.retain(|name, _| !own.contains(&name.as_str()));
    all.extend(serde_json::from_str::<Step<'a>>(step.get()).ok().and_then(|s| s.args).unwrap_or_default());
    all
}

impl Call<'_> {
    fn command(&self) -> Span {
        self.at.node.profile().timing.command
    }

    fn nothing(&self, span: Span) -> Doing {
        Doing::Timed(span, Value::Null, Then::Nothing)
    }

    /// Time to erase so many disks, as many at once as the node says.
    fn erasing(&self, disks: usize) -> Span {
        let at_once = self
            .node
            .driver_internal_info
            .get("disk_erasure_concurrency")
            .and_then(Value::as_u64)
            .unwrap_or(1);
        let rounds = u32::try_from((disks as u64).div_ceil(at_once.max(1))).unwrap_or(1);
        let one = self.at.node.profile().timing.erase_disk;
        let times = |ms: u32| ms.saturating_mul(rounds).min(Span::MAX_MS);
        Span::ms(times(one.min_ms), times(one.max_ms))
    }
}

fn erase_devices(call: &Call<'_>) -> Result<Doing, Fails> {
    let disks = disks::list(call.at.node.spec());
    let results = disks.iter().map(|d| (d.name.clone(), Value::Null)).collect();
    Ok(Doing::Timed(call.erasing(disks.len()), Value::Object(results), Then::EmptyDisks))
}

/// NVMe disks are erased whole, others lose their metadata only.
fn erase_devices_express(call: &Call<'_>) -> Result<Doing, Fails> {
    let nvme = call.at.node.profile().drives().filter(|(_, _, d)| disks::is_nvme(d)).count();
    let span = if nvme == 0 { call.command() } else { call.erasing(nvme) };
    Ok(Doing::Timed(span, Value::Null, Then::EmptyDisks))
}

fn clean_uefi_nvram(call: &Call<'_>) -> Result<Doing, Fails> {
    let patterns = value(&call.arguments, "match_patterns");
    let texts = patterns.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    if !patterns.is_null() && !texts {
        let given = python::repr(&patterns);
        return Err(failure::params(format!("The match_patterns must be a list of strings: {given}")).into());
    }
    if call.at.node.boot().mode == BootMode::Legacy {
        let why = "ProcessExecutionError: EFI variables are not supported on this system.";
        return Err(Fails::Unforeseen(why.to_owned()));
    }
    Ok(call.nothing(call.command()))
}

fn create_configuration(call: &Call<'_>) -> Result<Doing, Fails> {
    let config = &call.node.target_raid_config;
    if !python::truthy(config) {
        return Ok(Doing::Timed(call.command(), json!({}), Then::Nothing));
    }
    make_raid(call, config)
}

/// A generic agent makes software RAID only, and says nothing of any other.
fn make_raid(call: &Call<'_>, config: &Value) -> Result<Doing, Fails> {
    let disks = disks::list(call.at.node.spec());
    if !raid::is_software(config) {
        return Ok(Doing::Timed(call.command(), json!({}), Then::Nothing));
    }
    raid::validate(config, &call.node, disks.len())?;
    raid::check_disks(config, &disks)?;
    Ok(Doing::Timed(call.command(), config.clone(), Then::EmptyDisks))
}

fn burn_in(call: &Call<'_>) -> Result<Doing, Fails> {
    Ok(call.nothing(call.at.node.profile().timing.burnin))
}
