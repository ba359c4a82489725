//! The tables of the state file, and how a batch is written to them.

use std::collections::HashMap;

use redb::{ReadOnlyTable, Table, TableDefinition, WriteTransaction};

use crate::fleet::Fleet;
use crate::fleet::persist::{Batch, Written};
use crate::node::NodeId;
use crate::node::ipa::{Text, TextName};

/// The states of nodes that differ from a new node, by index; JSON of [`State`].
pub(super) const NODES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("nodes");
/// The long texts of the nodes, by index of the node and name, as they are. The states contain only notes in their places,
/// so that a change of a node writes none of them again.
pub(super) const TEXTS: TableDefinition<'_, (u32, &str), &[u8]> = TableDefinition::new("texts");
/// All other values, by key, as JSON. Keys with a `/` belong to services.
pub(super) const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");

/// The names of the long texts that the file contains, by node. A text of a name never changes.
pub(super) type StoredTexts = HashMap<u32, Vec<TextName>>;

/// The table of texts, as it is read.
pub(super) type Texts = ReadOnlyTable<(u32, &'static str), &'static [u8]>;

/// The tables of the nodes in a transaction.
pub(super) struct Tables<'t> {
    pub(super) nodes: Table<'t, u32, &'static [u8]>,
    pub(super) texts: Table<'t, (u32, &'static str), &'static [u8]>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self { nodes: transaction.open_table(NODES)?, texts: transaction.open_table(TEXTS)? })
    }

    /// Stores a node: its state, and those of its texts that are not among the `stored` ones.
    pub(super) fn insert(
        &mut self,
        id: NodeId,
        state: &[u8],
        texts: &[(TextName, Text)],
        stored: &[TextName],
    ) -> Result<(), redb::Error> {
        self.nodes.insert(id.0, state)?;
        for (name, text) in texts.iter().filter(|(name, _)| !stored.contains(name)) {
            self.texts.insert((id.0, name.to_string().as_str()), text.as_bytes())?;
        }
        Ok(())
    }
}

/// Stores a batch, with the records of its nodes, which it takes. `stored` are the names of the texts in the file; returns those of the
/// nodes that have or had any.
pub(super) fn put(
    transaction: &WriteTransaction,
    fleet: &Fleet,
    batch: &mut Batch,
    stored: &StoredTexts,
) -> Result<StoredTexts, redb::Error> {
    let mut tables = Tables::open(transaction)?;
    let mut changed = StoredTexts::new();
    let mut buffer = Vec::with_capacity(4096);
    for id in &batch.nodes {
        buffer.clear();
        let before = stored.get(&id.0).map_or(&[][..], Vec::as_slice);
        let texts = match fleet.write_state(*id, &mut buffer, &mut batch.of_nodes) {
            Written::State(texts) => {
                tables.insert(*id, &buffer, &texts, before)?;
                texts
            }
            Written::Nothing => {
                tables.nodes.remove(id.0)?;
                Vec::new()
            }
        };
        let now: Vec<_> = texts.iter().map(|(name, _)| *name).collect();
        for name in before.iter().filter(|name| !now.contains(name)) {
            tables.texts.remove((id.0, name.to_string().as_str()))?;
        }
        if !(before.is_empty() && now.is_empty()) {
            changed.insert(id.0, now);
        }
    }
    drop(tables);
    let mut records = transaction.open_table(RECORDS)?;
    for (key, value) in batch.of_nodes.iter().chain(&batch.records) {
        match value {
            Some(value) => drop(records.insert(&**key, &**value)?),
            None => drop(records.remove(&**key)?),
        }
    }
    Ok(changed)
}
