//! Starts the children, sees how they end, and is what they do themselves.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use upnext::{UpNext, Worker};

use crate::home::Home;
use crate::{full_disk, poison, server, submitters, tasks};

const ROLE: &str = "CRASH_ROLE";

/// A child process. When it is dropped, the child is killed if it still lives.
pub(crate) struct Running {
    child: Child,
    gone: bool,
}

fn binary() -> PathBuf {
    std::env::current_exe().expect("a test knows its own binary")
}

/// What happened to a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// SIGKILL ended it.
    Killed,
    /// It stands still.
    Stopped,
    /// It ended by itself.
    Ended(i32),
}

impl Running {
    pub(crate) fn start(home: &Home, role: &str, fault: Option<&str>) -> Self {
        let mut command = Command::new(binary());
        command.env_clear();
        if let Some(fault) = fault {
            command.env("FAULT_AT", fault);
        }
        Self::spawn(home, command, role)
    }

    /// Starts a child through another command, whose last argument becomes the child's binary.
    pub(crate) fn start_under(home: &Home, mut command: Command, role: &str, data: &Path) -> Self {
        command.arg(binary()).env_clear();
        command.env("UPNEXT_HOME", data).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        Self::spawn(home, command, role)
    }

    fn spawn(home: &Home, mut command: Command, role: &str) -> Self {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(home.log()).unwrap();
        command.args(["--exact", "child", "--nocapture", "--test-threads=1"]).env(ROLE, role);
        for (name, value) in home.vars() {
            if !command.get_envs().any(|(known, _)| known == name.as_str()) {
                command.env(name, value);
            }
        }
        command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        Self { child: command.spawn().expect("the test binary should run itself"), gone: false }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn process(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits until it ends or stands still.
    pub(crate) fn wait(&mut self) -> Fate {
        self.look(WaitOptions::UNTRACED).expect("the child was waited for")
    }

    /// What happened to it by now, if anything.
    pub(crate) fn fate(&mut self) -> Option<Fate> {
        self.look(WaitOptions::UNTRACED | WaitOptions::NOHANG)
    }

    fn look(&mut self, options: WaitOptions) -> Option<Fate> {
        let (_, status) = waitpid(Some(self.process()), options).expect("it is our own child")?;
        if status.stopped() {
            return Some(Fate::Stopped);
        }
        self.gone = true;
        match status.terminating_signal() {
            Some(signal) if signal == Signal::KILL.as_raw() => Some(Fate::Killed),
            Some(signal) => panic!("signal {signal} ended a child"),
            None => Some(Fate::Ended(status.exit_status().unwrap_or(-1))),
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.process(), signal).expect("the child was not waited for yet");
    }

    /// Asks it to stop as one asks a worker, and waits for it.
    pub(crate) fn dismiss(mut self) {
        drop(self.child.stdin.take());
        let fate = self.wait();
        assert_eq!(fate, Fate::Ended(0), "a child did not stop in peace");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.gone {
            let _ = kill_process(self.process(), Signal::KILL);
            let _ = waitpid(Some(self.process()), WaitOptions::empty());
        }
    }
}

/// Does in the child what the environment says.
pub(crate) fn play_role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    tracing_subscriber::fmt().with_writer(|| Words).with_ansi(false).init();
    let home = PathBuf::from(std::env::var("UPNEXT_HOME").expect("the parent names the folder"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        match role.as_str() {
            "worker" => work(&home, 4).await,
            "lone worker" => work(&home, 1).await,
            "submitter" => submitters::submit(&home).await,
            "server" => server::serve(&home).await,
            "full disk" => full_disk::work(&home).await,
            other => panic!("no child has the role '{other}'"),
        }
    });
    // Blocking reads of stdin must not keep a child that is done.
    runtime.shutdown_background();
}

async fn work(home: &Path, concurrency: usize) {
    tasks::keep_ledger(home);
    let app = UpNext::from_env().await.expect("a worker opens whatever the one before it left");
    let worker = Worker::new("crash").concurrency(concurrency).task(tasks::make).task(poison::poison);
    let worker = worker.start(&app).await.unwrap();
    dismissal().await;
    worker.stop(Duration::from_secs(5)).await;
}

/// What the product says in this child: it goes to the parent's log, and can be waited for.
struct Words;

static SAID: Mutex<String> = Mutex::new(String::new());

impl std::io::Write for Words {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        SAID.lock().unwrap().push_str(&String::from_utf8_lossy(bytes));
        std::io::stderr().write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Returns when the product has said this so often in this child.
pub(crate) async fn words(part: &str, times: usize) {
    let until = Instant::now() + Duration::from_secs(30);
    while SAID.lock().unwrap().matches(part).count() < times {
        assert!(Instant::now() < until, "nobody said '{part}' {times} times");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Returns when the parent closes the child's input, or is gone itself.
pub(crate) async fn dismissal() {
    let read = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let _ = read.await;
}
