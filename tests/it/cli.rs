//! The command line of the built binary: its output, messages and exit codes.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Command, Stdio};

use fauxmetal::profile::built_in_names;
use serde_json::{Value, json};

/// The binary in an environment without variables of its own.
pub(crate) fn fauxmetal(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fauxmetal"));
    command.args(arguments).env_clear().env("COLUMNS", "100").stdin(Stdio::null());
    command
}

/// Exit code, standard output and standard error.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let all = |mut stream: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text
        })
    };
    let out = all(Box::new(child.stdout.take().unwrap()));
    let err = all(Box::new(child.stderr.take().unwrap()));
    // A daemon that starts where it must not would never end.
    for _ in 0..3_000 {
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code().unwrap(), out.join().unwrap(), err.join().unwrap());
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    panic!("{command:?} does not end: {}{}", out.join().unwrap(), err.join().unwrap());
}

/// The standard output of a command, which must succeed and print nothing on standard error.
pub(crate) fn output(arguments: &[&str]) -> String {
    let (code, out, err) = run(&mut fauxmetal(arguments));
    assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
    out
}

/// The error message of a command, which must exit with 2 and print nothing on standard output.
pub(crate) fn refusal(command: &mut Command) -> String {
    let (code, out, err) = run(command);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    err
}

const BMC: &[&str] = &["export", "--format", "nodes-json", "--bmc", "https://192.0.2.7:8443"];

fn export(more: &[&str]) -> Vec<String> {
    [BMC, more].concat().iter().map(|s| (*s).to_owned()).collect()
}

fn exported(more: &[&str]) -> Vec<Value> {
    let arguments = export(more);
    serde_json::from_str(&output(&arguments.iter().map(String::as_str).collect::<Vec<_>>())).unwrap()
}

#[test]
fn every_command_has_a_help() {
    assert_eq!(output(&[]), output(&["-h"]));
    insta::assert_snapshot!("help", output(&["--help"]));
    insta::assert_snapshot!("serve_help", output(&["serve", "--help"]));
    insta::assert_snapshot!("export_help", output(&["export", "--help"]));
    insta::assert_snapshot!("profile_help", output(&["profile", "--help"]));
    insta::assert_snapshot!("report_help", output(&["report", "--help"]));
    insta::assert_snapshot!("snapshot_help", output(&["snapshot", "--help"]));
    insta::assert_snapshot!("node_help", output(&["node", "--help"]));
    insta::assert_snapshot!("fleet_help", output(&["fleet", "--help"]));
    insta::assert_snapshot!("clock_help", output(&["clock", "--help"]));
    insta::assert_snapshot!("node_power_help", output(&["node", "power", "--help"]));
    for command in [
        "profile list",
        "profile show",
        "profile check",
        "snapshot save",
        "snapshot restore",
        "snapshot export",
        "fleet reset",
        "node list",
        "node show",
        "node add",
        "node remove",
        "node restart-bmc",
        "node open-bmc",
        "node boot",
        "node insert",
        "node eject",
        "node plug",
        "node unplug",
        "node heat",
        "node cool",
        "node fail",
        "node repair",
        "node label",
        "node crash",
        "node wait",
        "journal",
        "events",
        "clock show",
        "clock hold",
        "clock run",
        "clock step",
        "clock next",
        "clock speed",
        "clock jump",
        "report show",
        "report html",
        "report compare",
        "report merge",
        "report index",
    ] {
        let arguments = [command.split(' ').collect(), vec!["--help"]].concat();
        assert!(output(&arguments).contains(&format!("Usage: fauxmetal {command} ")), "{command}");
    }
}

#[test]
fn every_command_has_a_man_page() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("new/man1");
    assert_eq!(output(&["man", pages.to_str().unwrap()]), "");
    let page = |name: &str| std::fs::read_to_string(pages.join(name)).unwrap();
    assert_eq!(page("fauxmetal.1"), output(&["man"]));
    assert!(page("fauxmetal-snapshot-save.1").contains(".SH OPTIONS"));
    let serve = page("fauxmetal-serve.1");
    for setting in fauxmetal::config::setting::ALL {
        assert!(serve.contains(&setting.flag().replace('-', "\\-")), "{}", setting.name);
    }
    assert!(serve.contains(".SH NOTES\n.nf\n"), "examples keep their lines");
    let file = pages.join("fauxmetal.1");
    let (code, _, said) = run(&mut fauxmetal(&["man", file.to_str().unwrap()]));
    assert!(code == 1 && said.starts_with(&format!("fauxmetal: DIR: {}: ", file.display())), "{code} {said}");
}

#[test]
fn help_is_a_command_too_and_names_the_variable_of_each_setting() {
    assert_eq!(output(&["help"]), output(&["--help"]));
    assert_eq!(output(&["help", "serve"]), output(&["serve", "--help"]));
    for help in [output(&["serve", "-h"]), output(&["export", "-h"]), output(&["snapshot", "save", "-h"])] {
        let flags = help.lines().filter(|line| line.trim_start().starts_with("--")).count();
        assert!(help.matches("[env: FAUXMETAL_").count() >= 1 && flags >= 1, "{help}");
    }
    let serve = output(&["serve", "-h"]);
    let serve = serve.split_whitespace().collect::<Vec<_>>().join(" ");
    for setting in fauxmetal::config::setting::ALL {
        assert!(serve.contains(&format!("[env: {}]", setting.variable())), "{}", setting.name);
    }
}

/// The message with which a daemon ends before it is ready.
fn no_start(arguments: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let listen = ["serve", "--listen", "https://127.0.0.1:0", "--agent-listen", "https://127.0.0.1:0"];
    let (code, out, err) = run(fauxmetal(&[&listen, arguments].concat()).current_dir(dir.path()));
    assert!(code != 0 && !out.contains("READY"), "{err}");
    err.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn an_error_at_the_start_names_the_flag_and_the_way_out() {
    for (arguments, expected) in [
        (
            ["--snapshot", "nope"],
            "fauxmetal: --snapshot: nope: No such file or directory (os error 2); write a snapshot to a file with `fauxmetal snapshot export FILE`",
        ),
        (
            ["--state", "/proc/x"],
            "fauxmetal: --state: /proc/x: No such file or directory (os error 2); name a directory that this user may write",
        ),
        (
            ["--profile", "genric"],
            "fauxmetal: --profile: there is no profile 'genric'; built in are generic, hpe-dl380-gen11, and a path with a '/' in it names a folder; did you mean generic?",
        ),
        (["--certs", "/proc/x"], "fauxmetal: --certs: cannot create directory /proc/x: "),
    ] {
        let said = no_start(&arguments);
        assert!(said.starts_with(expected.trim_end()), "{said}");
    }
    let (code, out, err) = run(&mut fauxmetal(&["snapshot", "list", "--state", "/nowhere"]));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("/nowhere: there is no such state directory; check the path"), "{err}");
}

#[test]
fn a_variable_of_kubernetes_or_of_another_program_does_not_stop_an_export() {
    let arguments = export(&["--nodes", "1"]);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let mut command = fauxmetal(&arguments);
    let (code, out, err) =
        run(command.env("FAUXMETAL_PORT", "tcp://10.96.0.7:8443").env("FAUXMETAL_SERVICE_HOST", "10.96.0.7"));
    assert_eq!((code, err.as_str(), out), (0, "", output(&arguments)));
    let (code, _, err) = run(command.env("FAUXMETAL_NODE", "3"));
    assert_eq!(
        (code, err.as_str()),
        (
            0,
            "fauxmetal: FAUXMETAL_NODE is ignored: there is no such setting; did you mean FAUXMETAL_NODES?\n"
        )
    );
}

#[test]
fn the_version_is_the_version_of_the_package() {
    assert_eq!(output(&["--version"]), format!("fauxmetal {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_mistake_in_the_command_line_exits_with_2_and_one_message() {
    let said = refusal(&mut fauxmetal(&["serve", "--nodes", "0"]));
    assert_eq!(said, "fauxmetal: --nodes: '0' is not a number of nodes; allowed are 1 to 16777216\n");
    let said = refusal(&mut fauxmetal(&["serve", "--nodez", "1"]));
    assert!(
        said.starts_with("fauxmetal: unexpected argument '--nodez' found\n") && said.contains("'--nodes'"),
        "{said}"
    );
    let said = refusal(&mut fauxmetal(&["frobnicate"]));
    assert!(said.starts_with("fauxmetal: unrecognized subcommand 'frobnicate'\n"), "{said}");
    let said = refusal(&mut fauxmetal(&["profile", "show", "cray-1"]));
    assert!(said.starts_with("fauxmetal: ") && said.contains("'cray-1'"), "{said}");
    assert!(
        built_in_names().iter().all(|name| said.contains(name)),
        "it names all built-in profiles: {said}"
    );
}

#[test]
fn a_flag_overrides_the_environment_and_the_environment_overrides_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.toml");
    std::fs::write(&file, "seed = 7\n\n[profile]\nhpe-dl380-gen11 = 1\ngeneric = 1\n").unwrap();
    let path = file.to_str().unwrap();
    let from = |command: &mut Command| -> Vec<Value> {
        let (code, out, err) = run(command);
        assert_eq!((code, err.as_str()), (0, ""));
        serde_json::from_str(&out).unwrap()
    };
    let by_file = from(fauxmetal(BMC).env("FAUXMETAL_CONFIG", path));
    assert_eq!(
        by_file.iter().map(|n| n["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["hpe-dl380-gen11-0", "generic-1"]
    );
    let by_environment = from(fauxmetal(BMC).env("FAUXMETAL_CONFIG", path).env("FAUXMETAL_SEED", "8"));
    assert_ne!(by_file[0]["uuid"], by_environment[0]["uuid"]);
    let by_flag = from(fauxmetal(BMC).args(["--config", path, "--seed", "7"]).env("FAUXMETAL_SEED", "8"));
    assert_eq!(by_file, by_flag);
}

#[test]
fn a_variable_that_is_no_setting_is_ignored_with_a_warning() {
    let mut pod = fauxmetal(&[BMC, &["--nodes", "1"]].concat());
    pod.env("FAUXMETAL_SERVICE_HOST", "10.96.0.7").env("FAUXMETAL_PORT", "tcp://10.96.0.7:8443");
    let (code, _, err) = run(&mut pod);
    assert_eq!((code, err.as_str()), (0, ""), "Kubernetes sets these variables");
    let (code, _, err) = run(pod.env("FAUXMETAL_NODE", "3"));
    let said = "FAUXMETAL_NODE is ignored: there is no such setting; did you mean FAUXMETAL_NODES?";
    assert_eq!((code, err), (0, format!("fauxmetal: {said}\n")));
}

#[test]
fn a_mistake_in_the_file_names_its_line() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "nodes = 1\nspeeed = 2\n").unwrap();
    let path = file.path().to_str().unwrap();
    let said = refusal(&mut fauxmetal(&["serve", "--config", path]));
    assert_eq!(said, format!("fauxmetal: {path}:2: 'speeed' is not a setting; did you mean speed?\n"));
}

#[test]
fn no_error_message_contains_a_password() {
    for arguments in [
        &["serve", "--password", "hunter2\n"] as &[&str],
        &["serve", "--ironic", "http://me:hunter2@host"],
        &["export", "--format", "ironic", "--bmc", "https://me:hunter2@host"],
    ] {
        let said = refusal(&mut fauxmetal(arguments));
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn an_export_is_the_same_in_every_run_and_needs_no_daemon() {
    let nodes = exported(&["--nodes", "3", "--seed", "ci", "--user", "root"]);
    assert_eq!(nodes, exported(&["--nodes", "3", "--seed", "ci", "--user", "root"]));
    let node = &nodes[2];
    assert_eq!(node["redfish_address"], "https://192.0.2.7:8443");
    assert_eq!(node["redfish_system_id"], format!("/redfish/v1/Systems/{}", node["uuid"].as_str().unwrap()));
    assert_eq!(
        (&node["redfish_username"], node.get("redfish_password")),
        (&"root".into(), Some(&"password".into()))
    );
}

#[test]
fn an_export_has_a_password_only_if_requested_or_if_it_is_the_default() {
    for format in ["nodes-json", "ironic", "bmh"] {
        let own =
            ["export", "--format", format, "--bmc", "https://h", "--nodes", "1", "--password", "calvin"];
        let (code, out, err) = run(&mut fauxmetal(&own));
        assert_eq!((code, out.contains("calvin")), (0, false), "{out}");
        assert!(err.contains("--with-password prints it"), "{err}");
        assert!(output(&[&own as &[&str], &["--with-password"]].concat()).contains("calvin"));
        assert!(output(&own[..7]).contains("password"), "the default password is public");
    }
}

#[test]
fn a_password_is_read_from_the_first_line_of_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "s3cret\r\nand more\n").unwrap();
    let path = file.path().to_str().unwrap();
    let exported = |more: &[&str]| {
        self::exported(&[&["--nodes", "1", "--with-password"], more].concat())[0]["redfish_password"].clone()
    };
    assert_eq!(exported(&["--password-file", path]), "s3cret");
    let both = ["serve", "--password", "hunter2", "--password-file", path];
    let said = refusal(&mut fauxmetal(&both));
    assert_eq!(
        said,
        "fauxmetal: --password-file: cannot be combined with --password; give only one of them\n"
    );
    let said = refusal(&mut fauxmetal(&["serve", "--password-file", "/nowhere/at/all"]));
    assert!(said.starts_with("fauxmetal: --password-file: cannot read '/nowhere/at/all': "), "{said}");
    // The source with the higher precedence counts, whichever of the two settings it has.
    let mut command = fauxmetal(&[BMC, &["--nodes", "1", "--with-password", "--password", "flag"]].concat());
    let (_, out, _) = run(command.env("FAUXMETAL_PASSWORD_FILE", path));
    assert!(out.contains("\"flag\""), "{out}");
}

#[test]
fn a_flag_that_a_format_does_not_use_is_refused() {
    for (format, flags, said) in [
        (
            "nodes-json",
            &["--insecure"] as &[&str],
            "--insecure: not used by --format nodes-json, which uses none of these flags; leave it out",
        ),
        (
            "bmh",
            &["--verify-ca", "ca.pem"],
            "--verify-ca: not used by --format bmh, which uses --insecure, --boot, --namespace, --namespace-per, \
             --label, --image, --user-data, --root-device-hint, --online; leave it out",
        ),
        (
            "ironic",
            &["--namespace", "x"],
            "--namespace: not used by --format ironic, which uses --verify-ca, --insecure, --boot, --set; \
             leave it out",
        ),
        (
            "bmh",
            &["--namespace", "X"],
            "--namespace: 'X' is not a DNS label (RFC 1123); write a-z, 0-9 and -",
        ),
    ] {
        let arguments =
            [&["export", "--format", format, "--bmc", "https://h", "--nodes", "1"], flags].concat();
        assert_eq!(refusal(&mut fauxmetal(&arguments)), format!("fauxmetal: {said}\n"));
    }
}

#[test]
fn a_closed_pipe_is_not_a_failure() {
    let arguments = export(&["--nodes", "1000000"]);
    let mut child = fauxmetal(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((line.as_str(), said.as_str()), ("[\n", ""));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn every_built_in_profile_is_listed() {
    let rows: Vec<Value> = serde_json::from_str(&output(&["profile", "list", "-o", "json"])).unwrap();
    let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, built_in_names());
    let generic = json!({
        "name": "generic", "manufacturer": "Fauxmetal", "model": "Generic 2U",
        "description": "A neutral two-socket server that no client treats specially",
    });
    assert!(rows.contains(&generic), "{rows:?}");
    let text = output(&["profile", "list"]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 1 + rows.len(), "{text}");
    for (column, key) in [
        ("NAME", "name"),
        ("MANUFACTURER", "manufacturer"),
        ("MODEL", "model"),
        ("DESCRIPTION", "description"),
    ] {
        let start = lines[0].find(column).unwrap();
        for (line, row) in lines[1..].iter().zip(&rows) {
            assert!(line[start..].starts_with(row[key].as_str().unwrap()), "{key} of {line}");
        }
    }
}

#[test]
fn a_profile_is_shown() {
    insta::assert_snapshot!("profile_show_generic", output(&["profile", "show", "generic"]));
    insta::assert_snapshot!("profile_show_hpe", output(&["profile", "show", "hpe-dl380-gen11"]));
}

#[test]
fn a_profile_is_shown_as_json() {
    let shown: Value =
        serde_json::from_str(&output(&["profile", "show", "hpe-dl380-gen11", "-o", "json"])).unwrap();
    let keys: Vec<_> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    insta::assert_snapshot!("profile_show_keys", keys.join("\n"));
    assert_eq!((&shown["name"], &shown["memory_mib"]), (&"hpe-dl380-gen11".into(), &(512 * 1024).into()));
    assert_eq!(shown["timing"]["post"], "70s..130s");
    assert_eq!(shown["virtual_media"][1]["media_types"], serde_json::json!(["CD", "DVD"]));
    let attribute = &shown["bios_attribute"][0];
    assert_eq!((&attribute["name"], &attribute["type"]), (&"WorkloadProfile".into(), &"enumeration".into()));
    assert_eq!(shown["overlays"].as_array().unwrap().len(), 13);
}

#[test]
fn a_wrong_profile_exits_with_3() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("my-server");
    std::fs::create_dir(&own).unwrap();
    let generic = concat!(env!("CARGO_MANIFEST_DIR"), "/nodes/generic/profile.toml");
    std::fs::copy(generic, own.join("profile.toml")).unwrap();
    let path = own.to_str().unwrap();
    assert_eq!(output(&["profile", "check", "generic", path]), format!("generic: ok\n{path}: ok\n"));
    std::fs::write(own.join("Manager.json"), "{\"HostName\": \"{hostname}\"}").unwrap();
    let (code, out, err) = run(&mut fauxmetal(&["profile", "check", path, "generic", "-o", "json"]));
    assert_eq!((code, err.as_str()), (3, ""));
    let results: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&results[0]["ok"], &results[1]["ok"]), (&false.into(), &true.into()));
    assert!(results[0]["error"].as_str().unwrap().contains("'{hostname}' is not a fact of a node"), "{out}");
    assert_eq!(results[1]["error"], Value::Null);
}

#[test]
fn a_file_that_never_ends_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("profile.toml")).unwrap();
    let (code, out, _) = run(&mut fauxmetal(&["profile", "check", folder.path().to_str().unwrap()]));
    assert_eq!(code, 3);
    assert!(out.contains("profile.toml") && out.contains("it is not a regular file"), "{out}");
    for flags in [
        ["--ironic", "http://127.0.0.1:9", "--ironic-ca", "/dev/zero"].as_slice(),
        &["--tls-cert", "/dev/zero", "--tls-key", "/dev/zero", "--listen", "https://127.0.0.1:0"],
    ] {
        let common = ["serve", "--listen", "http://127.0.0.1:0", "--agent-listen", "http://127.0.0.1:0"];
        let mut command = fauxmetal(&[&common, flags].concat());
        let (code, out, err) = run(command.current_dir(folder.path()));
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        assert!(err.contains("/dev/zero: it is not a regular file"), "{err}");
    }
}

#[test]
fn every_shell_has_a_script_that_asks_for_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = output(&["completions", shell]);
        assert!(script.contains("FAUXMETAL_COMPLETE") && script.contains(shell), "{script}");
    }
}
