//! The files of a profile: built into the binary, or in a folder of the user.

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::oem;
use super::overlay::OverlayError;
use crate::file;

/// The largest file of a profile, in bytes. The built-in ones have up to 20 kilobytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The beginning of the type of an overlay that is an OEM resource.
pub(super) const RESOURCE: &str = "resources/";

pub(super) static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/nodes");

/// Why a profile cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant is explained by its message")]
pub enum ProfileError {
    #[error("there is no profile '{name}'; built in are {}, and a path with a '/' in it names a folder", known.join(", "))]
    Unknown {
        name: String,
        /// The names of the built-in profiles.
        known: Vec<&'static str>,
    },
    #[error("{file}: {error}")]
    Read { file: String, error: std::io::Error },
    /// A key or a value in `profile.toml` is wrong; the error names line and key.
    #[error("{file}: {error}")]
    Toml { file: String, error: Box<toml::de::Error> },
    #[error("{file}: {error}")]
    Overlay { file: String, error: OverlayError },
    /// The file of an OEM resource is wrong.
    #[error("{file}: {problem}")]
    Resource { file: String, problem: String },
    /// The profile that it extends cannot be used.
    #[error("{file}: extends: {problem}")]
    Extends { file: String, problem: String },
    /// The values of the profile contradict each other or a limit.
    #[error("profile '{name}': {problem}")]
    Check { name: String, problem: String },
}

/// Names of the built-in profiles, sorted.
pub fn built_in_names() -> Vec<&'static str> {
    let mut names: Vec<_> =
        BUILT_IN.dirs().filter_map(|d| d.path().file_name().and_then(|n| n.to_str())).collect();
    names.sort_unstable();
    names
}

/// The files of a profile.
pub(super) struct Files {
    pub(super) name: String,
    /// As [`Profile::source`].
    pub(super) source: String,
    /// `None` for a built-in profile.
    pub(super) folder: Option<PathBuf>,
    /// The name of `profile.toml` in errors.
    pub(super) file: String,
    pub(super) toml: String,
    /// File, DMTF type and text of each overlay. The type of an OEM resource begins with [`RESOURCE`].
    pub(super) overlays: Vec<(String, String, String)>,
}

impl Files {
    /// The files for a name in a profile: relative paths start at its `folder`.
    pub(super) fn named(name: &str, folder: Option<&Path>) -> Result<Self, ProfileError> {
        if name.contains('/') {
            Self::in_folder(&folder.unwrap_or(Path::new(".")).join(name))
        } else {
            Self::built_in(name)
        }
    }

    pub(super) fn built_in(name: &str) -> Result<Self, ProfileError> {
        let unknown = || ProfileError::Unknown { name: name.to_owned(), known: built_in_names() };
        let dir = BUILT_IN.get_dir(name).ok_or_else(unknown)?;
        let (mut toml, mut overlays) = (None, Vec::new());
        for file in dir.files() {
            let path = file.path();
            let Some(text) = file.contents_utf8() else { continue };
            match (path.file_stem().and_then(|s| s.to_str()), path.extension().and_then(|e| e.to_str())) {
                (Some("profile"), Some("toml")) => toml = Some(text.to_owned()),
                (Some(kind), Some("json")) => {
                    overlays.push((path.display().to_string(), kind.to_owned(), text.to_owned()));
                }
                _ => {}
            }
        }
        let folder = dir.get_dir(Path::new(name).join(oem::FOLDER));
        for file in folder.into_iter().flat_map(Dir::files) {
            let stem = file.path().file_stem().and_then(|stem| stem.to_str());
            if let (Some(stem), Some(text)) = (stem, file.contents_utf8()) {
                let kind = format!("{RESOURCE}{stem}");
                overlays.push((file.path().display().to_string(), kind, text.to_owned()));
            }
        }
        let (source, file) = (name.to_owned(), format!("{name}/profile.toml"));
        Ok(Self {
            name: name.to_owned(),
            source,
            folder: None,
            file,
            toml: toml.ok_or_else(unknown)?,
            overlays,
        })
    }

    pub(super) fn in_folder(dir: &Path) -> Result<Self, ProfileError> {
        let read = |path: &Path| {
            file::read_text(path, MAX_FILE_BYTES)
                .map_err(|error| ProfileError::Read { file: path.display().to_string(), error })
        };
        let toml_path = dir.join("profile.toml");
        let toml = read(&toml_path)?;
        let list = |dir: &Path| {
            let listing = std::fs::read_dir(dir);
            listing.map_err(|error| ProfileError::Read { file: dir.display().to_string(), error })
        };
        let resources = dir.join(oem::FOLDER);
        let of_resources = if resources.is_dir() { Some(list(&resources)?) } else { None };
        let mut overlays = Vec::new();
        let of_types = list(dir)?.flatten().map(|entry| (entry.path(), ""));
        let of_resources = of_resources.into_iter().flatten().flatten();
        for (path, prefix) in of_types.chain(of_resources.map(|entry| (entry.path(), RESOURCE))) {
            if let (Some("json"), Some(kind)) =
                (path.extension().and_then(|e| e.to_str()), path.file_stem().and_then(|s| s.to_str()))
            {
                overlays.push((path.display().to_string(), format!("{prefix}{kind}"), read(&path)?));
            }
        }
        overlays.sort();
        let name = dir.file_name().map_or_else(|| "custom".to_owned(), |n| n.to_string_lossy().into_owned());
        let source = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()).display().to_string();
        let file = toml_path.display().to_string();
        Ok(Self { name, source, folder: Some(dir.to_owned()), file, toml, overlays })
    }
}
