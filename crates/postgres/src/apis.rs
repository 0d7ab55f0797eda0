//! HTTP APIs: `record_requests`, `list_apis`, `api_traffic`, `list_requests`; and what goes of them because of its age.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio_postgres::Row;
use upnext_core::Timestamp;
use upnext_core::api::{
    self, API_ALIVE, API_LISTED, ApiInstance, ApiRegistration, ApiReport, ApiRequest, ApiTraffic, NewRequest,
    REQUESTS_KEPT, RequestQuery, RouteHour, StatusClass, TRAFFIC_HOURS_KEPT, Traffic, TrafficQuery,
};
use upnext_core::insight::Hour;

use crate::database::{Connection, Transaction};
use crate::faults::Result;
use crate::params::{count, params, text};
use crate::rows;

pub(crate) async fn record_requests(transaction: &Transaction<'_>, report: &ApiReport) -> Result<()> {
    transaction.all(include_str!("../queries/record_requests_lock.sql"), &[]).await?;
    record_instance(transaction, report).await?;
    let instance = &report.instance;
    let listed: Vec<&NewRequest> = api::listed(&report.requests).collect();
    if !listed.is_empty() {
        let given = params![
            text(&instance.api),
            text(&instance.id),
            listed.iter().map(|request| place(request.class())).collect::<Vec<i16>>(),
            listed.iter().map(|request| request.at.as_micros()).collect::<Vec<i64>>(),
            listed.iter().map(|request| text(&request.method)).collect::<Vec<_>>(),
            listed.iter().map(|request| text(&request.route)).collect::<Vec<_>>(),
            listed.iter().map(|request| i32::from(request.status)).collect::<Vec<i32>>(),
            listed.iter().map(|request| rows::stored_micros(request.duration)).collect::<Vec<i64>>(),
            listed.iter().map(|request| request.error.as_deref().map(text)).collect::<Vec<_>>(),
        ];
        transaction.all(include_str!("../queries/record_requests.sql"), given).await?;
    }
    for class in listed.iter().map(|request| request.class()).collect::<BTreeSet<_>>() {
        let trim = include_str!("../queries/record_requests_trim.sql");
        transaction.all(trim, params![text(&instance.api), place(class), count(REQUESTS_KEPT)]).await?;
    }
    add_hours(transaction, &text(&instance.api), &report.requests).await
}

fn place(class: StatusClass) -> i16 {
    i16::try_from(class.place()).unwrap_or(0)
}

async fn record_instance(transaction: &Transaction<'_>, report: &ApiReport) -> Result<()> {
    let instance = &report.instance;
    let given = params![
        text(&instance.id),
        text(&instance.api),
        text(&instance.hostname),
        i64::from(instance.pid),
        text(&instance.host),
        i32::from(instance.port),
        text(&instance.version),
        transaction.now.as_micros(),
        report.stopped,
        i64::try_from(report.dropped).unwrap_or(i64::MAX),
    ];
    transaction.all(include_str!("../queries/record_requests_instance.sql"), given).await.map(drop)
}

async fn add_hours(transaction: &Transaction<'_>, api: &str, requests: &[NewRequest]) -> Result<()> {
    for ((hour, route, method), mut traffic) in api::tally(requests) {
        let (route, method) = (text(route), text(method));
        let find = include_str!("../queries/record_requests_hour.sql");
        if let Some(known) = transaction.optional(find, params![api, hour.number(), route, method]).await? {
            traffic.add(&counters(&known, 0)?);
        }
        let counters = serde_json::to_string(traffic.counters().as_slice()).unwrap_or_default();
        let set = include_str!("../queries/record_requests_hour_set.sql");
        transaction.all(set, params![api, hour.number(), route, method, counters]).await?;
    }
    Ok(())
}

/// Figures from the column with this place.
fn counters(row: &Row, place: usize) -> Result<Traffic> {
    let counters: Vec<u64> = serde_json::from_str(row.try_get(place)?).unwrap_or_default();
    Ok(Traffic::from_counters(&counters))
}

pub(crate) async fn list_apis(connection: &Connection<'_>, now: Timestamp) -> Result<Vec<ApiInstance>> {
    let list = include_str!("../queries/list_apis.sql");
    let rows = connection.all(list, params![before(now, API_LISTED)]).await?;
    rows.iter().map(|row| instance(row, now)).collect()
}

fn instance(row: &Row, now: Timestamp) -> Result<ApiInstance> {
    let last_heartbeat_at: i64 = row.try_get(8)?;
    let stopped_at = rows::moment(row, 9)?;
    Ok(ApiInstance {
        registration: ApiRegistration {
            id: row.try_get(0)?,
            api: row.try_get(1)?,
            hostname: row.try_get(2)?,
            pid: u32::try_from(rows::count(row, 3)?).unwrap_or(0),
            host: row.try_get(4)?,
            port: u16::try_from(rows::small(row, 5)?).unwrap_or(0),
            version: row.try_get(6)?,
        },
        started_at: Timestamp::from_micros(row.try_get(7)?),
        last_heartbeat_at: Timestamp::from_micros(last_heartbeat_at),
        alive: stopped_at.is_none() && last_heartbeat_at >= before(now, API_ALIVE),
        stopped_at,
        dropped: rows::count(row, 10)?,
    })
}

fn before(now: Timestamp, age: Duration) -> i64 {
    now.as_micros() - rows::stored_micros(age)
}

pub(crate) async fn api_traffic(
    connection: &Connection<'_>,
    query: &TrafficQuery,
    now: Timestamp,
) -> Result<ApiTraffic> {
    let first = Hour::of(now).back(query.hours.max(1) - 1);
    let given = params![first.number(), query.api.as_deref().map(text)];
    let rows = connection.all(include_str!("../queries/api_traffic.sql"), given).await?;
    let read = |row: &Row| {
        Ok(RouteHour {
            api: row.try_get(0)?,
            hour: Hour::from_number(row.try_get(1)?),
            route: row.try_get(2)?,
            method: row.try_get(3)?,
            traffic: counters(row, 4)?,
        })
    };
    Ok(ApiTraffic { hours: rows.iter().map(read).collect::<Result<_>>()?, now })
}

pub(crate) async fn list_requests(
    connection: &Connection<'_>,
    query: &RequestQuery,
) -> Result<Vec<ApiRequest>> {
    let given = params![
        query.after,
        query.before.unwrap_or(i64::MAX),
        query.api.as_deref().map(text),
        query.class.map(place),
        query.method.as_deref().map(text),
        query.route.as_deref().map(text),
        count(query.limit),
    ];
    let rows = connection.all(include_str!("../queries/list_requests.sql"), given).await?;
    rows.iter().map(request).collect()
}

fn request(row: &Row) -> Result<ApiRequest> {
    Ok(ApiRequest {
        sequence: row.try_get(0)?,
        api: row.try_get(1)?,
        instance: row.try_get(2)?,
        request: NewRequest {
            at: Timestamp::from_micros(row.try_get(3)?),
            method: row.try_get(4)?,
            route: row.try_get(5)?,
            status: u16::try_from(rows::small(row, 6)?).unwrap_or(0),
            duration: Duration::from_micros(rows::count(row, 7)?),
            error: row.try_get(8)?,
        },
    })
}

/// Forgets what is too old.
pub(crate) async fn expire(transaction: &Transaction<'_>) -> Result<()> {
    let now = transaction.now;
    let first = Hour::of(now).back(TRAFFIC_HOURS_KEPT);
    for (sql, limit) in [
        (include_str!("../queries/expire_api_instances.sql"), before(now, API_LISTED)),
        (include_str!("../queries/expire_api_requests.sql"), first.begins().as_micros()),
        (include_str!("../queries/expire_api_hours.sql"), first.number()),
    ] {
        transaction.all(sql, params![limit]).await?;
    }
    Ok(())
}
