//! Time and allocations of reading documents and of changing them, for each built-in model.
//!
//! `cargo bench --bench documents`. The first row, `copied`, is the lower bound: a copy of the bytes of a System.

use bytes::Bytes;
use divan::{AllocProfiler, Bencher, black_box};
use fauxmetal::profile::{built_in, built_in_names};
use fauxmetal::redfish::{Redfish, check};
use http::{Method, Request};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const BASIC: &str = "Basic YWRtaW46cGFzc3dvcmQ=";

fn main() {
    divan::main();
}

fn service(profile: &str) -> Redfish {
    check::sample(&built_in(profile).expect("a built-in profile")).expect("a sample service")
}

fn request(method: Method, uri: &str, body: &'static str) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(uri).header("Authorization", BASIC);
    request.body(Bytes::from_static(body.as_bytes())).expect("a request")
}

/// The URIs of all documents of a sample node, the system first.
fn documents(profile: &str) -> Vec<String> {
    let (pages, _) = check::crawl(&service(profile));
    let mut uris: Vec<_> = pages.into_iter().map(|(uri, _)| uri).collect();
    uris.sort_by_key(|uri| (!uri.contains("/Systems/"), uri.len()));
    uris
}

fn system(profile: &str) -> String {
    documents(profile).into_iter().next().expect("a profile has a system")
}

#[divan::bench(args = built_in_names())]
fn copied(bencher: Bencher<'_, '_>, profile: &str) {
    let body = service(profile).call(&request(Method::GET, &system(profile), "")).into_body();
    bencher.bench(|| black_box(&body).to_vec());
}

#[divan::bench(args = built_in_names())]
fn get_system(bencher: Bencher<'_, '_>, profile: &str) {
    let (redfish, asked) = (service(profile), request(Method::GET, &system(profile), ""));
    bencher.bench(|| redfish.call(black_box(&asked)));
}

#[divan::bench(args = built_in_names())]
fn get_every_document(bencher: Bencher<'_, '_>, profile: &str) {
    let redfish = service(profile);
    let asked: Vec<_> = documents(profile).iter().map(|uri| request(Method::GET, uri, "")).collect();
    bencher.counter(asked.len()).bench(|| asked.iter().map(|a| redfish.call(a).body().len()).sum::<usize>());
}

#[divan::bench(args = built_in_names())]
fn patch_boot(bencher: Bencher<'_, '_>, profile: &str) {
    let body = r#"{"Boot": {"BootSourceOverrideTarget": "Cd", "BootSourceOverrideEnabled": "Once"}}"#;
    let (redfish, asked) = (service(profile), request(Method::PATCH, &system(profile), body));
    bencher.bench(|| redfish.call(black_box(&asked)));
}

#[divan::bench(args = built_in_names())]
fn reset(bencher: Bencher<'_, '_>, profile: &str) {
    let uri = format!("{}/Actions/ComputerSystem.Reset", system(profile));
    let redfish = service(profile);
    let on = request(Method::POST, &uri, r#"{"ResetType": "On"}"#);
    let off = request(Method::POST, &uri, r#"{"ResetType": "ForceOff"}"#);
    bencher.counter(2u32).bench(|| (redfish.call(black_box(&on)), redfish.call(black_box(&off))));
}
