//! What has changed since the fleet has looked last.

use super::Node;

impl Node {
    /// Whether an event may have happened since the last call: without one, nobody need compare the node with its past.
    pub fn take_eventful(&mut self) -> bool {
        std::mem::take(&mut self.eventful)
    }

    /// Whether the node has tasks now, if that was different at the last call.
    pub fn take_task_news(&mut self) -> Option<bool> {
        let has = !self.bmc().tasks.is_empty();
        (std::mem::replace(&mut self.has_tasks, has) != has).then_some(has)
    }

    /// Treats the node as changed. Events that others have got must not happen again after a restart of the process.
    pub fn touch(&mut self) {
        self.touched = true;
    }

    /// Whether a command or an answer has changed the node since the last call. Such a change must be stored on disk.
    /// Changes by time alone do not count: settling repeats them.
    pub fn take_touched(&mut self) -> bool {
        std::mem::take(&mut self.touched)
    }
}
