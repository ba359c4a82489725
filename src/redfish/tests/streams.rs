//! The stream of events as a slow client reads it.

use http_body_util::BodyExt as _;

use super::*;
use crate::face::Body;
use crate::node::bmc::subscriptions::Size;

const SERVICE: &str = "/redfish/v1/EventService";

/// A root of node 0 in a fleet, whose clock stands still.
struct Site {
    redfish: Arc<Redfish>,
    own: Option<NodeId>,
}

impl Site {
    fn open(&self, last_event: Option<u64>) -> Body {
        let mut request = Request::get(format!("{SERVICE}/SSE")).header("Authorization", BASIC);
        if let Some(id) = last_event {
            request = request.header("Last-Event-ID", id);
        }
        let response = self.redfish.stream(self.own, &request.body(Bytes::new()).unwrap());
        assert_eq!(response.status(), 200);
        response.into_body()
    }

    /// Submits test events with a message of this length.
    fn submit(&self, count: usize, length: usize) {
        let uri = format!("{SERVICE}/Actions/EventService.SubmitTestEvent");
        let body = json!({"MessageId": "Contoso.1.0.Tick", "Message": "x".repeat(length)}).to_string();
        let request = Request::post(uri).header("Authorization", BASIC).body(Bytes::from(body)).unwrap();
        for _ in 0..count {
            let response = match self.own {
                Some(id) => self.redfish.call_own(id, |_| true, &request).unwrap(),
                None => self.redfish.call(&request),
            };
            assert_eq!(response.status(), 204);
        }
    }
}

/// The next piece of a stream. `None` at its end.
async fn piece(stream: &mut Body) -> Option<String> {
    let frame = stream.frame().await?.unwrap().into_data().unwrap();
    Some(String::from_utf8(frame.to_vec()).unwrap())
}

fn ids(piece: &str) -> Vec<u64> {
    piece.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect()
}

fn sites() -> [Site; 2] {
    [None, Some(NodeId(0))].map(|own| Site { redfish: Arc::new(Bench::new().redfish), own })
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_continues_with_last_event_id() {
    static SMALL: Size = Size { events: 512, bytes: Size::OF_FLEET.bytes, replay: 64 };
    for site in sites() {
        site.redfish.events.resize(&SMALL);
        let mut stream = site.open(None);
        assert!(piece(&mut stream).await.unwrap().starts_with(':'));
        site.submit(1, 1);
        let mut last = *ids(&piece(&mut stream).await.unwrap()).last().unwrap();
        site.submit(500, 1);
        assert!(piece(&mut stream).await.is_some(), "the queue holds all that it has not read");
        site.submit(513, 1);
        while let Some(piece) = piece(&mut stream).await {
            last = *ids(&piece).last().unwrap();
        }
        drop(stream);
        let mut page = crate::meter::Page::default();
        site.redfish.meter(&mut page);
        assert!(page.text().contains("fauxmetal_event_streams_cut_off_total 1\n"));
        let mut again = site.open(Some(last));
        piece(&mut again).await.unwrap();
        let missed = ids(&piece(&mut again).await.unwrap());
        assert!(missed[0] > last + 1, "the gap in the ids shows that events are missing: {last}, {missed:?}");
    }
}

#[tokio::test]
async fn a_piece_of_the_stream_is_bounded_and_nothing_is_left_out() {
    for site in sites() {
        let mut stream = site.open(None);
        piece(&mut stream).await.unwrap();
        site.submit(100, 1000);
        let (mut all, mut longest) = (Vec::new(), 0);
        while all.len() < 101 {
            let piece = piece(&mut stream).await.unwrap();
            longest = longest.max(piece.len());
            all.extend(ids(&piece));
        }
        assert!((20_000..40_000).contains(&longest), "{longest}");
        assert!(all.is_sorted_by(|one, next| next - one == 1), "{all:?}");
    }
}
