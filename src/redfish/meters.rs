//! The kinds of request that metrics tell apart: by type of resource and part of it.

use super::resource::Owner;
use super::row::{Part, Row, Target};
use super::tree::Tree;
use crate::meter::Requests;

/// Paths without a resource.
const NOWHERE: usize = 0;
/// Documents that describe the service.
const SERVICE: usize = 1;
/// Each row of the table has these kinds.
const PARTS: [&str; 3] = ["document", "collection", "action"];

/// The kind of a request for that target.
pub(super) fn kind(target: Option<Target>) -> usize {
    fn of<O: Owner>(row: &Row<O>, part: Part<O>) -> usize {
        let part = match part {
            Part::Document | Part::ActionInfo(_) | Part::Monitor(_) | Part::Attachment(_) => 0,
            Part::Collection(_) | Part::Members(_) => 1,
            Part::Action(_) => 2,
        };
        SERVICE + 1 + row.number * PARTS.len() + part
    }
    match target {
        None => NOWHERE,
        Some(Target::Fixed(_)) => SERVICE,
        Some(Target::Service(row, part)) => of(row, part),
        Some(Target::Node(row, part)) => of(row, part),
        Some(Target::OverNodes(row, over)) => of(row, Part::Collection(over)),
    }
}

/// Metrics without a request so far.
pub(super) fn requests(tree: &Tree) -> Requests {
    let own = [("none", "document"), ("service", "document")];
    let rows = tree.type_names().into_iter().flat_map(|name| PARTS.map(|part| (name, part)));
    Requests::new("redfish", own.into_iter().chain(rows))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http::Request;

    use crate::clock::Clock;
    use crate::fleet::Fleet;
    use crate::meter::Page;
    use crate::profile::built_in;
    use crate::redfish::Redfish;
    use crate::redfish::auth::Account;
    use crate::seed::Seed;
    use crate::time::SimTime;

    #[test]
    fn a_list_that_is_streamed_is_counted_as_it_is_sent() {
        let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(0)));
        fleet.add(&built_in("generic").unwrap(), 2_000).unwrap();
        let redfish = Redfish::new(Arc::new(fleet), Account::new("admin", "password"));
        let request =
            Request::get("/redfish/v1/Systems").header("authorization", "Basic YWRtaW46cGFzc3dvcmQ=");
        let sent = redfish.call(&request.body(Bytes::new()).unwrap()).into_body().len();
        assert!(sent > 100_000);
        let mut page = Page::default();
        redfish.meter(&mut page);
        let line = format!("fauxmetal_sent_bytes_total{{face=\"redfish\"}} {sent}\n");
        assert!(page.text().contains(&line), "{}", page.text());
    }

    #[test]
    fn requests_are_counted_by_what_stands_at_their_path() {
        let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(0)));
        fleet.add(&built_in("generic").unwrap(), 1).unwrap();
        let redfish = Redfish::new(Arc::new(fleet), Account::new("admin", "password"));
        let uuid = redfish.fleet.look(crate::node::NodeId(0), |n, _| n.spec().uuid()).unwrap();
        let system = format!("/redfish/v1/Systems/{uuid}");
        for path in ["/redfish/v1", "/redfish/v1/Systems", &system, &system, "/favicon.ico", "/redfish"] {
            let request = Request::get(path).header("authorization", "Basic YWRtaW46cGFzc3dvcmQ=");
            redfish.call(&request.body(Bytes::new()).unwrap());
        }
        let reset = Request::post(format!("{system}/Actions/ComputerSystem.Reset")).body(Bytes::new());
        redfish.call(&reset.unwrap());
        let mut page = Page::default();
        redfish.meter(&mut page);
        let text = page.text();
        for (resource, part, status, count) in [
            ("ServiceRoot", "document", "2xx", 1),
            ("ComputerSystem", "collection", "2xx", 1),
            ("ComputerSystem", "document", "2xx", 2),
            ("ComputerSystem", "action", "4xx", 1),
            ("none", "document", "4xx", 1),
            ("service", "document", "2xx", 1),
        ] {
            let line = format!(
                "_count{{face=\"redfish\",resource=\"{resource}\",part=\"{part}\",status=\"{status}\"}} {count}\n"
            );
            assert!(text.contains(&line), "{line} is not in {text}");
        }
    }
}
