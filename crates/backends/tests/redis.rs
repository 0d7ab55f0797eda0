//! Settings that name a Redis server open the backend on it.

use upnext_core::client::Submission;
use upnext_core::{FunctionDefinition, JobStatus, RawJson, Settings};
use upnext_testkit::servers::valkey;

fn settings(home: &std::path::Path, vars: &[(&str, &str)]) -> Settings {
    let home = ("UPNEXT_HOME".to_owned(), home.display().to_string());
    let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::from_vars(vars.chain([home])).expect("the test's settings are good").settings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_url_opens_the_workspace_on_it() {
    let folder = tempfile::tempdir().expect("a temporary folder should be made");
    let address = valkey::shared().url.replace("redis://", "valkey://");
    let workspaces = ["ours", "theirs"].map(|name| format!("{name}-{:016x}", fastrand::u64(..)));
    let open = |workspace: &str| {
        let vars = [("UPNEXT_REDIS_URL", address.as_str()), ("UPNEXT_WORKSPACE_ID", workspace)];
        upnext_backends::open(settings(folder.path(), &vars))
    };
    let ours = open(&workspaces[0]).await.expect("the server should open");
    assert_eq!(ours.client.backend().kind(), "redis");
    let task = FunctionDefinition::task("f");
    let kwargs = RawJson::parse("{}").expect("an empty object is JSON");
    let job = ours.client.submit(Submission::to(&task, kwargs)).await.expect("a job should be accepted");
    let again = open(&workspaces[0]).await.expect("the server should open again");
    let found = again.client.find_job(job.id).await.expect("find_job should not fail");
    assert_eq!(found.map(|job| job.status), Some(JobStatus::Queued), "the job is not in its workspace");
    let theirs = open(&workspaces[1]).await.expect("the server should open");
    assert!(theirs.client.find_job(job.id).await.expect("find_job").is_none(), "workspaces see each other");
}

#[tokio::test]
async fn what_cannot_be_opened_says_why_without_the_password() {
    let folder = tempfile::tempdir().expect("a temporary folder should be made");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port should be free");
    let address = listener.local_addr().expect("a bound port has an address");
    drop(listener);
    let url = format!("redis://ada:secret@{address}/0");
    let refused = upnext_backends::open(settings(folder.path(), &[("UPNEXT_REDIS_URL", &url)])).await;
    let error = refused.expect_err("nobody listens there").to_string();
    assert!(error.contains(&address.to_string()) && !error.contains("secret"), "{error}");
}
