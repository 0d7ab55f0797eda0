//! `upnext jobs tree`: the jobs that one job set in motion, drawn as a tree.

use std::collections::{HashMap, HashSet};

use upnext_backends::Deployment;
use upnext_core::backend::JobQuery;
use upnext_core::{Clock as _, Job, JobId, JobStatus, SystemClock};
use upnext_server::wire;

use super::find;
use crate::args::JobArgs;
use crate::commands::DONE;
use crate::failure::Failure;
use crate::table::{Table, short, span};
use crate::{output, paint};

/// Jobs read at once, and most that one tree shows.
const PAGE: usize = 1000;
const MOST: usize = 10_000;

pub(super) async fn show(deployment: &Deployment, args: &JobArgs) -> Result<u8, Failure> {
    let job = find(deployment, &args.id).await?;
    let tree = Tree::of(deployment, &job).await?;
    if args.json {
        let (total, has_more) = (tree.total, (tree.jobs.len() as u64) < tree.total);
        let jobs = tree.jobs.into_iter().map(Into::into).collect();
        output::json(&wire::JobPage { jobs, total, total_is_capped: false, has_more, next_cursor: None })?;
        return Ok(DONE);
    }
    output::line(tree.render(job.root_id, Some(job.id)));
    if (tree.jobs.len() as u64) < tree.total {
        output::note(format_args!("the newest {} of {} jobs of this tree", tree.jobs.len(), tree.total));
    }
    Ok(DONE)
}

/// The jobs under one root, oldest first.
pub(super) struct Tree {
    jobs: Vec<Job>,
    total: u64,
}

impl Tree {
    /// The whole tree that a job belongs to.
    pub(super) async fn of(deployment: &Deployment, job: &Job) -> Result<Self, Failure> {
        let (mut jobs, mut cursor) = (Vec::new(), None);
        let total = loop {
            let root_id = Some(job.root_id);
            let query = JobQuery { root_id, limit: PAGE, cursor, ..JobQuery::default() };
            let page = deployment.client.backend().list_jobs(query).await?;
            jobs.extend(page.items);
            cursor = page.next;
            if cursor.is_none() || jobs.len() >= MOST {
                break page.total;
            }
        };
        jobs.reverse();
        Ok(Self { jobs, total })
    }

    /// Every job under this one, oldest first.
    pub(super) fn below(&self, id: JobId) -> Vec<wire::Job> {
        let mut family = HashSet::from([id]);
        // A child is younger than its parent, so one pass finds all.
        let is_below = |job: &&Job| {
            let found = job.parent_id.is_some_and(|parent| family.contains(&parent));
            if found {
                family.insert(job.id);
            }
            found
        };
        self.jobs.iter().filter(is_below).cloned().map(Into::into).collect()
    }

    /// The part of the tree from this job on, with one job pointed at.
    pub(super) fn render(&self, top: JobId, pointed: Option<JobId>) -> String {
        let known: HashSet<JobId> = self.jobs.iter().map(|job| job.id).collect();
        let mut children: HashMap<Option<JobId>, Vec<&Job>> = HashMap::new();
        for job in &self.jobs {
            let above = job.parent_id.filter(|parent| known.contains(parent) && job.id != top);
            children.entry(above).or_default().push(job);
        }
        let mut drawing = Drawing {
            table: Table::new(&["JOB", "STATUS", "TOOK", "ID", "ERROR"]),
            children: &children,
            pointed: pointed.filter(|_| self.jobs.len() > 1),
        };
        // Jobs whose parent was removed stand beside the root.
        let whole = self.jobs.iter().any(|job| job.id == top && job.parent_id.is_none());
        let roots = children.get(&None).map(Vec::as_slice).unwrap_or_default();
        for job in roots.iter().filter(|job| whole || job.id == top) {
            drawing.draw(job, "", "");
        }
        drawing.table.render()
    }
}

struct Drawing<'a> {
    table: Table,
    children: &'a HashMap<Option<JobId>, Vec<&'a Job>>,
    pointed: Option<JobId>,
}

impl Drawing<'_> {
    /// A job and what is under it; `branch` stands before it, `trunk` before its children. Deep trees need no deep stack.
    fn draw(&mut self, top: &Job, branch: &str, trunk: &str) {
        let mut waiting = vec![(top, branch.to_owned(), trunk.to_owned())];
        while let Some((job, branch, trunk)) = waiting.pop() {
            self.line(job, &branch);
            let below = self.children.get(&Some(job.id)).map(Vec::as_slice).unwrap_or_default();
            for (index, child) in below.iter().enumerate().rev() {
                let is_last = index + 1 == below.len();
                let (fork, on) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
                waiting.push((child, format!("{trunk}{fork}"), format!("{trunk}{on}")));
            }
        }
    }

    fn line(&mut self, job: &Job, branch: &str) {
        let mark = if self.pointed == Some(job.id) { " ←" } else { "" };
        self.table.row(vec![
            format!("{branch}{}{mark}", short(&job.function, 60)),
            paint::status(job.status),
            took(job),
            job.id.to_string(),
            short(job.error.as_deref().unwrap_or_default(), 60),
        ]);
    }
}

/// How long a job ran, or runs so far.
fn took(job: &Job) -> String {
    let millis = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
    match (job.duration(), job.started_at) {
        (Some(time), _) => span(millis(time)),
        (None, Some(begun)) if job.status == JobStatus::Active => {
            format!("{} so far", span(millis(SystemClock.now().since(begun))))
        }
        _ => "-".to_owned(),
    }
}
