//! Looking through indexes, page by page: what lists and figures are put together from.

use redis::Value;
use upnext_core::JobId;
use upnext_core::backend::Result;

use crate::Redis;
use crate::link::Repeat;
use crate::reply::{self, Reply};

/// Most things in one page: so no list holds the server up for longer than a few milliseconds.
pub(crate) const PAGE: usize = 1000;

/// How an index is gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Through {
    /// By the numbers that it sorts by, upwards or downwards.
    Scores { down: bool },
    /// By the bytes of its members, which all have the same number.
    Bytes { down: bool },
    /// By places, counted from 0.
    Places,
}

/// A stretch of an index.
#[derive(Debug, Clone)]
pub(crate) struct Stretch<'a> {
    /// `j:` or `a:`.
    pub(crate) kind: &'static str,
    pub(crate) through: Through,
    pub(crate) index: &'a [u8],
    /// Where to begin and where to end, in the words of ZRANGE.
    pub(crate) from: &'a [u8],
    pub(crate) to: &'a [u8],
    pub(crate) most: usize,
    pub(crate) fields: &'a [&'a str],
}

/// Sixteen bytes at the end of a member: the id.
fn id_of(member: &[u8]) -> &[u8] {
    &member[member.len().saturating_sub(16)..]
}

/// The things of a stretch: each its fields (empty where there is none) and its id. Those that went
/// meanwhile have empty fields alone.
pub(crate) async fn look(redis: &Redis, stretch: &Stretch<'_>) -> Result<Vec<Reply>> {
    let prefix = redis.link.prefix().as_bytes();
    let mut range = redis::cmd("ZRANGE");
    range.arg([prefix, stretch.index].concat()).arg(stretch.from).arg(stretch.to);
    let down = match stretch.through {
        Through::Places => None,
        Through::Scores { down } => Some(("BYSCORE", down)),
        Through::Bytes { down } => Some(("BYLEX", down)),
    };
    if let Some((by, down)) = down {
        range.arg(by);
        if down {
            range.arg("REV");
        }
        range.arg("LIMIT").arg(0).arg(stretch.most);
    }
    let members = reply::list(redis.link.send(&range, Repeat::Harmless).await?)?;
    let members = members.into_iter().map(reply::bytes).collect::<Result<Vec<_>>>()?;
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let mut reads = redis::Pipeline::with_capacity(members.len());
    for member in &members {
        let key = [prefix, stretch.kind.as_bytes(), id_of(member)].concat();
        reads.cmd("HMGET").arg(key).arg(stretch.fields);
    }
    let found = redis.link.read_all(&reads).await?;
    let with_id = |(fields, member): (Value, &Vec<u8>)| {
        let mut fields = reply::list(fields)?;
        let missing = fields.iter_mut().filter(|field| matches!(field, Value::Nil));
        missing.for_each(|field| *field = Value::BulkString(Vec::new()));
        fields.push(Value::BulkString(id_of(member).to_vec()));
        Ok(Reply::new(fields))
    };
    found.into_iter().zip(&members).map(with_id).collect()
}

/// Everything that is stored of these jobs, in their order; nothing of unknown ones.
pub(crate) async fn read_jobs(redis: &Redis, ids: &[JobId]) -> Result<Vec<Vec<Value>>> {
    let prefix = redis.link.prefix().as_bytes();
    let mut jobs = Vec::with_capacity(ids.len());
    // Arguments may be large: more jobs are read at once while they turn out to be small.
    let (mut left, mut most) = (ids, FIRST_READ);
    while !left.is_empty() {
        let (these, rest) = left.split_at(most.min(left.len()));
        let mut reads = redis::Pipeline::with_capacity(these.len());
        for id in these {
            reads.cmd("HGETALL").arg([prefix, b"j:", id.as_bytes()].concat());
        }
        let before = jobs.len();
        for job in redis.link.read_all(&reads).await? {
            jobs.push(reply::list(job)?);
        }
        let size = jobs[before..].iter().flatten().map(size_of_value).sum::<usize>();
        most = if size < LARGE { (most * 4).min(PAGE) } else { FIRST_READ };
        left = rest;
    }
    Ok(jobs)
}

/// How many jobs are read at once to begin with.
const FIRST_READ: usize = 64;

/// Answers of this many bytes are not asked for in larger pieces.
const LARGE: usize = 1 << 20;

fn size_of_value(value: &Value) -> usize {
    match value {
        Value::BulkString(bytes) => bytes.len(),
        _ => 0,
    }
}

/// How many members each of these indexes has.
pub(crate) async fn sizes(redis: &Redis, indexes: &[String]) -> Result<Vec<u64>> {
    let mut args = redis.now.begin();
    args.each(indexes);
    let mut reply = Reply::new(redis.link.call("sizes", &args, Repeat::Harmless).await?);
    reply.value()?;
    let mut sizes = Reply::new(reply.list()?);
    let mut read = Vec::with_capacity(indexes.len());
    while !sizes.is_empty() {
        read.push(sizes.number::<i64>()?.unsigned_abs());
    }
    Ok(read)
}
