//! The steps of cleaning, deployment and service: their lists, and the execution of one step.
//!
//! Mirrors `GenericHardwareManager` of `ironic_python_agent/hardware.py` and `execute_*_step` of IPA's extensions.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::command::{Params, Signature, Situation, Stop, done, value};
use super::node_info::NodeInfo;
use super::{image_info, inject, raid, standby, step_lists};
use crate::dmtf::BootMode;
use crate::ipa::{disks, failure, python};
use crate::node::ipa::{CommandEnd, ImageJob, IpaError, Then, Work};
use crate::time::Span;

/// A kind of step, with IPA's words for it.
pub(super) struct Kind {
    /// As in `clean_step` and `clean_version`.
    word: &'static str,
    /// Error class of a step that failed unexpectedly.
    class: &'static str,
    /// Error message of a step that failed unexpectedly.
    message: &'static str,
    list: fn() -> Value,
}

pub(super) static CLEAN: Kind =
    Kind { word: "clean", class: "CleaningError", message: "Clean step failed", list: step_lists::clean };
pub(super) static DEPLOY: Kind = Kind {
    word: "deploy",
    class: "DeploymentError",
    message: "Deploy step failed",
    list: step_lists::deploy,
};
pub(super) static SERVICE: Kind = Kind {
    word: "service",
    class: "ServicingError",
    message: "Service step failed",
    list: step_lists::service,
};

/// The parameters of every command `get_*_steps`.
pub(super) const GET: Signature = Signature { required: &["node", "ports"], optional: &[], open: false };

/// Versions of the hardware managers. Ironic sends them back with every step, and the agent compares them.
pub(in crate::ipa) fn versions() -> Value {
    json!({"generic_hardware_manager": "1.2"})
}

/// The steps of `kind`, by hardware manager.
pub(super) fn list(kind: &Kind, params: &Params<'_>) -> Result<Work, Stop> {
    NodeInfo::of(params).ok_or(Stop::MissingKey("uuid"))?;
    let steps = json!({"GenericHardwareManager": (kind.list)()});
    Ok(done(&json!({format!("{}_steps", kind.word): steps, "hardware_manager_version": versions()})))
}

/// A step to be executed.
struct Call<'a> {
    at: Situation<'a>,
    node: NodeInfo,
    arguments: Params<'a>,
    /// [`Kind::word`], and the JSON text of the step as Ironic sent it.
    echo: (&'static str, &'a RawValue),
}

/// The work of a step.
enum StepWork {
    /// Takes some time, and then has this result.
    Timed(Span, Value, Then),
    Image(Box<ImageJob>),
}

/// Why a step fails.
enum StepError {
    /// With an error class of the hardware manager.
    Known(IpaError),
    /// With any other Python exception: its class and text.
    Unexpected(String),
}

impl From<IpaError> for StepError {
    fn from(error: IpaError) -> Self {
        Self::Known(error)
    }
}

/// A method of the hardware manager that is a step. Each kind of step can execute every method, listed or not.
struct Method {
    name: &'static str,
    signature: Signature,
    run: fn(&Call<'_>) -> Result<StepWork, StepError>,
}

const fn plain(name: &'static str, run: fn(&Call<'_>) -> Result<StepWork, StepError>) -> Method {
    Method { name, signature: Signature::NONE, run }
}

const METHODS: [Method; 16] = [
    plain("erase_devices", erase_devices),
    plain("erase_devices_metadata", |c| Ok(StepWork::Timed(c.command(), Value::Null, Then::EmptyDisks))),
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
            raid::validate(&config, &c.node, disks::list(c.at.node).len())?;
            create_raid(c, &config)
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
        run: |c| Ok(StepWork::Image(image_info::job(&c.at, &c.node, &c.arguments, Some(c.echo))?)),
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
            let (message, then) = standby::bootc(&c.at, &c.node, &c.arguments, "oci_pull_secret")?;
            let span = c.at.node.timing().bootc_install;
            Ok(StepWork::Timed(span, json!({ "result": message }), then))
        },
    },
];

/// The name of the step that the parameters of a command contain.
pub(super) fn name(params: &Params<'_>) -> Option<Box<str>> {
    let step: Params<'_> = serde_json::from_str(params.get("step")?.get()).ok()?;
    value(&step, "step").as_str().map(Into::into)
}

/// Executes the parameter `step`.
pub(super) fn execute(kind: &'static Kind, at: &Situation<'_>, params: &Params<'_>) -> Result<Work, Stop> {
    let node = NodeInfo::of(params).ok_or(Stop::MissingKey("uuid"))?;
    check_version(kind, params)?;
    let Some(raw) = params.get("step").copied() else { return Err(Stop::MissingKey("step")) };
    // A step can have megabytes of arguments, so only its parts are read.
    let step: Params<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    let name = step.get("step").map(|_| python::str(&value(&step, "step")));
    let Some(name) = name else {
        let (word, step) = (kind.word, python::repr(&serde_json::from_str(raw.get()).unwrap_or(Value::Null)));
        return Err(failure::execution(format!("Malformed {word}_step, no \"step\" key: {step}")).into());
    };
    let method = METHODS.iter().find(|m| m.name == name).ok_or_else(|| failure::no_method(&name))?;
    let call = Call { at: *at, node, arguments: arguments(kind, params, &step), echo: (kind.word, raw) };
    let python_name = format!("GenericHardwareManager.{name}");
    let fits = method.signature.check(&python_name, call.arguments.keys().map(String::as_str));
    let work = fits
        .map_err(|why| StepError::Unexpected(format!("TypeError: {why}")))
        .and_then(|()| (method.run)(&call));
    match work {
        Ok(StepWork::Timed(span, result, then)) => {
            let (word, step) = call.echo;
            let (word, result, step) = (word.into(), result.to_string().into(), step.get().into());
            Ok(Work::Timed(span, CommandEnd::StepSucceeded { word, result, step }, then))
        }
        Ok(StepWork::Image(job)) => Ok(Work::Image(job)),
        Err(StepError::Known(error)) => Err(error.into()),
        Err(StepError::Unexpected(why)) => {
            let details = format!("Unexpected exception performing {} step {name}. {why}", kind.word);
            Err(failure::step(kind.class, kind.message, details).into())
        }
    }
}

fn check_version(kind: &Kind, params: &Params<'_>) -> Result<(), Stop> {
    let theirs = value(params, &format!("{}_version", kind.word));
    if theirs.is_null() || theirs == versions() {
        return Ok(());
    }
    Err(Stop::Mismatch(failure::version_mismatch(&versions(), &theirs)))
}

/// The arguments of the step's method: `args` of the step, and the parameters of the command that are not its own.
fn arguments<'a>(kind: &Kind, params: &Params<'a>, step: &Params<'a>) -> Params<'a> {
    let version = format!("{}_version", kind.word);
    let own = ["step", "node", "ports", version.as_str()];
    let mut all: Params<'a> = params.clone();
    all.retain(|name, _| !own.contains(&name.as_str()));
    let args = step.get("args").and_then(|args| serde_json::from_str::<Params<'a>>(args.get()).ok());
    all.extend(args.unwrap_or_default());
    all
}

impl Call<'_> {
    fn command(&self) -> Span {
        self.at.node.timing().command
    }

    fn nothing(&self, span: Span) -> StepWork {
        StepWork::Timed(span, Value::Null, Then::Nothing)
    }

    /// Time to erase `disks` disks, of which the node's `disk_erasure_concurrency` are erased at once.
    fn erasing(&self, disks: usize) -> Span {
        let at_once = self
            .node
            .driver_internal_info
            .get("disk_erasure_concurrency")
            .and_then(Value::as_u64)
            .unwrap_or(1);
        let rounds = u32::try_from((disks as u64).div_ceil(at_once.max(1))).unwrap_or(1);
        let one = self.at.node.timing().erase_disk;
        let times = |ms: u32| ms.saturating_mul(rounds).min(Span::MAX_MS);
        Span::ms(times(one.min_ms), times(one.max_ms))
    }
}

fn erase_devices(call: &Call<'_>) -> Result<StepWork, StepError> {
    let disks = disks::list(call.at.node);
    let results = disks.iter().map(|d| (d.name.clone(), Value::Null)).collect();
    Ok(StepWork::Timed(call.erasing(disks.len()), Value::Object(results), Then::EmptyDisks))
}

/// Erases NVMe disks completely, and the metadata of other disks.
fn erase_devices_express(call: &Call<'_>) -> Result<StepWork, StepError> {
    let nvme = call.at.node.agent_disks().iter().filter(|disk| disk.drive.is_nvme()).count();
    let span = if nvme == 0 { call.command() } else { call.erasing(nvme) };
    Ok(StepWork::Timed(span, Value::Null, Then::EmptyDisks))
}

fn clean_uefi_nvram(call: &Call<'_>) -> Result<StepWork, StepError> {
    let patterns = value(&call.arguments, "match_patterns");
    let texts = patterns.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    if !patterns.is_null() && !texts {
        let given = python::repr(&patterns);
        return Err(failure::params(format!("The match_patterns must be a list of strings: {given}")).into());
    }
    if call.at.node.boot().mode == BootMode::Legacy {
        let why = "ProcessExecutionError: EFI variables are not supported on this system.";
        return Err(StepError::Unexpected(why.to_owned()));
    }
    Ok(call.nothing(call.command()))
}

fn create_configuration(call: &Call<'_>) -> Result<StepWork, StepError> {
    let config = &call.node.target_raid_config;
    if !python::truthy(config) {
        return Ok(StepWork::Timed(call.command(), json!({}), Then::Nothing));
    }
    create_raid(call, config)
}

/// The generic hardware manager creates software RAID only. It reports nothing about other RAID.
fn create_raid(call: &Call<'_>, config: &Value) -> Result<StepWork, StepError> {
    let disks = disks::list(call.at.node);
    if !raid::is_software(config) {
        return Ok(StepWork::Timed(call.command(), json!({}), Then::Nothing));
    }
    raid::validate(config, &call.node, disks.len())?;
    raid::check_disks(config, &disks)?;
    Ok(StepWork::Timed(call.command(), config.clone(), Then::EmptyDisks))
}

fn burn_in(call: &Call<'_>) -> Result<StepWork, StepError> {
    Ok(call.nothing(call.at.node.timing().burnin))
}
