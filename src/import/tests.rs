//! Tests of the readers, without a fleet.

use proptest::prelude::*;

use super::*;

fn list(text: &str) -> Result<Vec<Identity>, String> {
    parse(text, |_| false).map(|read| read.systems).map_err(|wrong| wrong.to_string())
}

fn conf(text: &str) -> Imported {
    parse(text, |name| name == "USED").unwrap()
}

/// The value of `X = …`.
fn value(text: &str) -> Value {
    let read = conf(&format!("X = {text}\n"));
    let settings = read.settings.unwrap();
    assert_eq!(read.warnings, [""; 0], "{text}");
    settings[0].value.clone()
}

fn texts(value: &Value) -> Vec<&str> {
    let Value::List(items) = value else { panic!("{value:?}") };
    let text = |item| match item {
        &Literal { value: Value::Text(ref text), .. } => text.as_str(),
        other => panic!("{other:?}"),
    };
    items.iter().map(text).collect()
}

const ONE: &str = "{'uuid': '27946b59-9e44-4fa7-8e91-f3527a1ef094', 'name': 'fake'}";

#[test]
fn json_and_literals_of_python_are_the_same_systems() {
    let json = r#"[{"uuid": "27946B59-9e44-4fa7-8e91-f3527a1ef094", "name": "a\u002d1", "power_state": "On", "external_notifier": true,
        "nics": [{"mac": "00-5c-52-31-3a-9c", "ip": null}]}]"#;
    let python = "# A comment\n[ { 'uuid': '27946b59-9e44-4fa7-' \\\n  '8e91-f3527a1ef094', u'name': r'a-1',\n\t'power_state': 'On',
        'external_notifier': True, # yes\n 'nics': ({'mac': '00:5C:52:31:3A:9C', 'ip': None},), }, ]\n";
    let systems = list(json).unwrap();
    assert_eq!(list(python).unwrap(), systems);
    let Identity { uuid, name, macs, on } = &systems[0];
    assert_eq!(uuid.to_string(), "27946b59-9e44-4fa7-8e91-f3527a1ef094");
    assert_eq!((&**name, macs[0].to_string().as_str(), *on), ("a-1", "00:5c:52:31:3a:9c", true));
}

#[test]
fn a_literal_becomes_a_value_of_json() {
    let wanted = serde_json::json!([{"uuid": "1", "up": true, "ip": null, "1": [2, 0.5, [], "x"]}]);
    assert_eq!(literal(&wanted.to_string()), Ok(wanted.clone()));
    assert_eq!(literal("[{'uuid': '1', 'up': True, 'ip': None, 1: (2, 0.5, (), 'x')},]"), Ok(wanted));
    assert_eq!(literal("[\n{'uuid': }]").unwrap_err().line, 2);
}

#[test]
fn all_forms_of_values_are_read() {
    assert_eq!(
        texts(&value("['a', \"b'\", '''c\n\"''', r'\\d', 'e' 'f', '\\x41\\u00e4\\n\\q']")),
        ["a", "b'", "c\n\"", "\\d", "ef", "A\u{e4}\n\\q"]
    );
    assert_eq!(
        value("\"\\ud83d\\ude00\""),
        Value::Text("\u{1f600}".to_owned()),
        "JSON writes it in two halves"
    );
    for (text, number) in [("8_000", 8000), ("-1", -1), ("0x1F", 31), ("(7)", 7), ("7 # a port", 7)] {
        assert_eq!(value(text), Value::Int(number), "{text}");
    }
    assert_eq!(
        (value("1.5e3"), value("None"), value("False")),
        (Value::Float(1500.0), Value::None, Value::Bool(false))
    );
    assert!(matches!(value("('a',)"), Value::List(items) if items.len() == 1), "a tuple");
    assert!(matches!(value("{'a': {'b': 1},\n}"), Value::Dict(pairs) if pairs.len() == 1));
}

#[test]
fn a_wrong_list_is_refused_with_its_line_and_entry() {
    let nic = |mac: &str| ONE.replace('}', &format!(", 'nics': [{{'mac': '{mac}'}}]}}"));
    let deep = format!("[{}", "[".repeat(40));
    let two = |a: &str, b: &str| format!("[{a},\n{b}]");
    for (text, said) in [
        ("[]", "line 1: the file has 0 systems; allowed are 1 to 100000"),
        ("[1]", "line 1: entry 1: it is a number; allowed is a dictionary with uuid and name"),
        ("{}", "line 1: the file has a dictionary; allowed is a list of systems"),
        ("[{'name': 'a'}]", "line 1: entry 1: uuid is missing; each system has uuid and name"),
        (
            "[\n{'uuid': 'x'}]",
            "line 2: entry 1: uuid: 'x' is no UUID, such as 27946b59-9e44-4fa7-8e91-f3527a1ef094",
        ),
        (
            &format!("[{}]", ONE.replace("fake", "a b")),
            "line 1: entry 1: name: 'a b': allowed are 1 to 63 letters, digits, '.', '_', '-' and '~'",
        ),
        (
            &format!("[{}]", ONE.replace('}', ", 'power_state': 'on?'}")),
            "line 1: entry 1: power_state: 'on?'; allowed are On and Off",
        ),
        (
            &format!("[{}]", nic("01:00:00:00:00:01")),
            "line 1: entry 1: mac: '01:00:00:00:00:01' is no MAC address of an interface, such as 02:00:00:ab:cd:ef",
        ),
        (
            &two(ONE, ONE),
            "line 2: entry 2: the uuid 27946b59-9e44-4fa7-8e91-f3527a1ef094 is that of entry 1; each system has its own",
        ),
        (
            &two(ONE, &ONE.replace("27", "28").replace("fake", "FAKE")),
            "line 2: entry 2: the name fake is that of entry 1; each system has its own",
        ),
        (
            &two(
                &nic("02:00:00:00:00:01"),
                &nic("02-00-00-00-00-01").replace("27", "28").replace("fake", "b"),
            ),
            "line 2: entry 2: the mac 02:00:00:00:00:01 is that of entry 1; each system has its own",
        ),
        (
            &format!("[{ONE} {ONE}]"),
            "line 1: '{'uuid': '27946b59-9e44-4fa7-8e91-f3527a…' stands where ',' or ']' is expected after '['",
        ),
        (
            "[{'uuid': os.environ['U']}]",
            "line 1: 'os.environ['U']}]' is no value; allowed are texts in quotes, numbers, True, False, None, lists, tuples and dictionaries of them, and nothing is computed",
        ),
        (
            "[{{ uuid }}]",
            "line 1: 'uuid }}]' is no value; allowed are texts in quotes, numbers, True, False, None, lists, tuples and dictionaries of them, and nothing is computed",
        ),
        ("[{'a': 'b\n'}]", "line 1: a text that begins with ' has no end"),
        (&format!("[{ONE}] + []"), "line 1: '+ []' follows after the end of the list"),
        (&deep, "line 1: the brackets are nested more than 32 deep"),
        ("", "line 1: the file is neither a list of systems nor a conf.py with assignments"),
    ] {
        assert_eq!(list(text).unwrap_err(), said, "{text}");
    }
}

#[test]
fn unknown_keys_of_systems_are_named() {
    let text = format!(
        "[{}]",
        ONE.replace('}', ", 'boot_device': 'Pxe', 'nics': [{'mac': '02:00:00:00:00:01', 'speed': 1}]}")
    );
    let read = parse(&text, |_| false).unwrap();
    assert_eq!(read.warnings, ["these keys of systems are ignored: boot_device, nics.speed"]);
}

#[test]
fn a_conf_is_read_and_never_executed() {
    let read = conf(&format!(
        "import os\nA = 1; B = 'x'\nC = os.environ['C']\nif A == 1:\n    B = 'y'\n    D = [\n1]\nA = (2)\nSUSHY_EMULATOR_FAKE_SYSTEMS = [\n{ONE},\n]\nprint('''\nE = 1\n''')\nF = 'f'",
    ));
    let settings: Vec<_> =
        read.settings.unwrap().into_iter().map(|set| (set.name, set.line, set.value)).collect();
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(
        settings,
        [("B".to_owned(), 2, text("x")), ("A".to_owned(), 8, Value::Int(2)), ("F".to_owned(), 15, text("f"))]
    );
    assert_eq!(&*read.systems[0].name, "fake");
    let starts = [
        "line 1 is ignored: 'import os' is no",
        "line 3 is ignored: C: 'os.environ",
        "line 4 is ignored: 'if A",
        "line 12 is ignored",
    ];
    assert_eq!(read.warnings.len(), starts.len(), "{:?}", read.warnings);
    for (warning, start) in read.warnings.iter().zip(starts) {
        assert!(warning.starts_with(start), "{warning}");
    }
}

#[test]
fn a_key_that_is_used_must_have_a_value_that_is_read() {
    let read = |text: &str| parse(text, |name| name == "USED").unwrap_err().to_string();
    assert!(read("A = 1\nUSED = port()\n").starts_with("line 2: USED: 'port()' is no value; allowed are"));
    assert!(
        read("SUSHY_EMULATOR_FAKE_SYSTEMS = load()\n")
            .starts_with("line 1: SUSHY_EMULATOR_FAKE_SYSTEMS: 'load()' is no")
    );
    assert_eq!(
        read("USED = 1 + 1\n"),
        "line 1: USED: '+ 1' follows after the value; only a value is allowed"
    );
}

#[test]
fn the_fake_driver_without_a_list_has_the_system_of_sushy_tools() {
    let read = conf("SUSHY_EMULATOR_FAKE_DRIVER = True\n");
    assert_eq!((read.systems.len(), &*read.systems[0].name), (1, "fake"));
    assert!(conf("SUSHY_EMULATOR_LISTEN_PORT = 8000\n").systems.is_empty());
}

proptest! {
    /// No text makes the readers panic or run for ever.
    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]{}()'\"\\\\=:,#\n A-Cr0-9x.+-]{0,60}", prefix in "(X = |\\[|)") {
        let _ = parse(&(prefix + &text), |_| false);
    }
}
