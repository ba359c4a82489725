//! New nodes: with computed identities, or with those of a file.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::new::{Full, New, NotAdded};
use super::{Fleet, persist};
use crate::journal::Event;
use crate::node::command::Command;
use crate::node::imports::Taken;
use crate::node::{Node, NodeId, lab};
use crate::profile::Profile;
use crate::profile::identities::{Identities, Identity};

impl Fleet {
    /// Adds `count` new machines of a model and returns their indexes. A model with identities for these indexes gives them to the
    /// machines.
    ///
    /// # Errors
    /// If too few indexes are left, or an identity is taken. Then no machine is added.
    pub fn add(&self, profile: &Arc<Profile>, count: u32) -> Result<Range<u32>, NotAdded> {
        self.add_new(New::of(profile, count))
    }

    /// Like [`Fleet::add`], with all that new nodes can have.
    ///
    /// # Errors
    /// If too few indexes are left, or an identity is taken. Then no machine is added.
    pub fn add_new(&self, new: New) -> Result<Range<u32>, NotAdded> {
        self.make(new, None)
    }

    /// Adds a machine for each identity. The identities that the profile has are replaced, and the count is that of `list`.
    ///
    /// # Errors
    /// If too few indexes are left, or an identity is taken. Then no machine is added.
    pub fn import(&self, new: New, list: Arc<[Identity]>) -> Result<Range<u32>, NotAdded> {
        self.make(new, Some(list))
    }

    fn make(&self, new: New, list: Option<Arc<[Identity]>>) -> Result<Range<u32>, NotAdded> {
        let New { mut profile, mut count, labels, most, dry_run } = new;
        let mut next = self.next.lock();
        if let Some(list) = list {
            count = u32::try_from(list.len()).unwrap_or(u32::MAX);
            Arc::make_mut(&mut profile).identities = Some(Identities { first: *next, list });
        }
        let end = u64::from(*next) + u64::from(count);
        let most = most.min(Full::MOST);
        if end > most {
            return Err(Full { wanted: end, most }.into());
        }
        let added = *next..*next + count;
        self.identify_new(&profile, count, dry_run)?;
        if dry_run || count == 0 {
            return Ok(added);
        }
        // It comes before every change of the nodes on the disk, so that the disk never has a node beyond its fleet.
        if let Some(ledger) = self.ledger() {
            ledger.added(added.start, &profile, count);
        }
        let now = self.clock.now();
        for id in added.clone().map(NodeId) {
            let mut slot = self.slots.make(id).lock();
            let mut node = Node::new(id, self.seed, Arc::clone(&profile));
            node.arrive(now);
            if !labels.is_empty() {
                let labelled = node.apply(Command::Lab(lab::Command::Label(labels.clone())), now);
                labelled.expect("no node refuses labels");
            }
            self.stream.publish(&node, now, Event::Added, "");
            slot.node = Some(node);
            self.after(id, &mut slot, now);
            if self.ledger().is_some() {
                persist::note(slot.batch);
            }
        }
        *next = added.end;
        self.added.lock().push((Arc::clone(&profile), count));
        {
            let mut profiles = self.profiles.lock();
            match profiles.iter_mut().find(|(known, _)| known.name == profile.name) {
                Some((_, nodes)) => *nodes += count,
                None => profiles.push((profile, count)),
            }
        }
        self.count.fetch_add(count, Ordering::Relaxed);
        drop(next);
        self.find_first();
        if self.has_rules() {
            added.clone().for_each(|index| self.rejoin(NodeId(index)));
        }
        Ok(added)
    }

    /// Compares the identities of new nodes with those of all others, and finds imported ones from now on. The caller holds `next`.
    fn identify_new(&self, profile: &Profile, count: u32, dry_run: bool) -> Result<(), Taken> {
        let is_import = profile.identities.is_some();
        if count == 0 || !is_import && !self.has_imports.load(Ordering::Acquire) {
            return Ok(());
        }
        let before = self.added.lock().clone();
        let mut imports = self.imports.write();
        if dry_run {
            return imports.check(self.seed, &before, profile, count);
        }
        imports.add(self.seed, &before, profile, count)?;
        self.has_imports.store(!imports.is_empty(), Ordering::Release);
        Ok(())
    }
}
