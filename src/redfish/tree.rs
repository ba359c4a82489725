//! The one list of resources, and all that is derived from it: routes, collections, links from parents, `Allow`.

use std::sync::LazyLock;

use super::resource::Resource;
use super::resources::RESOURCES;

/// The routes of the service, from the table.
pub static TREE: LazyLock<Tree> = LazyLock::new(|| Tree::of(RESOURCES));

/// All routes.
pub struct Tree {
    nodes: Vec<Branch>,
    /// The table, with what is derived for each row.
    pub rows: Vec<Row>,
}

/// A row of the table with what is derived from it.
pub struct Row {
    /// The row.
    pub resource: &'static Resource,
    /// Rows whose documents stand directly below this one's, with the property that links to each.
    pub children: Vec<Child>,
    /// The path with `{}` for ids and without `/redfish/v1/`, as a profile's `absent` writes it.
    pub generic: String,
}

/// A link that a document has because something stands below it.
pub struct Child {
    /// Property that links.
    pub property: &'static str,
    /// Last word of the path.
    pub segment: &'static str,
    /// Number of the row.
    pub row: usize,
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The document of a row.
    Document(usize),
    /// The collection over a row.
    Collection(usize),
    /// The `Members` of the collection over a row, to which a client may POST as to the collection (DSP0266, "POST
    /// (create)").
    Members(usize),
    /// An action of a row.
    Action(usize, usize),
    /// `/redfish`.
    Versions,
    /// `/redfish/v1/odata`.
    Odata,
    /// `/redfish/v1/$metadata`.
    Metadata,
}

/// What a path leads to, with the ids on the way.
#[derive(Debug, PartialEq, Eq)]
pub struct Route<'p> {
    /// What stands there.
    pub target: Target,
    /// The id that names a node, and how.
    pub node: Option<(NodeId, &'p str)>,
    /// The other ids, in order.
    pub ids: Vec<&'p str>,
}

/// How an id names a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeId {
    /// It is its system's.
    System,
    /// It is its manager's.
    Manager,
    /// It is its chassis's.
    Chassis,
    /// It begins with the node's key and a dash; the rest is a part of the node.
    Prefix,
}

#[derive(Default)]
struct Branch {
    words: Vec<(&'static str, usize)>,
    id: Option<(IdKind, usize)>,
    target: Option<Target>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum IdKind {
    Node(NodeId),
    Part,
}

impl Tree {
    fn of(table: &'static [Resource]) -> Self {
        let mut tree = Self { nodes: vec![Branch::default()], rows: Vec::with_capacity(table.len()) };
        for (path, target) in [
            ("/redfish", Target::Versions),
            ("/redfish/v1/odata", Target::Odata),
            ("/redfish/v1/$metadata", Target::Metadata),
        ] {
            tree.plant(path, target);
        }
        for (n, resource) in table.iter().enumerate() {
            tree.plant(resource.path, Target::Document(n));
            if resource.collection.is_some() {
                tree.plant(parent(resource.path), Target::Collection(n));
            }
            if resource.collection.is_some_and(|c| c.create.is_some()) {
                let at = tree.walk(parent(resource.path));
                let at = tree.word(at, "Members");
                tree.nodes[at].target = Some(Target::Members(n));
            }
            for (a, action) in resource.actions.iter().enumerate() {
                let at = tree.walk(resource.path);
                let at = tree.word(at, "Actions");
                let at = tree.word(at, action.name());
                tree.nodes[at].target = Some(Target::Action(n, a));
            }
            tree.rows.push(Row { resource, children: Vec::new(), generic: generic(resource.path) });
        }
        for (n, resource) in table.iter().enumerate() {
            // A member's collection is what its grandparent links to.
            let linked = if resource.path.ends_with('}') { parent(resource.path) } else { resource.path };
            let segment = linked.rsplit('/').next().unwrap_or(linked);
            let property = resource.property.unwrap_or(segment);
            let above = table.iter().position(|r| r.path == parent(linked));
            if let (Some(above), false) = (above, property.is_empty()) {
                tree.rows[above].children.push(Child { property, segment, row: n });
            }
        }
        tree
    }

    fn plant(&mut self, path: &'static str, target: Target) {
        let at = self.walk(path);
        let before = self.nodes[at].target.replace(target);
        assert!(before.is_none(), "two rows stand at {path}");
    }

    fn walk(&mut self, path: &'static str) -> usize {
        path.split('/').filter(|s| !s.is_empty()).fold(0, |at, segment| self.word(at, segment))
    }

    fn word(&mut self, at: usize, segment: &'static str) -> usize {
        let new = self.nodes.len();
        let next = if segment.starts_with('{') {
            let kind = match segment {
                "{System}" => IdKind::Node(NodeId::System),
                "{Manager}" => IdKind::Node(NodeId::Manager),
                "{Chassis}" => IdKind::Node(NodeId::Chassis),
                "{Software}" => IdKind::Node(NodeId::Prefix),
                _ => IdKind::Part,
            };
            self.nodes[at].id.get_or_insert((kind, new)).1
        } else {
            let words = &mut self.nodes[at].words;
            let found = words.iter().find(|(w, _)| *w == segment).map(|(_, next)| *next);
            found.unwrap_or_else(|| {
                words.push((segment, new));
                new
            })
        };
        if next == new {
            self.nodes.push(Branch::default());
        }
        next
    }

    /// What stands at a path. One trailing slash is let pass: clients write the root with it. Below a node's `own` root
    /// the ids of its parts do not begin with the node's key.
    pub fn find<'p>(&self, path: &'p str, own: bool) -> Option<Route<'p>> {
        let path = path.strip_prefix('/')?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let (mut at, mut node, mut ids) = (&self.nodes[0], None, Vec::new());
        let mut rest = Some(path);
        while let Some(left) = rest {
            // A search machine is set up for each segment otherwise, and most are a few bytes long.
            let end = left.bytes().position(|b| b == b'/');
            let segment = &left[..end.unwrap_or(left.len())];
            rest = end.map(|end| &left[end + 1..]);
            if let Some((_, next)) = at.words.iter().find(|(w, _)| *w == segment) {
                at = &self.nodes[*next];
                continue;
            }
            let (kind, next) = at.id.filter(|_| !segment.is_empty())?;
            match kind {
                IdKind::Node(NodeId::Prefix) if own => ids.push(segment),
                IdKind::Node(NodeId::Prefix) => {
                    let (key, part) = segment.split_at_checked(KEY_LENGTH)?;
                    node = Some((NodeId::Prefix, key));
                    ids.push(part.strip_prefix('-')?);
                }
                IdKind::Node(whole) => node = Some((whole, segment)),
                IdKind::Part => ids.push(segment),
            }
            at = &self.nodes[next];
        }
        Some(Route { target: at.target?, node, ids })
    }
}

/// Characters of a node's key in a URI: a UUID.
const KEY_LENGTH: usize = 36;

fn parent(path: &'static str) -> &'static str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn generic(path: &str) -> String {
    let below = path.strip_prefix("/redfish/v1").unwrap_or(path);
    let words = below.split('/').filter(|s| !s.is_empty());
    words.map(|s| if s.starts_with('{') { "{}" } else { s }).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "c4761ce6-14fc-8f4f-bec3-9a057624dd62";

    #[test]
    fn paths_lead_to_rows_with_their_ids() {
        let path = format!("/redfish/v1/Systems/{KEY}/Processors/CPU0");
        let route = TREE.find(&path, false).unwrap();
        assert_eq!((route.node, route.ids), (Some((NodeId::System, KEY)), vec!["CPU0"]));
        assert!(matches!(TREE.find("/redfish/v1/Systems", false).unwrap().target, Target::Collection(_)));
        assert!(matches!(TREE.find("/redfish/v1/", false).unwrap().target, Target::Document(_)));
        assert_eq!(TREE.find("/redfish/", false).unwrap().target, Target::Versions);
    }

    #[test]
    fn a_component_of_a_node_is_found_by_its_prefix() {
        let path = format!("/redfish/v1/UpdateService/FirmwareInventory/{KEY}-BIOS");
        let route = TREE.find(&path, false).unwrap();
        assert_eq!((route.node, route.ids), (Some((NodeId::Prefix, KEY)), vec!["BIOS"]));
        let short = "/redfish/v1/UpdateService/FirmwareInventory/BIOS";
        assert!(TREE.find(short, false).is_none());
        let route = TREE.find(short, true).unwrap();
        assert_eq!((route.node, route.ids), (None, vec!["BIOS"]));
    }

    #[test]
    fn what_is_not_in_the_table_is_nowhere() {
        for path in [
            "",
            "/",
            "/redfish/v2",
            "/redfish/v1/Systems//",
            "/redfish/v1/systems",
            "/redfish/v1/Systems/x/y/z",
        ] {
            assert!(TREE.find(path, false).is_none(), "{path}");
        }
    }

    #[test]
    fn every_document_below_another_is_linked_or_says_that_it_is_not() {
        for row in &TREE.rows {
            let mut seen = std::collections::BTreeSet::new();
            for child in &row.children {
                assert!(
                    seen.insert(child.property),
                    "{} links twice as {}",
                    row.resource.path,
                    child.property
                );
            }
        }
    }
}
