//! The parameters of `write_image` and `prepare_image`, and the result once the image is on its disk.
//!
//! Mirrors `_validate_image_info`, `ImageDownload` and `prepare_image` of `ironic_python_agent/extensions/standby.py`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::command::{Params, Situation, value};
use super::configdrive;
use super::node_info::NodeInfo;
use crate::dmtf::BootMode;
use crate::ipa::checksum::ChecksumAlgorithm;
use crate::ipa::{failure, python, root_disk};
use crate::node::ipa::{Checksum, ImageJob, IpaError, Partitions, Written};
use crate::seed::Purpose;
use crate::time::SimTime;

/// The most bytes of an image's id, which the result repeats. Ironic's is a UUID or a URL.
const MAX_ID_BYTES: usize = 1024;
/// The most bytes of everything else that an agent keeps of an image. Signed URLs have a few KiB.
const MAX_INFO_BYTES: usize = 64 << 10;

/// Checks the parameters before the command starts.
///
/// # Errors
/// `InvalidCommandParamsError` in IPA's words.
pub(super) fn validate(at: &Situation<'_>, params: &Params<'_>) -> Result<(), IpaError> {
    read(at, params).map(|_| ())
}

fn read(at: &Situation<'_>, params: &Params<'_>) -> Result<Map<String, Value>, IpaError> {
    let info = match value(params, "image_info") {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    for field in ["id", "urls"] {
        if !info.contains_key(field) {
            return Err(failure::params(format!("Image is missing '{field}' field.")));
        }
    }
    let urls = info.get("urls").and_then(Value::as_array);
    if !urls.is_some_and(|u| !u.is_empty() && u.iter().all(Value::is_string)) {
        let text = "Image 'urls' must be a list with at least one element.";
        return Err(failure::params(text.to_owned()));
    }
    let filled = |name: &str| {
        let text = info.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
        text.ok_or_else(|| failure::params(format!("Image '{name}' must be a non-empty string.")))
    };
    let mut available = false;
    if info.get("checksum").is_some_and(|c| !c.is_null()) {
        let checksum = filled("checksum")?;
        // A checksum of 32 digits is MD5, which is valid only if Ironic allows it.
        available = is_url(checksum) || checksum.len() > 32 || at.serving.md5_enabled;
    }
    if ["os_hash_algo", "os_hash_value"].iter().any(|n| info.get(*n).is_some_and(python::truthy)) {
        filled("os_hash_algo")?;
        filled("os_hash_value")?;
        available = true;
    }
    if !available {
        let text = "Image checksum is not available, either the 'checksum' field or the 'os_hash_algo' and \
                    'os_hash_value' fields pair must be set for image verification.";
        return Err(failure::params(text.to_owned()));
    }
    Ok(info)
}

/// The job of writing the image that `params` describe. `echo` is the step that the command executes: kind and JSON
/// text.
///
/// # Errors
/// If IPA would find a mistake before its first request, or in a config drive that is part of `params`.
pub(super) fn job(
    at: &Situation<'_>,
    node: &NodeInfo,
    params: &Params<'_>,
    echo: Option<(&'static str, &RawValue)>,
) -> Result<Box<ImageJob>, IpaError> {
    let info = read(at, params)?;
    let id = info.get("id").map(python::str).unwrap_or_default();
    let device = root_disk::choose(at.node.spec(), &node.properties, &node.instance_info)?;
    let drive = match value(params, "configdrive") {
        Value::Null => info.get("configdrive").cloned().unwrap_or(Value::Null),
        given => given,
    };
    let node_uuid = info.get("node_uuid").and_then(Value::as_str).unwrap_or("local");
    let configdrive_url = drive.as_str().filter(|d| is_url(d)).map(Into::into);
    let has_drive = match (&drive, &configdrive_url) {
        (Value::Null, _) => false,
        (_, Some(_)) => true,
        (given, None) => configdrive::check(python::str(given).as_bytes(), node_uuid)? > 0,
    };
    let text = |name: &str| info.get(name).and_then(Value::as_str);
    let partition_image = text("image_type") == Some("partition");
    let layout = partition_image.then(|| partitions(at, node, &info, &device.name, has_drive)).transpose()?;
    let format = text("disk_format").unwrap_or_default();
    let job = ImageJob {
        urls: info
            .get("urls")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(Into::into)
            .collect(),
        checksum: Some(checksum(at, &info, &id)?),
        stream: format == "raw" && info.get("stream_raw_images").is_some_and(python::truthy),
        format: format.into(),
        credentials: credentials(&info, &id)?,
        authorization: authorization(&info)?,
        proxies: info
            .get("proxies")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(scheme, url)| Some((scheme.as_str().into(), url.as_str()?.into())))
            .collect(),
        no_proxy: text("no_proxy").map(Into::into),
        device: device.name.into(),
        partitions: layout.map(Box::new),
        configdrive_url,
        node_uuid: node_uuid.into(),
        step: echo.map(|(word, step)| (word.into(), step.get().into())),
        id: id.into(),
    };
    check_size(&job)?;
    Ok(Box::new(job))
}

/// Checks the size of what an agent keeps of an image while it writes it, apart from the step.
fn check_size(job: &ImageJob) -> Result<(), IpaError> {
    for (name, text) in [("id", &job.id), ("node_uuid", &job.node_uuid)] {
        if text.len() > MAX_ID_BYTES {
            let bytes = text.len();
            let text = format!("Image '{name}' must have at most {MAX_ID_BYTES} bytes, and has {bytes}.");
            return Err(failure::params(text));
        }
    }
    let bytes = job.text_bytes();
    if bytes > MAX_INFO_BYTES {
        return Err(failure::params(format!(
            "The URLs, the credentials, the checksum and the proxies of an image must have at most {MAX_INFO_BYTES} \
             bytes together, and have {bytes}."
        )));
    }
    Ok(())
}

fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// The expected checksum. The pair of `os_hash_algo` and `os_hash_value` has precedence over `checksum`.
fn checksum(at: &Situation<'_>, info: &Map<String, Value>, id: &str) -> Result<Checksum, IpaError> {
    let text = |name: &str| info.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    let known = text("os_hash_algo").filter(|algo| ChecksumAlgorithm::by_name(algo).is_some());
    if let (Some(algorithm), Some(value)) = (known, text("os_hash_value")) {
        return Ok(Checksum { algorithm: Some(algorithm.into()), value: value.into() });
    }
    let Some(value) = text("checksum") else {
        let algorithm = text("os_hash_algo").unwrap_or("None");
        return Err(failure::unverifiable(format!(
            "Unable to verify image {id} with available checksums. Please make sure the specified 'os_hash_algo' \
             (currently {algorithm}) is supported by this ramdisk, or provide a md5 checksum via the 'checksum' field"
        )));
    };
    if !is_url(value) {
        ChecksumAlgorithm::by_length(value, at.serving.md5_enabled).map_err(|why| {
            failure::unverifiable(format!(
                "Unable to proceed with image {id} as the checksum indicator has been used but the algorithm could not \
                 be identified. Error: {why}"
            ))
        })?;
    }
    Ok(Checksum { algorithm: None, value: value.into() })
}

/// User and password.
type Credentials = Option<(Box<str>, Box<str>)>;

fn credentials(info: &Map<String, Value>, id: &str) -> Result<Credentials, IpaError> {
    let text = |name: &str| info.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    if text("image_server_auth_strategy") != Some("http_basic") {
        return Ok(None);
    }
    match (text("image_server_user"), text("image_server_password")) {
        (Some(user), Some(password)) => Ok(Some((user.into(), password.into()))),
        (user, password) => {
            let missing = [("user", user), ("password", password)];
            let missing: Vec<_> =
                missing.iter().filter(|(_, v)| v.is_none()).map(|(n, _)| json!(n)).collect();
            let missing = python::repr(&Value::Array(missing));
            Err(failure::download(id, &format!("Missing {missing} fields from HTTP(S) basic auth config")))
        }
    }
}

fn authorization(info: &Map<String, Value>) -> Result<Option<Box<str>>, IpaError> {
    let Some(text) =
        info.get("image_request_authorization").and_then(Value::as_str).filter(|t| !t.is_empty())
    else {
        return Ok(None);
    };
    let wrong = || failure::execution("image_request_authorization is not base64 of a text".to_owned());
    let bytes = STANDARD.decode(text).map_err(|_| wrong())?;
    String::from_utf8(bytes).map(|t| Some(t.into())).map_err(|_| wrong())
}

/// The partitions that `partition_utils.work_on_disk` creates, in its order.
fn partitions(
    at: &Situation<'_>,
    node: &NodeInfo,
    info: &Map<String, Value>,
    device: &str,
    has_drive: bool,
) -> Result<Partitions, IpaError> {
    let size = |name: &str| {
        let number = info.get(name).and_then(|v| v.as_u64().or_else(|| v.as_str()?.parse().ok()));
        number.ok_or_else(|| failure::execution(format!("'{name}'")))
    };
    let efi = boot_mode(at, node) == "uefi";
    let gpt = efi || node.capability("disk_label").as_deref() == Some("gpt");
    let (root_mib, swap, ephemeral) = (size("root_mb")?, size("swap_mb")?, size("ephemeral_mb")?);
    let names = [
        ("efi system partition", efi),
        ("BIOS Boot partition", !efi && gpt),
        ("ephemeral", ephemeral > 0),
        ("swap", swap > 0),
        ("configdrive", has_drive),
        ("root", true),
    ];
    let between = if device.ends_with(|c: char| c.is_ascii_digit()) { "p" } else { "" };
    let devices = names.iter().filter(|(_, exists)| *exists).zip(1..);
    let devices =
        devices.map(|((name, _), n)| ((*name).into(), format!("{device}{between}{n}").into())).collect();
    Ok(Partitions {
        devices,
        root_uuid: file_system(at, 0),
        efi_uuid: efi.then(|| file_system(at, 1)),
        root_mib,
    })
}

/// As `utils.get_node_boot_mode`.
fn boot_mode(at: &Situation<'_>, node: &NodeInfo) -> String {
    let ramdisk = if at.node.boot().mode == BootMode::Legacy { "bios" } else { "uefi" };
    if node.capability("secure_boot").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
        return "uefi".to_owned();
    }
    let of = |map: &Map<String, Value>| map.get("deploy_boot_mode").map(python::str);
    let given = of(&node.instance_info)
        .or_else(|| node.capability("boot_mode"))
        .or_else(|| of(&node.driver_internal_info));
    given
        .map(|mode| mode.to_lowercase())
        .filter(|m| m == "uefi" || m == "bios")
        .unwrap_or_else(|| ramdisk.to_owned())
}

/// The UUID of file system `number` that the agent creates for this command.
fn file_system(at: &Situation<'_>, number: u32) -> Box<str> {
    let count = at.serving.commands.taken << 1 | number;
    let half = |n: u32| {
        at.node.spec().seed.hash(at.node.id().0 ^ at.node.starts() << 24, Purpose::FileSystem, count << 1 | n)
    };
    let bits = u128::from(half(0)) << 64 | u128::from(half(1));
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string().into()
}

/// The result of writing `image`, which takes until `earliest_end` at least.
///
/// `disk_identifier` is bytes 440 to 443 of a whole-disk image. IPA uses it as the root UUID
/// (`disk_utils.get_disk_identifier`).
pub fn written(image: &ImageJob, disk_identifier: u32, earliest_end: SimTime) -> Written {
    let (root, efi) = match &image.partitions {
        Some(p) => (p.root_uuid.to_string(), p.efi_uuid.as_deref()),
        None => (format!("0x{disk_identifier:08x}"), None),
    };
    let mut uuids = json!({"root uuid": root});
    if let Some(p) = &image.partitions {
        uuids["efi system partition uuid"] = json!(efi);
        uuids["partitions"] =
            p.devices.iter().map(|(n, d)| (n.to_string(), json!(&**d))).collect::<Map<_, _>>().into();
    }
    let mut text =
        format!("prepare_image: image ({}) written to device {} root_uuid={root}", image.id, image.device);
    if let Some(efi) = efi {
        text += &format!(" efi_system_partition_uuid={efi}");
    }
    let result = json!({"result": text}).to_string();
    Written { result: result.into(), partition_uuids: uuids.to_string().into(), earliest_end }
}
