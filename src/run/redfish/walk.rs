//! Reads each document of a machine once.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::Value;

use super::bmc::{Bmc, Problem};
use super::scope::{ROOT, Scope, link, linked, normal};

/// The most documents of a machine.
const MAX_DOCUMENTS: usize = 10_000;
/// The most links from the service root to a document.
const MAX_DEPTH: u32 = 64;
/// The most bytes of all documents.
const MAX_BYTES: usize = 256 << 20;

/// What a walk has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Walked {
    pub(super) documents: usize,
    pub(super) bytes: usize,
}

/// Reads each document that belongs to the machine, from the service root on. Links to other machines of the same service root
/// are not followed.
///
/// # Errors
/// The first document that cannot be read, with its path; or that there are too many.
pub(super) async fn walk(bmc: &mut Bmc<'_>) -> Result<Walked, String> {
    let path = bmc.machine.system.clone();
    let path =
        normal(&path).ok_or_else(|| format!("'{path}' is no path of a system; one begins with {ROOT}"))?;
    let mut walk = Walk::default();
    let system = walk.read(bmc, &path, false).await?.unwrap_or_default();
    bmc.note(&system);
    let root = walk.read(bmc, ROOT, false).await?.unwrap_or_default();
    let is_shared = is_shared(bmc, &root).await?;
    let scope = Scope::new(&path, &system, &root, is_shared);
    walk.seen.extend([path, ROOT.trim_end_matches('/').to_owned()]);
    walk.follow(&scope, &root, 1)?;
    walk.follow(&scope, &system, 1)?;
    while let Some((path, depth)) = walk.waiting.pop_front() {
        if let Some(document) = walk.read(bmc, &path, bmc.client.skip_broken_links).await? {
            walk.follow(&scope, &document, depth + 1)?;
        }
    }
    Ok(walk.walked)
}

#[derive(Default)]
struct Walk {
    walked: Walked,
    /// The documents that were found, read or not.
    seen: BTreeSet<String>,
    waiting: VecDeque<(String, u32)>,
}

impl Walk {
    /// Reads a document. `None`: the BMC does not have it, and it `is_optional`.
    async fn read(
        &mut self,
        bmc: &mut Bmc<'_>,
        path: &str,
        is_optional: bool,
    ) -> Result<Option<Value>, String> {
        let (document, bytes) = match bmc.get(path).await {
            Err(problem) if is_optional && is_missing(&problem) => {
                return Ok(None);
            }
            read => read?,
        };
        self.walked.documents += 1;
        self.walked.bytes += bytes;
        match self.walked.bytes > MAX_BYTES {
            true => Err(format!("the documents up to {path} have more than {MAX_BYTES} bytes")),
            false => Ok(Some(document)),
        }
    }

    fn follow(&mut self, scope: &Scope, document: &Value, depth: u32) -> Result<(), String> {
        for path in linked(document).into_iter().filter(|path| scope.has(path)) {
            if depth > MAX_DEPTH {
                return Err(format!("{path} is more than {MAX_DEPTH} links away from the service root"));
            }
            if self.seen.insert(path.clone()) {
                self.waiting.push_back((path, depth));
            }
        }
        match self.seen.len() > MAX_DOCUMENTS {
            true => Err(format!("the machine has more than {MAX_DOCUMENTS} documents")),
            false => Ok(()),
        }
    }
}

/// Whether a BMC does not have a document. sushy-tools answers 404 or 500 for what its drivers do not support.
fn is_missing(problem: &Problem) -> bool {
    let missing = [StatusCode::NOT_FOUND, StatusCode::INTERNAL_SERVER_ERROR, StatusCode::NOT_IMPLEMENTED];
    problem.status().is_some_and(|status| missing.contains(&status))
}

/// Whether a service root has several systems. It is asked once for each root, and the list is no document of the walk.
async fn is_shared(bmc: &mut Bmc<'_>, root: &Value) -> Result<bool, Problem> {
    let Some(systems) = link(root, "/Systems") else { return Ok(false) };
    let known = Arc::clone(&bmc.client.shared.entry(bmc.name().to_owned()).or_default());
    let ask = async {
        let (list, _) = bmc.get(systems).await?;
        let listed = list["Members"].as_array().map_or(0, |members| members.len() as u64);
        Ok(list["Members@odata.count"].as_u64().unwrap_or(listed).max(listed) > 1)
    };
    known.get_or_try_init(|| ask).await.copied()
}
