//! The documents that describe the service itself: its versions, its OData entry points, its metadata, its OpenAPI document.
//! All are derived from the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::OnceLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::doc::Doc;
use super::document::Document;
use super::error::Problem;
use super::headers::{ODATA_4, ODATA_VERSION};
use super::message::{MESSAGE_SCHEMA, PRECONDITION_FAILED};
use super::openapi;
use super::precondition::{self, Condition};
use super::resource::SETTINGS_SCHEMA;
use super::row::{Fixed, Target};
use super::tree::Tree;

/// The text of the documents.
pub(super) struct ServiceDocuments {
    tree: &'static Tree,
    versions: Text,
    odata: Text,
    metadata: Text,
    /// Made when a client asks for it first: few clients do, and it is the longest.
    openapi: OnceLock<Text>,
}

/// The text of one document.
pub(super) struct Text {
    bytes: Bytes,
    /// The strong ETag, quoted.
    etag: [u8; 18],
}

impl From<Vec<u8>> for Text {
    fn from(text: Vec<u8>) -> Self {
        let document = Document::of(text);
        Self { etag: document.etag(), bytes: document.into_bytes().into() }
    }
}

impl ServiceDocuments {
    pub(super) fn of(tree: &'static Tree) -> Self {
        let (versions, odata, metadata) =
            (versions().into(), odata(tree).into(), metadata(tree, &tree.schemas).into());
        Self { tree, versions, odata, metadata, openapi: OnceLock::new() }
    }

    /// The response to a GET. `conditions` are the headers of a request that names the document that the client has.
    pub(super) fn response(&self, fixed: Fixed, conditions: Option<&HeaderMap>) -> Response<Bytes> {
        let text = match fixed {
            Fixed::Versions => &self.versions,
            Fixed::Odata => &self.odata,
            Fixed::Metadata => &self.metadata,
            Fixed::OpenApi => self.openapi.get_or_init(|| openapi::text(self.tree).into()),
        };
        text.response(fixed, conditions)
    }
}

impl Text {
    /// `$metadata` with these schemas.
    pub(super) fn metadata(tree: &Tree, schemas: &BTreeSet<String>) -> Self {
        metadata(tree, schemas).into()
    }

    /// The response to a GET.
    pub(super) fn response(&self, fixed: Fixed, conditions: Option<&HeaderMap>) -> Response<Bytes> {
        let text = self;
        let condition = conditions.map(|headers| precondition::evaluate(headers, &text.etag));
        let mut response = match condition {
            Some(Condition::OtherDocument) => return Problem::from(&PRECONDITION_FAILED).response(),
            Some(Condition::SameDocument) => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                response
            }
            Some(Condition::Met) | None => Response::new(text.bytes.clone()),
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(fixed.media_type()));
        headers.insert(&ODATA_VERSION, ODATA_4);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::ALLOW, Target::Fixed(fixed).allow());
        let etag = HeaderValue::from_bytes(&text.etag).expect("hex digits and quotes");
        headers.insert(header::ETAG, etag);
        response
    }
}

fn versions() -> Vec<u8> {
    let mut d = Doc::new(None, None);
    d.put("v1", "/redfish/v1/");
    d.finish().0
}

/// The OData service document: everything directly below the root.
fn odata(tree: &Tree) -> Vec<u8> {
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
    d.finish().0
}

/// `$metadata` (DSP0266, "OData metadata"): a reference to the schema of every type in the table.
fn metadata(tree: &Tree, schemas: &BTreeSet<String>) -> Vec<u8> {
    // The namespaces of a type stand in one file, named after the type.
    let mut files = BTreeMap::<&str, BTreeSet<&str>>::new();
    let fixed = [MESSAGE_SCHEMA, "Resource.v1_0_0", SETTINGS_SCHEMA];
    for namespace in schemas.iter().map(String::as_str).chain(fixed) {
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
