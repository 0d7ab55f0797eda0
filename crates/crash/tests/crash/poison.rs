//! A job that takes its worker down each time: it fails for good, and the queue goes on.

use std::sync::mpsc;
use std::time::Duration;

use upnext_core::client::Submission;
use upnext_core::transition::MAX_LOSSES;
use upnext_core::{FailureReason, JobStatus, RawJson};

use crate::children::{Fate, Running};
use crate::home::Home;

#[upnext::task]
pub(crate) async fn poison() {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
    std::future::pending::<()>().await;
}

pub(crate) fn run() {
    let home = Home::new(Duration::from_millis(500));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let deployment = runtime.block_on(home.open());
    let client = &deployment.client;
    let submit = |function: &str, number: usize| {
        let kwargs = if function == "make" { format!("{{\"number\":{number}}}") } else { "{}".to_owned() };
        let submission = Submission::new(function, RawJson::trusted(kwargs));
        runtime.block_on(client.submit(submission)).unwrap().id
    };
    let harmful = submit("poison", 0);
    let others: Vec<_> = (0..30).map(|number| submit("make", number)).collect();
    let (tell, told) = mpsc::channel::<()>();
    let losses = std::thread::scope(|scope| {
        let home = &home;
        let keeper = scope.spawn(move || {
            let mut losses = 0;
            loop {
                let mut worker = Running::start(home, "worker", None);
                // It dies, or everything is done: whatever comes first.
                loop {
                    match worker.fate() {
                        Some(fate) => {
                            assert_eq!(fate, Fate::Killed, "{}", home.words_of_children());
                            losses += 1;
                            break;
                        }
                        None if told.try_recv() == Err(mpsc::TryRecvError::Disconnected) => {
                            worker.dismiss();
                            return losses;
                        }
                        None => std::thread::sleep(Duration::from_millis(10)),
                    }
                }
            }
        });
        runtime.block_on(async {
            for id in others.iter().chain([&harmful]) {
                let ended = client.wait(*id, Some(Duration::from_secs(30))).await;
                ended.expect("every job should end, the poison job too");
            }
        });
        drop(tell);
        keeper.join().unwrap()
    });
    let read = |id| runtime.block_on(client.find_job(id)).unwrap().unwrap();
    let job = read(harmful);
    assert_eq!(
        (job.status, job.failure_reason),
        (JobStatus::Failed, Some(FailureReason::Unknown)),
        "{job:?}"
    );
    assert_eq!((job.attempts, job.losses), (MAX_LOSSES, MAX_LOSSES), "{job:?}");
    assert!(job.error.as_deref().is_some_and(|error| error.contains("disappeared 3 times")), "{job:?}");
    assert_eq!(losses, MAX_LOSSES, "the poison job took down more workers than it was tried on");
    let spoiled: Vec<_> =
        others.into_iter().map(read).filter(|job| job.status != JobStatus::Complete).collect();
    assert!(spoiled.is_empty(), "jobs that did no harm were given up: {spoiled:?}");
    println!("a poison job took down {losses} workers, then failed; 30 others are complete");
}
