//! `VirtualMedia`: images that the host sees as drives. The slots are below the system and below the manager.

use super::common;
use crate::dmtf::{TransferMethod, TransferProtocol};
use crate::node::bmc::media::{self, Insertion, Opened};
use crate::node::command::Command;
use crate::redfish::access::Access;
use crate::redfish::action::{Action, Parameter};
use crate::redfish::body::Body;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
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
        .with_actions(ACTIONS)
        .allowed_by(Access::MANAGER)
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
    let number = cx.profile().media_slot(cx.id()).and_then(|n| u8::try_from(n).ok());
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
    let Some(media) = media else {
        d.null("Image");
        d.null("ImageName");
        d.put("ConnectedVia", "NotConnected");
        d.put("WriteProtected", true);
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
    d.put_some("UserName", inserted.credentials.as_deref().map(|(user, _)| &**user));
    d.object("Status", |d| {
        d.put("State", "Enabled");
        d.put("Health", if failed.is_some() { "Warning" } else { "OK" });
        if let Some(why) = failed {
            common::condition(cx, d, &["The image could not be opened: ", why], media.opened_at);
        }
    });
}

fn insert(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    body.require("Image");
    let image = body.text("Image", Insertion::MAX_IMAGE);
    if let Some(image) = &image
        && !common::is_http_uri(image)
    {
        body.wrong_format("Image", image);
    }
    let write_protected = body.flag("WriteProtected");
    if body.flag("Inserted") == Some(false) {
        body.not_in_list("Inserted", "false");
    }
    let method = body.word("TransferMethod", TransferMethod::parse, METHODS);
    let protocol = body.word("TransferProtocolType", TransferProtocol::parse, PROTOCOLS);
    let user = body.text("UserName", MAX_CREDENTIAL);
    let password = body.text("Password", MAX_CREDENTIAL);
    Ok(image.map(|image| {
        let usual = Insertion::of(&image);
        let insertion = Insertion {
            write_protected: write_protected.unwrap_or(usual.write_protected),
            credentials: user.map(|user| Box::new((user, password.unwrap_or_default()))),
            method: method.unwrap_or(usual.method),
            protocol: protocol.unwrap_or(usual.protocol),
            ..usual
        };
        Command::Media(media::Command::Insert { slot: slot(cx), insertion })
    }))
}
