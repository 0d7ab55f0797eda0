//! The data folder that the processes of one test share, and what they write into it beside the product's own data.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use upnext_backends::Deployment;
use upnext_core::Settings;

pub(crate) struct Home {
    folder: TempDir,
    lease: Duration,
}

impl Home {
    pub(crate) fn new(lease: Duration) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), lease }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The settings of every process of the test.
    pub(crate) fn vars(&self) -> Vec<(String, String)> {
        let home = self.path().display().to_string();
        [
            ("UPNEXT_HOME", home),
            ("UPNEXT_QUEUE_CLAIM_TIMEOUT_MS", self.lease.as_millis().to_string()),
            ("UPNEXT_QUEUE_BATCH_SIZE", "8".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    pub(crate) async fn open(&self) -> Deployment {
        let settings = Settings::from_vars(self.vars()).unwrap().settings;
        upnext_backends::open(settings).await.expect("whatever was killed, the data can be opened")
    }

    /// Where the words of the children go.
    pub(crate) fn log(&self) -> PathBuf {
        self.path().join("children.log")
    }

    pub(crate) fn words_of_children(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// What the children noted.
    pub(crate) fn ledger(&self) -> Vec<String> {
        Ledger::read(self.path())
    }
}

/// A file to which children add lines that say what has happened. What a process noted before it died is there; the line
/// that it was writing at that moment may be there in part, and is passed over.
pub(crate) struct Ledger(File);

/// The end of a line that was written whole.
const WHOLE: &str = " .";

impl Ledger {
    fn path(home: &Path) -> PathBuf {
        home.join("ledger")
    }

    pub(crate) fn open(home: &Path) -> Self {
        Self(OpenOptions::new().create(true).append(true).open(Self::path(home)).unwrap())
    }

    pub(crate) fn note(&self, line: &str) {
        (&self.0).write_all(format!("\n{line}{WHOLE}\n").as_bytes()).unwrap();
    }

    pub(crate) fn read(home: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(Self::path(home)).unwrap_or_default();
        text.lines().filter_map(|line| line.strip_suffix(WHOLE)).map(str::to_owned).collect()
    }
}
