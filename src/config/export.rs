//! `--write-export`: the files in which the daemon lists its nodes for clients.

use std::path::PathBuf;

use clap::ValueEnum;

/// The format of a list of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// JSON list of nodes with UUID, name, MAC addresses and credentials
    NodesJson,
    /// JSON for `baremetal create`: nodes with their ports
    Ironic,
    /// YAML for Metal3: BareMetalHost and Secret
    Bmh,
    /// JSON list of systems for sushy-tools and fake-ipa, as their nodes.json
    SushyNodes,
    /// Configuration of sushy-tools (conf.py) with these systems
    SushyConf,
}

/// A file that the daemon writes when it is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenExport {
    pub format: ExportFormat,
    pub file: PathBuf,
}

impl ExportFormat {
    /// The name in `--format`.
    pub fn name(self) -> &'static str {
        match self {
            Self::NodesJson => "nodes-json",
            Self::Ironic => "ironic",
            Self::Bmh => "bmh",
            Self::SushyNodes => "sushy-nodes",
            Self::SushyConf => "sushy-conf",
        }
    }
}

impl WrittenExport {
    /// The largest number of files.
    pub(super) const MAX: usize = 16;

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let found = text.split_once('=').filter(|(_, file)| !file.is_empty());
        let format = |name: &str| ExportFormat::from_str(name, false).ok();
        match found.and_then(|(name, file)| Some((format(name)?, file))) {
            Some((format, file)) => Ok(Self { format, file: file.into() }),
            None => {
                let names: Vec<_> =
                    ExportFormat::value_variants().iter().map(|format| format.name()).collect();
                Err(format!("'{text}' is not FORMAT=FILE; the formats are {}", names.join(", ")))
            }
        }
    }
}
