//! The colours of what a fleet does.

use crate::journal::{Entry, Event, Outcome, What};

/// What a value means to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Hue {
    Plain,
    /// It works as it should.
    Good,
    /// It changes by itself.
    Busy,
    /// It needs a look.
    Bad,
    Dim,
    Strong,
}

/// What a power state, a state or a phase means to the reader.
pub(in crate::cli) fn of_word(word: &str) -> Hue {
    match word {
        "on" | "os-running" | "live-running" | "agent-running" | "serving" | "connected" => Hue::Good,
        "off" => Hue::Dim,
        "no-boot-device" | "agent-closed" | "closed" | "failed" => Hue::Bad,
        "powering-on" | "powering-off" | "post" | "booting" | "setup" | "starting" | "inspecting"
        | "looking-up" | "working" | "opening" => Hue::Busy,
        _ => Hue::Plain,
    }
}

/// What an event means to the reader.
pub(in crate::cli) fn of_event(event: Event) -> Hue {
    match event {
        Event::Booted | Event::FirstHeartbeat | Event::HeartbeatAgain | Event::Deployed => Hue::Good,
        Event::NothingToBoot | Event::AgentStopped | Event::CommandFailed => Hue::Bad,
        _ => Hue::Strong,
    }
}

/// What an entry of a journal means to the reader. Polls that succeed stand back.
pub(in crate::cli) fn of_entry(entry: &Entry) -> Hue {
    match &entry.what {
        What::State(change) => of_event(change.event),
        What::Call(call) => match call.outcome {
            Outcome::Ok => Hue::Plain,
            Outcome::Held => Hue::Busy,
            Outcome::Refused | Outcome::Failed => Hue::Bad,
        },
        What::Request(request) => match (request.status, &*request.method) {
            (None | Some(400..), _) => Hue::Bad,
            (_, "GET" | "HEAD") => Hue::Dim,
            _ => Hue::Plain,
        },
    }
}
