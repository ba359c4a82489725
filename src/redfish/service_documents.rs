//! The three documents that describe the service itself: its versions, its OData entry points, its metadata. All are
//! derived from the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderValue, Response, header};

use super::doc::Doc;
use super::headers::{JSON, ODATA_4, ODATA_VERSION};
use super::message::MESSAGE_SCHEMA;
use super::resource::SETTINGS_SCHEMA;
use super::row::{Fixed, Target};
use super::tree::Tree;

/// The text of the three documents.
pub(super) struct ServiceDocuments {
    versions: Bytes,
    odata: Bytes,
    metadata: Bytes,
}

impl ServiceDocuments {
    pub(super) fn of(tree: &Tree) -> Self {
        Self { versions: versions(), odata: odata(tree), metadata: metadata(tree) }
    }

    /// The response to a GET.
    pub(super) fn response(&self, fixed: Fixed) -> Response<Bytes> {
        let (bytes, kind) = match fixed {
            Fixed::Versions => (&self.versions, JSON),
            Fixed::Odata => (&self.odata, JSON),
            Fixed::Metadata => (&self.metadata, "application/xml; charset=utf-8"),
        };
        let mut response = Response::new(bytes.clone());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(&ODATA_VERSION, ODATA_4);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::ALLOW, Target::Fixed(fixed).allow());
        response
    }
}

fn versions() -> Bytes {
    let mut d = Doc::new(None, None);
    d.put("v1", "/redfish/v1/");
    d.finish().0.into()
}

/// The OData service document: everything directly below the root.
fn odata(tree: &Tree) -> Bytes {
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
        for child in &tree.root().children {
            entry(d, child.segment, &format!("/redfish/v1/{}", child.segment));
        }
    });
    d.finish().0.into()
}

/// `$metadata` (DSP0266, "OData metadata"): a reference to the schema of every type in the table.
fn metadata(tree: &Tree) -> Bytes {
    // The namespaces of a type stand in one file, named after the type.
    let mut files = BTreeMap::<&str, BTreeSet<&str>>::new();
    let fixed = [MESSAGE_SCHEMA, "Resource.v1_0_0", SETTINGS_SCHEMA];
    for namespace in tree.schemas.iter().map(String::as_str).chain(fixed) {
        let file = namespace.split('.').next().unwrap_or(namespace);
        files.entry(file).or_default().insert(namespace);
    }
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <edmx:Edmx xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\" Version=\"4.0\">\n",
    );
    for (file, namespaces) in &files {
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
    let namespace = tree.root().resource.schema();
    let _ =
        writeln!(xml, "      <EntityContainer Name=\"Service\" Extends=\"{namespace}.ServiceContainer\"/>");
    xml.push_str("    </Schema>\n  </edmx:DataServices>\n</edmx:Edmx>\n");
    xml.into()
}
