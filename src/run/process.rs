//! CPU and memory of processes, from `/proc`.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use crate::file;
use crate::plan::Watch;
use crate::report::Process;

/// The longest file with the number of a process, bytes.
const MAX_PID_FILE: u64 = 64;

/// The processes that a run watches.
#[derive(Debug)]
pub(super) struct Processes {
    files: BTreeMap<String, PathBuf>,
    /// CPU seconds at the start of the run, by name.
    before: BTreeMap<String, f64>,
    /// The largest CPU seconds since then: a process that ends takes its own with it.
    most: BTreeMap<String, f64>,
}

/// What `/proc` says of a process.
struct Stat {
    parent: i32,
    cpu: f64,
    rss: u64,
}

impl Processes {
    /// The processes of a plan, and that of the run itself.
    pub(super) fn new(watch: &Watch) -> Self {
        let mut processes =
            Self { files: watch.pids.clone(), before: BTreeMap::new(), most: BTreeMap::new() };
        processes.before = processes.used().into_iter().map(|(name, process)| (name, process.cpu)).collect();
        processes
    }

    /// The use of each process since the start of the run.
    pub(super) fn sample(&mut self) -> BTreeMap<String, Process> {
        let mut used = self.used();
        for (name, process) in &mut used {
            let since = process.cpu - self.before.get(name).copied().unwrap_or_default();
            let most = self.most.entry(name.clone()).or_default();
            *most = most.max(since);
            // The kernel counts hundredths of a second.
            process.cpu = (*most * 100.0).round() / 100.0;
        }
        used
    }

    fn used(&self) -> BTreeMap<String, Process> {
        let all = all();
        let named = self.files.iter().filter_map(|(name, path)| {
            let text = file::read_text(path, MAX_PID_FILE).ok()?;
            Some((name.clone(), text.trim().parse().ok()?))
        });
        let own = (Watch::OWN.to_owned(), i32::try_from(std::process::id()).unwrap_or_default());
        let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
        for (pid, stat) in &all {
            children.entry(stat.parent).or_default().push(*pid);
        }
        let tree = |root: i32| {
            let (mut sum, mut waiting) = (Process::default(), vec![root]);
            while let Some(pid) = waiting.pop() {
                let Some(stat) = all.get(&pid) else { continue };
                sum.cpu += stat.cpu;
                sum.rss += stat.rss;
                sum.count += 1;
                waiting.extend(children.get(&pid).into_iter().flatten());
            }
            sum
        };
        named.chain([own]).map(|(name, pid)| (name, tree(pid))).collect()
    }
}

/// All processes of this host that can be read.
fn all() -> HashMap<i32, Stat> {
    let Ok(processes) = procfs::process::all_processes() else { return HashMap::new() };
    let (ticks, page) = (procfs::ticks_per_second() as f64, procfs::page_size());
    let stats = processes.filter_map(|process| process.ok()?.stat().ok());
    stats
        .map(|stat| {
            // Children that have ended are counted by their parent.
            let children = u64::try_from(stat.cutime + stat.cstime).unwrap_or_default();
            let cpu = (stat.utime + stat.stime + children) as f64 / ticks;
            (stat.pid, Stat { parent: stat.ppid, cpu, rss: stat.rss * page })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_process_is_found_by_the_file_with_its_number() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{}", std::process::id()).unwrap();
        let pids = BTreeMap::from([
            ("this".to_owned(), file.path().to_owned()),
            ("none".to_owned(), PathBuf::from("/nowhere")),
        ]);
        let mut processes = Processes::new(&Watch { pids, ..Watch::default() });
        let used = processes.sample();
        assert_eq!(used.keys().collect::<Vec<_>>(), ["fauxmetal", "this"]);
        assert!(used["this"].rss > 1 << 20 && used["this"].count >= 1);
        assert!(used["this"].cpu >= 0.0);
    }
}
