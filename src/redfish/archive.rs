//! The archive of diagnostic data: the documents of the machine at the moment of the collection, as a tar file with gzip.
//!
//! The files are laid out as in DMTF's mockups: the document at `/redfish/v1/Systems/1` is in
//! `redfish/v1/Systems/1/index.json`. The same data gives the same bytes.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use uuid::Uuid;

use super::attachment::{Attachment, Content, Measure};
use super::context::{Model, NodeCx};
use super::query::Page;
use super::render;
use super::resource::OfNode;
use super::row::Row;
use super::service::{Redfish, uuid_text};

/// Documents that show where the service listens today, which is no fact of the machine at that moment; and metric reports, whose
/// values no data keeps.
const LEFT_OUT: [&str; 3] = [
    "/redfish/v1/Managers/{Manager}/NetworkProtocol",
    "/redfish/v1/Managers/{Manager}/EthernetInterfaces/",
    "/redfish/v1/TelemetryService/MetricReports/",
];

/// The sizes of archives that are known, before all are forgotten. About 40 bytes each.
const MAX_SIZES: usize = 4096;

impl Content {
    /// Whether the resource at a path of the table is part of it.
    fn has(self, path: &str) -> bool {
        let is_of_machine =
            ["/redfish/v1/Systems/", "/redfish/v1/Chassis/"].iter().any(|at| path.starts_with(at));
        let is_left_out = LEFT_OUT.iter().any(|left| path.starts_with(left));
        !is_left_out
            && match self {
                Self::Everything => true,
                Self::Machine => is_of_machine,
                Self::Manager => !is_of_machine,
            }
    }
}

impl Redfish {
    /// Makes the archive. It takes some milliseconds.
    pub(super) fn archive(&self, attachment: &Attachment) -> Vec<u8> {
        let gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let mut tar = Builder::new(gzip);
        self.files(attachment, &mut |uri, text| {
            let mut header = Header::new_gnu();
            // Without it Python takes a file for a folder if `/` is the last of the 100 bytes that a header has for a path.
            header.set_entry_type(EntryType::Regular);
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(attachment.at.ms() / 1000);
            let path = format!("{}/index.json", uri.trim_start_matches('/'));
            tar.append_data(&mut header, path, text).expect("memory takes everything, and no path is empty");
        });
        let mut gzip = tar.into_inner().expect("memory takes everything");
        gzip.flush().expect("memory takes everything");
        gzip.finish().expect("memory takes everything")
    }

    /// Calls back with the URI and the text of each file, in the order of the table.
    fn files(&self, attachment: &Attachment, each: &mut dyn FnMut(&str, &[u8])) {
        let Attachment { node, at, own_root, content, entry: _ } = attachment;
        let mut buffer = Uuid::encode_buffer();
        let uuid = uuid_text(node.spec().uuid(), &mut buffer);
        let model = Model { profile: node.profile(), uuid, own_root: *own_root, uri: "" };
        let cx = NodeCx { facts: &self.facts, node, model, now: *at, ids: &[], measure: self };
        for row in self.tree.nodes.iter().filter(|row| content.has(row.resource.path)) {
            let has = !model.profile.lacks(&row.generic) && (row.resource.present)(&model);
            if has {
                self.files_of(&cx, row, String::new(), row.resource.path, each);
            }
        }
    }

    /// The files of a row. `uri` is the beginning of their URIs, and `path` what the table has for the rest.
    fn files_of(
        &self,
        cx: &NodeCx<'_>,
        row: &Row<OfNode>,
        mut uri: String,
        path: &str,
        each: &mut dyn FnMut(&str, &[u8]),
    ) {
        let Some(rest) = path.strip_prefix('/') else {
            let cx = NodeCx { model: Model { uri: &uri, ..cx.model }, ..*cx };
            return each(&uri, &render::document(&cx, row, &self.constants).into_bytes());
        };
        let (segment, after) = rest.find('/').map_or((rest, ""), |end| rest.split_at(end));
        let whole = match segment {
            "{System}" => cx.model.system_id(),
            "{Manager}" => cx.model.manager_id(),
            "{Chassis}" => cx.model.chassis_id(),
            word if !word.starts_with('{') => word,
            _ => {
                let at = NodeCx { model: Model { uri: &uri, ..cx.model }, ..*cx };
                if let Some(over) =
                    row.resource.collection.filter(|over| over.is_expanded && after.is_empty())
                {
                    // A file for each entry of a log would be a thousand small files.
                    let list = render::collection(&at, row, &over, Page::WHOLE, &self.constants);
                    return each(&uri, &list.into_bytes());
                }
                let mut ids = Vec::new();
                (row.ids[cx.ids.len()])(&at, &mut |id| ids.push(id.to_owned()));
                let uuid =
                    if segment.starts_with("{Node-") && !cx.model.own_root { cx.model.uuid } else { "" };
                let dash = if uuid.is_empty() { "" } else { "-" };
                for id in &ids {
                    let ids: Vec<&str> = cx.ids.iter().copied().chain([id.as_str()]).collect();
                    let uri = format!("{uri}/{uuid}{dash}{id}");
                    self.files_of(&NodeCx { ids: &ids, ..*cx }, row, uri, after, each);
                }
                return;
            }
        };
        uri.push('/');
        uri.push_str(whole);
        self.files_of(cx, row, uri, after, each);
    }
}

impl Measure for Redfish {
    fn resources(&self, cx: &NodeCx<'_>, each: &mut dyn FnMut([&str; 4])) {
        self.all_resources(cx, each);
    }

    fn bytes_of(&self, attachment: &Attachment) -> u64 {
        if let Some(bytes) = self.archive_sizes.get(&attachment.key()) {
            return *bytes;
        }
        let bytes = self.archive(attachment).len() as u64;
        if self.archive_sizes.len() >= MAX_SIZES {
            self.archive_sizes.clear();
        }
        self.archive_sizes.insert(attachment.key(), bytes);
        bytes
    }
}
