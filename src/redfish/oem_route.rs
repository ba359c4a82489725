//! The way to the resources that models add, and the list of all resources of a BMC.

use super::context::{Model, NodeCx};
use super::document::Document;
use super::oem;
use super::oem_rows::number;
use super::query::Page;
use super::render;
use super::resource::{OfNode, Owner};
use super::root::Root;
use super::row::{Part, Row, Target, parent};
use super::service::Redfish;
use super::tree::{IdOf, Route};
use crate::profile::Profile;
use crate::profile::oem::Below;
use crate::profile::quirk::Quirk;

/// Is told the URI, the type, the ETag and the methods of each resource.
type Each<'e> = &'e mut dyn FnMut([&str; 4]);

fn told(document: &Document, target: Target, each: Each<'_>) {
    let (etag, allow) = (document.etag(), target.allow());
    let etag = str::from_utf8(&etag).unwrap_or_default();
    each([document.uri(), document.kind(), etag, allow.to_str().unwrap_or_default()]);
}

/// The part of the service that a path is below, the id that names the machine, and the rest.
type Split<'p> = (Below, Option<(IdOf, &'p str)>, &'p str);

fn split(path: &str) -> Option<Split<'_>> {
    let (below, id, tail) = oem::split(path)?;
    let of = match below {
        Below::System => IdOf::System,
        Below::Manager => IdOf::Manager,
        Below::Chassis | Below::Root => IdOf::Chassis,
    };
    Some((below, id.map(|id| (of, id)), tail))
}

/// The documents of a row, which begin at a part of its path.
struct Walk<'w, O: Owner> {
    row: &'w Row<O>,
    /// The node whose ids stand in paths.
    model: Model<'w>,
    each: &'w mut dyn FnMut(&O::Cx<'_>),
}

impl<O: Owner> Walk<'_, O> {
    /// Goes on at `uri`, for which the table has a path that ends with `rest`.
    fn go(&mut self, cx: &O::Cx<'_>, mut uri: String, rest: &str) {
        let Some(rest) = rest.strip_prefix('/') else {
            let ids = O::ids(cx).to_vec();
            return (self.each)(&O::member(cx, &uri, &ids));
        };
        let (segment, after) = rest.find('/').map_or((rest, ""), |end| rest.split_at(end));
        let word = match segment {
            "{System}" => self.model.system_id(),
            "{Manager}" => self.model.manager_id(),
            "{Chassis}" => self.model.chassis_id(),
            word if !word.starts_with('{') => word,
            _ => {
                let ids = O::ids(cx).to_vec();
                let mut found = Vec::new();
                (self.row.ids[ids.len()])(&O::member(cx, &uri, &ids), &mut |id| found.push(id.to_owned()));
                for id in &found {
                    let ids: Vec<&str> = ids.iter().copied().chain([id.as_str()]).collect();
                    let uri = format!("{uri}/{id}");
                    self.go(&O::member(cx, &uri, &ids), uri.clone(), after);
                }
                return;
            }
        };
        uri.push('/');
        uri.push_str(word);
        self.go(cx, uri, after);
    }
}

impl Redfish {
    /// Calls back with every document and collection below the root of a node's BMC.
    pub(super) fn all_resources(&self, cx: &NodeCx<'_>, each: Each<'_>) {
        let (node, profile) = (cx.node, cx.profile());
        let models = self.models(Some(node));
        let accounts = &node.bmc().accounts;
        let service = self.service_cx(accounts, &models, Some(node), cx.now, "", &[]);
        let directory = profile.oem.directory.as_ref();
        let lists = |generic: &str| directory.is_none_or(|directory| directory.lists(generic));
        for row in self.tree.services.iter().filter(|row| lists(&row.generic)) {
            self.resources_of(&service, row, cx.model, Target::Service, each);
        }
        let below = NodeCx { ids: &[], ..*cx };
        for row in self.tree.nodes.iter().filter(|row| lists(&row.generic)) {
            self.resources_of(&below, row, cx.model, Target::Node, each);
        }
        for resource in profile.oem.resources.iter().filter(|resource| lists(&resource.generic)) {
            let uri = resource.uri(cx.model.system_id(), cx.model.manager_id(), cx.model.chassis_id());
            if directory.is_some_and(|directory| oem::is_directory(&uri, directory)) {
                continue;
            }
            let row = &self.tree.oem[number(resource.below, profile.oem.is_writable(&resource.generic))];
            let document = render::document(&OfNode::at(&below, &uri), row, &self.constants);
            told(&document, Target::Node(row, Part::Document), each);
        }
    }

    /// The documents and collections of a row. The members of a collection that shows them whole are left out.
    fn resources_of<O: Owner>(
        &self,
        cx: &O::Cx<'_>,
        row: &'static Row<O>,
        model: Model<'_>,
        target: fn(&'static Row<O>, Part<O>) -> Target,
        each: Each<'_>,
    ) {
        let path = row.resource.path;
        if let Some(over) = &row.resource.collection {
            let mut of_collection = |cx: &O::Cx<'_>| {
                if render::exists(cx, row) {
                    let list = render::collection(cx, row, over, Page::WHOLE, &self.constants);
                    told(&list, target(row, Part::Collection(over)), each);
                }
            };
            Walk { row, model, each: &mut of_collection }.go(cx, String::new(), parent(path));
            if over.is_expanded {
                return;
            }
        }
        let mut of_document = |cx: &O::Cx<'_>| {
            if render::exists(cx, row) {
                // The facts live at most as long as the cache of constant parts.
                let ids = O::ids(cx).to_vec();
                let cx = O::member(cx, O::uri(O::model(cx)), &ids);
                let document = render::document(&cx, row, &self.constants);
                told(&document, target(row, Part::Document), each);
            }
        };
        Walk { row, model, each: &mut of_document }.go(cx, String::new(), path);
    }

    /// The resource at a path: one of the table, or one that the model of the machine adds.
    pub(super) fn route<'p>(&self, root: &Root<'_>, path: &'p str) -> Option<Route<'p>> {
        self.tree.find(path, root.is_own()).or_else(|| self.oem_route(root, path))
    }

    fn oem_route<'p>(&self, root: &Root<'_>, path: &'p str) -> Option<Route<'p>> {
        let (below, node, tail) = split(path)?;
        let look = |profile: &Profile| {
            let found = profile.oem.at(below, tail).filter(|found| *found.tail == *tail)?;
            Some(number(below, profile.oem.is_writable(&found.generic)))
        };
        let row = self.with_profile(root, node, look)??;
        Some(Route { target: Target::Node(&self.tree.oem[row], Part::Document), node, ids: Vec::new() })
    }

    /// Looks at the model of the machine that a path is about. A root that several machines share has none.
    fn with_profile<R>(
        &self,
        root: &Root<'_>,
        node: Option<(IdOf, &str)>,
        look: impl FnOnce(&Profile) -> R,
    ) -> Option<R> {
        match (root.node(), node) {
            (Some(own), _) => Some(look(own.profile())),
            (None, Some((_, key))) => {
                let id = self.fleet.find(key.parse().ok()?)?;
                self.fleet.identify(id, |node, _| look(node.profile()))
            }
            (None, None) => None,
        }
    }

    /// The path as documents spell it, if the model takes another spelling.
    pub(super) fn respelled(&self, root: &Root<'_>, path: &str) -> Option<String> {
        let aliased = root.node().and_then(|node| node.profile().aliased(path));
        let path = aliased.as_deref().unwrap_or(path);
        let Some(plain) = self.tree.respelled(path) else { return aliased };
        let (below, node, tail) = split(&plain).unwrap_or((Below::Root, None, ""));
        let in_any_case = self.with_profile(root, node, |profile| {
            if !profile.has(Quirk::AnyCasePaths) {
                return None;
            }
            let found = profile.oem.at(below, tail);
            let before = plain.trim_end_matches('/').len() - tail.len();
            let respelled = found.map(|found| format!("{}{}", &plain[..before], found.tail));
            Some(respelled.unwrap_or_else(|| plain.clone()))
        });
        in_any_case.flatten().or(aliased)
    }
}
