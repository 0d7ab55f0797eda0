//! HTTP APIs: `record_requests`, `list_apis`, `api_traffic`, `list_requests`; and what goes of them because of its age.

use std::collections::BTreeSet;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use upnext_core::Timestamp;
use upnext_core::api::{
    self, API_ALIVE, API_LISTED, ApiInstance, ApiRegistration, ApiReport, ApiRequest, ApiTraffic, NewRequest,
    REQUESTS_KEPT, RequestQuery, RouteHour, StatusClass, TRAFFIC_HOURS_KEPT, Traffic, TrafficQuery,
};
use upnext_core::insight::Hour;

use crate::lane::Transaction;
use crate::rows;

pub(crate) fn record_requests(transaction: &Transaction<'_>, report: &ApiReport) -> rusqlite::Result<()> {
    record_instance(transaction, report)?;
    let connection = transaction.connection;
    let instance = &report.instance;
    let mut classes = BTreeSet::new();
    let mut insert = connection.prepare_cached(include_str!("../queries/record_requests.sql"))?;
    for request in api::listed(&report.requests) {
        classes.insert(request.class());
        insert.execute(params![
            instance.api,
            request.class().place(),
            instance.id,
            request.at.as_micros(),
            request.method,
            request.route,
            request.status,
            rows::stored_micros(request.duration),
            request.error,
        ])?;
    }
    let mut trim = connection.prepare_cached(include_str!("../queries/record_requests_trim.sql"))?;
    for class in classes {
        trim.execute(params![instance.api, class.place(), REQUESTS_KEPT])?;
    }
    add_hours(connection, &instance.api, &report.requests)
}

fn record_instance(transaction: &Transaction<'_>, report: &ApiReport) -> rusqlite::Result<()> {
    let instance = &report.instance;
    let mut record =
        transaction.connection.prepare_cached(include_str!("../queries/record_requests_instance.sql"))?;
    record.execute(params![
        instance.id,
        instance.api,
        instance.hostname,
        instance.pid,
        instance.host,
        instance.port,
        instance.version,
        transaction.now.as_micros(),
        report.stopped,
        i64::try_from(report.dropped).unwrap_or(i64::MAX),
    ])?;
    Ok(())
}

fn add_hours(connection: &Connection, api: &str, requests: &[NewRequest]) -> rusqlite::Result<()> {
    let mut find = connection.prepare_cached(include_str!("../queries/record_requests_hour.sql"))?;
    let mut set = connection.prepare_cached(include_str!("../queries/record_requests_hour_set.sql"))?;
    for ((hour, route, method), mut traffic) in api::tally(requests) {
        let known =
            find.query_row(params![api, hour.number(), route, method], |row| counters(row, 0)).optional()?;
        if let Some(known) = known {
            traffic.add(&known);
        }
        let counters = serde_json::to_string(traffic.counters().as_slice()).unwrap_or_default();
        set.execute(params![api, hour.number(), route, method, counters])?;
    }
    Ok(())
}

/// Figures from the column with this place.
fn counters(row: &Row<'_>, place: usize) -> rusqlite::Result<Traffic> {
    let counters: Vec<u64> = serde_json::from_str(row.get_ref(place)?.as_str()?).unwrap_or_default();
    Ok(Traffic::from_counters(&counters))
}

pub(crate) fn list_apis(connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<ApiInstance>> {
    connection
        .prepare_cached(include_str!("../queries/list_apis.sql"))?
        .query_map([before(now, API_LISTED)], |row| {
            let last_heartbeat_at: i64 = row.get(8)?;
            let stopped_at = rows::moment(row, 9)?;
            Ok(ApiInstance {
                registration: ApiRegistration {
                    id: row.get(0)?,
                    api: row.get(1)?,
                    hostname: row.get(2)?,
                    pid: row.get(3)?,
                    host: row.get(4)?,
                    port: row.get(5)?,
                    version: row.get(6)?,
                },
                started_at: Timestamp::from_micros(row.get(7)?),
                last_heartbeat_at: Timestamp::from_micros(last_heartbeat_at),
                alive: stopped_at.is_none() && last_heartbeat_at >= before(now, API_ALIVE),
                stopped_at,
                dropped: u64::try_from(row.get::<_, i64>(10)?).unwrap_or(0),
            })
        })?
        .collect()
}

fn before(now: Timestamp, age: Duration) -> i64 {
    now.as_micros() - rows::stored_micros(age)
}

pub(crate) fn api_traffic(
    connection: &Connection,
    query: &TrafficQuery,
    now: Timestamp,
) -> rusqlite::Result<ApiTraffic> {
    let first = Hour::of(now).back(query.hours.max(1) - 1);
    let hours = connection
        .prepare_cached(include_str!("../queries/api_traffic.sql"))?
        .query_map(params![first.number(), query.api], |row| {
            Ok(RouteHour {
                api: row.get(0)?,
                hour: Hour::from_number(row.get(1)?),
                route: row.get(2)?,
                method: row.get(3)?,
                traffic: counters(row, 4)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(ApiTraffic { hours, now })
}

pub(crate) fn list_requests(
    connection: &Connection,
    query: &RequestQuery,
) -> rusqlite::Result<Vec<ApiRequest>> {
    connection
        .prepare_cached(include_str!("../queries/list_requests.sql"))?
        .query_map(
            params![
                query.after,
                query.before.unwrap_or(i64::MAX),
                query.api,
                query.class.map(StatusClass::place),
                query.method,
                query.route,
                i64::try_from(query.limit).unwrap_or(i64::MAX),
            ],
            |row| {
                Ok(ApiRequest {
                    sequence: row.get(0)?,
                    api: row.get(1)?,
                    instance: row.get(2)?,
                    request: NewRequest {
                        at: Timestamp::from_micros(row.get(3)?),
                        method: row.get(4)?,
                        route: row.get(5)?,
                        status: row.get(6)?,
                        duration: Duration::from_micros(u64::try_from(row.get::<_, i64>(7)?).unwrap_or(0)),
                        error: row.get(8)?,
                    },
                })
            },
        )?
        .collect()
}

/// Forgets what is too old.
pub(crate) fn expire(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let (connection, now) = (transaction.connection, transaction.now);
    let first = Hour::of(now).back(TRAFFIC_HOURS_KEPT);
    for (sql, limit) in [
        (include_str!("../queries/expire_api_instances.sql"), before(now, API_LISTED)),
        (include_str!("../queries/expire_api_requests.sql"), first.begins().as_micros()),
        (include_str!("../queries/expire_api_hours.sql"), first.number()),
    ] {
        connection.prepare_cached(sql)?.execute([limit])?;
    }
    Ok(())
}
