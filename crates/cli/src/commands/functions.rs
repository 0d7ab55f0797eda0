//! `upnext list`: the registered functions.

use upnext_backends::Deployment;
use upnext_server::wire;

use super::DONE;
use crate::failure::Failure;
use crate::output;
use crate::table::{Table, short};

pub(super) async fn list(deployment: Deployment, json: bool) -> Result<u8, Failure> {
    let functions = deployment.client.backend().list_functions().await?;
    let functions: Vec<wire::Function> = functions.into_iter().map(Into::into).collect();
    if json {
        output::json(&wire::FunctionList { total: functions.len() as u64, functions })?;
        return Ok(DONE);
    }
    if functions.is_empty() {
        output::note("no worker has registered any function yet; start one with `upnext run FILE`");
        return Ok(DONE);
    }
    let mut table = Table::new(&["KEY", "TYPE", "WORKERS", "TIMEOUT", "RETRIES", "BACKLOG", ""]);
    for function in &functions {
        let job_type = upnext_core::JobType::from(function.job_type);
        table.row(vec![
            short(&function.key, 60),
            job_type.to_string(),
            function.workers.len().to_string(),
            format!("{} s", function.timeout),
            function.max_retries.to_string(),
            function.queue_backlog.to_string(),
            if function.paused { "paused".to_owned() } else { String::new() },
        ]);
    }
    output::line(table.render());
    Ok(DONE)
}
