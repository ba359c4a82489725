//! `track.csv`: the columns of metal3's `tracking.sh`, and more.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::report::sample::Sample;

/// The first line. The first four columns are those of `tracking.sh`.
pub(super) const HEAD: &str = "Time,Nodes,Provisioned,Error,Seconds,Phase,NotStarted,InFlight,Succeeded,Parked,Requests,PollRequests,PollSeconds,AgentRequests\n";

/// The state of a node that has its operating system.
const PROVISIONED: &str = "active";

/// The line of a sample, with its line break.
pub(super) fn row(sample: &Sample) -> String {
    let time = sample
        .timestamp
        .parse::<Timestamp>()
        .map(|moment| moment.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string());
    let nodes: u64 = sample.states.values().copied().map(u64::from).sum();
    let provisioned = sample.states.get(PROVISIONED).copied().unwrap_or(0);
    let agents: u64 = sample.agent_requests.values().sum();
    let mut row =
        format!("{},{nodes},{provisioned},{},{:.1},", time.unwrap_or_default(), sample.failed, sample.at);
    // A text with a comma or a quote is quoted (RFC 4180).
    match sample.phase.as_deref().unwrap_or_default() {
        phase if phase.contains([',', '"', '\n', '\r']) => {
            row += &format!("\"{}\"", phase.replace('"', "\"\""));
        }
        phase => row += phase,
    }
    let Sample { waiting, in_flight, succeeded, parked, requests, poll_requests, poll_seconds, .. } = sample;
    // Writing to a string does not fail.
    let _ = writeln!(
        row,
        ",{waiting},{in_flight},{succeeded},{parked},{requests},{poll_requests},{poll_seconds:.3},{agents}"
    );
    row
}
