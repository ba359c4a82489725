//! Several runs, such as the shards of one load, as one folder.

use std::collections::HashSet;
use std::fs;
use std::iter::Peekable;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_128;

use super::folder::{Error, Folder, Lines, Recorder};
use super::item::Item;
use super::sample::{Process, Sample};
use super::summary::{MergeError, Summary};

/// The most operations of all runs, whose ids are remembered with some 20 bytes each.
const MAX_ITEMS: usize = 5_000_000;

/// Why runs cannot be merged. Nothing is left behind then.
#[derive(Debug, thiserror::Error)]
pub enum MergeFailure {
    #[error(transparent)]
    Files(#[from] Error),
    #[error(transparent)]
    Runs(#[from] MergeError),
    #[error("the runs have more than {MAX_ITEMS} operations")]
    TooMany,
    #[error("no run is given")]
    Nothing,
}

/// The result of a merge.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    pub summary: Summary,
    /// Operations that are in the merged folder.
    pub items: u64,
    /// Operations that were left out because another folder has them, too.
    pub repeated: u64,
}

/// A run with the seconds by which it started later than the first one.
struct Shard {
    folder: Folder,
    summary: Summary,
    later: f64,
}

/// Merges runs into a new folder: items and samples with times from the first start on, and a summary. Each run and each item
/// counts once, however often it is given. Histograms and counts are added.
///
/// # Errors
/// If a file cannot be read or written, a start is no time, or the folder exists.
pub fn merge(folders: &[Folder], into: &Path) -> Result<Merged, MergeFailure> {
    let shards = shards(folders)?;
    let mut recorder = Folder::create_at(into, &plans(&shards))?;
    let merged = merge_into(&mut recorder, &shards, into);
    if merged.is_err() {
        // Best effort: the error to report is that of the merge.
        let _ = fs::remove_dir_all(into);
    }
    merged
}

fn shards(folders: &[Folder]) -> Result<Vec<Shard>, MergeFailure> {
    let mut shards = Vec::new();
    for folder in folders {
        shards.push(Shard { folder: folder.clone(), summary: folder.figures()?, later: 0.0 });
    }
    let mut first = 0.0_f64;
    let Some(base) = shards.first().map(|shard| shard.summary.clone()) else {
        return Err(MergeFailure::Nothing);
    };
    for shard in &mut shards {
        shard.later = base.later(&shard.summary)?;
        first = first.min(shard.later);
    }
    shards.iter_mut().for_each(|shard| shard.later -= first);
    shards.sort_by(|one, other| one.later.total_cmp(&other.later));
    Ok(shards)
}

fn merge_into(recorder: &mut Recorder, shards: &[Shard], into: &Path) -> Result<Merged, MergeFailure> {
    let mut merged: Option<Summary> = None;
    // For each shard the ids of the runs that it brings.
    let mut brought = Vec::new();
    let (mut seen, mut items, mut repeated) = (HashSet::new(), 0, 0);
    for shard in shards {
        let (mut part, is_whole) = items_of(recorder, shard, &mut seen, (&mut items, &mut repeated))?;
        if !is_whole {
            // Its histograms hold items that are counted already, so those of the others are used.
            let known = |id: &String| merged.as_ref().is_some_and(|merged| merged.runs.contains_key(id));
            part.runs.retain(|id, _| !known(id));
        }
        brought.push(part.runs.keys().cloned().collect::<HashSet<_>>());
        match &mut merged {
            None => merged = Some(part),
            Some(merged) => merged.merge(&part)?,
        }
    }
    let mut summary = merged.ok_or(MergeFailure::Nothing)?;
    summary.facts.id = into.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    samples(recorder, shards, &brought)?;
    recorder.end(&summary)?;
    Ok(Merged { summary, items, repeated })
}

/// Writes the items of a shard that are new. Returns its summary, as it is or of these items alone, and whether it is as it is.
fn items_of(
    recorder: &mut Recorder,
    shard: &Shard,
    seen: &mut HashSet<u128>,
    (items, repeated): (&mut u64, &mut u64),
) -> Result<(Summary, bool), MergeFailure> {
    if !shard.folder.has_items() {
        return Ok((shard.summary.clone(), true));
    }
    let mut part = shard.summary.emptied();
    (part.runs, part.seconds) = (shard.summary.runs.clone(), shard.summary.seconds);
    let mut is_whole = true;
    for item in shard.folder.items()? {
        let item = item?;
        if seen.len() >= MAX_ITEMS {
            return Err(MergeFailure::TooMany);
        }
        if !seen.insert(xxh3_128(item.id.as_bytes())) {
            (is_whole, *repeated) = (false, *repeated + 1);
            continue;
        }
        part.add(&item);
        *items += 1;
        recorder.item(&later(item, shard.later))?;
    }
    Ok(if is_whole { (shard.summary.clone(), true) } else { (part, false) })
}

/// The item with times from an earlier start on.
fn later(mut item: Item, by: f64) -> Item {
    let shift = |at: &mut f64| *at = ((*at + by) * 1e6).round() / 1e6;
    [&mut item.scheduled, &mut item.started, &mut item.ended].into_iter().for_each(shift);
    item.states.iter_mut().for_each(|(_, at)| shift(at));
    item.machine.iter_mut().for_each(|event| shift(&mut event.at));
    item
}

/// Writes the samples of all runs in the order of time, and the sums of the last ones to `track.csv`.
fn samples(recorder: &mut Recorder, shards: &[Shard], brought: &[HashSet<String>]) -> Result<(), Error> {
    let mut readers: Vec<Peekable<Lines<Sample>>> = Vec::new();
    for shard in shards {
        readers.push(shard.folder.samples()?.peekable());
    }
    let mut last: Vec<Sample> = Vec::new();
    loop {
        let mut earliest: Option<(f64, usize)> = None;
        for (number, reader) in readers.iter_mut().enumerate() {
            let at = match reader.peek() {
                None => continue,
                // The error is reported below, in place of a sample.
                Some(Err(_)) => f64::MIN,
                Some(Ok(sample)) => sample.at + shards[number].later,
            };
            if earliest.is_none_or(|(first, _)| at < first) {
                earliest = Some((at, number));
            }
        }
        let Some((at, number)) = earliest else { return Ok(()) };
        let Some(sample) = readers[number].next().transpose()? else { continue };
        if !brought[number].contains(&sample.uuid) {
            continue;
        }
        let sample = Sample { at: (at * 1e6).round() / 1e6, ..sample };
        recorder.sample_only(&sample)?;
        match last.iter_mut().find(|other| other.uuid == sample.uuid) {
            Some(other) => other.clone_from(&sample),
            None => last.push(sample.clone()),
        }
        recorder.track(&sum(&sample, &last))?;
    }
}

/// The sum of the last samples of all runs, at the moment of one of them.
fn sum(at: &Sample, last: &[Sample]) -> Sample {
    let mut sum =
        Sample { timestamp: at.timestamp.clone(), at: at.at, phase: at.phase.clone(), ..Sample::default() };
    for one in last {
        for (state, count) in &one.states {
            *sum.states.entry(state.clone()).or_default() += count;
        }
        for (kind, count) in &one.agent_requests {
            *sum.agent_requests.entry(kind.clone()).or_default() += count;
        }
        for (name, process) in &one.processes {
            let all = sum.processes.entry(name.clone()).or_default();
            *all = Process {
                cpu: all.cpu + process.cpu,
                rss: all.rss + process.rss,
                count: all.count + process.count,
            };
        }
        sum.waiting += one.waiting;
        sum.in_flight += one.in_flight;
        sum.succeeded += one.succeeded;
        sum.failed += one.failed;
        sum.parked += one.parked;
        sum.requests += one.requests;
        sum.polls += one.polls;
        sum.poll_requests += one.poll_requests;
        sum.poll_seconds += one.poll_seconds;
    }
    sum
}

/// The plan of all runs, or the plan of each as a document of its own.
fn plans(shards: &[Shard]) -> String {
    let plans: Vec<_> = shards
        .iter()
        .map(|shard| (&shard.summary.facts.id, shard.folder.plan().unwrap_or_default()))
        .collect();
    match plans.first() {
        Some((_, first)) if plans.iter().all(|(_, plan)| plan == first) => first.clone(),
        _ => plans.iter().map(|(id, plan)| format!("---\n# The plan of run {id}\n{plan}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Outcome;
    use crate::report::testing::{facts, items, samples, summary};

    /// Writes a run that started some seconds after the others.
    fn run(runs: &Path, id: &str, numbers: std::ops::Range<u64>, later: i64) -> Folder {
        let items = items(id, numbers);
        let samples = samples(id, &items, 5.0);
        let mut recorder = Folder::create(runs, id, "groups: []\n").unwrap();
        items.iter().for_each(|item| recorder.item(item).unwrap());
        samples.iter().for_each(|sample| recorder.sample(sample).unwrap());
        let mut summary = summary(id, &items, &samples);
        let start: jiff::Timestamp = facts(id).start.parse().unwrap();
        summary.facts.start = (start + jiff::SignedDuration::from_secs(later)).to_string();
        recorder.end(&summary).unwrap();
        recorder.folder().clone()
    }

    #[test]
    fn shards_become_one_run_and_nothing_counts_twice() {
        let runs = tempfile::tempdir().unwrap();
        let (a, b) = (run(runs.path(), "a", 0..30, 0), run(runs.path(), "b", 0..20, 60));
        let Merged { summary, items, repeated } =
            merge(&[b.clone(), a.clone()], &runs.path().join("m")).unwrap();
        let lines = |folder: &Folder| folder.items().unwrap().map(Result::unwrap).collect::<Vec<_>>();
        let (of_a, of_b) = (lines(&a), lines(&b));
        assert_eq!((items, repeated), ((of_a.len() + of_b.len()) as u64, 0));
        assert_eq!(
            (summary.items().total(), summary.facts.id.as_str(), summary.outcome),
            (50, "m", Outcome::NotHeld)
        );
        assert_eq!(summary.lateness.count(), 50);
        let folder = Folder::open(runs.path().join("m")).unwrap();
        let found = lines(&folder);
        assert_eq!(found[..of_a.len()], of_a[..]);
        assert_eq!(found[of_a.len()].started, of_b[0].started + 60.0);
        assert_eq!(folder.plan().unwrap(), "groups: []\n");
        assert_eq!(folder.stored().unwrap().unwrap(), summary);
        let ats: Vec<f64> = folder.samples().unwrap().map(|sample| sample.unwrap().at).collect();
        assert!(ats.is_sorted() && ats.len() > 20, "{ats:?}");
        // The last row of track.csv is the sum of both.
        let track = fs::read_to_string(folder.path().join("track.csv")).unwrap();
        assert!(track.lines().last().unwrap().contains(",50,47,3,"), "{track}");

        // The same run again, also inside of a merged one, and a run that overlaps in a part.
        let again = merge(&[folder.clone(), a.clone(), a.clone()], &runs.path().join("again")).unwrap();
        assert_eq!((again.items, again.repeated), (items, of_a.len() as u64 * 2));
        assert_eq!(
            (&again.summary.operations, again.summary.items()),
            (&summary.operations, summary.items())
        );
        let c = run(runs.path(), "c", 0..5, 120);
        let other = merge(&[a, c], &runs.path().join("ac")).unwrap();
        let all = merge(&[folder, Folder::open(runs.path().join("ac")).unwrap()], &runs.path().join("all"))
            .unwrap();
        assert_eq!((all.items, all.repeated), (items + other.items - of_a.len() as u64, of_a.len() as u64));
        assert_eq!(all.summary.runs.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(all.summary.items().total(), 55);
    }

    #[test]
    fn a_merge_that_fails_leaves_nothing_behind() {
        let runs = tempfile::tempdir().unwrap();
        let (a, b) = (run(runs.path(), "a", 0..3, 0), run(runs.path(), "b", 0..3, 0));
        fs::write(b.path().join("items.ndjson"), "{}\n").unwrap();
        let into = runs.path().join("m");
        let said = merge(&[a.clone(), b], &into).unwrap_err().to_string();
        assert!(said.contains("items.ndjson:1: missing field `id`") && !into.exists(), "{said}");
        fs::create_dir(&into).unwrap();
        assert!(merge(&[a], &into).unwrap_err().to_string().contains("exists already"));
        assert!(into.exists());
        // Summaries alone are enough, unless they count the same run.
        let (c, d) = (run(runs.path(), "c", 0..3, 0), run(runs.path(), "d", 0..3, 0));
        for folder in [&c, &d] {
            fs::remove_file(folder.path().join("items.ndjson")).unwrap();
        }
        assert_eq!(merge(&[c.clone(), d], &runs.path().join("cd")).unwrap().summary.items().total(), 6);
        let said = merge(&[c.clone(), c], &runs.path().join("cc")).unwrap_err().to_string();
        assert_eq!(said, "both count the items of c; each run may be counted once");
    }
}
