//! Login with Keystone (Identity API v3), by the settings of a cloud in `clouds.yaml`.
//!
//! Two requests do not pay for a crate of their own: the maintained ones bring a second HTTP client, or need a newer Rust.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use http::HeaderValue;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::RwLock;
use url::Url;

use crate::file;
use crate::plan::Keystone as Settings;
use crate::run::http::{Http, HttpProblem, json as document};

/// The longest `clouds.yaml` and certificate, bytes.
const MAX_FILE: u64 = 1 << 20;
/// The longest answer, bytes: a token with its catalogue.
const MAX_ANSWER: usize = 4 << 20;

/// `clouds.yaml`, as far as a login needs it
/// (<https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html>).
#[derive(Deserialize)]
struct Clouds {
    clouds: BTreeMap<String, Cloud>,
}

#[derive(Deserialize)]
struct Cloud {
    #[serde(default)]
    auth: Auth,
    #[serde(default)]
    auth_type: Option<String>,
    #[serde(default)]
    region_name: Option<String>,
    #[serde(default)]
    interface: Option<String>,
    #[serde(default)]
    cacert: Option<PathBuf>,
    #[serde(default)]
    verify: Option<bool>,
    #[serde(default)]
    baremetal_endpoint_override: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth_url: Option<String>,
    username: Option<String>,
    user_id: Option<String>,
    password: Option<String>,
    user_domain_name: Option<String>,
    user_domain_id: Option<String>,
    project_name: Option<String>,
    project_id: Option<String>,
    project_domain_name: Option<String>,
    project_domain_id: Option<String>,
    system_scope: Option<String>,
    application_credential_id: Option<String>,
    application_credential_name: Option<String>,
    application_credential_secret: Option<String>,
}

/// A session with Keystone. The token is renewed when the API refuses it.
pub(super) struct Keystone {
    http: Http,
    tokens: Url,
    /// The body of the request for a token.
    login: Value,
    region: Option<String>,
    interface: String,
    endpoint: Option<String>,
    session: RwLock<Session>,
}

struct Session {
    token: HeaderValue,
    catalog: Vec<Service>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    interface: String,
    #[serde(default)]
    region: Option<String>,
    url: String,
}

impl Keystone {
    /// Reads the settings, and logs in.
    pub(super) async fn new(settings: &Settings, ca: Option<&[u8]>, insecure: bool) -> anyhow::Result<Self> {
        let path = match &settings.file {
            Some(path) => path.clone(),
            None => found().context("there is no clouds.yaml; write target.ironic.auth.keystone.file")?,
        };
        let place = path.display();
        let text = file::read_text(&path, MAX_FILE).with_context(|| format!("cannot read {place}"))?;
        let mut clouds: Clouds =
            serde_saphyr::from_str(&text).with_context(|| format!("{place} cannot be read"))?;
        let names = clouds.clouds.keys().cloned().collect::<Vec<_>>().join(", ");
        let cloud = clouds
            .clouds
            .remove(&settings.cloud)
            .with_context(|| format!("{place} has no cloud '{}'; it has {names}", settings.cloud))?;
        let cloud_ca = match (&cloud.cacert, ca) {
            (Some(path), None) => {
                Some(file::read(path, MAX_FILE).with_context(|| format!("cannot read {}", path.display()))?)
            }
            _ => None,
        };
        let http = Http::new(ca.or(cloud_ca.as_deref()), insecure || cloud.verify == Some(false))?;
        let base =
            cloud.auth.auth_url.as_deref().with_context(|| format!("{place}: the cloud has no auth_url"))?;
        let base = base.trim_end_matches('/');
        // The version can be left out.
        let version = if base.ends_with("/v3") { "" } else { "/v3" };
        let tokens = Url::parse(&format!("{base}{version}/auth/tokens"))
            .with_context(|| format!("{place}: auth_url '{base}' is no URL"))?;
        let login = cloud.login().with_context(|| format!("{place}: cloud '{}'", settings.cloud))?;
        let session =
            RwLock::new(log_in(&http, &tokens, &login).await.context("the login with Keystone has failed")?);
        Ok(Self {
            http,
            tokens,
            login,
            region: cloud.region_name,
            interface: cloud.interface.unwrap_or_else(|| "public".to_owned()),
            endpoint: cloud.baremetal_endpoint_override,
            session,
        })
    }

    /// The token of the session; a new one if it is the one that an API has refused.
    pub(super) async fn token(&self, refused: Option<&HeaderValue>) -> Result<HeaderValue, HttpProblem> {
        let token = self.session.read().await.token.clone();
        if refused != Some(&token) {
            return Ok(token);
        }
        let mut session = self.session.write().await;
        // Another request can have renewed it meanwhile.
        if session.token == token {
            *session = log_in(&self.http, &self.tokens, &self.login).await?;
        }
        Ok(session.token.clone())
    }

    /// The URL of Ironic in the catalogue.
    pub(super) async fn baremetal(&self) -> anyhow::Result<Url> {
        let session = self.session.read().await;
        let fits = |endpoint: &&Endpoint| {
            // Older settings say publicURL.
            endpoint.interface == self.interface.trim_end_matches("URL")
                && self.region.as_ref().is_none_or(|region| endpoint.region.as_ref() == Some(region))
        };
        let services = session.catalog.iter().filter(|service| service.kind == "baremetal");
        let found =
            services.flat_map(|service| &service.endpoints).find(fits).map(|endpoint| endpoint.url.clone());
        let Some(url) = self.endpoint.clone().or(found) else {
            bail!(
                "the catalogue of Keystone has no service 'baremetal' with the interface '{}'{}; write target.ironic.url",
                self.interface,
                self.region.as_ref().map(|region| format!(" in region '{region}'")).unwrap_or_default()
            );
        };
        let url = url.trim_end_matches('/');
        Url::parse(url.strip_suffix("/v1").unwrap_or(url)).with_context(|| format!("'{url}' is no URL"))
    }
}

impl Cloud {
    /// The body of the request for a token.
    fn login(&self) -> anyhow::Result<Value> {
        let auth = &self.auth;
        let named = |id: &Option<String>, name: &Option<String>| match (id, name) {
            (Some(id), _) => Some(json!({"id": id})),
            (None, Some(name)) => Some(json!({"name": name})),
            (None, None) => None,
        };
        let user_domain =
            named(&auth.user_domain_id, &auth.user_domain_name).unwrap_or_else(|| json!({"id": "default"}));
        let user = |password: Option<&String>| {
            let mut user = match (&auth.user_id, &auth.username) {
                (Some(id), _) => json!({"id": id}),
                (None, Some(name)) => json!({"name": name, "domain": user_domain}),
                (None, None) => return None,
            };
            if let Some(password) = password {
                user["password"] = password.as_str().into();
            }
            Some(user)
        };
        match self.auth_type.as_deref() {
            Some("v3applicationcredential") => {
                let secret = auth
                    .application_credential_secret
                    .as_ref()
                    .context("application_credential_secret is missing")?;
                let credential = match (&auth.application_credential_id, &auth.application_credential_name) {
                    (Some(id), _) => json!({"id": id, "secret": secret}),
                    (None, Some(name)) => json!({
                        "name": name,
                        "secret": secret,
                        "user": user(None).context("a credential that is named needs username or user_id")?,
                    }),
                    (None, None) => bail!("application_credential_id is missing"),
                };
                let identity =
                    json!({"methods": ["application_credential"], "application_credential": credential});
                Ok(json!({"auth": {"identity": identity}}))
            }
            None | Some("password" | "v3password") => {
                let password = auth.password.as_ref().context("password is missing")?;
                let user = user(Some(password)).context("username is missing")?;
                let project_domain = named(&auth.project_domain_id, &auth.project_domain_name)
                    .unwrap_or_else(|| json!({"id": "default"}));
                let scope = match (&auth.system_scope, &auth.project_id, &auth.project_name) {
                    (Some(_), ..) => json!({"system": {"all": true}}),
                    (None, Some(id), _) => json!({"project": {"id": id}}),
                    (None, None, Some(name)) => json!({"project": {"name": name, "domain": project_domain}}),
                    (None, None, None) => bail!("project_name or system_scope is missing"),
                };
                let identity = json!({"methods": ["password"], "password": {"user": user}});
                Ok(json!({"auth": {"identity": identity, "scope": scope}}))
            }
            Some(other) => {
                bail!("auth_type '{other}' is not supported; use password or v3applicationcredential")
            }
        }
    }
}

async fn log_in(http: &Http, tokens: &Url, login: &Value) -> Result<Session, HttpProblem> {
    #[derive(Deserialize)]
    struct Answer {
        token: Token,
    }
    #[derive(Deserialize)]
    struct Token {
        #[serde(default)]
        catalog: Vec<Service>,
    }
    let body = serde_json::to_vec(login).map_err(|error| HttpProblem::Unreadable(error.to_string()))?;
    let request = http.request(Method::POST, tokens.clone());
    let request = request.header(http::header::CONTENT_TYPE, "application/json").body(body);
    let (headers, body) = Http::send(request, MAX_ANSWER).await?;
    let mut token = headers
        .get("x-subject-token")
        .cloned()
        .ok_or_else(|| HttpProblem::Unreadable("the answer has no X-Subject-Token".to_owned()))?;
    token.set_sensitive(true);
    let answer: Answer = document(&body)?;
    Ok(Session { token, catalog: answer.token.catalog })
}

/// The first `clouds.yaml` of those that OpenStack's clients look for.
fn found() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".config/openstack/clouds.yaml"));
    let named = std::env::var_os("OS_CLIENT_CONFIG_FILE").map(PathBuf::from);
    let all = [named, Some("clouds.yaml".into()), home, Some("/etc/openstack/clouds.yaml".into())];
    all.into_iter().flatten().find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(text: &str) -> String {
        let cloud: Cloud = serde_saphyr::from_str(text).unwrap();
        cloud.login().map_or_else(|error| error.to_string(), |login| login.to_string())
    }

    #[test]
    fn settings_of_a_cloud_become_a_login() {
        let logins = [
            login(
                "{auth: {username: u, password: p, project_name: s, user_domain_name: Default, project_domain_name: D}}",
            ),
            login("{auth: {user_id: 1a, password: p, system_scope: all}, auth_type: password}"),
            login(
                "{auth: {application_credential_id: i, application_credential_secret: s}, auth_type: v3applicationcredential}",
            ),
            login(
                "{auth: {application_credential_name: n, username: u, application_credential_secret: s}, auth_type: v3applicationcredential}",
            ),
            login("{auth: {username: u, password: p}}"),
            login("{auth: {username: u, project_name: s}}"),
            login("{auth_type: v3oidcpassword}"),
        ];
        insta::assert_snapshot!(logins.join("\n"));
    }
}
