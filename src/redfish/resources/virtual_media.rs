//! `VirtualMedia`: images that the host sees as drives. The slots are below the system and below the manager.

use super::{certificate, common};
use crate::dmtf::{TransferMethod, TransferProtocol};
use crate::node::bmc::media::{self, Insertion, Opened, Then};
use crate::node::bmc::media_trust::MediaTrust;
use crate::node::command::Command;
use crate::redfish::access::Access;
use crate::redfish::action::{Action, Parameter};
use crate::redfish::body::Body;
use crate::redfish::certificate_change::read_one;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
use crate::redfish::message::{Message, PROPERTY_VALUE_CONFLICT};
use crate::redfish::resource::{Asked, OfNode, Resource};

/// The limit of a user name and of a password for the image's server, characters.
const MAX_CREDENTIAL: usize = 256;
/// The ways in which the host sees an image.
const METHODS: &[TransferMethod] = &[TransferMethod::Stream];
/// The protocols by which the BMC can fetch an image.
const PROTOCOLS: &[TransferProtocol] = &[TransferProtocol::Http, TransferProtocol::Https];

/// The row of the slots, at one of their two places.
pub(super) const fn row(path: &'static str) -> Resource<OfNode> {
    Resource::of_node(path, "VirtualMedia.v1_6_5.VirtualMedia", get)
        .many("Virtual Media Collection", members)
        .patched_by(patch)
        .with_actions(ACTIONS)
        .allowed_by(Access::MANAGER)
}

/// The row of the certificates of a slot's image server, at one of their two places.
pub(super) const fn certificates(path: &'static str, access: Access) -> Resource<OfNode> {
    Resource::of_node(path, "Certificate.v1_11_0.Certificate", get_certificate)
        .many("Virtual Media Certificate Collection", certificate_numbers)
        .created_by(add_certificate)
        .deleted_by(|cx| {
            // The id is that of a member, or the request was refused.
            let number = cx.id().parse().unwrap_or_default();
            Ok(Command::Media(media::Command::DeleteCertificate { slot: slot(cx), number }))
        })
        .allowed_by(access)
}

static ACTIONS: &[Action<OfNode>] = &[
    Action {
        key: "#VirtualMedia.InsertMedia",
        parameters: &[
            Parameter::text("Image").required(),
            Parameter::flag("Inserted"),
            Parameter::flag("WriteProtected"),
            Parameter::word("TransferMethod", |_, key, d| d.put(key, METHODS)),
            Parameter::word("TransferProtocolType", |_, key, d| d.put(key, PROTOCOLS)),
            Parameter::text("UserName"),
            Parameter::text("Password"),
        ],
        apply_times: &[],
        run: insert,
    },
    Action {
        key: "#VirtualMedia.EjectMedia",
        parameters: &[],
        apply_times: &[],
        run: |cx, _| Ok(Some(Command::Media(media::Command::Eject { slot: slot(cx) }))),
    },
];

fn slot(cx: &NodeCx<'_>) -> u8 {
    // The first id on the way to a slot, and to what is below it.
    let id = cx.ids.first().copied().unwrap_or_default();
    let number = cx.profile().media_slot(id).and_then(|n| u8::try_from(n).ok());
    number.expect("the slot exists, or the request was refused")
}

fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    cx.profile().media_slots.iter().for_each(|slot| each(&slot.id));
}

fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let number = slot(cx);
    let shape = &cx.profile().media_slots[usize::from(number)];
    let media = cx.node.bmc().media.get(number);
    d.put("Id", &shape.id);
    d.put("Name", &shape.name);
    d.put("MediaTypes", shape.media_types.as_slice());
    d.put("Inserted", media.is_some());
    d.put("VerifyCertificate", cx.node.bmc().media_trust.of(number).verify);
    d.null("Password");
    let Some(media) = media else {
        d.null("Image");
        d.null("ImageName");
        d.put("ConnectedVia", "NotConnected");
        d.put("WriteProtected", true);
        d.null("UserName");
        d.null("TransferMethod");
        d.null("TransferProtocolType");
        d.object("Status", common::ok);
        return;
    };
    let inserted = &media.insertion;
    let image = common::shown_uri(&inserted.image);
    d.put("Image", &*image);
    d.put("ImageName", image.rsplit('/').next().unwrap_or_default().split('?').next());
    let failed = if let Opened::Failed(why) = &media.opened { Some(why) } else { None };
    d.put("ConnectedVia", if failed.is_some() { "NotConnected" } else { "URI" });
    d.put("WriteProtected", inserted.write_protected);
    d.put("TransferMethod", inserted.method);
    d.put("TransferProtocolType", inserted.protocol);
    d.put("UserName", inserted.credentials.as_deref().map(|(user, _)| &**user));
    d.object("Status", |d| {
        d.put("State", "Enabled");
        d.put("Health", if failed.is_some() { "Warning" } else { "OK" });
        if let Some(why) = failed {
            common::condition(cx, d, &["The image could not be opened: ", why], media.opened_at);
        }
    });
}

/// What a client says of an image beside its URL.
struct Given {
    write_protected: Option<bool>,
    method: Option<TransferMethod>,
    protocol: Option<TransferProtocol>,
    user: Option<Box<str>>,
    password: Option<Box<str>>,
}

impl Given {
    fn read(body: &mut Body) -> Self {
        Self {
            write_protected: body.flag("WriteProtected"),
            method: body.word("TransferMethod", TransferMethod::parse, METHODS),
            protocol: body.word("TransferProtocolType", TransferProtocol::parse, PROTOCOLS),
            user: body.text("UserName", MAX_CREDENTIAL),
            password: body.text("Password", MAX_CREDENTIAL),
        }
    }

    /// The insertion with this in the place of what it has.
    fn of(self, usual: Insertion) -> Insertion {
        let (user, password) = match usual.credentials.map(|pair| *pair) {
            Some((user, password)) => {
                (Some(self.user.unwrap_or(user)), Some(self.password.unwrap_or(password)))
            }
            None => (self.user, self.password),
        };
        Insertion {
            write_protected: self.write_protected.unwrap_or(usual.write_protected),
            credentials: user.map(|user| Box::new((user, password.unwrap_or_default()))),
            method: self.method.unwrap_or(usual.method),
            protocol: self.protocol.unwrap_or(usual.protocol),
            image: usual.image,
        }
    }
}

fn read_image(body: &mut Body) -> Option<Box<str>> {
    let image = body.text("Image", Insertion::MAX_IMAGE)?;
    if !common::is_http_uri(&image) {
        body.wrong_format("Image", &image);
    }
    Some(image)
}

fn insert(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    body.require("Image");
    let image = read_image(body);
    if body.flag("Inserted") == Some(false) {
        body.not_in_list("Inserted", "false");
    }
    let given = Given::read(body);
    Ok(image.map(|image| {
        let insertion = given.of(Insertion::of(&image));
        Command::Media(media::Command::Insert { slot: slot(cx), insertion })
    }))
}

/// The properties of an image beside its URL.
const OF_IMAGE: [&str; 5] =
    ["WriteProtected", "TransferMethod", "TransferProtocolType", "UserName", "Password"];

/// A client without `InsertMedia` sends the image, and null to eject it (`sushy/resources/manager/virtual_media.py`, `insert_media` and
/// `eject_media`).
fn patch(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let slot = slot(cx);
    let conflict = |body: &mut Body, key: &str, with: &str| {
        body.mistake(key, Message::new(&PROPERTY_VALUE_CONFLICT, [key, with]));
    };
    let verify = body.flag("VerifyCertificate");
    // Null stands for a property that is not set.
    let ejects = body.take_null("Image");
    body.take_null("Inserted");
    let forgets = body.take_null("UserName");
    OF_IMAGE.iter().for_each(|key| {
        body.take_null(key);
    });
    let first = OF_IMAGE.iter().copied().find(|key| body.contains(key));
    let (image, inserted) = (read_image(body), body.flag("Inserted"));
    let given = Given::read(body);
    let present = cx.node.bmc().media.get(slot).map(|media| &media.insertion);
    let is_there = |image: &str| present.filter(|present| *present.image == *image);
    let then = match (image, present) {
        (Some(_), _) if inserted == Some(false) => {
            conflict(body, "Inserted", "Image");
            None
        }
        (None, _) if ejects && inserted == Some(true) => {
            conflict(body, "Inserted", "Image");
            None
        }
        (None, _) if ejects || inserted == Some(false) => Some(Then::Eject),
        (Some(image), _) if is_there(&image).is_none() => Some(Then::Insert(given.of(Insertion::of(&image)))),
        (_, Some(present)) if first.is_some() || forgets => {
            let credentials = present.credentials.clone().filter(|_| !forgets);
            let changed = given.of(Insertion { credentials, ..present.clone() });
            (changed != *present).then_some(Then::Reinsert(changed))
        }
        (_, Some(_)) => None,
        (_, None) => {
            if let Some(key) = first.or(inserted.map(|_| "Inserted")) {
                conflict(body, key, "Image");
            }
            None
        }
    };
    let then = then.map(Box::new);
    Ok(Some(Command::Media(media::Command::Change { slot, verify, then })))
}

fn certificate_numbers(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    let certificates = &cx.node.bmc().media_trust.of(slot(cx)).certificates;
    certificates.keys().for_each(|number| each(itoa::Buffer::new().format(*number)));
}

fn get_certificate(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let certificates = &cx.node.bmc().media_trust.of(slot(cx)).certificates;
    let pem = cx.id().parse().ok().and_then(|number: u32| certificates.get(&number));
    d.put("Id", cx.id());
    d.join("Name", &["Certificate ", cx.id(), " of an image server"]);
    d.put("CertificateUsageTypes", ["Web"].as_slice());
    certificate::write(pem.expect("the certificate exists, or the request was refused"), d);
}

fn add_certificate(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let pem = read_one(body, MediaTrust::MAX_PEM);
    Ok(pem.map(|pem| Command::Media(media::Command::AddCertificate { slot: slot(cx), pem })))
}
