//! The routes of the service, derived from the table of resources.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::action::Action;
use super::attachment::SEGMENT;
use super::oem_rows;
use super::resource::{Collection, Entry, OfNode, OfService, Owner, Resource};
use super::row::{Fixed, Part, ROOT, Row, Target, parent};
use super::schemas::schemas;

/// All routes of the service.
pub(super) struct Tree {
    branches: Vec<Branch>,
    pub services: Vec<Row<OfService>>,
    pub nodes: Vec<Row<OfNode>>,
    /// The rows for resources that models add, as in [`oem_rows::ROWS`].
    pub oem: Vec<Row<OfNode>>,
    /// The schemas of all types, such as `Chassis.v1_28_0`.
    pub schemas: BTreeSet<String>,
}

/// A path that has been resolved.
pub(super) struct Route<'p> {
    pub target: Target,
    /// The id that names a node, and the part of the node that it is the id of.
    pub node: Option<(IdOf, &'p str)>,
    /// The other ids, in order.
    pub ids: Vec<&'p str>,
}

/// The part of a node that an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdOf {
    System,
    Manager,
    Chassis,
    /// The id begins with the node's UUID and a dash; the rest is the id of a part.
    Part,
}

/// What follows a segment of a path.
#[derive(Default)]
struct Branch {
    words: Vec<(&'static str, usize)>,
    id: Option<(Id, usize)>,
    /// What the id of a part of the service leads to, where other ids begin with the UUID of a node.
    of_service: Option<usize>,
    target: Option<Planted>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Id {
    Node(IdOf),
    Part,
}

/// A [`Target`] while the tree is built; the numbers are those of its rows.
#[derive(Clone, Copy)]
enum Planted {
    Service(usize, Part<OfService>),
    Node(usize, Part<OfNode>),
    OverNodes(usize, &'static Collection<OfNode>),
    Fixed(Fixed),
}

impl Tree {
    /// Builds the tree of a table.
    ///
    /// # Panics
    /// When two rows of the table have the same path, or a row's path has an id that no row names.
    pub(super) fn of(table: &'static [Entry]) -> Self {
        let mut tree = Self {
            branches: vec![Branch::default()],
            services: Vec::new(),
            nodes: Vec::new(),
            oem: oem_rows::ROWS.iter().map(|row| Row::of_models(row, table.len())).collect(),
            schemas: schemas(table),
        };
        for (path, fixed) in Fixed::PATHS {
            tree.plant(path, Planted::Fixed(fixed));
        }
        for (number, entry) in table.iter().enumerate() {
            match entry {
                Entry::Service(resource) => {
                    let row = tree.services.len();
                    tree.services.push(Row::new(resource, number, table));
                    tree.plant_row(resource, |part| Planted::Service(row, part));
                }
                Entry::Node(resource) => {
                    let row = tree.nodes.len();
                    tree.nodes.push(Row::new(resource, number, table));
                    let over_nodes = !parent(resource.path).contains('{');
                    tree.plant_row(resource, |part| match part {
                        Part::Collection(over) if over_nodes => Planted::OverNodes(row, over),
                        part => Planted::Node(row, part),
                    });
                }
            }
        }
        tree
    }

    fn plant_row<O: Owner>(&mut self, resource: &'static Resource<O>, target: impl Fn(Part<O>) -> Planted) {
        self.plant(resource.path, target(Part::Document));
        if let Some(collection) = resource.collection.as_ref().filter(|own| !own.is_among_those_of_nodes) {
            let at = self.plant(parent(resource.path), target(Part::Collection(collection)));
            if collection.create.is_some() {
                let at = self.word(at, "Members");
                self.branches[at].target = Some(target(Part::Members(collection)));
            }
        }
        if let Some(monitor) = resource.monitor {
            self.plant(monitor.path, target(Part::Monitor(monitor)));
        }
        if let Some(attach) = resource.attachment {
            let at = self.walk(resource.path);
            let at = self.word(at, SEGMENT);
            self.branches[at].target = Some(target(Part::Attachment(attach)));
        }
        for action in resource.actions {
            let at = self.walk(resource.path);
            let at = self.word(at, "Actions");
            let at = self.word(at, action.name());
            self.branches[at].target = Some(target(Part::Action(action)));
            if let Some(info) = action.info() {
                let at = self.walk(resource.path);
                // The tree stays for the life of the process.
                let at = self.word(at, info.leak());
                self.branches[at].target = Some(target(Part::ActionInfo(action)));
            }
        }
    }

    fn plant(&mut self, path: &'static str, target: Planted) -> usize {
        let at = self.walk(path);
        let before = self.branches[at].target.replace(target);
        assert!(before.is_none(), "two rows have the path {path}");
        at
    }

    fn walk(&mut self, path: &'static str) -> usize {
        path.split('/').filter(|s| !s.is_empty()).fold(0, |at, segment| self.word(at, segment))
    }

    fn word(&mut self, at: usize, segment: &'static str) -> usize {
        let new = self.branches.len();
        let next = if segment.starts_with("{Service-") {
            *self.branches[at].of_service.get_or_insert(new)
        } else if segment.starts_with('{') {
            let id = match segment {
                "{System}" => Id::Node(IdOf::System),
                "{Manager}" => Id::Node(IdOf::Manager),
                "{Chassis}" => Id::Node(IdOf::Chassis),
                part if part.starts_with("{Node-") => Id::Node(IdOf::Part),
                _ => Id::Part,
            };
            self.branches[at].id.get_or_insert((id, new)).1
        } else {
            let words = &mut self.branches[at].words;
            let found = words.iter().find(|(w, _)| *w == segment).map(|(_, next)| *next);
            found.unwrap_or_else(|| {
                words.push((segment, new));
                new
            })
        };
        if next == new {
            self.branches.push(Branch::default());
        }
        next
    }

    /// Resolves a path. One slash at the end is allowed, as clients write the root with it. Below a root that belongs to
    /// one node (`own_root`), the ids of parts do not begin with the node's UUID.
    pub(super) fn find<'p>(&'static self, path: &'p str, own_root: bool) -> Option<Route<'p>> {
        let path = path.strip_prefix('/')?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let (mut at, mut node, mut ids) = (&self.branches[0], None, Vec::new());
        let mut rest = Some(path);
        while let Some(left) = rest {
            // `str::split` sets up a searcher for each segment, which costs more than most segments are long.
            let end = memchr::memchr(b'/', left.as_bytes());
            let segment = &left[..end.unwrap_or(left.len())];
            rest = end.map(|end| &left[end + 1..]);
            if let Some((_, next)) = at.words.iter().find(|(w, _)| *w == segment) {
                at = &self.branches[*next];
                continue;
            }
            let (id, next) = at.id.filter(|_| !segment.is_empty())?;
            match id {
                Id::Node(IdOf::Part) if own_root => ids.push(segment),
                Id::Node(IdOf::Part) => match of_node(segment) {
                    Some((uuid, part)) => {
                        node = Some((IdOf::Part, uuid));
                        ids.push(part);
                    }
                    None => {
                        ids.push(segment);
                        at = &self.branches[at.of_service?];
                        continue;
                    }
                },
                Id::Node(whole) => node = Some((whole, segment)),
                Id::Part => ids.push(segment),
            }
            at = &self.branches[next];
        }
        let target = match at.target? {
            Planted::Service(row, part) => Target::Service(&self.services[row], part),
            Planted::Node(row, part) => Target::Node(&self.nodes[row], part),
            Planted::OverNodes(row, over) if own_root => {
                Target::Node(&self.nodes[row], Part::Collection(over))
            }
            Planted::OverNodes(row, over) => Target::OverNodes(&self.nodes[row], over),
            Planted::Fixed(fixed) => Target::Fixed(fixed),
        };
        Some(Route { target, node, ids })
    }

    /// The path with the words that the table has in the table's spelling. `None` if that changes nothing.
    pub(super) fn respelled(&self, path: &str) -> Option<String> {
        let mut words = Vec::new();
        let mut at = Some(&self.branches[0]);
        for segment in path.split('/') {
            let branch = at.filter(|_| !segment.is_empty());
            let known = branch.and_then(|at| at.words.iter().find(|(w, _)| w.eq_ignore_ascii_case(segment)));
            words.push(known.map_or(segment, |(word, _)| word));
            if !segment.is_empty() {
                let id = branch.and_then(|at| at.id).map(|(_, next)| next);
                at = known.map(|(_, next)| *next).or(id).map(|next| &self.branches[next]);
            }
        }
        let plain = words.join("/");
        (plain != path).then_some(plain)
    }

    /// The row of the service root.
    pub(super) fn root(&self) -> &Row<OfService> {
        self.services.iter().find(|row| row.resource.path == ROOT).expect("the table has a service root")
    }

    /// The number of paths that lead to something.
    #[cfg(test)]
    pub(super) fn paths(&self) -> usize {
        self.branches.iter().filter(|branch| branch.target.is_some()).count()
    }

    /// The paths of all rows as a profile's `absent` writes them.
    pub(super) fn generic_paths(&self) -> impl Iterator<Item = &str> {
        let services = self.services.iter().map(|row| &row.generic);
        services.chain(self.nodes.iter().map(|row| &row.generic)).map(String::as_str)
    }

    /// The names of all actions, each as `ComputerSystem.Reset`.
    pub(super) fn action_names(&self) -> BTreeSet<&'static str> {
        let services = self.services.iter().flat_map(|row| row.resource.actions).map(Action::name);
        services.chain(self.nodes.iter().flat_map(|row| row.resource.actions).map(Action::name)).collect()
    }

    /// The types of all rows by their numbers, each as `ComputerSystem`.
    pub(super) fn type_names(&self) -> Vec<&'static str> {
        let services = self.services.iter().map(|row| (row.number, row.resource.type_name()));
        let nodes = self.nodes.iter().map(|row| (row.number, row.resource.type_name()));
        let oem = self.oem.iter().take(1).map(|row| (row.number, oem_rows::KIND));
        let mut names: Vec<_> = services.chain(nodes).chain(oem).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name).collect()
    }
}

/// A path as the table spells it, without percent-encoding (RFC 3986, 6.2.2.2). An encoded slash stays encoded, because it is
/// part of a segment (2.2), and so does what is no text.
pub(super) fn decoded(path: &str) -> Cow<'_, str> {
    if memchr::memchr(b'%', path.as_bytes()).is_none() {
        return Cow::Borrowed(path);
    }
    let slash = |text: &str| text.replace('/', "%2F");
    let segments = path.split('/').map(|segment| slash(&super::query::decode(segment)));
    Cow::Owned(segments.collect::<Vec<_>>().join("/"))
}

/// The UUID of the node and the id of the part in an id that has both.
fn of_node(id: &str) -> Option<(&str, &str)> {
    let (uuid, part) = id.split_at_checked(UUID_LENGTH)?;
    Some((uuid, part.strip_prefix('-')?))
}

/// Characters of a node's UUID in a URI.
pub(super) const UUID_LENGTH: usize = 36;

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use http::Method;

    use super::*;
    use crate::redfish::access::Need;
    use crate::redfish::resources::RESOURCES;

    static TREE: LazyLock<Tree> = LazyLock::new(|| Tree::of(&RESOURCES));
    const UUID: &str = "c4761ce6-14fc-8f4f-bec3-9a057624dd62";

    fn find(path: &str, own_root: bool) -> Option<Route<'_>> {
        TREE.find(path, own_root)
    }

    #[test]
    fn a_path_leads_to_its_row_with_the_ids_in_it() {
        let path = format!("/redfish/v1/Systems/{UUID}/Processors/CPU0");
        let route = find(&path, false).unwrap();
        assert_eq!((route.node, route.ids), (Some((IdOf::System, UUID)), vec!["CPU0"]));
        let Target::Node(row, Part::Document) = route.target else { panic!("a node's document") };
        assert_eq!(row.resource.type_name(), "Processor");
        assert!(matches!(find("/redfish/v1/", false).unwrap().target, Target::Service(_, Part::Document)));
        assert!(matches!(find("/redfish/", false).unwrap().target, Target::Fixed(Fixed::Versions)));
    }

    #[test]
    fn a_collection_over_nodes_is_a_nodes_own_below_its_own_root() {
        for path in ["/redfish/v1/Systems", "/redfish/v1/UpdateService/FirmwareInventory"] {
            assert!(matches!(find(path, false).unwrap().target, Target::OverNodes(..)), "{path}");
            assert!(
                matches!(find(path, true).unwrap().target, Target::Node(_, Part::Collection(_))),
                "{path}"
            );
        }
    }

    #[test]
    fn the_id_of_a_nodes_component_begins_with_the_nodes_uuid() {
        let path = format!("/redfish/v1/UpdateService/FirmwareInventory/{UUID}-BIOS");
        let route = find(&path, false).unwrap();
        assert_eq!((route.node, route.ids), (Some((IdOf::Part, UUID)), vec!["BIOS"]));
        let short = "/redfish/v1/UpdateService/FirmwareInventory/BIOS";
        assert!(find(short, false).is_none());
        let route = find(short, true).unwrap();
        assert_eq!((route.node, route.ids), (None, vec!["BIOS"]));
    }

    #[test]
    fn a_path_means_the_same_with_percent_encoding() {
        for (encoded, plain) in [
            ("/redfish/v1/%24metadata", "/redfish/v1/$metadata"),
            ("/%72edfish/v1/Systems/%31", "/redfish/v1/Systems/1"),
            ("/a%2Fb/%2f", "/a%2Fb/%2F"),
            ("/%/%2/%zz/%FF", "/%/%2/%zz/%FF"),
            ("/%2531", "/%31"),
        ] {
            assert_eq!(decoded(encoded), plain);
        }
    }

    #[test]
    fn other_paths_lead_nowhere() {
        for path in [
            "",
            "/",
            "/redfish/v2",
            "/redfish/v1/Systems//",
            "/redfish/v1/systems",
            "/redfish/v1/Systems/x/y/z",
        ] {
            assert!(find(path, false).is_none(), "{path}");
        }
    }

    #[test]
    fn a_document_links_to_each_child_by_a_property_of_its_own() {
        fn check<O: Owner>(rows: &[Row<O>]) {
            for row in rows {
                let mut properties: Vec<_> = row.children.iter().map(|child| child.property).collect();
                properties.sort_unstable();
                properties.dedup();
                assert_eq!(properties.len(), row.children.len(), "{} links twice", row.resource.path);
            }
        }
        check(&TREE.services);
        check(&TREE.nodes);
    }

    #[test]
    fn everybody_may_read_the_root_and_log_in_and_nothing_else() {
        let open =
            |path: &str, method: Method| find(path, false).unwrap().target.need(&method) == Need::Nothing;
        for path in [
            "/redfish",
            "/redfish/v1",
            "/redfish/v1/odata",
            "/redfish/v1/$metadata",
            "/redfish/v1/openapi.yaml",
        ] {
            assert!(
                open(path, Method::GET) && open(path, Method::HEAD) && !open(path, Method::POST),
                "{path}"
            );
        }
        let sessions = "/redfish/v1/SessionService/Sessions";
        assert!(open(sessions, Method::POST) && !open(sessions, Method::GET));
        let public = TREE.services.iter().filter(|row| row.resource.access.read == Need::Nothing);
        assert_eq!(public.count(), 1);
        assert!(TREE.nodes.iter().all(|row| row.need(Part::Document, &Method::GET) != Need::Nothing));
    }
}
