//! How many jobs a claim may take from functions that are paused or have limits.

use std::collections::HashMap;

use upnext_core::Timestamp;
use upnext_core::limits::{Limits, Rate};

use crate::database::Transaction;
use crate::faults::Result;
use crate::params::params;
use crate::rows;

/// What holds for one function at the moment of a claim.
#[derive(Debug)]
struct Held {
    paused: bool,
    limits: Limits,
}

/// What holds for the functions of a claim. Most have nothing to them.
#[derive(Debug, Default)]
pub(crate) struct Allowances {
    held: HashMap<String, Held>,
    /// Jobs of groups that run, as far as this claim has looked.
    groups: HashMap<String, u32>,
    /// How many jobs of functions may still begin, as far as this claim has looked.
    left: HashMap<String, u32>,
    /// When a rate limit lets the next job begin, the earliest of all.
    pub(crate) next_start: Option<Timestamp>,
}

impl Allowances {
    /// Reads them, and lets nobody else claim from these functions until the commit.
    pub(crate) async fn read(transaction: &Transaction<'_>, functions: &[String]) -> Result<Self> {
        let functions: Vec<&str> = functions.iter().map(String::as_str).collect();
        let mut held = HashMap::new();
        for row in transaction.all(include_str!("../queries/claim_held.sql"), params![functions]).await? {
            let limits: Option<&str> = row.try_get(2)?;
            // Limits that this version cannot read were written by a newer one; they hold there.
            let limits = limits.and_then(|limits| serde_json::from_str(limits).ok()).unwrap_or_default();
            held.insert(row.try_get(0)?, Held { paused: row.try_get(1)?, limits });
        }
        Ok(Self { held, ..Self::default() })
    }

    /// True when running jobs of this function are counted.
    pub(crate) fn counts(&self, function: &str) -> bool {
        self.held.get(function).is_some_and(|held| held.limits.counts_running())
    }

    /// At most how many jobs of this function may begin now; `None` without a limit.
    pub(crate) async fn of(
        &mut self,
        transaction: &Transaction<'_>,
        function: &str,
    ) -> Result<Option<usize>> {
        let Some(held) = self.held.get(function) else { return Ok(None) };
        if held.paused {
            return Ok(Some(0));
        }
        let mut most: Option<u32> = None;
        let mut at_most = |places: u32| most = Some(most.unwrap_or(u32::MAX).min(places));
        if let Some(limit) = held.limits.max_concurrency {
            let running = include_str!("../queries/claim_running.sql");
            at_most(limit.saturating_sub(count(transaction, running, function).await?));
        }
        if let (Some(group), Some(limit)) = (&held.limits.routing_group, held.limits.group_max_concurrency) {
            let running = match self.groups.get(group) {
                Some(running) => *running,
                None => {
                    let running = include_str!("../queries/claim_group_running.sql");
                    let running = count(transaction, running, group).await?;
                    self.groups.insert(group.clone(), running);
                    running
                }
            };
            at_most(limit.saturating_sub(running));
        }
        if let Some(rate) = &held.limits.rate_limit {
            let (starts, oldest) = recent_starts(transaction, function, rate).await?;
            let left = rate.count().saturating_sub(starts);
            if left == 0
                && let Some(oldest) = oldest
            {
                let next = rate.window(transaction.now).leaves_at(oldest);
                self.next_start = Some(self.next_start.map_or(next, |earlier| earlier.min(next)));
            }
            at_most(left);
        }
        if let Some(most) = most {
            self.left.insert(function.to_owned(), most);
        }
        Ok(most.map(|most| usize::try_from(most).unwrap_or(usize::MAX)))
    }

    /// Notes that a job of a function begins with this claim. False when no place is left for it: others of this claim took
    /// them.
    pub(crate) fn take(&mut self, function: &str) -> bool {
        if let Some(left) = self.left.get_mut(function) {
            let Some(rest) = left.checked_sub(1) else { return false };
            *left = rest;
        }
        let Some(group) = self.held.get(function).and_then(|held| held.limits.routing_group.as_ref()) else {
            return true;
        };
        let limit = self.held.get(function).and_then(|held| held.limits.group_max_concurrency);
        match (self.groups.get_mut(group), limit) {
            (Some(running), Some(limit)) if *running >= limit => false,
            (Some(running), _) => {
                *running += 1;
                true
            }
            (None, _) => true,
        }
    }

    /// Writes down how many jobs of each function with a rate limit have begun.
    pub(crate) async fn note_starts(
        &self,
        transaction: &Transaction<'_>,
        starts: &HashMap<String, i64>,
    ) -> Result<()> {
        for (function, starts) in starts {
            let Some(rate) = self.held.get(function).and_then(|held| held.limits.rate_limit.as_ref()) else {
                continue;
            };
            let window = rate.window(transaction.now);
            let (slot, oldest) = (window.slot.as_micros(), window.oldest.as_micros());
            let forget = include_str!("../queries/rate_forget.sql");
            transaction.all(forget, params![function, oldest, slot]).await?;
            let start = include_str!("../queries/rate_start.sql");
            transaction.all(start, params![function, slot, starts]).await?;
        }
        Ok(())
    }
}

async fn count(transaction: &Transaction<'_>, sql: &str, of: &str) -> Result<u32> {
    let row = transaction.one(sql, params![of]).await?;
    Ok(u32::try_from(rows::count(&row, 0)?).unwrap_or(u32::MAX))
}

/// How many jobs began within the window, and when the oldest slot of it begins.
async fn recent_starts(
    transaction: &Transaction<'_>,
    function: &str,
    rate: &Rate,
) -> Result<(u32, Option<Timestamp>)> {
    let window = rate.window(transaction.now);
    let (oldest, slot) = (window.oldest.as_micros(), window.slot.as_micros());
    let sql = include_str!("../queries/rate_starts.sql");
    let row = transaction.one(sql, params![function, oldest, slot]).await?;
    Ok((u32::try_from(rows::count(&row, 0)?).unwrap_or(u32::MAX), rows::moment(&row, 1)?))
}
