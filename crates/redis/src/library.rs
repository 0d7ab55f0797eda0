//! The function library: every verb is one Lua function, and all of them are loaded into the server as one library.
//!
//! Functions rather than scripts sent with EVALSHA, because the server keeps them: they are compiled once with all they share,
//! are part of its snapshots and its replicas, and are there after a restart and after a failover. The library's name holds a
//! digest of its text, and so does each function's: workers of two versions run side by side, each with its own.

use std::sync::LazyLock;

/// The files of the library, in the order in which they refer to each other.
const FILES: &[&str] = &[
    include_str!("../scripts/step.lua"),
    include_str!("../scripts/job.lua"),
    include_str!("../scripts/gate.lua"),
    include_str!("../scripts/enqueue.lua"),
    include_str!("../scripts/claim.lua"),
    include_str!("../scripts/renew.lua"),
    include_str!("../scripts/finish.lua"),
    include_str!("../scripts/release.lua"),
    include_str!("../scripts/reclaim_expired.lua"),
    include_str!("../scripts/cancel.lua"),
    include_str!("../scripts/retry.lua"),
    include_str!("../scripts/report.lua"),
    include_str!("../scripts/schedules.lua"),
    include_str!("../scripts/workers.lua"),
    include_str!("../scripts/followers.lua"),
    include_str!("../scripts/blobs.lua"),
    include_str!("../scripts/artifact.lua"),
    include_str!("../scripts/record_artifacts.lua"),
    include_str!("../scripts/parts.lua"),
    include_str!("../scripts/artifacts.lua"),
    include_str!("../scripts/apis.lua"),
    include_str!("../scripts/expire.lua"),
    include_str!("../scripts/listing.lua"),
    include_str!("../scripts/insights.lua"),
];

/// The library of this version.
pub(crate) struct Library {
    /// What its functions' names begin with.
    pub(crate) name: String,
    /// What the server is given.
    pub(crate) text: String,
}

/// The library of this version.
pub(crate) static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let body = FILES.concat();
    let digest = redis::Script::new(&body).get_hash().to_owned();
    let name = format!("upnext_{}", &digest[..12]);
    Library { text: format!("#!lua name={name}\nlocal LIBRARY = '{name}'\n{body}"), name }
});
