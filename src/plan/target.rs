//! What a run drives.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::http_url::HttpUrl;
use crate::fault::Period;

/// What the run drives: a control plane, or the BMCs themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    Ironic(IronicTarget),
    Redfish(RedfishTarget),
}

impl Target {
    /// The name of the kind, for reports.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Ironic(_) => "ironic",
            Self::Redfish(_) => "redfish",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        let urls: Vec<_> = match self {
            Self::Ironic(ironic) => ironic.url.0.iter().collect(),
            Self::Redfish(redfish) => redfish.url.iter().collect(),
        };
        urls.into_iter().try_for_each(|url| write!(f, " {url}"))
    }
}

/// One or several APIs of an Ironic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IronicTarget {
    /// URL of the API, such as `http://127.0.0.1:6385`. A list of URLs shares the items among several APIs. Without it, the
    /// service catalogue of Keystone has it.
    #[serde(default, skip_serializing_if = "Urls::is_empty")]
    #[schema(value_type = Option<UrlsSchema>)]
    pub url: Urls,
    /// API version of the requests, such as `1.109`; `latest` by default.
    #[serde(default = "latest")]
    pub microversion: String,
    /// PEM file with the CA of the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub ca: Option<PathBuf>,
    /// Whether any certificate of the API is accepted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// How the run logs in; `none` by default.
    #[serde(default)]
    pub auth: Login,
    /// Time between two lists of all nodes, which are the only requests that wait for states. `1s` by default.
    #[serde(default = "default_poll")]
    #[schema(value_type = String, example = "1s")]
    pub poll: Period,
    /// The most requests at the same time that ask for changes; 64 by default.
    #[serde(default = "default_requests")]
    pub requests: u32,
}

/// The BMCs of the fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RedfishTarget {
    /// URL of the BMCs, if they have one in common, such as `http://127.0.0.1:8000`. By default the fleet says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub url: Option<HttpUrl>,
    /// PEM file with the CA of the BMCs. By default that of the run's own fleet; with other fleets, those of the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub ca: Option<PathBuf>,
    /// Whether any certificate of the BMCs is accepted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// How the run logs in to the BMCs; `basic` by default.
    #[serde(default)]
    pub auth: BmcLogin,
    /// Time between two reads of a state that the run waits for. `1s` by default.
    #[serde(default = "default_poll")]
    #[schema(value_type = String, example = "1s")]
    pub poll: Period,
    /// The most requests at the same time; 64 by default.
    #[serde(default = "default_requests")]
    pub requests: u32,
    /// Whether `walked` goes on at a link to a document that the BMC does not have (404, 500 or 501), as sushy-tools has some; by
    /// default it is a failure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_broken_links: bool,
    /// URL of the image for `mediaSwept`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub image: Option<HttpUrl>,
}

/// How the run logs in to the BMCs, with the user and the password of each machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum BmcLogin {
    /// HTTP Basic with each request.
    #[default]
    Basic,
    /// A Redfish session for each service root, which the run deletes at its end.
    Session,
}

/// How the run logs in to Ironic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Login {
    /// Ironic asks for no login (`auth_strategy = noauth`).
    #[default]
    None,
    /// HTTP Basic (`auth_strategy = http_basic`).
    HttpBasic(Basic),
    /// Keystone, with the settings of a cloud in `clouds.yaml`.
    Keystone(Keystone),
}

/// A user and the file with the password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Basic {
    pub username: String,
    /// File whose first line is the password, so that no plan contains it.
    #[schema(value_type = String)]
    pub password_file: PathBuf,
}

/// A cloud in `clouds.yaml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Keystone {
    /// Name of the cloud.
    pub cloud: String,
    /// The file; by default the first that exists of `./clouds.yaml`, `~/.config/openstack/clouds.yaml` and
    /// `/etc/openstack/clouds.yaml`, as for OpenStack's own clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub file: Option<PathBuf>,
}

/// One URL or several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Urls(pub Vec<HttpUrl>);

impl Urls {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Urls {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            all => all.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Urls {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a URL such as http://127.0.0.1:6385, or a list of URLs")]
        enum Written {
            One(String),
            Many(Vec<String>),
        }
        let texts = match Written::deserialize(deserializer)? {
            Written::One(text) => vec![text],
            Written::Many(texts) => texts,
        };
        let urls = texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom));
        Ok(Self(urls.collect::<Result<_, _>>()?))
    }
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of Urls")]
#[serde(untagged)]
pub(super) enum UrlsSchema {
    One(String),
    Many(Vec<String>),
}

fn latest() -> String {
    "latest".to_owned()
}

fn default_poll() -> Period {
    Period::from_ms(1000)
}

fn default_requests() -> u32 {
    64
}
