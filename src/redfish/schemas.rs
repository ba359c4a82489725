//! The schemas of the types that the service has.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::action::ACTION_INFO_SCHEMA;
use super::resource::{Entry, Owner, Resource};
use crate::profile::Profile;

/// The schemas of all types in a table, such as `Chassis.v1_28_0` and `ChassisCollection`.
pub(super) fn schemas(table: &[Entry]) -> BTreeSet<String> {
    table.iter().flat_map(Entry::schemas).collect()
}

/// The schemas in the versions that models have. Without a model they are those of the table.
pub(super) fn schemas_of(newest: &BTreeSet<String>, models: &[Arc<Profile>]) -> BTreeSet<String> {
    if models.is_empty() {
        return newest.clone();
    }
    let all = models.iter().flat_map(|model| newest.iter().map(|schema| model.namespace(schema)));
    all.map(str::to_owned).collect()
}

impl Entry {
    fn schemas(&self) -> Vec<String> {
        match self {
            Self::Service(resource) => resource.schemas(),
            Self::Node(resource) => resource.schemas(),
        }
    }
}

impl<O: Owner> Resource<O> {
    fn schemas(&self) -> Vec<String> {
        let collection = self.collection.is_some().then(|| format!("{}Collection", self.type_name()));
        let info = self.actions.iter().any(|action| action.info().is_some());
        let info = info.then(|| ACTION_INFO_SCHEMA.to_owned());
        std::iter::once(self.schema().to_owned()).chain(collection).chain(info).collect()
    }
}
