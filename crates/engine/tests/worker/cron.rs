//! Schedules, as workers make their runs.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use upnext_core::backend::JobQuery;
use upnext_core::function::CronRule;
use upnext_core::{Backend, JobType};
use upnext_engine::{Worker, WorkerConfig};

use crate::{PATIENCE, Scripted, complete, stage};

fn every_second(config: &mut WorkerConfig) {
    config.functions[0].job_type = JobType::Cron;
    config.functions[0].cron = Some(CronRule::new("* * * * * *"));
}

#[tokio::test]
async fn every_tick_runs_once_however_many_workers_there_are() {
    let mut stage = stage(every_second).await;
    let backend = Arc::clone(&stage.backend) as Arc<dyn Backend>;
    let (start, mut started_elsewhere) = mpsc::unbounded_channel();
    let mut config = stage.config.clone();
    config.name = "second".to_owned();
    let (stopped, _stopped) = mpsc::unbounded_channel();
    let executor = Arc::new(Scripted { started: start, stopped });
    let second = Worker::start(stage.client.clone(), config, executor).await.unwrap();
    let mut runs = Vec::new();
    timeout(PATIENCE, async {
        while runs.len() < 3 {
            let assignment = tokio::select! {
                Some(assignment) = stage.started.recv() => assignment,
                Some(assignment) = started_elsewhere.recv() => assignment,
            };
            complete(&assignment);
            runs.push(assignment.job.lease.job_id);
        }
    })
    .await
    .expect("a schedule of every second made no three runs");
    second.stop(Duration::ZERO).await;
    stage.worker.stop(Duration::ZERO).await;
    let page = backend.list_jobs(JobQuery { limit: 100, ..JobQuery::default() }).await.unwrap();
    let ticks: Vec<String> =
        page.items.iter().map(|job| job.source.as_ref().unwrap().as_str().to_owned()).collect();
    let distinct: HashSet<&String> = ticks.iter().collect();
    assert_eq!(distinct.len(), ticks.len(), "a tick ran twice: {ticks:?}");
    assert!(ticks.iter().all(|tick| tick.contains("\"scheduled_for\"")), "{ticks:?}");
}

#[tokio::test]
async fn a_schedule_that_makes_no_sense_starts_no_worker() {
    let stage = stage(|_| {}).await;
    let mut config = stage.config.clone();
    config.functions[0].cron = Some(CronRule::new("61 * * * *"));
    let (started, _started) = mpsc::unbounded_channel();
    let (stopped, _stopped) = mpsc::unbounded_channel();
    let executor = Arc::new(Scripted { started, stopped });
    let refused = Worker::start(stage.client.clone(), config, executor).await.unwrap_err();
    assert!(refused.to_string().starts_with("'f': '61 * * * *' is not a schedule"), "{refused}");
}
