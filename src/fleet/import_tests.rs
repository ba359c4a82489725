//! Imported nodes in a fleet: found by their own names, apart from all others, and on from the start if their file says so.

use uuid::Uuid;

use super::*;
use crate::address::Mac;
use crate::dmtf::PowerState;
use crate::node::imports::Taken;
use crate::profile::built_in;
use crate::profile::identities::Identity;

fn system(number: u8) -> Identity {
    Identity {
        uuid: Uuid::from_u128(0x1000 + u128::from(number)),
        name: format!("Fake{number}").into(),
        macs: [Mac([2, 0, 0, 0, 0, number])].into(),
        on: number.is_multiple_of(2),
    }
}

fn systems(numbers: std::ops::Range<u8>) -> Arc<[Identity]> {
    numbers.map(system).collect()
}

fn fleet() -> (Fleet, Effects) {
    let (fleet, effects) = Fleet::new(Seed(5), Clock::by_hand(SimTime::from_ms(1_000_000)));
    fleet.add(&built_in("generic").unwrap(), 2).unwrap();
    (fleet, effects)
}

fn import(fleet: &Fleet, list: Arc<[Identity]>, dry_run: bool) -> Result<std::ops::Range<u32>, NotAdded> {
    fleet.import(New { dry_run, ..New::of(&built_in("generic").unwrap(), 0) }, list)
}

fn taken(result: Result<std::ops::Range<u32>, NotAdded>) -> Taken {
    match result {
        Err(NotAdded::Taken(taken)) => taken,
        other => panic!("{other:?}"),
    }
}

#[test]
fn imported_nodes_are_found_beside_the_others() {
    let (fleet, _effects) = fleet();
    assert_eq!(import(&fleet, systems(1..4), false), Ok(2..5));
    assert_eq!(fleet.find(Uuid::from_u128(0x1002)), Some(NodeId(3)));
    assert_eq!(fleet.find_named("fAKE3"), Some(NodeId(4)));
    assert_eq!(fleet.find_named(&Uuid::from_u128(0x1001).to_string()), Some(NodeId(2)));
    assert_eq!(fleet.find_named("generic-1"), Some(NodeId(1)));
    assert_eq!(fleet.find_named("generic-2"), None, "the node at index 2 has another name");
    let power = |id| fleet.look(NodeId(id), |node, _| node.host().power_state());
    assert_eq!([2, 3, 4].map(power), [Some(PowerState::Off), Some(PowerState::On), Some(PowerState::Off)]);
    let macs = fleet.look(NodeId(3), |node, _| [0, 1].map(|port| node.spec().mac(port))).unwrap();
    assert_eq!(macs[0], Mac([2, 0, 0, 0, 0, 2]));
    assert_ne!(macs[1].0[..2], [2, 0], "the second one is computed");
    assert!(fleet.remove(NodeId(3)));
    assert_eq!((fleet.find_named("fake2"), fleet.find(Uuid::from_u128(0x1002))), (None, None));
    assert_eq!(fleet.add(&built_in("generic").unwrap(), 1), Ok(5..6));
    assert_eq!(fleet.find_named("generic-5"), Some(NodeId(5)));
}

#[test]
fn a_taken_identity_is_refused_with_both_nodes_and_nothing_is_added() {
    let (fleet, _effects) = fleet();
    import(&fleet, systems(1..3), false).unwrap();
    let with = |change: fn(&mut Identity)| {
        let mut one = system(9);
        change(&mut one);
        taken(import(&fleet, [system(8), one].into(), false)).to_string()
    };
    let end = "; each node, also a removed one, has its own";
    assert_eq!(
        with(|one| one.uuid = system(1).uuid),
        format!(
            "entry 2 (Fake9): the UUID 00000000-0000-0000-0000-000000001001 is that of another imported node{end}"
        )
    );
    assert_eq!(
        with(|one| one.name = "FAKE8".into()),
        format!("entry 2 (FAKE8): the name FAKE8 is that of entry 1 (Fake8){end}")
    );
    assert_eq!(
        with(|one| one.macs = system(2).macs),
        format!("entry 2 (Fake9): the MAC address 02:00:00:00:00:02 is that of another imported node{end}")
    );
    assert_eq!(
        with(|one| one.macs = system(8).macs),
        format!("entry 2 (Fake9): the MAC address 02:00:00:00:00:08 is that of entry 1 (Fake8){end}")
    );
    assert_eq!(
        with(|one| one.name = "generic-0".into()),
        format!("entry 2 (generic-0): the name generic-0 is that of node generic-0{end}")
    );
    fleet.remove(NodeId(0));
    assert!(
        with(|one| one.name = "generic-0".into()).contains("is that of node generic-0"),
        "a removed node keeps its name"
    );
    assert_eq!((fleet.next_index(), fleet.len()), (4, 3));
    assert_eq!(import(&fleet, systems(3..5), true), Ok(4..6));
    assert_eq!((fleet.next_index(), fleet.find_named("fake3")), (4, None), "a dry run adds nothing");
}

#[test]
fn a_new_node_never_gets_an_identity_of_an_imported_one() {
    let (fleet, _effects) = fleet();
    let own = Arc::new(crate::profile::Profile {
        name: "mine".to_owned(),
        ..(*built_in("generic").unwrap()).clone()
    });
    let name = |name: &str| Identity { name: name.into(), ..system(1) };
    import(&fleet, [name("mine-3")].into(), false).unwrap();
    let problem = taken(fleet.add(&own, 2)).to_string();
    assert_eq!(
        problem,
        "node mine-3: the name mine-3 is that of an imported node; each node, also a removed one, has its own"
    );
    let mac = fleet.look(NodeId(0), |node, _| node.spec().bmc_mac()).unwrap();
    let stolen = Identity { macs: [mac].into(), ..system(2) };
    let problem = taken(import(&fleet, [stolen].into(), false)).to_string();
    assert!(problem.contains(&format!("the MAC address {mac} is that of node generic-0")), "{problem}");
}

#[test]
fn a_fleet_without_imports_has_no_table() {
    let (fleet, _effects) = fleet();
    assert!(!fleet.has_imports.load(Ordering::Acquire) && fleet.imported_states().is_empty());
    assert!(fleet.profiles()[0].identities.is_none());
    import(&fleet, systems(1..4), false).unwrap();
    let states = fleet.imported_states();
    assert_eq!(
        states.iter().map(|(id, _)| id.0).collect::<Vec<_>>(),
        [3],
        "the node that is on is no new one"
    );
}
