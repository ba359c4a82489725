//! Persistence of the fleet, as the other rooms use it: stored states are restored, changes are collected, and responses
//! wait until the changes that they depend on are durable.

use std::sync::Arc;
use std::time::Duration;

use super::Fleet;
use super::persist::{self, Ledger, NotPersisted, Record, Seen, Written};
use crate::node::{Node, NodeId, State};
use crate::time::SimTime;

/// Time between two checks of a disk that is full or fails. Such failures last for seconds at least.
const RECHECK: Duration = Duration::from_millis(500);

impl Fleet {
    /// Begins to collect all changes for a writer.
    pub fn persist(&self) -> Arc<Ledger> {
        Arc::clone(self.ledger.get_or_init(|| Arc::new(Ledger::new())))
    }

    /// The changes that are not yet durable; `None` if the fleet is not persisted.
    pub fn ledger(&self) -> Option<&Arc<Ledger>> {
        self.ledger.get()
    }

    /// Restores the stored state of a node. Returns whether the node exists. Its calls to the outside are repeated. Its
    /// overdue deadlines take effect in [`Fleet::keep_time`], the oldest first.
    pub fn restore(&self, id: NodeId, state: State) -> bool {
        let Some(slot) = self.slots.get(id) else { return false };
        let mut slot = slot.lock();
        let Some(node) = &slot.node else { return false };
        for (_, text) in state.long_texts() {
            // They exist already, so they count even if they are more than the limit.
            let _ = text.hold(&self.results, u64::MAX);
        }
        let (now, profile) = (self.clock.now(), Arc::clone(node.profile()));
        let mut node = Node::restore(id, self.seed, profile, state);
        node.use_sessions(now);
        self.attach_rules(&mut node, now);
        slot.node = Some(node);
        slot.armed = SimTime::NEVER;
        self.after(id, &mut slot, now);
        true
    }

    /// Writes the state of a node as JSON into an empty buffer, and adds the records that become durable with it to `records`. Returns
    /// the node's long texts, which the JSON does not contain.
    pub fn write_state(&self, id: NodeId, buffer: &mut Vec<u8>, records: &mut Vec<Record>) -> Written {
        let Some(slot) = self.slots.get(id) else { return Written::Nothing };
        let slot = slot.lock();
        if let Some(ledger) = self.ledger() {
            records.extend(ledger.take_records_of(id));
        }
        let Some(state) = slot.node.as_ref().map(Node::state).filter(|state| !state.is_new()) else {
            return Written::Nothing;
        };
        serde_json::to_writer(buffer, state)
            .expect("a state is valid JSON, and writing to memory does not fail");
        Written::State(state.long_texts())
    }

    /// Runs `see`, and returns the newest batch that the result depends on.
    ///
    /// Reads are noted per thread. This is exact, because `see` cannot await and so runs on one thread.
    pub fn noting<R>(&self, see: impl FnOnce() -> R) -> (R, Seen) {
        if self.ledger().is_none() {
            return (see(), Seen(0));
        }
        persist::noting(see)
    }

    /// Waits until the batch is durable. Returns immediately if the fleet is not persisted.
    ///
    /// # Errors
    /// If the wait takes too long, for example because the disk is full.
    pub async fn until_persisted(&self, seen: Seen) -> Result<(), NotPersisted> {
        match self.ledger() {
            Some(ledger) => ledger.wait(seen).await,
            None => Ok(()),
        }
    }

    /// Waits until all changes of a node are durable. Returns immediately if the fleet is not persisted.
    ///
    /// # Errors
    /// If the wait takes too long, for example because the disk is full.
    pub async fn until_node_persisted(&self, id: NodeId) -> Result<(), NotPersisted> {
        let Some(ledger) = self.ledger() else { return Ok(()) };
        let batch = self.slots.get(id).map_or(0, |slot| slot.lock().batch);
        ledger.wait(Seen(batch)).await
    }

    /// Waits until a change could be stored. The fleet makes no call meanwhile, and takes no answer, because both change
    /// nodes: what clients read stays what is on disk.
    pub async fn until_changes_are_accepted(&self) {
        while self.may_change().is_err() {
            tokio::time::sleep(RECHECK).await;
        }
    }

    /// Checks whether a change could be stored. Callers check this before they change anything for a client.
    ///
    /// # Errors
    /// If the disk fails, or too many batches wait for it.
    pub fn may_change(&self) -> Result<(), NotPersisted> {
        match self.ledger() {
            Some(ledger) if !ledger.accepts() => Err(NotPersisted::Refused),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::persist::{MAX_BATCH, MAX_FULL, Next};
    use super::*;
    use crate::clock::Clock;
    use crate::dmtf::{PowerState, ResetType};
    use crate::fleet::{Effects, Witness};
    use crate::node::bmc::bios;
    use crate::node::command::Command;
    use crate::node::effect::{Effect, EffectKind};
    use crate::node::event::Event;
    use crate::node::host;
    use crate::profile::built_in;
    use crate::seed::Seed;

    const T0: SimTime = SimTime::from_ms(1_000_000);

    fn fleet(at: SimTime) -> (Fleet, Effects) {
        let (fleet, effects) = Fleet::new(Seed(5), Clock::by_hand(at));
        fleet.add(&built_in("generic").unwrap(), 3).unwrap();
        (fleet, effects)
    }

    fn on() -> Command {
        Command::Host(host::Command::Reset(ResetType::On))
    }

    fn state(fleet: &Fleet, id: u32) -> State {
        let mut text = Vec::new();
        assert_eq!(fleet.write_state(NodeId(id), &mut text, &mut Vec::new()), Written::State(Vec::new()));
        serde_json::from_slice(&text).unwrap()
    }

    #[test]
    fn overdue_deadlines_take_effect_after_a_restart_without_a_request() {
        let (before, _effects) = fleet(T0);
        before.apply(NodeId(1), on()).unwrap().unwrap();
        let (after, mut effects) = fleet(T0.after_ms(3_600_000));
        assert!(after.restore(NodeId(1), state(&before, 1)) && !after.restore(NodeId(7), state(&before, 1)));
        assert!(effects.try_recv().is_err(), "no deadline has been processed yet");
        after.wake_due();
        let (id, effect) = effects.try_recv().unwrap();
        assert_eq!((id, effect.kind), (NodeId(1), EffectKind::ReadBoot { start: 1 }));
        // The call is lost when the process ends, and is repeated.
        let (again, mut effects) = fleet(T0.after_ms(3_600_000));
        again.restore(NodeId(1), state(&after, 1));
        let once_more = Effect { due: again.clock().now(), ..effect };
        assert_eq!(effects.try_recv().unwrap(), (NodeId(1), once_more));
        assert_eq!(again.look(NodeId(1), |n, _| n.host().power_state()), Some(PowerState::On));
    }

    #[test]
    fn a_changed_node_is_in_a_batch_once_and_a_restored_node_in_none() {
        let (fleet, _effects) = fleet(T0);
        let ledger = fleet.persist();
        fleet.restore(NodeId(2), State::default());
        for _ in 0..3 {
            fleet.apply(NodeId(1), Command::Bios(bios::Command::Reset)).unwrap().unwrap();
        }
        let Next::Write(first) = ledger.take(None) else { panic!("no batch") };
        assert_eq!((first.number, first.nodes.as_slice()), (1, &[NodeId(1)][..]));
        fleet.apply(NodeId(1), Command::Bios(bios::Command::Reset)).unwrap().unwrap();
        let Next::Write(second) = ledger.take(None) else { panic!("no batch") };
        assert_eq!((second.number, second.nodes.as_slice()), (2, &[NodeId(1)][..]));
        assert!(matches!(ledger.take(Some(Duration::ZERO)), Next::Nothing));
        ledger.stop();
        assert!(matches!(ledger.take(None), Next::Stop));
    }

    /// Records the number of each event.
    struct Recorder(Arc<Ledger>);

    impl Witness for Recorder {
        fn is_on(&self) -> bool {
            true
        }

        fn see(&self, node: NodeId, events: &mut dyn Iterator<Item = &Event>) {
            for event in events {
                self.0.record_with(node, &event.number.to_string(), b"1".to_vec());
            }
        }
    }

    #[test]
    fn an_event_is_stored_with_the_state_that_has_it() {
        let (fleet, _effects) = fleet(T0);
        let ledger = fleet.persist();
        fleet.witnessed_by(Arc::new(Recorder(Arc::clone(&ledger))));
        let written = || {
            let (mut text, mut records) = (Vec::new(), Vec::new());
            fleet.write_state(NodeId(1), &mut text, &mut records);
            let state: State = serde_json::from_slice(&text).unwrap();
            let node = Node::restore(NodeId(1), Seed(5), built_in("generic").unwrap(), state);
            (node.bmc().logs.last(), records.into_iter().map(|(key, _)| key).collect::<Vec<_>>())
        };
        let restart =
            |kind| fleet.apply(NodeId(1), Command::Host(host::Command::Reset(kind))).unwrap().unwrap();
        restart(ResetType::On);
        let last = fleet.look(NodeId(1), |node, _| node.bmc().logs.last()).unwrap();
        let Next::Write(first) = ledger.take(None) else { panic!("no batch") };
        // The writer has the batch, and the node changes before it is written.
        restart(ResetType::ForceOff);
        let (now, records) = written();
        assert!(now > last && first.nodes == [NodeId(1)]);
        assert_eq!(records.last().unwrap().parse(), Ok(now), "{records:?}");
        assert!(records.contains(&last.to_string().into()), "{records:?}");
        // The batch with the later change has nothing left to add.
        let Next::Write(second) = ledger.take(None) else { panic!("no batch") };
        assert_eq!((second.nodes.as_slice(), written()), (&[NodeId(1)][..], (now, Vec::new())));
    }

    #[test]
    fn too_many_full_batches_refuse_changes_until_some_are_taken() {
        let (fleet, _effects) = fleet(T0);
        let ledger = fleet.persist();
        for n in 0..MAX_BATCH * MAX_FULL {
            assert_eq!(fleet.may_change(), Ok(()), "after {n}");
            ledger.record("x/y", None);
        }
        assert_eq!(fleet.may_change(), Err(NotPersisted::Refused));
        assert!(matches!(ledger.take(None), Next::Write(batch) if batch.records.len() == MAX_BATCH));
        assert_eq!(fleet.may_change(), Ok(()));
    }
}
