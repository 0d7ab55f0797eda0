//! `upnext workers`: who runs, and what they offer.

use std::collections::BTreeMap;

use upnext_backends::Deployment;
use upnext_server::wire;

use super::DONE;
use crate::failure::Failure;
use crate::table::{Table, ago, short};
use crate::{output, paint};

pub(super) async fn list(deployment: Deployment, json: bool) -> Result<u8, Failure> {
    let backend = deployment.client.backend();
    let functions = backend.list_functions().await?;
    let names: BTreeMap<String, String> =
        functions.into_iter().map(|function| (function.definition.key, function.definition.name)).collect();
    let workers = wire::Worker::group(backend.list_workers().await?, &names);
    if json {
        output::json(&wire::WorkerList { total: workers.len() as u64, workers })?;
        return Ok(DONE);
    }
    if workers.is_empty() {
        output::note("no worker was heard of within the last day; start one with `upnext run FILE`");
        return Ok(DONE);
    }
    let mut table = Table::new(&["INSTANCE", "STATE", "HOST", "PID", "JOBS", "LAST SEEN", "FUNCTIONS"]);
    for instance in workers.iter().flat_map(|worker| &worker.instances) {
        let state = match (instance.alive, instance.stopped_at) {
            (true, _) => paint::good("alive"),
            (false, Some(_)) => "stopped".to_owned(),
            (false, None) => paint::bad("lost"),
        };
        table.row(vec![
            short(&instance.id, 40),
            state,
            short(&instance.hostname, 30),
            instance.pid.to_string(),
            format!("{}/{}", instance.active_jobs, instance.concurrency),
            ago(instance.last_heartbeat),
            short(&instance.functions.join(", "), 60),
        ]);
    }
    output::line(table.render());
    Ok(DONE)
}
