//! What a run sends to Ironic about a node.

use serde_json::{Map, Value, json};

use super::mark::{EXPIRES, MARK};
use crate::plan::Image;
use crate::run::driver::Job;

/// The UUID of a node: it follows from run and name, so that a request for its creation can be repeated.
pub(super) fn uuid(job: &Job) -> String {
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(format!("{}\n{}", job.run, job.name));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// The body that creates a node (`POST /v1/nodes`).
pub(super) fn create(job: &Job, expires: Option<&str>) -> Value {
    let (group, machine) = (&job.group, &job.machine);
    let mut info = json!({
        "redfish_address": machine.address,
        "redfish_system_id": machine.system,
        "redfish_username": machine.username,
        "redfish_password": machine.password,
        "redfish_verify_ca": machine.verify_ca.as_ref().map_or(Value::Bool(false), |path| path.as_str().into()),
    });
    let mut properties = json!({"cpu_arch": "x86_64", "capabilities": "boot_mode:uefi"});
    for (to, from) in [(&mut info, &group.driver_info), (&mut properties, &group.properties)] {
        if let Value::Object(to) = to {
            to.extend(from.clone());
        }
    }
    let mut extra = Map::new();
    extra.insert(MARK.to_owned(), (*job.run).into());
    if let Some(expires) = expires {
        extra.insert(EXPIRES.to_owned(), expires.into());
    }
    if !group.labels.is_empty() {
        extra.insert("labels".to_owned(), json!(group.labels));
    }
    extra.extend(job.values.iter().map(|(name, value)| (name.clone(), value.clone())));
    let mut node = json!({
        "uuid": uuid(job),
        "name": &*job.name,
        "driver": group.driver,
        "driver_info": info,
        "properties": properties,
        "extra": extra,
        // Ironic lists nodes by their description, so a list has the nodes of the run alone.
        "description": description(&job.run),
    });
    let optional = [
        ("resource_class", group.resource_class.clone().map(Value::from)),
        ("conductor_group", group.conductor_group.clone().map(Value::from)),
        ("automated_clean", group.automated_clean.map(Value::from)),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            node[name] = value;
        }
    }
    for (kind, interface) in &group.interfaces {
        node[format!("{kind}_interface")] = interface.as_str().into();
    }
    node
}

/// The description of all nodes of a run.
pub(super) fn description(run: &str) -> String {
    format!("fauxmetal run {run}")
}

/// The members of `instance_info` for a deployment, as a JSON patch.
pub(super) fn instance_info(job: &Job) -> Value {
    let mut info = Map::new();
    if let Some(Image { url, checksum, format }) = &job.group.image {
        info.insert("image_source".to_owned(), url.as_str().into());
        let checksum = checksum.clone().unwrap_or_else(|| format!("{url}.sha256"));
        info.insert("image_checksum".to_owned(), checksum.into());
        if let Some(format) = format {
            info.insert("image_disk_format".to_owned(), format.as_str().into());
        }
    }
    info.extend(job.group.instance_info.clone());
    let add = |(name, value): (String, Value)| json!({"op": "add", "path": format!("/instance_info/{name}"), "value": value});
    Value::Array(info.into_iter().map(add).collect())
}
