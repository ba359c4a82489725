//! Boot Loader Specification type 1 entries, as systemd-boot reads them. `loader/loader.conf` chooses one of
//! `loader/entries/*.conf`.

use super::super::budget::{Budget, Exhausted};
use super::decision::{Decision, KernelBoot};
use super::error::LoaderError;

/// What the entries boot, each given as (file name without `.conf`, text). `None` if there is no entry.
pub(crate) fn decide(
    loader_conf: &str,
    entries: &[(String, String)],
    budget: &Budget,
) -> Result<Option<Decision>, Exhausted> {
    // Each text is searched for a handful of keys.
    budget.spend(loader_conf.len() + entries.iter().map(|(_, text)| 4 * text.len()).sum::<usize>())?;
    Ok(choose(loader_conf, entries))
}

fn choose(loader_conf: &str, entries: &[(String, String)]) -> Option<Decision> {
    // The names contain versions, so the newest is first.
    let mut sorted: Vec<&(String, String)> = entries.iter().collect();
    sorted.sort_by(|a, b| b.0.cmp(&a.0));
    let pattern = values(loader_conf, "default").next_back().map(|name| name.trim_end_matches(".conf"));
    let chosen = pattern.and_then(|pattern| sorted.iter().find(|(name, _)| matches_pattern(name, pattern)));
    let (name, text) = chosen.or(sorted.first())?;
    let Some(kernel) = values(text, "linux").next_back() else {
        return Some(match values(text, "efi").next_back() {
            Some(program) => Decision::Chain(program.to_owned()),
            None => Decision::Nothing(LoaderError::EntryNoKernel { entry: name.clone() }),
        });
    };
    let initrds = values(text, "initrd").map(str::to_owned).collect();
    let options: Vec<&str> = values(text, "options").collect();
    Some(KernelBoot::decide(kernel.to_owned(), initrds, &options.join(" ")))
}

/// The values of a key, which can be repeated.
fn values<'t>(text: &'t str, key: &'static str) -> impl DoubleEndedIterator<Item = &'t str> {
    text.lines()
        .filter_map(|line| line.trim().split_once(char::is_whitespace))
        .filter_map(move |(name, value)| (name == key).then_some(value.trim()))
}

/// Matches a pattern. Only a `*` at the end is a wildcard, because installers write no other.
fn matches_pattern(name: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    #[test]
    fn the_default_pattern_selects_an_entry_and_options_are_joined() {
        let entries = [
            entry("live-1", "title Live\nlinux /k1\ninitrd /i1\noptions a=1\n"),
            entry("live-2", "linux /k2\ninitrd /ucode\ninitrd /i2\noptions a=2\noptions b=3\n"),
            entry("zz-memtest", "efi /EFI/memtest.efi\n"),
        ];
        let Some(Decision::Kernel(boot)) = choose("timeout 3\ndefault live*\n", &entries) else { panic!() };
        assert_eq!(boot.kernel, "/k2");
        assert_eq!(boot.initrds, ["/ucode", "/i2"]);
        assert_eq!(boot.command_line.as_str(), "a=2 b=3");
        let Some(Decision::Kernel(boot)) = choose("default live-1.conf\n", &entries) else { panic!() };
        assert_eq!(boot.kernel, "/k1");
        assert_eq!(choose("", &entries), Some(Decision::Chain("/EFI/memtest.efi".into())));
    }

    #[test]
    fn an_entry_without_a_kernel_is_an_error_that_names_it() {
        assert_eq!(choose("default a\n", &[]), None);
        let Some(Decision::Nothing(reason)) = choose("", &[entry("a", "title x\n")]) else { panic!() };
        assert_eq!(reason.to_string(), "the boot loader entry \"a\" has no linux line");
    }
}
