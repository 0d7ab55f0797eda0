//! The connection: one to the server that holds the workspace, shared by all callers of this process and made again when it is
//! lost.
//!
//! All keys of a workspace have one hash tag and so lie on one server, in a cluster too. So every form of deployment comes down to
//! the question which server that is, asked again whenever a connection breaks or a server says that it is another.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::sync::Mutex;
use upnext_core::BackendError;
use upnext_core::backend::Result;

use crate::address::{Address, Kind, Node};
use crate::args::Args;
use crate::library::LIBRARY;
use crate::reply;

/// How long making a connection may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// How long an answer may take. The longest steps remove or promote thousands of jobs.
const ANSWER_PATIENCE: Duration = Duration::from_secs(15);

/// How often a call that did nothing is made again: the library was missing, or the server was the wrong one.
const MOST_RETRIES: usize = 3;

/// No change was looked at yet.
const UNSEEN: i64 = -1;

/// Whether a call whose answer was lost may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Twice is the same as once.
    Harmless,
    /// It may have been carried out: the caller decides.
    Never,
}

/// A connection that works, as far as is known.
#[derive(Clone)]
struct Live {
    connection: MultiplexedConnection,
    client: Client,
    number: u64,
}

/// What is asked of the server.
enum Question<'a> {
    Command(&'a redis::Cmd),
    Reads(&'a redis::Pipeline),
}

impl Question<'_> {
    async fn ask(&self, connection: &mut MultiplexedConnection) -> redis::RedisResult<Vec<Value>> {
        let answers = match self {
            Self::Command(command) => vec![connection.send_packed_command(command).await?],
            Self::Reads(commands) => connection.send_packed_commands(commands, 0, commands.len()).await?,
        };
        let failed = answers.iter().find_map(|answer| match answer {
            Value::ServerError(error) => Some(error.clone()),
            _ => None,
        });
        failed.map_or(Ok(answers), |error| Err(error.into()))
    }
}

/// The call of a function of the library in the workspace with this prefix.
pub(crate) fn function_call(verb: &str, prefix: &str, args: &Args) -> redis::Cmd {
    let mut command = redis::cmd("FCALL");
    command.arg(format!("{}_{verb}", LIBRARY.name)).arg(1).arg(prefix);
    for argument in args.iter() {
        command.arg(argument);
    }
    command
}

/// The last attempt to connect that failed.
struct Failure {
    at: Instant,
    error: BackendError,
}

/// The connection to the server that holds the workspace.
pub(crate) struct Link {
    address: Address,
    /// What all keys begin with.
    prefix: String,
    live: RwLock<Option<Live>>,
    connecting: Mutex<(u64, Option<Failure>)>,
    seen: AtomicI64,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("address", &self.address)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl Link {
    pub(crate) fn new(address: Address, prefix: String) -> Self {
        Self {
            address,
            prefix,
            live: RwLock::new(None),
            connecting: Mutex::new((0, None)),
            seen: AtomicI64::new(UNSEEN),
        }
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn shown(&self) -> String {
        self.address.shown()
    }

    /// Calls a function of the library. `args` begin with the moment and the caller's name.
    pub(crate) async fn call(&self, verb: &str, args: &Args, repeat: Repeat) -> Result<Vec<Value>> {
        let command = function_call(verb, &self.prefix, args);
        let mut values = reply::list(self.send(&command, repeat).await?)?;
        if let Some(Value::BulkString(told)) = values.first() {
            let (work, before, after) = read_told(told).ok_or_else(|| reply::unexpected("change"))?;
            // Others may have written since this process last did; then the next look will tell.
            let _ = self.seen.compare_exchange(before, after, Ordering::SeqCst, Ordering::SeqCst);
            values[0] = Value::Int(work);
        }
        Ok(values)
    }

    /// The last change as far as this process has seen them all: it made each one after the last look itself.
    pub(crate) const fn seen(&self) -> &AtomicI64 {
        &self.seen
    }

    /// Sends a command, and makes sure that it reaches the right server with the library in it.
    pub(crate) async fn send(&self, command: &redis::Cmd, repeat: Repeat) -> Result<Value> {
        let answer = self.ask(&Question::Command(command), repeat).await?.pop();
        answer.ok_or_else(|| reply::unexpected("value"))
    }

    /// Sends commands that only read, all at once, and answers in their order. Others may write between two of them.
    pub(crate) async fn read_all(&self, commands: &redis::Pipeline) -> Result<Vec<Value>> {
        self.ask(&Question::Reads(commands), Repeat::Harmless).await
    }

    async fn ask(&self, question: &Question<'_>, repeat: Repeat) -> Result<Vec<Value>> {
        let mut retries = 0;
        loop {
            let mut live = self.connection().await?;
            let error = match question.ask(&mut live.connection).await {
                Ok(answers) => return Ok(answers),
                Err(error) => error,
            };
            retries += 1;
            let failure = Failed::of(&error);
            if failure == Failed::NoLibrary && retries <= MOST_RETRIES {
                load_library(&mut live.connection).await.map_err(|error| self.explain(&error))?;
                continue;
            }
            if matches!(failure, Failed::Lost | Failed::WrongServer) {
                self.forget(live.number);
            }
            let again =
                failure == Failed::WrongServer || (failure == Failed::Lost && repeat == Repeat::Harmless);
            if !again || retries > MOST_RETRIES || (failure == Failed::Lost && retries > 1) {
                return Err(self.explain(&error));
            }
        }
    }

    /// A client of the server that holds the workspace, for connections of one's own.
    pub(crate) async fn client(&self) -> Result<Client> {
        Ok(self.connection().await?.client)
    }

    fn known(&self) -> Option<Live> {
        // A plain value: a panic elsewhere cannot leave it half-changed.
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn forget(&self, number: u64) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if live.as_ref().is_some_and(|live| live.number == number) {
            *live = None;
        }
    }

    async fn connection(&self) -> Result<Live> {
        if let Some(live) = self.known() {
            return Ok(live);
        }
        let asked = Instant::now();
        let mut connecting = self.connecting.lock().await;
        if let Some(live) = self.known() {
            return Ok(live);
        }
        // Whoever waited while somebody else tried in vain has had the answer.
        if let Some(failure) = connecting.1.as_ref().filter(|failure| failure.at >= asked) {
            return Err(failure.error.clone());
        }
        match self.connect(connecting.0 + 1).await {
            Ok(live) => {
                *connecting = (live.number, None);
                *self.live.write().unwrap_or_else(PoisonError::into_inner) = Some(live.clone());
                Ok(live)
            }
            Err(error) => {
                connecting.1 = Some(Failure { at: Instant::now(), error: error.clone() });
                Err(error)
            }
        }
    }

    async fn connect(&self, number: u64) -> Result<Live> {
        let node = match &self.address.kind {
            Kind::Single => self.address.nodes[0].clone(),
            Kind::Sentinel { name } => self.ask_sentinels(name).await?,
            Kind::Cluster => self.ask_cluster().await?,
        };
        let client = self.address.client(&node)?;
        let connection = open(&client).await.map_err(|error| self.explain(&error))?;
        tracing::debug!(server = %self.shown(), node = %format_args!("{}:{}", node.0, node.1), "connected");
        Ok(Live { connection, client, number })
    }

    /// Asks one Sentinel after the other which server is the primary, until one that can be reached knows.
    async fn ask_sentinels(&self, name: &str) -> Result<Node> {
        let mut reason = format!("no Sentinel knows a primary called '{name}'");
        for node in &self.address.nodes {
            let client = self.address.sentinel_client(node)?;
            let mut ask = redis::cmd("SENTINEL");
            ask.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
            let asked = async { open(&client).await?.send_packed_command(&ask).await };
            match asked.await {
                Ok(Value::Array(answer)) => {
                    let mut answer = reply::Reply::new(answer);
                    return Ok((answer.text()?, answer.number()?));
                }
                Ok(_) => {}
                Err(error) => reason = self.explain(&error).to_string(),
            }
        }
        Err(BackendError::Unavailable(format!("{reason} ({})", self.shown())))
    }

    /// Asks one node after the other which one holds the slot of the workspace.
    async fn ask_cluster(&self) -> Result<Node> {
        let mut reason = "no node of the cluster holds the workspace".to_owned();
        for node in &self.address.nodes {
            let client = self.address.client(node)?;
            match find_owner(&client, &self.prefix).await {
                Ok(Some((host, port))) => {
                    return Ok((if host.is_empty() { node.0.clone() } else { host }, port));
                }
                Ok(None) => {}
                Err(error) => reason = self.explain(&error).to_string(),
            }
        }
        Err(BackendError::Unavailable(format!("{reason} ({})", self.shown())))
    }

    /// What an error means to callers. Names the server, without its secrets.
    fn explain(&self, error: &RedisError) -> BackendError {
        let server = self.shown();
        let said = error.detail().map_or_else(|| error.category().to_owned(), str::to_owned);
        match Failed::of(error) {
            Failed::Refused => BackendError::Unusable(format!(
                "{server} refuses this user: {said}; check user and password in the URL, and the user's ACL"
            )),
            Failed::OutOfMemory => BackendError::Full(format!("{server} is out of memory: {said}")),
            Failed::Other => BackendError::Unexpected(format!("{server}: {error}")),
            Failed::Lost | Failed::WrongServer | Failed::NoLibrary => {
                BackendError::Unavailable(format!("{server}: {error}"))
            }
        }
    }
}

/// Whether claimers should look, and the changes before and after a call, as `define` in `step.lua` tells them.
fn read_told(told: &[u8]) -> Option<(i64, i64, i64)> {
    let mut numbers = std::str::from_utf8(told).ok()?.split(' ').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

/// The client's settings for a connection.
async fn open(client: &Client) -> redis::RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_PATIENCE))
        .set_response_timeout(Some(ANSWER_PATIENCE));
    client.get_multiplexed_async_connection_with_config(&config).await
}

async fn load_library(connection: &mut MultiplexedConnection) -> redis::RedisResult<()> {
    let mut load = redis::cmd("FUNCTION");
    load.arg("LOAD").arg(&LIBRARY.text);
    let answer = match connection.send_packed_command(&load).await {
        Ok(Value::ServerError(error)) => Err(error.into()),
        other => other,
    };
    match answer {
        // Somebody else was faster.
        Err(error) if error.to_string().contains("already exists") => Ok(()),
        other => other.map(drop),
    }
}

/// The node that holds the slot of these keys.
async fn find_owner(client: &Client, prefix: &str) -> redis::RedisResult<Option<Node>> {
    let mut connection = open(client).await?;
    let mut slot = redis::cmd("CLUSTER");
    slot.arg("KEYSLOT").arg(prefix);
    let slot: u16 = slot.query_async(&mut connection).await?;
    let mut slots = redis::cmd("CLUSTER");
    slots.arg("SLOTS");
    let ranges: Vec<Vec<Value>> = slots.query_async(&mut connection).await?;
    let owner = |range: Vec<Value>| -> Option<Node> {
        let mut range = reply::Reply::new(range);
        let (first, last): (u16, u16) = (range.number().ok()?, range.number().ok()?);
        let mut primary = reply::Reply::new(range.list().ok().filter(|_| (first..=last).contains(&slot))?);
        let host = primary.value().ok()?;
        // A node that does not know its own address: the one under which it was reached.
        let host = if reply::is_nothing(&host) { String::new() } else { reply::text(host).ok()? };
        Some((host, primary.number().ok()?))
    };
    Ok(ranges.into_iter().find_map(owner))
}

/// What an error says about the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failed {
    /// The server has not got the library; nothing was done.
    NoLibrary,
    /// It is not, or not yet, the server that can do it; nothing was done.
    WrongServer,
    /// The connection is gone, and nobody knows whether the call was carried out.
    Lost,
    /// The user may not do this.
    Refused,
    /// There is no memory for it; nothing was done.
    OutOfMemory,
    /// It should not be possible.
    Other,
}

impl Failed {
    fn of(error: &RedisError) -> Self {
        let code = error.code().unwrap_or_default();
        match error.kind() {
            ErrorKind::AuthenticationFailed => return Self::Refused,
            ErrorKind::Server(
                ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::BusyLoading,
            ) => return Self::WrongServer,
            ErrorKind::Io | ErrorKind::Parse => return Self::Lost,
            _ => {}
        }
        match code {
            "OOM" => Self::OutOfMemory,
            "NOPERM" | "WRONGPASS" | "NOAUTH" => Self::Refused,
            // A server that cannot write its snapshots or log takes no writes; one whose replicas are gone may not either.
            "MISCONF" | "NOREPLICAS" | "BUSY" | "UNBLOCKED" => Self::WrongServer,
            _ if error.to_string().contains("Function not found") => Self::NoLibrary,
            _ if error.is_io_error() || error.is_connection_dropped() || error.is_timeout() => Self::Lost,
            _ => Self::Other,
        }
    }
}
