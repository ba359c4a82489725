//! `SecureBootDatabase` with its certificates and signatures. Those with `Default` in their names show what the firmware has ex works.

use uuid::Uuid;

use super::certificate;
use crate::dmtf::{ResetKeysType, SecureBootDatabase, SignatureType};
use crate::node::bmc::databases::{Command as Change, Content, Key};
use crate::node::bmc::keys::Found;
use crate::node::bmc::secure_boot;
use crate::node::command::Command;
use crate::profile::secure_boot::Kind;
use crate::redfish::access::Access;
use crate::redfish::action::{Action, Parameter};
use crate::redfish::body::Body;
use crate::redfish::certificate_change::read_one;
use crate::redfish::context::{Model, NodeCx};
use crate::redfish::doc::Doc;
use crate::redfish::error::Problem;
use crate::redfish::message::OPERATION_NOT_ALLOWED;
use crate::redfish::resource::{Asked, OfNode, Resource};

/// What an action of one database can do.
const RESETS: &[ResetKeysType] = &[ResetKeysType::ResetAllKeysToDefault, ResetKeysType::DeleteAllKeys];
/// The registry of the types of signatures.
const REGISTRY: &str = "UEFI";
/// The longest GUID, characters.
const MAX_GUID: usize = 36;

static ACTIONS: &[Action<OfNode>] = &[Action {
    key: "#SecureBootDatabase.ResetKeys",
    parameters: &[Parameter::word("ResetKeysType", |_, key, d| d.put(key, RESETS)).required()],
    apply_times: &[],
    run: |cx, body| {
        body.require("ResetKeysType");
        let kind = body.word("ResetKeysType", ResetKeysType::parse, RESETS);
        Ok(kind.map(|kind| command(Change::Reset(database(&cx.model), kind))))
    },
}];

/// The row of the databases.
pub(super) const fn row(path: &'static str) -> Resource<OfNode> {
    Resource::of_node(path, "SecureBootDatabase.v1_0_3.SecureBootDatabase", get)
        .many("Secure Boot Database Collection", |cx, each| {
            cx.profile().secure_boot.databases.iter().for_each(|database| each(database.as_str()));
        })
        .with_actions(ACTIONS)
        .offering(|model, _| named(model).is_none_or(|database| database.default_of().is_none()))
}

/// The row of their certificates.
pub(super) const fn certificates(path: &'static str) -> Resource<OfNode> {
    Resource::of_node(path, "Certificate.v1_11_0.Certificate", get_certificate)
        .many("Secure Boot Certificate Collection", |cx, each| members(cx, Kind::Certificate, each))
        .created_by(add_certificate)
        .deleted_by(|cx| delete(cx, Kind::Certificate))
        .allowed_by(Access::HOST_CERTIFICATES)
}

/// The row of their signatures.
pub(super) const fn signatures(path: &'static str) -> Resource<OfNode> {
    Resource::of_node(path, "Signature.v1_0_3.Signature", get_signature)
        .many("Secure Boot Signature Collection", |cx, each| members(cx, Kind::Signature, each))
        .created_by(add_signature)
        .deleted_by(|cx| delete(cx, Kind::Signature))
        .only_if(|model| named(model).is_none_or(SecureBootDatabase::has_signatures))
}

/// The database in the URI of a resource, or of one below it.
fn database(model: &Model<'_>) -> SecureBootDatabase {
    named(model).expect("the database exists, or the request was refused")
}

/// The same of a URI that need not lead to one.
fn named(model: &Model<'_>) -> Option<SecureBootDatabase> {
    let (_, below) = model.uri.split_once("/SecureBootDatabases/")?;
    SecureBootDatabase::parse(below.split('/').next()?)
}

fn command(change: Change) -> Command {
    Command::SecureBoot(secure_boot::Command::Keys(change))
}

fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let database = database(&cx.model);
    d.put("Id", cx.id());
    d.put("Name", database.title());
    d.put("DatabaseId", cx.id());
}

fn members(cx: &NodeCx<'_>, kind: Kind, each: &mut dyn FnMut(&str)) {
    // The ids on the way to a member are those of the database and of the member.
    let Some(database) = cx.ids.first().and_then(|id| SecureBootDatabase::parse(id)) else { return };
    let numbers = cx.node.bmc().keys_of(database, kind, cx.profile());
    numbers.iter().for_each(|number| each(itoa::Buffer::new().format(*number)));
}

fn key<'a>(cx: &NodeCx<'a>, kind: Kind) -> Found<'a> {
    let found =
        cx.id().parse().ok().and_then(|n| cx.node.bmc().key(database(&cx.model), kind, n, cx.profile()));
    found.expect("the key exists, or the request was refused")
}

fn get_certificate(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", cx.id());
    d.join("Name", &["Certificate ", cx.id(), " of ", database(&cx.model).as_str()]);
    d.put("CertificateUsageTypes", ["BIOS"].as_slice());
    let owner = match key(cx, Kind::Certificate) {
        Found::Certificate(factory) => {
            certificate::write(&factory.pem(), d);
            factory.owner
        }
        Found::Added(Key { content: Content::Certificate(pem), owner }) => {
            certificate::write(pem, d);
            *owner
        }
        Found::Signature(_) | Found::Added(_) => None,
    };
    d.put_some("UefiSignatureOwner", owner);
}

fn get_signature(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (kind, value, owner) = match key(cx, Kind::Signature) {
        Found::Signature(factory) => (factory.kind, factory.value.as_str(), factory.owner),
        Found::Added(Key { content: Content::Signature(kind, value), owner }) => (*kind, &**value, *owner),
        Found::Certificate(_) | Found::Added(_) => return,
    };
    d.put("Id", cx.id());
    d.join("Name", &["Signature ", cx.id(), " of ", database(&cx.model).as_str()]);
    d.put("SignatureTypeRegistry", REGISTRY);
    d.put("SignatureType", kind.as_str());
    d.put("SignatureString", value);
    d.put_some("UefiSignatureOwner", owner);
}

/// The database in the URI, unless it can only be read.
fn writable(cx: &NodeCx<'_>) -> Result<SecureBootDatabase, Problem> {
    let database = database(&cx.model);
    if database.default_of().is_some() {
        return Err((&OPERATION_NOT_ALLOWED).into());
    }
    Ok(database)
}

/// `UefiSignatureOwner`. `None` after a mistake.
fn read_owner(body: &mut Body) -> Option<Option<Uuid>> {
    const KEY: &str = "UefiSignatureOwner";
    if !body.contains(KEY) || body.take_null(KEY) {
        return Some(None);
    }
    let text = body.text(KEY, MAX_GUID)?;
    match Uuid::try_parse(&text).ok().filter(|_| text.len() == MAX_GUID) {
        Some(owner) => Some(Some(owner)),
        None => {
            body.wrong_format(KEY, &text);
            None
        }
    }
}

fn add_certificate(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let database = writable(cx)?;
    let pem = read_one(body, Key::MAX_PEM);
    let owner = read_owner(body);
    Ok(pem.zip(owner).map(|(pem, owner)| {
        command(Change::Add(database, Key { content: Content::Certificate(pem), owner }))
    }))
}

fn add_signature(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let database = writable(cx)?;
    for key in ["SignatureString", "SignatureType", "SignatureTypeRegistry"] {
        body.require(key);
    }
    body.word("SignatureTypeRegistry", |text| (text == REGISTRY).then_some(REGISTRY), &[REGISTRY]);
    let kind = body.word("SignatureType", SignatureType::parse, SignatureType::ALL);
    let longest = SignatureType::ALL.iter().map(|kind| 2 * kind.bytes()).max().unwrap_or_default();
    let value = body.text("SignatureString", longest);
    let owner = read_owner(body);
    let (Some(kind), Some(value), Some(owner)) = (kind, value, owner) else { return Ok(None) };
    if !kind.fits(&value) {
        let digits = 2 * kind.bytes();
        body.wrong_format("SignatureString", &format!("{value} (allowed: {digits} hex digits)"));
        return Ok(None);
    }
    Ok(Some(command(Change::Add(database, Key { content: Content::Signature(kind, value), owner }))))
}

fn delete(cx: &NodeCx<'_>, kind: Kind) -> Result<Command, Problem> {
    let database = writable(cx)?;
    // The id is that of a member, or the request was refused.
    let number = cx.id().parse().unwrap_or_default();
    Ok(command(Change::Delete(database, kind, number)))
}
