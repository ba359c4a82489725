//! Shared by the benches: measurements of processes, and an HTTP/1.1 client that needs little CPU time.

#![allow(dead_code, reason = "each bench uses a part of it")]

use std::io::{BufRead as _, BufReader};
use std::process::Child;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The same allocator as in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The `Authorization` header of the default account.
pub(crate) const BASIC: &str = "Basic YWRtaW46cGFzc3dvcmQ=";

/// Waits for the daemon's READY line and returns the port of its first listener.
pub(crate) fn ready(daemon: &mut Child) -> u16 {
    let mut lines = BufReader::new(daemon.stdout.take().expect("piped")).lines();
    let ready = lines.find_map(|line| line.expect("text").strip_prefix("READY ").map(str::to_owned));
    let json = ready.expect("the daemon ended before it was ready");
    let ready: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let url = ready["redfish"][0].as_str().expect("a URL");
    url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

/// The number in a line of `/proc/PID/status`.
pub(crate) fn status(pid: u32, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux");
    let found =
        status.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(':')).expect("a line of that name");
    found.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Resident memory of a process, bytes.
pub(crate) fn resident_bytes(pid: u32) -> u64 {
    status(pid, "VmRSS") * 1024
}

/// CPU time of a process, seconds.
pub(crate) fn cpu_s(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
    let ticks = |n: usize| fields[n].parse::<f64>().expect("ticks");
    (ticks(11) + ticks(12)) / 100.0
}

/// Voluntary context switches of all threads of a process: each is a wake-up.
pub(crate) fn wakeups(pid: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("Linux");
    let ids = threads.filter_map(|t| t.ok()?.file_name().to_str()?.parse().ok());
    ids.map(|id: u32| status(id, "voluntary_ctxt_switches")).sum()
}

/// Microseconds since the first call. Differences measure the time of a response.
#[expect(clippy::disallowed_methods, reason = "a bench measures")]
pub(crate) fn micros() -> u64 {
    static FIRST: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    FIRST.elapsed().as_micros() as u64
}

pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The percentile of sorted values; `share` is 0.99 for the 99th.
pub(crate) fn percentile(sorted: &[u64], share: f64) -> u64 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}

/// The text of a request.
pub(crate) fn request(method: &str, uri: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {uri} HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Sends a request and reads the whole response. The range is that of its body in the buffer.
pub(crate) async fn ask(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &str,
    buffer: &mut [u8],
) -> std::ops::Range<usize> {
    stream.write_all(request.as_bytes()).await.expect("a server that reads");
    let mut read = 0;
    loop {
        let n = stream.read(&mut buffer[read..]).await.expect("an answer");
        assert!(n > 0, "the server closed the connection");
        read += n;
        let Some(head) = buffer[..read].windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..head]).expect("ASCII");
        assert!(text.starts_with("HTTP/1.1 20"), "{text}");
        let length = text
            .lines()
            .find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        let end = head + 4 + length.map_or(0, |l| l.parse::<usize>().expect("a length"));
        if read >= end {
            return head + 4..end;
        }
    }
}
