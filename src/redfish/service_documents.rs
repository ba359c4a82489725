//! The three documents that describe the service itself: its versions, its OData entry points, its metadata. All follow
//! from the table.

use std::fmt::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderValue, Response, header};

use super::JSON;
use super::doc::Doc;
use super::protocol::{ODATA_4, ODATA_VERSION, allow};
use super::tree::{TREE, Target};

/// Answers a GET of one of them.
pub(super) fn answer(target: Target) -> Response<Bytes> {
    static VERSIONS: LazyLock<Bytes> = LazyLock::new(versions);
    static ODATA: LazyLock<Bytes> = LazyLock::new(odata);
    static METADATA: LazyLock<Bytes> = LazyLock::new(metadata);
    let (bytes, kind) = match target {
        Target::Metadata => (METADATA.clone(), "application/xml; charset=utf-8"),
        Target::Odata => (ODATA.clone(), JSON),
        Target::Versions
        | Target::Document(_)
        | Target::Collection(_)
        | Target::Members(_)
        | Target::Action(..) => (VERSIONS.clone(), JSON),
    };
    let mut response = Response::new(bytes);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(&ODATA_VERSION, ODATA_4);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::ALLOW, allow(target));
    response
}

fn versions() -> Bytes {
    let mut d = Doc::new(None, None);
    d.put("v1", "/redfish/v1/");
    d.finish().0.into()
}

/// The OData service document: everything that stands directly below the root.
fn odata() -> Bytes {
    let mut d = Doc::new(None, None);
    d.put("@odata.context", "/redfish/v1/$metadata");
    d.array("value", |d| {
        let entry = |d: &mut Doc<'_>, name: &str, url: &str| {
            d.item_object(|d| {
                d.put("name", name);
                d.put("kind", "Singleton");
                d.put("url", url);
            });
        };
        entry(d, "Service", "/redfish/v1/");
        let root = TREE.rows.iter().find(|row| row.resource.path == "/redfish/v1");
        for child in root.map_or(&[][..], |row| &row.children) {
            entry(d, child.segment, &format!("/redfish/v1/{}", child.segment));
        }
    });
    d.finish().0.into()
}

/// `$metadata` (DSP0266, "OData metadata"): a reference to the schema of every type that the table holds.
fn metadata() -> Bytes {
    let mut kinds = std::collections::BTreeMap::<String, std::collections::BTreeSet<String>>::new();
    for row in &TREE.rows {
        let kind = row.resource.kind;
        let namespace = kind.rsplit_once('.').map_or(kind, |(namespace, _)| namespace);
        kinds.entry(row.resource.type_name().to_owned()).or_default().insert(namespace.to_owned());
        if row.resource.collection.is_some() {
            let name = format!("{}Collection", row.resource.type_name());
            kinds.entry(name.clone()).or_default().insert(name);
        }
    }
    for (file, namespace) in
        [("Message", "Message.v1_3_0"), ("Resource", "Resource.v1_0_0"), ("Settings", "Settings.v1_5_0")]
    {
        kinds.entry(file.to_owned()).or_default().insert(namespace.to_owned());
    }
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <edmx:Edmx xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\" Version=\"4.0\">\n",
    );
    for (file, namespaces) in &kinds {
        let _ = writeln!(xml, "  <edmx:Reference Uri=\"http://redfish.dmtf.org/schemas/v1/{file}_v1.xml\">");
        if !namespaces.contains(file) {
            let _ = writeln!(xml, "    <edmx:Include Namespace=\"{file}\"/>");
        }
        for namespace in namespaces {
            let _ = writeln!(xml, "    <edmx:Include Namespace=\"{namespace}\"/>");
        }
        xml.push_str("  </edmx:Reference>\n");
    }
    xml.push_str(
        "  <edmx:Reference Uri=\"http://redfish.dmtf.org/schemas/v1/RedfishExtensions_v1.xml\">\n    \
         <edmx:Include Namespace=\"RedfishExtensions.v1_0_0\" Alias=\"Redfish\"/>\n  </edmx:Reference>\n  \
         <edmx:DataServices>\n    \
         <Schema xmlns=\"http://docs.oasis-open.org/odata/ns/edm\" Namespace=\"Service\">\n",
    );
    let root =
        TREE.rows.iter().find(|row| row.resource.path == "/redfish/v1").map_or("", |row| row.resource.kind);
    let namespace = root.rsplit_once('.').map_or(root, |(namespace, _)| namespace);
    let _ =
        writeln!(xml, "      <EntityContainer Name=\"Service\" Extends=\"{namespace}.ServiceContainer\"/>");
    xml.push_str("    </Schema>\n  </edmx:DataServices>\n</edmx:Edmx>\n");
    xml.into()
}
