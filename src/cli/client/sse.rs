//! Server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>), with bounded memory.

use std::time::Duration;

use bytes::Bytes;

use super::error::ClientError;
use super::lines::{Lines, MAX_LINE};

/// The longest silence of a daemon that lives: it sends a comment every 15 seconds.
const SILENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Event {
    pub(in crate::cli) kind: String,
    /// The value of `Last-Event-ID` with which a client continues after this event, if it has one.
    pub(in crate::cli) id: Option<String>,
    pub(in crate::cli) data: String,
}

/// The events of an answer, as they arrive.
pub(in crate::cli) struct Events(Lines);

impl Events {
    pub(super) fn new(lines: Lines) -> Self {
        Self(lines)
    }

    /// The next event; `None` if the daemon has ended the answer.
    pub(in crate::cli) async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        let mut event = Event::default();
        while let Some(line) = self.line().await? {
            let line = String::from_utf8_lossy(&line);
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut event.kind),
                "id" => event.id = Some(value.to_owned()),
                "data" => {
                    event.data += value;
                    event.data.push('\n');
                    if event.data.len() > MAX_LINE {
                        let why = format_args!("an event has more than {MAX_LINE} bytes");
                        return Err(self.0.unreadable(&why));
                    }
                }
                "" if line.is_empty() && !event.data.is_empty() => {
                    event.data.pop();
                    return Ok(Some(event));
                }
                // The standard has an event without data ignored, as comments and unknown fields.
                "" if line.is_empty() => event = Event::default(),
                _ => {}
            }
        }
        Ok(None)
    }

    async fn line(&mut self) -> Result<Option<Bytes>, ClientError> {
        let line = tokio::time::timeout(SILENCE, self.0.any()).await;
        let line = line.unwrap_or_else(|_| {
            Err(self.0.broken(&format!("the daemon was silent for {} s", SILENCE.as_secs())))
        })?;
        Ok(line.map(|line| line.strip_suffix(b"\r").map(|line| line.to_vec().into()).unwrap_or(line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &'static str) -> Vec<Event> {
        let mut events = Events::new(Lines::new(http::Response::new(text).into(), "x".to_owned()));
        let mut all = Vec::new();
        while let Some(event) = events.next().await.unwrap() {
            all.push(event);
        }
        all
    }

    fn event(kind: &str, id: Option<&str>, data: &str) -> Event {
        Event { kind: kind.to_owned(), id: id.map(str::to_owned), data: data.to_owned() }
    }

    #[tokio::test]
    async fn events_have_a_kind_an_id_and_data() {
        let text = ": comment\n\nevent: power-on\ndata: {\"a\":1}\nid: x-1\n\nid:2\r\ndata:a\r\ndata: b\r\n\r\ndata: cut\n";
        assert_eq!(
            read(text).await,
            [event("power-on", Some("x-1"), "{\"a\":1}"), event("", Some("2"), "a\nb")]
        );
    }

    #[tokio::test]
    async fn an_event_without_data_and_an_unknown_field_are_ignored() {
        assert_eq!(read("event: x\nid: 1\n\nretry: 5\ndata: y\n\n").await, [event("", None, "y")]);
    }
}
