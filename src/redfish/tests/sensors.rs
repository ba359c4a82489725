//! Sensors, alarms, health and the power limit, as clients read and change them.

use super::*;
use crate::node::bmc::failures::Part;
use crate::node::bmc::plugs::Plug;
use crate::node::command::Command;
use crate::node::lab;

impl Bench {
    fn lab(&self, command: lab::Command) {
        self.redfish.fleet.apply(NodeId(0), Command::Lab(command)).unwrap().unwrap();
    }

    fn chassis(&self) -> String {
        self.system.replace("Systems", "Chassis")
    }

    /// A value in a document below the chassis.
    fn value(&self, below: &str, pointer: &str) -> Value {
        let document = self.get(&format!("{}{below}", self.chassis())).json;
        document.pointer(pointer).unwrap_or_else(|| panic!("{pointer} in {document}")).clone()
    }
}

/// Where each alarm of a part and of what contains it is shown.
fn healths(bench: &Bench) -> Vec<Value> {
    [
        ("/Sensors/InletTemp", "/Status/Health"),
        ("/Thermal", "/Temperatures/0/Status/Health"),
        ("/Thermal", "/Status/HealthRollup"),
        ("/ThermalSubsystem", "/Status/HealthRollup"),
        ("", "/Status/HealthRollup"),
    ]
    .into_iter()
    .map(|(below, pointer)| bench.value(below, pointer))
    .chain([bench.get(&bench.system).json["Status"]["HealthRollup"].clone()])
    .collect()
}

#[test]
fn an_overheated_inlet_is_seen_at_the_sensor_and_everywhere_above_it() {
    let bench = Bench::new();
    assert_eq!(healths(&bench), vec![json!("OK"); 6]);
    let etag = bench.get(&bench.system).header("etag").to_owned();
    bench.lab(lab::Command::Inlet(Some(44)));
    assert_eq!(healths(&bench), vec![json!("Warning"); 6]);
    assert_ne!(
        bench.get(&bench.system).header("etag"),
        etag,
        "a client that has the old state must read it again"
    );
    bench.lab(lab::Command::Inlet(Some(60)));
    assert_eq!(healths(&bench), vec![json!("Critical"); 6]);
    assert_eq!(bench.value("/PowerSubsystem", "/Status/HealthRollup"), "OK");
    bench.lab(lab::Command::Inlet(None));
    assert_eq!(healths(&bench), vec![json!("OK"); 6]);
}

/// The life of one alarm: each moment at which the readings change something, with the reading, the alarm, every health, the new
/// entries of the log, and the events that a subscriber gets.
#[test]
fn the_life_of_an_alarm() {
    use std::fmt::Write as _;
    let bench = Bench::new();
    let fleet = &bench.redfish.fleet;
    let start = fleet.clock().now();
    let mut text = String::new();
    let subscription = events::subscribe(&bench, &json!({}));
    events::take(&bench, &subscription);
    let sel = format!("{}/LogServices/SEL", bench.system);
    let mut seen = events::entries(&bench, &sel).len();
    let mut line = |what: &str| {
        let reading = bench.value("/Sensors/InletTemp", "/Reading");
        let health: Vec<_> =
            healths(&bench).iter().map(|health| health.as_str().unwrap().to_owned()).collect();
        let alarm = fleet.look(NodeId(0), |node, _| node.alarms().first().copied()).unwrap();
        let alarm = alarm.map_or("no alarm".to_owned(), |alarm| {
            let since = alarm.since.since_ms(start) / 1000;
            format!("{} {} since {since} s", alarm.side.as_str(), alarm.level.as_str())
        });
        let at = fleet.clock().now().since_ms(start) / 1000;
        writeln!(text, "{at:>5} s  {what:<14} {reading:>5} °C  {alarm}; {}", health.join(" ")).unwrap();
        let entries = events::entries(&bench, &sel);
        for entry in &entries[seen..] {
            let [severity, message] = ["Severity", "Message"].map(|key| entry[key].as_str().unwrap());
            writeln!(text, "         log    {severity}: {}", message.replace(&bench.system[20..], "{uuid}"))
                .unwrap();
        }
        seen = entries.len();
        for event in events::take(&bench, &subscription) {
            let [id, kind] = ["MessageId", "EventType"].map(|key| event[key].as_str().unwrap());
            let origin = event["OriginOfCondition"]["@odata.id"].as_str().unwrap();
            writeln!(text, "         event  {kind} {id} {}", origin.replace(&bench.system[20..], "{uuid}"))
                .unwrap();
        }
    };
    line("normal");
    for (celsius, what) in
        [(Some(41), "inlet 41"), (Some(42), "inlet 42"), (Some(47), "inlet 47"), (Some(43), "inlet 43")]
    {
        bench.lab(lab::Command::Inlet(celsius));
        line(what);
        // Two deadlines at most: a threshold that is crossed, and the end of a search that found none.
        for _ in 0..2 {
            let next = fleet.look(NodeId(0), |node, _| node.next_deadline()).unwrap();
            if next != SimTime::NEVER {
                fleet.clock().set(next);
                fleet.wake_due();
                line("a deadline");
            }
        }
    }
    fleet.clock().set(fleet.clock().now().after_ms(5000));
    bench.lab(lab::Command::Inlet(None));
    line("cool");
    let next = fleet.look(NodeId(0), |node, _| node.next_deadline());
    assert_eq!(next, Some(SimTime::NEVER));
    insta::assert_snapshot!(text);
}

#[test]
fn a_fan_that_fails_is_the_same_in_the_older_and_the_newer_resource() {
    // The overlay of the generic model hides the redundancy of the newer resource.
    let mut model = (*built_in("generic").unwrap()).clone();
    model.overlays.remove("ThermalSubsystem");
    let mut bench = Bench::new();
    let added = NodeId(bench.redfish.fleet.add(&Arc::new(model), 1).unwrap().start);
    let uuid = bench.redfish.fleet.look(added, |node, _| node.spec().uuid()).unwrap();
    bench.system = format!("/redfish/v1/Systems/{uuid}");
    bench.write(
        "POST",
        &format!("{}/Actions/ComputerSystem.Reset", bench.system),
        &json!({"ResetType": "On"}),
    );
    let fail = Command::Lab(lab::Command::Fail(Part::Fan(1)));
    bench.redfish.fleet.apply(added, fail).unwrap().unwrap();
    for (below, pointer, expected) in [
        ("/Sensors/Fan2Speed", "/Reading", json!(0)),
        ("/Sensors/Fan2Speed", "/Status/Health", json!("Critical")),
        ("/ThermalSubsystem/Fans/Fan2", "/Status/Health", json!("Critical")),
        ("/ThermalSubsystem/Fans/Fan2", "/SpeedPercent/SpeedRPM", json!(0)),
        ("/ThermalSubsystem/Fans/Fan1", "/Status/Health", json!("OK")),
        ("/ThermalSubsystem", "/FanRedundancy/0/Status/Health", json!("Warning")),
        ("/ThermalSubsystem", "/FanRedundancy/0/MinNeededInGroup", json!(3)),
        ("/Thermal", "/Fans/1/Reading", json!(0)),
        ("/Thermal", "/Fans/1/Status/Health", json!("Critical")),
        ("/Thermal", "/Redundancy/0/Status/Health", json!("Warning")),
        ("/Thermal", "/Status/HealthRollup", json!("Critical")),
    ] {
        assert_eq!(bench.value(below, pointer), expected, "{below} {pointer}");
    }
}

#[test]
fn a_supply_without_input_is_the_same_in_the_older_and_the_newer_resource() {
    let bench = Bench::new();
    bench.lab(lab::Command::Unplug(Plug::Cord(0)));
    for (below, pointer, expected) in [
        ("/Sensors/PSU1InputVoltage", "/Reading", json!(0)),
        ("/Sensors/PSU1InputVoltage", "/Status/Health", json!("Critical")),
        ("/PowerSubsystem/PowerSupplies/PSU1", "/LineInputStatus", json!("LossOfInput")),
        ("/PowerSubsystem/PowerSupplies/PSU1", "/Status/Health", json!("Critical")),
        ("/PowerSubsystem/PowerSupplies/PSU1/Metrics", "/OutputPowerWatts/Reading", json!(0)),
        ("/PowerSubsystem/PowerSupplies/PSU2", "/LineInputStatus", json!("Normal")),
        ("/PowerSubsystem", "/PowerSupplyRedundancy/0/Status/Health", json!("Warning")),
        ("/PowerSubsystem", "/Status/HealthRollup", json!("Critical")),
        ("/Power", "/PowerSupplies/0/LineInputVoltage", json!(0)),
        ("/Power", "/PowerSupplies/0/LastPowerOutputWatts", json!(0)),
        ("/Power", "/PowerSupplies/0/Status/Health", json!("Critical")),
        ("/Power", "/Redundancy/0/Status/Health", json!("Warning")),
        ("", "/Status/HealthRollup", json!("Critical")),
    ] {
        assert_eq!(bench.value(below, pointer), expected, "{below} {pointer}");
    }
    let carried = bench.value("/Power", "/PowerSupplies/1/LastPowerOutputWatts");
    assert_eq!(carried, bench.value("/Power", "/PowerControl/0/PowerConsumedWatts"));
}

#[test]
fn an_excerpt_of_a_sensor_has_its_thresholds() {
    let bench = Bench::new();
    let excerpt = bench.get(&format!("{}/Sensors/InletTemp?excerpt", bench.chassis())).json;
    let expected = json!({"Reading": 42, "Activation": "Increasing", "HysteresisReading": 2});
    assert_eq!(excerpt["Thresholds"]["UpperCaution"], expected);
    assert!(excerpt.get("Reading").is_some() && excerpt.get("Status").is_none(), "{excerpt}");
}

#[test]
fn a_power_limit_is_set_in_three_places_and_seen_in_all() {
    let bench = Bench::new();
    let limits = || {
        [
            bench.value("/Power", "/PowerControl/0/PowerLimit/LimitInWatts"),
            bench.value("/EnvironmentMetrics", "/PowerLimitWatts/SetPoint"),
            bench.value("/EnvironmentMetrics", "/PowerLimitWatts/ControlMode"),
            bench.value("/Controls/PowerLimit", "/SetPoint"),
            bench.value("/Controls/PowerLimit", "/ControlMode"),
        ]
    };
    let none = |watts: u32| [json!(null), json!(watts), json!("Disabled"), json!(watts), json!("Disabled")];
    let some =
        |watts: u32| [json!(watts), json!(watts), json!("Automatic"), json!(watts), json!("Automatic")];
    assert_eq!(limits(), none(800));
    for (below, body, expected) in [
        ("/Power", json!({"PowerControl": [{"PowerLimit": {"LimitInWatts": 300}}]}), some(300)),
        ("/EnvironmentMetrics", json!({"PowerLimitWatts": {"SetPoint": 250.0}}), some(250)),
        ("/Controls/PowerLimit", json!({"ControlMode": "Disabled"}), none(250)),
        ("/Controls/PowerLimit", json!({"SetPoint": 400, "ControlMode": "Automatic"}), some(400)),
        ("/Power", json!({"PowerControl": [{"PowerLimit": {"LimitInWatts": null}}]}), none(400)),
        ("/EnvironmentMetrics", json!({"PowerLimitWatts": {"ControlMode": "Automatic"}}), some(400)),
    ] {
        let answer = bench.write("PATCH", &format!("{}{below}", bench.chassis()), &body);
        assert_eq!((answer.status, limits()), (204, expected), "{below} {body}");
    }
    bench.write(
        "POST",
        &format!("{}/Actions/ComputerSystem.Reset", bench.system),
        &json!({"ResetType": "On"}),
    );
    let body = json!({"PowerLimitWatts": {"SetPoint": 200}});
    bench.write("PATCH", &format!("{}/EnvironmentMetrics", bench.chassis()), &body);
    assert_eq!(bench.value("/Sensors/TotalPower", "/Reading"), 200);
}

#[test]
fn a_wrong_power_limit_changes_nothing_and_names_its_place() {
    let bench = Bench::new();
    let before = bench.get(&format!("{}/Power", bench.chassis())).header("etag").to_owned();
    let limit = |limit: Value| json!({"PowerControl": [{"PowerLimit": limit}]});
    for (below, body, message, place) in [
        (
            "/Power",
            limit(json!({"LimitInWatts": 100})),
            "PropertyValueOutOfRange",
            "#/PowerControl/0/PowerLimit/LimitInWatts",
        ),
        (
            "/Power",
            limit(json!({"LimitInWatts": "x"})),
            "PropertyValueTypeError",
            "#/PowerControl/0/PowerLimit/LimitInWatts",
        ),
        (
            "/Power",
            limit(json!({"LimitException": "x"})),
            "PropertyValueNotInList",
            "#/PowerControl/0/PowerLimit/LimitException",
        ),
        ("/Power", json!({"PowerControl": [{}, {}]}), "ArraySizeTooLong", "#/PowerControl"),
        ("/Power", json!({"PowerControl": [7]}), "PropertyValueTypeError", "#/PowerControl/0"),
        (
            "/EnvironmentMetrics",
            json!({"PowerLimitWatts": {"SetPoint": 801}}),
            "PropertyValueOutOfRange",
            "#/PowerLimitWatts/SetPoint",
        ),
        ("/Controls/PowerLimit", json!({"SetPoint": 300.5}), "PropertyValueOutOfRange", "#/SetPoint"),
        ("/Controls/PowerLimit", json!({"ControlMode": "Manual"}), "PropertyValueNotInList", "#/ControlMode"),
    ] {
        let answer = bench.write("PATCH", &format!("{}{below}", bench.chassis()), &body);
        assert_eq!((answer.status, answer.message_ids()), (400, vec![message]), "{body}");
        let about = &answer.json["error"]["@Message.ExtendedInfo"][0]["RelatedProperties"][0];
        assert_eq!(about, place, "{body}");
    }
    assert_eq!(bench.get(&format!("{}/Power", bench.chassis())).header("etag"), before);
}

#[test]
fn a_model_has_its_units_and_its_thresholds() {
    let mut bench = Bench::new();
    bench.add_first("hpe-dl380-gen11");
    let thermal = bench.get(&format!("{}/Thermal", bench.chassis())).json;
    let (fan, inlet) = (&thermal["Fans"][0], &thermal["Temperatures"][0]);
    assert_eq!((&fan["ReadingUnits"], &fan["MaxReadingRange"]), (&json!("Percent"), &json!(100)));
    assert_eq!((&inlet["UpperThresholdCritical"], &inlet["UpperThresholdFatal"]), (&json!(42), &json!(47)));
    assert!(inlet.get("UpperThresholdNonCritical").is_none(), "{inlet}");
    let thresholds = bench.value("/Sensors/01-InletAmbient", "/Thresholds");
    assert_eq!(thresholds.as_object().unwrap().keys().collect::<Vec<_>>(), ["UpperCritical", "UpperFatal"]);
}
