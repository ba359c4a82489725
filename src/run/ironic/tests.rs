//! Logins, with a small Keystone and a small Ironic on one port.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::Api;
use crate::plan::{self, Target};

/// Both services. A token is valid until the next one is given.
struct Services {
    address: String,
    logins: AtomicUsize,
    /// The number of the token that Ironic takes; 0: none.
    valid: AtomicUsize,
}

impl Services {
    async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let services = Arc::new(Self { address, logins: AtomicUsize::new(0), valid: AtomicUsize::new(1) });
        let app = Router::new()
            .route("/v3/auth/tokens", post(token))
            .route("/v1/nodes/{node}", get(node))
            .with_state(Arc::clone(&services));
        tokio::spawn(async move { axum::serve(listener, app).await });
        services
    }

    /// The settings of a cloud, and a plan that names it.
    async fn api(&self, cloud: &str) -> anyhow::Result<Api> {
        let folder = tempfile::tempdir()?;
        let file: PathBuf = folder.path().join("clouds.yaml");
        std::fs::write(&file, format!("clouds: {{lab: {}}}", cloud.replace("URL", &self.address)))?;
        let text = format!(
            "target: {{ironic: {{auth: {{keystone: {{cloud: lab, file: '{}'}}}}}}}}
groups: [{{name: g, count: 1, until: enrolled}}]",
            file.display()
        );
        let plan = plan::read(&text, "plan.yaml", &[]).unwrap();
        let Target::Ironic(target) = &plan.target else { unreachable!() };
        Api::new(target).await
    }

    async fn refusal(&self, cloud: &str) -> String {
        let error = self.api(cloud).await.err().unwrap();
        format!("{error:#}")
    }
}

/// A login of Keystone. The password and the secret are `right`.
async fn token(State(services): State<Arc<Services>>, body: String) -> Response {
    let body: Value = serde_json::from_str(&body).unwrap();
    let identity = &body["auth"]["identity"];
    let secret = match identity["methods"][0].as_str() {
        Some("password") => &identity["password"]["user"]["password"],
        _ => &identity["application_credential"]["secret"],
    };
    if secret != "right" {
        let error =
            json!({"error": {"code": 401, "message": "The request you have made requires authentication."}});
        return (StatusCode::UNAUTHORIZED, error.to_string()).into_response();
    }
    let number = services.logins.fetch_add(1, Ordering::Relaxed) + 1;
    let endpoint = |interface: &str, region: &str, path: &str| json!({"interface": interface, "region": region, "url": format!("{}{path}", services.address)});
    let endpoints = [
        endpoint("internal", "one", "/internal"),
        endpoint("public", "two", "/elsewhere"),
        endpoint("public", "one", "/v1/"),
    ];
    let catalog =
        json!([{"type": "identity", "endpoints": []}, {"type": "baremetal", "endpoints": endpoints}]);
    let document = json!({"token": {"catalog": catalog}}).to_string();
    (StatusCode::CREATED, [("x-subject-token", format!("token-{number}"))], document).into_response()
}

/// A node of Ironic.
async fn node(State(services): State<Arc<Services>>, headers: HeaderMap) -> Response {
    let valid = format!("token-{}", services.valid.load(Ordering::Relaxed));
    if headers.get("x-auth-token").is_none_or(|token| *token != valid) {
        return (StatusCode::UNAUTHORIZED, "Authentication required").into_response();
    }
    let version = headers["x-openstack-ironic-api-version"].to_str().unwrap();
    json!({"version": version}).to_string().into_response()
}

const PASSWORD: &str =
    "{auth: {auth_url: URL, username: u, password: right, project_name: p}, region_name: one}";

#[tokio::test]
async fn a_token_is_renewed_once_for_all_requests() {
    let services = Services::start().await;
    let api = services.api(PASSWORD).await.unwrap();
    assert_eq!(
        api.names(),
        services.address,
        "the endpoint of the region in the catalogue, without its version"
    );
    assert_eq!(api.get(0, "/v1/nodes/n").await.unwrap(), json!({"version": "latest"}));
    assert_eq!(services.logins.load(Ordering::Relaxed), 1);

    // The first token has expired.
    services.valid.store(2, Ordering::Relaxed);
    let all = futures_util::future::join_all((0..20).map(|_| api.get(0, "/v1/nodes/n"))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(services.logins.load(Ordering::Relaxed), 2);

    // A new token does not help.
    services.valid.store(0, Ordering::Relaxed);
    let error = api.get(0, "/v1/nodes/n").await.unwrap_err().to_string();
    assert_eq!(error, "HTTP 401 Unauthorized: Authentication required");
    assert_eq!(services.logins.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_credential_and_other_endpoints_are_taken() {
    let services = Services::start().await;
    let credential = "{auth_type: v3applicationcredential, interface: internal, auth: {auth_url: URL/v3/, \
        application_credential_id: i, application_credential_secret: right}}";
    let api = services.api(credential).await.unwrap();
    assert_eq!(api.names(), format!("{}/internal", services.address));
    let named = PASSWORD.replace("region_name: one", "baremetal_endpoint_override: 'http://192.0.2.1:6385'");
    assert_eq!(services.api(&named).await.unwrap().names(), "http://192.0.2.1:6385");
}

#[tokio::test]
async fn a_login_that_fails_says_why() {
    let services = Services::start().await;
    assert_eq!(
        services.refusal(&PASSWORD.replace("right", "wrong")).await,
        "the login with Keystone has failed: HTTP 401 Unauthorized: The request you have made requires authentication."
    );
    let elsewhere = services.refusal(&PASSWORD.replace("one", "three")).await;
    assert_eq!(
        elsewhere,
        "the catalogue of Keystone has no service 'baremetal' with the interface 'public' in region 'three'; write \
         target.ironic.url"
    );
    let gone = services.refusal(&PASSWORD.replace("URL", "http://127.0.0.1:1")).await;
    assert!(gone.starts_with("the login with Keystone has failed: no answer: "), "{gone}");
    let other = services.refusal("{auth: {}}").await;
    assert!(other.ends_with("the cloud has no auth_url"), "{other}");
}
