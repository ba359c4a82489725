//! Every command that a node can get.

use std::sync::LazyLock;

use serde_json::json;

use super::*;
use crate::dmtf::{
    DiagnosticDataType, PowerLimitException, Privilege, ResetToDefaultsType, SecureBootDatabase,
    SignatureType,
};
use crate::fault::{Armed, Rule, What};
use crate::node::bmc::account::{self, Policy};
use crate::node::bmc::certificate::{self, PrivateKey, Why};
use crate::node::bmc::credential::Credential;
use crate::node::bmc::databases;
use crate::node::bmc::environment::SensorId;
use crate::node::bmc::failures::Part;
use crate::node::bmc::oem::Kept;
use crate::node::bmc::plugs::Plug;
use crate::node::bmc::power_limit;
use crate::node::bmc::role::{CustomRole, Privileges};
use crate::node::bmc::source::Source;
use crate::node::bmc::{led, licenses, logs, network, subscriptions, tasks, telemetry};
use crate::node::event::{Collection, Log};
use crate::node::host::ChassisChange;
use crate::node::lab;
use crate::node::labels::Labels;
use crate::profile::secure_boot::Kind;

/// A rule for each fault that a node meets by itself, with several occasions. Their numbers are their places.
fn any_rules() -> &'static [Arc<Armed>] {
    static RULES: LazyLock<Vec<Arc<Armed>>> = LazyLock::new(|| {
        let whens = [
            json!({}),
            json!({"first": 2, "skip": 1}),
            json!({"after": {"state": "post", "from": "2s"}, "for": "5s"}),
            json!({"probability": 0.5, "limitPerNode": 3}),
        ];
        let named = |name: &&str| json!({*name: What::example(name)});
        let whats: Vec<_> = What::NAMES.iter().map(named).collect();
        let rules = whats.iter().flat_map(|what| whens.iter().map(move |when| (when, what)));
        let rules = rules.zip(0..).map(|((when, what), number)| {
            let rule = json!({"name": "any", "who": {"all": true}, "when": when, "what": what});
            let rule: Rule = serde_json::from_value(rule).expect("a valid rule");
            let selection = rule.check().expect("a valid rule");
            Arc::new(Armed::new(number, rule, selection, T0))
        });
        rules.collect()
    });
    &RULES
}

/// Defines [`any_command`] from one line for each command. The patterns form an exhaustive match, so a new command, and
/// new work of an agent, does not compile without its line.
macro_rules! commands {
    ($($pattern:pat => $strategy:expr),+ $(,)?) => {
        /// Any command that a node can get, of every kind.
        pub(in crate::node) fn any_command() -> impl Strategy<Value = Command> {
            fn _exhaustive(command: &Command) {
                match command { $($pattern => {}),+ }
            }
            let all = vec![
                $($strategy.prop_map(|command: Command| {
                    assert!(matches!(command, $pattern), "{command:?} is not {}", stringify!($pattern));
                    command
                }).boxed()),+
            ];
            proptest::strategy::Union::new(all)
        }
    };
}

/// A task of which a BMC keeps few, so that a life meets the limit.
fn start() -> Box<tasks::Start> {
    Box::new(tasks::Start { most: 3, ..tasks::Start::default() })
}

/// A part of the generic model.
fn any_part() -> impl Strategy<Value = Plug> {
    prop_oneof![(0u8..2).prop_map(Plug::Cable), (0u8..3).prop_map(Plug::Drive), (0u8..2).prop_map(Plug::Cord),]
}

/// A database that clients can change.
fn any_database() -> impl Strategy<Value = SecureBootDatabase> {
    proptest::sample::select(&SecureBootDatabase::ALL[..4])
}

/// A part of the generic model that can fail.
fn any_failing_part() -> impl Strategy<Value = Part> {
    prop_oneof![
        (0u8..4).prop_map(Part::Fan),
        (0u8..3).prop_map(Part::Drive),
        (0u8..4).prop_map(Part::Memory),
        (0u8..2).prop_map(Part::Supply),
    ]
}

commands! {
    Command::Host(host::Command::Reset(_)) => {
        proptest::sample::select(ResetType::ALL).prop_map(|kind| Command::Host(host::Command::Reset(kind)))
    },
    Command::Host(host::Command::Change(_)) => {
        let targets = BootTarget::ALL.iter().map(|t| (*t).into()).chain([BootSource::UsbCd]);
        proptest::sample::select(targets.collect::<Vec<BootSource>>()).prop_map(|target| {
            let boot = BootChange { target: Some(target), ..BootChange::default() };
            change(SystemChange { boot, asset_tag: Some("é\"".into()), led: Some(IndicatorLed::Lit), ..SystemChange::default() })
        })
    },
    Command::Bios(bios::Command::Change(_)) => Just({
        let value = ("LogicalProc".into(), Value::Text("Disabled".into()));
        Command::Bios(bios::Command::Change(vec![value]))
    }),
    Command::Bios(bios::Command::Reset) => Just(Command::Bios(bios::Command::Reset)),
    Command::Bios(bios::Command::ResetAsTask(_)) => {
        Just(Command::Bios(bios::Command::ResetAsTask(start())))
    },
    Command::SecureBoot(secure_boot::Command::Enable(_)) => {
        any::<bool>().prop_map(|enable| Command::SecureBoot(secure_boot::Command::Enable(enable)))
    },
    Command::SecureBoot(secure_boot::Command::ResetKeys(_)) => {
        proptest::sample::select(ResetKeysType::ALL)
            .prop_map(|kind| Command::SecureBoot(secure_boot::Command::ResetKeys(kind)))
    },
    Command::SecureBoot(secure_boot::Command::Keys(databases::Command::Add(..))) => {
        (any_database(), 0u8..4).prop_map(|(database, n)| {
            let content = match n {
                0 | 1 => databases::Content::Certificate(format!("certificate {n}").into()),
                n => databases::Content::Signature(SignatureType::Sha256, format!("{n:064}").into()),
            };
            let key = databases::Key { content, owner: None };
            Command::SecureBoot(secure_boot::Command::Keys(databases::Command::Add(database, key)))
        })
    },
    Command::SecureBoot(secure_boot::Command::Keys(databases::Command::Delete(..))) => {
        let numbers = prop_oneof![1u32..3, 101u32..104];
        (any_database(), any::<bool>(), numbers).prop_map(|(database, is_certificate, number)| {
            let kind = if is_certificate { Kind::Certificate } else { Kind::Signature };
            Command::SecureBoot(secure_boot::Command::Keys(databases::Command::Delete(database, kind, number)))
        })
    },
    Command::SecureBoot(secure_boot::Command::Keys(databases::Command::Reset(..))) => {
        let kinds = [ResetKeysType::ResetAllKeysToDefault, ResetKeysType::DeleteAllKeys];
        (any_database(), proptest::sample::select(kinds.to_vec())).prop_map(|(database, kind)| {
            Command::SecureBoot(secure_boot::Command::Keys(databases::Command::Reset(database, kind)))
        })
    },
    Command::Media(media::Command::Insert { .. }) => (0u8..3).prop_map(|slot| insert(slot, "http://x/y")),
    Command::Media(media::Command::Eject { .. }) => (0u8..3).prop_map(eject),
    Command::Media(media::Command::Change { .. }) => (0u8..3, 0u8..4).prop_map(|(slot, then)| {
        let image = || media::Insertion::of("https://x/z");
        let then = match then {
            0 => Some(media::Then::Insert(image())),
            1 => Some(media::Then::Reinsert(image())),
            2 => Some(media::Then::Eject),
            _ => None,
        };
        Command::Media(media::Command::Change { slot, verify: Some(then.is_none()), then: then.map(Box::new) })
    }),
    Command::Media(media::Command::AddCertificate { .. }) => (0u8..3, 0u8..3).prop_map(|(slot, n)| {
        Command::Media(media::Command::AddCertificate { slot, pem: format!("certificate {n}").into() })
    }),
    Command::Media(media::Command::DeleteCertificate { .. }) => (0u8..3, 1u32..4)
        .prop_map(|(slot, number)| Command::Media(media::Command::DeleteCertificate { slot, number })),
    Command::Certificate(certificate::Command::Request { .. }) => any::<bool>().prop_map(|new| {
        let key = new.then(|| PrivateKey("key".into()));
        Command::Certificate(certificate::Command::Request { why: Why::Rekey, key, csr: "csr".into() })
    }),
    Command::Certificate(certificate::Command::Replace { .. }) => {
        let key = PrivateKey("key".into());
        Just(Command::Certificate(certificate::Command::Replace { chain: "chain".into(), key }))
    },
    Command::Host(host::Command::ChangeChassis(_)) => Just({
        let change = ChassisChange { asset_tag: Some("é\"".into()), led: Some(IndicatorLed::Blinking) };
        Command::Host(host::Command::ChangeChassis(change))
    }),
    Command::Oem { .. } => any::<bool>().prop_map(|with_rest| {
        let value = crate::profile::oem::Value::Flag(with_rest);
        let values = vec![Kept { of: "Managers/{}/X".into(), name: "Y".into(), value }];
        let rest = with_rest.then(|| Box::new(Command::Bios(bios::Command::Reset)));
        Command::Oem { values, rest }
    }),
    Command::Host(host::Command::CycleChassis) => Just(Command::Host(host::Command::CycleChassis)),
    Command::Host(host::Command::EnableBootOption { .. }) => {
        ((0u8..2), any::<bool>()).prop_map(|(number, enabled)| {
            Command::Host(host::Command::EnableBootOption { number, enabled })
        })
    },
    Command::Host(host::Command::DefaultBootOrder) => {
        Just(Command::Host(host::Command::DefaultBootOrder))
    },
    Command::License(licenses::Command::Install(_)) => (0u8..3)
        .prop_map(|n| Command::License(licenses::Command::Install(format!("license {n}").into()))),
    Command::License(licenses::Command::Fetch { .. }) => (0u8..3).prop_map(|n| {
        let source = Source { uri: format!("http://x/{n}.lic").into(), credentials: None };
        Command::License(licenses::Command::Fetch { source, start: start() })
    }),
    Command::License(licenses::Command::Delete(_)) => (1u8..4)
        .prop_map(|n| Command::License(licenses::Command::Delete(format!("Installed{n}").into()))),
    Command::Led(led::Command::SetDrive(..)) => {
        Just(Command::Led(led::Command::SetDrive(1, IndicatorLed::Lit)))
    },
    Command::Network(network::Command::Interface(_)) => any_interface()
        .prop_map(|interface| Command::Network(network::Command::Interface(Box::new(interface)))),
    Command::Network(network::Command::Protocols(_)) => (any::<bool>(), any::<bool>()).prop_map(|(ntp, https_closed)| {
        let ntp_servers = vec!["ntp.example".into()];
        let protocols = network::Protocols { ntp, ntp_servers, https_closed, ..Default::default() };
        Command::Network(network::Command::Protocols(Box::new(protocols)))
    }),
    Command::Network(network::Command::Open) => Just(Command::Network(network::Command::Open)),
    Command::Bmc(bmc::Command::Reset) => Just(Command::Bmc(bmc::Command::Reset)),
    Command::Bmc(bmc::Command::ResetToDefaults { .. }) => {
        proptest::sample::select(ResetToDefaultsType::ALL)
            .prop_map(|kind| Command::Bmc(bmc::Command::ResetToDefaults { kind, start: start() }))
    },
    Command::Bmc(bmc::Command::SetClock { .. }) => {
        Just(Command::Bmc(bmc::Command::SetClock { ahead_ms: Some(-7), offset_minutes: Some(60) }))
    },
    Command::Bmc(bmc::Command::LimitPower(_)) => (190u32..=800, proptest::option::of(any::<bool>()))
        .prop_map(|(watts, enabled)| {
            let exception = Some(PowerLimitException::LogEventOnly);
            let correction_ms = Some(1000);
            let change = power_limit::Change { set_point: Some(watts), enabled, exception, correction_ms };
            Command::Bmc(bmc::Command::LimitPower(change))
        }),
    Command::Volume(volume::Command::Create { .. }) => (0u8..3).prop_map(|first| mirror(&[first, first + 1])),
    Command::Volume(volume::Command::Delete { .. }) => {
        Just(Command::Volume(volume::Command::Delete { storage: 0, id: "Volume1".into(), start: start() }))
    },
    Command::Volume(volume::Command::Initialize { .. }) => {
        Just(Command::Volume(volume::Command::Initialize { storage: 0, id: "Volume1".into(), start: start() }))
    },
    Command::Firmware(_) => (0u8..3, any::<bool>()).prop_map(|(component, immediate)| {
        let Command::Firmware(command) = update(component, "http://x/fw-9.9.bin") else { unreachable!() };
        Command::Firmware(firmware::Command { immediate, ..command })
    }),
    Command::Task(tasks::Command::Change { .. }) => any::<bool>().prop_map(|enabled| {
        let (enabled, auto_delete_minutes) = (Some(enabled), Some(1));
        Command::Task(tasks::Command::Change { enabled, auto_delete_minutes })
    }),
    Command::Task(tasks::Command::Delete(_)) => {
        (0u32..4).prop_map(|number| Command::Task(tasks::Command::Delete(number)))
    },
    Command::Task(tasks::Command::DeleteMonitor(_)) => {
        (0u32..4).prop_map(|number| Command::Task(tasks::Command::DeleteMonitor(number)))
    },
    Command::Session(session::Command::Begin { .. }) => (0usize..3).prop_map(|most| {
        let (user, secret) = ("admin".into(), [7; 24]);
        Command::Session(session::Command::Begin { user, account: 1, client: None, secret, most })
    }),
    Command::Session(session::Command::End(_)) => {
        (0u32..3).prop_map(|id| Command::Session(session::Command::End(id)))
    },
    Command::Session(session::Command::SetTimeout(_)) => {
        Just(Command::Session(session::Command::SetTimeout(60)))
    },
    Command::Account { .. } => any_account_command()
        .prop_map(|command| Command::Account { command, configured: "admin".into() }),
    Command::Log(logs::Command::Clear(_)) => (0u8..4).prop_map(|log| Command::Log(logs::Command::Clear(log))),
    // Numbers of events, and those of POST codes from 64 on.
    Command::Log(logs::Command::DeleteEntry { .. }) => (0u8..4, prop_oneof![0u32..40, 64u32..80])
        .prop_map(|(service, number)| Command::Log(logs::Command::DeleteEntry { service, number })),
    Command::Log(logs::Command::Collect { .. }) => any::<bool>().prop_map(|of_manager| {
        let (log, kind) = match of_manager {
            true => (Log::Manager, DiagnosticDataType::Manager),
            false => (Log::Hardware, DiagnosticDataType::PreOs),
        };
        let collection = Box::new(Collection { log, kind, oem: None });
        Command::Log(logs::Command::Collect { collection, start: start() })
    }),
    Command::Telemetry(_) => any_telemetry_command().prop_map(Command::Telemetry),
    Command::Event(_) => any_event_command().prop_map(Command::Event),
    Command::Lab(lab::Command::Label(_)) => (0u8..3).prop_map(|row| {
        let labels = Labels::from_iter([("row".into(), row.to_string().into())]);
        Command::Lab(lab::Command::Label(labels))
    }),
    Command::Lab(lab::Command::CrashAgent) => Just(Command::Lab(lab::Command::CrashAgent)),
    Command::Lab(lab::Command::Plug(_)) => any_part().prop_map(|part| Command::Lab(lab::Command::Plug(part))),
    Command::Lab(lab::Command::Unplug(_)) => {
        any_part().prop_map(|part| Command::Lab(lab::Command::Unplug(part)))
    },
    Command::Lab(lab::Command::Inlet(_)) => {
        // Often near a threshold of the generic model: 42 and 47 degrees.
        proptest::option::of(prop_oneof![38i8..50, -20i8..=80])
            .prop_map(|celsius| Command::Lab(lab::Command::Inlet(celsius)))
    },
    Command::Lab(lab::Command::Fail(_)) => {
        any_failing_part().prop_map(|part| Command::Lab(lab::Command::Fail(part)))
    },
    Command::Lab(lab::Command::Repair(_)) => {
        any_failing_part().prop_map(|part| Command::Lab(lab::Command::Repair(part)))
    },
    Command::Lab(lab::Command::Renew) => Just(Command::Lab(lab::Command::Renew)),
    Command::Lab(lab::Command::Bind(_)) => {
        (0..any_rules().len()).prop_map(|number| {
            Command::Lab(lab::Command::Bind(Arc::clone(&any_rules()[number])))
        })
    },
    Command::Lab(lab::Command::Unbind(_)) => {
        (0..any_rules().len()).prop_map(|number| Command::Lab(lab::Command::Unbind(number as u32)))
    },
    Command::Ipa(IpaCommand { work: Work::Done(_), .. }) => {
        Just(agent_command("sync", Work::Done(succeeded())))
    },
    Command::Ipa(IpaCommand { work: Work::Timed(..), .. }) => Just(timed()),
    Command::Ipa(IpaCommand { work: Work::Image(_), .. }) => Just(write_image()),
    Command::Ipa(IpaCommand { work: Work::PowerOff, .. }) => Just(agent_command("power_off", Work::PowerOff)),
    Command::Ipa(IpaCommand { work: Work::Reboot, .. }) => Just(agent_command("run_image", Work::Reboot)),
    Command::Ipa(IpaCommand { work: Work::Close(..), .. }) => {
        Just(agent_command("lockdown", Work::Close("null".into(), Closed::LockedDown)))
    },
}

/// Settings of the BMC's interface, in which each kind of setting differs from those of a new machine, or none does.
fn any_interface() -> impl Strategy<Value = network::Interface> {
    let other = network::Interface {
        host_name: Some("bmc".into()),
        domain: Some("example".into()),
        mtu: 9000,
        vlan: network::Vlan { enabled: true, id: 7, priority: 3, tagged: false },
        dhcp4: network::Dhcpv4 { enabled: false, ..Default::default() },
        ipv4: vec![network::StaticIpv4 {
            address: [192, 0, 2, 7].into(),
            mask: [255, 255, 255, 0].into(),
            gateway: None,
        }],
        name_servers: vec![[192, 0, 2, 1].into()],
        ..Default::default()
    };
    prop_oneof![Just(other), Just(network::Interface::default())]
}

/// Commands about a few accounts and roles, so that they meet each other.
fn any_account_command() -> impl Strategy<Value = account::Command> {
    let name = || prop_oneof![Just("admin"), Just("ada"), Just("bob")];
    let role = || prop_oneof![Just("Administrator"), Just("ReadOnly"), Just("Auditor"), Just("None")];
    let credential = || Just(Credential::new("secret", [1; 16]));
    let expires = proptest::option::of((0u64..3).prop_map(|days| Some(T0.after_ms(days * 86_400_000))));
    let flag = || proptest::option::of(any::<bool>());
    let change = (
        proptest::option::of(name()),
        proptest::option::of(credential()),
        proptest::option::of(role()),
        (flag(), Just(Some(false)), flag()),
        expires,
    )
        .prop_map(|(user, password, role, (enabled, locked, must_change), expires)| account::Change {
            user: user.map(Into::into),
            password,
            role: role.map(Into::into),
            enabled,
            locked,
            must_change,
            expires,
        });
    let custom = || {
        let privileges = proptest::sample::subsequence(Privilege::ALL, 0..=Privilege::ALL.len());
        (role(), privileges)
            .prop_map(|(id, some)| CustomRole { id: id.into(), privileges: Privileges::of(&some) })
    };
    prop_oneof![
        (name(), credential(), role(), 1usize..4).prop_map(|(user, password, role, most)| {
            let (user, role) = (user.into(), role.into());
            account::Command::Create {
                id: None,
                user,
                password,
                role,
                change: account::Change::default(),
                most,
            }
        }),
        (1u32..4, change).prop_map(|(id, change)| account::Command::Change(id, change)),
        (1u32..4).prop_map(account::Command::Delete),
        (0u16..3, 0u32..60).prop_map(|(threshold, duration)| {
            account::Command::Policy(Policy {
                lockout_threshold: Some(threshold),
                lockout_duration_s: Some(duration),
                ..Policy::default()
            })
        }),
        (custom(), 0usize..3).prop_map(|(role, most)| account::Command::CreateRole { role, most }),
        custom().prop_map(account::Command::ChangeRole),
        role().prop_map(|role| account::Command::DeleteRole(role.into())),
        (1u32..4).prop_map(account::Command::Failed),
        (1u32..4).prop_map(account::Command::Succeeded),
    ]
}

/// Any command to the definitions of reports, of the model and of clients. Few have room, so that a life meets the limit.
fn any_telemetry_command() -> impl Strategy<Value = telemetry::Command> {
    use crate::dmtf::{CollectionFunction, ReportType, ReportUpdates};
    use telemetry::{Command, Group, Measured, Settings};
    let group = |kind: ReportType, function| Group {
        label: Some("Power".into()),
        measured: vec![Measured::Power, Measured::Sensor(SensorId::Temperature(0)), Measured::Load],
        function: Some(function).filter(|_| kind == ReportType::Periodic),
        duration_s: 20,
        is_plain: false,
    };
    let settings = (
        any::<bool>(),
        proptest::sample::select(ReportType::ALL),
        proptest::sample::select(ReportUpdates::ALL),
        proptest::sample::select(CollectionFunction::ALL),
        (any::<bool>(), 20u32..600),
        (any::<bool>(), 0u32..900, 0u32..900),
    )
        .prop_map(move |(enabled, kind, updates, function, (sent, interval_s), repeats)| {
            let groups = vec![group(kind, function)];
            let (suppressed, heartbeat_s, timespan_s) = repeats;
            let logged = true;
            let settings = Settings {
                enabled,
                kind,
                interval_s,
                logged,
                sent,
                updates,
                suppressed,
                heartbeat_s,
                timespan_s,
                groups,
            };
            Box::new(settings)
        });
    let id = proptest::sample::select(vec!["PowerMetrics", "a", "b"]).prop_map(Box::<str>::from);
    prop_oneof![
        (id.clone(), settings.clone(), 0usize..3).prop_map(|(id, settings, most)| Command::Create {
            id,
            name: None,
            settings,
            most
        }),
        (id.clone(), settings).prop_map(|(id, settings)| Command::Change { id, settings }),
        id.prop_map(Command::Delete),
    ]
}

/// Any command to the event service. Few subscriptions have room, so that a life meets the limit.
fn any_event_command() -> impl Strategy<Value = subscriptions::Command> {
    use crate::dmtf::DeliveryRetryPolicy;
    use subscriptions::{Change, Command, Wanted};
    let id = 0u32..3;
    prop_oneof![
        (proptest::sample::select(DeliveryRetryPolicy::ALL), any::<bool>()).prop_map(|(policy, reports)| {
            let filter = subscriptions::Filter { wants_reports: reports, ..Default::default() };
            let (destination, policy) = ("http://x/".into(), Some(policy));
            let asked = Wanted { destination, policy, filter, ..Wanted::default() };
            Command::Subscribe { asked: Box::new(asked), most: 2 }
        }),
        id.clone().prop_map(|id| {
            Command::Change(id, Change { context: Some(Some("c".into())), ..Change::default() })
        }),
        id.clone().prop_map(Command::Delete),
        id.clone().prop_map(Command::Suspend),
        (id, proptest::bool::ANY)
            .prop_map(|(id, all)| { Command::Resume { id, since: (!all).then_some(T0) } }),
        Just(Command::Set { enabled: None, attempts: Some(1), interval_s: Some(5) }),
        Just(Command::Submit(Box::default())),
    ]
}
