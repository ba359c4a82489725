//! What clients ask of the aggregation service.

use std::collections::HashSet;

use bytes::Bytes;
use serde_json::json;

use super::aggregates::{Doing, Element, Kind};
use super::error::Problem;
use super::message::{ACTION_PARAMETER_VALUE_NOT_IN_LIST, Message, PROPERTY_VALUE_NOT_IN_LIST};
use crate::node::bmc::tasks::Payload;

/// What a client asks of the aggregation service.
pub(super) enum Asking {
    Create(Named),
    Add(u32, Named),
    Remove(u32, Named),
    Delete(u32),
    Act(Act),
    /// `DELETE` of a task.
    DeleteTask(u32),
    /// `DELETE` of a task monitor.
    DeleteMonitor(u32),
}

/// The resources that a request names.
pub(super) struct Named {
    pub uris: Vec<Box<str>>,
    /// The property or parameter that has the links.
    pub key: &'static str,
    /// The action, as in `Aggregate.AddElements`. `None` for the creation of an aggregate.
    pub action: Option<&'static str>,
}

/// An action on many resources.
pub(super) struct Act {
    pub on: On,
    pub doing: Doing,
    /// Elements of a batch. 0: all of them.
    pub batch: u32,
    /// The time between two batches, seconds.
    pub delay_s: u32,
    /// The request, for its task.
    pub payload: Option<Payload>,
}

/// The resources of an action.
pub(super) enum On {
    /// Those that an aggregate has when the action begins.
    Aggregate(u32),
    Named(Named),
}

impl Doing {
    /// The action of each element, and the body of the request to it.
    pub(super) fn request(self, kind: Kind) -> (&'static str, Bytes) {
        match self {
            Self::Reset(reset) => {
                let action = match kind {
                    Kind::Systems => "ComputerSystem.Reset",
                    Kind::Chassis => "Chassis.Reset",
                    Kind::Managers => "Manager.Reset",
                };
                (action, Bytes::from(json!({"ResetType": reset.as_str()}).to_string()))
            }
            Self::SetDefaultBootOrder => ("ComputerSystem.SetDefaultBootOrder", Bytes::from_static(b"{}")),
        }
    }
}

impl Named {
    /// The most links of which an answer says that they are wrong.
    const MAX_MISTAKES: usize = 64;

    /// The resources in the order of the links, each once. All links that lead to none are reported at once.
    pub(super) fn elements(&self, exists: impl Fn(&Element) -> bool) -> Result<Vec<Element>, Problem> {
        let (mut elements, mut messages) = (Vec::with_capacity(self.uris.len()), Vec::new());
        let mut seen = HashSet::new();
        for (at, uri) in self.uris.iter().enumerate() {
            match Element::parse(uri).filter(&exists) {
                Some(element) if seen.insert(element) => elements.push(element),
                Some(_) => {}
                None => messages.push(self.no_such(at, uri)),
            }
        }
        if !messages.is_empty() {
            messages.truncate(Self::MAX_MISTAKES);
            return Err(Problem { messages, retry_after_s: None });
        }
        Ok(elements)
    }

    fn no_such(&self, at: usize, uri: &str) -> Message {
        let message = match self.action {
            Some(action) => Message::new(&ACTION_PARAMETER_VALUE_NOT_IN_LIST, [uri, self.key, action]),
            None => Message::new(&PROPERTY_VALUE_NOT_IN_LIST, [uri, self.key]),
        };
        message.about(format!("#/{}/{at}", self.key))
    }
}
