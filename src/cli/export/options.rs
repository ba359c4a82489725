//! What the user adds to every exported node: fields for Ironic; labels, image and hints for Metal3.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::selection::label::{is_dns_label, is_key, is_value, not_a_key, not_a_value};

/// The additions of all formats.
pub(super) struct Additions {
    pub(super) fields: Vec<Field>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) image: Option<Image>,
    pub(super) user_data: Option<UserData>,
    /// Number of hosts in each namespace; `None`: all hosts are in one.
    pub(super) namespace_per: Option<u32>,
    pub(super) root_device_hints: Map<String, Value>,
    pub(super) online: bool,
}

impl Default for Additions {
    fn default() -> Self {
        Self {
            fields: Vec::new(),
            labels: BTreeMap::new(),
            image: None,
            user_data: None,
            namespace_per: None,
            root_device_hints: Map::new(),
            online: true,
        }
    }
}

/// `--set PATH=VALUE`: a field of a node in Ironic.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    path: Vec<String>,
    value: Value,
}

/// The fields that differ from node to node.
const OWN_FIELDS: &[&str] =
    &["uuid", "name", "ports", "driver_info.redfish_address", "driver_info.redfish_system_id"];

impl Field {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (path, value) = text.split_once('=').unwrap_or((text, ""));
        let parts: Vec<_> = path.split('.').map(str::to_owned).collect();
        if !text.contains('=') || parts.iter().any(String::is_empty) {
            return Err(format!(
                "'{text}' is not PATH=VALUE, such as resource_class=baremetal or driver_info.deploy_kernel=URL"
            ));
        }
        if OWN_FIELDS.iter().any(|own| *own == path || own.starts_with(&format!("{path}."))) {
            return Err(format!("'{path}' differs from node to node, so it cannot be set"));
        }
        // A text that is not JSON stands for itself. `"1"` in quotes is a text, 1 is a number.
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        Ok(Self { path: parts, value })
    }

    /// Sets the field in a node. An object on the way is created.
    ///
    /// # Errors
    /// If a part of the path is a value and not an object.
    pub(super) fn put(&self, node: &mut Value) -> Result<(), String> {
        let mut at = node;
        for (depth, part) in self.path.iter().enumerate() {
            let Value::Object(object) = at else {
                let path = self.path[..depth].join(".");
                return Err(format!("--set {}: {path} is {at} and has no fields", self.path.join(".")));
            };
            at = object.entry(part.clone()).or_insert_with(|| Value::Object(Map::new()));
        }
        *at = self.value.clone();
        Ok(())
    }
}

/// `spec.image` of a BareMetalHost (`Image` in baremetal-operator, `apis/metal3.io/v1alpha1/baremetalhost_types.go`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Image {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<String>,
}

/// The longest name of a Secret with user data.
const MAX_SECRET_NAME: usize = 63;

/// The formats that the operator accepts.
const IMAGE_FORMATS: &[&str] = &["raw", "qcow2", "vdi", "vmdk", "live-iso"];

impl Image {
    /// Parses `--image`: a URL, or `url=…,checksum=…,format=…`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut image = Self { url: String::new(), checksum: None, checksum_type: None, format: None };
        for part in text.split(',') {
            match part.split_once('=') {
                Some(("url", url)) => url.clone_into(&mut image.url),
                Some(("checksum", checksum)) => {
                    image.checksum = Some(checksum.to_owned());
                    // Without a type the operator assumes MD5.
                    image.checksum_type = Some("auto");
                }
                Some(("format", format)) if IMAGE_FORMATS.contains(&format) => {
                    image.format = Some(format.to_owned());
                }
                Some(("format", format)) => {
                    let allowed = IMAGE_FORMATS.join(", ");
                    return Err(format!("'{format}' is not an image format; allowed are {allowed}"));
                }
                _ => {
                    return Err(format!(
                        "'{part}' is not url=URL, checksum=CHECKSUM or format=FORMAT, which are separated by commas"
                    ));
                }
            }
        }
        if !image.url.starts_with("http://") && !image.url.starts_with("https://") {
            return Err(format!(
                "'{}' is not the URL of an image; write url=http://… or url=https://…",
                image.url
            ));
        }
        if image.checksum.is_none() && image.format.as_deref() != Some("live-iso") {
            return Err("the checksum is missing; add checksum=CHECKSUM, or format=live-iso, which has none"
                .to_owned());
        }
        Ok(image)
    }
}

/// `spec.userData` of a BareMetalHost, a `corev1.SecretReference`, and the content of the Secret if it is to be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UserData {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) content: Option<String>,
}

/// The longest user data, in bytes. A Secret has at most 1 MiB.
const MAX_USER_DATA: u64 = 1 << 20;

impl UserData {
    /// Parses `--user-data`, and reads its file.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (place, file) = match text.split_once('=') {
            Some((place, file)) => (place, Some(file)),
            None => (text, None),
        };
        let (namespace, name) = match place.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, place),
        };
        for (part, most) in [(Some(name), MAX_SECRET_NAME), (namespace, 63)] {
            if let Some(part) = part.filter(|part| !is_dns_label(part, most)) {
                return Err(format!("'{part}' is not a DNS label (RFC 1123); write a-z, 0-9 and -"));
            }
        }
        let read = |file: &str| {
            let bytes = crate::file::read(std::path::Path::new(file), MAX_USER_DATA)
                .map_err(|error| format!("cannot read {file}: {error}"))?;
            String::from_utf8(bytes).map_err(|_| format!("{file} is not UTF-8"))
        };
        let content = file.map(read).transpose()?;
        Ok(Self { name: name.to_owned(), namespace: namespace.map(str::to_owned), content })
    }
}

/// Parses `--label KEY=VALUE` by the rules of Kubernetes for labels.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("'{text}' is not KEY=VALUE"))?;
    if !is_key(key) {
        return Err(not_a_key(key));
    }
    if !is_value(value) {
        return Err(not_a_value(value));
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// The kind of value that a hint has.
#[derive(Clone, Copy)]
enum Hint {
    Text,
    Number,
    Boolean,
}

/// `RootDeviceHints` of the operator, in the same file as `Image`.
const HINTS: &[(&str, Hint)] = &[
    ("deviceName", Hint::Text),
    ("hctl", Hint::Text),
    ("model", Hint::Text),
    ("vendor", Hint::Text),
    ("serialNumber", Hint::Text),
    ("minSizeGigabytes", Hint::Number),
    ("wwn", Hint::Text),
    ("wwnWithExtension", Hint::Text),
    ("wwnVendorExtension", Hint::Text),
    ("rotational", Hint::Boolean),
];

/// Parses `--root-device-hint`, a hint for the disk to deploy to.
pub(super) fn hint(text: &str) -> Result<(String, Value), String> {
    let names = || HINTS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let (name, value) = text.split_once('=').ok_or_else(|| format!("'{text}' is not NAME=VALUE"))?;
    let (_, kind) = HINTS
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| format!("'{name}' is not a hint; allowed are {}", names()))?;
    let wrong = |wanted: &str| format!("{name}: '{value}' is not {wanted}");
    let value = match kind {
        Hint::Text if value.is_empty() => return Err(wrong("a value; write at least one character")),
        Hint::Text => value.into(),
        Hint::Number => value.parse::<u32>().map_err(|_| wrong("a whole number"))?.into(),
        Hint::Boolean => value.parse::<bool>().map_err(|_| wrong("true or false"))?.into(),
    };
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_set_below_its_path_as_json_or_as_text() {
        let mut node = json!({"driver": "redfish", "driver_info": {"redfish_address": "a"}});
        for text in [
            "resource_class=baremetal",
            "driver_info.deploy_kernel=http://h/k?a=b",
            "properties.cpus=4",
            "extra.note=\"4\"",
            "automated_clean=false",
        ] {
            Field::parse(text).unwrap().put(&mut node).unwrap();
        }
        let info = json!({"redfish_address": "a", "deploy_kernel": "http://h/k?a=b"});
        let wanted = json!({"driver": "redfish", "driver_info": info, "resource_class": "baremetal",
            "properties": {"cpus": 4}, "extra": {"note": "4"}, "automated_clean": false});
        assert_eq!(node, wanted);
        let error = Field::parse("driver.x=1").unwrap().put(&mut node).unwrap_err();
        assert_eq!(error, "--set driver.x: driver is \"redfish\" and has no fields");
        for own in ["uuid=1", "name=x", "ports=[]", "driver_info={}", "driver_info.redfish_address=x"] {
            assert!(Field::parse(own).unwrap_err().contains("differs from node to node"), "{own}");
        }
        for wrong in ["", "a", "=1", "a..b=1", ".a=1"] {
            assert!(Field::parse(wrong).unwrap_err().contains("is not PATH=VALUE"), "{wrong}");
        }
    }

    #[test]
    fn an_image_has_a_checksum_unless_it_is_a_live_iso() {
        let image = Image::parse("url=http://h/i.qcow2,checksum=http://h/i.sha256,format=qcow2").unwrap();
        let wanted = json!({"url": "http://h/i.qcow2", "checksum": "http://h/i.sha256", "checksumType": "auto",
            "format": "qcow2"});
        assert_eq!(serde_json::to_value(image).unwrap(), wanted);
        let live = Image::parse("url=http://h/i.iso,format=live-iso").unwrap();
        assert_eq!(
            serde_json::to_value(live).unwrap(),
            json!({"url": "http://h/i.iso", "format": "live-iso"})
        );
        for (wrong, said) in [
            ("http://h/i", "'http://h/i' is not url=URL"),
            ("url=http://h/i", "the checksum is missing"),
            ("url=ftp://h/i,checksum=1", "'ftp://h/i' is not the URL of an image"),
            ("url=http://h/i,format=iso", "'iso' is not an image format; allowed are raw, qcow2"),
        ] {
            let error = Image::parse(wrong).unwrap_err();
            assert!(error.starts_with(said), "{error}");
        }
    }

    #[test]
    fn labels_and_hints_are_checked_as_kubernetes_checks_them() {
        let pair = |key: &str, value: &str| Ok((key.to_owned(), value.to_owned()));
        assert_eq!(label("rack=r1"), pair("rack", "r1"));
        assert_eq!(label("metal3.example/pool="), pair("metal3.example/pool", ""));
        for wrong in ["rack", "-a=b", "a b=c", "A..B/x=y", "/x=y", "rack=a b", "rack=-"] {
            assert!(label(wrong).is_err(), "{wrong}");
        }
        assert_eq!(hint("deviceName=/dev/sda"), Ok(("deviceName".into(), json!("/dev/sda"))));
        assert_eq!(hint("minSizeGigabytes=100"), Ok(("minSizeGigabytes".into(), json!(100))));
        assert_eq!(hint("rotational=false"), Ok(("rotational".into(), json!(false))));
        assert_eq!(hint("minSizeGigabytes=x").unwrap_err(), "minSizeGigabytes: 'x' is not a whole number");
        assert!(
            hint("size=1").unwrap_err().starts_with("'size' is not a hint; allowed are deviceName, hctl,")
        );
    }
}
