//! `upnext apis`: which HTTP APIs run, and what was asked of them.

use upnext_backends::Deployment;
use upnext_core::api::TrafficQuery;
use upnext_server::wire;

use super::DONE;
use crate::failure::Failure;
use crate::table::{Table, maybe, short, span};
use crate::{output, paint};

/// The window of the figures.
const HOURS: u32 = 24;

pub(super) async fn list(deployment: Deployment, json: bool) -> Result<u8, Failure> {
    let backend = deployment.client.backend();
    let traffic = backend.api_traffic(TrafficQuery { hours: HOURS, api: None }).await?;
    let apis = wire::Api::group(backend.list_apis().await?, &traffic.hours);
    if json {
        output::json(&wire::ApiList { total: apis.len() as u64, apis })?;
        return Ok(DONE);
    }
    if apis.is_empty() {
        output::note("no API was heard of within the last day; start one with `upnext run FILE`");
        return Ok(DONE);
    }
    let mut table = Table::new(&["API", "STATE", "ADDRESS", "REQUESTS", "ERRORS", "P50", "P95"]);
    for api in &apis {
        let alive = api.instances.iter().filter(|instance| instance.alive);
        let addresses: Vec<String> =
            alive.map(|instance| format!("{}:{}", instance.host, instance.port)).collect();
        let percent = |rate: f64| format!("{rate:.1} %");
        table.row(vec![
            short(&api.name, 40),
            if api.active { paint::good("alive") } else { "stopped".to_owned() },
            short(&addresses.join(", "), 60),
            api.figures.requests.to_string(),
            maybe(api.figures.error_rate, percent),
            maybe(api.figures.p50_ms, span),
            maybe(api.figures.p95_ms, span),
        ]);
    }
    output::line(table.render());
    Ok(DONE)
}
