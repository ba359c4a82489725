//! The subcommands for a running daemon: their output, their errors and exit codes.

mod clock;
mod completions;
mod events;
mod fake;
mod fleet;
mod journal;
mod lists;
mod load_run;
mod saved;
mod server;
mod verbs;
mod wait;

use std::process::{Child, Command, Stdio};

use super::load::Daemon;

/// The binary for a server, in an environment without variables of its own.
fn fauxmetal(server: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fauxmetal"));
    command
        .args(arguments)
        .env_clear()
        .env("COLUMNS", "100")
        .env("FAUXMETAL_SERVER", server)
        .stdin(Stdio::null());
    command
}

/// A command as a reader would see it: the command, standard output, standard error and the exit code. What differs in each
/// run is replaced.
fn said(command: &mut Command) -> String {
    let words: Vec<_> = command.get_args().map(|word| quoted(word.to_str().unwrap())).collect();
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = match output.status.code().unwrap() {
        0 => String::new(),
        code => format!("[exit code {code}]\n"),
    };
    let all =
        format!("$ fauxmetal {}\n{}{}{code}", words.join(" "), text(output.stdout), text(output.stderr));
    let mut all = all;
    for (pattern, with) in [
        (r"certs( +)\S+ \(environment\)", "certs${1}DIR (environment)"),
        (r"/tmp/\.tmp\w+", "DIR"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "TIME"),
        (r"(?m)^\d\d:\d\d:\d\d  ", "12:00:00  "),
        (r"since \d\d:\d\d:\d\d", "since 12:00:00"),
        (r"\d\d:\d\d:\d\d, (now|(\d+[dhms] )+ago)", "12:00:00, 1s ago"),
        ("simulated time is .* ahead", "simulated time is 1d ahead"),
        (r"Uptime( +)\d+s", "Uptime${1}1s"),
        (r#"("epoch": )"[^"]*""#, "${1}\"EPOCH\""),
        (r#"("uptimeSeconds": )\d+"#, "${1}1"),
    ] {
        all = regex::Regex::new(pattern).unwrap().replace_all(&all, with).into_owned();
    }
    all
}

/// The exit code and standard error of a command that the user ends with Ctrl-C.
fn interrupted(child: Child) -> (Option<i32>, String) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    let port = regex::Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    (output.status.code(), port.replace_all(&error, "127.0.0.1:PORT").into_owned())
}

/// The word as a shell takes it.
fn quoted(word: &str) -> String {
    if word.contains([' ', '(', '!', '*', '<', '>']) { format!("'{word}'") } else { word.to_owned() }
}

/// What a daemon's client says to some command lines, one after the other.
fn all_said(server: &str, lines: &[&[&str]]) -> String {
    lines.iter().map(|line| said(&mut fauxmetal(server, line))).collect::<Vec<_>>().join("\n")
}

/// A daemon with the same nodes in every run, and the URL of its control API.
fn daemon(arguments: &[&str]) -> (Daemon, String) {
    let daemon = Daemon::start(":", &[&["--seed", "1", "--boot-time", "0s"], arguments].concat());
    let url = daemon.ready["admin"].as_str().unwrap().to_owned();
    (daemon, url)
}
