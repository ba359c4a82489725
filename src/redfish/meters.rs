//! What of the service is counted: requests by type of resource, and sessions.

use super::Redfish;
use super::tree::{TREE, Target};
use crate::meter::{Page, Requests};

/// Kinds before those of the table: paths that lead nowhere, and documents of the service's own.
const NOWHERE: usize = 0;
const SERVICE: usize = 1;
/// The parts of a row, each a kind.
const PARTS: [&str; 3] = ["document", "collection", "action"];

/// The number of the kind of resource that stands there.
pub(super) fn kind(target: Option<Target>) -> usize {
    let (row, part) = match target {
        None => return NOWHERE,
        Some(Target::Versions | Target::Odata | Target::Metadata) => return SERVICE,
        Some(Target::Document(row)) => (row, 0),
        Some(Target::Collection(row) | Target::Members(row)) => (row, 1),
        Some(Target::Action(row, _)) => (row, 2),
    };
    SERVICE + 1 + row * PARTS.len() + part
}

/// No requests so far.
pub(super) fn requests() -> Requests {
    let own = [("none", "document"), ("service", "document")];
    let rows = TREE.rows.iter().flat_map(|row| PARTS.map(|part| (row.resource.type_name(), part)));
    Requests::new("redfish", own.into_iter().chain(rows))
}

impl Redfish {
    /// Puts what was counted on the page.
    pub fn meter(&self, page: &mut Page) {
        self.requests.show(page);
        let sessions = self.sessions.len() as u64;
        page.gauge(
            "fauxmetal_sessions",
            "Redfish sessions at the shared root, those included that have timed out unseen",
            &[],
            sessions,
        );
        page.limit("sessions", &self.sessions.refused);
        page.limit("sessions-per-bmc", &self.own_sessions_refused);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http::Request;

    use super::*;
    use crate::clock::Clock;
    use crate::fleet::Fleet;
    use crate::profile::built_in;
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
