//! The items of a plan, from its groups.

use std::collections::BTreeMap;
use std::ops::Range;

use super::group::{Count, Group};

/// One item: a node that the run brings to its goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The number of its group.
    pub group: u32,
    /// The number of its set within the group; without roles, of the item itself.
    pub set: u32,
    /// The number of its role, in the order of their names.
    pub role: Option<u16>,
    /// The number of the item within its role of the set.
    pub member: u32,
}

/// Items that start together: a gang, or one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The numbers of its items.
    pub items: Range<u32>,
}

/// All items of a plan, in the order listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Items {
    pub all: Vec<Item>,
}

impl Items {
    /// The items of checked groups.
    pub fn new(groups: &[Group]) -> Self {
        let mut all = Vec::new();
        for (group_number, group) in (0u32..).zip(groups) {
            for set in 0..group.count {
                let item = |role, member| Item { group: group_number, set, role, member };
                if group.roles.is_empty() {
                    all.push(item(None, 0));
                    continue;
                }
                for (role, count) in (0u16..).zip(group.roles.values()) {
                    let count = group.number(count, set).unwrap_or_default();
                    all.extend((0..count).map(|member| item(Some(role), member)));
                }
            }
        }
        Self { all }
    }

    /// The units of some items: gangs as a whole, other items alone. `items` are in the order listed.
    pub fn units(&self, groups: &[Group], items: &[u32]) -> Vec<Unit> {
        let mut units: Vec<Unit> = Vec::new();
        let set_of = |item: u32| {
            let item = self.all[item as usize];
            groups[item.group as usize].gang.then_some((item.group, item.set))
        };
        for &item in items {
            match units.last_mut() {
                Some(last)
                    if last.items.end == item
                        && set_of(item).is_some_and(|set| set_of(last.items.start) == Some(set)) =>
                {
                    last.items.end = item + 1;
                }
                _ => units.push(Unit { items: item..item + 1 }),
            }
        }
        units
    }

    /// The name of an item, unique in the plan, such as `small-0007`, or `cluster-0003-worker-1` with roles.
    pub fn name(&self, groups: &[Group], item: u32) -> String {
        let Item { group, set, role, member } = self.all[item as usize];
        let group = &groups[group as usize];
        match role.and_then(|role| group.roles.keys().nth(role.into())) {
            Some(role) => format!("{}-{set:04}-{}-{member}", group.name, role.to_ascii_lowercase()),
            None => format!("{}-{set:04}", group.name),
        }
    }

    /// The name of the set of an item, if its group has roles, and its role.
    pub fn set_and_role(&self, groups: &[Group], item: u32) -> Option<(String, String)> {
        let Item { group, set, role, .. } = self.all[item as usize];
        let group = &groups[group as usize];
        let role = group.roles.keys().nth(role?.into())?;
        Some((format!("{}-{set:04}", group.name), role.clone()))
    }

    /// The values of an item.
    pub fn values(&self, groups: &[Group], item: u32) -> BTreeMap<String, serde_json::Value> {
        let Item { group, set, .. } = self.all[item as usize];
        let values = groups[group as usize].values.iter();
        values.filter_map(|(name, list)| Some((name.clone(), turn(list, set)?.clone()))).collect()
    }
}

/// The element of a list whose turn it is.
fn turn<T>(list: &[T], number: u32) -> Option<&T> {
    list.get(number as usize % list.len().max(1))
}

impl Group {
    /// The number of items of a role in a set. `None` if a value is no number.
    pub(super) fn number(&self, count: &Count, set: u32) -> Option<u32> {
        match count {
            Count::Number(number) => Some(*number),
            Count::Value(name) => {
                turn(self.values.get(name)?, set)?.as_u64().and_then(|n| u32::try_from(n).ok())
            }
        }
    }

    /// The number of items of a set.
    pub fn set_size(&self, set: u32) -> u64 {
        if self.roles.is_empty() {
            return 1;
        }
        self.roles.values().map(|count| u64::from(self.number(count, set).unwrap_or_default())).sum()
    }

    /// The number of items of the group.
    pub fn items(&self) -> u64 {
        match self.values.is_empty() {
            true => u64::from(self.count) * self.set_size(0),
            false => (0..self.count).map(|set| self.set_size(set)).sum(),
        }
    }

    /// The size of the largest set.
    pub fn largest_set(&self) -> u64 {
        // The sizes repeat as the values do.
        let period: usize = self.values.values().map(|list| list.len().max(1)).fold(1, lcm);
        (0..self.count.min(u32::try_from(period).unwrap_or(u32::MAX)))
            .map(|set| self.set_size(set))
            .max()
            .unwrap_or(0)
    }

    /// The model of the machine of an item, as the plan names it.
    pub fn profile(&self, item: Item) -> &str {
        let number = if self.roles.is_empty() { item.set } else { item.member };
        turn(&self.profiles, number).map_or("generic", String::as_str)
    }
}

/// The least common multiple, bounded: a larger one is not needed, since no group has as many sets.
fn lcm(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x).saturating_mul(b).min(1 << 20)
}
