//! Limits of functions as `claim.lua` reads them: plain numbers, worked out when a worker registers.

use serde::Serialize;
use upnext_core::limits::Limits;

use crate::rows::stored_micros;

#[derive(Serialize)]
struct Stored<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_max: Option<u32>,
    /// Starts within a period.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    /// Microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<i64>,
}

pub(crate) fn stored_limits(limits: &Limits) -> String {
    let stored = Stored {
        max: limits.max_concurrency,
        group: limits.routing_group.as_deref(),
        group_max: limits.group_max_concurrency,
        count: limits.rate_limit.as_ref().map(upnext_core::limits::Rate::count),
        period: limits.rate_limit.as_ref().map(|rate| stored_micros(rate.period())),
    };
    serde_json::to_string(&stored).unwrap_or_default()
}
