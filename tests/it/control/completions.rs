//! Completions, which come from the program and from the running fleet.

use std::process::Command;

use super::{daemon, fake};

/// What a shell offers for the last word of a command line.
fn offered(server: &str, words: &[&str]) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fauxmetal"));
    command.env_clear().env("FAUXMETAL_COMPLETE", "fish").env("FAUXMETAL_SERVER", server);
    let output = command.args(["--", "fauxmetal"]).args(words).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[test]
fn names_and_profiles_of_the_fleet_are_completed() {
    let (_daemon, url) = daemon(&["--profile", "generic=12", "--profile", "hpe-dl380-gen11=1"]);
    for words in [
        &["node", "show", "generic-1"] as &[&str],
        &["journal", "generic-1"],
        &["journal", "--follow", "generic-1"],
        &["node", "unplug", "generic-1"],
        &["node", "heat", "--inlet", "40", "generic-1"],
        &["node", "fail", "generic-1"],
        &["node", "power", "on", "generic-1"],
        &["node", "label", "generic-0", "generic-1"],
        &["node", "insert", "generic-1"],
        &["node", "crash", "--server", &url, "generic-1"],
    ] {
        assert_eq!(offered(&url, words), ["generic-1", "generic-10", "generic-11"], "{words:?}");
    }
    assert_eq!(
        offered("http://127.0.0.1:1", &["node", "crash", "--server", &url, "hpe"]),
        ["hpe-dl380-gen11-12"]
    );
    assert_eq!(offered(&url, &["node", "add", "hpe"]), ["hpe-dl380-gen11"]);
}

#[test]
fn without_a_daemon_the_other_words_are_completed() {
    let nowhere = "http://127.0.0.1:1";
    assert_eq!(offered(nowhere, &["node", "show", "generic-1"]), [""; 0]);
    assert_eq!(offered(nowhere, &["node", "add", "gen"]), ["generic"]);
    assert_eq!(offered(nowhere, &["node", "power", "sh"]), ["shutdown"]);
    assert_eq!(offered(nowhere, &["clock", "s"]), ["show", "step", "speed"]);
    assert_eq!(offered(nowhere, &["node", "unplug", "generic-0", "d"]), ["disk="]);
    assert_eq!(offered(nowhere, &["node", "unplug", "generic-0", "p"]), ["psu="]);
    assert_eq!(offered(nowhere, &["node", "fail", "generic-0", "f"]), ["fan="]);
    assert_eq!(offered(nowhere, &["node", "fail", "generic-0", "d"]), ["disk=", "dimm="]);
    assert!(offered(nowhere, &["node", "wait", "--for", ""]).contains(&"power=on".to_owned()));
    assert!(offered(nowhere, &["node", "boot", ""]).contains(&"Pxe".to_owned()));
    assert!(offered(nowhere, &["serve", "--boot-"]).contains(&"--boot-time".to_owned()));
}

#[test]
fn values_of_settings_are_completed() {
    for (flag, value) in [
        ("--images", "verify"),
        ("--profile", "generic"),
        ("--limit", "agent-body-bytes"),
        ("--timing", "boot_ramdisk"),
        ("--tls-min", "1.3"),
        ("--addresses", "shared"),
    ] {
        let offered = offered("http://127.0.0.1:1", &["serve", flag, value.split_at(1).0]);
        assert!(offered.iter().any(|word| word.trim_end_matches('=') == value), "{flag}: {offered:?}");
    }
}

#[test]
fn a_shell_completes_with_the_script() {
    let (_daemon, url) = daemon(&["--nodes", "2"]);
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_fauxmetal")).parent().unwrap();
    let script = r#"
        eval "$(fauxmetal completions bash)"
        function_of=$(complete -p fauxmetal | sed 's/.*-F \([^ ]*\).*/\1/')
        COMP_WORDS=(fauxmetal node show generic-) COMP_CWORD=3 COMP_TYPE=9
        $function_of fauxmetal generic- show
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = Command::new("bash");
    bash.args(["-c", script]).env_clear().env("FAUXMETAL_SERVER", url);
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let output = bash.env("PATH", path).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "generic-0\ngeneric-1\n", "{output:?}");
}

#[test]
fn a_daemon_that_does_not_answer_holds_no_shell_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    assert_eq!(offered(&url, &["node", "show", "generic-1"]), [""; 0]);
    // The same for an answer that is no list.
    let url = fake::serve(axum::Router::new().fallback(axum::routing::any(|| async { "<html>" })));
    assert_eq!(offered(&url, &["node", "show", "generic-1"]), [""; 0]);
}
